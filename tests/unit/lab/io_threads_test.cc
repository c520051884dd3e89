// What io-threads concludes from runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "lab/catalog.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::io_threads_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Of one condition: operations a second, and microseconds of the main thread for each.
struct Of {
  double rate, kernel, redis, execution;
};
using Conditions = std::map<std::string, Of>;

Conditions usual() {
  return {{"small-b0", {100e3, 6, 2, 1}},       {"small-b4", {250e3, 1.5, 1.8, 1}},
          {"small-b16", {400e3, 0.4, 1.6, 1}},  {"small-b64", {500e3, 0.1, 1.5, 1}},
          {"small-b256", {520e3, 0.1, 1.5, 1}}, {"large-b0", {80e3, 8, 2, 1}},
          {"large-b16", {150e3, 3, 2, 1}},      {"unix", {150e3, 4, 2, 1}}};
}

Reading run(const std::string& label, const Of& of, int repeat) {
  constexpr double kCommands = 1e6, kLast = 29;
  const double scatter = 1 + 0.01 * (repeat - 2);
  ReadingBuilder builder({{"part", "closed"}, {"case", label}}, repeat);
  const auto grows = [&](const std::string& field, double total) {
    builder.sampled(field, [total](int i) { return total * i / kLast; });
  };
  grows("total_commands_processed", kCommands);
  grows("used_cpu_sys_main_thread", of.kernel * scatter);  // seconds for a million
  grows("used_cpu_user_main_thread", of.redis);
  grows("cmdstat_get.calls", kCommands);
  grows("cmdstat_get.usec", of.execution * kCommands);
  builder.summary().rate.achieved = of.rate * scatter;
  builder.summary().servers.emplace_back().mainThreadUtilisation = 0.99;
  builder.summary().generator.utilisation = 0.6;
  return builder.build();
}

ExperimentDocument analysed(const Conditions& conditions, int repeats = 3) {
  Readings readings;
  for (const auto& [label, of] : conditions)
    for (int repeat = 1; repeat <= repeats; ++repeat) readings.add(run(label, of, repeat));
  return analysisOf(ioThreadsExperiment(), quickParametersOf(ioThreadsExperiment()), readings);
}

TEST(IoThreadsFindings, SayHowMuchOfACommandIsTheKernels) {
  const auto document = analysed(usual());
  EXPECT_THAT(document.findings, finds("network-share", Standing::expected, "8 µs [", "75.0%"));
  // 1.6 of 8 µs are left in large batches, 6 of 8 over a Unix socket.
  EXPECT_THAT(document.findings, finds("amortised-share", Standing::expected, "80.0%"));
  EXPECT_THAT(document.findings, finds("tcp-share", Standing::expected, "25.0%"));
  EXPECT_THAT(document.findings, finds("large-values", Standing::expected, "80.0%", "75.0%"));
}

TEST(IoThreadsFindings, DecideNothingFromASingleRun) {
  const auto document = analysed(usual(), 1);
  for (const char* const id : {"network-share", "amortised-share", "batches-against-threads"})
    EXPECT_EQ(findingOf(document, id).standing, Standing::inconclusive) << id;
  Conditions conditions = usual();
  conditions["threads-4-b0"] = {400e3, 2, 2, 1};
  EXPECT_THAT(analysed(conditions, 1).findings, finds("gain-4", Standing::inconclusive, "4×"));
}

TEST(IoThreadsFindings, ContradictANetworkBoundShardWhereRedisItselfTakesMost) {
  Conditions conditions = usual();
  conditions["small-b0"] = {150e3, 1, 4, 3};
  const auto document = analysed(conditions);
  EXPECT_THAT(document.findings, finds("network-share", Standing::contradicts, "20.0%"));
}

TEST(IoThreadsFindings, BoundTheGainBySharingAllThatBatchesSave) {
  const auto document = analysed(usual());
  // 1.6 of 8 µs are left in large batches: 8 ÷ (1.6 + 6.4/4). And 8 ÷ (2 + 6/4) where only the
  // kernel's part is shared.
  EXPECT_THAT(document.findings, finds("bound", Standing::plain, "2.5×", "2.29×"));
  EXPECT_NEAR(figureOf(document, "bound of 4 I/O threads"), 2.5, 0.01);
  EXPECT_THAT(cellOf(document, "How much", "2", "if they share all that batches save"),
              HasSubstr("1.67×"));
  EXPECT_EQ(cellOf(document, "How much", "4", "measured"), "not attempted");
}

TEST(IoThreadsFindings, SayWhatTwoCoresCannotShow) {
  EXPECT_THAT(analysed(usual()).findings,
              finds("not-attempted", Standing::plain, "2 I/O threads", "3 CPUs"));
  Conditions conditions = usual();
  conditions["threads-2-b0"] = {150e3, 3, 2, 1};
  EXPECT_THAT(analysed(conditions).findings,
              finds("not-attempted", Standing::plain, "4 I/O threads", "5 CPUs"));
  conditions["threads-4-b0"] = {200e3, 2, 2, 1};
  EXPECT_THAT(findingOf(analysed(conditions), "not-attempted").text, IsEmpty());
}

TEST(IoThreadsFindings, HoldAMeasuredGainAgainstTheBound) {
  Conditions conditions = usual();
  conditions["threads-4-b0"] = {200e3, 2, 2, 1};
  EXPECT_THAT(analysed(conditions).findings, finds("gain-4", Standing::expected, "2×", "2.5×"));
  conditions["threads-4-b0"].rate = 400e3;
  EXPECT_THAT(analysed(conditions).findings, finds("gain-4", Standing::contradicts, "4×"));
  conditions["threads-4-b0"].rate = 100e3;
  EXPECT_THAT(analysed(conditions).findings, finds("gain-4", Standing::inconclusive, "1×"));
}

TEST(IoThreadsFindings, RecommendWhatGivesMore) {
  const auto document = analysed(usual());
  EXPECT_THAT(document.findings, finds("batches-against-threads", Standing::expected, "4×"));
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("Pipeline first")));
  EXPECT_THAT(document.decisions,
              Contains(Field(&LabDecision::action, HasSubstr("batches of 16"))));
  Conditions conditions = usual();
  conditions["small-b16"] = {150e3, 3.6, 8 / 1.5 - 3.6, 1};
  const auto threads = analysed(conditions);
  EXPECT_THAT(threads.findings, finds("batches-against-threads", Standing::contradicts, "1.5×"));
  EXPECT_THAT(threads.recommendations, Contains(HasSubstr("Take I/O threads first")));
  EXPECT_THAT(threads.decisions, Contains(Field(&LabDecision::action, "Set io-threads 4")));
}

TEST(IoThreadsFindings, LeaveOutWhatARunIsMissingFor) {
  Conditions conditions = usual();
  conditions.erase("unix");
  const auto document = analysed(conditions);
  EXPECT_THAT(findingOf(document, "tcp-share").text, IsEmpty());
  EXPECT_THAT(findingOf(document, "network-share").text, Not(IsEmpty()));
}

TEST(IoThreadsPlan, AsksForACoreForEachThreadAndOneForTheGenerator) {
  const auto plan = lab::planOf(ioThreadsExperiment(), quickParametersOf(ioThreadsExperiment()));
  ASSERT_TRUE(plan);
  const std::map<std::string, unsigned> least{{"threads-4", 5}, {"threads-2", 3}, {"small", 0}};
  for (const LabRun& run : plan->runs) {
    if (const auto found = least.find(run.stack); found != least.end()) {
      EXPECT_EQ(run.leastCpus, found->second) << run.name;
    }
  }
}

}  // namespace
}  // namespace redline::io_threads_test
