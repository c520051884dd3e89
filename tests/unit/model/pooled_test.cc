#include "model/pooled.h"

#include <gtest/gtest.h>

#include <cmath>

namespace redline {
namespace {

TEST(Pooled, OfOneConditionIsStudentsTOfTheLogarithms) {
  const Pooled pooled({{100, 110, 121}});
  const Estimate estimate = pooled.of(0);
  const double step = std::log(1.1);  // the logarithms' standard deviation is exactly this
  EXPECT_NEAR(estimate.value, 110, 1e-9);
  EXPECT_NEAR(estimate.high, 110 * std::exp(4.302653 * step / std::sqrt(3)), 1e-3);
  EXPECT_DOUBLE_EQ(pooled.degrees(), 2);
  EXPECT_NEAR(pooled.relativeSpread(), 0.1, 1e-9);
}

TEST(Pooled, ConditionsLendEachOtherTheirDegreesOfFreedom) {
  const Pooled alone({{100, 104}});
  const Pooled together({{100, 104}, {10, 10.4}, {1000, 1040}, {5, 5.2}});
  EXPECT_DOUBLE_EQ(together.degrees(), 4);
  EXPECT_LT(together.of(0).relativeHalfWidth(), alone.of(0).relativeHalfWidth() / 3);
  EXPECT_NEAR(together.of(0).value, alone.of(0).value, 1e-9);
}

TEST(Pooled, RatioHoldsTheTrueOneAndLeavesOutNoneWhereNoneIs) {
  const Pooled pooled({{100, 104, 98}, {200, 205, 196}, {101, 97, 103}});
  EXPECT_TRUE(pooled.ratio(0, 1).contains(2));
  EXPECT_FALSE(pooled.ratio(0, 1).contains(1));
  EXPECT_TRUE(pooled.ratio(0, 2).contains(1));
}

// One of three runs met a stall of the disk.
TEST(Pooled, OneThatScattersMoreIsJudgedByItself) {
  const std::vector<std::vector<double>> quiet{{100, 104, 98}, {200, 205, 196}, {51, 50, 49}};
  auto values = quiet;
  values.push_back({2.9, 2.6, 134});
  const Pooled pooled(values);
  EXPECT_TRUE(pooled.isApart(3));
  EXPECT_FALSE(pooled.isApart(0));
  EXPECT_DOUBLE_EQ(pooled.of(0).low, Pooled(quiet).of(0).low);
  EXPECT_DOUBLE_EQ(pooled.ratio(0, 1).high, Pooled(quiet).ratio(0, 1).high);
  EXPECT_DOUBLE_EQ(pooled.of(3).high, Pooled({values[3]}).of(0).high);
  EXPECT_EQ(pooled.of(3).method, IntervalMethod::studentT);
  EXPECT_EQ(pooled.ratio(0, 3).method, IntervalMethod::welchT);
  EXPECT_TRUE(pooled.ratio(0, 3).contains(1));
}

TEST(Pooled, TwoThatScatterMoreDoNotHideEachOther) {
  const Pooled pooled({{100, 104, 98},
                       {200, 205, 196},
                       {51, 50, 49},
                       {70, 72, 71},
                       {2.9, 2.6, 134},
                       {3.4, 3.1, 124}});
  EXPECT_TRUE(pooled.isApart(4));
  EXPECT_TRUE(pooled.isApart(5));
  EXPECT_FALSE(pooled.isApart(0));
}

// By chance one of a few always scatters most.
TEST(Pooled, OrdinaryScatterIsShared) {
  const Pooled pooled({{161, 280, 259}, {232, 159, 297}, {288, 187, 219}, {244, 339, 585}});
  for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(pooled.isApart(i)) << i;
  EXPECT_FALSE(Pooled({{1, 2}, {5, 50}}).isApart(1));
  EXPECT_FALSE(Pooled({{7, 7}, {7, 7}, {7, 7}}).isApart(0));
  // Two repeats that agree to the digit are luck, or a search that has steps.
  EXPECT_FALSE(Pooled({{49.9, 49.9}, {37, 41}, {50, 50}, {60, 60}}).isApart(1));
  EXPECT_FALSE(Pooled({{49.9, 49.9, 49.9}, {37, 41, 44}}).isApart(1));
}

TEST(Pooled, WithoutRepeatsThereIsNoInterval) {
  const Pooled pooled({{100}, {200}, {}});
  EXPECT_FALSE(pooled.of(0).hasInterval());
  EXPECT_NEAR(pooled.ratio(0, 1).value, 2, 1e-12);
  EXPECT_FALSE(pooled.ratio(0, 1).hasInterval());
  EXPECT_EQ(pooled.of(2).count, 0U);
  EXPECT_EQ(pooled.ratio(0, 2).count, 0U);
}

}  // namespace
}  // namespace redline
