// What stampede concludes from runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "lab/catalog.h"
#include "lab/stampede_runs.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::stampede_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr int kIntervals = 40, kExpiresEvery = 10, kExpiresAt = 3;  // of 100 ms: 0.3 s, 1.3 s …

/// What a defence makes of each expiry.
struct Outcome {
  std::string defence;
  double herd = 0;            ///< reads of the store, of both processes
  int slowFor = 0;            ///< intervals after the expiry's with a slow response
  Nanos p99 = 300'000;        ///< of both processes, the whole run
  double stale = 0;           ///< reads, of 20k
  double redisUs = 10;        ///< for each GET
  double counted = 1;         ///< PostgreSQL's count ÷ the processes'
  int every = kExpiresEvery;  ///< of 100 ms: how often the value is renewed
};

/// Of one process. Their clocks have zeros of their own; the second's intervals begin 20 ms later.
RunDir processOf(const Outcome& outcome, double herd, int repeat, bool isFirst) {
  ReadingBuilder run(Labels{{"defence", outcome.defence}}, repeat, kIntervals, isFirst ? 0 : 2);
  run.plan().clockZero = isFirst ? 100 * kSecond : 98 * kSecond + 20 * kMillisecond;
  run.counts([&](int i, IntervalRow& row) {
    const int since = i % outcome.every - kExpiresAt;
    LatencyFigures& response = row.kinds[index(OpKind::get)].latency[index(Measure::response)];
    response.count = 300;
    response.max = since > 0 && since <= outcome.slowFor ? 100'000 : 400;
    if (since == 0) row.counts.of(BackingCount::reads) = static_cast<std::uint64_t>(herd);
  });
  for (const char* const field : {"used_cpu_sys_main_thread", "used_cpu_user_main_thread"})
    run.sampled(field, [&](int i) { return i * outcome.redisUs * 1e-6 * 500 / 2; });
  run.sampled("cmdstat_get.calls", [](int i) { return i * 500; });
  Summary& summary = run.summary();
  summary.rate.completed = 10'000;
  summary.backing.store = "postgres";
  summary.backing.counts["stale_served"] = static_cast<std::uint64_t>(outcome.stale / 2);
  Reading reading = run.build();
  RunDir dir = std::move(reading.dirs.front());
  Histogram& all = dir.latency.merged["response"];
  all.record(200'000, 9'800);
  all.record(outcome.p99 + repeat * outcome.p99 / 100, 200);
  return dir;
}

Reading runOf(const Outcome& outcome, int repeat) {
  // Of two repeats one has a read more, so that there is an interval.
  const double herd = outcome.herd + (outcome.herd > 2 ? repeat - 1 : 0);
  const double first = std::ceil(herd / 2);
  ReadingBuilder run(Labels{{"defence", outcome.defence}}, repeat);
  const double asked = kIntervals / outcome.every * herd;
  run.figure(lab::stampede::kScansBefore, 1000)
      .figure(lab::stampede::kScansAfter, 1000 + asked * outcome.counted);
  Reading reading = run.build();
  reading.dirs.clear();
  reading.dirs.push_back(processOf(outcome, first, repeat, true));
  reading.dirs.push_back(processOf(outcome, herd - first, repeat, false));
  return reading;
}

const Outcome kNone{.defence = "none", .herd = 240, .slowFor = 3, .p99 = 300 * kMillisecond};
const Outcome kCoalesce{.defence = "coalesce", .herd = 2, .slowFor = 1, .p99 = 30 * kMillisecond};
const Outcome kLock{.defence = "lock", .herd = 1, .slowFor = 1, .p99 = 35 * kMillisecond};
const Outcome kEarly{.defence = "early", .herd = 3, .redisUs = 13};
const Outcome kStale{.defence = "stale", .herd = 2, .stale = 800, .redisUs = 13};
const Outcome kAll{.defence = "all", .herd = 1, .redisUs = 14};

std::vector<Outcome> outcomes() {
  return {kNone, kCoalesce, kLock, kEarly, kStale, kAll};
}

ExperimentDocument analysed(const std::vector<Outcome>& outcomes) {
  std::vector<Reading> runs;
  for (const int repeat : {1, 2})
    for (const Outcome& outcome : outcomes) runs.push_back(runOf(outcome, repeat));
  return analysisOf(stampedeExperiment(), quickParametersOf(stampedeExperiment()),
                    readingsOf(runs));
}

std::string row(const ExperimentDocument& document, std::string_view defence,
                std::string_view head) {
  return cellOf(document, "What each expiry", defence, head);
}

