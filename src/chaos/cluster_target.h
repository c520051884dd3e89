#pragma once

#include "base/result.h"
#include "chaos/arguments.h"
#include "chaos/fault.h"
#include "server/cluster_admin.h"

namespace redline {

/// The cluster that -addr names. unsafe: the gate does not let through to it; refused: it is not a
/// cluster.
Result<ClusterAdmin> connectCluster(const FaultContext& context);

/// Ok when the gate lets through to every node of it and, unless `force`, one that redline started:
/// a fault of a cluster reaches more of its nodes than -addr names.
Status checkMembers(const ClusterView& view, const FaultContext& context);

/// The node that listens there, whatever name of this machine `endpoint` uses; null: none.
const ClusterMember* memberAt(const ClusterView& view, const Endpoint& endpoint);

/// The master at the address in `text`, given as -`flag`. usage: it is not an address, not a node
/// of this cluster, or a replica; the message names the masters there are.
Result<ClusterMember> masterNamed(const ClusterView& view, std::string_view flag,
                                  const std::string& text);

}  // namespace redline
