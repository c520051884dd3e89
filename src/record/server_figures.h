#pragma once

#include <optional>
#include <span>
#include <vector>

#include "record/server_sample.h"
#include "record/summary.h"

namespace redline {

/// One server's activity between two of its samples: counters as differences, memory and role as
/// they were at `after`. A server that restarted in between (isRestart()) counts from zero.
///
/// The CPU time is the main thread's; its utilisation is that over the time between the two samples
/// less `steal`, the hypervisor's share of the machine's time: a core that was taken away was
/// neither busy nor idle. ops counts every command, ours to watch it included.
ServerFigures serverFigures(const ServerSample& before, const ServerSample& after,
                            double steal = 0);

/// Another process answered than before: its run_id differs or, where samples have none, its count
/// of commands fell.
bool isRestart(const ServerSample& before, const ServerSample& after);

/// Takes the role of each node from its server's figures, where there are any: the clients' map may
/// have an older one.
void takeRoles(ClusterFigures& cluster, std::span<const ServerFigures> servers);

/// One server's readings, of which those are kept that its figures need: the first, the last, and
/// the last of each process that has ended.
class ServerHistory {
 public:
  /// In the order of their times.
  void add(const ServerSample& sample);
  const std::optional<ServerSample>& first() const { return first_; }
  const std::optional<ServerSample>& last() const { return last_; }
  /// serverFigures() with what processes that ended in between had counted when they were last
  /// read.
  ServerFigures figures(const ServerSample& before, const ServerSample& after,
                        double steal = 0) const;

 private:
  std::optional<ServerSample> first_, last_;
  std::vector<ServerSample> ended_;
};

}  // namespace redline
