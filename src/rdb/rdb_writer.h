#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace redline {

/// The version of the RDB format that a Redis of this version writes ("7.0.15": 10); none where
/// that is not known, or where what RdbWriter writes is newer.
std::optional<unsigned> rdbVersionOf(std::string_view redisVersion);

/// Writes an RDB file: database 0 with strings, hashes and lists. Sans-I/O: bytes gather here until
/// the caller has written pending() somewhere and says so by drain().
///
///     begin → entries in any order → end
///
/// A key is written once. Expiry is an absolute Unix time in milliseconds; kNeverExpires: none.
class RdbWriter {
 public:
  static constexpr std::int64_t kNeverExpires = -1;
  /// What an entry needs besides its key and value, at most: expiry, type, two lengths.
  static constexpr std::size_t kEntryOverhead = 9 + 1 + 2 * 9;

  explicit RdbWriter(unsigned version = 10) : version_(version) {}

  /// `keys` and `expiring` are hints: the server makes its hash tables for so many at once. Fewer
  /// or more may come.
  void begin(std::uint64_t keys, std::uint64_t expiring);

  void string(std::string_view key, std::string_view value, std::int64_t expireAt = kNeverExpires);
  /// The same for a value that is made in place: room for its `size` bytes, to be filled before the
  /// next call of anything here.
  char* beginString(std::string_view key, std::size_t size, std::int64_t expireAt = kNeverExpires);

  /// A hash: `fields` calls of field() follow, at least one, of different names.
  void beginHash(std::string_view key, std::uint64_t fields, std::int64_t expireAt = kNeverExpires);
  void field(std::string_view name, std::string_view value);

  /// A list of at least one element, in nodes of 8 KB as Redis makes them by default.
  void list(std::string_view key, std::span<const std::string_view> elements,
            std::int64_t expireAt = kNeverExpires);

  /// Closes the file with its checksum.
  void end();

  /// What has not been drained yet.
  std::string_view pending() const noexcept { return {buffer_.get(), size_}; }
  /// pending() is written; its memory is used again.
  void drain() noexcept;
  /// Bytes of the file so far.
  std::uint64_t bytes() const noexcept { return drained_ + size_; }

 private:
  char* reserve(std::size_t bytes);
  void commit(const char* end) noexcept { size_ = static_cast<std::size_t>(end - buffer_.get()); }
  /// Expiry, type and key; room for `more` bytes behind them.
  char* beginEntry(std::uint8_t type, std::string_view key, std::int64_t expireAt,
                   std::size_t more);
  void appendString(std::string_view text);

  unsigned version_;
  std::unique_ptr<char[]> buffer_;
  std::size_t size_ = 0, capacity_ = 0;
  std::uint64_t drained_ = 0;
  std::uint64_t crc_ = 0;  ///< of what was drained
  std::string node_;       ///< scratch: a list's node
};

}  // namespace redline
