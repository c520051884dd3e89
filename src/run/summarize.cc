#include "run/summarize.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "base/text.h"
#include "record/latency_figures.h"
#include "record/run_totals.h"
#include "record/server_figures.h"
#include "record/validity.h"

namespace redline {
namespace {

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

GeneratorFigures generatorOf(const EnginePlan& plan, const RunTotals& totals,
                             const RunFacts& facts) {
  GeneratorFigures g = generatorFigures(totals, extraRequests(plan, totals.counts));
  g.threads = plan.threads;
  g.io = facts.io;
  g.wait = waitName(plan.wait);
  g.steal = facts.steal;
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

BackingFigures backingFigures(const BackingPlan& plan, const Interval& total,
                              const StorePeaks& peaks) {
  if (!plan.used) return {};
  BackingFigures figures = backingFigures(total.counts, total.store.value_or(StoreLatency()));
  figures.onWrite = kOnWriteNames[static_cast<std::size_t>(plan.onWrite)];
  figures.connections = plan.limits.connections;
  figures.maxRate = plan.limits.maxRate;
  figures.longestQueue = peaks.queue;
  figures.mostWaiting = peaks.waiting;
  return figures;
}

std::string addressOf(const SlotMap& map, std::size_t slot) {
  const std::uint16_t owner = map.ownerOf(static_cast<std::uint16_t>(slot));
  return owner == SlotMap::kNoNode ? std::string() : map.nodes()[owner].address.text();
}

HotSlotFigures slotOf(const ClusterTally& tally, const SlotMap& map, std::size_t slot) {
  return {static_cast<unsigned>(slot), addressOf(map, slot), tally.slots[slot]};
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
    if (node == nodes.end()) node = nodes.insert(node, ClusterNodeFigures());
    node->addr = counted.addr;
    node->ops = counted.completed;
    node->redirected = counted.redirected;
    node->service = figuresOf(counted.service);
  }
  return nodes;
}

ClusterFigures clusterOf(const Counters& counts, const RunFacts::Cluster& facts) {
  ClusterFigures cluster = redirectFigures(counts);
  if (facts.tally == nullptr) return cluster;
  ClusterFigures nodes = clusterFigures(*facts.tally, *facts.map);
  cluster.nodes = std::move(nodes.nodes);
  cluster.hotSlots = std::move(nodes.hotSlots);
  return cluster;
}

VerdictBasis verdictBasis(const EnginePlan& plan, const RunFacts& facts) {
  VerdictBasis basis;
  basis.closed = plan.closed();
  basis.valueSize = plan.valueSize;
  basis.busyS = facts.busyS;
  basis.serverLost = facts.serverLost;
  basis.faults = facts.faults;
  if (facts.dispatch) basis.dispatch = &*facts.dispatch;
  return basis;
}

}  // namespace

std::vector<HotSlotFigures> slotFigures(const ClusterTally& tally, const SlotMap& map) {
  std::vector<HotSlotFigures> slots;
  for (const std::size_t slot : hottestSlots(tally.slots, tally.slots.size()))
    slots.push_back(slotOf(tally, map, slot));
  return slots;
}

ClusterFigures clusterFigures(const ClusterTally& tally, const SlotMap& map) {
  constexpr std::size_t kHotSlots = 10;
  ClusterFigures cluster;
  cluster.nodes = nodesOf(tally, map);
  for (const std::size_t slot : hottestSlots(tally.slots, kHotSlots))
    cluster.hotSlots.push_back(slotOf(tally, map, slot));
  return cluster;
}

Summary summarize(const EnginePlan& plan, const Recorder& recorder, const RunFacts& facts) {
  const Interval& total = recorder.total();
  const RunTotals totals{total.counts, recorder.completedInWindow(), recorder.warmupCorrupt(),
                         facts.windowS, facts.busyS};
  const Counters& counts = totals.counts;
  Summary summary;
  summary.windowS = facts.windowS;
  summary.rate = rateFigures(totals, plan.closed() ? 0 : plan.rate);
  addLatency(summary, total);
  summary.cache = cacheFigures(counts);
  summary.mitigation = facts.mitigation.figures;
  summary.verify = verifyFigures(totals);
  const VerifyFigures& audit = facts.mitigation.verify;
  summary.verify.checked += audit.checked;
  summary.verify.corrupt += audit.corrupt;
  summary.verify.lostAcknowledged = audit.lostAcknowledged;
  addMitigation(summary.mitigation, total);
  summary.backing = backingFigures(plan.backing, total, facts.storePeaks);
  summary.generator = generatorOf(plan, totals, facts);
  summary.servers = facts.servers;
  summary.cluster = clusterOf(counts, facts.cluster);
  takeRoles(summary.cluster, summary.servers);

  Verdict verdict = judgeValidity(validityFacts(summary, counts, verdictBasis(plan, facts)));
  summary.valid = verdict.reasons.empty();
  summary.invalidReasons = std::move(verdict.reasons);
  summary.notes = std::move(verdict.notes);
  std::ranges::copy(facts.mitigation.notes, std::back_inserter(summary.notes));
  if (const std::uint64_t refused = summary.generator.refusedConnections; refused != 0)
    summary.notes.push_back(
        fmt::format("{} refused, since a server had reached its maxclients; use fewer -conns, or "
                    "raise it (CONFIG SET maxclients)",
                    plural(refused, "attempt to connect was", "attempts to connect were")));
  if (plan.cluster() && plan.transactions)
    summary.notes.emplace_back(
        "-tx in a cluster: the first operation of each batch has the key that -dist drew, the "
        "others have keys drawn evenly from the same slot, so hot keys are hit less than -dist "
        "alone would have it");
  summary.rate.overloaded = verdict.overloaded;
  return summary;
}

}  // namespace redline
