#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/cluster_lanes.h"
#include "engine/greeting.h"
#include "engine/lane.h"
#include "engine/links.h"
#include "engine/mitigator.h"
#include "engine/op_encoder.h"
#include "engine/op_recorder.h"
#include "engine/placer.h"
#include "engine/send_log.h"
#include "engine/settler.h"
#include "engine/shared.h"
#include "engine/store_client.h"
#include "engine/window.h"
#include "record/cluster_tally.h"
#include "record/interval_exchange.h"
#include "transport/transport.h"

namespace redline {

/// One share of the load: the loop that owns transport, clock and waiting. Its parts own the rest:
///
///     OpSource → Placer ─── ClusterLanes<Lane> ─── Settler → OpRecorder
///     when, which   into which      where          what replies   figures
///     key           batch           Links          mean
///                                     └─ StoreClient: the store behind the cache
///
/// One pass: wait for events; the Links cut them into replies; the Settler settles or requeues each
/// operation; StoreClient does the same with the store's replies; the Placer puts what is due into
/// batches; the loop sends them. All time comes from
/// `clock` and all bytes go through `transport`, so it runs on simulated ones.
class Worker {
 public:
  Worker(Shared& shared, unsigned index, Transport& transport, const Clock& clock,
         IntervalExchange& exchange);

  /// Opens the worker's connections and logs in; `deadline` is on the clock.
  Status connect(Nanos deadline);
  /// Drives the load from window.start until all is settled or the drain is over. Returns why it
  /// ended early, where it did (-on-disconnect=stop); what was measured is handed over in any case.
  Status run(const Window& window);
  /// After run(), in a cluster: where the window's operations were completed.
  ClusterTally clusterTally() const { return lanes_.tally(); }
  /// After run(): adds the worker's local cache, where it has one.
  void addTo(LocalCacheTally& tally) const {
    if (mitigator_) mitigator_->addTo(tally);
  }
  /// Appends the time of every send to `log`, one entry for each operation; for checks of the
  /// generator itself.
  void logSendsTo(SendLog& log) { placer_.logSendsTo(log); }
  /// Appends the version of every operation that ends, however it does; for checks of the worker.
  void logEndsTo(std::vector<std::uint64_t>& log) { recorder_.logEndsTo(log); }

 private:
  friend class Links<Lane>;
  void onReady(Connection& c);
  bool onReply(Connection& c, const ReplyView& reply);
  void onLost(Connection& c, bool wasReady, int error);

  void pass();
  void adoptLatest();
  bool send();
  Nanos waitSpan() const;
  void notePause(Nanos beyond);
  void countPass(Nanos before, Nanos span, bool active);
  void closeCounts();
  bool isFinished() const;
  void recordUnfinished();
  void noteUnanswered(const Connection& c);
  const Lane* laneNotReady() const;
  std::size_t inFlight() const { return placer_.placed() - settler_.released(); }
  std::size_t inStore() const { return storeClient_ ? storeClient_->waiting() : 0; }

  Shared& shared_;
  const EnginePlan& plan_;
  Transport& transport_;
  const Clock& clock_;

  const GreetingScript greeting_, subscription_;
  std::unique_ptr<Mitigator> mitigator_;  // null: no mitigation and no ledger
  ClusterLanes<Lane> lanes_;
  Links<Lane> links_;
  OpRecorder recorder_;
  OpEncoder encoder_;
  std::unique_ptr<StoreClient> storeClient_;  // null: no store behind the cache
  Settler settler_;
  Placer placer_;

  Nanos now_ = 0;         // when this pass's events were seen
  Nanos lastStamp_ = 0;   // the latest reading of the clock
  Nanos lastActive_ = 0;  // the last pass that did something
};

}  // namespace redline
