#include "lab/eviction_theory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/units.h"

namespace redline::lab {
namespace {

constexpr double kLfuSettlesS = 120;

}  // namespace

CacheModel::CacheModel(const CacheLoad& load)
    : load_(load),
      popularity_(load.zipfS ? Popularity::zipf(load.keys, *load.zipfS)
                             : Popularity::uniform(load.keys)),
      characteristicRequests_(refuses() ? std::numeric_limits<double>::infinity()
                                        : lruForecast(popularity_, shape()).characteristicRequests),
      requestsPerS_(
          load.leastTcS > 0
              ? std::floor(std::min(load.requestsPerS, characteristicRequests_ / load.leastTcS))
              : load.requestsPerS),
      characteristicS_(characteristicRequests_ / requestsPerS_) {}

double CacheModel::warmupS() const {
  if (!std::isfinite(characteristicS_)) return load_.leastWarmupS;
  const double ofLfu = load_.policy == EvictionPolicy::lfu ? load_.lfuWarmupS : 0;
  return std::max({load_.leastWarmupS, characteristicS_ * load_.warmupTc, ofLfu});
}

bool CacheModel::isSettled() const {
  if (load_.policy == EvictionPolicy::lfu) return warmupS() >= kLfuSettlesS;
  return characteristicS_ >= kLeastTcS && warmupS() >= characteristicS_;
}

std::string CacheModel::whyUnsettled() const {
  const std::string warmup = formatQuantity(warmupS(), "s");
  if (load_.policy == EvictionPolicy::lfu)
    return fmt::format("LFU's counters decay once a minute, and the warm-up was {}", warmup);
  return fmt::format(
      "T_C is {} and the warm-up {}: {}", formatQuantity(characteristicS_, "s"), warmup,
      characteristicS_ < kLeastTcS ? "LRU's clock of one second is too coarse to judge it"
                                   : "too short for LRU to have settled");
}

CacheModel::Forecast CacheModel::forecast() const {
  if (refuses())
    return {1 - load_.evictableShare,
            "the keys without a time to live, which stay; chance decides which hot keys they are"};
  if (load_.policy == EvictionPolicy::lfu)
    return {hottestForecast(popularity_, shape()).hitRate,
            "the most popular keys always there: an upper bound of any policy"};
  return {lruForecast(popularity_, shape()).hitRate,
          "LRU by exact recency (Che): an upper bound for five samples"};
}

ExpectedHitRates CacheModel::hitRates(double held) const {
  if (!(held < keysReal())) return {};
  constexpr double kSlack = 1.001;  // which keys have a time to live is drawn
  const double permanent = 1 - load_.evictableShare;
  if (held <= permanent * keysReal() * kSlack) return {permanent, permanent, permanent, permanent};
  const CacheShape shape = shapeHolding(held);
  return {.lru = lruForecast(popularity_, shape).hitRate,
          .random = randomForecast(popularity_, shape).hitRate,
          .best = hottestForecast(popularity_, shape).hitRate,
          .simulated = simulate(held)};
}

double CacheModel::simulate(double held) const {
  const double rate = requestsPerS_;
  const EvictionPlan plan{.keys = load_.keys,
                          .capacity = static_cast<std::uint64_t>(held),
                          .policy = load_.policy,
                          .requestsPerS = rate,
                          .warmup = static_cast<std::uint64_t>(rate * warmupS()),
                          .requests = static_cast<std::uint64_t>(rate * load_.durationS),
                          .evictableShare = load_.evictableShare};
  return simulateEviction(plan, PopularityDraws(popularity_)).hitRate();
}

}  // namespace redline::lab
