#pragma once

#include <vector>

#include "plan/sizing.h"

namespace redline {

// The parts of a plan, each from a layout that has been found. In files of their own.

/// At growths from 1 to 1000. Sorted.
std::vector<double> plannedGrowths();
std::vector<PlannedCliff> cliffsOf(const SizingRequest& request, const Coefficients& coefficients,
                                   const Sizing& sizing, const std::vector<double>& growths);
/// Reads of the store a second by the shards that are left when one of `shards` is lost: the usual
/// misses of that one are among what is then read again.
inline double readsOfOtherShards(const ShardLoad& load, double shards) {
  return load.storeReads * (1 - 1 / shards);
}
std::vector<NodeLoss> lossesOf(const SizingRequest& request, const Coefficients& coefficients,
                               const Sizing& sizing);
/// For a request without a layout.
std::vector<Remedy> remediesOf(const SizingRequest& request, const Coefficients& coefficients);
std::vector<RangeRow> rangeOf(const SizingRequest& request, const Coefficients& coefficients);

}  // namespace redline
