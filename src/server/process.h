#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace redline {

/// One process, and never another that got its number later: a pid with the time at which it
/// started (field 22 of /proc/PID/stat, in ticks since boot) and the boot in which that was.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t startTicks = 0;
  std::string bootId;

  bool operator==(const ProcessId&) const = default;
};

/// What /proc/PID/stat says.
struct ProcessStat {
  std::string command;  ///< at most 15 bytes; may hold anything, ')' too
  char state = '?';     ///< R, S, D, T (stopped), Z (dead, not yet reaped), …
  std::uint64_t parent = 0;
  std::uint64_t minorFaults =
      0;  ///< of all its threads since it began: pages found or copied in memory
  std::uint64_t startTicks = 0;
};
std::optional<ProcessStat> parseProcessStat(std::string_view text);

/// The same of a process that lives now; none when there is no such pid.
std::optional<ProcessStat> readProcessStat(pid_t pid);

/// The identity of a process that lives now; none when there is no such pid.
std::optional<ProcessId> identify(pid_t pid);
/// True until it has exited; a zombie has.
bool isAlive(const ProcessId& process);
/// True when a SIGSTOP holds it.
bool isStopped(const ProcessId& process);
/// Sends a signal to that very process, however pids are reused. unreachable: it is gone.
Status sendSignal(const ProcessId& process, int signal);
/// Waits until it has exited (and reaps it when it is a child of ours); false: not within
/// `timeout`.
bool awaitExit(const ProcessId& process, Nanos timeout);

/// Processes whose working directory is `directory` or below it, and whose command name `wanted`
/// accepts. Ours alone: of other users' processes the directory cannot be read.
std::vector<ProcessId> processesIn(const std::filesystem::path& directory,
                                   const std::function<bool(std::string_view)>& wanted);

/// The first name below `directory` on the way to where that process works, which may have been
/// deleted; empty: it works elsewhere.
std::string nameBelow(const std::filesystem::path& directory, const ProcessId& process);

/// Kills (SIGKILL) all of processesIn(), and those that they have forked meanwhile; waits up to
/// `wait` for each. Returns the pids of those that were killed.
std::vector<pid_t> killAllIn(const std::filesystem::path& directory,
                             const std::function<bool(std::string_view)>& wanted, Nanos wait);

/// Whether that process's working directory is `directory` or below it.
bool worksIn(pid_t pid, const std::filesystem::path& directory);

/// Processes, of all users, whose command name begins with `name`.
std::vector<ProcessId> processesNamed(std::string_view name);

/// Who listens on TCP port `port` of this machine: "redis-server (pid 4711)", "another process", or
/// none if the port is free.
std::optional<std::string> portUser(std::uint16_t port);

}  // namespace redline
