#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/clock.h"

namespace redline {

/// Who finds the lock taken reads the cache again after this: 1, 2, 4, 8, 8 … ms, or every 200th of
/// the time limit where that is longer. `waits`: how often it has waited.
constexpr Nanos lockRetryDelay(unsigned waits, Nanos limit) noexcept {
  constexpr Nanos kLongest = 8 * kMillisecond;
  const Nanos doubled = kMillisecond << std::min(waits, 20U);
  return std::min(doubled, std::max(kLongest, limit / 200));
}

/// How often it waits until the delays add up to the limit; 254 at most.
constexpr std::uint8_t lockPatience(Nanos limit) noexcept {
  Nanos waited = 0;
  unsigned waits = 0;
  while (waited < limit && waits < std::numeric_limits<std::uint8_t>::max() - 1U)
    waited += lockRetryDelay(waits++, limit);
  return static_cast<std::uint8_t>(waits);
}

}  // namespace redline
