// What expiry-spike concludes from runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lab/catalog.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::expiry_test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int kIntervals = 60, kMoment = 20;  // the first keys expire 2 s after the run's zero
constexpr double kUnixS = 1'700'000'000;
constexpr int kKeys = 1000, kExpiring = 600;
constexpr std::string_view kTogether = "all at one moment";

Parameters parameters() {
  static const std::vector<ParameterOverride> kSmall{{"keys", "1k", "test"},
                                                     {"ttl-frac", "0.6", "test"}};
  auto read = parametersOf(expirySpikeExperiment(), Profile::quick, kSmall);
  EXPECT_TRUE(read) << read.error().message;
  return *read;
}

/// p99 is 0.5 ms, and `burst` for a second from the moment on. `gonePerInterval` keys are deleted
/// in each interval from then on.
Reading runWith(const std::string& expiry, int repeat, Nanos burst, int gonePerInterval) {
  ReadingBuilder run(Labels{{"expiry", expiry}}, repeat, kIntervals);
  const auto gone = [&](int i) {
    return std::clamp((i - kMoment) * gonePerInterval, 0, kExpiring);
  };
  run.response([&](int i) {
       return i >= kMoment && i < kMoment + 10 ? burst + repeat * kMicrosecond : kMillisecond / 2;
     })
      .counts([](int i, IntervalRow& row) {
        row.counts.misses = i >= kMoment ? 60 : 0;
        row.counts.hits = 100 - row.counts.misses;
      })
      .sampled("expired_keys", gone)
      .sampled("expire_cycle_cpu_milliseconds", [&](int i) { return gone(i) / 10; })
      .sampled("expired_stale_perc", [](int i) { return i == kMoment ? 98.5 : 0; })
      .sampled("db0.keys", [&](int i) { return kKeys - gone(i); })
      .sampled("waiting_for_core_main_thread", [](int i) { return i * 1e-3; })
      .sampled("used_memory", [&](int i) { return 1'000'000 - 100 * gone(i); })
      .figure("first_expiry_unix_s", kUnixS + 2)
      .figure("keys_loaded", kKeys)
      .figure("keys_expiring", kExpiring);
  run.plan().wallZero = static_cast<Nanos>(kUnixS * 1e9);
  return run.build();
}

std::vector<Reading> twice(Nanos clustered, Nanos spread) {
  std::vector<Reading> runs;
  for (const int repeat : {1, 2}) {
    runs.push_back(runWith("clustered", repeat, clustered, 100));
    runs.push_back(runWith("spread", repeat, spread, 5));
    runs.push_back(runWith("lazy", repeat, kMillisecond, 1));
  }
  return runs;
}

ExperimentDocument analysed(const std::vector<Reading>& runs) {
  return analysisOf(expirySpikeExperiment(), parameters(), readingsOf(runs));
}
ExperimentDocument analysed(Nanos clustered, Nanos spread) {
  return analysed(twice(clustered, spread));
}

