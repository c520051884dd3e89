// What a newcomer gets wrong first: the real program as a child process.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "os/files.h"
#include "support/paths.h"
#include "support/real_redis.h"
#include "support/redline_process.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using test::Redline;
using test::startCluster;
using test::startRedis;
using test::TemporaryDirectory;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

/// What a run of the program printed.
struct Ended {
  int code;
  std::string out, err;

  /// It took place, on however busy a machine.
  bool measured() const { return code == 0 || code == 3; }
};

Ended run(const TemporaryDirectory& home, Words args, const Words& settings = {}) {
  Redline redline(home, std::move(args), settings);
  const int code = redline.wait();
  return {code, redline.out(), redline.err()};
}

/// Loads 1,000 keys of 100 bytes, three tenths of them with a time to live, and drives them with
/// other flags.
struct Loaded {
  TemporaryDirectory home;
  Words where;

  Loaded(const Endpoint& endpoint, const std::string& topology)
      : where{"-addr=" + endpoint.text(), "-topology=" + topology} {
    const auto loaded = run(home, command("loader", {"-keys=1k"}));
    EXPECT_EQ(loaded.code, 0) << loaded.err;
  }

  Words command(const std::string& name, const Words& flags) const {
    Words args{name};
    args.insert(args.end(), where.begin(), where.end());
    args.insert(args.end(), flags.begin(), flags.end());
    return args;
  }

  Ended drive(Words flags) {
    static int runs = 0;
    const Words more{"-rate=500", "-duration=300ms", "-warmup=0s", "-conns=2",
                     "-out=" + (home.path() / ("run" + std::to_string(++runs))).string()};
    flags.insert(flags.end(), more.begin(), more.end());
    return run(home, command("driver", flags));
  }

  void expectRefused(const Words& flags, const std::string& part) {
    const Ended ended = drive(flags);
    EXPECT_EQ(ended.code, 2) << ended.err;
    EXPECT_THAT(ended.err, AllOf(HasSubstr(part), HasSubstr("load again")));
    Words insisting = flags;
    insisting.push_back("-force");
    const Ended forced = drive(insisting);
    EXPECT_TRUE(forced.measured()) << forced.err << forced.out;
    EXPECT_THAT(forced.err, AllOf(HasSubstr("note: " + part), Not(HasSubstr("-force"))));
  }

  void expectEveryWrongFlagNoticed() {
    EXPECT_TRUE(drive({"-keys=1k"}).measured());
    expectRefused({"-keys=10k"}, "-keys=10k");
    expectRefused({"-keys=1k", "-ttl-frac=0.9"}, "-ttl-frac=0.9");
    expectRefused({"-keys=1k", "-value-size=4KB", "-rw-ratio=1"}, "-value-size=4096");
    const Ended fewer = drive({"-keys=500", "-rw-ratio=1"});
    EXPECT_TRUE(fewer.measured()) << fewer.err;
    EXPECT_THAT(fewer.err, HasSubstr("note: -keys=500"));
  }
};

TEST(WrongDataSet, IsRefusedOnANode) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  Loaded(redis->endpoint(), "node").expectEveryWrongFlagNoticed();
}

TEST(WrongDataSet, IsRefusedInACluster) {
  ClusterShape shape;
  shape.replicas = 0;
  auto cluster = startCluster({}, shape);
  ASSERT_TRUE(cluster);
  Loaded(cluster->endpoint(), "cluster").expectEveryWrongFlagNoticed();
}

TEST(WrongDataSet, IsNoneWhereMissesAreRefilled) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  const Ended ended = Loaded(redis->endpoint(), "node").drive({"-keys=10k", "-on-miss=refill"});
  EXPECT_TRUE(ended.measured()) << ended.err;
}

// /sys takes no directories, not even root's.
TEST(StateHome, ThatCannotBeWrittenIsNamedWithTheReason) {
  const TemporaryDirectory home;
  for (const char* const setting : {"REDLINE_HOME=/sys/redline", "HOME=/sys/redline"}) {
    const Ended up = run(home, {"stack", "up", "node", "-port=0", "-maxmemory=64MB"},
                         {setting, "XDG_STATE_HOME="});
    EXPECT_EQ(up.code, 1) << setting;
    EXPECT_THAT(up.err, AllOf(HasSubstr("cannot make /sys/redline"), HasSubstr("set REDLINE_HOME"),
                              Not(HasSubstr("No such file"))));
    const Ended down = run(home, {"stack", "down", "node"}, {setting, "XDG_STATE_HOME="});
    EXPECT_EQ(down.code, 0) << down.err;
    EXPECT_THAT(down.out, HasSubstr("there is no stack named node"));
  }
}

