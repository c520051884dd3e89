#pragma once

#include <algorithm>

#include "base/clock.h"

namespace redline {

/// The phases of a run, as points of the clock: warm-up [start, measureStart), the measured window
/// [measureStart, measureEnd), and the drain until drainEnd. An operation belongs to the phase of
/// its intended time.
struct Window {
  Nanos start = 0;
  Nanos measureStart = 0;
  Nanos measureEnd = 0;
  Nanos drainEnd = 0;
  Nanos interval = kSecond;

  bool isWarmup(Nanos t) const { return t < measureStart; }
  bool isDrain(Nanos t) const { return t >= measureEnd; }

  /// The end of the reporting interval that `t` lies in: multiples of `interval` from each phase's
  /// start, cut short where the phase ends.
  Nanos intervalEnd(Nanos t) const {
    const Nanos from = isWarmup(t) ? start : isDrain(t) ? measureEnd : measureStart;
    const Nanos to = isWarmup(t) ? measureStart : isDrain(t) ? drainEnd : measureEnd;
    const Nanos next = from + ((t - from) / interval + 1) * interval;
    return t >= to ? next : std::min(next, to);
  }
};

}  // namespace redline
