#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/cluster_admin.h"

namespace redline {

/// How long it may take until the others have noticed a master's death and elected its replica:
/// from their own cluster-node-timeout.
Nanos failoverLimit(ClusterAdmin& cluster, std::span<const Endpoint> others);

/// Waits until the slots of `dead` have a new owner. Ok also when it had none, or when none of
/// `others` could become it. Before that a master that keeps nothing on disk must not be started
/// again: it would come back empty, and make its replica empty, too.
/// timeout: a replica of it lives and has not become master within failoverLimit().
Status awaitSuccessor(ClusterAdmin& cluster, const ClusterMember& dead,
                      std::span<const Endpoint> others);

}  // namespace redline
