// What node-loss concludes from runs whose figures are known.

#include "lab/node_loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lab/catalog.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::node_loss_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr double kLossS = 1.5, kServedS = 4.1;
constexpr int kIntervals = 80;  // of 100 ms, 2,500 operations each
constexpr std::uint64_t kOps = 2500;

Parameters quick() {
  return quickParametersOf(nodeLossExperiment());
}

/// A run of 8 s: who loses what at 1.5 s, and how its misses go from 4.1 s on.
struct LossRun {
  std::string part, disaster, defence = {};
  double stormS = 10;          ///< from when its slots are served again
  std::uint64_t missed = 500;  ///< of an interval of the storm
  bool inTime = false;         ///< the store answers them
  double keysAfter = 0;
  double storeP99Us = 240e3;
  std::uint64_t lost = 0;

  bool isCold() const { return disaster == lab::node_loss::kStart; }
  Labels labels() const {
    if (part == "writes") return {{"part", part}, {"disaster", disaster}};
    return {{"part", part}, {"disaster", disaster}, {"defence", defence}};
  }
};

std::vector<LossRun> usual() {
  return {{.part = "loss", .disaster = "lone", .defence = "none"},
          {.part = "loss",
           .disaster = "lone",
           .defence = "both",
           .stormS = 1,
           .inTime = true,
           .storeP99Us = 20e3},
          {.part = "loss",
           .disaster = "replica",
           .defence = "none",
           .stormS = 0,
           .inTime = true,
           .keysAfter = 1700,
           .storeP99Us = 9e3},
          {.part = "loss",
           .disaster = "replica",
           .defence = "both",
           .stormS = 0,
           .inTime = true,
           .keysAfter = 1700,
           .storeP99Us = 9e3},
          {.part = "writes", .disaster = "lone", .stormS = 1, .inTime = true, .lost = 40},
          {.part = "writes", .disaster = "replica", .stormS = 0, .keysAfter = 1700},
          {.part = "cold", .disaster = "start", .defence = "none", .missed = 1200},
          {.part = "cold", .disaster = "start", .defence = "coalesce", .missed = 1000},
          {.part = "cold",
           .disaster = "start",
           .defence = "limit",
           .stormS = 5,
           .missed = 1200,
           .inTime = true}};
}

/// `isRepeat`: a little off, as repeats are.
Reading runOf(const LossRun& run, int repeat) {
  ReadingBuilder built(run.labels(), repeat, kIntervals);
  const double servedS = run.isCold() ? 0 : kServedS;
  const auto missed = run.missed + static_cast<std::uint64_t>(repeat);
  built.counts([&](int i, IntervalRow& row) {
    const double atS = i * 0.1 + 0.05;
    const bool isOut = !run.isCold() && atS > kLossS && atS < kServedS;
    const bool isStorm = atS > servedS && atS < servedS + run.stormS;
    Counters& counts = row.counts;
    counts.misses = run.disaster == "replica" ? 0 : 5;  // with a replica nothing is lost
    row.storeWrite.count = row.storeRead.count = 5;
    row.storeWrite.p99 = 9e3;
    row.storeRead.p99 = isStorm ? run.storeP99Us : 9e3;
    if (isOut) counts.failures[index(Failure::timeout)] = kOps / 3;
    if (isStorm) {
      (run.inTime ? counts.misses : counts.failures[index(Failure::storeTimeout)]) = missed;
      counts.of(BackingCount::reads) = missed;
      counts.of(BackingCount::found) = run.inTime ? missed : 1;
      counts.storeQueue = run.inTime ? 10 : 240;
    }
    std::uint64_t failed = 0;
    for (const std::uint64_t one : counts.failures) failed += one;
    counts.hits = kOps - failed - counts.misses;
    counts.completed[0] = kOps - failed;
  });
  built.response([&](int i) {
    const double atS = i * 0.1 + 0.05;
    return !run.isCold() && atS > kLossS && atS < kServedS ? 500 * kMillisecond : kMillisecond / 2;
  });
  if (!run.isCold())
    built.fault(run.disaster == "replica" ? "kill-master" : "kill-node", kLossS, 6,
                {{run.disaster == "replica" ? "recovered_s" : "serves_s", kServedS - kLossS},
                 {"keys_before", 1700},
                 {"keys_after", run.keysAfter}});
  if (run.part == "writes") {
    built.summary().verify.lostAcknowledged = run.lost;
    built.summary().mitigation.counts["ledger_writes"] = 9000;
  }
  built.figure(lab::node_loss::kLookupUs, 8100);
  return built.build();
}

