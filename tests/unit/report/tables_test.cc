#include "report/tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/document.h"
#include "unit/report/runs.h"

namespace redline {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

const Table* tableOf(const std::vector<Table>& tables, std::string_view title) {
  const auto found = std::ranges::find(tables, title, &Table::title);
  return found == tables.end() ? nullptr : &*found;
}

TEST(Tables, LowerBoundsAreMarkedAndExactFiguresAreNot) {
  RunData run = soundRun();
  run.figures.latency["response"]["all"].lowerBounds = {"p999", "max"};
  const auto tables = runTables(run);
  const auto& row = tableOf(tables, "Latency, microseconds")->rows.front();
  EXPECT_THAT(row, ElementsAre("response", "100,000", "105.0", "105.0", "168.0", "210.0", "≥ 315.0",
                               "420.0", "≥ 630.0"));
  EXPECT_THAT(tableOf(tables, "Latency, microseconds")->note, HasSubstr("lower bound"));
}

TEST(Tables, KeyFiguresSayWhatIsABoundAndLeaveOutWhatIsNotKnown) {
  const auto valueOf = [](const RunData& run, std::string_view label) {
    const auto key = keyFigures(run);
    const auto found = std::ranges::find(key, label, &KeyFigure::label);
    return found == key.end() ? std::string("none") : found->value;
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

TEST(Tables, TheIdentityIsCheckedAloud) {
  RunData run = soundRun();
  EXPECT_THAT(tableOf(runTables(run), "Rate and operations")->note, HasSubstr("holds"));
  run.figures.rate.outstanding = 1;
  EXPECT_THAT(tableOf(runTables(run), "Rate and operations")->note, HasSubstr("DOES NOT HOLD"));
}

TEST(Tables, EmptyOnesAreNotThere) {
  const auto tables = runTables(RunData{});
  for (const Table& table : tables) EXPECT_FALSE(table.rows.empty()) << table.title;
  EXPECT_EQ(tableOf(tables, "Servers"), nullptr);
  EXPECT_EQ(tableOf(tables, "Latency, microseconds"), nullptr);
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
  const Table* const flags = tableOf(tables, "Flags that differ");
  ASSERT_NE(flags, nullptr);
  EXPECT_THAT(flags->rows, ElementsAre(ElementsAre("-rate", "10k", "20k")));
  const Table* const figures = tableOf(tables, "Side by side: load");
  EXPECT_EQ(figures->rows[0][1], "valid");
  EXPECT_EQ(figures->rows[1][1], "INVALID");
}

TEST(Tables, OfALongSlowLogTheLongestEntriesAreShownInOrderOfTime) {
  RunData run = soundRun();
  for (int i = 0; i < 20; ++i)
    run.dir.events.push_back(eventAt(20 - i, "slowlog", "keys", (i + 1) * 1'000'000));
  run.dir.events.push_back(eventAt(3, "fault", "bgsave", 0, "begin"));
  const Table table = *tableOf(runTables(run), "Events");
  EXPECT_EQ(table.rows.size(), 9U);
  EXPECT_THAT(table.note, HasSubstr("12 shorter ones"));
  EXPECT_EQ(table.rows.front()[0], "1.000 s");
  EXPECT_EQ(table.rows.front()[3], "20 ms");
}

}  // namespace
}  // namespace redline
