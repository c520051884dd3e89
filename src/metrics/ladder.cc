#include "metrics/ladder.h"

#include <numeric>

namespace redline {

void LadderCounts::add(const Histogram& histogram) {
  std::size_t bound = 0;
  double sum = 0;
  // Slots come in ascending order, so one walk serves all bounds.
  histogram.forEach([&](std::size_t slot, std::uint64_t count) {
    while (bound < kLadder.size() && slot > Histogram::slotOf(kLadder[bound])) ++bound;
    counts_[bound] += count;
    sum += static_cast<double>(Histogram::middleOf(slot)) * static_cast<double>(count);
  });
  sumSeconds_ += sum / 1e9;
}

std::uint64_t LadderCounts::atOrBelow(std::size_t bound) const {
  const auto end = counts_.begin() + static_cast<std::ptrdiff_t>(bound) + 1;
  return std::accumulate(counts_.begin(), end, std::uint64_t{0});
}

std::uint64_t LadderCounts::count() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

}  // namespace redline
