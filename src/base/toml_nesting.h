#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace redline {

inline constexpr std::size_t kMostTomlNesting = 16;
inline constexpr std::size_t kMostTomlBytes = 1 << 20;

/// The line (from 1) where a TOML text first has a key of more than kMostTomlNesting parts
/// ("a.b.c"), or as many brackets and braces open within each other; none: nowhere. A TOML parser
/// recurses as deep as that, and then has no stack left. Reads the text as a parser does up to its
/// first error; what stands behind an error does not matter.
std::optional<std::size_t> lineNestedTooDeep(std::string_view toml);

}  // namespace redline
