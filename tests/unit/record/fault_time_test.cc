#include "record/fault_time.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(FaultTime, TouchesFromTheBracketsBeginToTheSecondAfterItsEnd) {
  FaultTime time;
  EXPECT_FALSE(time.touches(0, 100 * kSecond));
  const auto bracket = time.begin(5 * kSecond);
  EXPECT_FALSE(time.touches(4 * kSecond, 5 * kSecond));
  EXPECT_TRUE(time.touches(4 * kSecond, 5 * kSecond + 1));
  EXPECT_TRUE(time.touches(50 * kSecond, 51 * kSecond)) << "it is still open";
  time.end(bracket, 6 * kSecond);
  EXPECT_TRUE(time.touches(6 * kSecond, 7 * kSecond));
  EXPECT_FALSE(time.touches(6 * kSecond + FaultTime::kAftermath, 8 * kSecond));
}

TEST(FaultTime, KnowsBracketsThatOverlap) {
  FaultTime time;
  const auto first = time.begin(1 * kSecond);
  const auto second = time.begin(2 * kSecond);
  time.end(first, 3 * kSecond);
  EXPECT_TRUE(time.touches(20 * kSecond, 21 * kSecond));
  time.end(second, 10 * kSecond);
  EXPECT_FALSE(time.touches(20 * kSecond, 21 * kSecond));
}

}  // namespace
}  // namespace redline
