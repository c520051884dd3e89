#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace redline {

/// Bytes of a listpack with no element: its head and its end.
inline constexpr std::size_t kListpackFrame = 7;

/// Bytes that an element of `length` bytes takes in a listpack.
std::size_t listpackEntrySize(std::size_t length) noexcept;

/// Appends a listpack of these strings, fewer than 65535 of them: what a node of a list's quicklist
/// holds. Integers are kept as strings.
void appendListpack(std::string& out, std::span<const std::string_view> elements);

}  // namespace redline
