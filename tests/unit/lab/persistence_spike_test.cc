// What persistence-spike concludes from runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lab/catalog.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::persistence_spike_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// One fork: p99 is 0.5 ms before, `peak` in the fork's interval and `during` in the 20 intervals
/// in which its child writes.
struct Fork {
  std::string fault, child;
  Nanos peak, during;
  Nanos late = 0;  ///< the generator's own lateness while the child writes
  double forkUs = 18'000;
  double waiting = 0;               ///< share of the time that the main thread had no core
  Nanos before = kMillisecond / 2;  ///< p99 of one of the intervals before
};

constexpr int kFork = 10, kEnd = 31;

Reading runOf(const Fork& fork, int repeat) {
  ReadingBuilder run(Labels{{"fault", fork.fault}, {"child", fork.child}}, repeat, 40);
  const auto isDuring = [](int i) { return i > kFork && i < kEnd; };
  run.response([&](int i) {
       if (i == kFork) return fork.peak + repeat * 10 * kMicrosecond;
       if (i == 3) return fork.before;
       return isDuring(i) ? fork.during + repeat * kMicrosecond : kMillisecond / 2;
     })
      .dispatch([&](int i) { return isDuring(i) ? fork.late + 1000 : Nanos{1000}; })
      .sampled("minor_faults",
               [&](int i) {
                 const int written = std::clamp(i - kFork, 0, kEnd - kFork);
                 return 10.0 * i + 490.0 * written + (written % 2) * 20.0;
               })
      // 5% of the core, and 2 µs for each further fault.
      .sampled(
          "used_cpu_sys_main_thread",
          [&](int i) { return 0.005 * i + 490 * 2e-6 * std::clamp(i - kFork, 0, kEnd - kFork); })
      .sampled("waiting_for_core_main_thread",
               [&](int i) { return fork.waiting * 0.1 * std::clamp(i - kFork, 0, kEnd - kFork); })
      .sampled("used_memory_rss", [](int) { return 1e9; })
      .stall(1.05, 20 * kMillisecond)
      .fault(fork.fault, 1.05, 3.1, {{"fork_us", fork.forkUs + repeat}, {"cow_peak_bytes", 2e8}})
      .figure("fdatasync_p50_us", 100)
      .figure("fdatasync_p99_us", 200);
  return run.build();
}

std::vector<Reading> twice(const std::vector<Fork>& forks) {
  std::vector<Reading> runs;
  for (const int repeat : {1, 2})
    for (const Fork& fork : forks) runs.push_back(runOf(fork, repeat));
  return runs;
}

ExperimentDocument analysed(const std::vector<Reading>& runs) {
  return analysisOf(persistenceSpikeExperiment(), quickParametersOf(persistenceSpikeExperiment()),
                    readingsOf(runs));
}

/// The child on the server's core hurts p99 ten times as much; both forks alike.
std::vector<Fork> clear() {
  return {{"bgsave", "server", 40 * kMillisecond, 10 * kMillisecond},
          {"bgsave", "generator", 20 * kMillisecond, kMillisecond},
          {"aof-rewrite", "server", 40 * kMillisecond, 10 * kMillisecond},
          {"aof-rewrite", "generator", 20 * kMillisecond, kMillisecond}};
}

