#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace redline {

/// What one worker's cache did. `hits` + `misses` = reads that asked it.
struct LocalCacheCounts {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;            ///< not there, or there and past its time
  std::uint64_t expired = 0;           ///< of the misses: there and past its time
  std::uint64_t moved = 0;             ///< of the misses: there, and from another source
  std::uint64_t fills = 0;             ///< values cached, replacements included
  std::uint64_t poisonedFills = 0;     ///< values not cached: an invalidation overtook the read
  std::uint64_t oversize = 0;          ///< values not cached: longer than an entry may be
  std::uint64_t evictions = 0;         ///< least recently used entries evicted for others
  std::uint64_t pushes = 0;            ///< keys in the server's invalidations
  std::uint64_t invalidations = 0;     ///< entries removed by invalidations
  std::uint64_t ownInvalidations = 0;  ///< entries removed by this worker's own writes
  std::uint64_t flushes = 0;           ///< times all of it was dropped
};

/// A client-side cache of values by key id, kept true by the server's invalidations (CLIENT
/// TRACKING): bounded, least recently used goes first, every operation O(1), no allocation after
/// construction. One for each worker; not thread-safe.
///
/// Poisoning: a reply that was on its way while its key was invalidated may be the old value, and
/// the server will not invalidate it a second time. A read therefore takes a ticket when it is
/// sent; fill() refuses the value when its key was invalidated after that. Invalidations are
/// remembered in a fixed table by a hash of the id, so two ids may share a mark: that costs a fill,
/// never a wrong value.
class LocalCache {
 public:
  /// When a read was sent, in the cache's own order of events.
  using Ticket = std::uint64_t;
  /// The node that serves a key and sends its invalidations; 0 on a single node.
  using Source = std::uint32_t;
  /// Whom a read asked, and when.
  struct Asked {
    Source source = 0;
    Ticket ticket = 0;
  };
  enum class Cause : std::uint8_t {
    server,   ///< an invalidation that the server pushed
    ownWrite  ///< this worker sent a write, or got its acknowledgement
  };

  /// 1 ≤ entries < 2^31; a value longer than `valueBytes` is not cached.
  LocalCache(std::size_t entries, std::size_t valueBytes);

  /// How many entries of `valueBytes` fit into `bytes`, with all that the cache keeps about them;
  /// 1 at least.
  static std::size_t entriesWithin(std::size_t bytes, std::size_t valueBytes) noexcept;

  /// The value, as a view that holds until the next call that is not const. Counts a hit or a miss.
  /// `owner`: who serves the key now. An entry from another source is dropped: it was true when it
  /// came, and its source sends no invalidations for writes at the new owner.
  std::optional<std::string_view> get(std::uint64_t id, Source owner, Nanos now) noexcept;

  /// Take it when a read is sent whose reply may be cached.
  Ticket ticket() const noexcept { return events_; }
  /// Caches the value that a read returned. `expiresAt`: until when it may be served (the server's
  /// push comes when it deletes the key, not when the key expires); 0: until it is invalidated.
  /// False: refused, and counted by reason.
  bool fill(std::uint64_t id, Asked asked, std::string_view value, Nanos expiresAt) noexcept;

  /// Drops the entry and poisons the reads of this id that are under way.
  void invalidate(std::uint64_t id, Cause cause) noexcept;
  /// Drops all and poisons all reads under way: the server's FLUSHALL, or a lost connection, with
  /// which invalidations may have been lost.
  void flush() noexcept;

  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return entries_.size(); }
  /// Bytes of the entries in use and of what is kept about them.
  std::size_t memoryUsed() const noexcept { return size_ * costOf(valueBytes_); }
  /// Bytes set aside at construction.
  std::size_t memoryReserved() const noexcept { return capacity() * costOf(valueBytes_); }
  const LocalCacheCounts& counts() const noexcept { return counts_; }
  /// The counts since the last call of this.
  LocalCacheCounts takeCounts() noexcept { return std::exchange(counts_, {}); }

 private:
  using Slot = std::uint32_t;
  static constexpr Slot kNone = ~Slot{0};
  static constexpr std::size_t kMarks = 4096;
  static constexpr std::size_t kIndexPerEntry = 2;  ///< the index is at most half full
  struct Entry {
    std::uint64_t id = 0;
    Nanos expiresAt = 0;
    std::uint32_t length = 0;
    Source source = 0;
    Slot newer = kNone, older = kNone;  ///< order of use; free entries are chained by `older`
  };

  static constexpr std::size_t costOf(std::size_t valueBytes) noexcept {
    return valueBytes + sizeof(Entry) + kIndexPerEntry * sizeof(Slot);
  }
  std::size_t home(std::uint64_t id) const noexcept;
  std::size_t following(std::size_t at) const noexcept {
    return at + 1 == index_.size() ? 0 : at + 1;
  }
  /// How far `to` lies behind `from`, going round.
  std::size_t distance(std::size_t from, std::size_t to) const noexcept {
    return to >= from ? to - from : to + index_.size() - from;
  }
  std::size_t find(std::uint64_t id) const noexcept;  ///< place in index_, or kNowhere
  std::uint64_t& markOf(std::uint64_t id) noexcept;
  Slot claim(std::uint64_t id) noexcept;
  void remove(std::size_t at) noexcept;
  void unlink(Slot slot) noexcept;
  void linkNewest(Slot slot) noexcept;
  static constexpr std::size_t kNowhere = ~std::size_t{0};

  std::size_t valueBytes_;
  std::vector<Entry> entries_;
  std::unique_ptr<char[]> values_;  ///< entry i's value begins at i × valueBytes_
  std::vector<Slot> index_;         ///< open addressing, linear probing
  std::size_t size_ = 0;
  Slot free_ = 0;
  Slot newest_ = kNone, oldest_ = kNone;
  std::uint64_t events_ = 0;  ///< invalidations and flushes so far
  std::uint64_t flushedAt_ = 0;
  std::array<std::uint64_t, kMarks> invalidatedAt_{};  ///< by hash of the id: the latest event
  LocalCacheCounts counts_;
};

}  // namespace redline
