#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "metrics/event_feed.h"
#include "metrics/http_server.h"
#include "metrics/live_run.h"
#include "metrics/metrics_store.h"
#include "run/driver_run.h"
#include "server/host.h"
#include "transport/endpoint.h"

namespace redline {

/// The live page and GET /metrics, during one run or several and until this object ends.
class LiveMetrics {
 public:
  /// Begins to serve. `kind`: what runs: "driver", "lab" or "chaos". unsafe: the address is not on
  /// this machine; io: it cannot listen there, and the message names the process that does.
  static Result<std::unique_ptr<LiveMetrics>> start(const Endpoint& where, std::string kind,
                                                    std::string version);
  /// Tells readers that nothing more will come.
  ~LiveMetrics();
  LiveMetrics(const LiveMetrics&) = delete;
  LiveMetrics& operator=(const LiveMetrics&) = delete;

  /// Adds its callbacks to the watcher of the next run, which must not outlive this object. One run
  /// at a time. `title`: the run for people; empty: its directory's name.
  void join(RunWatcher& watcher, std::string title = {});

  /// A fault without a load: servers are shown, and the fault.
  void beginFault(LiveRunPlan plan);
  void addSample(const ServerSample& sample);
  void addFault(const Event& event);
  void endFault();

  /// For events that are not about one run.
  EventFeed& feed() { return feed_; }
  const Clock& clock() const { return clock_; }

 private:
  LiveMetrics(std::string kind, std::string version);
  void begin(LiveRunPlan plan, LiveRun::ClusterNow clusterNow, LiveRun::Faulted faulted);
  void addInterval(const Interval& interval);
  void endRun(const Summary& summary);
  double stealSoFar() const;

  const std::string kind_, version_;
  SteadyClock clock_;
  MetricsStore store_;
  EventFeed feed_;
  std::uint64_t runs_ = 0;
  std::optional<LiveRun> run_;
  CpuTimes cpuAtBegin_;
  Nanos lastPoint_ = 0;                    ///< of a fault without a load
  std::unique_ptr<MetricsServer> server_;  ///< the last member: it reads the others
};

}  // namespace redline
