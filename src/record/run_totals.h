#pragma once

#include <cstdint>
#include <initializer_list>

#include "record/interval.h"
#include "record/operation.h"
#include "record/summary.h"

namespace redline {

/// The counts of a run: of its measured window, warm-up excluded and drain included. The
/// engine's recorder has it at the end of a run, and the directory of a crashed run has it too.
struct RunTotals {
  Counters counts;
  std::uint64_t completedInWindow = 0;  ///< operations, drain excluded, whenever they were due
  std::uint64_t warmupCorrupt = 0;      ///< corrupt values count whenever they are found
  double windowS = 0;                   ///< the window's length, drain excluded
  double busyS = 0;                     ///< the workers' time: window and drain, × threads
};

// The parts of a summary that follow from the counts alone. Pure.

/// `target`: operations/s asked for; 0 in the closed model.
RateFigures rateFigures(const RunTotals& totals, double target);
/// Operations/s that the server answered in a window of this length, with a value or with an error.
/// What was offered beyond that waits in a queue, or was lost.
double answeredRate(const RateFigures& rate, double windowS);
/// Of the operations scheduled, the share that failed for one of these reasons; 0 of none.
double failedShare(const RateFigures& rate, std::initializer_list<Failure> reasons);
CacheFigures cacheFigures(const Counters& counts);
/// Of a run with a store behind the cache: counts and latencies. What was asked of it is the
/// caller's.
BackingFigures backingFigures(const Counters& counts, const StoreLatency& latency);
/// Requests to the store that failed, of all kinds but time-outs and those that were shed.
std::uint64_t storeFailures(const Counters& counts);

/// The most that the levels of the store were at the end of an interval, warm-up included.
struct StorePeaks {
  std::uint64_t queue = 0;    ///< requests that waited for a connection
  std::uint64_t waiting = 0;  ///< operations that waited for the store

  void follow(const Counters& counts);
};
VerifyFigures verifyFigures(const RunTotals& totals);
/// The counts of redirects; the nodes and slots are the caller's.
ClusterFigures redirectFigures(const Counters& counts);
/// CPU time, pauses and batches. `extraRequests`: beyond one for each operation.
GeneratorFigures generatorFigures(const RunTotals& totals, std::uint64_t extraRequests = 0);

}  // namespace redline
