#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cluster/redirect.h"
#include "engine/lane_queue.h"
#include "engine/live_slot_map.h"
#include "engine/redirection.h"
#include "engine/retry_queue.h"
#include "engine/routes.h"
#include "record/cluster_tally.h"
#include "transport/endpoint.h"
#include "transport/gate.h"

namespace redline {

/// What a client knows of the nodes that it talks to: a lane for each, the slots that each serves,
/// the operations that wait for one of them or for a time, and what redirects and silence say of
/// nodes. Driver and loader both have one (Worker, LoadWorker). It does no I/O: Links has the
/// connections.
///
/// On a single node there is one lane, every operation has slot 0, and nothing is redirected.
template <typename LaneT>
class ClusterLanes {
 public:
  using Op = typename LaneT::Op;  ///< with slot, redirects, retries, asking and isRead()
  using Setup = typename LaneT::Setup;
  using Lanes = std::vector<std::unique_ptr<LaneT>>;

  struct Options {
    /// A node that owes replies and is silent for this long counts as paused.
    Nanos silence = 100 * kMillisecond;
    bool readsReplicas = false;  ///< lanes to replicas too; reads may wait for one
  };

  /// `cluster`: null for the one node at `target`; else it outlives this, and adoptLatest() makes
  /// the lanes.
  ClusterLanes(LiveSlotMap* cluster, const Endpoint& target, Setup setup, Options options)
      : cluster_(cluster), setup_(std::move(setup)), options_(options) {
    if (inCluster())
      slotsDone_.resize(kSlots);
    else
      add(target);
  }

  bool inCluster() const { return cluster_ != nullptr; }
  /// Why the client cannot continue: the first reason.
  const Status& status() const { return status_; }
  void fail(Error error) {
    if (status_) status_ = tl::unexpected(std::move(error));
  }

  // -------------------------------------------------------------------------------------------------
  // Lanes

  /// By number. Lanes are never removed: a node may come back.
  const Lanes& all() const { return lanes_; }
  LaneT& operator[](std::size_t number) const { return *lanes_[number]; }
  LaneT& laneOf(const Op& op) const { return *lanes_[routes_.laneOf(op.slot)]; }
  const Routes& routes() const { return routes_; }
  std::size_t slotsOf(const LaneT& lane) const { return routes_.slotsOf(lane.number()); }

  /// The lane to a node that a redirect names. Null: the map does not know the node yet; or no
  /// connection may go there, and the client fails. No name is looked up.
  LaneT* laneTo(std::string_view host, std::uint16_t port);
  /// Lanes beyond these are not made: a cluster that changes its nodes so often is not one.
  static constexpr std::size_t kLanesForEachNode = 4, kLanesBeside = 16;

  /// Adopts the map that was published last; false where that has been done before. What waits in
  /// lanes moves to where its slot is by now.
  bool adoptLatest(Nanos now);
  void requestRefresh() { cluster_->requestRefresh(); }

  /// Whether its connections are to be opened again. A node of a cluster that serves no slot is
  /// left alone once it has gone.
  bool isWanted(const LaneT& lane) const {
    return !inCluster() || slotsOf(lane) != 0 || !lane.queue.empty() || isReplica(lane);
  }

  /// Every tenth of Options::silence: finds the lanes whose nodes have become silent. Another node
  /// may own their slots by now, so a new map is asked for, and reads that wait for a silent
  /// replica move to their masters. True: it looked.
  bool checkSilence(Nanos now);

  /// Lanes of the replicas of the master with that lane; empty unless Options::readsReplicas.
  const std::vector<std::uint16_t>& replicasOf(std::uint16_t master) const {
    static const std::vector<std::uint16_t> kNone;
    return master < replicas_.size() ? replicas_[master] : kNone;
  }

  // -------------------------------------------------------------------------------------------------
  // Operations that wait

  std::size_t queued() const { return queued_; }  ///< in the lanes' queues
  const RetryQueue<Op>& delayed() const { return delayed_; }

