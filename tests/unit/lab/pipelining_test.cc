// What the findings of pipelining make of runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "lab/catalog.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"

namespace redline::pipelining_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

/// What a run measures; server figures are of one command.
struct Made {
  double rate = 0;
  double p99Us = 0;
  double kernelUs = 6, redisUs = 2, commandsPerRead = 1;
  double neighbourRate = 0;  ///< of the second drive, where there is one
};

RunDir driveOf(double rate, double p99Us, const Made& made) {
  constexpr double kCommands = 1e6;
  LatencyFigures figures;
  figures.count = 1000;
  figures.p50 = p99Us / 2;
  figures.p99 = p99Us;
  Summary summary;
  summary.rate.achieved = rate;
  summary.latency["response"]["all"] = figures;
  ServerFigures server;
  server.mainThreadUtilisation = 0.99;
  summary.servers = {server};
  RunDir dir;
  dir.summary = std::move(summary);
  for (const double commands : {0.0, kCommands}) {
    auto& info = dir.servers.emplace_back().info;
    info["total_commands_processed"] = std::to_string(commands);
    info["total_reads_processed"] = std::to_string(commands / made.commandsPerRead);
    info["used_cpu_sys_main_thread"] = std::to_string(commands * made.kernelUs * 1e-6);
    info["used_cpu_user_main_thread"] = std::to_string(commands * made.redisUs * 1e-6);
    info["cmdstat_get.calls"] = std::to_string(commands);
    info["cmdstat_get.usec"] = std::to_string(commands * 0.5);
  }
  return dir;
}

/// What each condition measures, by its part and the label of its mode or neighbour.
using Conditions = std::map<std::pair<std::string, std::string>, Made>;

Conditions usual() {
  return {
      {{"sweep", "b0"}, {.rate = 100e3, .p99Us = 500}},
      {{"sweep", "b1"}, {.rate = 100e3, .p99Us = 500}},
      {{"sweep", "b8"}, {.rate = 400e3, .p99Us = 600}},
      {{"sweep", "b16"}, {.rate = 600e3, .p99Us = 900}},
      {{"sweep", "b64"},
       {.rate = 610e3, .p99Us = 3000, .kernelUs = 0.2, .redisUs = 1, .commandsPerRead = 64}},
      {{"sweep", "tx16"}, {.rate = 540e3, .p99Us = 950}},
      {{"hot", "b1"}, {.rate = 100e3, .p99Us = 500}},
      {{"hot", "b64"}, {.rate = 915e3, .p99Us = 2000}},
      {{"large", "b0"}, {.rate = 80e3, .p99Us = 600}},
      {{"large", "b16"}, {.rate = 240e3, .p99Us = 2000}},
      {{"open", "b0-due"}, {.rate = 60e3, .p99Us = 200}},
      {{"open", "b16-due"}, {.rate = 60e3, .p99Us = 190}},
      {{"open", "b64-due"}, {.rate = 60e3, .p99Us = 200}},
      {{"open", "b16-filled"}, {.rate = 60e3, .p99Us = 400}},
      {{"open", "b64-filled"}, {.rate = 60e3, .p99Us = 1200}},
      {{"beside", "none"}, {.rate = 20e3, .p99Us = 300}},
      {{"beside", "batch-16"}, {.rate = 20e3, .p99Us = 500, .neighbourRate = 40e3}},
      {{"beside", "batch-512"}, {.rate = 20e3, .p99Us = 2000, .neighbourRate = 40e3}},
      {{"beside", "greedy"}, {.rate = 20e3, .p99Us = 1500, .neighbourRate = 700e3}},
  };
}

/// Three repeats of each, which scatter by 1%, or there would be no interval.
Readings readingsOf(const Conditions& conditions) {
  Readings readings;
  for (const auto& [name, made] : conditions)
    for (const int repeat : {1, 2, 3}) {
      const double scatter = 1 + 0.01 * (repeat - 2);
      Reading reading;
      reading.record.name = fmt::format("{}-{}-r{}", name.first, name.second, repeat);
      reading.record.labels = {{"part", name.first},
                               {name.first == "beside" ? "neighbour" : "mode", name.second}};
      reading.dirs.push_back(driveOf(made.rate * scatter, made.p99Us * scatter, made));
      if (made.neighbourRate > 0)
        reading.dirs.push_back(driveOf(made.neighbourRate * scatter, 100, made));
      readings.add(std::move(reading));
    }
  return readings;
}

/// The quick profile, with settings above it ("open-batches=64, 16").
Parameters parameters(std::string_view settings = {}) {
  const auto overrides = parseOverrides(settings);
  EXPECT_TRUE(overrides);
  auto read = parametersOf(pipeliningExperiment(), Profile::quick, *overrides);
  EXPECT_TRUE(read) << read.error().message;
  return *read;
}

ExperimentDocument analysed(const Conditions& conditions, std::string_view settings = {}) {
  return analysisOf(pipeliningExperiment(), parameters(settings), readingsOf(conditions));
}

