// What reshard concludes from runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "lab/catalog.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::reshard_test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kSmallRange = "100 slots, values of 100 B";
constexpr std::string_view kLargeRange = "100 slots, values of 4 KB";

Parameters quick() {
  return quickParametersOf(reshardExperiment());
}

/// A run of 5 s whose slots go at 1.5 s and come back at 3.5 s: p99 is 0.5 ms, and `during` while
/// they move.
struct Moves {
  std::string size, what;
  Nanos during = 5 * kMillisecond;
  double tookS = 0.5;
  double keys = 6000;
  unsigned moved = 40;
};

std::vector<Moves> clear() {
  return {{"small", "range"}, {"small", "hot"}, {"large", "range"}, {"large", "hot"}};
}

Reading runOf(const Moves& moves, int repeat) {
  ReadingBuilder run(Labels{{"size", moves.size}, {"what", moves.what}}, repeat, 50);
  const auto isMoving = [&](int i) {
    const double atS = i * 0.1 + 0.05;
    return (atS > 1.5 && atS < 1.5 + moves.tookS) || (atS > 3.5 && atS < 3.5 + moves.tookS);
  };
  run.response([&](int i) { return isMoving(i) ? moves.during : kMillisecond / 2; })
      .counts([&](int i, IntervalRow& row) {
        row.counts.completed[0] = 100;
        row.counts.cpuUser = (isMoving(i) ? 2 : 1) * kMillisecond;
        row.counts.moved = isMoving(i) ? 4 : 0;
      });
  for (const double beginS : {1.5, 3.5})
    run.fault("reshard", beginS, beginS + moves.tookS,
              {{"slots", 500},
               {"keys", moves.keys},
               {"bytes", 1e6},
               {"longest_migrate_us", 1900},
               {"source_blocked_share", 0.4}});
  run.summary().rate.completed = 5000;
  run.summary().cluster.moved = moves.moved;
  run.summary().cluster.ask = 7;
  run.summary().cluster.hotSlots = {{42, "127.0.0.1:7600", 1000}};
  return run.build();
}

std::vector<Reading> twice(const std::vector<Moves>& conditions) {
  std::vector<Reading> runs;
  for (const int repeat : {1, 2})
    for (const Moves& moves : conditions) runs.push_back(runOf(moves, repeat));
  return runs;
}

ExperimentDocument analysed(const std::vector<Reading>& runs) {
  return analysisOf(reshardExperiment(), quick(), readingsOf(runs));
}

/// By its name; one without a number where there is none.
TEST(Reshard, MeasuresP99WhileSlotsMove) {
  const auto document = analysed(twice(clear()));
  EXPECT_NEAR(figureOf(document, "p99 during ÷ before, " + std::string(kSmallRange)), 10, 0.01);
  EXPECT_NEAR(figureOf(document, "one move, " + std::string(kSmallRange)), 0.5, 1e-6);
  const auto seen = [&](std::string_view head) {
    return cellOf(document, "What clients saw", kSmallRange, head);
  };
  EXPECT_EQ(seen("÷ before"), "10×");
  EXPECT_EQ(seen("back again"), "500 µs");
  EXPECT_EQ(seen("recovery"), "0 s");
  EXPECT_EQ(seen("MOVED"), "40");
  EXPECT_EQ(seen("ASK"), "7");
  EXPECT_EQ(seen("failed"), "0");
  EXPECT_EQ(seen("valid runs"), "2 of 2");
  const auto moved = [&](std::string_view head) {
    return cellOf(document, "What was moved", kSmallRange, head);
  };
  EXPECT_EQ(moved("keys"), "6k");
  EXPECT_EQ(moved("keys/s"), "12k");
  EXPECT_EQ(moved("longest MIGRATE"), "1.9 ms");
  EXPECT_EQ(moved("source blocked"), "40.0%");
  EXPECT_EQ(moved("generator CPU before"), "10 µs");
  EXPECT_EQ(moved("during"), "20 µs");

  EXPECT_EQ(findingOf(document, "impact-small").standing, Standing::expected);
  EXPECT_TRUE(findingOf(document, "impact-small").headline);
  EXPECT_THAT(findingOf(document, "impact-small").runs,
              ElementsAre("small-range-r1", "small-range-r2"));
  EXPECT_EQ(findingOf(document, "value-sizes").standing, Standing::plain);
  EXPECT_EQ(findingOf(document, "generator-cpu").standing, Standing::plain);
  EXPECT_THAT(document.costs, SizeIs(2));
  EXPECT_THAT(document.answer, HasSubstr("slots"));
}

