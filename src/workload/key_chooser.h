#pragma once

#include <cstdint>

#include "base/rng.h"
#include "workload/distribution.h"
#include "workload/scatter.h"

namespace redline {

/// Draws the key ids that a workload touches. `seed` (the data set's) decides which ids are hot;
/// the caller's Rng (the run's, one stream for each worker) decides the order of the draws.
class KeyChooser {
 public:
  /// 1 ≤ keys ≤ 2^53; `s` ≥ 0 is read for zipfian alone.
  KeyChooser(Distribution kind, double s, std::uint64_t keys, std::uint64_t seed)
      : kind_(kind), uniform_(keys), zipf_(keys, s), scatter_(keys, seed) {}

  std::uint64_t draw(Rng& rng) const noexcept {
    if (kind_ == Distribution::uniform) return uniform_.rank(rng);
    return scatter_.idOf(zipf_.rank(rng));
  }

  /// The id at a popularity rank (0 = hottest). Under `uniform` no id is hotter than another, and
  /// this is merely a fixed order of them.
  std::uint64_t hottest(std::uint64_t rank) const noexcept { return scatter_.idOf(rank); }
  std::uint64_t rankOf(std::uint64_t id) const noexcept { return scatter_.rankOf(id); }

  /// Probability that one draw gives the id at this rank.
  double probability(std::uint64_t rank) const noexcept {
    return kind_ == Distribution::uniform ? uniform_.probability(rank) : zipf_.probability(rank);
  }

 private:
  Distribution kind_;
  Uniform uniform_;
  Zipf zipf_;
  Scatter scatter_;
};

}  // namespace redline
