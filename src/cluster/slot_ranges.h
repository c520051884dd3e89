#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/hash_slot.h"

namespace redline {

/// Slots first … last, both included.
struct SlotRange {
  std::uint16_t first = 0, last = 0;

  std::size_t size() const { return static_cast<std::size_t>(last) - first + 1; }
  bool contains(std::uint16_t slot) const { return first <= slot && slot <= last; }
  bool operator==(const SlotRange&) const = default;
};

using SlotSet = std::bitset<kSlots>;
SlotSet slotSetOf(std::span<const SlotRange> ranges);

/// Reads "0-999,1200,5000-5100". The result is in ascending order, without overlaps, and adjacent
/// ranges are joined. usage: what is wrong and an example that would be right.
Result<std::vector<SlotRange>> parseSlotRanges(std::string_view text);
/// Writes what parseSlotRanges() reads; "none" where there are none.
std::string formatSlotRanges(std::span<const SlotRange> ranges);
/// How many slots they are together.
std::size_t slotCount(std::span<const SlotRange> ranges);

/// The ranges of those slots for which `belongs(slot)` holds.
template <typename Belongs>
std::vector<SlotRange> slotRangesWhere(Belongs&& belongs) {
  std::vector<SlotRange> ranges;
  for (std::size_t i = 0; i < kSlots; ++i) {
    const auto slot = static_cast<std::uint16_t>(i);
    if (!belongs(slot)) continue;
    if (!ranges.empty() && ranges.back().last + 1 == slot)
      ranges.back().last = slot;
    else
      ranges.push_back({slot, slot});
  }
  return ranges;
}

}  // namespace redline
