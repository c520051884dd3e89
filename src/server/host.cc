#include "server/host.h"

#include <sched.h>

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "base/text.h"
#include "base/units.h"
#include "os/files.h"

namespace redline {
namespace {

constexpr double kBusyCore = 0.05;     ///< above this a core is not ours alone
constexpr double kNotedSteal = 0.01;   ///< above this steal shows in a p99
constexpr double kScarceMemory = 0.1;  ///< share of the memory that should be available

std::uint64_t numberIn(std::string_view text) {
  return toNumber<std::uint64_t>(trim(text)).value_or(0);
}

std::string textOf(const char* path) {
  return readWholeFile(path).value_or("");
}

CpuTimes cpuTimesOf(const std::vector<std::string_view>& words) {
  std::array<std::uint64_t, 8> ticks{};  // user nice system idle iowait irq softirq steal
  for (std::size_t i = 0; i < ticks.size() && i + 1 < words.size(); ++i)
    ticks[i] = numberIn(words[i + 1]);
  return {ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6], ticks[3] + ticks[4], ticks[7]};
}

double shareOf(std::uint64_t before, std::uint64_t after, const CpuTimes& from,
               const CpuTimes& to) {
  // Counters of a virtual machine may step back by a tick: that must not give a negative share.
  if (to.total() <= from.total() || after <= before) return 0;
  return std::min(
      1.0, static_cast<double>(after - before) / static_cast<double>(to.total() - from.total()));
}

/// Since Linux 5.2 the default, 0, refuses only a single mapping of more than all memory and swap.
bool forksMayBeRefused(const HostFacts& facts) {
  if (!facts.overcommit || *facts.overcommit == 1) return false;
  return *facts.overcommit == 2 || !kernelIsAtLeast(facts.kernel, 5, 2);
}

bool hasModule(std::string_view modules, std::string_view name) {
  for (const std::string_view line : splitLines(modules)) {
    const auto words = splitWords(line);
    if (!words.empty() && words.front() == name) return true;
  }
  return false;
}

}  // namespace

CpuReading parseCpuReading(std::string_view procStat) {
  CpuReading reading;
  for (const std::string_view line : splitLines(procStat)) {
    const auto words = splitWords(line);
    if (words.empty() || !words.front().starts_with("cpu")) continue;
    if (words.front() == "cpu")
      reading.all = cpuTimesOf(words);
    else
      reading.cores.push_back(cpuTimesOf(words));
  }
  return reading;
}

