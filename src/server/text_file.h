#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace redline {

/// A whole small file, such as those of /proc; none when it cannot be read.
std::optional<std::string> readTextFile(const std::filesystem::path& path);
/// Replaces a file in one step: readers see the old text or the new, and a crash leaves one of
/// them.
Status writeTextFile(const std::filesystem::path& path, std::string_view text);

std::string trimmed(std::string_view text);
std::vector<std::string> linesOf(std::string_view text);
/// The pieces between blanks.
std::vector<std::string_view> wordsOf(std::string_view line);

}  // namespace redline
