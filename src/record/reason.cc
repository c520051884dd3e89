#include "record/reason.h"

#include <algorithm>
#include <array>

namespace redline {
namespace {

struct CodeWords {
  std::string_view name, label;
  bool passing = false;
};

// In the order of the enumerators.
constexpr std::array<CodeWords, 16> kCodes{{
    {"generator-bound", "generator at its limit"},
    {"core-taken", "core taken", true},
    {"behind-schedule", "behind schedule", true},
    {"backlog-full", "backlog full"},
    {"server-lost", "server lost"},
    {"nothing-completed", "nothing completed"},
    {"operations-lost", "operations lost"},
    {"unanswered", "no reply"},
    {"unserved", "not served"},
    {"nothing-measured", "nothing measured"},
    {"strange-replies", "strange replies"},
    {"stolen-time", "stolen time", true},
    {"corrupt-values", "corrupt values"},
    {"keys-evicted", "keys evicted"},
    {"ended", "ended early"},
    {"other", "invalid"},
}};
static_assert(kCodes.size() == static_cast<std::size_t>(ReasonCode::other) + 1);

const CodeWords& wordsOf(ReasonCode code) {
  return kCodes[static_cast<std::size_t>(code)];
}

}  // namespace

std::string_view nameOf(ReasonCode code) {
  return wordsOf(code).name;
}

ReasonCode reasonCodeFrom(std::string_view name) {
  const auto* const found = std::ranges::find(kCodes, name, &CodeWords::name);
  return found == kCodes.end() ? ReasonCode::other
                               : static_cast<ReasonCode>(found - kCodes.begin());
}

std::string_view labelOf(ReasonCode code) {
  return wordsOf(code).label;
}

bool isPassing(ReasonCode code) {
  return wordsOf(code).passing;
}

bool allPassing(const Reasons& reasons) {
  return !reasons.empty() && std::ranges::all_of(reasons, isPassing, &Reason::code);
}

std::vector<std::string> textsOf(const Reasons& reasons) {
  std::vector<std::string> texts;
  texts.reserve(reasons.size());
  for (const Reason& reason : reasons) texts.push_back(reason.text);
  return texts;
}

std::vector<std::string> codesOf(const Reasons& reasons) {
  std::vector<std::string> codes;
  codes.reserve(reasons.size());
  for (const Reason& reason : reasons) codes.emplace_back(nameOf(reason.code));
  return codes;
}

Reasons reasonsFrom(std::vector<std::string> texts, const std::vector<std::string>& codes) {
  Reasons reasons;
  for (std::size_t i = 0; i < texts.size(); ++i)
    reasons.push_back(
        {i < codes.size() ? reasonCodeFrom(codes[i]) : ReasonCode::other, std::move(texts[i])});
  return reasons;
}

}  // namespace redline
