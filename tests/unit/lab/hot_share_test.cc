#include "lab/hot_share.h"

#include <gtest/gtest.h>

#include <numeric>

namespace redline {
namespace {

HotWorkload zipf(std::uint64_t keys) {
  return {.chooser = KeyChooser(Distribution::zipfian, 1.2, keys, 1), .keys = keys};
}

TEST(HotShare, AddsUpToOneAndGivesTheHottestKeysMasterTheMost) {
  for (const std::uint64_t keys : {1000ULL, 100'000ULL, 3'000'000ULL}) {
    const HotForecast forecast = forecastHotKeys(zipf(keys));
    EXPECT_NEAR(std::accumulate(forecast.shares.begin(), forecast.shares.end(), 0.0), 1, 1e-9);
    EXPECT_GT(forecast.shares[forecast.hotMaster], forecast.hottestKey);
  }
}

TEST(HotShare, TheHottestOf100kKeysAtExponent1_2HasAFifth) {
  // 1 ÷ Σ k^−1.2 over k = 1 … 100,000.
  EXPECT_NEAR(forecastHotKeys(zipf(100'000)).hottestKey, 0.196, 0.001);
}

TEST(HotShare, ALocalCacheMissesOnceForEachWriteInTheEnd) {
  HotWorkload workload = zipf(1000);
  workload.rate = 1e6;
  workload.fromS = 1e5;
  workload.toS = 2e5;
  EXPECT_NEAR(forecastHotKeys(workload).hotMasterLocalMiss, 0.05, 1e-6);
  workload.caches = 2;  // each has half of the reads, and is emptied by all writes
  EXPECT_NEAR(forecastHotKeys(workload).hotMasterLocalMiss, 0.05 / 0.525, 1e-6);
  workload.readShare = 1;
  EXPECT_NEAR(forecastHotKeys(workload).hotMasterLocalMiss, 0, 1e-6);
  workload.fromS = 0;
  workload.toS = 1e-12;
  EXPECT_NEAR(forecastHotKeys(workload).hotMasterLocalMiss, 1, 1e-4) << "it begins empty";
}

TEST(HotShare, SplittingAllKeysSpreadsReadsAndMultipliesWrites) {
  HotWorkload workload = zipf(300);
  workload.splitKeys = 300;
  workload.splitWays = 6;
  const HotForecast forecast = forecastHotKeys(workload);
  const double requests = 0.95 + 0.05 * 6;
  EXPECT_NEAR(forecast.hotMasterSplit * forecast.shares[forecast.hotMaster], requests / 3, 1e-9);
  workload.splitKeys = 0;
  EXPECT_NEAR(forecastHotKeys(workload).hotMasterSplit, 1, 1e-12);
}

}  // namespace
}  // namespace redline
