#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "lab/experiment.h"
#include "server/replication_lag.h"

namespace redline::lab {

/// A write that was acknowledged, and how long a replica went on without it.
struct StaleWindow {
  Nanos acknowledged = 0;  ///< by SteadyClock
  /// From there to when the last read was sent that returned the old value (0: none did), and to
  /// when the first one was answered that returned the new one: the window lies between them.
  Nanos atLeast = 0, atMost = 0;
  Nanos refused = 0;   ///< from the first read that the replica refused to the last; 0: none
  bool closed = true;  ///< false: the probe ended before the new value was seen
};

/// Which pair is watched, by the stack's numbers.
struct WatchedPair {
  std::size_t master = 0, replica = 0;
  std::string key;  ///< whose slot that master has; the probe writes and reads it
};

/// What one pair looked like for as long as it was watched.
struct PairWatch {
  std::vector<StaleWindow> windows;           ///< one write each, in order
  std::vector<ReplicationLagSample> samples;  ///< by the replica's own offset
  std::vector<double> masterSays;  ///< bytes behind, by the master's INFO at the same time
  double streamBytesPerS = 0;      ///< growth of master_repl_offset
};

/// The windows around something that was done at one moment, microseconds.
struct WindowsAround {
  /// The longest of the writes that were acknowledged in the `span` before it and seen by then; 0:
  /// there was none.
  double worstBeforeUs = 0;
  /// The longest of the writes of an equally long stretch from it on, and of one that it met: a
  /// maximum grows with the number of windows that it is taken of.
  double worstAsLongAfterUs = 0;
  double worstAfterUs = 0;  ///< the same until the end
  double refusedUs = 0;     ///< how long the replica refused reads
  /// From the moment until the end of the last window of more than twice the worst before; not a
  /// number where such a window was open when the probe ended.
  double recoveredUs = 0;
  bool isOpenAtEnd = false;  ///< such a window was: it was longer than is known
};
WindowsAround windowsAround(const std::vector<StaleWindow>& windows, Nanos moment, Nanos span);

/// Writes the pair's key at its master every `pause`, and reads it from the replica until the new
/// value comes; meanwhile asks both for their offsets every `sampled`. Until `isOver`.
Result<PairWatch> watchPair(Bench& bench, const WatchedPair& pair, Nanos pause, Nanos sampled,
                            const std::function<bool()>& isOver);

}  // namespace redline::lab
