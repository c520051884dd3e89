#include "server/kernel_figures.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/run_delay.h"
#include "server/process.h"

namespace redline {

void addKernelFigures(ServerSample& sample) {
  const auto field = sample.info.find("process_id");
  if (field == sample.info.end()) return;
  const auto pid = static_cast<pid_t>(std::strtol(field->second.c_str(), nullptr, 10));
  const auto stat = readProcessStat(pid);
  if (!stat || !stat->command.starts_with("redis-server")) return;
  sample.info["minor_faults"] = std::to_string(stat->minorFaults);
  if (const auto delay = readRunDelay(fmt::format("/proc/{}/schedstat", pid).c_str()))
    sample.info["waiting_for_core_main_thread"] = fmt::format("{:.6f}", toSeconds(*delay));
}

}  // namespace redline
