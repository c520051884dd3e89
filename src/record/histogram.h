#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"

namespace redline {

/// A high-dynamic-range histogram of nanoseconds, bucket for bucket that of HdrHistogram
/// (Tene, hdrhistogram.org) with lowestDiscernibleValue 1 ns and 3 significant digits, so that an
/// encoded copy gives other people's readers the same counts and the same percentiles.
///
/// Range [0, kHighest] (about 73 minutes): smaller values count as 0, larger ones as kHighest, and
/// `clamped()` says how many. Relative error of any value read back: < 0.1%. Not thread-safe: one
/// writer; merged elsewhere.
class Histogram {
 public:
  static constexpr int kSubBucketBits = 11;  ///< 2048 sub-buckets: 3 significant digits
  static constexpr std::size_t kSubBuckets = std::size_t{1} << kSubBucketBits;
  static constexpr std::size_t kHalf = kSubBuckets / 2;
  static constexpr int kBuckets = 32;
  static constexpr std::size_t kSlots = (kBuckets + 1) * kHalf;
  static constexpr Nanos kHighest = (Nanos{1} << (kSubBucketBits + kBuckets - 1)) - 1;

  Histogram() : counts_(kSlots) {}

  /// About 2 ns: one index computation and one increment.
  void record(Nanos value, std::uint64_t times = 1) noexcept {
    if (value < 0) value = 0;
    if (value > kHighest) {
      value = kHighest;
      clamped_ += times;
    }
    counts_[slotOf(value)] += times;
    count_ += times;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }

  /// Adds every count of `other`.
  void add(const Histogram& other) noexcept;
  /// Forgets everything; costs only the slots in use.
  void reset() noexcept;

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t clamped() const noexcept { return clamped_; }
  /// Exact smallest and largest recorded value; 0 when empty.
  Nanos min() const noexcept { return count_ == 0 ? 0 : min_; }
  Nanos max() const noexcept { return count_ == 0 ? 0 : max_; }
  /// Mean of the slots' middle values; 0 when empty.
  double mean() const noexcept;
  double stdDeviation() const noexcept;
  /// The value at or below which a share `q` (0…1) of the records lie: the highest value equivalent
  /// to that record's, as HdrHistogram's getValueAtPercentile. 0 when empty.
  Nanos quantile(double q) const noexcept;
  /// quantile() of each of `qs`, which ascend, into `values`, which has as many places: one walk
  /// over the slots for all of them.
  void quantiles(std::span<const double> qs, std::span<Nanos> values) const noexcept;
  /// How many records have a value in a slot at or below `value`'s.
  std::uint64_t countAtOrBelow(Nanos value) const noexcept;

  /// Slot arithmetic, public for the encoder and the tests. `value` in [0, kHighest].
  static std::size_t slotOf(Nanos value) noexcept {
    const auto v = static_cast<std::uint64_t>(value);
    const int bucket = static_cast<int>(std::bit_width(v | (kSubBuckets - 1))) - kSubBucketBits;
    return (static_cast<std::size_t>(bucket) << (kSubBucketBits - 1)) +
           static_cast<std::size_t>(v >> bucket);
  }
  static Nanos lowestOf(std::size_t slot) noexcept;
  static Nanos highestOf(std::size_t slot) noexcept;
  static Nanos middleOf(std::size_t slot) noexcept;
  std::uint64_t countAt(std::size_t slot) const noexcept { return counts_[slot]; }
  /// Calls `visit(slot, count)` for each slot in use, in ascending order.
  template <typename Visit>
  void forEach(Visit&& visit) const {
    if (count_ == 0) return;
    for (std::size_t slot = slotOf(min_), last = slotOf(max_); slot <= last; ++slot)
      if (counts_[slot] != 0) visit(slot, counts_[slot]);
  }

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t clamped_ = 0;
  Nanos min_ = kHighest;
  Nanos max_ = 0;
};

}  // namespace redline
