#include "model/blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <vector>

namespace redline {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

TEST(Blocks, EveryConditionIsInEachOnce) {
  for (std::uint64_t block = 0; block < 20; ++block)
    EXPECT_THAT(blockOrder(4, 1, block), UnorderedElementsAre(0, 1, 2, 3));
  EXPECT_TRUE(blockOrder(0, 1, 1).empty());
}

TEST(Blocks, OrdersAreTheSeedsAndFavourNone) {
  EXPECT_EQ(blockOrder(8, 7, 3), blockOrder(8, 7, 3));
  EXPECT_NE(blockOrder(8, 7, 3), blockOrder(8, 7, 4));
  EXPECT_NE(blockOrder(8, 7, 3), blockOrder(8, 8, 3));
  std::map<std::vector<std::size_t>, int> seen;
  for (std::uint64_t block = 0; block < 6'000; ++block) ++seen[blockOrder(3, 1, block)];
  EXPECT_EQ(seen.size(), 6U);
  for (const auto& [order, times] : seen) EXPECT_NEAR(times, 1'000, 150);
}

TEST(Blocks, StopWhereTheIntervalIsNarrowEnough) {
  const Estimate narrow{100, 92, 109, 12, 0.96, IntervalMethod::orderStatistic};
  const Estimate wide{100, 80, 120, 12, 0.96, IntervalMethod::orderStatistic};
  EXPECT_TRUE(isPrecise(narrow, kLevelPrecision));
  EXPECT_FALSE(isPrecise(wide, kLevelPrecision));
  EXPECT_FALSE(isPrecise(wide, kRatioPrecision));  // ÷1.22 … ×1.22
  Estimate few = narrow;
  few.count = 5;
  EXPECT_FALSE(isPrecise(few, kLevelPrecision));
  EXPECT_FALSE(isPrecise({100, 100, 100, 12, 0, IntervalMethod::none}, kLevelPrecision));
  EXPECT_TRUE(std::isinf(factorHalfWidth({1, -1, 3, 12, 0.95, IntervalMethod::signedRank})));
}

TEST(Blocks, AnIntervalAfterADisturbedOneIsLeftOutToo) {
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(undisturbed(std::vector<double>{0, 9, 1, 1, 0, unknown, 0, 2}, 1),
              ElementsAre(true, false, false, true, true, false, false, false));
  EXPECT_TRUE(undisturbed({}, 1).empty());
}

}  // namespace
}  // namespace redline
