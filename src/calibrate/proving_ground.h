#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "calibrate/calibration.h"
#include "lab/priority.h"
#include "lab/servers.h"
#include "record/summary.h"
#include "server/admin.h"
#include "server/info.h"

namespace redline {

/// One drive, as far as calibration looks at it.
struct DrivenFigures {
  double rate = 0;   ///< completed, a second
  double cpuUs = 0;  ///< main-thread CPU of an operation
  double p99Us = 0;  ///< of the median interval that had its cores; without three, of all
  std::vector<FaultFigures> faults;
};

/// One snapshot.
struct ForkFigures {
  double forkS = 0, childS = 0;
  double residentBytes = 0, usedBytes = 0;
};

/// Servers of our own and what is done to them.
class ProvingGround {
 public:
  /// `steps`: how often step() will be called, for the progress.
  ProvingGround(std::vector<LabStack> stacks, const CalibrationOptions& options,
                const LabTools& tools, const CalibrationWatcher& watcher, std::size_t steps);

  /// interrupted: somebody wants it to end.
  Status step(const std::string& what);
  /// As flags of `redline driver`; address, CPUs and intervals of 100 ms are added.
  Result<DrivenFigures> drive(const std::string& stack, const Flags& flags);
  /// Waits until the child has ended.
  Result<ForkFigures> fork(const std::string& stack);
  Result<ServerInfo> info(const std::string& stack);
  void drop(const std::string& stack) { servers_.drop(stack); }

 private:
  Status goOn() const;  ///< interrupted: somebody wants it to end
  Result<Admin> adminOf(const std::string& stack);

  std::vector<LabStack> stacks_;
  LabOptions labOptions_;
  const CalibrationOptions& options_;
  const LabTools& tools_;
  const Priority priority_;
  const CalibrationWatcher& watcher_;
  LabWatcher labWatcher_;
  LabServers servers_;
  std::optional<double> tolerableForeign_;  ///< before the first drive
  std::size_t steps_, done_ = 0, drives_ = 0;
};

/// The rate at which p99 passes a limit, of ascending rates with the p99 at each: on a straight
/// line of logarithms. The last rate where it never is above. Not a number where it is above at
/// the first rate, which says nothing, and without rates.
double kneeRate(const std::vector<double>& rates, const std::vector<double>& p99Us, double limitUs);

}  // namespace redline
