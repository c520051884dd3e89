#include "rdb/rdb_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "base/text.h"
#include "rdb/crc64.h"
#include "rdb/listpack.h"

namespace redline {
namespace {

static_assert(std::endian::native == std::endian::little, "times and the checksum are copied");

// rdb.h of Redis 7.0.
enum Type : std::uint8_t { kString = 0, kHash = 4, kQuicklist2 = 18 };
enum Opcode : std::uint8_t { kResizeDb = 0xfb, kExpireMs = 0xfc, kSelectDb = 0xfe, kEof = 0xff };
constexpr std::uint8_t kPackedNode = 2;  ///< of a quicklist: a listpack
constexpr std::size_t kLongestLength = 9;
constexpr std::size_t kListNodeBytes = 8192;  ///< list-max-listpack-size -2

char* put(char* at, std::uint8_t byte) noexcept {
  *at = static_cast<char>(byte);
  return at + 1;
}

template <typename Number>
char* putLittle(char* at, Number value) noexcept {
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

template <typename Number>
char* putBig(char* at, Number value) noexcept {
  for (std::size_t i = sizeof value; i-- != 0;)
    at = put(at, static_cast<std::uint8_t>(value >> (8 * i)));
  return at;
}

/// 6, 14, 32 or 64 bits; the first byte says which.
char* putLength(char* at, std::uint64_t length) noexcept {
  if (length < 1U << 6) return put(at, static_cast<std::uint8_t>(length));
  if (length < 1U << 14) return putBig(at, static_cast<std::uint16_t>(0x4000 | length));
  if (length <= UINT32_MAX) return putBig(put(at, 0x80), static_cast<std::uint32_t>(length));
  return putBig(put(at, 0x81), length);
}

char* putText(char* at, std::string_view text) noexcept {
  at = putLength(at, text.size());
  std::copy(text.begin(), text.end(), at);
  return at + text.size();
}

/// The elements by node: each as many as fit into kListNodeBytes, and at least one.
std::vector<std::span<const std::string_view>> nodesOf(std::span<const std::string_view> elements) {
  std::vector<std::span<const std::string_view>> nodes;
  while (!elements.empty()) {
    std::size_t bytes = kListpackFrame, count = 0;
    while (count < elements.size()) {
      bytes += listpackEntrySize(elements[count].size());
      if (count != 0 && bytes > kListNodeBytes) break;
      ++count;
    }
    nodes.push_back(elements.first(count));
    elements = elements.subspan(count);
  }
  return nodes;
}

}  // namespace

std::optional<unsigned> rdbVersionOf(std::string_view redisVersion) {
  const auto parts = split(redisVersion, '.');
  if (parts.size() < 2 || parts[0] != "7") return std::nullopt;
  const auto minor = toNumber<unsigned>(parts[1]);
  if (!minor) return std::nullopt;
  return *minor < 2 ? 10U : *minor < 4 ? 11U : 12U;
}

char* RdbWriter::reserve(std::size_t bytes) {
  if (capacity_ - size_ < bytes) {
    const std::size_t wanted = std::max(size_ + bytes, 2 * capacity_);
    auto larger = std::make_unique_for_overwrite<char[]>(wanted);
    std::copy_n(buffer_.get(), size_, larger.get());
    buffer_ = std::move(larger);
    capacity_ = wanted;
  }
  return buffer_.get() + size_;
}

void RdbWriter::begin(std::uint64_t keys, std::uint64_t expiring) {
  constexpr std::size_t kMagic = 9;
  char* at = reserve(kMagic + 3 + 2 * kLongestLength);
  at = fmt::format_to(at, "REDIS{:04}", version_);
  at = putLength(put(at, kSelectDb), 0);
  at = putLength(put(at, kResizeDb), keys);
  commit(putLength(at, expiring));
}

char* RdbWriter::beginEntry(std::uint8_t type, std::string_view key, std::int64_t expireAt,
                            std::size_t more) {
  char* at = reserve(kEntryOverhead + key.size() + more);
  if (expireAt != kNeverExpires) at = putLittle(put(at, kExpireMs), expireAt);
  return putText(put(at, type), key);
}

char* RdbWriter::beginString(std::string_view key, std::size_t size, std::int64_t expireAt) {
  char* const value = putLength(beginEntry(kString, key, expireAt, size), size);
  commit(value + size);
  return value;
}

void RdbWriter::string(std::string_view key, std::string_view value, std::int64_t expireAt) {
  std::copy(value.begin(), value.end(), beginString(key, value.size(), expireAt));
}

void RdbWriter::beginHash(std::string_view key, std::uint64_t fields, std::int64_t expireAt) {
  commit(putLength(beginEntry(kHash, key, expireAt, 0), fields));
}

void RdbWriter::appendString(std::string_view text) {
  commit(putText(reserve(kLongestLength + text.size()), text));
}

void RdbWriter::field(std::string_view name, std::string_view value) {
  appendString(name);
  appendString(value);
}

void RdbWriter::list(std::string_view key, std::span<const std::string_view> elements,
                     std::int64_t expireAt) {
  const auto nodes = nodesOf(elements);
  commit(putLength(beginEntry(kQuicklist2, key, expireAt, 0), nodes.size()));
  for (const auto& node : nodes) {
    node_.clear();
    appendListpack(node_, node);
    commit(putLength(reserve(1), kPackedNode));
    appendString(node_);
  }
}

void RdbWriter::end() {
  commit(put(reserve(1), kEof));
  const std::uint64_t crc = crc64(crc_, pending());
  commit(putLittle(reserve(sizeof crc), crc));
}

void RdbWriter::drain() noexcept {
  crc_ = crc64(crc_, pending());
  drained_ += size_;
  size_ = 0;
}

}  // namespace redline
