// What replica-staleness concludes from runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "lab/catalog.h"
#include "lab/replica_probe.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::replica_staleness_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct AtRate {
  double p99 = 200, behind = 500, masterSays = 5000;
  std::uint64_t stale = 3;
};

Reading rateRun(const std::string& writes, const AtRate& at, int repeat) {
  const double scatter = 1 + 0.01 * (repeat - 2);
  ReadingBuilder builder({{"part", "rate"}, {"writes", writes}}, repeat);
  builder.figure("window_p50_us", at.p99 / 2 * scatter)
      .figure("window_p99_us", at.p99 * scatter)
      .figure("window_mean_us", 100)
      .figure("first_read_stale_share", 0.4)
      .figure("behind_mean_bytes", at.behind * scatter)
      .figure("behind_p99_bytes", 4 * at.behind)
      .figure("master_says_mean_bytes", at.masterSays * scatter)
      .figure("stream_bytes_per_s", 5e6);  // × 100 µs: 500 bytes
  builder.summary().verify.stale = at.stale;
  builder.summary().mitigation.counts["ledger_reads"] = 1000;
  builder.summary().mitigation.staleness.max = 700;
  return builder.build();
}

struct WithFault {
  double before = 300, after = 100e3, refused = 0;
  double asLongAfter = kNaN;  ///< not a number: `after`
  bool isOpen = false;        ///< at the end
};

Reading faultRun(const std::string& fault, const WithFault& with, int repeat) {
  const double scatter = 1 + 0.01 * (repeat - 2);
  const double asLongAfter = std::isfinite(with.asLongAfter) ? with.asLongAfter : with.after;
  return ReadingBuilder({{"part", "fault"}, {"fault", fault}}, repeat)
      .figure("worst_before_us", with.before)
      .figure("worst_as_long_after_us", asLongAfter * scatter)
      .figure("worst_after_us", with.after * scatter)
      .figure("refused_us", with.refused)
      .figure("recovered_after_us", with.isOpen ? kNaN : with.after)
      .figure("open_at_end", with.isOpen ? 1 : 0)
      .figure("fault_command_us", 10e3)
      .figure("behind_after_max_bytes", 1e6)
      .figure("age_us_012", with.after)
      .build();
}

struct Rounds {
  double p50 = 30;
  double stale = 0;
};

Reading waitRun(const std::string& batch, const std::string& way, const Rounds& rounds,
                int repeat) {
  const double scatter = 1 + 0.01 * (repeat - 2);
  Reading reading = ReadingBuilder({{"part", "wait"}, {"batch", batch}, {"way", way}}, repeat)
                        .figure("round_p50_us", rounds.p50 * scatter)
                        .figure("round_p99_us", 2 * rounds.p50)
                        .figure("writes_per_s", 1e6 / rounds.p50)
                        .figure("master_us_per_write", 8)
                        .figure("stale_reads_after", rounds.stale)
                        .figure("reads_after", 100)
                        .build();
  reading.dirs.clear();  // no driver ran
  return reading;
}

struct All {
  std::map<std::string, AtRate> rates{{"300", {}}, {"10k", {.p99 = 400}}};
  std::map<std::string, WithFault> faults{
      {"big-value", {}},
      {"bgsave-master", {.after = 300}},
      {"resync", {.after = 600e3, .refused = 200e3}},
  };
  std::map<std::pair<std::string, std::string>, Rounds> waits{
      {{"1", "none"}, {.p50 = 30, .stale = 20}},
      {{"1", "wait"}, {.p50 = 90}},
      {{"16", "none"}, {.p50 = 60, .stale = 30}},
      {{"16", "wait"}, {.p50 = 120}},
  };
};

ExperimentDocument analysed(const All& all, int repeats = 3) {
  Readings readings;
  for (int repeat = 1; repeat <= repeats; ++repeat) {
    for (const auto& [writes, at] : all.rates) readings.add(rateRun(writes, at, repeat));
    for (const auto& [fault, with] : all.faults) readings.add(faultRun(fault, with, repeat));
    for (const auto& [cell, rounds] : all.waits)
      readings.add(waitRun(cell.first, cell.second, rounds, repeat));
  }
  return analysisOf(replicaStalenessExperiment(), quickParametersOf(replicaStalenessExperiment()),
                    readings);
}

