#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "engine/load_plan.h"
#include "engine/load_worker.h"

namespace redline {

/// The outcome of a load, complete or not.
struct LoadOutcome {
  Status status;                     ///< why it ended early, where it did
  std::uint64_t done = 0;            ///< keys acknowledged
  std::uint64_t resumeFrom = 0;      ///< every id below is written for certain; -keys when all are
  Nanos begin = 0, end = 0;          ///< on SteadyClock: first connect, last reply
  Nanos cpuUser = 0, cpuSystem = 0;  ///< of the workers
  unsigned threads = 0;
  std::string io;         ///< "uring", "epoll" or, of RDB streams, "pipe"
  LoadCounters counters;  ///< of all workers together
  ClusterTally cluster;   ///< in a cluster: where the keys were stored
};

/// The worker threads of one load. Life: start → (stop) → join.
class Loading {
 public:
  /// Starts the threads; they connect and begin at once. `cluster`: null for the one node at
  /// plan.target; else it must outlive this, and its requests for new maps must be answered.
  static std::unique_ptr<Loading> start(const LoadPlan& plan, LiveSlotMap* cluster = nullptr);
  ~Loading();  ///< stops and joins

  /// Keys acknowledged so far. Safe from any thread, as are running() and stop().
  std::uint64_t done() const;
  bool running() const;
  /// Waits until it is over, at most `span`; false: it still runs.
  bool waitFor(Nanos span) const;
  /// Stops sending and waits, for at most plan.drain, for outstanding replies.
  void stop();
  /// Waits for the workers. Once.
  LoadOutcome join();

 private:
  struct Impl;
  explicit Loading(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace redline
