#pragma once

#include <string>

#include "base/numbers.h"
#include "lab/fault_study.h"
#include "lab/study.h"

namespace redline::lab::persistence_spike {

// What `persistence-spike` runs, and what it reads from a run.

inline constexpr const char* kMinorFaults = "minor_faults";  ///< as servers.csv has it

// The figures of a fork without load: microseconds, bytes.
inline constexpr const char* kForkUs = "idle_fork_us";
inline constexpr const char* kForkResident = "idle_fork_resident_bytes";

/// What makes the server fork.
struct Fork {
  std::string word;     ///< of redline's catalog of faults
  std::string title;    ///< for people
  std::string cpulist;  ///< Redis's setting of where its child runs
};
inline const Fork kBgsave{"bgsave", "BGSAVE", "bgsave_cpulist"};
inline const Fork kAofRewrite{"aof-rewrite", "AOF rewrite", "aof_rewrite_cpulist"};

// Where the child runs.
inline constexpr const char* kServer = "server";
inline constexpr const char* kGenerator = "generator";
/// On the server's core, when that has nothing else to do.
inline constexpr const char* kIdle = "idle";

/// Adds the run that finds what the rate is a share of; before those that fork under load.
void findCeiling(Study& s);
/// "20k": what the runs were offered; before there are any, at most that.
std::string rateText(const Study& s);
/// The server forks once, at the parameter `at`. `childsCore`: kServer, kGenerator or kIdle.
LabRun forkUnderLoad(Study& s, const Fork& fork, const std::string& childsCore);
/// Adds forks without load, of servers of several sizes: kForkUs and kForkResident.
Grid forkSizes(Study& s);

/// What a run shows while the child writes, the interval of the fork left out.
struct ChildFacts {
  double p99Us = kNaN;    ///< of the median interval
  double lateUs = kNaN;   ///< the generator's own lateness at p99, of the median interval
  double waiting = kNaN;  ///< share of the time that the main thread was ready and had no core
  double faultsBefore = kNaN, faultsDuring = kNaN;  ///< a second, of the median interval
  double systemBefore = kNaN, systemDuring = kNaN;  ///< of the main thread, seconds a second
  double resident = kNaN;                           ///< bytes, before the fork

  /// System time that each further minor fault goes with, microseconds.
  double copyUs() const {
    const double faults = faultsDuring - faultsBefore;
    return faults > 0 ? 1e6 * (systemDuring - systemBefore) / faults : kNaN;
  }
  /// What that takes of the main thread.
  double copyShare() const { return systemDuring - systemBefore; }
};
/// `fault`: of the same run.
ChildFacts readChild(const Reading& reading, const FaultFacts& fault);

}  // namespace redline::lab::persistence_spike
