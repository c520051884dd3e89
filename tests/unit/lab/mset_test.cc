// What mset concludes from runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "lab/catalog.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::mset_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// CPU time per key in microseconds, by part, kind and way.
using Costs = std::map<std::tuple<std::string, std::string, std::string>, double>;

Costs usual() {
  return {
      {{"alone", "write", "apart"}, 11},  {{"alone", "write", "batch"}, 2},
      {{"alone", "write", "multi"}, 1},   {{"alone", "read", "apart"}, 10},
      {{"alone", "read", "batch"}, 1.5},  {{"alone", "read", "multi"}, 1},
      {{"busy", "write", "batch"}, 0.9},  {{"busy", "write", "multi"}, 0.3},
      {{"busy", "read", "batch"}, 0.625}, {{"busy", "read", "multi"}, 0.25},
  };
}

/// Three repeats of each, which scatter by 1%, or there would be no interval.
ExperimentDocument analysed(const Costs& costs) {
  Readings readings;
  for (const auto& [cell, us] : costs)
    for (const int repeat : {1, 2, 3}) {
      const auto& [part, kind, way] = cell;
      Reading reading = ReadingBuilder({{"part", part}, {"kind", kind}, {"way", way}}, repeat)
                            .figure("main_thread_us_per_key", us * (1 + 0.01 * (repeat - 2)))
                            .figure("kernel_us_per_key", us / 2)
                            .figure("execution_us_per_call", way == "multi" ? 3 : 0.5)
                            .build();
      reading.dirs.clear();  // no driver ran
      readings.add(std::move(reading));
    }
  return analysisOf(msetExperiment(), quickParametersOf(msetExperiment()), readings);
}

TEST(MsetFindings, SayWhatOneCommandSavesInOneRoundTripAndOnABusyConnection) {
  const auto document = analysed(usual());
  const LabFinding writes = findingOf(document, "write-command-saves");
  EXPECT_EQ(writes.standing, Standing::expected);
  EXPECT_THAT(writes.text, AllOf(HasSubstr("With 10 SETs in a round trip"), HasSubstr(" 2 µs ["),
                                 HasSubstr(", 2× [")));
  EXPECT_THAT(findingOf(document, "read-command-saves").text, HasSubstr(", 1.5× ["));
  EXPECT_THAT(findingOf(document, "write-command-saves-busy").text, HasSubstr("3× ["));
  EXPECT_THAT(findingOf(document, "read-command-saves-busy").text, HasSubstr("2.5× ["));
  EXPECT_NEAR(figureOf(document, "CPU of 10 SETs ÷ one MSET"), 2, 0.01);
}

TEST(MsetFindings, TellRoundTripsFromCommands) {
  const auto document = analysed(usual());
  const LabFinding found = findingOf(document, "write-round-trips-cost");
  EXPECT_EQ(found.standing, Standing::expected);
  EXPECT_THAT(found.text, AllOf(HasSubstr("11× ["), HasSubstr("save 90% of the difference")));
  EXPECT_THAT(cellOf(document, "10 keys in each", "10 SETs, one write", "÷ one command"),
              HasSubstr("2×"));
  EXPECT_EQ(cellOf(document, "10 keys in each", "10 SETs, one write", "valid runs"), "3 of 3");
}

TEST(MsetFindings, RecommendTheCommandOnlyWhereItSaves) {
  EXPECT_THAT(analysed(usual()).recommendations,
              Contains(AllOf(HasSubstr("saves 90% of what MSET"),
                             HasSubstr("send one MSET: 10 SETs cost 3× ["))));
  Costs costs = usual();
  costs[{"busy", "write", "multi"}] = 0.9;
  const auto same = analysed(costs);
  EXPECT_EQ(findingOf(same, "write-command-saves-busy").standing, Standing::inconclusive);
  EXPECT_THAT(same.recommendations, Not(Contains(HasSubstr("send one MSET"))));
  EXPECT_THAT(same.recommendations, Contains(HasSubstr("send one MGET")));
}

TEST(MsetFindings, AnswerOnlyWhatIsDecided) {
  EXPECT_EQ(analysed(usual()).answer,
            "10 SETs in one write save 90% of what one MSET saves over as many round trips; they "
            "cost Redis 2× one MSET");
  Costs costs = usual();
  costs[{"alone", "write", "batch"}] = 1;
  EXPECT_THAT(analysed(costs).answer,
              HasSubstr("whether one MSET costs Redis less is not decided"));
}

TEST(MsetFindings, ARatioWithoutAnIntervalIsAFigureThatDecidesNothing) {
  Readings once;
  for (const auto& [cell, us] : usual()) {
    const auto& [part, kind, way] = cell;
    Reading reading = ReadingBuilder({{"part", part}, {"kind", kind}, {"way", way}}, 1)
                          .figure("main_thread_us_per_key", us)
                          .figure("execution_us_per_call", 1)
                          .build();
    reading.dirs.clear();
    once.add(std::move(reading));
  }
  const auto document = analysisOf(msetExperiment(), quickParametersOf(msetExperiment()), once);
  EXPECT_THAT(document.recommendations,
              Contains(HasSubstr("whether one MSET costs less CPU time is not decided (3×, without "
                                 "an interval)")));
}

TEST(MsetFindings, LeaveOutWhatARunIsMissingFor) {
  Costs costs = usual();
  costs.erase({"alone", "write", "apart"});
  const auto document = analysed(costs);
  EXPECT_THAT(findingOf(document, "write-round-trips-cost").text, IsEmpty());
  EXPECT_THAT(findingOf(document, "write-command-saves").text, HasSubstr("2× ["));
}

TEST(MsetPlan, SendsWithoutADriver) {
  const auto plan = lab::planOf(msetExperiment(), quickParametersOf(msetExperiment()));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->runs.size(), 50U);
  for (const LabRun& run : plan->runs) {
    EXPECT_TRUE(run.before) << run.name;
    EXPECT_THAT(run.drives, IsEmpty()) << run.name;
  }
}

TEST(MsetPlan, RefusesAKeyTwiceInARoundTrip) {
  const auto p =
      parametersOf(msetExperiment(), Profile::quick, *parseOverrides("keys=499; busy-groups=50"));
  ASSERT_TRUE(p);
  EXPECT_FALSE(msetExperiment().check(*p));
}

}  // namespace
}  // namespace redline::mset_test
