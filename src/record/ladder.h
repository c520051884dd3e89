#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "record/histogram.h"

namespace redline {

/// The upper bounds (`le`) of every latency histogram on /metrics, ascending: 1, 2 and 5 µs, then
/// 1, 1.5, 2, 3 and 5 in each decade from 10 µs to 5 s, then 10, 20 and 60 s. Neighbours lie at
/// most a factor of 2 apart, which is what histogram_quantile() can be wrong by. Fixed, so that
/// runs can be added up and compared. (7 is left out because the serializer writes it
/// as 6.999999999999999.)
inline constexpr std::array<Nanos, 36> kLadder = [] {
  std::array<Nanos, 36> bounds{};
  std::size_t n = 0;
  for (const Nanos micros : {1, 2, 5}) bounds[n++] = micros * kMicrosecond;
  for (Nanos decade = 10 * kMicrosecond; decade <= kSecond; decade *= 10)
    for (const Nanos tenths : {10, 15, 20, 30, 50}) bounds[n++] = decade * tenths / 10;
  for (const Nanos seconds : {10, 20, 60}) bounds[n++] = seconds * kSecond;
  return bounds;
}();

/// A latency distribution on the ladder: what a Histogram becomes for Prometheus.
class LadderCounts {
 public:
  /// Adds every record of `histogram`. A record belongs to the first bound whose slot is not below
  /// its own, as Histogram::countAtOrBelow has it: a record less than 0.1% above a bound may count
  /// as at it.
  void add(const Histogram& histogram);

  /// Adds one record.
  void record(Nanos value);
  void add(const LadderCounts& other);
  void reset() { *this = {}; }

  /// Records at or below kLadder[bound].
  std::uint64_t atOrBelow(std::size_t bound) const;
  std::uint64_t count() const;
  /// Sum of all records; of a histogram's, from the middle of each one's slot (within 0.05%).
  double sumSeconds() const { return sumSeconds_; }

 private:
  std::array<std::uint64_t, kLadder.size() + 1> counts_{};  ///< the last: beyond every bound
  double sumSeconds_ = 0;
};

}  // namespace redline
