#include "report/blame.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/units.h"
#include "model/statistics.h"
#include "report/blame_evidence.h"
#include "report/text.h"

namespace redline {
namespace {

/// Mean of a measure over both kinds.
double meanOfKinds(const IntervalRow& row, Measure measure) {
  double weighed = 0;
  double count = 0;
  for (const KindRow& kind : row.kinds) {
    const LatencyFigures& figures = kind.of(measure);
    weighed += figures.mean * static_cast<double>(figures.count);
    count += static_cast<double>(figures.count);
  }
  return count > 0 ? weighed / count : 0;
}

double longestOf(const IntervalRow& row, Measure measure) {
  double longest = 0;
  for (const KindRow& kind : row.kinds) longest = std::max(longest, kind.of(measure).max);
  return longest;
}

double sampleCount(const IntervalRow& row, Measure measure) {
  double count = 0;
  for (const KindRow& kind : row.kinds) count += static_cast<double>(kind.of(measure).count);
  return count;
}

Waiting waitingIn(const IntervalRow& row) {
  Waiting waiting;
  waiting.operations = sampleCount(row, Measure::service);
  waiting.generator = meanOfKinds(row, Measure::dispatch);
  waiting.queue = std::max(0.0, meanOfKinds(row, Measure::lateness) - waiting.generator);
  waiting.server = meanOfKinds(row, Measure::service);
  return waiting;
}

std::vector<BlamedInterval> intervalsOf(const RunData& run) {
  std::vector<BlamedInterval> intervals;
  for (const LatencyPoint& point : run.latency) {
    constexpr double kSameMoment = 1e-6;
    const auto row =
        std::ranges::lower_bound(run.dir.intervals, point.at.start - kSameMoment, {},
                                 [](const IntervalRow& each) { return toSeconds(each.start); });
    if (row == run.dir.intervals.end() || toSeconds(row->start) > point.at.start + kSameMoment)
      continue;
    intervals.push_back({point.at, row->warmup, row->drain, point.p99, point.max, waitingIn(*row),
                         longestOf(*row, Measure::dispatch), longestOf(*row, Measure::service),
                         false});
  }
  return intervals;
}

/// Part by part, so that no interval has to be typical in all of them.
Waiting usualWaiting(const std::vector<BlamedInterval>& intervals) {
  const auto median = [&](double Waiting::* part) {
    std::vector<double> values;
    for (const BlamedInterval& interval : intervals)
      if (!interval.slow && !interval.warmup && !interval.drain)
        values.push_back(interval.waiting.*part);
    return medianOf(values);
  };
  return {median(&Waiting::operations), median(&Waiting::generator), median(&Waiting::queue),
          median(&Waiting::server)};
}

Waiting extraWaiting(const Waiting& waiting, const Waiting& usual) {
  return {waiting.operations, std::max(0.0, waiting.generator - usual.generator),
          std::max(0.0, waiting.queue - usual.queue), std::max(0.0, waiting.server - usual.server)};
}

/// Dispatch counts only while a connection was free, so a long one is the generator's own stall,
/// and the operations that fell due meanwhile queued behind it. A long service keeps a connection
/// that others wait for.
Culprit causeOfQueue(const SlowStretch& stretch, const Waiting& usual) {
  if (stretch.longestDispatch >= kMostOfIt * stretch.max) return Culprit::behindGenerator;
  constexpr double kSlower = 1.5;
  if (stretch.longestService >= kMostOfIt * stretch.max ||
      stretch.waiting.server > kSlower * usual.server)
    return Culprit::behindServer;
  return Culprit::connections;
}

Culprit culpritOf(const SlowStretch& stretch, const Waiting& usual) {
  const double most = kMostOfIt * stretch.beyond.total();
  if (stretch.beyond.generator >= most) return Culprit::generator;
  if (stretch.beyond.server >= most) return Culprit::server;
  if (stretch.beyond.queue >= most) return causeOfQueue(stretch, usual);
  return Culprit::several;
}

/// Groups of slow intervals as [first, last], neighbours across one that is not slow.
std::vector<std::pair<std::size_t, std::size_t>> groupsOf(
    const std::vector<BlamedInterval>& intervals) {
  std::vector<std::pair<std::size_t, std::size_t>> groups;
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    if (!intervals[i].slow) continue;
    if (!groups.empty() && i - groups.back().second <= kSlowRule.bridge + 1)
      groups.back().second = i;
    else
      groups.emplace_back(i, i);
  }
  return groups;
}

SlowStretch stretchOf(const std::vector<BlamedInterval>& intervals, std::size_t first,
                      std::size_t last) {
  SlowStretch stretch;
  // Nothing finishes while a server stalls: the gap before belongs to the stretch.
  const double start = intervals[first].at.start;
  stretch.at = {first == 0 ? start : std::min(start, intervals[first - 1].at.end),
                intervals[last].at.end};
  stretch.since = stretch.at.start;
  for (std::size_t i = first; i <= last; ++i) {
    const BlamedInterval& interval = intervals[i];
    stretch.worstP99 = std::max(stretch.worstP99, interval.p99);
    stretch.max = std::max(stretch.max, interval.max);
    stretch.longestDispatch = std::max(stretch.longestDispatch, interval.longestDispatch);
    stretch.longestService = std::max(stretch.longestService, interval.longestService);
    stretch.since = std::min(stretch.since, interval.at.start - interval.max / 1e6);
    stretch.waiting.add(interval.waiting);
  }
  return stretch;
}

}  // namespace

