#include "report/metric.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/units.h"
#include "record/latency_figures.h"
#include "record/operation.h"
#include "report/finding_rules.h"
#include "report/text.h"

namespace redline {
namespace {

using Better = Metric::Better;
using MetricValue = std::optional<double> (*)(const RunData&);

struct PlainMetric {
  std::string_view name;
  MetricUnit unit;
  Better better;
  MetricValue value;
};

double completed(const RunData& run) {
  return static_cast<double>(run.figures.rate.completed);
}

template <typename Figure>
double summed(const RunData& run, Figure figure) {
  double sum = 0;
  for (const ServerFigures& server : run.figures.servers)
    sum += static_cast<double>(server.*figure);
  return sum;
}

std::optional<double> ratePerWindow(const RunData& run, double count) {
  if (run.figures.servers.empty() || run.figures.windowS <= 0) return std::nullopt;
  return count / run.figures.windowS;
}

std::optional<double> achieved(const RunData& run) {
  return run.figures.rate.achieved;
}
std::optional<double> failedShare(const RunData& run) {
  const auto failed = static_cast<double>(run.figures.rate.failed);
  if (completed(run) + failed == 0) return std::nullopt;
  return failed / (completed(run) + failed);
}
std::optional<double> outstanding(const RunData& run) {
  return static_cast<double>(run.figures.rate.outstanding);
}
std::optional<double> hitRate(const RunData& run) {
  if (run.figures.cache.hits + run.figures.cache.misses == 0) return std::nullopt;
  return run.figures.cache.hitRate;
}
std::optional<double> corrupt(const RunData& run) {
  return static_cast<double>(run.figures.verify.corrupt);
}
std::optional<double> stale(const RunData& run) {
  return static_cast<double>(run.figures.verify.stale);
}
std::optional<double> mainThread(const RunData& run) {
  const double busiest = busiestServer(run);
  return busiest < 0 ? std::nullopt : std::optional(busiest);
}
std::optional<double> serverCpuPerOp(const RunData& run) {
  if (run.figures.servers.empty() || completed(run) == 0) return std::nullopt;
  return (summed(run, &ServerFigures::cpuUserS) + summed(run, &ServerFigures::cpuSystemS)) * 1e6 /
         completed(run);
}
std::optional<double> evicted(const RunData& run) {
  return ratePerWindow(run, summed(run, &ServerFigures::evicted));
}
std::optional<double> expired(const RunData& run) {
  return ratePerWindow(run, summed(run, &ServerFigures::expired));
}
std::optional<double> usedMemory(const RunData& run) {
  if (run.figures.servers.empty()) return std::nullopt;
  return summed(run, &ServerFigures::usedMemory);
}
template <double GeneratorFigures::* kFigure>
std::optional<double> ofGenerator(const RunData& run) {
  return run.ended ? std::optional(run.figures.generator.*kFigure) : std::nullopt;
}

// Evictions and expiries a second may be none at all, so they are compared by difference like
// counts.
constexpr std::array kPlain{
    PlainMetric{"achieved", MetricUnit::rate, Better::higher, achieved},
    PlainMetric{"failed", MetricUnit::share, Better::lower, failedShare},
    PlainMetric{"outstanding", MetricUnit::count, Better::lower, outstanding},
    PlainMetric{"hit_rate", MetricUnit::share, Better::higher, hitRate},
    PlainMetric{"corrupt", MetricUnit::count, Better::lower, corrupt},
    PlainMetric{"stale", MetricUnit::count, Better::lower, stale},
    PlainMetric{"main_thread", MetricUnit::share, Better::neither, mainThread},
    PlainMetric{"server_cpu_us_per_op", MetricUnit::micros, Better::lower, serverCpuPerOp},
    PlainMetric{"evicted_per_s", MetricUnit::count, Better::lower, evicted},
    PlainMetric{"expired_per_s", MetricUnit::count, Better::neither, expired},
    PlainMetric{"used_memory", MetricUnit::bytes, Better::lower, usedMemory},
    PlainMetric{"generator", MetricUnit::share, Better::neither,
                ofGenerator<&GeneratorFigures::utilisation>},
    PlainMetric{"cpu_us_per_op", MetricUnit::micros, Better::lower,
                ofGenerator<&GeneratorFigures::cpuUsPerOp>},
    PlainMetric{"mean_batch", MetricUnit::count, Better::neither,
                ofGenerator<&GeneratorFigures::meanBatch>},
    PlainMetric{"steal", MetricUnit::share, Better::lower, ofGenerator<&GeneratorFigures::steal>},
};

/// "service.get.p99" taken apart.
struct LatencyName {
  std::string_view measure = "response", kind = "all", figure;
};

std::optional<LatencyName> latencyName(std::string_view name) {
  constexpr std::array<std::string_view, 3> kKinds{"all", "get", "set"};
  LatencyName parts;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    const std::string_view part = name.substr(0, dot);
    name.remove_prefix(dot + 1);
    if (std::ranges::find(kMeasureNames, part) != kMeasureNames.end())
      parts.measure = part;
    else if (std::ranges::find(kKinds, part) != kKinds.end())
      parts.kind = part;
    else
      return std::nullopt;
  }
  parts.figure = name;
  const bool known = name == "mean" || name == "max" ||
                     std::ranges::find(kReportedPercentiles, name, &ReportedPercentile::name) !=
                         kReportedPercentiles.end();
  return known ? std::optional(parts) : std::nullopt;
}

double figureOf(const LatencyFigures& figures, std::string_view name) {
  if (name == "mean") return figures.mean;
  if (name == "max") return figures.max;
  return figures.*std::ranges::find(kReportedPercentiles, name, &ReportedPercentile::name)->figure;
}

const PlainMetric* plainMetric(std::string_view name) {
  const auto* const found = std::ranges::find(kPlain, name, &PlainMetric::name);
  return found == kPlain.end() ? nullptr : found;
}

}  // namespace