TEST(PersistenceSpike, MeasuresTheSpikeOfEachForkOnEachCore) {
  const auto document = analysed(twice(clear()));
  EXPECT_NEAR(figureOf(document, "peak p99, BGSAVE, child on the server's core"), 40'015, 40);
  EXPECT_NEAR(figureOf(document, "peak p99, BGSAVE, child on the generator's core"), 20'015, 20);
  EXPECT_NEAR(figureOf(document, "fork, AOF rewrite, child on the server's core"), 18'001.5, 0.1);
  const auto cell = [&](std::string_view title, std::string_view head) {
    return cellOf(document, title, "BGSAVE, child on the server's core", head);
  };
  EXPECT_EQ(cell("What a fork", "spike lasted"), "2.1 s");
  EXPECT_EQ(cell("What a fork", "time with p99 > 1 ms"), "2.1 s");
  EXPECT_EQ(cell("What a fork", "child wrote for"), "2.05 s");
  EXPECT_EQ(cell("What a fork", "longest stall"), "20 ms");
  EXPECT_EQ(cell("What a fork", "of the generator"), "0.0%");
  EXPECT_EQ(cell("Copy on write", "share of it"), "20.0%");
  EXPECT_EQ(cell("Copy on write", "minor faults/s before"), "100");
  for (const std::string_view id : {"spike-bgsave", "spike-aof-rewrite"}) {
    EXPECT_EQ(findingOf(document, id).standing, Standing::expected) << id;
    EXPECT_TRUE(findingOf(document, id).headline) << id;
    EXPECT_THAT(findingOf(document, id).runs, SizeIs(4)) << id;
  }
  EXPECT_EQ(findingOf(document, "disk").standing, Standing::plain);
  EXPECT_THAT(document.plots, SizeIs(3));
  EXPECT_TRUE(document.plots.at(0).series.at(0).heat);
  EXPECT_THAT(document.plots.at(0).spans, SizeIs(1)) << "the child's life";
  ASSERT_THAT(document.slo, SizeIs(1));
  EXPECT_EQ(document.slo[0].verdict, SloVerdict::reported);
  EXPECT_THAT(document.slo[0].measured,
              AllOf(HasSubstr("server's core: 40 ms"), HasSubstr("for 2.1 s")));
  EXPECT_THAT(document.slo[0].runs, SizeIs(8));
}

TEST(PersistenceSpike, TellsWhichCoreTheChildShouldHave) {
  const auto document = analysed(twice(clear()));
  EXPECT_EQ(findingOf(document, "child-core-bgsave").standing, Standing::expected);
  EXPECT_THAT(document.decisions, testing::ElementsAre(testing::Field(
                                      &LabDecision::action, HasSubstr("bgsave_cpulist"))));
  EXPECT_THAT(document.answer, testing::StartsWith("BGSAVE raises p99 to "));
  EXPECT_THAT(document.recommendations,
              Contains(AllOf(HasSubstr("bgsave_cpulist"), HasSubstr("Redis's"))));
}

// A maximum against a maximum, and not against the median interval.
TEST(PersistenceSpike, GainsWhatTheWorstIntervalBeforeLeaves) {
  auto forks = clear();
  for (Fork& fork : forks) fork.before = 5 * kMillisecond;
  const auto document = analysed(twice(forks));
  ASSERT_THAT(document.decisions, SizeIs(1));
  EXPECT_NEAR(document.decisions[0].gain, 8, 0.1);
}

// p99 with the child on the generator's core is then the generator's own.
TEST(PersistenceSpike, TellsItByTheServersWaitsWhereTheGeneratorWasLate) {
  auto forks = clear();
  for (Fork& fork : forks)
    if (fork.child == "generator")
      fork.late = 4 * kMillisecond;
    else
      fork.waiting = 0.4;
  for (Fork& fork : forks)
    if (fork.child == "generator") fork.during = 5 * kMillisecond;
  const auto document = analysed(twice(forks));
  EXPECT_EQ(findingOf(document, "child-core-bgsave").standing, Standing::plain);
  EXPECT_THAT(document.recommendations,
              Contains(AllOf(HasSubstr("aof_rewrite_cpulist"), HasSubstr("40.0%"))));
  EXPECT_EQ(
      cellOf(document, "What a fork", "BGSAVE, child on the generator's core", "of the generator"),
      "100.0%");
}

TEST(PersistenceSpike, SaysWhatSchedIdleMakesOfTheChildOnRedissCore) {
  auto forks = clear();
  forks.push_back({"bgsave", "idle", 20 * kMillisecond, kMillisecond});
  const auto document = analysed(twice(forks));
  EXPECT_EQ(findingOf(document, "child-idle").standing, Standing::expected);
  EXPECT_THAT(findingOf(document, "child-idle").text, HasSubstr("instead of 10 ms"));
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("chrt --idle")));
  EXPECT_EQ(findingOf(analysed(twice(clear())), "child-idle").text, "");
}

TEST(PersistenceSpike, SaysWhatACopiedPageCosts) {
  const auto document = analysed(twice(clear()));
  EXPECT_THAT(findingOf(document, "copied-pages-bgsave").text,
              AllOf(HasSubstr("from 100/s to 5k/s"), HasSubstr("2 µs of system time"),
                    HasSubstr("too little")));
  EXPECT_EQ(
      cellOf(document, "Copy on write", "BGSAVE, child on the server's core", "of the main thread"),
      "1.0%");
}

/// An idle server's fork: 5 ms, and 30 ms a GB.
Reading sizeOf(const std::string& keys, double gb, int repeat) {
  return ReadingBuilder(Labels{{"part", "sizes"}, {"keys", keys}}, repeat)
      .figure("idle_fork_resident_bytes", gb * 1024 * 1024 * 1024)
      .figure("idle_fork_us", 5'000 + 30'000 * gb + 10 * repeat)
      .build();
}

TEST(PersistenceSpike, ForetellsTheForkOfALargeServer) {
  auto runs = twice(clear());
  for (const int repeat : {1, 2}) {
    double gb = 0.1;
    for (const char* const keys : {"200k", "400k", "800k", "1200k", "2M"})
      runs.push_back(sizeOf(keys, gb *= 1.5, repeat));
  }
  const auto document = analysed(runs);
  EXPECT_NEAR(figureOf(document, "fork of a server of 20 GB, forecast"), 605'015, 500);
  EXPECT_THAT(findingOf(document, "fork-by-size").text, HasSubstr("30 ms a GB"));
  EXPECT_EQ(cellOf(document, "How long a fork", "2M keys", "resident"), "778 MB");
  EXPECT_THAT(document.plots, SizeIs(4));
}

TEST(PersistenceSpike, SaysWhereTheForkLeavesNoSpike) {
  auto forks = clear();
  for (Fork& fork : forks) fork.peak = fork.during = kMillisecond / 2;
  const auto document = analysed(twice(forks));
  EXPECT_EQ(findingOf(document, "spike-bgsave").standing, Standing::contradicts);
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("keeps p99 below 1 ms")));
  EXPECT_THAT(document.decisions, IsEmpty());
}