  /// The operation waits for room: behind those that wait already.
  void enqueue(LaneT& lane, const Op& op) {
    lane.queue.waiting.push(op);
    ++queued_;
  }
  /// As enqueue(), for one that was sent before: it goes before those that were not.
  void requeue(LaneT& lane, const Op& op) {
    lane.queue.resends.push(op);
    ++queued_;
  }
  Op dequeue(LaneT& lane) {
    --queued_;
    return lane.queue.pop();
  }
  /// The operation waits until `at`, and is sent again then.
  void delay(Nanos at, const Op& op) { delayed_.push(at, op); }
  /// Requeues those whose delay is over, where their slot is by now.
  void releaseDelayed(Nanos now) {
    while (!delayed_.empty() && delayed_.soonest() <= now) {
      const Op op = delayed_.pop();
      requeue(laneOf(op), op);
    }
  }
  /// All that wait, in no order.
  template <typename Visit>
  void forEachWaiting(Visit&& visit) const {
    delayed_.forEach(visit);
    for (const auto& lane : lanes_) lane->queue.forEach(visit);
  }
  /// What waits in the lane moves to where its slot is by now.
  void reroute(LaneT& lane);

  // -------------------------------------------------------------------------------------------------
  // Redirects

  /// What an error reply of `from` to `op` says of where, or when, it can be served. The reply is
  /// counted in `counters` (moved, ask, tryagain, clusterdown), and a MOVED changes the routes.
  /// `deadline`: `op` is not tried again after it.
  template <typename Counters>
  Redirection<LaneT> redirectionOf(LaneT& from, const Op& op, const ReplyView& reply, Nanos now,
                                   Nanos deadline, Counters& counters);
  /// Follows it, unless it is final: requeues the operation, or delays it.
  void redirect(Op op, const Redirection<LaneT>& to);

  // -------------------------------------------------------------------------------------------------
  // What was done where, in a cluster

  void countCompleted(LaneT& lane, std::uint16_t slot) {
    ++slotsDone_[slot];
    ++lane.completed;
  }
  void resetTally();
  ClusterTally tally() const;

 private:
  LaneT& add(const Endpoint& endpoint) {
    const auto number = static_cast<std::uint16_t>(lanes_.size());
    lanes_.push_back(std::make_unique<LaneT>(number, endpoint, setup_));
    return *lanes_.back();
  }
  static Error elsewhere(const Error& why) {
    return {why.code, "the cluster leads to a node that may not be used: " + why.message};
  }
  LaneT* find(std::string_view host, std::uint16_t port) const;
  LaneT* laneOfNode(const NodeAddress& node);
  std::optional<std::uint16_t> numberOf(const NodeAddress& node) {
    const LaneT* const lane = laneOfNode(node);
    return lane == nullptr ? std::nullopt : std::optional(lane->number());
  }
  Redirection<LaneT> untilKnown(const Op& op, Nanos now, Nanos deadline);
  void adoptReplicas(const SlotMap& map);
  bool isReplica(const LaneT& lane) const;
  bool mayWaitIn(const LaneT& lane, const Op& op) const;

