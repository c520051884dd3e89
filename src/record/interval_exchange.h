#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>

#include "record/interval.h"

namespace redline {

/// A bounded queue between exactly one producer and one consumer thread; no lock, no wait.
template <typename T, std::size_t Capacity>
class SpscQueue {
 public:
  bool push(T&& value) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == Capacity) return false;
    slots_[tail % Capacity] = std::move(value);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  bool pop(T& value) {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    value = std::move(slots_[head % Capacity]);
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

 private:
  std::array<T, Capacity> slots_{};
  alignas(64) std::atomic<std::size_t> head_{0};
  alignas(64) std::atomic<std::size_t> tail_{0};
};

/// Where one worker hands its finished intervals to the recorder and takes fresh ones.
class IntervalExchange {
 public:
  using Ptr = std::unique_ptr<Interval>;

  IntervalExchange() {
    for (std::size_t i = 0; i < kSpares; ++i) fresh_.push(std::make_unique<Interval>());
  }

  /// Worker, at the beginning: an empty interval.
  Ptr takeFresh() {
    Ptr interval;
    if (!fresh_.pop(interval)) interval = std::make_unique<Interval>();
    return interval;
  }
  /// Worker: gives `full` away for an empty interval. Where the recorder is so late that there is
  /// none, the worker keeps `full` and continues to count into it: only resolution is lost.
  bool trade(Ptr& full) {
    Ptr next;
    if (!fresh_.pop(next)) return false;
    full_.push(std::move(full));  // has room: there are only kSpares intervals in all
    full = std::move(next);
    return true;
  }
  /// Worker, where two phases must not share an interval: as trade(), making one where none is
  /// spare.
  void tradeForSure(Ptr& full) {
    if (trade(full)) return;
    full_.push(std::move(full));  // has room: this happens at most once a phase
    full = std::make_unique<Interval>();
  }
  /// Worker, at the end: hands over the last one.
  void finish(Ptr last) {
    full_.push(std::move(last));
    finished_.store(true, std::memory_order_release);
  }

  /// Recorder: the worker's next interval; null where there is none yet.
  Ptr take() {
    Ptr interval;
    full_.pop(interval);
    return interval;
  }
  /// Recorder: returns an interval that take() gave, emptied, to be filled again.
  void giveBack(Ptr interval) { fresh_.push(std::move(interval)); }
  bool finished() const { return finished_.load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t kSpares = 7;  // one is the worker's first
  SpscQueue<Ptr, 16> full_;
  SpscQueue<Ptr, 16> fresh_;
  std::atomic<bool> finished_{false};
};

}  // namespace redline
