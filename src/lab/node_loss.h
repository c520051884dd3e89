#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/study.h"
#include "model/curve.h"

namespace redline::lab::node_loss {

// What the parts of the experiment `node-loss` share. node_loss.cc: what it means;
// node_loss_runs.cc: what is varied, and what one run did.

// Labels of what happens.
inline constexpr const char* kLone = "lone";        ///< a master without a replica dies
inline constexpr const char* kReplica = "replica";  ///< one with a replica
inline constexpr const char* kStart = "start";      ///< the whole cache is empty
// Labels of defences.
inline constexpr const char* kNone = "none";
inline constexpr const char* kCoalesce = "coalesce";
inline constexpr const char* kLimit = "limit";
inline constexpr const char* kBoth = "both";

inline constexpr unsigned kMasters = 3;
/// A figure of the first run on a stack: one lookup alone, microseconds.
inline constexpr const char* kLookupUs = "store_lookup_us";

struct Disaster {
  std::string label, title;
};
struct Defence {
  std::string label, title;
  Flags flags = {};
};

struct Design {
  Factor<Disaster> disaster;
  Factor<Defence> defence;
  Grid loss;    ///< by disaster and defence: cache-aside, writes go to the store first
  Grid cold;    ///< by defence
  Grid writes;  ///< by disaster: writes go to the cache alone

  Cell lost(std::string_view disaster, std::string_view defence) const;
  Cell started(std::string_view defence) const;
  Cell written(std::string_view disaster) const;
  /// All of loss and cold.
  Cells behindStore() const { return together({loss.cells, cold.cells}); }
};
Design designOf(const Parameters& p);
/// One kind of disaster after the other: their servers share the cores.
void planRuns(Study& s, const Design& design);
/// Lookups a second that the store answers by its settings.
double storeCeiling(const Parameters& p);

/// One run, read from its directory once. Not a number where it is not known.
struct Outcome {
  std::optional<Stretch> when;  ///< from the loss until its slots are served again; of a cold start
                                ///< its moment; none: nothing below is known
  // Before the loss, medians of intervals.
  double hitBefore = kNaN;       ///< share
  double missedBefore = kNaN;    ///< reads/s
  double storeP99Before = kNaN;  ///< of writes, microseconds: no read reaches the store then
  // The worst interval from it on.
  double missedPeak = kNaN;
  double queuePeak = kNaN;
  double storeP99Peak = kNaN;
  /// From the loss until the hit rate is within a point of before, and stays there; infinite where
  /// it is not when the window ends.
  double backS = kNaN;
  /// The same until no more than 1% of the operations fail.
  double failingS = kNaN;
  double outageS = kNaN;   ///< until the slots are served again
  double windowS = kNaN;   ///< from the loss to the window's end
  double goodput = kNaN;   ///< completed ÷ offered, in that time
  double hitAtEnd = kNaN;  ///< of the last second
  // Counts of that time.
  double failed = kNaN;
  double noNode = kNaN;                        ///< of them: Redis did not answer
  double tooLate = kNaN;                       ///< … the store did not in time, or failed
  double shed = kNaN;                          ///< … the limit refused them
  double asked = kNaN;                         ///< reads of the store
  double inTime = kNaN;                        ///< of them: rows that came in time
  double keysBefore = kNaN, keysAfter = kNaN;  ///< of the killed master; of who serves its slots
};
Outcome outcomeOf(const Parameters& p, const Reading& reading);

/// When it was; of a cold start the window's begin.
std::optional<Stretch> disasterOf(const Reading& reading);

// By interval of the window.

/// hits ÷ (hits + reads that missed, answered or not).
std::vector<SeriesPoint> hitRateSeries(const Reading& reading);
std::vector<SeriesPoint> missedSeries(const Reading& reading);
std::vector<SeriesPoint> queueSeries(const Reading& reading);
/// p99 of reads of the store, microseconds; intervals without any are left out.
std::vector<SeriesPoint> storeP99Series(const Reading& reading);

}  // namespace redline::lab::node_loss
