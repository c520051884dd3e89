// The models that eviction-cliff plans by, and what its findings make of figures that are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lab/catalog.h"
#include "lab/eviction_theory.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/readings_builder.h"

namespace redline::lab {
namespace {

using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::string_view kToml = R"(
[all]
repeat = 2
room = 10000
ratios = [0.5, 1, 1.5, 3]
lfu-ratios = [0.5, 1, 1.5, 3]
uniform-ratios = [0.5, 1, 1.5, 3]
lfu-warmup = "120s"
scale-room = "100M"
policies = ["allkeys-lru", "allkeys-lfu", "volatile-lru"]
uniform-policies = ["allkeys-lru"]
ttl-frac = 0.3
zipf-s = 1.1
value-size = 100
big-value-size = "4KB"
big-ratios = [1.5]
rate = "5k"
least-tc = "0s"
conns = 4
pipeline = 16
warmup-tc = 1
least-warmup = "1s"
duration = "10s"
lookups = "200k"
backing = "8k"
shift = false
shift-policies = ["allkeys-lfu"]
shift-ratio = 1.5
shift-duration = "20s"
[quick]
[standard]
[full]
)";

Parameters parameters(std::string_view overrides = "") {
  const auto others =
      overrides.empty() ? std::vector<ParameterOverride>{} : *parseOverrides(overrides);
  auto read = readParameters(evictionCliffExperiment().parameters, "test.toml", kToml,
                             Profile::quick, others);
  EXPECT_TRUE(read) << read.error().message;
  return *read;
}

/// A point of the TOML above.
CacheLoad loadAt(double ratio, std::string_view policy = "allkeys-lru") {
  return {.keys = static_cast<std::uint64_t>(10'000 * ratio),
          .ratio = ratio,
          .zipfS = 1.1,
          .policy = policy == "allkeys-lfu" ? EvictionPolicy::lfu : EvictionPolicy::lru,
          .evictableShare = policy == "volatile-lru" ? 0.3 : 1,
          .requestsPerS = 5000,
          .durationS = 10,
          .leastWarmupS = 1,
          .warmupTc = 1,
          .lfuWarmupS = 120};
}

CacheLoad loadOf(const LabRun& run) {
  RunRecord record;
  record.labels = run.labels;
  CacheLoad load = loadAt(std::stod(std::string(record.label("ratio"))), record.label("policy"));
  if (record.label("dist") == "uniform") load.zipfS.reset();
  return load;
}

/// A run that saw this share of hits, among 100,000 reads in 10 s.
Reading readingOf(const LabRun& run, const CacheLoad& load, double hitRate,
                  std::uint64_t refused = 0) {
  const auto keys = static_cast<double>(load.keys);
  ReadingBuilder reading(run.labels, 1, 0);
  reading.figure("keys_loaded", keys)
      .figure("keys_with_ttl", keys * (load.evictableShare < 1 ? load.evictableShare : 0))
      .figure("data_bytes", keys * 200)
      .figure("keys_held", std::min(keys, keys / load.ratio));
  Summary& summary = reading.summary();
  summary.windowS = 10;
  summary.cache.hits = static_cast<std::uint64_t>(hitRate * 100'000);
  summary.cache.misses = 100'000 - summary.cache.hits;
  summary.cache.hitRate = hitRate;
  summary.cache.refillsFailed = refused;
  summary.cache.refills = summary.cache.misses - refused;
  summary.servers.push_back(
      {.addr = {}, .role = {}, .version = {}, .beganAs = {}, .evicted = summary.cache.refills});
  return reading.build();
}

ExperimentPlan planned(const Parameters& p) {
  return *planOf(evictionCliffExperiment(), p);
}

ExperimentDocument analysed(const Parameters& p, const Readings& readings) {
  return analysisOf(evictionCliffExperiment(), p, readings);
}

/// Every point as the simulation has it, with LFU's misses times `lfuMisses`; volatile-lru refuses.
ExperimentDocument asSimulated(const Parameters& p, double lfuMisses = 1) {
  Readings readings;
  for (const LabRun& run : planned(p).runs) {
    const CacheLoad load = loadOf(run);
    const CacheModel model(load);
    const auto keys = static_cast<double>(load.keys);
    double hit = model.hitRates(std::min(keys, keys / load.ratio)).simulated;
    if (run.name.ends_with("r2")) hit -= 0.0001;
    if (load.policy == EvictionPolicy::lfu) hit = 1 - (1 - hit) * lfuMisses;
    readings.add(readingOf(run, load, std::min(hit, 1.0), model.refuses() ? 20'000 : 0));
  }
  return analysed(p, readings);
}

TEST(EvictionTheory, HasRoomForTheSameKeysAtEveryRatio) {
  EXPECT_DOUBLE_EQ(CacheModel(loadAt(1.5)).shape().capacity, 10'000);
  EXPECT_DOUBLE_EQ(CacheModel(loadAt(3)).shape().capacity, 10'000);
  EXPECT_DOUBLE_EQ(CacheModel(loadAt(1.5, "volatile-lru")).shape().evictableShare, 0.3);
}

TEST(EvictionTheory, WaitsForACharacteristicTimeWhereKeysAreEvicted) {
  EXPECT_DOUBLE_EQ(CacheModel(loadAt(0.5)).warmupS(), 1);
  const CacheModel model(loadAt(1.5));
  EXPECT_DOUBLE_EQ(model.warmupS(), model.characteristicS());
  EXPECT_NEAR(model.characteristicS(), 24.3, 1);  // 121,500 requests at 5k/s, by another program
}

TEST(EvictionTheory, KnowsWhenAVolatilePolicyHasNothingToEvict) {
  EXPECT_TRUE(CacheModel(loadAt(1.5, "volatile-lru")).refuses());
  EXPECT_FALSE(CacheModel(loadAt(1.4, "volatile-lru")).refuses());
  EXPECT_FALSE(CacheModel(loadAt(1.5)).refuses());
  EXPECT_DOUBLE_EQ(CacheModel(loadAt(1.5, "volatile-lru")).hitRates(10'500).simulated, 0.7);
}

TEST(EvictionTheory, SimulatesBetweenTheFormulas) {
  const ExpectedHitRates rates = CacheModel(loadAt(1.5)).hitRates(10'000);
  EXPECT_LT(rates.random, rates.simulated);
  EXPECT_LT(rates.simulated, rates.lru);
  EXPECT_LT(rates.lru, rates.best);
}

TEST(EvictionCliff, GrowsTheWorkingSetWithTheRatioAndWaitsAsLongAsTheModelSays) {
  const auto runs = planned(parameters()).runs;
  EXPECT_THAT(runs, SizeIs(2 * (3 * 4 + 4 + 1)));
  const auto run = std::ranges::find(runs, "zipfian-allkeys-lru-1-5x-4kb-r2", &LabRun::name);
  ASSERT_NE(run, runs.end());
  EXPECT_THAT(run->drives.front().flags, Contains("-keys=15000"));
  EXPECT_THAT(run->drives.front().flags,
              Contains(fmt::format("-warmup={:.0f}ms", 1e3 * CacheModel(loadAt(1.5)).warmupS())));
}

TEST(EvictionCliff, AgreesWithTheModelsThatMadeTheFigures) {
  const ExperimentDocument document = asSimulated(parameters());
  EXPECT_EQ(findingOf(document, "simulation").standing, Standing::expected);
  EXPECT_EQ(findingOf(document, "evictions-per-miss").standing, Standing::expected);
  ASSERT_EQ(document.slo.size(), 2U);
  EXPECT_EQ(document.slo[0].id, "hit-rate-fits");
  EXPECT_EQ(document.slo[0].verdict, SloVerdict::met);
  EXPECT_EQ(document.slo[1].id, "hit-rate-cliff");
  EXPECT_EQ(document.slo[1].verdict, SloVerdict::reported);
  EXPECT_NEAR(figureOf(document, "hit rate at 3 ×, Zipf 1.1, allkeys-lru"),
              CacheModel(loadAt(3)).hitRates(10'000).simulated, 0.0002);
  EXPECT_THAT(document.predictions, SizeIs(2 * 3 + 2 + 1));
  EXPECT_THAT(document.predictions, Each(Field(&LabPrediction::verdict, Not(IsEmpty()))));
}

TEST(EvictionCliff, HasACurveOfEachPolicyAndPopularity) {
  const ExperimentDocument document = asSimulated(parameters());
  ASSERT_THAT(document.tables, SizeIs(2));
  EXPECT_THAT(document.answer, HasSubstr("times maxmemory"));
  EXPECT_THAT(document.tables[0].rows, SizeIs(3 * 4));
  EXPECT_THAT(document.tables[1].rows, SizeIs(4));
  for (const std::string_view curve : {"zipfian-allkeys-lru", "zipfian-allkeys-lfu",
                                       "zipfian-volatile-lru", "uniform-allkeys-lru"}) {
    const LabFinding cliff = findingOf(document, fmt::format("cliff-{}", curve));
    EXPECT_THAT(cliff.runs, SizeIs(2 * 4)) << curve;
    EXPECT_EQ(cliff.headline, curve == "zipfian-allkeys-lru");
  }
}

TEST(EvictionCliff, SaysWhichPolicyMissesLessOnlyWhereThatIsShown) {
  const Parameters p = parameters();
  const auto rankOf = [&](double misses) {
    return findingOf(asSimulated(p, misses), "misses-allkeys-lfu-at-1-5x").standing;
  };
  EXPECT_EQ(rankOf(0.5), Standing::expected);
  EXPECT_EQ(rankOf(2), Standing::contradicts);
  const auto missed = [](std::string_view policy) {
    return 1 - CacheModel(loadAt(1.5, policy)).hitRates(10'000).simulated;
  };
  EXPECT_EQ(rankOf(missed("allkeys-lru") / missed("allkeys-lfu")), Standing::inconclusive);
}

// A warm-up takes as long as T_C, so as many requests as T_C may have make it shortest.
TEST(EvictionCliff, AsksLessOftenWhereTheCharacteristicTimeWouldBeTooShort) {
  CacheLoad load = loadAt(3);
  const CacheModel usual(load);
  load.leastTcS = 2 * usual.characteristicS();
  const CacheModel slower(load);
  EXPECT_NEAR(slower.requestsPerS(), usual.requestsPerS() / 2, 1);
  EXPECT_NEAR(slower.characteristicS(), load.leastTcS, 0.01 * load.leastTcS);
  EXPECT_DOUBLE_EQ(slower.forecast().hitRate, usual.forecast().hitRate);
  load.leastTcS = usual.characteristicS() / 2;
  EXPECT_DOUBLE_EQ(CacheModel(load).requestsPerS(), usual.requestsPerS());
  load.ratio = 0.5;  // nothing is evicted
  EXPECT_DOUBLE_EQ(CacheModel(load).requestsPerS(), usual.requestsPerS());
}

// Its counters decay once a minute: measured too early it misses more than it does later.
TEST(EvictionCliff, RanksLfuOnlyOnceItHasSettled) {
  EXPECT_TRUE(CacheModel(loadAt(1.5, "allkeys-lfu")).isSettled());
  EXPECT_DOUBLE_EQ(CacheModel(loadAt(0.5, "allkeys-lfu")).warmupS(), 1);
  const auto early = asSimulated(parameters("lfu-warmup=10s"), 0.5);
  const LabFinding rank = findingOf(early, "misses-allkeys-lfu-at-1-5x");
  EXPECT_EQ(rank.standing, Standing::inconclusive);
  EXPECT_THAT(rank.text, HasSubstr("LFU's counters decay once a minute"));
  EXPECT_THAT(early.recommendations, Contains(HasSubstr("until a longer profile ranks")));
  EXPECT_THAT(asSimulated(parameters(), 0.5).recommendations,
              Contains(testing::AllOf(HasSubstr("Take allkeys-lfu where popularity is constant"),
                                      HasSubstr("become popular was not measured"))));
  EXPECT_THAT(asSimulated(parameters(), 2).recommendations,
              Contains(HasSubstr("Take allkeys-lru: no other policy")));
}

TEST(EvictionCliff, ForetellsTheMissesOfTheProductsKeys) {
  const ExperimentDocument document = asSimulated(parameters());
  // Che by another program: 2.6% of misses at 3 times 100M keys, Zipf 1.1.
  EXPECT_THAT(findingOf(document, "at-scale").text,
              testing::AllOf(HasSubstr("sends 5.2"), HasSubstr("does not reach")));
  const auto plot = std::ranges::find(document.plots, "misses", &LabPlot::id);
  ASSERT_NE(plot, document.plots.end());
  EXPECT_THAT(plot->series, SizeIs(3 + 2 + 1));
}

TEST(EvictionCliff, CountsRefusedWritesAndAdvisesAgainstThem) {
  const ExperimentDocument document = asSimulated(parameters());
  const LabFinding refusal = findingOf(document, "refusal-zipfian-volatile-lru-at-1-5x");
  EXPECT_EQ(refusal.standing, Standing::expected);
  EXPECT_THAT(refusal.text, HasSubstr("2k refills a second"));
  EXPECT_EQ(findingOf(document, "refusal-zipfian-allkeys-lru-at-3x").id, "");
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("Do not take volatile-lru")));
}

TEST(EvictionCliff, ConcludesNothingOfLruWhereItsClockIsTooCoarse) {
  EXPECT_EQ(findingOf(asSimulated(parameters()), "clock-too-coarse").id, "");
  const ExperimentDocument coarse = asSimulated(parameters("rate=100k; duration=500ms"), 0.5);
  EXPECT_EQ(findingOf(coarse, "clock-too-coarse").standing, Standing::problem);
  EXPECT_EQ(findingOf(coarse, "misses-allkeys-lfu-at-1-5x").standing, Standing::inconclusive);
}

TEST(EvictionCliff, LeavesOutWhatTheModelsExpectOfAPointThatWasNotMeasured) {
  const Parameters p = parameters();
  const auto runs = planned(p).runs;
  Readings readings;
  const auto first = std::ranges::find_if(runs, [](const LabRun& run) {
    return run.name.starts_with("zipfian-allkeys-lru-0-5x") && run.name.ends_with("r1");
  });
  ASSERT_NE(first, runs.end());
  readings.add(readingOf(*first, loadOf(*first), 1));
  const ExperimentDocument document = analysed(p, readings);
  const LabTable& table = document.tables.front();
  const auto simulated = std::ranges::find(table.head, "Redis simulated") - table.head.begin();
  EXPECT_EQ(table.rows[0].cells[static_cast<std::size_t>(simulated)].text, "100.00%");
  EXPECT_EQ(table.rows[1].cells[static_cast<std::size_t>(simulated)].text, "–");
  EXPECT_EQ(findingOf(document, "cliff-zipfian-allkeys-lru").standing, Standing::problem);
}

/// LFU at 90% of hits, then `after(second)` once other keys are popular.
ExperimentDocument shifted(const std::function<double(int)>& after) {
  const Parameters p = parameters("shift=true");
  Readings readings;
  for (const LabRun& run : planned(p).runs) {
    if (!run.name.starts_with("shift-")) continue;
    Reading reading = readingOf(run, loadAt(1.5, "allkeys-lfu"), 0.9);
    for (int i = 0; i < 20; ++i) {
      IntervalRow row;
      row.start = i * kSecond;
      row.end = row.start + kSecond;
      row.counts.hits = static_cast<std::uint64_t>(1000 * after(i));
      row.counts.misses = 1000 - row.counts.hits;
      reading.dirs.front().intervals.push_back(row);
    }
    readings.add(std::move(reading));
  }
  return analysed(p, readings);
}

TEST(EvictionCliff, SaysWhenTheHitRateIsBackAfterAShift) {
  const auto textOf = [](const std::function<double(int)>& after) {
    return findingOf(shifted(after), "shift-allkeys-lfu").text;
  };
  EXPECT_THAT(textOf([](int second) { return second < 7 ? 0.8 : 0.895; }),
              testing::AllOf(HasSubstr("falls from 90.00% to 80.00%"),
                             HasSubstr("is back within a percentage point after 7 s")));
  EXPECT_THAT(textOf([](int) { return 0.8; }), HasSubstr("10.00 percentage points lower after"));
  EXPECT_THAT(textOf([](int) { return 0.895; }), HasSubstr("stays within a percentage point"));
  const ExperimentDocument document = shifted([](int) { return 0.8; });
  const auto plot = std::ranges::find(document.plots, "shift", &LabPlot::id);
  ASSERT_NE(plot, document.plots.end());
  EXPECT_THAT(plot->series.front().points, SizeIs(20));
}

}  // namespace
}  // namespace redline::lab
