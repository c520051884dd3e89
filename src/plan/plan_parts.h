#pragma once

#include <vector>

#include "plan/sizing.h"

namespace redline {

// The parts of a plan, each from a layout that has been found. In files of their own.

/// At growths from 1 to 1000. Sorted.
std::vector<double> plannedGrowths();
std::vector<PlannedCliff> cliffsOf(const SizingRequest& request, const Coefficients& coefficients,
                                   const Sizing& sizing, const std::vector<double>& growths);
std::vector<NodeLoss> lossesOf(const SizingRequest& request, const Coefficients& coefficients,
                               const Sizing& sizing);
/// For a request without a layout.
std::vector<Remedy> remediesOf(const SizingRequest& request, const Coefficients& coefficients);
std::vector<RangeRow> rangeOf(const SizingRequest& request, const Coefficients& coefficients);

}  // namespace redline