TEST(Stampede, MeasuresTheHerdOfEachDefence) {
  const auto document = analysed(outcomes());
  EXPECT_NEAR(figureOf(document, "reads per expiry, no defence"), 240.5, 0.1);
  EXPECT_NEAR(figureOf(document, "reads per expiry, coalescing"), 2, 0.01);
  EXPECT_NEAR(figureOf(document, "reads per expiry, all four together"), 1, 0.01);
  EXPECT_EQ(row(document, "no defence", "most"), "240");
  EXPECT_EQ(row(document, "no defence", "expiries"), "8");
  EXPECT_EQ(row(document, "no defence", "one every"), "1 s");
  // From the begin of the interval with the first read to the end of the last slow one, which is
  // that of the second process.
  EXPECT_EQ(row(document, "no defence", "back after"), "420 ms");
  EXPECT_EQ(row(document, "early refresh", "back after"), "0 s");
  EXPECT_EQ(row(document, "serving stale", "served stale"), "4.0%");
  EXPECT_EQ(row(document, "coalescing", "valid runs"), "2 of 2");
  EXPECT_THAT(cellOf(document, "What each defence costs", "early refresh", "÷ no defence"),
              StartsWith("1.3×"));
  ASSERT_THAT(document.plots, SizeIs(3));
  EXPECT_TRUE(document.plots[0].isMain);
  EXPECT_THAT(document.plots[2].series, SizeIs(6));
}

TEST(Stampede, SaysWhatProtectsTheStoreAndWhatTheReaders) {
  const auto document = analysed(outcomes());
  EXPECT_THAT(document.findings, finds("herd", Standing::expected, "24", "420 ms"));
  EXPECT_THAT(document.findings, finds("spares-coalesce", Standing::expected, "read at 2/s ["));
  EXPECT_THAT(document.findings, finds("spares-all", Standing::expected, "takes 1 ["));
  EXPECT_THAT(document.findings, finds("who-waits", Standing::expected, "30.", "305 µs"));
  EXPECT_THAT(document.findings,
              finds("one-per-process", Standing::expected, "2 processes", "one for each"));
  EXPECT_THAT(document.findings, finds("stale-share", Standing::plain, "4.0%"));
  EXPECT_THAT(document.findings, finds("counted-twice", Standing::plain));
  EXPECT_EQ(findingOf(document, "failed").id, "");
  EXPECT_EQ(document.answer,
            "One expiry of a hot key sends 240 reads to PostgreSQL; with all four together a "
            "renewal sends 1");
  ASSERT_THAT(document.decisions, SizeIs(1));
  EXPECT_NEAR(document.decisions[0].gain, 1000, 10);
  EXPECT_THAT(document.decisions[0].price, AllOf(HasSubstr("1.4×"), HasSubstr("2s")));
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("Add the lock")));
}

// Early refresh renews a value more often than it expires.
TEST(Stampede, ComparesDefencesByReadsASecond) {
  auto all = outcomes();
  all[3].every = 5;
  all[4].herd = 4;
  all[5].p99 = 30 * kMillisecond;
  const auto document = analysed(all);
  EXPECT_NEAR(figureOf(document, "reads of PostgreSQL a second, no defence"), 240.5, 0.1);
  EXPECT_NEAR(figureOf(document, "reads of PostgreSQL a second, early refresh"), 6.93, 0.01);
  EXPECT_NEAR(figureOf(document, "reads per expiry, early refresh"), 3.46, 0.01);
  EXPECT_THAT(document.findings,
              finds("spares-early", Standing::expected, "at 34.7×", "takes 3.46"));
  EXPECT_THAT(document.answer, HasSubstr("with serving stale a renewal sends 4."));
}

TEST(Stampede, RecommendsTheLockOnlyWhereItSendsFewerReads) {
  auto all = outcomes();
  all[1].herd = 1;  // of both processes together: they seldom expire at once
  EXPECT_THAT(analysed(all).recommendations, Not(Contains(HasSubstr("Add the lock"))));
}

TEST(Stampede, AsksNoPriceThatDoesNotShow) {
  auto all = outcomes();
  for (Outcome& outcome : all) outcome.redisUs = 10;
  all[2].p99 = all[1].p99;  // the slowest with the lock is that with coalescing
  const auto document = analysed(all);
  ASSERT_THAT(document.decisions, SizeIs(1));
  EXPECT_THAT(document.decisions[0].price,
              HasSubstr("no measurable extra CPU of Redis for each GET"));
  EXPECT_THAT(document.costs,
              testing::Each(AllOf(HasSubstr("no measurable extra"), Not(HasSubstr("×")))));
}

