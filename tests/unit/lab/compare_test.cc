#include "lab/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace redline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

void add(Readings& readings, const std::string& batch, double rate, bool valid) {
  Reading reading;
  reading.record.name = "b" + batch + "-" + std::to_string(readings.all().size());
  reading.record.labels = {{"batch", batch}};
  reading.record.figures = {{"rate", rate}};
  if (!valid) reading.record.invalid = {{ReasonCode::coreTaken, "core taken: by others"}};
  readings.add(std::move(reading));
}

double rateOf(const Reading& reading) {
  return reading.figure("rate");
}

TEST(Conditions, LeaveARunThatMayNotBeBelievedOutWhereThereAreOthers) {
  Readings readings;
  add(readings, "1", 100, true);
  add(readings, "1", 40, false);
  add(readings, "1", 102, true);
  const Conditions runs(readings, {{{"batch", "1"}}});
  EXPECT_THAT(runs.column(rateOf).values[0], ElementsAre(100, 102));
  EXPECT_DOUBLE_EQ(runs.mean(0, rateOf), 101);
  EXPECT_THAT(runs.runs(0), SizeIs(3)) << "it is still shown and linked";
  EXPECT_THAT(runs.believed(0), SizeIs(2));
}

TEST(Conditions, KeepWhatThereIsWhereNoneMayBeBelieved) {
  Readings readings;
  add(readings, "1", 40, false);
  const Conditions runs(readings, {{{"batch", "1"}}, {{"batch", "2"}}});
  EXPECT_THAT(runs.column(rateOf).values[0], ElementsAre(40));
  EXPECT_EQ(runs.valid(0), 0U);
  EXPECT_THAT(runs.believed(1), IsEmpty());
}

TEST(AddFigure, HasNoIntervalWhereTheEstimateHasNone) {
  ExperimentDocument document;
  addFigure(document, "nothing", "us", Estimate{});
  EXPECT_THAT(document.figures, IsEmpty());
  addFigure(document, "one", "us", Estimate{.value = 3, .low = 3, .high = 3, .count = 1});
  ASSERT_THAT(document.figures, SizeIs(1));
  EXPECT_TRUE(std::isnan(document.figures[0].low));
}

}  // namespace
}  // namespace redline
