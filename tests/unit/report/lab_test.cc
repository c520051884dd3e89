#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <tuple>

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
using testing::ElementsAre;
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

template <typename T>
T firstOf(const Blocks& blocks) {
  std::vector<T> all;
  forEachBlock<T>(blocks, [&](const T& block) { all.push_back(block); });
  return all.empty() ? T{} : all.front();
}

ExperimentDocument ceilingWithTwoLevels() {
  auto one = experiment("ceiling", 1);
  one.slo = {{"get-ceiling", "118k/s", SloVerdict::reported, "100 B", {"a-r1"}},
             {"read-p99-at-80", "1.4 ms", SloVerdict::missed, "", {}}};
  return one;
}

TEST(LabReport, FirstPageHasATileForEveryRowOfTheBriefsTable) {
  std::vector<ExperimentDocument> all{ceilingWithTwoLevels()};
  for (const char* const name :
       {"eviction-cliff", "fsync", "persistence-spike", "reshard", "big-key"})
    all.push_back(experiment(name, std::ssize(all) + 1));
  const Document document = labDocument(all);
  const auto tiles = firstOf<Tiles>(document.blocks).tiles;
  ASSERT_EQ(tiles.size(), kSloRows.size());
  for (std::size_t i = 0; i < kSloRows.size(); ++i) EXPECT_EQ(tiles[i].label, kSloRows[i].metric);
  EXPECT_EQ(tiles[0].mark, "·");
  EXPECT_EQ(tiles[0].value, "118k/s");
  EXPECT_EQ(tiles[0].section.target, "experiment-ceiling");
  EXPECT_EQ(tiles[1].mark, "?");
  EXPECT_EQ(tiles[2].mark, "✗");
  EXPECT_EQ(tiles[2].tone, Tone::bad);

  const Table* const table = tableTitled(document.blocks, "");
  ASSERT_EQ(table->rows.size(), kSloRows.size());
  EXPECT_EQ(table->rows[0].cells[2].detail, "100 B");
  EXPECT_EQ(table->rows[0].cells[4].link.target, "experiment-ceiling");
  EXPECT_EQ(table->rows[0].runs.at(0).target, "run-ceiling-a-r1");
}

TEST(LabReport, FirstPageHasOnlyTheServiceLevelsOfTheExperimentsThatWereAskedFor) {
  EXPECT_EQ(firstOf<Tiles>(labDocument({experiment("ceiling", 1)}).blocks).tiles.size(), 3U);
  EXPECT_TRUE(firstOf<Tiles>(labDocument({experiment("pipelining", 1)}).blocks).tiles.empty());
}

LabPlot plotOf(const std::string& id, const std::string& x) {
  LabPlot plot;
  plot.id = id;
  plot.title = "Plot " + id;
  plot.x.title = x;
  plot.series = {{"measured", {{0, 1}, {1, 2}}}};
  return plot;
}

TEST(LabReport, FirstPageHasAtMostEightPicturesThoseThatWereChosenFirst) {
  std::vector<ExperimentDocument> all;
  for (int i = 0; i < 9; ++i) {
    all.push_back(experiment("e" + std::to_string(i), i + 1));
    all.back().plots = {plotOf("first", "a"), plotOf("second", "b")};
    if (i > 0) all.back().plots[1].isMain = true;
  }
  const auto items = firstOf<Gallery>(labDocument(all).blocks).items;
  ASSERT_EQ(items.size(), 8U);
  EXPECT_EQ(items[0].section.target, "experiment-e1");
  for (const Gallery::Item& item : items) EXPECT_EQ(item.picture.title, "Plot second");
}

TEST(LabReport, APictureOfAnExperimentWithoutAnAnswerSaysThatNothingWasMeasured) {
  ExperimentDocument one = experiment("one", 1);
  one.answer.clear();
  one.findings.clear();
  one.plots = {plotOf("first", "a")};
  const auto items = firstOf<Gallery>(labDocument({one}).blocks).items;
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].caption, "Not measured.");
}

TEST(LabReport, AdvisesNothingWhereEveryRunWasDisturbed) {
  ExperimentDocument one = experiment("one", 1);
  one.decisions = {{"risk", "measured", "Act", "price", 3, true, {}}};
  one.recommendations = {"Act at once"};
  one.runs.resize(2);
  for (RunRecord& run : one.runs) run.invalid = {{ReasonCode::stolenTime, "stolen"}};
  const TemporaryDirectory directory;
  const auto reportOf = [&](const ExperimentDocument& document) {
    EXPECT_TRUE(writeWholeFile(directory.path() / kExperimentFile, experimentToJson(document)));
    const auto lab = readLab(directory.path());
    return lab ? toMarkdown(labDocument(*lab)) : lab.error().message;
  };
  const std::string disturbed = reportOf(one);
  EXPECT_THAT(disturbed, testing::Not(HasSubstr("Act")));
  EXPECT_THAT(disturbed, HasSubstr(std::string(kDisturbedAnswer) + "."));
  one.runs[1].invalid.clear();
  EXPECT_THAT(reportOf(one), HasSubstr("Act at once"));
}

TEST(LabReport, PlotsOverOneAxisArePanesOfOnePicture) {
  auto one = experiment("one", 1);
  one.plots = {plotOf("a", "seconds"), plotOf("b", "keys"), plotOf("c", "seconds")};
  one.plots[2].series[0].points = {{-5, 1}, {9, 2}};
  one.plots[2].isMain = true;
  std::vector<Picture> pictures;
  const Document document = labDocument({one});
  forEachBlock<Picture>(document.blocks,
                        [&](const Picture& picture) { pictures.push_back(picture); });
  ASSERT_EQ(pictures.size(), 2U);
  ASSERT_EQ(pictures[0].panels.size(), 2U);
  EXPECT_EQ(pictures[0].panels[0].title, "Plot c");
  EXPECT_EQ(pictures[0].panels[1].title, "Plot a");
  EXPECT_EQ(pictures[0].panels[0].x.range, pictures[0].panels[1].x.range);
  EXPECT_LE(pictures[0].panels[1].x.range->first, -5);
  EXPECT_EQ(pictures[0].panels[0].y.range, pictures[0].panels[1].y.range);
  EXPECT_EQ(pictures[1].id, "one-b");
}

