#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/comparison.h"

namespace redline {

/// One condition of -fail-if: a metric, a comparison, and against what.
///
///     p99>+10%        B's p99 is more than 10% above A's
///     achieved<-5%    B achieved more than 5% less
///     p99>+200us      B's p99 is more than 200 µs above A's
///     p99>5ms         B's p99 is above 5 ms, whatever A's is
///     hit_rate<99%    B's hit rate is below 99%
///
/// With a sign the value is a change from A (a ratio with %, else a difference), without one a
/// limit for B.
struct FailCondition {
  enum class Against { limit, ratio, difference };
  std::string text;  ///< as written
  Metric metric;
  bool above = true;  ///< > or >=; else < or <=
  bool orEqual = false;
  Against against = Against::limit;
  double value = 0;  ///< in the metric's unit; of a ratio 1.1 for +10%
};

/// Several, separated by commas or semicolons. usage, with what would be right.
Result<std::vector<FailCondition>> parseFailConditions(std::string_view text);

struct ConditionOutcome {
  enum class State {
    holds,       ///< the comparison failed
    not_,        ///< it did not
    undecided,   ///< the figures are beyond the value, but may be so by chance
    unmeasured,  ///< one side has no such figure
  };
  FailCondition condition;
  State state = State::not_;
  std::string why;  ///< a sentence with the figures
};

/// A change from A counts only if the interval leaves "no change" out; without an interval, and
/// against a limit, the figures alone decide. The metric must be among the comparison's.
ConditionOutcome judgeCondition(const FailCondition& condition, const Comparison& comparison);

}  // namespace redline
