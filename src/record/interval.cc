#include "record/interval.h"

#include <algorithm>

namespace redline {
namespace {

template <std::size_t N>
void addEach(std::array<std::uint64_t, N>& to, const std::array<std::uint64_t, N>& from) noexcept {
  for (std::size_t i = 0; i < N; ++i) to[i] += from[i];
}

void addLatency(Interval& to, const Interval& from) {
  for (std::size_t measure = 0; measure < kMeasures; ++measure)
    for (std::size_t kind = 0; kind < kOpKinds; ++kind)
      to.latency[measure][kind].add(from.latency[measure][kind]);
  to.failed.add(from.failed);
  to.staleness.add(from.staleness);
  to.invalidationLag.add(from.invalidationLag);
  for (std::size_t kind = 0; kind < kOpKinds; ++kind)
    to.unfinished[kind].add(from.unfinished[kind]);
  if (!from.store) return;
  StoreLatency::forEach([&](auto each) { (to.storeLatency().*each).add((*from.store).*each); });
}

/// Grows `to` until it covers `from` as well. An interval of no length has not begun: it takes all
/// from the other. Warm-up only if every part was.
void cover(Interval& to, const Interval& from) {
  const bool fresh = to.start == to.end;
  to.start = fresh ? from.start : std::min(to.start, from.start);
  to.end = fresh ? from.end : std::max(to.end, from.end);
  to.warmup = fresh ? from.warmup : to.warmup && from.warmup;
  to.drain = fresh ? from.drain : to.drain && from.drain;
}

}  // namespace

void addNodes(std::vector<NodeInterval>& to, const std::vector<NodeInterval>& from) {
  for (const NodeInterval& node : from) {
    auto known = std::ranges::find(to, node.addr, &NodeInterval::addr);
    if (known == to.end()) {
      to.push_back(node);
      continue;
    }
    known->completed += node.completed;
    known->redirected += node.redirected;
    known->service.add(node.service);
  }
}

void addSlots(std::vector<std::uint64_t>& to, const std::vector<std::uint64_t>& from) {
  to.resize(std::max(to.size(), from.size()));
  for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
}

void Counters::merge(const Counters& other) noexcept {
  const std::uint64_t outstandingHere = outstanding;
  const std::uint64_t backlogHere = backlog;
  const std::uint64_t waitingHere = storeWaiting;
  const std::uint64_t queueHere = storeQueue;
  follow(other);
  outstanding += outstandingHere;
  backlog += backlogHere;
  storeWaiting += waitingHere;
  storeQueue += queueHere;
}

void Counters::follow(const Counters& next) noexcept {
  scheduled += next.scheduled;
  outstandingAtEnd += next.outstandingAtEnd;
  addEach(sent, next.sent);
  addEach(completed, next.completed);
  addEach(failed, next.failed);
  addEach(failures, next.failures);
  addEach(mitigation, next.mitigation);
  addEach(backing, next.backing);
  carriedOver += next.carriedOver;
  hits += next.hits;
  misses += next.misses;
  refills += next.refills;
  refillsFailed += next.refillsFailed;
  checked += next.checked;
  corrupt += next.corrupt;
  batches += next.batches;
  retried += next.retried;
  reconnects += next.reconnects;
  refusedConnections += next.refusedConnections;
  moved += next.moved;
  ask += next.ask;
  tryagain += next.tryagain;
  clusterdown += next.clusterdown;
  bytesSent += next.bytesSent;
  bytesReceived += next.bytesReceived;
  passes += next.passes;
  idlePasses += next.idlePasses;
  idleTime += next.idleTime;
  blocked += next.blocked;
  longestPass = std::max(longestPass, next.longestPass);
  cpuUser += next.cpuUser;
  cpuSystem += next.cpuSystem;
  cpuWaiting += next.cpuWaiting;
  paused += next.paused;
  longestPause = std::max(longestPause, next.longestPause);
  unansweredAtEnd += next.unansweredAtEnd;
  longestUnanswered = std::max(longestUnanswered, next.longestUnanswered);
  unservedAtEnd += next.unservedAtEnd;
  outstanding = next.outstanding;
  backlog = next.backlog;
  storeWaiting = next.storeWaiting;
  storeQueue = next.storeQueue;
}

void Interval::merge(const Interval& other) {
  cover(*this, other);
  addLatency(*this, other);
  addNodes(nodes, other.nodes);
  addSlots(slots, other.slots);
  counts.merge(other.counts);
}

void Interval::follow(const Interval& next) {
  cover(*this, next);
  addLatency(*this, next);
  addNodes(nodes, next.nodes);
  addSlots(slots, next.slots);
  counts.follow(next.counts);
}

void Interval::reset(Nanos newStart, Nanos newEnd) {
  start = newStart;
  end = newEnd;
  warmup = false;
  drain = false;
  for (auto& kinds : latency)
    for (auto& histogram : kinds) histogram.reset();
  failed.reset();
  staleness.reset();
  invalidationLag.reset();
  for (auto& histogram : unfinished) histogram.reset();
  if (store) StoreLatency::forEach([this](auto each) { ((*store).*each).reset(); });
  counts = Counters{};
  for (NodeInterval& node : nodes) {
    node.completed = node.redirected = 0;
    node.service.reset();
  }
  std::ranges::fill(slots, 0);
}

}  // namespace redline