/// Main-thread CPU of three masters, shares of a core: before the moves and between them.
std::vector<Reading> withCpu(const std::vector<std::pair<double, double>>& masters) {
  auto runs = twice(clear());
  for (Reading& run : runs) {
    RunDir& dir = run.dirs.front();
    for (int i = 0; i <= 50; ++i)
      for (std::size_t m = 0; m < masters.size(); ++m) {
        ServerSample& sample = dir.servers.emplace_back();
        sample.at = i * 100 * kMillisecond;
        sample.addr = "127.0.0.1:" + std::to_string(7600 + m);
        sample.role = "master";
        const auto& [before, elsewhere] = masters[m];
        const int away = std::clamp(i - 15, 0, 20);
        const double noise = run.record.label("repeat") == "1" ? 1 : 1.01;
        const double used = 0.1 * (before * (i - away) + elsewhere * away) * noise;
        sample.info["used_cpu_user_main_thread"] = std::to_string(used);
        sample.info["used_cpu_sys_main_thread"] = "0";
      }
  }
  return runs;
}

TEST(Reshard, JudgesTheHotSlotByTheCpuOfTheMasters) {
  const auto helped = analysed(withCpu({{0.5, 0.3}, {0.1, 0.3}, {0.1, 0.1}}));
  EXPECT_THAT(findingOf(helped, "hot-slot").text, HasSubstr("relieves the busiest master"));
  EXPECT_NEAR(figureOf(helped, "busiest master's CPU, hot slot moved ÷ before"), 0.6, 0.001);
  EXPECT_THAT(helped.recommendations, ElementsAre(HasSubstr("falls by a factor of 1.67")));
  EXPECT_EQ(cellOf(helped, "CPU of the masters", kSmallRange, "old owner, before").substr(0, 5),
            "50.2%");
  const auto same = analysed(withCpu({{0.5, 0.1}, {0.1, 0.5}, {0.1, 0.1}}));
  EXPECT_THAT(findingOf(same, "hot-slot").text, HasSubstr("as busy as before"));
  EXPECT_THAT(same.recommendations, ElementsAre(HasSubstr("Do not move")));
  const auto unknown = analysed(twice(clear()));
  EXPECT_EQ(findingOf(unknown, "hot-slot").text, "");
  EXPECT_THAT(unknown.recommendations, IsEmpty());
}

TEST(Reshard, ReportsTheServiceLevelOfBothSizes) {
  const auto document = analysed(twice(clear()));
  ASSERT_THAT(document.slo, SizeIs(1));
  EXPECT_EQ(document.slo[0].id, "reshard-impact");
  EXPECT_EQ(document.slo[0].verdict, SloVerdict::reported);
  EXPECT_THAT(document.slo[0].measured, HasSubstr("40 MOVED, 7 ASK"));
  EXPECT_THAT(document.slo[0].runs, SizeIs(4));
  auto runs = twice(clear());
  for (Reading& run : runs) run.record.invalid.push_back({ReasonCode::other, "disturbed"});
  EXPECT_EQ(analysed(runs).slo.at(0).verdict, SloVerdict::invalid);
}

TEST(Reshard, PlotsBothMovesOfTheRange) {
  const auto document = analysed(twice(clear()));
  ASSERT_THAT(document.plots, SizeIs(3));
  for (const LabPlot& plot : document.plots) {
    ASSERT_THAT(plot.spans, SizeIs(2)) << plot.id;
    EXPECT_NEAR(plot.spans[0].to, 0.5, 1e-9) << plot.id;
    EXPECT_NEAR(plot.spans[1].from, 2, 1e-9) << plot.id;
  }
  for (const std::size_t i : {0U, 1U}) {
    ASSERT_THAT(document.plots[i].series, SizeIs(3));
    EXPECT_TRUE(document.plots[i].series[0].band) << "all runs";
    EXPECT_NEAR(document.plots[i].series[1].points.at(16).y, 5000, 5) << "their median";
    EXPECT_TRUE(document.plots[i].series[2].band) << "p99 before";
  }
  const LabPlot& redirects = document.plots[2];
  EXPECT_EQ(redirects.series[0].title, "MOVED");
  EXPECT_TRUE(redirects.series[0].bars);
  EXPECT_NEAR(redirects.series[0].points.at(16).y, 40, 1e-9);  // 4 in 100 ms
  EXPECT_NEAR(redirects.series[1].points.at(16).low, 40, 1e-9) << "ASK stands on MOVED";
}

TEST(Reshard, LeavesOpenWhetherP99RisesWhereItStaysAsItWas) {
  auto conditions = clear();
  for (Moves& moves : conditions) moves.during = kMillisecond / 2;
  EXPECT_EQ(findingOf(analysed(twice(conditions)), "impact-small").standing,
            Standing::inconclusive);
}

TEST(Reshard, ContradictsTheTextbookByOneFailureOrWrongValue) {
  const auto standingWith = [](const std::function<void(Summary&)>& change) {
    auto runs = twice(clear());
    change(*runs.back().dirs.front().summary);
    return findingOf(analysed(runs), "correctness").standing;
  };
  EXPECT_EQ(standingWith([](Summary&) {}), Standing::expected);
  EXPECT_EQ(standingWith([](Summary& of) { of.rate.failed = 1; }), Standing::contradicts);
  EXPECT_EQ(standingWith([](Summary& of) { of.verify.corrupt = 1; }), Standing::contradicts);
  EXPECT_EQ(standingWith([](Summary& of) { of.cache.misses = 1; }), Standing::contradicts);
  EXPECT_EQ(standingWith([](Summary& of) { of.verify.lostAcknowledged = 1; }),
            Standing::contradicts);
  EXPECT_EQ(standingWith([](Summary& of) { of.cluster.tryagain = 1; }), Standing::contradicts);
}

