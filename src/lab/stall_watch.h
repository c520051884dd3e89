#pragma once

#include <atomic>

#include "base/clock.h"
#include "lab/experiment.h"
#include "server/ping_probe.h"

namespace redline::lab {

/// Whether a PING finds no answer while an action goes on, as the driver's probe sees it beside
/// -chaos.
class StallWatch {
 public:
  static constexpr Nanos kLeast = 500 * kMicrosecond;  ///< a shorter silence is not seen

  /// Begins at once, and sees stalls once it is connected: start it before what stalls.
  explicit StallWatch(Bench& bench)
      : probe_({.servers = {bench.stack().endpoint()}, .credentials = {}, .threshold = kLeast},
               clock_, [this](const Event& event) { note(event); }) {}

  /// Stalls that end before now do not count.
  void restart() { since_ = clock_.now(); }
  /// Ends it. The longest stall, less what the probe itself waited for a core; 0: none was as long
  /// as kLeast.
  double longestUs() {
    probe_.stop();
    return toMicros(longest_);
  }

 private:
  void note(const Event& event);

  SteadyClock clock_;
  // Before the probe, whose threads use them.
  std::atomic<Nanos> since_ = 0;
  Nanos longest_ = 0;
  PingProbe probe_;
};

}  // namespace redline::lab
