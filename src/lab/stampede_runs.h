#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lab/experiment.h"
#include "lab/parameters.h"
#include "model/curve.h"

namespace redline::lab::stampede {

// What `stampede` runs, and what it reads from a run: all of its drives on one clock.

// Figures of actions: scans of the table by PostgreSQL's own count.
inline constexpr const char* kScansBefore = "table_scans_before";
inline constexpr const char* kScansAfter = "table_scans_after";

/// The one hot key, for loader and driver.
Flags hotKey(const Parameters& p);
/// Puts a view in the table's place that takes `read-time` for each row. The sleep uses no CPU: it
/// stands for a disk, a lock or a network, and not for a query that computes.
Action slowReads(const Parameters& p);
/// Empties the cache, for no run is to begin with what another's stale window has left, and writes
/// down PostgreSQL's count of scans.
Status beginCold(Bench& bench);
/// The same count, once no driver is connected any more: a session hands its counts over at its
/// end.
Status noteScans(Bench& bench);
/// As many drives as there are processes; each has its share of the rate, and draws of its own.
/// `warmup`: the parameter that says how long it is.
std::vector<Drive> drivesWith(const Parameters& p, const Flags& defence, std::string_view warmup);

/// The value is read from the store again, whether it had expired or was refreshed before.
struct Renewal {
  double atS = 0;    ///< begin of the interval with the first read of the store
  double reads = 0;  ///< of the store, by all drives
  double backS = 0;  ///< from then until response times were back; 0: nobody waited
};

struct RunFacts {
  std::vector<Renewal> renewals;  ///< those that begin and end in the window
  double herd = kNaN;             ///< reads of the store for each, the mean
  double mostReads = kNaN;
  double backS = kNaN;                              ///< the mean
  double everyS = kNaN;                             ///< between two of them, the mean
  double p50Us = kNaN, p99Us = kNaN, maxUs = kNaN;  ///< response time, of all drives together
  double staleShare = kNaN;                         ///< served past its time to live, of all reads
  double failed = kNaN;                             ///< operations
  double readsPerS = kNaN;                          ///< of the store in the window, by all drives
  double readsInAll = kNaN;                         ///< of the store; warm-up and drain included
  double redisUs = kNaN;  ///< CPU time of Redis's main thread for each read
  /// Of each renewal: the slowest response in each interval around it, by the time since its begin.
  std::vector<std::vector<SeriesPoint>> around;
};

/// How renewals are told apart, and when response times are back.
struct RenewalRule {
  double ttlS = 0;
  double readS = 0;  ///< of the store, when nobody else asks

  /// Reads of the store with a longer pause between them belong to two renewals.
  double pauseS() const { return ttlS / 4; }
  /// Response times of the time to live from here on are the baseline.
  double calmFromS() const { return ttlS / 2; }
  /// Back for this long: answers to a herd come in batches, a read's time apart.
  double calmS(double intervalS) const;
};

RunFacts readRun(const Reading& reading, const RenewalRule& rule);

}  // namespace redline::lab::stampede
