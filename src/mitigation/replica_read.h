#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"

namespace redline {

/// Which node answers a read.
enum class ReplicaPolicy : std::uint8_t {
  random,           ///< the master and its replicas, all alike
  nearest,          ///< the one of them whose service time is lowest, as measured by its replies
  replicaPreferred  ///< a replica, at random; the master only when no replica can be used
};

/// Chooses a node for each read, and learns from the replies. One for each worker. Writes go to the
/// master and are not asked about here.
class ReplicaRead {
 public:
  using Node = std::uint32_t;  ///< the caller's index of a node

  explicit ReplicaRead(ReplicaPolicy policy) noexcept : policy_(policy) {}

  /// Where the next read of a slot goes: its `master`, or one of those `replicas` that can be used
  /// now. O(replicas), no allocation.
  Node pick(Node master, std::span<const Node> replicas, Rng& rng) const noexcept;

  /// A reply from `node` took `service`. An exponentially weighted mean is kept, each reply at
  /// 1/16.
  void observe(Node node, Nanos service);
  /// Nothing is known of this node any more: it was lost, or has another role.
  void forget(Node node) noexcept;
  /// The mean; 0: not known.
  Nanos serviceOf(Node node) const noexcept { return node < mean_.size() ? mean_[node] : 0; }

  /// `nearest` sends every so many-th read (on average) to a node at random: a node that was slow
  /// once would otherwise never be measured again.
  static constexpr std::uint64_t kExploreOneIn = 32;

 private:
  Node nearest(Node master, std::span<const Node> replicas) const noexcept;

  ReplicaPolicy policy_;
  std::vector<Nanos> mean_;  ///< by node; 0: not known
};

}  // namespace redline
