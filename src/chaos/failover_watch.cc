#include "chaos/failover_watch.h"

#include <algorithm>

#include "base/text.h"

namespace redline {

std::uint64_t currentEpoch(const NodeReading& reading) {
  const auto field = reading.info.find("cluster_current_epoch");
  return field == reading.info.end() ? 0 : toNumber<std::uint64_t>(field->second).value_or(0);
}

/// A former master without slots has no successor.
bool FailoverWatch::isSuccessor(const NodeReading& reading) const {
  const ClusterMember* const self = reading.view.myself();
  return self != nullptr && self->master && self->id != victim_.id && !victim_.slots.empty() &&
         self->ownsAll(victim_.slots);
}

std::vector<std::string> FailoverWatch::look(std::span<const NodeReading> readings, Nanos now) {
  std::vector<std::string> fresh;
  const auto note = [&](std::optional<Nanos>& step, const char* name, bool seen) {
    if (step || !seen) return;
    step = now;
    fresh.emplace_back(name);
  };
  const auto anyTakesItFor = [&](bool ClusterMember::* flag) {
    return std::ranges::any_of(readings, [&](const NodeReading& reading) {
      const ClusterMember* const member = reading.view.byId(victim_.id);
      return member != nullptr && member->*flag;
    });
  };
  const bool failed = anyTakesItFor(&ClusterMember::failed);
  note(steps_.suspected, "suspected", failed || anyTakesItFor(&ClusterMember::suspected));
  note(steps_.failed, "failed", failed);
  note(steps_.election, "election", std::ranges::any_of(readings, [&](const NodeReading& reading) {
         return currentEpoch(reading) > epoch_;
       }));
  const auto successor = std::ranges::find_if(
      readings, [&](const NodeReading& reading) { return isSuccessor(reading); });
  if (successor == readings.end()) return fresh;
  note(steps_.promoted, "promoted", true);
  steps_.successor = successor->endpoint;
  const std::string id = successor->view.myself()->id;
  note(steps_.recovered, "recovered", std::ranges::all_of(readings, [&](const NodeReading& each) {
         const ClusterMember* const owner = each.view.byId(id);
         return each.stateOk() && owner != nullptr && owner->ownsAll(victim_.slots);
       }));
  return fresh;
}

}  // namespace redline
