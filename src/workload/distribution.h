#pragma once

#include <algorithm>
#include <cstdint>

#include "base/rng.h"

namespace redline {

/// The distribution of popularity over the keys.
enum class Distribution : std::uint8_t { uniform, zipfian };

/// Ranks 0 … n−1, all equally likely.
class Uniform {
 public:
  /// n ≥ 1.
  explicit Uniform(std::uint64_t n) noexcept : n_(n) {}

  std::uint64_t rank(Rng& rng) const noexcept { return rng.below(n_); }
  double probability(std::uint64_t rank) const noexcept {
    return rank < n_ ? 1.0 / static_cast<double>(n_) : 0.0;
  }

 private:
  std::uint64_t n_;
};

/// Ranks 0 … n−1 with P(r) ∝ 1/(r+1)^s, exact for any s ≥ 0, in O(1) set-up and memory, by
/// rejection-inversion (W. Hörmann and G. Derflinger, "Rejection-inversion to generate variates
/// from monotone discrete distributions", ACM TOMACS 6(3), 1996).
///
/// With h(x) = x^−s and H its integral, a point uniform in (H(1.5) − h(1), H(n + 0.5)] is inverted
/// to x and rounded to k; it is kept when it lies in the last h(k) of k's stretch, which happens
/// for more than 80% of the points at any s, and for nearly all at large k.
///
/// Points are not kept as H itself but in the form that loses no digits for the exponent at hand:
/// as x^(1−s) when s is clear of 1 (so that for s > 1 the far tail lies next to zero, where doubles
/// are finest), and as H by log1p and expm1 when it is near.
class Zipf {
 public:
  /// 1 ≤ n ≤ 2^53, s ≥ 0.
  Zipf(std::uint64_t n, double s);

  std::uint64_t rank(Rng& rng) const noexcept {
    for (;;) {
      // 63 bits: converted with full relative precision, so that small values stay fine-grained.
      const double u = static_cast<double>(static_cast<std::int64_t>(rng.next() >> 1)) * 0x1.0p-63;
      const double point = end_ + u * (begin_ - end_);
      const double x = std::min(invert(point), last_);
      // x is positive, and lround() is a call. NOLINTNEXTLINE(bugprone-incorrect-roundings)
      const auto k = std::max(static_cast<std::int64_t>(x + 0.5), std::int64_t{1});
      if (static_cast<double>(k) - x <= squeeze_ || accepts(point, static_cast<double>(k)))
        return static_cast<std::uint64_t>(k) - 1;
    }
  }

  /// P(rank); 0 beyond the last rank.
  double probability(std::uint64_t rank) const noexcept;
  /// Share of the draws that fall on the `ranks` hottest ranks.
  double shareOfHottest(std::uint64_t ranks) const noexcept;

 private:
  enum class Form : std::uint8_t { power, logarithm, nearOne };

  double forward(double x) const noexcept;  ///< x → point
  double invert(double point) const noexcept;
  double heightAt(double k) const noexcept;  ///< h(k), as a signed length among the points
  bool accepts(double point, double k) const noexcept;

  double s_;
  double q_;        ///< 1 − s
  double inverse_;  ///< 1 / q_
  Form form_;
  double last_;     ///< n
  double begin_;    ///< the point of rank 0's lower edge
  double end_;      ///< the point of n + 0.5
  double squeeze_;  ///< k − x up to which every point is accepted, whatever k
  double total_;    ///< the generalised harmonic number of (n, s)
};

/// The generalised harmonic number Σ k^−s over k = 1 … n, to about 1e-15 relative: the first terms
/// are summed, the rest comes from the Euler–Maclaurin formula (NIST DLMF, 2.10.1).
double harmonicNumber(std::uint64_t n, double s) noexcept;

}  // namespace redline
