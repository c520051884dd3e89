#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "cmd/command.h"

namespace redline {

struct HelpStyle {
  std::size_t width = 80;
  bool bold = false;  ///< headings in bold; only for a terminal
};

/// Columns of the terminal behind a file descriptor; 80 where it does not say.
std::size_t terminalWidth(int fd);

/// The terminal on standard output: its width, and bold unless NO_COLOR is set. 80 and plain where
/// standard output is not a terminal.
HelpStyle terminalStyle();

/// `redline help`: what the program is and its sub-commands.
std::string overviewHelp(std::span<const Command> commands, const HelpStyle& style);

/// `redline help driver`: purpose, flags in groups, examples, exit codes, where to read more.
std::string commandHelp(const Command& command, const HelpStyle& style);

}  // namespace redline
