#pragma once

#include "base/clock.h"
#include "cluster/redirect.h"

namespace redline {

/// Where, or when, an operation can be served that was not served where it was sent: a Decision
/// (cluster/redirect.h) whose node has been found among the client's lanes.
template <typename LaneT>
struct Redirection {
  Decision::Next next = Decision::Next::failed;
  LaneT* lane = nullptr;  ///< moved, ask; null for a node that may not be sent to
  Nanos retryAt = 0;      ///< tryAgain

  /// The reply was the operation's last: no other node can serve it, now or later.
  bool isFinal() const { return lane == nullptr && next != Decision::Next::tryAgain; }
};

}  // namespace redline
