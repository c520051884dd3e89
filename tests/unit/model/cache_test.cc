#include "model/cache.h"

#include <gtest/gtest.h>

#include <cmath>
#include <list>
#include <unordered_map>
#include <vector>

#include "base/rng.h"
#include "unit/model/popularity_draws.h"

namespace redline {
namespace {

/// An exact LRU under independent requests.
double exactLruHitRate(std::size_t keys, std::size_t capacity, double s, std::size_t requests) {
  const Draws draws(keys, s);
  Rng rng(7);
  std::list<std::uint64_t> order;
  std::unordered_map<std::uint64_t, std::list<std::uint64_t>::iterator> present;
  std::size_t hits = 0;
  for (std::size_t i = 0; i < 2 * requests; ++i) {
    const std::uint64_t id = draws(rng);
    const auto found = present.find(id);
    if (found != present.end()) {
      order.splice(order.begin(), order, found->second);
      if (i >= requests) ++hits;
      continue;
    }
    if (present.size() == capacity) {
      present.erase(order.back());
      order.pop_back();
    }
    order.push_front(id);
    present[id] = order.begin();
  }
  return double(hits) / double(requests);
}

/// RANDOM replacement.
double randomHitRate(std::size_t keys, std::size_t capacity, double s, std::size_t requests) {
  const Draws draws(keys, s);
  Rng rng(8);
  std::vector<std::uint64_t> slots;
  std::vector<bool> present(keys);
  std::size_t hits = 0;
  for (std::size_t i = 0; i < 2 * requests; ++i) {
    const std::uint64_t id = draws(rng);
    if (present[id]) {
      if (i >= requests) ++hits;
      continue;
    }
    present[id] = true;
    if (slots.size() < capacity) {
      slots.push_back(id);
      continue;
    }
    std::uint64_t& slot = slots[rng.below(capacity)];
    present[slot] = false;
    slot = id;
  }
  return double(hits) / double(requests);
}

TEST(Popularity, SumsToOneAndCountsEveryKey) {
  for (const double s : {0.0, 0.8, 1.0, 1.2})
    for (const std::uint64_t keys : {1ULL, 100ULL, 512ULL, 12'345ULL, 100'000'000ULL}) {
      double probability = 0, count = 0;
      const auto popularity = Popularity::zipf(keys, s);
      for (const auto& c : popularity.classes()) {
        probability += c.keys * c.probability;
        count += c.keys;
      }
      EXPECT_NEAR(probability, 1, 1e-12);
      EXPECT_EQ(count, double(keys));
      EXPECT_LT(popularity.classes().size(), 5'000U);
    }
}

TEST(Popularity, ClassesAreAsGoodAsKeysOneByOne) {
  constexpr std::uint64_t kKeys = 1'000'000;
  double harmonic = 0;
  for (std::uint64_t k = kKeys; k > 0; --k) harmonic += 1 / double(k);
  const double oneByOne = 1 / harmonic;
  EXPECT_NEAR(Popularity::zipf(kKeys, 1).classes().front().probability / oneByOne, 1, 1e-5);
}

TEST(PopularityDraws, FollowThePopularityAndReachEveryKey) {
  constexpr std::uint64_t kKeys = 3'000;
  const auto popularity = Popularity::zipf(kKeys, 1);
  const PopularityDraws draws(popularity);
  Rng rng(9);
  std::vector<std::uint64_t> counts(kKeys);
  constexpr std::size_t kDraws = 3'000'000;
  for (std::size_t i = 0; i < kDraws; ++i) ++counts.at(draws(rng));
  std::ranges::sort(counts, std::ranges::greater{});
  EXPECT_GT(counts.back(), 0U);
  const double hottest = popularity.classes().front().probability;
  for (const std::size_t rank : {0U, 1U, 9U, 99U})
    EXPECT_NEAR(static_cast<double>(counts[rank]) / (kDraws * hottest / double(rank + 1)), 1, 0.04)
        << rank;
}

TEST(PopularityDraws, CoverOneKeyAndUniformKeys) {
  Rng rng(9);
  EXPECT_EQ(PopularityDraws(Popularity::zipf(1, 1))(rng), 0U);
  const PopularityDraws uniform(Popularity::uniform(10));
  std::vector<int> counts(10);
  for (int i = 0; i < 10'000; ++i) ++counts.at(uniform(rng));
  for (const int count : counts) EXPECT_NEAR(count, 1'000, 150);
}

TEST(CacheForecast, LruAgreesWithAnExactLru) {
  for (const double s : {0.0, 0.9, 1.2}) {
    const auto forecast = lruForecast(Popularity::zipf(20'000, s), {8'000, 1});
    EXPECT_NEAR(forecast.hitRate, exactLruHitRate(20'000, 8'000, s, 400'000), 0.003) << s;
  }
}

TEST(CacheForecast, RandomAgreesWithRandomReplacement) {
  for (const double s : {0.0, 0.9, 1.2}) {
    const auto forecast = randomForecast(Popularity::zipf(20'000, s), {8'000, 1});
    EXPECT_NEAR(forecast.hitRate, randomHitRate(20'000, 8'000, s, 400'000), 0.003) << s;
  }
}

TEST(CacheForecast, UnderUniformPopularityEveryPolicyKeepsTheShareThatFits) {
  const auto popularity = Popularity::uniform(1'000'000);
  for (const double ratio : {1.5, 3.0, 10.0}) {
    const CacheShape shape{capacityAt(1e6, ratio), 1};
    EXPECT_NEAR(lruForecast(popularity, shape).hitRate, 1 / ratio, 1e-9);
    EXPECT_NEAR(randomForecast(popularity, shape).hitRate, 1 / ratio, 1e-9);
    EXPECT_NEAR(hottestForecast(popularity, shape).hitRate, 1 / ratio, 1e-9);
    // 1 − exp(−T/N) = 1/ratio
    EXPECT_NEAR(lruForecast(popularity, shape).characteristicRequests,
                -1e6 * std::log1p(-1 / ratio), 1);
  }
}

TEST(CacheForecast, PoliciesKeepTheirOrderAndHitMoreWithMoreRoom) {
  for (const double s : {0.7, 1.0, 1.2}) {
    const auto popularity = Popularity::zipf(100'000'000, s);
    double before = 0;
    for (const double ratio : {10.0, 3.0, 1.5, 1.1}) {
      const CacheShape shape{capacityAt(1e8, ratio), 1};
      const double random = randomForecast(popularity, shape).hitRate;
      const double lru = lruForecast(popularity, shape).hitRate;
      const double hottest = hottestForecast(popularity, shape).hitRate;
      EXPECT_LT(random, lru);
      EXPECT_LT(lru, hottest);
      EXPECT_GT(random, before);
      before = random;
    }
  }
}

TEST(CacheForecast, WhatFitsIsNeverEvicted) {
  const auto forecast = lruForecast(Popularity::zipf(1'000, 1), {1'000, 1});
  EXPECT_EQ(forecast.hitRate, 1);
  EXPECT_TRUE(std::isinf(forecast.characteristicRequests));
}

TEST(CacheForecast, KeysWithoutATimeToLiveFillTheCacheAtTheRatioOfRefusal) {
  EXPECT_NEAR(ratioOfRefusal(0.3), 1.4286, 1e-4);
  EXPECT_TRUE(std::isinf(ratioOfRefusal(1)));
  const auto popularity = Popularity::zipf(1'000'000, 1);
  const double edge = ratioOfRefusal(0.3);
  EXPECT_TRUE(lruForecast(popularity, {capacityAt(1e6, edge * 0.999), 0.3}).fits);
  EXPECT_FALSE(lruForecast(popularity, {capacityAt(1e6, edge * 1.001), 0.3}).fits);
  // Just before it, nearly all that may go is gone: what stays is hit.
  EXPECT_NEAR(
      lruForecast(Popularity::uniform(1'000'000), {capacityAt(1e6, edge * 0.9999), 0.3}).hitRate,
      0.7, 0.001);
}

}  // namespace
}  // namespace redline
