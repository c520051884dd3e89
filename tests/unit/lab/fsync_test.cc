// What the findings of fsync make of runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "lab/catalog.h"
#include "lab/study.h"
#include "rundir/hlog.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::fsync_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

Parameters parameters() {
  return quickParametersOf(fsyncExperiment());
}

/// A second in intervals of 100 ms: p99 is `usual`, and 50 ms in one of them, where the disk
/// stalled; over the whole it is `p99`.
Reading runOf(std::string_view policy, int repeat, Nanos usual, Nanos p99) {
  RunDir dir;
  for (int i = 0; i < 10; ++i) {
    const Nanos at = i * 100 * kMillisecond;
    Histogram histogram;
    histogram.record(i == 4 ? 50 * kMillisecond : usual, 100);
    dir.latency.lines.push_back({"response", at, 100 * kMillisecond, encodeCompressed(histogram)});
    IntervalRow row;
    row.start = at;
    row.end = at + 100 * kMillisecond;
    dir.intervals.push_back(row);
  }
  Summary summary;
  LatencyFigures figures;
  figures.count = 1000;
  figures.p99 = static_cast<double>(p99) / 1e3 + repeat;
  figures.p999 = 50'000;
  summary.latency["response"]["set"] = figures;
  dir.summary = std::move(summary);
  Reading reading;
  reading.record.name = std::string(policy) + "-r" + std::to_string(repeat);
  reading.record.labels = {{"part", "rate"}, {"policy", std::string(policy)}};
  reading.dirs.push_back(std::move(dir));
  return reading;
}

ExperimentDocument analysed(Nanos longSync) {
  Readings readings;
  for (const int repeat : {1, 2}) {
    readings.add(runOf("everysec", repeat, 200 * kMicrosecond, 250 * kMicrosecond));
    Reading always = runOf("always", repeat, 2 * kMillisecond, 20 * kMillisecond);
    if (longSync > 0 && repeat == 2) {
      Event& event = always.dirs.front().events.emplace_back();
      event.kind = "latency";
      event.name = "aof-fsync-always";
      event.duration = longSync;
    }
    readings.add(std::move(always));
  }
  return analysisOf(fsyncExperiment(), parameters(), readings);
}

// One stall in a second makes the p99 of the whole 80 times everysec's; nine intervals in ten know
// of a tax of 10.
TEST(FsyncFindings, TellTheTaxOfEverySyncFromTheDisksStalls) {
  const auto document = analysed(0);
  EXPECT_THAT(
      document.findings,
      Contains(AllOf(
          Field(&LabFinding::id, "always-costs"), Field(&LabFinding::standing, Standing::expected),
          Field(&LabFinding::text, AllOf(HasSubstr("by 10× ["), HasSubstr("to 2 ms ["))))));
  EXPECT_THAT(
      document.slo,
      Contains(AllOf(Field(&SloOutcome::id, "write-p99-always"),
                     Field(&SloOutcome::measured, HasSubstr("in the median interval 2 ms")))));
  EXPECT_THAT(document.answer, HasSubstr("by 10×"));
  EXPECT_THAT(document.recommendations,
              Contains(HasSubstr("For a write p99 below 1ms take everysec")));
  EXPECT_THAT(document.recommendations, Not(Contains(HasSubstr("below 2ms take everysec"))));
  EXPECT_THAT(document.decisions,
              testing::ElementsAre(AllOf(Field(&LabDecision::action, HasSubstr("everysec")),
                                         Field(&LabDecision::measured, "write p99 2 ms"),
                                         Field(&LabDecision::isStall, true))));
}

