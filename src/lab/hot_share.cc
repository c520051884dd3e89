#include "lab/hot_share.h"

#include <algorithm>
#include <cmath>

#include "cluster/hash_slot.h"
#include "server/cluster_view.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

constexpr std::uint64_t kSummed = 2'000'000;

std::size_t masterOf(const std::vector<SlotRange>& ranges, std::uint64_t id) {
  char key[kMaxKeyLength];
  const std::uint16_t slot = hashSlot({key, writeKey(key, id)});
  const auto owns = [slot](const SlotRange& range) { return range.contains(slot); };
  return static_cast<std::size_t>(std::ranges::find_if(ranges, owns) - ranges.begin());
}

/// Mean of P(miss) over the time looked at, for a key of probability p.
double missOf(const HotWorkload& w, double p) {
  const double writes = 1 - w.readShare;
  const double events = writes + w.readShare / w.caches;
  const double q = writes / events;
  const double a = w.rate * p * events;
  const double span = w.toS - w.fromS;
  // (1 − e^−x)/x, by expm1 where x is small.
  const double fade = a * span > 0 ? -std::expm1(-a * span) / (a * span) : 1;
  const double untouched = std::exp(-a * w.fromS) * fade;
  return q * (1 - untouched) + untouched;
}

}  // namespace

std::size_t masterOfHottest(const KeyChooser& chooser, std::size_t masters) {
  return masterOf(evenSlots(masters), chooser.hottest(0));
}

HotForecast forecastHotKeys(const HotWorkload& w) {
  HotForecast forecast;
  const auto ranges = evenSlots(w.masters);
  forecast.hottestKey = w.chooser.probability(0);
  forecast.hotMaster = masterOfHottest(w.chooser, w.masters);
  forecast.shares.assign(w.masters, 0);
  const std::uint64_t summed = std::min(w.keys, kSummed);
  double total = 0, split = 0, hotSplit = 0, hotMisses = 0;
  for (std::uint64_t rank = 0; rank < summed; ++rank) {
    const double p = w.chooser.probability(rank);
    const std::size_t master = masterOf(ranges, w.chooser.hottest(rank));
    total += p;
    forecast.shares[master] += p;
    if (rank < w.splitKeys) split += p;
    if (master != forecast.hotMaster) continue;
    hotMisses += p * missOf(w, p);
    if (rank < w.splitKeys) hotSplit += p;
  }
  const double rest = std::max(0.0, 1 - total);
  const auto masters = static_cast<double>(w.masters);
  for (double& share : forecast.shares) share += rest / masters;
  if (w.keys > summed)
    hotMisses += rest / masters * missOf(w, rest / static_cast<double>(w.keys - summed));
  const double hot = forecast.shares[forecast.hotMaster];
  forecast.hotMasterLocalMiss = hotMisses / hot;
  // Of what is split each master serves its part of the reads, and writes of each copy it has.
  const double requests = w.readShare + (1 - w.readShare) * w.splitWays;
  forecast.hotMasterSplit = (hot - hotSplit + split * requests / masters) / hot;
  return forecast;
}

}  // namespace redline
