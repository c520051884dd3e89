#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "record/interval.h"
#include "record/summary.h"

namespace redline {

/// The figures of one operation kind in one interval of intervals.csv.
struct KindRow {
  std::uint64_t sent = 0, completed = 0, failed = 0;
  std::array<LatencyFigures, kMeasures> latency;

  const LatencyFigures& of(Measure measure) const { return latency[index(measure)]; }
};

/// One interval of intervals.csv: two lines of the file, one for each kind.
struct IntervalRow {
  Nanos start = 0;  ///< from the run's zero
  Nanos end = 0;
  bool warmup = false;
  bool drain = false;
  std::array<KindRow, kOpKinds> kinds;
  LatencyFigures failedResponse;  ///< response time of failed operations
  LatencyFigures staleness;       ///< ages of stale reads
  LatencyFigures invalidationLag;
  LatencyFigures storeRead, storeWrite, storeService;  ///< as in StoreLatency
  LatencyFigures staleRefillAge;
  Counters counts;

  const KindRow& of(OpKind kind) const { return kinds[index(kind)]; }
  /// Of the measured window: neither warm-up nor drain.
  bool isMeasured() const { return !warmup && !drain; }
};

/// The header line. Names end in their unit (_s, _us); counts have none.
std::string intervalCsvHeader();

/// One line for each operation kind. Columns that belong to the interval as a whole are filled in
/// the first of them only, so that adding up a column is always right. Figures of an empty
/// histogram are left empty: no latency was measured, which is not a latency of 0. `zero` is the
/// run's clock zero.
std::string intervalCsvLines(const Interval& interval, Nanos zero);

/// Reads them back. An interval whose lines a crash cut short is left out with a warning.
Result<std::vector<IntervalRow>> parseIntervalCsv(std::string_view text, std::string_view name,
                                                  std::vector<std::string>& warnings);

}  // namespace redline
