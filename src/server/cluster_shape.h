#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/node_config.h"

namespace redline {

/// What a cluster of ours is made of.
struct ClusterShape {
  unsigned masters = 3;
  unsigned replicas = 1;  ///< of each master
  /// CPUs of the main threads, a list for each master or replica in turn; the last one is for all
  /// that come after it. Empty: what the pattern of all nodes says.
  std::vector<std::string> masterCpus, replicaCpus;

  std::size_t nodes() const { return std::size_t{masters} * (1 + replicas); }
};

/// usage: fewer than 3 masters (they could not vote a failed one out), more nodes than one machine
/// can be meant to hold, or more lists of CPUs than nodes for them.
Status checkShape(const ClusterShape& shape);

/// The nodes of a cluster, masters first: `pattern` with what differs from node to node, but for
/// its directory. One port for each; the shape has been checked. Replica k follows master k mod
/// masters.
std::vector<NodeConfig> clusterNodes(const NodeConfig& pattern, const ClusterShape& shape,
                                     std::span<const std::uint16_t> ports);

}  // namespace redline
