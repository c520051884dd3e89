#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/numbers.h"
#include "base/result.h"
#include "top/metrics_page.h"
#include "transport/endpoint.h"

namespace redline {

/// One of a run's servers, by the INFO beside the run.
struct RunNode {
  std::string addr;
  double opsPerS = kNaN;     ///< commands that it has processed
  double mainThread = kNaN;  ///< busy share
  double memory = kNaN;      ///< bytes
  double evictedPerS = kNaN, expiredPerS = kNaN;
};

/// A run of redline between two readings of its /metrics. NaN: not known.
struct RunView {
  std::string run, phase;  ///< "measure"
  bool hasLoad = true;     ///< false: faults alone, or nothing has begun; then there are no figures
                           ///< of operations
  double target = kNaN;    ///< operations a second; 0: as fast as replies allow
  double achieved = kNaN;  ///< completed operations a second
  double failedPerS = kNaN;
  double outstanding = kNaN, backlog = kNaN;
  double hitRate = kNaN;
  /// Of what completed in between, seconds: interpolated between the bounds of the page's buckets.
  struct Percentiles {
    double p50 = kNaN, p99 = kNaN, p999 = kNaN;
  };
  Percentiles response, service, lateness;
  double generatorBusy = kNaN;  ///< share of its workers' time, spinning left out
  std::map<std::string, double> errors, redirects;  ///< by kind, so far
  std::vector<std::string> faults;                  ///< under way
  std::vector<RunNode> nodes;
  std::vector<std::pair<std::string, double>> hotSlots;  ///< slot, share of the completed so far
};

/// What happened between the two pages, `seconds` apart.
RunView runView(const MetricsPage& before, const MetricsPage& after, double seconds);

/// Reads a run's /metrics: unreachable where no run is (any more). unsafe: on another machine.
Result<MetricsPage> readMetrics(const Endpoint& endpoint, Nanos timeout = 2 * kSecond);

}  // namespace redline
