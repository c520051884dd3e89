#pragma once

#include <optional>
#include <string>
#include <vector>

namespace redline {

/// One text for several that are equal but for figures, which become ranges: "100 MB, 5.9 – 6.2% of
/// it used". Figures are decimal numbers, with k, M, G or %, or with a unit of bytes or of time as
/// the next word. None: they differ in more.
std::optional<std::string> withRanges(const std::vector<std::string>& texts);

}  // namespace redline