// Each condition has numbers of its own. What is said of one is of the runs with its labels, and a
// prediction is of its own figure, whatever the order of runs and of predictions.
TEST(Reshard, FindsConditionsByTheirLabels) {
  const std::vector<Moves> conditions{{"small", "range", 5 * kMillisecond, 0.5, 6000, 40},
                                      {"small", "hot", 2 * kMillisecond, 0.3, 17, 3},
                                      {"large", "range", 8 * kMillisecond, 1, 2000, 60},
                                      {"large", "hot", 4 * kMillisecond, 0.2, 5, 2}};
  auto runs = twice(conditions);
  for (int order = 0; order < 4; ++order) {
    const auto document = analysed(runs);
    const auto ratio = [&](std::string_view title) {
      return figureOf(document, "p99 during ÷ before, " + std::string(title));
    };
    EXPECT_NEAR(ratio(kSmallRange), 10, 0.01);
    EXPECT_NEAR(ratio(kLargeRange), 16, 0.02);
    for (const auto& [title, keys] :
         {std::pair(std::string(kSmallRange), "6k"), std::pair(std::string(kLargeRange), "2k"),
          std::pair(std::string("the hot slot, values of 100 B"), "17"),
          std::pair(std::string("the hot slot, values of 4 KB"), "5")})
      EXPECT_EQ(cellOf(document, "What was moved", title, "keys"), keys);
    const auto measured = [&](std::string_view what) {
      return predictionOf(document, what).measured;
    };
    EXPECT_EQ(measured("keys that the slots hold"), 6000);
    EXPECT_NEAR(measured("time to move them, values of 100 B"), 0.5, 1e-6);
    EXPECT_NEAR(measured("time to move them, values of 4 KB"), 1, 1e-6);
    EXPECT_EQ(measured("MOVED, slots there and back"), 40);
    EXPECT_EQ(measured("ASK, slots there and back"), 7);
    EXPECT_EQ(measured("TRYAGAIN"), 0);
    EXPECT_EQ(predictionOf(document, "TRYAGAIN").verdict, "as predicted");
    std::ranges::rotate(runs, runs.begin() + 1);
  }
}

TEST(Reshard, MovesTheSlotThatAnEarlierRunFoundBusiestAwayFromItsMaster) {
  const auto plan = lab::planOf(reshardExperiment(), quick());
  const auto hot = std::ranges::find(plan->runs, "small-hot-r1", &LabRun::name);
  ASSERT_NE(hot, plan->runs.end());
  EXPECT_FALSE(hot->drives[0].decide({}));  // no run has found one yet
  for (const auto& [slot, chaos] :
       {std::pair(5460U,
                  "1200ms:reshard -slots=5460 -target={node-1}; 3s:reshard -slots=5460 "
                  "-target={node-0}"),
        std::pair(5461U,
                  "1200ms:reshard -slots=5461 -target={node-2}; 3s:reshard -slots=5461 "
                  "-target={node-1}"),
        std::pair(16383U,
                  "1200ms:reshard -slots=16383 -target={node-0}; 3s:reshard "
                  "-slots=16383 -target={node-2}")}) {
    auto runs = twice(clear());
    for (Reading& run : runs)
      run.dirs.front().summary->cluster.hotSlots.front().slot =
          run.record.label("size") == "small" ? slot : 1;
    EXPECT_THAT(*hot->drives[0].decide(readingsOf(runs)), Contains(std::string("-chaos=") + chaos));
  }
}

TEST(Reshard, RunsOneSizeAfterTheOtherEachOnItsOwnCluster) {
  const auto plan = lab::planOf(reshardExperiment(), quick());
  ASSERT_TRUE(plan);
  std::vector<std::string> names;
  for (const LabRun& run : plan->runs) {
    names.push_back(run.name);
    EXPECT_TRUE(run.name.starts_with(run.stack)) << run.name;
  }
  // The hot slot is the one that the range's run before it found.
  EXPECT_THAT(names,
              ElementsAre("small-range-r1", "small-hot-r1", "small-range-r2", "small-hot-r2",
                          "large-range-r1", "large-hot-r1", "large-range-r2", "large-hot-r2"));
}

TEST(Reshard, SaysNothingAboutRunsWhoseMovesDidNotTake) {
  auto runs = twice(clear());
  for (Reading& run : runs) run.dirs.front().summary->faults[1].problem = "did not take";
  const auto document = analysed(runs);
  EXPECT_THAT(document.slo, IsEmpty());
  EXPECT_EQ(findingOf(document, "impact-small").standing, Standing::problem);
  EXPECT_EQ(findingOf(document, "correctness").standing, Standing::expected);
}

}  // namespace
}  // namespace redline::reshard_test
