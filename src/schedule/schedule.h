#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "base/clock.h"
#include "base/rng.h"

namespace redline {

/// How operations arrive.
enum class Arrivals : std::uint8_t {
  constant,  ///< evenly spaced
  poisson,   ///< independent exponential gaps
  closed,    ///< as fast as replies allow
};

/// One worker's intended send times, fixed independently of the server's replies. Worker w of W
/// owns the run's operations n ≡ w (mod W), which it takes in order.
///
/// Constant: operation n is due at start + ⌊n · 1e9 / rate⌋ ns. The rate, as the double it is, is a
/// ratio of whole numbers, and the schedule advances in that ratio: exact without limit, whatever
/// the number of workers. Poisson: each worker is an independent stream of rate / W, which together
/// are one Poisson process of the rate; the fraction of a nanosecond that each gap leaves is
/// carried over.
class Schedule {
 public:
  /// `rate`: operations/s of all workers together, 1e-6 … 1e12. worker < workers ≤ 4096.
  static Schedule constant(Nanos start, double rate, unsigned worker, unsigned workers);
  /// As constant(); the same seed for all workers, `worker` distinguishes their streams.
  static Schedule poisson(Nanos start, double rate, unsigned worker, unsigned workers,
                          std::uint64_t seed);
  static Schedule closed(unsigned worker = 0, unsigned workers = 1);

  Arrivals arrivals() const noexcept { return arrivals_; }
  /// When this worker's next operation is due; in the closed model always: the smallest Nanos.
  Nanos due() const noexcept { return due_; }
  /// The run-wide number n of that operation.
  std::uint64_t index() const noexcept { return index_; }

  /// Takes that operation and advances to the next.
  void advance() noexcept {
    index_ += workers_;
    if (arrivals_ == Arrivals::constant) {
      due_ += stepWhole_;
      remainder_ += stepRemainder_;
      if (remainder_ >= divisor_) {
        remainder_ -= divisor_;
        ++due_;
      }
    } else if (arrivals_ == Arrivals::poisson) {
      stepPoisson();
    }
  }

  /// Takes all of this worker's operations that are due before `t`, and says how many those were:
  /// its backlog at t. For constant arrivals as many advance()s would have come to the same, but
  /// this takes constant time. For Poisson arrivals too while about kCounted or fewer are expected;
  /// of more, the number is drawn from the Poisson distribution that it has, so it is not the one
  /// that advance()s would have found, and what follows is as independent of it as ever. The closed
  /// model has no backlog: 0.
  std::uint64_t takeUntil(Nanos t);
  static constexpr double kCounted = 4096;

 private:
  Schedule(Arrivals arrivals, unsigned worker, unsigned workers) noexcept;
  std::uint64_t takeConstant(Nanos t) noexcept;
  std::uint64_t takePoisson(Nanos t);
  void stepPoisson() noexcept {
    fraction_ += -std::log(rng_.unitPositive()) * meanGap_;
    const auto whole = static_cast<Nanos>(fraction_);
    fraction_ -= static_cast<double>(whole);
    due_ += whole;
  }

  Arrivals arrivals_;
  Nanos due_ = std::numeric_limits<Nanos>::min();
  std::uint64_t index_;
  std::uint64_t workers_;

  // Constant: the gap between two of this worker's operations is stepWhole_ + stepRemainder_ /
  // divisor_ ns, and the next is due at exactly due_ + remainder_ / divisor_.
  Nanos stepWhole_ = 0;
  std::uint64_t stepRemainder_ = 0;
  std::uint64_t remainder_ = 0;
  std::uint64_t divisor_ = 1;

  // Poisson: the next is due at due_ + fraction_.
  double meanGap_ = 0;  ///< ns
  double fraction_ = 0;
  Rng rng_{0};
};

}  // namespace redline
