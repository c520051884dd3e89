#include "chaos/fork_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

ServerInfo server(const char* keys, const char* memory) {
  return parseServerInfo(std::string("# Memory\r\nused_memory:") + memory +
                         "\r\nused_memory_rss:" + memory + "\r\n# Keyspace\r\ndb0:keys=" + keys +
                         ",expires=0,avg_ttl=0\r\n");
}

TEST(ForkEstimate, IsWritesTimesThreePagesTimesTheChildsLife) {
  // 7.5M keys take 20 s at 0.375M keys/s; 1000 writes/s copy 12 KB each; 2 GB have 4 MB page
  // tables.
  const ForkEstimate estimate = estimateFork(server("7500000", "2147483648"), 1000);
  EXPECT_DOUBLE_EQ(estimate.seconds, 20);
  EXPECT_EQ(estimate.bytes, 1000U * 20 * 12 * 1024 + (4U << 20));
}

TEST(ForkEstimate, IsNeverMoreThanAllThereIs) {
  const ForkEstimate estimate = estimateFork(server("100000000", "17179869184"), 1e6);
  EXPECT_EQ(estimate.bytes, (16ULL << 30) + (32ULL << 20));
}

TEST(ForkEstimate, RefusesWhatTheMachineHasNotWithTheArithmetic) {
  const ForkEstimate estimate = estimateFork(server("7500000", "2147483648"), 1000);
  EXPECT_TRUE(checkForkMemory(estimate, estimate.bytes));
  const auto refused = checkForkMemory(estimate, estimate.bytes - 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::noSpace);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("1000 writes/s"));
  EXPECT_THAT(refused.error().message, testing::HasSubstr("-force"));
}

}  // namespace
}  // namespace redline
