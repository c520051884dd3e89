#include "engine/worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/worker_rig.h"

namespace redline::worker_test {
namespace {

using Rig = WorkerRig;

std::uint64_t sum(const std::array<std::uint64_t, kOpKinds>& counts) {
  return counts[0] + counts[1];
}

void expectConserved(const Interval& total) {
  const Counters& c = total.counts;
  EXPECT_EQ(c.scheduled, sum(c.completed) + sum(c.failed) + c.outstandingAtEnd);
}

TEST(Worker, SendsEveryOperationAtItsIntendedTimeToAnIdleServer) {
  Rig rig;
  rig.plan.rate = 1000;
  std::vector<Nanos> sends;
  rig.transport.onRequest = [&](Nanos at, ConnId, const Value&) { sends.push_back(at); };
  const Interval& total = rig.run();
  ASSERT_EQ(sends.size(), 10'000U);
  for (std::size_t n = 0; n < sends.size(); ++n) {
    const Nanos intended = Rig::kBegin + static_cast<Nanos>(n) * kMillisecond;
    EXPECT_GE(sends[n], intended);
    EXPECT_LE(sends[n], intended + 2 * kMicrosecond);
  }
  EXPECT_EQ(sum(total.counts.completed), 10'000U);
  EXPECT_EQ(total.counts.misses, 10'000U);
  expectConserved(total);
}

// Between two looks somebody else had the core, or nobody woke it. In the closed model, where one
// look may bring megabytes, nothing is concluded.
TEST(Worker, NotesPausesThatItDidNotAskFor) {
  const auto pausedWith = [](WaitMode wait, Arrivals arrivals) {
    Rig rig;
    rig.plan.rate = 1000;
    rig.plan.duration = kSecond;
    rig.plan.wait = wait;
    rig.plan.arrivals = arrivals;
    rig.transport.oversleepAt(Rig::kBegin + 500 * kMillisecond, 14 * kMillisecond);
    const Counters& counts = rig.run().counts;
    EXPECT_EQ(counts.paused, counts.longestPause);
    return counts.paused;
  };
  EXPECT_NEAR(static_cast<double>(pausedWith(WaitMode::spin, Arrivals::constant)), 14e6, 1e5);
  EXPECT_NEAR(static_cast<double>(pausedWith(WaitMode::block, Arrivals::constant)), 14e6, 1e5);
  EXPECT_EQ(pausedWith(WaitMode::spin, Arrivals::closed), 0);
}

TEST(Worker, CountsWhatAnImpossibleRateLeavesWithoutWalkingOverIt) {
  for (const Arrivals arrivals : {Arrivals::constant, Arrivals::poisson}) {
    Rig rig;
    rig.plan.rate = 1e12;  // ten million million operations: a walk would take a day
    rig.plan.arrivals = arrivals;
    rig.plan.readShare = 0.9;
    rig.plan.drain = kSecond;
    rig.transport.freeze(Rig::kBegin, Rig::kBegin + 100 * kSecond);
    const Interval& total = rig.run();
    const auto scheduled = static_cast<double>(total.counts.scheduled);
    EXPECT_NEAR(scheduled, 1e13, arrivals == Arrivals::constant ? 0 : 4 * std::sqrt(1e13));
    expectConserved(total);
    const Histogram& gets = total.of(Measure::response, OpKind::get);
    const Histogram& sets = total.of(Measure::response, OpKind::set);
    EXPECT_EQ(gets.count() + sets.count(), total.counts.scheduled);
    EXPECT_NEAR(static_cast<double>(gets.count()) / scheduled, 0.9, 1e-5);
    // Due evenly over ten seconds, and the end was a second after them.
    for (const Histogram* kind : {&gets, &sets})
      for (const double q : {0.01, 0.5, 0.99})
        EXPECT_NEAR(static_cast<double>(kind->quantile(q)) / 1e9, 1 + 10 * q, 0.02) << q;
  }
}

// redis-notes, "The frozen-server identity": the q-quantile of response time is
// F − (1 − q)·T·(1 − ρ) where a server frozen for F works off the queue at rate μ.
TEST(Worker, ResponseTimesObeyTheFrozenServerIdentity) {
  Rig rig;
  rig.plan.rate = 10'000;
  rig.transport.serviceTime = 8 * kMicrosecond;
  rig.transport.freeze(Rig::kBegin + 4 * kSecond, Rig::kBegin + 5 * kSecond);
  const Interval& total = rig.run();
  const double mu = 1e9 / 8000.0;
  const double rho = 10'000 / mu;
  const auto expected = [&](double q) { return 1.0 - (1 - q) * 10.0 * (1 - rho); };
  const Histogram& response = total.of(Measure::response, OpKind::get);
  EXPECT_EQ(response.count(), 100'000U);
  EXPECT_NEAR(static_cast<double>(response.quantile(0.99)) / 1e9, expected(0.99), 0.01);
  EXPECT_NEAR(static_cast<double>(response.quantile(0.999)) / 1e9, expected(0.999), 0.01);
  // A closed or service-time view of the same second hides it: coordinated omission.
  EXPECT_LT(total.of(Measure::service, OpKind::get).quantile(0.99), kMillisecond);
  expectConserved(total);
}

TEST(Worker, CountsWhatIsStillOutstandingWhenTheDrainIsOver) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.drain = kSecond;
  rig.transport.freeze(Rig::kBegin + 8 * kSecond, Rig::kBegin + 100 * kSecond);
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.scheduled, 10'000U);
  EXPECT_EQ(total.counts.outstandingAtEnd, 2'000U);
  EXPECT_EQ(total.unfinished[0].count(), 2'000U);
  // The oldest was due at 8 s and the run ended at 11 s: its answer takes 3 s at the least.
  EXPECT_NEAR(static_cast<double>(total.of(Measure::response, OpKind::get).max()) / 1e9, 3.0, 0.01);
  expectConserved(total);
}

// A peer that swallows replies: each keeps a connection waiting, until none is left.
TEST(Worker, CountsWhatHasBeenOnTheWireForSecondsWithoutAReply) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.drain = kSecond;
  std::size_t replies = 0;
  rig.transport.answer = [&](const Value&) {
    return ++replies % 2 == 0 ? std::string() : std::string("$-1\r\n");
  };
  const Interval& swallowed = rig.run();
  EXPECT_EQ(swallowed.counts.unansweredAtEnd, rig.plan.conns);
  EXPECT_GT(swallowed.counts.longestUnanswered, 10 * kSecond);
  EXPECT_GT(swallowed.counts.outstandingAtEnd, 9'900U);
  expectConserved(swallowed);

  Rig slow;  // a long queue is none
  slow.plan.rate = 2000;
  slow.plan.drain = kMillisecond;
  slow.transport.serviceTime = kMillisecond;
  const Interval& queued = slow.run();
  EXPECT_GT(queued.counts.outstandingAtEnd, 9'000U);
  EXPECT_EQ(queued.counts.unansweredAtEnd, 0U);
}

TEST(Worker, KeepsTheWarmUpOutOfTheFigures) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.warmup = 2 * kSecond;
  rig.transport.freeze(Rig::kBegin + kSecond, Rig::kBegin + kSecond + kSecond / 2);
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.scheduled, 10'000U);
  EXPECT_LT(total.of(Measure::response, OpKind::get).max(), kMillisecond);
  expectConserved(total);
}

TEST(Worker, ChecksTheValuesOfMeasuredReadsAndNotThoseThatTheWarmUpLeft) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.warmup = 2 * kSecond;
  const Values values(rig.plan.seed, rig.plan.valueSize);
  rig.transport.answer = [&](const Value& request) {
    std::string value(rig.plan.valueSize, '\0');
    values.write(value.data(), std::stoull(request.items.at(1).text.substr(4)), 0);
    return "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  };
  rig.transport.freeze(Rig::kBegin + 2 * kSecond - 100 * kMillisecond,
                       Rig::kBegin + 2 * kSecond + 100 * kMillisecond);
  const Counters& counts = rig.run().counts;
  EXPECT_GT(counts.carriedOver, 50U);
  EXPECT_EQ(counts.checked, counts.hits);
}

TEST(Worker, ClosedModelKeepsEveryConnectionBusyWithFullBatches) {
  Rig rig;
  rig.plan.arrivals = Arrivals::closed;
  rig.plan.pipeline = 16;
  rig.plan.duration = kSecond;
  std::size_t requests = 0;
  rig.transport.onRequest = [&](Nanos, ConnId, const Value&) { ++requests; };
  const Interval& total = rig.run();
  EXPECT_EQ(requests, 16 * rig.transport.flushes);
  // One server at 10 µs a request: 100 000 a second.
  EXPECT_NEAR(static_cast<double>(rig.recorder.completedInWindow()), 100'000, 1'000);
  EXPECT_EQ(total.of(Measure::lateness, OpKind::get).max(), 0);
  expectConserved(total);
}

TEST(Worker, BatchClosesWhenFullOrWhenItsWaitIsOver) {
  Rig rig;
  rig.plan.rate = 1000;  // one a millisecond
  rig.plan.pipeline = 4;
  rig.plan.batchWait = 2 * kMillisecond + kMicrosecond / 2;
  rig.plan.duration = kSecond;
  const Interval& byTime = rig.run();
  EXPECT_NEAR(static_cast<double>(byTime.counts.batches), 1000.0 / 3, 2);  // 0, 1 and 2 ms: three

  Rig full;
  full.plan = rig.plan;
  full.plan.batchWait = kSecond;
  EXPECT_EQ(full.run().counts.batches, 250U);

  Rig immediate;
  immediate.plan = rig.plan;
  immediate.plan.batchWait = 0;
  EXPECT_EQ(immediate.run().counts.batches, 1000U);
}

TEST(Worker, SleepsWhileABatchWaitsToFillAndClosesItOnTime) {
  for (const WaitMode wait : {WaitMode::block, WaitMode::automatic}) {
    Rig rig;
    rig.plan.wait = wait;
    rig.plan.rate = 1000;  // one a millisecond
    rig.plan.pipeline = 4;
    rig.plan.batchWait = 2 * kMillisecond + kMicrosecond / 2;
    rig.plan.duration = kSecond;
    const Interval& total = rig.run();
    EXPECT_NEAR(static_cast<double>(total.counts.batches), 1000.0 / 3, 2);
    // The first of a batch waits for as long as it may, and for no longer.
    EXPECT_LE(total.of(Measure::response, OpKind::get).max(),
              rig.plan.batchWait + 3 * rig.transport.serviceTime + 2 * kMicrosecond);
    // Each operation, its reply and each batch's end wake it. -wait=auto polls besides for the last
    // 80 us before each; a worker that polls all the time looks a million times.
    const std::uint64_t wakings = 3000;
    EXPECT_LT(total.counts.passes, wait == WaitMode::block ? wakings : wakings + 3000 * 80);
    if (wait == WaitMode::block) {
      EXPECT_EQ(total.counts.idlePasses, 0U);
    }
    expectConserved(total);
  }
}

TEST(Worker, AsksLostReadsAgainWithTheirClocksRunning) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.transport.serviceTime = 5 * kMillisecond;
  rig.plan.rate = 100;
  rig.transport.cutAllAt(Rig::kBegin + 5 * kSecond + 2 * kMillisecond);
  const Interval& total = rig.run();
  EXPECT_EQ(sum(total.counts.completed), 1000U);
  EXPECT_EQ(sum(total.counts.failed), 0U);
  EXPECT_EQ(total.counts.retried, 1U);
  EXPECT_EQ(total.counts.reconnects, 10U);
  EXPECT_EQ(sum(total.counts.sent), 1000U);  // once each, however often retried
  // 2 ms until the cut, 2 ms until the reconnect, 5 ms of service, all in its response time.
  EXPECT_GE(total.of(Measure::response, OpKind::get).max(), 9 * kMillisecond);
  expectConserved(total);
}

TEST(Worker, NeverSendsAWriteOfUnknownFateTwice) {
  Rig rig;
  rig.plan.readShare = 0;
  rig.plan.rate = 100;
  rig.transport.serviceTime = 5 * kMillisecond;
  rig.transport.cutAllAt(Rig::kBegin + 5 * kSecond + 2 * kMillisecond);
  std::size_t requests = 0;
  rig.transport.onRequest = [&](Nanos, ConnId, const Value&) { ++requests; };
  const Interval& total = rig.run();
  EXPECT_EQ(requests, 1000U);
  EXPECT_EQ(total.counts.failures[index(Failure::unknownFate)], 1U);
  EXPECT_EQ(total.failed.count(), 1U);
  EXPECT_EQ(total.of(Measure::response, OpKind::set).count(), 999U);
  expectConserved(total);
}

/// Ten connections that are cut after a second, at a server that ends each new one after its
/// greeting for the next five seconds.
struct ClosingServer : Rig {
  static constexpr Nanos kFrom = kBegin + kSecond, kUntil = kFrom + 5 * kSecond;

  ClosingServer() {
    plan.rate = 1000;
    plan.readShare = 0.5;
    transport.cutAllAt(kFrom);
    transport.hangsUp = [](Nanos at) { return at >= kFrom && at < kUntil; };
  }
};

// TCP accepts a connection, and the credentials is accepted too: neither says that it is of any
// use.
TEST(Worker, WaitsLongerAfterEachLossUntilAConnectionHasBeenOfUse) {
  ClosingServer rig;
  const Interval& total = rig.run();
  // 2 ms, 4 ms … 1 s: 13 attempts each in five seconds.
  EXPECT_LT(rig.transport.greetings, 10 + 10 * 16U);
  EXPECT_EQ(sum(total.counts.completed), 10'000U);
  expectConserved(total);
}

TEST(Worker, ARefusedConnectionIsNoFailedOperation) {
  ClosingServer rig;
  rig.transport.greeting = [](Nanos at) {
    const bool full = at >= ClosingServer::kFrom && at < ClosingServer::kUntil;
    return full ? "-ERR max number of clients reached\r\n" : "+PONG\r\n";
  };
  const Interval& total = rig.run();
  EXPECT_GT(total.counts.refusedConnections, 10U * 10);
  EXPECT_LT(total.counts.refusedConnections, 10U * 16);
  EXPECT_EQ(sum(total.counts.failed), 0U);
  EXPECT_EQ(sum(total.counts.completed), 10'000U);
  expectConserved(total);
}

TEST(Worker, SaysAtOnceThatTheServerWillNotHaveItsConnections) {
  Rig rig;
  rig.transport.greeting = [](Nanos) { return "-ERR max number of clients reached\r\n"; };
  Shared shared(rig.plan);
  Worker worker(shared, 0, rig.transport, rig.clock, rig.recorder.exchange(0));
  const Status up = worker.connect(rig.clock.now() + kSecond);
  ASSERT_FALSE(up);
  EXPECT_NE(up.error().message.find("maxclients"), std::string::npos) << up.error().message;
}

TEST(Worker, LosesAConnectionWhoseReplyIsLongerThanAnyThatItCanExpect) {
  Rig rig;
  rig.plan.rate = 10;
  rig.plan.valueSize = 1000;
  rig.plan.verify = VerifyLevel::full;
  std::string endless;
  while (endless.size() <= rig.plan.longestReply()) endless += "*1\r\n";
  rig.transport.answer = [&](const Value&) { return endless; };
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.failures[index(Failure::protocol)], 100U);
  // Each may still be waiting for its next attempt when the run ends.
  EXPECT_LE(total.counts.reconnects, 100U);
  EXPECT_GE(total.counts.reconnects, 100U - rig.plan.conns);
  expectConserved(total);
}

TEST(Worker, StopsAtALostConnectionWhenToldTo) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.onDisconnect = OnDisconnect::stop;
  rig.transport.cutAllAt(Rig::kBegin + 3 * kSecond);
  const Interval& total = rig.run();
  ASSERT_FALSE(rig.ended);
  EXPECT_EQ(rig.ended.error().code, ErrorCode::unreachable);
  EXPECT_NEAR(static_cast<double>(total.counts.scheduled), 3000, 5);
  expectConserved(total);
}

TEST(Worker, MeasuresNothingOfARunThatAnotherWorkerStoppedInTheWarmUp) {
  Rig rig;
  rig.plan.arrivals = Arrivals::closed;
  rig.plan.readShare = 0;
  rig.plan.warmup = kSecond;
  Shared shared(rig.plan);
  // The other one gave up a moment before this one sent what is never answered.
  rig.transport.freeze(Rig::kBegin + 500 * kMillisecond, Rig::kBegin + 30 * kSecond);
  rig.transport.cutAllAt(Rig::kBegin + 600 * kMillisecond);
  rig.transport.onRequest = [&](Nanos at, ConnId, const Value&) {
    if (at >= Rig::kBegin + 499 * kMillisecond) shared.stop(at - kMillisecond);
  };
  Worker worker(shared, 0, rig.transport, rig.clock, rig.recorder.exchange(0));
  ASSERT_TRUE(worker.connect(rig.clock.now() + kSecond));
  rig.ended = worker.run(rig.plan.windowFrom(Rig::kBegin));
  rig.recorder.finish();
  EXPECT_EQ(rig.recorder.total().counts.scheduled, 0U);
  expectConserved(rig.recorder.total());
}

TEST(Worker, FailsOperationsPastTheirDeadlineSentOrNot) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.opTimeout = 100 * kMillisecond;
  rig.transport.freeze(Rig::kBegin + 4 * kSecond, Rig::kBegin + 5 * kSecond);
  const Interval& total = rig.run();
  // Due in the first 900 ms of the freeze: too late. The later ones are answered within 100 ms.
  EXPECT_NEAR(static_cast<double>(total.counts.failures[index(Failure::timeout)]), 900, 15);
  EXPECT_LE(total.of(Measure::response, OpKind::get).max(), 110 * kMillisecond);
  EXPECT_EQ(total.counts.outstandingAtEnd, 0U);
  expectConserved(total);
}

TEST(Worker, NamesErrorsByTheirPrefixAndKeepsThemOutOfTheLatencies) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.readShare = 0.5;
  rig.transport.answer = [](const Value& request) -> std::string {
    return request.items.at(0).text == "GET" ? "$-1\r\n" : "-OOM command not allowed\r\n";
  };
  const Interval& total = rig.run();
  EXPECT_GT(total.counts.failed[index(OpKind::set)], 4'500U);
  EXPECT_EQ(total.counts.failures[index(Failure::oom)], total.counts.failed[index(OpKind::set)]);
  EXPECT_EQ(total.of(Measure::response, OpKind::set).count(), 0U);
  expectConserved(total);
}

TEST(Worker, ChecksEveryValueAndCountsTheWrongByte) {
  Rig rig;
  rig.plan.rate = 1000;
  const Values values(rig.plan.seed, rig.plan.valueSize);
  std::size_t reads = 0;
  rig.transport.answer = [&](const Value& request) {
    const std::string& key = request.items.at(1).text;
    std::string value(rig.plan.valueSize, '\0');
    values.write(value.data(), std::stoull(key.substr(4)), 0);
    if (++reads % 1000 == 0) value[57] = static_cast<char>(value[57] ^ 1);
    return "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  };
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.checked, 10'000U);
  EXPECT_EQ(total.counts.hits, 10'000U);
  EXPECT_EQ(total.counts.corrupt, 10U);
}

TEST(Worker, WritesItsReadShareOfReadsAndNamesVersionsOnce) {
  Rig rig;
  rig.plan.rate = 10'000;
  rig.plan.readShare = 0.8;
  const Interval& total = rig.run();
  EXPECT_NEAR(static_cast<double>(total.counts.completed[0]), 80'000, 500);
  EXPECT_EQ(sum(total.counts.completed), 100'000U);
}

TEST(Worker, ResponseIsLatenessPlusServiceWhenTheServerIsTooSlow) {
  Rig rig;
  rig.plan.rate = 1500;
  rig.plan.drain = kMillisecond;
  rig.transport.serviceTime = kMillisecond;  // 1000/s
  rig.transport.onRequest = [&](Nanos, ConnId, const Value&) { rig.recorder.poll(); };
  const Interval& total = rig.run();
  const auto p50 = [&](Measure m) {
    return static_cast<double>(total.of(m, OpKind::get).quantile(0.5)) / 1e9;
  };
  EXPECT_EQ(total.counts.scheduled, 15'000U);
  EXPECT_NEAR(static_cast<double>(rig.recorder.completedInWindow()), 10'000, 20);
  // The queue grows by 500 a second, all of it in the schedule; the generator's own part is
  // nothing.
  EXPECT_GT(p50(Measure::lateness), 1.0);
  EXPECT_NEAR(p50(Measure::service), 0.010, 0.001);  // ten connections in turn
  EXPECT_LE(total.of(Measure::dispatch, OpKind::get).max(), 5 * kMicrosecond);
  EXPECT_GT(rig.intervals[8].backlog, rig.intervals[3].backlog + 2'000);
  expectConserved(total);
}

/// Counts the requests by their command.
std::map<std::string, int> commandsOf(WorkerRig& rig) {
  std::map<std::string, int> commands;
  rig.transport.onRequest = [&](Nanos, ConnId, const Value& request) {
    ++commands[request.items.at(0).text];
  };
  rig.run();
  return commands;
}

TEST(Worker, RefillsWhatAReadHasMissedBesideTheRate) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.keys = 50;
  rig.plan.onMiss = OnMiss::refill;
  const auto commands = commandsOf(rig);
  const Interval& total = rig.recorder.total();
  EXPECT_EQ(commands.at("GET"), 10'000);
  EXPECT_EQ(commands.at("SET"), 10'000);  // the simulated server forgets: all reads miss
  EXPECT_EQ(total.counts.misses, 10'000U);
  EXPECT_EQ(total.counts.refills, 10'000U);
  EXPECT_EQ(total.counts.refillsFailed, 0U);
  // Refills are no operations: they are in no rate and in no latency.
  EXPECT_EQ(total.counts.scheduled, 10'000U);
  EXPECT_EQ(sum(total.counts.sent), 10'000U);
  EXPECT_EQ(sum(total.counts.completed), 10'000U);
  EXPECT_EQ(total.of(Measure::response, OpKind::set).count(), 0U);
  EXPECT_EQ(total.counts.batches, 10'000U);
  expectConserved(total);
}

TEST(Worker, RefillsInTheClosedModelAndInBatches) {
  Rig rig;
  rig.plan.arrivals = Arrivals::closed;
  rig.plan.pipeline = 16;
  rig.plan.duration = kSecond;
  rig.plan.onMiss = OnMiss::refill;
  const auto commands = commandsOf(rig);
  const Interval& total = rig.recorder.total();
  EXPECT_EQ(commands.at("SET"), commands.at("GET"));
  EXPECT_EQ(total.counts.refills, total.counts.misses);
  // One server at 10 µs a request, half of them refills.
  EXPECT_NEAR(static_cast<double>(rig.recorder.completedInWindow()), 50'000, 1'000);
  expectConserved(total);
}

TEST(Worker, CountsRefillsThatTheServerRefusesAndNoFailedOperation) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.onMiss = OnMiss::refill;
  rig.transport.answer = [](const Value& request) {
    return request.items.at(0).text == "SET"
               ? std::string("-OOM command not allowed when used memory > 'maxmemory'.\r\n")
               : std::string("$-1\r\n");
  };
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.refills, 0U);
  EXPECT_EQ(total.counts.refillsFailed, 10'000U);
  EXPECT_EQ(sum(total.counts.failed), 0U);
  expectConserved(total);
}

TEST(Worker, DoesNotCountRefillsAsOutstanding) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.drain = kSecond;
  rig.plan.onMiss = OnMiss::refill;
  rig.transport.freeze(Rig::kBegin + 8 * kSecond, Rig::kBegin + 100 * kSecond);
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.outstandingAtEnd, 2'000U);
  expectConserved(total);
}

TEST(Worker, DrawsOtherHotKeysWithAnotherHotSeed) {
  const auto hottest = [](std::optional<std::uint64_t> hotSeed) {
    Rig rig;
    rig.plan.distribution = Distribution::zipfian;
    rig.plan.zipfS = 1.2;
    rig.plan.hotSeed = hotSeed;
    std::map<std::string, int> reads;
    rig.transport.onRequest = [&](Nanos, ConnId, const Value& request) {
      ++reads[request.items.at(1).text];
    };
    rig.run();
    return std::ranges::max_element(reads, {}, [](const auto& each) { return each.second; })->first;
  };
  EXPECT_EQ(hottest(std::nullopt), hottest(1));  // the data set's seed
  EXPECT_NE(hottest(1), hottest(2));
}

}  // namespace
}  // namespace redline::worker_test
