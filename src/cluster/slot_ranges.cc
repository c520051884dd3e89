#include "cluster/slot_ranges.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace redline {
namespace {

constexpr std::string_view kExample = "write slots as 0-999 or 0-999,1200";

Result<SlotRange> parseOne(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = toNumber<unsigned long>(text.substr(0, dash));
  const auto last =
      dash == std::string_view::npos ? first : toNumber<unsigned long>(text.substr(dash + 1));
  if (!first || !last)
    return fail(ErrorCode::usage, "'{}' is neither a slot nor a range of slots: {}", text,
                kExample);
  if (*first >= kSlots || *last >= kSlots)
    return fail(ErrorCode::usage, "'{}' exceeds the last slot, {}", text, kSlots - 1);
  if (*first > *last)
    return fail(ErrorCode::usage, "'{}' ends before it begins: {}", text, kExample);
  return SlotRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

}  // namespace

Result<std::vector<SlotRange>> parseSlotRanges(std::string_view text) {
  std::vector<SlotRange> ranges;
  for (std::size_t begin = 0;;) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    const auto range = parseOne(text.substr(begin, comma - begin));
    if (!range) return fail(range.error());
    ranges.push_back(*range);
    if (comma == text.size()) break;
    begin = comma + 1;
  }
  return slotRangesWhere(
      [chosen = slotSetOf(ranges)](std::uint16_t slot) { return chosen.test(slot); });
}

SlotSet slotSetOf(std::span<const SlotRange> ranges) {
  SlotSet slots;
  for (const SlotRange& range : ranges)
    for (std::size_t slot = range.first; slot <= range.last; ++slot) slots.set(slot);
  return slots;
}

std::string formatSlotRanges(std::span<const SlotRange> ranges) {
  if (ranges.empty()) return "none";
  std::string text;
  for (const SlotRange& range : ranges) {
    if (!text.empty()) text += ',';
    text += std::to_string(range.first);
    if (range.last != range.first) text += '-' + std::to_string(range.last);
  }
  return text;
}

std::size_t slotCount(std::span<const SlotRange> ranges) {
  std::size_t count = 0;
  for (const SlotRange& range : ranges) count += range.size();
  return count;
}

}  // namespace redline
