// What `hot-key` makes of its runs: figures in, sentences out.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lab/catalog.h"
#include "lab/study.h"
#include "unit/lab/experiment_parameters.h"

namespace redline {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;

/// Runs of 2 s in which the hot master does `hot` requests a second, `reads` of them reads, and
/// each of two others 3,000.
struct Lab {
  Parameters parameters;
  Readings readings;

  Lab() : parameters(quickParametersOf(**findExperiment("hot-key"))) {}

  Summary& add(const std::string& dist, const std::string& treatment, unsigned repeat, double hot,
               double reads) {
    Reading reading;
    reading.record.name = dist + treatment + std::to_string(repeat);
    reading.record.labels = {{"part", "rate"},
                             {"size", "100"},
                             {"dist", dist},
                             {"treatment", treatment},
                             {"repeat", std::to_string(repeat)}};
    reading.record.notes = {{"hot_master", "hot:1"}};
    // Repeats that scatter a little.
    const double noise = 1 + 0.01 * repeat;
    Summary summary;
    summary.windowS = 2;
    summary.rate.completed = 40'000;
    const auto addNode = [&](const std::string& addr, const std::string& role, double ops,
                             double readOps) {
      ClusterNodeFigures& node = summary.cluster.nodes.emplace_back();
      node.addr = addr;
      node.role = role;
      node.ops = static_cast<std::uint64_t>(2 * ops * noise);
      ServerFigures& server = summary.servers.emplace_back();
      server.addr = addr;
      server.role = role;
      server.hits = static_cast<std::uint64_t>(2 * readOps * noise);
      server.cpuUserS = ops / 1e4 * noise;
      server.mainThreadUtilisation = ops / 2e4;
    };
    addNode("hot:1", "master", hot, reads);
    addNode("b:2", "master", 3000, 2850);
    addNode("c:3", "master", 3000, 2850);
    summary.cluster.hotSlots = {{7, "hot:1", static_cast<std::uint64_t>(hot)}};
    LatencyFigures& response = summary.latency["response"]["all"];
    response.count = 40'000;
    response.p99 = 900 * noise;
    RunDir dir;
    dir.summary = std::move(summary);
    reading.dirs.push_back(std::move(dir));
    readings.add(std::move(reading));
    return *readings.all().back()->dirs.front().summary;
  }

  Summary& addPinned(const std::string& which, unsigned repeat, double hotBusy, double p99Us) {
    Summary& summary = add("zipfian", which, repeat, 14'000, 13'300);
    readings.all().back()->record.labels = {{"part", "pinned"}, {"case", which}};
    summary.servers.front().mainThreadUtilisation = hotBusy;
    summary.rate.achieved = 20'000;
    summary.latency["response"]["all"].p99 = p99Us * (1 + 0.01 * repeat);
    return summary;
  }

  ExperimentDocument analysed() {
    ExperimentDocument document;
    const Experiment& experiment = **findExperiment("hot-key");
    document.predictions = lab::predictionsOf(experiment, parameters);
    lab::analyse(experiment, parameters, readings, document);
    return document;
  }
};

void mitigate(Summary& summary, std::uint64_t stale, double ageUs) {
  summary.mitigation.kind = "local-cache";
  summary.mitigation.caches = 2;
  summary.mitigation.cacheEntries = 1000;
  summary.mitigation.cacheBytes = 32 << 20;
  summary.mitigation.counts["ledger_reads"] = 30'000;
  summary.mitigation.staleness.p99 = summary.mitigation.staleness.max = ageUs;
  summary.verify.stale = stale;
}

TEST(HotKey, SaysWhatACacheCutsAndWhatItCosts) {
  Lab lab;
  for (const unsigned repeat : {1U, 2U}) {
    lab.add("uniform", "none", repeat, 3000, 2850);
    lab.add("zipfian", "none", repeat, 14'000, 13'300);
    mitigate(lab.add("zipfian", "local-cache", repeat, 2000, 1900), 30, 400);
  }
  const ExperimentDocument document = lab.analysed();
  EXPECT_THAT(document.findings,
              Contains(testing::AllOf(Field(&LabFinding::text, HasSubstr("gets 70.0%")),
                                      Field(&LabFinding::standing, Standing::expected),
                                      Field(&LabFinding::headline, true))));
  EXPECT_THAT(
      document.findings,
      Contains(testing::AllOf(
          Field(&LabFinding::text, HasSubstr("is met by local-cache")),
          Field(&LabFinding::text, HasSubstr("2 caches of 1k entries (16MB each) for 10k keys")))));
  EXPECT_THAT(document.costs, Contains(HasSubstr("0.1% of the reads were stale, by 400 µs")));
  // The hot master's requests fell by 7, but the busiest node's only by 14,000 ÷ 3,000.
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("the busiest node has 4.67×")));
  EXPECT_THAT(
      document.predictions,
      Contains(testing::AllOf(Field(&LabPrediction::what, HasSubstr("reads, cut by local-cache")),
                              Field(&LabPrediction::measured, testing::DoubleNear(7, 0.01)))));
}

TEST(HotKey, SaysThatTheHotMasterIsPinnedOnlyWhereItIs) {
  for (const double busy : {0.97, 0.7}) {
    Lab lab;
    for (const unsigned repeat : {1U, 2U}) {
      lab.addPinned("max", repeat, busy, 500);
      lab.addPinned("none", repeat, busy, 50'000);
      lab.addPinned("local-cache", repeat, 0.2, 500).cluster.nodes.front().ops /= 4;
    }
    const ExperimentDocument document = lab.analysed();
    const bool pinned = busy > 0.9;
    EXPECT_THAT(
        document.findings,
        Contains(testing::AllOf(
            Field(&LabFinding::text,
                  HasSubstr(pinned ? "It is pinned and they are idle" : "That is not pinned")),
            Field(&LabFinding::standing, pinned ? Standing::expected : Standing::inconclusive))));
    EXPECT_THAT(document.findings,
                Contains(testing::AllOf(Field(&LabFinding::text, HasSubstr("in place of 50.7 ms")),
                                        Field(&LabFinding::text, HasSubstr(", 0.01×")),
                                        Field(&LabFinding::standing, Standing::expected))));
    EXPECT_THAT(document.figures,
                Contains(Field(&LabFigure::what, "p99 with local-cache ÷ without, pinned")));
  }
}

TEST(HotKey, AnAimThatIsMissedIsSaidToBe) {
  Lab lab;
  for (const unsigned repeat : {1U, 2U}) {
    lab.add("zipfian", "none", repeat, 14'000, 13'300);
    mitigate(lab.add("zipfian", "local-cache", repeat, 7000, 6500), 0, 0);
  }
  const ExperimentDocument document = lab.analysed();
  EXPECT_THAT(
      document.findings,
      Contains(testing::AllOf(Field(&LabFinding::text, HasSubstr("is missed by local-cache")),
                              Field(&LabFinding::standing, Standing::contradicts))));
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("none of 60k reads was stale")));
}

}  // namespace
}  // namespace redline
