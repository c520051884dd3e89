#include "record/run_totals.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "base/numbers.h"
#include "record/latency_figures.h"

namespace redline {
namespace {

std::uint64_t sum(const std::array<std::uint64_t, kOpKinds>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

}  // namespace

RateFigures rateFigures(const RunTotals& totals, double target) {
  const Counters& counts = totals.counts;
  RateFigures rate;
  rate.target = target;
  if (totals.windowS > 0)
    rate.achieved = static_cast<double>(totals.completedInWindow) / totals.windowS;
  rate.scheduled = counts.scheduled;
  rate.sent = sum(counts.sent);
  rate.completed = sum(counts.completed);
  rate.failed = sum(counts.failed);
  rate.outstanding = counts.outstandingAtEnd;
  rate.unanswered = counts.unansweredAtEnd;
  rate.unserved = counts.unservedAtEnd;
  rate.longestUnansweredS = toSeconds(counts.longestUnanswered);
  for (std::size_t i = 0; i < kFailures; ++i)
    if (counts.failures[i] != 0) rate.errors[std::string(kFailureNames[i])] = counts.failures[i];
  return rate;
}

double answeredRate(const RateFigures& rate, double windowS) {
  if (windowS <= 0) return rate.achieved;
  std::uint64_t refused = 0;
  for (std::size_t i = 0; i < kFailures; ++i)
    if (const auto found = rate.errors.find(std::string(kFailureNames[i]));
        found != rate.errors.end() && isAnswered(static_cast<Failure>(i)))
      refused += found->second;
  return rate.achieved + static_cast<double>(refused) / windowS;
}

double failedShare(const RateFigures& rate, std::initializer_list<Failure> reasons) {
  std::uint64_t failed = 0;
  for (const Failure reason : reasons)
    if (const auto found = rate.errors.find(std::string(kFailureNames[index(reason)]));
        found != rate.errors.end())
      failed += found->second;
  return shareOf(failed, rate.scheduled);
}

CacheFigures cacheFigures(const Counters& counts) {
  CacheFigures cache;
  cache.hits = counts.hits;
  cache.misses = counts.misses;
  cache.hitRate = shareOf(counts.hits, counts.hits + counts.misses);
  cache.localHits = counts.of(MitigationCount::localHits);
  cache.refills = counts.refills;
  cache.refillsFailed = counts.refillsFailed;
  return cache;
}

BackingFigures backingFigures(const Counters& counts, const StoreLatency& latency) {
  BackingFigures figures;
  figures.store = "postgres";
  for (std::size_t i = 0; i < kBackingCounts; ++i)
    if (counts.backing[i] != 0)
      figures.counts[std::string(kBackingCountNames[i])] = counts.backing[i];
  figures.read = figuresOf(latency.read);
  figures.write = figuresOf(latency.write);
  figures.service = figuresOf(latency.service);
  figures.staleRefillAge = figuresOf(latency.staleRefillAge);
  return figures;
}

std::uint64_t storeFailures(const Counters& counts) {
  std::uint64_t failed = 0;
  for (std::size_t i = index(BackingCount::unreachable); i <= index(BackingCount::protocol); ++i)
    failed += counts.backing[i];
  return failed;
}

void StorePeaks::follow(const Counters& counts) {
  queue = std::max(queue, counts.storeQueue);
  waiting = std::max(waiting, counts.storeWaiting);
}

VerifyFigures verifyFigures(const RunTotals& totals) {
  VerifyFigures verify;
  verify.checked = totals.counts.checked;
  verify.corrupt = totals.counts.corrupt + totals.warmupCorrupt;
  verify.stale = totals.counts.of(MitigationCount::stale);
  return verify;
}

ClusterFigures redirectFigures(const Counters& counts) {
  ClusterFigures cluster;
  cluster.moved = counts.moved;
  cluster.ask = counts.ask;
  cluster.tryagain = counts.tryagain;
  cluster.clusterdown = counts.clusterdown;
  return cluster;
}

GeneratorFigures generatorFigures(const RunTotals& totals, std::uint64_t extraRequests) {
  const Counters& counts = totals.counts;
  GeneratorFigures g;
  g.cpuUserS = toSeconds(counts.cpuUser);
  g.cpuSystemS = toSeconds(counts.cpuSystem);
  const double working = std::max(0.0, g.cpuUserS + g.cpuSystemS - toSeconds(counts.idleTime));
  const std::uint64_t done = sum(counts.completed) + sum(counts.failed);
  if (done != 0) g.cpuUsPerOp = working * 1e6 / static_cast<double>(done);
  if (totals.busyS > 0) {
    g.utilisation = std::min(1.0, working / totals.busyS);
    g.waitingForCore = std::min(1.0, toSeconds(counts.cpuWaiting) / totals.busyS);
    g.hiddenSteal =
        std::clamp(toSeconds(counts.paused - counts.cpuWaiting) / totals.busyS, 0.0, 1.0);
  }
  g.meanBatch = shareOf(sum(counts.sent) + counts.retried + extraRequests, counts.batches);
  g.longestPassUs = toMicros(counts.longestPass);
  g.longestPauseUs = toMicros(counts.longestPause);
  g.reconnects = counts.reconnects;
  g.retried = counts.retried;
  g.refusedConnections = counts.refusedConnections;
  return g;
}

}  // namespace redline
