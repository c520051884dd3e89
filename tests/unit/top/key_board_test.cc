#include "top/key_board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/hash_slot.h"

namespace redline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ExaminedKey key(std::string name, std::uint64_t bytes, std::uint64_t reads = 0) {
  return {std::move(name), bytes, reads, {}, 0};
}

std::vector<std::string> namesOf(const std::vector<ExaminedKey>& keys) {
  std::vector<std::string> names;
  for (const ExaminedKey& each : keys) names.push_back(each.name);
  return names;
}

void take(KeyBoard& board, const std::vector<ExaminedKey>& keys) {
  board.take(keys);
}

TEST(KeyBoard, RanksTheLargestAndTheBusiest) {
  KeyBoard board;
  board.describe(100, true, 10);
  for (std::uint64_t i = 0; i < 50; ++i)
    take(board, {key("obj:" + std::to_string(i), 100 + i, 50 - i)});
  const KeySample sample = board.sample();
  EXPECT_EQ(sample.looked, 50U);
  EXPECT_EQ(sample.largest.size(), KeyBoard::kKept);
  EXPECT_EQ(sample.largest.front().name, "obj:49");
  EXPECT_EQ(sample.busiest.front().name, "obj:0");
  EXPECT_FALSE(sample.whole);
  EXPECT_DOUBLE_EQ(sample.scale(), 2);
}

TEST(KeyBoard, CountsNoUsesWhereTheServerDoesNot) {
  KeyBoard board;
  board.describe(10, false, 10);
  take(board, {key("a", 1, 200)});
  EXPECT_THAT(board.sample().busiest, IsEmpty());
  EXPECT_EQ(board.sample().uses, 0);
}

TEST(KeyBoard, SpeaksOfTheLastWholeSweepUntilThePresentOneHasSeenMore) {
  KeyBoard board;
  board.describe(3, false, 10);
  take(board, {key("a", 1), key("b", 1), key("c", 1)});
  EXPECT_FALSE(board.sample().whole);
  board.endSweep();
  EXPECT_TRUE(board.sample().whole);
  EXPECT_DOUBLE_EQ(board.sample().scale(), 1);
  take(board, {key("a", 1)});
  EXPECT_EQ(board.sample().looked, 3U);
  take(board, {key("b", 1), key("c", 1), key("d", 1)});
  EXPECT_EQ(board.sample().looked, 4U);
  EXPECT_FALSE(board.sample().whole);
}

TEST(KeyBoard, ForgetsKeysThatHaveGoneAndFollowsThoseThatChange) {
  KeyBoard board;
  board.describe(3, true, 10);
  take(board, {key("a", 300, 1), key("b", 200, 2), key("c", 100, 3)});
  EXPECT_THAT(board.ranked(), ElementsAre("a", "b", "c"));
  const std::vector<ExaminedKey> now{key("b", 50, 9), key("c", 100, 3)};
  board.takeAgain(board.ranked(), now);
  EXPECT_THAT(namesOf(board.sample().largest), ElementsAre("c", "b"));
  EXPECT_THAT(namesOf(board.sample().busiest), ElementsAre("b", "c"));
  // What was not asked for stays.
  board.takeAgain(std::vector<std::string>{"b"}, {});
  EXPECT_THAT(namesOf(board.sample().largest), ElementsAre("c"));
}

TEST(KeyBoard, AsksForTypeAndElementsOfLargeKeysOnce) {
  KeyBoard board;
  board.describe(3, false, 10);
  take(board, {key("small", 100), key("big", 1 << 20)});
  const ExaminedKey* unknown = board.undescribed();
  ASSERT_NE(unknown, nullptr);
  EXPECT_EQ(unknown->name, "big");
  board.describeKey({"big", 0, 0, "hash", 5000});
  EXPECT_EQ(board.undescribed(), nullptr);
  EXPECT_EQ(board.sample().largest.front().elements, 5000U);
  EXPECT_EQ(board.sample().largest.front().bytes, 1U << 20) << "as it was looked at";
  take(board, {key("gone", 1 << 21)});
  board.describeKey({"gone", 0, 0, {}, 0});
  EXPECT_EQ(board.undescribed(), nullptr);
}

TEST(KeyBoard, BeginsAnewWhenTheServerBeginsToCountUses) {
  KeyBoard board;
  board.describe(3, false, 10);
  take(board, {key("a", 1), key("b", 1)});
  board.endSweep();
  board.describe(3, true, 10);
  EXPECT_EQ(board.sample().looked, 0U);
  EXPECT_FALSE(board.sample().whole);
}

