#include "record/server_figures.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

ServerSample sampleAt(Nanos at, const char* runId, const char* ops, const char* user,
                      const char* sys) {
  return {at,
          "127.0.0.1:7600",
          "master",
          {{"run_id", runId},
           {"redis_version", "7.0.15"},
           {"total_commands_processed", ops},
           {"used_cpu_user_main_thread", user},
           {"used_cpu_sys_main_thread", sys},
           {"keyspace_hits", ops},
           {"used_memory", "5000"},
           {"mem_fragmentation_ratio", "1.25"}}};
}

TEST(ServerFigures, AreDifferencesOfCountersAndLevelsAtTheEnd) {
  const ServerFigures figures = serverFigures(sampleAt(10 * kSecond, "a", "1000", "1.0", "0.5"),
                                              sampleAt(14 * kSecond, "a", "9000", "3.0", "1.5"));
  EXPECT_EQ(figures.addr, "127.0.0.1:7600");
  EXPECT_EQ(figures.role, "master");
  EXPECT_EQ(figures.version, "7.0.15");
  EXPECT_EQ(figures.ops, 8000U);
  EXPECT_EQ(figures.hits, 8000U);
  EXPECT_EQ(figures.misses, 0U);
  EXPECT_DOUBLE_EQ(figures.cpuUserS, 2);
  EXPECT_DOUBLE_EQ(figures.cpuSystemS, 1);
  EXPECT_DOUBLE_EQ(figures.mainThreadUtilisation, 0.75);
  EXPECT_EQ(figures.usedMemory, 5000U);
  EXPECT_DOUBLE_EQ(figures.fragmentation, 1.25);
}

TEST(ServerFigures, CountFromZeroWhenTheServerBeganAnew) {
  const ServerFigures figures = serverFigures(sampleAt(0, "a", "100000", "9", "9"),
                                              sampleAt(kSecond, "b", "40", "0.25", "0.25"));
  EXPECT_EQ(figures.ops, 40U);
  EXPECT_DOUBLE_EQ(figures.mainThreadUtilisation, 0.5);
}

TEST(ServerFigures, KeepWhatAProcessHadCountedThatDiedInBetween) {
  ServerHistory history;
  const ServerSample before = sampleAt(10 * kSecond, "a", "1000", "1", "1");
  history.add(sampleAt(9 * kSecond, "a", "900", "1", "1"));
  history.add(sampleAt(11 * kSecond, "a", "5000", "2", "1.5"));
  ServerSample reborn = sampleAt(18 * kSecond, "b", "300", "0.25", "0.25");
  reborn.role = "replica";
  history.add(reborn);
  const ServerFigures figures = history.figures(before, reborn);
  EXPECT_EQ(figures.ops, 4300U);
  EXPECT_DOUBLE_EQ(figures.cpuUserS, 1.25);
  EXPECT_DOUBLE_EQ(figures.cpuSystemS, 0.75);
  EXPECT_EQ(figures.restarts, 1U);
  EXPECT_EQ(figures.role, "replica");
  EXPECT_EQ(figures.beganAs, "master");
  // A process that had ended before has no part in it.
  const ServerSample later = sampleAt(20 * kSecond, "b", "400", "0.5", "0.5");
  EXPECT_EQ(history.figures(reborn, later).ops, 100U);
  EXPECT_EQ(history.figures(reborn, later).restarts, 0U);
}

TEST(ServerFigures, GiveTheNodesOfAClusterTheirRoles) {
  ClusterFigures cluster;
  cluster.nodes.resize(2);
  cluster.nodes[0].addr = "127.0.0.1:7600";
  cluster.nodes[0].role = cluster.nodes[1].role = "master";
  cluster.nodes[1].addr = "127.0.0.1:7601";
  ServerFigures server;
  server.addr = "127.0.0.1:7600";
  server.role = "replica";
  server.beganAs = "master";
  takeRoles(cluster, std::vector{server});
  EXPECT_EQ(roleText(cluster.nodes[0].role, cluster.nodes[0].beganAs), "replica, began as master");
  EXPECT_EQ(cluster.nodes[1].role, "master") << "nothing else is known of it";
}

TEST(ServerFigures, AreZeroOverNoTime) {
  const ServerSample sample = sampleAt(kSecond, "a", "100", "1", "1");
  EXPECT_DOUBLE_EQ(serverFigures(sample, sample).mainThreadUtilisation, 0);
  EXPECT_EQ(serverFigures(sample, sample).ops, 0U);
}

}  // namespace
}  // namespace redline