std::vector<unsigned> allowedCpus() {
  cpu_set_t set;
  std::vector<unsigned> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

CpuReading readCpuTimes() {
  return parseCpuReading(textOf("/proc/stat"));
}

double stealShare(const CpuTimes& before, const CpuTimes& after) {
  return shareOf(before.steal, after.steal, before, after);
}

double busyShare(const CpuTimes& before, const CpuTimes& after) {
  return shareOf(before.busy, after.busy, before, after);
}

std::string parseCpuModel(std::string_view cpuinfo) {
  for (const std::string_view line : splitLines(cpuinfo)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string_view name = trim(line.substr(0, colon));
    if (name == "model name" || name == "Processor")
      return std::string(trim(line.substr(colon + 1)));
  }
  return {};
}

std::uint64_t parseMeminfo(std::string_view meminfo, std::string_view field) {
  for (const std::string_view line : splitLines(meminfo)) {
    const auto words = splitWords(line);
    if (words.size() >= 2 && words[0].size() == field.size() + 1 && words[0].starts_with(field))
      return numberIn(words[1]) * 1024;
  }
  return 0;
}

std::string parseSelected(std::string_view choices) {
  const std::size_t open = choices.find('[');
  const std::size_t close = choices.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return {};
  return std::string(choices.substr(open + 1, close - open - 1));
}

bool parseConnectionTracking(std::string_view modules, std::string_view count) {
  return hasModule(modules, "nf_conntrack") || numberIn(count) > 0;
}

bool parsePacketFilter(std::string_view modules, std::string_view tableNames) {
  return hasModule(modules, "iptable_filter") || hasModule(modules, "nf_tables") ||
         !trim(tableNames).empty();
}

bool kernelIsAtLeast(std::string_view kernel, unsigned major, unsigned minor) {
  const auto parts = split(kernel.substr(0, kernel.find('-')), '.');
  if (parts.size() < 2) return false;
  const auto first = toNumber<unsigned>(parts[0]), second = toNumber<unsigned>(parts[1]);
  if (!first || !second) return false;
  return *first > major || (*first == major && *second >= minor);
}

std::vector<Warning> hostWarnings(const HostFacts& facts) {
  std::vector<Warning> warnings;
  const std::uint64_t swapUsed = facts.swapTotal - std::min(facts.swapFree, facts.swapTotal);
  if (facts.steal > kNotedSteal)
    warnings.push_back(
        {fmt::format("the hypervisor steals {:.1f}% of the CPU time", 100 * facts.steal),
         "stalls of client and server caused by neither: high percentiles and low ceilings are "
         "partly the neighbours'",
         "run on a machine of its own, or at a quieter time", "steal"});
  for (std::size_t core = 0; core < facts.otherLoad.size(); ++core)
    if (facts.otherLoad[core] > kBusyCore)
      warnings.push_back(
          {fmt::format("core {} is already {:.0f}% busy", core, 100 * facts.otherLoad[core]),
           "what else runs there competes with the server or the generator: lower ceilings, longer "
           "tails",
           "stop it, or keep both off that core with -cpus", "busy-core"});
  if (facts.swapTotal > 0)
    warnings.push_back({fmt::format("swap is on ({}, {} of it used)", formatSize(facts.swapTotal),
                                    formatSize(swapUsed)),
                        "a key in a swapped page costs a disk read on the event loop: "
                        "milliseconds for every client",
                        "swapoff -a", "swap", true});
  if (static_cast<double>(facts.memoryAvailable) <
      kScarceMemory * static_cast<double>(facts.memoryTotal))
    warnings.push_back(
        {fmt::format("only {} of {} memory is available", formatSize(facts.memoryAvailable),
                     formatSize(facts.memoryTotal)),
         "the kernel reclaims pages while the server allocates, and may kill it "
         "when a fork copies what is written: stalls, or no run at all",
         "stop what holds the memory, or lower -maxmemory and -keys", "memory"});
  if (facts.hugePages == "always")
    warnings.push_back({"transparent huge pages are set to always",
                        "after a fork a write may copy 2 MB where 4 KB would do: longer stalls and "
                        "more memory during BGSAVE (redis-server 7 turns them off for itself "
                        "unless disable-thp is no)",
                        "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled", "hugepages",
                        true});
  if (forksMayBeRefused(facts))
    warnings.push_back({fmt::format("vm.overcommit_memory is {}", *facts.overcommit),
                        "the fork of BGSAVE and AOF rewrite is refused when the server is larger "
                        "than the free memory",
                        "sysctl vm.overcommit_memory=1", "overcommit", true});
  if (facts.connectionTracking)
    warnings.push_back({"nf_conntrack follows connections",
                        "every packet on loopback passes it: CPU on both sides, lower TCP ceilings",
                        "iptables -t raw -A PREROUTING -i lo -j NOTRACK, or measure over the Unix "
                        "socket",
                        "conntrack", true});
  else if (facts.packetFilter)
    warnings.push_back({"a packet filter (iptables or nft) is loaded",
                        "every packet on loopback passes its rules: a little CPU on both sides",
                        "flush the rules, or measure over the Unix socket", "filter", true});
  if (facts.cores == 1)
    warnings.push_back({"there is one core only",
                        "server and generator share it: ceiling and lateness are both wrong",
                        "use a machine with two cores or more", "cores", true});
  return warnings;
}

std::string warningText(const Warning& warning) {
  return fmt::format("{}: {} (to change it: {})", warning.what, warning.effect, warning.fix);
}

std::string parseFilesystem(std::string_view mounts, std::string_view path) {
  std::string kind;
  std::size_t longest = 0;
  for (const std::string_view line : splitLines(mounts)) {
    const auto words = splitWords(line);
    if (words.size() < 3) continue;
    const std::string_view at = words[1];
    const bool holds = at == "/" || path == at ||
                       (path.starts_with(at) && path.size() > at.size() && path[at.size()] == '/');
    // Of two mounts at one place the later one hides the other.
    if (!holds || at.size() < longest) continue;
    longest = at.size();
    kind = words[2];
  }
  return kind;
}

std::string filesystemOf(const std::filesystem::path& path) {
  std::error_code problem;
  const auto whole = std::filesystem::weakly_canonical(path, problem);
  return problem ? std::string{} : parseFilesystem(textOf("/proc/mounts"), whole.native());
}

HostFacts readHost(Nanos watch) {
  HostFacts facts;
  utsname names{};
  if (::uname(&names) == 0) facts.kernel = names.release;
  facts.cpuModel = parseCpuModel(textOf("/proc/cpuinfo"));
  facts.cores = static_cast<unsigned>(std::max(0L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  const std::string meminfo = textOf("/proc/meminfo");
  facts.memoryTotal = parseMeminfo(meminfo, "MemTotal");
  facts.memoryAvailable = parseMeminfo(meminfo, "MemAvailable");
  facts.swapTotal = parseMeminfo(meminfo, "SwapTotal");
  facts.swapFree = parseMeminfo(meminfo, "SwapFree");
  facts.hugePages = parseSelected(textOf("/sys/kernel/mm/transparent_hugepage/enabled"));
  if (const auto text = readWholeFile("/proc/sys/vm/overcommit_memory"))
    facts.overcommit = static_cast<int>(numberIn(*text));
  const std::string modules = textOf("/proc/modules");
  facts.connectionTracking =
      parseConnectionTracking(modules, textOf("/proc/sys/net/netfilter/nf_conntrack_count"));
  facts.packetFilter = parsePacketFilter(modules, textOf("/proc/net/ip_tables_names"));
  if (watch <= 0) return facts;
  const CpuReading before = readCpuTimes();
  std::this_thread::sleep_for(std::chrono::nanoseconds(watch));
  const CpuReading after = readCpuTimes();
  facts.steal = stealShare(before.all, after.all);
  for (std::size_t core = 0; core < std::min(before.cores.size(), after.cores.size()); ++core)
    facts.otherLoad.push_back(busyShare(before.cores[core], after.cores[core]));
  return facts;
}

EnvironmentFigures environmentFigures(const HostFacts& facts) {
  return {{}, facts.kernel, facts.cpuModel, facts.cores, facts.memoryTotal};
}

}  // namespace redline
