#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace redline {

/// How an interval was made, for output.
enum class IntervalMethod : std::uint8_t {
  none,            ///< fewer than two values: no interval
  studentT,        ///< mean of repeats, Student's t
  welchT,          ///< two independent sets of repeats, Welch's t
  pooledT,         ///< Student's t with the spread of several conditions (model/pooled.h)
  signedRank,      ///< values in pairs (blocks), exact by their signed ranks (model/signed_rank.h)
  orderStatistic,  ///< a median between two of the sorted values
  blockBootstrap,  ///< percentiles of resampled blocks of one run (report/run_blocks.h)
  fisherZ,         ///< a correlation, by Fisher's transformation
};

/// "Student's t", "bootstrap", …
std::string_view methodName(IntervalMethod method);

/// A figure with the interval that it lies in with the stated confidence.
struct Estimate {
  double value = 0;
  double low = 0, high = 0;  ///< both equal `value` where there is no interval
  std::size_t count = 0;     ///< values that it comes from (of two sets: the smaller one's)
  double confidence = 0;     ///< of [low, high]; 0: no interval can be given
  IntervalMethod method = IntervalMethod::none;

  bool hasInterval() const { return method != IntervalMethod::none; }
  bool contains(double x) const { return low <= x && x <= high; }
  bool overlaps(const Estimate& other) const { return low <= other.high && other.low <= high; }
  /// Half the interval's width ÷ |value|; 0 without an interval or at value 0.
  double relativeHalfWidth() const;
};

// All values must be finite.

double meanOf(std::span<const double> values);  ///< 0 when empty
double standardDeviationOf(
    std::span<const double> values);  ///< of a sample (n − 1); 0 below two values
/// The value at quantile q (0…1) of the sorted values, interpolated linearly between neighbours
/// (Hyndman and Fan 1996, type 7). 0 when empty.
double quantileOf(std::span<const double> values, double q);
inline double medianOf(std::span<const double> values) {
  return quantileOf(values, 0.5);
}
/// Median absolute deviation × 1.4826: the standard deviation of a normal sample, robust against
/// outliers.
double scaledMadOf(std::span<const double> values);

/// Mean of repeats with Student's t interval, which supposes that repeats scatter about normally.
/// Two values or more; with fewer there is no interval.
Estimate meanEstimate(std::span<const double> values, double confidence = 0.95);

/// Median between two of the sorted values, the k-th from each end: exact, whatever the
/// distribution. The interval is the shortest of these that holds the true median with at least
/// `confidence`; the estimate's confidence is what it is exactly. Below six values none reaches
/// 95%: then it is their whole range, which holds the median with 1 − 2^(1−n): 50%,
/// 75%, 87.5%, 93.75%.
Estimate medianEstimate(std::span<const double> values, double confidence = 0.95);

/// other ÷ base, as the ratio of geometric means, with Welch's t interval of the logarithms: for
/// rates and latencies, whose noise multiplies. Where a value is not positive the ratio is that of
/// the means, without an interval; where base's mean is 0 the value is 1 if other's is too, else
/// infinite.
Estimate ratioEstimate(std::span<const double> base, std::span<const double> other,
                       double confidence = 0.95);

/// other − base, difference of means with Welch's t interval: for shares and counts that may be 0.
Estimate differenceEstimate(std::span<const double> base, std::span<const double> other,
                            double confidence = 0.95);

/// Spearman's rank correlation of two series, with Fisher's interval (standard error
/// 1.03 / sqrt(n − 3); Fieller, Hartley and Pearson 1957). No interval below 5 points; 0 when one
/// series is constant. Neighbouring intervals of a run are not independent: the interval is
/// optimistic, so do not read it as causation.
Estimate rankCorrelation(std::span<const double> x, std::span<const double> y,
                         double confidence = 0.95);

/// What an interval says about "are these two the same?". Three answers, not two: absence of
/// evidence is not evidence of absence.
enum class Difference : std::uint8_t {
  differs,       ///< the interval leaves "no difference" out
  noEvidence,    ///< it holds "no difference", and nothing outside ± the margin
  inconclusive,  ///< it holds "no difference" and also differences beyond the margin; or no
                 ///< interval
};
/// "differs", "no evidence of a difference", "inconclusive".
std::string_view differenceName(Difference difference);

/// Of a ratio, whose "no difference" is 1. `margin`: the relative difference that would matter,
/// 0.05 for 5%; the bounds are 1/(1 + margin) and 1 + margin.
Difference judgeRatio(const Estimate& ratio, double margin);
/// Of a difference, whose "no difference" is 0. `margin` in the difference's own unit.
Difference judgeDifference(const Estimate& difference, double margin);

// By Boost.Math (model/distributions.cc). Degrees of freedom are > 0 and need not be whole.

/// P(T ≤ t) of Student's t.
double studentTCdf(double t, double degrees);
/// The t with P(T ≤ t) = p, 0 < p < 1.
double studentTQuantile(double p, double degrees);
/// P(F > f) of the F distribution, f ≥ 0 or infinite: how often one variance is that many times
/// another by chance.
double fTail(double f, double numeratorDegrees, double denominatorDegrees);
/// P(at most `successes` of `trials` that succeed with that chance each).
double binomialCdf(double successes, double trials, double chance);
/// P(exactly `marked` of `drawn` without replacement from `total`, `ofMarked` of which are marked).
double hypergeometric(unsigned marked, unsigned ofMarked, unsigned drawn, unsigned total);

}  // namespace redline
