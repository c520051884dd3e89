// What people type first, in the environments where they type it.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.h"
#include "os/files.h"
#include "support/real_redis.h"
#include "support/redline_shell.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using test::adminOf;
using test::runShell;
using test::startRedis;
using test::TemporaryDirectory;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// 3: the machine was busy.
const auto kMeasured = testing::AnyOf(0, 3);

std::string shortDriver(const std::string& more, int keys = 1000) {
  return "$R driver -ttl-frac=0 -rate=500 -warmup=0 -duration=200ms -out=run " +
         fmt::format("-keys={} {}", keys, more);
}

nlohmann::json summaryOf(const fs::path& run) {
  return nlohmann::json::parse(readWholeFile(run / "summary.json").value_or("{}"), nullptr, false);
}

TEST(FirstContact, AUrlLogsInAndItsPasswordIsWrittenNowhere) {
  constexpr const char* kPassword = "s3cret/pw";
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  ASSERT_TRUE(admin->command(
      {"ACL", "SETUSER", "lab", "on", std::string(">") + kPassword, "~*", "&*", "+@all"}));
  ASSERT_TRUE(admin->configSet("requirepass", "another"));
  const TemporaryDirectory home;
  const std::string url = "redis://lab:s3cret%2Fpw@" + redis->endpoint().text();
  const auto ended = runShell(home.path(), shortDriver("-addr=" + url) + " && $R report run");
  EXPECT_THAT(ended.code, kMeasured) << ended.errors;
  for (const std::string& command :
       {"loader -keys=1000 -ttl-frac=0 -json=load.json -addr=" + url,
        "chaos -action=bgsave -force -json=chaos.json -addr=" + url, "driver -addr=" + url + "/5",
        "driver -addr=" + url + "x", "driver " + url, "driver -addr " + url + " -nonsense",
        "driver -addr=" + url + " -rate=x", "driver -user=other -addr=" + url}) {
    const auto ran = runShell(home.path(), "$R " + command);
    for (const std::string& text : {ran.out, ran.errors})
      EXPECT_THAT(text, AllOf(Not(HasSubstr("s3cret")), Not(HasSubstr("IPv6")))) << command;
  }
  EXPECT_EQ(ended.out.find("s3cret"), std::string::npos);
  EXPECT_EQ(ended.errors.find("s3cret"), std::string::npos);
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(home.path())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    EXPECT_EQ(readWholeFile(entry.path())->find("s3cret"), std::string::npos) << entry.path();
  }
  EXPECT_GT(files, 5U);
  EXPECT_EQ(summaryOf(home.path() / "run")["config"]["user"], "lab");
}

TEST(FirstContact, JsonOnStandardOutputIsAlone) {
  const auto redis = startRedis();
  ASSERT_TRUE(redis);
  const TemporaryDirectory home;
  const std::string addr = "-addr=" + redis->endpoint().text();
  const auto driven = runShell(home.path(), shortDriver("-json=- " + addr));
  const auto summary = nlohmann::json::parse(driven.out, nullptr, false);
  ASSERT_TRUE(summary.is_object()) << driven.out;
  EXPECT_EQ(summary["rate"]["scheduled"], 100);
  EXPECT_THAT(driven.errors, HasSubstr("100 scheduled"));
  const auto compared = runShell(home.path(), "$R compare -json=- run run");
  EXPECT_TRUE(nlohmann::json::accept(compared.out)) << compared.out;
  const auto loaded = runShell(home.path(), "$R loader -keys=1000 -ttl-frac=0 -json=- " + addr);
  EXPECT_TRUE(nlohmann::json::accept(loaded.out)) << loaded.out;
  const auto saved = runShell(home.path(), "$R chaos -action=bgsave -force -json=- " + addr);
  EXPECT_TRUE(nlohmann::json::accept(saved.out)) << saved.out;
  EXPECT_EQ(
      runShell(home.path(), "rm -r run; " + shortDriver("-json=- " + addr + " >/dev/full")).code,
      1);
}

