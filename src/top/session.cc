#include "top/session.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "server/slot_map_reading.h"

namespace redline {
namespace {

constexpr Nanos kRefresh = 5 * kSecond;
constexpr Nanos kLeastFresh = kSecond / 2;  ///< this machine may be busy
constexpr Nanos kMapTimeout = 2 * kSecond;

ClusterHealth healthOf(const SlotMapReading& reading) {
  const auto text = [&reading](std::string_view name) {
    const auto found = reading.info.find(name);
    return found == reading.info.end() ? std::string() : found->second;
  };
  const auto slots = [&text](std::string_view name) {
    return toNumber<std::uint64_t>(text(name)).value_or(0);
  };
  ClusterHealth health;
  health.state = text("cluster_state");
  if (health.state.empty()) return health;
  health.unassigned = kSlots - std::min<std::uint64_t>(kSlots, slots("cluster_slots_assigned"));
  health.failed = slots("cluster_slots_fail");
  health.mayHaveFailed = slots("cluster_slots_pfail");
  return health;
}

Nanos ownCpuTime() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return used.tv_sec * kSecond + used.tv_nsec;
}

}  // namespace

TopSession::TopSession(TopPlan plan)
    : plan_(std::move(plan)),
      admins_(plan_.credentials, kMapTimeout),
      model_(plan_.cluster, std::max(2 * plan_.interval, kLeastFresh)) {
  model_.takeOwnCpu(SteadyClock::read(), ownCpuTime());
  if (!plan_.cluster) watch(plan_.servers.front());
}

void TopSession::watch(const Endpoint& node) {
  WatchPlan watch;
  watch.node = node;
  watch.credentials = plan_.credentials;
  watch.interval = plan_.interval;
  watch.budget = plan_.budget;
  {
    const std::lock_guard lock(mutex_);
    model_.expect(node);
  }
  watchers_[node] = std::make_unique<NodeWatcher>(std::move(watch), [this](NodeReport report) {
    const std::lock_guard lock(mutex_);
    model_.take(std::move(report));
  });
}

Status TopSession::refresh(Nanos now) {
  if (!plan_.cluster || (refreshed_ != 0 && now - refreshed_ < kRefresh)) return {};
  Status found = findNodes(now);
  if (!found) {
    const std::lock_guard lock(mutex_);
    model_.takeHealth({});
  }
  // A cluster without a node that answers is shown as it was.
  if (!found && refreshed_ == 0) return found;
  refreshed_ = now;
  return {};
}

Status TopSession::findNodes(Nanos now) {
  std::vector<Endpoint> candidates;
  for (const auto& [node, watcher] : watchers_) candidates.push_back(node);
  candidates.insert(candidates.end(), plan_.servers.begin(), plan_.servers.end());
  {
    // One that is frozen would delay the view.
    const std::lock_guard lock(mutex_);
    std::ranges::stable_partition(candidates,
                                  [&](const Endpoint& node) { return model_.isFresh(node, now); });
  }
  Error last;
  for (const Endpoint& candidate : candidates) {
    auto admin = admins_.at(candidate);
    auto reading = admin ? readSlotMap(**admin) : Result<SlotMapReading>(fail(admin.error()));
    if (!reading) {
      last = std::move(reading.error());
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      model_.takeHealth(healthOf(*reading));
    }
    const SlotMap& map = reading->map;
    std::vector<Endpoint> nodes;
    for (const ClusterNode& node : map.nodes()) nodes.push_back(endpointOf(node.address));
    for (auto at = watchers_.begin(); at != watchers_.end();) {
      if (std::ranges::find(nodes, at->first) != nodes.end()) {
        ++at;
        continue;
      }
      const Endpoint gone = at->first;
      at = watchers_.erase(at);  // its last report has come
      const std::lock_guard lock(mutex_);
      model_.forget(gone);
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (!watchers_.contains(nodes[i])) watch(nodes[i]);
      watchers_[nodes[i]]->watchSlots(map.rangesOf(static_cast<std::uint16_t>(i)));
    }
    if (const auto asked = watchers_.find(candidate); asked != watchers_.end())
      asked->second->addSent({{"cluster|info", 1}, {"cluster|shards", 1}});
    return {};
  }
  return fail(std::move(last));
}

bool TopSession::hasRates() {
  const std::lock_guard lock(mutex_);
  return model_.hasRates();
}

TopView TopSession::view(Nanos now) {
  const std::lock_guard lock(mutex_);
  model_.takeOwnCpu(now, ownCpuTime());
  return model_.view(now);
}

}  // namespace redline
