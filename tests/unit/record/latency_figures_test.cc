#include "record/latency_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// 1 ms, 2 ms … `records` ms, one record each.
Histogram milliseconds(int records) {
  Histogram histogram;
  for (int i = 1; i <= records; ++i) histogram.record(i * kMillisecond);
  return histogram;
}

TEST(LatencyFigures, AreMicrosecondsOfTheRightRecords) {
  const LatencyFigures figures = figuresOf(milliseconds(100));
  EXPECT_EQ(figures.count, 100U);
  EXPECT_NEAR(figures.mean, 50'500, 50);
  EXPECT_NEAR(figures.p50, 50'000, 50);
  EXPECT_NEAR(figures.p90, 90'000, 90);
  EXPECT_NEAR(figures.p99, 99'000, 99);
  EXPECT_EQ(figures.max, 100'000);
  EXPECT_THAT(figures.lowerBounds, IsEmpty());
}

TEST(LatencyFigures, NoPercentileExceedsTheExactMaximum) {
  Histogram histogram;
  histogram.record(1'000'001);
  const LatencyFigures figures = figuresOf(histogram);
  EXPECT_EQ(figures.max, 1000.001);
  EXPECT_EQ(figures.p50, figures.max);
  EXPECT_EQ(figures.p9999, figures.max);
}

TEST(LatencyFigures, OfNothingAreZero) {
  const LatencyFigures figures = figuresOf(Histogram{});
  EXPECT_EQ(figures.count, 0U);
  EXPECT_EQ(figures.mean, 0);
  EXPECT_EQ(figures.p9999, 0);
  EXPECT_EQ(figures.max, 0);
}

TEST(LatencyFigures, OutstandingOperationsMakeOnlyTheHigherPercentilesLowerBounds) {
  // 980 finished operations below 1 ms; 20 had waited 2 ms or more when the run ended. The 980 are
  // exact whatever becomes of the 20: p90 stands, p99 does not.
  Histogram histogram;
  histogram.record(500 * kMicrosecond, 980);
  histogram.record(2 * kMillisecond, 5);
  histogram.record(3 * kMillisecond, 15);
  LatencyFigures figures = figuresOf(histogram);
  markLowerBounds(figures, histogram, 20, 2 * kMillisecond);
  EXPECT_THAT(figures.lowerBounds, ElementsAre("mean", "p99", "p999", "p9999", "max"));
}

TEST(LatencyFigures, APercentileJustBelowTheOutstandingOnesIsExact) {
  Histogram histogram;
  histogram.record(500 * kMicrosecond, 990);
  histogram.record(2 * kMillisecond, 10);
  LatencyFigures figures = figuresOf(histogram);
  markLowerBounds(figures, histogram, 10, 2 * kMillisecond);
  EXPECT_THAT(figures.lowerBounds, ElementsAre("mean", "p999", "p9999", "max"));
}

TEST(LatencyFigures, AFinishedOperationAboveAnOutstandingOneIsDoubtfulToo) {
  // The outstanding operation may end above every finished one, and then each moves down a rank.
  Histogram histogram = milliseconds(99);
  histogram.record(40 * kMillisecond);
  LatencyFigures figures = figuresOf(histogram);
  markLowerBounds(figures, histogram, 1, 40 * kMillisecond);
  EXPECT_THAT(figures.lowerBounds,
              ElementsAre("mean", "p50", "p90", "p99", "p999", "p9999", "max"));
}

TEST(LatencyFigures, NothingOutstandingMarksNothing) {
  const Histogram histogram = milliseconds(10);
  LatencyFigures figures = figuresOf(histogram);
  markLowerBounds(figures, histogram, 0, 0);
  EXPECT_THAT(figures.lowerBounds, IsEmpty());
}

}  // namespace
}  // namespace redline
