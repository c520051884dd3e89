// The points of eviction-cliff, and what its findings make of figures that are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lab/catalog.h"
#include "lab/eviction_points.h"
#include "lab/study.h"

namespace redline::eviction {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kToml = R"(
[all]
repeat = 2
room = 10000
ratios = [0.5, 1, 1.5, 3]
policies = ["allkeys-lru", "allkeys-lfu", "volatile-lru"]
uniform-policies = ["allkeys-lru"]
ttl-frac = 0.3
zipf-s = 1.1
value-size = 100
big-value-size = "4KB"
big-ratios = [1.5]
rate = "5k"
conns = 4
pipeline = 16
warmup-tc = 1
least-warmup = "1s"
duration = "10s"
lookups = "200k"
backing = "8k"
shift = false
shift-policies = ["allkeys-lru"]
shift-ratio = 1.5
shift-duration = "20s"
[quick]
[standard]
[full]
)";

Parameters parameters() {
  const Experiment experiment = evictionCliffExperiment();
  auto read = readParameters(experiment.parameters, "test.toml", kToml, Profile::quick);
  EXPECT_TRUE(read) << read.error().message;
  return *read;
}

const Condition kLru{"zipfian", "allkeys-lru", "1.5", "100"};
const Condition kVolatile{"zipfian", "volatile-lru", "1.5", "100"};

