#pragma once

#include <algorithm>

#include "base/clock.h"

namespace redline {

/// Admission control by a token bucket: at most `rate` requests/s are admitted, with bursts of up
/// to 10 ms' worth (at least one); the others are to be shed at once. For one thread; time comes
/// from the caller and never decreases.
class Admission {
 public:
  /// `rate` ≥ 0, requests/s; 0 admits all.
  explicit Admission(double rate) noexcept
      : rate_(rate), most_(std::max(1.0, rate / 100)), tokens_(most_) {}

  bool admit(Nanos now) noexcept {
    if (rate_ == 0) return true;
    if (now > filledAt_) {
      tokens_ = std::min(most_, tokens_ + toSeconds(now - filledAt_) * rate_);
      filledAt_ = now;
    }
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double rate_, most_, tokens_;
  Nanos filledAt_ = 0;
};

}  // namespace redline
