// What hot-key concludes from runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "lab/catalog.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::hot_key_test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A run of 2 s in which the hot master executes `hot` requests a second, `reads` of them reads,
/// and each of two other masters 3,000. Repeats scatter a little.
ReadingBuilder runOf(Labels labels, int repeat, double hot, double reads) {
  ReadingBuilder run(std::move(labels), repeat);
  run.note("hot_master", "hot:1");
  const double noise = 1 + 0.01 * repeat;
  Summary& summary = run.summary();
  summary.windowS = 2;
  summary.rate.completed = 40'000;
  const auto addMaster = [&](const std::string& addr, double requests, double readRequests) {
    ClusterNodeFigures& node = summary.cluster.nodes.emplace_back();
    node.addr = addr;
    node.role = "master";
    node.ops = static_cast<std::uint64_t>(2 * requests * noise);
    ServerFigures& server = summary.servers.emplace_back();
    server.addr = addr;
    server.role = "master";
    server.hits = static_cast<std::uint64_t>(2 * readRequests * noise);
    server.cpuUserS = requests / 1e4 * noise;
    server.mainThreadUtilisation = requests / 2e4;
  };
  addMaster("hot:1", hot, reads);
  addMaster("b:2", 3000, 2850);
  addMaster("c:3", 3000, 2850);
  summary.cluster.hotSlots = {{7, "hot:1", static_cast<std::uint64_t>(hot)}};
  LatencyFigures& response = summary.latency["response"]["all"];
  response.count = 40'000;
  response.p50 = 100 * noise;
  response.p99 = 900 * noise;
  return run;
}

ReadingBuilder atOneRate(const std::string& dist, const std::string& treatment, int repeat,
                         double hot, double reads) {
  return runOf({{"size", "100"}, {"dist", dist}, {"treatment", treatment}}, repeat, hot, reads);
}

/// With a local cache.
ReadingBuilder cached(int repeat, double hot, double reads, std::uint64_t stale, double ageUs) {
  ReadingBuilder run = atOneRate("zipfian", "local-cache", repeat, hot, reads);
  MitigationFigures& mitigation = run.summary().mitigation;
  mitigation.kind = "local-cache";
  mitigation.caches = 2;
  mitigation.cacheEntries = 1000;
  mitigation.cacheBytes = 32 << 20;
  mitigation.counts["ledger_reads"] = 30'000;
  mitigation.staleness.p99 = mitigation.staleness.max = ageUs;
  run.summary().verify.stale = stale;
  return run;
}

/// All requests of a share of 70% go to the hot master; with a cache, a seventh of these.
std::vector<Reading> cachedRuns() {
  std::vector<Reading> runs;
  for (const int repeat : {1, 2}) {
    runs.push_back(atOneRate("uniform", "none", repeat, 3000, 2850).build());
    runs.push_back(atOneRate("zipfian", "none", repeat, 14'000, 13'300).build());
    runs.push_back(cached(repeat, 2000, 1900, 30, 400).build());
  }
  return runs;
}

ExperimentDocument analysed(const std::vector<Reading>& runs,
                            std::span<const ParameterOverride> overrides = {}) {
  const Experiment experiment = hotKeyExperiment();
  return analysisOf(experiment, *parametersOf(experiment, Profile::quick, overrides),
                    readingsOf(runs));
}

TEST(HotKey, FindsTheLoadOnOneMaster) {
  const auto document = analysed(cachedRuns());
  const LabFinding hot = findingOf(document, "hot-master-100");
  EXPECT_EQ(hot.standing, Standing::expected);
  EXPECT_TRUE(hot.headline);
  EXPECT_THAT(hot.runs, SizeIs(4));
  EXPECT_NEAR(figureOf(document, "hot master's share of requests, Zipf, 100 B values"), 0.7, 1e-3);
  EXPECT_NEAR(predictionOf(document, "share of operations on the hottest key's master").measured,
              0.7, 1e-3);
  const auto busy = [&](std::string_view row, std::string_view head) {
    return cellOf(document, "Which nodes carry the load, 100 B values", row, head);
  };
  EXPECT_EQ(busy("Zipf", "hot master busy"), "70.0%");
  EXPECT_EQ(busy("Zipf", "other masters busy"), "15.0%");
  EXPECT_EQ(busy("uniform", "hot master busy"), "15.0%");
  EXPECT_EQ(busy("Zipf", "valid runs"), "2 of 2");
  EXPECT_THAT(document.plots, SizeIs(3));
}

