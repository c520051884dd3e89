// The loader's worker among three simulated masters.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "cluster/redirect.h"
#include "engine/load_worker.h"
#include "support/sim_cluster.h"
#include "support/sim_transport.h"
#include "workload/keyspace.h"

namespace redline::cluster_load_worker_test {
namespace {

constexpr const char* kHost = "127.0.0.1";

std::string keyOf(std::uint64_t id) {
  char key[kMaxKeyLength];
  return {key, writeKey(key, id)};
}

/// One worker on a simulated clock and wire, and how often each node was asked to store a key.
struct Rig {
  LoadPlan plan;
  ManualClock clock{kSecond};
  SimTransport transport{clock};
  SimCluster cluster{transport, clock};
  LiveSlotMap live{cluster.truth};
  std::map<std::string, unsigned> stored;
  std::uint64_t msets = 0;
  LoadCounters counters;
  std::uint64_t done = 0, lowest = 0;
  ClusterTally tally;

  Rig() {
    plan.seeds = {{kHost, SimCluster::kPorts[0], {}}};
    plan.keys = 3000;
    plan.batch = 16;
    plan.conns = 2;
    plan.ttlFraction = 0.3;
    plan.ttlEpochMillis = 1'000'000'000'000;
    transport.serviceTime = 10 * kMicrosecond;
    auto answer = transport.answerOf;
    transport.answerOf = [this, answer](const Endpoint& node, ConnId id, const Value& request) {
      const std::string reply = answer(node, id, request);
      const bool set = request.items.at(0).text == "SET";
      if (set && reply == "+OK\r\n") ++stored[request.items.at(1).text];
      msets += request.items.at(0).text == "MSET" ? 1U : 0U;
      return reply;
    };
  }

  Status run() {
    LoadShared shared(plan, &live);
    LoadWorker worker(shared, 0, transport, clock);
    Status ended = worker.run();
    counters = worker.counters();
    tally = worker.clusterTally();
    done = shared.done;
    lowest = worker.lowestUnfinished();
    return ended;
  }

  /// Every key is stored, once unless a reply was lost, and all of it is in the books.
  void expectWhole(bool once = true) {
    ASSERT_EQ(stored.size(), plan.keys - plan.from);
    for (std::uint64_t id = plan.from; id < plan.keys; ++id) {
      ASSERT_TRUE(stored.contains(keyOf(id))) << id;
      ASSERT_TRUE(!once || stored[keyOf(id)] == 1) << id;
    }
    EXPECT_EQ(done, plan.keys - plan.from);
    EXPECT_EQ(lowest, plan.keys);
    EXPECT_EQ(counters.keysSent - counters.resentKeys, plan.keys - plan.from);
    std::uint64_t bySlot = 0, byNode = 0;
    for (const std::uint64_t keys : tally.slots) bySlot += keys;
    for (const NodeTally& node : tally.nodes) byNode += node.completed;
    EXPECT_EQ(bySlot, done);
    EXPECT_EQ(byNode, done);
  }
};

TEST(ClusterLoadWorker, StoresEachKeyAtTheNodeOfItsSlot) {
  Rig rig;
  ASSERT_TRUE(rig.run());
  rig.expectWhole();
  EXPECT_EQ(rig.msets, 0U);
  EXPECT_EQ(rig.counters.moved, 0U);
  for (const std::uint16_t port : SimCluster::kPorts) EXPECT_GT(rig.cluster.served[port], 800U);
  for (const NodeTally& node : rig.tally.nodes) {
    const Endpoint endpoint = *parseEndpoint(node.addr);
    EXPECT_EQ(node.completed, rig.cluster.served[endpoint.port]);
  }
}

TEST(ClusterLoadWorker, SendsFullParcelsThoughBlocksAreDealtOutOverNodes) {
  Rig rig;
  rig.plan.keys = 30'000;
  rig.plan.batch = 64;
  ASSERT_TRUE(rig.run());
  rig.expectWhole();
  EXPECT_GT(static_cast<double>(rig.counters.keysSent) / static_cast<double>(rig.counters.batches),
            50.0);
}

TEST(ClusterLoadWorker, FollowsMovedAndLearnsIt) {
  Rig rig;
  for (std::uint16_t slot = 0; slot < 1000; ++slot) rig.cluster.truth.moved(slot, kHost, 7003);
  ASSERT_TRUE(rig.run());
  rig.expectWhole();
  EXPECT_GT(rig.counters.moved, 0U);
  EXPECT_EQ(rig.counters.resentKeys, rig.counters.moved);
  EXPECT_LT(rig.counters.moved, 1000U);  // once for each slot, and what was on the way to it
}

TEST(ClusterLoadWorker, FollowsAskWithAskingForThatKeyAlone) {
  Rig rig;
  for (std::uint16_t slot = 0; slot < 3000; ++slot) rig.cluster.migrating[slot] = 7002;
  ASSERT_TRUE(rig.run());
  rig.expectWhole();
  EXPECT_GT(rig.counters.ask, 100U);
  EXPECT_EQ(rig.cluster.asked[7002], rig.counters.ask);
  EXPECT_EQ(rig.counters.moved, 0U);
}

TEST(ClusterLoadWorker, WaitsWhileTheClusterIsDown) {
  Rig rig;
  rig.cluster.downUntil = kSecond + 3 * kSecond;
  ASSERT_TRUE(rig.run());
  rig.expectWhole();
  EXPECT_GT(rig.counters.clusterdown, 0U);
  EXPECT_GE(rig.clock.now(), 4 * kSecond);
}

TEST(ClusterLoadWorker, TriesAgainWhereItIsTold) {
  Rig rig;
  rig.cluster.tryAgainUntil = kSecond + 50 * kMillisecond;
  ASSERT_TRUE(rig.run());
  rig.expectWhole();
  EXPECT_GT(rig.counters.tryagain, 0U);
}

TEST(ClusterLoadWorker, GivesUpAClusterThatStaysDownAndSaysWhereToGoOn) {
  Rig rig;
  rig.cluster.downUntil = 3600 * kSecond;
  const Status ended = rig.run();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::unreachable);
  EXPECT_NE(ended.error().message.find("CLUSTERDOWN"), std::string::npos);
  EXPECT_EQ(rig.lowest, 0U);
  EXPECT_EQ(rig.done, 0U);
  EXPECT_LT(rig.clock.now(), kSecond + kRetrySpan + 5 * kSecond);
}

TEST(ClusterLoadWorker, SendsAgainWhatLostConnectionsTookAlong) {
  Rig rig;
  rig.transport.cutAllAt(kSecond + 4 * kMillisecond);
  ASSERT_TRUE(rig.run());
  rig.expectWhole(false);
  EXPECT_GT(rig.counters.reconnects, 0U);
  EXPECT_GT(rig.counters.resentKeys, 0U);
}

TEST(ClusterLoadWorker, GoesOnWithTheReplicaThatTookOver) {
  Rig rig;
  const Nanos dies = kSecond + 4 * kMillisecond;
  rig.transport.killAt(7002, dies);
  // The election comes two seconds later; then the map that the worker asked for.
  rig.transport.onRequest = [&](Nanos at, ConnId, const Value&) {
    if (at < dies || rig.cluster.truth.find(kHost, 7004) != SlotMap::kNoNode) return;
    for (std::uint16_t slot = 0; slot < kSlots; ++slot)
      if (rig.cluster.truth.nodes()[rig.cluster.truth.ownerOf(slot)].address.port == 7002)
        rig.cluster.truth.moved(slot, kHost, 7004);
    rig.live.publish(rig.cluster.truth);
  };
  rig.plan.keys = 10'000;
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.done, rig.plan.keys);
  EXPECT_EQ(rig.stored.size(), rig.plan.keys);
  EXPECT_GT(rig.cluster.served[7004], 0U);
}

