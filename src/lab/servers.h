#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "lab/commands.h"
#include "lab/experiment.h"
#include "lab/runner.h"

namespace redline {

/// The servers of one experiment: each stack of its plan from its first run to its last.
class LabServers {
 public:
  LabServers(const std::vector<LabStack>& stacks, const LabOptions& options, const LabTools& tools,
             const LabWatcher& watcher, const std::filesystem::path& directory);
  ~LabServers();
  LabServers(const LabServers&) = delete;
  LabServers& operator=(const LabServers&) = delete;

  struct Up {
    ScopedStack* stack = nullptr;
    FlagPlaces places;
    std::vector<std::string> commands;  ///< shell lines that start and load it by hand
    std::string load;        ///< the load's run directory, below the experiment's; or empty
    std::string loadMethod;  ///< "rdb: the server is empty and of a stack of ours"
  };

  /// The stack of that name, started and loaded if it is not up; `fresh`: thrown away before. What
  /// its `prepare` measures goes into `record`.
  Result<Up> need(const std::string& name, bool fresh, RunRecord& record);
  /// Stops it, and keeps its servers' configuration and log below the experiment's directory.
  void drop(const std::string& name);

 private:
  struct Running {
    ScopedStack stack;
    Up up;
  };
  Result<Up> start(const LabStack& plan, RunRecord& record);
  Status load(const LabStack& plan, Running& running);
  void keepLogs(const std::string& name, const ScopedStack& stack);
  void tellServers() const;

  const std::vector<LabStack>& plans_;
  const LabOptions& options_;
  const LabTools& tools_;
  const LabWatcher& watcher_;
  std::filesystem::path directory_;
  std::map<std::string, std::unique_ptr<Running>, std::less<>> running_;
  std::map<std::string, unsigned, std::less<>> starts_;  ///< by stack, for directories' names
};

}  // namespace redline
