#include "report/run_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/report/blocks.h"
#include "unit/report/runs.h"

namespace redline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Tables, LowerBoundsAreMarkedAndExactFiguresAreNot) {
  RunData run = soundRun();
  run.figures.latency["response"]["all"].lowerBounds = {"p999", "max"};
  const auto tables = runTables(run);
  const auto& row = tableTitled(tables, "Latency, microseconds")->rows.front().cells;
  EXPECT_THAT(cellTexts(row), ElementsAre("response", "100,000", "105.0", "105.0", "168.0", "210.0",
                                          "≥ 315.0", "420.0", "≥ 630.0"));
  EXPECT_THAT(tableTitled(tables, "Latency, microseconds")->note, HasSubstr("lower bound"));
}

TEST(Tables, KeyFiguresSayWhatIsABoundAndLeaveOutWhatIsNotKnown) {
  const auto valueOf = [](const RunData& run, std::string_view label) {
    for (const auto& [name, value] : keyFigures(run).figures)
      if (name == label) return value;
    return std::string("none");
  };
  RunData run = soundRun();
  EXPECT_EQ(valueOf(run, "operations/s"), "10,000");
  EXPECT_EQ(valueOf(run, "response p99"), "210 µs");
  EXPECT_EQ(valueOf(run, "Redis busy"), "40.0%");
  EXPECT_EQ(valueOf(run, "failed"), "none");
  run.figures.latency["response"]["all"].lowerBounds = {"p99"};
  run.figures.rate.outstanding = 7;
  run.figures.servers.clear();
  EXPECT_EQ(valueOf(run, "response p99"), "≥ 210 µs");
  EXPECT_EQ(valueOf(run, "outstanding"), "7");
  EXPECT_EQ(valueOf(run, "Redis busy"), "none");
}

TEST(Tables, NothingMeasuredIsNotALatencyOfZero) {
  EXPECT_EQ(latencyCell(LatencyFigures{}, "p99", 0), "–");
}

TEST(Tables, TheIdentityIsChecked) {
  RunData run = soundRun();
  const Blocks whole = runTables(run);
  EXPECT_THAT(tableTitled(whole, "Rate and operations")->note, HasSubstr("holds"));
  run.figures.rate.outstanding = 1;
  const Blocks missing = runTables(run);
  EXPECT_THAT(tableTitled(missing, "Rate and operations")->note, HasSubstr("DOES NOT HOLD"));
}

TEST(Tables, EmptyOnesAreNotThere) {
  const auto tables = runTables(RunData{});
  forEachBlock<Table>(tables,
                      [](const Table& table) { EXPECT_FALSE(table.rows.empty()) << table.title; });
  EXPECT_EQ(tableTitled(tables, "Servers"), nullptr);
  EXPECT_EQ(tableTitled(tables, "Latency, microseconds"), nullptr);
}

TEST(Tables, OneRunHasNothingToCompare) {
  EXPECT_TRUE(comparisonTables({soundRun()}).empty());
}

TEST(Tables, OnlyFlagsThatDifferAreCompared) {
  RunData other = soundRun();
  other.name = "other";
  other.figures.config[0].second = "20k";
  other.figures.valid = false;
  const auto tables = comparisonTables({soundRun(), other});
  const Table* const flags = tableTitled(tables, "Flags that differ");
  ASSERT_NE(flags, nullptr);
  ASSERT_EQ(flags->rows.size(), 1U);
  EXPECT_THAT(cellTexts(flags->rows[0].cells), ElementsAre("-rate", "10k", "20k"));
  const Table* const figures = tableTitled(tables, "Side by side: load");
  EXPECT_EQ(figures->rows[0].cells[1].text, "valid");
  EXPECT_EQ(figures->rows[1].cells[1].text, "INVALID");
}

TEST(Tables, OfALongSlowLogTheLongestEntriesAreShownInOrderOfTime) {
  RunData run = soundRun();
  for (int i = 0; i < 20; ++i)
    run.dir.events.push_back(eventAt(20 - i, "slowlog", "keys", (i + 1) * 1'000'000));
  run.dir.events.push_back(eventAt(3, "fault", "bgsave", 0, "begin"));
  const Blocks blocks = runTables(run);
  const Table table = *tableTitled(blocks, "Events");
  EXPECT_EQ(table.rows.size(), 9U);
  EXPECT_THAT(table.note, HasSubstr("12 shorter ones"));
  EXPECT_EQ(table.rows.front().cells[0].text, "1.000 s");
  EXPECT_EQ(table.rows.front().cells[3].text, "20 ms");
}

}  // namespace
}  // namespace redline
