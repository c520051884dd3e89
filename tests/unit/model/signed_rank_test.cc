#include "model/signed_rank.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"

namespace redline {
namespace {

using Values = std::vector<double>;

// Wilcoxon 1945; any textbook's table.
TEST(SignedRank, HasTheTabledChances) {
  EXPECT_DOUBLE_EQ(signedRankCdf(0, 5), 1.0 / 32);
  EXPECT_DOUBLE_EQ(signedRankCdf(2, 6), 3.0 / 64);
  EXPECT_NEAR(signedRankCdf(8, 10), 0.0244, 5e-5);
  EXPECT_NEAR(signedRankCdf(13, 12), 0.0212, 5e-5);
  EXPECT_NEAR(signedRankCdf(78, 12), 1, 1e-12);
}

// Hollander and Wolfe, Nonparametric Statistical Methods: nine patients' depression scale, before
// and after. The interval by counting all 512 signs.
TEST(SignedRank, CentreAndIntervalOfAWorkedExample) {
  const Values before{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
  const Values after{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
  Values differences;
  for (std::size_t i = 0; i < before.size(); ++i) differences.push_back(after[i] - before[i]);
  const Estimate centre = centreEstimate(differences);
  EXPECT_NEAR(centre.value, -0.46, 1e-9);
  EXPECT_NEAR(centre.low, -0.786, 1e-9);
  EXPECT_NEAR(centre.high, -0.010, 1e-9);
  EXPECT_NEAR(centre.confidence, 0.9609, 1e-4);
  EXPECT_EQ(centre.method, IntervalMethod::signedRank);
}

TEST(SignedRank, PairsCancelWhatTheyShare) {
  // A machine whose speed drifts eightfold; the second is always about 10% slower.
  const Values base{100, 200, 300, 400, 600, 800}, other{110, 221, 329, 441, 662, 878};
  const Estimate paired = pairedRatioEstimate(base, other);
  EXPECT_EQ(judgeRatio(paired, 0.05), Difference::differs);
  EXPECT_NEAR(paired.value, 1.10, 0.01);
  EXPECT_EQ(judgeRatio(ratioEstimate(base, other), 0.05), Difference::inconclusive);
}

TEST(SignedRank, OneBlockThatMetAStallDecidesNothing) {
  Values base(12, 100), other(12, 100);
  for (std::size_t i = 0; i < base.size(); ++i) other[i] = 120 + static_cast<double>(i);
  const Estimate before = pairedRatioEstimate(base, other);
  other[3] = 12'000;
  const Estimate after = pairedRatioEstimate(base, other);
  EXPECT_NEAR(after.value, before.value, 0.02);
  EXPECT_LT(after.high, 1.35);
}

TEST(SignedRank, AFewPairsSayHowLittleTheyKnow) {
  EXPECT_FALSE(centreEstimate(Values{}).hasInterval());
  EXPECT_FALSE(centreEstimate(Values{3}).hasInterval());
  const Estimate three = centreEstimate(Values{1, 2, 4});
  EXPECT_DOUBLE_EQ(three.low, 1);
  EXPECT_DOUBLE_EQ(three.high, 4);
  EXPECT_DOUBLE_EQ(three.confidence, 0.75);
  EXPECT_GE(centreEstimate(Values{1, 2, 4, 5, 6, 7}).confidence, 0.95);
}

TEST(SignedRank, IntervalsHoldTheTruthAsOftenAsTheySay) {
  Rng rng(21);
  for (const std::size_t n : {6U, 12U, 20U}) {
    int held = 0;
    double said = 0;
    constexpr int kTrials = 4'000;
    for (int trial = 0; trial < kTrials; ++trial) {
      Values values(n);
      // Symmetric and with heavy tails: the difference of two exponentials, now and then ten times.
      for (double& v : values) {
        v = std::log(rng.unitPositive()) - std::log(rng.unitPositive());
        if (rng.unit() < 0.2) v *= 10;
        v += 5;
      }
      const Estimate centre = centreEstimate(values);
      said = centre.confidence;
      held += centre.contains(5) ? 1 : 0;
    }
    EXPECT_NEAR(held / double(kTrials), said, 0.015) << n;
  }
}

}  // namespace
}  // namespace redline
