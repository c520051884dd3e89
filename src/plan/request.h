#pragma once

#include <cstdint>
#include <string_view>

#include "base/numbers.h"
#include "base/result.h"

namespace redline {

/// Which of Redis's policies evicts, among all keys.
enum class CachePolicy : std::uint8_t { lru, lfu, random };
/// "allkeys-lru", …
std::string_view nameOf(CachePolicy policy);

/// A deployment that is to be sized: what it holds, what it is asked, what it must keep to. Sizes
/// in bytes, rates a second.
struct SizingRequest {
  std::uint64_t keys = 0;
  double rate = 0;          ///< operations, reads and writes together
  double valueBytes = 100;  ///< of each value
  double keyBytes = 0;      ///< of each key's name; 0: as redline's own, obj:ID
  double zipfS = 1.1;       ///< exponent of the popularity; 0: all keys alike
  double readShare = 0.9;   ///< of the operations
  double ttlShare = 0;      ///< of the keys that expire
  double ttlLeastS = 60, ttlMostS = 3600;
  double batch = 1;  ///< commands that reach a server in one read of a socket, on average

  double sloUs = 1'000;         ///< p99 stays below
  double storeMax = kInfinity;  ///< reads that the store behind the cache answers
  double headroom = 0.2;        ///< of memory and rate that stays free
  double forkMostS = 1;         ///< how long a fork may block a server

  std::uint64_t shards = 0;    ///< 0: as few as will do
  std::uint64_t replicas = 1;  ///< of each master
  bool replicaReads = false;   ///< reads are spread evenly over a master and its replicas
  double maxmemory = 0;        ///< of each node; 0: as much as the data needs
  double nodeMemory = 0;       ///< of the machine that one node may use, copies of a fork included
  double network = 0;          ///< bytes a second that one node may send
  CachePolicy policy = CachePolicy::lru;
  double nodeTimeoutS = 5;  ///< cluster-node-timeout

  double clients = 1;        ///< processes that have a cache of their own
  double clientEntries = 0;  ///< of each such cache; 0: none
  /// Copies of each key that would take a tenth of a shard or more by itself, each under a name of
  /// its own (`redline driver -mitigation=key-split`): a read takes one, a write all of them.
  double split = 1;
};

/// Of the longest key's name.
double keyLengthOf(const SizingRequest& request);

/// usage: values that contradict each other, with what to do.
Status checkRequest(const SizingRequest& request);

inline constexpr std::uint64_t kHashSlots = 16'384;
/// Nodes up to which Redis's documentation recommends a cluster.
inline constexpr std::uint64_t kRecommendedNodes = 1'000;
/// The service levels that coefficients were measured for.
inline constexpr double kLeastSloUs = 250, kMostSloUs = 10'000;

}  // namespace redline
