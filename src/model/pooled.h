#pragma once

#include <cstddef>
#include <vector>

#include "model/statistics.h"

namespace redline {

/// Several conditions, each measured a few times, judged by one spread.
///
/// Two or three repeats say little about their own scatter: Student's t for one degree of freedom
/// is 12.7. Where the conditions of an experiment scatter alike in relative terms (rates and
/// latencies on one machine in one hour do, roughly), their logarithms' variance may be pooled, as
/// in a one-way analysis of variance: six conditions measured twice give six degrees of freedom.
///
/// A condition that scatters more than the others, by Cochran's test of the largest variance at 1%,
/// would lend them a scatter that they do not have, and borrow theirs. It is set apart and judged
/// by its own repeats, where it has three and the others four degrees of freedom. Several may be,
/// half of the conditions at the most: as in Rosner's procedure for outliers, each is tested
/// against those that scatter less, so that two do not hide each other.
class Pooled {
 public:
  /// `conditions`: the values of each. Values that are not positive are left out.
  explicit Pooled(const std::vector<std::vector<double>>& conditions, double confidence = 0.95);

  /// Geometric mean of a condition; the interval is Student's t with the pooled spread, or with its
  /// own where it is set apart. Without an interval where no condition was measured twice; count 0
  /// where it was not measured.
  Estimate of(std::size_t condition) const;
  /// of(other) ÷ of(base), by the same spread; by Welch's t where one of them is set apart.
  Estimate ratio(std::size_t base, std::size_t other) const;

  double degrees() const { return degrees_; }  ///< of freedom, of the pooled spread
  /// Relative standard deviation of one measurement, 0.03 for 3%; 0 when not known.
  double relativeSpread() const;
  bool isApart(std::size_t condition) const { return conditions_.at(condition).isApart; }

 private:
  struct Condition {
    double meanLog = 0;
    std::size_t count = 0;
    double squares = 0;  ///< of the logarithms, around their mean
    bool isApart = false;

    double degrees() const { return count > 1 ? static_cast<double>(count - 1) : 0; }
    double variance() const { return degrees() > 0 ? squares / degrees() : 0; }
  };
  /// The variance of a condition's mean, and what it is known by.
  struct Error {
    double variance = 0, degrees = 0;
  };

  void setApart();
  void pool();
  Error errorOf(const Condition& condition) const;
  Estimate around(double logValue, Error error, std::size_t count, IntervalMethod method) const;

  std::vector<Condition> conditions_;
  double degrees_ = 0;
  double variance_ = 0;  ///< of the logarithms
  double confidence_;
};

}  // namespace redline
