#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/statistics.h"
#include "report/compared_side.h"
#include "report/metric.h"

namespace redline {

/// Where the intervals of a comparison come from.
enum class Evidence {
  repeats,  ///< both sides have several runs
  blocks,   ///< one run each, cut into blocks: blind to what changes from run to run
  none,     ///< one run against several, or runs too short
};

struct ComparedMetric {
  Metric metric;
  Estimate a, b;
  bool aIsLowerBound = false, bIsLowerBound = false;
  /// b ÷ a, or b − a where metric.byDifference().
  Estimate change;
  Difference verdict = Difference::inconclusive;
};

struct FlagDifference {
  std::string flag, a, b;
};

struct Comparison {
  std::string aName, bName;
  std::size_t aRuns = 0, bRuns = 0;
  Evidence evidence = Evidence::none;
  double margin = 0;  ///< relative: a smaller difference does not matter
  std::vector<ComparedMetric> metrics;
  std::vector<FlagDifference> flags;  ///< that the sides differ in; each value as its runs have it
  std::vector<std::string> invalid;   ///< which runs are invalid, and why
  std::vector<std::string> warnings;  ///< what makes the two hard to compare

  const ComparedMetric* find(std::string_view metric) const;
};

/// Differences of shares (a hit rate) below this do not matter: one percentage point.
inline constexpr double kShareMargin = 0.01;

/// `margin`: the relative difference that would matter (0.05). Metrics that neither side has are
/// left out.
Comparison compare(const ComparedSide& a, const ComparedSide& b, const std::vector<Metric>& metrics,
                   double margin);

}  // namespace redline
