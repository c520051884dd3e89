#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.h"

namespace redline {

/// When faults were under way, to separate the time they affected from the rest.
class FaultTime {
 public:
  /// The time after a fault in which queues still drain.
  static constexpr Nanos kAftermath = kSecond;

  /// A bracket opens; returns its number for end().
  std::size_t begin(Nanos at) {
    brackets_.push_back({at, kOpen});
    return brackets_.size() - 1;
  }
  /// It is over, healing included.
  void end(std::size_t bracket, Nanos at) { brackets_[bracket].end = at + kAftermath; }

  /// Whether [from, to) has anything in common with a bracket or its aftermath.
  bool touches(Nanos from, Nanos to) const {
    for (const Bracket& bracket : brackets_)
      if (bracket.begin < to && (bracket.end == kOpen || bracket.end > from)) return true;
    return false;
  }

 private:
  static constexpr Nanos kOpen = -1;
  struct Bracket {
    Nanos begin, end;
  };
  std::vector<Bracket> brackets_;
};

}  // namespace redline
