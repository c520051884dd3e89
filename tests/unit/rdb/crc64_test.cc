#include "rdb/crc64.h"

#include <gtest/gtest.h>

#include <string>

#include "base/rng.h"

namespace redline {
namespace {

std::uint64_t bitByBit(std::string_view bytes) {
  std::uint64_t crc = 0;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * 0x95ac9329ac4bc9b5);
  }
  return crc;
}

TEST(Crc64, HasTheCheckValueOfRedis) {
  EXPECT_EQ(crc64(0, "123456789"), 0xe9c6d914c4b8d9ca);
  EXPECT_EQ(crc64(0, "This is a test of the emergency broadcast system."),
            bitByBit("This is a test of the emergency broadcast system."));
}

TEST(Crc64, AgreesWithTheDefinitionAtEveryLengthAndSplit) {
  Rng rng(64);
  std::string bytes;
  for (std::size_t length = 0; length < 100; ++length) {
    const std::uint64_t whole = crc64(0, bytes);
    ASSERT_EQ(whole, bitByBit(bytes)) << length;
    const std::size_t split = rng.below(length + 1);
    const std::string_view view(bytes);
    ASSERT_EQ(crc64(crc64(0, view.substr(0, split)), view.substr(split)), whole) << length;
    bytes.push_back(static_cast<char>(rng.next()));
  }
}

}  // namespace
}  // namespace redline
