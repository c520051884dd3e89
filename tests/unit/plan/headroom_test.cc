#include "plan/headroom.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/sizing.h"

namespace redline::plan_headroom_test {
namespace {

using enum CoefficientId;
using testing::HasSubstr;

KeptShare kept(std::string fault, double limitUs, double share, double missed = kNaN) {
  return {.fault = fault,
          .title = fault,
          .limitUs = limitUs,
          .share = share,
          .missed = missed,
          .runs = 6};
}

TEST(Headroom, GivesTheKneesOfTheLimitsThatWereMeasured) {
  const MeasuredHeadroom measured{"a lab",
                                  {kept("none", 1'000, 0.4, 0.6), kept("bgsave", 1'000, 0)}};
  const Coefficients all = withHeadroom(Coefficients::committed(), measured);
  EXPECT_EQ(all[knee1ms].value, 0.4);
  EXPECT_EQ(all[knee1ms].low, 0.4);
  EXPECT_EQ(all[knee1ms].high, 0.6);
  EXPECT_EQ(all[knee1ms].count, 6U);
  EXPECT_EQ(all[knee1ms].source, "a lab");
  EXPECT_EQ(all[getUs].source, Coefficients::committed()[getUs].source);
}

TEST(Headroom, KeepsALooserLimitAtNoLowerRate) {
  const MeasuredHeadroom measured{"a lab", {kept("none", 1'000, 0.3), kept("none", 10'000, 0.5)}};
  const Coefficients all = withHeadroom(Coefficients::committed(), measured);
  double below = 0;
  for (const KneeLimit& knee : kneeLimits()) {
    EXPECT_GE(all[knee.id].value, below) << knee.limitUs;
    EXPECT_LE(all[knee.id].low, all[knee.id].value);
    EXPECT_GE(all[knee.id].high, all[knee.id].value);
    below = all[knee.id].value;
  }
  EXPECT_EQ(all[knee250us].value, 0.3);
  EXPECT_THAT(all[knee250us].source, HasSubstr("bounded by a lab"));
}

TEST(Headroom, LeavesAKneeAloneThatNoRateKept) {
  const MeasuredHeadroom measured{"a lab", {kept("none", 1'000, 0, 0.1)}};
  const Coefficients all = withHeadroom(Coefficients::committed(), measured);
  EXPECT_EQ(all[knee1ms].value, Coefficients::committed()[knee1ms].value);
}

TEST(Headroom, JudgesALayoutUnderTheLoosestLimitThatIsNoLooserThanItsOwn) {
  const MeasuredHeadroom measured{"a lab",
                                  {kept("bgsave", 1'000, 0.4, 0.7), kept("expiry", 1'000, 0, 0.1),
                                   kept("bgsave", 10'000, 0.9)}};
  using Verdict = DuringFault::Verdict;
  const auto verdicts = [&](double sloUs, double busy) {
    std::vector<Verdict> all;
    for (const DuringFault& each : duringFaults(measured, sloUs, busy)) all.push_back(each.verdict);
    return all;
  };
  EXPECT_THAT(verdicts(2'000, 0.3), testing::ElementsAre(Verdict::kept, Verdict::missed));
  EXPECT_THAT(verdicts(2'000, 0.5), testing::ElementsAre(Verdict::notKnown, Verdict::missed));
  EXPECT_THAT(verdicts(2'000, 0.7), testing::ElementsAre(Verdict::missed, Verdict::missed));
  EXPECT_THAT(verdicts(2'000, 0.05), testing::ElementsAre(Verdict::kept, Verdict::notKnown));
  EXPECT_THAT(verdicts(10'000, 0.7), testing::ElementsAre(Verdict::kept));
  EXPECT_TRUE(verdicts(500, 0.1).empty());
}

TEST(Headroom, DecidesHowManyShardsThereMustBe) {
  SizingRequest request;
  request.keys = 1'000'000;
  request.rate = 300'000;
  request.nodeMemory = 32e9;
  request.network = 1e9;
  request.zipfS = 0;
  const auto shards = [&](double knee) {
    return sizeOf(request,
                  withHeadroom(Coefficients::committed(), {"a lab", {kept("none", 1'000, knee)}}))
        .shards;
  };
  EXPECT_GT(shards(0.2), shards(0.8));
}

}  // namespace
}  // namespace redline::plan_headroom_test
