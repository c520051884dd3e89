#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "engine/connection.h"
#include "engine/plan.h"
#include "engine/thread_usage.h"
#include "engine/window.h"
#include "record/interval_exchange.h"
#include "schedule/schedule.h"
#include "transport/transport.h"
#include "workload/ttl.h"
#include "workload/values.h"
#include "workload/workload.h"

namespace redline {

/// What all workers share, read-only while the run is on.
struct Shared {
  const EnginePlan& plan;
  Workload workload;
  Values values;
  Ttls ttls;
  /// The measured window ends here at the latest; workers look once a pass.
  std::atomic<Nanos> stopAt{std::numeric_limits<Nanos>::max()};

  explicit Shared(const EnginePlan& enginePlan);
  /// Ends the window at `at`, unless it ends sooner.
  void stop(Nanos at) {
    Nanos current = stopAt.load();
    while (at < current && !stopAt.compare_exchange_weak(current, at)) {
    }
  }
};

/// One share of the load: its own schedule, random stream, connections and histograms. All of its
/// time comes from `clock` and all of its bytes go through `transport`, so it runs on simulated
/// ones.
class Worker {
 public:
  Worker(Shared& shared, unsigned index, Transport& transport, const Clock& clock,
         IntervalExchange& exchange);

  /// Opens the worker's connections and logs in; `deadline` is on the clock.
  Status connect(Nanos deadline);
  /// Drives the load from window.start until all is settled or the drain is over. Returns why it
  /// ended early, where it did (-on-disconnect=stop); what was measured is handed over all the
  /// same.
  Status run(const Window& window);
  /// Appends the time of every send to `log`, one entry for each operation; for looking at the
  /// generator itself. The log must have room, or appending allocates.
  void logSendsTo(std::vector<Nanos>& log) { sendLog_ = &log; }

 private:
  enum class Source : std::uint8_t { none, retry, schedule };

  // One turn of the loop, in order.
  Nanos waitSpan() const;
  void handle(const TransportEvent& event);
  void place();
  void flushDirty();
  void rotate();
  void closeInterval();

  // Connections.
  Connection& connectionOf(ConnId id) { return connections_[byId_[id]]; }
  void open(std::size_t at);
  void onConnected(Connection& c);
  void onReceived(Connection& c);
  void onLost(Connection& c, int error);
  bool onHandshakeReply(Connection& c, const ReplyView& reply);
  void makeFree(Connection& c);
  void reopenDue();

  // Operations.
  Source source() const;
  PendingOp take(Source from);
  bool expiredUnsent(const PendingOp& op);
  void add(Connection& c, PendingOp op);
  void closeForming();
  void settle(Connection& c, PendingOp& op, const ReplyView& reply);
  bool settleTransaction(Connection& c, const ReplyView& reply);
  void settleExec(Connection& c, const ReplyView& reply);
  void recordCompleted(const Connection& c, const PendingOp& op);
  void failOp(const PendingOp& op, Failure failure);
  void expireSent();
  bool counts(const PendingOp& op) const { return op.intended >= countFrom_; }

  // The end.
  bool finished() const;
  void endWindow(Nanos at);
  void accountForUnfinished();

  Shared& shared_;
  const EnginePlan& plan_;
  unsigned index_;
  Transport& transport_;
  const Clock& clock_;
  IntervalExchange& exchange_;

  Window window_;
  Schedule schedule_;
  Rng rng_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> byId_;  // ConnId → index in connections_
  std::vector<std::size_t> free_;  // ring of connections that may take a batch, longest idle first
  std::size_t freeHead_ = 0, freeCount_ = 0;
  std::size_t forming_;             // index of the connection whose batch is being filled, or kNone
  std::vector<std::size_t> dirty_;  // connections whose batch is complete and not yet flushed
  std::deque<PendingOp> retries_;
  std::size_t down_ = 0;      // connections in state `down`
  std::size_t inFlight_ = 0;  // operations in batches, given up or not

  std::unique_ptr<Interval> interval_;
  Nanos intervalEnd_ = 0;
  Nanos countFrom_ = 0;   // operations intended before this belong to the warm-up that is over
  Nanos now_ = 0;         // when this pass's completions were seen
  Nanos lastStamp_ = 0;   // the latest reading of the clock
  Nanos lastActive_ = 0;  // the last pass that did something
  Nanos nextExpiry_ = 0;
  Nanos wallOffset_ = 0;  // wall clock − clock
  ThreadUsage usageSeen_;
  std::vector<Nanos>* sendLog_ = nullptr;
  Status ended_;
};

}  // namespace redline
