#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "record/event.h"
#include "server/admin.h"
#include "transport/endpoint.h"

namespace redline {

struct PingProbeOptions {
  std::vector<Endpoint> servers;
  Credentials credentials;
  Nanos period = kMillisecond;         ///< between two PINGs
  Nanos threshold = 5 * kMillisecond;  ///< a server silent for longer has stalled
};

/// Asks each server every millisecond whether it still answers: that gives a stall's edges, which
/// the server's own logs have in whole seconds only. One thread and one connection for each; a
/// thousand PINGs a second cost a server about 2% of its core, so it is for runs that look for
/// stalls.
///
/// For each stall an event of kind "stall", name "ping", phase "point": `at` is when the first PING
/// was sent that found no answer (the stall began at most a period before), `duration` runs until
/// its answer. What the probe itself waited for a CPU meanwhile (Linux's schedstat) is the figure
/// `own_wait_us`: the duration may be too long by this much, and a silence that is no longer than
/// the threshold without it is not a stall. A server that cannot be reached is in a stall until it
/// answers again.
class PingProbe {
 public:
  using OnEvent = std::function<void(const Event&)>;

  /// Begins at once. `onEvent` comes from the probe's threads, one at a time, and never after
  /// stop(). `clock` must outlive the probe.
  PingProbe(PingProbeOptions options, const Clock& clock, OnEvent onEvent);
  ~PingProbe();
  PingProbe(const PingProbe&) = delete;
  PingProbe& operator=(const PingProbe&) = delete;

  /// Reports a stall that has not ended, and returns when all threads have ended. Idempotent.
  void stop();

 private:
  class Watch;

  PingProbeOptions options_;
  const Clock& clock_;
  OnEvent onEvent_;
  std::mutex report_;  ///< held during a callback

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;         ///< under mutex_
  std::atomic<Nanos> waitLimit_;  ///< no wait for a server lasts beyond this
  std::vector<std::thread> threads_;
};

}  // namespace redline
