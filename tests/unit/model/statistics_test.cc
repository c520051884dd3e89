#include "model/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "base/rng.h"

namespace redline {
namespace {

using Values = std::vector<double>;

double normal(Rng& rng) {  // Box and Muller
  return std::sqrt(-2 * std::log(rng.unitPositive())) * std::cos(2 * std::numbers::pi * rng.unit());
}

TEST(Statistics, QuantilesOfStudentsTMatchPublishedTables) {
  EXPECT_NEAR(studentTQuantile(0.975, 1), 12.7062047362, 1e-8);
  EXPECT_NEAR(studentTQuantile(0.975, 2), 4.3026527297, 1e-8);
  EXPECT_NEAR(studentTQuantile(0.975, 4), 2.7764451052, 1e-8);
  EXPECT_NEAR(studentTQuantile(0.95, 9), 1.8331129327, 1e-8);
  EXPECT_NEAR(studentTQuantile(0.995, 30), 2.7499956536, 1e-8);
  EXPECT_NEAR(studentTQuantile(0.975, 1e9), 1.9599639845, 1e-6);
  EXPECT_NEAR(studentTQuantile(0.025, 4), -2.7764451052, 1e-8);
}

TEST(Statistics, TheCauchyDistributionIsStudentsTWithOneDegree) {
  for (const double t : {-3.0, -0.2, 0.0, 0.7, 25.0})
    EXPECT_NEAR(studentTCdf(t, 1), 0.5 + std::atan(t) / std::numbers::pi, 1e-12) << t;
}

// Shaw 2006: with one, two and four degrees of freedom the quantile has a closed form.
TEST(Statistics, QuantilesOfStudentsTMatchTheirClosedForms) {
  for (const double p : {0.001, 0.025, 0.3, 0.5, 0.8, 0.975, 0.995, 0.9999}) {
    const double a = 4 * p * (1 - p);
    const double one = std::tan(std::numbers::pi * (p - 0.5));
    const double two = (2 * p - 1) * std::sqrt(2 / a);
    const double q = std::cos(std::acos(std::sqrt(a)) / 3) / std::sqrt(a);
    const double four = (p < 0.5 ? -2 : 2) * std::sqrt(std::max(0.0, q - 1));
    EXPECT_NEAR(studentTQuantile(p, 1), one, 1e-9 * std::max(1.0, std::abs(one))) << p;
    EXPECT_NEAR(studentTQuantile(p, 2), two, 1e-9) << p;
    EXPECT_NEAR(studentTQuantile(p, 4), four, 1e-9 * std::max(1.0, std::abs(four))) << p;
  }
}

TEST(Statistics, TheQuantileInvertsTheDistributionAlsoBetweenWholeDegrees) {
  for (const double degrees : {0.7, 1.3, 2.9, 7.5, 57.3, 1'000.0})
    for (const double p : {0.01, 0.2, 0.6, 0.975, 0.999})
      EXPECT_NEAR(studentTCdf(studentTQuantile(p, degrees), degrees), p, 1e-9) << degrees;
}

// The square of a t is an F with one degree in the numerator.
TEST(Statistics, TheTailOfFIsBothTailsOfT) {
  for (const double degrees : {1.0, 3.5, 12.0})
    for (const double t : {0.1, 1.0, 2.5, 9.0})
      EXPECT_NEAR(fTail(t * t, 1, degrees), 2 * (1 - studentTCdf(t, degrees)), 1e-12);
}

// With two degrees in the numerator it has a closed form.
TEST(Statistics, TheTailOfTheFDistribution) {
  for (const double f : {0.0, 0.5, 4.0, 64.0})
    for (const double degrees : {2.0, 6.0, 14.0})
      EXPECT_NEAR(fTail(f, 2, degrees), std::pow(1 + 2 * f / degrees, -degrees / 2), 1e-12);
  EXPECT_NEAR(fTail(161.4476, 1, 1), 0.05, 1e-7);
  EXPECT_EQ(fTail(std::numeric_limits<double>::infinity(), 3, 5), 0);
}

TEST(Statistics, AMeansIntervalIsTTimesTheStandardError) {
  const Values values{10, 12, 11, 13, 14};
  const Estimate mean = meanEstimate(values);
  EXPECT_DOUBLE_EQ(mean.value, 12);
  EXPECT_NEAR(mean.high - 12, 2.7764451052 * std::sqrt(2.5 / 5), 1e-8);
  EXPECT_EQ(mean.method, IntervalMethod::studentT);
  EXPECT_EQ(mean.count, 5U);
}

TEST(Statistics, OneValueHasNoInterval) {
  const Values one{7};
  EXPECT_FALSE(meanEstimate(one).hasInterval());
  EXPECT_FALSE(medianEstimate(one).hasInterval());
  EXPECT_FALSE(ratioEstimate(one, one).hasInterval());
  EXPECT_EQ(judgeRatio(ratioEstimate(one, one), 0.05), Difference::inconclusive);
  EXPECT_EQ(meanEstimate(Values{}).count, 0U);
}

TEST(Statistics, QuantilesInterpolateBetweenNeighbours) {
  const Values values{40, 10, 30, 20};
  EXPECT_DOUBLE_EQ(quantileOf(values, 0), 10);
  EXPECT_DOUBLE_EQ(quantileOf(values, 1), 40);
  EXPECT_DOUBLE_EQ(quantileOf(values, 0.5), 25);
  EXPECT_DOUBLE_EQ(quantileOf(values, 0.25), 17.5);
}

TEST(Statistics, MeanIntervalsHoldTheTruthAsOftenAsTheySay) {
  Rng rng(11);
  int held = 0;
  constexpr int kTrials = 4'000;
  for (int trial = 0; trial < kTrials; ++trial) {
    Values values(4);
    for (double& v : values) v = 100 + 15 * normal(rng);
    held += meanEstimate(values).contains(100) ? 1 : 0;
  }
  EXPECT_NEAR(held / double(kTrials), 0.95, 0.015);
}

TEST(Statistics, AFewValuesRangeHoldsTheMedianAsOftenAsItSays) {
  Rng rng(12);
  for (const std::size_t n : {2U, 3U, 5U}) {
    int held = 0;
    constexpr int kTrials = 4'000;
    double said = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      Values values(n);
      for (double& v : values) v = -std::log(rng.unitPositive());  // skewed: exponential
      const Estimate median = medianEstimate(values);
      said = median.confidence;
      held += median.contains(std::numbers::ln2) ? 1 : 0;
    }
    EXPECT_NEAR(held / double(kTrials), said, 0.025) << n;
  }
}

// Binomial tables: of 12 values the third from each end, of 8 the smallest and the largest.
TEST(Statistics, AMediansIntervalIsBetweenTwoOfTheSortedValues) {
  Values values{12, 3, 7, 1, 9, 5, 11, 2, 8, 4, 10, 6};
  Estimate median = medianEstimate(values);
  EXPECT_EQ(median.method, IntervalMethod::orderStatistic);
  EXPECT_DOUBLE_EQ(median.value, 6.5);
  EXPECT_DOUBLE_EQ(median.low, 3);
  EXPECT_DOUBLE_EQ(median.high, 10);
  EXPECT_NEAR(median.confidence, 0.9614, 1e-4);
  values.resize(8);
  median = medianEstimate(values);
  EXPECT_DOUBLE_EQ(median.low, 1);
  EXPECT_DOUBLE_EQ(median.high, 12);
  EXPECT_NEAR(median.confidence, 0.9922, 1e-4);
}

TEST(Statistics, OneStallDoesNotMoveAMediansInterval) {
  Values values(12, 2.9);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += 0.01 * static_cast<double>(i);
  const double high = medianEstimate(values).high;
  values.back() = 134;
  EXPECT_DOUBLE_EQ(medianEstimate(values).high, high);
}

TEST(Statistics, IntervalsOfMediansHoldTheTruthAsOftenAsTheySay) {
  Rng rng(13);
  for (const std::size_t n : {6U, 12U, 25U}) {
    int held = 0;
    double said = 0;
    constexpr int kTrials = 4'000;
    for (int trial = 0; trial < kTrials; ++trial) {
      Values values(n);
      for (double& v : values) v = -std::log(rng.unitPositive());  // skewed: exponential
      const Estimate median = medianEstimate(values);
      said = median.confidence;
      held += median.contains(std::numbers::ln2) ? 1 : 0;
    }
    EXPECT_GE(said, 0.95) << n;
    EXPECT_NEAR(held / double(kTrials), said, 0.015) << n;
  }
}

TEST(Statistics, ARatioIsThatOfTheGeometricMeans) {
  const Estimate ratio = ratioEstimate(Values{10, 40}, Values{30, 30});
  EXPECT_NEAR(ratio.value, 1.5, 1e-12);
  EXPECT_EQ(ratio.method, IntervalMethod::welchT);
  EXPECT_TRUE(ratio.contains(1));  // two scattered repeats prove nothing
}

TEST(Statistics, ZeroesHaveARatioWithoutAnInterval) {
  EXPECT_EQ(ratioEstimate(Values{0, 0}, Values{0, 0}).value, 1);
  EXPECT_TRUE(std::isinf(ratioEstimate(Values{0, 0}, Values{1, 2}).value));
  EXPECT_FALSE(ratioEstimate(Values{0, 0}, Values{1, 2}).hasInterval());
  const Estimate difference = differenceEstimate(Values{0, 0, 0}, Values{5, 5.1, 4.9});
  EXPECT_EQ(judgeDifference(difference, 0.1), Difference::differs);
}

TEST(Statistics, ThreeAnswersAndNotTwo) {
  const Values steady{100, 101, 99, 100}, same{100, 99, 101, 100.5};
  const Values faster{80, 81, 80.5, 79}, wild{60, 160, 90, 130};
  EXPECT_EQ(judgeRatio(ratioEstimate(steady, same), 0.05), Difference::noEvidence);
  EXPECT_EQ(judgeRatio(ratioEstimate(steady, faster), 0.05), Difference::differs);
  EXPECT_EQ(judgeRatio(ratioEstimate(steady, wild), 0.05), Difference::inconclusive);
}

TEST(Statistics, EqualSetsAreCalledDifferentAtTheStatedRateOnly) {
  Rng rng(14);
  int different = 0;
  constexpr int kTrials = 4'000;
  for (int trial = 0; trial < kTrials; ++trial) {
    Values a(5), b(5);
    for (double& v : a) v = std::exp(0.1 * normal(rng));
    for (double& v : b) v = std::exp(0.1 * normal(rng));
    different += judgeRatio(ratioEstimate(a, b), 0.05) == Difference::differs ? 1 : 0;
  }
  EXPECT_LT(different / double(kTrials), 0.06);
}

TEST(Statistics, RankCorrelationSeesAnyMonotoneRelation) {
  const Values x{1, 2, 3, 4, 5, 6, 7, 8}, y{1, 4, 9, 16, 30, 36, 49, 640};
  EXPECT_DOUBLE_EQ(rankCorrelation(x, y).value, 1);
  const Values mixed{3, 1, 4, 1.5, 5, 9, 2, 6};
  const Estimate weak = rankCorrelation(x, mixed);
  EXPECT_NEAR(weak.value, 1 - 6.0 * 40 / (8 * 63), 1e-12);
  EXPECT_TRUE(weak.contains(0));
  EXPECT_EQ(rankCorrelation(x, Values(8, 2.0)).value, 0);
}

TEST(Statistics, TheMadIsTheDeviationOfANormalSampleAndDeafToOutliers) {
  Rng rng(15);
  Values values(2'001);
  for (double& v : values) v = 50 + 4 * normal(rng);
  const double quiet = scaledMadOf(values);
  EXPECT_NEAR(quiet, 4, 0.3);
  for (std::size_t i = 0; i < 20; ++i) values[i] = 1e6;
  EXPECT_NEAR(scaledMadOf(values), quiet, 0.2);
}

}  // namespace
}  // namespace redline
