#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "cluster/hash_slot.h"

namespace redline {

/// Draws keys of one given slot, uniformly from all that the keyspace has there, however many keys
/// that is: for batches that must keep to one slot.
///
/// A CRC is linear: crc(prefix + suffix) = shift(crc(prefix)) ^ crc(suffix), where shift() passes
/// over as many zero bytes as the suffix is long. So one table of the last five digits, sorted by
/// their own CRC, serves for every prefix. The tables are the same for all keyspaces: the first
/// that is made takes a few milliseconds for them.
class SlotKeys {
 public:
  /// keys ≥ 1: the ids are 0 … keys − 1.
  explicit SlotKeys(std::uint64_t keys);

  /// An id whose key lies in `slot`; `fallback`, an id known to lie there, where many tries find
  /// none (a slot with one key in 10^5).
  std::uint64_t draw(std::uint16_t slot, std::uint64_t fallback, Rng& rng) const noexcept;

 private:
  static constexpr std::uint32_t kSuffixes = 100'000;

  /// Numbers below kSuffixes, by the slot that their text's CRC stands for.
  struct Table {
    std::array<std::uint32_t, kSlots + 1> begins{};
    std::vector<std::uint32_t> numbers;
    std::uint32_t longest = 0;  ///< the most numbers that one slot has
    template <typename SlotOf>
    explicit Table(SlotOf&& slotOf);
  };
  struct Tables {
    Table whole;   ///< ids below kSuffixes, by the slot of their keys
    Table suffix;  ///< five digits, by the slot of these digits alone
    std::uint32_t longest;
    Tables();
  };
  static const Tables& tables();

  std::uint64_t keys_;
  const Tables& tables_;
};

}  // namespace redline
