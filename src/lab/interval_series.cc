#include "lab/interval_series.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/clock.h"
#include "model/statistics.h"
#include "rundir/hlog.h"

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

double quantileWithin(const RunDir& run, Stretch when, double q) {
  Histogram all, one;
  for (const LoggedHistogram& line : run.latency.lines) {
    const double start = toSeconds(line.start);
    if (line.tag != "response" || start >= when.toS ||
        start + toSeconds(line.length) <= when.fromS || !decodeCompressed(line.packed, one))
      continue;
    all.add(one);
  }
  return all.count() == 0 ? kNaN : toMicros(all.quantile(q));
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

HeatCells heatCells(const RunDir& run) {
  constexpr double kBinsPerDecade = 8, kLeastUs = 1;
  constexpr std::size_t kMostColumns = 120;
  const double from = windowStartS(run);
  std::vector<const LoggedHistogram*> lines;
  for (const LoggedHistogram& line : run.latency.lines)
    if (line.tag == "response" && toSeconds(line.start) >= from - 1e-6) lines.push_back(&line);
  HeatCells heat;
  if (lines.empty()) return heat;
  const double lengthS = toSeconds(lines.front()->length);
  const std::size_t each = 1 + (lines.size() - 1) / kMostColumns;  // intervals in a column
  heat.width = lengthS * static_cast<double>(each);
  Histogram histogram;
  std::map<std::pair<double, int>, std::uint64_t> counts;  // by column and bin
  for (const LoggedHistogram* const line : lines) {
    if (!decodeCompressed(line->packed, histogram)) continue;
    const double column =
        from + heat.width * std::floor((toSeconds(line->start) - from) / heat.width + 1e-6);
    histogram.forEach([&](std::size_t slot, std::uint64_t count) {
      const double us = std::max(toMicros(Histogram::middleOf(slot)), kLeastUs);
      counts[{column, static_cast<int>(std::floor(kBinsPerDecade * std::log10(us)))}] += count;
    });
  }
  const auto edge = [](int bin) { return std::pow(10, bin / kBinsPerDecade); };
  const auto rounded = [](double value, double to) { return std::round(value / to) * to; };
  for (const auto& [at, count] : counts) {
    const auto [column, bin] = at;
    const double tookS = std::sqrt(edge(bin) * edge(bin + 1)) / 1e6;
    heat.cells.push_back({rounded(column - tookS, 1e-4), static_cast<double>(count),
                          rounded(edge(bin), 0.01), rounded(edge(bin + 1), 0.01)});
  }
  return heat;
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
