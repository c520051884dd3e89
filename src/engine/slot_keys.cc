#include "engine/slot_keys.h"

#include <algorithm>
#include <string_view>

#include "engine/key_slot.h"

namespace redline {
namespace {

constexpr std::size_t kSuffixDigits = 5;

std::uint16_t slotOfSuffix(std::uint32_t number) {
  std::array<char, 8> digits;
  writeDigits(digits.data(), number, digitsOf(number));
  const std::size_t length = digitsOf(number);
  std::array<char, kSuffixDigits> text;
  text.fill('0');
  std::copy_n(digits.begin(), length, text.end() - static_cast<std::ptrdiff_t>(length));
  return crc16({text.data(), text.size()}) % kSlots;
}

}  // namespace

template <typename SlotOf>
SlotKeys::Table::Table(SlotOf&& slotOf) : numbers(kSuffixes) {
  for (std::uint32_t i = 0; i < kSuffixes; ++i) ++begins[slotOf(i) + std::size_t{1}];
  longest = *std::ranges::max_element(begins);
  for (std::size_t slot = 0; slot < kSlots; ++slot) begins[slot + 1] += begins[slot];
  auto next = begins;
  for (std::uint32_t i = 0; i < kSuffixes; ++i) numbers[next[slotOf(i)]++] = i;
}

SlotKeys::Tables::Tables()
    : whole([](std::uint32_t id) { return slotOfKey(id); }),
      suffix([](std::uint32_t number) { return slotOfSuffix(number); }),
      longest(std::max(whole.longest, suffix.longest)) {}

const SlotKeys::Tables& SlotKeys::tables() {
  static const Tables made;
  return made;
}

SlotKeys::SlotKeys(std::uint64_t keys) : keys_(keys), tables_(tables()) {}

std::uint64_t SlotKeys::draw(std::uint16_t slot, std::uint64_t fallback, Rng& rng) const noexcept {
  constexpr int kTries = 1000;  // a slot of 100 000 ids or more takes about five
  const std::uint64_t prefixes = (keys_ - 1) / kSuffixes + 1;
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t prefix = rng.below(prefixes);
    const Table& table = prefix == 0 ? tables_.whole : tables_.suffix;
    std::uint16_t wanted = slot;
    if (prefix != 0) {
      std::array<char, kMaxKeyLength + kSuffixDigits> text{};
      const std::size_t length = writeKey(text.data(), prefix);
      // What this prefix and a suffix of zero bytes, which has the CRC 0, would give.
      std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(length), kSuffixDigits, '\0');
      wanted =
          static_cast<std::uint16_t>(slot ^ crc16({text.data(), length + kSuffixDigits})) % kSlots;
    }
    // Slots have unequally many numbers: a draw that misses is repeated, so that every id of the
    // slot is as likely as every other.
    const std::uint64_t at = table.begins[wanted] + rng.below(tables_.longest);
    if (at >= table.begins[wanted + std::size_t{1}]) continue;
    const std::uint64_t id = prefix * kSuffixes + table.numbers[at];
    if (id < keys_) return id;
  }
  return fallback;
}

}  // namespace redline
