#include "chaos/open_slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using Kind = SlotRepair::Kind;
using testing::HasSubstr;

ClusterMember node(const std::string& id, std::uint64_t epoch) {
  ClusterMember member;
  member.id = id;
  member.master = true;
  member.configEpoch = epoch;
  return member;
}

/// Slot 7 of three masters; a owns it, and nobody holds it open.
OpenSlot slotSeven() {
  OpenSlot slot;
  slot.slot = 7;
  slot.witnesses = {{node("a", 1), true, {}, {}, 5},
                    {node("b", 2), false, {}, {}, 0},
                    {node("c", 3), false, {}, {}, 0}};
  return slot;
}

std::string decided(const OpenSlot& slot) {
  const auto repair = decideRepair(slot);
  if (!repair) return repair.error().message;
  switch (repair->kind) {
    case Kind::finish:
      return "finish " + repair->owner.id + " to " + repair->target.id;
    case Kind::rollBack:
      return "roll back to " + repair->owner.id;
    case Kind::settle:
      return "settle at " + repair->owner.id;
  }
  return {};
}

TEST(SlotRepair, FinishesWhatBothEndsKnowOf) {
  OpenSlot slot = slotSeven();
  slot.witnesses[0].migratingTo = "b";
  slot.witnesses[1].importingFrom = "a";
  EXPECT_EQ(decided(slot), "finish a to b");
  slot.witnesses[1].keys = 3;
  EXPECT_EQ(decided(slot), "finish a to b");
}

TEST(SlotRepair, RollsBackWhatHadOnlyBeenAnnouncedToTheTarget) {
  OpenSlot slot = slotSeven();
  slot.witnesses[1].importingFrom = "a";
  EXPECT_EQ(decided(slot), "roll back to a");
  // But keys that are there already stay there, and the others follow them.
  slot.witnesses[1].keys = 1;
  EXPECT_EQ(decided(slot), "finish a to b");
}

TEST(SlotRepair, FinishesWhenTheTargetHasForgotten) {
  OpenSlot slot = slotSeven();
  slot.witnesses[0].migratingTo = "b";
  EXPECT_EQ(decided(slot), "finish a to b");
}

TEST(SlotRepair, GoesOnToThePromotedReplicaOfATargetThatDied) {
  OpenSlot slot = slotSeven();
  slot.witnesses[0].migratingTo = "dead";
  slot.witnesses[2].keys = 4;  // c was its replica, and has what had been moved
  EXPECT_EQ(decided(slot), "finish a to c");
  slot.witnesses[2].keys = 0;  // nothing had been moved
  EXPECT_EQ(decided(slot), "roll back to a");
}

TEST(SlotRepair, GoesOnFromThePromotedReplicaOfASourceThatDied) {
  OpenSlot slot = slotSeven();
  slot.witnesses[0].owns = false;
  slot.witnesses[0].keys = 0;
  slot.witnesses[2].owns = true;  // c took over from a, and knows of no migration
  slot.witnesses[2].keys = 2;
  slot.witnesses[1].importingFrom = "a";
  slot.witnesses[1].keys = 3;
  EXPECT_EQ(decided(slot), "finish c to b");
}

TEST(SlotRepair, TellsAllWhenTwoClaimTheSlot) {
  OpenSlot slot = slotSeven();
  slot.witnesses[0].migratingTo = "b";
  slot.witnesses[0].keys = 0;
  slot.witnesses[1].owns = true;  // it has just been made the owner: its epoch is higher
  slot.witnesses[1].keys = 5;
  EXPECT_EQ(decided(slot), "settle at b");
}

TEST(SlotRepair, ClearsAFlagThatWasLeftBehind) {
  OpenSlot slot = slotSeven();
  slot.witnesses[0].owns = false;
  slot.witnesses[0].keys = 0;
  slot.witnesses[0].migratingTo = "b";
  slot.witnesses[1].owns = true;
  slot.witnesses[1].keys = 5;
  EXPECT_EQ(decided(slot), "roll back to b");
}

TEST(SlotRepair, CannotBeDecidedWithoutAnOwner) {
  OpenSlot slot = slotSeven();
  slot.witnesses[0].owns = false;
  EXPECT_THAT(decided(slot), HasSubstr("slot 7 has no owner"));
}

}  // namespace
}  // namespace redline
