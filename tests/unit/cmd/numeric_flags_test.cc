// Every number that a flag takes: at zero, at its limits, and one beyond them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <variant>

#include "cmd/commands.h"
#include "cmd/flag_values.h"

namespace redline {
namespace {

using testing::HasSubstr;

bool isNumeric(ValueKind kind) {
  constexpr std::array kNumeric{ValueKind::count, ValueKind::size, ValueKind::duration,
                                ValueKind::number, ValueKind::rate};
  return std::ranges::find(kNumeric, kind) != kNumeric.end();
}

/// Any number is a seed.
bool isSeed(std::string_view name) {
  return name == "seed" || name.ends_with("-seed");
}

void forEachNumber(const std::function<void(const FlagSpec&)>& visit) {
  std::size_t found = 0;
  for (const Command& command : commands())
    for (const FlagSpec& flag : command.flags) {
      if (!isNumeric(flag.kind)) continue;
      SCOPED_TRACE(fmt::format("redline {} -{}", command.name, flag.name));
      visit(flag);
      ++found;
    }
  EXPECT_GT(found, 40U);
}

/// `text` plus the smallest step of its kind, or a hundredth of it; or minus that.
std::string neighbour(ValueKind kind, std::string_view text, int step) {
  const auto value = parseValue({.kind = kind}, text).value();
  if (const auto* const count = std::get_if<std::uint64_t>(&value.content))
    return std::to_string(*count + static_cast<std::uint64_t>(step));
  if (const auto* const span = std::get_if<Nanos>(&value.content))
    return std::to_string(*span + step) + "ns";
  return fmt::format("{}", std::get<double>(value.content) * (1 + 0.01 * step));
}

std::string problem(const FlagSpec& flag, std::string_view text) {
  const auto value = parseFlagValue(flag, text);
  return value ? "" : value.error().message;
}

TEST(NumericFlags, HaveALimitUnlessAnyNumberWillDo) {
  forEachNumber([](const FlagSpec& flag) { EXPECT_TRUE(isSeed(flag.name) || !flag.most.empty()); });
}

TEST(NumericFlags, TakeTheirLimitsAndRefuseWhatIsBeyondThem) {
  forEachNumber([](const FlagSpec& flag) {
    for (const std::string_view limit : {flag.least, flag.most})
      if (!limit.empty()) {
        EXPECT_EQ(problem(flag, limit), "");
      }
    if (!flag.most.empty()) {
      EXPECT_THAT(problem(flag, neighbour(flag.kind, flag.most, +1)),
                  HasSubstr("at most " + std::string(flag.most)));
      EXPECT_THAT(problem(flag, "18446744073709551615"), HasSubstr("18446744073709551615"));
    }
    if (!flag.least.empty()) {
      EXPECT_THAT(problem(flag, neighbour(flag.kind, flag.least, -1)), testing::Not(""));
    }
  });
}

TEST(NumericFlags, TakeZeroWhereItMeansSomething) {
  forEachNumber([](const FlagSpec& flag) {
    const bool refused = flag.positive || !flag.least.empty();
    EXPECT_EQ(problem(flag, "0").empty(), !refused) << problem(flag, "0");
  });
}

TEST(NumericFlags, HaveADefaultWithinTheirLimits) {
  forEachNumber([](const FlagSpec& flag) {
    for (const std::string_view text : {flag.fallback, flag.example})
      if (!text.empty()) {
        EXPECT_EQ(problem(flag, text), "");
      }
  });
}

}  // namespace
}  // namespace redline
