#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/units.h"
#include "doctor/checks.h"

namespace redline {
namespace {

constexpr Nanos kSlowClock = 200;  ///< a reading without a system call takes 20 to 60 ns

/// What a warning of server/host.h means for a server, and what is said where there is none.
struct MachineCheck {
  std::string_view name;  ///< the warning's id
  std::string_view title;
  Severity severity;
  const Price* price;
  std::string (*good)(const HostFacts& host);
};

std::string orUnknown(const std::string& text) {
  return text.empty() ? "cannot be read" : text;
}

std::string busiestCore(const HostFacts& host) {
  if (host.otherLoad.empty()) return "not watched";
  return fmt::format("{} busy at the most", formatShare(std::ranges::max(host.otherLoad)));
}

constexpr auto none = [](const HostFacts& /*host*/) { return std::string("none"); };

const std::array kChecks{
    MachineCheck{"memory", "free memory", Severity::dangerous, nullptr,
                 [](const HostFacts& host) {
                   return fmt::format("{} of {} available", formatSize(host.memoryAvailable),
                                      formatSize(host.memoryTotal));
                 }},
    MachineCheck{"overcommit", "overcommit", Severity::dangerous, nullptr,
                 [](const HostFacts& host) {
                   if (!host.overcommit) return std::string("cannot be read");
                   return fmt::format(
                       "vm.overcommit_memory is {}: this kernel refuses no fork of "
                       "a server that fits its memory",
                       *host.overcommit);
                 }},
    MachineCheck{"swap", "swap", Severity::costsLatency, nullptr,
                 [](const HostFacts& /*host*/) { return std::string("off"); }},
    MachineCheck{"hugepages", "transparent huge pages", Severity::costsLatency, nullptr,
                 [](const HostFacts& host) { return orUnknown(host.hugePages); }},
    MachineCheck{"steal", "stolen CPU time", Severity::costsLatency, nullptr,
                 [](const HostFacts& host) { return formatShare(host.steal); }},
    MachineCheck{"busy-core", "other load", Severity::costsLatency, &kNoCorePrice, busiestCore},
    MachineCheck{"cores", "cores", Severity::costsLatency, &kSharedCorePrice,
                 [](const HostFacts& host) { return fmt::format("{}", host.cores); }},
    MachineCheck{"conntrack", "connection tracking", Severity::costsLatency, nullptr, none},
    MachineCheck{"filter", "packet filter", Severity::costsLatency, nullptr, none},
};

Diagnosis judge(const MachineCheck& check, const HostFacts& host,
                const std::vector<Warning>& warnings) {
  const auto warned = std::ranges::find(warnings, check.name, &Warning::id);
  if (warned == warnings.end()) return fine(check.good(host));
  return {check.severity, warned->what, warned->effect, check.price, {warned->fix}};
}

/// Servers for which the machine's huge pages are off do not mind them.
Diagnosis judgeHugePages(Diagnosis ofMachine, const DoctorFacts& facts) {
  if (ofMachine.severity == Severity::fine) return ofMachine;
  bool known = false;
  for (const ServerFacts& server : facts.servers) {
    if (!server.here || !server.problem.empty()) continue;
    if (!server.process || server.process->hugePages.value_or(true)) return ofMachine;
    known = true;
  }
  return known ? fine(facts.machine.host.hugePages + ", but off for each server here (disable-thp)")
               : ofMachine;
}

Diagnosis judgeClock(const MachineFacts& machine) {
  const std::string evidence = fmt::format("{}; a reading takes {}", orUnknown(machine.clockSource),
                                           formatDuration(machine.clockRead));
  if (machine.clockRead <= kSlowClock) return fine(evidence);
  return {
      Severity::costsLatency,
      evidence,
      "Redis reads the clock several times for each command; here each reading is a system call "
      "or asks a device",
      nullptr,
      {"cat /sys/devices/system/clocksource/clocksource0/available_clocksource",
       "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource"}};
}

CheckResult result(std::string_view name, std::string_view title, Diagnosis judgement) {
  return {std::string(name), std::string(title), {}, std::move(judgement)};
}

}  // namespace

std::vector<CheckResult> checkMachine(const DoctorFacts& facts) {
  std::vector<CheckResult> results;
  if (facts.disk) results.push_back(result("disk", "disk", judgeDisk(*facts.disk)));
  if (!facts.servers.empty() && !facts.anyHere()) {
    results.push_back(result("machine", "the machine",
                             {Severity::unknown,
                              "no server that was named is on this machine",
                              "swap, huge pages, memory for forks, other load and the like cannot "
                              "be seen from here",
                              nullptr,
                              {"run 'redline doctor' on the server's machine"}}));
    return results;
  }
  const HostFacts& host = facts.machine.host;
  const auto warnings = hostWarnings(host);
  for (const MachineCheck& check : kChecks) {
    // A server under load keeps a core busy itself: of each, judgeCore() says what it waits.
    if (check.name == "busy-core" && facts.anyHere()) continue;
    Diagnosis judgement = judge(check, host, warnings);
    if (check.name == "hugepages") judgement = judgeHugePages(std::move(judgement), facts);
    results.push_back(result(check.name, check.title, std::move(judgement)));
  }
  results.push_back(result("clock", "clock source", judgeClock(facts.machine)));
  return results;
}

}  // namespace redline