ExperimentDocument analysed(const std::vector<LossRun>& conditions, int repeats = 2) {
  std::vector<Reading> runs;
  for (int repeat = 1; repeat <= repeats; ++repeat)
    for (const LossRun& run : conditions) runs.push_back(runOf(run, repeat));
  return analysisOf(nodeLossExperiment(), quick(), readingsOf(runs));
}

/// The usual runs, one of them changed.
std::vector<LossRun> with(std::string_view disaster, std::string_view defence,
                          const std::function<void(LossRun&)>& change) {
  auto all = usual();
  for (LossRun& run : all)
    if (run.disaster == disaster && run.defence == defence) change(run);
  return all;
}

TEST(NodeLoss, SaysWhoSurvivesAndWhatItTakes) {
  const auto document = analysed(usual());
  for (const char* const id : {"storm", "defence", "store-p99", "replica", "cold-start", "lost"})
    EXPECT_EQ(findingOf(document, id).standing, Standing::expected) << id;
  EXPECT_THAT(findingOf(document, "storm").text,
              AllOf(HasSubstr("rise from 50/s to 5."), HasSubstr("5.0")));
  EXPECT_THAT(findingOf(document, "defence").text,
              AllOf(HasSubstr("does not recover"), HasSubstr("is back after 3.")));
  EXPECT_THAT(findingOf(document, "replica").text,
              AllOf(HasSubstr("after 2.6 s"), HasSubstr("1.7k of 1.7k keys"),
                    HasSubstr("The hit rate does not fall")));
  EXPECT_THAT(findingOf(document, "lost").text,
              AllOf(HasSubstr("80 of 18k acknowledged"), HasSubstr("0 of 18k are")));
  EXPECT_THAT(document.answer,
              AllOf(HasSubstr("stays overloaded"), HasSubstr("nothing is read again")));
  EXPECT_THAT(document.recommendations, SizeIs(3));
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("reach 0/s instead of 5.")));
  EXPECT_THAT(document.decisions, SizeIs(2));
  EXPECT_THAT(document.costs, SizeIs(3));
}

TEST(NodeLoss, AnswersWithARecoveryOnlyWhereEveryRunHasIt) {
  std::vector<Reading> runs;
  const auto stuck = with("lone", "both", [](LossRun& run) {
    run.stormS = 10;
    run.inTime = false;
  });
  for (const LossRun& run : usual()) runs.push_back(runOf(run, 1));
  for (const LossRun& run : stuck) runs.push_back(runOf(run, 2));
  const auto document = analysisOf(nodeLossExperiment(), quick(), readingsOf(runs));
  EXPECT_THAT(document.answer, HasSubstr("the hit rate is back in some of the runs only"));
  EXPECT_THAT(findingOf(document, "defence").text, HasSubstr("is back in 1 of 2 runs, 3."));

  const auto never = analysed(stuck);
  EXPECT_THAT(never.answer, HasSubstr("the hit rate is not back within 6.5 s"));
}

TEST(NodeLoss, SaysThatNothingIsReadAgainOnlyWhereNothingMissed) {
  const auto document = analysed(with("replica", "none", [](LossRun& run) {
    run.stormS = 0.3;
    run.missed = 60;
  }));
  EXPECT_THAT(document.answer,
              AllOf(HasSubstr("stays overloaded"), Not(HasSubstr("nothing is read again"))));
}

