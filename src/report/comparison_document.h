#pragma once

#include <string>
#include <vector>

#include "report/comparison.h"
#include "report/document.h"
#include "report/fail_conditions.h"

namespace redline {

/// "p99 1.21 ms → 1.38 ms, +14% [+6%, +23%]".
std::string changeSentence(const ComparedMetric& row);

/// The whole comparison.
Blocks comparisonBlocks(const Comparison& comparison,
                        const std::vector<ConditionOutcome>& conditions);

/// The same as JSON; figures in the units of summary.json.
std::string comparisonJson(const Comparison& comparison,
                           const std::vector<ConditionOutcome>& conditions);

}  // namespace redline
