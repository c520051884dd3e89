#include "cmd/stack_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace redline {
namespace {

/// They say how `up` goes about it, or name the stack.
constexpr std::array<std::string_view, 5> kOfTheCommand{"name", "format", "force", "config",
                                                        "observe"};

bool isOfTheCommand(std::string_view flag) {
  return std::ranges::find(kOfTheCommand, flag) != kOfTheCommand.end();
}

/// Of what can be added to a stack that is up, and is not asked for.
bool isOfNothing(std::string_view flag, const FlagValues& flags, const StackOptions& options) {
  if (flag.starts_with("observe-")) return !options.observe;
  const bool ofBacking = flag == "backing" || flag.starts_with("postgres-");
  return ofBacking && (!flags.has("backing") || flags.is("backing", "none"));
}

}  // namespace

std::vector<StackSetting> stackSettings(const FlagValues& flags, const StackOptions& options) {
  std::vector<StackSetting> settings;
  for (auto [flag, value] : flags.config()) {
    if (isOfTheCommand(flag) || isOfNothing(flag, flags, options)) continue;
    // What "auto" stands for is known, so that it can be given in figures as well.
    if (flag == "port") value = std::to_string(options.node.port);
    if (flag == "observe-port") value = std::to_string(options.observe->port);
    settings.push_back({flag, value, flags.given(flag)});
  }
  return settings;
}

}  // namespace redline
