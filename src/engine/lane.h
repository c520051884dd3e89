#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/connection.h"
#include "engine/fifo.h"
#include "engine/pending_op.h"
#include "record/histogram.h"
#include "transport/endpoint.h"

namespace redline {

/// One destination of a worker: a node, the worker's connections to it, the batch that is being
/// filled for it, and the operations that wait for room in one. Bookkeeping only: the worker moves
/// the bytes.
///
/// On a single node nothing waits here, since the schedule itself is the queue; only what a lost
/// connection gave back does.
class Lane {
 public:
  /// `number`: its index among the worker's lanes. `batchSize`: operations in one batch, at most.
  Lane(std::uint16_t number, Endpoint endpoint, std::size_t connections, std::size_t batchSize);
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  std::uint16_t number() const { return number_; }
  const Endpoint& endpoint() const { return endpoint_; }
  std::vector<Connection>& connections() { return connections_; }
  const std::vector<Connection>& connections() const { return connections_; }

  // Room for operations.
  bool hasRoom() const { return forming_ != nullptr || freeCount_ != 0; }
  std::size_t freeCount() const { return freeCount_; }
  Connection* forming() const { return forming_; }
  /// The connection whose batch is being filled; begins with the one that has been free for the
  /// longest. `from`: before that point no batch could have been begun. Only where hasRoom().
  Connection& fill(Nanos from) { return forming_ != nullptr ? *forming_ : begin(from); }
  /// The batch that is being filled is complete.
  Connection& close();
  /// The connection may take a batch.
  void release(Connection& c, Nanos now);
  /// The connection is lost: it is neither free nor forming any more.
  void lose(Connection& c);
  std::size_t down() const { return down_; }
  void cameUp() { --down_; }
  bool isGone() const { return down_ == connections_.size(); }

  /// Hears of changed keys on behalf of all others (BCAST); null: not wanted.
  std::unique_ptr<Connection> subscriber;
  void subscribe();
  /// Invalidations of the keys that its node serves arrive, as far as a subscriber is wanted.
  bool hears() const {
    return subscriber == nullptr || subscriber->state == Connection::State::listening;
  }

  // Whether its node still speaks to us.
  Nanos heardAt = 0;    ///< the last time that anything arrived
  bool silent = false;  ///< it owes replies, and has said nothing for a while (markSilence())
  /// Looks: has a batch been on the wire since before `since`, and nothing arrived after that?
  /// True: that is news.
  bool markSilence(Nanos since);

  // Operations that wait for room.
  using OpQueue = Fifo<PendingOp>;
  OpQueue again;    ///< were sent before: redirected, or lost with a connection; these go first
  OpQueue waiting;  ///< are due, and have not been sent
  std::size_t queued() const { return again.size() + waiting.size(); }
  const PendingOp& next() const { return again.empty() ? waiting.front() : again.front(); }
  PendingOp takeNext() { return again.empty() ? waiting.pop() : again.pop(); }

  // What it did in the measured window; in a cluster only.
  std::uint64_t completed = 0;
  std::uint64_t redirected = 0;  ///< MOVED and ASK that its node answered
  std::unique_ptr<Histogram> service;
  void forget();  ///< that: the window has just begun

 private:
  Connection& begin(Nanos from);

  std::uint16_t number_;
  Endpoint endpoint_;
  std::vector<Connection> connections_;
  std::vector<Connection*> free_;  // ring of connections that may take a batch, longest idle first
  std::size_t freeHead_ = 0, freeCount_ = 0;
  Connection* forming_ = nullptr;
  std::size_t down_;  // connections in state `down`
};

}  // namespace redline
