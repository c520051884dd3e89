#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace redline {

/// The hash slots of every Redis Cluster: 0 … 16383.
inline constexpr std::size_t kSlots = 16384;

namespace detail {

/// CRC-16/XMODEM: polynomial x^16 + x^12 + x^5 + 1, no reflection, initial value 0.
inline constexpr auto kCrc16 = [] {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000U) != 0 ? (crc << 1) ^ 0x1021U : crc << 1;
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}();

}  // namespace detail

/// CRC-16/XMODEM of the bytes, as the Redis Cluster specification (appendix A) has it.
constexpr std::uint16_t crc16(std::string_view bytes) noexcept {
  unsigned crc = 0;
  for (const char byte : bytes)
    crc = ((crc << 8) & 0xffffU) ^ detail::kCrc16[(crc >> 8) ^ static_cast<unsigned char>(byte)];
  return static_cast<std::uint16_t>(crc);
}

/// What of a key decides its slot: what stands between the first `{` and the first `}` behind it,
/// where both are there and something is between them; else the whole key.
constexpr std::string_view hashedPart(std::string_view key) noexcept {
  const std::size_t open = key.find('{');
  if (open == std::string_view::npos) return key;
  const std::size_t close = key.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

/// The slot of a key: what CLUSTER KEYSLOT answers.
constexpr std::uint16_t hashSlot(std::string_view key) noexcept {
  return crc16(hashedPart(key)) % kSlots;
}

}  // namespace redline
