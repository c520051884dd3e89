#include "base/rng.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

namespace redline {
namespace {

TEST(Rng, RepeatsItsDrawsForTheSameSeedAndStream) {
  Rng a(7, 3);
  Rng b(7, 3);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(a.next(), b.next());
}

TEST(Rng, DrawsDifferentlyForEverySeedAndStream) {
  std::set<std::uint64_t> first;
  for (std::uint64_t seed = 0; seed < 32; ++seed)
    for (std::uint64_t stream = 0; stream < 32; ++stream) first.insert(Rng(seed, stream).next());
  EXPECT_EQ(first.size(), 32U * 32U);
}

TEST(Rng, StaysBelowItsBoundAndReachesEveryValue) {
  Rng rng(1);
  std::array<int, 10> seen{};
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t draw = rng.below(seen.size());
    ASSERT_LT(draw, seen.size());
    ++seen[draw];
  }
  // 10 000 expected in each; the standard deviation is 95, so five of them.
  for (const int count : seen) EXPECT_NEAR(count, 10'000, 475);
}

TEST(Rng, DrawsUnitsFromTheirHalfOpenIntervals) {
  Rng rng(2);
  double sum = 0;
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    const double unit = rng.unit();
    ASSERT_GE(unit, 0.0);
    ASSERT_LT(unit, 1.0);
    const double positive = rng.unitPositive();
    ASSERT_GT(positive, 0.0);
    ASSERT_LE(positive, 1.0);
    sum += unit;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 5 * std::sqrt(1.0 / 12 / kDraws));
}

TEST(Mix64, GivesTheReferenceOutputsOfSplitMix64) {
  // The first outputs of SplitMix64 seeded with 0: its state is a multiple of the golden gamma.
  constexpr std::uint64_t kGamma = 0x9e3779b97f4a7c15ULL;
  EXPECT_EQ(mix64(0), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(mix64(kGamma), 0x6e789e6aa1b965f4ULL);
  EXPECT_EQ(mix64(2 * kGamma), 0x06c45d188009454fULL);
}

}  // namespace
}  // namespace redline
