#include "cmd/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace redline {
namespace {

using testing::HasSubstr;

WriteText to(std::string& written) {
  return [&written](std::string_view text) { written += text; };
}

TEST(ProgressLine, ShowsDoneTotalRateAndTimeLeft) {
  EXPECT_EQ(Progress::line("loading", 1'200'000, 3'000'000, 528'000, 528'000),
            "loading  1.2M of 3M (40%)  528k/s  3.41 s left");
  EXPECT_EQ(Progress::line("loading", 1'200'000, 0, 528'000, 528'000), "loading  1.2M  528k/s");
  EXPECT_EQ(Progress::line("loading", 5, 10, 0, 0), "loading  5 of 10 (50%)  0/s");
  EXPECT_THAT(Progress::line("loading", 1, 1'000'000'000, 0.001, 0.001),
              HasSubstr("more than a day"));
}

TEST(Progress, WritesAtMostOneLineInFiveSecondsWhereThereIsNoTerminal) {
  std::string text;
  Progress progress(to(text), false, "loading", 1000);
  for (int tenths = 0; tenths <= 120; ++tenths)
    progress.update(tenths * 100 * kMillisecond, static_cast<std::uint64_t>(tenths));
  EXPECT_EQ(std::ranges::count(text, '\n'), 2);
  EXPECT_THAT(text, HasSubstr("loading  50 of 1k (5%)  10/s  "));
}

TEST(Progress, RedrawsOneLineOnATerminalAndEndsItOnce) {
  std::string text;
  Progress progress(to(text), true, "loading", 1000);
  for (int tenths = 0; tenths <= 20; ++tenths)
    progress.update(tenths * 100 * kMillisecond, static_cast<std::uint64_t>(tenths) * 50);
  progress.finish(2 * kSecond, 1000);
  EXPECT_EQ(std::ranges::count(text, '\r'), 11);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_THAT(text, HasSubstr("loading  1k in 2 s  500/s"));
}

double secondsLeft(const std::string& line) {
  const auto at = line.find("/s  ");
  return at == std::string::npos ? -1 : std::stod(line.substr(at + 4));
}

// A load that stands still for half of each second, as while a server makes its tables.
TEST(Progress, ShowsATimeLeftThatDoesNotJump) {
  std::vector<double> left;
  Progress progress(
      [&left](std::string_view text) { left.push_back(secondsLeft(std::string(text))); }, true,
      "loading", 40'000);
  std::uint64_t done = 0;
  for (int tenths = 0; tenths <= 300; ++tenths) {
    if (tenths % 10 < 5) done += 200;
    progress.update(tenths * 100 * kMillisecond, done);
  }
  ASSERT_GT(left.size(), 100U);
  for (std::size_t i = 10; i < left.size(); ++i)
    EXPECT_NEAR(left[i], left[i - 1], 0.15 * left[i - 1]) << "line " << i;
  EXPECT_NEAR(left.back(), 10, 1.5) << "1,000 a second on average, and 10,000 to go";
}

TEST(Progress, CoversALongerLineWithBlanks) {
  std::string text;
  Progress progress(to(text), true, "a", 1'000'000);
  progress.update(0, 0);
  progress.update(kSecond, 123'456);
  progress.finish(2 * kSecond, 7);
  const auto first = text.find('\r');
  const auto second = text.find('\r', first + 1);
  EXPECT_GE(text.size() - 1 - second, second - first)
      << "the last line is as long as the one before";
}

}  // namespace
}  // namespace redline
