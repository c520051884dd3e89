#include "base/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace redline {
namespace {

using testing::HasSubstr;

TEST(Size, ReadsPowersOf1024InAnyCase) {
  EXPECT_EQ(parseSize("100"), 100U);
  EXPECT_EQ(parseSize("100B"), 100U);
  EXPECT_EQ(parseSize("4KB"), 4096U);
  EXPECT_EQ(parseSize("4kib"), 4096U);
  EXPECT_EQ(parseSize("64mb"), 64U << 20);
  EXPECT_EQ(parseSize("1.5GiB"), 3ULL << 29);
  EXPECT_EQ(parseSize("2 TB"), 2ULL << 40);
  EXPECT_EQ(parseSize("1g"), 1ULL << 30);
}

TEST(Size, RoundsAFractionDownToWholeBytes) {
  EXPECT_EQ(parseSize("0.1KB"), 102U);
  EXPECT_FALSE(parseSize("1.5"));
  EXPECT_FALSE(parseSize("1.5B"));
}

TEST(Size, SaysWhatIsWrongAndWhatWouldBeRight) {
  EXPECT_EQ(parseSize("4KX").error().message,
            "'4KX' is not a size: use bytes with B, KB, MB, GB or TB, e.g. 4KB");
  EXPECT_EQ(parseSize("4KX").error().code, ErrorCode::usage);
  for (const char* text :
       {"", "KB", "-1", "4K B4", "1..5", ".", "four", "0x10", "99999999999999999999"})
    EXPECT_FALSE(parseSize(text)) << text;
}

TEST(Size, HoldsTheLargestValueAndRefusesTheNext) {
  EXPECT_EQ(parseSize("16777215TB"), 16777215ULL << 40);
  EXPECT_THAT(parseSize("16777216TB").error().message, HasSubstr("too large"));
}

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(parseDuration("100ns"), 100);
  EXPECT_EQ(parseDuration("250us"), 250 * kMicrosecond);
  EXPECT_EQ(parseDuration("250\u00b5s"), 250 * kMicrosecond);
  EXPECT_EQ(parseDuration("250\u03bcs"), 250 * kMicrosecond);
  EXPECT_EQ(parseDuration("1.5ms"), 1'500 * kMicrosecond);
  EXPECT_EQ(parseDuration("60s"), 60 * kSecond);
  EXPECT_EQ(parseDuration("5m"), 300 * kSecond);
  EXPECT_EQ(parseDuration("1h"), 3600 * kSecond);
  EXPECT_EQ(parseDuration("2h30m"), 9000 * kSecond);
  EXPECT_EQ(parseDuration("4m05s"), 245 * kSecond);
  EXPECT_EQ(parseDuration("0"), 0);
}

TEST(Duration, NeedsAUnitUnlessItIsZero) {
  EXPECT_EQ(
      parseDuration("10").error().message,
      "'10' is a duration without a unit: use a number with ns, us, ms, s, m or h, e.g. 250us "
      "or 2h30m");
}

TEST(Duration, RefusesWhatIsNotOne) {
  for (const char* text :
       {"", "s", "-1s", "1x", "1S", "30m2h", "1s1s", "1s 5", "1e400s", "3000000h"})
    EXPECT_FALSE(parseDuration(text)) << text;
}

TEST(Count, ReadsPowersOf1000) {
  EXPECT_EQ(parseCount("42"), 42U);
  EXPECT_EQ(parseCount("8k"), 8'000U);
  EXPECT_EQ(parseCount("8K"), 8'000U);
  EXPECT_EQ(parseCount("1.5M"), 1'500'000U);
  EXPECT_EQ(parseCount("100M"), 100'000'000U);
  EXPECT_EQ(parseCount("2G"), 2'000'000'000U);
  EXPECT_EQ(parseCount("1e6"), 1'000'000U);
  EXPECT_EQ(parseCount("0"), 0U);
}

TEST(Count, IsAWholeNumber) {
  EXPECT_THAT(parseCount("1.5").error().message, HasSubstr("'1.5' is not a whole number"));
  EXPECT_THAT(parseCount("0.0001k").error().message, HasSubstr("not a whole number"));
  for (const char* text : {"", "-3", "ten", "1M5", "1e", "30%"})
    EXPECT_FALSE(parseCount(text)) << text;
  EXPECT_THAT(parseCount("1e30").error().message, HasSubstr("too large"));
}

TEST(Number, ReadsDecimalsExponentsAndPercentages) {
  EXPECT_DOUBLE_EQ(parseNumber("0.9").value(), 0.9);
  EXPECT_DOUBLE_EQ(parseNumber("1.2e-3").value(), 0.0012);
  EXPECT_DOUBLE_EQ(parseNumber("30%").value(), 0.3);
  EXPECT_DOUBLE_EQ(parseNumber("-2").value(), -2);
  for (const char* text : {"", "%", "nan", "inf", "0.9x", "1,5"})
    EXPECT_FALSE(parseNumber(text)) << text;
}

TEST(Bool, ReadsTheUsualWordsAndNothingElse) {
  for (const char* text : {"true", "yes", "on", "1", "TRUE"})
    EXPECT_EQ(parseBool(text), true) << text;
  for (const char* text : {"false", "no", "off", "0"}) EXPECT_EQ(parseBool(text), false) << text;
  EXPECT_EQ(parseBool("maybe").error().message,
            "'maybe' is neither true nor false: use true, false, yes, no, on, off, 1 or 0");
  EXPECT_FALSE(parseBool(""));
}

TEST(FormatSize, HasThreeDigitsAndAUnit) {
  EXPECT_EQ(formatSize(0), "0 B");
  EXPECT_EQ(formatSize(640), "640 B");
  EXPECT_EQ(formatSize(1000), "0.98 KB");
  EXPECT_EQ(formatSize(4096), "4 KB");
  EXPECT_EQ(formatSize(18'683'170'000), "17.4 GB");
  EXPECT_EQ(formatSize(std::numeric_limits<std::uint64_t>::max()), "16 EB");
}

TEST(FormatDuration, HasThreeDigitsBelowAMinuteAndTwoUnitsAbove) {
  EXPECT_EQ(formatDuration(0), "0 s");
  EXPECT_EQ(formatDuration(999), "999 ns");
  EXPECT_EQ(formatDuration(87'000), "87 \u00b5s");
  EXPECT_EQ(formatDuration(1'250'000), "1.25 ms");
  EXPECT_EQ(formatDuration(999'960'000), "1 s");
  EXPECT_EQ(formatDuration(3'200 * kMillisecond), "3.2 s");
  EXPECT_EQ(formatDuration(59'940 * kMillisecond), "59.9 s");
  EXPECT_EQ(formatDuration(59'960 * kMillisecond), "1m");
  EXPECT_EQ(formatDuration(250 * kSecond), "4m10s");
  EXPECT_EQ(formatDuration(245 * kSecond), "4m05s");
  EXPECT_EQ(formatDuration(9000 * kSecond), "2h30m");
  EXPECT_EQ(formatDuration(-1'250'000), "-1.25 ms");
}

TEST(FormatDuration, IsReadBackByParseDuration) {
  for (const Nanos span : {Nanos{87'000}, 1'250'000 * Nanos{1}, 250 * kSecond, 9000 * kSecond})
    EXPECT_EQ(parseDuration(formatDuration(span)), span) << formatDuration(span);
}

TEST(FormatCount, HasThreeDigits) {
  EXPECT_EQ(formatCount(0), "0");
  EXPECT_EQ(formatCount(999), "999");
  EXPECT_EQ(formatCount(528'300), "528k");
  EXPECT_EQ(formatCount(1'267'000), "1.27M");
  EXPECT_EQ(formatCount(999'700), "1M");
  EXPECT_EQ(formatCount(0.25), "0.25");
}

TEST(Units, ReadTheLargestNumbersInFull) {
  EXPECT_EQ(parseCount("18446744073709551615").value(), 18446744073709551615ULL);
  EXPECT_EQ(parseSize("10000000000000040000B").value(), 10000000000000040000ULL);
  EXPECT_FALSE(parseCount("18446744073709551616"));
  EXPECT_FALSE(parseSize("18446744073709551615EB"));
  EXPECT_FALSE(parseSize("18446744073709551615e36"));
}

TEST(Units, MultiplesHaveThreeDigitsAndNoExponent) {
  EXPECT_EQ(formatQuantity(0.2512, "x"), "0.251×");
  EXPECT_EQ(formatQuantity(12.3, "x"), "12.3×");
  EXPECT_EQ(formatQuantity(999.4, "x"), "999×");
  EXPECT_EQ(formatQuantity(4624, "x"), "4.62k×");
}

TEST(FormatQuantity, HasNoTimeBeyondTheLongestThatCanBeShown) {
  EXPECT_EQ(formatQuantity(90, "s"), "1m30s");
  EXPECT_EQ(formatQuantity(9e9, "s"), "2500000h");
  EXPECT_EQ(formatQuantity(1e15, "s"), "> 2500000h");
  EXPECT_EQ(formatQuantity(-1e15, "s"), "< -2500000h");
}

TEST(FormatShare, NeverRoundsALossAway) {
  EXPECT_EQ(formatShare(1), "100.0%");
  EXPECT_EQ(formatShare(0.99999), "99.999%");
  EXPECT_EQ(formatShare(0), "0.0%");
  EXPECT_EQ(formatShare(0.0001), "0.01%");
  EXPECT_EQ(formatShare(0.356), "35.6%");
}

TEST(FormatDuration, HasTextForTheEndOfTheRange) {
  EXPECT_EQ(formatDuration(std::numeric_limits<Nanos>::max()), "2562047h47m");
}

}  // namespace
}  // namespace redline
