#include "run/memory_estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/units.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

constexpr std::uint64_t kDictEntry = 24;
constexpr std::uint64_t kSlotLinks = 16;
constexpr std::uint64_t kObject = 16;
/// Up to here a string object and its bytes are one allocation (OBJ_ENCODING_EMBSTR_SIZE_LIMIT).
constexpr std::uint64_t kEmbedded = 44;
constexpr std::uint64_t kSmallestTable = 4;
/// What resident memory is above used_memory after a load: fragmentation, and the server's own.
constexpr double kResidentFactor = 1.05;
constexpr std::string_view kWayOut =
    "load fewer -keys or a smaller -value-size, or insist with -force";

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

}  // namespace

std::uint64_t allocationClass(std::uint64_t bytes) noexcept {
  if (bytes <= 8) return 8;
  constexpr std::uint64_t kQuantum = 16;
  // Four classes to each doubling, beyond those that are a quantum apart.
  const std::uint64_t spacing = std::max(kQuantum, std::bit_floor(bytes - 1) / 4);
  return (bytes + spacing - 1) / spacing * spacing;
}

std::uint64_t tableBytes(std::uint64_t keys) noexcept {
  if (keys == 0) return 0;
  const std::uint64_t size = std::max(kSmallestTable, std::bit_ceil(keys));
  const std::uint64_t grownFrom = size / 2;
  // A write moves two buckets over at least: all are, once half as many keys have come in again.
  const bool moving = size > kSmallestTable && keys < grownFrom + grownFrom / 2;
  return sizeof(void*) * (size + (moving ? grownFrom : 0));
}

MemoryEstimate estimateMemory(std::uint64_t newKeys, std::uint64_t lastId,
                              std::uint64_t presentKeys, std::size_t valueSize, double ttlFraction,
                              ServerKind kind) {
  const auto growth = [](std::uint64_t before, std::uint64_t after) {
    return tableBytes(after) - std::min(tableBytes(after), tableBytes(before));
  };
  MemoryEstimate estimate;
  estimate.keys = newKeys;
  estimate.entryBytes =
      allocationClass(kDictEntry + (kind == ServerKind::cluster ? kSlotLinks : 0));
  estimate.keyBytes = allocationClass(stringBytes(keyLength(lastId), true));
  estimate.valueBytes = valueAllocation(valueSize);
  estimate.expireBytes = allocationClass(kDictEntry);
  estimate.expireShare = ttlFraction;
  const auto expiring = static_cast<std::uint64_t>(ttlFraction * static_cast<double>(newKeys));
  estimate.tableBytes = growth(presentKeys, presentKeys + newKeys) + growth(0, expiring);
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

Status checkFits(const MemoryEstimate& estimate, const MemoryLimits& limits,
                 std::string_view what) {
  const std::uint64_t need = limits.used + estimate.total();
  if (limits.maxmemory == 0 || need <= limits.maxmemory) return {};
  return fail(
      ErrorCode::noSpace,
      "{} takes about {}, with the {} in use {}, but the server's maxmemory is {}: it would {}; "
      "give it a larger maxmemory, {}",
      what, estimate.text(), formatSize(limits.used), formatSize(need),
      formatSize(limits.maxmemory),
      limits.policy == "noeviction" ? std::string("refuse writes")
                                    : fmt::format("evict keys ({})", limits.policy),
      kWayOut);
}

Status checkMachine(std::uint64_t bytes, std::string_view text, std::uint64_t available) {
  const auto resident = static_cast<std::uint64_t>(static_cast<double>(bytes) * kResidentFactor);
  if (available == 0 || resident <= available) return {};
  return fail(ErrorCode::noSpace,
              "the data set takes about {}, x {} with fragmentation {}, but this machine has {} "
              "available: {}",
              text, kResidentFactor, formatSize(resident), formatSize(available), kWayOut);
}

}  // namespace redline
