#include "model/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace redline {
namespace {

Estimate plain(double value, std::size_t count) {
  Estimate estimate;
  estimate.value = estimate.low = estimate.high = value;
  estimate.count = count;
  return estimate;
}

Estimate within(double value, double halfWidth, std::size_t count, double confidence,
                IntervalMethod method) {
  return {value, value - halfWidth, value + halfWidth, count, confidence, method};
}

double varianceOf(std::span<const double> values) {
  const double deviation = standardDeviationOf(values);
  return deviation * deviation;
}

double twoSidedT(double confidence, double degrees) {
  return studentTQuantile(0.5 + confidence / 2, degrees);
}

/// Welch's degrees of freedom (Welch 1947, after Satterthwaite); infinite scatter of none is 1.
double welchDegrees(double a, std::size_t na, double b, std::size_t nb) {
  const double below = a * a / static_cast<double>(na - 1) + b * b / static_cast<double>(nb - 1);
  return below > 0 ? (a + b) * (a + b) / below : 1;
}

bool allPositive(std::span<const double> values) {
  return std::ranges::all_of(values, [](double v) { return v > 0; });
}

std::vector<double> logarithms(std::span<const double> values) {
  std::vector<double> logs;
  logs.reserve(values.size());
  for (const double v : values) logs.push_back(std::log(v));
  return logs;
}

Estimate exponential(const Estimate& of) {
  return {std::exp(of.value), std::exp(of.low), std::exp(of.high),
          of.count,           of.confidence,    of.method};
}

Estimate ratioOfMeans(std::span<const double> base, std::span<const double> other) {
  const double below = meanOf(base), above = meanOf(other);
  const double ratio = below != 0   ? above / below
                       : above == 0 ? 1
                                    : std::numeric_limits<double>::infinity();
  return plain(ratio, std::min(base.size(), other.size()));
}

/// Ranks 1 … n; equal values share the mean of theirs.
std::vector<double> ranksOf(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i + 1;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    const double shared = static_cast<double>(i + 1 + end) / 2;
    for (; i < end; ++i) ranks[order[i]] = shared;
  }
  return ranks;
}

double correlation(std::span<const double> x, std::span<const double> y) {
  const double meanX = meanOf(x), meanY = meanOf(y);
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - meanX) * (x[i] - meanX);
    yy += (y[i] - meanY) * (y[i] - meanY);
    xy += (x[i] - meanX) * (y[i] - meanY);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

}  // namespace

std::string_view methodName(IntervalMethod method) {
  static constexpr std::array<std::string_view, 8> kNames{"no interval",
                                                          "Student's t",
                                                          "Welch's t",
                                                          "Student's t with a pooled spread",
                                                          "signed ranks of pairs",
                                                          "order statistics",
                                                          "block bootstrap",
                                                          "Fisher's z"};
  return kNames[static_cast<std::size_t>(method)];
}

std::string_view differenceName(Difference difference) {
  static constexpr std::array<std::string_view, 3> kNames{"differs", "no evidence of a difference",
                                                          "inconclusive"};
  return kNames[static_cast<std::size_t>(difference)];
}

double Estimate::relativeHalfWidth() const {
  return hasInterval() && value != 0 ? (high - low) / 2 / std::abs(value) : 0;
}

double meanOf(std::span<const double> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standardDeviationOf(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double mean = meanOf(values);
  double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double quantileOf(std::span<const double> values, double q) {
  if (values.empty()) return 0;
  std::vector<double> sorted(values.begin(), values.end());
  const double place = std::clamp(q, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(sorted.begin(), at, sorted.end());
  const double part = place - static_cast<double>(below);
  if (part == 0) return *at;
  return *at + part * (*std::min_element(at + 1, sorted.end()) - *at);
}

double scaledMadOf(std::span<const double> values) {
  const double median = medianOf(values);
  std::vector<double> distances;
  distances.reserve(values.size());
  for (const double v : values) distances.push_back(std::abs(v - median));
  return 1.4826 * medianOf(distances);
}

Estimate meanEstimate(std::span<const double> values, double confidence) {
  const std::size_t n = values.size();
  if (n < 2) return plain(meanOf(values), n);
  const double t = twoSidedT(confidence, static_cast<double>(n - 1));
  const double error = standardDeviationOf(values) / std::sqrt(static_cast<double>(n));
  return within(meanOf(values), t * error, n, confidence, IntervalMethod::studentT);
}

Estimate medianEstimate(std::span<const double> values, double confidence) {
  const std::size_t n = values.size();
  if (n < 2) return plain(medianOf(values), n);
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  // The k-th value exceeds the true median when fewer than k of n fell below it: heads of a coin.
  const auto outside = [n](std::size_t k) {
    return 2 * binomialCdf(static_cast<double>(k - 1), static_cast<double>(n), 0.5);
  };
  std::size_t k = 1;
  while (2 * (k + 1) <= n && outside(k + 1) <= 1 - confidence) ++k;
  return {medianOf(values), sorted[k - 1],
          sorted[n - k],    n,
          1 - outside(k),   IntervalMethod::orderStatistic};
}

Estimate differenceEstimate(std::span<const double> base, std::span<const double> other,
                            double confidence) {
  const double difference = meanOf(other) - meanOf(base);
  const std::size_t count = std::min(base.size(), other.size());
  if (count < 2) return plain(difference, count);
  const double ofBase = varianceOf(base) / static_cast<double>(base.size());
  const double ofOther = varianceOf(other) / static_cast<double>(other.size());
  const double t = twoSidedT(confidence, welchDegrees(ofBase, base.size(), ofOther, other.size()));
  return within(difference, t * std::sqrt(ofBase + ofOther), count, confidence,
                IntervalMethod::welchT);
}

Estimate ratioEstimate(std::span<const double> base, std::span<const double> other,
                       double confidence) {
  if (base.empty() || other.empty() || !allPositive(base) || !allPositive(other))
    return ratioOfMeans(base, other);
  return exponential(differenceEstimate(logarithms(base), logarithms(other), confidence));
}

Estimate rankCorrelation(std::span<const double> x, std::span<const double> y, double confidence) {
  const std::size_t n = std::min(x.size(), y.size());
  if (n < 2) return plain(0, n);
  const double rho = correlation(ranksOf(x.first(n)), ranksOf(y.first(n)));
  if (n < 5 || std::abs(rho) >= 1) return plain(rho, n);
  // A normal deviate is a t with very many degrees of freedom.
  const double deviate = twoSidedT(confidence, 1e9);
  const double z = std::atanh(rho);
  const double halfWidth = deviate * 1.03 / std::sqrt(static_cast<double>(n) - 3);
  return {rho,        std::tanh(z - halfWidth), std::tanh(z + halfWidth), n,
          confidence, IntervalMethod::fisherZ};
}

Difference judgeRatio(const Estimate& ratio, double margin) {
  if (!ratio.hasInterval()) return Difference::inconclusive;
  if (!ratio.contains(1)) return Difference::differs;
  const bool close = ratio.low >= 1 / (1 + margin) && ratio.high <= 1 + margin;
  return close ? Difference::noEvidence : Difference::inconclusive;
}

Difference judgeDifference(const Estimate& difference, double margin) {
  if (!difference.hasInterval()) return Difference::inconclusive;
  if (!difference.contains(0)) return Difference::differs;
  const bool close = difference.low >= -margin && difference.high <= margin;
  return close ? Difference::noEvidence : Difference::inconclusive;
}

}  // namespace redline
