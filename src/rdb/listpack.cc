#include "rdb/listpack.h"

#include <array>
#include <cstdint>

namespace redline {
namespace {

// Redis's listpack.c: u32 bytes in all, u16 elements, the entries, 0xff. An entry is its string's
// length, the string, and the length of both together, which is read from behind.

constexpr char kEnd = '\xff';
constexpr std::size_t kShort = 64, kMedium = 4096;  // lengths of 6 and of 12 bits

std::size_t headSize(std::size_t length) noexcept {
  return length < kShort ? 1 : length < kMedium ? 2 : 5;
}

/// Bytes of the length that is read from behind: seven bits each. Redis takes one more at 2^14 − 1,
/// 2^21 − 1 and 2^28 − 1 already.
std::size_t tailSize(std::size_t entry) noexcept {
  constexpr std::array<std::size_t, 4> kFirstTooLong{128, 16383, 2097151, 268435455};
  std::size_t bytes = 1;
  for (const std::size_t limit : kFirstTooLong) bytes += entry >= limit ? 1 : 0;
  return bytes;
}

void appendLittle(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

void appendHead(std::string& out, std::size_t length) {
  if (length < kShort) {
    out.push_back(static_cast<char>(0x80 | length));
  } else if (length < kMedium) {
    out.push_back(static_cast<char>(0xe0 | length >> 8));
    out.push_back(static_cast<char>(length));
  } else {
    out.push_back('\xf0');
    appendLittle(out, length, 4);
  }
}

void appendTail(std::string& out, std::size_t entry) {
  const std::size_t bytes = tailSize(entry);
  for (std::size_t i = 0; i < bytes; ++i) {
    const std::size_t group = entry >> (7 * (bytes - 1 - i)) & 0x7f;
    out.push_back(static_cast<char>(i == 0 ? group : group | 0x80));
  }
}

}  // namespace

std::size_t listpackEntrySize(std::size_t length) noexcept {
  const std::size_t entry = headSize(length) + length;
  return entry + tailSize(entry);
}

void appendListpack(std::string& out, std::span<const std::string_view> elements) {
  std::size_t bytes = kListpackFrame;
  for (const std::string_view element : elements) bytes += listpackEntrySize(element.size());
  appendLittle(out, bytes, 4);
  appendLittle(out, elements.size(), 2);
  for (const std::string_view element : elements) {
    appendHead(out, element.size());
    out.append(element);
    appendTail(out, headSize(element.size()) + element.size());
  }
  out.push_back(kEnd);
}

}  // namespace redline
