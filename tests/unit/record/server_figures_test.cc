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

TEST(ServerFigures, AreZeroOverNoTime) {
  const ServerSample sample = sampleAt(kSecond, "a", "100", "1", "1");
  EXPECT_DOUBLE_EQ(serverFigures(sample, sample).mainThreadUtilisation, 0);
  EXPECT_EQ(serverFigures(sample, sample).ops, 0U);
}

}  // namespace
}  // namespace redline