/// A run that saw this share of hits, among 100,000 reads in 10 s.
Reading readingOf(const Parameters& p, const Condition& c, int repeat, double hitRate,
                  std::uint64_t refused = 0) {
  Reading reading;
  reading.record.name = c.name() + "-r" + std::to_string(repeat);
  reading.record.labels = c.labels();
  const auto keys = static_cast<double>(keysAt(p, c));
  reading.record.figures = {{"keys_loaded", keys},
                            {"keys_with_ttl", keys * ttlShare(p, c.policy)},
                            {"data_bytes", keys * 200},
                            {"keys_held", std::min(keys, keys / c.times())}};
  Summary summary;
  summary.windowS = 10;
  summary.cache.hits = static_cast<std::uint64_t>(hitRate * 100'000);
  summary.cache.misses = 100'000 - summary.cache.hits;
  summary.cache.hitRate = hitRate;
  summary.cache.refillsFailed = refused;
  summary.cache.refills = summary.cache.misses - refused;
  summary.servers.push_back(
      {.addr = {}, .role = {}, .version = {}, .evicted = summary.cache.refills});
  RunDir dir;
  dir.summary = std::move(summary);
  reading.dirs.push_back(std::move(dir));
  return reading;
}

/// Every condition as the simulation has it; LFU as the best possible; volatile-lru refuses.
ExperimentDocument analysed(const Parameters& p, double lfuMisses = 1) {
  Readings readings;
  for (const Condition& c : conditions(p))
    for (const int repeat : {1, 2}) {
      const double held = std::min(static_cast<double>(keysAt(p, c)),
                                   static_cast<double>(keysAt(p, c)) / c.times());
      const Theory theory = theoryOf(p, c, held);
      double hit = theory.simulated - (repeat == 2 ? 0.0001 : 0);
      if (c.policy == "allkeys-lfu") hit = 1 - (1 - hit) * lfuMisses;
      readings.add(readingOf(p, c, repeat, std::min(hit, 1.0), refuses(p, c) ? 20'000 : 0));
    }
  ExperimentDocument document;
  document.predictions = lab::predictionsOf(evictionCliffExperiment(), p);
  analyse(p, readings, document);
  return document;
}

TEST(EvictionPoints, GrowTheWorkingSetWithTheRatio) {
  const Parameters p = parameters();
  EXPECT_EQ(keysAt(p, kLru), 15'000U);
  EXPECT_DOUBLE_EQ(shapeOf(p, kLru).capacity, 10'000);
  EXPECT_DOUBLE_EQ(shapeOf(p, kVolatile).evictableShare, 0.3);
}

TEST(EvictionPoints, WaitForACharacteristicTimeWhereKeysGo) {
  const Parameters p = parameters();
  EXPECT_DOUBLE_EQ(warmupS(p, {"zipfian", "allkeys-lru", "0.5", "100"}), 1);
  EXPECT_DOUBLE_EQ(warmupS(p, kLru), characteristicS(p, kLru));
  EXPECT_NEAR(characteristicS(p, kLru), 24.3, 1);  // 121,500 requests at 5k/s, by another program
}

TEST(EvictionPoints, KnowWhenAVolatilePolicyHasNothingToEvict) {
  const Parameters p = parameters();
  EXPECT_TRUE(refuses(p, kVolatile));
  EXPECT_FALSE(refuses(p, {"zipfian", "volatile-lru", "1.4", "100"}));
  EXPECT_FALSE(refuses(p, kLru));
  EXPECT_DOUBLE_EQ(theoryOf(p, kVolatile, 10'500).simulated, 0.7);
}

TEST(EvictionPoints, SimulateBetweenTheFormulas) {
  const Parameters p = parameters();
  const Theory theory = theoryOf(p, kLru, 10'000);
  EXPECT_LT(theory.random, theory.simulated);
  EXPECT_LT(theory.simulated, theory.lru);
  EXPECT_LT(theory.lru, theory.best);
}

TEST(EvictionPoints, MakeACurveOfEachPolicyAndDistribution) {
  const Parameters p = parameters();
  const auto curves = curvesOf(p, conditions(p));
  ASSERT_EQ(curves.size(), 4U);
  for (const Curve& curve : curves) EXPECT_EQ(curve.ratios, (std::vector<double>{0.5, 1, 1.5, 3}));
}

TEST(EvictionFindings, AgreeWithTheModelsThatMadeTheFigures) {
  const ExperimentDocument document = analysed(parameters());
  EXPECT_THAT(document.findings,
              Contains(AllOf(Field(&LabFinding::text, HasSubstr("of its simulated sampling")),
                             Field(&LabFinding::standing, Standing::expected))));
  ASSERT_EQ(document.slo.size(), 2U);
  EXPECT_EQ(document.slo[0].id, "hit-rate-fits");
  EXPECT_EQ(document.slo[0].verdict, SloVerdict::met);
  EXPECT_EQ(document.slo[1].id, "hit-rate-cliff");
  EXPECT_THAT(document.slo[1].measured, HasSubstr("8k/s"));
  EXPECT_THAT(document.figures,
              Contains(Field(&LabFigure::what, "hit rate at 3 ×, Zipf 1.1, allkeys-lru")));
  EXPECT_FALSE(document.predictions.empty());
  for (const LabPrediction& each : document.predictions) EXPECT_THAT(each.verdict, Not(IsEmpty()));
}

TEST(EvictionFindings, SayWhichPolicyMissesLessOnlyWhereThatIsShown) {
  const Parameters p = parameters();
  const auto rankOf = [&](double misses) {
    const ExperimentDocument document = analysed(p, misses);
    const auto found = std::ranges::find_if(document.findings, [](const LabFinding& f) {
      return f.text.find("at 1.5 ×: allkeys-lfu misses") != std::string::npos;
    });
    EXPECT_NE(found, document.findings.end());
    return found == document.findings.end() ? Standing::problem : found->standing;
  };
  EXPECT_EQ(rankOf(0.5), Standing::expected);
  EXPECT_EQ(rankOf(2), Standing::contradicts);
  const Condition lfu{"zipfian", "allkeys-lfu", "1.5", "100"};
  const double same =
      (1 - theoryOf(p, kLru, 10'000).simulated) / (1 - theoryOf(p, lfu, 10'000).simulated);
  EXPECT_EQ(rankOf(same), Standing::inconclusive);
}

TEST(EvictionFindings, CountRefusedWritesAndAdviseAgainstThem) {
  const ExperimentDocument document = analysed(parameters());
  EXPECT_THAT(document.findings, Contains(Field(&LabFinding::text, HasSubstr("-OOM"))));
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("Do not take volatile-lru")));
}

TEST(EvictionFindings, ClaimNothingOfLruWhereItsClockIsTooCoarse) {
  const ExperimentDocument document = analysed(parameters());
  EXPECT_THAT(document.findings, Not(Contains(Field(&LabFinding::text, HasSubstr("too coarse")))));
  auto coarse = readParameters(evictionCliffExperiment().parameters, "test.toml", kToml,
                               Profile::quick, *parseOverrides("rate=100k; duration=500ms"));
  ASSERT_TRUE(coarse) << coarse.error().message;
  EXPECT_THAT(analysed(*coarse, 0.5).findings,
              Contains(AllOf(Field(&LabFinding::text, HasSubstr("too coarse")),
                             Field(&LabFinding::standing, Standing::inconclusive))));
}

}  // namespace
}  // namespace redline::eviction
