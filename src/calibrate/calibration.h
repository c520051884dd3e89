#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "lab/experiment.h"
#include "lab/runner.h"
#include "plan/coefficients.h"

namespace redline {

// Measures the planner's coefficients on this machine, and holds them to runs that they have not
// seen. Starts servers of its own and stops them again, however it ends.

struct CalibrationOptions {
  std::filesystem::path stacks;  ///< where servers keep their files
  std::filesystem::path runs;    ///< where run directories go
  LabCpus cpus;
  bool priority = true;  ///< go before other programs
  std::string redlineVersion;
  unsigned blocks = 3;  ///< how often each condition is measured, at least 1
};

struct CalibrationWatcher {
  /// "costs of commands, 3 of 12"; the share of all that is done, 0…1.
  std::function<void(const std::string& what, double done)> progress;
  std::function<bool()> interrupted;
};

/// Takes about a minute with three blocks. The file has the coefficients that depend on the
/// machine, each with an interval by order statistics: below six blocks, the range of what was
/// measured.
Result<CoefficientFile> calibrate(const CalibrationOptions& options, const LabTools& tools,
                                  const CalibrationWatcher& watcher);

/// A prediction beside a fresh measurement at sizes that calibration does not use.
struct PredictionCheck {
  std::string id, what, unit;
  double predicted = 0, measured = 0;
  double tolerance = 0;  ///< as a share of what was measured
  double ratio() const { return predicted / measured; }
  bool holds() const;
};

/// A list of them, for programs.
std::string planChecksJson(const std::vector<PredictionCheck>& checks);

/// Takes half a minute.
Result<std::vector<PredictionCheck>> checkPlan(const Coefficients& coefficients,
                                               const CalibrationOptions& options,
                                               const LabTools& tools,
                                               const CalibrationWatcher& watcher);

}  // namespace redline
