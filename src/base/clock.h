#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>

namespace redline {

/// A point on the run's monotonic clock, or a span of it, in nanoseconds.
using Nanos = std::int64_t;

inline constexpr Nanos kMicrosecond = 1'000;
inline constexpr Nanos kMillisecond = 1'000'000;
inline constexpr Nanos kSecond = 1'000'000'000;

constexpr double toSeconds(Nanos span) noexcept {
  return static_cast<double>(span) / static_cast<double>(kSecond);
}
constexpr double toMicros(Nanos span) noexcept {
  return static_cast<double>(span) / static_cast<double>(kMicrosecond);
}
/// The nearest nanosecond; `seconds` is finite.
inline Nanos fromSeconds(double seconds) noexcept {
  return std::llround(seconds * static_cast<double>(kSecond));
}
/// The nearest nanosecond; `micros` is finite.
inline Nanos fromMicros(double micros) noexcept {
  return std::llround(micros * static_cast<double>(kMicrosecond));
}

/// `a` + `b`, or the end of Nanos that it passes.
constexpr Nanos saturatedSum(Nanos a, Nanos b) noexcept {
  Nanos sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a < 0 ? std::numeric_limits<Nanos>::min() : std::numeric_limits<Nanos>::max();
}
/// `count` of `unit`, a positive one, or the end of Nanos that they pass: for a number that
/// somebody else wrote.
constexpr Nanos saturated(std::int64_t count, Nanos unit) noexcept {
  Nanos product = 0;
  if (!__builtin_mul_overflow(count, unit, &product)) return product;
  return count < 0 ? std::numeric_limits<Nanos>::min() : std::numeric_limits<Nanos>::max();
}

/// The source of time. Code that depends on time takes a Clock, or a `now`, so that tests can set
/// it.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Monotonic; never decreases. The zero point is arbitrary and the same for the whole process.
  virtual Nanos now() const noexcept = 0;
};

/// CLOCK_MONOTONIC.
class SteadyClock final : public Clock {
 public:
  Nanos now() const noexcept override { return read(); }
  static Nanos read() noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

/// A clock that moves only when set.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Nanos start = 0) : now_(start) {}
  Nanos now() const noexcept override { return now_; }
  void advance(Nanos span) noexcept { now_ += span; }
  void set(Nanos now) noexcept { now_ = now; }

 private:
  Nanos now_;
};

/// Wall-clock time, nanoseconds since 1970-01-01 UTC.
inline Nanos wallNow() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace redline
