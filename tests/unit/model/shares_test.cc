#include "model/shares.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"

namespace redline {
namespace {

using Blocks = std::vector<std::vector<double>>;

// Fisher 1935: the lady who tastes tea; and two tables by counting.
TEST(Shares, FishersExactTestOfKnownTables) {
  EXPECT_NEAR(fisherExact(3, 4, 1, 4), 0.4857, 1e-4);
  EXPECT_NEAR(fisherExact(8, 10, 1, 6), 0.0350, 1e-4);
  EXPECT_NEAR(fisherExact(1, 6, 8, 10), 0.0350, 1e-4);
  EXPECT_DOUBLE_EQ(fisherExact(0, 10, 0, 10), 1);
  EXPECT_DOUBLE_EQ(fisherExact(10, 10, 10, 10), 1);
  EXPECT_DOUBLE_EQ(fisherExact(0, 0, 3, 10), 1);
}

TEST(Shares, DifferWhereOneConditionLosesMoreInEveryBlock) {
  const Blocks blocks(8, {0.05, 0.40});
  const ShareTest test = testShares(blocks);
  EXPECT_TRUE(test.differ());
  EXPECT_NEAR(test.chance, 2.0 / 256, 0.005);  // all eight the same way round, either way
  EXPECT_FALSE(testShares(Blocks(8, {0.2, 0.2})).differ());
  EXPECT_EQ(testShares(Blocks(8, {0, 0})).chance, 1);
  EXPECT_EQ(testShares({}).chance, 1);
}

TEST(Shares, SaysWhenSoFewBlocksCannotTell) {
  EXPECT_FALSE(testShares(Blocks(2, {0.0, 1.0})).canTell());
  EXPECT_TRUE(testShares(Blocks(2, {0, 0, 0, 1})).canTell());
  EXPECT_TRUE(testShares(Blocks(6, {0.0, 1.0})).canTell());
}

// A burst takes half of a condition's intervals in one block of four: counted one by one they would
// differ in most trials.
TEST(Shares, BurstsThatTakeManyIntervalsTogetherDoNotDeceiveIt) {
  Rng rng(31);
  int deceived = 0, fisherDeceived = 0;
  constexpr int kTrials = 200;
  constexpr unsigned kIntervals = 20;
  for (int trial = 0; trial < kTrials; ++trial) {
    Blocks blocks(12, {0, 0});
    unsigned lost[2] = {0, 0};
    for (auto& block : blocks)
      for (std::size_t i = 0; i < 2; ++i) {
        block[i] = rng.unit() < 0.25 ? 0.5 : 0;
        lost[i] += static_cast<unsigned>(block[i] * kIntervals);
      }
    deceived += testShares(blocks, static_cast<std::uint64_t>(trial)).differ() ? 1 : 0;
    fisherDeceived +=
        fisherExact(lost[0], 12 * kIntervals, lost[1], 12 * kIntervals) < 0.05 ? 1 : 0;
  }
  EXPECT_LE(deceived / double(kTrials), 0.09);
  EXPECT_GT(fisherDeceived / double(kTrials), 0.25);
}

}  // namespace
}  // namespace redline
