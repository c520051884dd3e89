#include "base/suggest.h"

#include <gtest/gtest.h>

#include <array>

namespace redline {
namespace {

TEST(EditDistance, CountsSlips) {
  EXPECT_EQ(editDistance("", ""), 0U);
  EXPECT_EQ(editDistance("keys", "keys"), 0U);
  EXPECT_EQ(editDistance("key", "keys"), 1U);
  EXPECT_EQ(editDistance("kexs", "keys"), 1U);
  EXPECT_EQ(editDistance("kyes", "keys"), 1U) << "neighbours swapped are one slip";
  EXPECT_EQ(editDistance("kitten", "sitting"), 3U);
  EXPECT_EQ(editDistance("", "abc"), 3U);
}

TEST(Closest, OffersTheNearestNameAndNothingFarAway) {
  constexpr std::array<std::string_view, 4> kNames{"keys", "value-size", "ttl-frac", "zipf-s"};
  EXPECT_EQ(closest("valuesize", kNames), "value-size");
  EXPECT_EQ(closest("value_size", kNames), "value-size");
  EXPECT_EQ(closest("kyes", kNames), "keys");
  EXPECT_EQ(closest("zipf", kNames), "zipf-s") << "a beginning is as good as a slip";
  EXPECT_EQ(closest("tx", kNames), "");
  EXPECT_EQ(closest("mitigation", kNames), "");
}

TEST(Alternatives, ReadAsASentence) {
  constexpr std::array<std::string_view, 3> kWords{"up", "down", "status"};
  EXPECT_EQ(alternatives(kWords), "up, down or status");
  EXPECT_EQ(alternatives(std::span{kWords}.first(1)), "up");
}

}  // namespace
}  // namespace redline