TEST(ClusterLoadWorker, GivesUpANodeThatNobodyReplaces) {
  Rig rig;
  rig.transport.killAt(7002, kSecond + 4 * kMillisecond);
  rig.plan.keys = 100'000;
  const Status ended = rig.run();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::unreachable);
  EXPECT_NE(ended.error().message.find("7002"), std::string::npos);
  EXPECT_LT(rig.done, rig.plan.keys);
  for (std::uint64_t id = 0; id < rig.lowest; ++id) ASSERT_TRUE(rig.stored.contains(keyOf(id)));
}

TEST(ClusterLoadWorker, LeavesAFrozenNodeWhenItsSlotsHaveANewOwner) {
  Rig rig;
  rig.plan.keys = 10'000;
  rig.transport.freeze(7002, kSecond + 2 * kMillisecond, 3600 * kSecond);
  SlotMap after = rig.cluster.truth;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    if (after.nodes()[after.ownerOf(slot)].address.port == 7002) after.moved(slot, kHost, 7004);
  std::uint64_t requests = 0;
  rig.transport.onRequest = [&](Nanos, ConnId, const Value&) {
    if (++requests == 250) {
      rig.cluster.truth = after;
      rig.live.publish(after);
    }
  };
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.done, rig.plan.keys);
  EXPECT_LT(rig.clock.now(), 10 * kSecond);
}

TEST(ClusterLoadWorker, RefusesANodeOnAnotherMachine) {
  Rig rig;
  rig.cluster.truth.moved(100, "192.0.2.1", 7009);
  rig.live.publish(rig.cluster.truth);
  const Status ended = rig.run();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::unsafe);
  EXPECT_EQ(rig.done, 0U);
}

TEST(ClusterLoadWorker, StopsOnRequestAndWaitsForWhatIsOnTheWay) {
  Rig rig;
  rig.plan.keys = 1'000'000;
  LoadShared shared(rig.plan, &rig.live);
  LoadWorker worker(shared, 0, rig.transport, rig.clock);
  rig.transport.onRequest = [&](Nanos, ConnId, const Value&) {
    if (rig.stored.size() == 500) shared.stop = true;
  };
  ASSERT_TRUE(worker.run());
  EXPECT_EQ(rig.stored.size(), shared.done.load());
  EXPECT_LT(worker.lowestUnfinished(), shared.blocks.frontier());  // dealt out and not sent
  for (std::uint64_t id = 0; id < worker.lowestUnfinished(); ++id)
    ASSERT_TRUE(rig.stored.contains(keyOf(id))) << id;
}

}  // namespace
}  // namespace redline::cluster_load_worker_test
