#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace redline {

/// The hash slots of every Redis Cluster: 0 … 16383.
inline constexpr std::size_t kSlots = 16384;

namespace detail {

/// CRC-16/XMODEM: polynomial x^16 + x^12 + x^5 + 1, no reflection, initial value 0. [i][b] is the
/// CRC of byte b with i zero bytes behind it.
inline constexpr auto kCrc16 = [] {
  std::array<std::array<std::uint16_t, 256>, 8> tables{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000U) != 0 ? (crc << 1) ^ 0x1021U : crc << 1;
    tables[0][byte] = static_cast<std::uint16_t>(crc);
  }
  for (std::size_t i = 1; i < tables.size(); ++i)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const unsigned shorter = tables[i - 1][byte];
      tables[i][byte] = static_cast<std::uint16_t>((shorter << 8) ^ tables[0][shorter >> 8]);
    }
  return tables;
}();

}  // namespace detail

/// CRC-16/XMODEM of the bytes, as the Redis Cluster specification (appendix A) has it. Eight bytes
/// at a time, whose look-ups do not wait for each other ("slicing-by-8", Kounavis and Berry 2005).
constexpr std::uint16_t crc16(std::string_view bytes) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  unsigned crc = 0;
  std::size_t i = 0;
  for (; i < bytes.size() % 8; ++i)
    crc = ((crc << 8) & 0xffffU) ^ detail::kCrc16[0][(crc >> 8) ^ at(i)];
  for (; i < bytes.size(); i += 8) {
    const auto& t = detail::kCrc16;
    crc = t[7][(crc >> 8) ^ at(i)] ^ t[6][(crc & 0xffU) ^ at(i + 1)] ^ t[5][at(i + 2)] ^
          t[4][at(i + 3)] ^ t[3][at(i + 4)] ^ t[2][at(i + 5)] ^ t[1][at(i + 6)] ^ t[0][at(i + 7)];
  }
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
