// redline doctor against real servers: what is wrong with them is found, and nothing is changed.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "doctor/remedies.h"
#include "os/files.h"
#include "os/gated_child.h"
#include "os/program.h"
#include "server/stack.h"
#include "support/load_lab.h"
#include "support/real_redis.h"
#include "support/redline_process.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using test::adminOf;
using test::startCluster;
using test::startRedis;
using test::TemporaryDirectory;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::json;

/// One run of the doctor, and what it found.
struct Examination {
  int code = -1;
  std::string out, err;
  Json json;

  /// The first result of that check about `subject`, a part of an address; null: none.
  Json of(const std::string& check, const std::string& subject = {}) const {
    for (const Json& result : json.value("results", Json::array()))
      if (result.at("check") == check &&
          result.at("subject").get<std::string>().find(subject) != std::string::npos)
        return result;
    return {};
  }
  std::string severity(const std::string& check, const std::string& subject = {}) const {
    const Json result = of(check, subject);
    return result.is_null() ? "none" : result.at("severity").get<std::string>();
  }
  std::string evidence(const std::string& check, const std::string& subject = {}) const {
    const Json result = of(check, subject);
    return result.is_null() ? "" : result.at("evidence").get<std::string>();
  }
};

Examination examined(std::vector<std::string> args, const std::vector<std::string>& settings = {}) {
  const TemporaryDirectory home;
  const fs::path json = home.path() / "doctor.json";
  args.insert(args.begin(), "doctor");
  args.insert(args.end(), {"-watch=100ms", "-json=" + json.string()});
  test::Redline doctor(home, args, settings);
  Examination found;
  found.code = doctor.wait();
  found.out = doctor.out();
  found.err = doctor.err();
  found.json = Json::parse(readWholeFile(json).value_or("{}"), nullptr, false);
  return found;
}

Examination examined(const ScopedStack& redis, std::vector<std::string> more = {},
                     const std::vector<std::string>& settings = {}) {
  more.insert(more.begin(), "-addr=" + redis.endpoint().text());
  return examined(std::move(more), settings);
}

/// A hash of so many fields.
void addHash(Admin& admin, const std::string& name, std::size_t fields) {
  std::vector<std::string> command{"HSET", name};
  for (std::size_t i = 0; i < fields; ++i)
    command.insert(command.end(), {fmt::format("field:{}", i), "value"});
  ASSERT_TRUE(admin.command(command));
}

void addKeys(Admin& admin, std::size_t count) {
  std::vector<std::vector<std::string>> commands;
  for (std::size_t i = 0; i < count; ++i)
    commands.push_back({"SET", fmt::format("obj:{}", i), "x"});
  ASSERT_TRUE(admin.pipeline(commands));
}

TEST(Doctor, WithoutAnAddressLooksAtThisMachine) {
  const Examination found = examined(std::vector<std::string>{});
  EXPECT_THAT(found.code, testing::AnyOf(0, 1)) << found.err;
  EXPECT_NE(found.severity("swap"), "none");
  EXPECT_NE(found.severity("clock"), "none");
  EXPECT_EQ(found.severity("limit"), "none");
  EXPECT_THAT(found.out, HasSubstr("clock source"));
}

