#include "report/blame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/blame_table.h"
#include "report/pictures.h"
#include "unit/report/blocks.h"
#include "unit/report/runs.h"

namespace redline {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// What one interval of a made-up run measured: means and longest waits, µs.
struct Made {
  double generator = 2, queue = 0, server = 100;
  double longestDispatch = 50, longestService = 300;
  double p99 = 200, max = 400;
};

LatencyFigures figures(double mean, double max) {
  LatencyFigures made;
  made.count = 1'000;
  made.mean = mean;
  made.max = max;
  return made;
}

/// Intervals of 100 ms.
RunData runOf(const std::vector<Made>& intervals) {
  RunData run = soundRun();
  run.latency.clear();
  Nanos at = 0;
  for (const Made& made : intervals) {
    IntervalRow row;
    row.start = at;
    row.end = at += 100 * kMillisecond;
    KindRow& gets = row.kinds[index(OpKind::get)];
    gets.latency[index(Measure::service)] = figures(made.server, made.longestService);
    gets.latency[index(Measure::lateness)] = figures(made.generator + made.queue, made.max);
    gets.latency[index(Measure::dispatch)] = figures(made.generator, made.longestDispatch);
    run.dir.intervals.push_back(row);
    LatencyPoint point;
    point.at = {static_cast<double>(row.start) / 1e9, static_cast<double>(row.end) / 1e9};
    point.p99 = made.p99;
    point.max = made.max;
    run.latency.push_back(point);
  }
  run.whole = {0, static_cast<double>(at) / 1e9};
  return run;
}

/// A quiet run of 3 s in which the 16th interval, from 1.5 s, is this one.
RunData runWith(const Made& odd) {
  std::vector<Made> intervals(30);
  intervals[15] = odd;
  return runOf(intervals);
}

constexpr Made kServerStall{.generator = 3,
                            .queue = 90'000,
                            .server = 5'000,
                            .longestDispatch = 60,
                            .longestService = 200'000,
                            .p99 = 198'000,
                            .max = 200'000};

const SlowStretch& only(const Blame& blame) {
  EXPECT_THAT(blame.stretches, SizeIs(1));
  return blame.stretches.at(0);
}

TEST(Blame, OfAQuietRunIsNone) {
  const Blame blame = blameOf(runWith({}));
  EXPECT_TRUE(blame.judged);
  EXPECT_THAT(blame.stretches, IsEmpty());
  EXPECT_THAT(blameTable(runWith({}), blame).rows, IsEmpty());
  EXPECT_EQ(blameFinding(runWith({}), blame)->weight, Weight::plain);
}

TEST(Blame, NeedsABaseline) {
  EXPECT_FALSE(blameOf(runOf(std::vector<Made>(4))).judged);
  EXPECT_FALSE(blameFinding(runOf({}), blameOf(runOf({}))));
}

TEST(Blame, TakesTheWaitApartExactly) {
  const SlowStretch stretch = only(blameOf(runWith(kServerStall)));
  EXPECT_DOUBLE_EQ(stretch.waiting.generator, 3);
  EXPECT_DOUBLE_EQ(stretch.waiting.queue, 90'000);
  EXPECT_DOUBLE_EQ(stretch.waiting.server, 5'000);
  EXPECT_DOUBLE_EQ(stretch.beyond.server, 4'900);
  EXPECT_DOUBLE_EQ(stretch.at.start, 1.5);
  EXPECT_NEAR(stretch.since, 1.3, 1e-9);
}

TEST(Blame, OfAQueueBehindAStalledServerIsTheServers) {
  EXPECT_EQ(only(blameOf(runWith(kServerStall))).culprit, Culprit::behindServer);
}

TEST(Blame, OfAQueueBehindAGeneratorThatDidNotRunIsTheGenerators) {
  Made odd = kServerStall;
  odd.longestDispatch = 199'000;
  const SlowStretch stretch = only(blameOf(runWith(odd)));
  EXPECT_EQ(stretch.culprit, Culprit::behindGenerator);
  EXPECT_THAT(stretch.evidence, Contains(HasSubstr("although a connection was free")));
}

TEST(Blame, OfAQueueWhileNobodyStalledIsThatOfTooFewConnections) {
  const Made odd{.queue = 5'000, .server = 110, .longestService = 400, .p99 = 9'000, .max = 9'500};
  EXPECT_EQ(only(blameOf(runWith(odd))).culprit, Culprit::connections);
}

TEST(Blame, OfDispatchIsTheGeneratorsAndOfServiceTheServers) {
  const Made late{.generator = 4'000, .longestDispatch = 8'000, .p99 = 8'000, .max = 8'100};
  EXPECT_EQ(only(blameOf(runWith(late))).culprit, Culprit::generator);
  const Made slow{.server = 4'000, .longestService = 8'000, .p99 = 8'000, .max = 8'100};
  EXPECT_EQ(only(blameOf(runWith(slow))).culprit, Culprit::server);
}

TEST(Blame, JoinsSlowIntervalsAcrossOneThatIsNot) {
  std::vector<Made> intervals(40);
  for (const std::size_t i : {10U, 12U, 20U}) intervals[i] = kServerStall;
  const Blame blame = blameOf(runOf(intervals));
  ASSERT_THAT(blame.stretches, SizeIs(2));
  EXPECT_NEAR(blame.stretches[0].at.length(), 0.3, 1e-9);
  EXPECT_NEAR(blame.stretches[1].at.length(), 0.1, 1e-9);
}

TEST(Blame, CountsTheGapInWhichNothingFinished) {
  RunData run = runWith(kServerStall);
  run.latency.erase(run.latency.begin() + 13, run.latency.begin() + 15);
  EXPECT_NEAR(only(blameOf(run)).at.start, 1.3, 1e-9);
}

TEST(Blame, LeavesTheWarmUpOut) {
  RunData run = runWith(kServerStall);
  run.dir.intervals[15].warmup = true;
  EXPECT_THAT(blameOf(run).stretches, IsEmpty());
}

TEST(Blame, NamesTheFaultItLiesIn) {
  RunData run = runWith(kServerStall);
  run.brackets = {{{1.4, 1.6}, "fault", "bgsave", "", false},
                  {{2.5, 2.6}, "fault", "keys", "", false}};
  const Blame blame = blameOf(run);
  EXPECT_THAT(only(blame).faults, ElementsAre("bgsave"));
  EXPECT_THAT(blameFinding(run, blame)->text, HasSubstr("1 of them overlaps an injected fault"));
}

using Info = std::map<std::string, std::string, std::less<>>;

/// INFO each 100 ms; `change` adjusts the sample at that time.
template <typename Change>
RunData watched(const Made& odd, Change change) {
  RunData run = runWith(odd);
  run.servers = {{"127.0.0.1:7600", 0, {}}};
  for (int i = 0; i <= 30; ++i) {
    const double at = 0.1 * i;
    Info info{{"total_forks", "0"}, {"evicted_keys", "0"}, {"expired_keys", "0"}};
    change(at, info);
    run.dir.servers.push_back(sampleAt(at, info));
    run.servers[0].points.push_back({at, 0.4, 0, 0});
  }
  return run;
}

std::string evidenceOf(const RunData& run) {
  const SlowStretch stretch = only(blameOf(run));
  return stretch.evidence.empty() ? "" : stretch.evidence.front();
}

TEST(BlameEvidence, NamesAForkAndItsChild) {
  const std::string text = evidenceOf(watched(kServerStall, [](double at, Info& info) {
    info["total_forks"] = at > 1.45 ? "1" : "0";
    info["latest_fork_usec"] = at > 1.45 ? "35000" : "0";
    info["rdb_bgsave_in_progress"] = at > 1.45 && at < 2 ? "1" : "0";
  }));
  EXPECT_THAT(text, HasSubstr("a fork of 35 ms"));
  EXPECT_THAT(text, HasSubstr("a child writing a snapshot"));
}

TEST(BlameEvidence, NamesKeysThatExpireFasterThanUsual) {
  const std::string text = evidenceOf(watched(kServerStall, [](double at, Info& info) {
    info["expired_keys"] = at > 1.55 ? "60000" : at > 1.45 ? "30000" : "0";
  }));
  EXPECT_THAT(text, HasSubstr("keys/s expired (usually 0)"));
  EXPECT_THAT(text, Not(HasSubstr("evicted")));
}

TEST(BlameEvidence, NamesDelayedFsyncs) {
  EXPECT_THAT(evidenceOf(watched(kServerStall,
                                 [](double at, Info& info) {
                                   info["aof_delayed_fsync"] = at > 1.55 ? "2" : "0";
                                 })),
              HasSubstr("2 delayed fsyncs"));
}

TEST(BlameEvidence, NamesTheSlowLogAndTheLatencyMonitor) {
  RunData run = watched(kServerStall, [](double, Info&) {});
  run.dir.events = {eventAt(1.4, "slowlog", "keys", 180 * kMillisecond),
                    eventAt(0.2, "slowlog", "early", 5 * kMillisecond),
                    eventAt(1.0, "latency", "command", 180 * kMillisecond)};
  const std::string text = evidenceOf(run);
  EXPECT_THAT(text, HasSubstr("slow log: keys 180 ms"));
  EXPECT_THAT(text, HasSubstr("latency monitor: command 180 ms"));
  EXPECT_THAT(text, Not(HasSubstr("early")));
}

TEST(BlameEvidence, NamesSilenceAndHowBusyTheMainThreadWas) {
  RunData run = watched(kServerStall, [](double, Info&) {});
  run.dir.servers.erase(run.dir.servers.begin() + 12, run.dir.servers.begin() + 16);
  auto& points = run.servers[0].points;
  points.erase(points.begin() + 12, points.begin() + 16);
  points[12].busy = 0.99;  // from 1.1 to 1.6 s
  const std::string text = evidenceOf(run);
  EXPECT_THAT(text, HasSubstr("no INFO for 0.50 s"));
  EXPECT_THAT(text, HasSubstr("main thread 99.0% busy (usually 40.0%)"));
}

TEST(BlameEvidence, SaysThatThereIsNone) {
  const RunData run = runWith(kServerStall);
  const Table table = blameTable(run, blameOf(run));
  ASSERT_THAT(table.rows, SizeIs(1));
  EXPECT_EQ(table.rows[0].cells.back().text, "nothing recorded");
}

TEST(BlameTable, KeepsTheWorstOfMany) {
  std::vector<Made> intervals(400);
  for (std::size_t i = 5; i < 400; i += 10) intervals[i] = kServerStall;
  intervals[205].queue = 500'000;
  const RunData run = runOf(intervals);
  const Table table = blameTable(run, blameOf(run));
  EXPECT_THAT(table.rows, SizeIs(20));
  EXPECT_THAT(table.note, HasSubstr("of 40"));
  EXPECT_TRUE(std::ranges::any_of(
      table.rows, [](const Table::Row& row) { return row.cells.front().text == "20.50–20.60 s"; }));
}

TEST(BlamePicture, IsDrawnInTheOpenModelOnly) {
  RunData run = runWith(kServerStall);
  EXPECT_THAT(blameOverTime(run).panels, SizeIs(2));
  run.figures.rate.target = 0;
  EXPECT_THAT(blameOverTime(run).panels, IsEmpty());
}

}  // namespace
}  // namespace redline
