#pragma once

#include <cstdint>
#include <limits>

namespace redline {

/// A figure that was not measured.
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// part / whole; 0 when `whole` is 0.
constexpr double shareOf(std::uint64_t part, std::uint64_t whole) noexcept {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace redline
