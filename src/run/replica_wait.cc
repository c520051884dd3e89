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
/// Of one that copies its master: it answers between two pieces of what it loads.
constexpr Nanos kCopyTimeout = 10 * kSecond;

/// A replica, and the offset it has to reach.
struct Follower {
  Endpoint replica, master;
  std::uint64_t offset = 0;
  std::string history;       // of the stream that it must follow; empty: any
  std::uint64_t toCopy = 0;  // bytes to be received and loaded, about
  std::string problem;       // why it will not copy
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
      followers.push_back(
          {endpointOf(map.nodes()[replica].address), master, state->offset, {}, 0, {}});
  }
  return followers;
}

/// A stream of another name: no replica can continue from where it is.
Result<Follower> beginCopy(Follower follower, ClusterAdmin& cluster) {
  auto admin = cluster.at(follower.master);
  if (!admin) return fail(admin.error());
  if (auto renamed = (*admin)->command({"DEBUG", "CHANGE-REPL-ID"}); !renamed)
    return fail(renamed.error());
  if (auto cut = (*admin)->command({"CLIENT", "KILL", "TYPE", "replica"}); !cut)
    return fail(cut.error());
  const auto info = (*admin)->info({"replication", "memory"});
  if (!info) return fail(info.error());
  follower.history = info->text("master_replid");
  follower.offset = info->count("master_repl_offset");
  follower.toCopy = 2 * info->count("used_memory_dataset");
  return follower;
}

void beginCopies(std::vector<Follower>& followers, ClusterAdmin& cluster) {
  // Connected now: one that loads its copy greets nobody.
  for (const Follower& follower : followers) (void)cluster.at(follower.replica);
  for (std::size_t i = 0; i < followers.size(); ++i) {
    Follower& follower = followers[i];
    const auto sibling =
        std::find_if(followers.data(), followers.data() + i,
                     [&](const auto& each) { return each.master == follower.master; });
    if (sibling != followers.data() + i) {
      const Endpoint replica = follower.replica;
      follower = *sibling;
      follower.replica = replica;
    } else if (auto begun = beginCopy(follower, cluster)) {
      follower = std::move(*begun);
    } else {
      follower.problem = begun.error().message;
    }
  }
}

ReplicaBehind lookAt(const Follower& follower, ClusterAdmin& cluster) {
  ReplicaBehind behind{follower.replica.text(), follower.master.text(), follower.offset, {}, false};
  const auto state = cluster.replicationOf(follower.replica);
  if (!state) {
    behind.problem = state.error().message;
    behind.gone = state.error().code == ErrorCode::unreachable;
    return behind;
  }
  const bool follows = follower.history.empty() || state->history == follower.history;
  if (!state->linkUp || !follows) {
    behind.problem = !follower.problem.empty() ? follower.problem
                     : state->linkUp           ? "it has not begun to copy its master"
                                               : "its link to the master is down";
    const std::uint64_t missing = follower.toCopy - std::min(follower.toCopy, state->copied);
    behind.bytes = std::max<std::uint64_t>(1, follower.offset + missing);
    return behind;
  }
  behind.bytes = follower.offset - std::min(follower.offset, state->offset);
  return behind;
}

}  // namespace

std::vector<ReplicaBehind> awaitReplicas(const SlotMap& map, const Credentials& credentials,
                                         const ReplicaWait& wait) {
  ClusterAdmin cluster(credentials, wait.copyAll ? kCopyTimeout : kReplicaTimeout);
  std::vector<Follower> followers = followersOf(map, cluster);
  if (wait.copyAll) beginCopies(followers, cluster);
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
    const bool allGone = std::ranges::all_of(behind, &ReplicaBehind::gone);
    const Nanos patience = allGone ? std::min(wait.patience, kReplicaPatience) : wait.patience;
    const bool enough = now - nearer > patience || (wait.interrupted && wait.interrupted());
    if (behind.empty() || enough) return behind;
    std::this_thread::sleep_for(std::chrono::nanoseconds(kReplicaPoll));
  }
}

}  // namespace redline