// The order in which the TOML lists the policies is not the order of what they are.
TEST(FsyncFindings, DoNotDependOnTheOrderOfThePolicies) {
  const Experiment experiment = fsyncExperiment();
  const auto reversed = parametersOf(experiment, Profile::quick,
                                     *parseOverrides("policies=always, everysec, no, off"));
  ASSERT_TRUE(reversed) << reversed.error().message;
  Readings readings;
  for (const char* const policy : {"everysec", "always"})
    for (const char* const conns : {"1", "200"}) {
      const bool slow = std::string_view(policy) == "always" && std::string_view(conns) == "1";
      for (const int repeat : {1, 2}) {
        Reading reading = runOf(policy, repeat, kMillisecond, kMillisecond);
        reading.record.name += conns;
        reading.record.labels = {{"part", "conns"}, {"policy", policy}, {"conns", conns}};
        reading.dirs.front().summary->rate.achieved = (slow ? 3'000 : 70'000) + repeat;
        readings.add(std::move(reading));
      }
    }
  ExperimentDocument document;
  lab::analyse(experiment, *reversed, readings, document);
  EXPECT_THAT(document.findings, Contains(AllOf(Field(&LabFinding::id, "group-commit"),
                                                Field(&LabFinding::standing, Standing::expected))));
}

// An exported lab has no latencies by interval, and no counters of INFO.
TEST(FsyncFindings, DoWithoutTheMedianIntervalWhereThereAreNone) {
  Readings readings;
  for (const int repeat : {1, 2})
    for (const auto& [policy, p99] :
         {std::pair("everysec", 250 * kMicrosecond), std::pair("always", 20 * kMillisecond)}) {
      Reading reading = runOf(policy, repeat, kMillisecond, p99);
      reading.dirs.front().latency.lines.clear();
      readings.add(std::move(reading));
    }
  ExperimentDocument document;
  lab::analyse(fsyncExperiment(), parameters(), readings, document);
  EXPECT_THAT(document.findings, Contains(AllOf(Field(&LabFinding::id, "always-costs"),
                                                Field(&LabFinding::standing, Standing::expected))));
  EXPECT_THAT(document.costs, testing::SizeIs(1));
  for (const LabTable& table : document.tables)
    for (const LabTable::Row& row : table.rows)
      for (const LabCell& cell : row.cells) EXPECT_NE(cell.text, "nan") << table.title;
}

/// `always` paused the generator for that share; a canary on its core missed it for another.
LabFinding generatorUnderAlways(double paused, double gone) {
  Readings readings;
  for (const int repeat : {1, 2})
    for (const char* const policy : {"everysec", "always"}) {
      const bool isAlways = std::string_view(policy) == "always";
      Reading reading = runOf(policy, repeat, kMillisecond, kMillisecond);
      reading.dirs.front().summary->generator.hiddenSteal = isAlways ? paused : 0.001;
      reading.record.figures = {{"generator_core_gap_share", isAlways ? gone : 0.001},
                                {"kernel_threads_share", 0.02}};
      readings.add(std::move(reading));
    }
  return findingOf(analysisOf(fsyncExperiment(), parameters(), readings), "always-generator");
}

TEST(FsyncFindings, SayWhatKeepsTheGeneratorFromItsCoreUnderAlways) {
  EXPECT_EQ(generatorUnderAlways(0.07, 0.06).standing, Standing::problem);
  EXPECT_THAT(generatorUnderAlways(0.07, 0.06).text,
              AllOf(HasSubstr("7.0% of the time"), HasSubstr("interrupts or the hypervisor")));
  EXPECT_THAT(generatorUnderAlways(0.07, 0.001).text, HasSubstr("own thread was held up"));
  EXPECT_EQ(generatorUnderAlways(0.001, 0.001).standing, Standing::plain);
}

