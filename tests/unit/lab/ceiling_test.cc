// What the findings of ceiling make of runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/catalog.h"
#include "lab/ceiling.h"
#include "lab/study.h"
#include "rundir/hlog.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::ceiling_test {
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
  return analysisOf(ceilingExperiment(), parameters(), readings);
}

TEST(CeilingFindings, JudgeP99UnderLoadByItsInterval) {
  const auto missed = analysed({});
  EXPECT_THAT(missed.slo, Contains(AllOf(Field(&SloOutcome::id, "read-p99-at-80"),
                                         Field(&SloOutcome::verdict, SloVerdict::missed))));
  EXPECT_THAT(missed.findings,
              finds("p99-under-load", Standing::contradicts, "5 ms [", "90.0% busy"));
  const auto met = analysed({.p99Us = 300});
  EXPECT_THAT(met.slo, Contains(AllOf(Field(&SloOutcome::id, "read-p99-at-80"),
                                      Field(&SloOutcome::verdict, SloVerdict::met))));
  EXPECT_THAT(met.findings, finds("p99-under-load", Standing::expected, "302 µs ["));
}

// A pause of 10 ms in each second, at 90%: p99 is 10 ms less 1% of a tenth of a second.
TEST(CeilingFindings, HoldP99AgainstWhatTheIdleCoresPausesMakeOfIt) {
  const auto mostly = analysed({.p99Us = 10'000, .gapsUs = "10000"});
  EXPECT_THAT(mostly.findings,
              finds("idle-core", Standing::plain, "9 ms or more", "90.0% of", "make most of it"));
  EXPECT_THAT(analysed({.p99Us = 40'000, .gapsUs = "10000"}).findings,
              finds("idle-core", Standing::plain, "22.5% of", "make a part of it"));
  EXPECT_THAT(analysed({.p99Us = 40'000, .gapsUs = "60 50"}).findings,
              finds("idle-core", Standing::plain, "do not explain it"));
}

TEST(CeilingFindings, SayWhereASlowCoreHadNoRoomLeft) {
  EXPECT_THAT(analysed({}).findings, finds("slow-spells", Standing::plain, "20.0% of the intervals",
                                           "95% busy", "250 µs or less", "20 ms or more"));
}

TEST(CeilingFindings, SayWhatOtherThreadsOnRedissCoreMadeOfP99) {
  EXPECT_THAT(analysed({}).findings,
              finds("without-core", Standing::plain, "1.08 ms of an interval", "6 of 30 intervals",
                    "20 ms or less", "250 µs or less", "mostly stay within 1 ms"));
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
  EXPECT_THAT(document.findings, finds("highest-rate-small-b0", Standing::plain, "GET 100 B",
                                       "p99<1ms", "72k/s [", "81.3k/s ["));
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
  EXPECT_THAT(document.findings,
              finds("highest-rate-small-b0", Standing::plain, "1 of 2 searches"));
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
  EXPECT_THAT(document.findings, finds("no-rate-small-b0", Standing::problem, "p99<1ms",
                                       "down to 48.8k/s", "48.8% of"));
}

struct PeerSays {
  double rate = 0;
  double busy = 1;
  double others = kNaN;  ///< share of the server's core that other processes had beside our run
};

/// redis-benchmark without batches, beside ours at 100k/s.
ExperimentDocument besidePeer(const PeerSays& says) {
  Readings readings;
  for (const int repeat : {1, 2}) {
    Reading ours = runOf("beside", "small-b0", repeat, 0, kCeiling + repeat, 500);
    ours.record.figures = {{kOthersOnServerCore, says.others}};
    readings.add(std::move(ours));
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
  constexpr std::string_view kId = "peer-benchmark-get-b1";
  EXPECT_THAT(besidePeer({.rate = 80e3}).findings,
              finds(kId, Standing::plain, "80k/s [", "100k/s [", "Both saturate", "10 µs ["));
  EXPECT_THAT(besidePeer({.rate = kCeiling}).findings,
              finds(kId, Standing::plain, "Both saturate", "do not differ"));
}

TEST(CeilingFindings, CallAPeersCeilingItsOwnOnlyWhereTheServersCoreWasFree) {
  constexpr std::string_view kId = "peer-benchmark-get-b1";
  const PeerSays own{.rate = 80e3, .busy = 0.65, .others = 0.02};
  EXPECT_THAT(besidePeer(own).findings,
              finds(kId, Standing::plain, "65.0% busy", "that is its own ceiling"));
  const PeerSays disturbed{.rate = 80e3, .busy = 0.65, .others = 0.3};
  EXPECT_THAT(besidePeer(disturbed).findings,
              finds(kId, Standing::plain, "65.0% busy", "30.0% of the time", "neither its own"));
}

TEST(CeilingPeers, AreBoundByTheServerItsCoreOrThemselves) {
  using lab::ceiling::Bound;
  using lab::ceiling::boundOf;
  EXPECT_EQ(boundOf(0.95, 0.02), Bound::server);
  EXPECT_EQ(boundOf(0.65, 0.30), Bound::sharedCore);
  EXPECT_EQ(boundOf(0.65, 0.02), Bound::generator);
  EXPECT_EQ(boundOf(0.65, kNaN), Bound::generator);
}

TEST(Ceiling, IsRedissWhereItUsedWhatOthersLeftOfItsCore) {
  using lab::ceiling::limitOf;
  EXPECT_TRUE(limitOf(0.99, 0.5, kNaN).isServer);
  EXPECT_TRUE(limitOf(0.92, 0.5, 0).isServer);
  EXPECT_FALSE(limitOf(0.8, 0.5, kNaN).isServer);
  EXPECT_FALSE(limitOf(0.8, 0.5, 0.02).isServer);
  EXPECT_FALSE(limitOf(0.8, 0.99, 0.02).isServer);
  const auto shared = limitOf(0.8, 0.5, 0.16);
  EXPECT_TRUE(shared.isServer);
  EXPECT_THAT(shared.text, testing::HasSubstr("80.0% busy: 95.2% of the time that other"));
}

/// The closed model with these main-thread times of a command; rates are their inverses.
Readings closedRuns(const std::vector<std::pair<std::string, double>>& usOf) {
  Readings readings;
  for (const auto& [which, us] : usOf)
    for (const int repeat : {1, 2, 3}) {
      Reading run = runOf("closed", which, repeat, 0, 1e6 / us + repeat, 500);
      run.dirs.front().servers = {sampleOf(0, 0), sampleOf(1e6, us)};
      readings.add(std::move(run));
    }
  return readings;
}

ExperimentDocument ceilingsOf(const std::vector<std::pair<std::string, double>>& usOf) {
  ExperimentDocument document;
  lab::analyse(ceilingExperiment(), parameters(), closedRuns(usOf), document);
  return document;
}

TEST(CeilingFindings, SayWhatOneShardReachesAndWhatStopsIt) {
  const auto document = ceilingsOf({{"small-b0", 8}, {"small-b16", 2}});
  EXPECT_THAT(document.findings,
              finds("batch-ceiling", Standing::expected, "Batches of 16", "by 4× [", "500k/s [",
                    "from 6.00 to 1.50 µs", "from 2.00 to 0.50 µs"));
  EXPECT_THAT(document.slo, Contains(AllOf(Field(&SloOutcome::id, "get-ceiling"),
                                           Field(&SloOutcome::verdict, SloVerdict::reported),
                                           Field(&SloOutcome::measured, HasSubstr("125k/s [")))));
  EXPECT_THAT(document.slo, Contains(AllOf(Field(&SloOutcome::id, "get-ceiling-batch16"),
                                           Field(&SloOutcome::measured, HasSubstr("4× [")))));
  EXPECT_THAT(document.predictions.front().measured, testing::DoubleNear(125e3, 10));
}

TEST(CeilingFindings, HoldAnAblationAgainstTheSameReadsWithoutIt) {
  const auto document = ceilingsOf(
      {{"unix-b16", 1}, {"small-b16", 2}, {"unix-b0", 4}, {"small-b0", 8}, {"large-b0", 10}});
  const auto table =
      std::ranges::find(document.tables, "Ablation: one thing changed at a time", &LabTable::title);
  ASSERT_NE(table, document.tables.end());
  const auto row = [](const char* against, const char* us, const char* before, const char* shows) {
    const auto text = [](const auto& matcher) { return Field(&LabCell::text, matcher); };
    return Field(&LabTable::Row::cells,
                 testing::ElementsAre(testing::_, text(against), text(HasSubstr("×")), text(us),
                                      text(before), text(HasSubstr(shows))));
  };
  EXPECT_THAT(table->rows,
              testing::ElementsAre(row("GET 100 B, per command", "4.00", "8.00", "50.0%"),
                                   row("GET 100 B, batch 16", "1.00", "2.00", "50.0%"),
                                   row("GET 100 B, per command", "2.00", "8.00", "6.00 µs"),
                                   row("GET 100 B, per command", "10.00", "8.00", "+2.00 µs")));
}

TEST(CeilingFindings, GiveThePriceOfTlsAsARatio) {
  const auto document =
      ceilingsOf({{"small-b0", 8}, {"tls-b0", 10}, {"small-b16", 2}, {"tls-b16", 4}});
  EXPECT_THAT(document.findings, finds("tls-price", Standing::expected, "0.8× [", "0.5× [",
                                       "100k/s [", "250k/s [", "10.00 µs with it", "8.00 µs"));
  EXPECT_THAT(
      document.figures,
      Contains(AllOf(
          Field(&LabFigure::what, "ceiling of GET 100 B, per command with TLS ÷ without"),
          Field(&LabFigure::unit, "x"), Field(&LabFigure::value, testing::DoubleNear(0.8, 1e-3)))));
  EXPECT_EQ(findingOf(ceilingsOf({{"small-b0", 8}}), "tls-price").text, "");
}

// The arms that are compared have the same flags but for TLS, and servers of their own.
TEST(CeilingPlan, MeasuresTlsInTurnWithPlainRuns) {
  const auto plan = lab::planOf(ceilingExperiment(), parameters());
  ASSERT_TRUE(plan);
  const auto run = [&](std::string_view name) {
    return std::ranges::find(plan->runs, name, &LabRun::name);
  };
  const auto plain = run("closed-small-b0-r1"), tls = run("closed-tls-b0-r1");
  ASSERT_NE(plain, plan->runs.end());
  ASSERT_NE(tls, plan->runs.end());
  Flags flags = tls->drives.front().flags;
  EXPECT_EQ(std::erase_if(flags, [](const auto& flag) { return flag.starts_with("-tls"); }), 2U);
  EXPECT_EQ(flags, plain->drives.front().flags);
  EXPECT_LT(std::abs(tls - plain), 12);  // within one block
  const auto servers = std::ranges::find(plan->stacks, tls->stack, &LabStack::name);
  ASSERT_NE(servers, plan->stacks.end());
  EXPECT_THAT(servers->up, Contains("-tls"));
}

// Two cores: one is Redis's and one the generator's.
TEST(CeilingFindings, SayThatIoThreadsWereNotAttempted) {
  const auto plan = lab::planOf(ceilingExperiment(), parameters());
  ASSERT_TRUE(plan);
  Readings readings;
  for (const LabRun& run : plan->runs) {
    const bool hasThreads = run.stack == "threads";
    EXPECT_EQ(run.leastCpus, hasThreads ? 3U : 0U) << run.name;
    if (!hasThreads) continue;
    Reading reading;
    reading.record.name = run.name;
    reading.record.labels = run.labels;
    reading.record.state = RunState::skipped;
    reading.record.reason = "it needs 3 CPUs, and the lab has 2";
    readings.add(std::move(reading));
  }
  const auto document = analysisOf(ceilingExperiment(), parameters(), readings);
  EXPECT_THAT(findingOf(document, "io-threads-not-attempted").text,
              HasSubstr("it needs 3 CPUs, and the lab has 2"));
  EXPECT_EQ(findingOf(analysed({}), "io-threads-not-attempted").text, "");
}

// Twelve blocks at least; then until p99 is known to a tenth, or there are no more.
TEST(CeilingFindings, StopWhereP99IsKnownWellEnough) {
  const auto overrides = *parseOverrides("p99-repeat=20");
  const auto p = parametersOf(ceilingExperiment(), Profile::quick, overrides);
  ASSERT_TRUE(p);
  const auto plan = lab::planOf(ceilingExperiment(), *p);
  ASSERT_TRUE(plan);
  const auto flagsOf = [&](std::string_view name, double scatter) {
    Readings readings;
    for (int repeat = 1; repeat <= 12; ++repeat) {
      Reading loaded = runOf(kUnderLoad, "small-b0", repeat, 0.8 * kCeiling, 0.8 * kCeiling, 900);
      loaded.record.figures.emplace_back("available_p99_us", 600 * (1 + scatter * (repeat % 4)));
      readings.add(std::move(loaded));
      readings.add(runOf("reference", "small-b0", repeat, 0, kCeiling, 500));
    }
    const auto run = std::ranges::find(plan->runs, name, &LabRun::name);
    EXPECT_NE(run, plan->runs.end()) << name;
    const auto& drive = run->drives.front();
    return drive.decide ? drive.decide(readings) : std::optional(drive.flags);
  };
  EXPECT_TRUE(flagsOf("p99-small-b0-r12", 0));
  EXPECT_FALSE(flagsOf("p99-small-b0-r13", 0.001));
  EXPECT_FALSE(flagsOf("reference-small-b0-r15", 0.001));
  EXPECT_TRUE(flagsOf("p99-small-b0-r13", 0.5));
  EXPECT_TRUE(flagsOf("reference-small-b0-r15", 0.5));
}

// One limit, two estimands: what was found, and what intervals with their cores had.
TEST(CeilingFindings, JudgeTheLimitWithTheCoreAvailableToo) {
  Readings readings;
  for (int repeat = 1; repeat <= 6; ++repeat) {
    Reading loaded = runOf(kUnderLoad, "small-b0", repeat, 0.8 * kCeiling, 0.8 * kCeiling, 5000);
    loaded.record.figures.emplace_back("core_lost_share", 0.2);
    loaded.record.figures.emplace_back("available_p99_us", 600 + repeat);
    readings.add(std::move(loaded));
  }
  const auto document = analysisOf(ceilingExperiment(), parameters(), readings);
  ASSERT_THAT(document.slo, testing::SizeIs(1));
  EXPECT_EQ(document.slo[0].verdict, SloVerdict::missed);
  EXPECT_THAT(document.slo[0].measured, HasSubstr("6 of 6 runs above 1 ms"));
  EXPECT_EQ(document.slo[0].availableVerdict, SloVerdict::met);
  EXPECT_THAT(document.slo[0].availableMeasured, HasSubstr("6 of 6 runs below 1 ms"));
}

TEST(CeilingFindings, SayThatTheOpenModelDoesNotGetThroughWhatWasOffered) {
  EXPECT_THAT(analysed({.achieved = 0.6 * kCeiling}).findings,
              finds("overload-small-b0", Standing::problem, "60k/s [", "75.0% of"));
  EXPECT_THAT(analysed({}).findings, Not(Contains(Field(&LabFinding::id, "overload-small-b0"))));
}

}  // namespace
}  // namespace redline::ceiling_test
