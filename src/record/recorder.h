#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "record/interval.h"
#include "record/interval_exchange.h"

namespace redline {

/// Merges the workers' intervals, in order, into the run's. Lives on one thread; the workers know
/// only their exchanges.
///
/// A worker that had no core for a while, or found the recorder late, hands over fewer and longer
/// intervals than the others. So they are merged by what they cover: a merged interval ends where
/// one of each worker's does, and never holds two phases.
class Recorder {
 public:
  using OnInterval = std::function<void(const Interval&)>;

  /// `onInterval` is called for each merged interval, in order, on the thread that calls poll().
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
  /// These follow one another, and no interval belongs to two of them.
  enum class Phase : std::uint8_t { warmup, window, drain };
  using Queue = std::deque<IntervalExchange::Ptr>;

  static Phase phaseOf(const Interval& interval);
  void collect();
  bool mergeNext(bool everyoneEnded);
  Phase earliestPhase() const;
  Nanos commonEnd(Phase phase) const;
  bool reaches(std::size_t worker, Phase phase, Nanos end) const;
  void takeUntil(std::size_t worker, Phase phase, Nanos end);
  void giveBack(std::size_t worker, IntervalExchange::Ptr interval);
  void addToTotals();

  std::vector<std::unique_ptr<IntervalExchange>> exchanges_;
  std::vector<Queue> waiting_;  // by worker, oldest first
  std::vector<bool> ended_;     // by worker: nothing comes after what is in waiting_
  OnInterval onInterval_;
  Interval merged_;
  bool nothingMerged_ = true;
  Interval total_;
  std::uint64_t completedInWindow_ = 0;
  std::uint64_t warmupCorrupt_ = 0;
};

}  // namespace redline
