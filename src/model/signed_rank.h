#pragma once

#include <cstddef>
#include <span>

#include "model/statistics.h"

namespace redline {

// Effects from randomised blocks. Each block measures two conditions within seconds of each other;
// what the machine does to both of them cancels out in the difference. Nothing is supposed of the
// distribution but that the differences are symmetric around their median.

/// Wilcoxon's signed ranks of n differences, when there is no effect: P(T ≤ t) where T is the sum
/// of the ranks of those that are positive. Exact, by counting. 1 ≤ n ≤ 60.
double signedRankCdf(std::size_t t, std::size_t n);

/// The centre of these differences, the median of the means of all pairs of them (Hodges and
/// Lehmann 1963), with the exact interval by signed ranks: the shortest that holds the centre with
/// at least `confidence`; the estimate's confidence is what it is exactly. Below six differences
/// none reaches 95%, and it is their range. No interval below two, or above 60.
Estimate centreEstimate(std::span<const double> differences, double confidence = 0.95);

/// other ÷ base of values in pairs: the same block's. By the centre of the differences of the
/// logarithms. All values must be positive, and as many in `base` as in `other`.
Estimate pairedRatioEstimate(std::span<const double> base, std::span<const double> other,
                             double confidence = 0.95);

}  // namespace redline
