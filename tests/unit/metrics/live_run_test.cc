#include "metrics/live_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "record/latency_figures.h"

namespace redline {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

LiveRunPlan plan() {
  LiveRunPlan plan;
  plan.kind = "driver";
  plan.name = "a-run";
  plan.title = "A run";
  plan.targetRate = 1'000;
  plan.threads = 1;
  plan.warmup = kSecond;
  plan.duration = 10 * kSecond;
  plan.clock = {5 * kSecond, 1'700'000'000 * kSecond};
  return plan;
}

/// A second of a run, from second `from` of its clock on, with this many reads of 100 µs.
Interval second(int from, std::uint64_t reads = 1'000, Nanos dispatch = kMicrosecond) {
  Interval interval;
  interval.start = (5 + from) * kSecond;
  interval.end = (6 + from) * kSecond;
  interval.of(Measure::response, OpKind::get).record(100 * kMicrosecond, reads);
  interval.of(Measure::service, OpKind::get).record(90 * kMicrosecond, reads);
  interval.of(Measure::lateness, OpKind::get).record(10 * kMicrosecond, reads);
  interval.of(Measure::dispatch, OpKind::get).record(dispatch, reads);
  interval.counts.scheduled = reads;
  interval.counts.sent[0] = interval.counts.completed[0] = reads;
  interval.counts.hits = reads;
  interval.counts.cpuUser = 250 * kMillisecond;
  return interval;
}

Interval warmup(int from) {
  Interval interval = second(from);
  interval.warmup = true;
  return interval;
}

ServerSample sample(Nanos at, double cpuSeconds, double evicted) {
  ServerSample sample;
  sample.at = at;
  sample.addr = "127.0.0.1:7600";
  sample.role = "master";
  sample.info = {{"used_cpu_user_main_thread", std::to_string(cpuSeconds)},
                 {"used_cpu_sys_main_thread", "0"},
                 {"evicted_keys", std::to_string(evicted)},
                 {"used_memory", "1000"}};
  return sample;
}

Event fault(std::string_view phase, Nanos at) {
  Event event;
  event.kind = "fault";
  event.name = "bgsave";
  event.phase = phase;
  event.node = "127.0.0.1:7600";
  event.at = at;
  return event;
}

/// A run, and what a browser is told of it.
struct Told {
  explicit Told(const LiveRunPlan& what = plan(), LiveRun::ClusterNow clusterNow = {},
                LiveRun::Faulted faulted = {})
      : run(what, 1, feed, std::move(clusterNow), std::move(faulted)) {}

  /// The data of all events of this name that are kept.
  std::vector<json> all(const std::string& name) const {
    std::vector<json> found;
    for (const EventFeed::Frame& frame : feed.after(0, 1 << 30).frames)
      if (frame->find("event: " + name + "\n") != std::string::npos)
        found.push_back(json::parse(frame->substr(frame->find("data: ") + 6)));
    return found;
  }
  json last(const std::string& name) const {
    const auto found = all(name);
    return found.empty() ? json() : found.back();
  }

  ManualClock clock;
  EventFeed feed{"f", clock};
  LiveRun run;
};

TEST(LiveRun, TellsWhatItIsAndWhenItBegan) {
  const Told told;
  const json run = told.last("run");
  EXPECT_EQ(run["run"], 1);
  EXPECT_EQ(run["title"], "A run");
  EXPECT_EQ(run["target"], 1'000);
  EXPECT_EQ(run["began"], 1'700'000'000'000);
  EXPECT_EQ(run["warmup_s"], 1);
}

TEST(LiveRun, HasAPointForEachSecondOnTheWallClock) {
  Told told;
  told.run.addInterval(warmup(0), 0);
  told.run.addInterval(second(1, 800), 0);
  const auto points = told.all("point");
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0]["phase"], "warmup");
  EXPECT_EQ(points[1]["phase"], "measure");
  EXPECT_EQ(points[1]["at"], 1'700'000'002'000);
  EXPECT_EQ(points[1]["completed"], 800);
  EXPECT_EQ(points[1]["hits"], 800);
  EXPECT_EQ(points[1]["generator"], 0.25);
  EXPECT_NEAR(points[1]["response"]["p99"].get<double>(), 100, 0.1);
}

TEST(LiveRun, TellsBusyAndTheCpuTimeWithSpinningApart) {
  LiveRunPlan two = plan();
  two.threads = 2;
  Told told(two);
  Interval interval = second(1);
  interval.counts.cpuUser = 1'200 * kMillisecond;
  interval.counts.idleTime = 800 * kMillisecond;
  told.run.addInterval(interval, 0);
  EXPECT_EQ(told.all("point").back()["generator"], 0.2);
  const auto generator = told.all("summary").back()["generator"];
  EXPECT_NEAR(generator["utilisation"].get<double>(), 0.2, 1e-9);
  EXPECT_EQ(generator["cpu_cores"], 1.2);
}

TEST(LiveRun, GathersShortIntervalsToOnePoint) {
  Told told;
  for (int i = 0; i < 10; ++i) {
    Interval tenth = second(1, 100);
    tenth.end = tenth.start + kSecond / 10;
    tenth.start += i * kSecond / 10;
    tenth.end += i * kSecond / 10;
    told.run.addInterval(tenth, 0);
  }
  const auto points = told.all("point");
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0]["completed"], 1'000);
  EXPECT_EQ(points[0]["span_s"], 0.5);
}

