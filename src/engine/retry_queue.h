#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

#include "base/clock.h"

namespace redline {

/// Operations that are sent again at a time of their own, the soonest first.
template <typename Op>
class RetryQueue {
 public:
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  /// When the first of them is due. Only where there is one.
  Nanos soonest() const { return heap_.front().at; }

  void push(Nanos at, const Op& op) {
    heap_.push_back({at, op});
    std::ranges::push_heap(heap_, std::greater<>{});
  }
  Op pop() {
    std::ranges::pop_heap(heap_, std::greater<>{});
    const Op op = heap_.back().op;
    heap_.pop_back();
    return op;
  }

  template <typename Visit>
  void forEach(Visit&& visit) const {
    for (const Entry& entry : heap_) visit(entry.op);
  }

 private:
  struct Entry {
    Nanos at;
    Op op;
    bool operator>(const Entry& other) const { return at > other.at; }
  };
  std::vector<Entry> heap_;
};

}  // namespace redline
