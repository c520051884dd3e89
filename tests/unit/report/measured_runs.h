#pragma once

#include <string>
#include <utility>
#include <vector>

#include "record/interval.h"
#include "record/latency_figures.h"
#include "report/report_data.h"
#include "rundir/hlog.h"
#include "unit/report/runs.h"

namespace redline {

/// 1,000 operations around `us` microseconds: 90% at it, 10% half as much again.
inline Interval measuredInterval(Nanos start, Nanos end, double us) {
  Interval interval;
  interval.start = start;
  interval.end = end;
  const auto typical = static_cast<Nanos>(us * 1e3);
  for (std::size_t m = 0; m < kMeasures; ++m) {
    Histogram& histogram = interval.latency[m][index(OpKind::get)];
    histogram.record(typical, 900);
    histogram.record(typical * 3 / 2, 100);
  }
  interval.counts.scheduled = 1'000;
  interval.counts.sent[index(OpKind::get)] = 1'000;
  interval.counts.completed[index(OpKind::get)] = 1'000;
  interval.counts.hits = 990;
  interval.counts.misses = 10;
  return interval;
}

/// A run of one second for each of `us`, its directory filled as if it had been read.
inline RunData measuredRun(const std::vector<double>& us,
                           std::vector<std::pair<std::string, std::string>> flags = {}) {
  RunData run = soundRun();
  run.figures.config.insert(run.figures.config.end(), flags.begin(), flags.end());
  run.figures.windowS = static_cast<double>(us.size());
  run.figures.rate.achieved = 1'000;
  run.figures.cache = {.hits = 990, .misses = 10, .hitRate = 0.99};
  Interval total;
  Nanos at = 0;
  for (const double typical : us) {
    const Interval interval = measuredInterval(at, at + kSecond, typical);
    total.follow(interval);
    IntervalRow row;
    row.start = interval.start;
    row.end = interval.end;
    row.counts = interval.counts;
    row.kinds[index(OpKind::get)].completed = 1'000;
    run.dir.intervals.push_back(row);
    for (std::size_t m = 0; m < kMeasures; ++m)
      run.dir.latency.lines.push_back({std::string(kMeasureNames[m]), at, kSecond,
                                       encodeCompressed(interval.latency[m][index(OpKind::get)])});
    at += kSecond;
  }
  for (std::size_t m = 0; m < kMeasures; ++m)
    run.figures.latency[std::string(kMeasureNames[m])]["all"] =
        figuresOf(total.latency[m][index(OpKind::get)]);
  return run;
}

}  // namespace redline
