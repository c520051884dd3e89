#include "record/histogram.h"

#include <cmath>

namespace redline {
namespace {

/// The bucket of `slot`: its values share the low `bucket` bits. Buckets 0 and 1 both start at
/// resolution one: bucket 0 has 2048 slots, each later bucket only its upper 1024.
constexpr int bucketOf(std::size_t slot) noexcept {
  const auto half = static_cast<int>(slot >> (Histogram::kSubBucketBits - 1));
  return half == 0 ? 0 : half - 1;
}

}  // namespace

Nanos Histogram::lowestOf(std::size_t slot) noexcept {
  const int bucket = bucketOf(slot);
  const std::size_t subBucket = slot - (static_cast<std::size_t>(bucket) << (kSubBucketBits - 1));
  return static_cast<Nanos>(subBucket) << bucket;
}

Nanos Histogram::highestOf(std::size_t slot) noexcept {
  return lowestOf(slot) + (Nanos{1} << bucketOf(slot)) - 1;
}

Nanos Histogram::middleOf(std::size_t slot) noexcept {
  return lowestOf(slot) + ((Nanos{1} << bucketOf(slot)) >> 1);
}

void Histogram::add(const Histogram& other) noexcept {
  if (other.count_ == 0) return;
  for (std::size_t slot = slotOf(other.min_), last = slotOf(other.max_); slot <= last; ++slot)
    counts_[slot] += other.counts_[slot];
  count_ += other.count_;
  clamped_ += other.clamped_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

void Histogram::reset() noexcept {
  if (count_ != 0) {
    const auto first = counts_.begin() + static_cast<std::ptrdiff_t>(slotOf(min_));
    const auto last = counts_.begin() + static_cast<std::ptrdiff_t>(slotOf(max_));
    std::fill(first, last + 1, 0);
  }
  count_ = clamped_ = 0;
  min_ = kHighest;
  max_ = 0;
}

double Histogram::mean() const noexcept {
  if (count_ == 0) return 0;
  double total = 0;
  forEach([&](std::size_t slot, std::uint64_t count) {
    total += static_cast<double>(middleOf(slot)) * static_cast<double>(count);
  });
  return total / static_cast<double>(count_);
}

double Histogram::stdDeviation() const noexcept {
  if (count_ == 0) return 0;
  const double centre = mean();
  double squares = 0;
  forEach([&](std::size_t slot, std::uint64_t count) {
    const double deviation = static_cast<double>(middleOf(slot)) - centre;
    squares += deviation * deviation * static_cast<double>(count);
  });
  return std::sqrt(squares / static_cast<double>(count_));
}

Nanos Histogram::quantile(double q) const noexcept {
  Nanos value = 0;
  quantiles({&q, 1}, {&value, 1});
  return value;
}

void Histogram::quantiles(std::span<const double> qs, std::span<Nanos> values) const noexcept {
  std::size_t slot = count_ == 0 ? 0 : slotOf(min_);
  std::uint64_t seen = counts_[slot];
  for (std::size_t i = 0; i < qs.size(); ++i) {
    if (count_ == 0) {
      values[i] = 0;
      continue;
    }
    // One unit in the last place less, as HdrHistogram does: 0.9 of 10 records is the 9th even
    // where the product comes out a hair above 9.
    const double share = std::clamp(std::nextafter(qs[i], -1.0), 0.0, 1.0);
    const double exact = std::ceil(share * static_cast<double>(count_));
    const std::uint64_t rank =
        std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact), 1, count_);
    while (seen < rank) seen += counts_[++slot];
    values[i] = highestOf(slot);
  }
}

std::uint64_t Histogram::countAtOrBelow(Nanos value) const noexcept {
  if (count_ == 0 || value < 0) return 0;
  const std::size_t last = std::min(slotOf(std::min(value, kHighest)), slotOf(max_));
  std::uint64_t seen = 0;
  for (std::size_t slot = slotOf(min_); slot <= last; ++slot) seen += counts_[slot];
  return seen;
}

}  // namespace redline
