#include "report/pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/gnuplot.h"
#include "report/plot_script.h"
#include "unit/report/runs.h"

namespace redline {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// The points of a picture's line, as x and y.
std::vector<LabPoint> pointsOf(const Picture& picture, std::string_view title) {
  for (const Panel& panel : picture.panels)
    for (const PanelSeries& series : panel.series)
      if (series.title == title) return series.points;
  return {};
}

TEST(Pictures, OfARunThatMeasuredNothingAreNone) {
  EXPECT_TRUE(picturesOf(RunData{}).empty());
}

TEST(Pictures, GnuplotDrawsEachOfThem) {
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
  const auto pictures = picturesOf(run);
  ASSERT_EQ(pictures.size(), 6U);
  for (const Picture& picture : pictures) {
    const auto svg = drawWithGnuplot(plotScript(picture));
    EXPECT_TRUE(svg) << picture.id << ": " << svg.error().message;
    EXPECT_FALSE(picture.description.empty());
  }
}

TEST(Pictures, WarmUpAndDrainAreShaded) {
  RunData run = soundRun();
  EXPECT_TRUE(latencyOverTime(run).panels[0].spans.empty());
  run.aside = {{0, 2}};
  const auto spans = latencyOverTime(run).panels[0].spans;
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_EQ(spans[0].title, "warm-up");
  EXPECT_DOUBLE_EQ(spans[0].to, 2);
}

TEST(Pictures, TheClosedModelHasNoOfferedRate) {
  RunData run = soundRun();
  EXPECT_FALSE(pointsOf(throughputOverTime(run), "offered").empty());
  run.figures.rate.target = 0;
  EXPECT_TRUE(pointsOf(throughputOverTime(run), "offered").empty());
  EXPECT_FALSE(pointsOf(throughputOverTime(run), "completed").empty());
}

TEST(Pictures, TheP99IsTakenApartWhereTheModelIsOpen) {
  RunData run = soundRun();
  for (LatencyPoint& point : run.latency) point.serviceP99 = 200, point.latenessP99 = 15;
  const Picture picture = partsOverTime(run);
  EXPECT_DOUBLE_EQ(pointsOf(picture, "response").at(0).y, 210);
  EXPECT_DOUBLE_EQ(pointsOf(picture, "service").at(0).y, 200);
  EXPECT_DOUBLE_EQ(pointsOf(picture, "lateness").at(0).y, 15);
  run.figures.rate.target = 0;
  EXPECT_TRUE(partsOverTime(run).panels.empty());
}

TEST(Pictures, LowerBoundsAreTintedFromTheShortestUnfinishedWait) {
  RunData run;
  run.slug = "x";
  Histogram& response = run.dir.latency.merged["response"];
  for (int i = 0; i < 90; ++i) response.record(1'000'000);
  for (int i = 0; i < 10; ++i) response.record(5'000'000'000);
  EXPECT_TRUE(latencyByPercentile(run).panels[0].spans.empty());
  Histogram& unfinished = run.dir.latency.merged["unfinished"];
  for (int i = 0; i < 10; ++i) unfinished.record(5'000'000'000);
  const auto spans = latencyByPercentile(run).panels[0].spans;
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_DOUBLE_EQ(spans[0].from, 1);
}

/// A picture of one line.
Picture lineOf(AxisKind kind, std::vector<LabPoint> points) {
  Panel panel{.y = {.title = "y", .kind = kind}};
  panel.series = {{.title = "line", .ink = kText, .points = std::move(points)}};
  return {.id = "p", .title = "P", .panels = {std::move(panel)}};
}

TEST(PlotScript, GivesGnuplotSecondsAndHasItFormatThem) {
  const std::string script = plotScript(lineOf(AxisKind::latency, {{0, 37}, {1, 1'010'000}}));
  EXPECT_THAT(script,
              AllOf(HasSubstr("set yrange [2e-05:2]"), HasSubstr("'%.0s %cs'"),
                    HasSubstr("set ytics (0.0001, 0.001, 0.01, 0.1, 1)"), HasSubstr("\n1 1.01\n")));
}

TEST(PlotScript, ANarrowLatencyAxisIsLabelledBetweenDecades) {
  EXPECT_THAT(plotScript(lineOf(AxisKind::latency, {{0, 120}, {1, 180}})),
              HasSubstr("set ytics (0.0001, 0.0002, 0.0005)"));
}

TEST(PlotScript, CountsHaveADecimalWhereTheirStepNeedsOne) {
  EXPECT_THAT(plotScript(lineOf(AxisKind::count, {{0, 0}, {1, 2.3e6}})), HasSubstr("'%.1s%c'"));
  EXPECT_THAT(plotScript(lineOf(AxisKind::count, {{0, 0}, {1, 80e3}})), HasSubstr("'%.0s%c'"));
}

TEST(PlotScript, APointThatIsNotANumberBreaksItsLine) {
  EXPECT_THAT(plotScript(lineOf(AxisKind::count, {{0, 1}, {1, kNaN}, {2, 3}})),
              HasSubstr("\n0 1\n\n2 3\n"));
}

TEST(PlotScript, QuotesSoThatNoNameEndsTheString) {
  Picture picture = lineOf(AxisKind::linear, {{0, 1}, {1, 2}});
  picture.panels[0].series[0].title = "it's\n`ls`";
  EXPECT_THAT(plotScript(picture), HasSubstr("title 'it''s\\n`ls`'"));
}

TEST(PlotScript, PanelsStandBelowEachOtherAndDoNotOverlap) {
  Picture picture = lineOf(AxisKind::linear, {{0, 1}, {1, 2}});
  picture.panels.push_back(picture.panels[0]);
  picture.panels[0].weight = 2;
  const std::string script = plotScript(picture);
  const auto margins = [&](const std::string& name) {
    std::vector<double> values;
    for (std::size_t at = 0; (at = script.find(name, at)) != std::string::npos;)
      values.push_back(std::stod(script.substr(at += name.size())));
    return values;
  };
  const auto bottom = margins("set bmargin at screen "), top = margins("set tmargin at screen ");
  ASSERT_EQ(bottom.size(), 2U);
  EXPECT_GT(bottom[0], top[1]);
  EXPECT_GT(bottom[1], 0.1);
  EXPECT_LT(top[0], 1);
  EXPECT_NEAR(top[0] - bottom[0], 2 * (top[1] - bottom[1]), 1e-3);
}

LabPlot labPlotOf(AxisKind x, AxisKind y, std::vector<LabPoint> points) {
  LabPlot plot;
  plot.id = "p";
  plot.title = "P";
  plot.x = {"x", x, {"a", "b"}};
  plot.y = {"y", y, {}};
  plot.series = {{"measured", std::move(points)}};
  return plot;
}

TEST(LabPictures, AreDrawnByGnuplotWithEveryKindOfAxis) {
  const std::vector<LabPoint> points{{0, 0.5, 0.4, 0.6}, {1, 0.9}, {2, kNaN}, {3, 1.0}};
  for (const AxisKind x : {AxisKind::linear, AxisKind::count, AxisKind::share, AxisKind::latency,
                           AxisKind::logCount, AxisKind::names})
    for (const AxisKind y : {AxisKind::linear, AxisKind::count, AxisKind::share, AxisKind::latency,
                             AxisKind::logCount}) {
      auto plot = labPlotOf(x, y, points);
      plot.spans = {{0.5, 1.5, "bgsave"}};
      plot.marks = {{1, "knee's"}};
      const auto svg = drawWithGnuplot(plotScript(pictureOf(plot, "e")));
      ASSERT_TRUE(svg) << svg.error().message;
      EXPECT_THAT(*svg, HasSubstr("knee"));
    }
}

TEST(LabPictures, OfNothingAreNotThere) {
  EXPECT_TRUE(pictureOf(labPlotOf(AxisKind::linear, AxisKind::linear, {}), "e").panels.empty());
  EXPECT_TRUE(
      pictureOf(labPlotOf(AxisKind::linear, AxisKind::latency, {{1, 0}}), "e").panels.empty());
}

}  // namespace
}  // namespace redline