TEST(Doctor, FindsWhatIsWrongWithARealServer) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  addKeys(*admin, 3000);
  const Examination before = examined(*redis);
  EXPECT_EQ(before.code, 1) << "no replica: " << before.out << before.err;
  EXPECT_EQ(before.severity("replicas"), "dangerous");
  for (const char* const check : {"limit", "policy", "save-points", "append-only", "disk",
                                  "clients", "buffers", "big-keys", "slow-commands", "last-writes"})
    EXPECT_EQ(before.severity(check), "fine") << before.evidence(check);
  EXPECT_THAT(before.evidence("big-keys"), HasSubstr("all 3k keys were looked at"));
  EXPECT_EQ(before.severity("hot-keys"), "unknown");

  addHash(*admin, "big:\x1b[2J", 60'000);
  ASSERT_TRUE(admin->configSet("maxmemory", "0"));
  ASSERT_TRUE(admin->configSet("save", "3600 1"));
  ASSERT_TRUE(admin->configSet("appendonly", "yes"));
  ASSERT_TRUE(admin->configSet("appendfsync", "always"));
  ASSERT_TRUE(admin->command({"DEBUG", "SLEEP", "1"}));
  const Examination after = examined(*redis);
  EXPECT_EQ(after.code, 1);
  EXPECT_EQ(after.severity("limit"), "dangerous");
  EXPECT_EQ(after.severity("save-points"), "costs latency");
  EXPECT_EQ(after.severity("append-only"), "costs latency");
  EXPECT_EQ(after.severity("slow-commands"), "costs latency");
  EXPECT_THAT(after.evidence("slow-commands"), HasSubstr("DEBUG SLEEP"));
  EXPECT_EQ(after.severity("big-keys"), "costs latency");
  EXPECT_THAT(after.evidence("big-keys"), AllOf(HasSubstr("60k elements"), HasSubstr("HGETALL")));
  EXPECT_EQ(after.severity("disk"), "unknown") << "not a directory of ours";
  EXPECT_THAT(after.out, AllOf(HasSubstr("big:\\x1b[2J"), Not(HasSubstr("\x1b"))));
  EXPECT_EQ(after.of("append-only").at("price").at("origin"), "experiment fsync");
}

// The commands that it proposes are Redis's own, and do what they promise.
TEST(Doctor, IsContentWithASettingOnceItsFixWasMade) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  ASSERT_TRUE(admin->configSet("maxmemory", "0"));
  ASSERT_TRUE(admin->configSet("save", "3600 1"));
  const Examination before = examined(*redis);
  for (const char* const check : {"limit", "save-points"}) {
    const Json result = before.of(check);
    for (const Json& fix : result.at("fix")) {
      const auto line = fix.get<std::string>();
      if (!line.starts_with("redis-cli")) continue;
      const auto ran = runProgram({"/bin/sh", "-c", line}, 10 * kSecond);
      ASSERT_TRUE(ran && ran->succeeded()) << line;
      EXPECT_EQ(trim(ran->output), "OK") << line;
    }
  }
  const Examination after = examined(*redis);
  EXPECT_EQ(after.severity("limit"), "fine");
  EXPECT_EQ(after.severity("policy"), "fine");
  EXPECT_EQ(after.severity("save-points"), "fine");
}

TEST(Doctor, SendsNothingThatWrites) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  addKeys(*admin, 200);
  addHash(*admin, "hash", 100);
  ASSERT_TRUE(admin->configSet("maxmemory-policy", "allkeys-lfu"));
  const auto digest = admin->command({"DEBUG", "DIGEST"});
  ASSERT_TRUE(admin->command({"CONFIG", "RESETSTAT"}));
  EXPECT_EQ(examined(*redis).code, 1);
  const auto info = admin->info({"commandstats"});
  ASSERT_TRUE(info);
  const std::set<std::string, std::less<>> readers{
      "ping",        "info", "config|get",       "slowlog|get", "client|setname",
      "client|list", "scan", "randomkey",        "type",        "memory|usage",
      "object|freq", "hlen", "config|resetstat", "cluster|info"};
  for (const auto& [command, stat] : info->commandStats)
    EXPECT_TRUE(readers.contains(command)) << command;
  EXPECT_EQ(admin->command({"DEBUG", "DIGEST"})->text, digest->text);
}

TEST(Doctor, DrawsASampleOfAServerWithMoreKeysAndSaysWhatThatIsWorth) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  addKeys(*admin, 5000);
  addHash(*admin, "big", 60'000);
  const Examination sampled = examined(*redis, {"-sample=100"});
  EXPECT_THAT(sampled.severity("big-keys"), testing::AnyOf("unknown", "costs latency"));
  EXPECT_THAT(sampled.evidence("big-keys"), HasSubstr("100 of 5k keys"));
  EXPECT_EQ(examined(*redis, {"-sample=100", "-scan"}).severity("big-keys"), "costs latency");
}

