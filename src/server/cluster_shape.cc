#include "server/cluster_shape.h"

#include <algorithm>

namespace redline {
namespace {

constexpr unsigned kFewestMasters = 3;
constexpr std::size_t kMostNodes = 100;

void pin(NodeConfig& config, const std::vector<std::string>& lists, std::size_t index) {
  if (!lists.empty()) config.cpus = lists[std::min(index, lists.size() - 1)];
}

}  // namespace

Status checkShape(const ClusterShape& shape) {
  if (shape.masters < kFewestMasters)
    return fail(ErrorCode::usage,
                "a cluster of {} masters is refused: {} are needed to vote a failed one out",
                shape.masters, kFewestMasters);
  if (shape.nodes() > kMostNodes)
    return fail(ErrorCode::usage, "a cluster of {} nodes on one machine is refused: at most {}",
                shape.nodes(), kMostNodes);
  if (shape.masterCpus.size() > shape.masters)
    return fail(ErrorCode::usage, "{} lists of CPUs for {} masters", shape.masterCpus.size(),
                shape.masters);
  if (const std::size_t replicas = shape.nodes() - shape.masters;
      shape.replicaCpus.size() > replicas)
    return fail(ErrorCode::usage, "{} lists of CPUs for {} replicas", shape.replicaCpus.size(),
                replicas);
  return {};
}

std::vector<NodeConfig> clusterNodes(const NodeConfig& pattern, const ClusterShape& shape,
                                     std::span<const std::uint16_t> ports) {
  std::vector<NodeConfig> nodes(shape.nodes(), pattern);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].cluster = true;
    nodes[i].port = ports[i];
    if (i < shape.masters)
      pin(nodes[i], shape.masterCpus, i);
    else
      pin(nodes[i], shape.replicaCpus, i - shape.masters);
  }
  return nodes;
}

}  // namespace redline