// The server is asked what it is, and then driven, loaded or disturbed over the same connection.
TEST(FirstContact, FindingTheTopologyCostsNoConnection) {
  const auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  const TemporaryDirectory home;
  const auto connections = [&](const std::string& command) {
    const auto received = [&] {
      return admin->info({"stats"})->count("total_connections_received");
    };
    const std::uint64_t before = received();
    const auto ran = runShell(home.path(), command + " -addr=" + redis->endpoint().text());
    EXPECT_THAT(ran.code, kMeasured) << ran.errors;
    return received() - before;
  };
  connections("$R loader -keys=1000 -ttl-frac=0");  // the first one finds an empty server
  for (const std::string& command :
       {std::string("$R loader -keys=1000 -ttl-frac=0"), "rm -rf run; " + shortDriver(""),
        std::string("$R chaos -action=bgsave -force")})
    EXPECT_EQ(connections(command), connections(command + " -topology=node")) << command;
}

TEST(FirstContact, KubernetesAndAnEmptyEnvironmentStopNothing) {
  const auto redis = startRedis();
  ASSERT_TRUE(redis);
  const TemporaryDirectory home;
  const std::string addr = "-addr=" + redis->endpoint().text();
  const auto inPod =
      runShell(home.path(),
               "export REDLINE_SERVICE_HOST=10.0.0.1 REDLINE_PORT=tcp://10.0.0.1:6379 "
               "REDLINE_PORT_6379_TCP=tcp://10.0.0.1:6379; " +
                   shortDriver(addr) + " && $R stack status");
  EXPECT_THAT(inPod.code, kMeasured) << inPod.errors;
  const auto homeless =
      runShell(home.path(), "rm -r run; unset HOME REDLINE_HOME XDG_STATE_HOME; " +
                                shortDriver("-chaos=50ms:pause-node " + addr));
  EXPECT_EQ(homeless.code, 1);
  EXPECT_THAT(homeless.errors, AllOf(HasSubstr("neither REDLINE_HOME nor HOME is set"),
                                     HasSubstr("-force does not help")));
}

TEST(FirstContact, TheTopologyIsTheServersOwn) {
  ClusterShape shape;
  shape.replicas = 0;
  const auto cluster = test::startCluster({}, shape);
  ASSERT_TRUE(cluster);
  const auto single = startRedis();
  ASSERT_TRUE(single);
  const TemporaryDirectory home;
  const std::string nodes = fmt::format(
      "-addr=127.0.0.1:1,{},{}", cluster->node(1).endpoint().text(), cluster->endpoint().text());
  const std::string node = "-addr=" + single->endpoint().text();
  const auto code = [&](const std::string& line) { return runShell(home.path(), line); };

  EXPECT_THAT(code("$R loader -keys=1000 -ttl-frac=0 " + nodes).code, 0);
  EXPECT_THAT(code(shortDriver(nodes)).code, kMeasured);
  EXPECT_EQ(summaryOf(home.path() / "run")["config"]["topology"], "cluster");
  EXPECT_EQ(code("$R chaos -action=reshard -force -slots=0-9 -target=" +
                 cluster->node(1).endpoint().text() + " -addr=" + cluster->endpoint().text())
                .code,
            0);
  fs::remove_all(home.path() / "run");
  EXPECT_THAT(code(shortDriver(node)).code, kMeasured);
  EXPECT_EQ(summaryOf(home.path() / "run")["config"]["topology"], "node");

  const auto expectRefused = [&](const std::string& line, const std::string& part) {
    const auto ended = code(line);
    EXPECT_THAT(ended.code, testing::AnyOf(1, 2)) << line;
    EXPECT_THAT(ended.errors, HasSubstr(part)) << line;
  };
  expectRefused("$R driver -out=no -topology=node -addr=" + cluster->endpoint().text(),
                "leave out -topology=node");
  expectRefused("$R driver -out=no -topology=cluster " + node, "is not a node of a cluster");
  expectRefused("$R driver -out=no " + node + ",127.0.0.1:1", "name one server");
  expectRefused("$R chaos -action=kill-master " + node, "needs a cluster");
  expectRefused("$R driver -out=no -max-backlog=5 " + node, "-max-backlog needs a cluster");
  expectRefused("$R loader -mset -addr=" + cluster->endpoint().text(), "-mset needs a single");
}

