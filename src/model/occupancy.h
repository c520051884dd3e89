#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace redline {

// Which keys a cache holds when they are asked for, written, invalidated, expire and are evicted,
// each key by itself and at random times (independent Poisson processes). In a cache of T seconds
// of memory a key that is renewed r times a second and removed w times is there with probability
//
//   LRU      r / (r + w) (1 − exp(−(r + w) T))      RANDOM   r / (r + w + 1/T)
//
// and T is such that the expected number of keys is the capacity. Without removals this is Che's
// approximation (model/cache.h). A time to live τ counts as removals at rate 1/τ: without eviction
// that gives rτ / (1 + rτ), which is exact for a fixed τ that starts when the key is filled.

/// Keys of equal demand; all figures are of each key, a second.
struct KeyDemand {
  double keys = 0;
  double lookups = 0;  ///< reads, which fill the cache when they miss
  double writes = 0;   ///< put the key in
  double removals = 0;
};

/// The share of the keys that expire, whatever their demand, and after how long: evenly spread.
struct ExpiryShape {
  double share = 0;
  double leastS = 0, mostS = 0;
};

enum class Recency : std::uint8_t {
  exact,  ///< LRU
  none,   ///< RANDOM
};

struct Occupancy {
  double characteristicS = 0;   ///< T; infinite where nothing is evicted
  double present = 0;           ///< keys there, on average
  double lookups = 0;           ///< a second
  double misses = 0;            ///< of them
  std::vector<double> hitRate;  ///< of each demand, in their order

  bool evicts() const;
  double hitShare() const { return lookups > 0 ? 1 - misses / lookups : 1; }
};

/// `capacity`: keys there is room for, ≥ 0.
Occupancy occupancyOf(std::span<const KeyDemand> demands, double capacity,
                      const ExpiryShape& expiry, Recency recency);

/// How a cache that has lost everything fills again, when what it misses is read from a store that
/// answers `storeRate` reads a second at the most. What the store cannot answer is shed and asked
/// for again: while it is at its limit, time goes as much slower as misses exceed it.
struct Refill {
  double peakMisses = 0;  ///< a second, at the start: everything that is asked for
  double atLimitS = 0;    ///< for how long there are more misses than the store answers
  double backS = 0;       ///< until misses exceed the usual ones by 1% of the lookups
};

/// `usualMisses`: what these demands miss in the long run, a second. Infinite times where
/// `storeRate` is 0; an infinite storeRate answers everything.
Refill refillOf(std::span<const KeyDemand> demands, double usualMisses, double storeRate);

}  // namespace redline
