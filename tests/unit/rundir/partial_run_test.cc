#include "rundir/partial_run.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/paths.h"

namespace redline {
namespace {

RunDir goldenRun() {
  auto dir = readRunDir(std::filesystem::path(REDLINE_SOURCE_DIR) / "tests/golden/report/run");
  EXPECT_TRUE(dir) << dir.error().message;
  return dir.value_or(RunDir{});
}

TEST(PartialRun, HasTheServersFiguresOfTheSummary) {
  const RunDir dir = goldenRun();
  ASSERT_TRUE(dir.summary);
  const Summary partial = summarizePartialRun(dir);
  ASSERT_EQ(partial.servers.size(), dir.summary->servers.size());
  const ServerFigures& whole = dir.summary->servers.front();
  const ServerFigures& ours = partial.servers.front();
  EXPECT_EQ(ours.addr, whole.addr);
  EXPECT_EQ(ours.role, whole.role);
  EXPECT_EQ(ours.version, whole.version);
  // The samples lie up to half of their interval, 4% of the window, beside its edges.
  const auto near = [](double a, double b) { EXPECT_NEAR(a, b, 0.05 * b); };
  near(static_cast<double>(ours.ops), static_cast<double>(whole.ops));
  near(static_cast<double>(ours.hits), static_cast<double>(whole.hits));
  near(ours.cpuUserS + ours.cpuSystemS, whole.cpuUserS + whole.cpuSystemS);
  near(ours.mainThreadUtilisation, whole.mainThreadUtilisation);
}

TEST(PartialRun, CountsWhatTheSummaryCounts) {
  const RunDir dir = goldenRun();
  const Summary& whole = *dir.summary;
  const Summary ours = summarizePartialRun(dir);
  EXPECT_EQ(ours.rate.scheduled, whole.rate.scheduled);
  EXPECT_EQ(ours.rate.completed, whole.rate.completed);
  EXPECT_EQ(ours.rate.outstanding, whole.rate.outstanding);
  EXPECT_EQ(ours.rate.errors, whole.rate.errors);
  EXPECT_EQ(ours.rate.target, whole.rate.target);
  EXPECT_EQ(ours.cache.hits, whole.cache.hits);
  EXPECT_DOUBLE_EQ(ours.cache.hitRate, whole.cache.hitRate);
  EXPECT_EQ(ours.verify.checked, whole.verify.checked);
  EXPECT_NEAR(ours.generator.cpuUsPerOp, whole.generator.cpuUsPerOp, 0.01);
  EXPECT_NEAR(ours.generator.utilisation, whole.generator.utilisation, 0.001);
  EXPECT_DOUBLE_EQ(ours.generator.meanBatch, whole.generator.meanBatch);
  EXPECT_NEAR(ours.generator.longestPassUs, whole.generator.longestPassUs, 0.1);
}

TEST(PartialRun, TakesTheMainThreadsTimeAndNotTheWholeProcesss) {
  RunDir dir = goldenRun();
  const double before = summarizePartialRun(dir).servers.front().cpuUserS;
  double extra = 0;  // threads for I/O
  for (ServerSample& sample : dir.servers)
    sample.info["used_cpu_user"] = std::to_string(sample.number("used_cpu_user") + (extra += 1));
  EXPECT_DOUBLE_EQ(summarizePartialRun(dir).servers.front().cpuUserS, before);
}

TEST(PartialRun, AServerThatRestartedKeepsWhatItHadCounted) {
  RunDir dir = goldenRun();
  const std::uint64_t whole = summarizePartialRun(dir).servers.front().ops;
  const auto half = dir.servers.begin() + static_cast<std::ptrdiff_t>(dir.servers.size() / 2);
  const double start = half->number("total_commands_processed");
  const double unread = start - std::prev(half)->number("total_commands_processed");
  std::for_each(half, dir.servers.end(), [&](ServerSample& sample) {
    sample.info["total_commands_processed"] =
        std::to_string(sample.number("total_commands_processed") - start);
    sample.info["run_id"] = "b";
  });
  std::for_each(dir.servers.begin(), half, [](ServerSample& s) { s.info["run_id"] = "a"; });
  const ServerFigures server = summarizePartialRun(dir).servers.front();
  EXPECT_EQ(static_cast<double>(server.ops), static_cast<double>(whole) - unread);
  EXPECT_EQ(server.restarts, 1U);
}

}  // namespace
}  // namespace redline
