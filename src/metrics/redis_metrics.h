#pragma once

#include <prometheus/metric_family.h>

#include <span>
#include <string_view>
#include <vector>

#include "metrics/metrics_store.h"

namespace redline {

/// How one field of INFO is shown.
struct RedisMetric {
  std::string_view field;  ///< of INFO
  std::string_view name;   ///< on /metrics: redis_exporter's where that passes promtool's rules
  std::string_view help;
  enum class Kind { counter, gauge, status } kind = Kind::gauge;  ///< status: 1 for "ok", else 0
  double factor = 1;  ///< from INFO's unit to the base unit
};

/// Every numeric field that is shown, in the order of /metrics.
std::span<const RedisMetric> redisMetrics();

/// The latest sample of each server, one family for each metric, label `addr`. A field that a
/// server's INFO lacks, or that is not a number, has no series.
void addRedisFamilies(std::vector<prometheus::MetricFamily>& families,
                      const MetricsSnapshot& snapshot);

}  // namespace redline
