#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/result.h"
#include "cluster/slot_map.h"
#include "server/admin.h"

namespace redline {

/// A cluster's slot map as one of its nodes knows it.
struct SlotMapReading {
  SlotMap map;
  std::string state;        ///< cluster_state: "ok" or "fail"; "ok" where `info` is withheld
  std::uint64_t epoch = 0;  ///< cluster_current_epoch: a node that knows of a later one knows more
  /// The fields of CLUSTER INFO; empty: it is withheld.
  std::map<std::string, std::string, std::less<>> info;
};

/// Asks by CLUSTER INFO and CLUSTER SHARDS (before 7.0: CLUSTER SLOTS), and looks up the nodes that
/// go by names. unsafe: a node is on a machine that is not allowed.
Result<SlotMapReading> readSlotMap(Admin& admin);

/// The same address in the words of the two rooms.
Endpoint endpointOf(const NodeAddress& address);

}  // namespace redline
