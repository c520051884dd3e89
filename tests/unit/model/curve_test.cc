#include "model/curve.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace redline {
namespace {

using Values = std::vector<double>;

TEST(Curve, TheKneeOfASaturatingCurveIsWhereItBends) {
  // Two straight lines that meet at x = 3.
  const Values x{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  Values y;
  for (const double v : x) y.push_back(v <= 3 ? 10 * v : 30 + 0.5 * (v - 3));
  EXPECT_EQ(findKnee(x, y), 3U);
}

TEST(Curve, AStraightLineHasNoKneeAndNoPlateau) {
  const Values x{1, 2, 3, 4, 5}, y{10, 20, 30, 40, 50};
  EXPECT_FALSE(findKnee(x, y));
  EXPECT_FALSE(findPlateau(y));
}

TEST(Curve, AFallingOrFlatCurveHasNoKnee) {
  const Values x{1, 2, 3, 4};
  EXPECT_FALSE(findKnee(x, Values{4, 3, 2, 1}));
  EXPECT_FALSE(findKnee(x, Values{2, 2, 2, 2}));
}

TEST(Curve, ThePlateauBeginsWhereNothingLaterIsWorthMuchMore) {
  EXPECT_EQ(findPlateau(Values{100, 400, 700, 780, 800, 790}), 3U);
  EXPECT_EQ(findPlateau(Values{100, 100, 101}), 0U);
  // A dip on the way does not pass for it.
  EXPECT_EQ(findPlateau(Values{100, 400, 380, 700, 710}), 3U);
}

TEST(Curve, AClimbLastsToTheEnd) {
  EXPECT_EQ(findClimb(Values{200, 190, 210, 400, 900, 2'000}), 3U);
  EXPECT_FALSE(findClimb(Values{200, 190, 900, 210, 205}));  // an outlier is not a climb
  EXPECT_FALSE(findClimb(Values{200, 210, 220}));
  EXPECT_FALSE(findClimb(Values{}));
}

TEST(Curve, TheCliffsEdgeLiesBetweenTheLastFlatPointAndTheFirstBelow) {
  const Values x{0.5, 0.8, 1.0, 1.5, 3.0}, y{1, 1, 1, 0.667, 0.333};
  const auto cliff = findCliff(x, y, 0.01);
  ASSERT_TRUE(cliff);
  EXPECT_EQ(cliff->lastFlat, 2U);
  EXPECT_EQ(cliff->firstBelow, 3U);
  EXPECT_NEAR(cliff->edge, 1.0 + 0.01 / 0.333 * 0.5, 1e-9);
  EXPECT_NEAR(cliff->lost, 0.667, 1e-9);
  EXPECT_EQ(cliff->steepest, 2U);
  EXPECT_NEAR(cliff->steepestSlope, 0.666, 1e-9);
  EXPECT_NEAR(cliff->sharpness, 0.666 / (0.667 / 2), 1e-9);
}

TEST(Curve, ALongSlopeIsNoCliff) {
  const Values x{1, 2, 3, 4, 5}, y{1, 1, 0.9, 0.8, 0.7};
  const auto cliff = findCliff(x, y);
  ASSERT_TRUE(cliff);
  EXPECT_FALSE(cliff->sharp());
  EXPECT_FALSE(findCliff(x, Values{0.995, 1, 0.995, 0.992, 1}));
}

TEST(Curve, CrossingsAreInterpolatedInBothDirections) {
  const Values x{0.5, 1.0, 1.5, 3.0};
  EXPECT_NEAR(*findCrossing(x, Values{0, 2'000, 10'000, 90'000}, 8'000), 1.375, 1e-12);
  EXPECT_NEAR(*findCrossing(x, Values{1, 0.9, 0.7, 0.1}, 0.8), 1.25, 1e-12);
  EXPECT_FALSE(findCrossing(x, Values{1, 2, 3, 4}, 5));
  EXPECT_EQ(findCrossing(x, Values{5, 6, 7, 8}, 5), 0.5);
}

TEST(Curve, LocatedSaysWhetherRepeatsAgree) {
  const Values x{1, 8, 16, 64};
  const auto rule = [](std::span<const double> y) { return findPlateau(y); };
  const auto agreed = locate(x, {{10, 50, 80, 81}, {11, 49, 79, 80}, {10, 60, 85, 84}}, rule);
  ASSERT_TRUE(agreed);
  EXPECT_EQ(agreed->x, 16);
  EXPECT_EQ(agreed->agreeing, 3U);
  EXPECT_TRUE(agreed->stable());
  const auto torn = locate(x, {{10, 10, 10, 10}, {10, 20, 40, 41}, {10, 20, 40, 80}}, rule);
  ASSERT_TRUE(torn);
  EXPECT_EQ(torn->index, 2U);
  EXPECT_FALSE(torn->stable());
}

// 100 ms intervals at 200 µs, give or take 10.
std::vector<SeriesPoint> quietSeries(int n) {
  std::vector<SeriesPoint> points;
  points.reserve(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) points.push_back({0.1 * i, 0.1 * (i + 1), 200 + 10.0 * (i % 3 - 1)});
  return points;
}

TEST(Spike, HasAHeightAndADuration) {
  auto points = quietSeries(60);
  for (std::size_t i = 30; i < 35; ++i) points[i].value = 40'000;
  points[32].value = 90'000;
  const Spike spike = findSpike(points, {0, 2.9}, {3, 6});
  ASSERT_TRUE(spike.judged && spike.found);
  EXPECT_EQ(spike.baseline, 200);
  EXPECT_EQ(spike.peak, 90'000);
  EXPECT_NEAR(spike.multiple(), 450, 1e-9);
  EXPECT_NEAR(spike.startS, 3.0, 1e-9);
  EXPECT_NEAR(spike.durationS(), 0.5, 1e-9);
  EXPECT_EQ(spike.excursions, 1U);
  EXPECT_NEAR(spike.resolutionS, 0.1, 1e-9);
  EXPECT_FALSE(spike.cutOff);
}

TEST(Spike, NoiseIsNone) {
  const auto points = quietSeries(60);
  const Spike spike = findSpike(points, {0, 3}, {3, 6});
  EXPECT_TRUE(spike.judged);
  EXPECT_FALSE(spike.found);
  EXPECT_EQ(spike.peak, 210);
}

TEST(Spike, AWobblyBaselineRaisesTheThreshold) {
  auto points = quietSeries(60);
  for (std::size_t i = 0; i < 30; i += 2) points[i].value = 500;
  points[40].value = 700;  // above 2 × the median, within the usual scatter
  EXPECT_FALSE(findSpike(points, {0, 3}, {3, 6}).found);
}

TEST(Spike, OneIntervalBelowDoesNotEndItAndTwoDo) {
  auto points = quietSeries(60);
  for (const std::size_t i : {30U, 32U, 35U}) points[i].value = 40'000;
  points[30].value = 50'000;
  const Spike spike = findSpike(points, {0, 3}, {3, 6});
  EXPECT_NEAR(spike.durationS(), 0.3, 1e-9);
  EXPECT_EQ(spike.excursions, 2U);
  EXPECT_NEAR(spike.aboveS, 0.3, 1e-9);
}

TEST(Spike, IntervalsInWhichNothingFinishedBelongToIt) {
  auto points = quietSeries(60);
  points[34].value = 400'000;
  points.erase(points.begin() + 30, points.begin() + 34);
  const Spike spike = findSpike(points, {0, 3}, {3, 6});
  EXPECT_NEAR(spike.startS, 3.0, 1e-9);
  EXPECT_NEAR(spike.durationS(), 0.5, 1e-9);
}

TEST(Spike, ThatLastsToTheEndIsCutOff) {
  auto points = quietSeries(40);
  for (std::size_t i = 35; i < 40; ++i) points[i].value = 9'000;
  EXPECT_TRUE(findSpike(points, {0, 3}, {3, 6}).cutOff);
}

TEST(Spike, WithoutABaselineIsNotJudged) {
  const auto points = quietSeries(10);
  EXPECT_FALSE(findSpike(points, {0, 0.35}, {0.5, 1}).judged);
  EXPECT_FALSE(findSpike(points, {0, 0.6}, {7, 9}).judged);
}

}  // namespace
}  // namespace redline