TEST(Doctor, FindsTheHotKeyUnderAnLfuPolicy) {
  NodeConfig config;
  config.policy = "allkeys-lfu";
  auto redis = startRedis(config);
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  addKeys(*admin, 500);
  const std::vector<std::vector<std::string>> reads(1000, {"GET", "obj:7"});
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(admin->pipeline(reads));
  const Examination found = examined(*redis);
  EXPECT_EQ(found.severity("hot-keys"), "costs latency") << found.evidence("hot-keys");
  EXPECT_THAT(found.evidence("hot-keys"), HasSubstr("obj:7"));
}

TEST(Doctor, TimesADiskOnlyWhereItIsAskedToAndLeavesNothingThere) {
  const TemporaryDirectory home;
  const Examination found = examined({"-disk=" + home.path().string()});
  EXPECT_THAT(found.evidence("disk"), AllOf(HasSubstr(home.path().string()), HasSubstr("at p99")));
  EXPECT_TRUE(fs::is_empty(home.path()));
  for (const char* const place : {"/sys/nowhere", "/etc/passwd", "/proc/self/fd"}) {
    const Examination refused = examined({std::string("-disk=") + place});
    EXPECT_EQ(refused.code, 2) << place;
    EXPECT_THAT(refused.err, testing::MatchesRegex("redline doctor: -disk=[^\n]*\n")) << place;
    EXPECT_THAT(refused.out, IsEmpty()) << place;
  }
  const Examination inMemory = examined({"-disk=/dev/shm"});
  EXPECT_EQ(inMemory.severity("disk"), "dangerous") << inMemory.err;
}

TEST(Doctor, TimesTheDiskOfAStackOfOurs) {
  const TemporaryDirectory home;
  test::Redline up(
      home, {"stack", "up", "node", "-port=0", "-maxmemory=64MB", "-redis-config=appendonly yes"});
  ASSERT_EQ(up.wait(), 0) << up.err();
  const auto address = readWholeFile(home.path() / "state/stacks/node/stack.json").value_or("");
  const Json state = Json::parse(address, nullptr, false);
  ASSERT_FALSE(state.is_discarded()) << address;
  const fs::path json = home.path() / "doctor.json";
  test::Redline doctor(
      home, {"doctor", "-watch=100ms", "-json=" + json.string(),
             fmt::format("-addr=127.0.0.1:{}", state.at("nodes").at(0).at("port").get<int>())});
  EXPECT_EQ(doctor.wait(), 1) << doctor.err();
  EXPECT_THAT(readWholeFile(json).value_or(""), HasSubstr("syncs)"));
  test::Redline down(home, {"stack", "down", "node"});
  EXPECT_EQ(down.wait(), 0);
}

TEST(Doctor, DoesNotBlameTheLoaderForItsLoad) {
  const TemporaryDirectory home;
  test::Redline up(home, {"stack", "up", "node", "-port=0", "-maxmemory=256MB"});
  ASSERT_EQ(up.wait(), 0) << up.err();
  const auto state = Stack(home.path() / "state").load("node");
  ASSERT_TRUE(state);
  const std::string addr = "-addr=" + state->nodes.front().endpoint().text();
  test::Redline load(home, {"loader", addr, "-keys=200k", "-method=rdb"});
  EXPECT_EQ(load.wait(), 0) << load.err();
  test::Redline doctor(home, {"doctor", addr, "-watch=100ms"});
  doctor.wait();
  EXPECT_THAT(doctor.out(), AllOf(HasSubstr("a load (DEBUG"), Not(HasSubstr("slow commands\n"))))
      << "a heading of its own has what is wrong alone";
  test::Redline down(home, {"stack", "down", "node"});
  EXPECT_EQ(down.wait(), 0);
}

