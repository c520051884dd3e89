#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "engine/connection.h"
#include "engine/greeting.h"
#include "engine/judge.h"
#include "engine/lane.h"
#include "engine/live_slot_map.h"
#include "engine/mitigator.h"
#include "engine/plan.h"
#include "engine/routes.h"
#include "engine/slot_keys.h"
#include "engine/thread_usage.h"
#include "engine/window.h"
#include "mitigation/replica_read.h"
#include "record/cluster_tally.h"
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
  LiveSlotMap* cluster;  ///< null: the one node at plan.target
  Workload workload;
  Values values;
  Ttls ttls;
  std::unique_ptr<const SlotKeys> slotKeys;  ///< for transactions in a cluster
  /// The measured window ends here at the latest; workers look once a pass.
  std::atomic<Nanos> stopAt{std::numeric_limits<Nanos>::max()};

  const Mitigations& mitigations;

  /// `theMitigations` may be null where the plan needs nothing that workers share.
  explicit Shared(const EnginePlan& enginePlan, LiveSlotMap* liveMap = nullptr,
                  const Mitigations* theMitigations = nullptr);
  /// Ends the window at `at`, unless it ends sooner.
  void stop(Nanos at) {
    Nanos current = stopAt.load();
    while (at < current && !stopAt.compare_exchange_weak(current, at)) {
    }
  }
};

