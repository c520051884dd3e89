#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "engine/plan.h"
#include "resp/request.h"
#include "transport/transport.h"
#include "workload/keyspace.h"

namespace redline {

/// All that the engine needs to know of a loader's run. What is stored follows from the data set's
/// fields alone; the others decide only how fast.
struct LoadPlan {
  Endpoint target;              ///< the node; of a cluster: the first of its seeds
  std::vector<Endpoint> seeds;  ///< nodes that know the cluster; empty: there is none
  Credentials credentials;
  unsigned threads = 1;
  unsigned conns = 16;    ///< in all, or to each node of a cluster; each worker has at least one
  std::vector<int> cpus;  ///< worker i runs on cpus[i mod size]; empty: anywhere
  IoChoice io = IoChoice::automatic;
  WaitMode wait = WaitMode::automatic;
  std::uint64_t batch = 256;  ///< keys handed out and written as one unit
  unsigned inFlight = 2;      ///< batches on the way on one connection, so that Redis never waits
  bool mset = true;           ///< keys that never expire go by MSET; not in a cluster
  Nanos drain = 2 * kSecond;  ///< how long a stopped load waits for what is on the way

  // The data set.
  std::uint64_t from = 0;  ///< the first id to write
  std::uint64_t keys = 1'000'000;
  std::size_t valueSize = 100;
  std::uint64_t seed = 1;
  double ttlFraction = 0.3;
  Nanos ttlMin = 60 * kSecond;
  Nanos ttlMax = 3600 * kSecond;
  std::int64_t ttlEpochMillis = 0;  ///< Unix time from which times to live count
  std::int64_t ttlAtMillis = 0;     ///< not 0: all that expires does so this long after the epoch

  bool cluster() const { return !seeds.empty(); }

  /// Room for one key's request, whatever its command.
  std::size_t bytesPerKey() const { return kRequestOverhead + kMaxKeyLength + valueSize; }

  /// Keys of one unit: `batch`, or fewer where values are so large that memory would not stay
  /// small.
  std::uint64_t blockSize() const {
    constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
    const std::uint64_t fits = std::max<std::uint64_t>(1, kBlockBytes / bytesPerKey());
    return std::clamp<std::uint64_t>(batch, 1, fits);
  }
};

}  // namespace redline
