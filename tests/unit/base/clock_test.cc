#include "base/clock.h"

#include <gtest/gtest.h>

#include <limits>

namespace redline {
namespace {

TEST(Clock, SpansConvertBothWays) {
  EXPECT_DOUBLE_EQ(toSeconds(1'500 * kMillisecond), 1.5);
  EXPECT_DOUBLE_EQ(toMicros(-250), -0.25);
  EXPECT_EQ(fromSeconds(1.5), 1'500 * kMillisecond);
  EXPECT_EQ(fromMicros(0.25), 250);
}

TEST(Clock, ConversionsRoundToTheNearestNanosecond) {
  EXPECT_EQ(fromSeconds(1.2345678916), 1'234'567'892);
  EXPECT_EQ(fromMicros(1.0006), 1'001);
  EXPECT_EQ(fromSeconds(toSeconds(1'767'225'600'123'456'789)) / kMillisecond, 1'767'225'600'123);
}

TEST(Clock, NumbersOfOthersEndAtTheEndsOfTheRange) {
  constexpr Nanos kLeast = std::numeric_limits<Nanos>::min();
  constexpr Nanos kMost = std::numeric_limits<Nanos>::max();
  EXPECT_EQ(saturated(3, kSecond), 3 * kSecond);
  EXPECT_EQ(saturated(-3, kMillisecond), -3 * kMillisecond);
  EXPECT_EQ(saturated(9'795'943'392, kSecond), kMost);
  EXPECT_EQ(saturated(kLeast, kMicrosecond), kLeast);
  EXPECT_EQ(saturatedSum(kSecond, -kMillisecond), 999 * kMillisecond);
  EXPECT_EQ(saturatedSum(kMost, 1), kMost);
  EXPECT_EQ(saturatedSum(kLeast, -1), kLeast);
}

}  // namespace
}  // namespace redline
