#include "lab/interval_series.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/clock.h"
#include "model/statistics.h"

namespace redline::lab {
namespace {

/// Start of the measured window, from the run's zero.
double windowStartS(const RunDir& run) {
  for (const IntervalRow& row : run.intervals)
    if (!row.warmup) return toSeconds(row.start);
  return kNaN;
}

/// The counter at a time, on a straight line between two samples.
double valueAt(const std::vector<std::pair<double, double>>& samples, double at) {
  const auto after = std::ranges::lower_bound(samples, at, {}, &std::pair<double, double>::first);
  if (after == samples.end() || (after == samples.begin() && after->first > at)) return kNaN;
  if (after->first == at) return after->second;
  const auto before = after - 1;
  const double share = (at - before->first) / (after->first - before->first);
  return before->second + share * (after->second - before->second);
}

std::vector<SeriesPoint> seriesOf(const RunDir& run, std::string_view measure, double q) {
  std::vector<SeriesPoint> series;
  Histogram histogram;
  const double from = windowStartS(run);
  for (const LoggedHistogram& line : run.latency.lines) {
    if (line.tag != measure) continue;
    const double start = toSeconds(line.start);
    // Warm-up has a tag of its own; what is compared is in microseconds' distance of an edge.
    if (start < from - 1e-6) continue;
    if (!decodeCompressed(line.packed, histogram) || histogram.count() == 0) continue;
    series.push_back(
        {start, start + toSeconds(line.length), static_cast<double>(histogram.quantile(q)) / 1e3});
  }
  return series;
}

}  // namespace

std::vector<SeriesPoint> responseSeries(const RunDir& run, double q) {
  return seriesOf(run, "response", q);
}

std::vector<SeriesPoint> dispatchSeries(const RunDir& run, double q) {
  return seriesOf(run, "dispatch", q);
}

std::vector<SeriesPoint> serverSeries(std::vector<SeriesPoint> response,
                                      const std::vector<SeriesPoint>& dispatch) {
  constexpr double kHalf = 0.5, kWorthNamingUs = 1000;
  std::map<double, double> own;
  for (const SeriesPoint& point : dispatch) own[point.startS] = point.value;
  std::erase_if(response, [&](const SeriesPoint& point) {
    const auto found = own.find(point.startS);
    return found != own.end() && found->second >= std::max(kWorthNamingUs, kHalf * point.value);
  });
  return response;
}

double typicalUs(const Reading& reading, double q) {
  if (reading.dir() == nullptr) return kNaN;
  std::vector<double> values;
  for (const SeriesPoint& point : responseSeries(*reading.dir(), q)) values.push_back(point.value);
  return medianOrNaN(values);
}

double medianOrNaN(const std::vector<double>& values) {
  return values.empty() ? kNaN : medianOf(values);
}

std::vector<double> ratesOf(const RunDir& run, std::string_view field,
                            const std::vector<SeriesPoint>& intervals) {
  std::vector<std::pair<double, double>> samples;
  for (const ServerSample& sample : run.servers)
    if (const double value = sample.number(field, kNaN); std::isfinite(value))
      samples.emplace_back(toSeconds(sample.at), value);
  std::vector<double> rates;
  rates.reserve(intervals.size());
  for (const SeriesPoint& interval : intervals)
    rates.push_back((valueAt(samples, interval.endS) - valueAt(samples, interval.startS)) /
                    (interval.endS - interval.startS));
  return rates;
}

std::vector<SeriesPoint> rateSeries(const RunDir& run, std::string_view field,
                                    std::vector<SeriesPoint> intervals) {
  const auto rates = ratesOf(run, field, intervals);
  for (std::size_t i = 0; i < intervals.size(); ++i) intervals[i].value = rates[i];
  return intervals;
}

std::vector<SeriesPoint> sampleSeries(const RunDir& run, std::string_view field,
                                      std::vector<SeriesPoint> intervals) {
  for (SeriesPoint& interval : intervals) {
    interval.value = kNaN;
    for (const ServerSample& sample : run.servers)
      if (toSeconds(sample.at) <= interval.endS) interval.value = sample.number(field, kNaN);
  }
  return intervals;
}

std::vector<SeriesPoint> countedSeries(const RunDir& run, std::uint64_t Counters::* count) {
  std::vector<SeriesPoint> series;
  for (const IntervalRow& row : run.intervals)
    if (!row.warmup && row.end > row.start)
      series.push_back({toSeconds(row.start), toSeconds(row.end),
                        static_cast<double>(row.counts.*count) / toSeconds(row.end - row.start)});
  return series;
}

std::vector<double> withoutCoreUs(const RunDir& run, const std::vector<SeriesPoint>& intervals) {
  auto waited = ratesOf(run, "waiting_for_core_main_thread", intervals);
  for (std::size_t i = 0; i < intervals.size(); ++i)
    waited[i] *= 1e6 * (intervals[i].endS - intervals[i].startS);
  return waited;
}

}  // namespace redline::lab
