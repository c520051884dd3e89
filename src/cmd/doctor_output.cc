#include "cmd/doctor_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "base/text.h"
#include "cmd/text.h"
#include "doctor/report_json.h"

namespace redline {
namespace {

constexpr std::size_t kNarrowestText = 48, kWidest = 110;  // as help's
constexpr std::size_t kLabel = 10;
constexpr std::size_t kLongest = 400;  ///< of a text of a server: a slow command has its arguments

struct SeverityStyle {
  std::string_view heading, colour;
};
constexpr std::array<SeverityStyle, 4> kStyles{{{"DANGEROUS", "\x1b[31m"},
                                                {"COSTS LATENCY", "\x1b[33m"},
                                                {"UNKNOWN", "\x1b[90m"},
                                                {"FINE", "\x1b[32m"}}};
constexpr std::string_view kPlain = "\x1b[0m";

std::string subjectOf(const CheckResult& result) {
  return result.subject.empty() ? std::string("this machine") : printable(result.subject);
}

class DoctorPage {
 public:
  explicit DoctorPage(const DoctorStyle& style)
      : width_(std::clamp(style.width, kNarrowestText, kWidest)), coloured_(style.coloured) {}

  void severity(Severity severity) {
    const SeverityStyle& style = kStyles[static_cast<std::size_t>(severity)];
    text_ += coloured_ ? fmt::format("{}{}{}{}\n", text_.empty() ? "" : "\n", style.colour,
                                     style.heading, kPlain)
                       : fmt::format("{}{}\n", text_.empty() ? "" : "\n", style.heading);
  }

  /// Results of one check and one severity: what they share is said once.
  void group(const std::vector<const CheckResult*>& results) {
    const Diagnosis& first = results.front()->judgement;
    line(fmt::format("  {}", results.front()->title));
    for (const CheckResult* result : results)
      row("evidence", fmt::format("{}: {}", subjectOf(*result),
                                  printable(result->judgement.evidence, kLongest)));
    if (!first.effect.empty()) row("effect", first.effect);
    if (first.severity != Severity::unknown) price(first.price);
    for (const CheckResult* result : results)
      for (const std::string& fix : result->judgement.fix)
        if (shown_.empty() || std::ranges::find(shown_, fix) == shown_.end()) {
          command(shown_.empty() ? (first.severity == Severity::unknown ? "to know" : "fix") : "",
                  printable(fix, kLongest));
          shown_.push_back(fix);
        }
    shown_.clear();
  }

  void good(const CheckResult& result) {
    constexpr std::size_t kTitle = 28;
    const std::string begin = fmt::format("  {:<{}}", result.title, kTitle - 2);
    hanging(begin, kTitle,
            fmt::format("{}{}", result.subject.empty() ? "" : subjectOf(result) + ": ",
                        printable(result.judgement.evidence, kLongest)));
  }

  void line(std::string_view text) { text_ += fmt::format("{}\n", text); }
  std::string take() { return std::move(text_); }

 private:
  void price(const Price* price) {
    if (price == nullptr) return row("price", "redline has not measured it");
    row("price", fmt::format("{} ({}: {})", price->text, price->origin, price->file));
  }

  void row(std::string_view label, std::string_view text) {
    hanging(fmt::format("    {:<{}}", label, kLabel), 4 + kLabel, text);
  }

  /// A line to be copied is not wrapped.
  void command(std::string_view label, std::string_view text) {
    line(fmt::format("    {:<{}}{}", label, kLabel, text));
  }

  void hanging(std::string begin, std::size_t indent, std::string_view text) {
    for (const std::string& each : wrap(text, width_ - indent)) {
      line(begin + each);
      begin.assign(indent, ' ');
    }
  }

  std::size_t width_;
  bool coloured_;
  std::string text_;
  std::vector<std::string> shown_;
};

}  // namespace

std::string doctorText(const std::vector<CheckResult>& results, const DoctorStyle& style) {
  DoctorPage page(style);
  std::array<std::size_t, kStyles.size()> counts{};
  for (auto at = results.begin(); at != results.end();) {
    const Severity severity = at->judgement.severity;
    if (counts[static_cast<std::size_t>(severity)] == 0) page.severity(severity);
    std::vector<const CheckResult*> group;
    for (; at != results.end() && at->judgement.severity == severity &&
           (group.empty() || at->check == group.front()->check);
         ++at) {
      ++counts[static_cast<std::size_t>(severity)];
      if (severity == Severity::fine)
        page.good(*at);
      else
        group.push_back(&*at);
      if (severity == Severity::fine) group.clear();
    }
    if (!group.empty()) page.group(group);
  }
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] != 0)
      parts.push_back(fmt::format("{} {}", counts[i], nameOf(static_cast<Severity>(i))));
  page.line(fmt::format("\n{}", fmt::join(parts, ", ")));
  return page.take();
}

}  // namespace redline
