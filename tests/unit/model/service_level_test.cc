#include "model/service_level.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(ServiceLevel, IsAPercentileAndALimit) {
  const auto level = parseLevel("p99<1ms");
  ASSERT_TRUE(level);
  EXPECT_EQ(level->percentile, "p99");
  EXPECT_EQ(level->limitUs, 1'000);
  for (const auto* const wrong : {"", "p99", "1ms", "p99<", "p99<0", "p98<1ms", "p99>1ms", "p99<x"})
    EXPECT_FALSE(parseLevel(wrong)) << wrong;
}

}  // namespace
}  // namespace redline
