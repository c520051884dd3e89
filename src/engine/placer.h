#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/cluster_lanes.h"
#include "engine/dispatcher.h"
#include "engine/lane.h"
#include "engine/op_encoder.h"
#include "engine/op_recorder.h"
#include "engine/op_source.h"
#include "engine/send_log.h"
#include "engine/settler.h"
#include "engine/shared.h"
#include "engine/store_client.h"

namespace redline {

/// From the schedule to complete batches: draws the operations that are due, finds their lanes, and
/// writes them into the batches of the lanes' connections. Fed with times; does no I/O: its owner
/// sends the batches that complete() names.
class Placer {
 public:
  /// All outlive it. `mitigator`: null where the plan uses no mitigation; `storeClient`: null where
  /// there is no store behind the cache.
  Placer(const Shared& shared, unsigned index, OpEncoder& encoder, ClusterLanes<Lane>& lanes,
         OpRecorder& recorder, Settler& settler, Mitigator* mitigator, StoreClient* storeClient);

  /// The first operation is due at `from` or later.
  void start(Nanos from) { source_.start(from); }
  /// Puts operations into batches: first those that wait, then those that are due before `end`, the
  /// end of the window. False: there was none, or no room.
  bool place(Nanos now, Nanos end);
  /// The last place() stopped at its limit: there is more to place at once.
  bool hasMore() const { return hasMore_; }
  /// When place() has something to do again, as far as time alone decides: `now` at the earliest;
  /// the largest Nanos where only a reply can change that.
  Nanos nextDue(Nanos now, Nanos end) const;
  /// Every operation that is due before `end` has been drawn.
  bool hasDrawnAll(Nanos end) const { return closed_ || source_.due() >= end; }

  /// Connections whose batch is complete and not sent.
  std::span<Connection* const> complete() const { return complete_; }
  /// They are being sent at `sent`: notes it in them, and counts.
  void stamp(Nanos sent);
  void clearComplete() { complete_.clear(); }
  /// The connection is lost.
  void withdraw(const Connection& c) { std::erase(complete_, &c); }

  /// Operations that have been put into batches.
  std::uint64_t placed() const { return placed_; }
  /// Sets the levels `outstanding` and `backlog`; `inFlight`: operations in batches, or waiting for
  /// the store behind the cache.
  void noteLevels(Counters& counters, std::size_t inFlight, Nanos now, Nanos end) const;
  /// The run has ended: records what was due before `end` and has not been drawn.
  void recordUndrawn(Nanos from, Nanos end, Nanos now);
  /// Appends the time of every send to `log`, one entry for each operation.
  void logSendsTo(SendLog& log) { sendLog_ = &log; }

 private:
  unsigned placeQueued(Nanos now);
  bool isDue(Nanos now, Nanos end) const;
  bool mayDraw() const;
  std::size_t storeRoom() const;
  PendingOp draw(Nanos now);
  void dispatch(const PendingOp& op, Nanos now);
  void enqueue(Lane& lane, const PendingOp& op, Nanos now);
  bool makeRoom(Lane& lane, const PendingOp& op);
  void add(Lane& lane, const PendingOp& op, Nanos now);
  void close(Lane& lane, Nanos completedAt);
  void closeDue(Nanos now, Nanos end);
  Nanos nextBatchDue() const;
  void noteBlocked(Nanos now, Nanos end);

  const EnginePlan& plan_;
  ClusterLanes<Lane>& lanes_;
  OpRecorder& recorder_;
  Settler& settler_;
  Mitigator* mitigator_;
  StoreClient* storeClient_;
  OpEncoder& encoder_;
  OpSource source_;
  std::unique_ptr<Dispatcher> dispatcher_;  // null: no mitigation

  const bool closed_, inCluster_, transactions_;
  const std::size_t batchSize_;
  const unsigned limit_;          // operations placed in one pass
  const std::size_t queueLimit_;  // operations that may wait in one lane
  const std::size_t clients_;     // closed model: operations that one lane has under way at most
  std::string wait_;              // WAIT's bytes, which follow a batch with writes; empty: none

  std::vector<Connection*> complete_;
  std::uint64_t placed_ = 0;
  bool hasMore_ = false;
  bool isFull_ = false;      // in a cluster: a lane holds all that may wait; nothing is drawn
  bool wasBlocked_ = false;  // in the pass before, an operation was due and not drawn
  Nanos blockedAt_ = 0;      // the last time that this was so
  SendLog* sendLog_ = nullptr;
};

}  // namespace redline
