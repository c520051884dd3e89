#include "server/replication_lag.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>

#include "server/cluster_admin.h"

namespace redline {
namespace {

constexpr Nanos kTimeout = 250 * kMillisecond;

std::uint64_t behind(std::uint64_t master, std::uint64_t replica) {
  return master > replica ? master - replica : 0;
}

}  // namespace

ReplicationLag::ReplicationLag(std::vector<Pair> pairs, Credentials credentials, Nanos interval)
    : pairs_(std::move(pairs)), credentials_(std::move(credentials)), interval_(interval) {
  thread_ = std::thread([this] { run(); });
}

ReplicationLag::~ReplicationLag() {
  stop();
}

void ReplicationLag::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ReplicationLag::run() {
  ClusterAdmin nodes(credentials_, kTimeout);
  const auto offsetOf = [&](const Endpoint& node, bool master) -> std::optional<std::uint64_t> {
    const auto state = nodes.replicationOf(node);
    if (!state || state->master != master) return std::nullopt;
    return state->offset;
  };
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const auto before = offsetOf(pairs_[i].master, true);
      const auto replica = before ? offsetOf(pairs_[i].replica, false) : std::nullopt;
      const Nanos at = SteadyClock::read();
      const auto after = replica ? offsetOf(pairs_[i].master, true) : std::nullopt;
      if (after) samples_.push_back({at, i, behind(*before, *replica), behind(*after, *replica)});
    }
    lock.lock();
    wake_.wait_for(lock, std::chrono::nanoseconds(interval_), [this] { return stopping_; });
  }
}

}  // namespace redline
