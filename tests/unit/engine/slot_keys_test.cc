#include "engine/slot_keys.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>

namespace redline {
namespace {

TEST(SlotKeys, LieInTheSlotAndInTheKeyspace) {
  Rng rng(1);
  for (const std::uint64_t keys :
       {1ULL, 10ULL, 99'999ULL, 100'001ULL, 1'234'567ULL, 100'000'000ULL, 12'345'678'901'234ULL}) {
    const SlotKeys slotKeys(keys);
    for (int i = 0; i < 2000; ++i) {
      const std::uint64_t known = rng.below(keys);
      const std::uint16_t slot = hashSlot("obj:" + std::to_string(known));
      const std::uint64_t id = slotKeys.draw(slot, known, rng);
      ASSERT_LT(id, keys);
      ASSERT_EQ(hashSlot("obj:" + std::to_string(id)), slot) << id;
    }
  }
}

TEST(SlotKeys, AreAllDrawnAlike) {
  constexpr std::uint64_t kKeys = 1'050'000;
  constexpr int kEach = 400;
  std::map<std::uint64_t, int> drawn;
  for (std::uint64_t id = 0; id < kKeys; ++id)
    if (hashSlot("obj:" + std::to_string(id)) == 42) drawn[id] = 0;
  Rng rng(7);
  const SlotKeys slotKeys(kKeys);
  for (std::size_t i = 0; i < kEach * drawn.size(); ++i) ++drawn.at(slotKeys.draw(42, 0, rng));
  double chiSquare = 0;
  for (const auto& [id, count] : drawn) chiSquare += (count - kEach) * (count - kEach);
  chiSquare /= kEach;
  const auto freedom = static_cast<double>(drawn.size() - 1);
  EXPECT_LT(chiSquare, freedom + 4 * std::sqrt(2 * freedom));
}

}  // namespace
}  // namespace redline
