// How often the lab's intervals hold the truth, on a simulated machine whose truth is known: drift
// from block to block, and bursts of other processes that take the core, which may be heavier
// beside one of the two conditions. Beside the lab's method (docs/method.md), the one that it
// replaced.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "bench/tool.h"
#include "model/blocks.h"
#include "model/pooled.h"
#include "model/shares.h"
#include "model/signed_rank.h"
#include "model/statistics.h"

namespace redline::bench {
namespace {

constexpr std::size_t kArms = 2;
constexpr int kIntervals = 15;    // of a slot; a slot is what one condition gets of a block
constexpr int kOperations = 100;  // of an interval
constexpr int kBlocks = 12, kMostBlocks = 24;
constexpr int kLongRuns = 3;                     // the method that was replaced: three repeats,
constexpr int kSlotsEach = kBlocks / kLongRuns;  // which take the same time as the blocks
constexpr double kDrift = 0.2;                   // sd of the logarithm, from block to block
constexpr double kOfOperations = 0.35, kOfSlots = 0.06;
constexpr double kTolerableForeign = 0.05;
/// So narrow that the rule for stopping is put to use: half of the trials are not there at first.
constexpr Precision kWanted{.halfWidth = 0.06, .least = kBlocks};

/// Bursts beside one condition.
struct Bursts {
  double perInterval;  ///< chance that one begins
  double waitMs;       ///< mean wait of an operation that meets one
};

struct Scenario {
  std::string_view title;
  std::array<Bursts, kArms> bursts;
};

constexpr std::array<Scenario, 4> kScenarios{{
    {"quiet", {{{0, 0}, {0, 0}}}},
    {"bursts, the same beside both", {{{0.06, 5}, {0.06, 5}}}},
    {"bursts, eight times as long beside one", {{{0.06, 2}, {0.06, 16}}}},
    {"bursts, three times as many beside one", {{{0.03, 5}, {0.09, 5}}}},
}};

double normal(Rng& rng) {
  return std::sqrt(-2 * std::log(rng.unitPositive())) * std::cos(2 * std::numbers::pi * rng.unit());
}

/// What one slot measured.
struct Slot {
  std::vector<double> all;        ///< of every operation, milliseconds
  std::vector<double> quantiles;  ///< p99 of each interval
  std::vector<double> foreign;    ///< the witness: the share of the core that others had

  double asFound() const { return quantileOf(all, 0.99); }
  /// Not a number where every interval was disturbed.
  double coreAvailable() const {
    const auto keep = undisturbed(foreign, kTolerableForeign);
    std::vector<double> kept;
    for (std::size_t i = 0; i < keep.size(); ++i)
      if (keep[i]) kept.push_back(quantiles[i]);
    return kept.empty() ? std::nan("") : medianOf(kept);
  }
  double lost() const {
    const auto keep = undisturbed(foreign, kTolerableForeign);
    return static_cast<double>(std::ranges::count(keep, false)) / static_cast<double>(keep.size());
  }
};

class Machine {
 public:
  Machine(const Scenario& scenario, double effect, std::uint64_t seed, std::uint64_t trial)
      : scenario_(scenario), effect_(effect), rng_(seed, trial) {}

  double drift() { return kDrift * normal(rng_); }

  Slot slot(std::size_t arm, double drift) {
    const Bursts& bursts = scenario_.bursts[arm];
    const double level = std::exp(drift + kOfSlots * normal(rng_)) * (arm == 1 ? effect_ : 1);
    Slot slot;
    slot.all.reserve(kIntervals * kOperations);
    double taken = 0;
    for (int i = 0; i < kIntervals; ++i) {
      const bool queue = taken > 0;  // that the interval before has left
      const bool goesOn = taken > 0 && rng_.unit() < 0.4;
      if (!goesOn) taken = rng_.unit() < bursts.perInterval ? 0.1 + 0.8 * rng_.unit() : 0;
      std::array<double, kOperations> interval;
      for (double& took : interval) {
        took = level * std::exp(kOfOperations * normal(rng_)) * (queue ? 1.5 : 1);
        if (rng_.unit() < taken) took += -bursts.waitMs * std::log(rng_.unitPositive());
      }
      slot.quantiles.push_back(quantileOf(interval, 0.99));
      slot.foreign.push_back(taken + std::abs(0.01 * normal(rng_)));
      slot.all.insert(slot.all.end(), interval.begin(), interval.end());
    }
    return slot;
  }

