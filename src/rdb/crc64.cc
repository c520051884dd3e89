#include "rdb/crc64.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

namespace redline {
namespace {

constexpr std::uint64_t kReflected = 0x95ac9329ac4bc9b5;
constexpr std::size_t kSlices = 16;
using Tables = std::array<std::array<std::uint64_t, 256>, kSlices>;

/// [i][b]: the CRC of byte b with i zero bytes behind it.
constexpr Tables makeTables() {
  Tables tables{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReflected : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t i = 1; i < kSlices; ++i)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint64_t shorter = tables[i - 1][byte];
      tables[i][byte] = (shorter >> 8) ^ tables[0][shorter & 0xff];
    }
  return tables;
}

constexpr Tables kTables = makeTables();

std::uint64_t word(const char* bytes) noexcept {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// The CRC of eight bytes with `behind` zero bytes behind them.
std::uint64_t slice(std::uint64_t bytes, std::size_t behind) noexcept {
  std::uint64_t crc = 0;
  for (std::size_t i = 0; i < 8; ++i) crc ^= kTables[behind + 7 - i][(bytes >> (8 * i)) & 0xff];
  return crc;
}

}  // namespace

// "Slicing-by-16" (after Kounavis and Berry 2005): sixteen look-ups that do not wait for each
// other.
std::uint64_t crc64(std::uint64_t crc, std::string_view bytes) noexcept {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kSlices; at += kSlices, left -= kSlices)
    crc = slice(word(at) ^ crc, 8) ^ slice(word(at + 8), 0);
  for (; left != 0; ++at, --left)
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xff];
  return crc;
}

}  // namespace redline
