#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "metrics/event_feed.h"
#include "metrics/live_events.h"
#include "metrics/live_servers.h"
#include "record/cluster_tally.h"
#include "record/event.h"
#include "record/interval.h"
#include "record/run_totals.h"
#include "record/server_sample.h"
#include "record/summary.h"
#include "record/validity.h"

namespace redline {

/// One run on the live page: turns what is measured into events. The figures so far are computed by
/// the functions that compute the summary, and the last event has the summary's own. Thread-safe,
/// reads no clock.
class LiveRun {
 public:
  /// Nodes with their roles, and the busiest slots with their owners, by the cluster's latest map.
  using ClusterNow = std::function<ClusterFigures(const ClusterTally&)>;

  /// Whether a span of the run's clock touches a fault, healing included, or what it leaves behind:
  /// by this the summary's verdict is made, too.
  using Faulted = std::function<bool(Nanos from, Nanos to)>;

  /// `number` tells the runs of one feed apart, which outlives them. `clusterNow`: empty where
  /// there is no cluster; `faulted`: empty where there is no load, or no fault.
  LiveRun(LiveRunPlan plan, std::uint64_t number, EventFeed& feed, ClusterNow clusterNow = {},
          Faulted faulted = {});

  /// Each merged interval once, in order. Shorter ones than kLeastStep share a point. `steal`: the
  /// hypervisor's share of the machine's time so far. Half a millisecond for a busy one, in pieces
  /// between which it yields its core.
  void addInterval(const Interval& interval, double steal);
  void addSample(const ServerSample& sample);
  /// Faults; other events are ignored.
  void addEvent(const Event& event);
  /// No further interval will come.
  void end(const Summary& summary);

  /// Where there is no load: a stretch of time with its servers and faults.
  void addServersAlone(Nanos start, Nanos end);
  void endWithoutLoad();

  static constexpr Nanos kLeastStep = 500 * kMillisecond;
  /// Between two events with the heat of all slots, which are long.
  static constexpr Nanos kHeatStep = 2 * kSecond;

 private:
  /// What the next point is made of.
  struct Step {
    Nanos start = 0, end = 0;
    RunPhase phase = RunPhase::starting;
    Counters counts;
    std::array<Histogram, kLiveMeasures.size()> latency;
    std::optional<Histogram> storeRead;  ///< of a run with a store
  };

  void addToStep(const Interval& interval, RunPhase phase);
  void addToTotals(const Interval& interval);
  void flushStep();
  void tellSlots(Nanos now);
  LiveSummary about(RunPhase phase, bool isFinal, bool isJudged) const;
  Summary soFar() const;

  const LiveRunPlan plan_;
  const std::uint64_t number_;
  EventFeed& feed_;
  ClusterNow clusterNow_;
  Faulted faulted_;

  std::mutex mutex_;
  Step step_;
  RunTotals totals_;
  std::array<Histogram, kLiveMeasures.size()> latency_;
  std::optional<StoreLatency> store_;  ///< of a run with a store
  StorePeaks storePeaks_;
  DispatchByFaults dispatch_;
  ClusterTally tally_;
  LiveServers servers_;
  unsigned faults_ = 0;
  double steal_ = 0;
  Nanos heatAt_ = 0;  ///< when the heat of all slots was told last; 0: never
};

}  // namespace redline