std::string latencyMetricName(std::string_view measure, std::string_view kind,
                              std::string_view figure) {
  std::string name;
  if (measure != "response") name += fmt::format("{}.", measure);
  if (kind != "all") name += fmt::format("{}.", kind);
  return name += figure;
}

Result<Metric> findMetric(std::string_view name) {
  if (const auto latency = latencyName(name))
    return Metric{latencyMetricName(latency->measure, latency->kind, latency->figure),
                  MetricUnit::micros, Better::lower};
  if (const PlainMetric* const plain = plainMetric(name))
    return Metric{std::string(plain->name), plain->unit, plain->better};
  std::string known =
      "p50, p90, p99, p999, p9999, mean or max (before them service., lateness. or "
      "dispatch., and get. or set.)";
  for (const PlainMetric& plain : kPlain) known += fmt::format(", {}", plain.name);
  return fail(ErrorCode::usage, "there is no metric '{}': {}", name, known);
}

std::vector<Metric> usualMetrics() {
  std::vector<Metric> metrics;
  for (const std::string_view name :
       {"achieved",     "p50",           "p90",         "p99",
        "p999",         "max",           "service.p50", "service.p99",
        "lateness.p99", "dispatch.p99",  "failed",      "outstanding",
        "hit_rate",     "evicted_per_s", "main_thread", "server_cpu_us_per_op",
        "used_memory",  "cpu_us_per_op", "generator",   "steal"})
    metrics.push_back(*findMetric(name));
  return metrics;
}

std::optional<double> metricOf(const RunData& run, const Metric& metric) {
  if (const PlainMetric* const plain = plainMetric(metric.name)) return plain->value(run);
  const auto parts = latencyName(metric.name);
  if (!parts) return std::nullopt;
  const LatencyFigures& figures = run.latencyOf(parts->measure, parts->kind);
  return figures.count == 0 ? std::nullopt : std::optional(figureOf(figures, parts->figure));
}

bool isLowerBound(const RunData& run, const Metric& metric) {
  const auto parts = latencyName(metric.name);
  if (!parts) return false;
  const auto& bounds = run.latencyOf(parts->measure, parts->kind).lowerBounds;
  return std::ranges::find(bounds, parts->figure) != bounds.end();
}

std::string formatMetric(MetricUnit unit, double value) {
  switch (unit) {
    case MetricUnit::micros:
      return formatMicros(value);
    case MetricUnit::rate:
      return formatCount(value) + "/s";
    case MetricUnit::share:
      return formatShare(value);
    case MetricUnit::bytes:
      return formatSize(static_cast<std::uint64_t>(std::max(0.0, value)));
    case MetricUnit::count:
      break;
  }
  return std::abs(value) < 1'000 ? fmt::format("{:.3g}", value) : formatCount(value);
}

}  // namespace redline
