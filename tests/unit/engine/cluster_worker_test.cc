// A worker in a cluster, on a simulated clock, wire and nodes.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/worker.h"
#include "record/recorder.h"
#include "support/sim_cluster.h"
#include "support/sim_transport.h"

namespace redline::cluster_worker_test {
namespace {

struct Rig {
  EnginePlan plan;
  ManualClock clock{kSecond};
  SimTransport transport{clock};
  SimCluster cluster{transport, clock};
  LiveSlotMap view{cluster.truth};
  Recorder recorder{1, [](const Interval&) {}};
  ClusterTally tally;
  Status ended;
  /// Called once for each, when the first request at or after its time is sent.
  std::map<Nanos, std::function<void()>> at;
  std::size_t requests = 0;

  static constexpr Nanos kBegin = 2 * kSecond;

  Rig() {
    plan.keys = 1000;
    plan.warmup = 0;
    plan.duration = 4 * kSecond;
    plan.rate = 2000;
    plan.conns = 4;
    plan.readShare = 1.0;
    transport.onRequest = [this](Nanos now, ConnId, const Value&) {
      ++requests;
      while (!at.empty() && at.begin()->first <= now) {
        const auto act = at.begin()->second;
        at.erase(at.begin());
        act();
      }
    };
  }

  const Interval& run() {
    Shared shared(plan, &view);
    Worker worker(shared, 0, transport, clock, recorder.exchange(0));
    EXPECT_TRUE(worker.connect(clock.now() + kSecond));
    ended = worker.run(plan.windowFrom(kBegin));
    tally = worker.clusterTally();
    recorder.finish();
    expectConserved();
    return recorder.total();
  }

  static std::uint64_t sum(const std::array<std::uint64_t, kOpKinds>& counts) {
    return counts[0] + counts[1];
  }
  std::uint64_t completed() const { return sum(recorder.total().counts.completed); }
  std::uint64_t failed() const { return sum(recorder.total().counts.failed); }
  std::uint64_t failures(Failure why) const { return recorder.total().counts.failures[index(why)]; }

  /// Every operation once, by outcome, by slot and by node.
  void expectConserved() const {
    const Counters& c = recorder.total().counts;
    EXPECT_EQ(c.scheduled, completed() + failed() + c.outstandingAtEnd);
    EXPECT_LE(sum(c.sent), c.scheduled);
    std::uint64_t bySlot = 0, byNode = 0, timed = 0;
    for (const std::uint64_t n : tally.slots) bySlot += n;
    for (const NodeTally& node : tally.nodes)
      byNode += node.completed, timed += node.service.count();
    EXPECT_EQ(bySlot, completed());
    EXPECT_EQ(byNode, completed());
    EXPECT_EQ(timed, completed());
  }

