#include "engine/routes.h"

#include <gtest/gtest.h>

namespace redline::routes_test {
namespace {

SlotMap halves() {
  SlotMap map;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    if (slot != 100) map.moved(slot, "h", slot < 8192 ? 1 : 2);
  return map;
}

constexpr std::uint16_t kLanes[] = {3, 7};

TEST(Routes, FollowThePublishedMap) {
  Routes routes;
  routes.adopt(halves(), kLanes, 0);
  EXPECT_EQ(routes.laneOf(0), 3);
  EXPECT_EQ(routes.laneOf(16383), 7);
  EXPECT_EQ(routes.slotsOf(7), 8192U);
  EXPECT_EQ(routes.slotsOf(12), 0U);
  EXPECT_EQ(routes.laneOf(100), 0);  // nobody owns it: any node will say so
}

TEST(Routes, TrustAMovedMoreThanAMapThatMayBeOlder) {
  Routes routes;
  routes.adopt(halves(), kLanes, 0);
  routes.onMoved(5, 9, kSecond);
  EXPECT_EQ(routes.laneOf(5), 9);
  EXPECT_EQ(routes.slotsOf(9), 1U);
  EXPECT_EQ(routes.slotsOf(3), 8190U);
  routes.adopt(halves(), kLanes, kSecond + Routes::kTrust);
  EXPECT_EQ(routes.laneOf(5), 9);
  routes.adopt(halves(), kLanes, kSecond + Routes::kTrust + 1);
  EXPECT_EQ(routes.laneOf(5), 3);
  EXPECT_EQ(routes.slotsOf(9), 0U);
}

TEST(Routes, KeepASlotThatNobodyOwnsAnyMore) {
  Routes routes;
  routes.adopt(halves(), kLanes, 0);
  routes.adopt(SlotMap{}, {}, 10 * kSecond);
  EXPECT_EQ(routes.laneOf(0), 3);
  EXPECT_EQ(routes.laneOf(16383), 7);
}

}  // namespace
}  // namespace redline::routes_test
