#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace redline {

/// Ids [begin, end).
struct IdBlock {
  std::uint64_t begin = 0, end = 0;
  std::uint64_t size() const { return end - begin; }
  bool empty() const { return begin >= end; }
};

/// Hands out [from, keys) in ascending blocks, to any number of threads: every id exactly once,
/// in any order of calls.
class IdBlocks {
 public:
  /// `size`: ids in a block, at least 1; the last block may be shorter.
  IdBlocks(std::uint64_t from, std::uint64_t keys, std::uint64_t size)
      : first_(std::min(from, keys)), keys_(keys), size_(std::max<std::uint64_t>(size, 1)) {}

  /// The next block; empty when all are handed out.
  IdBlock take() noexcept {
    // Counting blocks and not ids, so that askers after the end cannot make the counter wrap.
    if (exhausted()) return {};
    const std::uint64_t number = handedOut_.fetch_add(1, std::memory_order_relaxed);
    const std::uint64_t begin = beginOf(number);
    return begin >= keys_ ? IdBlock{} : IdBlock{begin, begin + std::min(size_, keys_ - begin)};
  }

  bool exhausted() const noexcept { return frontier() == keys_; }
  /// Every id below has been handed out, and none from it on.
  std::uint64_t frontier() const noexcept {
    return beginOf(handedOut_.load(std::memory_order_relaxed));
  }
  std::uint64_t total() const noexcept { return keys_ - first_; }

 private:
  std::uint64_t beginOf(std::uint64_t number) const noexcept {
    const std::uint64_t left = keys_ - first_;
    const std::uint64_t blocks = left / size_ + (left % size_ != 0 ? 1 : 0);
    return number >= blocks ? keys_ : first_ + number * size_;
  }

  const std::uint64_t first_, keys_, size_;
  std::atomic<std::uint64_t> handedOut_{0};
};

}  // namespace redline
