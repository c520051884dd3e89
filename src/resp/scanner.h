#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace redline {

/// The first byte of a RESP2 or RESP3 reply.
enum class ReplyType : char {
  simple = '+',
  error = '-',
  integer = ':',
  bulk = '$',
  array = '*',
  null = '_',
  boolean = '#',
  floating = ',',
  bigNumber = '(',
  bulkError = '!',
  verbatim = '=',
  map = '%',
  set = '~',
  attribute = '|',
  push = '>',
};

/// One whole top-level reply, as a view into the bytes it was found in.
struct ReplyView {
  ReplyType type = ReplyType::null;
  bool isNull = false;       ///< `$-1`, `*-1` or `_`
  std::string_view payload;  ///< scalars: the text without framing; aggregates: the elements' bytes
  std::uint64_t elements = 0;  ///< aggregates: how many (pairs, for maps)
  std::size_t size = 0;        ///< bytes of the whole reply, framing included

  bool isError() const noexcept { return type == ReplyType::error || type == ReplyType::bulkError; }
};

/// Finds where replies end, in bytes that arrive in any pieces. It keeps no bytes: the caller shows
/// it the same beginning again with more behind it, and it continues where it stopped, so a reply
/// of n bytes costs O(n) however it is cut. Safe on any input.
class ReplyScanner {
 public:
  enum class Status : std::uint8_t {
    complete,   ///< `reply` is set; drop reply.size bytes before the next call
    needMore,   ///< call again with at least one more byte
    malformed,  ///< not RESP; the connection is unusable
  };

  /// `bytes` starts at the first byte of the reply that is being scanned.
  Status next(std::string_view bytes, ReplyView& reply) noexcept {
    if (position_ == 0 && fast(bytes, reply)) {
      searched_ = 0;  // general() may have looked at the beginning of this reply before
      return Status::complete;
    }
    return general(bytes, reply);
  }

  /// Drops a half-scanned reply: for a new connection.
  void reset() noexcept { *this = ReplyScanner{}; }

  /// Longer replies are treated as garbage (Redis's own proto-max-bulk-len is 512 MB).
  static constexpr std::uint64_t kMaxBulk = std::uint64_t{1} << 32;
  static constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 32;
  static constexpr std::size_t kMaxLine = 64 * 1024;

 private:
  bool fast(std::string_view bytes, ReplyView& reply) noexcept;
  Status general(std::string_view bytes, ReplyView& reply) noexcept;
  Status element(std::string_view bytes, ReplyView& top) noexcept;

  std::size_t position_ = 0;         // start of the element that is being scanned
  std::size_t searched_ = 0;         // how far behind position_ no line end was found
  std::uint64_t remaining_ = 1;      // elements still to come, this one included
  std::uint64_t attributeOwed_ = 0;  // of those, children of an attribute in front of the reply
  bool topDone_ = false;             // the reply's own header has been read
  ReplyView top_;                    // as far as known; payload is set at the end
  std::size_t payloadAt_ = 0;
};

/// A whole `$<n>\r\n…\r\n` with a short header, or a short `+…\r\n`: the usual replies of a load
/// test.
inline bool ReplyScanner::fast(std::string_view bytes, ReplyView& reply) noexcept {
  if (bytes.size() < 5) return false;
  const char* at = bytes.data();
  if (*at == '$') {
    std::size_t length = 0;
    std::size_t i = 1;
    for (; i < 8 && i < bytes.size() && at[i] >= '0' && at[i] <= '9'; ++i)
      length = length * 10 + static_cast<std::size_t>(at[i] - '0');
    const std::size_t size = i + 2 + length + 2;
    if (i == 1 || bytes.size() < size || at[i] != '\r' || at[i + 1] != '\n' ||
        at[size - 2] != '\r' || at[size - 1] != '\n')
      return false;
    reply = {ReplyType::bulk, false, {at + i + 2, length}, 0, size};
    return true;
  }
  if (at[0] == '+' && at[1] == 'O' && at[2] == 'K' && at[3] == '\r' && at[4] == '\n') {
    reply = {ReplyType::simple, false, {at + 1, 2}, 0, 5};
    return true;
  }
  return false;
}

}  // namespace redline
