#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "chaos/bracket.h"
#include "chaos/chaos_plan.h"
#include "chaos/fault.h"
#include "record/fault_time.h"
#include "record/summary.h"

namespace redline {

/// What the summary says of a fault. `zero`: the run's.
FaultFigures faultFigures(const FaultSpec& spec, const FaultOutcome& outcome, Nanos zero);

/// The faults of one run, each on a thread of its own, so that a long one does not delay the next.
/// Those of one kind wait for each other: slots that are still on their way there cannot be moved
/// back, and one server has one snapshot at a time. Whatever happens, what was begun is healed
/// before finish() or the destructor returns.
class ChaosRun {
 public:
  /// `context.interrupted` is for this object to set; the rest is used as it is.
  ChaosRun(const ChaosPlan& plan, FaultContext context);
  ~ChaosRun();
  ChaosRun(const ChaosRun&) = delete;
  ChaosRun& operator=(const ChaosRun&) = delete;

  /// Prepares every fault, before the load. The first failure ends it, with nothing left behind.
  Status prepare();
  /// From now on each fault begins at its time. `measureStart`: on the context's clock.
  void start(Nanos measureStart);
  /// Starts no further faults, lets those under way end, and heals and tidies up everything.
  /// Call it when the load is over. Idempotent.
  void finish();

  /// Whether [from, to) touches a fault's bracket, or what a fault leaves behind (kAftermath).
  bool touches(Nanos from, Nanos to) const;
  /// After finish(): one for each planned fault. `zero`: the run's.
  std::vector<FaultFigures> figures(Nanos zero) const;
  /// After finish(): what went wrong, a line for each fault concerned: it had no effect, or could
  /// not be healed. A fault whose time did not come is not a failure.
  std::vector<std::string> problems() const;

 private:
  struct Planned;
  void carryOut(Planned& planned, Nanos at);
  /// False when the run is over before `when`.
  bool waitUntil(Nanos when);
  /// Until the faults of its kind that were due before are over. False when the run is over before.
  bool waitForItsKind(const Planned& planned);

  FaultContext context_;
  std::vector<std::unique_ptr<Planned>> faults_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex timeMutex_;
  FaultTime time_;
};

}  // namespace redline
