#pragma once

#include <optional>
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

/// Which slots have no owner, as `seed` sees it, and what to do.
std::string uncoveredText(const SlotMap& map, const std::string& seed);

/// Finds the cluster by the first of `seeds` that answers (a replica will do), and makes sure that
/// it serves (slots without an owner are a note, where it does so without them), that the gate lets
/// through to every node it announces, and that each master with slots answers, lets us in and is
/// of the right version. A replica that does not answer is a note. refused, unsafe or unreachable:
/// what is in the way, and what to do about it.
/// `answered`: a node of it that is connected to already; no second connection is opened.
Result<ClusterTarget> connectCluster(std::span<const Endpoint> seeds,
                                     const Credentials& credentials, bool anyVersion,
                                     std::optional<Target> answered = std::nullopt);

}  // namespace redline
