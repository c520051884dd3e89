// What the reshard experiment says of runs that are made up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "lab/catalog.h"
#include "lab/study.h"
#include "rundir/hlog.h"
#include "unit/lab/experiment_parameters.h"

namespace redline {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::DoubleNear;
using testing::Field;
using testing::HasSubstr;

constexpr Nanos kInterval = 100 * kMillisecond;

Parameters quick() {
  return quickParametersOf(reshardExperiment());
}

FaultFigures moveAt(double beginS, double endS) {
  return {"reshard",
          "",
          "",
          beginS,
          endS,
          "",
          {{"slots", 500},
           {"keys", 6000},
           {"bytes", 1e6},
           {"longest_migrate_us", 1900},
           {"source_blocked_share", 0.4}}};
}

/// A run of 5 s whose slots go at 1.5 s and come back at 3.5 s, each for half a second: p99 is 0.5
/// ms, and `during` meanwhile.
Reading runOf(const LabRun& planned, Nanos during) {
  RunDir run;
  for (int i = 0; i < 50; ++i) {
    const Nanos start = i * kInterval;
    const bool moving = (i >= 15 && i < 20) || (i >= 35 && i < 40);
    Histogram histogram;
    histogram.record(moving ? during : kMillisecond / 2, 100);
    run.latency.lines.push_back({"response", start, kInterval, encodeCompressed(histogram)});
    IntervalRow row;
    row.start = start;
    row.end = start + kInterval;
    row.counts.completed[0] = 100;
    row.counts.cpuUser = (moving ? 2 : 1) * kMillisecond;
    row.counts.moved = moving ? 4 : 0;
    run.intervals.push_back(row);
  }
  Summary& summary = run.summary.emplace();
  summary.faults = {moveAt(1.5, 2.0), moveAt(3.5, 4.0)};
  summary.rate.completed = 5000;
  summary.cluster.moved = 40;
  summary.cluster.ask = 7;
  summary.cluster.hotSlots = {{42, "127.0.0.1:7600", 1000}};
  Reading reading;
  reading.record.name = planned.name;
  reading.record.labels = planned.labels;
  reading.dirs.push_back(std::move(run));
  return reading;
}

Readings runs(Nanos during, const std::function<void(Summary&)>& change = {}) {
  Readings readings;
  const auto plan = lab::planOf(reshardExperiment(), quick());
  for (const LabRun& planned : plan->runs) {
    Reading reading = runOf(planned, during);
    if (change) change(*reading.dirs[0].summary);
    readings.add(std::move(reading));
  }
  return readings;
}

ExperimentDocument analysed(const Readings& readings) {
  ExperimentDocument document;
  document.predictions = lab::predictionsOf(reshardExperiment(), quick());
  lab::analyse(reshardExperiment(), quick(), readings, document);
  return document;
}

const LabFinding& finding(const ExperimentDocument& document, const std::string& words) {
  for (const LabFinding& each : document.findings)
    if (each.text.find(words) != std::string::npos) return each;
  ADD_FAILURE() << "no finding says: " << words;
  static const LabFinding kNone;
  return kNone;
}

TEST(ReshardExperiment, FindsWhatP99DoesWhileSlotsMove) {
  const ExperimentDocument document = analysed(runs(5 * kMillisecond));
  const LabFinding& impact = finding(document, "Moving 100 slots, values of 100 B");
  EXPECT_EQ(impact.standing, Standing::expected);
  EXPECT_THAT(impact.text, HasSubstr("6k keys"));
  EXPECT_THAT(impact.text, HasSubstr("takes 500 ms"));
  EXPECT_THAT(impact.text, HasSubstr("it is as before 0 s after the move"));
  ASSERT_EQ(document.slo.size(), 1U);
  EXPECT_EQ(document.slo[0].id, "reshard-impact");
  EXPECT_EQ(document.slo[0].verdict, SloVerdict::reported);
  EXPECT_THAT(document.slo[0].measured, HasSubstr("40 MOVED, 7 ASK"));
  EXPECT_THAT(document.figures,
              Contains(AllOf(Field(&LabFigure::what, "one move, 100 slots, values of 100 B"),
                             Field(&LabFigure::value, DoubleNear(0.5, 1e-6)))));
}

TEST(ReshardExperiment, SaysThatItIsNotDecidedWhereP99StaysAsItWas) {
  const ExperimentDocument document = analysed(runs(kMillisecond / 2));
  EXPECT_EQ(finding(document, "Moving 100 slots, values of 100 B").standing,
            Standing::inconclusive);
}

TEST(ReshardExperiment, HoldsFailuresAndWrongValuesAgainstIt) {
  EXPECT_EQ(finding(analysed(runs(5 * kMillisecond)), "were redirected").standing,
            Standing::expected);
  const auto wrong = runs(5 * kMillisecond, [](Summary& summary) { summary.verify.corrupt = 1; });
  EXPECT_EQ(finding(analysed(wrong), "were redirected").standing, Standing::contradicts);
  const auto lost = runs(5 * kMillisecond, [](Summary& summary) { summary.cache.misses = 1; });
  EXPECT_EQ(finding(analysed(lost), "were redirected").standing, Standing::contradicts);
}

TEST(ReshardExperiment, HoldsPredictionsAgainstWhatWasMeasured) {
  const ExperimentDocument document = analysed(runs(5 * kMillisecond));
  EXPECT_EQ(document.predictions[0].measured, 6000);
  EXPECT_NEAR(document.predictions[1].measured, 0.5, 1e-6);
  EXPECT_EQ(document.predictions[3].measured, 40);
  EXPECT_EQ(document.predictions[5].verdict, "as predicted");
}

TEST(ReshardExperiment, MovesTheSlotThatAnEarlierRunFoundBusiestAwayFromItsMaster) {
  const auto plan = lab::planOf(reshardExperiment(), quick());
  const auto hot = std::ranges::find(plan->runs, "small-hot-r1", &LabRun::name);
  ASSERT_NE(hot, plan->runs.end());
  EXPECT_FALSE(hot->drives[0].decide({}));  // nothing is known yet
  for (const auto& [slot, chaos] :
       {std::pair(5460U,
                  "1500ms:reshard -slots=5460 -target={node-1}; 4s:reshard -slots=5460 "
                  "-target={node-0}"),
        std::pair(5461U,
                  "1500ms:reshard -slots=5461 -target={node-2}; 4s:reshard -slots=5461 "
                  "-target={node-1}"),
        std::pair(16383U,
                  "1500ms:reshard -slots=16383 -target={node-0}; 4s:reshard "
                  "-slots=16383 -target={node-2}")}) {
    const auto known = runs(kMillisecond, [slot = slot](Summary& summary) {
      summary.cluster.hotSlots.front().slot = slot;
    });
    EXPECT_THAT(*hot->drives[0].decide(known), Contains(std::string("-chaos=") + chaos));
  }
}

TEST(ReshardExperiment, SaysNothingOfRunsWhoseMovesDidNotTake) {
  const ExperimentDocument document = analysed(
      runs(5 * kMillisecond, [](Summary& summary) { summary.faults[1].problem = "did not take"; }));
  EXPECT_TRUE(document.slo.empty());
  EXPECT_EQ(finding(document, "was not measured").standing, Standing::problem);
}

}  // namespace
}  // namespace redline
