#include "base/result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace redline {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::invalidInput, "{} is odd", number);
  return number / 2;
}

Status check(int number) {
  const auto result = half(number);
  if (!result) return fail(result.error());
  return {};
}

TEST(Result, HoldsTheValueOrTheOneReasonWhyThereIsNone) {
  EXPECT_EQ(half(4), 2);
  ASSERT_FALSE(half(3));
  EXPECT_EQ(half(3).error(), (Error{ErrorCode::invalidInput, "3 is odd"}));
}

TEST(Result, PassesAFailureOnUnchangedThroughAnotherType) {
  EXPECT_TRUE(check(4));
  EXPECT_EQ(check(3).error(), half(3).error());
}

TEST(Fail, MakesTextsPrintableAndKeepsTheAdviceBehindThem) {
  const std::string reply = "-ERR \x1b[2J" + std::string(1 << 20, 'x') + "\r\n";
  const Error error = fail(ErrorCode::refused, "{} says: {}; ask {}", "a\nb", reply, 7).value();
  EXPECT_TRUE(error.message.starts_with("a\\nb says: -ERR \\x1b[2Jxxx")) << error.message;
  EXPECT_TRUE(error.message.ends_with("(1048587 bytes); ask 7")) << error.message;
  EXPECT_LT(error.message.size(), 1'100U);
}

TEST(ErrnoText, NamesTheError) {
  EXPECT_THAT(errnoText(ENOENT), testing::HasSubstr("No such file"));
  EXPECT_NE(errnoText(EPERM), errnoText(ENOENT));
}

}  // namespace
}  // namespace redline
