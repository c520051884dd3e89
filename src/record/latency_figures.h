#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "record/histogram.h"
#include "record/summary.h"

namespace redline {

/// A percentile that is reported wherever latency is: its name, its share, its place in the
/// figures.
struct ReportedPercentile {
  std::string_view name;
  double share;
  double LatencyFigures::* figure;
};
inline constexpr std::array<ReportedPercentile, 5> kReportedPercentiles{{
    {"p50", 0.5, &LatencyFigures::p50},
    {"p90", 0.9, &LatencyFigures::p90},
    {"p99", 0.99, &LatencyFigures::p99},
    {"p999", 0.999, &LatencyFigures::p999},
    {"p9999", 0.9999, &LatencyFigures::p9999},
}};

/// The figures of a histogram, nanoseconds turned into microseconds. The maximum is exact; the
/// percentiles are the highest value of their slot (< 0.1% above the record itself).
LatencyFigures figuresOf(const Histogram& histogram);

/// Names in `figures.lowerBounds` what the operations that never finished leave open.
///
/// `histogram` holds the finished operations and `outstanding` more, recorded with the time they
/// had waited when the run ended, the shortest of them `shortestWait`. Their true values are
/// larger, so a figure whose record lies in `shortestWait`'s slot or above may be too small; one
/// that lies below is exact whatever they would have become. Mean and maximum depend on every
/// record.
void markLowerBounds(LatencyFigures& figures, const Histogram& histogram, std::uint64_t outstanding,
                     Nanos shortestWait);

}  // namespace redline
