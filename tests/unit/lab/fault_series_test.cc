#include "lab/fault_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "rundir/hlog.h"

namespace redline {
namespace {

using testing::HasSubstr;

constexpr Nanos kInterval = 100 * kMillisecond;

/// A run of 3 s with a fault from 1 s to 2 s after the window's begin at 0.5 s: p99 is 0.5 ms, and
/// `during` while the fault lasts.
Reading runWithFault(Nanos during) {
  RunDir run;
  for (int i = 0; i < 30; ++i) {
    const Nanos start = 500 * kMillisecond + i * kInterval;
    const bool faulted = i >= 10 && i < 20;
    Histogram histogram;
    histogram.record(faulted ? during : kMillisecond / 2, 100);
    run.latency.lines.push_back({"response", start, kInterval, encodeCompressed(histogram)});
    run.latency.lines.push_back({"service", start, kInterval, encodeCompressed(histogram)});
    IntervalRow row;
    row.start = start;
    row.end = start + kInterval;
    run.intervals.push_back(row);
    ServerSample sample;
    sample.at = start;
    sample.info["minor_faults"] = std::to_string(faulted ? 1000 + (i - 10) * 50 : i * 100);
    run.servers.push_back(sample);
  }
  for (const auto& [at, duration] : {std::pair{1600, 40}, std::pair{600, 90}}) {
    Event& stall = run.events.emplace_back();
    stall.at = at * kMillisecond;
    stall.kind = "stall";
    stall.duration = duration * kMillisecond;
  }
  run.summary.emplace();
  run.summary->faults = {{"bgsave", "", "", 1.5, 2.5, "", {{"fork_us", 812}}}};
  Reading reading;
  reading.dirs.push_back(std::move(run));
  return reading;
}

TEST(FaultSeries, KnowsTheFaultThatTookAndItsFigures) {
  Reading reading = runWithFault(kMillisecond);
  ASSERT_NE(faultOf(reading), nullptr);
  EXPECT_EQ(faultFigure(reading, "fork_us"), 812);
  EXPECT_TRUE(std::isnan(faultFigure(reading, "keys")));
  reading.dirs[0].summary->faults[0].problem = "did not take";
  EXPECT_EQ(faultOf(reading), nullptr);
  EXPECT_TRUE(std::isnan(faultFigure(reading, "fork_us")));
  EXPECT_TRUE(std::isnan(longestStallS(reading)));
  EXPECT_FALSE(spikeOf(reading, 0.99, {}));
}

TEST(FaultSeries, FindsTheSpikeBetweenTheFaultsEdges) {
  const auto spike = spikeOf(runWithFault(20 * kMillisecond), 0.99, {});
  ASSERT_TRUE(spike);
  EXPECT_TRUE(spike->found);
  EXPECT_NEAR(spike->baseline, 500, 1);
  EXPECT_NEAR(spike->peak, 20'000, 20);
  EXPECT_NEAR(spike->startS, 1.5, 1e-6);
  EXPECT_NEAR(spike->durationS(), 1.0, 1e-6);
  EXPECT_THAT(spikeWords(*spike), HasSubstr("20 ms for 1 s"));
  const auto none = spikeOf(runWithFault(kMillisecond / 2), 0.99, {});
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->found);
  EXPECT_THAT(spikeWords(*none), HasSubstr("no spike"));
}

// A fault of a second in three: most of the time is the other two.
TEST(FaultSeries, KnowsWhatIsTypical) {
  EXPECT_NEAR(typicalUs(runWithFault(20 * kMillisecond), 0.99), 500, 1);
  EXPECT_TRUE(std::isnan(typicalUs(Reading{}, 0.99)));
}

// 2 ms of 3: the generator's own. Half a millisecond is nobody's, whatever share of p99 it is.
TEST(FaultSeries, LeavesOutIntervalsThatAreOfTheGenerator) {
  Reading reading = runWithFault(3 * kMillisecond);
  for (int i = 0; i < 30; ++i) {
    Histogram dispatch;
    dispatch.record(i >= 12 && i < 18 ? 2 * kMillisecond : kMillisecond / 2, 100);
    const Nanos start = 500 * kMillisecond + i * kInterval;
    reading.dirs[0].latency.lines.push_back(
        {"dispatch", start, kInterval, encodeCompressed(dispatch)});
  }
  EXPECT_EQ(responseSeries(*reading.dir(), 0.99).size(), 30U);
  const auto left = serverSeries(*reading.dir(), 0.99);
  EXPECT_EQ(left.size(), 24U);
  for (const SeriesPoint& point : left)
    EXPECT_TRUE(point.startS < 1.65 || point.startS > 2.25) << point.startS;
}

TEST(FaultSeries, CountsOnlyStallsOfTheFaultsTime) {
  EXPECT_DOUBLE_EQ(longestStallS(runWithFault(kMillisecond)), 0.04);
}

TEST(FaultSeries, PutsACountersGrowthOnIntervals) {
  const Reading reading = runWithFault(kMillisecond);
  const auto series = responseSeries(*reading.dir(), 0.99);
  ASSERT_EQ(series.size(), 30U);
  const auto rates = ratesOf(*reading.dir(), "minor_faults", series);
  EXPECT_NEAR(rates[3], 1000, 1e-3);   // 100 in 100 ms
  EXPECT_NEAR(rates[12], 500, 1e-3);   // 50 in 100 ms
  EXPECT_TRUE(std::isnan(rates[29]));  // the last sample is at its start
  // An interval between two samples has its share of what lies between them.
  const auto half = ratesOf(*reading.dir(), "minor_faults", {{0.65, 0.75, 0}});
  EXPECT_NEAR(half[0], 1000, 1e-3);
  EXPECT_TRUE(std::isnan(ratesOf(*reading.dir(), "no_such_field", series)[3]));
}

}  // namespace
}  // namespace redline
