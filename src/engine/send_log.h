#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace redline {

/// The times of one worker's sends on their way to a file, in bounded memory: the worker fills a
/// chunk, and another thread takes those that are full. Where nobody takes them in time, what
/// exceeds the bound is counted and dropped; the worker never waits.
class SendLog {
 public:
  using Chunk = std::vector<Nanos>;
  static constexpr std::size_t kChunk = std::size_t{1} << 16;  ///< times in one
  static constexpr std::size_t kMostChunks = 64;               ///< full ones: 32 MB

  // The worker.

  /// `operations` were sent at `at`, which is not earlier than the time before.
  void append(Nanos at, std::size_t operations) {
    while (operations != 0) {
      if (current_.capacity() == 0) current_.reserve(kChunk);
      const std::size_t now = std::min(operations, kChunk - current_.size());
      current_.insert(current_.end(), now, at);
      operations -= now;
      if (current_.size() == kChunk) handOver();
    }
  }

  // The other thread.

  /// The full chunks, in order.
  std::vector<Chunk> takeFull() {
    const std::lock_guard lock(mutex_);
    return std::exchange(full_, {});
  }
  /// Its memory is used again.
  void giveBack(Chunk chunk) {
    chunk.clear();
    const std::lock_guard lock(mutex_);
    if (free_.size() < kMostChunks) free_.push_back(std::move(chunk));
  }
  /// After the worker has ended: what is left, behind takeFull().
  Chunk takeRest() { return std::exchange(current_, {}); }
  /// Times that were dropped.
  std::uint64_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  void handOver() {
    const std::lock_guard lock(mutex_);
    if (full_.size() == kMostChunks) {
      dropped_ += current_.size();
      current_.clear();
      return;
    }
    full_.push_back(std::exchange(current_, {}));
    if (free_.empty()) return;
    current_ = std::move(free_.back());
    free_.pop_back();
  }

  Chunk current_;
  mutable std::mutex mutex_;
  std::vector<Chunk> full_, free_;
  std::uint64_t dropped_ = 0;
};

}  // namespace redline
