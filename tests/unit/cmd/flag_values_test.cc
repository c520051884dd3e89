#include "cmd/flag_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using testing::HasSubstr;

FlagSpec spec(ValueKind kind, std::string_view fallback = "x") {
  return {.name = "flag", .kind = kind, .fallback = fallback, .example = "1"};
}

std::string canonical(ValueKind kind, std::string_view text) {
  const auto value = parseFlagValue(spec(kind), text);
  return value ? value->text : "error: " + value.error().message;
}

TEST(FlagValue, HasACanonicalTextThatIsExact) {
  EXPECT_EQ(canonical(ValueKind::size, "4096"), "4KB");
  EXPECT_EQ(canonical(ValueKind::size, "100"), "100B");
  EXPECT_EQ(canonical(ValueKind::count, "1000000"), "1M");
  EXPECT_EQ(canonical(ValueKind::count, "1234567"), "1234567");
  EXPECT_EQ(canonical(ValueKind::count, "0"), "0");
  EXPECT_EQ(canonical(ValueKind::duration, "0.25s"), "250ms");
  EXPECT_EQ(canonical(ValueKind::duration, "3600s"), "1h");
  EXPECT_EQ(canonical(ValueKind::duration, "0"), "0");
  EXPECT_EQ(canonical(ValueKind::share, "30%"), "0.3");
  EXPECT_EQ(canonical(ValueKind::boolean, "yes"), "true");
  EXPECT_EQ(canonical(ValueKind::endpoints, "127.0.0.1:7600,unix:/tmp/r.sock"),
            "127.0.0.1:7600,unix:/tmp/r.sock");
}

TEST(FlagValue, ParsesItsCanonicalTextToTheSameValue) {
  for (const auto& [kind, text] : {std::pair{ValueKind::size, "4097"},
                                   {ValueKind::size, "1.5GB"},
                                   {ValueKind::count, "1.5M"},
                                   {ValueKind::duration, "1h1ms"},
                                   {ValueKind::number, "1.1"}}) {
    const auto once = parseFlagValue(spec(kind), text);
    ASSERT_TRUE(once) << text;
    const auto twice = parseFlagValue(spec(kind), once->text);
    ASSERT_TRUE(twice) << once->text;
    EXPECT_EQ(twice->content, once->content) << text;
  }
}

TEST(FlagValue, KeepsSharesAndNumbersInRange) {
  EXPECT_THAT(canonical(ValueKind::share, "1.01"), HasSubstr("not a share"));
  EXPECT_THAT(canonical(ValueKind::share, "-0.1"), HasSubstr("not a share"));
  EXPECT_EQ(canonical(ValueKind::share, "1"), "1");
  EXPECT_THAT(canonical(ValueKind::number, "-1"), HasSubstr("too small"));
}

TEST(FlagValue, RefusesZeroWhereItMakesNoSense) {
  FlagSpec positive = spec(ValueKind::count);
  positive.positive = true;
  EXPECT_THAT(parseFlagValue(positive, "0").error().message, HasSubstr("more than zero"));
  EXPECT_TRUE(parseFlagValue(positive, "1"));
  EXPECT_TRUE(parseFlagValue(spec(ValueKind::count), "0"));
}

TEST(FlagValue, TakesAWordInsteadOfANumberWhereTheTableSaysSo) {
  FlagSpec rate = spec(ValueKind::count);
  rate.choices = {"max"};
  EXPECT_EQ(parseFlagValue(rate, "max")->text, "max");
  EXPECT_EQ(parseFlagValue(rate, "10k")->content, FlagContent{std::uint64_t{10'000}});
  EXPECT_THAT(parseFlagValue(rate, "fast").error().message, HasSubstr("or the word max"));
}

TEST(FlagValue, SuggestsTheChoiceThatWasMeant) {
  FlagSpec dist = spec(ValueKind::choice);
  dist.choices = {"uniform", "zipfian"};
  EXPECT_EQ(parseFlagValue(dist, "zipfain").error().message,
            "'zipfain' is not a valid value: use uniform or zipfian (did you mean zipfian?)");
  EXPECT_EQ(parseFlagValue(dist, "uniform")->text, "uniform");
}

TEST(FlagValue, MayBeEmptyOnlyWhereTheDefaultIs) {
  EXPECT_TRUE(parseFlagValue(spec(ValueKind::cpuList, ""), ""));
  EXPECT_THAT(parseFlagValue(spec(ValueKind::count), "").error().message, HasSubstr("is empty"));
}

TEST(FlagValuesDeathTest, StopOnAFlagThatTheTableDoesNotHave) {
  FlagValues values;
  EXPECT_DEATH((void)values.count("nothing"), "no flag -nothing");
}

}  // namespace
}  // namespace redline
