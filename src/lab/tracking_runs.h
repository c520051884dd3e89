#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lab/study.h"
#include "lab/tracking_clients.h"

namespace redline::lab::tracking {

// What `tracking` runs, and what it reads from a run.

// Figures of actions. Times in microseconds.
inline constexpr const char* kLagP50 = "lag_p50_us";
inline constexpr const char* kLagP99 = "lag_p99_us";
inline constexpr const char* kLagMax = "lag_max_us";
inline constexpr const char* kLast = "last_copy_p50_us";  ///< of a write's pushes the last, median
inline constexpr const char* kAck = "write_round_trip_p50_us";
inline constexpr const char* kMissing = "pushes_missing";
inline constexpr const char* kPerWrite = "main_thread_us_per_write";
inline constexpr const char* kUnwritten = "pushes_without_a_write";  ///< ÷ copies, 0…1
inline constexpr const char* kTableBytes = "table_bytes";  ///< without buffers of connections
inline constexpr const char* kTableKeys = "tracking_total_keys";
inline constexpr const char* kTableItems = "tracking_total_items";
// CPU of the main thread for a read.
inline constexpr const char* kUntracked = "read_us_untracked";
inline constexpr const char* kFirstRead = "read_us_first";
inline constexpr const char* kReadAgain = "read_us_again";

inline constexpr std::uint64_t kDefaultLimit = 1'000'000;  ///< tracking-table-max-keys

// What the driver is told.

/// The keys, for loader and driver.
Flags dataSet(const Parameters& p);
/// `reads`: their share, 0…1. `mode`: "off" for no local cache, or how its keys are tracked, as
/// -tracking has it.
Flags cachedLoad(const Parameters& p, const std::string& reads, std::string_view mode);

// What the actions do. Each is a whole run without drives: it empties the server, writes keys of
// its own and reads them with clients of its own, on the generator's CPUs.

struct FanOut {
  TrackingMode mode;
  std::uint64_t clients;
  std::uint64_t writes;     ///< of as many keys
  std::uint64_t valueSize;  ///< bytes
};
/// Every client has read every key; then each key is written once. Figures: kAck, kPerWrite,
/// kMissing (pushes), and where any came, kLagP50 to kLast from the acknowledgement on.
Status fanOut(Bench& bench, const FanOut& plan);

struct CausePlan {
  std::string cause;  ///< "overwrite", "delete", "expire" or "evict"
  std::uint64_t clients, keys;
};
/// Every client reads every key, and each goes by that cause. Figures of keys that are overwritten
/// or deleted: kMissing (keys), and kLagP50 to kLast from the acknowledgement on. Of those that
/// expire: kMissing (pushes), and kLagP50 to kLagMax from the end of their time to live; fails
/// where no push comes. "evict": the table has room for half of the keys, and nobody writes;
/// kUnwritten and kTableKeys, and its limit is kDefaultLimit afterwards.
Status causeGone(Bench& bench, const CausePlan& plan);

struct TablePlan {
  TrackingMode mode;  ///< keysRead or broadcast
  std::uint64_t clients, keys;
  std::uint64_t valueSize;  ///< bytes
};
/// Every client reads every key three times: untracked, for the first time tracked, and again.
/// Figures: kTableBytes to kReadAgain.
Status fillTable(Bench& bench, const TablePlan& plan);

// What the driver's runs measured, in the window. Not a number where the run has none.

/// At the master; none counts as one.
double requestsPerS(const Reading& run);
/// Share of the reads that local caches answered, 0…1.
double localHits(const Reading& run);
/// Keys a second that the server named in invalidations.
double pushesPerS(const Reading& run);
/// From a write's acknowledgement until its invalidation came to another cache, microseconds.
double invalidationP99(const Reading& run);

/// Reads of the ledger's keys.
struct Stale {
  std::uint64_t stale = 0, judged = 0;
  double worstUs = 0;  ///< the longest that one was stale by

  /// "12 of 34k"; "–" where none was judged.
  std::string text() const;
};
/// Of all of a cell's runs, the invalid ones included.
Stale staleOf(const Study& s, const Cell& cell);

}  // namespace redline::lab::tracking
