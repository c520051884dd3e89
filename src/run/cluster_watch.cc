#include "run/cluster_watch.h"

#include <chrono>
#include <utility>

#include "server/slot_map_reading.h"

namespace redline {
namespace {

constexpr Nanos kWatchTimeout = 500 * kMillisecond;

/// What became other between two maps, slot by slot: "0-99,5000 to 127.0.0.1:7603".
std::string difference(const SlotMap& before, const SlotMap& after) {
  const auto addressIn = [](const SlotMap& map, std::uint16_t slot) {
    const std::uint16_t owner = map.ownerOf(slot);
    return owner == SlotMap::kNoNode ? std::string("no node") : map.nodes()[owner].address.text();
  };
  std::map<std::string, std::vector<SlotRange>> changed;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
    std::string now = addressIn(after, slot);
    if (now == addressIn(before, slot)) continue;
    auto& ranges = changed[std::move(now)];
    if (!ranges.empty() && ranges.back().last + 1 == slot)
      ranges.back().last = slot;
    else
      ranges.push_back({slot, slot});
  }
  std::string text;
  for (const auto& [owner, ranges] : changed)
    text += (text.empty() ? "" : "; ") + formatSlotRanges(ranges) + " to " + owner;
  return text;
}

}  // namespace

ClusterWatch::ClusterWatch(LiveSlotMap& live, const Credentials& credentials,
                           std::function<void(const Event&)> onChange)
    : live_(live),
      credentials_(credentials),
      onChange_(std::move(onChange)),
      thread_([this] { work(); }) {}

void ClusterWatch::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  live_.close();
  if (thread_.joinable()) thread_.join();
}

void ClusterWatch::work() {
  while (live_.awaitRequest()) {
    live_.beginRefresh();
    refresh();
    if (!rest()) return;
  }
}

bool ClusterWatch::rest() {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::nanoseconds(kGap), [this] { return stopping_; });
}

// Asks the nodes in turn until one answers that knows no less than those that were asked before.
void ClusterWatch::refresh() {
  const LiveSlotMap::Map latest = live_.latest();
  const SlotMap& known = *latest;
  for (std::size_t tried = 0; tried < known.nodes().size(); ++tried) {
    const std::size_t which = turn_++ % known.nodes().size();
    Admin* const admin = at(endpointOf(known.nodes()[which].address));
    if (admin == nullptr) continue;
    auto reading = readSlotMap(*admin);
    if (!reading || reading->epoch < epoch_) continue;
    epoch_ = reading->epoch;
    std::string changed = difference(known, reading->map);
    if (changed.empty()) return;
    Event event;
    event.at = SteadyClock::read();
    event.kind = "cluster";
    event.name = "slots";
    event.phase = "point";
    event.node = admin->endpoint().text();
    event.detail = std::move(changed);
    live_.publish(std::move(reading->map));
    onChange_(event);
    return;
  }
}

/// The connection to a node; null: there is none to be had.
Admin* ClusterWatch::at(const Endpoint& endpoint) {
  auto found = connections_.find(endpoint);
  if (found != connections_.end() && found->second.connected()) return &found->second;
  auto admin = Admin::connect(endpoint, credentials_, kWatchTimeout);
  if (!admin) return nullptr;
  return &connections_.insert_or_assign(endpoint, std::move(*admin)).first->second;
}

}  // namespace redline