TEST(LabReport, ASectionHasTheFiveFindingsThatMatterMostAndFoldsTheRest) {
  auto one = experiment("one", 1);
  one.findings.clear();
  one.answer = "An answer";
  for (const auto& [standing, text, headline] : {std::tuple{Standing::plain, "a figure", false},
                                                 {Standing::inconclusive, "undecided", true},
                                                 {Standing::expected, "as said 2× [1 – 3]", true},
                                                 {Standing::problem, "beware", false},
                                                 {Standing::contradicts, "surprise", true},
                                                 {Standing::plain, "one more", false}})
    one.findings.push_back({"x", standing, text, "", headline, {}});
  std::vector<FindingList> lists;
  const Document document = labDocument({one});
  forEachBlock<FindingList>(document.blocks,
                            [&](const FindingList& list) { lists.push_back(list); });
  ASSERT_EQ(lists.size(), 2U);
  std::vector<std::string> texts;
  for (const FindingLine& line : lists[0].lines) texts.push_back(line.text);
  EXPECT_THAT(texts, ElementsAre("surprise", "as said 2×", "undecided", "beware", "a figure"));
  EXPECT_EQ(lists[1].lines.size(), 6U);
  EXPECT_EQ(lists[1].lines[2].text, "as said 2× [1 – 3]");
}

TEST(LabReport, ASectionSaysWhatElseCouldExplainItAndTheRecommendationsPrice) {
  auto one = experiment("one", 1);
  one.alternatives = {"The disk"};
  one.decisions = {{"a risk", "10 ms", "Do that", "a core", 3, true, {}}};
  for (RunRecord& run : one.runs) run.figures = {{kOthersOnServerCore, 0.2}};
  one.runs[0].invalid = {{ReasonCode::stolenTime, "stolen time"}};
  const std::string markdown = toMarkdown(labDocument({one}));
  EXPECT_THAT(markdown, HasSubstr("The disk."));
  EXPECT_THAT(markdown, HasSubstr("20.0% of Redis's core"));
  EXPECT_THAT(markdown, HasSubstr("1 of 2 runs was disturbed"));
  EXPECT_THAT(markdown, HasSubstr("Do that. Price: a core."));
}

TEST(LabReport, EveryFigureLeadsToTheCommandThatMadeIt) {
  const Document document = labDocument({experiment("one", 1)});
  const std::string page = toHtml(document);
  EXPECT_THAT(page, HasSubstr("href=\"#run-one-a-r1\""));
  EXPECT_THAT(page, HasSubstr("id=\"run-one-a-r1\""));
  EXPECT_THAT(page, HasSubstr("<i>-rate=10k</i>"));
  const std::string markdown = toMarkdown(document);
  EXPECT_THAT(markdown, HasSubstr("redline lab run one"));
  EXPECT_THAT(markdown, HasSubstr("redline driver -addr=$ADDR -rate=10k"));
}

TEST(LabReport, CommandsThatRunsShareAreThereOnce) {
  auto one = experiment("one", 1);
  const std::string stack = "ADDR=$(redline stack up node)", other = stack + " -maxmemory=1GB";
  const auto drive = [](int rate) {
    return fmt::format("redline driver -addr=$ADDR -rate={}k", rate);
  };
  const std::string load = "redline loader -addr=$ADDR",
                    flush = "redis-cli -u redis://$ADDR flushall";
  one.runs = {run("a-r1"), run("b-r1"), run("c-r1"), run("a-r2"), run("never")};
  one.runs[0].commands = one.runs[3].commands = {stack, load, drive(1)};
  one.runs[1].commands = {stack, load, flush, drive(2)};
  one.runs[2].commands = {other, drive(1)};
  one.runs[4].commands = {};
  const Document document = labDocument({one});
  std::vector<std::vector<std::string>> codes;
  std::vector<std::string> order;
  forEachBlock<Code>(document.blocks, [&](const Code& code) { codes.push_back(code.lines); });
  forEachBlock<Paragraph>(document.blocks, [&](const Paragraph& paragraph) {
    if (paragraph.id.starts_with("run-")) order.push_back(paragraph.lead);
    if (paragraph.text.starts_with("Servers")) order.push_back(paragraph.text);
  });
  using Lines = std::vector<std::string>;
  codes.erase(codes.begin());  // of the whole experiment
  EXPECT_THAT(codes, ElementsAre(Lines{stack, load}, Lines{drive(1)}, Lines{flush, drive(2)},
                                 Lines{other}, Lines{drive(1)}));
  EXPECT_THAT(order, ElementsAre("Servers and data of the next 3 runs:", "a-r1", "a-r2", "b-r1",
                                 "Servers and data of the next 1 run:", "c-r1", "never"));
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
  const auto files = writeReport({lab.string()}, lab);
  ASSERT_TRUE(files) << files.error().message;
  const auto page = readWholeFile(files->html);
  ASSERT_TRUE(page);
  EXPECT_LT(page->find("Title of first"), page->find("Title of later"));
  for (const fs::path& file : {files->findings, files->details}) EXPECT_TRUE(fs::exists(file));
  EXPECT_FALSE(writeReport({lab.string(), lab.string()}, lab));
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
