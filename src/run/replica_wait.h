#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cluster/slot_map.h"
#include "server/admin.h"

namespace redline {

/// A replica that has not applied what its master had written.
struct ReplicaBehind {
  std::string replica, master;
  std::uint64_t bytes = 0;  ///< of the replication stream; of all of it, where it does not answer
  std::string problem;      ///< why it does not catch up; empty: no problem is known
  bool gone = false;        ///< nothing listens there
};

inline constexpr Nanos kReplicaPatience = 10 * kSecond;

struct ReplicaWait {
  /// The wait ends when no replica has caught up further for this long, and after at most the
  /// default where all that lack something are gone.
  Nanos patience = kReplicaPatience;
  /// The masters hold keys that never were in their replication streams: each begins a new one, so
  /// that its replicas copy all of it first.
  bool copyAll = false;
  /// Called after every poll: bytes that are missing, at all replicas together.
  std::function<void(Nanos now, std::uint64_t missing)> progress;
  std::function<bool()> interrupted;
};

/// Waits until every replica of the map has applied what its master had written when this began.
/// Those that have not, in the end; a master that does not answer is passed over.
std::vector<ReplicaBehind> awaitReplicas(const SlotMap& map, const Credentials& credentials,
                                         const ReplicaWait& wait);

}  // namespace redline
