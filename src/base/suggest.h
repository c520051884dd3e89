#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace redline {

/// How many single-character slips (insert, delete, replace, swap neighbours) turn `a` into `b`.
std::size_t editDistance(std::string_view a, std::string_view b);

/// The candidate closest to `typed`; empty when none is close.
std::string_view closest(std::string_view typed, std::span<const std::string_view> candidates);

/// ": did you mean PREFIXkeys?", to end a message with; empty when no candidate is close.
std::string didYouMean(std::string_view typed, std::span<const std::string_view> candidates,
                       std::string_view prefix = "");
/// The same; when none is close, ": use a, b or c".
std::string didYouMeanOrUse(std::string_view typed, std::span<const std::string_view> candidates);

/// "a, b or c".
std::string alternatives(std::span<const std::string_view> words);

}  // namespace redline
