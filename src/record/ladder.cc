#include "record/ladder.h"

#include <algorithm>
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

void LadderCounts::record(Nanos value) {
  const auto bound = std::ranges::lower_bound(kLadder, value) - kLadder.begin();
  ++counts_[static_cast<std::size_t>(bound)];
  sumSeconds_ += toSeconds(value);
}

void LadderCounts::add(const LadderCounts& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  sumSeconds_ += other.sumSeconds_;
}

std::uint64_t LadderCounts::atOrBelow(std::size_t bound) const {
  const auto end = counts_.begin() + static_cast<std::ptrdiff_t>(bound) + 1;
  return std::accumulate(counts_.begin(), end, std::uint64_t{0});
}

std::uint64_t LadderCounts::count() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

}  // namespace redline
