#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "metrics/metrics_store.h"
#include "record/event.h"
#include "record/interval.h"
#include "record/summary.h"

namespace redline {

// The events of the live page but for a lab's, as JSON; docs/live-page.md names every field.
// Times are milliseconds since 1970-01-01 UTC.

/// Where a run is on the wall clock.
struct RunClock {
  Nanos zero = 0;      ///< the run's, on its own clock
  Nanos wallZero = 0;  ///< the same moment, nanoseconds since 1970-01-01 UTC

  double wallMillis(Nanos at) const {
    return static_cast<double>((wallZero + (at - zero)) / kMicrosecond) / 1e3;
  }
};

/// What a page knows of a run when it begins.
struct LiveRunPlan {
  std::string kind;       ///< what runs: "driver" or "chaos"
  std::string name;       ///< of the run directory, without its parents
  std::string title;      ///< for people
  std::string command;    ///< a shell line that does it again
  double targetRate = 0;  ///< operations/s; 0 in the closed model
  bool isClosed = false;
  bool isCluster = false;
  bool hasLedger = false;  ///< reads are judged: stale ones are counted
  bool hasStore = false;   ///< behind the cache
  unsigned threads = 0;
  std::size_t valueSize = 0;
  Nanos warmup = 0, duration = 0;
  RunClock clock;
};

/// The measures that the page shows.
inline constexpr std::array kLiveMeasures{Measure::response, Measure::service, Measure::lateness};

/// What a server did since the point before.
struct LiveServerStep {
  ServerFigures figures;
  double spanS = 0;  ///< between the readings; 0: nothing new is known of it
};

/// One point of the time series.
struct LivePoint {
  std::uint64_t run = 0;  ///< number of the run
  Nanos start = 0, end = 0;
  RunPhase phase = RunPhase::starting;
  Counters counts;
  std::array<LatencyFigures, kLiveMeasures.size()> latency;
  std::optional<LatencyFigures> storeRead;  ///< of a run with a store
  double generatorBusy = 0;                 ///< share of its time, spinning left out, 0…1
  double generatorWaiting = 0;              ///< share in which others had its core
  std::vector<LiveServerStep> servers;
};

/// The figures so far, or the final ones.
struct LiveSummary {
  std::uint64_t run = 0;
  RunPhase phase = RunPhase::starting;
  bool isFinal = false;
  bool isJudged = false;      ///< something was measured, so that there is a verdict
  double generatorCores = 0;  ///< CPU time of the workers ÷ time, spinning included
};

/// The first event of a process; `kind` as LiveMetrics::start has it.
std::string helloEvent(std::string_view kind, std::string_view version);
std::string runEvent(const LiveRunPlan& plan, std::uint64_t run);
std::string pointEvent(const LivePoint& point, const RunClock& clock);
std::string summaryEvent(const LiveSummary& about, const Summary& summary);
/// Begin, end and points of a fault.
std::string faultEvent(const Event& event, std::uint64_t run, const RunClock& clock);
/// The heat of every hash slot: slotHeat() of what each has completed so far.
std::string slotsEvent(std::span<const std::uint64_t> slots, std::uint64_t run);

/// One character for each slot, of base64url's alphabet: 0 where the slot has nothing, and
/// otherwise 21 + 7 log2(operations ÷ its even share), from 1 to 63. 21 is the even share, 63 is 64
/// times it.
std::string slotHeat(std::span<const std::uint64_t> slots);

}  // namespace redline
