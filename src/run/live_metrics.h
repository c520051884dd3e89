#pragma once

#include <memory>

#include "base/result.h"
#include "metrics/http_server.h"
#include "metrics/metrics_store.h"
#include "run/driver_run.h"
#include "transport/endpoint.h"

namespace redline {

/// GET /metrics during a run, and until this object ends.
class LiveMetrics {
 public:
  /// Begins to serve. unsafe: the address is not on this machine; io: it cannot listen there, and
  /// the message names the process that does.
  static Result<std::unique_ptr<LiveMetrics>> start(const Endpoint& where, RunDescription run);

  /// Adds its callbacks to `watcher`, which must not outlive this object.
  void join(RunWatcher& watcher);
  /// The run has ended: the values are final.
  void end() { store_.end(); }

 private:
  explicit LiveMetrics(RunDescription run) : store_(std::move(run)) {}

  MetricsStore store_;
  std::unique_ptr<MetricsServer> server_;  ///< after the store, which it reads
};

}  // namespace redline
