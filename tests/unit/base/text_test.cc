#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
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

TEST(Printable, LeavesTextAsItIs) {
  for (const std::string_view text :
       {"", "plain 127.0.0.1:7600", "a\\b \"c\"", "µs – “q” … 日本 🙂", "é"})
    EXPECT_EQ(printable(text), text);
}

TEST(Printable, EscapesWhatATerminalObeys) {
  EXPECT_EQ(printable("a\x1b[31mred\x1b]0;title\x07"), "a\\x1b[31mred\\x1b]0;title\\x07");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("one\r\ntwo\tthree\x7f"), "one\\r\\ntwo\\tthree\\x7f");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\\u009b31m");  // CSI as one character
  EXPECT_EQ(printable("a\xE2\x80\xAE"
                      "b\xE2\x81\xA6"),
            "a\\u202eb\\u2066");                    // direction
  EXPECT_EQ(printable("\xE2\x80\xA8"), "\\u2028");  // a line break
}

TEST(Printable, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xC3("), "\\xc3(");
  EXPECT_EQ(printable("\xC0\x9B"), "\\xc0\\x9b");           // overlong
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("\xE2\x80"), "\\xe2\\x80");           // cut off
}

TEST(Printable, KeepsTheBeginningOfALongTextAndSaysItsLength) {
  const std::string text = printable(std::string(1 << 20, 'x'));
  EXPECT_LE(text.size(), 1'000U);
  EXPECT_TRUE(text.starts_with("xxxx"));
  EXPECT_TRUE(text.ends_with("x… (1048576 bytes)")) << text;
  EXPECT_EQ(printable(std::string(1'000, 'x')), std::string(1'000, 'x'));
  EXPECT_EQ(printable("ééééééééééééééé", 25), "ééééé… (30 bytes)");
}

TEST(Printable, IsPrintableWhateverTheBytes) {
  std::mt19937 random(7);
  constexpr std::size_t kMost = 60;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 80, '\0');
    for (char& c : bytes)
      c = static_cast<char>(random() % 3 == 0 ? 0xC0 + random() % 64 : random() % 256);
    const std::string text = printable(bytes, kMost);
    EXPECT_LE(text.size(), kMost);
    EXPECT_EQ(printable(text, kMost), text) << "a second pass changes it";
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t length = characterLength(rest);
      ASSERT_NE(length, 0U) << "not UTF-8";
      ASSERT_GE(static_cast<unsigned char>(rest.front()), 0x20) << "a control character";
      rest.remove_prefix(length);
    }
  }
}

TEST(Printable, KeepsTheLinesOfLines) {
  EXPECT_EQ(printableLines("one\ntwo\x1b\n"), "one\ntwo\\x1b\n");
  EXPECT_EQ(printableLines(std::string(5'000, 'x')).size(), 5'000U);
}

}  // namespace
}  // namespace redline
