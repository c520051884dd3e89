#pragma once

#include <cstdint>
#include <vector>

#include "base/rng.h"

namespace redline {

/// How often each of many keys is asked for, in classes of nearly equal popularity: a few thousand
/// instead of 10^8, at a relative error of hit rates below 1e-5.
class Popularity {
 public:
  static Popularity uniform(std::uint64_t keys);
  /// P(rank) ∝ 1/(rank + 1)^s, s ≥ 0. keys ≥ 1.
  static Popularity zipf(std::uint64_t keys, double s);

  struct Class {
    double keys = 0;         ///< how many keys it holds
    double probability = 0;  ///< of each of them
  };
  double keys() const { return keys_; }
  const std::vector<Class>& classes() const { return classes_; }  ///< most popular first

 private:
  explicit Popularity(double keys) : keys_(keys) {}
  double keys_;
  std::vector<Class> classes_;
};

/// Draws key ids by a popularity, for a simulation. Which id is how popular is a fixed shuffle, as
/// in the real workload: else the hottest keys would be those that are loaded first.
class PopularityDraws {
 public:
  explicit PopularityDraws(const Popularity& popularity);
  /// Below the number of keys. About 50 ns.
  std::uint64_t operator()(Rng& rng) const;

 private:
  std::uint64_t keys_;
  std::uint64_t multiplier_;       ///< coprime to keys_
  std::vector<double> upTo_;       ///< by class: share of the draws on it and those before
  std::vector<double> firstRank_;  ///< by class
};

/// A cache that holds `capacity` keys of equal size and fills itself on every miss.
struct CacheShape {
  double capacity = 0;  ///< keys
  /// Share of the keys that may be evicted, chosen without regard to popularity: those with a time
  /// to live, under a volatile policy. The others stay, all of them.
  double evictableShare = 1;
};

struct CacheForecast {
  bool fits = true;    ///< false: what may not be evicted exceeds the capacity; writes are refused
  double hitRate = 1;  ///< of reads that follow the popularity independently of each other
  /// The characteristic time T_C, in requests: how long a key that is not asked for stays. Infinite
  /// when nothing is evicted.
  double characteristicRequests = 0;
};

/// LRU, exact recency: an upper bound for what sampling five keys attains. Key i is present with
/// probability 1 − exp(−p_i T), T such that the expected number present is the capacity (Che, Tung
/// and Wang, "Hierarchical Web caching systems", IEEE JSAC 20(7), 2002).
CacheForecast lruForecast(const Popularity& popularity, const CacheShape& shape);

/// RANDOM eviction: a lower bound for it. Same fixed point with p_i T / (1 + p_i T), which also
/// holds for FIFO (Gelenbe 1973: both have the same hit rate; Martina, Garetto and Leonardi 2014
/// for the form).
CacheForecast randomForecast(const Popularity& popularity, const CacheShape& shape);

/// The most popular keys always there: what a perfect LFU would attain, and no policy can exceed
/// while popularity stands still.
CacheForecast hottestForecast(const Popularity& popularity, const CacheShape& shape);

// The ratio of an eviction experiment: bytes of the data ÷ bytes there is room for.

/// Keys there is room for.
inline double capacityAt(double keys, double ratio) {
  return keys / ratio;
}
/// The ratio from which on the keys without a time to live alone exceed maxmemory, so that a
/// volatile policy has nothing left to evict and writes are refused: 1 / (1 − ttlShare). Infinite
/// at 1.
double ratioOfRefusal(double ttlShare);

}  // namespace redline
