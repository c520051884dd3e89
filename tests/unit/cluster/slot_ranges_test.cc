#include "cluster/slot_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using testing::HasSubstr;

TEST(SlotRanges, AreReadSortedAndJoined) {
  EXPECT_EQ(formatSlotRanges(*parseSlotRanges("0-999,1200")), "0-999,1200");
  EXPECT_EQ(formatSlotRanges(*parseSlotRanges("5,3-4,0-3,16383")), "0-5,16383");
  EXPECT_EQ(formatSlotRanges(*parseSlotRanges("0-16383")), "0-16383");
  EXPECT_EQ(slotCount(*parseSlotRanges("10-19,5")), 11U);
  EXPECT_EQ(formatSlotRanges({}), "none");
}

TEST(SlotRanges, AreRefusedWithWhatIsWrong) {
  const auto why = [](std::string_view text) {
    const auto ranges = parseSlotRanges(text);
    EXPECT_FALSE(ranges) << text;
    return ranges ? std::string() : ranges.error().message;
  };
  EXPECT_THAT(why(""), HasSubstr("neither a slot nor a range"));
  EXPECT_THAT(why("a-b"), HasSubstr("0-999"));
  EXPECT_THAT(why("1-2-3"), HasSubstr("'1-2-3' is neither a slot"));
  EXPECT_THAT(why("-5"), HasSubstr("neither a slot nor a range"));
  EXPECT_THAT(why("5,"), HasSubstr("neither a slot nor a range"));
  EXPECT_THAT(why("16384"), HasSubstr("16383"));
  EXPECT_THAT(why("99999999999999999999"), HasSubstr("neither a slot nor a range"));
  EXPECT_THAT(why("9-5"), HasSubstr("ends before it begins"));
}

}  // namespace
}  // namespace redline
