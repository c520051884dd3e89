#include "model/spread.h"

#include <gtest/gtest.h>

#include <vector>

namespace redline {
namespace {

TEST(BusiestShard, HasEverythingWhereThereIsOne) {
  const std::vector<KeyLoad> loads{{1, 5}, {10, 1}};
  EXPECT_NEAR(busiestShard(loads, 1).median, 15, 1e-9);
  EXPECT_NEAR(busiestShard(loads, 1).high, 15, 1e-9);
}

TEST(BusiestShard, NeverHasLessThanTheHottestKeyOrAnEvenPart) {
  const std::vector<KeyLoad> loads{{1, 5}, {1e6, 1e-5}};
  for (const std::uint64_t shards : {2U, 16U, 1'024U, 16'384U}) {
    const Busiest busiest = busiestShard(loads, shards);
    EXPECT_GE(busiest.median, 5);
    EXPECT_GE(busiest.median, 15.0 / static_cast<double>(shards));
    EXPECT_GE(busiest.high, busiest.median);
  }
}

// Two equal keys meet on one of three shards in a third of the hashings.
TEST(BusiestShard, CountsHowOftenHotKeysMeet) {
  const std::vector<KeyLoad> loads{{2, 1}};
  EXPECT_NEAR(busiestShard(loads, 3).median, 1, 1e-9);
  EXPECT_NEAR(busiestShard(loads, 3).high, 2, 1e-9);
}

TEST(BusiestShard, SeparatesTheCopiesOfAKey) {
  const std::vector<KeyLoad> loads{{.keys = 1, .load = 1, .copies = 3}};
  EXPECT_NEAR(busiestShard(loads, 3).high, 1, 1e-9);
  EXPECT_NEAR(busiestShard(loads, 100).high, 1, 1e-9);
  EXPECT_NEAR(busiestShard(loads, 2).high, 1.5, 1e-9);  // evenly, where there are more than shards
}

TEST(BusiestShard, IsTheSameForTheSameArguments) {
  const std::vector<KeyLoad> loads{{500, 1}, {5'000, 0.1}};
  EXPECT_EQ(busiestShard(loads, 12).high, busiestShard(loads, 12).high);
}

}  // namespace
}  // namespace redline
