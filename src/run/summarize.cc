#include "run/summarize.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>
#include <string>

#include "record/latency_figures.h"
#include "record/validity.h"

namespace redline {
namespace {

std::uint64_t sum(const std::array<std::uint64_t, kOpKinds>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

double perSecond(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

RateFigures rateOf(const EnginePlan& plan, const Recorder& recorder, double windowS) {
  const Counters& counts = recorder.total().counts;
  RateFigures rate;
  rate.target = plan.closed() ? 0 : plan.rate;
  rate.achieved = perSecond(recorder.completedInWindow(), windowS);
  rate.scheduled = counts.scheduled;
  rate.sent = sum(counts.sent);
  rate.completed = sum(counts.completed);
  rate.failed = sum(counts.failed);
  rate.outstanding = counts.outstandingAtEnd;
  for (std::size_t i = 0; i < kFailures; ++i)
    if (counts.failures[i] != 0) rate.errors[std::string(kFailureNames[i])] = counts.failures[i];
  return rate;
}

LatencyFigures figuresWithBounds(const Interval& total, Measure measure, bool gets, bool sets) {
  Histogram merged;
  Histogram unfinished;
  const auto take = [&](OpKind kind) {
    merged.add(total.of(measure, kind));
    if (measure == Measure::response) unfinished.add(total.unfinished[index(kind)]);
  };
  if (gets) take(OpKind::get);
  if (sets) take(OpKind::set);
  LatencyFigures figures = figuresOf(merged);
  if (unfinished.count() != 0)
    markLowerBounds(figures, merged, unfinished.count(), unfinished.min());
  return figures;
}

void addLatency(Summary& summary, const Interval& total) {
  for (std::size_t m = 0; m < kMeasures; ++m) {
    auto& kinds = summary.latency[std::string(kMeasureNames[m])];
    kinds["all"] = figuresWithBounds(total, static_cast<Measure>(m), true, true);
    kinds["get"] = figuresWithBounds(total, static_cast<Measure>(m), true, false);
    kinds["set"] = figuresWithBounds(total, static_cast<Measure>(m), false, true);
  }
  summary.latency["failed"]["all"] = figuresOf(total.failed);
}

/// Copies that were written beyond one for each write: what a split key costs.
std::uint64_t extraCopies(const Counters& counts) {
  return counts.of(MitigationCount::copiesWritten) - counts.of(MitigationCount::splitWrites);
}
/// Requests beyond one for each operation. One MSET takes all copies of a slot.
std::uint64_t extraRequests(const EnginePlan& plan, const Counters& counts) {
  return plan.mitigation.split.mode == SplitMode::spread ? extraCopies(counts) : 0;
}

GeneratorFigures generatorOf(const EnginePlan& plan, const Counters& counts,
                             const RunFacts& facts) {
  GeneratorFigures g;
  g.threads = plan.threads;
  g.io = facts.io;
  g.wait = plan.wait == WaitMode::spin ? "spin" : plan.wait == WaitMode::block ? "block" : "auto";
  g.cpuUserS = toSeconds(counts.cpuUser);
  g.cpuSystemS = toSeconds(counts.cpuSystem);
  const double working = std::max(0.0, g.cpuUserS + g.cpuSystemS - toSeconds(counts.idleTime));
  const std::uint64_t done = sum(counts.completed) + sum(counts.failed);
  if (done != 0) g.cpuUsPerOp = working * 1e6 / static_cast<double>(done);
  if (facts.busyS > 0) {
    g.utilisation = std::min(1.0, working / facts.busyS);
    g.waitingForCore = std::min(1.0, toSeconds(counts.cpuWaiting) / facts.busyS);
    g.hiddenSteal =
        std::clamp(toSeconds(counts.paused - counts.cpuWaiting) / facts.busyS, 0.0, 1.0);
  }
  g.steal = facts.steal;
  if (counts.batches != 0)
    g.meanBatch =
        static_cast<double>(sum(counts.sent) + counts.retried + extraRequests(plan, counts)) /
        static_cast<double>(counts.batches);
  g.longestPassUs = toMicros(counts.longestPass);
  g.longestPauseUs = toMicros(counts.longestPause);
  g.reconnects = counts.reconnects;
  g.retried = counts.retried;
  return g;
}

/// What the counters and histograms say; the rest is known to the run alone.
void addMitigation(MitigationFigures& figures, const Interval& total) {
  const Counters& counts = total.counts;
  for (std::size_t i = 0; i < kMitigationCounts; ++i)
    if (counts.mitigation[i] != 0)
      figures.counts[std::string(kMitigationCountNames[i])] = counts.mitigation[i];
  if (const std::uint64_t writes = counts.sent[index(OpKind::set)]; writes != 0)
    figures.writeFanOut =
        static_cast<double>(writes + extraCopies(counts)) / static_cast<double>(writes);
  figures.staleness = figuresOf(total.staleness);
  figures.invalidationLag = figuresOf(total.invalidationLag);
}

double lostShare(const RateFigures& rate) {
  std::uint64_t lost = 0;
  for (const Failure kind : {Failure::disconnected, Failure::unknownFate, Failure::protocol})
    if (const auto found = rate.errors.find(std::string(kFailureNames[index(kind)]));
        found != rate.errors.end())
      lost += found->second;
  return rate.scheduled == 0 ? 0 : static_cast<double>(lost) / static_cast<double>(rate.scheduled);
}

void tellFaultsApart(const RunFacts::Dispatch& dispatch, ValidityFacts& facts) {
  facts.dispatchP99Us = toMicros(dispatch.clear.quantile(0.99));
  facts.faultedDispatchP99Us = toMicros(dispatch.faulted.quantile(0.99));
  facts.faultedOperations = dispatch.faulted.count();
  facts.allFaulted = dispatch.clear.count() == 0 && dispatch.faulted.count() != 0;
}

std::string addressOf(const SlotMap& map, std::size_t slot) {
  const std::uint16_t owner = map.ownerOf(static_cast<std::uint16_t>(slot));
  return owner == SlotMap::kNobody ? std::string() : map.nodes()[owner].address.text();
}

std::vector<ClusterNodeFigures> nodesOf(const ClusterTally& tally, const SlotMap& map) {
  std::vector<ClusterNodeFigures> nodes;
  for (std::uint16_t i = 0; i < map.nodes().size(); ++i) {
    ClusterNodeFigures& node = nodes.emplace_back();
    node.addr = map.nodes()[i].address.text();
    node.role = nameOf(map.nodes()[i].role);
    node.slots = slotCount(map.rangesOf(i));
  }
  for (const NodeTally& counted : tally.nodes) {
    auto node = std::ranges::find(nodes, counted.addr, &ClusterNodeFigures::addr);
    if (node == nodes.end()) node = nodes.insert(node, {counted.addr, "", 0, 0, 0, {}});
    node->ops = counted.completed;
    node->redirected = counted.redirected;
    node->service = figuresOf(counted.service);
  }
  return nodes;
}

ClusterFigures clusterOf(const Counters& counts, const RunFacts::Cluster& facts) {
  ClusterFigures cluster;
  if (facts.tally != nullptr) cluster = clusterFigures(*facts.tally, *facts.map);
  cluster.moved = counts.moved;
  cluster.ask = counts.ask;
  cluster.tryagain = counts.tryagain;
  cluster.clusterdown = counts.clusterdown;
  return cluster;
}

ValidityFacts factsForVerdict(const EnginePlan& plan, const Summary& summary, Nanos blocked,
                              const RunFacts& run) {
  ValidityFacts facts;
  facts.closed = plan.closed();
  facts.targetRate = summary.rate.target;
  facts.achievedRate = summary.rate.achieved;
  facts.dispatchP99Us = summary.latency.at("dispatch").at("all").p99;
  facts.dispatchMaxUs = summary.latency.at("dispatch").at("all").max;
  facts.generatorUtilisation = summary.generator.utilisation;
  facts.generatorWaiting = summary.generator.waitingForCore;
  facts.hiddenSteal = summary.generator.hiddenSteal;
  facts.longestPauseUs = summary.generator.longestPauseUs;
  facts.serverUtilisation = -1;
  for (const ServerFigures& server : summary.servers)
    facts.serverUtilisation = std::max(facts.serverUtilisation, server.mainThreadUtilisation);
  facts.steal = summary.generator.steal;
  facts.corrupt = static_cast<double>(summary.verify.corrupt);
  facts.scheduled = static_cast<double>(summary.rate.scheduled);
  facts.completed = static_cast<double>(summary.rate.completed);
  facts.lostShare = lostShare(summary.rate);
  facts.blockedShare = run.busyS > 0 ? toSeconds(blocked) / run.busyS : 0;
  facts.serverLost = run.serverLost;
  facts.faults = run.faults;
  if (run.dispatch) tellFaultsApart(*run.dispatch, facts);
  return facts;
}

}  // namespace

std::vector<HotSlotFigures> slotFigures(const ClusterTally& tally, const SlotMap& map) {
  std::vector<HotSlotFigures> slots;
  for (std::size_t slot = 0; slot < tally.slots.size(); ++slot)
    if (tally.slots[slot] != 0)
      slots.push_back({static_cast<unsigned>(slot), addressOf(map, slot), tally.slots[slot]});
  std::ranges::sort(slots, [](const HotSlotFigures& a, const HotSlotFigures& b) {
    return std::pair(b.ops, a.slot) < std::pair(a.ops, b.slot);
  });
  return slots;
}

ClusterFigures clusterFigures(const ClusterTally& tally, const SlotMap& map) {
  constexpr std::size_t kHotSlots = 10;
  ClusterFigures cluster;
  cluster.nodes = nodesOf(tally, map);
  cluster.hotSlots = slotFigures(tally, map);
  if (cluster.hotSlots.size() > kHotSlots) cluster.hotSlots.resize(kHotSlots);
  return cluster;
}

Summary summarize(const EnginePlan& plan, const Recorder& recorder, const RunFacts& facts) {
  const Interval& total = recorder.total();
  const Counters& counts = total.counts;
  Summary summary;
  summary.windowS = facts.windowS;
  summary.rate = rateOf(plan, recorder, facts.windowS);
  addLatency(summary, total);
  summary.cache.hits = counts.hits;
  summary.cache.misses = counts.misses;
  summary.cache.refills = counts.refills;
  summary.cache.refillsFailed = counts.refillsFailed;
  if (const std::uint64_t reads = counts.hits + counts.misses; reads != 0)
    summary.cache.hitRate = static_cast<double>(counts.hits) / static_cast<double>(reads);
  summary.verify.checked = counts.checked;
  summary.verify.corrupt = counts.corrupt + recorder.warmupCorrupt();
  summary.cache.localHits = counts.of(MitigationCount::localHits);
  summary.mitigation = facts.mitigation.figures;
  const VerifyFigures& audit = facts.mitigation.verify;
  summary.verify.checked += audit.checked;
  summary.verify.corrupt += audit.corrupt;
  summary.verify.lostAcknowledged = audit.lostAcknowledged;
  summary.verify.stale = counts.of(MitigationCount::stale);
  addMitigation(summary.mitigation, total);
  summary.generator = generatorOf(plan, counts, facts);
  summary.servers = facts.servers;
  summary.cluster = clusterOf(counts, facts.cluster);

  Verdict verdict = judgeValidity(factsForVerdict(plan, summary, counts.blocked, facts));
  summary.valid = verdict.reasons.empty();
  summary.invalidReasons = std::move(verdict.reasons);
  summary.notes = std::move(verdict.notes);
  std::ranges::copy(facts.mitigation.notes, std::back_inserter(summary.notes));
  if (plan.cluster() && plan.transactions)
    summary.notes.emplace_back(
        "-tx in a cluster: the first operation of each batch has the key that -dist drew, the "
        "others have keys drawn evenly from the same slot, so hot keys are hit less than -dist "
        "alone would have it");
  summary.rate.overloaded = verdict.overloaded;
  return summary;
}

}  // namespace redline