auto findsNone(std::string_view id) {
  return Not(Contains(Field(&LabFinding::id, std::string(id))));
}

TEST(PipeliningFindings, SayWhatBatchesGainAndWhere) {
  const auto found = analysed(usual()).findings;
  EXPECT_THAT(found, finds("throughput-gain", Standing::expected, "Batches of 64", "by 6.1× [",
                           "it is 100k/s [", "then 610k/s ["));
  // 600k and 610k differ by less than 5%; 900 µs is more than 1.5 times 500.
  EXPECT_THAT(found, finds("plateau", Standing::plain, "from batch 16 on"));
  EXPECT_THAT(found, finds("p99-climb", Standing::expected, "from batch 16 on", "900 µs [",
                           "500 µs [", "Batch 64", "6× ["));
  EXPECT_THAT(analysed(usual()).recommendations, Contains(HasSubstr("Batch up to 16 operations")));
  EXPECT_THAT(analysed(usual()).answer,
              testing::StartsWith("Batches of 64 multiply one shard's throughput by 6.1×"));
  EXPECT_THAT(analysed(usual()).decisions, testing::ElementsAre(testing::Field(
                                               &LabDecision::action, "Batch up to 16 operations")));
}

TEST(PipeliningFindings, SplitTheSavingIntoSystemCallsAndRedis) {
  // Of 8 µs, 6.8 are saved: 5.8 of them the kernel's.
  EXPECT_THAT(analysed(usual()).findings,
              finds("system-calls", Standing::expected, "from 8.00 to 1.20 µs", "85%", "64.00",
                    "from 6.00 to 0.20 µs", "from 2.00 to 1.00 µs", "0.50 µs"));
  auto conditions = usual();
  conditions[{"sweep", "b64"}].kernelUs = 5.5;
  EXPECT_THAT(analysed(conditions).findings,
              finds("system-calls", Standing::contradicts, "33%", "from 6.00 to 5.50 µs"));
}

TEST(PipeliningFindings, NameNeitherPlateauNorClimbWhereThereIsNone) {
  auto conditions = usual();
  conditions[{"sweep", "b64"}] = {.rate = 1.2e6, .p99Us = 600};
  conditions[{"sweep", "b16"}].p99Us = 600;
  const auto document = analysed(conditions);
  EXPECT_THAT(document.findings, finds("plateau", Standing::plain, "up to batch 64", "by 2× ["));
  EXPECT_THAT(document.findings,
              finds("p99-climb", Standing::contradicts, "up to batch 64", "600 µs", "500 µs"));
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("still rises at batch 64")));
}

TEST(PipeliningFindings, JudgeNoCurveWithAHole) {
  auto conditions = usual();
  conditions.erase({"sweep", "b8"});
  const auto found = analysed(conditions).findings;
  EXPECT_THAT(found, finds("curve-incomplete", Standing::problem, "batch 8"));
  for (const char* const id : {"throughput-gain", "plateau", "p99-climb", "control"})
    EXPECT_THAT(found, findsNone(id));
  EXPECT_THAT(found, finds("large-values", Standing::expected));
}

TEST(PipeliningFindings, TakeADifferenceOfTheControlForAProblem) {
  EXPECT_THAT(analysed(usual()).findings, finds("control", Standing::plain, "1× ["));
  auto conditions = usual();
  conditions[{"sweep", "b1"}].rate = 150e3;
  EXPECT_THAT(analysed(conditions).findings, finds("control", Standing::problem, "1.5× ["));
}

TEST(PipeliningFindings, CompareATransactionWithThePlainBatchOfItsSize) {
  EXPECT_THAT(analysed(usual()).findings,
              finds("multi-16", Standing::expected, "0.9× [", "950 µs [", "900 µs ["));
  EXPECT_THAT(analysed(usual()).costs, Contains(HasSubstr("batches of 16 atomic")));
  auto same = usual();
  same[{"sweep", "tx16"}].rate = 601e3;
  EXPECT_THAT(analysed(same).costs, Not(Contains(HasSubstr("batches of 16 atomic"))));
}

TEST(PipeliningFindings, CompareOneKeyAndLargeValuesWithTheSweepsSameBatch) {
  const auto found = analysed(usual()).findings;
  EXPECT_THAT(found, finds("hot-key", Standing::expected, "915k/s [", "1.5× [", "99.0%"));
  EXPECT_THAT(found, finds("large-values", Standing::expected, "6× [", "100 B", "3× [", "4 KB"));
  auto conditions = usual();
  conditions[{"large", "b16"}].rate = 960e3;
  EXPECT_THAT(analysed(conditions).findings,
              finds("large-values", Standing::contradicts, "6× [", "12× ["));
}

