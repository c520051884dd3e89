#include "chaos/batch_size.h"

#include <algorithm>

namespace redline {
namespace {

/// Of the budget, what a batch is meant to take: the rest is for what the machine does in between.
constexpr double kAim = 0.5;
constexpr double kGrowth = 2;
constexpr double kSlowly = 0.2, kQuickly = 0.6;

double unitsOf(std::uint64_t bytes) {
  return 1 + static_cast<double>(bytes) / static_cast<double>(BatchSizer::kBytesPerUnit);
}

}  // namespace

std::size_t BatchSizer::take(std::span<const std::uint64_t> bytes) const {
  const double room =
      std::min(kAim * static_cast<double>(budget_) / unitNanos_, kGrowth * lastUnits_);
  double units = unitsOf(bytes.front());
  std::uint64_t sum = bytes.front();
  std::size_t keys = 1;
  for (; keys < std::min(bytes.size(), kMostKeys); ++keys) {
    units += unitsOf(bytes[keys]);
    sum += bytes[keys];
    const bool few = keys < kFewKeys && sum <= kFewBytes;
    if (units > room && !few) break;
  }
  return keys;
}

void BatchSizer::observe(std::span<const std::uint64_t> bytes, Nanos elapsed) {
  double units = 0;
  for (const std::uint64_t each : bytes) units += unitsOf(each);
  const double seen = static_cast<double>(elapsed) / units;
  unitNanos_ += (seen > unitNanos_ ? kQuickly : kSlowly) * (seen - unitNanos_);
  lastUnits_ = std::max(units, lastUnits_ / kGrowth);
}

}  // namespace redline
