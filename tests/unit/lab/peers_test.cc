#include "lab/peers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using testing::Contains;

// As redis-benchmark 7.0.15 and memtier_benchmark 2 print it.

TEST(Peers, ReadsRedisBenchmark) {
  const auto figures = parseRedisBenchmark(
      "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\","
      "\"p95_latency_ms\",\"p99_latency_ms\",\"max_latency_ms\"\n"
      "\"GET\",\"83125.52\",\"0.309\",\"0.088\",\"0.303\",\"0.391\",\"0.519\",\"2.071\"\n");
  ASSERT_TRUE(figures);
  EXPECT_DOUBLE_EQ(figures->rate, 83125.52);
  EXPECT_DOUBLE_EQ(figures->p50, 303);
  EXPECT_DOUBLE_EQ(figures->p99, 519);
}

TEST(Peers, ReadsMemtier) {
  const auto figures = parseMemtier(
      "ALL STATS\n=====\n"
      "Type         Ops/sec     Hits/sec   Misses/sec    Avg. Latency     p50 Latency     p99 "
      "Latency   p99.9 Latency       KB/sec \n-----\n"
      "Sets            0.00          ---          ---             ---             ---             "
      "---             ---         0.00 \n"
      "Totals     102345.67    102345.67         0.00         0.48735         0.47900         "
      "0.78300         1.23100     12345.00 \n");
  ASSERT_TRUE(figures);
  EXPECT_DOUBLE_EQ(figures->rate, 102345.67);
  EXPECT_DOUBLE_EQ(figures->p50, 479);
  EXPECT_DOUBLE_EQ(figures->p99, 783);
}

TEST(Peers, SaysNothingOfWhatIsNoFigure) {
  EXPECT_FALSE(parseRedisBenchmark(""));
  EXPECT_FALSE(parseRedisBenchmark("Could not connect to Redis at 127.0.0.1:1: refused\n"));
  EXPECT_FALSE(parseMemtier("connection error: refused\n"));
  EXPECT_FALSE(parseMemtier("Totals --- --- --- --- --- --- --- ---\n"));
}

TEST(Peers, AskForRandomKeysWithSeedsOfTheirOwn) {
  const PeerRun run{.tool = "memtier_benchmark", .command = "get", .batch = 16};
  EXPECT_THAT(peerCommand(run, 7600), Contains("--distinct-client-seed"));
  EXPECT_THAT(peerCommand(run, 7600), Contains("--pipeline=16"));
}

}  // namespace
}  // namespace redline
