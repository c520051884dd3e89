#include "run/live_metrics.h"

#include <utility>

#include "metrics/exposition.h"
#include "server/process.h"

namespace redline {

Result<std::unique_ptr<LiveMetrics>> LiveMetrics::start(const Endpoint& where, RunDescription run) {
  const auto local = isLocal(where);
  if (!local) return fail(ErrorCode::usage, "-metrics: {}", local.error().message);
  if (!*local)
    return fail(
        ErrorCode::unsafe,
        "-metrics={} is not an address of this machine: use 127.0.0.1:{} or another local address",
        where.text(), where.port);
  std::unique_ptr<LiveMetrics> live(new LiveMetrics(std::move(run)));
  auto server = MetricsServer::start(
      where.host, where.port, [&live = *live] { return exposition(live.store_.snapshot()); });
  if (server) {
    live->server_ = std::move(*server);
    return live;
  }
  if (const auto user = portUser(where.port))
    return fail(ErrorCode::io, "-metrics={}: the port is in use by {}: choose another",
                where.text(), *user);
  return fail(ErrorCode::io, "-metrics={}: {}", where.text(), server.error().message);
}

void LiveMetrics::join(RunWatcher& watcher) {
  watcher.onInterval = [this, next = std::move(watcher.onInterval)](const Interval& interval,
                                                                    Nanos sinceStart) {
    store_.addInterval(interval);
    if (next) next(interval, sinceStart);
  };
  watcher.onSample = [this, next = std::move(watcher.onSample)](const ServerSample& sample) {
    store_.addSample(sample);
    if (next) next(sample);
  };
  watcher.onFault = [this, next = std::move(watcher.onFault)](const Event& event,
                                                              Nanos sinceStart) {
    store_.addEvent(event);
    if (next) next(event, sinceStart);
  };
}

}  // namespace redline
