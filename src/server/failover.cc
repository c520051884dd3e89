#include "server/failover.h"

#include <chrono>
#include <thread>

#include "base/units.h"

namespace redline {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(20);
/// Detection takes one node timeout and an election about one second; voters may need another try.
constexpr Nanos kElections = 15 * kSecond;
constexpr int kTimeouts = 3;

}  // namespace

Nanos failoverLimit(ClusterAdmin& cluster, std::span<const Endpoint> others) {
  for (const Endpoint& other : others) {
    auto admin = cluster.at(other);
    const auto text = admin ? (*admin)->configGet("cluster-node-timeout")
                            : Result<std::string>(fail(admin.error()));
    const auto timeout = text ? parseDuration(*text + "ms") : Result<Nanos>(fail(text.error()));
    if (timeout) return kTimeouts * *timeout + kElections;
  }
  return kElections;
}

Status awaitSuccessor(ClusterAdmin& cluster, const ClusterMember& dead,
                      std::span<const Endpoint> others) {
  if (dead.slots.empty()) return {};
  const Nanos end = SteadyClock::read() + failoverLimit(cluster, others);
  for (;; std::this_thread::sleep_for(kPoll)) {
    bool candidate = false;
    for (const Endpoint& other : others) {
      const auto view = cluster.viewOf(other);
      const ClusterMember* const self = view ? view->myself() : nullptr;
      if (self == nullptr) continue;
      if (self->master && self->ownsAll(dead.slots)) return {};
      candidate = candidate || (!self->master && self->masterId == dead.id);
    }
    if (!candidate) return {};
    if (SteadyClock::read() >= end)
      return fail(ErrorCode::timeout,
                  "no node has taken over the slots of {}: it stays down, because it would come "
                  "back empty and empty its replica too",
                  dead.endpoint.text());
  }
}

}  // namespace redline