  /// The lab's method: a slot of each condition in every block, in an order that chance decides.
  std::vector<std::array<Slot, kArms>> blocks(std::uint64_t trial) {
    std::vector<std::array<Slot, kArms>> blocks(kMostBlocks);
    for (std::size_t block = 0; block < blocks.size(); ++block) {
      const double now = drift();
      for (const std::size_t arm : blockOrder(kArms, trial, block))
        blocks[block][arm] = slot(arm, now);
    }
    return blocks;
  }

  /// The one that it replaced: the p99 of long runs in turn.
  std::vector<std::vector<double>> longRuns() {
    std::vector<std::vector<double>> runs(kArms);
    for (int repeat = 0; repeat < kLongRuns; ++repeat)
      for (std::size_t arm = 0; arm < kArms; ++arm) {
        std::vector<double> all;
        double now = 0;
        for (int i = 0; i < kSlotsEach; ++i) {
          if (i % static_cast<int>(kArms) == 0) now = drift();  // drifts as fast as under blocks
          const Slot part = slot(arm, now);
          all.insert(all.end(), part.all.begin(), part.all.end());
        }
        runs[arm].push_back(quantileOf(all, 0.99));
      }
    return runs;
  }

 private:
  const Scenario& scenario_;
  double effect_;
  Rng rng_;
};

/// How an estimator did over all trials.
class Score {
 public:
  explicit Score(std::string_view title) : title_(title) {}

  void add(const Estimate& estimate, double truth, double none) {
    ++trials_;
    covered_ += estimate.contains(truth) ? 1 : 0;
    decided_ += estimate.hasInterval() && !estimate.contains(none) ? 1 : 0;
    widths_.push_back(factorHalfWidth(estimate));
    values_.push_back(estimate.value / truth);
    counts_.push_back(static_cast<double>(estimate.count));
  }
  void print(bool isAim, bool isRatio) const {
    const double share = covered_ / trials_;
    const std::string decided =
        isRatio ? fmt::format("{:5.1f}%", 100 * decided_ / trials_) : "     –";
    fmt::print("  {:<40} {:5.1f}%{}  ±{:5.1f}%   {:5.2f}x   {}   {:4.0f}\n", title_, 100 * share,
               isAim && (share < 0.93 || share > 0.97) ? " !" : "  ", 100 * medianOf(widths_),
               medianOf(values_), decided, medianOf(counts_));
  }

