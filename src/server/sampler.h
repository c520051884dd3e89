#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "record/event.h"
#include "record/server_sample.h"
#include "server/admin.h"
#include "transport/endpoint.h"

namespace redline {

struct SamplerOptions {
  std::vector<Endpoint> servers;
  Credentials credentials;
  Nanos interval = kSecond;                    ///< between two readings of INFO and LATENCY
  Nanos slowlogInterval = 100 * kMillisecond;  ///< between two looks at SLOWLOG
  Nanos timeout = 5 * kSecond;  ///< of a command; a server silent for longer is a gap
  bool slowlog = true;
  bool latency = true;
};

/// Samples servers during a run. Each has a thread of its own, so that a frozen one does not
/// delay the readings of the others.
///
/// Of each server: a sample of INFO at the start, at the end, and every interval; an event for each
/// new slow-log and latency-monitor entry; and for each gap, when it cannot be reached, an event of
/// kind "connection", name "gap", with a begin and, if it comes back, an end.
///
/// Times are the run's: a sample's is when its reply came. A slow-log event's is its command's
/// start, as exactly as it is known: the entry's end lies within slowlogInterval before it was seen
/// (the server's own stamp is a whole second). A latency event's is that whole second.
class Sampler {
 public:
  using OnSample = std::function<void(const ServerSample&)>;
  using OnEvent = std::function<void(const Event&)>;

  /// Starts to watch. The callbacks come from the sampler's threads, one at a time, and none after
  /// stop(); they must not call stop(). `clock` must outlive the sampler.
  Sampler(SamplerOptions options, const Clock& clock, OnSample onSample, OnEvent onEvent);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// Waits until every server was read once, or could not be. Call it before the load begins, so
  /// that the first samples come before it.
  void awaitFirst();

  /// Takes the last samples and returns when all threads have ended: within half a second or so,
  /// even when a server is frozen (which then has no last sample). Idempotent.
  void stop();

 private:
  class Watch;

  SamplerOptions options_;
  const Clock& clock_;
  OnSample onSample_;
  OnEvent onEvent_;
  std::mutex report_;  ///< held during a callback

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;         ///< under mutex_
  std::size_t firstPending_ = 0;  ///< under mutex_: servers not yet tried
  std::atomic<Nanos> waitLimit_;  ///< no wait for a server lasts beyond this
  std::vector<std::thread> threads_;
};

}  // namespace redline
