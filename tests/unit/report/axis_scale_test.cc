#include "report/axis_scale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "report/text_width.h"

namespace redline {
namespace {

using testing::ElementsAre;

Extent extentOf(std::initializer_list<double> values) {
  Extent extent;
  for (const double value : values) extent.add(value);
  return extent;
}

std::vector<std::string> labels(const PanelAxis& axis, const Extent& extent,
                                std::size_t most = 99) {
  std::vector<std::string> all;
  const auto ticks = AxisScale(axis, extent).ticks([&](const std::vector<Tick>& choice) {
    return choice.size() <= most;
  });
  for (const Tick& tick : ticks) all.push_back(tick.label);
  return all;
}

TEST(AxisScale, LatenciesAreLabelledByDecadeWithTheirUnits) {
  EXPECT_THAT(labels({.kind = AxisKind::latency}, extentOf({37, 1'010'000})),
              ElementsAre("100 µs", "1 ms", "10 ms", "100 ms", "1 s"));
}

TEST(AxisScale, ANarrowLatencyAxisIsLabelledBetweenDecades) {
  EXPECT_THAT(labels({.kind = AxisKind::latency}, extentOf({120, 180})),
              ElementsAre("100 µs", "200 µs", "500 µs"));
}

TEST(AxisScale, TakesTheDensestTicksThatFit) {
  const PanelAxis axis{.kind = AxisKind::latency};
  EXPECT_EQ(labels(axis, extentOf({1, 1e9}), 5).size(), 5U);
  EXPECT_EQ(labels(axis, extentOf({1, 1e9}), 3).size(), 3U);
  EXPECT_THAT(labels({.kind = AxisKind::count}, extentOf({0, 2.3e6}), 3),
              ElementsAre("0", "1M", "2M"));
}

TEST(AxisScale, CountsBeginAtZero) {
  const AxisScale scale({.kind = AxisKind::count}, extentOf({70e3, 80e3}));
  EXPECT_DOUBLE_EQ(scale.low(), 0);
  EXPECT_DOUBLE_EQ(scale.high(), 80e3);
}

TEST(AxisScale, SharesGoToOneHundredPercentOnlyWhereTheDataDoes) {
  const PanelAxis axis{.kind = AxisKind::share};
  EXPECT_DOUBLE_EQ(AxisScale(axis, extentOf({0.01, 0.197})).high(), 0.2);
  EXPECT_DOUBLE_EQ(AxisScale(axis, extentOf({0.3, 0.97})).high(), 1);
  EXPECT_DOUBLE_EQ(AxisScale(axis, extentOf({0.3, 0.97})).low(), 0);
  EXPECT_DOUBLE_EQ(AxisScale(axis, extentOf({0.93, 1})).low(), 0.9);
  EXPECT_DOUBLE_EQ(AxisScale(axis, extentOf({0.93, 1})).high(), 1);
  EXPECT_DOUBLE_EQ(AxisScale(axis, extentOf({0.997, 1})).low(), 0.99);
}

TEST(AxisScale, PlacesWhatItCanShowAndNothingElse) {
  const AxisScale log({.kind = AxisKind::latency}, extentOf({10, 1000}));
  EXPECT_DOUBLE_EQ(log.place(10), 0);
  EXPECT_NEAR(log.place(100), 0.5, 1e-12);
  EXPECT_TRUE(std::isnan(log.place(0)));
  EXPECT_TRUE(std::isnan(log.place(kNaN)));
  const AxisScale names({.kind = AxisKind::names, .names = {"a", "b"}}, {});
  EXPECT_DOUBLE_EQ(names.place(0), 0.25);
  EXPECT_DOUBLE_EQ(names.place(1), 0.75);
}

TEST(AxisScale, AnErrorBarBelowZeroEndsFarBelowItsPoint) {
  EXPECT_DOUBLE_EQ(lowEnd({0, 50, -3, 60}, AxisKind::latency), 5);
  EXPECT_DOUBLE_EQ(lowEnd({0, 50, -3, 60}, AxisKind::linear), -3);
}

TEST(AxisScale, AnAxisOfOneValueStillHasARange) {
  for (const AxisKind kind : {AxisKind::linear, AxisKind::count, AxisKind::share, AxisKind::latency,
                              AxisKind::logCount, AxisKind::names})
    for (const double value : {-2.0, 0.0, 1.0, 1e9}) {
      const PanelAxis axis{.kind = kind, .names = {"only"}};
      const AxisScale scale(axis, extentOf({value}));
      EXPECT_LT(scale.low(), scale.high());
      EXPECT_FALSE(scale.ticks([](const auto&) { return true; }).empty());
    }
}

TEST(TextWidth, GrowsWithEachCharacterAndNotWithItsBytes) {
  EXPECT_GT(textWidth("WW", 13), textWidth("ii", 13));
  EXPECT_DOUBLE_EQ(textWidth("×", 10), textWidth("✓", 10));
}

TEST(TextWidth, CutsTextThatIsTooWide) {
  EXPECT_EQ(fitted("short", 13, 100), "short");
  const std::string cut = fitted("a title that is much too long", 13, 80);
  EXPECT_LE(textWidth(cut, 13), 80);
  EXPECT_TRUE(cut.ends_with("…"));
}

TEST(TextWidth, BreaksAtBlanksAndBehindHyphens) {
  EXPECT_THAT(brokenInto("replica-preferred", 13, 70), ElementsAre("replica-", "preferred"));
  EXPECT_THAT(brokenInto("Unix socket", 13, 50), ElementsAre("Unix", "socket"));
  EXPECT_THAT(brokenInto("Unix socket", 13, 500), ElementsAre("Unix socket"));
  EXPECT_THAT(brokenInto("", 13, 500), ElementsAre());
}

}  // namespace
}  // namespace redline