  /// All slots of the first master go to another one.
  void moveFirstThird(std::uint16_t port) {
    const std::uint16_t first = cluster.truth.ownerOf(0);
    for (const SlotRange& range : cluster.truth.rangesOf(first))
      for (std::size_t slot = range.first; slot <= range.last; ++slot)
        cluster.truth.moved(static_cast<std::uint16_t>(slot), "127.0.0.1", port);
  }
};

TEST(ClusterWorker, SendsEveryOperationToTheMasterOfItsKey) {
  Rig rig;
  const Counters& counts = rig.run().counts;
  EXPECT_EQ(rig.completed(), 8000U);
  EXPECT_EQ(counts.moved + counts.ask + counts.retried, 0U);
  ASSERT_EQ(rig.tally.nodes.size(), 3U);
  for (const NodeTally& node : rig.tally.nodes)
    EXPECT_NEAR(static_cast<double>(node.completed), 2667, 250);
}

TEST(ClusterWorker, DrawsTheSameKeysAsOnASingleNode) {
  const auto keysOf = [](bool inCluster) {
    Rig rig;
    std::map<std::string, int> keys;
    rig.transport.onRequest = [&](Nanos, ConnId, const Value& request) {
      ++keys[request.items.at(1).text];
    };
    if (inCluster) {
      rig.run();
      return keys;
    }
    rig.transport.answerOf = nullptr;
    Shared shared(rig.plan);
    Worker worker(shared, 0, rig.transport, rig.clock, rig.recorder.exchange(0));
    EXPECT_TRUE(worker.connect(rig.clock.now() + kSecond));
    const Nanos end = Rig::kBegin + rig.plan.duration;
    EXPECT_TRUE(worker.run({Rig::kBegin, Rig::kBegin, end, end + kSecond, kSecond}));
    rig.recorder.finish();
    return keys;
  };
  EXPECT_EQ(keysOf(true), keysOf(false));
}

TEST(ClusterWorker, FollowsMovedAndLearnsFromIt) {
  Rig rig;
  rig.at[Rig::kBegin + 2 * kSecond] = [&] { rig.moveFirstThird(7003); };
  const Interval& total = rig.run();
  EXPECT_EQ(rig.completed(), 8000U);
  EXPECT_EQ(rig.failed(), 0U);
  // One for each slot that has keys, and a few more that were under way; not one for each
  // operation.
  EXPECT_GT(total.counts.moved, 100U);
  EXPECT_LT(total.counts.moved, 400U);
  EXPECT_EQ(total.counts.retried, total.counts.moved);
  EXPECT_EQ(Rig::sum(total.counts.sent), 8000U);
  // Two trips, and the clock of the first keeps running.
  EXPECT_GE(total.of(Measure::response, OpKind::get).max(), 20 * kMicrosecond);
  EXPECT_LT(total.of(Measure::response, OpKind::get).max(), kMillisecond);
}

// A node that joined the cluster after the map was made.
TEST(ClusterWorker, ConnectsToANodeThatAMovedHasNamedWhenTheMapHasItToo) {
  Rig rig;
  rig.at[Rig::kBegin + 2 * kSecond] = [&] { rig.moveFirstThird(7009); };
  rig.at[Rig::kBegin + 2 * kSecond + 20 * kMillisecond] = [&] {
    EXPECT_EQ(rig.cluster.served[7009], 0U);
    rig.view.publish(rig.cluster.truth);
  };
  rig.run();
  EXPECT_EQ(rig.completed(), 8000U);
  ASSERT_EQ(rig.tally.nodes.size(), 4U);
  EXPECT_EQ(rig.tally.nodes[3].addr, "127.0.0.1:7009");
  EXPECT_NEAR(static_cast<double>(rig.tally.nodes[3].completed), 1333, 200);
}

TEST(ClusterWorker, EndsARunThatIsSentToAnotherMachine) {
  Rig rig;
  rig.at[Rig::kBegin + kSecond] = [&] {
    for (std::uint16_t slot = 0; slot < 4000; ++slot) rig.cluster.truth.moved(slot, "192.0.2.1", 1);
  };
  rig.transport.answerOf = [&, inner = rig.transport.answerOf](const Endpoint& node, ConnId conn,
                                                               const Value& request) {
    if (rig.at.empty() && hashSlot(request.items.at(1).text) < 4000)
      return std::string("-MOVED 5 192.0.2.1:6379\r\n");
    return inner(node, conn, request);
  };
  rig.run();
  ASSERT_FALSE(rig.ended);
  EXPECT_EQ(rig.ended.error().code, ErrorCode::unsafe);
  EXPECT_NE(rig.ended.error().message.find("192.0.2.1:6379"), std::string::npos);
}

TEST(ClusterWorker, AsksTheImportingNodeWithoutForgettingTheOwner) {
  Rig rig;
  rig.at[Rig::kBegin + kSecond] = [&] {
    for (std::uint16_t slot = 0; slot < 1000; ++slot) rig.cluster.migrating[slot] = 7003;
  };
  rig.at[Rig::kBegin + 2 * kSecond] = [&] { rig.cluster.migrating.clear(); };
  const Counters& counts = rig.run().counts;
  EXPECT_EQ(rig.completed(), 8000U);
  EXPECT_NEAR(static_cast<double>(counts.ask), 2000.0 * 1000 / kSlots, 60);
  EXPECT_EQ(counts.moved, 0U);
  EXPECT_EQ(rig.cluster.asked[7003], counts.ask);
  EXPECT_EQ(counts.retried, counts.ask);
  // ASKINGs are no operations.
  EXPECT_EQ(rig.requests, 8000U + 2 * counts.ask);
}

TEST(ClusterWorker, TriesAgainUntilItIsServed) {
  Rig rig;
  rig.plan.rate = 500;
  rig.at[Rig::kBegin + kSecond] = [&] {
    rig.cluster.tryAgainUntil = rig.clock.now() + 300 * kMillisecond;
  };
  const Interval& total = rig.run();
  EXPECT_EQ(rig.completed(), 2000U);
  EXPECT_GE(total.counts.tryagain, 150U);
  EXPECT_LT(total.counts.tryagain, 150U * 9);  // waits of 2, 4, 8, … ms
  EXPECT_GE(total.of(Measure::response, OpKind::get).max(), 300 * kMillisecond);
  EXPECT_LT(total.of(Measure::response, OpKind::get).max(), 440 * kMillisecond);
}

TEST(ClusterWorker, WaitsForAClusterThatIsDownAndAsksForANewMap) {
  Rig rig;
  rig.plan.rate = 500;
  rig.at[Rig::kBegin + kSecond] = [&] { rig.cluster.downUntil = rig.clock.now() + kSecond; };
  const Counters& counts = rig.run().counts;
  EXPECT_EQ(rig.completed(), 2000U);
  EXPECT_GT(counts.clusterdown, 500U);
  EXPECT_EQ(rig.failed(), 0U);
  rig.view.awaitRequest();  // returns: a refresh was asked for
}

TEST(ClusterWorker, FailsWhatIsNotServedBeforeItsDeadline) {
  Rig rig;
  rig.plan.rate = 500;
  rig.plan.opTimeout = 200 * kMillisecond;
  rig.at[Rig::kBegin + kSecond] = [&] { rig.cluster.downUntil = rig.clock.now() + kSecond; };
  rig.run();
  const std::uint64_t failed = rig.failures(Failure::clusterDown) + rig.failures(Failure::timeout);
  EXPECT_EQ(failed, rig.failed());
  EXPECT_NEAR(static_cast<double>(failed), 0.8 * 500, 60);
  EXPECT_EQ(rig.completed() + failed, 2000U);
}

TEST(ClusterWorker, CirclesOfRedirectsEnd) {
  Rig rig;
  rig.transport.answerOf = [](const Endpoint& node, ConnId, const Value& request) {
    const std::string slot = std::to_string(hashSlot(request.items.at(1).text));
    return "-MOVED " + slot + (node.port == 7001 ? " :7002\r\n" : " :7001\r\n");
  };
  rig.plan.rate = 100;
  const Counters& counts = rig.run().counts;
  EXPECT_EQ(rig.failures(Failure::redirects), 400U);
  EXPECT_EQ(counts.moved, 400U * (kMaxRedirects + 1));
}

/// Half reads, half writes, on nodes that take 5 ms for each; the first dies after a second, and
/// its slots have a new owner half a second later.
void killTheFirst(Rig& rig) {
  rig.plan.rate = 560;  // of the 600 that they can serve: some are always under way
  rig.plan.readShare = 0.5;
  rig.transport.serviceTime = 5 * kMillisecond;
  rig.transport.killAt(7001, Rig::kBegin + kSecond);
  rig.at[Rig::kBegin + kSecond + kSecond / 2] = [&] {
    rig.moveFirstThird(7009);
    rig.view.publish(rig.cluster.truth);
  };
}

TEST(ClusterWorker, SurvivesALostNode) {
  Rig rig;
  killTheFirst(rig);
  const Interval& total = rig.run();
  // Only writes that were under way have no known fate; all else was asked again, or waited.
  EXPECT_GE(rig.failures(Failure::unknownFate), 1U);
  EXPECT_LE(rig.failures(Failure::unknownFate), 4U);
  EXPECT_EQ(rig.failed(), rig.failures(Failure::unknownFate));
  EXPECT_EQ(rig.completed() + rig.failed(), 2240U);
  EXPECT_GT(rig.cluster.served[7009], 200U);
  // The first that waited for the new map waited half a second, and the queue it was in some more.
  EXPECT_GE(total.of(Measure::response, OpKind::get).max(), 490 * kMillisecond);
  EXPECT_EQ(total.counts.moved, 0U);
}

TEST(ClusterWorker, EndsWithANodeLostWhenToldTo) {
  Rig rig;
  killTheFirst(rig);
  rig.plan.onDisconnect = OnDisconnect::stop;
  rig.run();
  ASSERT_FALSE(rig.ended);
  EXPECT_NE(rig.ended.error().message.find("127.0.0.1:7001"), std::string::npos);
}

TEST(ClusterWorker, CountsWhatWaitsForANodeThatNeverComesBack) {
  Rig rig;
  rig.transport.killAt(7001, Rig::kBegin + 3 * kSecond);
  const Counters& counts = rig.run().counts;
  EXPECT_NEAR(static_cast<double>(counts.outstandingAtEnd), 2000.0 / 3, 100);
}

TEST(ClusterWorker, DrawsNoMoreWhileALaneIsFull) {
  Rig rig;
  rig.plan.maxBacklog = 100;
  rig.transport.freeze(7001, Rig::kBegin + kSecond, Rig::kBegin + 2 * kSecond);
  Nanos longestGap = 0, before = Rig::kBegin;
  rig.transport.onRequest = [&](Nanos now, ConnId, const Value&) {
    longestGap = std::max(longestGap, now - before);
    before = now;
  };
  const Interval& total = rig.run();
  EXPECT_EQ(rig.completed(), 8000U);
  // 104 of the first node's operations (4 on the wire, 100 waiting) come about 156 ms into the
  // freeze; from then on nobody gets any.
  EXPECT_NEAR(static_cast<double>(total.counts.blocked) / 1e6, 1000 - 156, 60);
  EXPECT_GT(longestGap, 780 * kMillisecond);
  // That is not the generator's fault.
  EXPECT_LT(total.of(Measure::dispatch, OpKind::get).quantile(0.99), kMillisecond);
  EXPECT_GE(total.of(Measure::lateness, OpKind::get).max(), 800 * kMillisecond);
}

TEST(ClusterWorker, OtherNodesGoOnWhileOneIsFrozen) {
  Rig rig;
  rig.transport.freeze(7001, Rig::kBegin + kSecond, Rig::kBegin + 2 * kSecond);
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.blocked, 0);
  for (const NodeTally& node : rig.tally.nodes) {
    const bool frozen = node.addr == "127.0.0.1:7001";
    EXPECT_EQ(node.service.max() > kSecond / 2, frozen) << node.addr;
  }
  EXPECT_EQ(rig.completed(), 8000U);
}

TEST(ClusterWorker, ClosedModelKeepsAllNodesBusyWithFullBatches) {
  Rig rig;
  rig.plan.arrivals = Arrivals::closed;
  rig.plan.pipeline = 16;
  rig.plan.duration = kSecond / 2;
  const Interval& total = rig.run();
  // Three servers at 10 µs each: 300 000 a second, and a little less since their shares differ.
  const auto rate = static_cast<double>(rig.recorder.completedInWindow()) * 2;
  EXPECT_GT(rate, 250'000);
  EXPECT_LE(rate, 301'000);
  const double mean =
      static_cast<double>(rig.completed()) / static_cast<double>(total.counts.batches);
  EXPECT_GT(mean, 15.9);
  EXPECT_EQ(total.of(Measure::lateness, OpKind::get).max(), 0);
}

TEST(ClusterWorker, KeepsATransactionToOneSlot) {
  Rig rig;
  rig.plan.keys = 10'000'000;
  rig.plan.transactions = true;
  rig.plan.pipeline = 8;
  rig.plan.batchWait = kSecond;
  rig.run();
  EXPECT_EQ(rig.completed(), 8000U);
  EXPECT_EQ(rig.cluster.transactions.size(), 1000U);
  std::set<std::uint16_t> all;
  for (const auto& slots : rig.cluster.transactions) {
    EXPECT_EQ(slots.size(), 1U);
    all.insert(slots.begin(), slots.end());
  }
  EXPECT_GT(all.size(), 900U);
}

TEST(ClusterWorker, SendsAWholeTransactionOn) {
  Rig rig;
  rig.plan.transactions = true;
  rig.plan.pipeline = 4;
  rig.plan.batchWait = 4 * kMillisecond;
  rig.plan.readShare = 0.5;
  rig.at[Rig::kBegin + kSecond] = [&] {
    for (std::uint16_t slot = 0; slot < 5000; ++slot) rig.cluster.migrating[slot] = 7003;
  };
  rig.at[Rig::kBegin + 2 * kSecond] = [&] {
    rig.cluster.migrating.clear();
    for (std::uint16_t slot = 0; slot < 5000; ++slot)
      rig.cluster.truth.moved(slot, "127.0.0.1", 7003);
  };
  const Counters& counts = rig.run().counts;
  EXPECT_EQ(rig.completed(), 8000U);
  EXPECT_EQ(rig.failed(), 0U);
  EXPECT_GT(counts.ask, 400U);
  EXPECT_GT(counts.moved, 100U);
  // Four QUEUED refused, four operations sent again.
  EXPECT_EQ(counts.retried, counts.moved + counts.ask);
  EXPECT_EQ(rig.cluster.asked[7003], counts.ask);
  for (const auto& slots : rig.cluster.transactions) EXPECT_EQ(slots.size(), 1U);
}

}  // namespace
}  // namespace redline::cluster_worker_test
