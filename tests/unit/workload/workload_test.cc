#include "workload/workload.h"

#include <gtest/gtest.h>

#include <cmath>

namespace redline {
namespace {

TEST(Mix, DrawsReadsAtTheirShare) {
  constexpr int kDraws = 400'000;
  Rng rng(1);
  for (const double share : {0.05, 0.5, 0.9}) {
    const Mix mix(share);
    int reads = 0;
    for (int i = 0; i < kDraws; ++i) reads += !mix.isWrite(rng);
    EXPECT_NEAR(reads, kDraws * share, 4 * std::sqrt(kDraws * share * (1 - share)));
  }
}

TEST(Mix, IsExactAtAllReadsAndAllWrites) {
  Rng rng(1);
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_FALSE(Mix(1).isWrite(rng));
    ASSERT_TRUE(Mix(0).isWrite(rng));
  }
}

Workload workloadOf(std::uint64_t seed) {
  return {KeyChooser(Distribution::zipfian, 1.0, 1000, seed), Mix(0.5)};
}

TEST(Workload, RepeatsItselfFromTheSameSeedAndStream) {
  const Workload workload = workloadOf(1);
  Rng one(5, 0), again(5, 0), other(5, 1);
  int same = 0;
  for (int i = 0; i < 1000; ++i) {
    const Operation a = workload.draw(one), b = workload.draw(again), c = workload.draw(other);
    ASSERT_EQ(a.id, b.id);
    ASSERT_EQ(a.isWrite, b.isWrite);
    same += a.id == c.id;
  }
  EXPECT_LT(same, 150);  // two independent draws agree with probability Σ p² ≈ 3%
}

TEST(Workload, ReadsAndWritesDrawFromTheSameDistribution) {
  const Workload workload = workloadOf(1);
  Rng rng(5);
  double total[2] = {}, hot[2] = {};
  for (int i = 0; i < 400'000; ++i) {
    const Operation operation = workload.draw(rng);
    ++total[operation.isWrite];
    hot[operation.isWrite] += operation.id == workload.keys().hottest(0);
  }
  const double p = workload.keys().probability(0);
  for (const int kind : {0, 1})
    EXPECT_NEAR(hot[kind], total[kind] * p, 4 * std::sqrt(total[kind] * p * (1 - p)));
}

}  // namespace
}  // namespace redline