// Without intervals nothing is said about intervals above 1 ms.
TEST(PersistenceSpike, RecommendsNothingFromRunsWithoutASeriesOfP99) {
  auto runs = twice(clear());
  for (Reading& run : runs) run.dirs.front().latency.lines.clear();
  const auto document = analysed(runs);
  EXPECT_THAT(document.recommendations, IsEmpty());
  EXPECT_EQ(findingOf(document, "spike-bgsave").standing, Standing::problem);
  for (const std::string_view head : {"time with p99 > 1 ms", "spike lasted", "peak p99"})
    EXPECT_EQ(cellOf(document, "What a fork", "BGSAVE, child on the server's core", head), "–")
        << head;
}

TEST(PersistenceSpike, ComparesARewriteWithASnapshot) {
  EXPECT_EQ(findingOf(analysed(twice(clear())), "rewrite-like-bgsave").standing,
            Standing::expected);
  auto forks = clear();
  forks[3].peak = 60 * kMillisecond;
  EXPECT_EQ(findingOf(analysed(twice(forks)), "rewrite-like-bgsave").standing,
            Standing::contradicts);
}

TEST(PersistenceSpike, AttributesTheStallToTheFork) {
  auto forks = clear();
  EXPECT_THAT(findingOf(analysed(twice(forks)), "fork-share-bgsave").text, HasSubstr("90.0%"));
  for (Fork& fork : forks) fork.forkUs = 2'000;
  EXPECT_THAT(findingOf(analysed(twice(forks)), "fork-share-bgsave").text,
              HasSubstr("not the fork"));
}

