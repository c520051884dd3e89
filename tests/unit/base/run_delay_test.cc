#include "base/run_delay.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(RunDelay, IsTheSecondNumberOfSchedstat) {
  EXPECT_EQ(parseRunDelay("123456789 4242 17\n"), 4242);
  EXPECT_FALSE(parseRunDelay(""));
  EXPECT_FALSE(parseRunDelay("123456789"));
  EXPECT_FALSE(parseRunDelay("123456789 x 17"));
}

TEST(RunDelay, OfAThreadThatIsGoneIsNone) {
  EXPECT_TRUE(readRunDelay("/proc/thread-self/schedstat"));
  EXPECT_FALSE(readRunDelay("/proc/0/schedstat"));
}

}  // namespace
}  // namespace redline
