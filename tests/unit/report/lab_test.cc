#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "os/files.h"
#include "record/slo.h"
#include "report/build_report.h"
#include "report/lab_document.h"
#include "report/lab_html.h"
#include "report/lab_markdown.h"
#include "report/lab_plots.h"
#include "report/text.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Result<std::string> drawNothing(const std::string&) {
  return "<svg\n viewBox=\"0 0 1 1\"><title>x</title><desc>y</desc></svg>\n";
}

RunRecord run(const std::string& name) {
  RunRecord record;
  record.name = name;
  record.commands = {"ADDR=$(redline stack up node)", "redline driver -addr=$ADDR -rate=10k"};
  return record;
}

ExperimentDocument experiment(const std::string& name, Nanos start) {
  ExperimentDocument document;
  document.name = name;
  document.title = "Title of " + name;
  document.question = "What of it?";
  document.profile = "standard";
  document.state = ExperimentState::done;
  document.command = "redline lab run " + name;
  document.wallStart = start;
  document.environment.cores = 2;
  document.findings = {{"so", Standing::plain, "It is so", "the rates", false, {"a-r1"}}};
  document.tables = {{"Rates", {"batch", "ops/s"}, {{{"16", "80k/s"}, {"a-r1"}}}, "", false}};
  document.runs = {run("a-r1"), run("a-r2")};
  return document;
}

LabPlot plotOf(AxisKind x, AxisKind y, std::vector<LabPoint> points) {
  LabPlot plot;
  plot.id = "p";
  plot.title = "P";
  plot.x = {"x", x, {"a", "b"}};
  plot.y = {"y", y, {}};
  plot.series = {{"measured", std::move(points)}};
  return plot;
}

ExperimentDocument ceilingWithTwoLevels() {
  auto one = experiment("ceiling", 1);
  one.slo = {{"get-ceiling", "118k/s", SloVerdict::reported, "100 B", {"a-r1"}},
             {"read-p99-at-80", "1.4 ms", SloVerdict::missed, "", {}}};
  return one;
}

TEST(LabReport, FirstPageHasOnlyTheServiceLevelsOfTheExperimentsThatWereAskedFor) {
  const auto report = buildLabReport({ceilingWithTwoLevels()}, drawNothing);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->slo.size(), 3U);
  EXPECT_EQ(report->verdict, "2 of 3 service levels settled: 1 found, 1 missed, 1 not measured");
}

TEST(LabReport, WithoutAServiceLevelItSaysSo) {
  const auto report = buildLabReport({experiment("pipelining", 1)}, drawNothing);
  ASSERT_TRUE(report);
  EXPECT_THAT(report->slo, IsEmpty());
  EXPECT_TRUE(report->complete);
  EXPECT_THAT(toHtml(*report), Not(HasSubstr("service-levels")));
}

TEST(LabReport, WithoutADrawerItHasNoPlots) {
  auto one = experiment("one", 1);
  one.plots = {plotOf(AxisKind::names, AxisKind::linear, {{0, 1}, {1, 2}})};
  const auto with = buildLabReport({one}, drawNothing);
  const auto without = buildLabReport({one}, {});
  ASSERT_TRUE(with && without);
  EXPECT_EQ(with->sections.at(0).figures.size(), 1U);
  EXPECT_THAT(without->sections.at(0).figures, IsEmpty());
}

TEST(LabReport, FirstPageHasEveryRowOfTheBriefsTable) {
  std::vector<ExperimentDocument> all{ceilingWithTwoLevels()};
  for (const char* const name :
       {"eviction-cliff", "fsync", "persistence-spike", "reshard", "big-key"})
    all.push_back(experiment(name, std::ssize(all) + 1));
  const auto report = buildLabReport(all, drawNothing);
  ASSERT_TRUE(report);
  ASSERT_EQ(report->slo.size(), kSloRows.size());
  EXPECT_EQ(report->verdict, "2 of 10 service levels settled: 1 found, 1 missed, 8 not measured");
  EXPECT_TRUE(report->missed);
  const std::string page = toHtml(*report);
  for (const SloRow& row : kSloRows) EXPECT_THAT(page, HasSubstr(escapeHtml(row.metric)));
  EXPECT_THAT(page, HasSubstr("118k/s"));
  EXPECT_THAT(page, HasSubstr("href=\"#experiment-ceiling\""));
}

TEST(LabReport, WhatAReaderMustNotMissComesFirst) {
  auto one = experiment("one", 1);
  one.findings.push_back({"as-said", Standing::expected, "As the books say", "", true, {}});
  auto two = experiment("two", 2);
  two.findings.push_back({"not-as-said", Standing::contradicts, "Not as they say", "", true, {}});
  const auto report = buildLabReport({one, two}, drawNothing);
  ASSERT_TRUE(report);
  ASSERT_EQ(report->headlines.size(), 2U);
  EXPECT_EQ(report->headlines[0].text, "Not as they say");
  EXPECT_THAT(toMarkdown(*report), HasSubstr("**Not as expected:** Not as they say"));
}