TEST(PersistenceSpike, HasAServiceLevelWhereEachForkHasAValidRun) {
  auto runs = twice(clear());
  for (Reading& run : runs)
    if (run.record.label("child") == "server")
      run.record.invalid.push_back({ReasonCode::other, "disturbed"});
  EXPECT_EQ(analysed(runs).slo.at(0).verdict, SloVerdict::reported);
  for (Reading& run : runs)
    if (run.record.label("fault") == "bgsave")
      run.record.invalid.push_back({ReasonCode::other, "disturbed"});
  EXPECT_EQ(analysed(runs).slo.at(0).verdict, SloVerdict::invalid);
}

TEST(PersistenceSpike, SaysWhichForkWasNotMeasured) {
  auto forks = clear();
  forks.resize(2);
  const auto document = analysed(twice(forks));
  EXPECT_EQ(findingOf(document, "spike-aof-rewrite").standing, Standing::problem);
  EXPECT_EQ(findingOf(document, "spike-bgsave").standing, Standing::expected);
  EXPECT_THAT(document.slo, IsEmpty());
}

// Which core a child had is a label, whatever the order of the runs.
TEST(PersistenceSpike, FindsRunsByTheirLabels) {
  auto runs = twice(clear());
  const auto forwards = analysed(runs);
  std::ranges::reverse(runs);
  const auto backwards = analysed(runs);
  EXPECT_THAT(forwards.figures, SizeIs(8));
  for (const LabFigure& figure : forwards.figures)
    EXPECT_NEAR(figureOf(backwards, figure.what), figure.value, 1e-6) << figure.what;
  EXPECT_EQ(forwards.slo.at(0).measured, backwards.slo.at(0).measured);
}

// On a machine, or in an hour, that is slower the same rate would be another load.
TEST(PersistenceSpike, DrivesAtAShareOfTheCeilingOfTheseMinutes) {
  const auto p = quickParametersOf(persistenceSpikeExperiment());
  const auto plan = lab::planOf(persistenceSpikeExperiment(), p);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->runs.front().name, "ceiling");
  const auto run = std::ranges::find(plan->runs, "bgsave-server-r1", &LabRun::name);
  ASSERT_NE(run, plan->runs.end());
  const auto rateAt = [&](double ceiling) {
    Reading found;
    found.record.name = "ceiling";
    found.record.labels = {{"part", "ceiling"}};
    found.dirs.emplace_back().summary.emplace().rate.achieved = ceiling;
    return *run->drives.front().decide(readingsOf({found}));
  };
  EXPECT_THAT(rateAt(40e3), Contains("-rate=10000"));
  EXPECT_THAT(rateAt(400e3), Contains("-rate=20000"));
  EXPECT_THAT(*run->drives.front().decide({}), Contains("-rate=20000"));
}

TEST(PersistenceSpike, PinsTheChildToTheCoreOfItsStack) {
  const auto plan =
      lab::planOf(persistenceSpikeExperiment(), quickParametersOf(persistenceSpikeExperiment()));
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->runs, SizeIs(1 + 8 + 2 + 5 * 2));
  for (const LabStack& stack : plan->stacks) {
    if (stack.name.starts_with("size-")) continue;
    EXPECT_THAT(stack.up, Contains(stack.name == "child-generator" ? "-bgsave-cpus={generator-cpu}"
                                                                   : "-bgsave-cpus={server-cpu}"));
  }
  for (const LabRun& run : plan->runs) {
    if (run.name.starts_with("sizes-") || run.name == "ceiling") continue;
    const bool isIdle = run.name.find("-idle-") != std::string::npos;
    EXPECT_EQ(static_cast<bool>(run.beside), isIdle) << run.name;
    if (isIdle) continue;
    const bool isServers = run.name.find("-server-") != std::string::npos;
    EXPECT_EQ(run.stack, isServers ? "child-server" : "child-generator") << run.name;
  }
}

}  // namespace
}  // namespace redline::persistence_spike_test
