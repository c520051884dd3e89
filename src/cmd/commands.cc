#include "cmd/commands.h"

#include <algorithm>
#include <vector>

namespace redline {

std::span<const Command> commands() {
  static const std::vector<Command> kCommands{
      // clang-format off: one line each, so that additions do not conflict
      stackCommand(),
      loaderCommand(),
      driverCommand(),
      chaosCommand(),
      labCommand(),
      reportCommand(),
      compareCommand(),
      doctorCommand(),
      topCommand(),
      planCommand(),
      helpCommand(),
      manCommand(),
      completionsCommand(),
      versionCommand(),
      // clang-format on
  };
  return kCommands;
}

const Command* findCommand(std::string_view name) {
  const auto all = commands();
  const auto found = std::ranges::find(all, name, &Command::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace redline