TEST(NodeLoss, MeasuresWhatUsersSaw) {
  const auto document = analysed(usual(), 1);
  const auto seen = [&](std::string_view row, std::string_view head) {
    return cellOf(document, "What users saw", row, head);
  };
  constexpr std::string_view kDefended = "no replica, coalescing and a limit of 600/s";
  EXPECT_EQ(seen("no replica, no defence", "hit rate back after"), "not within 6.5 s");
  EXPECT_EQ(seen("no replica, no defence", "over 1% fail for"), "not within 6.5 s");
  EXPECT_EQ(seen("no replica, no defence", "slots served again after"), "2.6 s");
  // Out for 26 intervals, in a storm for the other 39.
  EXPECT_EQ(seen("no replica, no defence", "failed: no node"), "21.7k");
  EXPECT_EQ(seen("no replica, no defence", "store too late"), "19.5k");
  // Until 5.1 s, and an interval that is judged with its neighbour.
  EXPECT_EQ(seen(kDefended, "hit rate back after"), "3.7 s");
  EXPECT_EQ(seen(kDefended, "over 1% fail for"), "2.7 s");
  EXPECT_EQ(seen("a replica, no defence", "hit rate back after"), "0 s");
  EXPECT_EQ(seen("cold start, no defence", "hit rate back after"), "not within 8 s");
  EXPECT_EQ(seen("cold start, a limit of 600/s", "hit rate back after"), "5.1 s");
  const auto stored = [&](std::string_view row, std::string_view head) {
    return cellOf(document, "At the store", row, head);
  };
  EXPECT_EQ(stored("no replica, no defence", "worst interval"), "5.06k/s");
  EXPECT_EQ(stored("no replica, no defence", "longest queue"), "240");
  EXPECT_EQ(stored("no replica, no defence", "p99 of writes before"), "9 ms");
  EXPECT_EQ(stored("no replica, no defence", "worst p99 of reads"), "240 ms");
  EXPECT_EQ(stored(kDefended, "answered in time"), "100.0%");
}

TEST(NodeLoss, CountsReadsThatTheStoreDidNotAnswerAsMissed) {
  const Reading none = runOf(usual()[0], 0);
  const auto hitRate = lab::node_loss::hitRateSeries(none);
  const auto missed = lab::node_loss::missedSeries(none);
  ASSERT_THAT(hitRate, SizeIs(kIntervals));
  EXPECT_NEAR(hitRate.at(0).value, 2495.0 / 2500, 1e-9);
  EXPECT_NEAR(hitRate.at(60).value, 1995.0 / 2500, 1e-9);
  EXPECT_NEAR(missed.at(0).value, 50, 1e-9);
  EXPECT_NEAR(missed.at(60).value, 5050, 1e-9);
}

TEST(NodeLoss, RecommendsNoLimitThatDoesNotHelp) {
  const auto same = analysed(with("lone", "none", [](LossRun& run) {
    run.stormS = 1;
    run.inTime = true;
  }));
  EXPECT_EQ(findingOf(same, "defence").standing, Standing::inconclusive);
  EXPECT_THAT(findingOf(same, "defence").text, Not(HasSubstr("does not recover")));
  EXPECT_THAT(same.recommendations, Not(Contains(HasSubstr("in every client"))));
  EXPECT_THAT(same.answer, Not(HasSubstr("overloaded")));

  const auto worse = analysed(with("lone", "both", [](LossRun& run) { run.stormS = 10; }));
  EXPECT_EQ(findingOf(worse, "defence").standing, Standing::inconclusive) << "neither recovers";

  const auto reversed = analysed(with("start", "none", [](LossRun& run) {
    run.stormS = 3;
    run.inTime = true;
  }));
  EXPECT_EQ(findingOf(reversed, "cold-start").standing, Standing::contradicts);
  EXPECT_THAT(reversed.recommendations, Not(Contains(HasSubstr("empty cache only"))));
  EXPECT_THAT(reversed.decisions, SizeIs(1));
}

TEST(NodeLoss, ContradictsAReplicaThatLacksKeys) {
  const auto document =
      analysed(with("replica", "none", [](LossRun& run) { run.keysAfter = 1600; }));
  EXPECT_EQ(findingOf(document, "replica").standing, Standing::contradicts);
}

TEST(NodeLoss, ContradictsAStormThatTheStoreAnswers) {
  const auto document = analysed(with("lone", "none", [](LossRun& run) { run.missed = 60; }));
  EXPECT_EQ(findingOf(document, "storm").standing, Standing::contradicts);
  EXPECT_THAT(document.predictions, Contains(testing::Field(&LabPrediction::verdict, Not(""))));
}

TEST(NodeLoss, ContradictsAReplicaThatLosesMoreWritesThanNone) {
  auto runs = usual();
  for (LossRun& run : runs) run.lost = run.part == "writes" && run.disaster == "replica" ? 7 : 0;
  EXPECT_EQ(findingOf(analysed(runs), "lost").standing, Standing::contradicts);
}

