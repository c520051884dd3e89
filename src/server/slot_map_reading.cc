#include "server/slot_map_reading.h"

#include "base/text.h"
#include "server/cluster_view.h"

namespace redline {

Result<SlotMapReading> readSlotMap(Admin& admin) {
  static const std::vector<std::vector<std::string>> kQuestions{{"CLUSTER", "INFO"},
                                                                {"CLUSTER", "SHARDS"}};
  auto replies = admin.pipeline(kQuestions);
  if (!replies) return fail(std::move(replies.error()));
  if ((*replies)[0].isError())
    return fail(ErrorCode::refused, "{} says: {}", admin.endpoint().text(), (*replies)[0].text);
  // Through a Unix socket there is no host to take the place of one that is left open.
  const Endpoint& endpoint = admin.endpoint();
  const NodeAddress asked{endpoint.isUnix() ? "127.0.0.1" : endpoint.host, endpoint.port};
  Result<SlotMap> map = SlotMap::fromShards((*replies)[1], asked);
  if ((*replies)[1].isError()) {
    auto slots = admin.command({"CLUSTER", "SLOTS"});
    if (!slots) return fail(std::move(slots.error()));
    map = SlotMap::fromSlots(*slots, asked);
  }
  if (!map) return fail(std::move(map.error()));
  SlotMapReading reading{std::move(*map), {}, 0};
  auto info = parseClusterInfo((*replies)[0].text);
  reading.state = info["cluster_state"];
  reading.epoch = toNumber<std::uint64_t>(info["cluster_current_epoch"]).value_or(0);
  return reading;
}

Endpoint endpointOf(const NodeAddress& address) {
  return {address.host, address.port, {}};
}

}  // namespace redline
