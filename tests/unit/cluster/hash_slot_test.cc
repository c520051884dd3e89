#include "cluster/hash_slot.h"

#include <gtest/gtest.h>

#include <string>

namespace redline {
namespace {

// The check value of CRC-16/XMODEM, and the specification's own example.
TEST(HashSlot, IsTheXmodemCrcOfTheSpecification) {
  EXPECT_EQ(crc16("123456789"), 0x31C3);
  EXPECT_EQ(crc16(""), 0);
}

// As CLUSTER KEYSLOT of Redis 7.0.15 answers.
TEST(HashSlot, EqualsWhatRedisAnswers) {
  EXPECT_EQ(hashSlot("somekey"), 11058);
  EXPECT_EQ(hashSlot("foo"), 12182);
  EXPECT_EQ(hashSlot("foo{hash_tag}"), 2515);
  EXPECT_EQ(hashSlot("bar{hash_tag}"), 2515);
  EXPECT_EQ(hashSlot(""), 0);
}

TEST(HashSlot, HashesTheFirstTagThatIsNotEmpty) {
  EXPECT_EQ(hashedPart("{user1000}.following"), "user1000");
  EXPECT_EQ(hashedPart("foo{}{bar}"), "foo{}{bar}");
  EXPECT_EQ(hashedPart("foo{{bar}}zap"), "{bar");
  EXPECT_EQ(hashedPart("foo{bar}{zap}"), "bar");
  EXPECT_EQ(hashedPart("foo}bar{zap}"), "zap");
  EXPECT_EQ(hashedPart("foo{bar"), "foo{bar");
  EXPECT_EQ(hashedPart("}{"), "}{");
  EXPECT_EQ(hashedPart(std::string("a{\0}b", 5)), std::string("\0", 1));
}

TEST(HashSlot, SpreadsTheKeysOfADataSetEvenly) {
  std::array<int, kSlots> keys{};
  constexpr int kPerSlot = 64;
  for (std::size_t id = 0; id < kSlots * kPerSlot; ++id)
    ++keys[hashSlot("obj:" + std::to_string(id))];
  double chiSquare = 0;
  for (const int count : keys) chiSquare += (count - kPerSlot) * (count - kPerSlot);
  chiSquare /= kPerSlot;
  // No worse than random placement: mean 16383, standard deviation about 181.
  EXPECT_LT(chiSquare, 16383 + 4 * 181);
}

}  // namespace
}  // namespace redline
