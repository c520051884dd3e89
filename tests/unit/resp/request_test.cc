#include "resp/request.h"

#include <gtest/gtest.h>

#include <string>

namespace redline {
namespace {

TEST(Request, GetIsTheBytesRedisExpects) {
  char buffer[256];
  char* const end = encodeGet(buffer, "obj:42");
  EXPECT_EQ(std::string(static_cast<char*>(buffer), end), "*2\r\n$3\r\nGET\r\n$6\r\nobj:42\r\n");
}

TEST(Request, SetWithAndWithoutExpiry) {
  char buffer[256];
  char* at = beginSet(buffer, "obj:7", 3, false);
  at = endSet(detail::put(at, "abc"));
  EXPECT_EQ(std::string(static_cast<char*>(buffer), at),
            "*3\r\n$3\r\nSET\r\n$5\r\nobj:7\r\n$3\r\nabc\r\n");
  at = beginSet(buffer, "obj:7", 3, true);
  at = endSet(detail::put(at, "abc"), 1'700'000'000'123);
  EXPECT_EQ(
      std::string(static_cast<char*>(buffer), at),
      "*5\r\n$3\r\nSET\r\n$5\r\nobj:7\r\n$3\r\nabc\r\n$4\r\nPXAT\r\n$13\r\n1700000000123\r\n");
}

TEST(Request, MsetCountsItsArguments) {
  char buffer[256];
  char* at = beginMset(buffer, 2);
  at = endSet(detail::put(beginMsetPair(at, "obj:1", 1), "x"));
  at = endSet(detail::put(beginMsetPair(at, "obj:2", 12), "0123456789ab"));
  EXPECT_EQ(std::string(static_cast<char*>(buffer), at),
            "*5\r\n$4\r\nMSET\r\n$5\r\nobj:1\r\n$1\r\nx\r\n$5\r\nobj:2\r\n$12\r\n0123456789ab\r\n");
}

TEST(Request, OverheadCoversTheLongestHeaders) {
  char buffer[512];
  const std::string key(24, 'k');
  char* at = beginSet(buffer, key, 4'000'000'000, true);
  at = endSet(at, 99'999'999'999'999);
  EXPECT_LE(static_cast<std::size_t>(at - buffer), kRequestOverhead + key.size());
}

}  // namespace
}  // namespace redline
