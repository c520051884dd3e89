// What the findings of ceiling make of runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/catalog.h"
#include "lab/study.h"
#include "rundir/hlog.h"
#include "unit/lab/experiment_parameters.h"

namespace redline {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

constexpr double kCeiling = 100'000;
constexpr std::string_view kUnderLoad = "p99";

Parameters parameters() {
  return quickParametersOf(ceilingExperiment());
}

ServerSample sampleOf(double commands, double usOfEach) {
  ServerSample sample;
  sample.info["total_commands_processed"] = std::to_string(commands);
  sample.info["total_reads_processed"] = std::to_string(commands);
  sample.info["used_cpu_sys_main_thread"] = std::to_string(commands * usOfEach * 0.75e-6);
  sample.info["used_cpu_user_main_thread"] = std::to_string(commands * usOfEach * 0.25e-6);
  return sample;
}

/// Ten intervals of 100 ms at 80k/s: two of them slow, at 13 µs of main thread a command, the
/// others at 9, and in these two other threads have its core for 5 ms, else for 0.1.
void addIntervals(RunDir& dir) {
  constexpr double kCommands = 8000;
  double seconds = 0, waited = 0;
  dir.servers.clear();
  for (int i = 0; i <= 10; ++i) {
    const Nanos at = i * 100 * kMillisecond;
    ServerSample sample;
    sample.at = at;
    sample.info["total_commands_processed"] = std::to_string(i * kCommands);
    sample.info["total_reads_processed"] = std::to_string(i * kCommands);
    sample.info["used_cpu_sys_main_thread"] = std::to_string(seconds);
    sample.info["used_cpu_user_main_thread"] = "0";
    sample.info["waiting_for_core_main_thread"] = std::to_string(waited);
    dir.servers.push_back(sample);
    const bool slow = i == 4 || i == 5;
    seconds += kCommands * (slow ? 13e-6 : 9e-6);
    waited += slow ? 5e-3 : 1e-4;
    if (i == 10) break;
    Histogram histogram;
    histogram.record(slow ? 20 * kMillisecond : kMillisecond / 4, 100);
    dir.latency.lines.push_back({"response", at, 100 * kMillisecond, encodeCompressed(histogram)});
    IntervalRow row;
    row.start = at;
    row.end = at + 100 * kMillisecond;
    dir.intervals.push_back(row);
  }
}

/// A second at `achieved` operations/s, `offered` of them in the open model, 0 in the closed one.
Reading runOf(std::string_view part, std::string_view which, int repeat, double offered,
              double achieved, double p99Us) {
  Summary summary;
  summary.rate.target = offered;
  summary.rate.achieved = achieved;
  summary.rate.overloaded = achieved < 0.97 * offered;
  LatencyFigures figures;
  figures.count = 1000;
  figures.p99 = p99Us + repeat;  // repeats scatter, or there would be no interval
  for (const char* const measure : {"response", "service", "lateness", "dispatch"})
    summary.latency[measure]["all"] = figures;
  summary.generator.meanBatch = 1;
  ServerFigures server;
  server.mainThreadUtilisation = offered == 0 ? 0.99 : 0.9;
  summary.servers = {server};
  RunDir dir;
  dir.servers = {sampleOf(0, 0), sampleOf(achieved, 9)};
  if (part == kUnderLoad) addIntervals(dir);
  dir.summary = std::move(summary);
  Reading reading;
  reading.record.name =
      std::string(part) + "-" + std::string(which) + "-r" + std::to_string(repeat);
  reading.record.labels = {{"part", std::string(part)}, {"case", std::string(which)}};
  if (part == kUnderLoad) reading.record.figures = {{"core_gaps_window_s", 1}};
  reading.dirs.push_back(std::move(dir));
  return reading;
}

struct UnderLoad {
  double achieved = 0.8 * kCeiling;
  double p99Us = 5000;
  std::string gapsUs = {};
};

ExperimentDocument analysed(const UnderLoad& load) {
  Readings readings;
  for (const int repeat : {1, 2, 3}) {
    readings.add(runOf("closed", "small-b0", repeat, 0, kCeiling + repeat, 500));
    readings.add(runOf("reference", "small-b0", repeat, 0, kCeiling + repeat, 500));
    Reading loaded =
        runOf(kUnderLoad, "small-b0", repeat, 0.8 * kCeiling, load.achieved, load.p99Us);
    loaded.record.notes = {{"core_gaps_us", load.gapsUs}};
    readings.add(std::move(loaded));
  }
  const Parameters p = parameters();
  ExperimentDocument document;
  document.predictions = lab::predictionsOf(ceilingExperiment(), p);
  lab::analyse(ceilingExperiment(), p, readings, document);
  return document;
}

auto saying(std::string_view text) {
  return Contains(Field(&LabFinding::text, HasSubstr(std::string(text))));
}

TEST(CeilingFindings, JudgeP99UnderLoadByItsInterval) {
  const auto missed = analysed({});
  EXPECT_THAT(missed.slo, Contains(AllOf(Field(&SloOutcome::id, "read-p99-at-80"),
                                         Field(&SloOutcome::verdict, SloVerdict::missed))));
  EXPECT_THAT(missed.findings, saying("The main thread is 90.0% busy there"));
  const auto met = analysed({.p99Us = 300});
  EXPECT_THAT(met.slo, Contains(AllOf(Field(&SloOutcome::id, "read-p99-at-80"),
                                      Field(&SloOutcome::verdict, SloVerdict::met))));
}

// A pause of 10 ms in each second, at 90%: p99 is 10 ms less 1% of a tenth of a second.
TEST(CeilingFindings, HoldP99AgainstWhatTheIdleCoresPausesMakeOfIt) {
  const auto mostly = analysed({.p99Us = 10'000, .gapsUs = "10000"});
  EXPECT_THAT(mostly.findings, saying("has a p99 of 9 ms or more, 90.0% of what was measured: the "
                                      "machine's pauses make most of it"));
  EXPECT_THAT(analysed({.p99Us = 40'000, .gapsUs = "10000"}).findings, saying("make a part of it"));
  EXPECT_THAT(analysed({.p99Us = 40'000, .gapsUs = "60 50"}).findings, saying("do not explain it"));
}

TEST(CeilingFindings, SayWhereASlowCoreHadNoRoomLeft) {
  const auto document = analysed({});
  EXPECT_THAT(document.findings, saying("In 20.0% of 30 intervals of 100 ms the main thread was "
                                        "95% busy or more"));
  EXPECT_THAT(document.findings, saying("Half of the intervals have a p99 of 250 µs or less, a "
                                        "tenth of 20 ms or more"));
}

TEST(CeilingFindings, SayWhatOtherThreadsOnRedissCoreMadeOfP99) {
  EXPECT_THAT(
      analysed({}).findings,
      saying("for 1.08 ms an interval; in 6 of 30 intervals of 100 ms for 500 µs or more. "
             "Half of those have a p99 of 20 ms or less, half of the others of 250 µs: with "
             "a core of its own most of the time would be within 1 ms"));
}

// A server that keeps to the level up to `limit`: each search closes in on its own limit.
TEST(CeilingFindings, GiveTheHighestRateUnderTheLevelAnIntervalOfItsSearches) {
  const Parameters p = parameters();
  Readings readings;
  for (const int repeat : {1, 2})
    readings.add(runOf("closed", "small-b0", repeat, 0, kCeiling + repeat, 500));
  for (int search = 1; search <= 2; ++search) {
    const double limit = search == 1 ? 70e3 : 80e3;
    for (const double rate : {67.5e3, 86e3, 76.9e3}) {
      Reading probe = runOf("probe", "small-b0", 1, rate, rate, rate <= limit ? 300 : 3000);
      probe.record.labels.emplace_back("search", std::to_string(search));
      readings.add(std::move(probe));
    }
  }
  ExperimentDocument document;
  lab::analyse(ceilingExperiment(), p, readings, document);
  // 67.5k and 76.9k were met, 76.9k and 86k missed: their geometric means.
  EXPECT_THAT(document.findings, saying("GET 100 B, per command: p99<1ms holds up to 72k/s ["));
  EXPECT_THAT(document.findings, saying("and no longer at 81.3k/s ["));
  EXPECT_THAT(document.figures,
              Contains(Field(&LabFigure::what, HasSubstr("highest rate of GET 100 B"))));
}

TEST(CeilingFindings, SayHowManySearchesFoundARate) {
  Readings readings;
  readings.add(runOf("closed", "small-b0", 1, 0, kCeiling, 500));
  for (const char* const search : {"1", "2"}) {
    Reading probe = runOf("probe", "small-b0", 1, 67.5e3, 67.5e3, *search == '1' ? 300 : 3000);
    probe.record.labels.emplace_back("search", search);
    readings.add(std::move(probe));
  }
  ExperimentDocument document;
  lab::analyse(ceilingExperiment(), parameters(), readings, document);
  EXPECT_THAT(document.findings, saying("in 1 of 2 searches"));
}

TEST(CeilingFindings, SayWhereNoRateKeptToTheLevel) {
  Readings readings;
  readings.add(runOf("closed", "small-b0", 1, 0, kCeiling, 500));
  for (const double rate : {67.5e3, 48.75e3}) {
    Reading probe = runOf("probe", "small-b0", 1, rate, rate, 3000);
    probe.record.labels.emplace_back("search", "1");
    readings.add(std::move(probe));
  }
  ExperimentDocument document;
  lab::analyse(ceilingExperiment(), parameters(), readings, document);
  EXPECT_THAT(document.findings, saying("p99<1ms was missed at every rate that was tried, down to "
                                        "48.8k/s, 48.8% of the closed model's ceiling"));
}

struct PeerSays {
  double rate = 0;
  double busy = 1;
};

/// redis-benchmark without batches, beside ours at 100k/s.
ExperimentDocument besidePeer(const PeerSays& says) {
  Readings readings;
  for (const int repeat : {1, 2}) {
    readings.add(runOf("beside", "small-b0", repeat, 0, kCeiling + repeat, 500));
    Reading peer;
    peer.record.name = "peer-r" + std::to_string(repeat);
    peer.record.labels = {{"part", "peer"}, {"case", "benchmark-get-b1"}};
    peer.record.figures = {{"rate_ops", says.rate + repeat},
                           {"p50_us", 300},
                           {"p99_us", 600},
                           {"server_busy", says.busy},
                           {"kernel_us_per_command", 8},
                           {"user_us_per_command", 2},
                           {"hit_share", 0.98}};
    readings.add(std::move(peer));
  }
  ExperimentDocument document;
  lab::analyse(ceilingExperiment(), parameters(), readings, document);
  return document;
}

TEST(CeilingFindings, SayWhyAPeersCeilingIsNotOurs) {
  EXPECT_THAT(besidePeer({.rate = 80e3, .busy = 0.8}).findings,
              saying("with Redis only 80.0% busy: that is its own ceiling and not the server's"));
  const auto slower = besidePeer({.rate = 80e3});
  EXPECT_THAT(slower.findings, saying("both saturate Redis; a command costs it 10 µs ["));
  EXPECT_THAT(besidePeer({.rate = kCeiling}).findings,
              saying("both saturate Redis, and do not differ; a command costs"));
}

TEST(CeilingFindings, SayThatTheOpenModelDoesNotGetThroughWhatWasOffered) {
  EXPECT_THAT(analysed({.achieved = 0.6 * kCeiling}).findings,
              saying("were completed, 75.0% of what was offered"));
  EXPECT_THAT(analysed({}).findings, Not(saying("of what was offered")));
}

}  // namespace
}  // namespace redline
