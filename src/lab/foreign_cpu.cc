#include "lab/foreign_cpu.h"

#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include <memory>

#include "base/text.h"
#include "server/process.h"

namespace redline {
namespace {

constexpr pid_t kKernelThreads = 2;  ///< kthreadd, the parent of all of them

/// The kernel's own name for the clock of a process (clock_getcpuclockid(3) adds a call that looks
/// whether it exists).
clockid_t cpuClockOf(pid_t pid) {
  constexpr unsigned kAllThreads = 2;
  return static_cast<clockid_t>((~static_cast<unsigned>(pid) << 3) | kAllThreads);
}

}  // namespace

OthersCpu ForeignTally::add(const std::vector<ProcessCpu>& now) {
  OthersCpu others;
  std::map<pid_t, Known> next;
  for (const ProcessCpu& process : now) {
    const auto before = known_.find(process.pid);
    // A clock that went back is that of another process with the same number.
    const bool isNew = before == known_.end() || process.used < before->second.used;
    Known known{process.used, isNew ? ownerOf_(process.pid) : before->second.owner};
    const Nanos since = isFirst_ ? 0 : process.used - (isNew ? 0 : before->second.used);
    if (known.owner == Ownership::foreign) others.foreign += since;
    if (known.owner == Ownership::kernel) others.kernel += since;
    next.emplace(process.pid, known);
  }
  known_ = std::move(next);
  isFirst_ = false;
  return others;
}

std::vector<ProcessCpu> readProcessCpus() {
  std::vector<ProcessCpu> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), &::closedir);
  if (!proc) return all;
  while (const dirent* const entry = ::readdir(proc.get())) {
    const auto pid = toNumber<pid_t>(entry->d_name);
    timespec used{};
    if (pid && *pid > 0 && ::clock_gettime(cpuClockOf(*pid), &used) == 0)
      all.push_back({*pid, used.tv_sec * kSecond + used.tv_nsec});
  }
  return all;
}

Ownership ownerOf(pid_t pid, const std::filesystem::path& servers) {
  const pid_t self = ::getpid();
  if (!servers.empty() && worksIn(pid, servers)) return Ownership::ours;
  for (int steps = 0; pid > 1 && steps < 64; ++steps) {
    if (pid == self) return Ownership::ours;
    if (pid == kKernelThreads) return Ownership::kernel;
    const auto stat = readProcessStat(pid);
    if (!stat) break;  // gone, or not to be seen
    pid = static_cast<pid_t>(stat->parent);
  }
  return Ownership::foreign;
}

}  // namespace redline
