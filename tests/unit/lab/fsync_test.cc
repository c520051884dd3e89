// What the findings of fsync make of runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "lab/catalog.h"
#include "lab/study.h"
#include "rundir/hlog.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"

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

TEST(FsyncFindings, NameTheSyncsThatRedisFoundLong) {
  EXPECT_THAT(analysed(0).findings,
              Not(Contains(Field(&LabFinding::text, HasSubstr("long syncs in")))));
  EXPECT_THAT(
      analysed(145 * kMillisecond).findings,
      Contains(Field(&LabFinding::text, HasSubstr("long syncs in 1 of 2 runs, at most 145 ms"))));
}

}  // namespace
}  // namespace redline::fsync_test
