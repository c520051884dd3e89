// What tracking concludes from runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "lab/catalog.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::tracking_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

double scattered(double value, int repeat) {
  return value * (1 + 0.01 * (repeat - 2));
}

struct Offload {
  double requests = 20e3, busy = 0.4;
  std::uint64_t stale = 0;
};

Reading driven(Labels labels, const Offload& of, double hits, int repeat) {
  ReadingBuilder builder(std::move(labels), repeat);
  Summary& summary = builder.summary();
  summary.windowS = 1;
  auto& server = summary.servers.emplace_back();
  server.ops = static_cast<std::uint64_t>(scattered(of.requests, repeat));
  server.mainThreadUtilisation = scattered(of.busy, repeat);
  summary.verify.stale = of.stale;
  summary.mitigation.staleness.max = 900;
  summary.mitigation.counts = {{"local_hits", static_cast<std::uint64_t>(1e6 * hits)},
                               {"local_misses", static_cast<std::uint64_t>(1e6 * (1 - hits))},
                               {"invalidations_received", 300},
                               {"ledger_reads", 1000}};
  return builder.build();
}

Reading acted(Labels labels, int repeat, const std::map<std::string, double>& figures) {
  ReadingBuilder builder(std::move(labels), repeat);
  for (const auto& [name, value] : figures)
    builder.figure(name, name == "tracking_total_keys" ? value : scattered(value, repeat));
  Reading reading = builder.build();
  reading.dirs.clear();  // no driver ran
  return reading;
}

struct All {
  std::map<std::pair<std::string, std::string>, Offload> offload{
      {{"0.01", "off"}, {}},
      {{"0.01", "default"}, {.requests = 2e3, .busy = 0.05}},
      {{"0.01", "bcast"}, {.requests = 2e3, .busy = 0.05}},
      {{"0.2", "off"}, {}},
      {{"0.2", "default"}, {.requests = 10e3, .busy = 0.3, .stale = 4}},
      {{"0.2", "bcast"}, {.requests = 10e3, .busy = 0.6}},
  };
  /// By clients and mode: microseconds of the main thread per write, and until the last copy.
  std::map<std::pair<std::string, std::string>, std::pair<double, double>> fan{
      {{"1", "off"}, {10, 0}},   {{"1", "default"}, {12, 20}},       {{"1", "bcast"}, {12, 20}},
      {{"400", "off"}, {10, 0}}, {{"400", "default"}, {1000, 1200}}, {{"400", "bcast"}, {800, 900}},
  };
  /// Microseconds until a copy is gone.
  std::map<std::string, double> causes{{"overwrite", 30}, {"delete", 20}, {"expire", 50e3}};
  double unwritten = 0.5;
  /// By clients: bytes of the table for each of 20k keys.
  std::map<std::string, double> table{{"1", 100}, {"16", 700}};
  double firstRead = 3, untracked = 1.5;
  /// By room: requests/s and local hits.
  std::map<std::string, std::pair<double, double>> full{{"1", {1e3, 0.95}}, {"0.05", {8e3, 0.6}}};
};

ExperimentDocument analysed(const All& all, int repeats = 3) {
  Readings readings;
  for (int repeat = 1; repeat <= repeats; ++repeat) {
    for (const auto& [cell, of] : all.offload)
      readings.add(driven({{"part", "offload"}, {"writes", cell.first}, {"mode", cell.second}}, of,
                          0.9, repeat));
    for (const auto& [cell, us] : all.fan) {
      std::map<std::string, double> figures{
          {"main_thread_us_per_write", us.first},
          {"pushes_missing", 0},
          {"write_round_trip_p50_us", cell.second == "bcast" ? us.first : 50}};
      if (cell.second != "off")
        figures.insert({{"lag_p50_us", us.second / 2},
                        {"lag_max_us", 5 * us.second},
                        {"last_copy_p50_us", us.second}});
      readings.add(acted({{"part", "fan-out"}, {"clients", cell.first}, {"mode", cell.second}},
                         repeat, figures));
    }
    for (const auto& [cause, us] : all.causes)
      readings.add(acted({{"part", "cause"}, {"cause", cause}}, repeat,
                         {{"lag_p50_us", us}, {"lag_p99_us", 2 * us}, {"lag_max_us", 2 * us}}));
    readings.add(acted({{"part", "cause"}, {"cause", "evict"}}, repeat,
                       {{"pushes_without_a_write", all.unwritten}}));
    for (const auto& [clients, bytes] : all.table)
      for (const char* keys : {"5k", "20k"})
        readings.add(acted(
            {{"part", "table"}, {"clients", clients}, {"keys", keys}, {"mode", "default"}}, repeat,
            {{"table_bytes", 20e3 * bytes},
             {"tracking_total_keys", 20e3 * 1.0},
             {"tracking_total_items", 20e3},
             {"read_us_untracked", all.untracked},
             {"read_us_first", all.firstRead},
             {"read_us_again", 2}}));
    for (const auto& [room, of] : all.full)
      readings.add(driven({{"part", "full"}, {"room", room}}, {.requests = of.first, .busy = 0.1},
                          of.second, repeat));
  }
  return analysisOf(trackingExperiment(), quickParametersOf(trackingExperiment()), readings);
}

