#include "cmd/doctor_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cmd/figure_ranges.h"

namespace redline {
namespace {

using testing::HasSubstr;

std::vector<CheckResult> results() {
  return {
      {"replicas",
       "replicas",
       "127.0.0.1:7600",
       {Severity::dangerous, "none", "its data is gone", nullptr, {"redis-cli -p 1 REPLICAOF"}}},
      {"save-points",
       "save points",
       "127.0.0.1:7600",
       {Severity::costsLatency, "save \"60 1\"", "forks", &kAlwaysPrice, {"one", "both"}}},
      {"save-points",
       "save points",
       "127.0.0.1:7601",
       {Severity::costsLatency, "save \"1 1\x1b[2J\"", "forks", &kAlwaysPrice, {"two", "both"}}},
      {"swap", "swap", "", fine("off")}};
}

TEST(DoctorsReport, SaysOnceWhatServersShareAndLeavesCommandsWhole) {
  EXPECT_EQ(doctorText(results(), {80, false}),
            R"(DANGEROUS
  replicas
    evidence  127.0.0.1:7600: none
    effect    its data is gone
    price     redline has not measured it
    fix       redis-cli -p 1 REPLICAOF

COSTS LATENCY
  save points
    evidence  127.0.0.1:7600: save "60 1"
    evidence  127.0.0.1:7601: save "1 1\x1b[2J"
    effect    forks
    price     `always` multiplies the write p99 of everysec by 2.45× [1.35 –
              4.44], to 277 µs [251 – 306] (experiment fsync:
              results/standard/fsync/experiment.json)
    fix       one
              two
              both

FINE
  swap                      off

1 dangerous, 2 costs latency, 1 fine (each node and check)
)");
}

/// Of so many nodes of a cluster, each with its own evidence.
std::vector<CheckResult> ofNodes(const std::string& check, Severity severity,
                                 const std::vector<std::string>& evidences) {
  std::vector<CheckResult> all;
  for (std::size_t i = 0; i < evidences.size(); ++i)
    all.push_back({check,
                   check,
                   "127.0.0.1:" + std::to_string(7700 + i),
                   {severity, evidences[i], severity == Severity::fine ? "" : "slow"}});
  return all;
}

TEST(DoctorsReport, HasOneLineForNodesThatAreEqual) {
  const auto text = [](const std::vector<CheckResult>& all) {
    return doctorText(all, {100, false});
  };
  EXPECT_THAT(text(ofNodes("save", Severity::fine, {"none", "none", "none"})),
              HasSubstr("  3 nodes: none\n\n3 fine (each node and check)"));
  EXPECT_THAT(text(ofNodes("save", Severity::fine, {"none", "on, replica", "none"})),
              HasSubstr("127.0.0.1:7700, 7702: none\n"));
  EXPECT_THAT(text(ofNodes("save", Severity::costsLatency, {"60 1", "60 1", "60 1"})),
              HasSubstr("evidence  3 nodes: 60 1\n"));
  EXPECT_THAT(text(ofNodes("limit", Severity::fine, {"6.1% of it", "5% of it"})),
              HasSubstr("2 nodes: 5 – 6.1% of it\n"));
  EXPECT_THAT(text(ofNodes("big-keys", Severity::fine, {"string 17", "string 18"})),
              HasSubstr("127.0.0.1:7701: string 18\n"))
      << "names of keys are no figures";
}

TEST(DoctorsReport, DoesNotSayOfOneNodeWhatFollowsForAnother) {
  auto all = ofNodes("aof", Severity::costsLatency, {"always", "everysec"});
  all.back().judgement.effect = "late";
  EXPECT_THAT(doctorText(all, {100, false}),
              testing::AllOf(HasSubstr("always\n    effect    slow"),
                             HasSubstr("everysec\n    effect    late")));
}

TEST(FigureRanges, AreOfWhatDiffersInFiguresAlone) {
  EXPECT_EQ(withRanges({"100 MB, 6.1% of it", "100 MB, 5.9% of it", "100 MB, 6% of it"}),
            "100 MB, 5.9 – 6.1% of it");
  EXPECT_EQ(withRanges({"may copy 2 MB; took 617 µs", "may copy 900 KB; took 1.2 ms"}),
            "may copy 900 KB – 2 MB; took 617 µs – 1.2 ms");
  EXPECT_EQ(withRanges({"(900, 1k)", "(1.2k, 1k)"}), "(900 – 1.2k, 1k)");
  EXPECT_EQ(withRanges({"up", "up"}), "up");
  EXPECT_EQ(withRanges({"", ""}), "");
  EXPECT_FALSE(withRanges({"up, to 127.0.0.1:7600", "up, to 127.0.0.1:7601"}));
  EXPECT_FALSE(withRanges({"1 client", "2 clients"}));
  EXPECT_FALSE(withRanges({"took 5 ms", "took 5%"}));
  EXPECT_FALSE(withRanges({"none", "none of 5"}));
}

TEST(DoctorsReport, HasColoursOnlyWhereAsked) {
  EXPECT_NE(doctorText(results(), {80, true}).find("\x1b[31mDANGEROUS\x1b[0m"), std::string::npos);
}

}  // namespace
}  // namespace redline