/// Twelve blocks of slots on a machine that drifts; always takes ten times as long.
TEST(FsyncFindings, CompareSlotsOfOneBlock) {
  Readings readings;
  for (int block = 1; block <= 12; ++block)
    for (const auto& [policy, times] :
         {std::pair("no", 0.9), std::pair("everysec", 1.0), std::pair("always", 10.0)}) {
      const double us = 200 * (1 + block % 4) * times * (1 + 0.002 * block);
      readings.add(ReadingBuilder({{"part", "slots"}, {"policy", policy}}, block)
                       .figure("found_p50_us", us / 4)
                       .figure("found_p99_us", us)
                       .figure("core_lost_share", 0.1)
                       .figure("available_p99_us", us / 2)
                       .build());
    }
  const auto document = analysisOf(fsyncExperiment(), parameters(), readings);
  EXPECT_EQ(findingOf(document, "always-costs-switched").standing, Standing::expected);
  EXPECT_NEAR(figureOf(document, "write p99, always ÷ everysec, within one run"), 10, 0.01);
  EXPECT_NEAR(figureOf(document, "the same, core available"), 10, 0.01);
  // The drift is in the levels and not in the ratio.
  EXPECT_EQ(cellOf(document, "Policies that take turns", "always", "÷ everysec"), "10× [10 – 10]");
  EXPECT_EQ(cellOf(document, "Policies that take turns", "always", "slots"), "12");
}

TEST(FsyncFindings, SwitchesPoliciesWithinOneRun) {
  const auto plan = lab::planOf(fsyncExperiment(), parameters());
  ASSERT_TRUE(plan);
  const auto run = std::ranges::find(plan->runs, "switched", &LabRun::name);
  ASSERT_NE(run, plan->runs.end());
  EXPECT_THAT(run->slots.arms, testing::SizeIs(3));  // an append-only file cannot be switched off
  EXPECT_THAT(run->drives.front().flags, Contains("-duration=22800ms"));  // (12 × 3 + 2) × 0.6 s
}

/// everysec alone, and beside a writer at another p99 with so many delayed syncs.
ExperimentDocument besideAWriter(Nanos p99, double delayed) {
  Readings readings;
  for (const int repeat : {1, 2}) {
    readings.add(runOf("everysec", repeat, kMillisecond / 5, 250 * kMicrosecond));
    Reading beside = runOf("everysec", repeat, kMillisecond / 5, p99);
    beside.record.name = "writer-" + beside.record.name;
    beside.record.labels = {{"part", "writer"}, {"policy", "everysec"}};
    beside.record.figures = {{"beside_fdatasync_p50_us", 30'000},
                             {"beside_fdatasync_max_us", 900'000},
                             {"written_beside_bytes_per_s", 2e8}};
    beside.dirs.front().servers.resize(2);
    beside.dirs.front().servers[0].info["aof_delayed_fsync"] = "0";
    beside.dirs.front().servers[1].info["aof_delayed_fsync"] = std::to_string(delayed);
    readings.add(std::move(beside));
  }
  for (const auto& reading : readings.all())
    if (reading->label("part") == "rate")
      reading->record.figures = {{"beside_fdatasync_p50_us", 200},
                                 {"beside_fdatasync_max_us", 900}};
  return analysisOf(fsyncExperiment(), parameters(), readings);
}

TEST(FsyncFindings, ShowEverysecBesideSomebodyWhoWritesToTheSameDisk) {
  const LabFinding waited = findingOf(besideAWriter(50 * kMillisecond, 2), "everysec-competitor");
  EXPECT_EQ(waited.standing, Standing::expected);
  EXPECT_THAT(waited.text, AllOf(HasSubstr("4 syncs took longer than two seconds"),
                                 HasSubstr("30 ms at the median"), HasSubstr("takes 900 ms")));
  const LabFinding idle = findingOf(besideAWriter(250 * kMicrosecond, 0), "everysec-competitor");
  EXPECT_EQ(idle.standing, Standing::inconclusive);
  EXPECT_THAT(idle.text, HasSubstr("was never in effect"));
}

TEST(FsyncFindings, NameTheSyncsThatRedisFoundLong) {
  EXPECT_THAT(analysed(0).findings,
              Not(Contains(Field(&LabFinding::text, HasSubstr("long syncs in")))));
  EXPECT_THAT(
      analysed(145 * kMillisecond).findings,
      Contains(Field(&LabFinding::text, HasSubstr("long syncs in 1 of 2 runs, at most 145 ms"))));
}

}  // namespace
}  // namespace redline::fsync_test
