// What experiments are declared with: levels, cells, quantities, figures.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "lab/study.h"

namespace redline::lab {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

const Factor<std::string> kSize = Study::factor("size", {"1.5", "4KB"});
const Factor<std::string> kPolicy = Study::factor("policy", {"lru", "lfu", "none"});

TEST(Factor, PicksLevelsInTheOrderAskedForWithTheirPayloads) {
  const auto picked = kPolicy.pick({"none", "lru"});
  ASSERT_EQ(picked.size(), 2U);
  EXPECT_EQ(picked.payload(0), "none");
  EXPECT_EQ(picked.payload(1), "lru");
  EXPECT_EQ(gridOf("", {picked}).cells.front()[kPolicy], "none");
}

TEST(Cell, IsCalledInRunsByNamesThatAFileMayHave) {
  const Cell cell = gridOf("", {kPolicy, kSize}).cells.front();
  EXPECT_EQ(cell.runName(2), "lru-1-5-r2");
  EXPECT_THAT(cell.labels(), ElementsAre(Pair("policy", "lru"), Pair("size", "1.5")));
  EXPECT_EQ(cell.with(kSize, "4KB").name(), "lru-4kb");
}

TEST(Cell, WithAnotherLevelKeepsTheOthers) {
  const Cell cell = gridOf("", {kPolicy, kSize}).cells.back();
  const Cell other = cell.with(kPolicy, "lfu");
  EXPECT_EQ(other[kPolicy], "lfu");
  EXPECT_EQ(other[kSize], "4KB");
  EXPECT_EQ(cell.with(kPolicy, "none"), cell);
  EXPECT_THAT(cell.with(kPolicy, "random").labels(),
              ElementsAre(Pair("policy", "random"), Pair("size", "4KB")));
}

Reading batchRun(const std::string& batch, double rate, bool isValid) {
  Reading reading;
  reading.record.labels = {{"batch", batch}};
  reading.record.figures = {{"rate", rate}};
  if (!isValid) reading.record.invalid = {{ReasonCode::coreTaken, "core taken: by others"}};
  return reading;
}

TEST(Quantity, LeavesAnInvalidRunOutWhereThereAreOthers) {
  Readings readings;
  readings.add(batchRun("1", 100, true));
  readings.add(batchRun("1", 40, false));
  readings.add(batchRun("1", 102, true));
  const Cell cell = gridOf("", {Study::factor("batch", {"1"})}).cells.front();
  const Quantity rate(readings, Cells{cell}, "ops/s", recorded("rate"), Quantity::Estimator::mean);
  EXPECT_THAT(rate.values(cell), ElementsAre(100, 102));
  EXPECT_DOUBLE_EQ(rate[cell].value(), 101);
  EXPECT_THAT(rate[cell].runs, SizeIs(3)) << "it is still shown and linked";
}

TEST(Quantity, KeepsInvalidRunsWhereThereAreNoOthers) {
  Readings readings;
  readings.add(batchRun("1", 40, false));
  const Cells cells = gridOf("", {Study::factor("batch", {"1", "2"})}).cells;
  const Quantity rate(readings, cells, "ops/s", recorded("rate"), Quantity::Estimator::mean);
  EXPECT_THAT(rate.values(cells[0]), ElementsAre(40));
  EXPECT_EQ(rate[cells[0]].valid, 0U);
  EXPECT_FALSE(rate.has(cells[1]));
}

/// What a study says of one run at 40/s.
ExperimentDocument answered(bool isValid) {
  Readings readings;
  readings.add(batchRun("1", 40, isValid));
  ExperimentDocument document;
  const Parameters p;
  Study study(p, readings, document);
  const Cells cells = gridOf("", {Study::factor("batch", {"1", "2"})}).cells;
  const Quantity rate(readings, cells, "ops/s", recorded("rate"), Quantity::Estimator::mean);
  const auto say = [&](const Measured& measured) {
    study.answer({measured}, "It does " + rounded(measured));
    study.decide({measured}, {.risk = "a risk",
                              .measured = rounded(measured),
                              .action = "do",
                              .price = "nothing",
                              .gain = 2,
                              .runs = {}});
  };
  say(rate[cells[1]]);  // not known
  EXPECT_EQ(document.answer, "");
  say(rate[cells[0]]);
  return document;
}

TEST(Answer, IsLeftOutWhereItIsNotKnownAndNotGivenByDisturbedRunsAlone) {
  const auto sound = answered(true), disturbed = answered(false);
  EXPECT_EQ(sound.answer, "It does 40/s");
  EXPECT_THAT(disturbed.answer, testing::HasSubstr("was disturbed"));
  ASSERT_THAT(sound.decisions, SizeIs(1));
  ASSERT_THAT(disturbed.decisions, SizeIs(1));
  EXPECT_EQ(sound.decisions[0].measured, "40/s");
  EXPECT_EQ(disturbed.decisions[0].measured, "in disturbed runs only");
  EXPECT_TRUE(std::isnan(disturbed.decisions[0].gain));
}

TEST(Rounded, HasTwoDigitsWhereTheIntervalIsWide) {
  const auto of = [](double low, double high) {
    return rounded(
        {{.value = 2187, .low = low, .high = high, .count = 3, .method = IntervalMethod::studentT},
         "us",
         {},
         0});
  };
  EXPECT_EQ(of(2100, 2300), "2.19 ms");
  EXPECT_EQ(of(800, 6000), "2.2 ms");
}

Measured ratioOf(double value, double low, double high) {
  return {{.value = value,
           .low = low,
           .high = high,
           .count = 3,
           .method = low < high ? IntervalMethod::pooledT : IntervalMethod::none},
          "x",
          {},
          3};
}

TEST(PriceOf, IsAPriceOnlyWhereItsIntervalLiesAboveOne) {
  EXPECT_EQ(priceOf(ratioOf(1.4, 1.35, 1.45), "CPU"), "1.4× the CPU");
  for (const Measured& none :
       {ratioOf(1.4, 0.9, 2), ratioOf(0.97, 0.95, 0.99), ratioOf(1.4, 1.4, 1.4)})
    EXPECT_EQ(priceOf(none, "CPU"), "no measurable extra CPU");
}

TEST(ExpectMore, DecidesNothingWithoutIntervals) {
  const Measured less = ratioOf(1, 0.9, 1.1), more = ratioOf(4, 3.9, 4.1);
  EXPECT_EQ(expectMore(more, less), Standing::expected);
  EXPECT_EQ(expectMore(less, more), Standing::contradicts);
  EXPECT_EQ(expectMore(ratioOf(4, 4, 4), less), Standing::inconclusive);
  EXPECT_EQ(expectMore(more, ratioOf(1, 1, 1)), Standing::inconclusive);
}

TEST(Figure, IsThereWhereItIsKnownAndHasNoIntervalWhereTheEstimateHasNone) {
  ExperimentDocument document;
  const Readings none;
  const Parameters p;
  Study study(p, none, document);
  study.figure("nothing", Measured{});
  EXPECT_THAT(document.figures, IsEmpty());
  Measured one;
  one.unit = "us";
  one.estimate = {.value = 3, .low = 3, .high = 3, .count = 1};
  study.figure("one", one);
  ASSERT_THAT(document.figures, SizeIs(1));
  EXPECT_TRUE(std::isnan(document.figures[0].low));
}

TEST(Quantity, GivesEachGroupOfCellsItsOwnSpread) {
  Readings readings;
  const auto add = [&](const std::string& policy, double value) {
    Reading reading;
    reading.record.labels = {{"policy", policy}};
    reading.record.figures = {{"value", value}};
    readings.add(std::move(reading));
  };
  for (const double value : {100, 101}) add("lru", value), add("lfu", value);
  for (const double value : {50, 200}) add("none", value);
  const Grid grid = gridOf("", {kPolicy});
  const Cell lru = grid.at(kPolicy, "lru"), lfu = grid.at(kPolicy, "lfu"),
             none = grid.at(kPolicy, "none");
  const Quantity quantity(readings, {{lru, lfu}, {none}}, "count", recorded("value"),
                          Quantity::Estimator::interval);
  const auto width = [&](const Cell& cell) { return quantity[cell].estimate.relativeHalfWidth(); };
  EXPECT_LT(width(lru), 0.05);
  EXPECT_GT(width(none), 1);
  EXPECT_TRUE(quantity.ratio(lru, lfu).estimate.hasInterval());
  EXPECT_NEAR(quantity.ratio(lru, none).value(), 0.995, 0.001);
  EXPECT_FALSE(quantity.ratio(lru, none).estimate.hasInterval());
}

}  // namespace
}  // namespace redline::lab
