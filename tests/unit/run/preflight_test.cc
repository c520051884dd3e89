#include "run/preflight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(RefuseUnless, AdvisesForceOnlyWhereItIsNotGiven) {
  std::vector<std::string> notes;
  const auto note = [&](const std::string& text) { notes.push_back(text); };
  const Status tooMuch = fail(ErrorCode::noSpace, "it takes 2 GB: load fewer -keys");
  const Status refused = refuseUnless(false, tooMuch, note);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::noSpace);
  EXPECT_EQ(refused.error().message, "it takes 2 GB: load fewer -keys, or insist with -force");
  EXPECT_THAT(notes, testing::IsEmpty());
  EXPECT_TRUE(refuseUnless(true, tooMuch, note));
  EXPECT_THAT(notes, testing::ElementsAre("it takes 2 GB: load fewer -keys"));
  EXPECT_TRUE(refuseUnless(false, Status{}, note));
}

}  // namespace
}  // namespace redline