TEST(KeyBoard, AddsUsesUpBySlot) {
  KeyBoard board;
  board.describe(2, true, 10);
  take(board, {key("{x}:1", 1, 100), key("{x}:2", 1, 100), key("y", 1, 100)});
  const KeySample sample = board.sample();
  EXPECT_DOUBLE_EQ(sample.uses, 3 * usesOf(100));
  EXPECT_DOUBLE_EQ(sample.usesBySlot.at(hashSlot("{x}")), 2 * usesOf(100));
}

TEST(KeyBoard, KnowsFamiliesByWhatNamesBeginWithAndLimitsTheirNumber) {
  EXPECT_EQ(familyOf("obj:42"), "obj:*");
  EXPECT_EQ(familyOf("user{7}:name"), "user*");
  EXPECT_EQ(familyOf("{7}:name"), "*");
  EXPECT_EQ(familyOf("42"), "*");
  KeyBoard board;
  board.describe(2000, false, 10);
  take(board, {key("obj:1", 1000), key("obj:2", 1000), key("big:hash:0", 1500)});
  EXPECT_EQ(board.sample().families.front().prefix, "obj:*");
  EXPECT_EQ(board.sample().families.front().keys, 2U);
  for (int i = 0; i < 1000; ++i) take(board, {key(std::to_string(i) + ":x", 1)});
  EXPECT_LE(board.sample().families.size(), 300U);
}

/// 100,010 keys of which 25,000 were looked at: keys of 60 bytes, and these.
KeySample partOf(const std::vector<std::pair<std::string, std::uint64_t>>& large) {
  KeyBoard board;
  board.describe(100'010, false, 10);
  for (std::size_t i = large.size(); i < 25'000; ++i)
    take(board, {key("obj:" + std::to_string(i), 60)});
  for (const auto& [name, bytes] : large) take(board, {key(name, bytes)});
  return board.sample();
}

KeyFamily familyNamed(const std::vector<KeyFamily>& families, std::string_view prefix) {
  const auto found = std::ranges::find(families, prefix, &KeyFamily::prefix);
  return found == families.end() ? KeyFamily{} : *found;
}

TEST(KeyFamilies, AreExtrapolatedButForKeysThatStandForThemselves) {
  const std::uint64_t big = 24'000'000;
  const auto families =
      partOf({{"b1:h", big}, {"b2:h", big}, {"obj:huge", big}, {"obj:large", big}})
          .extrapolated(1e9);
  EXPECT_EQ(familyNamed(families, "b1:*").keys, 1U);
  EXPECT_EQ(familyNamed(families, "b1:*").bytes, big);
  const KeyFamily small = familyNamed(families, "obj:*");
  EXPECT_EQ(small.onceKeys, 2U);
  EXPECT_EQ(small.keys, 100'008U);
  EXPECT_NEAR(static_cast<double>(small.bytes), 2 * 24e6 + 100'006 * 60.0, 1000);
}

TEST(KeyFamilies, OfEqualKeysAreExtrapolatedInWhole) {
  std::vector<std::pair<std::string, std::uint64_t>> large;
  for (int i = 0; i < 12; ++i) large.emplace_back("page:" + std::to_string(i), 100'000);
  const KeyFamily pages = familyNamed(partOf(large).extrapolated(1e9), "page:*");
  EXPECT_EQ(pages.onceKeys, 0U);
  EXPECT_EQ(pages.keys, 48U);
  EXPECT_NEAR(static_cast<double>(pages.bytes), 4.8e6, 1e4);
}

TEST(KeyFamilies, AreNoMoreBytesThanTheServerUses) {
  for (const double used : {3e6, 1e6}) {
    double sum = 0;
    for (const KeyFamily& family : partOf({{"b1:h", 500'000}}).extrapolated(used))
      sum += static_cast<double>(family.bytes);
    // What was seen stays, even where the server's own estimates are beyond what it uses.
    EXPECT_NEAR(sum, std::max(used, 500'000 + 24'999 * 60.0), 10);
  }
}

TEST(UseCounters, StandForAboutAsManyUsesAsRedisDocuments) {
  // redis.conf: with lfu-log-factor 10, 100k hits give 142, and 1M hits 255.
  EXPECT_NEAR(usesOf(142), 100'000, 10'000);
  EXPECT_EQ(usesOf(5), 0);
  EXPECT_EQ(usesOf(0), 0);
  EXPECT_GT(usesOf(200, 100), usesOf(200, 10));
}

}  // namespace
}  // namespace redline
