#include "engine/routes.h"

namespace redline {

void Routes::set(std::uint16_t slot, std::uint16_t lane) {
  if (slots_.size() <= lane) slots_.resize(std::size_t{lane} + 1);
  if (!empty_) --slots_[lanes_[slot]];
  lanes_[slot] = lane;
  ++slots_[lane];
}

void Routes::onMoved(std::uint16_t slot, std::uint16_t lane, Nanos now) {
  set(slot, lane);
  movedAt_[slot] = now;
}

void Routes::adopt(const SlotMap& map, std::span<const std::uint16_t> lanes, Nanos now) {
  for (std::size_t i = 0; i < kSlots; ++i) {
    const auto slot = static_cast<std::uint16_t>(i);
    const std::uint16_t owner = map.ownerOf(slot);
    if (empty_)
      set(slot, owner == SlotMap::kNoNode ? 0 : lanes[owner]);
    else if (owner != SlotMap::kNoNode && now - movedAt_[slot] > kTrust)
      set(slot, lanes[owner]);
  }
  empty_ = false;
}

}  // namespace redline
