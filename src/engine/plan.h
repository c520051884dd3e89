#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backing/backing_plan.h"
#include "base/clock.h"
#include "engine/mitigation_plan.h"
#include "engine/window.h"
#include "schedule/schedule.h"
#include "transport/credentials.h"
#include "transport/transport.h"
#include "workload/distribution.h"
#include "workload/key_chooser.h"
#include "workload/values.h"

namespace redline {

/// How a worker passes the time until the next operation is due or the next reply is there.
enum class WaitMode : std::uint8_t {
  automatic,  ///< spins when the next event is less than 80 µs away, sleeps otherwise
  spin,       ///< never sleeps: least lateness, uses a whole core
  block,      ///< always sleeps: uses least CPU; wake-ups cost the server CPU and add lateness
  realtime,   ///< sleeps as block does, under SCHED_RR: wakes before every ordinary thread
};

/// What the modes are called in flags and files; by the enumerators.
inline constexpr std::array<std::string_view, 4> kWaitNames{"auto", "spin", "block", "realtime"};
constexpr std::string_view waitName(WaitMode wait) {
  return kWaitNames[static_cast<std::size_t>(wait)];
}

/// What a lost connection does to a run.
enum class OnDisconnect : std::uint8_t {
  retry,  ///< reconnect; reads are sent again with their clocks running, writes already sent fail
  stop,   ///< end the run early and say so
};

/// What follows a read that found nothing.
enum class OnMiss : std::uint8_t {
  none,
  refill,  ///< the key is written, as a cache does; the read has ended before
  store,   ///< the store behind the cache is asked (`backing`); the read ends when it has answered
};

/// All that the engine needs to know of a driver's run.
struct EnginePlan {
  Endpoint target;              ///< the node; of a cluster: the first of its seeds
  std::vector<Endpoint> seeds;  ///< nodes that know the cluster; empty: there is none
  Credentials credentials;
  unsigned threads = 1;
  unsigned conns = 50;    ///< in all, or to each node of a cluster; ≥ threads
  std::vector<int> cpus;  ///< worker i runs on cpus[i mod size]; empty: anywhere
  IoChoice io = IoChoice::automatic;
  WaitMode wait = WaitMode::automatic;

  Arrivals arrivals = Arrivals::constant;
  double rate = 10'000;  ///< operations/s, all workers; unused when closed
  Nanos warmup = kSecond;
  Nanos duration = 10 * kSecond;
  Nanos drain = 5 * kSecond;
  Nanos interval = kSecond;
  Nanos opTimeout = 0;  ///< from the intended time; 0: none

  unsigned pipeline = 0;  ///< operations in a batch; 0 and 1: one at a time
  bool transactions =
      false;            ///< each batch is a MULTI … EXEC; its operations complete at EXEC's reply
  Nanos batchWait = 0;  ///< how long a batch may wait to fill, from its first operation's due time
  OnDisconnect onDisconnect = OnDisconnect::retry;
  OnMiss onMiss = OnMiss::none;
  /// A write completes when WAIT reports that this many replicas have it; one WAIT for each batch
  /// that has writes. 0: at its own reply.
  unsigned waitReplicas = 0;
  Nanos waitTimeout = 100 * kMillisecond;  ///< WAIT's, in whole milliseconds, ≥ 1 ms
  /// In a cluster: operations that may wait for one node, in each worker. While as many do, no more
  /// are drawn, whatever their node. The same goes for the store behind the cache.
  std::size_t maxBacklog = 100'000;

  std::uint64_t keys = 1'000'000;
  Distribution distribution = Distribution::uniform;
  double zipfS = 1.1;
  double readShare = 0.9;
  std::uint64_t seed = 1;                ///< the data set
  std::optional<std::uint64_t> hotSeed;  ///< which keys are popular; none: as `seed` has it
  std::uint64_t runSeed = 1;             ///< the draws
  std::size_t valueSize = 100;
  /// The longest value that is known to be stored, where it is of another size.
  std::size_t longestValue = 0;
  VerifyLevel verify = VerifyLevel::full;
  bool logSends =
      false;  ///< keep the time of every send (8 bytes each), for checks of the generator
  double ttlFraction = 0;
  Nanos ttlMin = 60 * kSecond;
  Nanos ttlMax = 3600 * kSecond;

  MitigationPlan mitigation;
  BackingPlan backing;  ///< with OnMiss::store

  /// The phases of a run whose first operation may be due at `start`.
  Window windowFrom(Nanos start) const {
    const Nanos measureStart = start + warmup;
    const Nanos measureEnd = measureStart + duration;
    return {start, measureStart, measureEnd, measureEnd + drain, interval};
  }
  /// Which keys operations go to, and which of them are popular.
  KeyChooser keyChooser() const { return {distribution, zipfS, keys, hotSeed.value_or(seed)}; }
  bool cluster() const { return !seeds.empty(); }
  /// Past its -op-timeout.
  bool isExpired(Nanos intended, Nanos now) const {
    return opTimeout != 0 && now - intended >= opTimeout;
  }
  /// Bytes of the longest reply that the run can expect. Beside values that are pushes, which name
  /// the keys that one pass of the server's loop has changed; and with -verify=none values may be
  /// any program's.
  std::size_t longestReply() const {
    constexpr std::size_t kMegabyte = 1 << 20, kFraming = 64;
    const std::size_t values = transactions ? batchSize() : 1;
    const std::size_t others = (verify == VerifyLevel::none ? 64 : 4) * kMegabyte;
    return others + 2 * values * (std::max(valueSize, longestValue) + kFraming);
  }
  bool closed() const { return arrivals == Arrivals::closed; }
  unsigned batchSize() const { return pipeline == 0 ? 1 : pipeline; }
};

}  // namespace redline