TEST(LabReport, OfManyExperimentsEachHasTwoLinesOnTheFirstPageTheMostUrgentOnes) {
  std::vector<ExperimentDocument> all;
  for (const char* const name : {"a", "b", "c", "d"}) {
    all.push_back(experiment(name, std::ssize(all) + 1));
    for (const auto& [standing, text] : {std::pair{Standing::inconclusive, "not decided"},
                                         {Standing::plain, "a figure"},
                                         {Standing::expected, "as said"},
                                         {Standing::problem, "mind this"}})
      all.back().findings.push_back({"", standing, text, "", true, {}});
  }
  const auto many = buildLabReport(all, drawNothing);
  ASSERT_TRUE(many);
  ASSERT_EQ(many->headlines.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_EQ(many->headlines[i].text, i < 4 ? "mind this" : "a figure");

  const auto one = buildLabReport({all.front()}, drawNothing);
  ASSERT_EQ(one->headlines.size(), 3U);
  EXPECT_EQ(one->headlines.back().text, "as said");
}

TEST(LabReport, EveryFigureLeadsToTheCommandThatMadeIt) {
  const auto report = buildLabReport({experiment("one", 1)}, drawNothing);
  const std::string page = toHtml(*report);
  EXPECT_THAT(page, HasSubstr("href=\"#run-one-a-r1\""));
  EXPECT_THAT(page, HasSubstr("id=\"run-one-a-r1\""));
  EXPECT_THAT(page, HasSubstr("redline driver -addr=$ADDR -rate=10k"));
  const std::string markdown = toMarkdown(*report);
  EXPECT_THAT(markdown, HasSubstr("redline lab run one"));
  EXPECT_THAT(markdown, HasSubstr("redline driver -addr=$ADDR -rate=10k"));
}

TEST(LabReport, WhatFailedOrMayNotBeQuotedIsSaid) {
  auto one = experiment("one", 1);
  one.state = ExperimentState::interrupted;
  one.indicative = true;
  one.runs[0].state = RunState::failed;
  one.runs[0].reason = "the server <died>";
  one.runs[1].invalid = {"stolen time"};
  const std::string page = toHtml(*buildLabReport({one}, drawNothing));
  EXPECT_THAT(page, HasSubstr("the server &lt;died&gt;"));
  EXPECT_THAT(page, HasSubstr("INVALID: stolen time"));
  EXPECT_THAT(page, HasSubstr("Indicative"));
  EXPECT_THAT(page, HasSubstr("interrupted"));
}

TEST(LabReport, IsMadeFromTheDirectoryOfALab) {
  const TemporaryDirectory directory;
  const fs::path lab = directory.path() / "lab";
  for (const auto& [name, start] : {std::pair("later", 2), std::pair("first", 1)}) {
    fs::create_directories(lab / name);
    ASSERT_TRUE(
        writeWholeFile(lab / name / kExperimentFile, experimentToJson(experiment(name, start))));
  }
  EXPECT_TRUE(isLabDirectory(lab));
  EXPECT_TRUE(isLabDirectory(lab / "first"));
  EXPECT_FALSE(isLabDirectory(directory.path()));
  const auto files = writeReport({lab.string()}, lab, drawNothing);
  ASSERT_TRUE(files) << files.error().message;
  const auto page = readWholeFile(files->html);
  ASSERT_TRUE(page);
  EXPECT_LT(page->find("Title of first"), page->find("Title of later"));
  EXPECT_FALSE(writeReport({lab.string(), lab.string()}, lab, drawNothing));
}

TEST(LabPlots, AreDrawnByGnuplotWithEveryKindOfAxis) {
  const std::vector<LabPoint> points{{0, 0.5, 0.4, 0.6}, {1, 0.9}, {2, kNaN}, {3, 1.0}};
  for (const AxisKind x : {AxisKind::linear, AxisKind::count, AxisKind::share, AxisKind::latency,
                           AxisKind::logCount, AxisKind::names})
    for (const AxisKind y : {AxisKind::linear, AxisKind::count, AxisKind::share, AxisKind::latency,
                             AxisKind::logCount}) {
      auto plot = plotOf(x, y, points);
      plot.spans = {{0.5, 1.5, "bgsave"}};
      plot.marks = {{1, "knee's"}};
      const auto svg = drawWithGnuplot(labPlot(plot, "e").script);
      ASSERT_TRUE(svg) << svg.error().message;
      EXPECT_THAT(*svg, HasSubstr("knee"));
    }
}

TEST(LabPlots, OfNothingAreNotThere) {
  EXPECT_THAT(labPlot(plotOf(AxisKind::linear, AxisKind::linear, {}), "e").script, IsEmpty());
  EXPECT_THAT(labPlot(plotOf(AxisKind::linear, AxisKind::latency, {{1, 0}}), "e").script,
              IsEmpty());
}

}  // namespace
}  // namespace redline
