#pragma once

#include <span>
#include <string_view>

#include "cmd/command.h"

namespace redline {

// One function for each sub-command, in the file of its name.
Command loaderCommand();
Command driverCommand();
Command chaosCommand();
Command stackCommand();
Command labCommand();
Command reportCommand();
Command compareCommand();
Command doctorCommand();
Command topCommand();
Command planCommand();

// In about.cc: commands about redline itself.
Command helpCommand();
Command manCommand();
Command completionsCommand();
Command versionCommand();

/// All sub-commands, in the order in which help lists them.
std::span<const Command> commands();

/// nullptr when there is none of that name.
const Command* findCommand(std::string_view name);

}  // namespace redline
