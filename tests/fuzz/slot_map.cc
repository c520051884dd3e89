// Replies of CLUSTER SLOTS and CLUSTER SHARDS: the first byte chooses which, or a list of ranges.
// A map that is read accounts for every slot, and its ranges read back to themselves.
#include "cluster/slot_map.h"

#include "fuzz/target.h"

namespace {

using namespace redline;

void checkRanges(const std::vector<SlotRange>& ranges) {
  if (ranges.empty()) return;
  const auto again = parseSlotRanges(formatSlotRanges(ranges));
  require(again.has_value(), "our own ranges are refused");
  require(*again == ranges, "ranges that read back to others");
}

void checkMap(const SlotMap& map) {
  const std::size_t nodes = map.nodes().size();
  std::size_t slots = slotCount(map.uncovered());
  checkRanges(map.uncovered());
  for (std::uint16_t i = 0; i < nodes; ++i) {
    const ClusterNode& node = map.nodes()[i];
    require(map.find(node.address.host, node.address.port) == i, "two nodes with one address");
    require(node.master < nodes, "a master that is not a node");
    require(node.role == NodeRole::replica || node.master == i, "a master of a master");
    const auto ranges = map.rangesOf(i);
    checkRanges(ranges);
    slots += slotCount(ranges);
  }
  require(slots == kSlots, "slots that are neither owned nor uncovered");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto text = textOf(data + 1, size - 1);
  if (data[0] % 3 == 0) {
    if (const auto ranges = parseSlotRanges(text)) checkRanges(*ranges);
    return 0;
  }
  ValueParser parser;
  parser.feed(text);
  Value value;
  if (!parser.next(value).value_or(false)) return 0;
  const NodeAddress asked{"127.0.0.1", 7600};
  auto map =
      data[0] % 3 == 1 ? SlotMap::fromSlots(value, asked) : SlotMap::fromShards(value, asked);
  if (!map) {
    require(map.error().code == ErrorCode::invalidInput, "an error that is not of input");
    return 0;
  }
  checkMap(*map);
  const std::uint16_t owner = map->moved(data[0], "127.0.0.1", 7601);
  require(map->ownerOf(data[0]) == owner, "a MOVED that was not learnt");
  checkMap(*map);
  return 0;
}
