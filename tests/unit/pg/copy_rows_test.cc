#include "pg/copy_rows.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "pg/big_endian.h"

namespace redline {
namespace {

using namespace std::string_view_literals;

TEST(CopyRows, HaveTheHeaderAndTrailerOfTheManual) {
  std::string out;
  appendCopyHeader(out);
  appendCopyTrailer(out);
  EXPECT_EQ(out, "PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\xff\xff"sv);
}

TEST(CopyRows, HoldIdValueAndVersionInNetworkOrder) {
  const Values values(7, 100);
  std::string out;
  appendCopyRow(out, values, 0x0102030405060708, 3);
  std::string value(100, 0);
  values.write(value.data(), 0x0102030405060708, 3);
  EXPECT_EQ(out, std::string("\0\3\0\0\0\10\1\2\3\4\5\6\7\10\0\0\0\144"sv) + value +
                     std::string("\0\0\0\10\0\0\0\0\0\0\0\3"sv));
}

TEST(CopyRows, HoldValuesThatVerify) {
  const Values values(7, 64);
  std::string out;
  appendCopyRow(out, values, 42, 0);
  constexpr std::size_t kBeforeValue = 2 + 4 + 8 + 4;
  EXPECT_EQ(
      values.check(std::string_view(out).substr(kBeforeValue, 64), 42, nullptr, VerifyLevel::full),
      Values::Verdict::ok);
}

TEST(BigEndian, IsReadAsItWasWritten) {
  std::string out;
  appendBigEndian<std::uint64_t>(out, 0xfedcba9876543210);
  EXPECT_EQ(out, "\xfe\xdc\xba\x98\x76\x54\x32\x10"sv);
  EXPECT_EQ(readBigEndian<std::uint64_t>(out.data()), 0xfedcba9876543210);
}

}  // namespace
}  // namespace redline
