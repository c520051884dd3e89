#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "server/admin.h"
#include "transport/endpoint.h"

namespace redline {

/// How far a replica is behind its master, in bytes of the replication stream.
struct ReplicationLagSample {
  Nanos at = 0;
  std::size_t replica = 0;  ///< index of the pair
  /// The master's offset was read before the replica's and again after it, so the lag at the moment
  /// of the replica's reading lies between these two.
  std::uint64_t atLeast = 0, atMost = 0;
};

/// Measures how far replicas are behind their masters during a run, on its own thread. It asks the
/// replica itself: what a master says of its replicas is their acknowledgement, which comes once a
/// second. A replica that does not answer in time, or is no longer a replica, gives no sample.
class ReplicationLag {
 public:
  struct Pair {
    Endpoint master, replica;
  };

  /// A sample of every pair each `interval`.
  ReplicationLag(std::vector<Pair> pairs, Credentials credentials,
                 Nanos interval = 100 * kMillisecond);
  ~ReplicationLag();
  ReplicationLag(const ReplicationLag&) = delete;
  ReplicationLag& operator=(const ReplicationLag&) = delete;

  /// Ends the thread. Idempotent.
  void stop();
  const std::vector<Pair>& pairs() const { return pairs_; }
  /// After stop(): all samples, in order of time.
  const std::vector<ReplicationLagSample>& samples() const { return samples_; }

 private:
  void run();

  std::vector<Pair> pairs_;
  Credentials credentials_;
  Nanos interval_;
  std::vector<ReplicationLagSample> samples_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace redline
