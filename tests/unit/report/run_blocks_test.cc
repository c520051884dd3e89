#include "report/run_blocks.h"

#include <gtest/gtest.h>

#include "model/statistics.h"
#include "unit/report/measured_runs.h"

namespace redline {
namespace {

TEST(RunBlocks, NeedFiveMeasuredIntervals) {
  EXPECT_FALSE(RunBlocks::of(measuredRun(std::vector<double>(4, 200)).dir));
  const auto blocks = RunBlocks::of(measuredRun(std::vector<double>(5, 200)).dir);
  ASSERT_TRUE(blocks);
  EXPECT_EQ(blocks->count(), 5U);
}

TEST(RunBlocks, AreTwentyAtMost) {
  const auto blocks = RunBlocks::of(measuredRun(std::vector<double>(200, 200)).dir);
  ASSERT_TRUE(blocks);
  EXPECT_EQ(blocks->count(), 20U);
}

TEST(RunBlocks, OfASteadyRunAllGiveTheSameFigure) {
  const auto blocks = RunBlocks::of(measuredRun(std::vector<double>(10, 200)).dir);
  for (const auto& [name, values] : blocks->resample(50, 1)) {
    ASSERT_EQ(values.size(), 50U) << name;
    EXPECT_NEAR(standardDeviationOf(values), 0, 1e-6) << name;
  }
}

TEST(RunBlocks, ResampledFiguresScatterAroundTheRunsOwn) {
  const RunData run = measuredRun({200, 260, 180, 900, 210, 240, 190, 205, 230, 220});
  const auto figures = RunBlocks::of(run.dir)->resample(1'000, 1);
  const auto& p50 = figures.at("p50");
  EXPECT_NEAR(medianOf(p50), run.latencyOf("response").p50, 25);
  // One interval in ten was four times slower: some resamples have it in their p90, some do not.
  const auto& p99 = figures.at("p99");
  EXPECT_GT(quantileOf(p99, 0.9), 850);
  EXPECT_LT(quantileOf(p99, 0.1), 500);
}

TEST(RunBlocks, RepeatWithTheirSeed) {
  const auto blocks = RunBlocks::of(measuredRun({200, 260, 180, 900, 210, 240}).dir);
  EXPECT_EQ(blocks->resample(20, 7), blocks->resample(20, 7));
  EXPECT_NE(blocks->resample(20, 7), blocks->resample(20, 8));
}

}  // namespace
}  // namespace redline