TEST(Doctor, AdvisesOnCommandsThatRedisHas) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  for (const CommandRemedy& remedy : allRemedies())
    for (const std::string_view command : splitWords(remedy.commands)) {
      const auto info = admin->command({"COMMAND", "INFO", std::string(command)});
      ASSERT_TRUE(info);
      ASSERT_EQ(info->items.size(), 1U);
      EXPECT_FALSE(info->items.front().items.empty()) << command;
    }
}

TEST(Doctor, WritesNothingToTheDiskOfAServerOnThePortOfADeadOneOfOurs) {
  const TemporaryDirectory home, foreign;
  test::Redline up(
      home, {"stack", "up", "node", "-port=0", "-maxmemory=64MB", "-redis-config=appendonly yes"});
  ASSERT_EQ(up.wait(), 0) << up.err();
  const auto state = Stack(home.path() / "state").load("node");
  ASSERT_TRUE(state);
  const NodeState& ours = state->nodes.front();
  ASSERT_TRUE(sendSignal(ours.process, SIGKILL));
  ASSERT_TRUE(awaitExit(ours.process, 10 * kSecond));
  auto other = GatedChild::spawn({{"redis-server", "--port", std::to_string(ours.port), "--bind",
                                   "127.0.0.1", "--appendonly", "yes"},
                                  foreign.path(),
                                  -1,
                                  -1,
                                  -1,
                                  true});
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->release());
  const ProcessId process = identify(other->pid()).value();
  for (int i = 0; i < 1000 && !Admin::connect(ours.endpoint(), {}); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const fs::path json = home.path() / "doctor.json";
  test::Redline doctor(home, {"doctor", "-watch=100ms", "-json=" + json.string(),
                              "-addr=" + ours.endpoint().text()});
  EXPECT_EQ(doctor.wait(), 1) << doctor.err();
  EXPECT_THAT(readWholeFile(json).value_or(""),
              AllOf(HasSubstr("not one of redline's"), Not(HasSubstr("syncs)"))));
  EXPECT_TRUE(sendSignal(process, SIGKILL));
  awaitExit(process, 10 * kSecond);
  test::Redline down(home, {"stack", "down", "node"});
  EXPECT_EQ(down.wait(), 0);
}

TEST(Doctor, FindsAClusterHealthyAndThenWithoutANode) {
  auto cluster = startCluster();
  ASSERT_TRUE(cluster);
  const Examination healthy = examined(*cluster);
  EXPECT_EQ(healthy.code, 0) << healthy.out << healthy.err;
  EXPECT_EQ(healthy.severity("cluster-state"), "fine");
  EXPECT_EQ(healthy.severity("balance"), "unknown");
  EXPECT_THAT(healthy.out, AllOf(HasSubstr("save points               6 nodes: none"),
                                 Not(HasSubstr("last fork took 0 s"))));
  std::vector<int> ports;
  for (const Json& result : healthy.json.at("results"))
    if (result.at("check") == "limit") {
      const auto subject = result.at("subject").get<std::string>();
      ports.push_back(std::stoi(subject.substr(subject.rfind(':') + 1)));
    }
  EXPECT_EQ(ports.size(), cluster->size()) << "an item for each node";
  EXPECT_TRUE(std::ranges::is_sorted(ports)) << testing::PrintToString(ports);
  for (std::size_t i = 0; i < cluster->size(); ++i) {
    const std::string node = cluster->node(i).endpoint().text();
    EXPECT_EQ(healthy.severity("limit", node), "fine") << node;
    EXPECT_EQ(healthy.severity("replicas", node), i < 3 ? "fine" : "none") << node;
    EXPECT_EQ(healthy.severity("full-slots", node), i < 3 ? "fine" : "none") << node;
    EXPECT_EQ(healthy.severity("replica-link", node), i < 3 ? "none" : "fine") << node;
  }
  ASSERT_TRUE(cluster->node(4).kill());
  const Examination hurt = examined(*cluster);
  EXPECT_EQ(hurt.code, 1);
  EXPECT_EQ(hurt.severity("answer", cluster->node(4).endpoint().text()), "dangerous");
  EXPECT_EQ(hurt.severity("replicas", cluster->node(1).endpoint().text()), "dangerous");
  EXPECT_EQ(hurt.severity("limit", cluster->node(0).endpoint().text()), "fine");
}

