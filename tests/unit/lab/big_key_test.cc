// What big-key concludes from runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lab/catalog.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::big_key_test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kHash = "HGETALL of a hash";

/// What one command did: p99 of other keys is 0.5 ms, and `peak` in the four intervals after it
/// began.
struct Command {
  std::string word;
  Nanos peak;
  double slowUs = kNaN;  ///< not a number: too short for the slow log
  double calls = 1;
  double evicted = 0;
  std::pair<std::string, double> elements = {"fields", 1e6};
};

Reading runOf(const Command& command, int repeat) {
  ReadingBuilder run(Labels{{"command", command.word}}, repeat);
  const double scatter = 1 + 0.01 * repeat;
  run.response([&](int i) {
       return i >= 10 && i < 14 ? command.peak + repeat * kMicrosecond : kMillisecond / 2;
     })
      .stall(1, 2 * command.peak)
      .fault("bigkey-on", 1, 1.4,
             {{"slowlog_us", command.slowUs * scatter},
              {"server_us", 4000 * scatter},
              {"calls", command.calls},
              command.elements,
              {"reply_bytes", 1 << 20},
              {"read_s", 0.4 * command.calls},
              {"evicted_keys", command.evicted}});
  return run.build();
}

ExperimentDocument analysed(const std::vector<Reading>& runs) {
  return analysisOf(bigKeyExperiment(), quickParametersOf(bigKeyExperiment()), readingsOf(runs));
}

std::vector<Reading> twice(const std::vector<Command>& commands) {
  std::vector<Reading> runs;
  for (const int repeat : {1, 2})
    for (const Command& command : commands) runs.push_back(runOf(command, repeat));
  return runs;
}

