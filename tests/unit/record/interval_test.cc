#include "record/interval.h"

#include <gtest/gtest.h>

#include <cstring>

namespace redline {
namespace {

/// Every field set to a different multiple of `unit`, so that a forgotten one shows.
Counters numbered(std::uint64_t unit) {
  Counters counters;
  std::uint64_t next = 0;
  const auto fill = [&](auto& field) {
    field = static_cast<std::remove_reference_t<decltype(field)>>(++next * unit);
  };
  for (auto* perKind : {&counters.sent, &counters.completed, &counters.failed})
    for (auto& field : *perKind) fill(field);
  for (auto& field : counters.failures) fill(field);
  for (auto& field : counters.mitigation) fill(field);
  for (auto& field : counters.backing) fill(field);
  for (auto* field : {&counters.scheduled,
                      &counters.outstandingAtEnd,
                      &counters.carriedOver,
                      &counters.hits,
                      &counters.misses,
                      &counters.checked,
                      &counters.corrupt,
                      &counters.batches,
                      &counters.retried,
                      &counters.reconnects,
                      &counters.moved,
                      &counters.ask,
                      &counters.tryagain,
                      &counters.clusterdown,
                      &counters.bytesSent,
                      &counters.bytesReceived,
                      &counters.passes,
                      &counters.idlePasses,
                      &counters.outstanding,
                      &counters.backlog,
                      &counters.refills,
                      &counters.refillsFailed,
                      &counters.refusedConnections,
                      &counters.unansweredAtEnd,
                      &counters.unservedAtEnd,
                      &counters.storeWaiting,
                      &counters.storeQueue})
    fill(*field);
  for (auto* field : {&counters.idleTime, &counters.longestPass, &counters.cpuUser,
                      &counters.cpuSystem, &counters.cpuWaiting, &counters.blocked,
                      &counters.paused, &counters.longestPause, &counters.longestUnanswered})
    fill(*field);
  EXPECT_EQ(next * sizeof(std::uint64_t), sizeof(Counters)) << "a new field: add it here";
  return counters;
}

bool same(const Counters& a, const Counters& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

TEST(Counters, MergingAddsEveryFieldButTheLongestPassAndPause) {
  Counters sum = numbered(1);
  sum.merge(numbered(10));
  Counters wanted = numbered(11);
  wanted.longestPass = numbered(10).longestPass;
  wanted.longestPause = numbered(10).longestPause;
  wanted.longestUnanswered = numbered(10).longestUnanswered;
  EXPECT_TRUE(same(sum, wanted));
}

TEST(Interval, AddsUpNodesByTheirAddressWhateverTheirOrder) {
  const auto worker = [](std::vector<std::pair<std::string, std::uint64_t>> nodes) {
    Interval interval;
    for (const auto& [addr, count] : nodes) {
      NodeInterval& node = interval.nodes.emplace_back();
      node.addr = addr;
      node.completed = count;
      node.redirected = 1;
      for (std::uint64_t i = 0; i < count; ++i) node.service.record(kMillisecond);
    }
    return interval;
  };
  Interval sum = worker({{"a:1", 2}, {"b:2", 3}});
  sum.merge(worker({{"b:2", 4}, {"c:3", 5}, {"a:1", 1}}));
  ASSERT_EQ(sum.nodes.size(), 3U);
  for (const auto& [at, count] : {std::pair{0U, 3U}, {1U, 7U}, {2U, 5U}}) {
    EXPECT_EQ(sum.nodes[at].completed, count);
    EXPECT_EQ(sum.nodes[at].service.count(), count);
  }
  EXPECT_EQ(sum.nodes[1].redirected, 2U);
  sum.reset(0, 0);
  EXPECT_EQ(sum.nodes[1].addr, "b:2");  // a worker finds its lanes again
  EXPECT_EQ(sum.nodes[1].completed + sum.nodes[1].redirected + sum.nodes[1].service.count(), 0U);
}

TEST(Interval, AddsUpSlotsAlsoToOneThatHasNone) {
  Interval worker;
  worker.slots = {0, 2, 5};
  Interval sum;
  sum.merge(worker);
  sum.follow(worker);
  sum.merge(Interval{});
  EXPECT_EQ(sum.slots, (std::vector<std::uint64_t>{0, 4, 10}));
  sum.reset(0, 0);
  EXPECT_EQ(sum.slots, (std::vector<std::uint64_t>{0, 0, 0}));
}

TEST(Counters, FollowingAddsCountsAndTakesTheLaterLevels) {
  Counters total = numbered(10);
  total.follow(numbered(1));
  Counters wanted = numbered(11);
  wanted.longestPass = numbered(10).longestPass;
  wanted.longestPause = numbered(10).longestPause;
  wanted.longestUnanswered = numbered(10).longestUnanswered;
  wanted.outstanding = numbered(1).outstanding;
  wanted.backlog = numbered(1).backlog;
  wanted.storeWaiting = numbered(1).storeWaiting;
  wanted.storeQueue = numbered(1).storeQueue;
  EXPECT_TRUE(same(total, wanted));
}

Interval oneRecord(Nanos start, Nanos end, Nanos value) {
  Interval interval;
  interval.reset(start, end);
  for (std::size_t measure = 0; measure < kMeasures; ++measure)
    for (auto& histogram : interval.latency[measure]) histogram.record(value);
  interval.failed.record(value);
  for (auto& histogram : interval.unfinished) histogram.record(value);
  interval.counts = numbered(1);
  return interval;
}

TEST(Interval, MergingWorkersKeepsBoundsAndAddsHistograms) {
  Interval merged = oneRecord(10, 20, 100);
  merged.merge(oneRecord(10, 20, 300));
  EXPECT_EQ(merged.start, 10);
  EXPECT_EQ(merged.end, 20);
  for (const auto& kinds : merged.latency)
    for (const auto& histogram : kinds) {
      EXPECT_EQ(histogram.count(), 2U);
      EXPECT_EQ(histogram.max(), 300);
    }
  EXPECT_EQ(merged.failed.count(), 2U);
  for (const auto& histogram : merged.unfinished) EXPECT_EQ(histogram.count(), 2U);
  EXPECT_EQ(merged.counts.outstanding, 2 * numbered(1).outstanding);
}

TEST(Interval, FollowingExtendsTheSpanAndTakesTheLaterLevels) {
  Interval total = oneRecord(10, 20, 100);
  total.follow(oneRecord(20, 30, 300));
  EXPECT_EQ(total.start, 10);
  EXPECT_EQ(total.end, 30);
  EXPECT_EQ(total.of(Measure::response, OpKind::get).count(), 2U);
  EXPECT_EQ(total.counts.hits, 2 * numbered(1).hits);
  EXPECT_EQ(total.counts.outstanding, numbered(1).outstanding);
}

TEST(Interval, OneThatHasNotBegunTakesTheOthersBounds) {
  Interval other = oneRecord(1000, 2000, 5);
  other.warmup = true;
  other.drain = true;
  Interval total;
  total.merge(other);
  EXPECT_EQ(total.start, 1000);
  EXPECT_EQ(total.end, 2000);
  EXPECT_TRUE(total.warmup);
  EXPECT_TRUE(total.drain);
  total.follow(oneRecord(2000, 3000, 5));
  EXPECT_FALSE(total.warmup) << "a span is warm-up only if all of it is";
  EXPECT_FALSE(total.drain);
}

TEST(Interval, ResetForgetsEverything) {
  Interval interval = oneRecord(10, 20, 100);
  interval.warmup = interval.drain = true;
  interval.reset(20, 30);
  EXPECT_EQ(interval.start, 20);
  EXPECT_EQ(interval.end, 30);
  EXPECT_FALSE(interval.warmup);
  EXPECT_FALSE(interval.drain);
  for (const auto& kinds : interval.latency)
    for (const auto& histogram : kinds) EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(interval.failed.count(), 0U);
  for (const auto& histogram : interval.unfinished) EXPECT_EQ(histogram.count(), 0U);
  EXPECT_TRUE(same(interval.counts, Counters{}));
}

}  // namespace
}  // namespace redline
