// The two estimands: as found, and with the core available.

#include "lab/availability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/study.h"
#include "unit/lab/readings_builder.h"

namespace redline::availability_test {
namespace {

using testing::HasSubstr;

constexpr Nanos kInterval = ReadingBuilder::kInterval;

/// Samples at the edges of ten intervals; others used `foreign[i]` in interval i.
Witnessed witnessed(const std::vector<Nanos>& foreign, Nanos zero = 0) {
  Witnessed seen;
  Nanos sum = 0;
  seen.samples.push_back({zero, 0, 0});
  for (std::size_t i = 0; i < foreign.size(); ++i) {
    sum += foreign[i];
    seen.samples.push_back({zero + static_cast<Nanos>(i + 1) * kInterval, sum, sum / 2});
  }
  return seen;
}

TEST(Witnessed, HasTheShareOfAnyStretchBetweenItsSamples) {
  Witnessed seen = witnessed({0, 10 * kMillisecond, 0});
  EXPECT_DOUBLE_EQ(*seen.foreignShare(0, kInterval), 0);
  EXPECT_DOUBLE_EQ(*seen.foreignShare(kInterval, 2 * kInterval), 0.1);
  EXPECT_DOUBLE_EQ(*seen.foreignShare(kInterval / 2, kInterval * 3 / 2), 0.05);
  EXPECT_FALSE(seen.foreignShare(2 * kInterval, 4 * kInterval));
  EXPECT_FALSE(Witnessed{}.foreignShare(0, 1));
  seen.gaps.push_back({kInterval / 2, 5 * kMillisecond, Witnessed::Core::generator});
  EXPECT_DOUBLE_EQ(*seen.foreignShare(0, kInterval), 0.05);
  EXPECT_NEAR(seen.gapShare(Witnessed::Core::generator), 5.0 / 300, 1e-9);
  EXPECT_EQ(seen.gapShare(Witnessed::Core::server), 0);
  EXPECT_NEAR(seen.kernelShare(), 5.0 / 300, 1e-9);
}

TEST(Witnessed, WhatIsTolerableIsTheBackgroundAndTwoHundredths) {
  EXPECT_NEAR(tolerableForeignShare(witnessed(std::vector<Nanos>(10, 3 * kMillisecond))), 0.05,
              1e-9);
  // A burst in four of ten tenths does not make the background larger.
  std::vector<Nanos> bursts(10, kMillisecond);
  for (const std::size_t i : {2U, 3U, 6U, 7U}) bursts[i] = 60 * kMillisecond;
  EXPECT_NEAR(tolerableForeignShare(witnessed(bursts)), 0.03, 1e-9);
}

TEST(Witnessed, AMachineThatIsNeverQuietHasNoLargerTolerance) {
  EXPECT_NEAR(tolerableForeignShare(witnessed(std::vector<Nanos>(10, 90 * kMillisecond))), 0.07,
              1e-9);
}

/// Ten intervals of 200 µs; 9 ms in interval 4, where others had half of a core, and 1 ms in the
/// next.
ReadingBuilder disturbedRun() {
  ReadingBuilder builder({{"part", "rate"}, {"policy", "no"}}, 1, 10);
  builder.response([](int i) {
    return i == 4 ? 9 * kMillisecond : i == 5 ? kMillisecond : 200 * kMicrosecond;
  });
  builder.plan().clockZero = 7 * kSecond;
  return builder;
}

TEST(Availability, LeavesOutADisturbedIntervalAndTheNext) {
  Reading run = disturbedRun().build();
  std::vector<Nanos> foreign(10, 0);
  foreign[4] = 50 * kMillisecond;
  noteAvailability(*run.dir(), witnessed(foreign, 7 * kSecond), 0.02, run.record);
  EXPECT_DOUBLE_EQ(run.figure(kLostShare), 0.2);
  EXPECT_NEAR(run.figure(kForeignShare), 0.05, 1e-9);
  EXPECT_NEAR(run.figure("available_p99_us"), 200, 2);
}

TEST(Availability, HasNoFigureWhereTooLittleIsLeft) {
  Reading run = disturbedRun().build();
  noteAvailability(*run.dir(), witnessed(std::vector<Nanos>(10, 50 * kMillisecond), 7 * kSecond),
                   0.02, run.record);
  EXPECT_DOUBLE_EQ(run.figure(kLostShare), 1);
  EXPECT_FALSE(std::isfinite(run.figure("available_p99_us")));
  Reading unseen = disturbedRun().build();
  noteAvailability(*unseen.dir(), Witnessed{}, 0.02, unseen.record);
  EXPECT_FALSE(std::isfinite(unseen.figure(kLostShare)));
}

/// Twelve blocks of two policies that lost these shares.
Readings blocks(double no, double always) {
  Readings readings;
  for (int block = 1; block <= 12; ++block)
    for (const auto& [policy, lost] : {std::pair("no", no), std::pair("always", always)})
      readings.add(ReadingBuilder({{"part", "rate"}, {"policy", policy}}, block, 10)
                       .figure(kLostShare, lost)
                       .figure(kForeignShare, lost / 2)
                       .figure("available_p99_us", 200 + block)
                       .build());
  return readings;
}

/// Whose responses all took that long.
RunDir process(double rate, Nanos response) {
  RunDir dir;
  dir.summary.emplace().rate.target = rate;
  dir.latency.merged["response"].record(response, 1000);
  return dir;
}

TEST(Availability, FindsTheResponsesOfAllProcessesThatShareALoad) {
  const auto ofRates = [](double first, double second) {
    Reading run = ReadingBuilder({{"defence", "none"}}, 1).figure(kLostShare, 0).build();
    run.dirs = {process(first, 200 * kMicrosecond), process(second, 9 * kMillisecond)};
    Readings readings;
    readings.add(run);
    ExperimentDocument document;
    addAvailability(readings, document);
    return document;
  };
  const auto found = [](const ExperimentDocument& document) {
    return cellOf(document, "What others took", "defence none", "p99 as found");
  };
  EXPECT_EQ(found(ofRates(3000, 3000)), "9 ms");
  EXPECT_THAT(ofRates(3000, 3000).tables.front().note, HasSubstr("are of the first"));
  // The second disturbs the first, whose summary has no latencies here.
  EXPECT_EQ(found(ofRates(3000, 8000)), "–");
}

TEST(Availability, WhereTheTreatmentDisturbsNothingIsLeftOut) {
  ExperimentDocument document;
  addAvailability(blocks(0.1, 0.6), document);
  EXPECT_THAT(findingOf(document, "cores-lost-rate").text,
              HasSubstr("to 60.0% (rate, policy always)"));
  EXPECT_EQ(cellOf(document, "What others took", "rate, policy no", "p99, core available"),
            "not told apart");
  ExperimentDocument alike;
  addAvailability(blocks(0.1, 0.1), alike);
  EXPECT_EQ(findingOf(alike, "cores-lost-rate").text, "");
  EXPECT_NE(cellOf(alike, "What others took", "rate, policy no", "p99, core available"),
            "not told apart");
}

}  // namespace
}  // namespace redline::availability_test
