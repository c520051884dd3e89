#include "lab/fault_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "lab/catalog.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::lab {
namespace {

using testing::SizeIs;

constexpr double kWindowS = 0.5, kBeginS = 1.5, kEndS = 2.5;

bool isFaulted(int interval) {
  return interval >= 10 && interval < 20;
}

/// A window of 3 s from 0.5 s on, with a fault from 1.5 s to 2.5 s: p99 is 0.5 ms, and `during`
/// while the fault lasts.
ReadingBuilder runWithFault(Nanos during, Labels labels = {{"kind", "a"}}, int repeat = 1) {
  ReadingBuilder run(std::move(labels), repeat, 30, kWindowS);
  run.response([&](int i) { return isFaulted(i) ? during : kMillisecond / 2; })
      .sampled("minor_faults", [](int i) { return isFaulted(i) ? 1000 + (i - 10) * 50 : i * 100; })
      .stall(1.6, 40 * kMillisecond)
      .stall(0.6, 90 * kMillisecond)
      .fault("bgsave", kBeginS, kEndS, {{"fork_us", 812}});
  return run;
}

/// A study of the cells of factor "kind" in this order of its levels.
struct Studied {
  explicit Studied(Readings given, const std::vector<std::string>& levels = {"a"},
                   const FaultView& view = {})
      : readings(std::move(given)),
        study(parameters, readings, document),
        kind(Study::factor("kind", levels)),
        grid(study.grid("", {kind}, [](const Cell&, unsigned) { return LabRun{}; })),
        fault(study, grid.cells, view) {}

  Cell at(std::string_view label) const { return grid.at(kind, label); }

