#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace redline {

/// The lines of `text` without their newlines; line n of the file is element n − 1. Our files end
/// every line with one, so a last line without it was torn by a crash: it is left out and
/// `warnings` says so, naming the file `name`.
std::vector<std::string_view> wholeLines(std::string_view text, std::string_view name,
                                         std::vector<std::string>& warnings);

}  // namespace redline
