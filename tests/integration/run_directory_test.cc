// Who writes into a run directory: one program, which has it to itself before it writes anything.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "os/files.h"
#include "rundir/run_dir_reader.h"
#include "support/real_redis.h"
#include "support/redline_shell.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using test::runShell;
using test::startRedis;
using test::TemporaryDirectory;
using testing::Contains;
using testing::HasSubstr;

std::string driver(const ScopedStack& redis, const std::string& more) {
  return fmt::format("$R driver -addr={} -keys=1000 -warmup=0 {}", redis.endpoint().text(), more);
}

TEST(RunDirectory, OfDriversThatStartInOneSecondIsEachOnesOwn) {
  const auto redis = startRedis();
  ASSERT_TRUE(redis);
  const TemporaryDirectory home;
  const auto ended = runShell(
      home.path(), "for i in 1 2 3 4; do " +
                       driver(*redis, "-rate=100 -duration=300ms -run-seed=$i >out$i 2>err$i & ") +
                       "p[i]=$!; done; for i in 1 2 3 4; do wait ${p[i]}; done");
  EXPECT_THAT(ended.code, testing::AnyOf(0, 3)) << "3: the machine was busy";
  std::set<std::string> directories, seeds;
  for (const int i : {1, 2, 3, 4}) {
    const std::string out = readWholeFile(home.path() / fmt::format("out{}", i)).value_or("");
    const auto at = out.find("run directory: ");
    ASSERT_NE(at, std::string::npos) << out;
    const std::string path = out.substr(at + 15, out.find('\n', at) - at - 15);
    directories.insert(path);
    const auto run = readRunDir(home.path() / path);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_THAT(run->plan->command, Contains(fmt::format("-run-seed={}", i))) << path;
    EXPECT_TRUE(run->summary) << path;
  }
  EXPECT_EQ(directories.size(), 4U);
}

TEST(RunDirectory, InUseIsNotTouchedByWhoComesLater) {
  const auto redis = startRedis();
  ASSERT_TRUE(redis);
  const TemporaryDirectory home;
  // One loser in the middle of the run, and several that start with the winner.
  const auto ended =
      runShell(home.path(), driver(*redis, "-rate=100 -duration=2s -out=run >/dev/null 2>&1 & ") +
                                "first=$!; until test -s run/intervals.csv; do sleep 0.05; done; "
                                "sha256sum run/plan.json; " +
                                driver(*redis, "-rate=777 -duration=100ms -out=run; ") +
                                "echo code $?; sha256sum run/plan.json; wait $first; echo code $?");
  EXPECT_THAT(ended.errors, HasSubstr("run is in use"));
  EXPECT_THAT(ended.out, HasSubstr("code 2\n"));
  EXPECT_THAT(ended.out, testing::MatchesRegex("[^$]*code [03]\n")) << "3: the machine was busy";
  EXPECT_EQ(ended.out.substr(0, 64), ended.out.substr(ended.out.find("code 2\n") + 7, 64));
  const auto run = readRunDir(home.path() / "run");
  ASSERT_TRUE(run) << run.error().message;
  ASSERT_TRUE(run->summary);
  EXPECT_EQ(run->summary->rate.scheduled, 200U);
}

TEST(RunDirectory, ThatSeveralWantAtOnceIsOnesAlone) {
  const auto redis = startRedis();
  ASSERT_TRUE(redis);
  const TemporaryDirectory home;
  const auto ended =
      runShell(home.path(),
               "for i in 1 2 3 4; do " +
                   driver(*redis, "-rate=${i}00 -duration=500ms -out=run >/dev/null 2>err$i & ") +
                   "p[i]=$!; done; for i in 1 2 3 4; do wait ${p[i]}; echo $?; done >codes; sort "
                   "codes | tr '\\n' ' '");
  EXPECT_THAT(ended.out, testing::AnyOf("0 2 2 2 ", "2 2 2 3 ")) << "3: the machine was busy";
  const auto run = readRunDir(home.path() / "run");
  ASSERT_TRUE(run) << run.error().message;
  ASSERT_TRUE(run->summary);
  EXPECT_EQ(run->plan->command, run->summary->command) << "the plan is of another run";
}

}  // namespace
}  // namespace redline
