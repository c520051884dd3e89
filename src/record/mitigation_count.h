#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace redline {

/// Effect and cost of mitigations, and the ledger's findings. Counted like everything else: by
/// interval, the warm-up kept out of the summary.
enum class MitigationCount : std::uint8_t {
  // Local cache.
  localHits,              ///< reads answered without a server
  localMisses,            ///< reads that missed in the cache and were sent to the server
  localExpired,           ///< of those: the entry was there and past its time
  localMoved,             ///< of those: the entry came from a node that no longer serves the key
  fills,                  ///< values cached
  poisonedFills,          ///< values not cached: their key was invalidated during the read
  oversizeFills,          ///< values not cached: too long
  localEvictions,         ///< entries evicted for others
  invalidationsReceived,  ///< keys that servers named in invalidations
  invalidations,          ///< entries removed by them
  ownInvalidations,       ///< entries removed by the worker's own writes
  cacheFlushes,           ///< times a whole cache was emptied
  // Key split.
  splitReads,     ///< reads of a split key, from one copy
  splitWrites,    ///< writes of a split key, to all copies
  copiesWritten,  ///< requests that those writes took
  partialWrites,  ///< writes that reached some copies and not others
  // Replica reads.
  replicaReads,   ///< reads sent to a replica
  masterReads,    ///< reads sent to a master, when replicas were to be used
  fallbackReads,  ///< of those: because no replica of it could be reached or answered
  // Ledger.
  ledgerReads,      ///< reads of ledger keys
  stale,            ///< a later write had been acknowledged before the read was sent
  staleAgeAtLeast,  ///< of those: the age is a lower bound
  impossible,       ///< a version that no write of the run gave the key
  unjudged,         ///< too little was known of the version
  ledgerWrites,     ///< acknowledged writes of ledger keys
};
inline constexpr std::size_t kMitigationCounts = 25;
/// Names in intervals.csv and in `mitigation.counts` of the summary.
inline constexpr std::array<std::string_view, kMitigationCounts> kMitigationCountNames{
    "local_hits",
    "local_misses",
    "local_expired",
    "local_moved",
    "fills",
    "poisoned_fills",
    "oversize_fills",
    "local_evictions",
    "invalidations_received",
    "invalidations",
    "own_invalidations",
    "cache_flushes",
    "split_reads",
    "split_writes",
    "copies_written",
    "partial_writes",
    "replica_reads",
    "master_reads",
    "fallback_reads",
    "ledger_reads",
    "stale",
    "stale_age_at_least",
    "impossible",
    "unjudged",
    "ledger_writes"};

constexpr std::size_t index(MitigationCount count) noexcept {
  return static_cast<std::size_t>(count);
}

}  // namespace redline