TEST(FirstContact, ADeadServerOfAStackIsToBeHealed) {
  const TemporaryDirectory home;
  const auto ended =
      runShell(home.path(),
               "ADDR=$($R stack up node -name=mine -port=0 -maxmemory=64MB -format=addr) && "
               "redis-cli -u redis://$ADDR shutdown nosave; "
               "for c in 'driver -out=no' loader doctor 'chaos -action=bgsave'; do "
               "$R $c -addr=$ADDR 2>&1 | grep listens; done; "
               "$R driver -out=no -addr=127.0.0.1:1 2>&1 | grep listens; $R stack down mine");
  const auto lines = splitLines(ended.out);
  ASSERT_GE(lines.size(), 5U) << ended.out << ended.errors;
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_THAT(std::string(lines[i]), AllOf(HasSubstr("restart it with `redline stack heal mine`"),
                                             Not(HasSubstr("stack up"))));
  EXPECT_THAT(std::string(lines[4]), HasSubstr("start a server with `redline stack up node`"));
}

TEST(FirstContact, TopAdvisesToHealTheDeadNodeOfAStacksCluster) {
  const TemporaryDirectory home;
  const auto ended =
      runShell(home.path(),
               "NODES=$($R stack up cluster -name=mine -port=0 -maxmemory=64MB -format=addr) && "
               "redis-cli -p ${NODES##*:} shutdown nosave; "
               "$R top -once -addr=$(echo $NODES | cut -d' ' -f1) -json=top.jsonl; cat top.jsonl; "
               "$R stack down mine");
  std::size_t shown = 0;
  for (const std::string_view line : splitLines(ended.out))
    if (line.find("nothing listens") != std::string_view::npos) {
      ++shown;
      EXPECT_THAT(std::string(line), AllOf(HasSubstr("restart it with `redline stack heal mine`"),
                                           Not(HasSubstr("stack up"))));
    }
  EXPECT_EQ(shown, 2U) << "on the screen and in the JSON: " << ended.out << ended.errors;
}

TEST(FirstContact, AReportOfNothingSaysNoPlaceThatItWouldBeWrittenTo) {
  const TemporaryDirectory home;
  const auto ended = runShell(home.path(), "mkdir empty; $R report empty");
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.errors, Not(HasSubstr("written into")));
}

TEST(FirstContact, AFaultWithoutItsFlagIsUnderstood) {
  const TemporaryDirectory home;
  const auto ended = runShell(home.path(), "$R chaos bgsave");
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.errors, HasSubstr("did you mean -action=bgsave?"));
}

TEST(FirstContact, AClusterThatServesInPartIsDrivenInPart) {
  ClusterShape shape;
  shape.replicas = 0;
  const auto cluster = test::startCluster({}, shape);
  ASSERT_TRUE(cluster);
  const TemporaryDirectory home;
  const std::string addr = " -addr=" + cluster->endpoint().text();
  ASSERT_EQ(runShell(home.path(), "$R loader -keys=2000 -ttl-frac=0" + addr).code, 0);
  for (const bool whole : {true, false})
    for (std::size_t i = 0; i < cluster->size(); ++i) {
      auto admin = cluster->node(i).admin();
      ASSERT_TRUE(admin);
      if (whole)
        ASSERT_TRUE(admin->configSet("cluster-require-full-coverage", "no"));
      else
        ASSERT_TRUE(admin->command({"CLUSTER", "DELSLOTSRANGE", "0", "999"}));
    }
  const auto driven = runShell(home.path(), shortDriver("-op-timeout=100ms" + addr, 2000));
  EXPECT_THAT(driven.code, kMeasured) << driven.errors;
  EXPECT_THAT(driven.errors, HasSubstr("1000 of 16384 slots have no owner (0-999)"));
  const auto summary = summaryOf(home.path() / "run");
  EXPECT_GT(summary["rate"]["completed"], 50);
  EXPECT_EQ(runShell(home.path(), "$R loader -keys=2000 -ttl-frac=0" + addr).code, 1)
      << "a load would be incomplete";
}

