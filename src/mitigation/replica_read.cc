#include "mitigation/replica_read.h"

#include <algorithm>

namespace redline {
namespace {

constexpr Nanos kWeight = 16;

}  // namespace

ReplicaRead::Node ReplicaRead::pick(Node master, std::span<const Node> replicas,
                                    Rng& rng) const noexcept {
  if (replicas.empty()) return master;
  if (policy_ == ReplicaPolicy::replicaPreferred) return replicas[rng.below(replicas.size())];
  if (policy_ == ReplicaPolicy::nearest && rng.below(kExploreOneIn) != 0)
    return nearest(master, replicas);
  const std::uint64_t choice = rng.below(replicas.size() + 1);
  return choice == 0 ? master : replicas[choice - 1];
}

ReplicaRead::Node ReplicaRead::nearest(Node master, std::span<const Node> replicas) const noexcept {
  // A node that is not known counts as 0: it is tried first.
  Node best = master;
  for (const Node node : replicas)
    if (serviceOf(node) < serviceOf(best)) best = node;
  return best;
}

void ReplicaRead::observe(Node node, Nanos service) {
  if (node >= mean_.size()) mean_.resize(node + 1, 0);
  Nanos& mean = mean_[node];
  mean = std::max<Nanos>(1, mean == 0 ? service : mean + (service - mean) / kWeight);
}

void ReplicaRead::forget(Node node) noexcept {
  if (node < mean_.size()) mean_[node] = 0;
}

}  // namespace redline
