// What the findings of expiry-spike make of runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lab/catalog.h"
#include "lab/study.h"
#include "rundir/hlog.h"

namespace redline {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

constexpr Nanos kInterval = 100 * kMillisecond;
constexpr int kIntervals = 60, kMoment = 20;  // the first keys expire 2 s after the run's zero
constexpr double kUnix = 1'700'000'000;
constexpr int kKeys = 1000, kExpiring = 600;

Parameters parameters() {
  constexpr std::string_view kToml = R"(
[all]
repeat = 2
keys = 1000
value-size = 100
ttl-frac = 0.6
ttl-at = "5s"
spread = "60s"
assumed-per-key = "1us"
rate = "1k"
conns = 2
warmup = "100ms"
duration = "7s"
interval = "100ms"
[quick]
[standard]
[full]
)";
  auto read =
      readParameters(expirySpikeExperiment().parameters, "test.toml", kToml, Profile::quick);
  EXPECT_TRUE(read) << read.error().message;
  return *read;
}

/// p99 is 0.5 ms, and `burst` for a second from the moment on. `gonePerInterval` keys are deleted
/// in each interval from then on.
Reading runWith(std::string_view kind, int repeat, Nanos burst, int gonePerInterval) {
  RunDir run;
  run.plan.emplace();
  run.plan->wallZero = static_cast<Nanos>(kUnix * 1e9);
  for (int i = 0; i < kIntervals; ++i) {
    const Nanos start = i * kInterval;
    const bool bursts = i >= kMoment && i < kMoment + 10;
    Histogram histogram;
    histogram.record(bursts ? burst + repeat * kMicrosecond : kMillisecond / 2, 100);
    run.latency.lines.push_back({"response", start, kInterval, encodeCompressed(histogram)});
    IntervalRow row;
    row.start = start;
    row.end = start + kInterval;
    row.counts.misses = i >= kMoment ? 60 : 0;
    row.counts.hits = 100 - row.counts.misses;
    run.intervals.push_back(row);
    const int gone = std::min(kExpiring, std::max(0, i - kMoment) * gonePerInterval);
    ServerSample sample;
    sample.at = start;
    sample.info["expired_keys"] = std::to_string(gone);
    sample.info["expire_cycle_cpu_milliseconds"] = std::to_string(gone / 10);
    sample.info["expired_stale_perc"] = i == kMoment ? "98.5" : "0";
    sample.info["db0.keys"] = std::to_string(kKeys - gone);
    sample.info["waiting_for_core_main_thread"] = std::to_string(i * 1e-3);
    sample.info["used_memory"] = std::to_string(1'000'000 - 100 * gone);
    run.servers.push_back(sample);
  }
  run.summary.emplace();
  Reading reading;
  reading.record.name = std::string(kind) + "-r" + std::to_string(repeat);
  reading.record.labels = {{"expiry", std::string(kind)}};
  reading.record.figures = {
      {"first_expiry_unix_s", kUnix + 2}, {"keys_loaded", kKeys}, {"keys_expiring", kExpiring}};
  reading.dirs.push_back(std::move(run));
  return reading;
}

ExperimentDocument analysed(Nanos clustered, Nanos spread) {
  Readings readings;
  for (const int repeat : {1, 2}) {
    readings.add(runWith("clustered", repeat, clustered, 100));
    readings.add(runWith("spread", repeat, spread, 5));
    readings.add(runWith("lazy", repeat, kMillisecond, 1));
  }
  const Parameters p = parameters();
  ExperimentDocument document;
  document.predictions = lab::predictionsOf(expirySpikeExperiment(), p);
  lab::analyse(expirySpikeExperiment(), p, readings, document);
  return document;
}

auto finding(std::string_view text, Standing standing) {
  return Contains(AllOf(Field(&LabFinding::text, HasSubstr(std::string(text))),
                        Field(&LabFinding::standing, standing)));
}

TEST(ExpiryFindings, SayHowHighAndForHowLong) {
  const ExperimentDocument document = analysed(24 * kMillisecond, kMillisecond / 2);
  EXPECT_THAT(document.findings, finding("a spike in 2 of 2 runs, for 1 s", Standing::expected));
  EXPECT_THAT(document.findings,
              finding("no spike by the rule in 2 of 2 runs", Standing::expected));
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("random part")));
  EXPECT_THAT(document.figures, Contains(Field(&LabFigure::what, HasSubstr("all at one moment"))));
  ASSERT_EQ(document.predictions.size(), 2U);
  EXPECT_NEAR(document.predictions[0].predicted, 24'000, 1);
  EXPECT_NEAR(document.predictions[0].measured, 24'000, 100);
  EXPECT_NEAR(document.predictions[1].measured, 0.6, 0.11);
}

TEST(ExpiryFindings, ContradictTheTextbookWhereNothingSticksOut) {
  const ExperimentDocument document = analysed(kMillisecond / 2, kMillisecond / 2);
  EXPECT_THAT(document.findings,
              finding("no spike by the rule in 2 of 2 runs", Standing::contradicts));
  EXPECT_THAT(document.recommendations, Not(Contains(HasSubstr("random part"))));
}

// Where nobody deletes p99 goes to 1 ms as well: keys that expire one by one did not do that.
TEST(ExpiryFindings, HoldSpreadKeysAgainstWhatHappensAnyway) {
  EXPECT_THAT(
      analysed(24 * kMillisecond, kMillisecond).findings,
      finding("of that with active expiry off, where only reads delete: not more than happens "
              "here anyway",
              Standing::expected));
  EXPECT_THAT(analysed(24 * kMillisecond, 20 * kMillisecond).findings,
              finding("of that with active expiry off", Standing::contradicts));
}

TEST(ExpiryFindings, NameTheTimeWithoutACoreAtThePeak) {
  constexpr std::string_view kNamed = "in the peak's interval the main thread was ready and had no";
  EXPECT_THAT(analysed(24 * kMillisecond, kMillisecond).findings,
              Contains(Field(&LabFinding::text,
                             AllOf(HasSubstr("spread over 60s"), HasSubstr(std::string(kNamed)),
                                   HasSubstr("core for 1 ms")))));
  EXPECT_THAT(analysed(24 * kMillisecond, kMillisecond).findings,
              Not(Contains(Field(&LabFinding::text, AllOf(HasSubstr("all at one moment: p99"),
                                                          HasSubstr(std::string(kNamed)))))));
}

TEST(ExpiryFindings, TellReadsFromWhatDbsizeCounts) {
  const ExperimentDocument document = analysed(24 * kMillisecond, kMillisecond / 2);
  EXPECT_THAT(document.findings,
              finding("60.0% of the reads miss in the first interval after", Standing::expected));
  EXPECT_THAT(document.findings, finding("a key goes only when it is read", Standing::expected));
}

}  // namespace
}  // namespace redline
