#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "cluster/slot_map.h"

namespace redline {

/// A worker's own table of a cluster: which of its lanes serves a slot. Follows the maps that are
/// published, and each MOVED at once.
class Routes {
 public:
  Routes() : movedAt_(kSlots, kNever) {}

  /// Index of the slot's lane.
  std::uint16_t laneOf(std::uint16_t slot) const { return lanes_[slot]; }
  /// How many slots the lane serves.
  std::size_t slotsOf(std::size_t lane) const { return lane < slots_.size() ? slots_[lane] : 0; }

  /// A MOVED names the slot's owner.
  void onMoved(std::uint16_t slot, std::uint16_t lane, Nanos now);
  /// Adopts a published map. `laneTo(address)` gives the lane of a node, as
  /// std::optional<std::uint16_t>; none ends it, and then it has changed nothing.
  template <typename LaneTo>
  void follow(const SlotMap& map, Nanos now, LaneTo&& laneTo) {
    constexpr std::uint16_t kNotAsked = 0xffff;
    std::vector<std::uint16_t> lanes(map.nodes().size(), kNotAsked);
    for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
      const std::uint16_t owner = map.ownerOf(slot);
      if (owner == SlotMap::kNoNode || lanes[owner] != kNotAsked) continue;
      const auto lane = laneTo(map.nodes()[owner].address);
      if (!lane) return;
      lanes[owner] = *lane;
    }
    adopt(map, lanes, now);
  }
  /// Adopts a published map; lanes[i] is the lane of its node i. A slot without an owner stays with
  /// its lane: that node's reply says more. So does one that a MOVED has named within kTrust:
  /// the node that the map came from may not know of the move yet.
  void adopt(const SlotMap& map, std::span<const std::uint16_t> lanes, Nanos now);

  /// Gossip reaches every node of a small cluster in less.
  static constexpr Nanos kTrust = 2 * kSecond;

 private:
  static constexpr Nanos kNever = -kTrust - 1;
  void set(std::uint16_t slot, std::uint16_t lane);

  std::array<std::uint16_t, kSlots> lanes_{};
  std::vector<Nanos> movedAt_;      // by slot: when a MOVED named it
  std::vector<std::size_t> slots_;  // by lane: how many it serves
  bool empty_ = true;               // nothing is known yet
};

}  // namespace redline