TEST(LiveRun, PutsNoTwoPhasesIntoOnePoint) {
  Told told;
  Interval brief = warmup(0);
  brief.end = brief.start + 100 * kMillisecond;
  told.run.addInterval(brief, 0);
  told.run.addInterval(second(1), 0);
  const auto points = told.all("point");
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0]["phase"], "warmup");
  EXPECT_EQ(points[0]["completed"], 10'000) << "a rate, of a tenth of a second";
}

TEST(LiveRun, LeavesTheWarmupOutOfTheFiguresSoFar) {
  Told told;
  told.run.addInterval(warmup(0), 0);
  EXPECT_EQ(told.last("summary")["judged"], false);
  EXPECT_EQ(told.last("summary")["rate"]["completed"], 0);
  told.run.addInterval(second(1), 0);
  EXPECT_EQ(told.last("summary")["judged"], true);
  EXPECT_EQ(told.last("summary")["rate"]["completed"], 1'000);
  EXPECT_EQ(told.last("summary")["rate"]["achieved"], 1'000);
}

TEST(LiveRun, HasThePercentilesOfAllThatWasMeasuredAndNoMeanOfPercentiles) {
  Told told;
  Histogram all;
  for (int i = 0; i < 5; ++i) {
    Interval interval = second(i, 0);
    for (const OpKind kind : {OpKind::get, OpKind::set})
      for (int k = 0; k < 100 * (i + 1); ++k) {
        const Nanos value = (k * k + 17 * i) * kMicrosecond;
        interval.of(Measure::response, kind).record(value);
        all.record(value);
      }
    told.run.addInterval(interval, 0);
  }
  const json figures = told.last("summary")["latency_us"]["response"];
  const LatencyFigures expected = figuresOf(all);
  EXPECT_EQ(figures["count"], expected.count);
  EXPECT_EQ(figures["p50"], expected.p50);
  EXPECT_EQ(figures["p999"], expected.p999);
  EXPECT_EQ(figures["max"], expected.max);
}

TEST(LiveRun, SaysNothingOfLatenciesWithoutOperations) {
  Told told;
  told.run.addInterval(second(1, 0), 0);
  EXPECT_TRUE(told.last("point")["response"]["p99"].is_null());
}

TEST(LiveRun, JudgesWhatThereIsSoFarAndSaysWhy) {
  Told told;
  told.run.addInterval(second(1), 0);
  EXPECT_EQ(told.last("summary")["valid"], true);
  told.run.addInterval(second(2, 1'000, 3 * kMillisecond), 0);
  EXPECT_EQ(told.last("summary")["valid"], false);
  EXPECT_THAT(told.last("summary")["invalid_reasons"][0].get<std::string>(),
              HasSubstr("behind schedule"));
}

TEST(LiveRun, JudgesStolenTime) {
  Told told;
  told.run.addInterval(second(1), 0.5);
  EXPECT_THAT(told.last("summary")["invalid_reasons"][0].get<std::string>(),
              HasSubstr("stolen time"));
}

TEST(LiveRun, ShowsTheStoreOfARunThatHasOne) {
  LiveRunPlan backed = plan();
  backed.hasStore = true;
  Told told(backed);
  EXPECT_EQ(told.last("run")["store"], true);
  const auto asked = [](Interval interval) {
    Counters& counts = interval.counts;
    counts.of(BackingCount::reads) = 20;
    counts.of(BackingCount::found) = 12;
    counts.of(BackingCount::missing) = 3;
    counts.of(BackingCount::locked) = counts.of(BackingCount::protocol) = 1;
    counts.of(BackingCount::timedOut) = 2;
    counts.of(BackingCount::shed) = 1;
    counts.storeWaiting = interval.warmup ? 9 : 5;
    counts.storeQueue = 4;
    interval.storeLatency().read.record(kMillisecond, 19);
    return interval;
  };
  told.run.addInterval(asked(warmup(0)), 0);
  told.run.addInterval(asked(second(1)), 0);
  told.run.addInterval(asked(second(2)), 0);
  const json store = told.last("point")["store"];
  EXPECT_EQ(store["reads"], 20);
  EXPECT_EQ(store["found"], 12);
  EXPECT_EQ(store["missing"], 3);
  EXPECT_EQ(store["failed"], 2);
  EXPECT_EQ(store["timed_out"], 2);
  EXPECT_EQ(store["shed"], 1);
  EXPECT_EQ(store["waiting"], 5);
  EXPECT_EQ(store["queue"], 4);
  EXPECT_NEAR(store["read"]["p99"].get<double>(), 1'000, 1);
  const json soFar = told.last("summary")["backing"];
  EXPECT_EQ(soFar["counts"]["store_reads"], 40);  // not the warm-up's
  EXPECT_EQ(soFar["read_us"]["count"], 38);
  EXPECT_EQ(soFar["most_waiting"], 9);
  EXPECT_EQ(soFar["longest_queue"], 4);
}

TEST(LiveRun, SaysNothingOfAStoreThatThereIsNot) {
  Told told;
  EXPECT_EQ(told.last("run")["store"], false);
  told.run.addInterval(second(1), 0);
  EXPECT_FALSE(told.last("point").contains("store"));
  EXPECT_FALSE(told.last("summary").contains("backing"));
}

TEST(LiveRun, ChargesLatenessDuringAFaultToTheFault) {
  // Healing goes on long after the event of the end.
  Told told(plan(), {},
            [](Nanos from, Nanos to) { return from < 20 * kSecond && to > 7'500 * kMillisecond; });
  told.run.addInterval(second(1), 0);
  told.run.addEvent(fault("begin", 7'500 * kMillisecond));
  told.run.addInterval(second(2, 1'000, 3 * kMillisecond), 0);
  told.run.addEvent(fault("end", 8'200 * kMillisecond));
  for (const int late : {3, 4, 5, 6})
    told.run.addInterval(second(late, 1'000, 3 * kMillisecond), 0);
  EXPECT_EQ(told.last("summary")["valid"], true) << told.last("summary")["invalid_reasons"];
  const auto faults = told.all("fault");
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[0]["phase"], "begin");
  EXPECT_EQ(faults[0]["at"], 1'700'000'002'500);
  EXPECT_EQ(faults[1]["phase"], "end");
  EXPECT_EQ(faults[1]["node"], "127.0.0.1:7600");
}

TEST(LiveRun, ShowsWhatEachServerDidSinceThePointBefore) {
  Told told;
  told.run.addSample(sample(5 * kSecond, 1, 0));
  told.run.addInterval(warmup(0), 0);
  told.run.addSample(sample(7 * kSecond, 2, 100));
  told.run.addInterval(second(1), 0);
  const json server = told.last("point")["servers"][0];
  EXPECT_EQ(server["addr"], "127.0.0.1:7600");
  EXPECT_EQ(server["cpu"], 0.5);
  EXPECT_EQ(server["evicted"], 50);
  EXPECT_EQ(told.last("summary")["servers"][0]["evicted"], 100);
  told.run.addInterval(second(2), 0);
  EXPECT_TRUE(told.last("point")["servers"][0]["cpu"].is_null()) << "it has not answered since";
}

TEST(LiveRun, HasTheBusiestSlotsWithTheirNodesAndTheHeatOfAll) {
  LiveRunPlan cluster = plan();
  cluster.isCluster = true;
  Told told(cluster, [](const ClusterTally& tally) {
    ClusterFigures figures;
    for (const std::size_t slot : hottestSlots(tally.slots, 2))
      figures.hotSlots.push_back({static_cast<unsigned>(slot), "n1", tally.slots[slot]});
    for (const NodeTally& node : tally.nodes)
      figures.nodes.push_back(
          {node.addr, "master", "", 16'384, node.completed, node.redirected, {}});
    return figures;
  });
  for (int i = 1; i <= 2; ++i) {
    Interval interval = second(i);
    interval.slots.assign(16'384, 1);
    interval.slots[77] = 600;
    interval.nodes.push_back({"n1", 700, 5, {}});
    interval.counts.moved = 5;
    told.run.addInterval(interval, 0);
  }
  const json figures = told.last("summary")["cluster"];
  EXPECT_EQ(figures["hot_slots"][0]["slot"], 77);
  EXPECT_EQ(figures["hot_slots"][0]["ops"], 1'200);
  EXPECT_EQ(figures["nodes"][0]["ops"], 1'400);
  EXPECT_EQ(figures["moved"], 10);
  const auto heat = told.last("slots")["heat"].get<std::string>();
  ASSERT_EQ(heat.size(), 16'384U);
  EXPECT_EQ(heat[77], '_');
}

Summary emptySummary() {
  Summary summary;
  for (const char* const measure : {"response", "service", "lateness"})
    summary.latency[measure]["all"] = {};
  return summary;
}

TEST(LiveRun, EndsWithTheFiguresOfTheSummary) {
  Told told;
  told.run.addInterval(second(1), 0);
  Summary summary = emptySummary();
  summary.valid = false;
  summary.invalidReasons = {{ReasonCode::serverLost, "server lost"}};
  summary.rate.scheduled = 5;
  summary.rate.achieved = 123.456789;
  summary.latency["lateness"]["all"].p99 = 1234.5678901;
  told.run.end(summary);
  const json last = told.last("summary");
  EXPECT_EQ(last["final"], true);
  EXPECT_EQ(last["phase"], "ended");
  EXPECT_EQ(last["rate"]["achieved"], 123.456789);
  EXPECT_EQ(last["latency_us"]["lateness"]["p99"], 1234.5678901);
  EXPECT_THAT(last["invalid_reasons"], ElementsAre("server lost"));
}

TEST(LiveRun, KeepsARunsLastMomentsWhenItEnds) {
  Told told;
  Interval brief = second(1);
  brief.end = brief.start + 100 * kMillisecond;
  told.run.addInterval(brief, 0);
  EXPECT_TRUE(told.all("point").empty());
  told.run.end(emptySummary());
  EXPECT_EQ(told.last("point")["completed"], 10'000);
}

TEST(LiveRun, ShowsServersWithoutALoad) {
  Told told;
  told.run.addSample(sample(5 * kSecond, 0, 0));
  told.run.addSample(sample(6 * kSecond, 0.75, 0));
  told.run.addServersAlone(5 * kSecond, 6 * kSecond);
  EXPECT_EQ(told.last("point")["servers"][0]["cpu"], 0.75);
  EXPECT_EQ(told.last("summary")["judged"], false);
}

TEST(SlotHeat, IsHowManyTimesItsEvenShareASlotHas) {
  std::vector<std::uint64_t> slots(16'384, 1'000);
  EXPECT_EQ(slotHeat(slots), std::string(16'384, 'V')) << "level 21: the even share";
  slots.assign(16'384, 0);
  EXPECT_EQ(slotHeat(slots), std::string(16'384, 'A')) << "level 0: nothing";
  slots[5] = 1;
  EXPECT_EQ(slotHeat(slots)[5], '_') << "level 63: 64 times and more";
  EXPECT_EQ(slotHeat(std::vector<std::uint64_t>{2, 1, 1})[0], 'Z') << "21 + 7 log2 1.5";
}

}  // namespace
}  // namespace redline
