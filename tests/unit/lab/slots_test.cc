// One run whose conditions take turns becomes a record of each slot.

#include "lab/slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/availability.h"
#include "unit/lab/readings_builder.h"

namespace redline::slots_test {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;

constexpr Nanos kZero = 5 * kSecond;  // the run's zero on the monotonic clock

/// Two seconds in tenths: the odd ones of a second take 3 ms, the others 1 ms.
Reading run() {
  ReadingBuilder builder({{"part", "switched"}}, 1, 20);
  builder.response([](int i) { return (i / 5 % 2 == 0 ? 1 : 3) * kMillisecond; })
      .counts([](int, IntervalRow& row) { row.counts.completed[0] = 100; });
  builder.plan().clockZero = kZero;
  return builder.build();
}

LabRun planned() {
  LabRun run;
  run.name = "switched";
  for (const char* const policy : {"no", "always"})
    run.slots.arms.push_back({.name = policy,
                              .labels = {{"part", "slots"}, {"policy", policy}},
                              .enter = [](Bench&) -> Status { return {}; }});
  return run;
}

/// Half a second each, a tenth of it guard.
SlotTime slot(std::size_t arm, unsigned block, int number) {
  const Nanos begin = kZero + number * kSecond / 2;
  return {arm, block, begin + kSecond / 10, begin + kSecond / 2};
}

Witnessed nobodyElse() {
  return {.samples = {{0, 0, 0}, {20 * kSecond, 0, 0}}, .gaps = {}, .canaryRefused = {}};
}

TEST(Slots, EachLeavesARecordOfItsOwnIntervals) {
  const auto records = slotRecords(planned(), run(), {slot(0, 0, 0), slot(1, 0, 1), slot(1, 1, 3)},
                                   nobodyElse(), 0.02);
  ASSERT_THAT(records, SizeIs(3));
  EXPECT_EQ(records[0].name, "switched-b1-no");
  EXPECT_THAT(records[1].labels, ElementsAre(Pair("part", "slots"), Pair("policy", "always"),
                                             Pair("repeat", "switched-1")));
  EXPECT_EQ(records[2].label("repeat"), "switched-2");
  EXPECT_NEAR(records[0].figure(kFoundP99), 1000, 10);
  EXPECT_NEAR(records[1].figure(kFoundP99), 3000, 30);
  EXPECT_NEAR(records[1].figure("available_p99_us"), 3000, 30);
  EXPECT_NEAR(records[1].figure(kFoundRate), 1000, 1e-6);
  EXPECT_EQ(records[1].figure(kLostShare), 0);
  EXPECT_TRUE(isSlotOf(records[0], "switched"));
  EXPECT_FALSE(isSlotOf(run().record, "switched"));
}

TEST(Slots, OutsideTheWindowLeaveNone) {
  EXPECT_THAT(slotRecords(planned(), run(), {slot(0, 0, -3), slot(0, 5, 9)}, nobodyElse(), 0.02),
              SizeIs(0));
  EXPECT_THAT(slotRecords(planned(), {}, {slot(0, 0, 0)}, nobodyElse(), 0.02), SizeIs(0));
}

}  // namespace
}  // namespace redline::slots_test
