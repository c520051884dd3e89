#include "plan/sizing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/units.h"

namespace redline {
namespace {

/// The least number of shards up to all slots for which `fits` holds, where more never fit worse;
/// 0: none.
std::uint64_t leastShards(const std::function<bool(std::uint64_t)>& fits) {
  if (fits(1)) return 1;
  if (!fits(kHashSlots)) return 0;
  std::uint64_t low = 1, high = 2;
  while (!fits(high)) {
    low = high;
    high = std::min(kHashSlots, 2 * high);
  }
  while (high - low > 1) {
    const std::uint64_t middle = (low + high) / 2;
    (fits(middle) ? high : low) = middle;
  }
  return high;
}

struct Need {
  SizeLimit limit;
  std::uint64_t shards;
  std::string obstacle;  ///< where there are none
};

class Sizer {
 public:
  Sizer(const SizingRequest& request, const Coefficients& coefficients, Outlook outlook)
      : request_(request), model_(request, coefficients, outlook) {}

  Sizing size() const {
    Sizing sizing;
    sizing.knee = model_.knee();
    if (request_.shards > 0) {
      sizing.shards = request_.shards;
      sizing.limit = SizeLimit::given;
    } else {
      choose(sizing);
    }
    const std::uint64_t at = std::max<std::uint64_t>(1, sizing.shards);
    sizing.load = model_.at(at, request_.maxmemory);
    sizing.shardCeiling = 1e6 / model_.meanUs(at);
    sizing.shardRate = sizing.knee * sizing.shardCeiling;
    return sizing;
  }

 private:
  /// Two masters have no majority when one of them is lost.
  static std::uint64_t withMajority(std::uint64_t shards) { return shards == 2 ? 3 : shards; }

  void choose(Sizing& sizing) const {
    std::uint64_t most = 1;
    for (const Need& need : needs()) {
      if (need.shards == 0) {
        sizing.obstacle = need.obstacle;
        sizing.limit = need.limit;
        return;
      }
      if (need.shards > most) sizing.limit = need.limit;
      most = std::max(most, need.shards);
    }
    sizing.shards = std::min(withMajority(most), std::max<std::uint64_t>(request_.keys, 1));
  }

  double spare() const { return 1 + request_.headroom; }

  std::vector<Need> needs() const { return {byMemory(), byFork(), byMainThread(), byNetwork()}; }

  Need byMemory() const {
    const auto fits = [this](std::uint64_t shards) {
      return model_.memoryAt(shards, request_.maxmemory).needed() <= request_.nodeMemory;
    };
    const double least = model_.memoryAt(kHashSlots, request_.maxmemory).needed();
    return {
        SizeLimit::memory, leastShards(fits),
        fmt::format("even one of {} shards needs {} of memory, and -node-memory is {}", kHashSlots,
                    formatQuantity(least, "bytes"), formatQuantity(request_.nodeMemory, "bytes"))};
  }

  Need byFork() const {
    const auto fits = [this](std::uint64_t shards) {
      return model_.memoryAt(shards, request_.maxmemory).forkS <= request_.forkMostS;
    };
    const double least = model_.memoryAt(kHashSlots, request_.maxmemory).forkS;
    return {SizeLimit::fork, leastShards(fits),
            fmt::format("even one of {} shards forks for {}, and -fork-max is {}", kHashSlots,
                        formatQuantity(least, "s"), formatQuantity(request_.forkMostS, "s"))};
  }

  Need byMainThread() const {
    const double most = model_.knee() / spare();
    const auto fits = [&](std::uint64_t shards) {
      return model_.at(shards, request_.maxmemory).busy.high <= most;
    };
    const ShardLoad alone = model_.at(kHashSlots, request_.maxmemory);
    const std::uint64_t shards = alone.busy.high <= most ? leastShards(fits) : 0;
    return {SizeLimit::mainThread, shards,
            fmt::format("no number of shards helps: one key, {} of the requests, keeps a shard's "
                        "main thread {} busy, where {} is the most",
                        formatShare(alone.hottestShare), formatShare(alone.hotKeyBusy),
                        formatShare(most))};
  }

  Need byNetwork() const {
    const auto fits = [&](std::uint64_t shards) {
      return model_.at(shards, request_.maxmemory).networkPerNode * spare() <= request_.network;
    };
    return {SizeLimit::network, leastShards(fits),
            fmt::format("no number of shards helps: the values of one key fill a node's -network "
                        "of {} a second",
                        formatQuantity(request_.network, "bytes"))};
  }

  const SizingRequest& request_;
  LoadModel model_;
};

}  // namespace

std::string_view nameOf(SizeLimit limit) {
  constexpr std::array<std::string_view, 6> kNames{
      "-shards", "the main thread", "memory", "the time of a fork", "the network", "the least"};
  return kNames[static_cast<std::size_t>(limit)];
}

Sizing sizeOf(const SizingRequest& request, const Coefficients& coefficients, Outlook outlook) {
  return Sizer(request, coefficients, outlook).size();
}

}  // namespace redline
