#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace redline {

/// What string keys cost a Redis 7.0 that allocates with jemalloc (quantum 16, as Debian's; the
/// jemalloc that Redis brings along has finer classes and needs up to 8% less). As used_memory
/// counts it.
struct MemoryEstimate {
  std::uint64_t keys = 0;
  std::uint64_t entryBytes = 0;    ///< dict entry, 24 → 32
  std::uint64_t keyBytes = 0;      ///< the longest key's sds
  std::uint64_t valueBytes = 0;    ///< object and sds, in one allocation up to 44 bytes
  std::uint64_t expireBytes = 0;   ///< the expires dict's entry, for a key that has a time to live
  double expireShare = 0;          ///< of the keys
  std::uint64_t backlogBytes = 0;  ///< what the replication backlog grows by
  std::uint64_t tableBytes = 0;    ///< both hash tables' growth, with the old ones while rehashing

  double bytesPerKey() const {
    return static_cast<double>(entryBytes + keyBytes + valueBytes) +
           expireShare * static_cast<double>(expireBytes);
  }
  std::uint64_t total() const {
    return static_cast<std::uint64_t>(bytesPerKey() * static_cast<double>(keys)) + tableBytes +
           backlogBytes;
  }
  /// "19.2 GB (100M keys x 192 B + 1.5 GB of hash tables)".
  std::string text() const;
};

/// A node of a cluster also chains the keys of each slot: two more pointers to an entry.
enum class ServerKind : std::uint8_t { node, cluster };

/// `newKeys` keys, the largest id being `lastId`, on top of the `presentKeys` that a server has.
MemoryEstimate estimateMemory(std::uint64_t newKeys, std::uint64_t lastId,
                              std::uint64_t presentKeys, std::size_t valueSize, double ttlFraction,
                              ServerKind kind = ServerKind::node);

/// The jemalloc size class that an allocation of `bytes` ends up in (4 KiB pages, quantum 16).
std::uint64_t allocationClass(std::uint64_t bytes) noexcept;
/// Bytes of a dict's bucket arrays at `keys` entries: the next power of two, and besides the array
/// that it grew out of for as long as that may still be moved over.
std::uint64_t tableBytes(std::uint64_t keys) noexcept;

/// What a server has.
struct MemoryLimits {
  std::uint64_t used = 0;       ///< used_memory
  std::uint64_t maxmemory = 0;  ///< 0: none
  std::string policy;           ///< maxmemory-policy
};

/// Ok when the estimate fits the server's maxmemory; noSpace with the arithmetic when not. `what`
/// is to be stored.
Status checkFits(const MemoryEstimate& estimate, const MemoryLimits& limits,
                 std::string_view what = "the data set");
/// Ok when `bytes` of used_memory, which `text` says in words, fit this machine, of whose memory
/// `available` is (0: not known).
Status checkMachine(std::uint64_t bytes, std::string_view text, std::uint64_t available);

}  // namespace redline
