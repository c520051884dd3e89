#include "record/recorder.h"

#include <algorithm>
#include <utility>

#include "base/affinity.h"

namespace redline {

Recorder::Recorder(std::size_t workers, OnInterval onInterval)
    : waiting_(workers), ended_(workers), onInterval_(std::move(onInterval)) {
  for (std::size_t i = 0; i < workers; ++i)
    exchanges_.push_back(std::make_unique<IntervalExchange>());
}

void Recorder::poll() {
  collect();
  while (mergeNext(false)) {
  }
}

void Recorder::finish() {
  collect();
  while (mergeNext(true)) {
  }
}

void Recorder::collect() {
  for (std::size_t i = 0; i < exchanges_.size(); ++i) {
    ended_[i] = exchanges_[i]->finished();  // asked first: what it handed over last is then there
    while (auto interval = exchanges_[i]->take()) waiting_[i].push_back(std::move(interval));
  }
}

Recorder::Phase Recorder::phaseOf(const Interval& interval) {
  return interval.warmup ? Phase::warmup : interval.drain ? Phase::drain : Phase::window;
}

/// Merges the next intervals of all workers into one; false where that has to wait.
bool Recorder::mergeNext(bool everyoneEnded) {
  for (std::size_t i = 0; i < waiting_.size(); ++i)
    if (waiting_[i].empty() && !ended_[i] && !everyoneEnded) return false;
  if (std::ranges::all_of(waiting_, &Queue::empty)) return false;
  const Phase phase = earliestPhase();
  const Nanos end = commonEnd(phase);
  for (std::size_t i = 0; i < waiting_.size(); ++i)
    if (!everyoneEnded && !reaches(i, phase, end)) return false;
  nothingMerged_ = true;
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    takeUntil(i, phase, end);
    yieldCore();
  }
  addToTotals();
  yieldCore();
  onInterval_(merged_);
  return true;
}

Recorder::Phase Recorder::earliestPhase() const {
  Phase earliest = Phase::drain;
  for (const Queue& queue : waiting_)
    if (!queue.empty()) earliest = std::min(earliest, phaseOf(*queue.front()));
  return earliest;
}

/// The earliest point of the clock, after the first interval of each worker, that no interval of
/// this phase straddles.
Nanos Recorder::commonEnd(Phase phase) const {
  Nanos end = 0;
  for (Nanos before = -1; end != before;) {
    before = end;
    for (const Queue& queue : waiting_)
      for (std::size_t n = 0; n < queue.size() && phaseOf(*queue[n]) == phase; ++n)
        if (n == 0 || queue[n]->start < end) end = std::max(end, queue[n]->end);
  }
  return end;
}

/// Whether the worker has handed over all that it has of this phase before `end`.
bool Recorder::reaches(std::size_t worker, Phase phase, Nanos end) const {
  if (ended_[worker]) return true;
  const Interval& last = *waiting_[worker].back();
  return phaseOf(last) != phase || last.end >= end;
}

void Recorder::takeUntil(std::size_t worker, Phase phase, Nanos end) {
  Queue& queue = waiting_[worker];
  IntervalExchange::Ptr own;  // this worker's, one after another
  while (!queue.empty() && phaseOf(*queue.front()) == phase &&
         (own == nullptr || queue.front()->start < end)) {
    IntervalExchange::Ptr next = std::move(queue.front());
    queue.pop_front();
    if (own == nullptr) {
      own = std::move(next);
      continue;
    }
    own->follow(*next);
    giveBack(worker, std::move(next));
  }
  if (own == nullptr) return;
  if (std::exchange(nothingMerged_, false)) {
    merged_.reset(own->start, own->end);
    merged_.warmup = own->warmup;
    merged_.drain = own->drain;
  }
  merged_.merge(*own);
  giveBack(worker, std::move(own));
}

// Emptied here and not by the worker, which has operations due.
void Recorder::giveBack(std::size_t worker, IntervalExchange::Ptr interval) {
  interval->reset(0, 0);
  exchanges_[worker]->giveBack(std::move(interval));
}

void Recorder::addToTotals() {
  if (merged_.warmup) {
    warmupCorrupt_ += merged_.counts.corrupt;
    return;
  }
  if (!merged_.drain) {
    completedInWindow_ += merged_.counts.carriedOver;
    for (const std::uint64_t n : merged_.counts.completed) completedInWindow_ += n;
  }
  total_.follow(merged_);
}

}  // namespace redline
