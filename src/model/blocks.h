#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "model/statistics.h"

namespace redline {

// The design of a measurement in randomised complete blocks: every block has each condition once,
// in an order of its own that chance decides, so that neither drift nor a neighbour's rhythm
// favours one.

/// The order in which block number `block` measures `conditions` conditions: their numbers,
/// shuffled from `seed`. The same for the same arguments, on every machine.
std::vector<std::size_t> blockOrder(std::size_t conditions, std::uint64_t seed,
                                    std::uint64_t block);

/// When a measurement may end before its budget is spent.
struct Precision {
  double halfWidth = 0.10;  ///< of an interval, as a factor: 0.10 is a tenth up or down
  std::size_t least = 6;    ///< values before any interval counts: fewer reach no 95%
};
inline constexpr Precision kLevelPrecision{.halfWidth = 0.10};
inline constexpr Precision kRatioPrecision{.halfWidth = 0.20};

/// Half the width of an interval of a positive figure, as a factor less 1: 0.1 for ÷1.1 … ×1.1.
/// Infinite where there is no interval or it reaches 0.
double factorHalfWidth(const Estimate& estimate);
/// Whether the interval is narrow enough to stop.
bool isPrecise(const Estimate& estimate, const Precision& wanted);

enum class Stop : std::uint8_t {
  precision,  ///< every interval was narrow enough
  budget,     ///< all blocks were measured, and some interval is wider
};
/// "precision reached", "budget spent".
std::string_view stopName(Stop stop);

/// Which intervals of a run had their cores, when `foreign` says what others took in each of them
/// (a share of the core, or the time that it was gone) and more than `tolerable` is too much. An
/// interval after a disturbed one is left out as well: it serves the queue that the burst left. One
/// that is not known (not a number) counts as disturbed.
std::vector<bool> undisturbed(std::span<const double> foreign, double tolerable);

}  // namespace redline
