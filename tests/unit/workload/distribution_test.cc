#include "workload/distribution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <tuple>
#include <vector>

#include "unit/workload/statistics.h"

namespace redline {
namespace {

using test::chiSquareP;

constexpr double kEulerGamma = std::numbers::egamma;

/// Σ over ranks [from, to) of (r+1)^−s, by a road of its own: term by term where it matters, beyond
/// rank 20000 by the integral between half-integers, whose relative error there is s(s+1)/24
/// · 2.5e-9.
double weightOf(std::uint64_t from, std::uint64_t to, double s) {
  constexpr std::uint64_t kSummed = 20000;
  long double sum = 0;
  for (std::uint64_t r = from; r < std::min(to, kSummed); ++r)
    sum += std::pow(static_cast<long double>(r + 1), static_cast<long double>(-s));
  const std::uint64_t begin = std::max(from, kSummed);
  if (begin < to) {
    const long double a = static_cast<long double>(begin) + 0.5L;
    const long double b = static_cast<long double>(to) + 0.5L;
    const long double q = 1 - static_cast<long double>(s);
    sum += q == 0 ? std::log(b / a) : (std::pow(b, q) - std::pow(a, q)) / q;
  }
  return static_cast<double>(sum);
}

/// Edges of bins over ranks 0 … n: every rank by itself up to 200, then 20 bins for each decade.
std::vector<std::uint64_t> binEdges(std::uint64_t n) {
  std::vector<std::uint64_t> edges;
  for (std::uint64_t r = 0; r < std::min<std::uint64_t>(n, 200); ++r) edges.push_back(r);
  for (double edge = 200; edge < static_cast<double>(n); edge *= std::pow(10, 0.05))
    edges.push_back(static_cast<std::uint64_t>(edge));
  edges.push_back(n);
  return edges;
}

std::vector<double> expectedCounts(const std::vector<std::uint64_t>& edges, double s,
                                   double draws) {
  std::vector<double> counts;
  double total = 0;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    counts.push_back(weightOf(edges[i], edges[i + 1], s));
    total += counts.back();
  }
  for (double& count : counts) count *= draws / total;
  return counts;
}

template <typename Source>
std::vector<std::uint64_t> drawCounts(const Source& source, const std::vector<std::uint64_t>& edges,
                                      int draws, std::uint64_t seed) {
  std::vector<std::uint64_t> counts(edges.size() - 1);
  Rng rng(seed);
  for (int i = 0; i < draws; ++i) {
    const auto above = std::upper_bound(edges.begin(), edges.end(), source.rank(rng));
    ++counts.at(static_cast<std::size_t>(above - edges.begin()) - 1);  // throws beyond n
  }
  return counts;
}

constexpr int kDraws = 1'000'000;

class ZipfFit : public testing::TestWithParam<std::tuple<std::uint64_t, double>> {};

TEST_P(ZipfFit, MatchesExactProbabilities) {
  const auto [n, s] = GetParam();
  const auto edges = binEdges(n);
  const auto observed = drawCounts(Zipf(n, s), edges, kDraws, 20240601);
  EXPECT_GT(chiSquareP(observed, expectedCounts(edges, s, kDraws)), 1e-3);
}

TEST_P(ZipfFit, TestHasThePowerToRejectAWrongExponent) {
  const auto [n, s] = GetParam();
  const auto edges = binEdges(n);
  const auto observed = drawCounts(Zipf(n, s), edges, kDraws, 20240601);
  EXPECT_LT(chiSquareP(observed, expectedCounts(edges, s + 0.02, kDraws)), 1e-6);
}

std::string fitName(const testing::TestParamInfo<ZipfFit::ParamType>& info) {
  return "n" + std::to_string(std::get<0>(info.param)) + "_s" +
         std::to_string(std::llround(std::get<1>(info.param) * 10));
}
INSTANTIATE_TEST_SUITE_P(Zipf, ZipfFit,
                         testing::Combine(testing::Values(10, 1000, 100'000'000),
                                          testing::Values(0.8, 1.0, 1.2, 2.0)),
                         fitName);

TEST(Zipf, MatchesExactProbabilitiesWhereItsFormsMeetNearOne) {
  for (const double s : {1 - 0x1.0p-9, 1 - 0x1.0p-11, 1 - 1e-6, 1 - 1e-13, 1 + 1e-13, 1 + 1e-6,
                         1 + 0x1.0p-11, 1 + 0x1.0p-9}) {
    const auto edges = binEdges(1'000'000);
    const auto observed = drawCounts(Zipf(1'000'000, s), edges, kDraws, 7);
    EXPECT_GT(chiSquareP(observed, expectedCounts(edges, s, kDraws)), 1e-3) << s;
  }
}

TEST(Zipf, MatchesExactProbabilitiesAtExtremeExponents) {
  for (const double s : {0.0, 0.05, 0.5, 3.5, 8.0}) {
    for (const std::uint64_t n : {2U, 7U, 100'000U}) {
      const auto edges = binEdges(n);
      const auto observed = drawCounts(Zipf(n, s), edges, kDraws, 11);
      EXPECT_GT(chiSquareP(observed, expectedCounts(edges, s, kDraws)), 1e-3) << s << ' ' << n;
    }
  }
}

TEST(Zipf, StaysWithinItsRanksWhateverTheExponent) {
  Rng rng(3);
  for (const double s : {0.0, 0.5, 1.0, 1.2, 2.0, 40.0, 700.0}) {
    for (const std::uint64_t n : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{1} << 53}) {
      const Zipf zipf(n, s);
      for (int i = 0; i < 2000; ++i) ASSERT_LT(zipf.rank(rng), n) << s << ' ' << n;
    }
  }
}

TEST(Zipf, ReachesTheFarTailEvenlyAtExponentTwo) {
  // Beyond rank 10^6 each rank has a chance of 1e-12 or less; what matters is that the few draws
  // that land there spread over the tail as they should, none left out for lack of digits.
  const std::uint64_t n = 100'000'000;
  const Zipf zipf(n, 2.0);
  Rng rng(5);
  std::uint64_t beyond = 0, odd = 0;
  for (int i = 0; i < 20'000'000; ++i) {
    const std::uint64_t rank = zipf.rank(rng);
    if (rank < 10'000) continue;
    ++beyond;
    odd += rank % 2;
  }
  const double expected = 20e6 * (1.0 - zipf.shareOfHottest(10'000));
  EXPECT_NEAR(static_cast<double>(beyond), expected, 4 * std::sqrt(expected));
  EXPECT_NEAR(static_cast<double>(odd), expected / 2, 4 * std::sqrt(expected));
}

TEST(Zipf, ProbabilitiesAgreeWithTheirDefinition) {
  for (const double s : {0.0, 0.8, 1.0, 1.2, 2.0}) {
    const Zipf zipf(100'000'000, s);
    const double total = weightOf(0, 100'000'000, s);
    for (const std::uint64_t rank : {0U, 1U, 99U, 123456U, 99'999'999U}) {
      const double exact = std::pow(static_cast<double>(rank + 1), -s) / total;
      EXPECT_NEAR(zipf.probability(rank) / exact, 1, 1e-9) << s << ' ' << rank;
    }
    EXPECT_EQ(zipf.probability(100'000'000), 0);
    EXPECT_NEAR(zipf.shareOfHottest(5000), weightOf(0, 5000, s) / total, 1e-9);
    EXPECT_EQ(zipf.shareOfHottest(100'000'000), 1);
  }
}

TEST(HarmonicNumber, AgreesWithTheDirectSum) {
  for (const double s : {0.0, 0.3, 0.99, 1.0, 1.0 + 1e-12, 1.2, 2.0, 5.5, 20.0}) {
    long double sum = 0;
    std::uint64_t summed = 0;
    for (const std::uint64_t n : {1U, 2U, 63U, 64U, 65U, 1000U, 100'000U}) {
      for (; summed < n; ++summed)
        sum += std::pow(static_cast<long double>(summed + 1), static_cast<long double>(-s));
      EXPECT_NEAR(harmonicNumber(n, s) / static_cast<double>(sum), 1, 4e-15) << s << ' ' << n;
    }
  }
}

TEST(HarmonicNumber, AgreesWithItsAsymptoticsAtAHundredMillion) {
  const double n = 1e8;
  EXPECT_NEAR(harmonicNumber(100'000'000, 1), std::log(n) + kEulerGamma + 0.5 / n, 1e-13);
  EXPECT_NEAR(harmonicNumber(100'000'000, 2), std::numbers::pi * std::numbers::pi / 6 - 1 / n,
              1e-14);
}

TEST(Uniform, MatchesEqualProbabilities) {
  for (const std::uint64_t n : {2U, 10U, 1000U, 65537U}) {
    std::vector<std::uint64_t> edges(n + 1);
    for (std::uint64_t i = 0; i <= n; ++i) edges[i] = i;
    const auto observed = drawCounts(Uniform(n), edges, kDraws, 13);
    const std::vector<double> expected(n, kDraws * Uniform(n).probability(0));
    EXPECT_GT(chiSquareP(observed, expected), 1e-3) << n;
  }
}

TEST(Uniform, CoversLargeKeyspacesEvenly) {
  const std::uint64_t n = 100'000'000;
  std::vector<std::uint64_t> edges;
  for (std::uint64_t i = 0; i <= 1000; ++i) edges.push_back(i * (n / 1000));
  const auto observed = drawCounts(Uniform(n), edges, kDraws, 17);
  EXPECT_GT(chiSquareP(observed, std::vector<double>(1000, kDraws / 1000.0)), 1e-3);
}

TEST(ChiSquareTail, AgreesWithPublishedCriticalValues) {
  // The 5%, 1% and 0.1% points of the chi-square distribution, as tables print them.
  EXPECT_NEAR(test::chiSquareTail(3.841, 1), 0.05, 1e-4);
  EXPECT_NEAR(test::chiSquareTail(23.209, 10), 0.01, 1e-5);
  EXPECT_NEAR(test::chiSquareTail(149.449, 100), 0.001, 1e-6);
  EXPECT_NEAR(test::chiSquareTail(77.929, 100), 0.95, 1e-4);
}

}  // namespace
}  // namespace redline
