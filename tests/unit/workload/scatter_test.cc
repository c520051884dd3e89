#include "workload/scatter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "unit/workload/statistics.h"
#include "workload/key_chooser.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

/// CRC16/XMODEM (polynomial 0x1021), bit by bit, as the Redis Cluster specification defines a key's
/// slot. Written out here because this room may not import the cluster's.
unsigned slotOf(std::string_view key) {
  unsigned crc = 0;
  for (const char c : key) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(c)) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021U : 0U);
    crc &= 0xffff;
  }
  return crc % 16384;
}

TEST(Scatter, IsABijectionForAnySize) {
  for (const std::uint64_t n :
       {1U, 2U, 3U, 4U, 5U, 7U, 8U, 9U, 63U, 64U, 65U, 1000U, 4096U, 4097U, 99'991U}) {
    for (const std::uint64_t seed : {0U, 1U, 77U}) {
      const Scatter scatter(n, seed);
      std::vector<bool> taken(n);
      for (std::uint64_t rank = 0; rank < n; ++rank) {
        const std::uint64_t id = scatter.idOf(rank);
        ASSERT_LT(id, n);
        ASSERT_FALSE(taken[id]) << n << ": two ranks share id " << id;
        taken[id] = true;
        ASSERT_EQ(scatter.rankOf(id), rank) << n;
      }
    }
  }
}

TEST(Scatter, InvertsItselfAtSizesTooLargeToEnumerate) {
  Rng rng(1);
  for (const std::uint64_t n : {std::uint64_t{100'000'000}, (std::uint64_t{1} << 40) + 1,
                                std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    const Scatter scatter(n, 9);
    for (int i = 0; i < 10'000; ++i) {
      const std::uint64_t rank = rng.below(n);
      ASSERT_LT(scatter.idOf(rank), n);
      ASSERT_EQ(scatter.rankOf(scatter.idOf(rank)), rank);
    }
  }
}

TEST(Scatter, DependsOnItsSeed) {
  const Scatter one(100'000'000, 1), two(100'000'000, 2);
  int same = 0;
  for (std::uint64_t rank = 0; rank < 1000; ++rank) same += one.idOf(rank) == two.idOf(rank);
  EXPECT_LE(same, 1);
}

TEST(Scatter, LeavesNoStrideBetweenNeighbouringRanks) {
  const Scatter scatter(100'000'000, 3);
  std::set<std::uint64_t> strides;
  for (std::uint64_t rank = 0; rank < 1000; ++rank)
    strides.insert(scatter.idOf(rank + 1) - scatter.idOf(rank));
  EXPECT_GE(strides.size(), 998U);
}

TEST(Scatter, SpreadsTheHottestRanksOverTheIdsLikeChance) {
  // Neither clustered (p near 0) nor suspiciously even, as a fixed stride would be (p near 1).
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const Scatter scatter(100'000'000, seed);
    std::vector<std::uint64_t> counts(100);
    for (std::uint64_t rank = 0; rank < 10'000; ++rank) ++counts[scatter.idOf(rank) / 1'000'000];
    const double p = test::chiSquareP(counts, std::vector<double>(100, 100));
    EXPECT_GT(p, 1e-3) << seed;
    EXPECT_LT(p, 1 - 1e-3) << seed;
  }
}

TEST(Slots, ReferenceCrcGivesTheSpecificationsCheckValue) {
  EXPECT_EQ(slotOf("123456789"), 0x31C3U % 16384);
  EXPECT_EQ(slotOf("foo"), 12182U);  // as `CLUSTER KEYSLOT foo` answers
}

TEST(KeyChooser, HotRanksLieInDifferentSlots) {
  // m keys thrown at random into M slots occupy M·(1 − (1 − 1/M)^m) of them; the number of keys
  // that share a slot with an earlier one is nearly Poisson, which gives the standard deviation.
  constexpr double kSlots = 16384;
  constexpr int kHot = 1000;
  const double expected = kSlots * (1 - std::pow(1 - 1 / kSlots, kHot));
  const double deviation = std::sqrt(kHot - expected);
  for (const std::uint64_t seed : {0U, 1U, 2U, 3U, 42U, 1234567U}) {
    for (const std::uint64_t keys : {10'000U, 1'000'000U, 100'000'000U}) {
      const KeyChooser chooser(Distribution::zipfian, 1.2, keys, seed);
      std::set<unsigned> slots;
      for (std::uint64_t rank = 0; rank < kHot; ++rank) {
        char key[kMaxKeyLength];
        slots.insert(slotOf({key, writeKey(key, chooser.hottest(rank))}));
      }
      EXPECT_NEAR(static_cast<double>(slots.size()), expected, 4 * deviation)
          << seed << ' ' << keys;
    }
  }
}

TEST(KeyChooser, TheHottestKeysLieInDifferentSlots) {
  for (const std::uint64_t seed : {0U, 1U, 2U, 3U}) {
    const KeyChooser chooser(Distribution::zipfian, 1.2, 100'000'000, seed);
    std::set<unsigned> slots;
    for (std::uint64_t rank = 0; rank < 8; ++rank) {
      char key[kMaxKeyLength];
      slots.insert(slotOf({key, writeKey(key, chooser.hottest(rank))}));
    }
    EXPECT_EQ(slots.size(), 8U) << seed;
  }
}

TEST(KeyChooser, DrawsTheHottestKeyAsOftenAsItsProbability) {
  const KeyChooser chooser(Distribution::zipfian, 1.2, 1'000'000, 5);
  Rng rng(1);
  int hits = 0;
  constexpr int kScatterDraws = 200'000;
  for (int i = 0; i < kScatterDraws; ++i) hits += chooser.draw(rng) == chooser.hottest(0);
  const double p = chooser.probability(0);
  EXPECT_NEAR(hits, kScatterDraws * p, 4 * std::sqrt(kScatterDraws * p * (1 - p)));
  EXPECT_EQ(chooser.rankOf(chooser.hottest(12'345)), 12'345U);
}

TEST(KeyChooser, DrawsEveryKeyOfASmallUniformKeyspace) {
  const KeyChooser chooser(Distribution::uniform, 0, 100, 5);
  Rng rng(1);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 5000; ++i) seen.insert(chooser.draw(rng));
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_EQ(*seen.rbegin(), 99U);
  EXPECT_DOUBLE_EQ(chooser.probability(7), 0.01);
}

}  // namespace
}  // namespace redline
