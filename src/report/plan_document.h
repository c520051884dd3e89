#pragma once

#include <filesystem>

#include "base/result.h"
#include "plan/coefficients.h"
#include "plan/sizing.h"
#include "report/document.h"

namespace redline {

/// A plan as a page: the answer, memory, speed, hit rate, cliffs, the loss of a node, the range of
/// sizes, and each coefficient with its interval and source.
Document planDocument(const SizingPlan& plan, const Coefficients& coefficients);
/// The coefficients alone.
Table coefficientTable(const Coefficients& coefficients);

struct PlanFiles {
  std::filesystem::path html, note, json;
};
/// Writes plan.html, PLAN.md, plots/*.svg and plan.json into `out`, which is created.
Result<PlanFiles> writePlan(const SizingPlan& plan, const Coefficients& coefficients,
                            const std::filesystem::path& out);

}  // namespace redline
