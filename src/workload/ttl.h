#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "base/rng.h"

namespace redline {

/// Which ids expire, and after how long: a pure function of (seed, id), so that a loader and a
/// driver that know the same flags agree without a table.
class Ttls {
 public:
  /// A share `fraction` (0 … 1) of the ids has a TTL uniform in [min, max], in whole milliseconds
  /// (min is rounded up, max down, neither below 1 ms).
  Ttls(std::uint64_t seed, double fraction, Nanos min, Nanos max) noexcept
      : key_(mix64(seed ^ kStream)),
        threshold_(static_cast<std::uint64_t>(std::clamp(fraction, 0.0, 1.0) * 0x1.0p53)),
        shortest_(std::max<std::int64_t>(1, (min + kMillisecond - 1) / kMillisecond)),
        choices_(static_cast<std::uint64_t>(
            std::max<std::int64_t>(1, max / kMillisecond - shortest_ + 1))) {}

  /// Milliseconds to live from the moment of loading; 0 = never expires.
  std::int64_t ttlMillisOf(std::uint64_t id) const noexcept {
    const std::uint64_t first = mix64(key_ ^ id);
    if (first >> 11 >= threshold_) return 0;
    const Wide product = static_cast<Wide>(mix64(first)) * choices_;
    return shortest_ + static_cast<std::int64_t>(product >> 64);
  }

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr std::uint64_t kStream = 0x74746cULL;  // "ttl": apart from other uses of the seed

  std::uint64_t key_;
  std::uint64_t threshold_;  ///< in 2^−53
  std::int64_t shortest_;    ///< milliseconds
  std::uint64_t choices_;
};

}  // namespace redline
