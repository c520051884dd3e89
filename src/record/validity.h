#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "record/histogram.h"
#include "record/interval.h"
#include "record/reason.h"
#include "record/summary.h"

namespace redline {

/// The facts behind a run's verdict. Shares are 0…1, times microseconds.
struct ValidityFacts {
  bool closed = false;
  double targetRate = 0;     ///< operations/s; open model
  double answeredRate = 0;   ///< operations/s that completed, or failed by an error of the server
  double windowS = 0;        ///< the measured window
  double dispatchP99Us = 0;  ///< the generator's own lateness, of intervals that no fault touched
  double dispatchMaxUs = 0;
  double generatorUtilisation = 0;  ///< busiest share, idle spinning excluded
  double generatorWaiting = 0;      ///< share of its time in which others had its core
  double hiddenSteal = 0;           ///< GeneratorFigures::hiddenSteal
  double longestPauseUs = 0;        ///< of the generator
  double serverUtilisation = 0;     ///< of the busiest server's main thread; < 0: not known
  double serverWaiting = 0;         ///< share of its time in which others had that thread's core
  double steal = 0;                 ///< of the machine's time
  double corrupt = 0;               ///< values that were not what they must be
  double scheduled = 0, completed = 0;  ///< operations due in the window
  /// Of the scheduled: lost with their connections (disconnected, unknown_fate), so that they have
  /// no latency at all.
  double lostShare = 0;
  double droppedShare = 0;       ///< of the scheduled: those, and what exceeded -op-timeout
  double strangeShare = 0;       ///< of the scheduled: replies that do not answer the request
  double bytesPerOperation = 0;  ///< received, whatever it was
  double valueSize = 0;
  /// Of a worker's time: operations were due, and none was drawn since a full lane held
  /// -max-backlog of them. In a cluster only.
  double blockedShare = 0;
  /// On the wire for kUnansweredAfter or longer when the run ended.
  std::uint64_t unanswered = 0;
  double longestUnansweredS = 0;
  double unservedShare = 0;  ///< of the scheduled: refused by a cluster until the run ended
  std::string serverLost;    ///< why no server answered once the run was over; empty: it did
  unsigned faults = 0;       ///< brackets of faults that the run injected itself
  /// Of the intervals that a fault touched: how many operations, and their dispatch. A fault may
  /// take the generator's CPU too (a snapshot's child does); that is part of what it does.
  std::uint64_t faultedOperations = 0;
  double faultedDispatchP99Us = 0;
  bool allFaulted = false;  ///< no interval was free of faults
};

/// The generator's dispatch of all intervals: of those that a fault touched, and of the others.
struct DispatchByFaults {
  Histogram clear, faulted;
};

/// What the facts of a run take from elsewhere than its summary and its counters.
struct VerdictBasis {
  bool closed = false;
  std::size_t valueSize = 0;
  double busyS = 0;                            ///< the workers' time: window and drain, × threads
  std::string serverLost;                      ///< ValidityFacts::serverLost
  unsigned faults = 0;                         ///< ValidityFacts::faults
  const DispatchByFaults* dispatch = nullptr;  ///< null: there are no faults
};

/// The facts of a run, or of a run so far. `summary` has rate, latency, verify, generator and
/// servers.
ValidityFacts validityFacts(const Summary& summary, const Counters& counts,
                            const VerdictBasis& basis);

struct Verdict {
  Reasons reasons;  ///< why the run is invalid; empty: it is valid
  /// Worth knowing, and no fault of the measurement.
  std::vector<std::string> notes;
  bool overloaded = false;  ///< the server answered less than was offered
};

/// Whether the generator measured the server or itself. A server that cannot follow, or refuses, is
/// a finding and no reason for invalidity; a generator that cannot follow, a stolen core, wrong
/// values, a server that was gone for good, operations to which no reply comes, or a share of
/// operations without any latency are.
Verdict judgeValidity(const ValidityFacts& facts);

// The thresholds, for the docs and the tests.
inline constexpr double kTolerableDispatchP99Us = 1'000;
inline constexpr double kTolerableSteal = 0.05;
inline constexpr double kTolerableWaiting = 0.05;
/// From here on unexplained pauses make a generator late, and not its own load.
inline constexpr double kHiddenStealMatters = 0.01;
inline constexpr double kGeneratorBound = 0.95;
inline constexpr double kServerBound = 0.90;
inline constexpr double kKeptUp = 0.99;
/// With 1% of the operations lost there is no p99 of all of them.
inline constexpr double kTolerableLost = 0.01;
/// A reply that has not come for so long, drain included, does not come.
inline constexpr Nanos kUnansweredAfter = 2 * kSecond;
inline constexpr double kTolerableStrange = 0.01;
/// More bytes for each operation than this many values with their framing: the server sends
/// something else.
inline constexpr double kFlooded = 4;
inline constexpr double kFramingBytes = 256;

}  // namespace redline
