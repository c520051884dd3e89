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
