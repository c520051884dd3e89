#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cluster/node_address.h"
#include "cluster/slot_ranges.h"
#include "resp/value.h"

namespace redline {

enum class NodeRole : std::uint8_t { master, replica };
constexpr std::string_view nameOf(NodeRole role) {
  return role == NodeRole::master ? "master" : "replica";
}

/// A node as one node of its cluster sees it.
struct ClusterNode {
  NodeAddress address;
  std::string name;  ///< what the cluster calls its host, where the address was looked up
  std::string id;    ///< 40 hex digits; empty where only a MOVED has named the node
  NodeRole role = NodeRole::master;
  std::uint16_t master = 0;  ///< index of the master it copies; its own for a master
  bool online = true;        ///< CLUSTER SHARDS' health; not in CLUSTER SLOTS
};

/// Which node owns which hash slot: a snapshot of a cluster, corrected by the redirects that come.
/// Nodes are known by their address: a number in nodes() stays good for the life of the map.
class SlotMap {
 public:
  /// Instead of a node's index: the slot has no owner.
  static constexpr std::uint16_t kNoNode = 0xffff;

  SlotMap() { owners_.fill(kNoNode); }

  /// Reads the replies of CLUSTER SLOTS and of CLUSTER SHARDS, of RESP2 or RESP3. `asked` is the
  /// node that gave it: a host that the reply leaves open (null or "") is its host.
  /// CLUSTER SLOTS leaves out masters without slots, and replicas that failed. invalidInput: the
  /// reply is not of that command.
  static Result<SlotMap> fromSlots(const Value& reply, const NodeAddress& asked);
  static Result<SlotMap> fromShards(const Value& reply, const NodeAddress& asked);

  const std::vector<ClusterNode>& nodes() const { return nodes_; }
  /// Index in nodes() of the slot's master, or kNoNode. slot < kSlots.
  std::uint16_t ownerOf(std::uint16_t slot) const { return owners_[slot]; }
  /// Replaces each host that is a name by what `lookUp(name)` says, a Result<std::string>; the
  /// first error ends it. find() still knows the node by its name: MOVED and ASK use that.
  template <typename LookUp>
  Status lookUpNames(LookUp&& lookUp) {
    for (ClusterNode& node : nodes_) {
      auto address = lookUp(node.address);
      if (!address) return fail(std::move(address.error()));
      if (*address == node.address.host) continue;
      node.name = std::exchange(node.address.host, std::move(*address));
    }
    return {};
  }
  /// Index of the node with that address or name, or kNoNode.
  std::uint16_t find(std::string_view host, std::uint16_t port) const;
  /// Indices of the replicas of a master.
  std::vector<std::uint16_t> replicasOf(std::uint16_t master) const;
  /// The slots that a node owns.
  std::vector<SlotRange> rangesOf(std::uint16_t node) const;
  /// The slots without an owner; empty for a whole cluster.
  std::vector<SlotRange> uncovered() const { return rangesOf(kNoNode); }

  /// What "MOVED slot host:port" says: the slot's owner is that node from now on. A node not met
  /// before joins the map; a replica that is named has been promoted. Returns its index.
  std::uint16_t moved(std::uint16_t slot, std::string_view host, std::uint16_t port);

 private:
  friend class SlotMapReader;
  std::uint16_t add(ClusterNode node);

  std::vector<ClusterNode> nodes_;
  std::array<std::uint16_t, kSlots> owners_;
};

}  // namespace redline
