#pragma once

#include <span>
#include <string>

#include "cmd/command.h"

namespace redline {

/// `source <(redline completions bash)`: sub-commands, flags, and the values of choices.
std::string bashCompletions(std::span<const Command> commands);

/// The same for zsh, as a file `_redline` on the fpath.
std::string zshCompletions(std::span<const Command> commands);

}  // namespace redline
