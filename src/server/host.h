#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "record/summary.h"

namespace redline {

/// CPU time of a machine or of one core since boot, in clock ticks, from a line of /proc/stat.
struct CpuTimes {
  std::uint64_t busy = 0;   ///< user, nice, system, irq, softirq
  std::uint64_t idle = 0;   ///< idle and iowait
  std::uint64_t steal = 0;  ///< taken by the hypervisor while a process was ready to run

  std::uint64_t total() const { return busy + idle + steal; }
};

/// CPUs that this process may run on, ascending.
std::vector<unsigned> allowedCpus();

struct CpuReading {
  CpuTimes all;
  std::vector<CpuTimes> cores;
};

/// Reads the text of /proc/stat.
CpuReading parseCpuReading(std::string_view procStat);
CpuReading readCpuTimes();
/// Share of the time between two readings, 0…1, that was stolen, or busy. 0 when no time passed.
double stealShare(const CpuTimes& before, const CpuTimes& after);
double busyShare(const CpuTimes& before, const CpuTimes& after);

/// This machine and its settings, as far as they affect measurements.
struct HostFacts {
  std::string kernel;  ///< "6.1.0-18-amd64"
  std::string cpuModel;
  unsigned cores = 0;                                                               ///< on line
  std::uint64_t memoryTotal = 0, memoryAvailable = 0, swapTotal = 0, swapFree = 0;  ///< bytes
  std::string hugePages;            ///< "always", "madvise", "never"; empty: cannot be read
  std::optional<int> overcommit;    ///< vm.overcommit_memory
  bool connectionTracking = false;  ///< nf_conntrack is there and follows connections
  bool packetFilter = false;        ///< iptables or nft has tables
  std::vector<double> otherLoad;    ///< busy share of each core before we began
  double steal = 0;                 ///< share of time, 0…1, in that same reading
};

/// One property of the machine that distorts measurements.
struct Warning {
  std::string what;          ///< "swap is on, 120 MB of it used"
  std::string effect;        ///< what it does to the numbers
  std::string fix;           ///< a command, or what to change
  std::string_view id = {};  ///< one word for what it is about: "swap", "steal"
  bool lasting = false;      ///< a setting of the machine; else it may be different the next time
};

/// Pure readers of the texts of /proc and /sys.
std::string parseCpuModel(std::string_view cpuinfo);
/// Bytes of a field of /proc/meminfo ("MemAvailable"); 0 when it is missing.
std::uint64_t parseMeminfo(std::string_view meminfo, std::string_view field);
/// "madvise" from "always [madvise] never".
std::string parseSelected(std::string_view choices);
/// True when /proc/modules, or a positive connection count, says that nf_conntrack is at work.
bool parseConnectionTracking(std::string_view modules, std::string_view count);
bool parsePacketFilter(std::string_view modules, std::string_view tableNames);

/// "6.1.0-18-amd64" is 5.2 or later; false where it does not say.
bool kernelIsAtLeast(std::string_view kernel, unsigned major, unsigned minor);

/// Everything worth a warning, the worst first.
std::vector<Warning> hostWarnings(const HostFacts& facts);
/// One line: what, what it does to the numbers, and how to change it.
std::string warningText(const Warning& warning);

/// The kind of filesystem that holds `path`, as /proc/mounts calls it: "ext4", "tmpfs"; empty when
/// it is unknown.
std::string filesystemOf(const std::filesystem::path& path);
/// The same from the text of /proc/mounts. Pure; `path` is absolute.
std::string parseFilesystem(std::string_view mounts, std::string_view path);

/// Reads this machine. `watch`: how long to look at the cores for load and steal; 0: not at all.
HostFacts readHost(Nanos watch = 200 * kMillisecond);
/// The summary's environment; the Redis version is for the caller to fill in.
EnvironmentFigures environmentFigures(const HostFacts& facts);

}  // namespace redline
