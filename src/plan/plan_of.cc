#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/units.h"
#include "plan/plan_parts.h"

namespace redline {
namespace {

std::vector<MemoryPoint> memoryPoints(const SizingRequest& request,
                                      const Coefficients& coefficients, const Sizing& sizing) {
  constexpr std::array<double, 8> kShares{0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1};
  const LoadModel model(request, coefficients, Outlook::expected);
  const double whole = model.memoryAt(sizing.shards, 0).maxmemory;
  std::vector<MemoryPoint> points;
  for (const double share : kShares) {
    const ShardLoad load = model.at(sizing.shards, share * whole);
    const double lookups = load.occupancy.lookups;
    points.push_back({share, share * whole, lookups > 0 ? 1 - load.storeReads / lookups : 1,
                      load.bestHits, load.worstHits, load.storeReads});
  }
  return points;
}

std::vector<ClientPoint> clientPoints(const SizingRequest& request,
                                      const Coefficients& coefficients, const Sizing& sizing) {
  constexpr std::array<double, 4> kEntries{100, 1'000, 10'000, 100'000};
  std::vector<ClientPoint> points;
  for (const double entries : kEntries) {
    SizingRequest cached = request;
    cached.clientEntries = entries;
    const ShardLoad load = LoadModel(cached, coefficients, Outlook::expected)
                               .at(sizing.shards, sizing.load.memory.maxmemory);
    points.push_back({entries, load.clients.hitShare, load.busy.high, load.hotKeyBusy,
                      load.clients.invalidationsPerS});
  }
  return points;
}

std::vector<std::string> notesOf(const SizingRequest& request, const Sizing& sizing) {
  std::vector<std::string> notes;
  const std::uint64_t nodes = sizing.shards * (1 + request.replicas);
  if (sizing.shards == 1)
    notes.emplace_back(
        "One shard is not a cluster: its replica takes over only where Sentinel or an operator "
        "makes it");
  if (sizing.shards == 2)
    notes.emplace_back("Two masters have no majority when one is lost: a cluster needs three");
  if (nodes > kRecommendedNodes)
    notes.push_back(fmt::format(
        "{} nodes are more than the {} that Redis's documentation recommends for a cluster: make "
        "several clusters, or give nodes more to do (-pipeline, -client-cache)",
        nodes, kRecommendedNodes));
  if (request.replicas == 0)
    notes.emplace_back("Without replicas the keys of a lost master are lost");
  if (request.sloUs > kMostSloUs)
    notes.push_back(fmt::format("No knee was measured beyond p99 < {}: that one's is used",
                                formatMicros(kMostSloUs)));
  if (sizing.load.memory.forkS * 1e6 > request.sloUs)
    notes.push_back(fmt::format(
        "A fork blocks a node for {}, longer than the service level of {}: while a snapshot, an "
        "append-only file's rewrite or a replica's full copy begins, it is missed",
        formatQuantity(sizing.load.memory.forkS, "s"), formatMicros(request.sloUs)));
  return notes;
}

}  // namespace

SizingPlan planOf(const SizingRequest& request, const Coefficients& coefficients,
                  const MeasuredHeadroom& headroom) {
  SizingPlan plan;
  plan.request = request;
  plan.expected = sizeOf(request, coefficients, Outlook::expected);
  plan.favourable = sizeOf(request, coefficients, Outlook::favourable);
  plan.unfavourable = sizeOf(request, coefficients, Outlook::unfavourable);
  plan.growths = plannedGrowths();
  plan.range = rangeOf(request, coefficients);
  if (!plan.expected.isPossible()) {
    if (plan.expected.limit == SizeLimit::mainThread)
      plan.remedies = remediesOf(request, coefficients);
    return plan;
  }
  plan.cliffs = cliffsOf(request, coefficients, plan.expected, plan.growths);
  plan.losses = lossesOf(request, coefficients, plan.expected);
  plan.memory = memoryPoints(request, coefficients, plan.expected);
  if (request.clientEntries > 0) plan.clients = clientPoints(request, coefficients, plan.expected);
  plan.headroomSource = headroom.source;
  plan.during = duringFaults(headroom, request.sloUs, plan.expected.load.busy.high);
  plan.notes = notesOf(request, plan.expected);
  return plan;
}

}  // namespace redline
