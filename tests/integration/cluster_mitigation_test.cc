// Mitigations and the ledger on real clusters: what they claim stays so while slots move and nodes
// come and go.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "cluster/hash_slot.h"
#include "support/mitigation_lab.h"

namespace redline {
namespace {

using test::Count;
using test::countOf;
using test::MitigationLab;
using test::startCluster;

/// "500ms:reshard …" that moves the hottest key's slot and a few around it to another master: few,
/// so that they have moved before the run ends even where the machine has other work.
std::string reshardOfTheHotSlot(const MitigationLab& lab, Nanos at) {
  const SlotMap map = lab.map();
  const std::uint16_t hot = hashSlot("obj:" + std::to_string(lab.hottest(0)));
  const std::uint16_t owner = map.ownerOf(hot);
  SlotRange range{};
  for (const SlotRange& owned : map.rangesOf(owner))
    if (owned.contains(hot)) range = owned;
  range.first = static_cast<std::uint16_t>(std::max<int>(range.first, hot - 5));
  range.last = static_cast<std::uint16_t>(std::min<int>(range.last, range.first + 9));
  for (std::uint16_t node = 0; node < map.nodes().size(); ++node)
    if (node != owner && !map.rangesOf(node).empty())
      return fmt::format("{}ms:reshard -slots={}-{} -target={}", at / kMillisecond, range.first,
                         range.last, map.nodes()[node].address.text());
  return {};
}

TEST(ClusterMitigation, NothingIsLostOrStaleWhenSlotsMoveUnderTheLedger) {
  MitigationLab lab(startCluster());
  ASSERT_TRUE(lab.redis);
  lab.fill();
  lab.plan.engine.readShare = 0.5;
  lab.chaos(reshardOfTheHotSlot(lab, 500 * kMillisecond));
  const Summary s = lab.run();
  EXPECT_EQ(s.rate.completed, 10'000U);
  EXPECT_GT(s.cluster.moved, 0U);
  EXPECT_GT(countOf(s, Count::ledgerReads), 3000U);
  EXPECT_GT(countOf(s, Count::ledgerWrites), 3000U);
  EXPECT_EQ(s.verify.corrupt + s.verify.stale + s.verify.lostAcknowledged, 0U);
  EXPECT_EQ(countOf(s, Count::impossible) + countOf(s, Count::unjudged), 0U);
  EXPECT_EQ(s.mitigation.missingKeys, 0U) << "read back where their slots are now";
}

TEST(ClusterMitigation, AWriteThatWaitsForAReplicaIsNotCompleteWhileThatOneIsPaused) {
  MitigationLab lab(startCluster());
  ASSERT_TRUE(lab.redis);
  lab.fill();
  lab.plan.engine.rate = 2000;
  lab.plan.engine.readShare = 0.5;
  lab.plan.engine.pipeline = 4;
  lab.plan.engine.batchWait = 2 * kMillisecond;
  lab.plan.engine.waitReplicas = 1;
  lab.plan.engine.waitTimeout = 50 * kMillisecond;
  // Nodes 3, 4 and 5 are the replicas.
  lab.chaos(
      fmt::format("500ms:pause-node -target={} -for=600ms", lab.redis->node(3).endpoint().text()));
  const Summary s = lab.run();
  ASSERT_EQ(s.rate.errors.count("under_replicated"), 1U);
  const std::uint64_t under = s.rate.errors.at("under_replicated");
  EXPECT_EQ(s.rate.failed, under);
  EXPECT_GT(s.rate.completed, 1000U);
  // Not complete, and not lost either: the masters had them all.
  EXPECT_EQ(s.verify.corrupt + s.verify.stale + s.verify.lostAcknowledged, 0U);
  EXPECT_GT(countOf(s, Count::ledgerWrites), 100U);
  EXPECT_GE(s.latency.at("failed").at("all").max, 50e3);

  lab.plan.engine.waitReplicas = 2;
  lab.plan.out = lab.home.path() / "another";
  RunWatcher watcher;
  watcher.onNote = [](const std::string&) {};
  const auto refused = runDriver(lab.plan, watcher);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("has 1 replica connected"));
}

const ClusterNodeFigures& busiest(const Summary& s) {
  return *std::ranges::max_element(s.cluster.nodes, {}, &ClusterNodeFigures::ops);
}
double shareOf(const ClusterNodeFigures& node, const Summary& s) {
  return static_cast<double>(node.ops) / static_cast<double>(s.rate.completed);
}
std::uint64_t opsOf(const Summary& s, std::string_view role) {
  std::uint64_t sum = 0;
  for (const ClusterNodeFigures& node : s.cluster.nodes) sum += node.role == role ? node.ops : 0;
  return sum;
}

TEST(ClusterMitigation, ReplicasAnswerReadsAsThePolicySays) {
  MitigationLab lab(startCluster());
  ASSERT_TRUE(lab.redis);
  lab.fill();
  lab.plan.engine.mitigation.kind = MitigationKind::replicaRead;
  lab.plan.engine.duration = kSecond;
  for (const ReplicaPolicy policy :
       {ReplicaPolicy::replicaPreferred, ReplicaPolicy::random, ReplicaPolicy::nearest}) {
    lab.plan.engine.mitigation.replicaPolicy = policy;
    lab.plan.out = lab.home.path() / fmt::format("run{}", static_cast<int>(policy));
    const Summary s = lab.runWithAllReplicas();
    EXPECT_EQ(s.rate.completed, 5000U);
    const std::uint64_t away = countOf(s, Count::replicaReads);
    const std::uint64_t reads = away + countOf(s, Count::masterReads);
    EXPECT_EQ(reads, s.cache.hits);
    EXPECT_EQ(opsOf(s, "replica"), away) << "none was redirected";
    EXPECT_EQ(opsOf(s, "master") + away, 5000U);
    EXPECT_EQ(s.servers.size(), 6U);
    ASSERT_EQ(s.mitigation.replicas.size(), 3U);
    for (const ReplicationLagFigures& lag : s.mitigation.replicas) EXPECT_GT(lag.samples, 2U);
    EXPECT_EQ(s.verify.corrupt + s.verify.lostAcknowledged, 0U);
    EXPECT_EQ(countOf(s, Count::impossible), 0U);
    EXPECT_EQ(s.mitigation.staleness.count, s.verify.stale);
    EXPECT_GT(away, 0U);
    if (policy == ReplicaPolicy::replicaPreferred) {
      EXPECT_EQ(away, reads);
    }
    if (policy == ReplicaPolicy::random) {
      EXPECT_NEAR(static_cast<double>(away), static_cast<double>(reads) / 2, 300);
    }
  }
}

TEST(ClusterMitigation, APausedReplicaIsPassedOverAndWhatItThenSaysIsStaleByAnAge) {
  MitigationLab lab(startCluster());
  ASSERT_TRUE(lab.redis);
  // Large values: when it continues, the replica answers the reads that have waited for it before
  // it has caught up with its master.
  lab.plan.engine.valueSize = 4096;
  lab.plan.engine.keys = 500;
  lab.plan.engine.readShare = 0.5;
  lab.plan.engine.conns = 64;
  lab.fill();
  lab.plan.engine.mitigation.kind = MitigationKind::replicaRead;
  const SlotMap map = lab.map();
  const std::uint16_t master = map.ownerOf(hashSlot("obj:" + std::to_string(lab.hottest(0))));
  const std::string replica = map.nodes()[map.replicasOf(master).front()].address.text();
  lab.chaos(fmt::format("500ms:pause-node -target={} -for=700ms", replica));
  const Summary s = lab.run();
  EXPECT_EQ(s.rate.completed, 10'000U);
  EXPECT_GT(countOf(s, Count::fallbackReads), 100U);
  // Reads that were under way had to wait, and those behind them did not.
  EXPECT_GE(s.latency.at("response").at("get").max, 600e3);
  EXPECT_LE(s.latency.at("response").at("get").p90, s.latency.at("response").at("get").max / 2);
  EXPECT_GT(s.verify.stale, 0U);
  EXPECT_EQ(s.mitigation.staleness.count, s.verify.stale);
  EXPECT_GT(s.mitigation.staleness.max, 1e3);
  EXPECT_EQ(s.verify.corrupt + s.verify.lostAcknowledged, 0U);
  EXPECT_EQ(countOf(s, Count::impossible), 0U);
  const auto lag = std::ranges::find(s.mitigation.replicas, replica, &ReplicationLagFigures::addr);
  ASSERT_NE(lag, s.mitigation.replicas.end());
  EXPECT_GT(lag->samples, 2U);
}

TEST(ClusterMitigation, LocalCachesStayTrueWhileSlotsMove) {
  MitigationLab lab(startCluster());
  ASSERT_TRUE(lab.redis);
  lab.fill();
  lab.plan.engine.mitigation.kind = MitigationKind::localCache;
  for (const Tracking tracking : {Tracking::keysRead, Tracking::prefix}) {
    lab.plan.engine.mitigation.tracking = tracking;
    lab.plan.out = lab.home.path() / (tracking == Tracking::prefix ? "bcast" : "default");
    lab.chaos(reshardOfTheHotSlot(lab, 300 * kMillisecond));
    const Summary s = lab.run();
    EXPECT_EQ(s.rate.completed, 10'000U);
    EXPECT_GT(s.cache.localHits, 3000U);
    EXPECT_EQ(s.cache.localHits + s.cache.hits, s.latency.at("response").at("get").count);
    EXPECT_EQ(opsOf(s, "master") + s.cache.localHits, 10'000U);
    EXPECT_GT(s.cluster.moved, 0U);
    EXPECT_GT(countOf(s, Count::invalidationsReceived), 0U);
    EXPECT_EQ(s.verify.corrupt + s.verify.lostAcknowledged, 0U);
    EXPECT_EQ(countOf(s, Count::impossible), 0U);
    // An entry that no invalidation reached would have been served until the end.
    EXPECT_LT(s.mitigation.staleness.max, 800e3);
    EXPECT_EQ(s.mitigation.trackingTables.size(), 6U);
  }
}

TEST(ClusterMitigation, SplitKeysSpreadTheHotMastersLoadAndTagsDoNot) {
  MitigationLab lab(startCluster());
  ASSERT_TRUE(lab.redis);
  lab.fill();
  lab.plan.engine.duration = kSecond;
  const auto run = [&](const char* name) {
    lab.plan.out = lab.home.path() / name;
    const Summary s = lab.run();
    EXPECT_EQ(s.rate.completed, 5000U);
    EXPECT_EQ(s.verify.corrupt + s.verify.stale + s.verify.lostAcknowledged, 0U);
    EXPECT_EQ(countOf(s, Count::impossible), 0U);
    EXPECT_EQ(s.cache.misses, 0U);
    return s;
  };
  const Summary none = run("none");
  const double before = shareOf(busiest(none), none);
  lab.plan.engine.mitigation.kind = MitigationKind::keySplit;
  lab.plan.engine.mitigation.split = {SplitMode::spread, 6, 20};
  const Summary spread = run("spread");
  // Copies that are written are requests of their own, and counted where they are carried out.
  const std::uint64_t requests = spread.rate.completed + countOf(spread, Count::copiesWritten) -
                                 countOf(spread, Count::splitWrites);
  EXPECT_EQ(opsOf(spread, "master"), requests);
  EXPECT_LT(static_cast<double>(busiest(spread).ops) / static_cast<double>(requests),
            before - 0.05);

  // Over one connection to each master two writes cannot overtake each other. (Over several they
  // can, and their copies may differ then.)
  const unsigned threads = std::exchange(lab.plan.engine.threads, 1U);
  const unsigned conns = std::exchange(lab.plan.engine.conns, 1U);
  EXPECT_EQ(run("spread in order").mitigation.divergentKeys, 0U);
  lab.plan.engine.threads = threads;
  lab.plan.engine.conns = conns;

  lab.plan.engine.mitigation.split = {SplitMode::tag, 6, 20};
  lab.chaos(reshardOfTheHotSlot(lab, 200 * kMillisecond));
  const Summary tag = run("tag");
  EXPECT_EQ(opsOf(tag, "master"), 5000U) << "one MSET writes all copies";
  EXPECT_EQ(tag.mitigation.divergentKeys + countOf(tag, Count::partialWrites), 0U);
}

}  // namespace
}  // namespace redline
