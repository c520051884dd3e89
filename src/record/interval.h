#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "record/backing_count.h"
#include "record/histogram.h"
#include "record/ladder.h"
#include "record/mitigation_count.h"
#include "record/operation.h"

namespace redline {

/// Counts of one worker's interval, or, added up, of a whole run. Operations, unless a name says
/// more.
struct Counters {
  std::uint64_t scheduled = 0;  ///< = completed + failed + outstanding, once the run has ended
  std::array<std::uint64_t, kOpKinds> sent{};  ///< put on the wire, each once however often retried
  std::array<std::uint64_t, kOpKinds> completed{};  ///< a final non-error reply, nil included
  std::array<std::uint64_t, kOpKinds> failed{};     ///< failed, for a reason in `failures`
  std::array<std::uint64_t, kFailures> failures{};
  /// Operations of the warm-up completed after it: work the server did in the window, and in no
  /// other count.
  std::uint64_t carriedOver = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t refills = 0;        ///< keys written because a read missed them; not operations
  std::uint64_t refillsFailed = 0;  ///< … that the server refused, or that were lost
  std::uint64_t checked = 0;        ///< values compared with what (seed, id, version) must give
  std::uint64_t corrupt = 0;
  std::uint64_t batches = 0;     ///< units written; operations / batches is the mean batch
  std::uint64_t retried = 0;     ///< operations sent again after a lost connection or a redirect
  std::uint64_t reconnects = 0;  ///< connections lost and opened again
  std::uint64_t refusedConnections = 0;  ///< by a server that had reached its maxclients
  std::uint64_t moved = 0, ask = 0, tryagain = 0, clusterdown = 0;  ///< replies of each kind
  std::uint64_t bytesSent = 0;
  std::uint64_t bytesReceived = 0;
  std::uint64_t passes = 0;      ///< passes of the worker's loop
  std::uint64_t idlePasses = 0;  ///< passes that found nothing to do while spinning
  Nanos idleTime = 0;            ///< time spent in idle passes: spinning, not work
  Nanos blocked = 0;      ///< time in which operations were due and a full lane let none be drawn
  Nanos longestPass = 0;  ///< the longest pass that did work: the generator's own worst stall
  Nanos cpuUser = 0;      ///< the worker thread's CPU time
  Nanos cpuSystem = 0;
  Nanos cpuWaiting = 0;  ///< the worker was ready to run, and another thread had its core
  /// Open model: between two readings of the clock beyond the sleep that was asked for, where that
  /// is a millisecond or more. The worker was not running, for whatever reason.
  Nanos paused = 0;
  Nanos longestPause = 0;
  std::uint64_t outstandingAtEnd = 0;  ///< neither completed nor failed when the run ended
  /// On the wire for kUnansweredAfter or longer when the run ended: there is no reply to them.
  std::uint64_t unansweredAtEnd = 0;
  Nanos longestUnanswered = 0;  ///< how long the oldest of them had been on the wire
  /// Of the outstanding: refused by every node that was asked (TRYAGAIN, CLUSTERDOWN, a redirect to
  /// a node that the cluster does not name), and waiting for another attempt when the run ended.
  std::uint64_t unservedAtEnd = 0;
  std::uint64_t outstanding = 0;  ///< at the interval's end: in flight now (a level, not a count)
  std::uint64_t backlog = 0;  ///< at the interval's end: due and not sent (a level, not a count)

  /// At the interval's end, of the store behind the cache (levels): operations that wait for it,
  /// and requests that wait for one of its connections.
  std::uint64_t storeWaiting = 0, storeQueue = 0;

  std::array<std::uint64_t, kMitigationCounts> mitigation{};
  std::array<std::uint64_t, kBackingCounts> backing{};

  std::uint64_t& of(MitigationCount count) noexcept { return mitigation[index(count)]; }
  std::uint64_t of(MitigationCount count) const noexcept { return mitigation[index(count)]; }
  std::uint64_t& of(BackingCount count) noexcept { return backing[index(count)]; }
  std::uint64_t of(BackingCount count) const noexcept { return backing[index(count)]; }

  /// Adds counts and sums levels: right for merging the workers of one interval.
  void merge(const Counters& other) noexcept;
  /// Adds counts and takes the later levels: right for going from one interval to the next.
  void follow(const Counters& next) noexcept;
};

/// What one node of a cluster did in an interval.
struct NodeInterval {
  std::string addr;
  std::uint64_t completed = 0;   ///< operations
  std::uint64_t redirected = 0;  ///< MOVED and ASK that it answered
  LadderCounts service;          ///< of its completed operations
};
/// Adds each node's figures to those of the same address; new ones go to the end.
void addNodes(std::vector<NodeInterval>& to, const std::vector<NodeInterval>& from);
/// Adds each slot's count; `to` grows where it has none.
void addSlots(std::vector<std::uint64_t>& to, const std::vector<std::uint64_t>& from);

/// The store behind the cache in an interval.
struct StoreLatency {
  Histogram read;     ///< from asking for a row until the worker has the outcome
  Histogram write;    ///< the same of a write
  Histogram service;  ///< of both: from being given to a connection until the outcome is known
  /// Of stale refills: how long the later write had been acknowledged when they were sent.
  Histogram staleRefillAge;

  template <typename Visit>
  static void forEach(Visit&& visit) {
    for (auto each : {&StoreLatency::read, &StoreLatency::write, &StoreLatency::service,
                      &StoreLatency::staleRefillAge})
      visit(each);
  }
};

/// One worker's measurements in one interval [start, end) of the run's clock. Samples belong to the
/// interval in which they completed.
struct Interval {
  Nanos start = 0;
  Nanos end = 0;
  bool warmup = false;  ///< kept out of the summary's rate, latency and cache figures
  bool drain = false;  ///< after the measured window: its stragglers, not part of the achieved rate
  std::array<std::array<Histogram, kOpKinds>, kMeasures> latency;
  Histogram failed;  ///< response time of failed operations, kept apart
  /// What was still outstanding when the run ended, as (end − intended). These are in the response
  /// histograms too: as lower bounds.
  std::array<Histogram, kOpKinds> unfinished;
  Histogram staleness;  ///< ages of stale reads
  /// From a write's acknowledgement to the arrival of the first invalidation that it caused; 0
  /// where the invalidation came first. For ledger keys.
  Histogram invalidationLag;
  std::optional<StoreLatency> store;  ///< once it has been asked
  Counters counts;
  std::vector<NodeInterval> nodes;   ///< in a cluster; a worker's: by the number of its lane
  std::vector<std::uint64_t> slots;  ///< in a cluster: completed operations by hash slot

  Histogram& of(Measure measure, OpKind kind) { return latency[index(measure)][index(kind)]; }
  const Histogram& of(Measure measure, OpKind kind) const {
    return latency[index(measure)][index(kind)];
  }
  StoreLatency& storeLatency() { return store ? *store : store.emplace(); }
  /// Adds another worker's view of the same interval. The result covers both; an interval of no
  /// length takes the other's bounds and warm-up mark.
  void merge(const Interval& other);
  /// Adds the interval that comes next: right for totals of a run.
  void follow(const Interval& next);
  /// Forgets all that was recorded but the nodes' addresses; not warm-up until set.
  void reset(Nanos newStart, Nanos newEnd);
};

}  // namespace redline
