#include "base/periodic.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(NextDue, KeepsTheGridAndMakesUpForNothing) {
  EXPECT_EQ(nextDue(1000, 100, 1000), 1100);
  EXPECT_EQ(nextDue(1000, 100, 1099), 1100);
  EXPECT_EQ(nextDue(1000, 100, 1100), 1200) << "a whole interval, where that time has come";
  EXPECT_EQ(nextDue(1000, 100, 9000), 9100) << "80 times have been missed";
}

}  // namespace
}  // namespace redline
