#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "lab/experiment.h"
#include "lab/step.h"
#include "run/driver_run.h"
#include "run/load_run.h"
#include "server/stack.h"

namespace redline {

/// What the sub-commands make of their flags, handed in because nothing may include them. Each
/// takes what stands after the sub-command's name.
struct LabTools {
  std::function<Result<StackOptions>(const Flags&)> stack;  ///< after `redline stack up`
  std::function<Result<LoadRunPlan>(const Flags&)> load;
  std::function<Result<DriverPlan>(const Flags&)> drive;
};

struct LabOptions {
  std::filesystem::path out;     ///< the lab's directory; each experiment has one of its own in it
  std::filesystem::path stacks;  ///< where servers keep their files: no tmpfs
  LabCpus cpus;
  bool priority = true;  ///< go before other programs
  Flags engine = {};     ///< further flags of `stack up`: how servers are started
  bool resume = false;   ///< continue in a directory that has runs already
  std::string command;   ///< the shell line that does this experiment again
  std::string redlineVersion;
};

/// What the lab reports while it runs. `line` may be called from several threads, one at a time.
struct LabWatcher {
  std::function<void(const std::string&)> line;    ///< a note
  std::function<void(const LabStep&)> step;        ///< a run begins or is over
  std::function<void(const std::string&)> status;  ///< what it does just now; empty: the run itself
  std::function<bool()> interrupted;               ///< true: end the phase and stop
  /// The servers that are up now, each time that some have come or gone; may be empty.
  std::function<void(const std::vector<Endpoint>&)> servers = {};
  /// Adds its callbacks to those of a run, the first drive of several; may be empty.
  std::function<void(RunWatcher&, const std::string& title)> watch = {};
};

struct LabOutcome {
  ExperimentDocument document;
  std::size_t done = 0, failed = 0, skipped = 0, invalid = 0;
  std::size_t kept = 0;  ///< of `done`: found complete from an earlier start

  /// Whether the section of the report has data: a valid run, and no service level
  /// that was measured by others alone.
  bool hasValidData() const;
};

/// How long one experiment is likely to take, in seconds, servers and loads included.
Result<double> expectedSeconds(const Experiment& experiment, const Parameters& parameters,
                               const LabTools& tools, const LabCpus& cpus);

/// usage: in the lab's directory this experiment has results, and nobody said resume, or they are
/// of other parameters. To be asked of all experiments before the first one runs.
Status checkPlace(const Experiment& experiment, const Parameters& parameters,
                  const LabOptions& options);

/// Carries out one experiment. Its directory, <out>/<name>, is readable at every moment:
/// runs.jsonl has a line for each run that is over, experiment.json what was found so far. A run
/// that fails keeps its data, its servers are thrown away, and the next run starts new ones.
/// An error means that nothing was begun: a plan that is wrong, a directory that is not empty.
Result<LabOutcome> runExperiment(const Experiment& experiment, const Parameters& parameters,
                                 const LabOptions& options, const LabTools& tools,
                                 const LabWatcher& watcher);

/// Reads the runs that are there and writes experiment.json anew; starts no server.
Result<ExperimentDocument> analyseExperiment(const Experiment& experiment,
                                             const Parameters& parameters,
                                             const LabOptions& options);

}  // namespace redline
