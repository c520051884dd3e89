#include "model/signed_rank.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace redline {
namespace {

constexpr std::size_t kMostExact = 60;

/// P(T = t) for each t: every rank is positive or not, as a coin falls.
std::vector<double> signedRankChances(std::size_t n) {
  std::vector<double> chances{1};
  for (std::size_t rank = 1; rank <= n; ++rank) {
    std::vector<double> next(chances.size() + rank, 0);
    for (std::size_t t = 0; t < chances.size(); ++t) {
      next[t] += chances[t] / 2;
      next[t + rank] += chances[t] / 2;
    }
    chances = std::move(next);
  }
  return chances;
}

/// Means of all pairs, each value with itself too, sorted (Walsh 1949).
std::vector<double> pairMeans(std::span<const double> values) {
  std::vector<double> means;
  means.reserve(values.size() * (values.size() + 1) / 2);
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t j = i; j < values.size(); ++j) means.push_back((values[i] + values[j]) / 2);
  std::ranges::sort(means);
  return means;
}

}  // namespace

double signedRankCdf(std::size_t t, std::size_t n) {
  const auto chances = signedRankChances(n);
  const auto end = chances.begin() + static_cast<std::ptrdiff_t>(std::min(t + 1, chances.size()));
  return std::accumulate(chances.begin(), end, 0.0);
}

Estimate centreEstimate(std::span<const double> differences, double confidence) {
  const std::size_t n = differences.size();
  Estimate estimate;
  estimate.count = n;
  if (n == 0) return estimate;
  const auto means = pairMeans(differences);
  estimate.value = estimate.low = estimate.high = medianOf(means);
  if (n < 2 || n > kMostExact) return estimate;
  // As many means may lie outside at each end as T may be small by chance.
  const auto chances = signedRankChances(n);
  std::size_t outside = 0;
  double tail = chances[0];
  while (outside + 1 < means.size() / 2 && 2 * (tail + chances[outside + 1]) <= 1 - confidence)
    tail += chances[++outside];
  estimate.low = means[outside];
  estimate.high = means[means.size() - 1 - outside];
  estimate.confidence = 1 - 2 * tail;
  estimate.method = IntervalMethod::signedRank;
  return estimate;
}

Estimate pairedRatioEstimate(std::span<const double> base, std::span<const double> other,
                             double confidence) {
  std::vector<double> differences;
  differences.reserve(base.size());
  for (std::size_t i = 0; i < base.size(); ++i) differences.push_back(std::log(other[i] / base[i]));
  Estimate ratio = centreEstimate(differences, confidence);
  if (ratio.count == 0) return ratio;
  ratio.value = std::exp(ratio.value);
  ratio.low = std::exp(ratio.low);
  ratio.high = std::exp(ratio.high);
  return ratio;
}

}  // namespace redline
