#include "model/spread.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "model/statistics.h"

namespace redline {
namespace {

constexpr std::size_t kPlaced = 256;
constexpr std::uint64_t kTrials = 51;

/// A key that is placed by itself.
struct HeavyKey {
  double load = 0;  ///< of each copy
  std::uint64_t copies = 1;
};

/// The shards of one trial: those without a heavy key all have the same.
class Shards {
 public:
  explicit Shards(std::uint64_t shards) : extra_(shards) {}

  /// Its copies from `first` on, evenly apart.
  void place(const HeavyKey& key, std::uint64_t first) {
    for (std::uint64_t copy = 0; copy < key.copies; ++copy) {
      const std::uint64_t at = (first + copy * extra_.size() / key.copies) % extra_.size();
      extra_[at] += key.load;
      most_ = std::max(most_, extra_[at]);
      touched_.push_back(at);
    }
  }
  /// What the busiest one has beyond the others; clears them.
  double takeMost() {
    for (const std::uint64_t at : touched_) extra_[at] = 0;
    touched_.clear();
    return std::exchange(most_, 0);
  }

 private:
  std::vector<double> extra_;
  std::vector<std::uint64_t> touched_;
  double most_ = 0;
};

}  // namespace

Busiest busiestShard(std::span<const KeyLoad> loads, std::uint64_t shards) {
  std::vector<HeavyKey> heavy;
  double rest = 0;
  for (const KeyLoad& each : loads) {
    const auto room = static_cast<double>(kPlaced - heavy.size());
    const bool isEverywhere = each.copies >= static_cast<double>(shards);
    const auto placed = isEverywhere ? 0 : static_cast<std::size_t>(std::min(room, each.keys));
    heavy.insert(heavy.end(), placed, HeavyKey{each.load, static_cast<std::uint64_t>(each.copies)});
    rest += (each.keys - static_cast<double>(placed)) * each.load * each.copies;
  }
  std::vector<double> busiest;
  Shards trial(shards);
  for (std::uint64_t number = 1; number <= kTrials; ++number) {
    Rng rng(number);
    for (const HeavyKey& key : heavy) trial.place(key, rng.below(shards));
    busiest.push_back(rest / static_cast<double>(shards) + trial.takeMost());
  }
  std::ranges::sort(busiest);
  return {medianOf(busiest), quantileOf(busiest, 0.9)};
}

}  // namespace redline
