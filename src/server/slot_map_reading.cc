#include "server/slot_map_reading.h"

#include "base/text.h"
#include "server/cluster_view.h"
#include "transport/gate.h"

namespace redline {
namespace {

/// Names are looked up here and not where operations wait for it.
Result<std::string> addressOf(const NodeAddress& node) {
  if (isNumeric(node.host)) return node.host;
  auto found = lookUp(endpointOf(node));
  if (!found) return fail(std::move(found.error()));
  return std::move(found->host);
}

}  // namespace

Result<SlotMapReading> readSlotMap(Admin& admin) {
  static const std::vector<std::vector<std::string>> kQuestions{{"CLUSTER", "INFO"},
                                                                {"CLUSTER", "SHARDS"}};
  auto replies = admin.pipeline(kQuestions);
  if (!replies) return fail(std::move(replies.error()));
  // The state is worth knowing; who serves what is needed.
  const bool stateWithheld = isWithheld((*replies)[0]);
  if ((*replies)[0].isError() && !stateWithheld)
    return fail(ErrorCode::refused, "{} says: {}", admin.endpoint().text(), (*replies)[0].text);
  // Through a Unix socket there is no host to take the place of one that is left open.
  const Endpoint& peer = admin.peer();
  const NodeAddress asked{peer.isUnix() ? "127.0.0.1" : peer.host, peer.port};
  Result<SlotMap> map = SlotMap::fromShards((*replies)[1], asked);
  if ((*replies)[1].isError()) {
    auto slots = admin.command({"CLUSTER", "SLOTS"});
    if (!slots) return fail(std::move(slots.error()));
    map = SlotMap::fromSlots(*slots, asked);
  }
  if (!map) return fail(std::move(map.error()));
  if (auto known = map->lookUpNames(addressOf); !known) return fail(std::move(known.error()));
  SlotMapReading reading{std::move(*map), "ok", 0, {}};
  if (stateWithheld) return reading;
  reading.info = parseClusterInfo((*replies)[0].text);
  reading.state = reading.info["cluster_state"];
  reading.epoch = toNumber<std::uint64_t>(reading.info["cluster_current_epoch"]).value_or(0);
  return reading;
}

Endpoint endpointOf(const NodeAddress& address) {
  return {address.host, address.port, {}};
}

}  // namespace redline