TEST(ReplicaStalenessFindings, SayHowTheWindowGrowsWithTheRate) {
  const auto document = analysed({});
  EXPECT_THAT(document.findings, finds("window-grows", Standing::expected, "400 µs", "2×"));
  All same;
  same.rates["10k"].p99 = 200;
  EXPECT_THAT(analysed(same).findings, finds("window-grows", Standing::inconclusive));
  same.rates["10k"].p99 = 100;
  EXPECT_THAT(analysed(same).findings, finds("window-grows", Standing::contradicts));
}

TEST(ReplicaStalenessFindings, HoldBytesAgainstRateTimesWindow) {
  EXPECT_THAT(analysed({}).findings, finds("bytes-follow", Standing::expected, "500 B", "1×"));
  All more;
  more.rates["10k"].behind = 5000;
  EXPECT_THAT(analysed(more).findings, finds("bytes-follow", Standing::contradicts, "10×"));
}

TEST(ReplicaStalenessFindings, SayWhatTheMasterMakesOfIt) {
  EXPECT_THAT(analysed({}).findings, finds("master-view", Standing::expected, "10×"));
  All right;
  right.rates["10k"].masterSays = 500;
  EXPECT_THAT(analysed(right).findings, finds("master-view", Standing::inconclusive, "1×"));
}

TEST(ReplicaStalenessFindings, CountTheLoadsOwnStaleReads) {
  EXPECT_THAT(analysed({}).findings, finds("stale-reads", Standing::expected, "0.3%", "700 µs"));
  All none;
  none.rates["10k"].stale = 0;
  EXPECT_THAT(analysed(none).findings,
              finds("stale-reads", Standing::inconclusive, "fewer than 0.1%"));
}

TEST(ReplicaStalenessFindings, CompareTheLongestWindowWithTheOneBefore) {
  const auto document = analysed({});
  EXPECT_THAT(document.findings, finds("fault-big-value", Standing::expected, "100 ms", "333×"));
  EXPECT_THAT(document.findings, finds("fault-bgsave-master", Standing::inconclusive, "1×"));
  EXPECT_THAT(document.findings,
              finds("fault-resync", Standing::expected, "600 ms", "refused reads", "200 ms"));
  EXPECT_THAT(findingOf(document, "fault-slow-command").text, IsEmpty());
  EXPECT_THAT(document.answer, AllOf(HasSubstr("400 µs"), HasSubstr("a full resync")));
}

// The slow command's own second, and a worse one long after it.
TEST(ReplicaStalenessFindings, CompareEquallyLongStretches) {
  All all;
  all.faults["big-value"] = {.after = 900e3, .asLongAfter = 3000};
  const auto document = analysed(all);
  EXPECT_THAT(document.findings, finds("fault-big-value", Standing::expected, "up to 900 ms",
                                       "within a second of its begin is 10×"));
  all.faults["big-value"].asLongAfter = 300;
  EXPECT_THAT(analysed(all).findings, finds("fault-big-value", Standing::inconclusive, "1×"));
}

TEST(ReplicaStalenessFindings, SayThatAWindowWasStillOpenAtTheEnd) {
  All all;
  all.faults["resync"].isOpen = true;
  const auto document = analysed(all);
  EXPECT_THAT(findingOf(document, "fault-resync").text, HasSubstr("for at least 600 ms"));
  const std::string_view table = "The window with something";
  EXPECT_EQ(cellOf(document, table, "a full resync", "back to normal after"), "not by the end");
  EXPECT_EQ(cellOf(document, table, "one large value", "back to normal after"), "100 ms");
}

TEST(ReplicaStalenessFindings, DecideNothingFromASingleRun) {
  EXPECT_THAT(analysed({}, 1).findings, finds("bytes-follow", Standing::inconclusive));
  EXPECT_THAT(analysed({}, 1).findings, finds("wait-batched", Standing::inconclusive));
}

constexpr Nanos kMoment = 10 * kSecond;

lab::StaleWindow window(double atS, double ms, bool isClosed = true) {
  return {.acknowledged = static_cast<Nanos>(atS * 1e9),
          .atMost = static_cast<Nanos>(ms * 1e6),
          .closed = isClosed};
}

