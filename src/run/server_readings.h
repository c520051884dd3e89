#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "record/server_figures.h"
#include "record/server_sample.h"
#include "record/summary.h"
#include "run/target.h"

namespace redline {

/// INFO of a run's servers at one moment, by address. One that is frozen or dead is not in it.
using ServerSamples = std::map<std::string, ServerSample>;
ServerSamples readSamples(std::vector<Target>& targets);

/// What the servers did in the measured window: from readings at its edges, and, for a server that
/// could not be read there, from the sampler's first and last. A process that died in between
/// counts as it was when it was last read. Roles are those of the last reading.
class ServerReadings {
 public:
  /// A reading of the sampler, from any thread.
  void add(const ServerSample& sample);
  /// In the order of `targets`; a server that was never read twice is left out. `steal`: the
  /// machine's; a core that was taken away counts as neither busy nor idle.
  std::vector<ServerFigures> figuresOf(const std::vector<Target>& targets,
                                       const ServerSamples& before, const ServerSamples& after,
                                       double steal) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, ServerHistory> servers_;  ///< by address
};

}  // namespace redline
