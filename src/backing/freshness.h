#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/clock.h"
#include "base/rng.h"

namespace redline {

/// How long it takes to make a cached value again, as an exponentially weighted mean of what it
/// took lately (each at 1/8).
class RecomputeTime {
 public:
  /// Until the first observation.
  static constexpr Nanos kUnknown = kMillisecond;

  void observe(Nanos took) noexcept {
    took = std::max<Nanos>(took, 0);
    mean_ = seen_ ? mean_ + (took - mean_) / 8 : took;
    seen_ = true;
  }
  Nanos get() const noexcept { return mean_; }

 private:
  Nanos mean_ = kUnknown;
  bool seen_ = false;
};

/// What a read that has found a value does about the value's age.
enum class Refresh : std::uint8_t {
  none,
  early,  ///< not expired, and refreshed in time by the draw of -early-refresh
  stale,  ///< past its logical expiry, and served all the same
};

/// When a cached value is refreshed although it was found. Pure.
///
/// **Stale while refresh.** A key is kept `staleWindow` beyond its time to live: refills and writes
/// set time to live + window. A value whose remaining time is the window or less is past its
/// logical expiry.
///
/// **Early refresh** (XFetch: A. Vattani, F. Chierichetti and K. Lowenstein, "Optimal Probabilistic
/// Cache Stampede Prevention", PVLDB 8(8), 2015). A read refreshes the key when
/// now − delta · beta · ln(u) ≥ expiry, with u uniform in (0, 1] and delta the time that a
/// recompute takes. It does not know of other reads, so several may refresh at once; beta > 1
/// refreshes earlier.
struct FreshnessRule {
  double beta = 0;        ///< 0: no early refresh
  Nanos staleWindow = 0;  ///< 0: nothing is served past its expiry

  bool isUsed() const noexcept { return beta > 0 || staleWindow > 0; }

  /// `left`: until Redis deletes the key.
  Refresh judge(Nanos left, Nanos delta, Rng& rng) const noexcept {
    const Nanos fresh = left - staleWindow;
    if (staleWindow > 0 && fresh <= 0) return Refresh::stale;
    if (beta > 0 && lead(delta, rng.unitPositive()) >= static_cast<double>(fresh))
      return Refresh::early;
    return Refresh::none;
  }

  /// How long before its expiry a read refreshes, in nanoseconds: −delta · beta · ln(u).
  double lead(Nanos delta, double u) const noexcept {
    return -static_cast<double>(delta) * beta * std::log(u);
  }
};

}  // namespace redline