TEST(HotKey, DrawsWhatEachMitigationTakesOffTheHotMasterAndItsPrice) {
  const auto document = analysed(cachedRuns());
  const auto plot = std::ranges::find(document.plots, true, &LabPlot::isMain);
  ASSERT_NE(plot, document.plots.end());
  EXPECT_THAT(plot->x.names, testing::ElementsAre("as it is", "mitigated"));
  ASSERT_THAT(plot->series, SizeIs(1));
  EXPECT_THAT(plot->series[0].title, testing::MatchesRegex("local-cache: .*stale"));
  ASSERT_THAT(plot->series[0].points, SizeIs(2));
  EXPECT_GT(plot->series[0].points[0].y, 2 * plot->series[0].points[1].y);
}

TEST(HotKey, MeasuresWhatACacheSavesAndWhatItCosts) {
  const auto document = analysed(cachedRuns());
  const LabFinding cache = findingOf(document, "local-cache-100");
  EXPECT_EQ(cache.standing, Standing::expected);
  EXPECT_TRUE(cache.headline);
  EXPECT_NEAR(figureOf(document, "hot master's requests cut by local-cache, 100 B values"), 7,
              0.01);
  const LabFinding target = findingOf(document, "target-local-cache-100");
  EXPECT_EQ(target.standing, Standing::expected);
  EXPECT_THAT(target.text, HasSubstr("2 caches have 1k entries (16MB each) for 10k keys"));
  EXPECT_NEAR(predictionOf(document, "the hot master's reads, cut by local-cache").measured, 7,
              0.01);

  const auto cost = [&](std::string_view head) {
    return cellOf(document, "What each mitigation costs, 100 B", "local-cache", head);
  };
  EXPECT_EQ(cost("stale reads"), "60 of 60000 (0.1%)");
  EXPECT_EQ(cost("their age p99, max"), "400 µs, 400 µs");
  EXPECT_EQ(cost("requests per operation"), "0.41");  // 8,000 a second of 20,000
  EXPECT_THAT(document.costs, ElementsAre(HasSubstr("400 µs")));
}

// The hot master's requests fell by 7, the busiest node's by 14,000 ÷ 3,000.
TEST(HotKey, RecommendsByTheBusiestNode) {
  EXPECT_THAT(analysed(cachedRuns()).recommendations,
              ElementsAre(HasSubstr("4.67×"), HasSubstr("read from the key's master alone")));
  EXPECT_THAT(analysed(cachedRuns()).decisions,
              ElementsAre(testing::AllOf(
                  testing::Field(&LabDecision::action, HasSubstr("local-cache")),
                  testing::Field(&LabDecision::gain, testing::DoubleNear(4.67, 0.01)),
                  testing::Field(&LabDecision::isStall, false))));
}

// However few stale reads were seen, replication is asynchronous.
TEST(HotKey, NeverCallsAReplicaFresh) {
  auto runs = cachedRuns();
  for (const int repeat : {1, 2})
    runs.push_back(atOneRate("zipfian", "replica-random", repeat, 7000, 6650).build());
  EXPECT_THAT(analysed(runs).recommendations,
              ElementsAre(testing::AllOf(HasSubstr("may be stale by 400 µs, use local-cache"),
                                         HasSubstr("4.67×")),
                          testing::AllOf(HasSubstr("no read may be stale, read from the key's "
                                                   "master alone; nothing"),
                                         testing::Not(HasSubstr("replica-random")))));
}

TEST(HotKey, NamesATreatmentThatIsFreshByConstruction) {
  std::vector<Reading> runs;
  for (const int repeat : {1, 2}) {
    runs.push_back(atOneRate("zipfian", "none", repeat, 14'000, 13'300).build());
    runs.push_back(atOneRate("zipfian", "key-split-tag", repeat, 5000, 4750).build());
  }
  EXPECT_THAT(analysed(runs, *parseOverrides("treatments=key-split-tag")).recommendations,
              ElementsAre(HasSubstr("Against a hot key, use key-split-tag")));
}

