#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/connection.h"
#include "engine/lane_base.h"
#include "engine/pending_op.h"
#include "transport/endpoint.h"

namespace redline {

/// How each of a worker's lanes is made.
struct LaneSetup {
  std::size_t connections = 1;
  std::size_t batchSize = 1;               ///< operations in one batch, at most
  const GreetingScript* script = nullptr;  ///< of the connections; outlives the lanes
  const GreetingScript* subscription =
      nullptr;  ///< not null: one more connection, with this script
  bool keepsServiceTimes = false;
};

/// One destination of the driver: a node, the worker's connections to it, the batch that is being
/// filled for it, and the operations that wait for room in one (LaneBase::queue). Bookkeeping only.
///
/// On a single node nothing waits here, since the schedule itself is the queue; only what a lost
/// connection gave back does.
class Lane : public LaneBase<PendingOp> {
 public:
  using Connection = redline::Connection;
  using Setup = LaneSetup;

  Lane(std::uint16_t number, Endpoint endpoint, const LaneSetup& setup);

  std::vector<Connection>& connections() { return connections_; }
  const std::vector<Connection>& connections() const { return connections_; }
  /// The subscriber too, where there is one.
  template <typename Visit>
  void forEachConnection(Visit&& visit) {
    for (Connection& c : connections_) visit(c);
    if (subscriber_) visit(*subscriber_);
  }

  // Room for operations.
  bool hasRoom() const { return forming_ != nullptr || idleCount_ != 0; }
  Connection* forming() const { return forming_; }
  /// The connection whose batch is being filled; begins with the one that has been idle for the
  /// longest. `from`: before that point no batch could have been begun. Only where hasRoom().
  Connection& fill(Nanos from) { return forming_ != nullptr ? *forming_ : begin(from); }
  /// The batch that is being filled is complete.
  Connection& close();
  /// The connection is ready, or its batch is done: it may take the next one.
  void release(Connection& c, Nanos now);
  /// The connection is lost: it takes no batch, and forgets the one that it had.
  void withdraw(Connection& c);

  /// The connection that receives invalidations on behalf of all others (BCAST); null: none.
  const Connection* subscriber() const { return subscriber_.get(); }
  /// Invalidations of the keys that its node serves arrive, where the lane has a subscriber.
  bool isSubscribed() const {
    return subscriber_ == nullptr || subscriber_->state == Link::State::ready;
  }
  /// Every connection may be used.
  bool isReady() const { return idleCount_ == connections_.size() && isSubscribed(); }
  bool owesReplySince(Nanos since) const;

 private:
  Connection& begin(Nanos from);

  std::vector<Connection> connections_;
  std::unique_ptr<Connection> subscriber_;
  std::vector<Connection*> idle_;  // ring of connections that may take a batch, longest idle first
  std::size_t idleHead_ = 0, idleCount_ = 0;
  Connection* forming_ = nullptr;
};

}  // namespace redline
