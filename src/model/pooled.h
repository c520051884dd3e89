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
class Pooled {
 public:
  /// `conditions`: the values of each. Values that are not positive are left out.
  explicit Pooled(const std::vector<std::vector<double>>& conditions, double confidence = 0.95);

  /// Geometric mean of a condition; the interval is Student's t with the pooled spread. Without an
  /// interval where no condition was measured twice; count 0 where it was not measured.
  Estimate of(std::size_t condition) const;
  /// of(other) ÷ of(base), by the same spread.
  Estimate ratio(std::size_t base, std::size_t other) const;

  double degrees() const { return degrees_; }  ///< of freedom
  /// Relative standard deviation of one measurement, 0.03 for 3%; 0 when not known.
  double relativeSpread() const;

 private:
  Estimate around(double logValue, double errorInUnits, std::size_t count) const;

  struct Condition {
    double meanLog = 0;
    std::size_t count = 0;
  };
  std::vector<Condition> conditions_;
  double degrees_ = 0;
  double spread_ = 0;  ///< standard deviation of the logarithms
  double confidence_;
};

}  // namespace redline
