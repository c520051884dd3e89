#include "model/occupancy.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/numbers.h"

namespace redline {
namespace {

/// Removals by expiry, in a few points of the range of times to live, each of the same share.
struct ExpiryPoints {
  static constexpr std::size_t kPoints = 4;
  std::array<double, kPoints> rates{};
  double share = 0;  ///< of the keys, at each point

  explicit ExpiryPoints(const ExpiryShape& expiry) {
    share = expiry.share / kPoints;
    for (std::size_t i = 0; i < kPoints; ++i) {
      const double at = (static_cast<double>(i) + 0.5) / kPoints;
      rates[i] = 1 / (expiry.leastS + at * (expiry.mostS - expiry.leastS));
    }
  }
};

double presentAt(double renewals, double removals, double t, Recency recency) {
  if (renewals <= 0) return 0;
  if (std::isinf(t)) return renewals / (renewals + removals);
  if (recency == Recency::none) return renewals * t / (1 + (renewals + removals) * t);
  return renewals / (renewals + removals) * -std::expm1(-(renewals + removals) * t);
}

double presenceOf(const KeyDemand& demand, const ExpiryPoints& expiry, double t, Recency recency) {
  const double renewals = demand.lookups + demand.writes;
  double sum = 0;
  if (expiry.share > 0)
    for (const double rate : expiry.rates)
      sum += expiry.share * presentAt(renewals, demand.removals + rate, t, recency);
  const double lasting = 1 - expiry.share * ExpiryPoints::kPoints;
  return lasting > 0 ? sum + lasting * presentAt(renewals, demand.removals, t, recency) : sum;
}

double filledAt(std::span<const KeyDemand> demands, const ExpiryPoints& expiry, double t,
                Recency recency) {
  double sum = 0;
  for (const KeyDemand& each : demands) sum += each.keys * presenceOf(each, expiry, t, recency);
  return sum;
}

double characteristicTime(std::span<const KeyDemand> demands, const ExpiryPoints& expiry,
                          double capacity, Recency recency) {
  constexpr double kRounding = 1e-9;
  if (filledAt(demands, expiry, kInfinity, recency) <= capacity * (1 + kRounding)) return kInfinity;
  double high = 1, low = 0;
  while (filledAt(demands, expiry, high, recency) < capacity && high < 1e300) high *= 4;
  constexpr double kEnough = 1e-6;
  for (int i = 0; i < 100 && high - low > kEnough * high; ++i) {
    const double middle = (low + high) / 2;
    (filledAt(demands, expiry, middle, recency) < capacity ? low : high) = middle;
  }
  return (low + high) / 2;
}

double missesAfter(std::span<const KeyDemand> demands, double seconds) {
  double sum = 0;
  for (const KeyDemand& each : demands)
    sum += each.keys * each.lookups * std::exp(-each.lookups * seconds);
  return sum;
}

}  // namespace

bool Occupancy::evicts() const {
  return std::isfinite(characteristicS);
}

Occupancy occupancyOf(std::span<const KeyDemand> demands, double capacity,
                      const ExpiryShape& expiry, Recency recency) {
  const ExpiryPoints points(expiry);
  Occupancy occupancy;
  occupancy.characteristicS = characteristicTime(demands, points, capacity, recency);
  occupancy.hitRate.reserve(demands.size());
  for (const KeyDemand& each : demands) {
    const double there = presenceOf(each, points, occupancy.characteristicS, recency);
    occupancy.hitRate.push_back(there);
    occupancy.present += each.keys * there;
    occupancy.lookups += each.keys * each.lookups;
    occupancy.misses += each.keys * each.lookups * (1 - there);
  }
  return occupancy;
}

Refill refillOf(std::span<const KeyDemand> demands, double usualMisses, double storeRate) {
  constexpr double kBack = 0.01;
  constexpr double kGrowth = 1.02;  // of the steps: within 1% of the integral
  Refill refill;
  refill.peakMisses = missesAfter(demands, 0);
  if (refill.peakMisses <= 0) return refill;
  if (storeRate <= 0) {
    refill.atLimitS = refill.backS = kInfinity;
    return refill;
  }
  const double back = std::max(usualMisses, 0.0) + kBack * refill.peakMisses;
  double misses = refill.peakMisses, at = 0, spent = 0;
  // The most popular key of all is missed for 1/lookups.
  double step = 1e-3 / std::max(1e-9, demands.front().lookups);
  while (misses > back && at < 1e15) {
    spent += step * std::max(1.0, misses / storeRate);
    if (misses > storeRate) refill.atLimitS = spent;
    at += step;
    step *= kGrowth;
    misses = missesAfter(demands, at);
  }
  refill.backS = spent;
  return refill;
}

}  // namespace redline
