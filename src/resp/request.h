#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace redline {

// Requests of the hot path, written straight into the send buffer. Each function writes at `out`
// and returns the first byte behind; the caller has made room for kRequestOverhead + key + value.

/// What GET and SET with an expiry add to the key's and the value's own bytes, at most.
inline constexpr std::size_t kRequestOverhead = 96;

namespace detail {

inline char* put(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

inline char* putDecimal(char* out, std::uint64_t value) noexcept {
  std::array<char, 20> digits;
  std::size_t at = digits.size();
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  const std::size_t length = digits.size() - at;
  std::memcpy(out, digits.data() + at, length);
  return out + length;
}

/// "$<length>\r\n"
inline char* putBulkHeader(char* out, std::size_t length) noexcept {
  *out++ = '$';
  if (length < 10) {
    *out++ = static_cast<char>('0' + length);
  } else if (length < 100) {
    *out++ = static_cast<char>('0' + length / 10);
    *out++ = static_cast<char>('0' + length % 10);
  } else {
    out = putDecimal(out, length);
  }
  return put(out, "\r\n");
}

inline char* putBulk(char* out, std::string_view text) noexcept {
  return put(put(putBulkHeader(out, text.size()), text), "\r\n");
}

}  // namespace detail

/// ASKING: the next command may ask for a slot that is on its way to the node.
inline char* encodeAsking(char* out) noexcept {
  return detail::put(out, "*1\r\n$6\r\nASKING\r\n");
}

/// GET key
inline char* encodeGet(char* out, std::string_view key) noexcept {
  return detail::putBulk(detail::put(out, "*2\r\n$3\r\nGET\r\n"), key);
}

/// PTTL key
inline char* encodePttl(char* out, std::string_view key) noexcept {
  return detail::putBulk(detail::put(out, "*2\r\n$4\r\nPTTL\r\n"), key);
}

/// SET key value, up to where the value begins: write `valueSize` bytes there, then call endSet().
inline char* beginSet(char* out, std::string_view key, std::size_t valueSize,
                      bool expires) noexcept {
  out = detail::put(out, expires ? "*5\r\n$3\r\nSET\r\n" : "*3\r\n$3\r\nSET\r\n");
  return detail::putBulkHeader(detail::putBulk(out, key), valueSize);
}
inline char* endSet(char* out) noexcept {
  return detail::put(out, "\r\n");
}
/// … PXAT unixMillis, for a SET that was begun with `expires`.
inline char* endSet(char* out, std::uint64_t unixMillis) noexcept {
  out = detail::put(out, "\r\n$4\r\nPXAT\r\n");
  std::array<char, 20> digits;
  const char* end = detail::putDecimal(digits.data(), unixMillis);
  return detail::putBulk(out, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

/// MSET with `pairs` keys: then beginMsetPair(), the value and endSet() for each.
inline char* beginMset(char* out, std::size_t pairs) noexcept {
  out = detail::putDecimal(detail::put(out, "*"), 1 + 2 * pairs);
  return detail::put(out, "\r\n$4\r\nMSET\r\n");
}
inline char* beginMsetPair(char* out, std::string_view key, std::size_t valueSize) noexcept {
  return detail::putBulkHeader(detail::putBulk(out, key), valueSize);
}

}  // namespace redline
