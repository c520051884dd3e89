#include "server/stack_settings.h"

#include <algorithm>

namespace redline {
namespace {

const std::string* valueIn(const StackSettings& settings, const std::string& flag) {
  const auto found = std::ranges::find(settings, flag, &std::pair<std::string, std::string>::first);
  return found == settings.end() ? nullptr : &found->second;
}

std::string shown(const std::string& flag, const std::string& value) {
  return value.empty() ? fmt::format("without -{}", flag) : fmt::format("with -{}={}", flag, value);
}

}  // namespace

Status checkSettings(const std::string& stack, const StackSettings& known,
                     std::span<const StackSetting> wanted) {
  for (const StackSetting& each : wanted) {
    const std::string* const value = valueIn(known, each.flag);
    if (!each.given || value == nullptr || *value == each.value) continue;
    return fail(ErrorCode::unsafe,
                "stack {0} is up already, {1} and not {2}: stop it first with `redline stack down "
                "{0}`, or choose another -name",
                stack, shown(each.flag, *value), shown(each.flag, each.value));
  }
  return {};
}

StackSettings joinSettings(StackSettings known, std::span<const StackSetting> wanted) {
  for (const StackSetting& each : wanted)
    if (valueIn(known, each.flag) == nullptr) known.emplace_back(each.flag, each.value);
  return known;
}

}  // namespace redline
