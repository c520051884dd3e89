#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/command.h"

namespace redline {

/// Breaks `text` at blanks into lines of at most `width` characters; a longer word stands alone.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// A flag with its alternatives, "-policy a|b|c", in lines of at most `width` that end at a bar.
std::vector<std::string> wrapChoices(std::string_view text, std::size_t width);

/// A shell's line in lines of at most `width`, broken at blanks outside quotes; all but the last
/// end in " \\", so that it can be copied as it stands.
std::vector<std::string> wrapShellLine(std::string_view line, std::size_t width);

/// How help writes a flag's value: "SIZE", "uniform|zipfian"; empty for a boolean.
std::string placeholder(const FlagSpec& flag);

/// Units, default and example: "default 100, e.g. 4KB".
std::string valueNotes(const FlagSpec& flag);

/// "redline stack up|down|status [node] [flags]".
std::string usageLine(const Command& command);

/// The groups of a command's flags, in the order of their first flag.
std::vector<std::string_view> groupsOf(const Command& command);

}  // namespace redline