  LiveSlotMap* cluster_;
  Setup setup_;
  Options options_;
  Lanes lanes_;
  Routes routes_;
  LiveSlotMap::Map map_;  // the latest that was adopted
  std::uint64_t mapVersion_ = 0;
  std::size_t lanesAtMost_ = 0;
  std::vector<std::vector<std::uint16_t>> replicas_;  // by a master's lane: its replicas' lanes
  RetryQueue<Op> delayed_;
  std::size_t queued_ = 0;
  Nanos nextSilenceCheck_ = 0;
  std::vector<std::uint64_t> slotsDone_;  // operations completed, by slot
  Status status_;
};

// ---------------------------------------------------------------------------------------------------
// Lanes

template <typename LaneT>
LaneT* ClusterLanes<LaneT>::find(std::string_view host, std::uint16_t port) const {
  for (const auto& lane : lanes_)
    if (lane->endpoint().port == port && lane->endpoint().host == host) return lane.get();
  return nullptr;
}

template <typename LaneT>
LaneT* ClusterLanes<LaneT>::laneTo(std::string_view host, std::uint16_t port) {
  if (const std::uint16_t node = map_->find(host, port); node != SlotMap::kNoNode)
    return laneOfNode(map_->nodes()[node].address);
  if (LaneT* const lane = find(host, port)) return lane;
  const auto allowed = admit({std::string(host), port, {}}, NameLookup::never);
  if (!allowed && allowed.error().code == ErrorCode::unsafe) fail(elsewhere(allowed.error()));
  return nullptr;
}

/// Of a node of the map; a new one where there is none yet.
template <typename LaneT>
LaneT* ClusterLanes<LaneT>::laneOfNode(const NodeAddress& node) {
  if (LaneT* const lane = find(node.host, node.port)) return lane;
  const Endpoint endpoint{node.host, node.port, {}};
  if (const auto allowed = admit(endpoint, NameLookup::never); !allowed) {
    fail(elsewhere(allowed.error()));
    return nullptr;
  }
  if (lanes_.size() < lanesAtMost_) return &add(endpoint);
  fail({ErrorCode::refused,
        fmt::format("the cluster has named more than {} nodes, one after another ({} is the next): "
                    "see CLUSTER NODES",
                    lanesAtMost_, node.text())});
  return nullptr;
}

template <typename LaneT>
bool ClusterLanes<LaneT>::adoptLatest(Nanos now) {
  const std::uint64_t version = cluster_->version();
  if (version == mapVersion_) return false;
  mapVersion_ = version;
  map_ = cluster_->latest();
  const SlotMap& latest = *map_;
  if (lanesAtMost_ == 0) lanesAtMost_ = kLanesBeside + kLanesForEachNode * latest.nodes().size();
  routes_.follow(latest, now, [this](const NodeAddress& node) { return numberOf(node); });
  if (!status_) return true;
  if (options_.readsReplicas) adoptReplicas(latest);
  for (const auto& lane : lanes_)
    if (!lane->queue.empty()) reroute(*lane);
  return true;
}

template <typename LaneT>
void ClusterLanes<LaneT>::adoptReplicas(const SlotMap& map) {
  for (auto& replicas : replicas_) replicas.clear();
  for (std::uint16_t master = 0; master < map.nodes().size(); ++master) {
    if (map.rangesOf(master).empty()) continue;
    const auto number = numberOf(map.nodes()[master].address);
    if (!number) return;
    if (replicas_.size() <= *number) replicas_.resize(std::size_t{*number} + 1);
    for (const std::uint16_t replica : map.replicasOf(master)) {
      const auto its = numberOf(map.nodes()[replica].address);
      if (!its) return;
      replicas_[*number].push_back(*its);
    }
  }
}

template <typename LaneT>
bool ClusterLanes<LaneT>::isReplica(const LaneT& lane) const {
  return std::ranges::any_of(replicas_, [&lane](const auto& replicas) {
    return std::ranges::find(replicas, lane.number()) != replicas.end();
  });
}

// Whether the operation, a read that was given to a replica, may continue to wait for it.
template <typename LaneT>
bool ClusterLanes<LaneT>::mayWaitIn(const LaneT& lane, const Op& op) const {
  if (!op.isRead() || replicas_.empty() || lane.isGone() || lane.silent) return false;
  const auto& replicas = replicasOf(routes_.laneOf(op.slot));
  return std::ranges::find(replicas, lane.number()) != replicas.end();
}

template <typename LaneT>
void ClusterLanes<LaneT>::reroute(LaneT& lane) {
  using Queue = LaneQueue<Op>;
  for (Fifo<Op> Queue::* const part : {&Queue::resends, &Queue::waiting})
    for (std::size_t left = (lane.queue.*part).size(); left != 0; --left) {
      Op op = (lane.queue.*part).pop();
      op.asking = false;
      LaneT& to = mayWaitIn(lane, op) ? lane : laneOf(op);
      (to.queue.*part).push(op);
    }
}

template <typename LaneT>
bool ClusterLanes<LaneT>::checkSilence(Nanos now) {
  if (now < nextSilenceCheck_) return false;
  nextSilenceCheck_ = now + options_.silence / 10;
  const Nanos since = now - options_.silence;
  for (const auto& lane : lanes_) {
    const bool silent = lane->lastReceivedAt < since && lane->owesReplySince(since);
    const bool wasSilent = std::exchange(lane->silent, silent);
    if (silent) requestRefresh();
    if (silent && !wasSilent && !lane->queue.empty()) reroute(*lane);
  }
  return true;
}

// ---------------------------------------------------------------------------------------------------
// Redirects

template <typename LaneT>
template <typename Counters>
Redirection<LaneT> ClusterLanes<LaneT>::redirectionOf(LaneT& from, const Op& op,
                                                      const ReplyView& reply, Nanos now,
                                                      Nanos deadline, Counters& counters) {
  if (!inCluster()) return {};
  using Kind = Decision::Kind;
  using Next = Decision::Next;
  const Decision decision = decide(reply, {now, deadline, op.redirects, op.retries});
  counters.moved += decision.kind == Kind::moved ? 1 : 0;
  counters.ask += decision.kind == Kind::ask ? 1 : 0;
  counters.tryagain += decision.kind == Kind::tryAgain ? 1 : 0;
  counters.clusterdown += decision.kind == Kind::clusterDown ? 1 : 0;
  if (decision.kind == Kind::moved || decision.kind == Kind::clusterDown) requestRefresh();
  Redirection<LaneT> to{decision.next, nullptr, decision.retryAt};
  if (decision.next != Next::moved && decision.next != Next::ask) return to;
  ++from.redirected;
  to.lane =
      laneTo(decision.to.host.empty() ? std::string_view(from.endpoint().host) : decision.to.host,
             decision.to.port);
  if (to.lane == nullptr) return untilKnown(op, now, deadline);
  if (decision.next == Next::moved) routes_.onMoved(decision.to.slot, to.lane->number(), now);
  return to;
}

// To a node that joined the cluster after the map was made: the operation waits for the next map.
template <typename LaneT>
Redirection<LaneT> ClusterLanes<LaneT>::untilKnown(const Op& op, Nanos now, Nanos deadline) {
  if (!status_) return {};
  requestRefresh();
  const Nanos retryAt = now + retryWait(op.retries);
  const auto next = retryAt <= deadline ? Decision::Next::tryAgain : Decision::Next::tooLate;
  return {next, nullptr, retryAt};
}

template <typename LaneT>
void ClusterLanes<LaneT>::redirect(Op op, const Redirection<LaneT>& to) {
  op.asking = to.next == Decision::Next::ask;
  if (to.next == Decision::Next::tryAgain) {
    if (op.retries < std::numeric_limits<std::uint8_t>::max()) ++op.retries;
    delayed_.push(to.retryAt, op);
    return;
  }
  ++op.redirects;
  requeue(*to.lane, op);
}

// ---------------------------------------------------------------------------------------------------
// What was done where

template <typename LaneT>
void ClusterLanes<LaneT>::resetTally() {
  std::ranges::fill(slotsDone_, 0);
  for (const auto& lane : lanes_) {
    lane->completed = lane->redirected = 0;
    if (lane->service) lane->service->reset();
  }
}

template <typename LaneT>
ClusterTally ClusterLanes<LaneT>::tally() const {
  ClusterTally tally;
  tally.slots = slotsDone_;
  for (const auto& lane : lanes_)
    tally.nodes.push_back({lane->endpoint().text(), lane->completed, lane->redirected,
                           lane->service ? *lane->service : Histogram{}});
  return tally;
}

}  // namespace redline