// Frozen or dead, a master without a successor keeps its slots: they have an owner.
TEST(Doctor, SaysWhichSlotsAFailedMasterKeepsAndHealsItsStackFirst) {
  const TemporaryDirectory home;
  test::Redline up(home, {"stack", "up", "cluster", "-port=0", "-replicas=0", "-maxmemory=64MB",
                          "-redis-config=cluster-node-timeout 1000"});
  ASSERT_EQ(up.wait(), 0) << up.err();
  const auto state = Stack(home.path() / "state").load("cluster");
  ASSERT_TRUE(state);
  const NodeState& dead = state->nodes[0];
  ASSERT_TRUE(sendSignal(dead.process, SIGKILL));
  ASSERT_TRUE(awaitExit(dead.process, 10 * kSecond));
  auto other = Admin::connect(state->nodes[1].endpoint(), {});
  ASSERT_TRUE(other);
  ASSERT_TRUE(test::eventually([&] {
    const auto info = other->command({"CLUSTER", "INFO"});
    return info && info->text.find("cluster_slots_fail:0") == std::string::npos &&
           info->text.find("cluster_state:fail") != std::string::npos;
  }));
  const fs::path json = home.path() / "doctor.json";
  test::Redline doctor(home, {"doctor", "-watch=100ms", "-json=" + json.string(),
                              "-addr=" + state->nodes[1].endpoint().text()});
  EXPECT_EQ(doctor.wait(), 1) << doctor.err();
  Examination found;
  found.json = Json::parse(readWholeFile(json).value_or("{}"), nullptr, false);
  EXPECT_THAT(found.evidence("cluster-state"),
              AllOf(HasSubstr("5461 of 16384 slots belong to a failed master"),
                    HasSubstr(dead.endpoint().text()), Not(HasSubstr("no owner"))));
  EXPECT_EQ(found.of("cluster-state").at("fix").at(0), "redline stack heal cluster");
  const Json answer = found.of("answer", dead.endpoint().text());
  EXPECT_EQ(answer.at("fix").at(0), "redline stack heal cluster");
  EXPECT_THAT(answer.at("evidence").get<std::string>(),
              testing::EndsWith("nothing listens on " + dead.endpoint().text()));
  test::Redline down(home, {"stack", "down", "cluster"});
  EXPECT_EQ(down.wait(), 0);
}

TEST(Doctor, BlamesNoAclForACommandThatTheServerHasRenamed) {
  const TemporaryDirectory home;
  const auto port = freePort();
  ASSERT_TRUE(port);
  const Endpoint endpoint{"127.0.0.1", *port, {}};
  std::vector<std::string> words{"redis-server", "--bind", "127.0.0.1", "--save", "", "--port"};
  words.push_back(std::to_string(*port));
  for (const char* const command : {"SLOWLOG", "RANDOMKEY", "CONFIG", "PING"})
    words.insert(words.end(), {"--rename-command", command, ""});
  auto server = GatedChild::spawn({words, home.path(), -1, -1, -1, true});
  ASSERT_TRUE(server);
  ASSERT_TRUE(server->release());
  const ProcessId process = identify(server->pid()).value();
  ASSERT_TRUE(test::eventually([&] { return Admin::connect(endpoint, {}).has_value(); }))
      << "a server without PING is one all the same";
  auto admin = Admin::connect(endpoint, {});
  addKeys(*admin, 200);
  const Examination found = examined({"-addr=" + endpoint.text(), "-sample=100"});
  for (const char* const source : {"withheld-settings", "withheld-slow-log", "withheld-keys"}) {
    EXPECT_EQ(found.severity(source), "unknown") << source << found.err;
    EXPECT_THAT(found.of(source).at("fix").at(0).get<std::string>(),
                AllOf(HasSubstr("rename-command"), Not(HasSubstr("SETUSER"))));
  }
  EXPECT_THAT(found.of("limit").at("fix").at(0).get<std::string>(),
              AllOf(HasSubstr(": maxmemory "), HasSubstr("redis.conf")));
  std::string advice = found.out;
  replaceAll(advice, "not by CONFIG SET", "");  // where this machine is busy
  EXPECT_THAT(advice, Not(HasSubstr("CONFIG SET")));
  EXPECT_TRUE(sendSignal(process, SIGKILL));
  awaitExit(process, 10 * kSecond);
}

