#pragma once

#include <algorithm>

#include "base/clock.h"

namespace redline {

/// When to try again what has failed: after 20 ms, and after twice as long each time, up to 1 s.
class BackOff {
 public:
  static constexpr Nanos kFirst = 20 * kMillisecond, kLongest = kSecond;

  void failed(Nanos now) noexcept {
    next_ = now + wait_;
    wait_ = std::min(kLongest, 2 * wait_);
  }
  void succeeded() noexcept { *this = {}; }
  bool mayTry(Nanos now) const noexcept { return now >= next_; }
  Nanos next() const noexcept { return next_; }

 private:
  Nanos wait_ = kFirst;
  Nanos next_ = 0;
};

}  // namespace redline