TEST(ExpirySpike, MeasuresHeightAndDurationOfTheSpike) {
  const auto document = analysed(24 * kMillisecond, kMillisecond / 2);
  EXPECT_NEAR(figureOf(document, "peak p99, keys that expire all at one moment"), 24'000, 20);
  EXPECT_NEAR(figureOf(document, "peak p99, keys that expire spread over 8s"), 501, 2);
  const auto cell = [&](std::string_view row, std::string_view head) {
    return cellOf(document, "What expiring keys do", row, head);
  };
  EXPECT_EQ(cell(kTogether, "how many"), "600");
  EXPECT_EQ(cell(kTogether, "expired/s at most"), "1k/s");
  EXPECT_EQ(cell(kTogether, "99% gone after"), "600 ms");
  EXPECT_EQ(cell(kTogether, "spike lasted"), "1 s");
  EXPECT_EQ(cell("spread over 8s", "spike lasted"), "no spike");
  EXPECT_EQ(cell(kTogether, "active expiry's CPU at most"), "10.0%");
  EXPECT_EQ(cell(kTogether, "CPU for each key"), "100 µs");
  EXPECT_EQ(cell(kTogether, "valid runs"), "2 of 2");

  const LabFinding together = findingOf(document, "spike-clustered");
  EXPECT_EQ(together.standing, Standing::expected);
  EXPECT_TRUE(together.headline);
  EXPECT_THAT(together.runs, ElementsAre("clustered-r1", "clustered-r2"));
  EXPECT_EQ(findingOf(document, "spike-spread").standing, Standing::expected);
  EXPECT_EQ(findingOf(document, "spike-lazy").standing, Standing::plain);
  EXPECT_EQ(findingOf(document, "clustered-over-spread").standing, Standing::expected);
  EXPECT_EQ(findingOf(document, "clustered-over-lazy").standing, Standing::expected);
  EXPECT_THAT(document.recommendations, ElementsAre(HasSubstr("random part")));
  EXPECT_THAT(document.costs, ElementsAre(HasSubstr("1m40s for a million")));
  EXPECT_THAT(document.answer, HasSubstr("to 24 ms"));
  ASSERT_THAT(document.decisions, SizeIs(1));
  EXPECT_TRUE(document.decisions[0].isStall);
  EXPECT_THAT(document.decisions[0].runs, SizeIs(4));
}

TEST(ExpirySpike, ComparesPredictionsWithWhatWasMeasured) {
  const auto document = analysed(24 * kMillisecond, kMillisecond / 2);
  ASSERT_THAT(document.predictions, SizeIs(2));
  EXPECT_NEAR(document.predictions[0].predicted, 24'000, 1);
  EXPECT_NEAR(document.predictions[0].measured, 24'000, 100);
  EXPECT_NEAR(document.predictions[1].measured, 0.6, 1e-6);
}

TEST(ExpirySpike, ContradictsTheTextbookWhereNothingSticksOut) {
  const auto document = analysed(kMillisecond / 2, kMillisecond / 2);
  EXPECT_EQ(findingOf(document, "spike-clustered").standing, Standing::contradicts);
  EXPECT_NE(findingOf(document, "clustered-over-spread").standing, Standing::expected);
  EXPECT_THAT(document.recommendations, testing::Not(Contains(HasSubstr("random part"))));
  EXPECT_THAT(document.decisions, testing::IsEmpty());
}

// Where nobody deletes, p99 rises to 1 ms as well: keys that expire one by one did not do that.
TEST(ExpirySpike, ComparesSpreadKeysWithRunsWithoutActiveExpiry) {
  EXPECT_EQ(findingOf(analysed(24 * kMillisecond, kMillisecond), "spike-spread").standing,
            Standing::expected);
  EXPECT_EQ(findingOf(analysed(24 * kMillisecond, 20 * kMillisecond), "spike-spread").standing,
            Standing::contradicts);
}

// A millisecond without a core is all of a peak of 1 ms, and little of one of 24 ms.
TEST(ExpirySpike, NamesTheTimeWithoutACoreWhereItMakesUpThePeak) {
  const auto document = analysed(24 * kMillisecond, kMillisecond);
  EXPECT_THAT(findingOf(document, "spike-spread").text, HasSubstr("without a core for 1 ms"));
  EXPECT_THAT(findingOf(document, "spike-clustered").text,
              testing::Not(HasSubstr("without a core")));
}

TEST(ExpirySpike, TellsReadsFromWhatDbsizeCounts) {
  const auto document = analysed(24 * kMillisecond, kMillisecond / 2);
  const auto cell = [&](std::string_view row, std::string_view head) {
    return cellOf(document, "What reads and DBSIZE see", row, head);
  };
  EXPECT_EQ(cell(kTogether, "misses before"), "0.0%");
  EXPECT_EQ(cell(kTogether, "misses in the interval after"), "60.0%");
  EXPECT_EQ(cell(kTogether, "still counted right after"), "100.0%");
  EXPECT_EQ(cell(kTogether, "still counted at the end"), "0.0%");
  EXPECT_EQ(cell(kTogether, "expired_stale_perc"), "98.5%");
  EXPECT_EQ(findingOf(document, "reads-clustered").standing, Standing::expected);
  EXPECT_EQ(findingOf(document, "reads-lazy").standing, Standing::expected);
  EXPECT_EQ(findingOf(document, "lazy-keeps-keys").standing, Standing::expected);
  EXPECT_THAT(findingOf(document, "lazy-keeps-keys").text, HasSubstr("93.5%"));
  // 39 intervals of 0.1 s after the moment, of 8 s, and 5 keys deleted in each.
  EXPECT_THAT(findingOf(document, "left-over-spread").text,
              testing::AllOf(HasSubstr("292 keys"), HasSubstr("195 had been deleted")));
  EXPECT_THAT(document.plots, SizeIs(3));
}

TEST(ExpirySpike, SaysWhichKindOfExpiryWasNotMeasured) {
  auto runs = twice(24 * kMillisecond, kMillisecond / 2);
  std::erase_if(runs, [](const Reading& run) { return run.record.label("expiry") == "spread"; });
  const auto document = analysed(runs);
  EXPECT_EQ(findingOf(document, "spike-spread").standing, Standing::problem);
  EXPECT_EQ(findingOf(document, "spike-clustered").standing, Standing::expected);
  EXPECT_THAT(findingOf(document, "clustered-over-spread").id, IsEmpty());
  EXPECT_EQ(cellOf(document, "What expiring keys do", "spread over 8s", "spike lasted"), "–");
  EXPECT_THAT(document.recommendations, IsEmpty());
}

// How keys expire is a label, whatever the order of the runs.
TEST(ExpirySpike, FindsRunsByTheirLabels) {
  auto runs = twice(24 * kMillisecond, kMillisecond);
  const auto forwards = analysed(runs);
  std::ranges::reverse(runs);
  const auto backwards = analysed(runs);
  EXPECT_THAT(forwards.figures, SizeIs(3));
  for (const LabFigure& figure : forwards.figures)
    EXPECT_NEAR(figureOf(backwards, figure.what), figure.value, 1e-6) << figure.what;
  for (std::size_t i = 0; i < forwards.predictions.size(); ++i)
    EXPECT_NEAR(backwards.predictions[i].measured, forwards.predictions[i].measured, 1e-6);
}

TEST(ExpirySpike, LoadsTheSameKeysWithThreeKindsOfExpiry) {
  const auto plan = lab::planOf(expirySpikeExperiment(), parameters());
  ASSERT_TRUE(plan);
  ASSERT_THAT(plan->stacks, SizeIs(3));
  for (const LabStack& stack : plan->stacks) {
    EXPECT_THAT(stack.load, Contains(stack.name == "spread" ? "-ttl-max=13000ms" : "-ttl-at=5s"));
    EXPECT_EQ(static_cast<bool>(stack.prepare), stack.name == "lazy") << stack.name;
  }
  EXPECT_THAT(plan->runs, SizeIs(6));
  for (const LabRun& run : plan->runs) {
    EXPECT_TRUE(run.fresh) << run.name;
    EXPECT_TRUE(run.name.starts_with(run.stack)) << run.name;
  }
}

}  // namespace
}  // namespace redline::expiry_test
