// The contract's definitions, one by one, on a simulated clock, wire and server: each test fails if
// its sentence is read in another way. Those that need a real server are in tests/integration.

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "support/worker_rig.h"
#include "workload/ttl.h"

namespace redline::definitions_test {
namespace {

using Rig = WorkerRig;

double millis(Nanos span) {
  return static_cast<double>(span) / static_cast<double>(kMillisecond);
}

std::uint64_t sum(const std::array<std::uint64_t, kOpKinds>& counts) {
  return counts[0] + counts[1];
}

/// What was asked, in order, and when.
using Wire = std::vector<std::tuple<Nanos, std::string, std::string>>;

Wire wireOf(Rig& rig) {
  Wire wire;
  rig.transport.onRequest = [&](Nanos at, ConnId, const Value& request) {
    wire.emplace_back(at, request.items.at(0).text, request.items.at(1).text);
  };
  rig.run();
  return wire;
}

/// A server of one connection that knows MULTI and EXEC; every GET misses.
std::function<std::string(const Value&)> transactionServer() {
  return [queued = -1](const Value& request) mutable -> std::string {
    const std::string& command = request.items.at(0).text;
    if (command == "MULTI") {
      queued = 0;
      return "+OK\r\n";
    }
    if (command == "EXEC") {
      std::string reply = "*" + std::to_string(queued) + "\r\n";
      while (queued-- > 0) reply += "$-1\r\n";
      return reply;
    }
    ++queued;
    return "+QUEUED\r\n";
  };
}

// "Each operation keeps its own intended time".
TEST(Definitions, AnOperationOfABatchIsTimedFromItsOwnIntendedTime) {
  Rig rig;
  rig.plan.rate = 1000;  // one a millisecond
  rig.plan.pipeline = 4;
  rig.plan.batchWait = kSecond;  // closes when full: the first waits 3 ms for it, the last 0
  rig.plan.duration = 4 * kSecond;
  const Interval& total = rig.run();
  const Histogram& lateness = total.of(Measure::lateness, OpKind::get);
  EXPECT_NEAR(millis(lateness.quantile(0.25)), 0, 0.1);
  EXPECT_NEAR(millis(lateness.quantile(0.50)), 1, 0.1);
  EXPECT_NEAR(millis(lateness.quantile(0.75)), 2, 0.1);
  EXPECT_NEAR(millis(lateness.quantile(1.00)), 3, 0.1);
  // That it waits was asked for: the generator itself is on time.
  EXPECT_NEAR(millis(total.of(Measure::dispatch, OpKind::get).max()), 0, 0.1);

  Rig byTime;
  byTime.plan = rig.plan;
  byTime.plan.batchWait = 1500 * kMicrosecond;  // leaves with two: they have waited 1.5 and 0.5 ms
  const Interval& two = byTime.run();
  EXPECT_NEAR(millis(two.of(Measure::lateness, OpKind::get).max()), 1.5, 0.1);
  EXPECT_NEAR(millis(two.of(Measure::dispatch, OpKind::get).max()), 0, 0.1);
}

// … while what the generator itself is late by is told, whether or not batches wait.
TEST(Definitions, ABatchThatAWorkerWithoutItsCoreSendsLateIsDispatchedLate) {
  for (const Nanos batchWait : {Nanos{0}, 2 * kMillisecond}) {
    Rig rig;
    rig.plan.rate = 1000;
    rig.plan.pipeline = 4;
    rig.plan.batchWait = batchWait;
    rig.plan.duration = kSecond;
    rig.transport.oversleepAt(Rig::kBegin + 500 * kMillisecond, 50 * kMillisecond);
    const Interval& total = rig.run();
    EXPECT_NEAR(millis(total.of(Measure::dispatch, OpKind::get).max()), 50, 4);
  }
}

// "… and completes at its own reply (with -tx, at EXEC's)".
TEST(Definitions, AnOperationOfABatchCompletesAtItsOwnReply) {
  Rig rig;
  rig.plan.arrivals = Arrivals::closed;
  rig.plan.conns = 1;
  rig.plan.pipeline = 4;
  rig.plan.duration = 400 * kMillisecond;
  rig.transport.serviceTime = kMillisecond;
  const Histogram& service = rig.run().of(Measure::service, OpKind::get);
  EXPECT_NEAR(millis(service.quantile(0.25)), 1, 0.1);
  EXPECT_NEAR(millis(service.quantile(0.50)), 2, 0.1);
  EXPECT_NEAR(millis(service.quantile(0.75)), 3, 0.1);
  EXPECT_NEAR(millis(service.quantile(1.00)), 4, 0.1);
}

TEST(Definitions, AnOperationOfATransactionCompletesAtTheReplyToExec) {
  Rig rig;
  rig.plan.arrivals = Arrivals::closed;
  rig.plan.conns = 1;
  rig.plan.pipeline = 4;
  rig.plan.transactions = true;
  rig.plan.duration = 600 * kMillisecond;
  rig.transport.serviceTime = kMillisecond;
  rig.transport.answer = transactionServer();
  const Interval& total = rig.run();
  const Histogram& service = total.of(Measure::service, OpKind::get);
  EXPECT_NEAR(millis(service.min()), 6, 0.1);  // MULTI, four commands, EXEC
  EXPECT_NEAR(millis(service.max()), 6, 0.1);
  // "Operations per second … MULTI, EXEC … do not count": four in 6 ms.
  EXPECT_EQ(sum(total.counts.completed), 400U);
}

// "0 = one in flight per connection; 1 is the same on the wire".
TEST(Definitions, PipelineZeroAndOneAreTheSameOnTheWire) {
  const auto with = [](unsigned pipeline, Arrivals arrivals) {
    Rig rig;
    rig.plan.pipeline = pipeline;
    rig.plan.arrivals = arrivals;
    rig.plan.rate = 30'000;
    rig.plan.readShare = 0.5;
    rig.plan.duration = 100 * kMillisecond;
    rig.transport.serviceTime = 100 * kMicrosecond;  // connections are the bottleneck
    return wireOf(rig);
  };
  for (const Arrivals arrivals : {Arrivals::constant, Arrivals::closed}) {
    const Wire none = with(0, arrivals);
    EXPECT_GT(none.size(), 900U);
    EXPECT_EQ(none, with(1, arrivals));
    EXPECT_NE(none, with(2, arrivals));
  }
}

TEST(Definitions, WithoutPipelineAConnectionHasOneInFlight) {
  Rig rig;
  rig.plan.conns = 3;
  rig.plan.arrivals = Arrivals::closed;
  rig.plan.duration = 100 * kMillisecond;
  rig.transport.serviceTime = 10 * kMicrosecond;
  // One server, three connections: a connection's reply comes 30 µs after its request, and not
  // before that may its next request go out.
  std::vector<Nanos> last(3, 0);
  Nanos least = kSecond;
  rig.transport.onRequest = [&](Nanos at, ConnId conn, const Value&) {
    if (last.at(conn) >= Rig::kBegin + kMillisecond) least = std::min(least, at - last[conn]);
    last[conn] = at;
  };
  rig.run();
  EXPECT_GE(least, 29 * kMicrosecond);
  EXPECT_LE(least, 31 * kMicrosecond);
}

// "A batch closes at N due operations or after -batch-wait (default 0: send what is due)".
TEST(Definitions, WhatIsDueGoesAtOnceWhereNoBatchWaitIsAsked) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.pipeline = 16;
  rig.plan.duration = kSecond;
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.batches, 1000U);
  EXPECT_LT(total.of(Measure::lateness, OpKind::get).max(), 10 * kMicrosecond);
}

