// -wait-replicas: writes complete at WAIT's reply, on a simulated clock, wire and server.
#include <gtest/gtest.h>

#include <string>

#include "engine/judge.h"
#include "support/worker_rig.h"

namespace redline::wait_test {
namespace {

std::uint64_t failures(const Interval& total, Failure which) {
  return total.counts.failures[index(which)];
}
std::uint64_t sum(const std::array<std::uint64_t, kOpKinds>& counts) {
  return counts[0] + counts[1];
}

/// A master that tells of `replicas` when it is asked to WAIT.
struct WaitRig : WorkerRig {
  std::string replicas = ":1\r\n";
  std::uint64_t waits = 0, writes = 0;
  std::size_t queued = 0;  // in a transaction
  bool multi = false;

  WaitRig() {
    plan.waitReplicas = 1;
    plan.waitTimeout = 250 * kMillisecond;
    plan.readShare = 0;
    plan.conns = 1;
    plan.duration = kSecond;
    plan.arrivals = Arrivals::closed;
    transport.serviceTime = kMillisecond;
    transport.answer = [this](const Value& request) { return answer(request); };
  }

  std::string answer(const Value& request) {
    const std::string& name = request.items.at(0).text;
    if (name == "WAIT") {
      EXPECT_FALSE(multi) << "it returns at once inside of a transaction";
      EXPECT_EQ(request.items.at(1).text, "1");
      EXPECT_EQ(request.items.at(2).text, "250");
      ++waits;
      return replicas;
    }
    if (name == "MULTI") {
      multi = true;
      queued = 0;
      return "+OK\r\n";
    }
    if (name == "EXEC") {
      multi = false;
      std::string all = "*" + std::to_string(queued) + "\r\n";
      for (; queued != 0; --queued) all += "+OK\r\n";
      return all;
    }
    writes += name == "SET" ? 1U : 0U;
    if (multi) {
      ++queued;
      return "+QUEUED\r\n";
    }
    return name == "SET" ? "+OK\r\n" : "$-1\r\n";
  }

  const Interval& runConserved() {
    const Interval& total = run();
    const Counters& c = total.counts;
    EXPECT_EQ(c.scheduled, sum(c.completed) + sum(c.failed) + c.outstandingAtEnd);
    return total;
  }
};

TEST(WaitForReplicas, AllWritesOfABatchCompleteAtTheOneWaitBehindIt) {
  WaitRig rig;
  rig.plan.pipeline = 4;
  const Interval& total = rig.runConserved();
  const Histogram& service = total.of(Measure::service, OpKind::set);
  EXPECT_EQ(service.count(), 800U);  // 4 SET and a WAIT take 5 ms
  EXPECT_NEAR(static_cast<double>(service.min()), 5e6, 1e5);
  EXPECT_NEAR(static_cast<double>(service.max()), 5e6, 1e5);
  EXPECT_EQ(rig.waits * 4, rig.writes);
}

TEST(WaitForReplicas, ReadsCompleteAtTheirOwnRepliesAndBatchesOfThemDoNotWait) {
  WaitRig rig;
  rig.plan.readShare = 1;
  rig.plan.pipeline = 4;
  rig.runConserved();
  EXPECT_EQ(rig.waits, 0U);

  WaitRig mixed;
  mixed.plan.readShare = 0.5;
  mixed.plan.pipeline = 8;
  const Interval& total = mixed.runConserved();
  // The first of a batch is answered after 1 ms, its WAIT after 9.
  EXPECT_NEAR(static_cast<double>(total.of(Measure::service, OpKind::get).min()), 1e6, 1e5);
  EXPECT_NEAR(static_cast<double>(total.of(Measure::service, OpKind::set).min()), 9e6, 1e5);
  EXPECT_GT(total.counts.completed[index(OpKind::set)], 300U);
}

TEST(WaitForReplicas, BehindATransactionItWaitsForExec) {
  WaitRig rig;
  rig.plan.pipeline = 3;
  rig.plan.transactions = true;
  const Interval& total = rig.runConserved();
  EXPECT_GT(rig.waits, 100U);
  EXPECT_EQ(rig.waits * 3, rig.writes);
  EXPECT_EQ(total.counts.completed[index(OpKind::set)], rig.writes);
  // MULTI, three SET, EXEC, WAIT.
  EXPECT_NEAR(static_cast<double>(total.of(Measure::service, OpKind::set).min()), 6e6, 1e5);
}

TEST(WaitForReplicas, TooFewMakeTheWritesFailAndAnErrorLeavesTheirFateOpen) {
  for (const bool error : {false, true}) {
    WaitRig rig;
    rig.replicas = error ? "-UNBLOCKED instance state changed\r\n" : ":0\r\n";
    const Interval& total = rig.runConserved();
    EXPECT_EQ(sum(total.counts.completed), 0U);
    EXPECT_EQ(failures(total, error ? Failure::unknownFate : Failure::underReplicated),
              total.counts.scheduled);
  }
}

TEST(WaitForReplicas, AWriteWhoseConnectionIsLostBeforeWaitAnswersHasAnUnknownFate) {
  WaitRig rig;
  rig.plan.pipeline = 4;
  // In the middle of a batch: some writes have had their replies, none has WAIT's.
  rig.transport.cutAllAt(WorkerRig::kBegin + 502 * kMillisecond + 500 * kMicrosecond);
  const Interval& total = rig.runConserved();
  EXPECT_EQ(failures(total, Failure::unknownFate), 4U);
  EXPECT_EQ(sum(total.counts.failed), 4U);
}

TEST(WaitForReplicas, ADeadlineThatPassesDuringTheWaitCountsOnce) {
  WaitRig rig;
  rig.plan.arrivals = Arrivals::constant;
  rig.plan.rate = 100;
  rig.plan.conns = 4;
  rig.plan.opTimeout = 20 * kMillisecond;
  rig.transport.freeze(WorkerRig::kBegin + 101 * kMillisecond + 500 * kMicrosecond,
                       WorkerRig::kBegin + 301 * kMillisecond);
  const Interval& total = rig.runConserved();
  EXPECT_GT(failures(total, Failure::timeout), 10U);
  EXPECT_EQ(failures(total, Failure::timeout), sum(total.counts.failed));
}

TEST(WaitForReplicas, RepliesAreJudgedByTheirNumber) {
  const auto judged = [](std::string_view payload, ReplyType type, unsigned replicas) {
    ReplyView reply;
    reply.payload = payload;
    reply.type = type;
    return judgeWait(reply, replicas);
  };
  EXPECT_FALSE(judged("2", ReplyType::integer, 2));
  EXPECT_FALSE(judged("3", ReplyType::integer, 2));
  EXPECT_EQ(judged("1", ReplyType::integer, 2), Failure::underReplicated);
  EXPECT_EQ(judged("OK", ReplyType::simple, 2), Failure::protocol);
}

}  // namespace
}  // namespace redline::wait_test
