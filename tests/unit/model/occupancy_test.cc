#include "model/occupancy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/numbers.h"
#include "base/rng.h"
#include "model/cache.h"

namespace redline {
namespace {

std::vector<KeyDemand> demandsOf(const Popularity& popularity, double lookups) {
  std::vector<KeyDemand> demands;
  for (const auto& each : popularity.classes())
    demands.push_back({.keys = each.keys, .lookups = lookups * each.probability});
  return demands;
}

TEST(Occupancy, IsChesForecastWhereNothingIsRemoved) {
  const auto popularity = Popularity::zipf(100'000, 1.1);
  const auto demands = demandsOf(popularity, 50'000);
  for (const double capacity : {5'000.0, 30'000.0, 70'000.0}) {
    EXPECT_NEAR(occupancyOf(demands, capacity, {}, Recency::exact).hitShare(),
                lruForecast(popularity, {.capacity = capacity}).hitRate, 1e-4);
    EXPECT_NEAR(occupancyOf(demands, capacity, {}, Recency::none).hitShare(),
                randomForecast(popularity, {.capacity = capacity}).hitRate, 1e-4);
  }
}

TEST(Occupancy, HoldsAllWhereThereIsRoom) {
  const auto demands = demandsOf(Popularity::zipf(1'000, 1), 100);
  const Occupancy occupancy = occupancyOf(demands, 1'000, {}, Recency::exact);
  EXPECT_FALSE(occupancy.evicts());
  EXPECT_DOUBLE_EQ(occupancy.hitShare(), 1);
  EXPECT_NEAR(occupancy.present, 1'000, 1e-6);
}

TEST(Occupancy, HoldsNothingWithoutRoom) {
  const auto demands = demandsOf(Popularity::uniform(1'000), 100);
  EXPECT_NEAR(occupancyOf(demands, 0, {}, Recency::exact).hitShare(), 0, 1e-6);
}

// A key that lives for τ from its fill on, whatever is asked meanwhile, by simulation.
TEST(Occupancy, OfAnExpiringKeyIsWhatASimulationFinds) {
  constexpr double kLookups = 0.7, kLivesS = 3;
  Rng rng(11);
  double now = 0, until = -1;
  std::uint64_t hits = 0;
  constexpr std::uint64_t kTrials = 400'000;
  for (std::uint64_t i = 0; i < kTrials; ++i) {
    now += -std::log(1 - rng.unit()) / kLookups;
    if (now < until)
      ++hits;
    else
      until = now + kLivesS;
  }
  const KeyDemand key{.keys = 1, .lookups = kLookups};
  const Occupancy occupancy =
      occupancyOf(std::vector{key}, 1, {1, kLivesS, kLivesS}, Recency::exact);
  EXPECT_NEAR(occupancy.hitShare(), shareOf(hits, kTrials), 0.005);
}

// A client's cache: everybody's writes remove the entry.
TEST(Occupancy, OfAnInvalidatedKeyIsItsShareOfTheEvents) {
  const KeyDemand key{.keys = 1, .lookups = 9, .removals = 1};
  EXPECT_NEAR(occupancyOf(std::vector{key}, 1, {}, Recency::exact).hitShare(), 0.9, 1e-9);
}

TEST(Occupancy, HasNoHitsToSpeakOfWithoutLookups) {
  const KeyDemand written{.keys = 10, .writes = 1};
  const Occupancy occupancy = occupancyOf(std::vector{written}, 5, {}, Recency::exact);
  EXPECT_EQ(occupancy.misses, 0);
  EXPECT_EQ(occupancy.hitShare(), 1);
}

TEST(Refill, WithoutALimitTakesAsLongAsKeysAreWaitedFor) {
  // Every key is asked once a second: 1% of the lookups still miss after ln 100 seconds.
  const std::vector<KeyDemand> demands{{.keys = 1'000, .lookups = 1}};
  const Refill refill = refillOf(demands, 0, kInfinity);
  EXPECT_EQ(refill.peakMisses, 1'000);
  EXPECT_EQ(refill.atLimitS, 0);
  EXPECT_NEAR(refill.backS, std::log(100), 0.15);
}

TEST(Refill, IsAsSlowAsTheStoreWhereThatIsTheLimit) {
  // 1000 keys through a store of 10 reads/s: at the limit until 10 of them are missed a second.
  const std::vector<KeyDemand> demands{{.keys = 1'000, .lookups = 1}};
  const Refill refill = refillOf(demands, 0, 10);
  EXPECT_NEAR(refill.atLimitS, 99, 3);
  EXPECT_GE(refill.backS, refill.atLimitS);
}

TEST(Refill, IsOverWhereMissesAreAsUsual) {
  const std::vector<KeyDemand> demands{{.keys = 1'000, .lookups = 1}};
  EXPECT_LT(refillOf(demands, 500, kInfinity).backS, std::log(2));
}

TEST(Refill, NeverEndsWithoutAStore) {
  const std::vector<KeyDemand> demands{{.keys = 1'000, .lookups = 1}};
  EXPECT_TRUE(std::isinf(refillOf(demands, 0, 0).backS));
  EXPECT_EQ(refillOf({}, 0, 0).peakMisses, 0);
}

}  // namespace
}  // namespace redline
