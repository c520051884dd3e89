#include "mitigation/key_split.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "workload/keyspace.h"

namespace redline {
namespace {

constexpr std::uint64_t kSplitKeySpace = 1'000'000;
const KeyChooser kZipfChooser(Distribution::zipfian, 1.2, kSplitKeySpace, 1);

/// Any fixed map of keys to masters will do here.
KeySplit::MasterOf among(unsigned masters) {
  return [masters](std::string_view key) {
    std::uint64_t hash = 7;
    for (const char c : key) hash = mix64(hash ^ static_cast<unsigned char>(c));
    return static_cast<unsigned>(hash % masters);
  };
}

KeySplit split(SplitPlan plan, unsigned masters) {
  auto made = KeySplit::make(plan, kZipfChooser, kSplitKeySpace, masters, among(masters));
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

TEST(KeySplit, NamesAreTheContracts) {
  const KeySplit tagged = split({SplitMode::tag, 3, 2}, 3);
  const std::string id = std::to_string(kZipfChooser.hottest(1));
  EXPECT_EQ(tagged.key(1, 0), "hot:{" + id + "}:0");
  EXPECT_EQ(tagged.key(1, 2), "hot:{" + id + "}:2");
  const KeySplit spread = split({SplitMode::spread, 3, 2}, 1);
  EXPECT_EQ(spread.key(1, 0), "hot:" + id + ":0");
  EXPECT_EQ(spread.key(1, 2), "hot:" + id + ":2");
}

TEST(KeySplit, SplitsTheHottestIdsAndNoOthers) {
  const KeySplit keys = split({SplitMode::spread, 2, 5}, 3);
  for (std::uint64_t rank = 0; rank < 5; ++rank) {
    const auto hot = keys.hotIndex(kZipfChooser.hottest(rank));
    ASSERT_TRUE(hot);
    EXPECT_EQ(keys.idOf(*hot), kZipfChooser.hottest(rank));
  }
  EXPECT_FALSE(keys.hotIndex(kZipfChooser.hottest(5)));
}

TEST(KeySplit, SpreadCoversMastersEvenlyForEachIdAndOverAll) {
  for (const unsigned masters : {1U, 2U, 3U, 5U, 6U}) {
    for (const unsigned ways : {1U, 3U, 4U, 8U}) {
      const KeySplit keys = split({SplitMode::spread, ways, 30}, masters);
      const auto masterOf = among(masters);
      std::map<unsigned, unsigned> overAll;
      for (std::uint32_t hot = 0; hot < keys.hot(); ++hot) {
        std::map<unsigned, unsigned> ofId;
        std::set<std::string_view> names;
        for (unsigned way = 0; way < ways; ++way) {
          ++ofId[masterOf(keys.key(hot, way))];
          ++overAll[masterOf(keys.key(hot, way))];
          names.insert(keys.key(hot, way));
        }
        EXPECT_EQ(names.size(), ways);
        for (unsigned m = 0; m < masters; ++m) {
          EXPECT_GE(ofId[m], ways / masters);
          EXPECT_LE(ofId[m], (ways + masters - 1) / masters);
        }
      }
      for (unsigned m = 0; m < masters; ++m)
        EXPECT_NEAR(overAll[m], 30.0 * ways / masters, 1.0) << ways << " ways, " << masters;
    }
  }
}

TEST(KeySplit, NamesAreTheSameEveryTime) {
  const KeySplit a = split({SplitMode::spread, 4, 10}, 3);
  const KeySplit b = split({SplitMode::spread, 4, 10}, 3);
  for (std::uint32_t hot = 0; hot < 10; ++hot)
    for (unsigned way = 0; way < 4; ++way) EXPECT_EQ(a.key(hot, way), b.key(hot, way));
}

TEST(KeySplit, NamesFitTheirBound) {
  EXPECT_LE(std::string("hot:{}:").size() + 20 + digitsOf(1'000'000), kMaxSplitKeyLength);
}

TEST(KeySplit, ReadsTakeAllCopiesAlike) {
  const KeySplit keys = split({SplitMode::spread, 4, 1}, 3);
  Rng rng(1);
  std::map<unsigned, int> taken;
  for (int i = 0; i < 40'000; ++i) ++taken[keys.pick(rng)];
  ASSERT_EQ(taken.size(), 4U);
  for (const auto& [way, count] : taken) EXPECT_NEAR(count, 10'000, 500);
}

TEST(KeySplit, RefusesWhatCannotBe) {
  const auto refused = [](SplitPlan plan, const KeySplit::MasterOf& masterOf, unsigned masters) {
    auto made = KeySplit::make(plan, kZipfChooser, kSplitKeySpace, masters, masterOf);
    return made ? std::string() : made.error().message;
  };
  EXPECT_NE(refused({SplitMode::tag, 0, 1}, among(1), 1).find("-split-ways"), std::string::npos);
  EXPECT_NE(refused({SplitMode::tag, 257, 1}, among(1), 1).find("-split-ways"), std::string::npos);
  EXPECT_NE(refused({SplitMode::tag, 2, 0}, among(1), 1).find("-hot"), std::string::npos);
  EXPECT_NE(refused({SplitMode::tag, 2, kSplitKeySpace + 1}, among(1), 1).find("-hot"),
            std::string::npos);
  const auto oneOnly = [](std::string_view) { return 0U; };
  EXPECT_NE(refused({SplitMode::spread, 2, 1}, oneOnly, 2).find("own slots"), std::string::npos)
      << refused({SplitMode::spread, 2, 1}, oneOnly, 2);
}

TEST(FanOut, IsAcknowledgedWhenAllCopiesAre) {
  FanOut write(3);
  EXPECT_FALSE(write.settle(FanOut::Reply::acknowledged));
  EXPECT_FALSE(write.settle(FanOut::Reply::acknowledged));
  EXPECT_EQ(write.settle(FanOut::Reply::acknowledged), FanOut::Result::acknowledged);
}

TEST(FanOut, IsPartialWhenSomeCopiesFailedAndFailedWhenAllDid) {
  FanOut some(2);
  EXPECT_FALSE(some.settle(FanOut::Reply::failed));
  EXPECT_EQ(some.settle(FanOut::Reply::acknowledged), FanOut::Result::partial);
  FanOut all(2);
  EXPECT_FALSE(all.settle(FanOut::Reply::failed));
  EXPECT_EQ(all.settle(FanOut::Reply::failed), FanOut::Result::failed);
}

}  // namespace
}  // namespace redline
