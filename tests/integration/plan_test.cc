// redline plan against real servers: its memory is what they then use, and its calibration leaves
// nothing behind.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "os/files.h"
#include "rundir/experiment.h"
#include "support/load_lab.h"
#include "support/real_redis.h"
#include "support/redline_process.h"
#include "support/redline_shell.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using test::adminOf;
using test::startRedis;
using test::TemporaryDirectory;
using testing::HasSubstr;
using Json = nlohmann::json;

/// The JSON of a plan that is possible.
Json planned(const TemporaryDirectory& home, std::vector<std::string> flags) {
  flags.insert(flags.begin(), "plan");
  const fs::path file = home.path() / "plan.json";
  flags.push_back("-json=" + file.string());
  test::Redline redline(home, flags);
  EXPECT_EQ(redline.wait(), 0) << redline.err();
  const auto text = readWholeFile(file);
  EXPECT_TRUE(text);
  return text ? Json::parse(*text) : Json();
}

double coefficientOf(const Json& plan, const std::string& name) {
  for (const Json& each : plan.at("coefficients"))
    if (each.at("name") == name) return each.at("value");
  ADD_FAILURE() << name;
  return 0;
}

/// used_memory of a server with these keys and no clients but one.
double usedMemory(std::uint64_t keys, std::size_t size, double ttlShare, std::size_t& keyLength) {
  auto redis = startRedis();
  if (!redis) return 0;
  const std::vector<std::string> flags{"loader",
                                       "-addr=" + redis->endpoint().text(),
                                       fmt::format("-keys={}", keys),
                                       fmt::format("-value-size={}", size),
                                       fmt::format("-ttl-frac={}", ttlShare),
                                       "-ttl-min=1h",
                                       "-ttl-max=2h"};
  const TemporaryDirectory home;
  test::Redline loader(home, flags);
  EXPECT_EQ(loader.wait(), 0) << loader.err();
  auto admin = adminOf(*redis);
  EXPECT_TRUE(admin);
  EXPECT_TRUE(
      test::eventually([&] { return admin->info({"clients"})->count("connected_clients") == 1; }));
  // After its table has grown Redis moves the entries bit by bit, one bucket with each look at a
  // key, and keeps both tables until then.
  std::vector<std::string> looks{"EXISTS"};
  looks.resize(4'001, "obj:0");
  EXPECT_TRUE(test::eventually([&] {
    (void)admin->command(looks);
    const auto tables = admin->command({"DEBUG", "HTSTATS", "0"});
    return tables && tables->text.find("rehashing target") == std::string::npos;
  }));
  keyLength = fmt::format("obj:{}", keys - 1).size();
  return admin->info({"memory"})->number("used_memory");
}

TEST(Plan, ForetellsTheMemoryOfRealServers) {
  struct Size {
    std::uint64_t keys;
    std::size_t bytes;
    double ttlShare;
  };
  // Others than calibration has, on either side of Redis's and jemalloc's steps.
  for (const Size& size :
       {Size{150'000, 20, 0}, Size{220'000, 44, 0.3}, Size{220'000, 45, 0}, Size{300'000, 300, 0.3},
        Size{40'000, 1'000, 1}, Size{9'000, 10'000, 0}}) {
    const TemporaryDirectory home;
    const Json plan = planned(
        home, {fmt::format("-keys={}", size.keys), fmt::format("-value-size={}", size.bytes),
               fmt::format("-ttl-frac={}", size.ttlShare), "-rate=1000", "-shards=1", "-replicas=0",
               "-coefficients=built-in"});
    const double predicted =
        plan.at("plan").at("load").at("memory_per_node").at("data").get<double>() +
        coefficientOf(plan, "empty_bytes");
    std::size_t keyLength = 0;
    const double used = usedMemory(size.keys, size.bytes, size.ttlShare, keyLength);
    if (used == 0) return;
    EXPECT_NEAR(predicted / used, 1, 0.05) << size.keys << " x " << size.bytes;
    EXPECT_EQ(plan.at("request").at("key_bytes").get<double>(), static_cast<double>(keyLength));
  }
}

TEST(Plan, WritesAPageANoteAndJson) {
  const TemporaryDirectory home;
  const auto end = test::runShell(
      home.path(),
      "$R plan -keys=100M -rate=200k -value-size=300 -store-max=8k -ttl-frac=0.3 -out=p");
  EXPECT_EQ(end.code, 0) << end.errors;
  EXPECT_THAT(end.out, HasSubstr("Cliffs"));
  for (const auto* const file :
       {"p/plan.html", "p/PLAN.md", "p/plan.json", "p/plots/hit-rate.svg", "p/plots/cliffs.svg"})
    EXPECT_TRUE(fs::exists(home.path() / file)) << file;
}

TEST(Plan, RefusesWhatContradictsItself) {
  const TemporaryDirectory home;
  const auto end = [&](const std::string& flags) {
    return test::runShell(home.path(), "$R plan " + flags);
  };
  for (const auto* const flags :
       {"", "-keys=1M", "-rate=1k", "-keys=0 -rate=1k", "-keys=1M -rate=0",
        "-keys=1M -rate=1k -slo=1ms", "-keys=1M -rate=1k -slo='p999<1ms'",
        "-keys=1M -rate=1k -slo='p99<1us'", "-keys=1M -rate=1k -client-cache=100",
        "-keys=1M -rate=1k -clients=10", "-keys=1M -rate=1k -replica-reads -replicas=0",
        "-keys=1M -rate=1k -store-max=0", "-keys=1M -rate=1k -maxmemory=2GB -node-memory=1GB",
        "-keys=1M -rate=1k -shards=16385", "-keys=1M -rate=1k -ttl-frac=2",
        "-keys=1M -rate=1k -ttl-min=2h -ttl-max=1h", "-calibrate -coefficients=built-in"}) {
    const auto ended = end(flags);
    EXPECT_EQ(ended.code, 2) << flags << ": " << ended.errors;
    EXPECT_FALSE(ended.errors.empty()) << flags;
  }
  EXPECT_EQ(end("-keys=1M -rate=1k -coefficients=missing.json").code, 1);
  EXPECT_EQ(end("-keys=1M -rate=1k -node-memory=1KB").code, 1);
}

TEST(Plan, TakesTheKneesAndFaultsOfALab) {
  const TemporaryDirectory home;
  ExperimentDocument lab;
  lab.name = "headroom";
  lab.profile = "standard";
  lab.figures = {
      {.what = "headroom under p99 < 1 ms, none", .unit = "share", .value = 0.3, .high = 0.4},
      {.what = "headroom under p99 < 1 ms, bgsave", .unit = "share", .value = 0, .high = 0.1}};
  const fs::path directory = home.path() / "lab";
  fs::create_directories(directory / "headroom");
  ASSERT_TRUE(writeWholeFile(directory / "headroom" / "experiment.json", experimentToJson(lab)));
  const std::vector<std::string> flags{"-keys=10M", "-rate=200k", "-zipf-s=0.9"};
  auto withLab = flags;
  withLab.push_back("-headroom-lab=" + directory.string());
  const Json plan = planned(home, withLab);
  EXPECT_EQ(coefficientOf(plan, "knee_1ms"), 0.3);
  EXPECT_THAT(plan.at("headroom_source").get<std::string>(), HasSubstr("(headroom, standard)"));
  ASSERT_EQ(plan.at("during_faults").size(), 1U);
  EXPECT_EQ(plan.at("during_faults")[0].at("title"), "BGSAVE");
  EXPECT_EQ(plan.at("during_faults")[0].at("verdict"), "missed");
  EXPECT_GT(plan.at("plan").at("shards"), planned(home, flags).at("plan").at("shards"));

  const auto none =
      test::runShell(home.path(), "$R plan -keys=1M -rate=1k -headroom-lab=elsewhere");
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.errors, HasSubstr("redline lab run headroom"));
}

