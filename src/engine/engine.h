#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backing/store.h"
#include "base/clock.h"
#include "base/result.h"
#include "engine/live_slot_map.h"
#include "engine/mitigator.h"
#include "engine/plan.h"
#include "engine/send_log.h"
#include "engine/window.h"
#include "record/cluster_tally.h"
#include "record/recorder.h"

namespace redline {

/// The worker threads of one run. Life: connect → go → (stop) → join.
class Engine {
 public:
  /// Starts the threads, pins them, and opens and logs in every connection. Nothing is measured
  /// yet. `recorder` must have plan.threads workers and outlive the engine.
  /// `cluster`: null for the one node at plan.target; else it must outlive the engine, and its
  /// requests for new maps must be answered. `mitigations`: what the plan's mitigation and ledger
  /// need (MitigationRun); null where they need nothing; it must outlive the engine. `store`:
  /// behind the cache, with OnMiss::store; it must be gone before the engine is, since it still
  /// posts what the workers no longer wait for.
  static Result<std::unique_ptr<Engine>> connect(const EnginePlan& plan, Recorder& recorder,
                                                 LiveSlotMap* cluster = nullptr,
                                                 const Mitigations* mitigations = nullptr,
                                                 Store* store = nullptr);
  ~Engine();  ///< stops and joins

  /// Begins the run: the first operation is due at `start`, a point on SteadyClock a little ahead
  /// (kLead is enough), so that every worker is awake by then.
  Window go(Nanos start);
  static constexpr Nanos kLead = 20 * kMillisecond;
  /// Ends the measured window now; the drain follows. Safe from any thread.
  void stop();
  bool running() const;
  /// Waits for the workers. The first reason for an early end, where there was one.
  Status join();

  /// The window as it was in the end: shorter than planned after stop().
  Window window() const;
  /// With plan.logSends: where each worker leaves the time of every send, on SteadyClock. They live
  /// as long as the engine.
  std::vector<SendLog*> sendLogs();
  /// In a cluster, after join(): where the window's operations were completed.
  const ClusterTally& clusterTally() const;
  /// After join(): the workers' local caches.
  const LocalCacheTally& localCaches() const;
  /// "uring" or "epoll": what the workers ended up with.
  const std::string& io() const;
  /// With WaitMode::realtime: why a worker runs without priority, as with WaitMode::block; empty:
  /// all have it.
  const std::string& realtimeRefused() const;

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace redline
