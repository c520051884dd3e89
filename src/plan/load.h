#pragma once

#include <cstdint>
#include <vector>

#include "model/cache.h"
#include "model/occupancy.h"
#include "model/spread.h"
#include "plan/coefficients.h"
#include "plan/request.h"

namespace redline {

// What a given number of shards of a given size does with a request: the arithmetic that sizing
// (plan/sizing.h) repeats until it fits.

/// The main-thread CPU that commands cost on a node.
struct CommandCosts {
  double getUs = 0, setUs = 0;
  double pushUs = 0;  ///< of an invalidation message
};
CommandCosts commandCosts(const SizingRequest& request, const Coefficients& coefficients,
                          bool isCluster, Outlook outlook);
/// The busy share of the main thread up to which p99 stays below the service level: on a straight
/// line over the logarithm of the limit.
double kneeBusy(double sloUs, const Coefficients& coefficients, Outlook outlook);

/// Memory of one node, bytes.
struct NodeMemory {
  double bytesPerKey = 0;
  double keys = 0;       ///< of the shard with the most slots
  double data = 0;       ///< of these keys, with their hash tables
  double tables = 0;     ///< of it
  double backlog = 0;    ///< of replication
  double maxmemory = 0;  ///< data, headroom, backlog and the empty server; or as given
  double resident = 0;   ///< at maxmemory
  double childS = 0;     ///< how long a snapshot's child lives
  double copied = 0;     ///< meanwhile, by copy on write
  double forkS = 0;
  double needed() const { return resident + copied; }
};

/// What clients' own caches take off the servers.
struct ClientCaches {
  double hitShare = 0;           ///< of the reads
  double invalidationsPerS = 0;  ///< messages, of all servers to all clients
  double entries = 0;            ///< of each cache, in use
  std::vector<double> pushes;    ///< the messages for each key of each demand, a second
};

/// Load and hit rate at some number of shards.
struct ShardLoad {
  NodeMemory memory;
  ClientCaches clients;
  double capacity = 0;                 ///< keys there is room for, in all shards
  Occupancy occupancy;                 ///< as Redis's sampling has it
  double bestHits = 0, worstHits = 0;  ///< exact LRU; no recency at all
  double storeReads = 0;               ///< a second
  double bestStoreReads = 0, worstStoreReads = 0;
  double hottestShare = 0;    ///< of all requests that go to one key
  double hotKeyBusy = 0;      ///< main-thread share that this key, or a copy of it, takes alone
  Busiest busy;               ///< main thread of the busiest shard
  double evenBusy = 0;        ///< of an average shard
  double networkPerNode = 0;  ///< bytes a second of the busiest shard
  std::vector<KeyDemand> demands;  ///< of Redis, the hottest first
};

class LoadModel {
 public:
  LoadModel(const SizingRequest& request, const Coefficients& coefficients, Outlook outlook);

  /// `maxmemory` 0: as much as the data needs. `shards` ≥ 1.
  ShardLoad at(std::uint64_t shards, double maxmemory) const;
  NodeMemory memoryAt(std::uint64_t shards, double maxmemory) const;
  double knee() const { return knee_; }
  const CommandCosts& costs(std::uint64_t shards) const {
    return shards > 1 ? clusterCosts_ : nodeCosts_;
  }
  /// Main-thread CPU of the mean operation, µs, at the request's reads and writes.
  double meanUs(std::uint64_t shards) const;

 private:
  ExpiryShape expiry() const;
  ClientCaches cacheAtClients(std::vector<KeyDemand>& demands) const;
  double tablesOf(double keys) const;
  double capacityOf(const NodeMemory& memory) const;
  void addHits(ShardLoad& load) const;
  void addBusy(ShardLoad& load, std::uint64_t shards) const;

  const SizingRequest& request_;
  const Coefficients& coefficients_;
  Outlook outlook_;
  Popularity popularity_;
  double knee_;
  CommandCosts nodeCosts_, clusterCosts_;
};

}  // namespace redline
