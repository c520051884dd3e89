#include "report/pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/plot_svg.h"
#include "unit/report/runs.h"

namespace redline {
namespace {

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

TEST(Pictures, EachHasSomethingToSay) {
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
    EXPECT_FALSE(picture.title.empty());
    EXPECT_FALSE(picture.description.empty());
    EXPECT_THAT(plotSvg(picture, PlotWidth::wide), HasSubstr("class=\"series\""));
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

LabPlot labPlotOf(AxisKind x, AxisKind y, std::vector<LabPoint> points) {
  LabPlot plot;
  plot.id = "p";
  plot.title = "P";
  plot.x = {"x", x, {"a", "b"}};
  plot.y = {"y", y, {}};
  plot.series = {{"measured", std::move(points)}};
  return plot;
}

TEST(LabPictures, KeepSpansMarksAndWhatWasNotMeasured) {
  LabPlot plot = labPlotOf(AxisKind::linear, AxisKind::latency, {{0, 1}, {kNaN, 2}, {2, 3}});
  plot.series.push_back({"limit", {{0, 5}, {2, 5}}, true, true, false});
  plot.series.push_back({"bars", {{0, 5}}, false, true, true, true});
  plot.spans = {{0.5, 1.5, "bgsave"}};
  plot.marks = {{1, "knee"}};
  const Panel panel = pictureOf(plot, "e").panels.at(0);
  EXPECT_EQ(pictureOf(plot, "e").id, "e-p");
  EXPECT_EQ(panel.series.at(0).points.size(), 2U);
  EXPECT_TRUE(panel.series.at(0).markEach);
  EXPECT_EQ(panel.series.at(1).stroke, Stroke::dashed);
  EXPECT_FALSE(panel.series.at(1).markEach);
  EXPECT_EQ(panel.series.at(2).shape, PanelSeries::Shape::bars);
  EXPECT_GT(panel.barWidth, 0);
  EXPECT_EQ(panel.spans.at(0).title, "bgsave");
  EXPECT_EQ(panel.marks.at(0).title, "knee");
}

TEST(LabPictures, OfNothingAreNotThere) {
  EXPECT_TRUE(pictureOf(labPlotOf(AxisKind::linear, AxisKind::linear, {}), "e").panels.empty());
  EXPECT_TRUE(
      pictureOf(labPlotOf(AxisKind::linear, AxisKind::latency, {{1, 0}}), "e").panels.empty());
}

}  // namespace
}  // namespace redline
