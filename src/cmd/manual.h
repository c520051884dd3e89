#pragma once

#include <span>
#include <string>

#include "cmd/command.h"

namespace redline {

/// redline(1) in roff: `redline man | man -l -`.
std::string overviewManual(std::span<const Command> commands);

/// redline-driver(1) and so on.
std::string commandManual(const Command& command);

}  // namespace redline
