#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "backing/freshness.h"
#include "backing/store.h"
#include "base/clock.h"

namespace redline {

/// What a write does to the store and to the cache.
enum class OnWrite : std::uint8_t {
  none,        ///< it goes to the cache alone, and the store keeps its row
  through,     ///< to the store, then to the cache
  invalidate,  ///< to the store, then the cache's key is deleted
};
inline constexpr std::array<std::string_view, 3> kOnWriteNames{"none", "through", "invalidate"};

/// How a run uses the store behind the cache.
struct BackingPlan {
  bool used = false;    ///< reads that miss go to the store
  std::string address;  ///< of the store; empty: the stack's
  StoreLimits limits;
  Nanos timeout = kSecond;  ///< of each request to the store, > 0
  OnWrite onWrite = OnWrite::none;

  // Defences against stampedes.
  bool coalesce = false;
  Nanos missLock = 0;  ///< the lock's time to live, whole milliseconds; 0: no lock
  FreshnessRule freshness;

  bool writesStore() const { return used && onWrite != OnWrite::none; }
};

}  // namespace redline
