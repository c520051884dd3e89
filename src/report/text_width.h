#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace redline {

// How much room a text takes in a picture. Pages choose their own sans-serif font, so these are the
// advances of DejaVu Sans, one of the widest: what fits by them fits in others too.

/// Width in the unit of `fontSize`. Characters beyond ASCII count as wide ones.
double textWidth(std::string_view text, double fontSize);

/// `text`, or its beginning and "…" where it is wider than `room`.
std::string fitted(std::string_view text, double fontSize, double room);

/// Lines of at most `room`, broken at blanks and behind hyphens; a word that is wider stands alone.
std::vector<std::string> brokenInto(std::string_view text, double fontSize, double room);

}  // namespace redline
