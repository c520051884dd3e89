#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace redline {

/// What string keys cost a Redis 7.0 that allocates with jemalloc (quantum 16, as Debian's; the
/// jemalloc that Redis brings along has finer classes and needs up to 8% less). As used_memory
/// counts it.
struct MemoryEstimate {
  std::uint64_t keys = 0;
  std::uint64_t entryBytes = 0;   ///< dict entry, 24 → 32
  std::uint64_t keyBytes = 0;     ///< the longest key's sds
  std::uint64_t valueBytes = 0;   ///< object and sds, in one allocation up to 44 bytes
  std::uint64_t expireBytes = 0;  ///< the expires dict's entry, for a key that has a time to live
  double expireShare = 0;         ///< of the keys
  std::uint64_t tableBytes = 0;   ///< both hash tables' growth, with the old ones while rehashing

  double bytesPerKey() const {
    return static_cast<double>(entryBytes + keyBytes + valueBytes) +
           expireShare * static_cast<double>(expireBytes);
  }
  std::uint64_t total() const {
    return static_cast<std::uint64_t>(bytesPerKey() * static_cast<double>(keys)) + tableBytes;
  }
  /// "19.2 GB (100M keys x 192 B + 1.5 GB of hash tables)".
  std::string text() const;
};

/// `newKeys` keys, the largest id being `lastId`, on top of the `presentKeys` that a server has.
MemoryEstimate estimateMemory(std::uint64_t newKeys, std::uint64_t lastId,
                              std::uint64_t presentKeys, std::size_t valueSize, double ttlFraction);

/// The jemalloc size class that an allocation of `bytes` ends up in (4 KiB pages, quantum 16).
std::uint64_t allocationClass(std::uint64_t bytes) noexcept;
/// Bytes of a dict's bucket arrays at `keys` entries: the next power of two, and besides the array
/// that it grew out of for as long as that may still be moved over.
std::uint64_t tableBytes(std::uint64_t keys) noexcept;

/// What a server and its machine have.
struct MemoryLimits {
  std::uint64_t used = 0;       ///< used_memory
  std::uint64_t maxmemory = 0;  ///< 0: none
  std::string policy;           ///< maxmemory-policy
  std::uint64_t available = 0;  ///< the machine's MemAvailable; 0: not known
};

/// Ok when the estimate fits both; noSpace with the arithmetic when not.
Status checkFits(const MemoryEstimate& estimate, const MemoryLimits& limits);

}  // namespace redline
