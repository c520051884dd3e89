#pragma once

#include <cstddef>

#include "engine/fifo.h"

namespace redline {

/// Operations that wait for room on a lane's connections. Those that were sent before go first.
template <typename Op>
class LaneQueue {
 public:
  bool empty() const { return resends.empty() && waiting.empty(); }
  std::size_t size() const { return resends.size() + waiting.size(); }
  const Op& front() const { return resends.empty() ? waiting.front() : resends.front(); }
  Op pop() { return resends.empty() ? waiting.pop() : resends.pop(); }

  template <typename Visit>
  void forEach(Visit&& visit) const {
    for (std::size_t i = 0; i < resends.size(); ++i) visit(resends.at(i));
    for (std::size_t i = 0; i < waiting.size(); ++i) visit(waiting.at(i));
  }

  Fifo<Op> resends;  ///< redirected, delayed, or lost with a connection
  Fifo<Op> waiting;  ///< not sent yet
};

}  // namespace redline