TEST(StateHome, ThatIsNowhereSaysWhatToSet) {
  const TemporaryDirectory home;
  const Ended up = run(home, {"stack", "up", "node"}, {"HOME=", "XDG_STATE_HOME="});
  EXPECT_EQ(up.code, 2);
  EXPECT_THAT(up.err, HasSubstr("set REDLINE_HOME or HOME"));
}

TEST(HostWarnings, AreNotRepeatedAfterEveryRun) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  Loaded loaded(redis->endpoint(), "node");
  const std::string first = loaded.drive({"-keys=1k"}).out;
  const std::string second = loaded.drive({"-keys=1k"}).out;
  for (const char* const setting : {"swap is on", "vm.overcommit_memory", "transparent huge pages",
                                    "nf_conntrack", "packet filter"}) {
    EXPECT_THAT(second, Not(HasSubstr(setting)));
  }
  // In the summary they stay.
  if (first.find("vm.overcommit_memory") == std::string::npos) return;
  for (const auto& entry : fs::directory_iterator(loaded.home.path()))
    if (const auto summary = readWholeFile(entry.path() / "summary.json")) {
      EXPECT_THAT(*summary, HasSubstr("vm.overcommit_memory"));
    }
}

/// A run directory, made by a driver.
struct OneRun {
  std::optional<ScopedStack> redis = startRedis();
  TemporaryDirectory home;
  fs::path directory = home.path() / "run";

  OneRun() {
    if (!redis) return;
    const Ended ended =
        run(home, {"driver", "-addr=" + redis->endpoint().text(), "-rate=500", "-duration=300ms",
                   "-warmup=0s", "-conns=2", "-keys=100", "-out=" + directory.string()});
    EXPECT_TRUE(ended.measured()) << ended.err;
  }
};

TEST(Report, NeedsNoOtherProgramAndSaysWhereItWrites) {
  const OneRun one;
  ASSERT_TRUE(one.redis);
  const Ended ended = run(one.home, {"report", one.directory.string()}, {"PATH=/nonexistent"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("written into " + (one.directory / "").string()));
  EXPECT_TRUE(fs::exists(one.directory / "report.html"));
  EXPECT_FALSE(fs::is_empty(one.directory / "plots"));
}

TEST(LabList, KeepsToEightyColumns) {
  const TemporaryDirectory home;
  const std::string experiments =
      std::string("-experiments=") + REDLINE_SOURCE_DIR + "/experiments";
  for (const Words& args : {Words{"lab", "list", experiments},
                            Words{"lab", "list", "fsync", "ceiling", "hot-key", experiments}}) {
    const Ended ended = run(home, args);
    EXPECT_EQ(ended.code, 0) << ended.err;
    std::istringstream lines(ended.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  }
}

/// An installed redline, away from the source tree.
TEST(Install, GivesAProgramThatFindsItsExperiments) {
  const TemporaryDirectory home;
  const fs::path prefix = home.path() / "usr";
  const std::string install = "cmake --install " REDLINE_BINARY_DIR " --prefix " + prefix.string() +
                              " >" + (home.path() / "log").string() + " 2>&1";
  ASSERT_EQ(std::system(install.c_str()), 0) << readWholeFile(home.path() / "log").value_or("");
  const std::string list = "cd / && " + (prefix / "bin/redline").string() + " lab list >" +
                           (home.path() / "out.txt").string() + " 2>&1";
  ASSERT_EQ(std::system(list.c_str()), 0) << readWholeFile(home.path() / "out.txt").value_or("");
  EXPECT_THAT(readWholeFile(home.path() / "out.txt").value_or(""), HasSubstr("pipelining"));
  for (const char* const file :
       {"share/man/man1/redline.1", "share/man/man1/redline-driver.1",
        "share/bash-completion/completions/redline", "share/zsh/site-functions/_redline"})
    EXPECT_TRUE(fs::exists(prefix / file)) << file;
}

}  // namespace
}  // namespace redline
