#include "mitigation/replica_read.h"

#include <gtest/gtest.h>

#include <array>
#include <map>

namespace redline {
namespace {

constexpr ReplicaRead::Node kMaster = 0;
constexpr std::array<ReplicaRead::Node, 2> kReplicas{3, 4};

std::map<ReplicaRead::Node, double> shares(const ReplicaRead& reads,
                                           std::span<const ReplicaRead::Node> replicas) {
  constexpr int kPicks = 30'000;
  Rng rng(1);
  std::map<ReplicaRead::Node, double> share;
  for (int i = 0; i < kPicks; ++i) share[reads.pick(kMaster, replicas, rng)] += 1.0 / kPicks;
  return share;
}

TEST(ReplicaRead, RandomTakesMasterAndReplicasAlike) {
  auto share = shares(ReplicaRead(ReplicaPolicy::random), kReplicas);
  for (const ReplicaRead::Node node : {0U, 3U, 4U}) EXPECT_NEAR(share[node], 1.0 / 3, 0.02);
}

TEST(ReplicaRead, ReplicaPreferredLeavesTheMasterAloneWhileThereIsAReplica) {
  const ReplicaRead reads(ReplicaPolicy::replicaPreferred);
  auto share = shares(reads, kReplicas);
  EXPECT_EQ(share.count(kMaster), 0U);
  EXPECT_NEAR(share[3], 0.5, 0.02);
}

TEST(ReplicaRead, EveryPolicyFallsBackToTheMaster) {
  Rng rng(1);
  for (const auto policy :
       {ReplicaPolicy::random, ReplicaPolicy::nearest, ReplicaPolicy::replicaPreferred})
    EXPECT_EQ(ReplicaRead(policy).pick(7, {}, rng), 7U);
}

TEST(ReplicaRead, NearestTakesTheLowestServiceTimeAndStillMeasuresTheOthers) {
  ReplicaRead reads(ReplicaPolicy::nearest);
  reads.observe(0, 200 * kMicrosecond);
  reads.observe(3, 100 * kMicrosecond);
  reads.observe(4, 300 * kMicrosecond);
  auto share = shares(reads, kReplicas);
  EXPECT_GT(share[3], 0.9);
  EXPECT_GT(share[0], 0.0);
  EXPECT_GT(share[4], 0.0);
}

TEST(ReplicaRead, NearestTriesANodeThatIsNotKnownFirst) {
  ReplicaRead reads(ReplicaPolicy::nearest);
  reads.observe(0, 10);
  reads.observe(3, 10);
  EXPECT_GT(shares(reads, kReplicas)[4], 0.9);
  reads.observe(4, 20);
  EXPECT_LT(shares(reads, kReplicas)[4], 0.1);
  reads.forget(4);
  EXPECT_GT(shares(reads, kReplicas)[4], 0.9);
}

TEST(ReplicaRead, NearestFollowsANodeThatBecomesSlow) {
  ReplicaRead reads(ReplicaPolicy::nearest);
  for (int i = 0; i < 100; ++i) {
    reads.observe(0, 100);
    reads.observe(3, 50);
    reads.observe(4, 200);
  }
  EXPECT_GT(shares(reads, kReplicas)[3], 0.9);
  for (int i = 0; i < 100; ++i) reads.observe(3, 1000);
  EXPECT_NEAR(static_cast<double>(reads.serviceOf(3)), 1000, 50);
  EXPECT_GT(shares(reads, kReplicas)[0], 0.9);
}

}  // namespace
}  // namespace redline
