#include "model/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>

#include "base/units.h"

namespace redline {
namespace {

constexpr std::uint64_t kDictEntry = 24;
constexpr std::uint64_t kSlotLinks = 16;
constexpr std::uint64_t kObject = 16;
/// Up to here a string object and its bytes are one allocation (OBJ_ENCODING_EMBSTR_SIZE_LIMIT).
constexpr std::uint64_t kEmbedded = 44;
constexpr std::uint64_t kSmallestTable = 4;

/// A string of Redis with its header and its closing NUL. Keys of up to 31 bytes have a header of
/// one byte; values are made by a path that starts at three.
std::uint64_t stringBytes(std::uint64_t length, bool isKey) {
  const std::uint64_t header = isKey && length < 32    ? 1
                               : length < 256          ? 3
                               : length < (1ULL << 16) ? 5
                                                       : 9;
  return header + length + 1;
}

std::uint64_t valueAllocation(std::uint64_t length) {
  const std::uint64_t text = stringBytes(length, false);
  if (length <= kEmbedded) return allocationClass(kObject + text);
  return allocationClass(kObject) + allocationClass(text);
}

std::uint64_t tableGrowth(std::uint64_t before, std::uint64_t after) {
  return tableBytes(after) - std::min(tableBytes(after), tableBytes(before));
}

}  // namespace

std::uint64_t allocationClass(std::uint64_t bytes) noexcept {
  if (bytes <= 8) return 8;
  constexpr std::uint64_t kQuantum = 16;
  // Four classes to each doubling, beyond those that are a quantum apart.
  const std::uint64_t spacing = std::max(kQuantum, std::bit_floor(bytes - 1) / 4);
  return (bytes + spacing - 1) / spacing * spacing;
}

std::uint64_t restingTableBytes(std::uint64_t keys) noexcept {
  return keys == 0 ? 0 : sizeof(void*) * std::max(kSmallestTable, std::bit_ceil(keys));
}

std::uint64_t tableBytes(std::uint64_t keys) noexcept {
  if (keys == 0) return 0;
  const std::uint64_t size = std::max(kSmallestTable, std::bit_ceil(keys));
  const std::uint64_t grownFrom = size / 2;
  // A write moves two buckets over at least: all are, once half as many keys have come in again.
  const bool moving = size > kSmallestTable && keys < grownFrom + grownFrom / 2;
  return sizeof(void*) * (size + (moving ? grownFrom : 0));
}

MemoryEstimate memoryOf(const StoredKeys& stored) {
  MemoryEstimate estimate;
  estimate.keys = stored.keys;
  estimate.entryBytes =
      allocationClass(kDictEntry + (stored.kind == ServerKind::cluster ? kSlotLinks : 0));
  estimate.keyBytes = allocationClass(stringBytes(stored.keyLength, true));
  estimate.valueBytes = valueAllocation(stored.valueLength);
  estimate.expireBytes = allocationClass(kDictEntry);
  estimate.expireShare = stored.ttlShare;
  const auto expiring =
      static_cast<std::uint64_t>(stored.ttlShare * static_cast<double>(stored.keys));
  estimate.tableBytes =
      tableGrowth(stored.before, stored.before + stored.keys) + tableGrowth(0, expiring);
  return estimate;
}

std::string MemoryEstimate::text() const {
  const std::string backlog =
      backlogBytes == 0 ? ""
                        : fmt::format(" + {} of replication backlog", formatSize(backlogBytes));
  return fmt::format("{} ({} keys x {:.0f} B + {} of hash tables{})", formatSize(total()),
                     formatCount(static_cast<double>(keys)), bytesPerKey(), formatSize(tableBytes),
                     backlog);
}

}  // namespace redline
