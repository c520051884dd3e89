#pragma once

#include <string>

#include "plan/coefficients.h"
#include "plan/sizing.h"

namespace redline {

/// The plan for programs: request, coefficients with their sources, and every result. Infinite and
/// unknown figures are null. Sizes in bytes, times in seconds unless a name says more.
std::string planJson(const SizingPlan& plan, const Coefficients& coefficients);

}  // namespace redline
