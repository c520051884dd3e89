#include "metrics/live_run.h"

#include <algorithm>
#include <utility>

#include "base/affinity.h"
#include "record/latency_figures.h"
#include "record/server_figures.h"

namespace redline {
namespace {

void addMeasures(std::array<Histogram, kLiveMeasures.size()>& to, const Interval& interval) {
  for (std::size_t i = 0; i < kLiveMeasures.size(); ++i) {
    for (const OpKind kind : {OpKind::get, OpKind::set})
      to[i].add(interval.of(kLiveMeasures[i], kind));
    yieldCore();
  }
}

/// Without the service times, of which the page shows none.
void addNode(ClusterTally& tally, const NodeInterval& node) {
  auto known = std::ranges::find(tally.nodes, node.addr, &NodeTally::addr);
  if (known == tally.nodes.end()) known = tally.nodes.insert(known, {node.addr, 0, 0, {}});
  known->completed += node.completed;
  known->redirected += node.redirected;
}

}  // namespace

LiveRun::LiveRun(LiveRunPlan plan, std::uint64_t number, EventFeed& feed, ClusterNow clusterNow,
                 Faulted faulted)
    : plan_(std::move(plan)),
      number_(number),
      feed_(feed),
      clusterNow_(std::move(clusterNow)),
      faulted_(std::move(faulted)) {
  if (plan_.hasStore) {
    step_.storeRead.emplace();
    store_.emplace();
  }
  feed_.add("run", Keep::recent, runEvent(plan_, number_));
}

void LiveRun::addInterval(const Interval& interval, double steal) {
  const std::lock_guard lock(mutex_);
  steal_ = steal;
  const RunPhase phase = phaseOf(interval);
  if (phase != RunPhase::warmup && totals_.windowS == 0) servers_.start();
  if (step_.end != step_.start && step_.phase != phase) flushStep();
  addToStep(interval, phase);
  addToTotals(interval);
  if (step_.end - step_.start >= kLeastStep) flushStep();
}

void LiveRun::addToStep(const Interval& interval, RunPhase phase) {
  if (step_.end == step_.start) step_.start = interval.start;
  step_.end = interval.end;
  step_.phase = phase;
  step_.counts.follow(interval.counts);
  addMeasures(step_.latency, interval);
  if (step_.storeRead && interval.store) step_.storeRead->add(interval.store->read);
}

void LiveRun::addToTotals(const Interval& interval) {
  storePeaks_.follow(interval.counts);
  if (interval.warmup) {
    totals_.warmupCorrupt += interval.counts.corrupt;
    return;
  }
  const double spanS = toSeconds(interval.end - interval.start);
  totals_.counts.follow(interval.counts);
  totals_.busyS += spanS * plan_.threads;
  if (!interval.drain) {
    totals_.windowS += spanS;
    totals_.completedInWindow += interval.counts.carriedOver;
    for (const std::uint64_t count : interval.counts.completed) totals_.completedInWindow += count;
  }
  addMeasures(latency_, interval);
  if (store_ && interval.store)
    StoreLatency::forEach([&](auto each) {
      ((*store_).*each).add((*interval.store).*each);
      yieldCore();
    });
  Histogram& dispatch =
      faulted_ && faulted_(interval.start, interval.end) ? dispatch_.faulted : dispatch_.clear;
  for (const OpKind kind : {OpKind::get, OpKind::set})
    dispatch.add(interval.of(Measure::dispatch, kind));
  addSlots(tally_.slots, interval.slots);
  for (const NodeInterval& node : interval.nodes) addNode(tally_, node);
}

void LiveRun::flushStep() {
  LivePoint point;
  point.run = number_;
  point.start = step_.start;
  point.end = step_.end;
  point.phase = step_.phase;
  point.counts = step_.counts;
  for (std::size_t i = 0; i < kLiveMeasures.size(); ++i) {
    point.latency[i] = figuresOf(step_.latency[i]);
    step_.latency[i].reset();
  }
  if (step_.storeRead) {
    point.storeRead = figuresOf(*step_.storeRead);
    step_.storeRead->reset();
  }
  yieldCore();
  RunTotals work;
  work.counts = step_.counts;
  work.busyS = toSeconds(step_.end - step_.start) * plan_.threads;
  const GeneratorFigures generator = generatorFigures(work);
  point.generatorBusy = generator.utilisation;
  point.generatorWaiting = generator.waitingForCore;
  point.servers = servers_.step();
  feed_.add("point", Keep::recent, pointEvent(point, plan_.clock));
  yieldCore();
  feed_.add("summary", Keep::latest,
            summaryEvent(about(step_.phase, false, totals_.counts.scheduled != 0), soFar()));
  yieldCore();
  if (step_.end - heatAt_ >= kHeatStep || heatAt_ == 0) tellSlots(step_.end);
  step_.start = step_.end;
  step_.counts = {};
}

void LiveRun::tellSlots(Nanos now) {
  if (tally_.slots.empty()) return;
  heatAt_ = now;
  feed_.add("slots", Keep::latest, slotsEvent(tally_.slots, number_));
}

LiveSummary LiveRun::about(RunPhase phase, bool isFinal, bool isJudged) const {
  const double cpuS = toSeconds(totals_.counts.cpuUser + totals_.counts.cpuSystem);
  const double cores = totals_.busyS > 0 ? cpuS / totals_.busyS * plan_.threads : 0;
  return {number_, phase, isFinal, isJudged, cores};
}

Summary LiveRun::soFar() const {
  Summary summary;
  summary.windowS = totals_.windowS;
  summary.rate = rateFigures(totals_, plan_.isClosed ? 0 : plan_.targetRate);
  for (std::size_t i = 0; i < kLiveMeasures.size(); ++i)
    summary.latency[std::string(kMeasureNames[index(kLiveMeasures[i])])]["all"] =
        figuresOf(latency_[i]);
  summary.latency["dispatch"]["all"] = figuresOf(dispatch_.clear);
  yieldCore();
  summary.cache = cacheFigures(totals_.counts);
  summary.verify = verifyFigures(totals_);
  if (store_) {
    summary.backing = backingFigures(totals_.counts, *store_);
    summary.backing.longestQueue = storePeaks_.queue;
    summary.backing.mostWaiting = storePeaks_.waiting;
    yieldCore();
  }
  if (clusterNow_) summary.cluster = clusterNow_(tally_);
  const ClusterFigures redirects = redirectFigures(totals_.counts);
  summary.cluster.moved = redirects.moved;
  summary.cluster.ask = redirects.ask;
  summary.cluster.tryagain = redirects.tryagain;
  summary.cluster.clusterdown = redirects.clusterdown;
  summary.generator = generatorFigures(totals_);
  summary.generator.steal = steal_;
  summary.servers = servers_.soFar(steal_);
  takeRoles(summary.cluster, summary.servers);
  VerdictBasis basis;
  basis.closed = plan_.isClosed;
  basis.valueSize = plan_.valueSize;
  basis.busyS = totals_.busyS;
  basis.faults = faults_;
  if (faults_ != 0) basis.dispatch = &dispatch_;
  Verdict verdict = judgeValidity(validityFacts(summary, totals_.counts, basis));
  summary.valid = verdict.reasons.empty();
  summary.invalidReasons = std::move(verdict.reasons);
  summary.notes = std::move(verdict.notes);
  summary.rate.overloaded = verdict.overloaded;
  return summary;
}

void LiveRun::addSample(const ServerSample& sample) {
  const std::lock_guard lock(mutex_);
  servers_.add(sample);
}

void LiveRun::addEvent(const Event& event) {
  if (event.kind != "fault") return;
  const std::lock_guard lock(mutex_);
  if (event.phase == "begin") ++faults_;
  feed_.add("fault", Keep::recent, faultEvent(event, number_, plan_.clock));
}

void LiveRun::end(const Summary& summary) {
  const std::lock_guard lock(mutex_);
  if (step_.end != step_.start) flushStep();
  tellSlots(step_.end);
  feed_.add("summary", Keep::latest,
            summaryEvent(about(RunPhase::ended, true, summary.rate.scheduled != 0), summary));
}

void LiveRun::addServersAlone(Nanos start, Nanos end) {
  const std::lock_guard lock(mutex_);
  step_.start = start;
  step_.end = end;
  step_.phase = RunPhase::measure;
  flushStep();
}

void LiveRun::endWithoutLoad() {
  const std::lock_guard lock(mutex_);
  feed_.add("summary", Keep::latest, summaryEvent(about(RunPhase::ended, true, false), soFar()));
}

}  // namespace redline
