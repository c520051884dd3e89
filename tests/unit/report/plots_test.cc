#include "report/plots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/gnuplot.h"
#include "report/plot_script.h"
#include "unit/report/runs.h"

namespace redline {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Plots, ARunThatMeasuredNothingHasNone) {
  EXPECT_TRUE(plotsOf(RunData{}).empty());
}

TEST(Plots, GnuplotDrawsEachOfThem) {
  RunData run = soundRun();
  run.slug = "x";
  run.aside = {{0, 1}, {9, 10}};
  run.brackets.push_back({{4, 5}, "fault", "bg'save", "127.0.0.1:7600", true});
  Histogram& merged = run.dir.latency.merged["response"];
  for (Nanos us = 1; us < 2000; ++us) merged.record(us * 1000);
  ServerSeries server;
  server.addr = "127.0.0.1:7600";
  for (int i = 0; i < 3; ++i) {
    ServerPoint point;
    point.at = i;
    point.busy = 0.5;
    point.usedMemory = 40e6;
    point.rss = 50e6;
    server.points.push_back(point);
  }
  run.servers.push_back(server);
  const auto plots = plotsOf(run);
  ASSERT_EQ(plots.size(), 6U);
  for (const Plot& plot : plots) {
    const auto svg = drawWithGnuplot(plot.script);
    EXPECT_TRUE(svg) << plot.id << ": " << svg.error().message;
    EXPECT_FALSE(plot.description.empty());
  }
}

TEST(Plots, WarmUpAndDrainAreShaded) {
  RunData run = soundRun();
  EXPECT_THAT(latencyOverTime(run).script, Not(HasSubstr("set object rectangle")));
  run.aside = {{0, 2}};
  EXPECT_THAT(latencyOverTime(run).script,
              AllOf(HasSubstr("set object rectangle from 0, graph 0 to 2, graph 1"),
                    HasSubstr("'warm-up'")));
}

TEST(Plots, TheClosedModelHasNoOfferedRate) {
  RunData run = soundRun();
  EXPECT_THAT(throughputOverTime(run).script, HasSubstr("'offered'"));
  run.figures.rate.target = 0;
  EXPECT_THAT(throughputOverTime(run).script, Not(HasSubstr("'offered'")));
}

TEST(Plots, TheP99IsTakenApartWhereTheModelIsOpen) {
  RunData run = soundRun();
  for (LatencyPoint& point : run.latency) point.serviceP99 = 200, point.latenessP99 = 15;
  EXPECT_THAT(partsOverTime(run).script,
              AllOf(HasSubstr("0.5 210\n"), HasSubstr("0.5 200\n"), HasSubstr("0.5 15\n")));
  run.figures.rate.target = 0;
  EXPECT_EQ(partsOverTime(run).script, "");
}

TEST(Plots, LowerBoundsAreTintedFromTheShortestUnfinishedWait) {
  RunData run;
  run.slug = "x";
  Histogram& response = run.dir.latency.merged["response"];
  for (int i = 0; i < 90; ++i) response.record(1'000'000);
  for (int i = 0; i < 10; ++i) response.record(5'000'000'000);
  EXPECT_THAT(latencyByPercentile(run).script, Not(HasSubstr("lower bounds")));
  Histogram& unfinished = run.dir.latency.merged["unfinished"];
  for (int i = 0; i < 10; ++i) unfinished.record(5'000'000'000);
  EXPECT_THAT(latencyByPercentile(run).script,
              AllOf(HasSubstr("rectangle from 1, graph 0"), HasSubstr("lower bounds")));
}

TEST(PlotScript, ALatencyAxisHoldsItsRangeAndSaysUnits) {
  const std::string script = PlotScript(800, 400).latencyAxis(37, 1'010'000).text();
  EXPECT_THAT(script, HasSubstr("set yrange [20:2e+06]"));
  for (const char* const tick : {"'100 µs' 100", "'1 ms' 1000", "'100 ms' 100000", "'1 s' 1e+06"})
    EXPECT_THAT(script, HasSubstr(tick));
}

TEST(PlotScript, ANarrowLatencyAxisIsLabelledBetweenDecades) {
  EXPECT_THAT(PlotScript(800, 400).latencyAxis(120, 180).text(),
              AllOf(HasSubstr("'200 µs' 200"), HasSubstr("'500 µs' 500")));
}

TEST(PlotScript, QuotesSoThatNoNameEndsTheString) {
  EXPECT_EQ(gnuplotQuoted("it's\n`ls`"), "'it''s `ls`'");
}

}  // namespace
}  // namespace redline
