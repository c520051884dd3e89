#include "model/eviction_simulation.h"

#include <gtest/gtest.h>

#include "model/cache.h"
#include "unit/model/popularity_draws.h"

namespace redline {
namespace {

constexpr std::uint64_t kKeys = 20'000;

EvictionPlan plan(double ratio) {
  EvictionPlan plan;
  plan.keys = kKeys;
  plan.capacity = static_cast<std::uint64_t>(capacityAt(kKeys, ratio));
  plan.requestsPerS = 2'000;  // T_C is tens of seconds: the clock tells keys apart
  plan.warmup = 400'000;
  plan.requests = 400'000;
  return plan;
}

/// Ranks scattered over ids, so that loading order and popularity have nothing to do with each
/// other.
std::function<std::uint64_t(Rng&)> scattered(const Draws& draws) {
  return [&draws](Rng& rng) { return draws(rng) * 7'919 % kKeys; };
}

TEST(EvictionSimulation, SampledLruLiesBetweenRandomAndExactLru) {
  for (const double s : {0.8, 1.1}) {
    const Draws draws(kKeys, s);
    const auto popularity = Popularity::zipf(kKeys, s);
    for (const double ratio : {1.5, 3.0}) {
      const CacheShape shape{capacityAt(kKeys, ratio), 1};
      const double simulated = simulateEviction(plan(ratio), scattered(draws)).hitRate();
      EXPECT_GT(simulated, randomForecast(popularity, shape).hitRate + 0.002) << s << " " << ratio;
      EXPECT_LT(simulated, lruForecast(popularity, shape).hitRate + 0.002) << s << " " << ratio;
    }
  }
}

TEST(EvictionSimulation, MoreSamplesComeCloserToExactLru) {
  const Draws draws(kKeys, 1.0);
  const double exact = lruForecast(Popularity::zipf(kKeys, 1.0), {capacityAt(kKeys, 3), 1}).hitRate;
  EvictionPlan one = plan(3), ten = plan(3);
  one.samples = 1;
  ten.samples = 10;
  const double rough = simulateEviction(one, scattered(draws)).hitRate();
  const double fine = simulateEviction(ten, scattered(draws)).hitRate();
  EXPECT_LT(rough, fine);
  EXPECT_NEAR(fine, exact, 0.006);
}

TEST(EvictionSimulation, AClockThatStandsStillLeavesRandomReplacement) {
  const Draws draws(kKeys, 1.0);
  EvictionPlan blind = plan(3);
  blind.requestsPerS = 1e9;  // all within one second
  const double random =
      randomForecast(Popularity::zipf(kKeys, 1.0), {capacityAt(kKeys, 3), 1}).hitRate;
  EXPECT_NEAR(simulateEviction(blind, scattered(draws)).hitRate(), random, 0.005);
}

TEST(EvictionSimulation, LfuBeatsLruWhilePopularityStandsStill) {
  const Draws draws(kKeys, 1.0);
  EvictionPlan lfu = plan(3);
  lfu.policy = EvictionPolicy::lfu;
  const double withLfu = simulateEviction(lfu, scattered(draws)).hitRate();
  EXPECT_GT(withLfu, simulateEviction(plan(3), scattered(draws)).hitRate());
  EXPECT_LT(
      withLfu,
      hottestForecast(Popularity::zipf(kKeys, 1.0), {capacityAt(kKeys, 3), 1}).hitRate + 0.002);
}

TEST(EvictionSimulation, NothingIsEvictedFromWhatFits) {
  const Draws draws(kKeys, 1.0);
  const EvictionOutcome outcome = simulateEviction(plan(0.8), scattered(draws));
  EXPECT_EQ(outcome.misses, 0U);
  EXPECT_EQ(outcome.evictions, 0U);
  EXPECT_EQ(outcome.hitRate(), 1);
}

TEST(EvictionSimulation, WithoutEvictableKeysMissesAreRefused) {
  const Draws draws(kKeys, 0.0);
  EvictionPlan volatileOnly = plan(3);
  volatileOnly.evictableShare = 0.3;
  const EvictionOutcome outcome = simulateEviction(volatileOnly, scattered(draws));
  EXPECT_EQ(outcome.evictions, 0U);
  EXPECT_EQ(outcome.refused, outcome.misses);
  EXPECT_NEAR(outcome.hitRate(), 1.0 / 3, 0.01);
}

TEST(EvictionSimulation, EachMissOfAFullCacheEvictsOneKey) {
  const Draws draws(kKeys, 1.0);
  const EvictionOutcome outcome = simulateEviction(plan(1.5), scattered(draws));
  EXPECT_EQ(outcome.evictions, outcome.misses);
  EXPECT_EQ(outcome.hits + outcome.misses, 400'000U);
}

TEST(EvictionSimulation, RepeatsWithItsSeed) {
  const Draws draws(kKeys, 1.0);
  EXPECT_EQ(simulateEviction(plan(1.5), scattered(draws)).hits,
            simulateEviction(plan(1.5), scattered(draws)).hits);
}

}  // namespace
}  // namespace redline
