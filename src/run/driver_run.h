#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "chaos/chaos_plan.h"
#include "engine/plan.h"
#include "record/cluster_tally.h"
#include "record/interval.h"
#include "record/server_sample.h"
#include "record/summary.h"
#include "run/target.h"
#include "server/host.h"
#include "server/own_servers.h"

namespace redline {

/// One run of the driver, before it begins.
struct DriverPlan {
  EnginePlan engine;
  std::filesystem::path out;    ///< the run directory, which has no files; empty: a new one in runs
  std::filesystem::path json;   ///< a second copy of the summary; empty: none, "-": stdout
  std::filesystem::path sends;  ///< the time of every send, int64 ns since the start; empty: none
  std::vector<std::string> command;                         ///< argv
  std::vector<std::pair<std::string, std::string>> config;  ///< every flag as resolved
  std::string redlineVersion;
  bool anyVersion = false;
  ChaosPlan chaos;             ///< faults beside the load; empty: none
  std::vector<OwnServer> own;  ///< the servers that faults may harm
  bool force = false;  ///< drive another data set than the flags describe, and let faults do
                       ///< what their checks refuse
};

/// A run of which all is known but its figures.
struct RunBeginning {
  const EnginePlan& plan;
  const std::vector<std::string>& command;  ///< argv
  const std::filesystem::path& directory;
  Nanos zero = 0;      ///< the run's, on the steady clock
  Nanos wallZero = 0;  ///< the same moment, nanoseconds since 1970-01-01 UTC
  /// What the nodes of a cluster did, by its latest map; empty on a single node. Not after onEnd.
  std::function<ClusterFigures(const ClusterTally&)> clusterNow;
  std::function<bool(Nanos from, Nanos to)> faulted;  ///< as ChaosRun::touches(); empty: no faults
};

/// Callbacks during a run. Called on the thread that called runDriver(), except onSample.
struct RunWatcher {
  std::function<void(const std::string& note)> onNote;  ///< before the first request
  /// Before the first operation, interval and sample; may be empty.
  std::function<void(const RunBeginning&)> onBegin = {};
  std::function<void(const Interval&, Nanos sinceStart)> onInterval;
  /// Each reading of a server's INFO, on a thread of the sampler; may be empty.
  std::function<void(const ServerSample&)> onSample = {};
  /// Each event of the chaos plan, on a thread of its fault; may be empty.
  std::function<void(const Event&, Nanos sinceStart)> onFault = {};
  /// After all others; may be empty.
  std::function<void(const Summary&)> onEnd = {};
  std::function<bool()> interrupted;  ///< true: end the window now, and write what was measured
};

struct DriverOutcome {
  Summary summary;
  std::filesystem::path directory;    ///< of the run
  std::vector<Warning> hostWarnings;  ///< which are among the summary's notes
  /// Set when the run ended early, its directory is incomplete, or a fault had no effect; the
  /// summary is filled in regardless.
  Status status;
};

/// Checks the server, drives the load, and leaves the run directory. An error means that nothing
/// was measured. `answered`: a server of the plan that is connected to already.
Result<DriverOutcome> runDriver(const DriverPlan& plan, const RunWatcher& watcher,
                                std::optional<Target> answered = std::nullopt);

}  // namespace redline
