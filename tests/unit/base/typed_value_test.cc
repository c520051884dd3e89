#include "base/typed_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <optional>

namespace redline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// The canonical text; empty when it is refused.
std::string canonical(ValueKind kind, std::string_view text, bool positive = false) {
  const auto value = parseValue({.kind = kind, .positive = positive}, text);
  return value ? value->text : "";
}

std::string problem(const ValueSpec& spec, std::string_view text) {
  const auto value = parseValue(spec, text);
  return value ? "" : value.error().message;
}

template <typename T>
std::optional<T> content(ValueKind kind, std::string_view text) {
  const auto value = parseValue({.kind = kind}, text);
  if (!value) return std::nullopt;
  return std::get<T>(value->content);
}

TEST(TypedValue, CountsReachFromZeroToTheLargestNumber) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(content<std::uint64_t>(ValueKind::count, "0"), 0U);
  EXPECT_EQ(content<std::uint64_t>(ValueKind::count, "1"), 1U);
  EXPECT_EQ(content<std::uint64_t>(ValueKind::count, "18446744073709551615"), kMax);
  EXPECT_EQ(canonical(ValueKind::count, "18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(canonical(ValueKind::count, "18446744073709551616"), "");
  EXPECT_EQ(canonical(ValueKind::count, "18446744074G"), "");
  EXPECT_EQ(canonical(ValueKind::count, "-1"), "");
  EXPECT_EQ(canonical(ValueKind::count, "0.5"), "");
}

TEST(TypedValue, RatesAreDecimalsWithTheUnitsOfCounts) {
  EXPECT_EQ(content<double>(ValueKind::rate, "0.1"), 0.1);
  EXPECT_EQ(content<double>(ValueKind::rate, "1.5k"), 1500);
  EXPECT_EQ(content<double>(ValueKind::rate, "2G"), 2e9);
  EXPECT_EQ(canonical(ValueKind::rate, "10000"), "10k");
  EXPECT_EQ(canonical(ValueKind::rate, "0.1"), "0.1");
  for (const char* const text : {"", "k", "-1", "10%", "1e400", "inf", "max", "10kk"})
    EXPECT_THAT(problem({.kind = ValueKind::rate}, text), HasSubstr("rate")) << text;
}

TEST(TypedValue, KeepsToItsLimitsAndNamesThem) {
  const ValueSpec spec{.kind = ValueKind::duration, .least = "1ms", .most = "1h"};
  EXPECT_TRUE(parseValue(spec, "1ms"));
  EXPECT_TRUE(parseValue(spec, "60m"));
  EXPECT_THAT(problem(spec, "999us"), HasSubstr("at least 1ms"));
  EXPECT_THAT(problem(spec, "3600s1ns"), HasSubstr("at most 1h"));
}

TEST(TypedValue, SizesReachFromZeroToSixteenExabytes) {
  EXPECT_EQ(content<std::uint64_t>(ValueKind::size, "0"), 0U);
  EXPECT_EQ(canonical(ValueKind::size, "1"), "1B");
  EXPECT_EQ(canonical(ValueKind::size, "18446744073709551615"), "18446744073709551615B");
  EXPECT_EQ(canonical(ValueKind::size, "16777215TB"), "16777215TB");
  EXPECT_EQ(canonical(ValueKind::size, "16777216TB"), "");
  EXPECT_EQ(canonical(ValueKind::size, "18446744073709551616"), "");
  EXPECT_EQ(canonical(ValueKind::size, "-1"), "");
}

TEST(TypedValue, DurationsReachFromZeroToTheClocksRange) {
  constexpr Nanos kMax = std::numeric_limits<Nanos>::max();
  EXPECT_EQ(content<Nanos>(ValueKind::duration, "0"), 0);
  EXPECT_EQ(content<Nanos>(ValueKind::duration, "1ns"), 1);
  EXPECT_EQ(content<Nanos>(ValueKind::duration, "9223372036854775807ns"), kMax);
  EXPECT_EQ(canonical(ValueKind::duration, "9223372036854775807ns"), "9223372036854775807ns");
  EXPECT_EQ(canonical(ValueKind::duration, "9223372036854775808ns"), "");
  EXPECT_EQ(canonical(ValueKind::duration, "2562048h"), "");
  EXPECT_EQ(canonical(ValueKind::duration, "-1s"), "");
}

TEST(TypedValue, NumbersReachFromZeroToTheLargestDouble) {
  EXPECT_EQ(content<double>(ValueKind::number, "0"), 0);
  EXPECT_EQ(content<double>(ValueKind::number, "5e-324"), 5e-324);
  EXPECT_EQ(content<double>(ValueKind::number, "1.7976931348623157e308"),
            std::numeric_limits<double>::max());
  EXPECT_EQ(canonical(ValueKind::number, "1.8e308"), "");
  EXPECT_EQ(canonical(ValueKind::number, "-0.1"), "");
  EXPECT_EQ(canonical(ValueKind::number, "inf"), "");
  EXPECT_EQ(canonical(ValueKind::number, "nan"), "");
}

TEST(TypedValue, SharesReachFromZeroToOne) {
  EXPECT_EQ(content<double>(ValueKind::share, "0"), 0);
  EXPECT_EQ(content<double>(ValueKind::share, "5e-324"), 5e-324);
  EXPECT_EQ(content<double>(ValueKind::share, "1"), 1);
  EXPECT_EQ(content<double>(ValueKind::share, "100%"), 1);
  EXPECT_EQ(canonical(ValueKind::share, "1.0000000000000002"), "");
  EXPECT_EQ(canonical(ValueKind::share, "100.1%"), "");
  EXPECT_EQ(canonical(ValueKind::share, "-0.1"), "");
}

TEST(TypedValue, APositiveAmountRefusesZeroAndTakesTheLeastThatIsMore) {
  EXPECT_EQ(canonical(ValueKind::count, "0", true), "");
  EXPECT_EQ(canonical(ValueKind::count, "1", true), "1");
  EXPECT_EQ(canonical(ValueKind::size, "0KB", true), "");
  EXPECT_EQ(canonical(ValueKind::size, "1", true), "1B");
  EXPECT_EQ(canonical(ValueKind::duration, "0", true), "");
  EXPECT_EQ(canonical(ValueKind::duration, "1ns", true), "1ns");
  EXPECT_EQ(canonical(ValueKind::number, "0", true), "");
  EXPECT_EQ(canonical(ValueKind::number, "0.001", true), "0.001");
  EXPECT_THAT(problem({.kind = ValueKind::count, .positive = true, .example = "8"}, "0"),
              HasSubstr("it must be more than zero, e.g. 8"));
}

TEST(TypedValue, CpusReachFromZeroToTheKernelsLimit) {
  EXPECT_THAT(*parseCpuList("0"), ElementsAre(0));
  EXPECT_THAT(*parseCpuList("2-3, 0,2"), ElementsAre(0, 2, 3));
  EXPECT_THAT(*parseCpuList("4095"), ElementsAre(4095));
  for (const char* wrong : {"4096", "-1", "3-2", "", "-", "1,", "a", "0-", "1 2", "4294967296"})
    EXPECT_FALSE(parseCpuList(wrong)) << wrong;
}

TEST(TypedValue, ACanonicalTextIsTheShortestThatParsesToTheSameValue) {
  EXPECT_EQ(canonical(ValueKind::size, "4096"), "4KB");
  EXPECT_EQ(canonical(ValueKind::count, "1500000"), "1500k");
  EXPECT_EQ(canonical(ValueKind::duration, "0.25s"), "250ms");
  EXPECT_EQ(canonical(ValueKind::share, "30%"), "0.3");
  EXPECT_EQ(canonical(ValueKind::boolean, "ON"), "true");
}

TEST(TypedValue, AChoiceIsRefusedWithASuggestion) {
  constexpr std::array<std::string_view, 2> kChoices{"uniform", "zipfian"};
  const ValueSpec spec{.kind = ValueKind::choice, .choices = kChoices};
  EXPECT_EQ(problem(spec, "uniform"), "");
  EXPECT_EQ(problem(spec, "zipfain"),
            "'zipfain' is not a valid value: use uniform or zipfian (did you mean zipfian?)");
  EXPECT_EQ(problem(spec, "x"), "'x' is not a valid value: use uniform or zipfian");
}

TEST(TypedValue, AWordBesidesHasNoContent) {
  constexpr std::array<std::string_view, 1> kMax{"max"};
  const ValueSpec spec{.kind = ValueKind::count, .choices = kMax};
  const auto value = parseValue(spec, "max");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->content.index(), 0U);
  EXPECT_EQ(value->text, "max");
  EXPECT_THAT(problem(spec, "fast"), HasSubstr(", or the word max"));
}

TEST(TypedValue, ListsAreSeparatedByCommasAndBlanksDoNotCount) {
  EXPECT_THAT(listElements("1, 8 ,16"), ElementsAre("1", "8", "16"));
  EXPECT_THAT(listElements("1,"), ElementsAre("1", ""));
  EXPECT_THAT(listElements(""), ElementsAre(""));
}

TEST(TypedValue, EveryKindReadsItsOwnExample) {
  for (const auto kind :
       {ValueKind::count, ValueKind::size, ValueKind::duration, ValueKind::number, ValueKind::share,
        ValueKind::boolean, ValueKind::text, ValueKind::path, ValueKind::cpuList})
    EXPECT_TRUE(parseValue({.kind = kind}, exampleOf(kind))) << nameOf(kind);
}

}  // namespace
}  // namespace redline
