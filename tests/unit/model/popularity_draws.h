#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/rng.h"

namespace redline {

/// Zipf draws by inverting the summed probabilities: slow to set up, and independent of the
/// generator that redline uses.
class Draws {
 public:
  Draws(std::size_t keys, double s) : sums_(keys) {
    double sum = 0;
    for (std::size_t k = 0; k < keys; ++k) sums_[k] = sum += std::pow(double(k + 1), -s);
  }
  std::uint64_t operator()(Rng& rng) const {
    const auto at = std::ranges::upper_bound(sums_, rng.unit() * sums_.back());
    return std::min(static_cast<std::uint64_t>(at - sums_.begin()), sums_.size() - 1);
  }

 private:
  std::vector<double> sums_;
};

}  // namespace redline