TEST(Stampede, ComparesWithTheModels) {
  const auto document = analysed(outcomes());
  const LabPrediction herd =
      predictionOf(document, "reads of PostgreSQL for each expiry, no defence");
  EXPECT_NEAR(herd.predicted, 240, 0.1);  // 6k/s × 40 ms
  EXPECT_NEAR(herd.measured, 240.5, 0.1);
  // 8 turns of 32 connections.
  EXPECT_NEAR(predictionOf(document, "until response times are back, no defence").predicted, 0.32,
              1e-6);
  EXPECT_NEAR(predictionOf(document, "p99 with coalescing").predicted, 29'600, 1);
  EXPECT_NEAR(predictionOf(document, "share of stale values, stale while refreshing").predicted,
              0.04 / 1.04, 1e-6);
}

TEST(Stampede, NamesADefenceThatDoesNotDefend) {
  auto outcome = outcomes();
  outcome[1].herd = 240;  // coalescing
  const auto document = analysed(outcome);
  EXPECT_THAT(document.findings, finds("spares-coalesce", Standing::inconclusive));
  EXPECT_THAT(document.findings,
              finds("one-per-process", Standing::contradicts, "not one for each"));
}

TEST(Stampede, RecommendsNoneWhereAllReadersWait) {
  auto all = outcomes();
  for (Outcome& outcome : all) outcome.p99 = 30 * kMillisecond;
  const auto document = analysed(all);
  EXPECT_THAT(document.findings, finds("who-waits", Standing::inconclusive));
  EXPECT_THAT(document.answer, HasSubstr("no defence keeps"));
  EXPECT_THAT(document.decisions, IsEmpty());
}

TEST(Stampede, ChoosesAnotherDefenceWhereItIsTheBest) {
  auto all = outcomes();
  all[5].p99 = 30 * kMillisecond;
  const auto document = analysed(all);
  EXPECT_THAT(document.answer, HasSubstr("with serving stale a renewal sends 2"));
  ASSERT_THAT(document.decisions, SizeIs(1));
  EXPECT_THAT(document.decisions[0].price, HasSubstr("past their time to live"));
}

TEST(Stampede, SaysSoWherePostgresCountsOtherwise) {
  auto outcome = outcomes();
  outcome[0].counted = 0.5;
  EXPECT_THAT(analysed(outcome).findings, finds("counted-twice", Standing::problem));
}

TEST(Stampede, LeavesOutWhatItHasNoRunsOf) {
  const auto document = analysed({kNone, kCoalesce});
  EXPECT_EQ(findingOf(document, "spares-all").id, "");
  EXPECT_EQ(findingOf(document, "who-waits").id, "");
  EXPECT_EQ(findingOf(document, "herd").id, "herd");
  EXPECT_THAT(document.recommendations, Not(Contains(HasSubstr("lock"))));
}

TEST(StampedeRuns, CountOnlyExpiriesThatBeginAndEndInTheWindow) {
  Reading reading = runOf(kNone, 1);
  // The first expiry now lies in the warm-up, and a sixth of a second of its herd behind it.
  for (RunDir& dir : reading.dirs)
    for (int i = 0; i < 4; ++i) dir.intervals[static_cast<std::size_t>(i)].warmup = true;
  reading.dirs[0].intervals[4].counts.of(BackingCount::reads) = 7;
  const auto facts = lab::stampede::readRun(reading, {.ttlS = 1, .readS = 0.04});
  ASSERT_THAT(facts.renewals, SizeIs(3));
  EXPECT_EQ(facts.renewals[0].reads, 240);
  EXPECT_NEAR(facts.renewals[0].atS, 1.3, 1e-9);
  EXPECT_EQ(facts.readsInAll, 4 * 240 + 7);
}

TEST(StampedeRuns, GiveEachProcessItsShareOfTheRate) {
  const auto plan = lab::planOf(stampedeExperiment(), quickParametersOf(stampedeExperiment()));
  ASSERT_TRUE(plan);
  for (const LabRun& run : plan->runs) {
    ASSERT_THAT(run.drives, SizeIs(2)) << run.name;
    EXPECT_NE(run.drives[0].name, run.drives[1].name);
    EXPECT_NE(run.drives[0].flags, run.drives[1].flags);
    const bool isEarly = run.name.starts_with("early");
    for (const Drive& drive : run.drives)
      EXPECT_THAT(drive.flags, AllOf(Contains("-rate=3000"),
                                     Contains(isEarly ? "-warmup=3s" : "-warmup=1100ms")));
  }
}

TEST(StampedeParameters, AreRefusedWhereTheyCannotShowAHerd) {
  const auto refusal = [](const std::string& name, const std::string& value) {
    const std::vector<ParameterOverride> one{{name, value, "the test"}};
    const auto p = parametersOf(stampedeExperiment(), Profile::quick, one);
    EXPECT_TRUE(p) << p.error().message;
    const auto sound = stampedeExperiment().check(*p);
    return sound ? std::string() : sound.error().message;
  };
  EXPECT_THAT(refusal("processes", "1"), HasSubstr("other processes"));
  EXPECT_THAT(refusal("rate", "40k"), HasSubstr("to drain"));
  EXPECT_THAT(refusal("warmup", "500ms"), HasSubstr("cold start"));
  EXPECT_THAT(refusal("early-warmup", "1s"), HasSubstr("cold start"));
  EXPECT_THAT(refusal("duration", "1s"), HasSubstr("two expiries"));
  EXPECT_THAT(refusal("interval", "100ms"), HasSubstr("read-time"));
}

}  // namespace
}  // namespace redline::stampede_test
