#include "report/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <tuple>

#include "unit/report/runs.h"

namespace redline {
namespace {

using testing::HasSubstr;
using testing::Not;
using Change = std::function<void(RunData&)>;

/// A rule, a change of a sound run that makes it hold, and one that stops short of it.
struct Case {
  std::string_view rule;
  Change fires;
  Change staysQuiet;
};

void loseConnection(RunData& run) {
  run.brackets.push_back({{4, 5}, "connection", "gap", "127.0.0.1:7600", false});
}
void addSamples(RunData& run, std::string_view field, std::string_view first,
                std::string_view last) {
  for (const auto& [at, value] : {std::pair{0.0, first}, std::pair{10.0, last}})
    run.dir.servers.push_back(sampleAt(at, {{std::string(field), std::string(value)}}));
}
void setMemory(RunData& run, double first, double last) {
  ServerSeries series;
  series.addr = "127.0.0.1:7600";
  for (const double used : {first, last}) {
    ServerPoint point;
    point.usedMemory = used;
    series.points.push_back(point);
  }
  run.servers.push_back(series);
}
void sampleAt(RunData& run, std::initializer_list<double> times) {
  ServerSeries series;
  for (const double at : times) {
    ServerPoint point;
    point.at = at;
    series.points.push_back(point);
  }
  run.servers.push_back(series);
}
LatencyFigures& p(RunData& run, const char* measure) {
  return run.figures.latency[measure]["all"];
}
void makeClosed(RunData& run) {
  run.figures.rate.target = 0;
  run.figures.rate.achieved = 100'000;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases{
      {"not-ended", [](RunData& r) { r.ended = false; }, [](RunData&) {}},
      {"not-conserved", [](RunData& r) { r.figures.rate.completed -= 1; },
       [](RunData& r) {
         r.figures.rate.completed -= 2;
         r.figures.rate.failed = 1;
         r.figures.rate.outstanding = 1;
       }},
      {"wrong-values", [](RunData& r) { r.figures.verify.corrupt = 1; }, [](RunData&) {}},
      {"right-values", [](RunData&) {}, [](RunData& r) { r.figures.verify.stale = 1; }},
      {"nothing-completed", [](RunData& r) { r.figures.rate.completed = 0; },
       [](RunData& r) { r.figures.rate.completed = 1; }},
      {"overloaded", [](RunData& r) { r.figures.rate.achieved = 9'899; },
       [](RunData& r) { r.figures.rate.achieved = 9'900; }},
      {"overloaded",
       [](RunData& r) {
         r.figures.rate.achieved = 5'000;
         r.figures.rate.errors["timeout"] = 49'000;  // nobody answered them
       },
       [](RunData& r) {
         r.figures.rate.achieved = 5'000;
         r.figures.rate.errors["oom"] = 49'000;  // over ten seconds
       }},
      {"nothing-measured",
       [](RunData& r) {
         r.figures.rate.scheduled = r.figures.rate.completed = 0;
         r.figures.rate.achieved = 0;
       },
       [](RunData& r) { r.figures.rate.completed = 0; }},
      {"kept-up", [](RunData&) {}, [](RunData& r) { r.figures.rate.achieved = 9'899; }},
      {"failed", [](RunData& r) { r.figures.rate.failed = 3; }, [](RunData&) {}},
      {"connections-lost", loseConnection,
       [](RunData& r) { r.brackets.push_back({{4, 5}, "fault", "bgsave", "", false}); }},
      {"lower-bounds", [](RunData& r) { p(r, "response").lowerBounds = {"max"}; },
       [](RunData& r) { p(r, "service").lowerBounds = {"max"}; }},
      {"steal", [](RunData& r) { r.figures.generator.steal = 0.005; },
       [](RunData& r) { r.figures.generator.steal = 0.0049; }},
      {"hidden-steal", [](RunData& r) { r.figures.generator.hiddenSteal = 0.005; },
       [](RunData& r) { r.figures.generator.hiddenSteal = 0.0049; }},
      {"generator-busy", [](RunData& r) { r.figures.generator.utilisation = 0.8; },
       [](RunData& r) { r.figures.generator.utilisation = 0.79; }},
      {"wait-before-send",
       [](RunData& r) {
         p(r, "response").p99 = 4'000;
         p(r, "service").p99 = 2'000;
         p(r, "lateness").p99 = 2'000;
       },
       [](RunData& r) {
         p(r, "response").p99 = 3'999;
         p(r, "service").p99 = 2'000;
         p(r, "lateness").p99 = 2'000;
       }},
      // Operations that nobody answered make the tail: little of it was spent before the send.
      {"wait-before-send",
       [](RunData& r) {
         p(r, "response").p99 = 40'000;
         p(r, "service").p99 = 2'000;
         p(r, "lateness").p99 = 20'000;
       },
       [](RunData& r) {
         p(r, "response").p99 = 40'000;
         p(r, "service").p99 = 2'000;
         p(r, "lateness").p99 = 19'999;
       }},
      {"wait-in-service", [](RunData&) {}, [](RunData& r) { p(r, "response").p99 = 251; }},
      {"worst-interval", [](RunData& r) { r.latency[5].p99 = 1'100; },
       [](RunData& r) { r.latency[5].p99 = 1'049; }},
      {"server-silent", [](RunData& r) { sampleAt(r, {0, 1, 2, 3, 6, 7}); },
       [](RunData& r) { sampleAt(r, {0, 1, 2, 3, 5.9, 7}); }},
      {"slow-log",
       [](RunData& r) { r.dir.events.push_back(eventAt(1, "slowlog", "keys", 5'000'000)); },
       [](RunData& r) { r.dir.events.push_back(eventAt(1, "latency", "command", 5'000'000)); }},
      {"generator-stall", [](RunData& r) { r.figures.generator.longestPassUs = 1'000; },
       [](RunData& r) {
         r.figures.generator.longestPassUs = 1'000;
         p(r, "response").max = 10'001;
       }},
      {"server-bound", [](RunData& r) { r.figures.servers[0].mainThreadUtilisation = 0.9; },
       [](RunData& r) { r.figures.servers[0].mainThreadUtilisation = 0.89; }},
      {"server-without-core", [](RunData& r) { r.figures.servers[0].waitingForCore = 0.005; },
       [](RunData& r) { r.figures.servers[0].waitingForCore = 0.0049; }},
      {"closed-model", makeClosed, [](RunData&) {}},
      {"small-batches",
       [](RunData& r) {
         r.figures.config = {{"pipeline", "16"}};
         r.figures.generator.meanBatch = 7.9;
       },
       [](RunData& r) {
         r.figures.config = {{"pipeline", "16"}};
         r.figures.generator.meanBatch = 8;
       }},
      {"misses", [](RunData& r) { r.figures.cache.misses = 1; }, [](RunData&) {}},
      {"memory-changed", [](RunData& r) { setMemory(r, 100e6, 106e6); },
       [](RunData& r) { setMemory(r, 100e6, 104e6); }},
      {"fragmentation", [](RunData& r) { r.figures.servers[0].fragmentation = 1.5; },
       [](RunData& r) {
         r.figures.servers[0].fragmentation = 1.5;
         r.figures.servers[0].usedMemory = 1'000'000;
       }},
      {"forked", [](RunData& r) { addSamples(r, "total_forks", "3", "4"); },
       [](RunData& r) { addSamples(r, "total_forks", "3", "3"); }},
      {"delayed-fsync", [](RunData& r) { addSamples(r, "aof_delayed_fsync", "0", "2"); },
       [](RunData& r) { addSamples(r, "aof_delayed_fsync", "2", "2"); }},
  };
  return kCases;
}

TEST(Findings, EachRuleHoldsWhereItsConditionDoes) {
  for (const Case& rule : cases()) {
    RunData run = soundRun();
    rule.fires(run);
    EXPECT_NE(find(findingsOf(run), rule.rule), nullptr) << rule.rule;
  }
}

TEST(Findings, EachRuleIsSilentWhereItsConditionFails) {
  for (const Case& rule : cases()) {
    RunData run = soundRun();
    rule.staysQuiet(run);
    EXPECT_EQ(find(findingsOf(run), rule.rule), nullptr) << rule.rule;
  }
}

TEST(Findings, ASoundRunHasNothingButPlainOnes) {
  std::vector<std::string> rules;
  for (const Finding& finding : findingsOf(soundRun())) {
    rules.push_back(finding.rule);
    EXPECT_EQ(finding.weight, Weight::plain) << finding.text;
  }
  EXPECT_THAT(rules, testing::ElementsAre("kept-up", "wait-in-service", "right-values"));
}

TEST(Findings, EveryOneSaysFromWhichFiguresItIs) {
  for (const Case& rule : cases()) {
    RunData run = soundRun();
    rule.fires(run);
    for (const Finding& finding : findingsOf(run)) {
      EXPECT_FALSE(finding.from.empty()) << finding.rule;
      EXPECT_FALSE(finding.text.ends_with('.')) << finding.text;  // the page adds it
    }
  }
}

TEST(Findings, ProblemsComeFirst) {
  RunData run = soundRun();
  run.figures.generator.steal = 0.02;
  run.figures.verify.corrupt = 1;
  const auto findings = findingsOf(run);
  ASSERT_GE(findings.size(), 3U);
  EXPECT_EQ(findings.front().rule, "wrong-values");
  EXPECT_EQ(findings.back().weight, Weight::plain);
}

TEST(Findings, AWaitIsTheGeneratorsWhenItSentLate) {
  RunData run = soundRun();
  p(run, "response").p99 = 9'000;
  p(run, "service").p99 = 1'000;
  p(run, "lateness").p99 = 8'000;
  p(run, "dispatch").p99 = 20;
  EXPECT_THAT(find(findingsOf(run), "wait-before-send")->text,
              AllOf(HasSubstr("9 ms, 9.0 times service p99 (1 ms)"), HasSubstr("free connection")));
  p(run, "dispatch").p99 = 4'000;
  EXPECT_THAT(find(findingsOf(run), "wait-before-send")->text, HasSubstr("in the generator"));
}

TEST(Findings, OverloadNamesWhatBoundIt) {
  RunData run = soundRun();
  run.figures.rate.target = 400'000;
  p(run, "service").mean = 2'000;
  for (LoadPoint& point : run.load) point.backlog = 39'000 * point.at.end;
  EXPECT_THAT(find(findingsOf(run), "overloaded")->text,
              AllOf(HasSubstr("10,000 of 400,000"), HasSubstr("grew by 39,000"),
                    HasSubstr("Little's law"), HasSubstr("about 25,000/s")));
  run.figures.generator.utilisation = 0.97;
  EXPECT_THAT(find(findingsOf(run), "overloaded")->text, HasSubstr("The generator was 97.0% busy"));
  run.figures.servers[0].mainThreadUtilisation = 0.98;
  EXPECT_THAT(find(findingsOf(run), "overloaded")->text, HasSubstr("main thread was 98.0% busy"));
}

TEST(Findings, AQueueThatDoesNotGrowIsNotSaidToGrow) {
  RunData run = soundRun();
  run.figures.rate.target = 400'000;
  for (LoadPoint& point : run.load) point.outstanding = 50;
  run.load.front().warmup = true;
  EXPECT_THAT(find(findingsOf(run), "overloaded")->text, Not(HasSubstr("queue")));
}

TEST(Findings, LittlesLawCountsTheConnectionsOfAllNodes) {
  RunData run = soundRun();
  makeClosed(run);
  run.figures.config = {{"conns", "50"}, {"pipeline", "0"}};
  for (const std::uint64_t ops : {100U, 200U, 0U}) {
    ClusterNodeFigures node;
    node.ops = ops;
    run.figures.cluster.nodes.push_back(node);
  }
  EXPECT_THAT(find(findingsOf(run), "closed-model")->text, HasSubstr("100 connections × 1 "));
}

TEST(Findings, AForkBeforeTheRunIsNotItsFork) {
  RunData run = soundRun();
  for (const auto& [at, forks, us] : {std::tuple{0.0, "3", "90000"}, std::tuple{5.0, "3", "90000"},
                                      std::tuple{10.0, "4", "2000"}})
    run.dir.servers.push_back(
        redline::sampleAt(at, {{"total_forks", forks}, {"latest_fork_usec", us}}));
  EXPECT_THAT(find(findingsOf(run), "forked")->text,
              AllOf(HasSubstr("forked 1 time"), HasSubstr("up to 2 ms")));
}

TEST(Findings, ClosedModelChecksLatencyByLittlesLaw) {
  RunData run = soundRun();
  makeClosed(run);
  run.figures.config = {{"conns", "50"}, {"pipeline", "16"}};
  EXPECT_THAT(find(findingsOf(run), "closed-model")->text,
              HasSubstr("50 connections × 16 ÷ 100,000/s = 8 ms"));
}

TEST(Findings, TheWorstIntervalNamesWhatWasRecordedInTheWaitThatLedToIt) {
  RunData run = soundRun();
  run.latency[5].p99 = 900'000;
  run.latency[5].max = 1'000'000;  // completed in [5, 6): the wait began at 4 s
  run.dir.events.push_back(eventAt(3.9, "slowlog", "keys", 2'000'000));
  EXPECT_THAT(find(findingsOf(run), "worst-interval")->text, HasSubstr("No event was recorded"));
  run.dir.events.push_back(eventAt(4.1, "slowlog", "keys", 950'000'000));
  EXPECT_THAT(find(findingsOf(run), "worst-interval")->text,
              AllOf(HasSubstr("5.00–6.00 s"), HasSubstr("1 slow-log entry of up to 950 ms")));
}

TEST(Findings, ASlowGetIsNotTheCommandsFault) {
  RunData run = soundRun();
  run.dir.events.push_back(eventAt(1, "slowlog", "keys", 9'000'000));
  EXPECT_THAT(find(findingsOf(run), "slow-log")->text, Not(HasSubstr("GET or SET")));
  run.dir.events.push_back(eventAt(2, "slowlog", "get", 4'000'000));
  EXPECT_THAT(find(findingsOf(run), "slow-log")->text,
              AllOf(HasSubstr("the longest 9 ms (keys)"), HasSubstr("1 of them is GET or SET")));
}

TEST(Findings, MissesSayWhereTheKeysWent) {
  RunData run = soundRun();
  run.figures.cache.misses = 10'000;
  run.figures.cache.hitRate = 0.9;
  EXPECT_THAT(find(findingsOf(run), "misses")->text, HasSubstr("never loaded"));
  run.figures.servers[0].expired = 5;
  EXPECT_THAT(find(findingsOf(run), "misses")->text, HasSubstr("evicted 0 keys, and 5 expired"));
  run.figures.servers[0].evicted = 7;
  EXPECT_THAT(find(findingsOf(run), "misses")->text, HasSubstr("evicted 7 keys"));
}

TEST(Findings, ARestartedServersForksCountFromZero) {
  RunData run = soundRun();
  addSamples(run, "total_forks", "9", "2");
  EXPECT_THAT(find(findingsOf(run), "forked")->text, HasSubstr("2 times"));
}

}  // namespace
}  // namespace redline
