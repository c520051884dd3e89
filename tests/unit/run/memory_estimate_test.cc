#include "run/memory_estimate.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(MemoryEstimate, RoundsAsJemallocDoes) {
  // jemalloc's classes: 8, then steps of 16 up to 128, then four to each doubling.
  for (const auto& [bytes, rounded] :
       {std::pair{1, 8}, {8, 8},       {9, 16},      {16, 16},     {17, 32},
        {24, 32},        {33, 48},     {104, 112},   {128, 128},   {129, 160},
        {160, 160},      {161, 192},   {256, 256},   {257, 320},   {1025, 1280},
        {4102, 5120},    {5120, 5120}, {5121, 6144}, {8192, 8192}, {8193, 10240}})
    EXPECT_EQ(allocationClass(static_cast<std::uint64_t>(bytes)),
              static_cast<std::uint64_t>(rounded))
        << bytes;
}

TEST(MemoryEstimate, AddsUpAKeyOf100Bytes) {
  const MemoryEstimate estimate = estimateMemory(3'000'000, 2'999'999, 0, 100, 0);
  EXPECT_EQ(estimate.entryBytes, 32U);        // dictEntry 24
  EXPECT_EQ(estimate.keyBytes, 16U);          // obj:2999999 is 11, + 2
  EXPECT_EQ(estimate.valueBytes, 16 + 112U);  // robj; 100 + 4
  EXPECT_EQ(estimate.tableBytes,
            8 * 4'194'304ULL + 8 * 2'097'152ULL);  // still moving below 3145728
  EXPECT_EQ(estimate.total(), 3'000'000 * 176ULL + estimate.tableBytes);
}

TEST(MemoryEstimate, CountsTheOldTableWhileKeysMoveOver) {
  EXPECT_EQ(tableBytes(0), 0U);
  EXPECT_EQ(tableBytes(4), 32U);
  EXPECT_EQ(tableBytes(1024), 8 * 1024U);           // just full: nothing moves
  EXPECT_EQ(tableBytes(1025), 8 * (2048 + 1024U));  // just grown
  EXPECT_EQ(tableBytes(1600), 8 * 2048U);           // moved
  EXPECT_EQ(tableBytes(2048), 8 * 2048U);
}

TEST(MemoryEstimate, ChargesEntriesWithATimeToLive) {
  const MemoryEstimate none = estimateMemory(1000, 999, 0, 100, 0);
  const MemoryEstimate all = estimateMemory(1000, 999, 0, 100, 1);
  EXPECT_EQ(all.total() - none.total(), 1000 * 32 + tableBytes(1000));
}

TEST(MemoryEstimate, EmbedsShortValues) {
  EXPECT_EQ(estimateMemory(1, 0, 0, 44, 0).valueBytes, 64U);
  EXPECT_EQ(estimateMemory(1, 0, 0, 45, 0).valueBytes, 16 + 64U);
  EXPECT_EQ(estimateMemory(1, 0, 0, 4096, 0).valueBytes, 16 + 5120U);
}

TEST(MemoryEstimate, CountsOnlyTheGrowthOfATableThatIsThere) {
  EXPECT_EQ(estimateMemory(10, 9, 1000, 100, 0).tableBytes, 0U);
  EXPECT_EQ(estimateMemory(1024, 9, 1024, 100, 0).tableBytes, 8 * 1024U);
}

TEST(MemoryEstimate, ChargesANodeOfAClusterForItsChainsOfKeys) {
  EXPECT_EQ(estimateMemory(1000, 999, 0, 100, 0, ServerKind::cluster).entryBytes, 48U);
  EXPECT_EQ(estimateMemory(1000, 999, 0, 100, 1, ServerKind::cluster).expireBytes, 32U);
}

TEST(MemoryEstimate, CountsTheReplicationBacklogAndSaysSo) {
  MemoryEstimate estimate = estimateMemory(1000, 999, 0, 100, 0);
  const std::uint64_t before = estimate.total();
  EXPECT_EQ(estimate.text().find("backlog"), std::string::npos);
  estimate.backlogBytes = 256 << 20;
  EXPECT_EQ(estimate.total(), before + (256 << 20));
  EXPECT_NE(estimate.text().find("256 MB of replication backlog"), std::string::npos);
}

TEST(CheckFits, RefusesWhatExceedsMaxmemoryWithTheArithmetic) {
  const MemoryEstimate estimate = estimateMemory(1'000'000, 999'999, 0, 100, 0);
  MemoryLimits limits;
  limits.used = 1 << 20;
  limits.policy = "allkeys-lru";
  limits.maxmemory = limits.used + estimate.total();
  EXPECT_TRUE(checkFits(estimate, limits));
  --limits.maxmemory;
  const Status refused = checkFits(estimate, limits);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::noSpace);
  for (const char* part : {"1M keys x 176 B", "maxmemory", "evict keys (allkeys-lru)"})
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << refused.error().message;
}

TEST(CheckMachine, RefusesWhatExceedsIt) {
  const MemoryEstimate estimate = estimateMemory(1'000'000, 999'999, 0, 100, 0);
  EXPECT_TRUE(checkMachine(estimate.total(), estimate.text(), estimate.total() * 2));
  // Less than what fragmentation makes of it.
  const Status refused = checkMachine(estimate.total(), estimate.text(), estimate.total());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("this machine has"), std::string::npos);
}

}  // namespace
}  // namespace redline