// "both kinds use the same distribution; a SET re-applies its id's TTL".
TEST(Definitions, ASetGivesItsKeyTheTimeToLiveOfItsId) {
  Rig rig;
  rig.plan.readShare = 0;
  rig.plan.rate = 1000;
  rig.plan.duration = kSecond;
  rig.plan.ttlFraction = 0.3;
  const Ttls ttls(rig.plan.seed, rig.plan.ttlFraction, rig.plan.ttlMin, rig.plan.ttlMax);
  const Nanos wallAtStart = wallNow();
  int expiring = 0;
  int permanent = 0;
  rig.transport.onRequest = [&](Nanos at, ConnId, const Value& request) {
    const std::int64_t ttl = ttls.ttlMillisOf(std::stoull(request.items.at(1).text.substr(4)));
    ASSERT_EQ(request.items.size(), ttl == 0 ? 3U : 5U);
    if (ttl == 0) {
      ++permanent;
      return;
    }
    ++expiring;
    EXPECT_EQ(request.items[3].text, "PXAT");
    const double expected = millis(wallAtStart + (at - Rig::kBegin)) + static_cast<double>(ttl);
    EXPECT_NEAR(std::stod(request.items[4].text), expected, 2'000);
  };
  rig.run();
  EXPECT_NEAR(expiring, 300, 60);
  EXPECT_EQ(expiring + permanent, 1000);
}

// "-run-seed the draws".
TEST(Definitions, TheRunSeedFixesTheDraws) {
  const auto with = [](std::uint64_t runSeed) {
    Rig rig;
    rig.plan.runSeed = runSeed;
    rig.plan.readShare = 0.5;
    rig.plan.rate = 1000;
    rig.plan.duration = kSecond;
    return wireOf(rig);
  };
  EXPECT_EQ(with(1), with(1));
  EXPECT_NE(with(1), with(2));
}

// "-warmup: sent, but kept out of rate, latency and cache figures (corruption counts always);
// -duration comes after it."
TEST(Definitions, TheWarmUpIsSentAndInNoFigureButCorruption) {
  Rig rig;
  rig.plan.warmup = 2 * kSecond;
  rig.plan.duration = 3 * kSecond;
  rig.plan.rate = 1000;
  const Values values(rig.plan.seed, rig.plan.valueSize);
  std::size_t requests = 0;
  rig.transport.answer = [&](const Value& request) {
    std::string value(rig.plan.valueSize, '\0');
    values.write(value.data(), std::stoull(request.items.at(1).text.substr(4)), 0);
    if (++requests == 500) value[57] = static_cast<char>(value[57] ^ 1);  // in the warm-up
    return "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  };
  const Interval& total = rig.run();
  EXPECT_EQ(requests, 5'000U);
  EXPECT_EQ(total.counts.scheduled, 3'000U);
  EXPECT_EQ(total.counts.hits, 3'000U);
  EXPECT_EQ(total.of(Measure::response, OpKind::get).count(), 3'000U);
  EXPECT_EQ(rig.recorder.completedInWindow(), 3'000U);
  EXPECT_EQ(rig.recorder.warmupCorrupt(), 1U);
}

// "after -duration the run waits up to -drain".
TEST(Definitions, TheDrainEndsWhenEverythingIsAnswered) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.drain = 5 * kSecond;
  const Nanos end = Rig::kBegin + rig.plan.duration;
  rig.transport.freeze(end - kSecond, end + kSecond);
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.outstandingAtEnd, 0U);
  EXPECT_EQ(sum(total.counts.completed), 10'000U);
  EXPECT_LT(rig.clock.now(), end + 2 * kSecond);
  // What the drain completes is completed, but it is not part of the achieved rate.
  EXPECT_NEAR(static_cast<double>(rig.recorder.completedInWindow()), 9'000, 2);
}

TEST(Definitions, WhatTheDrainDoesNotSeeWaitedAtLeastUntilItsEnd) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.drain = 500 * kMillisecond;
  const Nanos end = Rig::kBegin + rig.plan.duration;
  rig.transport.freeze(end - kSecond, end + kSecond);
  const Interval& total = rig.run();
  EXPECT_NEAR(static_cast<double>(total.counts.outstandingAtEnd), 1'000, 2);
  EXPECT_NEAR(millis(rig.clock.now() - end), 500, 1);
  // The last of them was due just before the end, the first a second before.
  EXPECT_NEAR(millis(total.unfinished[index(OpKind::get)].min()), 500, 2);
  EXPECT_NEAR(millis(total.unfinished[index(OpKind::get)].max()), 1'500, 2);
  EXPECT_EQ(total.of(Measure::response, OpKind::get).count(), 10'000U);
  EXPECT_NEAR(static_cast<double>(total.of(Measure::service, OpKind::get).count()), 9'000, 2);
}

// "Completed: a final non-error reply, nil included."
TEST(Definitions, ANilIsCompletedAndAMiss) {
  Rig rig;
  rig.plan.rate = 1000;
  const Interval& total = rig.run();
  EXPECT_EQ(sum(total.counts.completed), 10'000U);
  EXPECT_EQ(total.counts.misses, 10'000U);
  EXPECT_EQ(total.counts.hits, 0U);
}

// "Failed: … a lost connection after its retries; its latency is kept apart."
TEST(Definitions, AReadIsGivenUpWhenItsRetriesAreUsedUp) {
  Rig rig;
  rig.plan.rate = 1;
  rig.plan.duration = 5 * kSecond;
  rig.transport.serviceTime = 20 * kMillisecond;
  std::size_t requests = 0;
  rig.transport.onRequest = [&](Nanos at, ConnId, const Value&) {
    ++requests;
    rig.transport.cutAllAt(at + kMillisecond);  // whatever is asked, nobody lives to answer it
  };
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.failures[index(Failure::disconnected)], 5U);
  EXPECT_EQ(total.counts.scheduled, 5U);
  EXPECT_EQ(requests, 20U);  // four times each
  EXPECT_EQ(total.counts.sent[index(OpKind::get)], 5U);
  EXPECT_EQ(total.failed.count(), 5U);
  EXPECT_EQ(total.of(Measure::response, OpKind::get).count(), 0U);
}

// "-op-timeout": from the intended time, and the reply that comes after all counts for nothing.
TEST(Definitions, AnOperationPastItsTimeoutHasFailedWhateverComesLater) {
  Rig rig;
  rig.plan.rate = 10;
  rig.plan.duration = kSecond;
  rig.plan.opTimeout = 10 * kMillisecond;
  rig.transport.serviceTime = 30 * kMillisecond;
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.failures[index(Failure::timeout)], 10U);
  EXPECT_EQ(sum(total.counts.completed), 0U);
  EXPECT_EQ(total.counts.misses, 0U);  // the late nil is not a miss
  EXPECT_EQ(total.counts.retried, 0U);
  EXPECT_NEAR(millis(total.failed.max()), 10, 1.5);
}

// "-rate: operations per second, all workers together": each of W workers owns n ≡ w mod W.
TEST(Definitions, AWorkersShareOfTheRateIsOneInAsManyAsThereAre) {
  Rig rig;
  rig.plan.threads = 4;
  rig.plan.conns = 40;  // ten of them this worker's
  rig.plan.rate = 4'000;
  rig.plan.duration = kSecond;
  std::vector<Nanos> sends;
  rig.transport.onRequest = [&](Nanos at, ConnId, const Value&) { sends.push_back(at); };
  rig.run();
  ASSERT_EQ(sends.size(), 1'000U);
  EXPECT_NEAR(millis(sends[500] - sends[0]), 500, 0.1);  // every fourth of one each 250 µs
}

}  // namespace
}  // namespace redline::definitions_test
