#include "lab/format.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

Estimate estimate(double value, double low, double high) {
  return {value, low, high, 3, 0.95, IntervalMethod::studentT};
}

TEST(LabFormat, SayTheUnitOnce) {
  EXPECT_EQ(formatEstimate(estimate(118'000, 116'000, 121'000), "ops/s"), "118k/s [116k – 121k]");
  EXPECT_EQ(formatEstimate(estimate(1'100, 940, 1'300), "us"), "1.1 ms [940 µs – 1.3 ms]");
  EXPECT_EQ(formatEstimate(estimate(1'200, 1'100, 1'300), "us"), "1.2 ms [1.1 – 1.3]");
  EXPECT_EQ(formatRatio(estimate(6.3, 5.9, 6.8)), "6.3× [5.9 – 6.8]");
  EXPECT_EQ(formatEstimate(estimate(0.5, 0.4, 0.6), "share"), "50.0% [40.0 – 60.0]");
}

TEST(LabFormat, SayNothingOfAnIntervalThatIsNotThere) {
  EXPECT_EQ(formatEstimate({118'000, 118'000, 118'000, 1, 0, IntervalMethod::none}, "ops/s"),
            "118k/s");
  EXPECT_EQ(formatEstimate(Estimate{}, "ops/s"), "–");
  EXPECT_EQ(formatDecimals(kNaN), "–");
}

}  // namespace
}  // namespace redline
