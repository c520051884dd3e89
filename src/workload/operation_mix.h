#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/rng.h"

namespace redline {

/// Reads or writes: one Bernoulli draw for each operation, exact at 0 and at 1.
class Mix {
 public:
  /// `readShare`: 0 … 1.
  explicit Mix(double readShare) noexcept
      : threshold_(
            static_cast<std::uint64_t>(std::llround(std::clamp(readShare, 0.0, 1.0) * 0x1.0p53))) {}

  bool isWrite(Rng& rng) const noexcept { return rng.next() >> 11 >= threshold_; }

 private:
  std::uint64_t threshold_;  ///< in 2^−53; a draw below it is a read
};

}  // namespace redline
