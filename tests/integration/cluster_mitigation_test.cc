// Mitigations and the ledger on real clusters: what they claim stays so while slots move and nodes
// come and go.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "cluster/hash_slot.h"
#include "support/mitigation_lab.h"

namespace redline {
namespace {

using test::Count;
using test::countOf;
using test::startCluster;
using Lab = test::MitigationLab;

/// "0s:reshard …" that moves slots around the hottest key's to another master.
std::string reshardOfTheHotSlot(const Lab& lab, Nanos at) {
  const SlotMap map = lab.map();
  const std::uint16_t hot = hashSlot("obj:" + std::to_string(lab.hottest(0)));
  const std::uint16_t owner = map.ownerOf(hot);
  SlotRange range{};
  for (const SlotRange& owned : map.rangesOf(owner))
    if (owned.contains(hot)) range = owned;
  range.first = static_cast<std::uint16_t>(std::max<int>(range.first, hot - 50));
  range.last = static_cast<std::uint16_t>(std::min<int>(range.last, range.first + 99));
  for (std::uint16_t node = 0; node < map.nodes().size(); ++node)
    if (node != owner && !map.rangesOf(node).empty())
      return fmt::format("{}ms:reshard -slots={}-{} -target={}", at / kMillisecond, range.first,
                         range.last, map.nodes()[node].address.text());
  return {};
}

TEST(ClusterMitigation, NothingIsLostOrStaleWhenSlotsMoveUnderTheLedger) {
  Lab lab(startCluster());
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
  Lab lab(startCluster());
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

}  // namespace
}  // namespace redline