TEST(NodeLoss, SaysNothingOfLossesThatDidNotTake) {
  std::vector<Reading> runs;
  for (const LossRun& run : usual()) {
    runs.push_back(runOf(run, 1));
    for (FaultFigures& fault : runs.back().dirs.front().summary->faults)
      fault.problem = "did not take";
  }
  const auto document = analysisOf(nodeLossExperiment(), quick(), readingsOf(runs));
  EXPECT_EQ(findingOf(document, "storm").standing, Standing::problem);
  EXPECT_EQ(findingOf(document, "defence").text, "");
  EXPECT_EQ(findingOf(document, "replica").text, "");
  EXPECT_EQ(findingOf(document, "cold-start").standing, Standing::expected) << "it has no fault";
}

TEST(NodeLoss, DrawsEachLossOnItsOwnClock) {
  const auto document = analysed(usual());
  ASSERT_THAT(document.plots, SizeIs(8));
  EXPECT_TRUE(document.plots[0].isMain);
  EXPECT_THAT(document.plots[0].series, SizeIs(4));
  EXPECT_NEAR(document.plots[0].series[0].points.front().x, -kLossS, 1e-9);
  EXPECT_THAT(document.plots[4].series, SizeIs(3));
  EXPECT_NEAR(document.plots[4].series[0].points.front().x, 0, 1e-9);
}

TEST(NodeLoss, KillsMastersOfFreshServersAndStartsEmptyOnes) {
  const auto plan = lab::planOf(nodeLossExperiment(), quick());
  ASSERT_TRUE(plan);
  const auto named = [&](std::string_view name) {
    const auto found = std::ranges::find(plan->runs, name, &LabRun::name);
    EXPECT_NE(found, plan->runs.end()) << name;
    return *found;
  };
  const LabRun lone = named("loss-lone-none-r1");
  EXPECT_TRUE(lone.fresh);
  EXPECT_THAT(lone.drives[0].flags,
              AllOf(Contains("-chaos=1500ms:kill-node -for=500ms"), Contains("-on-write=through"),
                    Not(Contains("-coalesce"))));
  const LabRun both = named("loss-replica-both-r1");
  EXPECT_THAT(both.drives[0].flags,
              AllOf(Contains("-chaos=1500ms:kill-master"), Contains("-coalesce"),
                    Contains("-backing-max-rate=600")));
  EXPECT_THAT(named("writes-lone-r1").drives[0].flags,
              AllOf(Contains("-on-write=none"), Contains("-ledger=1000")));
  const LabRun cold = named("cold-start-none-r1");
  EXPECT_TRUE(cold.before);
  EXPECT_THAT(cold.drives[0].flags,
              AllOf(Contains("-warmup=0s"), Not(Contains(testing::StartsWith("-chaos")))));
  const auto stack = std::ranges::find(plan->stacks, "start", &LabStack::name);
  ASSERT_NE(stack, plan->stacks.end());
  EXPECT_THAT(stack->load, Contains("-store=only"));
  for (const LabStack& each : plan->stacks) EXPECT_THAT(each.up, Contains("-backing=postgres"));
  // One kind after the other: all their servers share the cores.
  std::vector<std::string> order;
  for (const LabRun& run : plan->runs)
    if (order.empty() || order.back() != run.stack) order.push_back(run.stack);
  EXPECT_THAT(order, ElementsAre("lone", "replica", "start"));
}

TEST(NodeLoss, RefusesALimitThatProtectsNothing) {
  const auto refusal = [](const char* name, const char* value) {
    const std::vector<ParameterOverride> set{{name, value, "-set"}};
    const auto parameters = parametersOf(nodeLossExperiment(), Profile::quick, set);
    EXPECT_TRUE(parameters) << parameters.error().message;
    const auto checked = nodeLossExperiment().check(*parameters);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(refusal("limit", "999"), "");
  EXPECT_THAT(refusal("limit", "1k"), HasSubstr("a limit that protects it lies below"));
  EXPECT_THAT(refusal("duration", "4s"), HasSubstr("not served again by then"));
  EXPECT_THAT(refusal("at", "300ms"), HasSubstr("a baseline needs"));
  EXPECT_THAT(refusal("ledger", "5k"), HasSubstr("no more than keys"));
}

}  // namespace
}  // namespace redline::node_loss_test
