#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backing/backing_plan.h"
#include "backing/flights.h"
#include "backing/freshness.h"
#include "backing/store.h"
#include "backing/ticket_table.h"
#include "base/clock.h"
#include "base/rng.h"
#include "engine/cluster_lanes.h"
#include "engine/exchange.h"
#include "engine/lane.h"
#include "engine/mitigator.h"
#include "engine/op_recorder.h"
#include "engine/shared.h"

namespace redline {

/// What the workers of a run share of the store behind the cache.
struct StoreDesk {
  /// `theStore` outlives it, or is gone before the workers' inboxes are.
  explicit StoreDesk(Store& theStore) : store(theStore) {}

  Store& store;
  Flights flights;
  std::uint32_t tokenPrefix = 0;  ///< of the locks' tokens: no other process has it
  std::vector<std::unique_ptr<StoreInbox>> inboxes;  ///< by worker
};

/// A worker's part of cache-aside with a store behind the cache. A read that missed waits here
/// until the store has answered, and then refills the cache; a write goes to the store first; a
/// value is refreshed before or after it has expired. Fed with replies of Redis and of the store,
/// and with times; requests to Redis go to the lanes' queues, those to the store leave with
/// submit().
///
///     GET misses → [coalesce] → [lock in Redis] → store → value: the operation ends
///                                                       → refill (SET, or fenced) → flight ends
///
/// What waits is bounded by room(), which its owner obeys.
class StoreClient {
 public:
  /// All outlive it. `mitigator`: null where the plan uses none.
  StoreClient(const Shared& shared, StoreDesk& desk, unsigned index, ClusterLanes<Lane>& lanes,
              OpRecorder& recorder, Mitigator* mitigator);

  // Redis's replies.

  /// A read has its reply. `ttlMillis`: what PTTL said of its key, −1 where it was not asked. True:
  /// it missed, and ends here later.
  bool onRead(const Connection& c, const PendingOp& op, bool hit, std::int64_t ttlMillis,
              Nanos now);
  /// A lock that was asked for is had, or is another's.
  void onLock(const PendingOp& request, bool granted, Nanos now);
  /// A refill was carried out, or not, since its lock is another's by now.
  void onRefill(const Connection& c, const PendingOp& refill, bool carriedOut);
  /// A request that is no operation was refused, or is lost.
  void onFailed(const PendingOp& request, Nanos now);

  // Operations that have been drawn.

  /// A write that goes to the store first: it comes back to a lane.
  bool takesWrite(const PendingOp& op, Nanos now) {
    if (op.isRead() || !plan_.backing.writesStore()) return false;
    write(op, now);
    return true;
  }

  // The loop.

  /// Settles what the store has answered, and what has waited for too long. False: there was
  /// nothing.
  bool settleReplies(Nanos now);
  /// Hands the requests to the store that were made since the last call.
  void submit();

  /// Operations that wait for the store.
  std::size_t waiting() const { return clients_; }
  /// How many operations more may be drawn that may come to wait.
  std::size_t room() const;
  template <typename Visit>
  void forEachWaiting(Visit&& visit) const {
    waiting_.forEach([&visit](const Waiting& w) {
      if (w.isOperation()) visit(w.op);
    });
  }
  /// Sets the levels of the store.
  void noteLevels(Counters& counters) const;

 private:
  struct Waiting {
    enum class For : std::uint8_t { read, refresh, write };
    enum class Stage : std::uint8_t {
      lock,       ///< Redis has been asked for the lock
      store,      ///< the store has been asked
      passenger,  ///< another read of the key will bring the result
    };
    For what = For::read;
    Stage stage = Stage::lock;
    bool leads = false;            ///< a flight, `number`
    bool endsAtOpTimeout = false;  ///< its deadline is -op-timeout's
    Flights::Number number = 0;    ///< of the flight, and the lock's token
    PendingOp op;                  ///< refresh: its key, and whether it counts
    Exchange exchange;             ///< read: the GET that missed
    Nanos since = 0;               ///< when it began to wait
    Nanos askedAt = 0;             ///< when the store was asked
    bool askedInWarmup = false;    ///< by which the request was counted
    Nanos deadline = 0;

    bool isOperation() const { return what != For::refresh; }
  };

  void miss(const PendingOp& op, const Exchange& exchange, Nanos now);
  void refresh(const PendingOp& op, Flights::Number flight, Nanos now);
  void write(PendingOp op, Nanos now);
  StoreTicket add(Waiting waiting, Nanos now);
  void proceed(StoreTicket ticket, Nanos now);
  void askLock(StoreTicket ticket, Waiting& w, Nanos now);
  void askStore(StoreTicket ticket, Waiting& w, StoreRequest::Kind kind, Nanos now);
  Waiting take(StoreTicket ticket);

  void onStoreReply(StoreReply& reply, Nanos now);
  void settleRead(Waiting& w, StoreReply& reply, Nanos now);
  void settleWrite(Waiting& w, const StoreReply& reply, Nanos now);
  void settleFound(Waiting& w, StoreReply& reply, Nanos now);
  void expire(StoreTicket ticket, Nanos now);
  void denied(StoreTicket ticket, Nanos now);

  void complete(const Waiting& w, Nanos now);
  void failOperation(const Waiting& w, Failure failure, Nanos now);
  void retryLater(PendingOp op, Nanos now);
  void refill(const Waiting& w, std::uint64_t version, Nanos now);
  bool verify(const StoreReply& reply, const PendingOp& op, std::uint64_t& version);
  void judgeRefill(const PendingOp& refill, Nanos sent);
  void endFlight(std::uint64_t id, Flights::Number flight, const StoreReply& result);
  void tell(std::span<Flights::Passenger> passengers, const StoreReply& result);

  void noteOutcome(const Waiting& w, const StoreReply& reply, Nanos now);
  void countOutcome(const StoreReply& reply);
  void recordTimes(const Waiting& w, const StoreReply& reply, Nanos now);
  Counters& counters() { return recorder_.counters(); }

  const Shared& shared_;
  const EnginePlan& plan_;
  StoreDesk& desk_;
  const unsigned index_;
  ClusterLanes<Lane>& lanes_;
  OpRecorder& recorder_;
  Mitigator* mitigator_;
  const std::uint8_t lockPatience_;

  TicketTable<Waiting> waiting_;
  std::size_t clients_ = 0;  // of them: operations
  RecomputeTime recompute_;
  Rng draws_;  // of early refreshes
  std::vector<StoreRequest> requests_;
  std::vector<StoreReply> replies_, told_;
};

}  // namespace redline
