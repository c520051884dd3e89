#include "engine/op_recorder.h"

#include <utility>

namespace redline {

OpRecorder::OpRecorder(const EnginePlan& plan, ClusterLanes<Lane>& lanes,
                       IntervalExchange& exchange)
    : plan_(plan),
      lanes_(lanes),
      exchange_(exchange),
      closed_(plan.closed()),
      interval_(exchange.takeFresh()) {}

// ---------------------------------------------------------------------------------------------------
// Phases and intervals

void OpRecorder::start(const Window& window) {
  window_ = window;
  const bool warmup = window_.isWarmup(window_.start);
  countFrom_ = warmup ? window_.start : window_.measureStart;
  intervalEnd_ = window_.intervalEnd(window_.start);
  interval_->reset(window_.start, window_.start);
  interval_->warmup = warmup;
  usageSeen_ = readThreadUsage();
}

void OpRecorder::endWindow(Nanos at, Nanos now) {
  if (window_.isWarmup(at)) at = std::max(at, now + 1);
  if (at >= window_.measureEnd) return;
  window_.measureEnd = at;
  window_.measureStart = std::min(window_.measureStart, at);
  window_.drainEnd = std::min(window_.drainEnd, at + plan_.drain);
  intervalEnd_ = std::min(intervalEnd_, at);
}

void OpRecorder::rotate(Nanos now) {
  const bool wasWarmup = interval_->warmup;
  closeInterval(now);
  const Nanos end = interval_->end;
  const bool samePhase =
      wasWarmup == window_.isWarmup(now) && interval_->drain == window_.isDrain(now);
  intervalEnd_ = window_.intervalEnd(now);
  if (!samePhase)
    exchange_.tradeForSure(interval_);
  else if (!exchange_.trade(interval_))
    return;  // the recorder is late: this interval grows
  interval_->reset(end, end);
  interval_->warmup = window_.isWarmup(now);
  interval_->drain = window_.isDrain(now);
  addNodes();
  if (interval_->warmup) return;
  countFrom_ = window_.measureStart;
  if (wasWarmup) lanes_.resetTally();
}

void OpRecorder::finish(Nanos now) {
  closeInterval(now);
  exchange_.finish(std::move(interval_));
}

// Sets what is known only at the end of an interval. A stop that is seen late, after a pause, may
// have ended the window before this interval began: then it has no length.
void OpRecorder::closeInterval(Nanos now) {
  const Nanos end = std::min(now, std::max(intervalEnd_, window_.start));
  interval_->end = std::max(end, interval_->start);
  const ThreadUsage usage = readThreadUsage();
  const ThreadUsage spent = usage - std::exchange(usageSeen_, usage);
  Counters& counters = interval_->counts;
  counters.cpuUser += spent.user;
  counters.cpuSystem += spent.system;
  counters.cpuWaiting += spent.waiting;
}

void OpRecorder::addNodes() {
  if (!lanes_.inCluster()) return;
  interval_->slots.resize(kSlots);
  for (std::size_t i = interval_->nodes.size(); i < lanes_.all().size(); ++i)
    interval_->nodes.push_back({lanes_[i].endpoint().text(), 0, 0, {}});
}

// ---------------------------------------------------------------------------------------------------
// Operations

void OpRecorder::completedLocally(const PendingOp& op, Nanos now) {
  noteEnd(op);
  ++interval_->counts.of(MitigationCount::localHits);
  ++interval_->counts.completed[index(op.kind)];
  interval_->of(Measure::response, op.kind).record(now - op.intended);
  interval_->of(Measure::lateness, op.kind).record(now - op.intended);
}

void OpRecorder::failed(const PendingOp& op, Failure failure, Nanos now) {
  noteEnd(op);
  ++interval_->counts.failed[index(op.kind)];
  ++interval_->counts.failures[index(failure)];
  interval_->failed.record(now - op.intended);
}

void OpRecorder::unfinished(OpKind kind, Nanos waited, std::uint64_t times) {
  if (times == 0) return;
  interval_->of(Measure::response, kind).record(waited, times);
  interval_->unfinished[index(kind)].record(waited, times);
  interval_->counts.outstandingAtEnd += times;
}

}  // namespace redline
