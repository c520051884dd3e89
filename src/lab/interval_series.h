#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lab/experiment.h"
#include "model/curve.h"
#include "rundir/experiment.h"

namespace redline::lab {

// A run interval by interval, on the run's clock: what its whole hides.

/// Response time at quantile `q` of each interval of the measured window and the drain, all
/// operations, in microseconds. Intervals in which nothing completed are left out: a frozen server
/// shows in those after.
std::vector<SeriesPoint> responseSeries(const RunDir& run, double q);
/// The same of dispatch, the generator's own lateness.
std::vector<SeriesPoint> dispatchSeries(const RunDir& run, double q);
/// `response` without the intervals that say nothing of the server: where dispatch at the same
/// quantile is half of it or more, and a millisecond at the least.
std::vector<SeriesPoint> serverSeries(std::vector<SeriesPoint> response,
                                      const std::vector<SeriesPoint>& dispatch);

/// How many operations took how long, by when they were due: a cell for each, `width` seconds wide
/// from x on, from `low` to `high` microseconds, and y is how many. The log knows when an operation
/// was answered, to within an interval; it was due as much earlier as it took, so a stall shows as
/// the wedge of those who waited for its end.
struct HeatCells {
  std::vector<LabPoint> cells;
  double width = 0;
};
HeatCells heatCells(const RunDir& run);

/// The median of responseSeries(): what the quantile is most of the time, whatever rare stalls make
/// of it over the whole run. Not a number without intervals.
double typicalUs(const Reading& reading, double q);

/// By how much a counter of servers.csv grew in each of these intervals, a second: on straight
/// lines between the samples. Not a number where the samples do not reach.
std::vector<double> ratesOf(const RunDir& run, std::string_view field,
                            const std::vector<SeriesPoint>& intervals);

/// The same as a series.
std::vector<SeriesPoint> rateSeries(const RunDir& run, std::string_view field,
                                    std::vector<SeriesPoint> intervals);
/// The field at the last sample until the end of each of these intervals.
std::vector<SeriesPoint> sampleSeries(const RunDir& run, std::string_view field,
                                      std::vector<SeriesPoint> intervals);

/// A count of the run's intervals, a second, without the warm-up.
std::vector<SeriesPoint> countedSeries(const RunDir& run, std::uint64_t Counters::* count);

/// For how long the main thread of the run's server was ready to run and other threads had its
/// core, in each of these intervals, microseconds. Not a number where the samples do not reach.
std::vector<double> withoutCoreUs(const RunDir& run, const std::vector<SeriesPoint>& intervals);

/// Response time at quantile `q` of all operations that were answered in intervals which reach into
/// `when`, in microseconds. Not a number where there are none.
double quantileWithin(const RunDir& run, Stretch when, double q);

/// Not a number where there are none.
double medianOrNaN(const std::vector<double>& values);
/// Of the values of the intervals that are wanted.
template <typename Predicate>
double medianWhere(const std::vector<SeriesPoint>& series, Predicate wanted) {
  std::vector<double> values;
  for (const SeriesPoint& point : series)
    if (wanted(point)) values.push_back(point.value);
  return medianOrNaN(values);
}

}  // namespace redline::lab