void Waiting::add(const Waiting& other) {
  const double all = operations + other.operations;
  if (all == 0) return;
  const auto mean = [&](double Waiting::* part) {
    this->*part = (this->*part * operations + other.*part * other.operations) / all;
  };
  mean(&Waiting::generator);
  mean(&Waiting::queue);
  mean(&Waiting::server);
  operations = all;
}

std::string_view culpritName(Culprit culprit) {
  static constexpr std::array<std::string_view, 6> kNames{"generator",
                                                          "server",
                                                          "generator, and the queue behind it",
                                                          "server, and the queue behind it",
                                                          "too few connections",
                                                          "several"};
  return kNames[static_cast<std::size_t>(culprit)];
}

Blame blameOf(const RunData& run) {
  Blame blame;
  blame.intervals = intervalsOf(run);
  std::vector<double> measured;
  for (const BlamedInterval& interval : blame.intervals) {
    if (interval.warmup || interval.drain) continue;
    measured.push_back(interval.p99);
    blame.measuredS += interval.at.length();
  }
  blame.judged = measured.size() >= kSlowRule.leastBaseline;
  if (!blame.judged) return blame;
  blame.usualP99 = medianOf(measured);
  blame.threshold = spikeThreshold(measured, kSlowRule);
  for (BlamedInterval& interval : blame.intervals)
    interval.slow = !interval.warmup && interval.p99 > blame.threshold;
  blame.usual = usualWaiting(blame.intervals);
  for (const auto& [first, last] : groupsOf(blame.intervals)) {
    SlowStretch stretch = stretchOf(blame.intervals, first, last);
    stretch.beyond = extraWaiting(stretch.waiting, blame.usual);
    stretch.culprit = culpritOf(stretch, blame.usual);
    const Span window{stretch.since, stretch.at.end};
    stretch.faults = faultsWithin(run, window);
    stretch.evidence = evidenceWithin(run, window);
    if (stretch.longestDispatch >= kMostOfIt * stretch.max)
      stretch.evidence.push_back(
          fmt::format("the generator sent an operation {} late although a connection was free",
                      formatMicros(stretch.longestDispatch)));
    blame.stretches.push_back(std::move(stretch));
  }
  return blame;
}

}  // namespace redline
