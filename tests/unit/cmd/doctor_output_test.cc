#include "cmd/doctor_output.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

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
    price     appendfsync always costs 43.9× [5.01 – 385] of everysec's write
              p99 (9.97 ms [2.15 – 46.3] against 227 µs [48.9 µs – 1.05
              ms]) (experiment fsync: results/standard/fsync/experiment.json)
    fix       one
              both
              two

FINE
  swap                      off

1 dangerous, 2 costs latency, 1 fine
)");
}

TEST(DoctorsReport, HasColoursOnlyWhereAsked) {
  EXPECT_NE(doctorText(results(), {80, true}).find("\x1b[31mDANGEROUS\x1b[0m"), std::string::npos);
}

}  // namespace
}  // namespace redline
