#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "metrics/metrics_store.h"

namespace redline {

/// A snapshot as Prometheus metrics: base units, conventional names, cumulative buckets.
/// docs/metrics.md explains every metric.
std::vector<prometheus::MetricFamily> metricFamilies(const MetricsSnapshot& snapshot);

/// The same in the text format 0.0.4: the body of GET /metrics.
std::string exposition(const MetricsSnapshot& snapshot);

/// The content type that goes with it.
inline constexpr std::string_view kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace redline
