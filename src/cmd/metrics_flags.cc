#include "cmd/metrics_flags.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "base/affinity.h"
#include "base/clock.h"
#include "os/console.h"
#include "transport/endpoint.h"
#include "transport/gate.h"

namespace redline {

std::vector<FlagSpec> metricsFlags() {
  constexpr std::string_view kGroup = "Output";
  return {
      {.name = "metrics",
       .kind = ValueKind::hostPort,
       .help = "serve a live page, and GET /metrics for Prometheus, at this local address; on any "
               "but loopback, other machines may read them too",
       .example = "127.0.0.1:9121",
       .group = kGroup,
       .whenEmpty = "not served"},
      {.name = "metrics-linger",
       .kind = ValueKind::duration,
       .fallback = "0",
       .help = "keep serving the final values for this long, or until Ctrl-C",
       .example = "10s",
       .group = kGroup,
       .most = "8760h"},
  };
}

Status checkMetricsFlags(const FlagValues& flags) {
  const bool isServed = !flags.empty("metrics") || (flags.has("observe") && flags.on("observe"));
  if (flags.duration("metrics-linger") == 0 || isServed) return {};
  return fail(ErrorCode::usage, "-metrics-linger={} needs -metrics", flags.text("metrics-linger"));
}

Status checkMetricsAddress(const FlagValues& flags) {
  if (flags.empty("metrics")) return {};
  const auto where = parseEndpoint(flags.text("metrics"));
  if (!where) return fail(where.error());
  if (auto metrics = LiveMetrics::start(*where, "", REDLINE_VERSION); !metrics)
    return fail(metrics.error());
  return {};
}

Result<std::unique_ptr<LiveMetrics>> startMetrics(const FlagValues& flags, std::string_view kind,
                                                  std::span<const int> cpus) {
  if (flags.empty("metrics")) return nullptr;
  const auto where = parseEndpoint(flags.text("metrics"));
  if (!where) return fail(where.error());
  return startMetricsAt(*where, kind, cpus);
}

Result<std::unique_ptr<LiveMetrics>> startMetricsAt(const Endpoint& where, std::string_view kind,
                                                    std::span<const int> cpus) {
  const AffinityScope beside(cpus);
  auto metrics = LiveMetrics::start(where, std::string(kind), REDLINE_VERSION);
  if (!metrics) return fail(metrics.error());
  printErr("note: live page at http://{0}/, metrics at http://{0}/metrics{1}\n", where.text(),
           isLoopback(where) ? "" : ": everybody who reaches this machine may read them");
  return metrics;
}

void lingerMetrics(const FlagValues& flags, const Interrupts& interrupts) {
  constexpr Nanos kPollInterval = 50 * kMillisecond;
  for (Nanos left = flags.duration("metrics-linger"); left > 0 && !interrupts.received();
       left -= kPollInterval)
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(left, kPollInterval)));
}

}  // namespace redline
