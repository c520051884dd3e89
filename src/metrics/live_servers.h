#pragma once

#include <map>
#include <string>
#include <vector>

#include "metrics/live_events.h"
#include "record/server_figures.h"
#include "record/server_sample.h"
#include "record/summary.h"

namespace redline {

/// What a run's servers do, from readings of INFO as they come.
class LiveServers {
 public:
  void add(const ServerSample& sample);
  /// The figures so far count from the last step on.
  void start();

  /// What each did since this was called before, in the order of their addresses.
  std::vector<LiveServerStep> step();
  /// What each did since start(). `steal`: the hypervisor's share of the machine's time.
  std::vector<ServerFigures> soFar(double steal) const;

 private:
  struct Readings {
    ServerSample first, atStep;
    ServerHistory history;

    const ServerSample& latest() const { return *history.last(); }
  };
  std::map<std::string, Readings, std::less<>> servers_;  ///< by address
};

}  // namespace redline
