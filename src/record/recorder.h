#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "record/interval.h"
#include "record/interval_exchange.h"

namespace redline {

/// Merges the workers' intervals, in order, into the run's. Lives on one thread; the workers know
/// only their exchanges.
class Recorder {
 public:
  using OnInterval = std::function<void(const Interval&)>;

  /// `onInterval` is called by poll() for each interval that every worker has finished.
  Recorder(std::size_t workers, OnInterval onInterval);

  IntervalExchange& exchange(std::size_t worker) { return *exchanges_[worker]; }

  /// Takes what the workers have handed over. Call a few times an interval.
  void poll();
  /// After the workers have ended: takes the rest.
  void finish();

  /// All of the measured window (warm-up excluded, drain included), merged.
  const Interval& total() const { return total_; }
  /// Operations completed inside the measured window, drain excluded and whenever they were due:
  /// what the achieved rate is of.
  std::uint64_t completedInWindow() const { return completedInWindow_; }
  /// Corrupt values seen during warm-up: these count whenever they happen.
  std::uint64_t warmupCorrupt() const { return warmupCorrupt_; }

 private:
  void collect();
  bool everyWorkerHasOne() const;
  void mergeNext();

  std::vector<std::unique_ptr<IntervalExchange>> exchanges_;
  std::vector<std::deque<IntervalExchange::Ptr>> waiting_;  // by worker, oldest first
  OnInterval onInterval_;
  Interval merged_;
  Interval total_;
  std::uint64_t completedInWindow_ = 0;
  std::uint64_t warmupCorrupt_ = 0;
};

}  // namespace redline
