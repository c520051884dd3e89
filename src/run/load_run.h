#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/load_plan.h"
#include "record/summary.h"
#include "run/target.h"
#include "server/own_servers.h"

namespace redline {

/// How the keys get into the servers.
enum class LoadMethod : std::uint8_t {
  automatic,  ///< rdb where it can be, else commands
  commands,   ///< SET and MSET
  rdb,        ///< a stream in the format of Redis's dump files, which DEBUG RELOAD reads
};
constexpr std::string_view nameOf(LoadMethod method) {
  return method == LoadMethod::rdb ? "rdb" : method == LoadMethod::commands ? "commands" : "auto";
}

/// What a load fills.
enum class StoreFill : std::uint8_t {
  automatic,  ///< the cache, and the store behind it if the servers are of a stack that has one
  none,       ///< the cache alone
  only,       ///< the store alone
};

/// One run of the loader, before it begins.
struct LoadRunPlan {
  LoadPlan load;
  LoadMethod method = LoadMethod::automatic;
  std::vector<OwnServer> own;            ///< those that may be loaded by rdb
  std::vector<std::string> forCommands;  ///< flags that were given, and that rdb has no use for
  StoreFill store = StoreFill::automatic;
  std::filesystem::path out;         ///< the run directory; empty: none
  std::filesystem::path json;        ///< the summary; empty: none, "-": standard output
  std::vector<std::string> command;  ///< argv
  std::vector<std::pair<std::string, std::string>> config;  ///< every flag as resolved
  std::string redlineVersion;
  Nanos interval = kSecond;  ///< between two lines of servers.csv
  bool anyVersion = false;
  bool force = false;  ///< load what does not fit, and accept evictions
};

/// How far a load has come.
struct LoadProgress {
  Nanos now = 0;           ///< SteadyClock
  std::uint64_t done = 0;  ///< keys acknowledged by this load
  bool over = false;       ///< the last one
};

/// Callbacks during a load. Called on the thread that called runLoad().
struct LoadWatcher {
  std::function<void(const std::string& note)> onNote;  ///< before the first request
  std::function<void(const LoadProgress&)> onProgress;
  std::function<void(const LoadProgress&)> onStoreRows;      ///< while the store's table is filled
  std::function<void(std::string_view phase)> onStorePhase;  ///< what follows its rows
  std::function<void(const StoreFillFigures&)> onStoreFilled;
  /// The keys are written; the argument is the bytes that the cluster's replicas have not applied
  /// yet.
  std::function<void(Nanos now, std::uint64_t missing)> onReplicas;
  std::function<bool()> interrupted;  ///< true: stop now
};

struct LoadRunOutcome {
  Summary summary;
  std::uint64_t done = 0;        ///< keys acknowledged
  std::uint64_t resumeFrom = 0;  ///< every id below is written for certain
  /// Keys of database 0 afterwards, of all masters together; some may have expired. None: a server
  /// does not answer, or does not let us ask.
  std::optional<std::uint64_t> databaseKeys = 0;
  /// Set when the load ended early, with the line that says where to resume; the summary is filled
  /// in regardless.
  Status status;
};

/// usage: the plan contradicts itself, whatever the server.
Status checkLoadPlan(const LoadPlan& load);

/// Checks the plan, the server and the arithmetic of its memory, fills the store behind the cache
/// and then the cache, as far as the plan asks for them, and writes what was asked for. An error
/// means that no key was written, and one of the checks that the store is as it was. `answered`: a
/// server of the plan that is connected to already.
Result<LoadRunOutcome> runLoad(const LoadRunPlan& plan, const LoadWatcher& watcher,
                               std::optional<Target> answered = std::nullopt);

}  // namespace redline