TEST(HotKey, SaysWhereTheTargetIsMissed) {
  std::vector<Reading> runs;
  for (const int repeat : {1, 2}) {
    runs.push_back(atOneRate("zipfian", "none", repeat, 14'000, 13'300).build());
    runs.push_back(cached(repeat, 7000, 6500, 0, 0).build());
  }
  const auto document = analysed(runs);
  EXPECT_EQ(findingOf(document, "target-local-cache-100").standing, Standing::contradicts);
  // Three in sixty thousand: the rule of three.
  EXPECT_THAT(document.recommendations,
              ElementsAre(HasSubstr("None of 60k reads was stale, so fewer than 0.005% are"),
                          HasSubstr("master alone")));
  // There is nothing to compare the share with.
  EXPECT_THAT(findingOf(document, "hot-master-100").id, IsEmpty());
}

TEST(HotKey, ReportsLostWritesAsAProblem) {
  auto runs = cachedRuns();
  runs.back().dirs.front().summary->verify.lostAcknowledged = 3;
  const LabFinding cache = findingOf(analysed(runs), "local-cache-100");
  EXPECT_EQ(cache.standing, Standing::problem);
  EXPECT_THAT(cache.text, HasSubstr("3 acknowledged writes lost"));
}

// Copies in one slot move the load to another master, where it is as hot as before.
TEST(HotKey, ExpectsCopiesInOneSlotToMoveTheLoadUndivided) {
  const auto overrides = *parseOverrides("treatments=key-split-tag");
  const auto standing = [&](double busiest) {
    std::vector<Reading> runs;
    for (const int repeat : {1, 2}) {
      runs.push_back(atOneRate("zipfian", "none", repeat, 14'000, 13'300).build());
      ReadingBuilder split = atOneRate("zipfian", "key-split-tag", repeat, 3000, 2850);
      split.summary().cluster.nodes[1].ops =
          static_cast<std::uint64_t>(2 * busiest * (1 + 0.01 * repeat));
      runs.push_back(split.build());
    }
    return findingOf(analysed(runs, overrides), "key-split-tag-100").standing;
  };
  EXPECT_EQ(standing(14'000), Standing::expected);
  EXPECT_EQ(standing(5000), Standing::plain);
}

/// One key with most of the load: `busy` share of the hot master without a cache.
std::vector<Reading> pinnedRuns(double busy) {
  std::vector<Reading> runs;
  const auto add = [&](const std::string& which, int repeat, double hotBusy, double p99Us) {
    ReadingBuilder run = runOf({{"part", "pinned"}, {"case", which}}, repeat, 14'000, 13'300);
    run.summary().servers.front().mainThreadUtilisation = hotBusy;
    run.summary().rate.achieved = 20'000;
    run.summary().latency["response"]["all"].p99 = p99Us * (1 + 0.01 * repeat);
    if (which == "local-cache") run.summary().cluster.nodes.front().ops /= 4;
    runs.push_back(run.build());
  };
  for (const int repeat : {1, 2}) {
    add("max", repeat, busy, 500);
    add("none", repeat, busy, 50'000);
    add("local-cache", repeat, 0.2, 500);
  }
  return runs;
}

TEST(HotKey, CallsTheHotMasterSaturatedOnlyWhereItIs) {
  for (const double busy : {0.97, 0.7}) {
    const auto document = analysed(pinnedRuns(busy));
    EXPECT_EQ(findingOf(document, "saturation").standing,
              busy > 0.9 ? Standing::expected : Standing::inconclusive);
    EXPECT_NEAR(figureOf(document, "hot master busy, pinned"), busy, 1e-6);
    EXPECT_EQ(findingOf(document, "saturation-local-cache").standing, Standing::expected);
    EXPECT_NEAR(figureOf(document, "hot master's requests cut by local-cache, pinned"), 4, 0.01);
  }
}

/// A ramp: at each of these rates the hot master was so busy, and so much got through.
std::vector<Reading> ramp(const std::vector<std::array<double, 3>>& steps) {
  const std::vector<std::string> rates{"20k", "40k", "80k", "120k"};
  std::vector<Reading> runs;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& [offered, busy, kept] = steps[i];
    ReadingBuilder run = runOf({{"part", "ramp"}, {"rate", rates[i]}}, 1, 14'000, 13'300);
    run.summary().servers.front().mainThreadUtilisation = busy;
    run.summary().rate.target = offered;
    run.summary().rate.achieved = offered * kept;
    runs.push_back(run.build());
  }
  return runs;
}

TEST(HotKey, PinsTheHotMasterByARampOrSaysWhatWasFull) {
  const auto pinned = analysed(ramp({{20e3, 0.3, 1}, {40e3, 0.6, 1}, {80e3, 0.96, 1}}));
  EXPECT_EQ(findingOf(pinned, "ramp").standing, Standing::expected);
  EXPECT_THAT(findingOf(pinned, "ramp").text, HasSubstr("pinned at 80k/s while"));
  const auto full = analysed(ramp({{20e3, 0.3, 1}, {40e3, 0.5, 0.8}}));
  EXPECT_EQ(findingOf(full, "ramp").standing, Standing::inconclusive);
  EXPECT_THAT(findingOf(full, "ramp").text,
              testing::AllOf(HasSubstr("50.0% busy"), HasSubstr("at 32k/s"),
                             HasSubstr("saturates at 64k/s")));
}

TEST(HotKey, EndsTheRampWhereItHasNothingMoreToShow) {
  const Experiment experiment = hotKeyExperiment();
  const auto plan = lab::planOf(experiment, quickParametersOf(experiment));
  const auto third = std::ranges::find(plan->runs, "ramp-80k-r1", &LabRun::name);
  ASSERT_NE(third, plan->runs.end());
  const auto goesOn = [&](double busy, double kept) {
    return third->drives.front()
        .decide(readingsOf(ramp({{20e3, 0.3, 1}, {40e3, busy, kept}})))
        .has_value();
  };
  EXPECT_TRUE(goesOn(0.6, 1));
  EXPECT_FALSE(goesOn(0.96, 1));
  EXPECT_FALSE(goesOn(0.6, 0.9));
  EXPECT_FALSE(third->drives.front().decide({}));
}

// Neither the order of runs nor that of the TOML's list changes a figure.
TEST(HotKey, FindsConditionsByTheirLevels) {
  auto runs = cachedRuns();
  const auto forwards = analysed(runs);
  std::ranges::reverse(runs);
  const auto backwards =
      analysed(runs, *parseOverrides("treatments=replica-random, key-split, local-cache"));
  ASSERT_THAT(forwards.figures, SizeIs(2));
  ASSERT_THAT(backwards.figures, SizeIs(2));
  for (const LabFigure& figure : forwards.figures)
    EXPECT_NEAR(figureOf(backwards, figure.what), figure.value, 1e-9) << figure.what;
}

TEST(HotKey, DrivesTheSaturatedMasterAtAShareOfWhatItReached) {
  const Experiment experiment = hotKeyExperiment();
  const Parameters parameters = quickParametersOf(experiment);
  const auto plan = lab::planOf(experiment, parameters);
  ASSERT_TRUE(plan);
  const auto run = std::ranges::find(plan->runs, "pinned-local-cache-r1", &LabRun::name);
  ASSERT_NE(run, plan->runs.end());
  const Drive& drive = run->drives.front();
  EXPECT_EQ(drive.decide({}), std::nullopt);
  Readings soFar;
  soFar.add(pinnedRuns(0.97).front());
  EXPECT_THAT(*drive.decide(soFar), Contains("-rate=14000"));  // 0.7 of 20,000
}

TEST(HotKey, ComparesTreatmentsOnZipfKeysAlone) {
  const Experiment experiment = hotKeyExperiment();
  const auto plan = lab::planOf(experiment, quickParametersOf(experiment));
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->stacks, SizeIs(2));
  // (2 + 4 treatments) × (2 of the first size and 1 of the other), 3 pinned × 2, and 10 rates.
  EXPECT_THAT(plan->runs, SizeIs(6 * 3 + 6 + 10));
  for (const LabRun& run : plan->runs) {
    const auto has = [&](std::string_view key, std::string_view value) {
      return std::ranges::any_of(run.labels, [&](const auto& label) {
        return label.first == key && label.second == value;
      });
    };
    EXPECT_TRUE(has("dist", "zipfian") || has("part", "pinned") || has("part", "ramp") ||
                has("treatment", "none"))
        << run.name;
  }
}

}  // namespace
}  // namespace redline::hot_key_test
