#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace redline {

/// Key id ↔ key bytes: id 42 is `obj:42`, decimal, no leading zeros.
inline constexpr std::string_view kKeyPrefix = "obj:";
/// The longest key, in bytes: the prefix and the 20 digits of 2^64 − 1.
inline constexpr std::size_t kMaxKeyLength = 24;

namespace detail {

/// Powers of ten; [0] is 0 so that the number 0 counts as one digit.
inline constexpr auto kPowersOfTen = [] {
  std::array<std::uint64_t, 20> powers{};
  std::uint64_t power = 1;
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = power *= 10;
  return powers;
}();

/// The eight decimal digits of `value` < 10^8, leading zeros included, as the bytes of a word whose
/// lowest byte is the first digit. The halves, then the quarters, then the eighths are divided side
/// by side: 10486 / 2^20 and 103 / 2^10 are 1/100 and 1/10 to as many places as these ranges need.
constexpr std::uint64_t eightDigits(std::uint32_t value) noexcept {
  std::uint64_t x = value / 10000 + (std::uint64_t{value % 10000} << 32);
  const std::uint64_t hundreds = ((x * 10486) >> 20) & 0x0000007f0000007f;
  x = hundreds + ((x - hundreds * 100) << 16);
  const std::uint64_t tens = ((x * 103) >> 10) & 0x000f000f000f000f;
  x = tens + ((x - tens * 10) << 8);
  return x + 0x3030303030303030;
}

}  // namespace detail

/// Decimal digits of `value`, 1 … 20.
constexpr std::size_t digitsOf(std::uint64_t value) noexcept {
  // 1233 / 4096 ≈ log10(2): a guess that is right or one too low.
  const auto guess = static_cast<std::size_t>(std::bit_width(value | 1)) * 1233 >> 12;
  return guess + (value >= detail::kPowersOfTen[guess] ? 1 : 0);
}

/// Writes the `digits` == digitsOf(value) digits of `value`. Works in words of 8: `out` needs room
/// for that many bytes at least, and those beyond the digits are left undefined.
inline void writeDigits(char* out, std::uint64_t value, std::size_t digits) noexcept {
  static_assert(std::endian::native == std::endian::little);
  constexpr std::uint64_t kGroup = 100'000'000;
  if (value >= kGroup) {
    writeDigits(out, value / kGroup, digits - 8);
    out += digits - 8;
    value %= kGroup;
    digits = 8;
  }
  const std::uint64_t word = detail::eightDigits(static_cast<std::uint32_t>(value));
  const std::uint64_t shifted = word >> (8 * (8 - digits));
  std::memcpy(out, &shifted, sizeof shifted);
}

/// Length of id's key in bytes.
constexpr std::size_t keyLength(std::uint64_t id) noexcept {
  return kKeyPrefix.size() + digitsOf(id);
}

/// Writes the key of `id`, not terminated, and returns its length. `out` needs room for
/// kMaxKeyLength bytes whatever the key: up to 7 of those that follow it are left undefined.
inline std::size_t writeKey(char* out, std::uint64_t id) noexcept {
  const std::size_t digits = digitsOf(id);
  std::memcpy(out, kKeyPrefix.data(), kKeyPrefix.size());
  writeDigits(out + kKeyPrefix.size(), id, digits);
  return kKeyPrefix.size() + digits;
}

/// The id whose key this is; empty for anything that writeKey() would not have written.
std::optional<std::uint64_t> parseKey(std::string_view key) noexcept;

/// `big:hash:0`, `big:list:0`: the deliberately large keys of the O(N) experiments.
std::string bigHashKey(std::uint64_t id);
std::string bigListKey(std::uint64_t id);

}  // namespace redline
