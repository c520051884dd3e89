#include "engine/id_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace redline {
namespace {

TEST(IdBlocks, CoverEveryIdOnceInAscendingOrder) {
  for (const std::uint64_t size : {1U, 3U, 7U, 100U, 1000U}) {
    IdBlocks blocks(5, 105, size);
    std::uint64_t next = 5;
    for (IdBlock block = blocks.take(); !block.empty(); block = blocks.take()) {
      EXPECT_EQ(block.begin, next);
      EXPECT_LE(block.size(), size);
      next = block.end;
      EXPECT_EQ(blocks.frontier(), next);
    }
    EXPECT_EQ(next, 105U);
    EXPECT_TRUE(blocks.exhausted());
    EXPECT_EQ(blocks.total(), 100U);
  }
}

TEST(IdBlocks, StayEmptyHoweverOftenOneAsksAfterTheEnd) {
  IdBlocks blocks(0, 10, 4);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(blocks.take().empty());
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(blocks.take().empty());
  EXPECT_EQ(blocks.frontier(), 10U);
}

TEST(IdBlocks, ReachTheLargestIdWithoutOverflow) {
  constexpr std::uint64_t kLast = ~std::uint64_t{0};
  IdBlocks blocks(kLast - 10, kLast, 8);
  EXPECT_EQ(blocks.take().begin, kLast - 10);
  EXPECT_EQ(blocks.take().end, kLast);
  EXPECT_TRUE(blocks.take().empty());
  IdBlocks wide(0, kLast, kLast);
  EXPECT_EQ(wide.take().end, kLast);
  EXPECT_TRUE(wide.take().empty());
}

TEST(IdBlocks, HaveNothingToGiveWhereTheStartIsTheEnd) {
  IdBlocks blocks(10, 10, 4);
  EXPECT_TRUE(blocks.exhausted());
  EXPECT_TRUE(blocks.take().empty());
  EXPECT_TRUE(IdBlocks(11, 10, 4).exhausted());
}

TEST(IdBlocks, GiveThreadsDisjointBlocks) {
  constexpr std::uint64_t kKeys = 100'003;
  IdBlocks blocks(0, kKeys, 7);
  std::vector<std::vector<IdBlock>> taken(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : taken)
      threads.emplace_back([&blocks, &mine] {
        for (IdBlock block = blocks.take(); !block.empty(); block = blocks.take())
          mine.push_back(block);
      });
  }
  std::vector<IdBlock> all;
  for (const auto& mine : taken) all.insert(all.end(), mine.begin(), mine.end());
  std::ranges::sort(all, {}, &IdBlock::begin);
  std::uint64_t next = 0;
  for (const IdBlock& block : all) {
    ASSERT_EQ(block.begin, next);
    next = block.end;
  }
  EXPECT_EQ(next, kKeys);
}

}  // namespace
}  // namespace redline