const Command kHgetall{"hgetall", 400 * kMillisecond, 410'000};
const Command kHscan{"hscan", 2 * kMillisecond, kNaN, 1000};

TEST(BigKey, MeasuresTheStallOfOneShotAndPages) {
  const auto document = analysed(twice({kHgetall, kHscan}));
  EXPECT_NEAR(figureOf(document, "longest call, HGETALL of a hash"), 416'150, 10);
  EXPECT_NEAR(figureOf(document, "peak p99 of other keys, HGETALL of a hash"), 400'000, 400);
  EXPECT_NEAR(figureOf(document, "peak p99 of other keys, HSCAN of a hash"), 2001, 3);
  // Of a call that was too short for the slow log: commandstats' mean.
  EXPECT_NEAR(figureOf(document, "longest call, HSCAN of a hash"), 4.06, 0.01);
  const auto cell = [&](std::string_view head) {
    return cellOf(document, "One command", kHash, head);
  };
  EXPECT_EQ(cell("elements"), "1M");
  EXPECT_EQ(cell("spike lasted"), "400 ms");
  EXPECT_EQ(cell("longest stall"), "800 ms");
  EXPECT_EQ(cell("valid runs"), "2 of 2");

  const LabFinding stall = findingOf(document, "stall-hgetall");
  EXPECT_EQ(stall.standing, Standing::expected);
  EXPECT_TRUE(stall.headline);
  EXPECT_THAT(stall.runs, testing::ElementsAre("hgetall-r1", "hgetall-r2"));
  EXPECT_EQ(findingOf(document, "pages-hgetall").standing, Standing::expected);
  EXPECT_THAT(document.recommendations, testing::ElementsAre(HasSubstr("factor of 200")));
  EXPECT_THAT(document.costs, testing::ElementsAre(HasSubstr("1k×")));  // readS: 400 s of 0.4 s
  ASSERT_EQ(document.slo.size(), 1U);
  EXPECT_EQ(document.slo[0].id, "big-key-stall");
  EXPECT_EQ(document.slo[0].verdict, SloVerdict::reported);
  ASSERT_EQ(document.plots.size(), 4U);
  EXPECT_TRUE(document.plots[0].isMain);
  EXPECT_TRUE(document.plots[0].series.at(0).heat);
  EXPECT_EQ(document.plots[0].x.title, document.plots[1].x.title) << "panes of one picture";
  EXPECT_THAT(document.answer, testing::AllOf(testing::StartsWith("One HGETALL of 1M elements"),
                                              testing::Not(HasSubstr("["))));
  ASSERT_EQ(document.decisions.size(), 1U);
  EXPECT_TRUE(document.decisions[0].isStall);
  EXPECT_NEAR(document.decisions[0].gain, 200, 1);
  EXPECT_THAT(document.decisions[0].action, HasSubstr("HSCAN"));
  EXPECT_THAT(document.decisions[0].price,  // the same either way
              testing::AllOf(testing::StartsWith("no measurable extra main-thread time"),
                             HasSubstr("no snapshot")));
}

TEST(BigKey, SaysWhichCommandsWereNotMeasured) {
  const auto document = analysed(twice({kHgetall}));
  EXPECT_EQ(findingOf(document, "stall-keys").standing, Standing::problem);
  EXPECT_EQ(findingOf(document, "stall-hgetall").standing, Standing::expected);
  EXPECT_THAT(findingOf(document, "pages-hgetall").id, IsEmpty());
}

TEST(BigKey, ContradictsTheTextbookWhereNobodyWaited) {
  const auto document =
      analysed(twice({{"hgetall", kMillisecond / 2, 410'000}, {"hscan", kMillisecond / 2}}));
  EXPECT_EQ(findingOf(document, "stall-hgetall").standing, Standing::contradicts);
  EXPECT_EQ(findingOf(document, "pages-hgetall").standing, Standing::inconclusive);
  EXPECT_THAT(document.recommendations, IsEmpty());
  EXPECT_THAT(document.decisions, IsEmpty());
}

TEST(BigKey, CountsWhatALargeReplyEvicts) {
  const Command roomy{"keys", 100 * kMillisecond, 100'000};
  Command tight{"keys-tight", 100 * kMillisecond, 100'000};
  EXPECT_EQ(findingOf(analysed(twice({roomy, tight})), "keys-evicts").standing,
            Standing::contradicts);
  tight.evicted = 21'500;
  const auto document = analysed(twice({roomy, tight}));
  EXPECT_EQ(findingOf(document, "keys-evicts").standing, Standing::expected);
  EXPECT_THAT(document.costs, testing::Contains(HasSubstr("21.5k keys")));
}

TEST(BigKey, HasNoServiceLevelFromInvalidRunsAlone) {
  auto runs = twice({kHgetall});
  for (Reading& run : runs) run.record.invalid.push_back({ReasonCode::other, "disturbed"});
  EXPECT_EQ(analysed(runs).slo.at(0).verdict, SloVerdict::invalid);
  runs.front().record.invalid.clear();
  EXPECT_EQ(analysed(runs).slo.at(0).verdict, SloVerdict::reported);
}

TEST(BigKey, HoldsThePredictionsAgainstTheSlowLog) {
  const auto document = analysed(twice({kHgetall, {"smembers", 200 * kMillisecond, 200'000}}));
  const auto measured = [&](std::string_view command) {
    const auto found =
        std::ranges::find_if(document.predictions, [&](const LabPrediction& prediction) {
          return prediction.what.find(command) != std::string::npos;
        });
    return found == document.predictions.end() ? kNaN : found->measured;
  };
  EXPECT_NEAR(measured("HGETALL"), 416'150, 10);
  EXPECT_NEAR(measured("SMEMBERS"), 203'000, 10);
  EXPECT_TRUE(std::isnan(measured("LRANGE")));
}

// The document is of labels: the order in which runs were made changes no figure.
TEST(BigKey, FindsRunsByTheirLabels) {
  auto runs = twice({kHgetall, kHscan});
  const auto forwards = analysed(runs);
  std::ranges::reverse(runs);
  const auto backwards = analysed(runs);
  ASSERT_EQ(forwards.figures.size(), backwards.figures.size());
  for (const LabFigure& figure : forwards.figures)
    EXPECT_NEAR(figureOf(backwards, figure.what), figure.value, 1e-6) << figure.what;
}

TEST(BigKey, LeavesRoomForTheReplyInAllRunsButOneKind) {
  const auto plan = lab::planOf(bigKeyExperiment(), quickParametersOf(bigKeyExperiment()));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->runs.size(), 18U);
  for (const LabRun& run : plan->runs) {
    const bool isTight = run.name.starts_with("keys-tight");
    EXPECT_EQ(run.stack, isTight ? "tight" : "roomy") << run.name;
    EXPECT_EQ(static_cast<bool>(run.before), isTight) << run.name;
  }
}

}  // namespace
}  // namespace redline::big_key_test
