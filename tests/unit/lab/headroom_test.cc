// What headroom concludes from runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "lab/catalog.h"
#include "lab/headroom.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::headroom_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr double kCeiling = 100e3;
constexpr double kZero = 1'000'000;
const std::vector<std::string> kShares{"0.1", "0.4", "0.7"};

/// p99 in milliseconds at each share that was tried.
using Ladder = std::map<std::string, std::vector<double>>;

Ladder usual() {
  return {{"none", {0.2, 0.3, 0.9}},  {"bgsave", {0.8, 12}}, {"aof-rewrite", {0.8, 4, 30}},
          {"big-key", {396}},         {"expiry", {24}},      {"cluster-none", {0.4, 0.6, 3}},
          {"reshard", {0.6, 0.7, 5}}, {"node-loss", {2900}}};
}

const std::map<std::string, std::string> kTitles{{"none", "no fault"},
                                                 {"bgsave", "BGSAVE"},
                                                 {"big-key", "HGETALL of 1M fields"},
                                                 {"expiry", "expiry of 100k keys"},
                                                 {"reshard", "a move of 30 slots"},
                                                 {"node-loss", "a killed master"}};

Reading loadRun(const std::string& fault, std::size_t rung, double ms, int repeat,
                ReasonCode invalid = ReasonCode::other) {
  ReadingBuilder run({{"part", "load"}, {"fault", fault}, {"share", kShares[rung]}}, repeat, 20);
  const auto us = static_cast<Nanos>(ms * 1000) + repeat;
  run.response([&](int i) { return i >= 4 ? us * kMicrosecond : kMillisecond / 10; });
  run.summary().rate.target = std::stod(kShares[rung]) * kCeiling;
  run.plan().wallZero = static_cast<Nanos>(kZero * 1e9);
  if (fault == "expiry") run.figure("expiry_unix_s", kZero + 0.5);
  if (fault == "none" || fault == "cluster-none" || fault == "expiry")
    run.figure("longest_stall_us", fault == "expiry" ? 25e3 : 0);
  else
    run.fault(fault, 0.5, 0.9, {});
  if (fault == "big-key") run.stall(0.5, 400 * kMillisecond);
  Reading reading = run.build();
  if (invalid != ReasonCode::other) reading.record.invalid = {{invalid, "why"}};
  return reading;
}

Reading ceilingRun(const std::string& topology, const std::string& share) {
  ReadingBuilder run({{"part", "ceiling"}, {"topology", topology}, {"share", share}}, 1, 5);
  run.summary().rate.achieved = kCeiling;
  return run.build();
}

std::vector<Reading> runsOf(const Ladder& ladder) {
  std::vector<Reading> runs;
  for (const char* topology : {"node", "cluster"})
    for (const std::string& share : kShares) runs.push_back(ceilingRun(topology, share));
  for (const auto& [fault, p99] : ladder)
    for (std::size_t rung = 0; rung < p99.size(); ++rung)
      runs.push_back(loadRun(fault, rung, p99[rung], 1));
  return runs;
}

ExperimentDocument analysed(const std::vector<Reading>& runs) {
  return analysisOf(headroomExperiment(), quickParametersOf(headroomExperiment()),
                    readingsOf(runs));
}
ExperimentDocument analysed(const Ladder& ladder) {
  return analysed(runsOf(ladder));
}

std::string headroom(const ExperimentDocument& document, const std::string& fault,
                     const std::string& limit = "p99 < 1 ms") {
  return cellOf(document, "Highest rate", kTitles.at(fault), limit);
}

