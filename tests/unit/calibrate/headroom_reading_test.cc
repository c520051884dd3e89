#include "calibrate/headroom_reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline::headroom_reading_test {
namespace {

using testing::HasSubstr;

/// As the experiment writes it (tests/unit/lab/headroom_test.cc).
ExperimentDocument document() {
  ExperimentDocument document;
  document.name = "headroom";
  document.profile = "quick";
  document.indicative = true;
  document.wallStart = 1'795'824'000 * kSecond;
  const auto figure = [&](std::string what, double value, double high = kNaN) {
    document.figures.push_back(
        {.what = std::move(what), .unit = "share", .value = value, .low = value, .high = high});
  };
  figure("headroom under p99 < 1 ms, none", 0.4, 0.7);
  figure("headroom under p99 < 10 ms, none", 0.7);
  figure("headroom under p99 < 1 ms, bgsave", 0, 0.1);
  figure("p99 at the lowest rate, none", 622);
  for (const char* const fault : {"none", "none", "bgsave"}) {
    RunRecord run;
    run.labels = {{"fault", fault}};
    document.runs.push_back(run);
  }
  return document;
}

TEST(HeadroomReading, FindsTheSharesOfFaultsAndLimits) {
  const auto read = headroomOf(document(), "a/lab");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->source, "a/lab (headroom, quick: indicative), 2026-11-28");
  ASSERT_EQ(read->kept.size(), 3U);
  EXPECT_EQ(read->kept[0].fault, kNoFault);
  EXPECT_EQ(read->kept[0].share, 0.4);
  EXPECT_EQ(read->kept[0].missed, 0.7);
  EXPECT_EQ(read->kept[0].runs, 2U);
  EXPECT_EQ(read->kept[1].limitUs, 10'000);
  EXPECT_EQ(read->kept[2].fault, "bgsave");
  EXPECT_EQ(read->kept[2].title, "BGSAVE");
  EXPECT_EQ(read->kept[2].share, 0);
}

TEST(HeadroomReading, RefusesWhatIsNotOfThatExperiment) {
  ExperimentDocument other = document();
  other.name = "ceiling";
  EXPECT_THAT(headroomOf(other, "a/lab").error().message, HasSubstr("of the experiment ceiling"));
  ExperimentDocument empty = document();
  empty.figures.clear();
  EXPECT_THAT(headroomOf(empty, "a/lab").error().message, HasSubstr("run to its end"));
  const auto none = readHeadroom("/nowhere");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("redline lab run headroom"));
}

}  // namespace
}  // namespace redline::headroom_reading_test
