#pragma once

#include <cstddef>
#include <cstdint>

#include "mitigation/key_split.h"
#include "mitigation/replica_read.h"

namespace redline {

/// How a connection learns of changed keys (CLIENT TRACKING); needs RESP3.
enum class Tracking : std::uint8_t {
  off,
  keysRead,  ///< "default mode": of each key that this connection has read, once
  prefix,    ///< "BCAST": of every change under kKeyPrefix, whichever connection read it
};

/// What is done against hot keys.
enum class MitigationKind : std::uint8_t { none, localCache, keySplit, replicaRead };

struct MitigationPlan {
  MitigationKind kind = MitigationKind::none;
  Tracking tracking = Tracking::keysRead;               ///< localCache
  std::size_t cacheBytes = std::size_t{16} << 20;       ///< localCache: of each worker's
  SplitPlan split;                                      ///< keySplit
  ReplicaPolicy replicaPolicy = ReplicaPolicy::random;  ///< replicaRead; in a cluster only
  std::uint32_t ledgerKeys = 0;  ///< this many of the hottest ids are in the ledger; 0: no ledger

  bool is(MitigationKind other) const { return kind == other; }
  bool isUsed() const { return kind != MitigationKind::none || ledgerKeys != 0; }
};

}  // namespace redline
