#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace redline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Text, TrimRemovesBlanksAtBothEndsOnly) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim("a"), "a");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, SplitKeepsEmptyPieces) {
  EXPECT_THAT(split("a,,b,", ','), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(split("", ','), ElementsAre(""));
}

TEST(Text, TheLastLineNeedsNoNewline) {
  EXPECT_THAT(splitLines("one\n\ntwo\n"), ElementsAre("one", "", "two"));
  EXPECT_THAT(splitLines("one\ntwo"), ElementsAre("one", "two"));
  EXPECT_THAT(splitLines("\n"), ElementsAre(""));
  EXPECT_THAT(splitLines(""), IsEmpty());
}

TEST(Text, TheLastLineIsTheLastThatSaysSomething) {
  EXPECT_EQ(lastLine("one\n two \n \n"), "two");
  EXPECT_EQ(lastLine("one"), "one");
  EXPECT_EQ(lastLine(" \n"), "");
}

TEST(Text, WordsStandBetweenBlanks) {
  EXPECT_THAT(splitWords("  cpu0 \t1  2\r\n"), ElementsAre("cpu0", "1", "2"));
  EXPECT_THAT(splitWords(" \n"), IsEmpty());
}

TEST(Text, ASubfieldIsFoundByItsWholeName) {
  EXPECT_EQ(subfield("calls=12,usec=34,usec_per_call=2.83", "usec"), "34");
  EXPECT_EQ(subfield("calls=12,usec_per_call=2.83", "usec"), "");
  EXPECT_EQ(subfield("keys=,expires=1", "keys"), "");
  EXPECT_EQ(subfield("", "keys"), "");
}

TEST(Text, CaseIsThatOfAsciiAlone) {
  EXPECT_EQ(toLower("SET \xC3\x84"), "set \xC3\x84");
  EXPECT_EQ(toUpper("max-keys"), "MAX-KEYS");
  EXPECT_TRUE(equalIgnoringCase("KiB", "kib"));
  EXPECT_FALSE(equalIgnoringCase("kb", "kib"));
}

TEST(Text, ReplaceAllDoesNotReadItsOwnReplacements) {
  const auto replaced = [](std::string text, std::string_view from, std::string_view to) {
    replaceAll(text, from, to);
    return text;
  };
  EXPECT_EQ(replaced("a.b.c", ".", ".."), "a..b..c");
  EXPECT_EQ(replaced("aaa", "aa", "b"), "ba");
  EXPECT_EQ(replaced("", "x", "y"), "");
}

TEST(Text, OnlyOneIsSingular) {
  EXPECT_EQ(plural(0, "run"), "0 runs");
  EXPECT_EQ(plural(1, "run"), "1 run");
  EXPECT_EQ(plural(2, "run"), "2 runs");
  EXPECT_EQ(plural(1, "entry", "entries"), "1 entry");
  EXPECT_EQ(plural(3, "entry", "entries"), "3 entries");
}

TEST(Text, ANumberIsAllOfItsText) {
  EXPECT_EQ(toNumber<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(toNumber<std::uint16_t>("65536"), std::nullopt);
  EXPECT_EQ(toNumber<std::int64_t>("-7"), -7);
  EXPECT_EQ(toNumber<double>("1.5e3"), 1500);
  for (const char* const text : {"", " 1", "1 ", "+1", "1x", "x"})
    EXPECT_EQ(toNumber<unsigned>(text), std::nullopt) << text;
}

}  // namespace
}  // namespace redline