  Parameters parameters = quickParametersOf(bigKeyExperiment());
  Readings readings;
  ExperimentDocument document;
  Study study;
  Factor<std::string> kind;
  Grid grid;
  FaultStudy fault;
};

Readings readingsOf(std::vector<ReadingBuilder> runs) {
  Readings readings;
  for (const ReadingBuilder& run : runs) readings.add(run.build());
  return readings;
}

TEST(FaultOf, IsTheOneThatTookWithItsFigures) {
  Reading reading = runWithFault(kMillisecond).build();
  ASSERT_NE(faultOf(reading), nullptr);
  EXPECT_EQ(faultFigure("fork_us")(reading), 812);
  EXPECT_TRUE(std::isnan(faultFigure("keys")(reading)));
  reading.dirs[0].summary->faults[0].problem = "did not take";
  EXPECT_EQ(faultOf(reading), nullptr);
  EXPECT_TRUE(std::isnan(faultFigure("fork_us")(reading)));
  EXPECT_FALSE(faultStretch(reading));
}

TEST(FaultStudy, FindsTheSpikeBetweenTheFaultsEdges) {
  const Studied studied(readingsOf({runWithFault(20 * kMillisecond)}));
  const Cell cell = studied.at("a");
  EXPECT_NEAR(studied.fault.baseline[cell].value(), 500, 1);
  EXPECT_NEAR(studied.fault.peak[cell].value(), 20'000, 20);
  EXPECT_NEAR(studied.fault.multiple[cell].value(), 40, 0.1);
  EXPECT_NEAR(studied.fault.spikeS[cell].value(), 1, 1e-6);
  EXPECT_NEAR(studied.fault.aboveLimit[cell].value(), 1, 1e-6);
  EXPECT_NEAR(studied.fault.length[cell].value(), 1, 1e-6);
  EXPECT_EQ(studied.fault.spikes(cell), 1U);
  EXPECT_FALSE(studied.fault.isCutOff(cell));
  EXPECT_EQ(studied.fault.lasted(cell), "1 s");
  EXPECT_EQ(studied.fault.forHowLong(cell), " for 1 s");
}

TEST(FaultStudy, FindsNoSpikeWhereP99StaysAsItWas) {
  const Studied studied(readingsOf({runWithFault(kMillisecond / 2)}));
  const Cell cell = studied.at("a");
  EXPECT_TRUE(studied.fault.isMeasured(cell));
  EXPECT_FALSE(studied.fault.hasSpike(cell));
  EXPECT_EQ(studied.fault.spikes(cell), 0U);
  EXPECT_EQ(studied.fault.lasted(cell), "no spike");
  EXPECT_EQ(studied.fault.aboveLimit[cell].value(), 0);
}

TEST(FaultStudy, KnowsThatTheRunEndedBeforeTheSpike) {
  ReadingBuilder run(Labels{{"kind", "a"}});
  run.response([](int i) { return i >= 10 ? 20 * kMillisecond : kMillisecond / 2; })
      .fault("bgsave", 1, 5, {});
  const Studied studied(readingsOf({run}));
  EXPECT_TRUE(studied.fault.isCutOff(studied.at("a")));
}

TEST(FaultStudy, CountsOnlyStallsOfTheFaultsTime) {
  const Studied studied(readingsOf({runWithFault(kMillisecond)}));
  EXPECT_DOUBLE_EQ(studied.fault.stall[studied.at("a")].value(), 40'000);
}

TEST(FaultStudy, LooksAtAnotherMomentWhereItIsTold) {
  const FaultView later{.when = [](const Reading&) { return std::optional<Stretch>({2, 2}); }};
  const Studied studied(readingsOf({runWithFault(20 * kMillisecond)}), {"a"}, later);
  // Half of the fault is then part of the baseline.
  EXPECT_NEAR(studied.fault.spikeS[studied.at("a")].value(), 0.5, 1e-6);
  EXPECT_NEAR(studied.fault.peak[studied.at("a")].value(), 20'000, 20);
}

/// The plot that `draw` fills.
LabPlot drawn(Studied& studied, const std::function<void(Plot&)>& draw) {
  Plot plot = studied.fault.plotOverTime("p", "P");
  draw(plot);
  plot.add();
  return studied.document.plots.at(0);
}

// Those who were answered in the interval from 1.5 s on had waited for 0.4 s: they were due before
// the fault, which began at 1.5 s.
TEST(FaultStudy, AHeatMapHasOperationsWhereTheyWereDue) {
  ReadingBuilder run(Labels{{"kind", "a"}});
  run.response([](int i) { return i == 15 ? 400 * kMillisecond : kMillisecond / 2; })
      .fault("bgsave", 1.5, 1.6, {});
  Studied studied(readingsOf({run}));
  const LabPlot plot =
      drawn(studied, [&](Plot& one) { studied.fault.addHeat(one, studied.at("a")); });
  ASSERT_THAT(plot.series, SizeIs(1));
  EXPECT_TRUE(plot.series[0].heat);
  EXPECT_NEAR(plot.series[0].width, 0.1, 1e-9);
  const auto& cells = plot.series[0].points;
  EXPECT_THAT(cells, SizeIs(30));
  const auto slow =
      std::ranges::find_if(cells, [](const LabPoint& cell) { return cell.high > 100'000; });
  ASSERT_NE(slow, cells.end());
  EXPECT_NEAR(slow->x, -0.4, 0.05);
  EXPECT_EQ(slow->y, 100) << "so many operations";
  EXPECT_LE(slow->low, 400'000);
  EXPECT_GT(slow->high, 400'000);
}

TEST(FaultStudy, DrawsAllRunsAsABandAroundTheirMedian) {
  std::vector<ReadingBuilder> runs;
  for (const int repeat : {1, 2, 3})
    runs.push_back(runWithFault(repeat * kMillisecond, {{"kind", "a"}}, repeat));
  Studied studied(readingsOf(runs));
  const LabPlot plot =
      drawn(studied, [&](Plot& one) { studied.fault.addRuns(one, studied.at("a")); });
  ASSERT_THAT(plot.series, SizeIs(3));
  const LabSeries &all = plot.series[0], &median = plot.series[1], &before = plot.series[2];
  EXPECT_TRUE(all.band);
  EXPECT_TRUE(before.band);
  ASSERT_THAT(all.points, SizeIs(30));
  ASSERT_THAT(median.points, SizeIs(30));
  EXPECT_NEAR(median.points[0].x, -1, 1e-9);
  EXPECT_NEAR(median.points[15].y, 2000, 2);
  EXPECT_NEAR(all.points[15].low, 1000, 1);
  EXPECT_NEAR(all.points[15].high, 3000, 3);
  EXPECT_NEAR(before.points[0].high, 500, 1);
}

TEST(FaultStudy, LooksForASpikeUpToWhereItIsTold) {
  ReadingBuilder run(Labels{{"kind", "a"}});
  run.response([](int i) { return i >= 20 ? 20 * kMillisecond : kMillisecond / 2; })
      .fault("reshard", 1, 1.5, {})
      .fault("reshard", 2, 2.5, {{"keys", 7}});
  const FaultView first{.until = [](const Reading& of) { return faultsOf(of).at(1)->beginS; }};
  const Studied studied(readingsOf({run}), {"a"}, first);
  EXPECT_NEAR(studied.fault.peak[studied.at("a")].value(), 500, 1);
  EXPECT_FALSE(studied.fault.hasSpike(studied.at("a")));
  EXPECT_EQ(figureOf(*faultsOf(run.build()).at(1), "keys"), 7);
}

TEST(FaultStudy, KnowsNothingOfRunsWithoutASeriesOfP99) {
  ReadingBuilder run(Labels{{"kind", "a"}});
  run.fault("bgsave", 1, 2, {});
  const Studied studied(readingsOf({run}));
  const Cell cell = studied.at("a");
  EXPECT_FALSE(studied.fault.isMeasured(cell));
  EXPECT_FALSE(studied.fault.aboveLimit.has(cell));
  EXPECT_EQ(studied.fault.lasted(cell), "–");
  EXPECT_EQ(studied.fault.aboveLimitText(cell), "–");
}

// 1000 a second before 1.5 s, 500 a second from then to 2.5 s, and the run's counter after it.
TEST(FaultStudy, ReadsFieldsOfInfoAroundTheFault) {
  const Studied studied(readingsOf({runWithFault(kMillisecond)}));
  const auto valueOf = [&](const FaultMeasurement& figure) {
    return studied.fault.mean("count", figure)[studied.at("a")].value();
  };
  EXPECT_EQ(valueOf(fieldBefore("minor_faults")), 900);
  EXPECT_EQ(valueOf(fieldAtEnd("minor_faults")), 2900);
  EXPECT_EQ(valueOf(fieldGrowth("minor_faults")), 2000);
  EXPECT_GE(valueOf(fieldFastest("minor_faults")), 1000 - 1e-3);
  EXPECT_TRUE(std::isnan(valueOf(fieldAtEnd("no_such_field"))));
}

// 2 ms of 3: the generator's own, in 6 of 10 intervals. Half a millisecond is nobody's, whatever
// share of p99 it is.
TEST(FaultStudy, LeavesOutIntervalsThatAreOfTheGenerator) {
  ReadingBuilder run = runWithFault(3 * kMillisecond);
  run.dispatch([](int i) { return i >= 12 && i < 18 ? 2 * kMillisecond : kMillisecond / 2; });
  const Reading reading = run.build();
  EXPECT_THAT(responseSeries(*reading.dir(), 0.99), SizeIs(30));
  const auto left =
      serverSeries(responseSeries(*reading.dir(), 0.99), dispatchSeries(*reading.dir(), 0.99));
  EXPECT_THAT(left, SizeIs(24));
  for (const SeriesPoint& point : left)
    EXPECT_TRUE(point.startS < 1.65 || point.startS > 2.25) << point.startS;

  const Studied studied(readingsOf({run}), {"a"}, {.p99 = FaultP99::withoutLateGenerator});
  const Cell cell = studied.at("a");
  EXPECT_NEAR(studied.fault.lateGenerator[cell].value(), 0.6, 1e-9);
  EXPECT_TRUE(studied.fault.isMostlyLeftOut(cell));
  // Four intervals are known to be above, the six between them are not.
  EXPECT_NEAR(studied.fault.spikeS[cell].value(), 0.4, 1e-6);
  EXPECT_EQ(studied.fault.forHowLong(cell), " for at least 400 ms");
  EXPECT_EQ(studied.fault.aboveLimitText(cell), "at least 400 ms");

  Plot plot = studied.fault.plotOverTime("p99", "p99", "fork");
  studied.fault.addLines(plot, studied.grid.cells);
  studied.fault.addSpan(plot, studied.grid.cells, [](const Cell& of) { return of.title(); });
  plot.add();
  const LabPlot& drawn = studied.document.plots.at(0);
  EXPECT_NEAR(drawn.series.at(0).points.at(0).x, -1, 1e-6);
  EXPECT_THAT(drawn.series.at(0).points, SizeIs(25));  // the line breaks once
  EXPECT_NEAR(drawn.spans.at(0).to, 1, 1e-6);
  EXPECT_EQ(drawn.marks.at(0).x, 0);
}

// Whatever the order of levels and of runs: what is said of a cell is of the runs with its labels.
TEST(FaultStudy, FindsCellsByTheirLabels) {
  const auto a = runWithFault(20 * kMillisecond, {{"kind", "a"}});
  const auto b = runWithFault(5 * kMillisecond, {{"kind", "b"}});
  for (const std::vector<std::string>& levels :
       {std::vector<std::string>{"a", "b"}, std::vector<std::string>{"b", "a"}}) {
    const Studied studied(readingsOf({b, a}), levels);
    EXPECT_NEAR(studied.fault.peak[studied.at("a")].value(), 20'000, 20);
    EXPECT_NEAR(studied.fault.peak[studied.at("b")].value(), 5'000, 5);
    EXPECT_NEAR(studied.fault.peak.ratio(studied.at("b"), studied.at("a")).value(), 4, 0.01);
  }
}

// A fault of a second in three: most of the time is the other two.
TEST(IntervalSeries, KnowsWhatIsTypical) {
  EXPECT_NEAR(typicalUs(runWithFault(20 * kMillisecond).build(), 0.99), 500, 1);
  EXPECT_TRUE(std::isnan(typicalUs(Reading{}, 0.99)));
}

TEST(IntervalSeries, PutsACountersGrowthOnIntervals) {
  const Reading reading = runWithFault(kMillisecond).build();
  const auto series = responseSeries(*reading.dir(), 0.99);
  ASSERT_THAT(series, SizeIs(30));
  const auto rates = ratesOf(*reading.dir(), "minor_faults", series);
  EXPECT_NEAR(rates[3], 1000, 1e-3);   // 100 in 100 ms
  EXPECT_NEAR(rates[12], 500, 1e-3);   // 50 in 100 ms
  EXPECT_TRUE(std::isnan(rates[29]));  // the last sample is at its start
  // An interval between two samples has its share of what lies between them.
  const auto half = ratesOf(*reading.dir(), "minor_faults", {{0.65, 0.75, 0}});
  EXPECT_NEAR(half[0], 1000, 1e-3);
  EXPECT_TRUE(std::isnan(ratesOf(*reading.dir(), "no_such_field", series)[3]));
}

TEST(IntervalSeries, PutsSamplesAndCountsOnIntervals) {
  ReadingBuilder run = runWithFault(kMillisecond);
  run.counts([](int i, IntervalRow& row) {
    row.warmup = i < 2;
    row.counts.moved = 3;
  });
  const Reading reading = run.build();
  const auto series = responseSeries(*reading.dir(), 0.99);
  const auto rates = rateSeries(*reading.dir(), "minor_faults", series);
  EXPECT_EQ(rates[3].startS, series[3].startS);
  EXPECT_NEAR(rates[3].value, 1000, 1e-3);
  // Without the warm-up: the run's sixth, whose end is the start of its seventh.
  EXPECT_EQ(sampleSeries(*reading.dir(), "minor_faults", series)[3].value, 600);
  const auto moved = countedSeries(*reading.dir(), &Counters::moved);
  ASSERT_THAT(moved, SizeIs(28));  // without the warm-up
  EXPECT_NEAR(moved[0].value, 30, 1e-6);
}

}  // namespace
}  // namespace redline::lab
