#pragma once

#include <string>
#include <string_view>

#include "engine/plan.h"
#include "record/interval.h"
#include "record/summary.h"

namespace redline {

/// One interval for people: "  12s  50.0k/s of 50.0k/s  p50 41 µs  p99 120 µs  …".
class LiveLine {
 public:
  explicit LiveLine(const EnginePlan& plan) : plan_(plan) {}
  std::string of(const Interval& interval, Nanos sinceStart);

 private:
  const EnginePlan& plan_;
  Histogram response_, lateness_;  // of all kinds; kept, as fresh ones cost more than the line
};

/// What was measured, as a table, with its verdict.
std::string summaryTable(const Summary& summary);

}  // namespace redline
