#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cmd/command.h"
#include "cmd/flag_values.h"
#include "cmd/interrupts.h"
#include "run/live_metrics.h"
#include "transport/endpoint.h"

namespace redline {

/// -metrics and -metrics-linger, for the commands that can be watched.
std::vector<FlagSpec> metricsFlags();
/// usage: -metrics-linger without -metrics, or -observe, which implies it.
Status checkMetricsFlags(const FlagValues& flags);
/// What startMetrics() would say of the address of -metrics: it listens there, and ends again.
Status checkMetricsAddress(const FlagValues& flags);

/// The live page and /metrics as asked for, and a note where they are; null when they were not
/// requested. Its thread runs on `cpus`: the generator's, where its cost shows as lateness. `kind`
/// as LiveMetrics::start has it.
Result<std::unique_ptr<LiveMetrics>> startMetrics(const FlagValues& flags, std::string_view kind,
                                                  std::span<const int> cpus);
/// The same at this address, whatever the flags say.
Result<std::unique_ptr<LiveMetrics>> startMetricsAt(const Endpoint& where, std::string_view kind,
                                                    std::span<const int> cpus);

/// Keeps serving the final values for as long as -metrics-linger says, or until an interrupt.
void lingerMetrics(const FlagValues& flags, const Interrupts& interrupts);

}  // namespace redline
