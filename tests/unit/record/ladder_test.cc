#include "record/ladder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/rng.h"

namespace redline {
namespace {

TEST(Ladder, AscendsFromAMicrosecondToAMinute) {
  EXPECT_EQ(kLadder.front(), kMicrosecond);
  EXPECT_EQ(kLadder.back(), 60 * kSecond);
  EXPECT_EQ(std::adjacent_find(kLadder.begin(), kLadder.end(), std::greater_equal<>()),
            kLadder.end());
}

TEST(Ladder, StepsByNoMoreThanAFactorOfTwoFromTenMicrosecondsToTwentySeconds) {
  for (std::size_t i = 1; i < kLadder.size(); ++i) {
    if (kLadder[i - 1] < 10 * kMicrosecond || kLadder[i] > 20 * kSecond) continue;
    EXPECT_LE(static_cast<double>(kLadder[i]) / static_cast<double>(kLadder[i - 1]), 2);
  }
}

TEST(LadderCounts, AreTheHistogramsOwnCountsAtOrBelowEachBound) {
  Rng rng(7);
  Histogram all;
  LadderCounts counts;
  for (int part = 0; part < 3; ++part) {
    Histogram interval;
    for (int i = 0; i < 20'000; ++i)
      interval.record(static_cast<Nanos>(std::exp(rng.unit() * 26)));  // 1 ns to 196 s
    counts.add(interval);
    all.add(interval);
  }
  for (std::size_t bound = 0; bound < kLadder.size(); ++bound)
    EXPECT_EQ(counts.atOrBelow(bound), all.countAtOrBelow(kLadder[bound])) << kLadder[bound];
  EXPECT_EQ(counts.count(), all.count());
  EXPECT_NEAR(counts.sumSeconds() * 1e9, all.mean() * static_cast<double>(all.count()),
              1e-9 * all.mean() * static_cast<double>(all.count()));
}

TEST(LadderCounts, PutARecordOnABoundIntoItsBucketAndAClearlyLargerOneIntoTheNext) {
  Histogram histogram;
  for (const Nanos bound : kLadder) {
    histogram.record(bound);
    histogram.record(bound + bound / 500);  // 0.2% beyond: past the bound's slot
  }
  LadderCounts counts;
  counts.add(histogram);
  for (std::size_t i = 0; i < kLadder.size(); ++i) EXPECT_EQ(counts.atOrBelow(i), 2 * i + 1);
  EXPECT_EQ(counts.count(), 2 * kLadder.size());
}

TEST(LadderCounts, CountWhatLiesBeyondEveryBound) {
  Histogram histogram;
  histogram.record(300 * kSecond);
  LadderCounts counts;
  counts.add(histogram);
  EXPECT_EQ(counts.atOrBelow(kLadder.size() - 1), 0U);
  EXPECT_EQ(counts.count(), 1U);
  EXPECT_NEAR(counts.sumSeconds(), 300, 0.2);
}

}  // namespace
}  // namespace redline
