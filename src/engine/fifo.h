#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace redline {

/// A FIFO queue. It grows by doubling and keeps what it has, so a queue allocates only beyond its
/// longest length so far.
template <typename T>
class Fifo {
 public:
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  const T& front() const { return ring_[head_]; }
  /// The i-th from the front.
  const T& at(std::size_t i) const { return ring_[(head_ + i) & (ring_.size() - 1)]; }

  void push(const T& item) {
    if (count_ == ring_.size()) grow();
    ring_[(head_ + count_++) & (ring_.size() - 1)] = item;
  }
  T pop() {
    const T item = ring_[head_];
    head_ = (head_ + 1) & (ring_.size() - 1);
    --count_;
    return item;
  }

 private:
  void grow() {
    std::vector<T> larger(ring_.empty() ? kFirst : 2 * ring_.size());
    for (std::size_t i = 0; i < count_; ++i) larger[i] = at(i);
    ring_ = std::move(larger);
    head_ = 0;
  }

  static constexpr std::size_t kFirst = 64;
  std::vector<T> ring_;  // its size is a power of two
  std::size_t head_ = 0, count_ = 0;
};

}  // namespace redline
