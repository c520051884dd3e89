#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "server/cluster_admin.h"

namespace redline {

/// The steps of a failover as observed: each is a time on the caller's clock, none until it has
/// been seen.
struct FailoverSteps {
  std::optional<Nanos> suspected;  ///< one node suspects the master ("fail?")
  std::optional<Nanos> failed;     ///< a majority does ("fail")
  std::optional<Nanos> election;   ///< a replica asks for votes: the cluster's epoch has gone up
  std::optional<Nanos> promoted;   ///< a node claims the master's slots
  std::optional<Nanos> recovered;  ///< every node agrees, and says cluster_state:ok
  Endpoint successor;              ///< after `promoted`
};

/// Watches the others while a master is dead. A pure function of the readings that it is given.
class FailoverWatch {
 public:
  /// `victim` as it was known before; `epoch`: the cluster's then.
  FailoverWatch(ClusterMember victim, std::uint64_t epoch)
      : victim_(std::move(victim)), epoch_(epoch) {}

  /// The readings of one look at all nodes that live, made at `now`. Returns the names of the steps
  /// that are new, in their order: "suspected", "failed", "election", "promoted", "recovered".
  std::vector<std::string> look(std::span<const NodeReading> readings, Nanos now);
  const FailoverSteps& steps() const { return steps_; }

 private:
  bool isSuccessor(const NodeReading& reading) const;

  ClusterMember victim_;
  std::uint64_t epoch_;
  FailoverSteps steps_;
};

/// cluster_current_epoch of a reading; 0 when it does not say.
std::uint64_t currentEpoch(const NodeReading& reading);

}  // namespace redline
