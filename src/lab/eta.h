#pragma once

#include <algorithm>

namespace redline {

/// How much longer, from how long the runs before took against what was expected of them.
class Eta {
 public:
  explicit Eta(double expected) : left_(expected) {}
  void finished(double expected, double took) {
    left_ = std::max(0.0, left_ - expected);
    expectedDone_ += expected;
    took_ += took;
  }
  void keptWithoutRunning(double expected) { left_ = std::max(0.0, left_ - expected); }
  double seconds() const {
    const double pace = expectedDone_ > 1 ? std::clamp(took_ / expectedDone_, 0.5, 5.0) : 1;
    return left_ * pace;
  }

 private:
  double left_;
  double expectedDone_ = 0, took_ = 0;
};

}  // namespace redline
