#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "engine/cluster_lanes.h"
#include "engine/exchange.h"
#include "engine/lane.h"
#include "engine/plan.h"
#include "engine/thread_usage.h"
#include "engine/window.h"
#include "record/interval.h"
#include "record/interval_exchange.h"

namespace redline {

/// What a worker records: its current interval, the phases of the run that decide which operations
/// count, and the hand-over to the recorder. Time comes from the caller.
class OpRecorder {
 public:
  /// `plan`, `lanes` and `exchange` outlive it.
  OpRecorder(const EnginePlan& plan, ClusterLanes<Lane>& lanes, IntervalExchange& exchange);

  // Phases.

  void start(const Window& window);
  const Window& window() const { return window_; }
  /// Where the interval that is being filled ends.
  Nanos intervalEnd() const { return intervalEnd_; }
  /// Ends the measured window at `at`, the time of the request to stop, or not at all where it
  /// ends sooner. A warm-up ends behind all that was drawn in it: what was drawn since `at` has
  /// been counted as the warm-up's.
  void endWindow(Nanos at, Nanos now);
  /// Whether the operation belongs to the phase whose figures are being collected: those of a
  /// warm-up that is over do not.
  bool counts(const PendingOp& op) const { return op.intended >= countFrom_; }
  Nanos countFrom() const { return countFrom_; }

  // Intervals.

  Interval& interval() { return *interval_; }
  Counters& counters() { return interval_->counts; }
  /// The interval has ended: hands it over and begins the next.
  void rotate(Nanos now);
  /// The run has ended: hands the last interval over.
  void finish(Nanos now);
  /// The interval has room for what each lane's node does, and for each slot. Call it when lanes
  /// may have been added.
  void addNodes();

  // Operations.

  /// The operation was completed by the exchange: its times, its slot and its node.
  void completed(const Exchange& by, const PendingOp& op, Nanos now) {
    recordTimes(by, op, now);
    recordPlace(by, op);
  }
  void completed(const Connection& c, const PendingOp& op, Nanos now) {
    completed(exchangeOn(c, now), op, now);
  }
  void recordTimes(const Connection& c, const PendingOp& op, Nanos now) {
    recordTimes(exchangeOn(c, now), op, now);
  }
  void recordPlace(const Connection& c, const PendingOp& op, Nanos now) {
    recordPlace(exchangeOn(c, now), op);
  }
  /// The worker's own cache has completed it. It has no service time, since no server was asked.
  void completedLocally(const PendingOp& op, Nanos now);
  void failed(const PendingOp& op, Failure failure, Nanos now);
  void unfinished(const PendingOp& op, Nanos now) {
    noteEnd(op);
    unfinished(op.kind, now - op.intended, 1);
  }
  /// `times` operations were scheduled and have no reply when the run ends: they waited for at
  /// least `waited`.
  void unfinished(OpKind kind, Nanos waited, std::uint64_t times);

  /// Appends the version of every operation that ends, however it does; for checks that none ends
  /// twice.
  void logEndsTo(std::vector<std::uint64_t>& log) { endLog_ = &log; }

 private:
  static Exchange exchangeOn(const Connection& c, Nanos now) {
    return {c.lane, c.sentAt, c.freeAt, now};
  }
  void recordTimes(const Exchange& by, const PendingOp& op, Nanos now);
  void recordPlace(const Exchange& by, const PendingOp& op);
  void closeInterval(Nanos now);
  void noteEnd(const PendingOp& op) {
    if (endLog_ != nullptr) endLog_->push_back(op.version);
  }

  const EnginePlan& plan_;
  ClusterLanes<Lane>& lanes_;
  IntervalExchange& exchange_;
  const bool closed_;
  std::unique_ptr<Interval> interval_;
  Window window_;
  Nanos intervalEnd_ = 0;
  Nanos countFrom_ = 0;  // operations intended before this belong to a warm-up that is over
  ThreadUsage usageSeen_;
  std::vector<std::uint64_t>* endLog_ = nullptr;
};

inline void OpRecorder::recordTimes(const Exchange& by, const PendingOp& op, Nanos now) {
  noteEnd(op);
  // In the closed model an operation is due when it is sent, unless it had to be sent again.
  const Nanos intended = closed_ && op.attempts == 1 ? by.sentAt : op.intended;
  Interval& interval = *interval_;
  ++interval.counts.completed[index(op.kind)];
  interval.of(Measure::response, op.kind).record(now - intended);
  interval.of(Measure::service, op.kind).record(by.answeredAt - by.sentAt);
  interval.of(Measure::lateness, op.kind).record(by.sentAt - intended);
  if (op.attempts == 1)  // else it was its first node that kept it
    interval.of(Measure::dispatch, op.kind)
        .record(closed_ ? 0 : by.sentAt - std::max(intended, by.freeAt));
}

inline void OpRecorder::recordPlace(const Exchange& by, const PendingOp& op) {
  if (!lanes_.inCluster()) return;
  Lane& lane = *by.lane;
  lanes_.countCompleted(lane, op.slot);
  lane.service->record(by.answeredAt - by.sentAt);
  NodeInterval& node = interval_->nodes[lane.number()];
  ++node.completed;
  node.service.record(by.answeredAt - by.sentAt);
  ++interval_->slots[op.slot];
}

}  // namespace redline
