#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/cache.h"
#include "model/eviction_simulation.h"

namespace redline::lab {

// What the models expect of a cache whose working set outgrows maxmemory: what `eviction-cliff`
// plans its warm-ups by and compares Redis with.

/// A working set, the policy that evicts from it, and the requests for it.
struct CacheLoad {
  std::uint64_t keys = 0;       ///< of the working set
  double ratio = 1;             ///< working set ÷ maxmemory
  std::optional<double> zipfS;  ///< exponent of the Zipf popularity; none: uniform
  EvictionPolicy policy = EvictionPolicy::lru;
  double evictableShare = 1;  ///< of the keys
  double requestsPerS = 0;    ///< at most
  /// LRU's characteristic time at the least: where it would be shorter there are fewer requests. 0:
  /// it may be as short as it is.
  double leastTcS = 0;
  double durationS = 0;
  double leastWarmupS = 0;
  double warmupTc = 1;  ///< warm-up in characteristic times of LRU
  /// Warm-up of LFU at the least, where keys are evicted: its counters decay once a minute.
  double lfuWarmupS = 0;
};

/// Hit rates that are expected.
struct ExpectedHitRates {
  double lru = 1, random = 1;  ///< formulas: exact recency, and none
  double best = 1;             ///< the most popular keys always there
  double simulated = 1;        ///< Redis's sampling, for as many requests as are sent
};

/// LRU's clock ticks once a second: a characteristic time below this is too coarse to judge it by.
inline constexpr double kLeastTcS = 10;

class CacheModel {
 public:
  explicit CacheModel(const CacheLoad& load);

  std::uint64_t keys() const { return load_.keys; }
  /// As many keys as the ratio leaves room for.
  CacheShape shape() const { return shapeHolding(capacityAt(keysReal(), load_.ratio)); }
  /// What may not be evicted exceeds maxmemory, as far as the numbers of keys say. A time to live
  /// takes bytes of its own, so a server may be full somewhat later.
  bool refuses() const { return load_.ratio > ratioOfRefusal(load_.evictableShare); }
  double requestsPerS() const { return requestsPerS_; }
  /// LRU's characteristic time, seconds; infinite where nothing is evicted.
  double characteristicS() const { return characteristicS_; }
  double warmupS() const;
  /// A policy can be judged once its memory has settled: LRU after T_C, which must be long against
  /// its clock of one second; LFU after two of its counters' minutes.
  bool isSettled() const;
  /// "T_C is 4.1 s and the warm-up 800 ms: too short for LRU to have settled".
  std::string whyUnsettled() const;

  /// What is predicted before the run, and by which model.
  struct Forecast {
    double hitRate = 1;
    std::string_view model;
  };
  Forecast forecast() const;
  /// Of a server that holds `held` keys. Simulates all requests of a run: about 100 ns each.
  ExpectedHitRates hitRates(double held) const;

 private:
  double keysReal() const { return static_cast<double>(load_.keys); }
  CacheShape shapeHolding(double held) const { return {held, load_.evictableShare}; }
  double simulate(double held) const;

  CacheLoad load_;
  Popularity popularity_;
  double characteristicRequests_;  ///< of LRU; infinite where nothing is evicted
  double requestsPerS_;
  double characteristicS_;
};

}  // namespace redline::lab
