#include "base/clock.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace redline
