#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace redline {

/// Fisher's exact test of a table of two by two, both sides: how often chance alone makes the
/// shares `some` of `of` and `others` of `ofOthers` differ by as much or more. Supposes that each
/// counts by itself, which the intervals of one burst do not.
double fisherExact(unsigned some, unsigned of, unsigned others, unsigned ofOthers);

/// How likely chance alone makes shares as different between conditions as they are.
struct ShareTest {
  double chance = 1;       ///< P, 0…1
  double leastChance = 1;  ///< the smallest P that so few blocks can give: 1 / (k!)^(n−1)

  bool differ(double level = 0.05) const { return chance <= level; }
  /// False where no result could have been significant.
  bool canTell(double level = 0.05) const { return leastChance <= level; }
};

/// Whether the conditions of a randomised block design lost different shares of their intervals.
/// `blocks`: of each block, the share of each condition; all of the same length. The order within a
/// block was drawn at random, so under "the treatment does nothing to it" any order would have been
/// as likely: the test exchanges conditions within blocks (Fisher's randomisation test), 4,000
/// times from `seed`. Bursts that hit neighbouring intervals together do not deceive it.
ShareTest testShares(const std::vector<std::vector<double>>& blocks, std::uint64_t seed = 1);

}  // namespace redline