 private:
  std::string_view title_;
  double trials_ = 0, covered_ = 0, decided_ = 0;
  std::vector<double> widths_, values_, counts_;
};

using Arms = std::array<std::vector<double>, kArms>;

/// Of the first `count` blocks in which both conditions have a figure.
template <typename Figure>
Arms figuresOf(const std::vector<std::array<Slot, kArms>>& blocks, std::size_t count,
               Figure figure) {
  Arms arms;
  for (std::size_t i = 0; i < count; ++i) {
    const double base = figure(blocks[i][0]), other = figure(blocks[i][1]);
    if (!std::isfinite(base) || !std::isfinite(other)) continue;
    arms[0].push_back(base);
    arms[1].push_back(other);
  }
  return arms;
}

/// What the level of the first condition is when nothing takes the core: the median over blocks.
double trueLevel(std::uint64_t seed) {
  Machine machine(kScenarios[0], 1, seed, ~std::uint64_t{0});
  std::vector<double> levels;
  for (int i = 0; i < 20'000; ++i)
    levels.push_back(machine.slot(0, machine.drift()).coreAvailable());
  return medianOf(levels);
}

void measure(const Scenario& scenario, double effect, int trials, std::uint64_t seed) {
  const double level = trueLevel(seed);
  Score available("core available, 12 blocks"), stopped("the same, until ±6% or 24 blocks"),
      found("as found, 12 blocks"), levels("level, core available, 12 blocks"),
      replaced("replaced: 3 runs, pooled t, as found");
  int sharesDiffer = 0, fisherDiffers = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const auto number = static_cast<std::uint64_t>(trial);
    // Trials of other effects and bursts are others.
    const auto own = mix64(seed) ^ mix64(static_cast<std::uint64_t>(1e3 * effect)) ^
                     mix64(static_cast<std::uint64_t>(&scenario - kScenarios.data()));
    Machine machine(scenario, effect, own, number);
    const auto blocks = machine.blocks(number);
    const Arms kept = figuresOf(blocks, kBlocks, [](const Slot& s) { return s.coreAvailable(); });
    available.add(pairedRatioEstimate(kept[0], kept[1]), effect, 1);
    levels.add(medianEstimate(kept[0]), level, 0);
    const Arms all = figuresOf(blocks, kBlocks, [](const Slot& s) { return s.asFound(); });
    found.add(pairedRatioEstimate(all[0], all[1]), effect, 1);
    std::size_t count = kBlocks;
    for (;; count += 4) {
      const Arms so = figuresOf(blocks, count, [](const Slot& s) { return s.coreAvailable(); });
      const Estimate ratio = pairedRatioEstimate(so[0], so[1]);
      if (!isPrecise(ratio, kWanted) && count < kMostBlocks) continue;
      stopped.add(ratio, effect, 1);
      break;
    }
    const auto runs = machine.longRuns();
    replaced.add(Pooled(runs).ratio(0, 1), effect, 1);

    std::vector<std::vector<double>> shares;
    std::array<double, kArms> lost{};
    for (std::size_t i = 0; i < kBlocks; ++i) {
      shares.push_back({blocks[i][0].lost(), blocks[i][1].lost()});
      for (std::size_t arm = 0; arm < kArms; ++arm) lost[arm] += shares.back()[arm] * kIntervals;
    }
    sharesDiffer += testShares(shares, number + 1).differ() ? 1 : 0;
    const auto of = static_cast<unsigned>(kBlocks * kIntervals);
    const auto whole = [](double lostOnes) { return static_cast<unsigned>(std::lround(lostOnes)); };
    fisherDiffers += fisherExact(whole(lost[0]), of, whole(lost[1]), of) <= 0.05 ? 1 : 0;
  }
  fmt::print("{}; the second is {}x the first\n", scenario.title, effect);
  fmt::print("  {:<40} {:>6}   {:>7}   {:>6}   {:>6}   {:>4}\n", "interval at 95%", "holds", "half",
             "÷truth", "not 1", "of");
  available.print(true, true);
  stopped.print(true, true);
  found.print(false, true);
  replaced.print(false, true);
  levels.print(true, false);
  fmt::print(
      "  shares lost differ: {:.1f}% by exchange within blocks, {:.1f}% were each interval counted "
      "by itself\n\n",
      100.0 * sharesDiffer / trials, 100.0 * fisherDiffers / trials);
}

}  // namespace
}  // namespace redline::bench

int main(int argc, char** argv) {
  using namespace redline::bench;
  Arguments arguments(
      argc, argv,
      "usage: coverage [-trials 1000] [-seed 1]\n"
      "How often the lab's 95% intervals hold the truth of a simulated machine, "
      "and how wide they are.\n"
      "'!' marks one of the lab's that holds it in less than 93% or more than 97%.");
  const int trials = arguments.number("trials", 1000);
  const auto seed = arguments.number<std::uint64_t>("seed", 1);
  arguments.done();
  if (trials < 1) arguments.wrong("-trials must be 1 or more");
  fmt::print("{} trials of each, seed {}\n\n", trials, seed);
  for (const Scenario& scenario : kScenarios)
    for (const double effect : {1.0, 1.2, 2.0}) measure(scenario, effect, trials, seed);
}
