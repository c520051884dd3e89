#include <gtest/gtest.h>

#include <cmath>

#include "calibrate/proving_ground.h"

namespace redline {
namespace {

TEST(KneeRate, LiesBetweenTheRatesAroundTheLimit) {
  EXPECT_NEAR(kneeRate({10, 20, 30}, {100, 100, 10'000}, 1'000), 25, 1e-9);
  EXPECT_NEAR(kneeRate({10, 20, 30}, {100, 1'000, 10'000}, 1'000), 20, 1e-9);
}

TEST(KneeRate, IsAtTheEndsWhereTheLimitIsNotPassedBetweenThem) {
  EXPECT_EQ(kneeRate({10, 20}, {100, 200}, 1'000), 20);
  EXPECT_TRUE(std::isnan(kneeRate({10, 20}, {2'000, 3'000}, 1'000)));
  EXPECT_TRUE(std::isnan(kneeRate({}, {}, 1'000)));
}

TEST(KneeRate, IsTheFirstPassageOfACurveThatFallsAgain) {
  EXPECT_LT(kneeRate({10, 20, 30, 40}, {100, 5'000, 100, 5'000}, 1'000), 20);
}

TEST(PlanChecks, OfWhatWasNotMeasuredDoNotHold) {
  EXPECT_FALSE((PredictionCheck{"", "", "", 100, std::nan(""), 0.2}).holds());
}

TEST(PlanChecks, HoldWithinTheirTolerance) {
  EXPECT_TRUE((PredictionCheck{"", "", "", 110, 100, 0.2}).holds());
  EXPECT_FALSE((PredictionCheck{"", "", "", 121, 100, 0.2}).holds());
  EXPECT_FALSE((PredictionCheck{"", "", "", 79, 100, 0.2}).holds());
}

}  // namespace
}  // namespace redline
