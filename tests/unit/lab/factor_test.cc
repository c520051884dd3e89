// Levels, cells and the spread of groups of cells.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/study.h"
#include "unit/lab/readings_builder.h"

namespace redline::lab {
namespace {

using testing::ElementsAre;
using testing::Pair;

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
                          Quantity::Estimator::pooled);
  const auto width = [&](const Cell& cell) { return quantity[cell].estimate.relativeHalfWidth(); };
  EXPECT_LT(width(lru), 0.05);
  EXPECT_GT(width(none), 1);
  EXPECT_TRUE(quantity.ratio(lru, lfu).estimate.hasInterval());
  EXPECT_NEAR(quantity.ratio(lru, none).value(), 0.995, 0.001);
  EXPECT_FALSE(quantity.ratio(lru, none).estimate.hasInterval());
}

}  // namespace
}  // namespace redline::lab
