#include "model/costs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <unordered_set>
#include <vector>

#include "base/rng.h"

namespace redline {
namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;

TEST(Costs, ForksTakeWhatWasMeasured) {
  EXPECT_NEAR(forkSeconds(17.7e9), 0.308, 0.03);
  EXPECT_NEAR(forkSeconds(1.62e9), 0.035, 0.005);
  EXPECT_NEAR(forkSeconds(0.5e9), 0.015, 0.003);
}

TEST(Costs, CopiedPagesAreCountedOnce) {
  Rng rng(3);
  constexpr double kPages = 10'000;
  std::unordered_set<std::uint64_t> dirty;
  for (int i = 0; i < 3 * 4'000; ++i) dirty.insert(rng.below(10'000));
  EXPECT_NEAR(copiedBytes(kPages * kPageBytes, 4'000), double(dirty.size()) * kPageBytes,
              0.02 * kPages * kPageBytes);
  EXPECT_NEAR(copiedBytes(kGiB, 1e9), kGiB, 1);
  EXPECT_EQ(copiedBytes(0, 5), 0);
}

TEST(Costs, StallsGrowWithTheElements) {
  const auto keys = elementCost("KEYS");
  ASSERT_TRUE(keys);
  EXPECT_NEAR(stallSeconds(*keys, 1e6), 0.332, 1e-9);
  EXPECT_FALSE(elementCost("GET"));
}

TEST(Costs, AValueIsReadWholeByTheCommandOfItsType) {
  EXPECT_EQ(wholeRead("hash"), "HGETALL");
  EXPECT_NEAR(wholeReadSeconds("hash", 1'000'000), 0.361, 1e-9);
  EXPECT_EQ(wholeReadSeconds("string", 1'000'000), 0);
}

TEST(Costs, ALineGoesThroughItsPoints) {
  const std::vector<double> x{1, 2, 4}, y{3, 5, 9};
  const auto line = fitLine(x, y);
  ASSERT_TRUE(line);
  EXPECT_NEAR(line->at(10), 21, 1e-12);
  EXPECT_FALSE(fitLine(std::vector<double>{2, 2}, std::vector<double>{1, 3}));
}

TEST(Costs, ALineOfTimesNeitherBeginsBelowZeroNorFalls) {
  const auto steep = fitLine(std::vector<double>{1, 2, 3}, std::vector<double>{1, 3, 5});
  EXPECT_EQ(steep->atZero, 0);
  EXPECT_GT(steep->slope, 1);
  const auto falling = fitLine(std::vector<double>{1, 2, 3}, std::vector<double>{5, 4, 3});
  EXPECT_NEAR(falling->at(3), falling->at(1), 1e-3);
  EXPECT_FALSE(fitLine(std::vector<double>{1, 2}, std::vector<double>{0, 3}));
}

TEST(Costs, AForecastIsWiderTheFartherItGoes) {
  const std::vector<double> x{1, 2, 3, 4}, y{3.1, 4.9, 6.9, 9.1};
  const Estimate near = forecast(x, y, 2.5);
  EXPECT_NEAR(near.value, 6, 0.05);
  const Estimate far = forecast(x, y, 20);
  EXPECT_NEAR(far.value, 41, 1);
  EXPECT_GT(far.high / far.low, near.high / near.low);
  EXPECT_FALSE(
      forecast(std::vector<double>{1, 2, 3}, std::vector<double>{1, 2, 4}, 9).hasInterval());
  EXPECT_EQ(forecast(std::vector<double>{1, 1}, std::vector<double>{1, 2}, 9).count, 0U);
}

// 5 ms and 30 ms a GB, ten forks from 0.1 to 0.8 GB that scatter by a fifth, as on a shared host; a
// line by plain least squares foretold less than nothing there.
TEST(Costs, AForecastFromScatteredPointsHoldsTheTruthAndStaysAboveZero) {
  Rng rng(7);
  constexpr int kTrials = 300;
  const auto measured = [&](double gb) {
    double sum = -6;  // of twelve uniforms: about normal
    for (int i = 0; i < 12; ++i) sum += rng.unit();
    return (5 + 30 * gb) * std::exp(0.2 * sum);
  };
  int held = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> x, y;
    for (const double gb : {0.1, 0.17, 0.28, 0.47, 0.8})
      for (int repeat = 0; repeat < 2; ++repeat) {
        x.push_back(gb);
        y.push_back(measured(gb));
      }
    const Estimate far = forecast(x, y, 20);
    EXPECT_GT(far.low, meanOf(y) / 2) << "no less than what was measured, but for its scatter";
    EXPECT_LT(far.high, 20 / 0.1 * 2 * meanOf(y));
    if (far.contains(measured(20))) ++held;
  }
  EXPECT_NEAR(held / double(kTrials), 0.95, 0.04);
}

TEST(Costs, AnExpiryCycleIsAQuarterOfItsPeriod) {
  EXPECT_DOUBLE_EQ(ActiveExpiry{}.longestCycleS(), 0.025);
  EXPECT_DOUBLE_EQ(ActiveExpiry{}.keysPerS(1e-6), 250'000);
}

}  // namespace
}  // namespace redline