TEST(Headroom, LeavesItsFiguresUnderTheNamesThatThePlannerReads) {
  const auto document = analysed(usual());
  const auto kept = [&](double limitUs, std::string_view fault) {
    const auto found = std::ranges::find(
        document.figures, lab::headroom::keptFigure(limitUs, fault), &LabFigure::what);
    EXPECT_NE(found, document.figures.end()) << fault;
    return found == document.figures.end() ? LabFigure() : *found;
  };
  for (const lab::headroom::Fault& fault : lab::headroom::faults()) kept(1'000, fault.label);
  EXPECT_EQ(kept(1'000, "none").value, 0.7);
  EXPECT_EQ(kept(1'000, "bgsave").value, 0.1);
  EXPECT_EQ(kept(1'000, "bgsave").high, 0.4);
  EXPECT_EQ(kept(10'000, "big-key").value, 0);
}

TEST(Headroom, IsTheHighestRungOfAnUnbrokenLadder) {
  const auto document = analysed(usual());
  EXPECT_EQ(headroom(document, "none"), "70%, nothing missed above");
  EXPECT_EQ(headroom(document, "bgsave"), "10%, missed at 40%");
  EXPECT_EQ(headroom(document, "big-key"), "no rate (missed at 10%)");
  EXPECT_EQ(headroom(document, "reshard"), "40%, missed at 70%");
  EXPECT_EQ(headroom(document, "reshard", "p99 < 10 ms"), "70%, nothing missed above");
  EXPECT_EQ(cellOf(document, "Highest rate", "BGSAVE", "operations/s at p99 < 1 ms"), "10k/s");
  EXPECT_EQ(cellOf(document, "Highest rate", "no fault", "longest stall"), "none seen");
}

TEST(Headroom, GivesThePlannerItsFigures) {
  const auto document = analysed(usual());
  EXPECT_DOUBLE_EQ(figureOf(document, "headroom under p99 < 1 ms, none"), 0.7);
  EXPECT_DOUBLE_EQ(figureOf(document, "headroom under p99 < 1 ms, bgsave"), 0.1);
  EXPECT_DOUBLE_EQ(figureOf(document, "headroom under p99 < 1 ms, node-loss"), 0);
  EXPECT_DOUBLE_EQ(figureOf(document, "longest stall, big-key"), 400e3);
  EXPECT_NEAR(figureOf(document, "highest ceiling, one server"), kCeiling, 1);
  for (const LabFigure& figure : document.figures) {
    if (figure.what == "headroom under p99 < 1 ms, bgsave") {
      EXPECT_DOUBLE_EQ(figure.high, 0.4);
    }
  }
}

TEST(Headroom, SortsFaultsByWhatARateHelpsAgainst) {
  const auto document = analysed(usual());
  const LabFinding none = findingOf(document, "no-rate");
  EXPECT_EQ(none.standing, Standing::expected);
  EXPECT_THAT(none.text, AllOf(HasSubstr("HGETALL of 1M fields"), HasSubstr("a killed master"),
                               HasSubstr("expiry of 100k keys"), Not(HasSubstr("BGSAVE"))));
  const LabFinding lower = findingOf(document, "lower-rate");
  EXPECT_THAT(lower.text, AllOf(HasSubstr("BGSAVE (up to 10%)"),
                                HasSubstr("For a move of 30 slots the ladder shows no other")));
  EXPECT_THAT(findingOf(document, "not-known").text, IsEmpty());
  EXPECT_THAT(document.answer, AllOf(HasSubstr("70% of its ceiling"), HasSubstr("at no rate")));
  EXPECT_THAT(none.text, HasSubstr("Even p99 < 10 ms is missed there during HGETALL"));
  EXPECT_THAT(document.recommendations,
              Contains(HasSubstr("between 10% and 40% of its ceiling up to which it keeps p99 < 1 "
                                 "ms during BGSAVE")));
  // The report's first page names a risk once: by the words of the experiment that is about it.
  for (const char* const risk : {"one HGETALL of 1M elements", "keys that expire together"})
    EXPECT_THAT(document.decisions, Contains(testing::Field(&LabDecision::risk, risk)));
  EXPECT_THAT(document.decisions,
              Contains(testing::Field(&LabDecision::action, HasSubstr("in pages"))));
}

TEST(Headroom, AdvisesAShareThatIsCloseToWhatIsTooMuch) {
  Ladder ladder = usual();
  ladder["bgsave"] = ladder["aof-rewrite"] = {0.2, 0.3, 12};
  const auto document = analysed(ladder);
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("at most 40% of its ceiling, which "
                                                           "leaves room for BGSAVE")));
  EXPECT_THAT(document.decisions,
              Contains(AllOf(testing::Field(&LabDecision::risk, "BGSAVE"),
                             testing::Field(&LabDecision::measured,
                                            "p99 < 1 ms is missed at 70% of the ceiling"))));
}

TEST(Headroom, ContradictsWhereAStallBreaksNothing) {
  Ladder ladder = usual();
  ladder["big-key"] = {0.5, 0.5, 0.5};
  const auto document = analysed(ladder);
  EXPECT_EQ(findingOf(document, "no-rate").standing, Standing::contradicts);
  EXPECT_EQ(findingOf(document, "stall-makes-p99").standing, Standing::contradicts);
}

TEST(Headroom, FindsTheStallInP99) {
  // 400 ms in a window of 1 s at 10% of the ceiling: 400 ms − 1% × 1 s × 0.9.
  const LabFinding found = findingOf(analysed(usual()), "stall-makes-p99");
  EXPECT_EQ(found.standing, Standing::expected);
  EXPECT_THAT(found.text, HasSubstr("391 ms"));
}

TEST(Headroom, SaysSoWhereNoRateHoldsWithoutAFault) {
  Ladder ladder = usual();
  ladder["none"] = {30};
  const auto document = analysed(ladder);
  EXPECT_EQ(findingOf(document, "no-fault").standing, Standing::problem);
  EXPECT_THAT(document.answer, HasSubstr("No rate keeps p99 < 1 ms here even without a fault"));
  EXPECT_THAT(document.recommendations, Not(Contains(HasSubstr("Plan a shard for at most 70"))));
}

TEST(Headroom, DoesNotKnowAMissThatTheGeneratorMayHaveMade) {
  for (const ReasonCode code : {ReasonCode::coreTaken, ReasonCode::behindSchedule}) {
    Ladder ladder = usual();
    ladder.erase("bgsave");
    auto runs = runsOf(ladder);
    runs.push_back(loadRun("bgsave", 0, 5, 1, code));
    const auto document = analysed(runs);
    EXPECT_EQ(headroom(document, "bgsave"), "not known");
    EXPECT_THAT(findingOf(document, "not-known").text, HasSubstr("For BGSAVE it is not known"));
  }
  // Below the limit all the same: what disturbs makes it worse.
  Ladder ladder = usual();
  ladder.erase("bgsave");
  auto runs = runsOf(ladder);
  runs.push_back(loadRun("bgsave", 0, 0.5, 1, ReasonCode::coreTaken));
  EXPECT_EQ(headroom(analysed(runs), "bgsave"), "10%, not known above");
}

/// Of the one server's faults only HGETALL takes a rate.
Ladder roomy() {
  Ladder ladder = usual();
  ladder["bgsave"] = ladder["aof-rewrite"] = ladder["expiry"] = {0.5, 0.6, 0.95};
  return ladder;
}

TEST(Headroom, DoesNotCapWhatIsPlannedByARateThatIsNotKnown) {
  Ladder ladder = roomy();
  ladder["bgsave"].resize(1);  // the runs at 40% failed, and so there is none at 70%
  const auto document = analysed(ladder);
  EXPECT_EQ(headroom(document, "bgsave"), "10%, not known above");
  EXPECT_THAT(findingOf(document, "not-known").text, HasSubstr("For BGSAVE above 10%"));
  EXPECT_THAT(findingOf(document, "lower-rate").text, Not(HasSubstr("BGSAVE")));
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("at most 70% of its ceiling")));
  EXPECT_TRUE(std::isnan(figureOf(document, "headroom under p99 < 1 ms, bgsave")));
}

TEST(Headroom, KnowsWhatIsKeptBelowARateThatAllRunsKept) {
  Ladder ladder = usual();
  ladder["bgsave"] = {0.8, 0.9, 12};
  auto runs = runsOf(ladder);
  runs.push_back(loadRun("bgsave", 0, 5, 2));  // one of two at 10%
  EXPECT_EQ(headroom(analysed(runs), "bgsave"), "40%, missed at 70%");
}

TEST(Headroom, HoldsAFaultOfTheClusterAgainstTheClusterWithoutOne) {
  const auto document = analysed(roomy());
  // The cluster keeps 40% with a fault and without: that is no fault's doing.
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("at most 70% of its ceiling")));
  EXPECT_THAT(document.recommendations, Not(Contains(HasSubstr("leaves room for"))));
  Ladder ladder = usual();
  ladder["cluster-none"] = {3};
  ladder["reshard"] = {4};
  const auto worse = analysed(ladder);
  EXPECT_THAT(findingOf(worse, "no-rate").text,
              AllOf(HasSubstr("HGETALL"), Not(HasSubstr("a move of"))));
  EXPECT_THAT(findingOf(worse, "missed-without").text,
              AllOf(HasSubstr("a move of 30 slots"), HasSubstr("a killed master")));
}

TEST(Headroom, GainsWhatP99IsTimesItsLimitAtTheRateThatMissesIt) {
  Ladder ladder = usual();
  ladder["none"].back() = 2.5;
  ladder["bgsave"] = ladder["aof-rewrite"] = {0.2, 0.3, 12};
  const auto document = analysed(ladder);
  const auto decision = std::ranges::find(
      document.decisions, "a shard that is planned for its ceiling", &LabDecision::risk);
  ASSERT_NE(decision, document.decisions.end());
  EXPECT_NEAR(decision->gain, 2.5, 0.01);
  EXPECT_EQ(decision->price, "2.5× the shards");
}

TEST(Headroom, DoesNotKnowARungWhoseRunsContradictEachOther) {
  Ladder ladder = usual();
  auto runs = runsOf(ladder);
  runs.push_back(loadRun("bgsave", 0, 5, 2));
  // At 10% one of two keeps it: then nothing is known to be kept.
  EXPECT_EQ(headroom(analysed(runs), "bgsave"), "not known, missed at 40%");
}

TEST(Headroom, CountsFailedOperationsAsMisses) {
  Ladder ladder = usual();
  ladder.erase("node-loss");
  auto runs = runsOf(ladder);
  Reading loss = loadRun("node-loss", 0, 0.5, 1);
  for (IntervalRow& row : loss.dirs.front().intervals) {
    row.counts.completed = {97, 0};
    row.counts.failed = {3, 0};
  }
  runs.push_back(loss);
  EXPECT_EQ(headroom(analysed(runs), "node-loss"), "no rate (missed at 10%)");
}

TEST(HeadroomPlan, TriesNoRungAboveOneThatMissesTheLoosestLimit) {
  const auto p = quickParametersOf(headroomExperiment());
  const auto plan = lab::planOf(headroomExperiment(), p);
  ASSERT_TRUE(plan);
  const auto decide = [&](const std::string& name, const std::vector<Reading>& soFar) {
    const auto run = std::ranges::find(plan->runs, name, &LabRun::name);
    EXPECT_NE(run, plan->runs.end()) << name;
    return run->drives.front().decide(readingsOf(soFar));
  };
  const auto runs = runsOf(usual());
  const auto rate = decide("load-bgsave-0-4-r1", runs);
  ASSERT_TRUE(rate);
  EXPECT_THAT(*rate, Contains("-rate=40000"));
  EXPECT_FALSE(decide("load-big-key-0-4-r1", runs)) << "396 ms";
  EXPECT_FALSE(decide("load-bgsave-0-7-r1", runs)) << "12 ms";
  EXPECT_FALSE(decide("load-bgsave-0-1-r1", {})) << "no ceiling is known";
}

// Slots that one run has moved are not there for the next.
TEST(HeadroomPlan, MovesSlotsOfFreshServersAlwaysTheSameWay) {
  const auto p = quickParametersOf(headroomExperiment());
  const auto plan = lab::planOf(headroomExperiment(), p);
  ASSERT_TRUE(plan);
  for (const LabRun& run : plan->runs) {
    const bool moves = run.name.starts_with("load-reshard-");
    EXPECT_EQ(run.fresh, moves) << run.name;
    if (!moves) continue;
    const auto flags = run.drives.front().decide(readingsOf(runsOf(usual())));
    ASSERT_TRUE(flags) << run.name;
    EXPECT_THAT(*flags, Contains("-chaos=400ms:reshard -slots=0-29 -target={node-1}"));
  }
}

}  // namespace
}  // namespace redline::headroom_test
