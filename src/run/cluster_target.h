#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/slot_map.h"
#include "run/target.h"

namespace redline {

/// A cluster that load may go to.
struct ClusterTarget {
  SlotMap map;
  std::vector<Target> nodes;  ///< those that answer: masters with slots first, all of which do
  std::vector<std::string> notes;
};

/// Finds the cluster by the first of `seeds` that answers (a replica will do), and makes sure that
/// every slot has an owner, that the gate lets through to every node it announces, and that each
/// master with slots answers, lets us in and is of the right version. A replica that does not
/// answer is a note. refused, unsafe or unreachable: what is in the way, and what to do about it.
Result<ClusterTarget> connectCluster(std::span<const Endpoint> seeds, const Login& login,
                                     bool anyVersion);

}  // namespace redline