TEST(WindowsAround, TakeMaximaOfEquallyLongStretches) {
  const auto around =
      lab::windowsAround({window(8.5, 50), window(9.2, 2), window(9.5, 5), window(9.99, 20),
                          window(10.9, 10), window(12, 400), window(13, 1)},
                         kMoment, kSecond);
  EXPECT_DOUBLE_EQ(around.worstBeforeUs, 5000);
  EXPECT_DOUBLE_EQ(around.worstAsLongAfterUs, 20'000) << "it was open at the moment";
  EXPECT_DOUBLE_EQ(around.worstAfterUs, 400e3);
  EXPECT_NEAR(around.recoveredUs, 2.4e6, 1);
  EXPECT_FALSE(around.isOpenAtEnd);
}

TEST(WindowsAround, KnowNoRecoveryFromAWindowThatIsStillOpen) {
  const auto open = lab::windowsAround({window(9.5, 5), window(10.1, 50), window(11, 3000, false)},
                                       kMoment, kSecond);
  EXPECT_TRUE(std::isnan(open.recoveredUs));
  EXPECT_TRUE(open.isOpenAtEnd);
  // One of everyday's length that the end of the probe cuts off.
  const auto usual = lab::windowsAround({window(9.5, 5), window(10.1, 50), window(11, 4, false)},
                                        kMoment, kSecond);
  EXPECT_NEAR(usual.recoveredUs, 150e3, 1);
  EXPECT_FALSE(usual.isOpenAtEnd);
}

TEST(ReplicaStalenessFindings, AskNoPriceForAWaitThatShowsNone) {
  All all;
  all.waits[{"1", "wait"}].p50 = 29;
  const auto document = analysed(all);
  EXPECT_THAT(document.costs, Not(Contains(HasSubstr("multiplies"))));
  EXPECT_THAT(
      document.decisions,
      Contains(Field(&LabDecision::price, "no measurable extra time for a write with WAIT")));
}

TEST(ReplicaStalenessFindings, PriceWaitAndSayWhatItBuys) {
  const auto document = analysed({});
  EXPECT_THAT(document.findings, finds("wait-price", Standing::expected, "3×", "90 µs"));
  EXPECT_THAT(document.findings, finds("wait-batched", Standing::expected, "2×"));
  EXPECT_THAT(document.findings, finds("wait-fresh", Standing::expected, "0 of 600", "150 of 600"));
  EXPECT_THAT(document.costs, Contains(HasSubstr("WAIT 1 multiplies")));
  All stale;
  stale.waits[{"1", "wait"}].stale = 1;
  EXPECT_THAT(analysed(stale).findings, finds("wait-fresh", Standing::contradicts, "3 of 600"));
  All fresh;
  fresh.waits[{"1", "none"}].stale = fresh.waits[{"16", "none"}].stale = 0;
  EXPECT_THAT(analysed(fresh).findings, finds("wait-fresh", Standing::inconclusive));
}

TEST(ReplicaStalenessFindings, LeaveOutWhatRunsAreMissingFor) {
  All none;
  none.faults.clear();
  const auto document = analysed(none);
  EXPECT_THAT(document.answer, Not(HasSubstr("during")));
  EXPECT_THAT(document.decisions, IsEmpty());
  EXPECT_THAT(findingOf(document, "wait-price").text, Not(IsEmpty()));
}

TEST(ReplicaStalenessPlan, RefusesAFaultWithoutASecondBeforeIt) {
  const auto p =
      parametersOf(replicaStalenessExperiment(), Profile::quick, *parseOverrides("at=500ms"));
  ASSERT_TRUE(p);
  EXPECT_FALSE(replicaStalenessExperiment().check(*p));
}

TEST(ReplicaStalenessPlan, WatchesWhileTheDriverWrites) {
  const auto plan =
      lab::planOf(replicaStalenessExperiment(), quickParametersOf(replicaStalenessExperiment()));
  ASSERT_TRUE(plan);
  for (const LabRun& run : plan->runs) EXPECT_EQ(run.drives.empty(), !run.beside) << run.name;
}

}  // namespace
}  // namespace redline::replica_staleness_test
