#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

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

/// String keys of equal size.
struct StoredKeys {
  std::uint64_t keys = 0;
  std::uint64_t before = 0;  ///< keys that the server has already
  std::size_t keyLength = 0, valueLength = 0;
  double ttlShare = 0;  ///< of the keys that have a time to live
  ServerKind kind = ServerKind::node;
};

/// What `keys` further ones take.
MemoryEstimate memoryOf(const StoredKeys& stored);

/// The jemalloc size class that an allocation of `bytes` ends up in (4 KiB pages, quantum 16).
std::uint64_t allocationClass(std::uint64_t bytes) noexcept;
/// Bytes of a dict's bucket arrays at `keys` entries: the next power of two, and besides the array
/// that it grew out of for as long as that may still be moved over.
std::uint64_t tableBytes(std::uint64_t keys) noexcept;
/// The same once everything has been moved over, which also happens while nothing is written.
std::uint64_t restingTableBytes(std::uint64_t keys) noexcept;

}  // namespace redline
