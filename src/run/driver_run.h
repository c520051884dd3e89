#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/plan.h"
#include "record/interval.h"
#include "record/server_sample.h"
#include "record/summary.h"

namespace redline {

/// One run of the driver, before it begins.
struct DriverPlan {
  EnginePlan engine;
  std::filesystem::path out;    ///< the run directory; must not exist or be empty
  std::filesystem::path json;   ///< a second copy of the summary; empty: none
  std::filesystem::path sends;  ///< the time of every send, int64 ns since the start; empty: none
  std::vector<std::string> command;                         ///< argv
  std::vector<std::pair<std::string, std::string>> config;  ///< every flag as resolved
  std::string redlineVersion;
  bool anyVersion = false;
};

/// What a run tells while it goes on. Called on the thread that called runDriver(), but for
/// onSample.
struct RunWatcher {
  std::function<void(const std::string& note)> onNote;  ///< before the first request
  std::function<void(const Interval&, Nanos sinceStart)> onInterval;
  /// Each reading of a server's INFO, on a thread of the sampler; may be empty.
  std::function<void(const ServerSample&)> onSample = {};
  std::function<bool()> interrupted;  ///< true: end the window now, and write what was measured
};

struct DriverOutcome {
  Summary summary;
  /// Set when the run ended early or its directory is incomplete; the summary holds all the same.
  Status status;
};

/// Checks the server, drives the load, and leaves the run directory. An error means that nothing
/// was measured.
Result<DriverOutcome> runDriver(const DriverPlan& plan, const RunWatcher& watcher);

}  // namespace redline
