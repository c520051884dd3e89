#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "rundir/experiment.h"

namespace redline {
namespace {

using testing::HasSubstr;

ExperimentDocument sampleDocument() {
  ExperimentDocument document;
  document.name = "pipelining";
  document.title = "What batches buy";
  document.profile = "quick";
  document.indicative = true;
  document.state = ExperimentState::interrupted;
  document.environment.cores = 2;
  document.command = "redline lab run pipelining";
  document.parameters = {{"keys", "100k"}, {"batches", "1, 16"}};
  document.wallStart = 1'700'000'000'123'456'789;
  document.durationS = 52.5;
  document.findings = {
      {"fell", Standing::contradicts, "It fell", "the rates", true, {"a-r1", "a-r2"}}};
  document.tables = {{"Rates", {"batch", "ops/s"}, {{{"16", "80k"}, {"a-r1"}}}, "a note", true}};
  LabPlot plot;
  plot.id = "rates";
  plot.x = {"batch", AxisKind::names, {"0", "16"}};
  plot.y = {"p99", AxisKind::latency, {}};
  plot.series = {{"measured", {{0, 10, 9, 11}, {1, kNaN}}, true, false, false}};
  plot.spans = {{1, 2, "bgsave"}};
  plot.marks = {{1.5, "knee"}};
  plot.isMain = true;
  plot.series[0].bars = true;
  document.plots = {plot};
  document.costs = {"latency"};
  document.recommendations = {"16"};
  document.answer = "16 buy most";
  document.decisions = {{"batches of 1", "80k/s", "Batch 16", "2× p99", 4.5, true, {"a-r1"}}};
  document.alternatives = {"the generator"};
  document.slo = {{"get-ceiling", "118k/s", SloVerdict::met, "100 B", {"a-r1"}}};
  document.slo[0].availableMeasured = "119k/s";
  document.slo[0].availableVerdict = SloVerdict::missed;
  document.figures = {{"ceiling", "ops/s", 118e3, 116e3, kNaN}};
  document.predictions = {{"p99", "M/D/1", "us", 120, kNaN, kNaN, kNaN, ""}};
  document.method = {"pooled"};
  RunRecord run;
  run.name = "a-r1";
  run.labels = {{"batch", "16"}, {"repeat", "1"}};
  run.state = RunState::failed;
  run.reason = "no server";
  run.invalid = {{ReasonCode::stolenTime, "steal"}};
  run.directories = {"a-r1"};
  run.commands = {"redline driver"};
  run.figures = {{"fsync_us", 180.5}, {"nothing", kNaN}};
  run.notes = {{"filesystem", "ext4"}};
  run.wallStart = 5;
  run.durationS = 1.5;
  document.runs = {run};
  return document;
}

TEST(ExperimentJson, ReadsBackWhatItWrote) {
  const std::string text = experimentToJson(sampleDocument());
  const auto read = experimentFromJson(text, "experiment.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(experimentToJson(*read), text);
  EXPECT_EQ(read->state, ExperimentState::interrupted);
  EXPECT_EQ(read->plots[0].y.kind, AxisKind::latency);
  EXPECT_TRUE(std::isnan(read->plots[0].series[0].points[1].y));
  EXPECT_EQ(read->runs[0].label("batch"), "16");
  EXPECT_DOUBLE_EQ(read->runs[0].figure("fsync_us"), 180.5);
  EXPECT_TRUE(std::isnan(read->runs[0].figure("nothing")));
  EXPECT_TRUE(std::isnan(read->runs[0].figure("no such figure")));
  EXPECT_EQ(read->runs[0].note("filesystem"), "ext4");
  EXPECT_TRUE(read->plots[0].isMain);
  EXPECT_TRUE(read->decisions[0].isStall);
  EXPECT_EQ(read->decisions[0].price, "2× p99");
}

TEST(ExperimentJson, AServiceLevelOfAnOlderFileHasOneVerdict) {
  ExperimentDocument older = sampleDocument();
  older.slo[0].availableMeasured.clear();
  const std::string text = experimentToJson(older);
  EXPECT_EQ(text.find("available"), std::string::npos);
  EXPECT_EQ(experimentFromJson(text, "experiment.json")->slo[0].availableMeasured, "");
  EXPECT_EQ(experimentFromJson(experimentToJson(sampleDocument()), "experiment.json")
                ->slo[0]
                .availableVerdict,
            SloVerdict::missed);
}

TEST(ExperimentJson, ARunOnALineOfItsOwnReadsBack) {
  const std::string line = runRecordToJson(sampleDocument().runs[0]);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto read = runRecordFromJson(line, "runs.jsonl:1");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(runRecordToJson(*read), line);
  bool cutOff = false;
  EXPECT_FALSE(runRecordFromJson(line.substr(0, line.size() / 2), "runs.jsonl:1", &cutOff));
  EXPECT_TRUE(cutOff);
}

TEST(ExperimentJson, ReasonsKeepTheirCodesAndOlderFilesHaveTheTextsOnly) {
  std::string line = runRecordToJson(sampleDocument().runs[0]);
  EXPECT_EQ(runRecordFromJson(line, "runs.jsonl:1")->invalid, sampleDocument().runs[0].invalid);
  const std::string codes = R"("invalid_codes":["stolen-time"],)";
  line.erase(line.find(codes), codes.size());
  const auto old = runRecordFromJson(line, "runs.jsonl:1");
  ASSERT_TRUE(old) << old.error().message;
  EXPECT_EQ(old->invalid, (Reasons{{ReasonCode::other, "steal"}}));
}

TEST(ExperimentJson, WhatItCannotHoldIsNamed) {
  std::string text = experimentToJson(sampleDocument());
  text.replace(text.find("contradicts"), 11, "rebels     ");
  const auto read = experimentFromJson(text, "experiment.json");
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("findings[0].standing"));
  EXPECT_FALSE(experimentFromJson("{\"schema\": 99}", "experiment.json"));
  EXPECT_FALSE(experimentFromJson("[]", "experiment.json"));
}

}  // namespace
}  // namespace redline
