#include "run/replica_wait.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include "server/cluster_admin.h"
#include "server/slot_map_reading.h"

namespace redline {
namespace {

constexpr Nanos kReplicaPoll = 20 * kMillisecond;
constexpr Nanos kReplicaTimeout = kSecond;

/// A replica, and the offset it has to reach.
struct Follower {
  Endpoint replica, master;
  std::uint64_t offset = 0;
};

std::vector<Follower> followersOf(const SlotMap& map, ClusterAdmin& cluster) {
  std::vector<Follower> followers;
  for (std::uint16_t i = 0; i < map.nodes().size(); ++i) {
    const auto replicas = map.replicasOf(i);
    if (replicas.empty()) continue;
    const Endpoint master = endpointOf(map.nodes()[i].address);
    const auto state = cluster.replicationOf(master);
    if (!state) continue;
    for (const std::uint16_t replica : replicas)
      followers.push_back({endpointOf(map.nodes()[replica].address), master, state->offset});
  }
  return followers;
}

ReplicaBehind lookAt(const Follower& follower, ClusterAdmin& cluster) {
  ReplicaBehind behind{follower.replica.text(), follower.master.text(), follower.offset, {}};
  const auto state = cluster.replicationOf(follower.replica);
  if (!state) {
    behind.problem = state.error().message;
    return behind;
  }
  if (!state->linkUp) behind.problem = "its link to the master is down";
  if (state->linkUp) behind.bytes = follower.offset - std::min(follower.offset, state->offset);
  return behind;
}

}  // namespace

std::vector<ReplicaBehind> awaitReplicas(const SlotMap& map, const Credentials& credentials,
                                         const ReplicaWait& wait) {
  ClusterAdmin cluster(credentials, kReplicaTimeout);
  const std::vector<Follower> followers = followersOf(map, cluster);
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  Nanos nearer = SteadyClock::read();  // when one last progressed
  for (;;) {
    std::vector<ReplicaBehind> behind;
    std::uint64_t missing = 0;
    for (const Follower& follower : followers) {
      ReplicaBehind seen = lookAt(follower, cluster);
      missing += seen.bytes;
      if (seen.bytes != 0) behind.push_back(std::move(seen));
    }
    const Nanos now = SteadyClock::read();
    if (missing < least) {
      least = missing;
      nearer = now;
    }
    if (wait.progress) wait.progress(now, missing);
    const bool enough = now - nearer > wait.patience || (wait.interrupted && wait.interrupted());
    if (behind.empty() || enough) return behind;
    std::this_thread::sleep_for(std::chrono::nanoseconds(kReplicaPoll));
  }
}

}  // namespace redline
