#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "lab/commands.h"
#include "lab/experiment.h"
#include "lab/runner.h"

namespace redline {

/// Looks at every name and flag of a plan before the first server starts, and estimates how long
/// its runs take.
class PlanCheck {
 public:
  PlanCheck(const ExperimentPlan& plan, const LabTools& tools, const LabCpus& cpus);

  /// The first mistake: a name, a stack that is not declared, flags that a sub-command refuses.
  Status check() const;
  /// For each run, in seconds: its drives and actions and, before the first run on a stack and
  /// before fresh ones, starting and loading the servers.
  std::vector<double> expectedSeconds() const;

 private:
  Status checkStack(const LabStack& stack) const;
  Status checkRun(const LabRun& run) const;
  double secondsOfRun(const LabRun& run) const;
  double secondsOfStack(const std::string& stack) const;

  const ExperimentPlan& plan_;
  const LabTools& tools_;
  FlagPlaces places_;
};

}  // namespace redline
