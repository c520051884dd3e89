#include <algorithm>
#include <array>
#include <cmath>

#include "base/numbers.h"
#include "plan/plan_parts.h"

namespace redline {
namespace {

constexpr double kMostGrowth = 1'000;

/// The usages of all limits of a layout that stays as it is while its load grows.
struct Usages {
  double hottestShard = 0, hotKey = 0, memory = 0, store = 0, fork = 0, machine = 0, network = 0,
         nodeLoss = 0;
};

struct CliffKind {
  std::string_view id, title;
  double Usages::* usage;
};
constexpr std::array<CliffKind, 8> kCliffKinds{{
    {"main-thread", "the busiest shard misses the service level", &Usages::hottestShard},
    {"hot-key", "one key alone is more than a shard can serve", &Usages::hotKey},
    {"eviction", "the data exceeds maxmemory: evictions begin", &Usages::memory},
    {"store", "misses exceed -store-max", &Usages::store},
    {"fork", "a fork blocks a node for longer than -fork-max", &Usages::fork},
    {"node-memory", "a node with what a fork copies exceeds -node-memory", &Usages::machine},
    {"network", "the busiest node's network is full", &Usages::network},
    {"node-loss", "the store no longer carries a lost master", &Usages::nodeLoss},
}};

class Growth {
 public:
  Growth(const SizingRequest& request, const Coefficients& coefficients, const Sizing& sizing)
      : request_(request),
        coefficients_(coefficients),
        shards_(sizing.shards),
        maxmemory_(sizing.load.memory.maxmemory) {}

  Usages at(double keys, double rate) const {
    SizingRequest grown = request_;
    grown.keys = static_cast<std::uint64_t>(static_cast<double>(request_.keys) * keys);
    grown.rate *= rate;
    const LoadModel model(grown, coefficients_, Outlook::expected);
    const ShardLoad load = model.at(shards_, maxmemory_);
    const NodeMemory& memory = load.memory;
    Usages usages;
    usages.hottestShard = load.busy.high / model.knee();
    usages.hotKey = load.hotKeyBusy / model.knee();
    usages.memory = static_cast<double>(grown.keys) / std::max(1.0, load.capacity);
    usages.fork = memory.forkS / grown.forkMostS;
    usages.machine = memory.needed() / grown.nodeMemory;
    usages.network = load.networkPerNode / grown.network;
    if (std::isfinite(grown.storeMax)) {
      const auto shards = static_cast<double>(shards_);
      const double lost = load.occupancy.lookups / shards;
      usages.store = load.storeReads / grown.storeMax;
      usages.nodeLoss = (readsOfOtherShards(load, shards) + lost) / grown.storeMax;
    }
    return usages;
  }

 private:
  const SizingRequest& request_;
  const Coefficients& coefficients_;
  std::uint64_t shards_;
  double maxmemory_;
};

/// Where the usage passes 1: on a straight line of logarithms between two growths.
double reached(const std::vector<double>& growths, const std::vector<Usages>& usages,
               double Usages::* of) {
  if (usages.front().*of >= 1) return 1;
  for (std::size_t i = 1; i < growths.size(); ++i) {
    const double before = usages[i - 1].*of, after = usages[i].*of;
    if (after < 1) continue;
    const double along = before > 0 ? std::log(1 / before) / std::log(after / before) : 1;
    return growths[i - 1] * std::pow(growths[i] / growths[i - 1], along);
  }
  return kInfinity;
}

}  // namespace

std::vector<double> plannedGrowths() {
  constexpr int kSteps = 36;
  std::vector<double> growths;
  for (int i = 0; i <= kSteps; ++i) growths.push_back(std::pow(kMostGrowth, i / double{kSteps}));
  return growths;
}

std::vector<PlannedCliff> cliffsOf(const SizingRequest& request, const Coefficients& coefficients,
                                   const Sizing& sizing, const std::vector<double>& growths) {
  const Growth growth(request, coefficients, sizing);
  std::vector<Usages> byKeys, byRate, byBoth;
  for (const double factor : growths) {
    byKeys.push_back(growth.at(factor, 1));
    byRate.push_back(growth.at(1, factor));
    byBoth.push_back(growth.at(factor, factor));
  }
  std::vector<PlannedCliff> cliffs;
  for (const CliffKind& kind : kCliffKinds) {
    PlannedCliff cliff{std::string(kind.id),
                       std::string(kind.title),
                       byBoth.front().*kind.usage,
                       reached(growths, byKeys, kind.usage),
                       reached(growths, byRate, kind.usage),
                       reached(growths, byBoth, kind.usage),
                       {}};
    if (cliff.usage <= 0 && !std::isfinite(cliff.byBoth)) continue;  // nothing was asked about it
    for (const Usages& each : byBoth) cliff.usageByBoth.push_back(each.*kind.usage);
    cliffs.push_back(std::move(cliff));
  }
  std::ranges::stable_sort(
      cliffs, {}, [](const PlannedCliff& cliff) { return std::pair(cliff.byBoth, -cliff.usage); });
  return cliffs;
}

}  // namespace redline
