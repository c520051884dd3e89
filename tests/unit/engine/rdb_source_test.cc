#include "engine/rdb_source.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/key_slot.h"

namespace redline {
namespace {

std::string wholeOf(RdbSource& source) {
  std::string file;
  for (std::string_view piece = source.next(); !piece.empty(); piece = source.next()) file += piece;
  return file;
}

LoadPlan planOf(std::uint64_t keys) {
  LoadPlan plan;
  plan.keys = keys;
  plan.ttlEpochMillis = 1'700'000'000'000;
  return plan;
}

TEST(RdbSource, WritesEveryKeyInPieces) {
  const LoadPlan plan = planOf(10'000);
  RdbSource source(plan, 10, std::nullopt);
  const std::string file = wholeOf(source);
  EXPECT_EQ(source.keys(), 10'000U);
  EXPECT_EQ(source.nextId(), 10'000U);
  EXPECT_TRUE(file.starts_with("REDIS0010"));
  EXPECT_NE(file.find("obj:9999"), std::string::npos);
  EXPECT_TRUE(source.next().empty());
}

TEST(RdbSource, EndsASoundFileEarly) {
  const LoadPlan plan = planOf(1'000'000);
  RdbSource source(plan, 10, std::nullopt);
  EXPECT_GT(source.next().size(), 256U * 1024 - 1);
  const std::uint64_t keys = source.keys();
  EXPECT_EQ(source.nextId(), keys);
  source.endEarly();
  EXPECT_EQ(source.next().size(), 9U) << "the end and the checksum";
  EXPECT_EQ(source.keys(), keys);
  EXPECT_TRUE(source.next().empty());
}

TEST(RdbSource, CountsTheKeysOfAPieceThatWasCutOff) {
  const LoadPlan plan = planOf(10'000);
  RdbSource source(plan, 10, std::nullopt);
  const std::size_t first = source.next().size();
  const std::uint64_t before = source.keys();
  EXPECT_EQ(source.takenWith(first), (RdbSource::Taken{before, before}));
  const std::string piece(source.next());
  EXPECT_EQ(source.takenWith(0), (RdbSource::Taken{before, before}));
  EXPECT_EQ(source.takenWith(piece.size()), (RdbSource::Taken{source.nextId(), source.keys()}));
  // A key is there with its last byte, and the next one begins behind it.
  const std::uint64_t id = before + 5;
  const std::size_t name = piece.find("obj:" + std::to_string(id));
  ASSERT_NE(name, std::string::npos);
  EXPECT_EQ(source.takenWith(name), (RdbSource::Taken{id, id}));
  EXPECT_EQ(source.takenWith(name + 40), (RdbSource::Taken{id, id}));
}

TEST(RdbSource, DealsKeysOutBySlot) {
  const LoadPlan plan = planOf(5'000);
  SlotSet low, high;
  for (std::size_t slot = 0; slot < kSlots; ++slot) (slot < 5'000 ? low : high).set(slot);
  RdbSource first(plan, 10, low), second(plan, 10, high);
  (void)wholeOf(first);
  (void)wholeOf(second);
  EXPECT_EQ(first.keys() + second.keys(), 5'000U);
  const std::uint16_t slot = slotOfKey(0);
  EXPECT_GE((slot < 5'000 ? first : second).keysBySlot().at(slot), 1U);
  EXPECT_EQ((slot < 5'000 ? second : first).keysBySlot().at(slot), 0U);
}

}  // namespace
}  // namespace redline
