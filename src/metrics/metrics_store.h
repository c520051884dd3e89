#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "record/event.h"
#include "record/interval.h"
#include "record/ladder.h"
#include "record/server_sample.h"

namespace redline {

/// What is known of a run before it begins.
struct RunDescription {
  std::string version;    ///< of redline
  std::string name;       ///< of the run directory, without its parents
  double targetRate = 0;  ///< operations/s; 0 in the closed model
  unsigned threads = 0;
  bool hasStore = false;  ///< behind the cache
};

/// The phase of a run. The names are the values of the label `phase`.
enum class RunPhase : std::uint8_t { starting, warmup, measure, drain, ended };
inline constexpr std::array<std::string_view, 5> kRunPhaseNames{"starting", "warmup", "measure",
                                                                "drain", "ended"};

/// The phase that an interval belongs to.
RunPhase phaseOf(const Interval& interval);

/// The contents of /metrics at one moment. Totals count what the summary counts: the warm-up is
/// kept out of all of them but `corrupt`, and has a count of its own.
struct MetricsSnapshot {
  struct Sampled {
    ServerSample sample;
    Nanos wall = 0;  ///< when it came, nanoseconds since 1970-01-01 UTC
  };

  RunDescription run;
  RunPhase phase = RunPhase::starting;
  Nanos startedWall = 0;  ///< when the store was made, nanoseconds since 1970-01-01 UTC
  /// Sums of the measured window and the drain; `outstanding` and `backlog` are the latest levels.
  Counters total;
  std::uint64_t warmupCompleted = 0;
  std::uint64_t warmupFailed = 0;
  std::array<std::array<LadderCounts, kOpKinds>, kMeasures> latency;
  LadderCounts failed;
  LadderCounts storeRead, storeWrite, storeService;  ///< as in StoreLatency
  std::vector<NodeInterval> nodes;   ///< of a cluster, those that operations went to
  std::vector<std::uint64_t> slots;  ///< of a cluster: completed operations by hash slot
  struct Fault {
    std::uint64_t begun = 0;  ///< so far
    std::uint64_t active = 0;
  };
  std::map<std::string, Fault, std::less<>> faults;  ///< of the run's plan that have begun, by name
  std::map<std::string, Sampled, std::less<>> servers;  ///< the latest of each, by address
};

/// Gathers a run's figures while it runs, for scrapes. Thread-safe; nothing in it
/// touches the workers: it is fed with merged intervals and with the sampler's readings.
class MetricsStore {
 public:
  explicit MetricsStore(RunDescription run);

  /// Another run: all counts begin at 0.
  void begin(RunDescription run);
  /// Each merged interval once, in order. Some 100 µs for a busy one.
  void addInterval(const Interval& interval);
  void addSample(const ServerSample& sample);
  /// Begin and end of a fault; other events are ignored.
  void addEvent(const Event& event);
  /// No further interval will come.
  void end();

  MetricsSnapshot snapshot() const;

 private:
  mutable std::mutex mutex_;
  MetricsSnapshot now_;
};

}  // namespace redline
