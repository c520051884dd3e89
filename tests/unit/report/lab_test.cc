#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "os/files.h"
#include "record/slo.h"
#include "report/html.h"
#include "report/lab_document.h"
#include "report/markdown.h"
#include "report/write_report.h"
#include "support/temporary_directory.h"
#include "unit/report/blocks.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

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
  document.findings = {{"it-is", Standing::plain, "It is so", "the rates", false, {"a-r1"}}};
  document.tables = {{"Rates", {"batch", "ops/s"}, {{{"16", "80k/s"}, {"a-r1"}}}, "", false}};
  document.runs = {run("a-r1"), run("a-r2")};
  return document;
}

/// The findings of the first page.
std::vector<FindingLine> headlinesIn(const Document& document) {
  for (const Block& block : document.blocks)
    if (const auto* const list = std::get_if<FindingList>(&block.content)) return list->lines;
  return {};
}

ExperimentDocument ceilingWithTwoLevels() {
  auto one = experiment("ceiling", 1);
  one.slo = {{"get-ceiling", "118k/s", SloVerdict::reported, "100 B", {"a-r1"}},
             {"read-p99-at-80", "1.4 ms", SloVerdict::missed, "", {}}};
  return one;
}

TEST(LabReport, FirstPageHasEveryRowOfTheBriefsTable) {
  std::vector<ExperimentDocument> all{ceilingWithTwoLevels()};
  for (const char* const name :
       {"eviction-cliff", "fsync", "persistence-spike", "reshard", "big-key"})
    all.push_back(experiment(name, std::ssize(all) + 1));
  const Document document = labDocument(all);
  const Callout verdict = calloutOf(document.blocks);
  EXPECT_EQ(verdict.tone, Tone::bad);
  EXPECT_EQ(verdict.headline, "Service levels: 1 missed, 1 measured (no target), 8 not measured");
  const Table* const table = tableTitled(document.blocks, "");
  ASSERT_EQ(table->rows.size(), kSloRows.size());
  for (std::size_t i = 0; i < kSloRows.size(); ++i)
    EXPECT_EQ(table->rows[i].cells[0].text, kSloRows[i].metric);
  const auto ceiling = std::ranges::find(table->rows, "118k/s",
                                         [](const Table::Row& row) { return row.cells[2].text; });
  ASSERT_NE(ceiling, table->rows.end());
  EXPECT_EQ(ceiling->cells[2].detail, "100 B");
  EXPECT_EQ(ceiling->cells[4].link.target, "experiment-ceiling");
  EXPECT_EQ(ceiling->runs.at(0).target, "run-ceiling-a-r1");
}

TEST(LabReport, FirstPageHasOnlyTheServiceLevelsOfTheExperimentsThatWereAskedFor) {
  const Document ceiling = labDocument({experiment("ceiling", 1)});
  EXPECT_EQ(tableTitled(ceiling.blocks, "")->rows.size(), 3U);
  EXPECT_EQ(calloutOf(ceiling.blocks).headline, "Service levels: 3 not measured");
  const Document none = labDocument({experiment("pipelining", 1)});
  EXPECT_EQ(tableTitled(none.blocks, ""), nullptr);
  EXPECT_EQ(calloutOf(none.blocks).tone, Tone::good);
}

TEST(LabReport, WhatIsMostUrgentComesFirst) {
  auto one = experiment("one", 1);
  one.findings.push_back({"e", Standing::expected, "As the books say", "", true, {}});
  auto two = experiment("two", 2);
  two.findings.push_back({"c", Standing::contradicts, "Not as they say", "", true, {}});
  const auto lines = headlinesIn(labDocument({one, two}));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].text, "Not as they say");
  EXPECT_EQ(lines[0].mark, "Not as expected");
}

TEST(LabReport, OfManyExperimentsEachHasTwoLinesOnTheFirstPageTheMostUrgentOnes) {
  std::vector<ExperimentDocument> all;
  for (const char* const name : {"a", "b", "c", "d"}) {
    all.push_back(experiment(name, std::ssize(all) + 1));
    for (const auto& [standing, text] : {std::pair{Standing::inconclusive, "not decided"},
                                         {Standing::plain, "a figure"},
                                         {Standing::expected, "as said"},
                                         {Standing::problem, "a problem"}})
      all.back().findings.push_back({"x", standing, text, "", true, {}});
  }
  const auto many = headlinesIn(labDocument(all));
  ASSERT_EQ(many.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(many[i].text, i < 4 ? "a problem" : "a figure");

  const auto one = headlinesIn(labDocument({all.front()}));
  ASSERT_EQ(one.size(), 3U);
  EXPECT_EQ(one.back().text, "as said");
}

TEST(LabReport, EveryFigureLeadsToTheCommandThatMadeIt) {
  const Document document = labDocument({experiment("one", 1)});
  const std::string page = toHtml(document);
  EXPECT_THAT(page, HasSubstr("href=\"#run-one-a-r1\""));
  EXPECT_THAT(page, HasSubstr("id=\"run-one-a-r1\""));
  EXPECT_THAT(page, HasSubstr("<span>-rate=10k</span>"));
  const std::string markdown = toMarkdown(document);
  EXPECT_THAT(markdown, HasSubstr("redline lab run one"));
  EXPECT_THAT(markdown, HasSubstr("redline driver -addr=$ADDR -rate=10k"));
}

TEST(LabReport, WhatFailedOrIsInvalidIsSaid) {
  auto one = experiment("one", 1);
  one.state = ExperimentState::interrupted;
  one.indicative = true;
  one.runs[0].state = RunState::failed;
  one.runs[0].reason = "the server <died>";
  one.runs[1].invalid = {{ReasonCode::stolenTime, "stolen time"}};
  const Document document = labDocument({one});
  const std::string page = toHtml(document);
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

TEST(LabReport, AnIntervalStandsApartFromItsFigureAndOlderFilesHaveItInTheText) {
  auto one = experiment("one", 1);
  one.tables[0].rows[0].cells[1] = "80k/s [78k – 82k]";
  const std::string old = experimentToJson(one);
  one.tables[0].rows[0].cells[1] = LabCell::of("80k/s", "[78k – 82k]");
  for (const std::string& text : {old, experimentToJson(one)}) {
    const auto read = experimentFromJson(text, "experiment.json");
    ASSERT_TRUE(read) << read.error().message;
    const Document document = labDocument({*read});
    const Cell& cell = tableTitled(document.blocks, "Rates")->rows[0].cells[1];
    EXPECT_EQ(cell.text, "80k/s");
    EXPECT_EQ(cell.range, "[78k – 82k]");
  }
}

}  // namespace
}  // namespace redline
