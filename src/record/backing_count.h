#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace redline {

/// What was asked of the store behind the cache, what became of it, and what the defences against
/// stampedes did. Counted like everything else: by interval, the warm-up kept out of the summary.
enum class BackingCount : std::uint8_t {
  // Requests to the store, and their outcomes.
  reads,        ///< rows asked for, by reads that missed and by refreshes
  writes,       ///< rows to be written
  found,        ///< reads that found the row
  stored,       ///< writes that were committed
  missing,      ///< reads and writes of rows that do not exist
  unreachable,  ///< failed, by kind (StoreFailure, in its order)
  refused,
  tooMany,
  locked,
  diskFull,
  readOnly,
  error,
  protocol,
  timedOut,  ///< no outcome within -backing-timeout
  shed,      ///< refused by -backing-max-rate, or by the store's full queue
  // Defences.
  coalesced,       ///< reads that missed and were answered by another one's read of the store
  locksTaken,      ///< misses and refreshes that got the lock
  locksDenied,     ///< … that found it taken
  lockFailures,    ///< … whose request for it was refused or lost
  lockWaits,       ///< GETs sent again because the lock was taken
  earlyRefreshes,  ///< values refreshed before their expiry
  staleServed,     ///< values served past their logical expiry
  staleRefreshes,  ///< refreshes that these began
  fencedRefills,   ///< refills not carried out, since their lock had gone to another
  // Races of writes and refills, for keys of the ledger.
  staleRefills,  ///< refills with a value older than a write acknowledged before they were sent
};
inline constexpr std::size_t kBackingCounts = 25;
/// Names in intervals.csv and in `backing.counts` of the summary; with `store_` before those of
/// requests and outcomes.
inline constexpr std::array<std::string_view, kBackingCounts> kBackingCountNames{
    "store_reads",       "store_writes",  "store_found",     "store_stored",    "store_missing",
    "store_unreachable", "store_refused", "store_too_many",  "store_locked",    "store_disk_full",
    "store_read_only",   "store_error",   "store_protocol",  "store_timed_out", "store_shed",
    "coalesced",         "locks_taken",   "locks_denied",    "lock_failures",   "lock_waits",
    "early_refreshes",   "stale_served",  "stale_refreshes", "fenced_refills",  "stale_refills"};

constexpr std::size_t index(BackingCount count) noexcept {
  return static_cast<std::size_t>(count);
}

}  // namespace redline