TEST(TrackingFindings, SayWhatACacheTakesOffTheMaster) {
  const auto document = analysed({});
  EXPECT_THAT(document.findings, finds("offload", Standing::expected, "10×", "8×"));
  EXPECT_THAT(document.findings, finds("offload-writes", Standing::expected, "1.33×"));
  All useless;
  useless.offload[{"0.01", "default"}].busy = 0.5;
  EXPECT_THAT(analysed(useless).findings, finds("offload", Standing::contradicts, "0.8×"));
  useless.offload[{"0.01", "default"}].busy = 0.4;
  EXPECT_THAT(analysed(useless).findings, finds("offload", Standing::inconclusive, "1×"));
}

TEST(TrackingFindings, DecideNothingFromASingleRun) {
  EXPECT_THAT(analysed({}, 1).findings, finds("offload-writes", Standing::inconclusive));
  EXPECT_THAT(analysed({}, 1).findings, finds("broadcast-offload", Standing::inconclusive));
}

TEST(TrackingFindings, PriceACacheByTheLatestCopyThatWasSeen) {
  EXPECT_THAT(analysed({}).decisions,
              Contains(testing::Field(&LabDecision::price, "reads are stale for up to 6.06 ms")));
}

TEST(TrackingFindings, CompareBroadcastsWithDefaultMode) {
  const auto document = analysed({});
  EXPECT_THAT(document.findings, finds("broadcast-offload", Standing::inconclusive, "1×", "2×"));
  EXPECT_THAT(document.findings, finds("broadcast-fan-out", Standing::plain, "0.8×"));
}

TEST(TrackingFindings, CountStaleReads) {
  EXPECT_THAT(analysed({}).findings,
              finds("stale-reads", Standing::expected, "12 of 3k", "900 µs"));
  All none;
  none.offload[{"0.2", "default"}].stale = 0;
  EXPECT_THAT(analysed(none).findings, finds("stale-reads", Standing::inconclusive, "0 of 3k"));
}

TEST(TrackingFindings, SayWhatAWriteOfAWidelyCachedKeyCosts) {
  const auto document = analysed({});
  EXPECT_THAT(document.findings, finds("fan-out", Standing::expected, "1 ms", "100×", "1.2 ms"));
  EXPECT_THAT(document.findings, finds("broadcast-order", Standing::expected, "16×", "800 µs"));
  All cheap;
  cheap.fan[{"400", "default"}].first = 10;
  EXPECT_THAT(analysed(cheap).findings, finds("fan-out", Standing::inconclusive));
}

TEST(TrackingFindings, TellExpiryFromDeletion) {
  EXPECT_THAT(analysed({}).findings, finds("expiry-lags", Standing::expected, "50 ms", "40 µs"));
  All prompt;
  prompt.causes["expire"] = 10;
  EXPECT_THAT(analysed(prompt).findings, finds("expiry-lags", Standing::contradicts));
  EXPECT_THAT(analysed({}).findings, finds("table-evicts", Standing::expected, "50.0%"));
  All roomy;
  roomy.unwritten = 0;
  EXPECT_THAT(analysed(roomy).findings, finds("table-evicts", Standing::contradicts));
}

TEST(TrackingFindings, SayWhatTheTableTakes) {
  const auto document = analysed({});
  EXPECT_THAT(document.findings, finds("table-memory", Standing::expected, "100 B", "700 B"));
  EXPECT_THAT(document.findings, finds("read-price", Standing::expected, "2×"));
  // 100 B for the first of 100 clients, and (700 − 100)/15 B for each of the 99 others.
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("3.78 GB")));
  EXPECT_THAT(document.costs, Contains(HasSubstr("40 B for each")));
  All flat;
  flat.table["16"] = 100;
  EXPECT_THAT(analysed(flat).findings, finds("table-memory", Standing::inconclusive));
  EXPECT_THAT(analysed(flat).recommendations, Not(Contains(HasSubstr("GB"))));
}

TEST(TrackingFindings, SayWhatASmallTableCosts) {
  EXPECT_THAT(analysed({}).findings,
              finds("full-table", Standing::expected, "8×", "95.0%", "60.0%"));
  All same;
  same.full["0.05"] = same.full["1"];
  EXPECT_THAT(analysed(same).findings, finds("full-table", Standing::inconclusive));
}

TEST(TrackingFindings, LeaveOutWhatRunsAreMissingFor) {
  All none;
  none.fan.clear();
  const auto document = analysed(none);
  EXPECT_THAT(findingOf(document, "fan-out").text, IsEmpty());
  EXPECT_THAT(document.answer, IsEmpty());
  EXPECT_THAT(findingOf(document, "offload").text, Not(IsEmpty()));
}

TEST(TrackingPlan, StartsTheServerAgainWhereItsTableIsTheSubject) {
  const auto plan = lab::planOf(trackingExperiment(), quickParametersOf(trackingExperiment()));
  ASSERT_TRUE(plan);
  for (const LabRun& run : plan->runs)
    EXPECT_EQ(run.fresh, run.stack.starts_with("room-")) << run.name;
}

TEST(TrackingPlan, RefusesATableWithoutALimitAndReadsAlone) {
  for (const char* wrong : {"full-shares=0", "write-shares=0", "table-clients=1"}) {
    const auto overrides = parseOverrides(wrong);
    ASSERT_TRUE(overrides) << wrong;
    const auto p = parametersOf(trackingExperiment(), Profile::quick, *overrides);
    ASSERT_TRUE(p) << p.error().message;
    EXPECT_FALSE(trackingExperiment().check(*p)) << wrong;
  }
}

}  // namespace
}  // namespace redline::tracking_test
