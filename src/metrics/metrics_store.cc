#include "metrics/metrics_store.h"

#include <numeric>
#include <utility>

namespace redline {
namespace {

std::uint64_t sum(const std::array<std::uint64_t, kOpKinds>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

void addWarmup(MetricsSnapshot& to, const Counters& counts) {
  to.warmupCompleted += sum(counts.completed);
  to.warmupFailed += sum(counts.failed);
  to.total.corrupt += counts.corrupt;  // a wrong byte counts whenever it is seen
  to.total.outstanding = counts.outstanding;
  to.total.backlog = counts.backlog;
  to.total.storeWaiting = counts.storeWaiting;
  to.total.storeQueue = counts.storeQueue;
}

void addMeasured(MetricsSnapshot& to, const Interval& interval) {
  to.total.follow(interval.counts);
  for (std::size_t measure = 0; measure < kMeasures; ++measure)
    for (std::size_t kind = 0; kind < kOpKinds; ++kind)
      to.latency[measure][kind].add(interval.latency[measure][kind]);
  to.failed.add(interval.failed);
  if (interval.store) {
    to.storeRead.add(interval.store->read);
    to.storeWrite.add(interval.store->write);
    to.storeService.add(interval.store->service);
  }
  addNodes(to.nodes, interval.nodes);
  addSlots(to.slots, interval.slots);
}

}  // namespace

RunPhase phaseOf(const Interval& interval) {
  if (interval.warmup) return RunPhase::warmup;
  return interval.drain ? RunPhase::drain : RunPhase::measure;
}

MetricsStore::MetricsStore(RunDescription run) {
  now_.run = std::move(run);
  now_.startedWall = wallNow();
}

void MetricsStore::begin(RunDescription run) {
  const std::lock_guard lock(mutex_);
  MetricsSnapshot fresh;
  fresh.run = std::move(run);
  fresh.startedWall = now_.startedWall;
  now_ = std::move(fresh);
}

void MetricsStore::addInterval(const Interval& interval) {
  const std::lock_guard lock(mutex_);
  now_.phase = phaseOf(interval);
  if (interval.warmup)
    addWarmup(now_, interval.counts);
  else
    addMeasured(now_, interval);
}

void MetricsStore::addSample(const ServerSample& sample) {
  const std::lock_guard lock(mutex_);
  now_.servers.insert_or_assign(sample.addr, MetricsSnapshot::Sampled{sample, wallNow()});
}

void MetricsStore::addEvent(const Event& event) {
  if (event.kind != "fault" || (event.phase != "begin" && event.phase != "end")) return;
  const std::lock_guard lock(mutex_);
  MetricsSnapshot::Fault& fault = now_.faults[event.name];
  if (event.phase == "begin") {
    ++fault.begun;
    ++fault.active;
  } else if (fault.active > 0) {
    --fault.active;
  }
}

void MetricsStore::end() {
  const std::lock_guard lock(mutex_);
  now_.phase = RunPhase::ended;
}

MetricsSnapshot MetricsStore::snapshot() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

}  // namespace redline
