#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/slot_map.h"
#include "engine/plan.h"
#include "run/target.h"
#include "server/host.h"

namespace redline {

/// What is known of a server before load goes to it.
struct Preflight {
  std::vector<Target> targets;     ///< the node; or the cluster's that answer, masters first
  std::optional<SlotMap> map;      ///< of a cluster
  HostFacts host;                  ///< the machine, as it was before the load
  std::size_t longestValue = 0;    ///< bytes; of the keys of the data set that were looked at
  std::vector<std::string> notes;  ///< for the user's information; not errors
};

/// The server at `target`, or the cluster that `seeds` (not empty) are nodes of. Each is on this
/// machine, of the right version, and lets us in; the cluster is whole. `answered`: one of them
/// that is connected to already; no second connection is opened.
Result<Preflight> connectServers(const Endpoint& target, std::span<const Endpoint> seeds,
                                 const Credentials& credentials, bool anyVersion,
                                 std::optional<Target> answered);

/// Checks that load may go there and that the run is meaningful: the address is on this
/// machine, a Redis of the right version answers and lets us in (in a cluster: of each master), and
/// the keys that are there are those of this data set (data_set.h). `force`: where they are not,
/// that is a note. `onNote` hears at once of what takes long. `answered`: as above.
Result<Preflight> preflight(const EnginePlan& plan, bool anyVersion, bool force,
                            const std::function<void(const std::string&)>& onNote,
                            std::optional<Target> answered);

/// What a check refuses: with `force` its message is a note, and ok is returned; else it is an
/// error, which says that -force insists.
Status refuseUnless(bool force, const Status& checked,
                    const std::function<void(const std::string&)>& note);

}  // namespace redline