TEST(FirstContact, ALoadAsksBeforeItOverwritesWhatIsNotItsOwn) {
  const auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  const TemporaryDirectory home;
  const std::string load =
      "$R loader -ttl-frac=0 -keys=1000 -addr=" + redis->endpoint().text() + " ";
  const auto typeOf = [&](const std::string& key) {
    const auto reply = admin->command({"TYPE", key});
    return reply ? reply->text : reply.error().message;
  };
  ASSERT_TRUE(admin->command({"HSET", "obj:789", "field", "value"}));
  ASSERT_TRUE(admin->command({"LPUSH", "obj:1000", "beyond the data set"}));
  ASSERT_TRUE(admin->command({"SADD", "obj:x", "not a name of it"}));
  const auto refused = runShell(home.path(), load);
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.errors, AllOf(HasSubstr("holds a hash under obj:789"), HasSubstr("-force")));
  EXPECT_EQ(typeOf("obj:0"), "none");
  EXPECT_EQ(typeOf("obj:789"), "hash");
  const auto forced = runShell(home.path(), load + "-force");
  EXPECT_EQ(forced.code, 0) << forced.errors;
  EXPECT_THAT(forced.errors, HasSubstr("holds a hash under obj:789"));
  EXPECT_EQ(typeOf("obj:789"), "string");
  EXPECT_EQ(typeOf("obj:1000"), "list");
  EXPECT_EQ(runShell(home.path(), load).code, 0) << "a load over an earlier one needs no -force";
}

TEST(FirstContact, ARunThatMeasuredNothingSaysSo) {
  const auto redis = startRedis();
  ASSERT_TRUE(redis);
  const TemporaryDirectory home;
  const auto ended =
      runShell(home.path(),
               fmt::format("$R driver -addr={} -keys=1000 -warmup=60s -interval=100ms -out=run & "
                           "until test -s run/intervals.csv; do sleep 0.05; done; sleep 0.2; "
                           "kill -INT $!; wait $!",
                           redis->endpoint().text()));
  EXPECT_EQ(ended.code, 3);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("INVALID: nothing measured"), Not(HasSubstr("overloaded")),
                               Not(HasSubstr("  valid"))));
  EXPECT_EQ(runShell(home.path(), "$R report run").code, 0);
  const std::string findings = readWholeFile(home.path() / "run/FINDINGS.md").value_or("");
  EXPECT_THAT(findings, AllOf(HasSubstr("Nothing was measured"), Not(HasSubstr("keep up")),
                              Not(HasSubstr("Overloaded"))));
}

TEST(FirstContact, AFullServerIsNotAnOverloadedOne) {
  NodeConfig config;
  config.maxmemory = 4ULL << 20;
  config.policy = "volatile-lru";  // and no key has a time to live
  const auto redis = startRedis(config);
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  for (int i = 0; i < 100; ++i)  // until it is full
    if (!admin->command({"SET", fmt::format("filler:{}", i), std::string(100'000, 'x')})) break;
  const TemporaryDirectory home;
  const auto ended = runShell(
      home.path(), fmt::format("$R driver -addr={} -keys=1000 -rate=100 -rw-ratio=0.5 -warmup=0 "
                               "-duration=2s -value-size=10KB -verify=none -out=run; $R report run",
                               redis->endpoint().text()));
  const auto summary = summaryOf(home.path() / "run");
  ASSERT_TRUE(summary.is_object());
  EXPECT_GT(summary["rate"]["errors"]["oom"], 50);
  EXPECT_FALSE(summary["rate"]["overloaded"]);
  const std::string findings = readWholeFile(home.path() / "run/FINDINGS.md").value_or("");
  EXPECT_THAT(findings,
              AllOf(HasSubstr("oom"), Not(HasSubstr("verloaded")), Not(HasSubstr("queue grew"))));
}

}  // namespace
}  // namespace redline
