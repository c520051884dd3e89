#include "schedule/schedule.h"

#include <random>

namespace redline {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kStream =
    0x6172726976616c73ULL;  // "arrivals": apart from the draws of keys

/// A gap of numerator / divisor nanoseconds.
struct Ratio {
  Wide numerator;
  std::uint64_t divisor;
};

/// 1e9 / rate, exactly: a double is a whole number times a power of two.
Ratio gapOf(double rate) {
  int exponent = 0;
  const double mantissa = std::frexp(rate, &exponent);
  auto divisor = static_cast<std::uint64_t>(std::ldexp(mantissa, 53));
  exponent -= 53;
  while (exponent < 0 && divisor % 2 == 0) {
    divisor /= 2;
    ++exponent;
  }
  if (exponent >= 0) return {kSecond, divisor << exponent};
  return {static_cast<Wide>(kSecond) << -exponent, divisor};
}

}  // namespace

Schedule::Schedule(Arrivals arrivals, unsigned worker, unsigned workers) noexcept
    : arrivals_(arrivals), index_(worker), workers_(workers) {}

Schedule Schedule::constant(Nanos start, double rate, unsigned worker, unsigned workers) {
  const Ratio gap = gapOf(rate);
  const Wide first = gap.numerator * worker;
  const Wide step = gap.numerator * workers;
  Schedule schedule(Arrivals::constant, worker, workers);
  schedule.divisor_ = gap.divisor;
  schedule.due_ = start + static_cast<Nanos>(first / gap.divisor);
  schedule.remainder_ = static_cast<std::uint64_t>(first % gap.divisor);
  schedule.stepWhole_ = static_cast<Nanos>(step / gap.divisor);
  schedule.stepRemainder_ = static_cast<std::uint64_t>(step % gap.divisor);
  return schedule;
}

Schedule Schedule::poisson(Nanos start, double rate, unsigned worker, unsigned workers,
                           std::uint64_t seed) {
  Schedule schedule(Arrivals::poisson, worker, workers);
  schedule.due_ = start;
  schedule.meanGap_ = 1e9 * workers / rate;
  schedule.rng_ = Rng(seed ^ kStream, worker);
  schedule.stepPoisson();
  return schedule;
}

Schedule Schedule::closed(unsigned worker, unsigned workers) {
  return {Arrivals::closed, worker, workers};
}

std::uint64_t Schedule::takeUntil(Nanos t) {
  if (arrivals_ == Arrivals::closed || t <= due_) return 0;
  return arrivals_ == Arrivals::constant ? takeConstant(t) : takePoisson(t);
}

std::uint64_t Schedule::takeConstant(Nanos t) noexcept {
  // The i-th from here is due before t iff remainder + i · step < (t − due) · divisor, all in units
  // of 1 / divisor ns: count the i for which that holds.
  const Wide span = static_cast<Wide>(t - due_) * divisor_ - remainder_;
  const Wide step = static_cast<Wide>(stepWhole_) * divisor_ + stepRemainder_;
  const Wide taken = (span + step - 1) / step;
  const Wide passed = remainder_ + taken * step;
  due_ += static_cast<Nanos>(passed / divisor_);
  remainder_ = static_cast<std::uint64_t>(passed % divisor_);
  const auto count = static_cast<std::uint64_t>(taken);
  index_ += count * workers_;
  return count;
}

std::uint64_t Schedule::takePoisson(Nanos t) {
  std::uint64_t taken = 0;
  const double expected = static_cast<double>(t - due_) / meanGap_;
  if (expected <= kCounted) {
    for (; due_ < t; ++taken) advance();
    return taken;
  }
  // The one that is next, and those after it. The process has no memory: from t on it restarts.
  taken = 1 + static_cast<std::uint64_t>(std::poisson_distribution<std::int64_t>(expected)(rng_));
  index_ += taken * workers_;
  due_ = t;
  fraction_ = 0;
  stepPoisson();
  return taken;
}

}  // namespace redline