// docs/permissions.md has these rules.
TEST(Doctor, NeedsNoMoreThanWhatIsDocumentedAndSaysWhatItMisses) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  addHash(*admin, "hash", 10);
  const std::vector<std::string> login{"REDLINE_PASSWORD=secret"};
  ASSERT_TRUE(
      admin->command({"ACL",        "SETUSER", "doctor",        "on",           ">secret",
                      "~*",         "+info",   "+config|get",   "+slowlog|get", "+client|list",
                      "+randomkey", "+scan",   "+memory|usage", "+object|freq", "+type",
                      "+hlen",      "+llen",   "+scard",        "+zcard",       "+xlen"}));
  const Examination whole = examined(*redis, {"-user=doctor"}, login);
  EXPECT_EQ(whole.code, 1) << whole.err;
  for (const Json& result : whole.json.at("results"))
    EXPECT_FALSE(result.at("check").get<std::string>().starts_with("withheld")) << result;

  ASSERT_TRUE(admin->command({"ACL", "SETUSER", "little", "on", ">secret", "+info"}));
  const Examination little = examined(*redis, {"-user=little"}, login);
  for (const char* const source :
       {"withheld-settings", "withheld-slow-log", "withheld-clients", "withheld-keys"})
    EXPECT_EQ(little.severity(source), "unknown") << source;
  EXPECT_EQ(little.severity("limit"), "fine");
  EXPECT_THAT(little.of("withheld-settings").at("effect").get<std::string>(),
              HasSubstr("save points"));

  ASSERT_TRUE(admin->command({"ACL", "SETUSER", "none", "on", ">secret"}));
  const Examination none = examined(*redis, {"-user=none"}, login);
  EXPECT_EQ(none.severity("withheld-info"), "unknown") << none.out << none.err;
  EXPECT_EQ(none.severity("limit"), "none");
}

TEST(Doctor, RepeatsNoPassword) {
  NodeConfig config;
  config.password = "correct-horse-battery";
  auto redis = startRedis(config);
  ASSERT_TRUE(redis);
  const Examination found = examined(*redis, {}, {"REDLINE_PASSWORD=" + config.password});
  EXPECT_EQ(found.severity("limit"), "fine") << found.err;
  EXPECT_THAT(found.out + found.err + found.json.dump(), Not(HasSubstr(config.password)));
  const Examination locked = examined(*redis);
  EXPECT_EQ(locked.code, 1);
  EXPECT_THAT(locked.err, HasSubstr("set REDLINE_PASSWORD"));
  EXPECT_THAT(locked.out, IsEmpty());
}

TEST(Doctor, SaysWhyThereIsNothingToExamine) {
  const Examination nobody = examined({"-addr=127.0.0.1:1"});
  EXPECT_EQ(nobody.code, 1);
  EXPECT_THAT(nobody.err, HasSubstr("127.0.0.1:1"));
  EXPECT_EQ(examined({"-watch=1ms"}).code, 2);
  EXPECT_THAT(examined({"-addr=10.1.2.3:6379"}).err, HasSubstr("-allow"));
}

}  // namespace
}  // namespace redline