TEST(Plan, SaysThatNoNumberOfShardsHelpsAgainstAHotKey) {
  const TemporaryDirectory home;
  const auto end = test::runShell(home.path(), "$R plan -keys=100M -rate=5M -zipf-s=1.2");
  EXPECT_EQ(end.code, 1);
  EXPECT_THAT(end.out, HasSubstr("no number of shards helps"));
  EXPECT_THAT(end.out, HasSubstr("-client-cache"));
}

TEST(PlanAlone, CalibratesOnThisMachineAndLeavesNothingBehind) {
  const TemporaryDirectory home;
  test::Redline calibration(home, {"plan", "-calibrate", "-repeat=1"});
  ASSERT_EQ(calibration.wait(), 0) << calibration.err();
  const auto end = test::runShell(home.path(), "$R plan -keys=1M -rate=10k -json=p.json");
  ASSERT_EQ(end.code, 0) << end.errors;
  const auto file = readWholeFile(home.path() / "state/coefficients.json");
  ASSERT_TRUE(file);
  const Json coefficients = Json::parse(*file);
  // A machine that others use has no knees: those of committed coefficients stay.
  EXPECT_GE(coefficients.at("coefficients").size(), 10U);
  const auto plan = readWholeFile(home.path() / "p.json");
  ASSERT_TRUE(plan);
  EXPECT_EQ(Json::parse(*plan).at("coefficients_of").at("measured"), coefficients.at("measured"));
  EXPECT_TRUE(fs::is_empty(home.path() / "state/lab"));
}

TEST(PlanAlone, EndsEarlyWithoutAFile) {
  const TemporaryDirectory home;
  const auto end = test::runShell(home.path(), "timeout -s INT 3 $R plan -calibrate; echo code $?");
  EXPECT_THAT(end.errors, HasSubstr("interrupted"));
  EXPECT_FALSE(fs::exists(home.path() / "state/coefficients.json"));
  EXPECT_TRUE(fs::is_empty(home.path() / "state/lab"));
}

}  // namespace
}  // namespace redline
