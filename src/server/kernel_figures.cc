#include "server/kernel_figures.h"

#include <fmt/format.h>

#include "base/run_delay.h"
#include "server/process.h"

namespace redline {

void addKernelFigures(ServerSample& sample, ServerProcess& process) {
  const auto id = process.of(sample.info);
  const auto stat = id ? readProcessStat(id->pid) : std::nullopt;
  if (!stat) return;
  sample.info["minor_faults"] = std::to_string(stat->minorFaults);
  if (const auto delay = readRunDelay(fmt::format("/proc/{}/schedstat", id->pid).c_str()))
    sample.info["waiting_for_core_main_thread"] = fmt::format("{:.6f}", toSeconds(*delay));
}

}  // namespace redline
