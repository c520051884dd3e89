#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/slot_ranges.h"
#include "transport/endpoint.h"

namespace redline {

/// A slot that is being moved, and the id of the node at the other end.
struct MovingSlot {
  std::uint16_t slot = 0;
  std::string peer;

  bool operator==(const MovingSlot&) const = default;
};

/// One line of CLUSTER NODES: a node as another one (or itself) sees it.
struct ClusterMember {
  std::string id;
  Endpoint endpoint;  ///< port 0: its address is not known
  bool master = false;
  std::string masterId;  ///< of a replica; empty when it has none
  bool myself = false;
  bool suspected = false;  ///< "fail?": this observer alone gets no answer
  bool failed = false;     ///< "fail": a majority of masters agrees
  bool handshake = false;  ///< not accepted yet
  bool connected = false;  ///< this observer's link to it is up
  std::uint64_t configEpoch = 0;
  std::vector<SlotRange> slots;  ///< ascending; empty for a replica
  std::vector<MovingSlot>
      migrating;  ///< reported by the node itself only: slots on their way out …
  std::vector<MovingSlot> importing;  ///< … and in

  bool owns(std::uint16_t slot) const;
  bool ownsAll(std::span<const SlotRange> ranges) const;
};

/// The cluster as one node sees it. Pointers that it returns live as long as it.
struct ClusterView {
  std::vector<ClusterMember> nodes;

  const ClusterMember* byId(std::string_view id) const;
  const ClusterMember* byEndpoint(const Endpoint& endpoint) const;
  const ClusterMember* ownerOf(std::uint16_t slot) const;
  const ClusterMember* myself() const;
  /// In the order of their first slots, then of their ids: the same order on every node.
  std::vector<const ClusterMember*> masters() const;
  std::vector<const ClusterMember*> replicasOf(std::string_view masterId) const;
  std::size_t slotsCovered() const;
  /// Who serves what and who follows whom, without what only the observer knows: two nodes agree
  /// when their texts are equal.
  std::string mapText() const;
};

/// Reads the reply of CLUSTER NODES. invalidInput: it is something else.
Result<ClusterView> parseClusterNodes(std::string_view text);

/// Reads the reply of CLUSTER INFO: "cluster_state" → "ok", …
std::map<std::string, std::string, std::less<>> parseClusterInfo(std::string_view text);

/// All slots dealt out to `masters` nodes in contiguous ranges that differ by at most one slot.
std::vector<SlotRange> evenSlots(std::size_t masters);

}  // namespace redline
