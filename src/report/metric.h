#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/report_data.h"

namespace redline {

enum class MetricUnit {
  micros,  ///< microseconds
  rate,    ///< a second
  share,   ///< 0…1
  bytes,
  count,
};

/// One figure of a run that can be compared, and named in a condition. Its name is what
/// summary.json calls it, as far as that is short: "achieved", "hit_rate", "p99" (of response
/// time), "service.p99", "get.p99", "service.set.p999".
struct Metric {
  std::string name;
  MetricUnit unit = MetricUnit::count;
  enum class Better { lower, higher, neither };
  Better better = Better::lower;

  /// Shares and counts may be 0: they are compared by difference, the rest by ratio.
  bool byDifference() const { return unit == MetricUnit::share || unit == MetricUnit::count; }
};

/// "service.get.p99"; the measure "response" and the kind "all" go unsaid.
std::string latencyMetricName(std::string_view measure, std::string_view kind,
                              std::string_view figure);

/// usage, naming what there is, for a name that is none.
Result<Metric> findMetric(std::string_view name);

/// What a comparison shows unless asked for more.
std::vector<Metric> usualMetrics();

/// The run's figure; none when it was not measured.
std::optional<double> metricOf(const RunData& run, const Metric& metric);

/// Operations outstanding at the run's end could only make the figure larger.
bool isLowerBound(const RunData& run, const Metric& metric);

/// "1.21 ms", "98.1k/s", "99.2%", "17.4 GB".
std::string formatMetric(MetricUnit unit, double value);

}  // namespace redline
