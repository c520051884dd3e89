// A password reaches the server and nothing else: no file, no terminal, no list of processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "os/files.h"
#include "support/real_redis.h"
#include "support/redline_process.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

const std::string kSecret = "correct-horse-battery";

/// No regular file below has it.
void expectNowhereIn(const fs::path& directory) {
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    EXPECT_THAT(readWholeFile(entry.path()).value_or(""), Not(HasSubstr(kSecret))) << entry.path();
  }
  EXPECT_GT(files, 0);
}

TEST(Secrets, APasswordIsSeenByTheServerAlone) {
  NodeConfig config;
  config.password = kSecret;
  auto redis = test::startRedis(config);
  if (!redis) return;
  const test::TemporaryDirectory home;
  const std::string addr = "-addr=" + redis->endpoint().text();
  const std::vector<std::string> settings{"REDLINE_PASSWORD=" + kSecret};
  test::Redline loader(
      home, {"loader", addr, "-keys=10k", "-ttl-frac=0", "-out=" + (home.path() / "load").string()},
      settings);
  ASSERT_EQ(loader.wait(), 0) << loader.err();
  test::Redline driver(home,
                       {"driver", addr, "-keys=10k", "-ttl-frac=0", "-rate=1k", "-duration=2s",
                        "-out=" + (home.path() / "run").string(),
                        "-json=" + (home.path() / "summary.json").string()},
                       settings);
  ASSERT_TRUE(test::eventually([&] { return fs::exists(home.path() / "run" / "plan.json"); }));
  const fs::path process = fs::path("/proc") / std::to_string(driver.pid());
  for (const auto* const file : {"environ", "cmdline"})
    EXPECT_THAT(readWholeFile(process / file).value_or(kSecret), Not(HasSubstr(kSecret))) << file;
  EXPECT_THAT(driver.wait(), testing::AnyOf(0, 3)) << driver.err();  // 3: others had the cores
  test::Redline report(home, {"report", (home.path() / "run").string(),
                              "-out=" + (home.path() / "report").string()});
  ASSERT_EQ(report.wait(), 0) << report.err();
  for (const test::Redline* program : {&loader, &driver, &report})
    EXPECT_THAT(program->out() + program->err(), Not(HasSubstr(kSecret)));
  expectNowhereIn(home.path());
  expectNowhereIn(redis->dir());
}

}  // namespace
}  // namespace redline