/// One share of the load: its own schedule, random stream, lanes and histograms. All of its time
/// comes from `clock` and all of its bytes go through `transport`, so it runs on simulated ones.
///
/// An operation's way: draw() → dispatch() → a lane, where it is add()ed to a batch at once or
/// waits → flushDirty() → settle(), which records it, or finds by a pure decision that it
/// goes on somewhere else: goOn(), and a lane once more. The files of the implementation follow
/// that order: worker.cc (the loop), worker_connections.cc, worker_placing.cc, worker_settling.cc;
/// and worker_mitigating.cc: where mitigations make it another way.
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
  /// After run(), in a cluster: where the window's operations were completed.
  ClusterTally clusterTally() const;
  /// After run(): adds the worker's local cache, where it has one.
  void addTo(LocalCacheTally& tally) const {
    if (mitigator_) mitigator_->addTo(tally);
  }
  /// Appends the time of every send to `log`, one entry for each operation; for looking at the
  /// generator itself. The log must have room, or appending allocates.
  void logSendsTo(std::vector<Nanos>& log) { sendLog_ = &log; }

 private:
  /// An operation that waits before it is sent again.
  struct Delayed {
    Nanos at;
    PendingOp op;
    bool operator>(const Delayed& other) const { return at > other.at; }
  };

  // The loop (worker.cc).
  Nanos waitSpan() const;
  void notePause(Nanos took);
  void rotate();
  void closeInterval();
  bool finished() const;
  void endWindow(Nanos at);
  void accountForUnfinished();
  void accountForUndrawn();
  void recordUnfinished(OpKind kind, Nanos waited, std::uint64_t times);
  void nameNodes();
  void forgetPlaces();
  bool inCluster() const { return shared_.cluster != nullptr; }
  bool counts(const PendingOp& op) const { return op.intended >= countFrom_; }

  // Connections, and which lanes there are (worker_connections.cc).
  const Lane* laneNotUp() const;
  void handle(const TransportEvent& event);
  void open(Connection& c);
  void openAll(Lane& lane);
  const GreetingScript& scriptOf(const Connection& c) const;
  void onConnected(Connection& c);
  void onReady(Connection& c);
  void onReceived(Connection& c);
  bool onReply(Connection& c, const ReplyView& reply);
  bool onGreeting(Connection& c, const ReplyView& reply);
  bool isPreface(Connection& c, const ReplyView& reply);
  void onLost(Connection& c, int error);
  void giveBack(const Connection& c, int error);
  void reopenDue();
  void lookForSilence();
  bool isWanted(const Lane& lane) const;
  Lane& addLane(const Endpoint& endpoint);
  Lane* laneTo(std::string_view host, std::uint16_t port);
  Lane& laneOf(const PendingOp& op) const {
    return *lanes_[inCluster() ? routes_.laneOf(op.slot) : 0];
  }
  void adoptLatest();
  void reroute(Lane& lane);

  // From the schedule to the wire (worker_placing.cc).
  bool place();  ///< false: nothing was due, or there was no room
  unsigned placeQueued(unsigned limit);
  void releaseDelayed();
  bool isDue() const;
  bool mayDraw() const;
  bool isExpired(Nanos intended) const;
  PendingOp draw();
  void chooseInSlot(PendingOp& op);
  void dispatch(const PendingOp& op);
  void enqueue(Lane& lane, const PendingOp& op);
  bool makeRoom(Lane& lane, const PendingOp& op);
  void add(Lane& lane, const PendingOp& op);
  char* encode(char* at, const PendingOp& op) const;
  char* putSet(char* at, std::string_view key, const PendingOp& op) const;
  void close(Lane& lane, Nanos ripe);
  void closeDue();
  Nanos nextBatchDue() const;
  void noteBlocked();
  std::size_t queueLimit() const;
  void flushDirty();

  // From the reply to the figures (worker_settling.cc).
  void settle(Connection& c, PendingOp& op, const ReplyView& reply);
  void settleWait(Connection& c, const ReplyView& reply);
  void complete(Connection& c, const PendingOp& op, Judgement::Outcome outcome,
                std::string_view value);
  std::optional<std::uint64_t> check(std::string_view value, const PendingOp& op);
  bool settleTransaction(Connection& c, const ReplyView& reply);
  void settleExec(Connection& c, const ReplyView& reply);
  Onward onwardOf(Connection& c, const PendingOp& op, const ReplyView& reply);
  void goOn(PendingOp op, const Onward& onward);
  void again(const PendingOp& op, Lane& lane);
  void refill(const PendingOp& missed);
  void recordCompleted(const Connection& c, const PendingOp& op);
  void recordTimes(const Connection& c, const PendingOp& op);
  void recordPlace(const Connection& c, const PendingOp& op);
  void failOp(const PendingOp& op, Failure failure);
  void expireSent();

  // Where mitigations make it another way (worker_mitigating.cc).
  bool mitigate(const PendingOp& op);
  bool serveLocally(const PendingOp& op);
  bool splitUp(PendingOp op);
  bool readAnywhere(const PendingOp& op);
  void adoptReplicas(const SlotMap& map);
  bool isReplica(const Lane& lane) const;
  bool mayAnswer(const Lane& lane, const PendingOp& op) const;
  bool asksForTtl(const PendingOp& op) const;
  std::string_view copyOf(const PendingOp& op, unsigned copy) const;
  char* putMset(char* at, const PendingOp& op) const;
  bool learn(Connection& c, const PendingOp& op, std::string_view value,
             std::optional<std::uint64_t> version);
  void settlePart(const Connection* c, const PendingOp& part, std::optional<Failure> failure);

  Shared& shared_;
  const EnginePlan& plan_;
  unsigned index_;
  Transport& transport_;
  const Clock& clock_;
  IntervalExchange& exchange_;

  GreetingScript greeting_, subscription_;
  std::string wait_;  // the request behind a batch with writes; empty: none
  Window window_;
  Schedule schedule_;
  Rng rng_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // never removed: a node may come back
  std::vector<Connection*> byId_;             // ConnId → its connection
  std::vector<Connection*> dirty_;            // their batch is complete and not yet flushed
  std::vector<Delayed> delayed_;              // heap, the soonest first
  std::size_t inFlight_ = 0;                  // operations in batches, given up or not
  std::size_t queued_ = 0;                    // operations that wait in lanes
  std::size_t down_ = 0;                      // connections in state `down`
  bool moreToPlace_ = false;                  // the last place() stopped at its limit

  // In a cluster.
  Routes routes_;
  const SlotMap* map_ = nullptr;          // the latest that was adopted
  std::vector<std::uint64_t> slotsDone_;  // completed in the window, by slot
  bool full_ = false;                     // a lane holds all that may wait: nothing is drawn
  Nanos blockedAt_ = 0;                   // the last time that an operation was due and not drawn
  std::uint16_t groupSlot_ = 0;  // transactions: where the operations of a batch are drawn,
  std::uint64_t groupId_ = 0;    // the key that chose it,
  unsigned groupLeft_ = 0;       // and how many more there may be
  bool wasBlocked_ = false;      // in the pass before

  // Mitigations and the ledger.
  std::unique_ptr<Mitigator> mitigator_;  // null: none
  Rng choices_;  // which copy, which node: apart from rng_, which draws the same keys in every run
  ReplicaRead replicaRead_;
  std::vector<std::vector<ReplicaRead::Node>> replicas_;  // by a master's lane: its replicas' lanes

  std::unique_ptr<Interval> interval_;
  Nanos intervalEnd_ = 0;
  Nanos countFrom_ = 0;   // operations intended before this belong to the warm-up that is over
  Nanos now_ = 0;         // when this pass's completions were seen
  Nanos lastStamp_ = 0;   // the latest reading of the clock
  Nanos lastActive_ = 0;  // the last pass that did something
  Nanos nextExpiry_ = 0;
  Nanos nextLook_ = 0;    // for silent nodes
  Nanos wallOffset_ = 0;  // wall clock − clock
  ThreadUsage usageSeen_;
  std::vector<Nanos>* sendLog_ = nullptr;
  Status ended_;
};

}  // namespace redline
