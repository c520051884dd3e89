#include "report/run_blocks.h"

#include <algorithm>

#include "base/rng.h"
#include "record/latency_figures.h"
#include "report/metric.h"

namespace redline {
namespace {

/// The block that an interval starting at `at` belongs to; `starts` are the blocks' first moments.
std::size_t blockOf(Nanos at, const std::vector<Nanos>& starts) {
  const auto after = std::ranges::upper_bound(starts, at);
  return after == starts.begin() ? 0 : static_cast<std::size_t>(after - starts.begin()) - 1;
}

/// Where each block begins: the measured intervals, dealt out as evenly as they go.
std::vector<Nanos> blockStarts(const std::vector<IntervalRow>& rows) {
  std::vector<Nanos> measured;
  for (const IntervalRow& row : rows)
    if (row.isMeasured()) measured.push_back(row.start);
  if (measured.size() < RunBlocks::kFewest) return {};
  const std::size_t blocks = std::min(RunBlocks::kMost, measured.size());
  std::vector<Nanos> starts;
  starts.reserve(blocks);
  for (std::size_t b = 0; b < blocks; ++b) starts.push_back(measured[b * measured.size() / blocks]);
  return starts;
}

}  // namespace

std::optional<RunBlocks> RunBlocks::of(const RunDir& dir) {
  const std::vector<Nanos> starts = blockStarts(dir.intervals);
  if (starts.empty()) return std::nullopt;
  RunBlocks blocks;
  blocks.loads_.resize(starts.size());
  for (const IntervalRow& row : dir.intervals) {
    if (row.warmup) continue;
    Load& load = blocks.loads_[blockOf(row.start, starts)];
    double completed = 0;
    for (const KindRow& kind : row.kinds) {
      completed += static_cast<double>(kind.completed);
      load.failed += static_cast<double>(kind.failed);
    }
    load.completed += completed;
    load.hits += static_cast<double>(row.counts.hits);
    load.reads += static_cast<double>(row.counts.hits + row.counts.misses);
    if (row.drain) continue;
    load.seconds += toSeconds(row.end - row.start);
    load.completedInWindow += completed + static_cast<double>(row.counts.carriedOver);
  }
  for (std::size_t m = 0; m < kMeasures; ++m)
    blocks.addLatency(dir.latency, static_cast<Measure>(m), starts);
  return blocks;
}

void RunBlocks::addLatency(const HistogramLog& log, Measure measure,
                           const std::vector<Nanos>& starts) {
  std::vector<Histogram> merged(starts.size());
  Histogram all;
  for (const LoggedHistogram& line : log.lines) {
    if (line.tag != kMeasureNames[index(measure)]) continue;
    const auto histogram = line.histogram();
    if (!histogram) continue;
    merged[blockOf(line.start, starts)].add(*histogram);
    all.add(*histogram);
  }
  Latency& latency = latency_[index(measure)];
  std::vector<std::size_t> slots;
  all.forEach([&](std::size_t slot, std::uint64_t) {
    slots.push_back(slot);
    latency.us.push_back(toMicros(Histogram::highestOf(slot)));
    latency.middleUs.push_back(toMicros(Histogram::middleOf(slot)));
  });
  for (const Histogram& histogram : merged) {
    auto& counts = latency.counts.emplace_back();
    counts.reserve(slots.size());
    for (const std::size_t slot : slots)
      counts.push_back(static_cast<double>(histogram.countAt(slot)));
  }
}

void RunBlocks::loadFigures(const Draw& draw,
                            std::map<std::string, std::vector<double>>& into) const {
  Load sum;
  for (std::size_t b = 0; b < draw.size(); ++b) {
    sum.seconds += draw[b] * loads_[b].seconds;
    sum.completedInWindow += draw[b] * loads_[b].completedInWindow;
    sum.completed += draw[b] * loads_[b].completed;
    sum.failed += draw[b] * loads_[b].failed;
    sum.hits += draw[b] * loads_[b].hits;
    sum.reads += draw[b] * loads_[b].reads;
  }
  if (sum.seconds > 0) into["achieved"].push_back(sum.completedInWindow / sum.seconds);
  if (sum.reads > 0) into["hit_rate"].push_back(sum.hits / sum.reads);
  if (sum.completed + sum.failed > 0)
    into["failed"].push_back(sum.failed / (sum.completed + sum.failed));
}

void RunBlocks::latencyFigures(const Draw& draw, Measure measure,
                               std::map<std::string, std::vector<double>>& into) const {
  const Latency& latency = latency_[index(measure)];
  std::vector<double> counts(latency.us.size());
  for (std::size_t b = 0; b < draw.size(); ++b) {
    if (draw[b] == 0) continue;
    for (std::size_t u = 0; u < counts.size(); ++u) counts[u] += draw[b] * latency.counts[b][u];
  }
  double all = 0, weighed = 0;
  for (std::size_t u = 0; u < counts.size(); ++u) {
    all += counts[u];
    weighed += counts[u] * latency.middleUs[u];
  }
  if (all == 0) return;
  const std::string_view name = kMeasureNames[index(measure)];
  into[latencyMetricName(name, "all", "mean")].push_back(weighed / all);
  double below = 0;
  std::size_t u = 0;
  for (const ReportedPercentile& p : kReportedPercentiles) {
    while (u + 1 < counts.size() && below + counts[u] < p.share * all) below += counts[u++];
    into[latencyMetricName(name, "all", p.name)].push_back(latency.us[u]);
  }
}

std::map<std::string, std::vector<double>> RunBlocks::resample(std::size_t resamples,
                                                               std::uint64_t seed) const {
  std::map<std::string, std::vector<double>> figures;
  Rng rng(seed);
  Draw draw(count());
  for (std::size_t i = 0; i < resamples; ++i) {
    std::ranges::fill(draw, 0);
    for (std::size_t b = 0; b < draw.size(); ++b) ++draw[rng.below(draw.size())];
    loadFigures(draw, figures);
    for (std::size_t m = 0; m < kMeasures; ++m)
      latencyFigures(draw, static_cast<Measure>(m), figures);
  }
  return figures;
}

}  // namespace redline