TEST(PipeliningFindings, SayWhatWaitingForABatchCosts) {
  const auto document = analysed(usual());
  // 64 operations at 60k/s take 1.07 ms.
  EXPECT_THAT(document.findings,
              finds("waiting-for-batches", Standing::expected, "200 µs [", "1.2 ms [",
                    "takes 1.07 ms", "sending what is due costs none"));
  EXPECT_THAT(document.recommendations,
              Contains(AllOf(HasSubstr("send what is due"), HasSubstr("6× ["))));
  auto conditions = usual();
  conditions[{"open", "b64-filled"}].p99Us = 200;
  const auto same = analysed(conditions);
  EXPECT_THAT(same.findings, finds("waiting-for-batches", Standing::inconclusive));
  EXPECT_THAT(same.recommendations, Not(Contains(HasSubstr("send what is due"))));
}

TEST(PipeliningFindings, SayWhatLargeBatchesDoToTheirNeighbours) {
  const auto found = analysed(usual()).findings;
  EXPECT_THAT(found, finds("large-batches-starve", Standing::expected,
                           "batches of 512 instead of 16", "4× [", "to 2 ms ["));
  EXPECT_THAT(found,
              finds("greedy-neighbour", Standing::plain, "700k/s [", "1.5 ms [", "300 µs ["));
  auto conditions = usual();
  conditions[{"beside", "batch-512"}].p99Us = 250;
  EXPECT_THAT(analysed(conditions).findings,
              finds("large-batches-starve", Standing::contradicts, "0.5× ["));
}

/// Its findings, figures, recommendations and costs, in an order of their own.
std::multimap<std::string, std::string> saidBy(const ExperimentDocument& document) {
  std::multimap<std::string, std::string> said;
  for (const LabFinding& finding : document.findings) said.emplace(finding.id, finding.text);
  for (const LabFigure& figure : document.figures)
    said.emplace(figure.what,
                 fmt::format("{:.4g} {:.4g} {:.4g}", figure.value, figure.low, figure.high));
  for (const std::string& text : document.recommendations) said.emplace("recommended", text);
  for (const std::string& text : document.costs) said.emplace("cost", text);
  return said;
}

TEST(PipeliningFindings, DoNotDependOnTheOrderOfAList) {
  const auto said = saidBy(analysed(usual()));
  for (const char* const reordered :
       {"batches=64, 8, 0, 16, 1", "hot-batches=64, 1", "large-batches=16, 0",
        "open-batches=64, 16", "neighbour-batches=512, 16"})
    EXPECT_EQ(saidBy(analysed(usual(), reordered)), said) << reordered;
}

/// The first run with these labels.
const LabRun& runWith(const ExperimentPlan& plan, const Labels& labels) {
  const auto has = [&](const LabRun& run) {
    return std::ranges::all_of(labels, [&](const auto& label) {
      return std::ranges::find(run.labels, label) != run.labels.end();
    });
  };
  const auto found = std::ranges::find_if(plan.runs, has);
  EXPECT_NE(found, plan.runs.end());
  return *found;
}

TEST(PipeliningPlan, OffersAShareOfWhatValidRunsReachedOneAtATime) {
  const Parameters p = parameters();
  const auto plan = lab::planOf(pipeliningExperiment(), p);
  ASSERT_TRUE(plan);
  const Drive& drive = runWith(*plan, {{"part", "open"}, {"mode", "b64-filled"}}).drives.front();
  ASSERT_TRUE(drive.decide);
  EXPECT_FALSE(drive.decide(Readings{}));
  Readings readings = readingsOf({{{"sweep", "b0"}, {.rate = 100e3}}});
  Reading disturbed;
  disturbed.record.labels = {{"part", "sweep"}, {"mode", "b0"}};
  disturbed.record.invalid = {{ReasonCode::coreTaken, "core taken: 20%"}};
  disturbed.dirs.push_back(driveOf(10e3, 0, {}));
  readings.add(std::move(disturbed));
  const auto flags = drive.decide(readings);
  ASSERT_TRUE(flags);
  EXPECT_THAT(*flags, AllOf(Contains("-rate=60000"), Contains("-pipeline=64"),
                            Contains("-batch-wait=5ms"), Contains("-arrivals=poisson")));
}

TEST(PipeliningPlan, PutsASecondDriveBesideTheVictimsOnlyWhereThereIsANeighbour) {
  const auto plan = lab::planOf(pipeliningExperiment(), parameters());
  ASSERT_TRUE(plan);
  EXPECT_THAT(runWith(*plan, {{"part", "beside"}, {"neighbour", "none"}}).drives,
              ElementsAre(Field(&Drive::name, "")));
  EXPECT_THAT(runWith(*plan, {{"part", "beside"}, {"neighbour", "batch-512"}}).drives,
              ElementsAre(Field(&Drive::name, "victims"),
                          AllOf(Field(&Drive::name, "neighbour"),
                                Field(&Drive::flags, Contains("-pipeline=512")))));
}

}  // namespace
}  // namespace redline::pipelining_test
