#include "model/blocks.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/rng.h"

namespace redline {

std::vector<std::size_t> blockOrder(std::size_t conditions, std::uint64_t seed,
                                    std::uint64_t block) {
  std::vector<std::size_t> order(conditions);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng rng(seed, block);
  for (std::size_t left = conditions; left > 1; --left)
    std::swap(order[left - 1], order[rng.below(left)]);
  return order;
}

double factorHalfWidth(const Estimate& estimate) {
  if (!estimate.hasInterval() || estimate.low <= 0) return std::numeric_limits<double>::infinity();
  return std::sqrt(estimate.high / estimate.low) - 1;
}

bool isPrecise(const Estimate& estimate, const Precision& wanted) {
  return estimate.count >= wanted.least && factorHalfWidth(estimate) <= wanted.halfWidth;
}

std::string_view stopName(Stop stop) {
  return stop == Stop::precision ? "precision reached" : "budget spent";
}

std::vector<bool> undisturbed(std::span<const double> foreign, double tolerable) {
  std::vector<bool> kept(foreign.size());
  bool wasDisturbed = false;
  for (std::size_t i = 0; i < foreign.size(); ++i) {
    const bool isDisturbed = !(foreign[i] <= tolerable);
    kept[i] = !isDisturbed && !wasDisturbed;
    wasDisturbed = isDisturbed;
  }
  return kept;
}

}  // namespace redline
