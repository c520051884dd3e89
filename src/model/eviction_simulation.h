#pragma once

#include <cstdint>
#include <functional>

#include "base/rng.h"

namespace redline {

/// Which of Redis's approximations chooses the key to evict.
enum class EvictionPolicy : std::uint8_t { lru, lfu };

/// Redis 7.0's eviction (src/evict.c), key for key: `samples` keys drawn from the evictable ones,
/// kept in a pool of the 16 best candidates across evictions; the best one is evicted. A candidate
/// keeps the rank it had when it entered the pool, even if it is asked for later, as in Redis.
struct EvictionPlan {
  std::uint64_t keys = 0;
  std::uint64_t capacity = 0;  ///< keys there is room for
  EvictionPolicy policy = EvictionPolicy::lru;
  double requestsPerS = 0;     ///< what a second of the simulated clock holds
  std::uint64_t warmup = 0;    ///< requests before counting starts
  std::uint64_t requests = 0;  ///< requests counted
  /// Share of the keys that may be evicted (a time to live under a volatile policy).
  double evictableShare = 1;
  unsigned samples = 5;        ///< maxmemory-samples
  double clockS = 1;           ///< LRU_CLOCK_RESOLUTION
  double lfuLogFactor = 10;    ///< lfu-log-factor
  double lfuDecayMinutes = 1;  ///< lfu-decay-time
  std::uint64_t seed = 1;
};

struct EvictionOutcome {
  std::uint64_t hits = 0, misses = 0;  ///< among the requests counted
  std::uint64_t evictions = 0;         ///< during them
  std::uint64_t refused = 0;           ///< misses that found nothing to evict (-OOM)
  double hitRate() const {
    const std::uint64_t all = hits + misses;
    return all == 0 ? 1 : static_cast<double>(hits) / static_cast<double>(all);
  }
};

/// All keys are loaded one after the other, evicting as room runs out; then requests are drawn and
/// each miss filled at once. `draw` gives a key id below plan.keys for a request. Deterministic for
/// a seed. About 100 ns a request and 20 bytes a key.
EvictionOutcome simulateEviction(const EvictionPlan& plan,
                                 const std::function<std::uint64_t(Rng&)>& draw);

}  // namespace redline
