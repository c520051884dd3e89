#include "workload/keyspace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>

#include "base/rng.h"

namespace redline {
namespace {

std::string keyOf(std::uint64_t id) {
  char out[kMaxKeyLength];
  return {out, writeKey(out, id)};
}

TEST(Keyspace, WritesIdsInDecimal) {
  EXPECT_EQ(keyOf(0), "obj:0");
  EXPECT_EQ(keyOf(9), "obj:9");
  EXPECT_EQ(keyOf(42), "obj:42");
  EXPECT_EQ(keyOf(100), "obj:100");
  EXPECT_EQ(keyOf(99'999'999), "obj:99999999");
  EXPECT_EQ(keyOf(std::numeric_limits<std::uint64_t>::max()), "obj:18446744073709551615");
}

TEST(Keyspace, AgreesWithTheStandardLibraryAroundEveryPowerOfTenAndTwo) {
  const auto expectSame = [](std::uint64_t id) {
    EXPECT_EQ(keyOf(id), "obj:" + std::to_string(id));
    EXPECT_EQ(keyLength(id), keyOf(id).size());
    EXPECT_EQ(parseKey(keyOf(id)), id);
  };
  for (std::uint64_t power = 1; power <= 10'000'000'000'000'000'000ULL / 10; power *= 10)
    for (const std::uint64_t id : {power - 1, power, power + 1}) expectSame(id);
  for (int bit = 0; bit < 64; ++bit)
    for (const std::uint64_t d : {0U, 1U, 2U}) expectSame((std::uint64_t{1} << bit) - 1 + d);
  Rng rng(1);
  for (int i = 0; i < 10'000; ++i) expectSame(rng.next() >> rng.below(64));
}

TEST(Keyspace, WritesNoByteBeyondTheRoomItAsksFor) {
  for (int bit = 0; bit < 64; ++bit) {
    char out[kMaxKeyLength + 8];
    std::fill(std::begin(out), std::end(out), '#');
    writeKey(out, ~std::uint64_t{0} >> bit);
    for (std::size_t i = kMaxKeyLength; i < sizeof out; ++i) EXPECT_EQ(out[i], '#');
  }
}

TEST(Keyspace, ParsesOnlyKeysThatItWouldWrite) {
  for (const char* text :
       {"", "obj:", "obj", "obj:x", "obj:4x", "obj:042", "obj:00", "obj:-1", "obj:+1", "obj: 1",
        "obj:1 ", "OBJ:1", "obj:18446744073709551616", "big:hash:0"})
    EXPECT_EQ(parseKey(text), std::nullopt) << text;
}

TEST(Keyspace, NamesTheBigKeys) {
  EXPECT_EQ(bigHashKey(0), "big:hash:0");
  EXPECT_EQ(bigListKey(12), "big:list:12");
}

}  // namespace
}  // namespace redline
