#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "engine/lane_queue.h"
#include "engine/link.h"
#include "record/histogram.h"
#include "transport/endpoint.h"

namespace redline {

/// What ClusterLanes needs of every lane: which node it leads to, what waits for it, whether the
/// node still answers, and what it has done. A lane derives from this and adds its connections:
///     using Connection = …;                      derived from Link, with `lane` pointing back
///     struct Setup { … };                        made from (number, endpoint, setup)
///     void forEachConnection(visit);
///     bool owesReplySince(Nanos since) const;    a request from before `since` has no reply
template <typename OpT>
class LaneBase {
 public:
  using Op = OpT;

  /// `number`: its index among the client's lanes.
  LaneBase(std::uint16_t number, Endpoint endpoint, std::size_t connections)
      : number_(number),
        endpoint_(std::move(endpoint)),
        connections_(connections),
        down_(connections) {}
  LaneBase(const LaneBase&) = delete;
  LaneBase& operator=(const LaneBase&) = delete;

  std::uint16_t number() const { return number_; }
  const Endpoint& endpoint() const { return endpoint_; }

  /// No connection that carries operations is up, or coming up.
  bool isGone() const { return down_ == connections_; }
  bool allOpened() const { return down_ + othersDown_ == 0; }
  void onOpened(const Link& link) { --(link.carriesOperations ? down_ : othersDown_); }
  void onDown(const Link& link) { ++(link.carriesOperations ? down_ : othersDown_); }

  LaneQueue<Op> queue;

  Nanos lastReceivedAt = 0;  ///< when the last bytes arrived
  bool silent = false;       ///< it owes replies, and has been silent for a while

  // What its node did in the measured window, or for the load; in a cluster only.
  std::uint64_t completed = 0;         ///< operations, or keys
  std::uint64_t redirected = 0;        ///< MOVED and ASK that it answered
  std::unique_ptr<Histogram> service;  ///< of the operations completed; null: not kept

 private:
  std::uint16_t number_;
  Endpoint endpoint_;
  std::size_t connections_;     // that carry operations
  std::size_t down_;            // of them
  std::size_t othersDown_ = 0;  // of those that carry none
};

}  // namespace redline
