// redline top watches real servers under real load.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "cluster/hash_slot.h"
#include "os/files.h"
#include "server/cluster_admin.h"
#include "server/free_port.h"
#include "server/key_admin.h"
#include "support/load_lab.h"
#include "support/pseudo_terminal.h"
#include "support/real_redis.h"
#include "support/redline_process.h"

namespace redline {
namespace {

using test::adminOf;
using test::eventually;
using test::OnTerminal;
using test::startCluster;
using test::startRedis;
using test::TemporaryDirectory;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

/// What `redline top` printed, and its lines of JSON.
struct Watched {
  int code = -1;
  std::string out, err;
  std::vector<Json> lines;

  Json last() const { return lines.empty() ? Json::object() : lines.back(); }
};

std::vector<Json> jsonLines(const std::string& text) {
  std::vector<Json> lines;
  for (const std::string_view line : splitLines(text)) {
    Json json = Json::parse(line, nullptr, false);
    if (!json.is_discarded()) lines.push_back(std::move(json));
  }
  return lines;
}

Watched watchedOnce(const std::string& addr, std::vector<std::string> more = {},
                    const std::vector<std::string>& settings = {}) {
  const TemporaryDirectory home;
  const auto json = home.path() / "top.jsonl";
  std::vector<std::string> args{"top", "-once", "-addr=" + addr, "-json=" + json.string()};
  args.insert(args.end(), more.begin(), more.end());
  test::Redline top(home, args, settings);
  Watched watched;
  watched.code = top.wait();
  watched.out = top.out();
  watched.err = top.err();
  watched.lines = jsonLines(readWholeFile(json).value_or(""));
  return watched;
}

/// Sends the same commands over and over until it goes.
class Load {
 public:
  Load(const Endpoint& server, std::vector<std::vector<std::string>> commands)
      : thread_([this, server, commands = std::move(commands)] {
          auto admin = Admin::connect(server, {});
          if (!admin) return;
          while (!stop_ && admin->pipeline(commands)) rounds_ += 1;
        }) {}
  ~Load() {
    stop_ = true;
    thread_.join();
  }
  std::uint64_t rounds() const { return rounds_; }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> rounds_{0};
  std::thread thread_;
};

void makeKeys(Admin& admin, std::size_t count) {
  std::vector<std::vector<std::string>> commands;
  for (std::size_t i = 0; i < count; ++i)
    commands.push_back({"SET", fmt::format("obj:{}", i), "x"});
  ASSERT_TRUE(admin.pipeline(commands));
}

void makeBigHash(Admin& admin, const std::string& name, std::size_t fields) {
  std::vector<std::string> command{"HSET", name};
  for (std::size_t i = 0; i < fields; ++i)
    command.insert(command.end(), {fmt::format("field:{}", i), "value"});
  ASSERT_TRUE(admin.command(command));
}

TEST(Top, ShowsTheLoadAndTheBigKeyOfAServer) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  makeKeys(*admin, 500);
  makeBigHash(*admin, "big:\x1b[2J", 60'000);
  std::vector<std::vector<std::string>> reads(30, {"GET", "obj:1"});
  reads.insert(reads.end(), 10, {"GET", "missing"});
  const Load load(redis->endpoint(), reads);
  ASSERT_TRUE(eventually([&] { return load.rounds() > 10; }));
  const Watched watched = watchedOnce(redis->endpoint().text());
  ASSERT_EQ(watched.code, 0) << watched.err;
  const Json last = watched.last();
  const Json& all = last.at("all");
  EXPECT_GT(all.at("ops_per_s").get<double>(), 100);
  EXPECT_NEAR(all.at("hit_rate").get<double>(), 0.75, 0.01);
  EXPECT_GT(all.at("main_thread_busy").get<double>(), 0);
  const Json& big = last.at("big_keys").at(0);
  EXPECT_EQ(big.at("elements"), 60'000);
  EXPECT_EQ(big.at("command"), "HGETALL");
  EXPECT_TRUE(last.at("keys_all_seen"));
  EXPECT_THAT(watched.out,
              AllOf(HasSubstr("big:\\x1b[2J"), HasSubstr("HGETALL blocks about"),
                    HasSubstr("this view costs"), HasSubstr("only an LFU policy counts uses"),
                    HasSubstr("obj:*"), Not(HasSubstr("\x1b"))));
}

TEST(Top, CountsABigKeyOnceThatIsTheOnlyOneOfItsPrefix) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  makeKeys(*admin, 60'000);
  for (int i = 0; i < 10; ++i) makeBigHash(*admin, fmt::format("b{}:h", i), 10'000);
  const Watched watched = watchedOnce(redis->endpoint().text(), {"-budget=5%"});
  ASSERT_EQ(watched.code, 0) << watched.err;
  const Json last = watched.last();
  ASSERT_FALSE(last.at("keys_all_seen"));
  double bytes = 0;
  for (const Json& family : last.at("prefixes")) {
    bytes += family.at("bytes").get<double>();
    if (family.at("prefix") != "obj:*") {
      EXPECT_EQ(family.at("keys"), 1) << family;
    }
  }
  EXPECT_LE(bytes, last.at("all").at("memory_bytes").get<double>());
}

TEST(Top, FindsTheHotKeyAndItsSlotInAClusterThatCountsUses) {
  NodeConfig config;
  config.policy = "allkeys-lfu";
  auto cluster = startCluster(config);
  ASSERT_TRUE(cluster);
  const Endpoint seed = cluster->endpoint();
  auto keys = KeyAdmin::connect(seed, true, {});
  ASSERT_TRUE(keys);
  std::vector<std::vector<std::string>> writes;
  for (int i = 0; i < 900; ++i) writes.push_back({"SET", fmt::format("obj:{}", i), "x"});
  ASSERT_TRUE(keys->pipeline(writes));
  const std::uint16_t slot = hashSlot("obj:7");
  auto nodes = ClusterAdmin::connect(std::span(&seed, 1), {});
  ASSERT_TRUE(nodes);
  const auto view = nodes->view();
  ASSERT_TRUE(view);
  const Endpoint owner = view->ownerOf(slot)->endpoint;
  const Load load(owner, std::vector<std::vector<std::string>>(1000, {"GET", "obj:7"}));
  ASSERT_TRUE(eventually([&] { return load.rounds() > 20; }, 60 * kSecond));
  const Watched watched = watchedOnce(cluster->node(1).endpoint().text(), {"-interval=2s"});
  ASSERT_EQ(watched.code, 0) << watched.err;
  const Json last = watched.last();
  EXPECT_EQ(last.at("nodes").size(), 6U);
  ASSERT_FALSE(last.at("hot_keys").empty()) << last;
  EXPECT_EQ(last.at("hot_keys").at(0).at("key"), "obj:7");
  EXPECT_EQ(last.at("hot_keys").at(0).at("addr"), owner.text());
  EXPECT_GT(last.at("hot_keys").at(0).at("share").get<double>(), 0.5);
  EXPECT_EQ(last.at("hot_slots").at(0).at("slot"), slot);
  double most = 0;
  std::string busiest;
  for (const Json& node : last.at("nodes"))
    if (node.at("role") == "master" && node.at("ops_per_s").get<double>() > most) {
      most = node.at("ops_per_s").get<double>();
      busiest = node.at("addr");
    }
  EXPECT_EQ(busiest, owner.text());
}

TEST(Top, ShowsSlotsByKeysWhereNothingCountsUses) {
  auto cluster = startCluster({}, test::withoutReplicas());
  ASSERT_TRUE(cluster);
  auto keys = KeyAdmin::connect(cluster->endpoint(), true, {});
  ASSERT_TRUE(keys);
  std::vector<std::vector<std::string>> writes;
  for (int i = 0; i < 300; ++i) writes.push_back({"SET", fmt::format("{{tag}}:{}", i), "x"});
  ASSERT_TRUE(keys->pipeline(writes));
  const TemporaryDirectory home;
  test::Redline top(home, {"top", "-addr=" + cluster->endpoint().text(), "-interval=100ms",
                           "-json=" + (home.path() / "top.jsonl").string()});
  const auto slots = [&] {
    const auto lines = jsonLines(readWholeFile(home.path() / "top.jsonl").value_or(""));
    return lines.empty() ? Json::array() : lines.back().at("hot_slots");
  };
  // 512 slots of each master in an interval: it takes a while until each has been counted.
  EXPECT_TRUE(eventually([&] { return !slots().empty(); }, 60 * kSecond));
  ASSERT_FALSE(slots().empty());
  EXPECT_EQ(slots().at(0).at("slot"), hashSlot("{tag}"));
  EXPECT_EQ(slots().at(0).at("keys"), 300);
  top.interrupt();
  EXPECT_EQ(top.wait(), 0) << top.err();
}

TEST(Top, PrintsLinesAndEventsAsTheyComeWhereThereIsNoTerminal) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  ASSERT_TRUE(admin->command({"DEBUG", "SLEEP", "0.02"}));       // before: nobody's news
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // Redis's events are by the second
  const TemporaryDirectory home;
  test::Redline top(home, {"top", "-addr=" + redis->endpoint().text(), "-interval=200ms"});
  ASSERT_TRUE(eventually([&] { return splitLines(top.out()).size() > 2; }));
  EXPECT_THAT(top.out(), Not(HasSubstr("DEBUG SLEEP")));
  ASSERT_TRUE(admin->command({"DEBUG", "SLEEP", "0.051"}));
  EXPECT_TRUE(eventually([&] { return top.out().find("DEBUG SLEEP 0.051") != std::string::npos; }))
      << top.out();
  ASSERT_TRUE(admin->command({"CLIENT", "SETNAME", "redline-sampler"}));
  ASSERT_TRUE(admin->command({"DEBUG", "SLEEP", "0.052"}));
  ASSERT_TRUE(admin->command({"CLIENT", "SETNAME", "redline-chaos"}));
  ASSERT_TRUE(admin->command({"DEBUG", "SLEEP", "0.053"}));
  EXPECT_TRUE(eventually([&] { return top.out().find("DEBUG SLEEP 0.053") != std::string::npos; }))
      << "a fault is the cause of a stall: " << top.out();
  EXPECT_THAT(top.out(), Not(HasSubstr("DEBUG SLEEP 0.052")));
  EXPECT_TRUE(eventually([&] { return top.out().find("latency event") != std::string::npos; }))
      << top.out();
  EXPECT_THAT(top.out(), AllOf(HasSubstr("ops/s"), Not(HasSubstr("\x1b"))));
  top.interrupt();
  EXPECT_EQ(top.wait(), 0) << top.err();
}

TEST(Top, SendsNothingThatWritesAndCountsAllThatItSends) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  makeKeys(*admin, 300);
  makeBigHash(*admin, "hash", 20'000);
  ASSERT_TRUE(admin->configSet("maxmemory-policy", "allkeys-lfu"));
  const auto digest = admin->command({"DEBUG", "DIGEST"});
  ASSERT_TRUE(admin->command({"CONFIG", "RESETSTAT"}));
  const TemporaryDirectory home;
  const auto json = home.path() / "top.jsonl";
  test::Redline top(home, {"top", "-addr=" + redis->endpoint().text(), "-interval=200ms",
                           "-json=" + json.string()});
  const auto lines = [&] { return jsonLines(readWholeFile(json).value_or("")); };
  ASSERT_TRUE(eventually([&] { return lines().size() >= 15; }, 30 * kSecond));
  top.interrupt();
  ASSERT_EQ(top.wait(), 0) << top.err();
  const auto info = admin->info({"commandstats", "stats"});
  ASSERT_TRUE(info);
  const std::set<std::string, std::less<>> readers{"ping",
                                                   "info",
                                                   "config|get",
                                                   "slowlog|get",
                                                   "latency|latest",
                                                   "latency|history",
                                                   "client|setname",
                                                   "scan",
                                                   "type",
                                                   "memory|usage",
                                                   "object|freq",
                                                   "hlen",
                                                   "config|resetstat",
                                                   "cluster|info"};
  double commands = 0, us = 0;
  for (const auto& [command, stat] : info->commandStats) {
    EXPECT_TRUE(readers.contains(command)) << command;
    commands += static_cast<double>(stat.calls);
    us += stat.usec;
  }
  // Each line is of the 200 ms or so before it.
  double said = 0, saidUs = 0;
  const auto all = lines();
  for (const Json& line : all) {
    const Json& cost = line.at("observation");
    if (cost.at("commands_per_s").is_null()) continue;  // there is no reading before
    said += 0.2 * cost.at("commands_per_s").get<double>();
    saidUs += 0.2 * cost.at("server_us_per_s").get<double>();
    EXPECT_LT(line.at("all").value("ops_per_s", Json(0)).is_null()
                  ? 0
                  : line.at("all").at("ops_per_s").get<double>(),
              50)
        << "its own commands are not load";
  }
  EXPECT_GT(said, commands / 3);
  EXPECT_LT(said, commands * 1.5);
  EXPECT_GT(saidUs, us / 4);
  EXPECT_EQ(admin->command({"DEBUG", "DIGEST"})->text, digest->text);
}

TEST(Top, KeepsToItsBudget) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  for (int i = 0; i < 4; ++i) makeKeys(*admin, 20'000);
  const auto looked = [&](const std::string& budget) {
    return watchedOnce(redis->endpoint().text(), {"-budget=" + budget})
        .last()
        .at("keys_looked_at")
        .get<std::uint64_t>();
  };
  const std::uint64_t few = looked("0.1%"), many = looked("2%");
  EXPECT_GT(few, 0U);
  EXPECT_LT(few, many);
  EXPECT_LT(few, 1000U);
}

TEST(Top, ShowsANodeThatHasDiedAndWatchesTheOthers) {
  auto cluster = startCluster();
  ASSERT_TRUE(cluster);
  const TemporaryDirectory home;
  const auto json = home.path() / "top.jsonl";
  test::Redline top(home, {"top", "-addr=" + cluster->endpoint().text(), "-interval=200ms",
                           "-json=" + json.string()});
  const std::string victim = cluster->node(4).endpoint().text();
  const auto problem = [&]() -> std::string {
    const auto lines = jsonLines(readWholeFile(json).value_or(""));
    if (lines.empty()) return "no line yet";
    for (const Json& node : lines.back().at("nodes"))
      if (node.at("addr") == victim) return node.value("problem", "");
    return "not shown";
  };
  ASSERT_TRUE(eventually([&] { return problem().empty(); }, 30 * kSecond)) << problem();
  ASSERT_TRUE(cluster->node(4).kill());
  const std::size_t then = top.out().size();
  EXPECT_TRUE(eventually([&] { return problem().find(victim) != std::string::npos; }, 30 * kSecond))
      << problem();
  const auto lines = [&](std::string_view words) {
    const std::string out = top.out();
    return std::ranges::count_if(splitLines(std::string_view(out).substr(then)),
                                 [&](std::string_view line) {
                                   return line.find("  " + victim + "  ") != std::string::npos &&
                                          line.find(words) != std::string::npos;
                                 });
  };
  const auto views = [&] { return jsonLines(readWholeFile(json).value_or("")).size(); };
  const std::size_t more = views() + 10;
  ASSERT_TRUE(eventually([&] { return views() >= more; }, 30 * kSecond));
  // One line for each thing that is wrong, and not for each view: a PING may have been under way.
  EXPECT_EQ(lines("nothing listens"), 1) << top.out();
  EXPECT_LE(lines("was lost"), 1) << top.out();
  EXPECT_EQ(lines(""), 1 + lines("was lost")) << top.out();
  ASSERT_TRUE(cluster->restart(4));
  EXPECT_TRUE(eventually([&] { return problem().empty(); }, 30 * kSecond)) << problem();
  EXPECT_TRUE(eventually([&] { return lines("answers") == 1; }, 30 * kSecond)) << top.out();
  top.interrupt();
  EXPECT_EQ(top.wait(), 0) << top.err();
}

TEST(Top, SaysThatSlotsAreNotServed) {
  auto cluster = startCluster({}, test::withoutReplicas());
  ASSERT_TRUE(cluster);
  const TemporaryDirectory home;
  const auto json = home.path() / "top.jsonl";
  test::Redline top(home, {"top", "-addr=" + cluster->endpoint().text(), "-interval=200ms",
                           "-json=" + json.string()});
  const auto last = [&] {
    const auto lines = jsonLines(readWholeFile(json).value_or(""));
    return lines.empty() ? Json::object() : lines.back();
  };
  ASSERT_TRUE(eventually([&] { return last().value("cluster_state", "") == "ok"; }, 30 * kSecond));
  ASSERT_TRUE(cluster->node(2).kill());
  EXPECT_TRUE(eventually([&] { return last().value("slots_failed", 0) > 5000; }, 60 * kSecond))
      << last();
  EXPECT_EQ(last().value("cluster_state", ""), "fail");
  EXPECT_TRUE(eventually([&] {
    return top.out().find("cluster_state fail: 546") != std::string::npos;
  })) << top.out();
  top.interrupt();
  EXPECT_EQ(top.wait(), 0) << top.err();
}

TEST(Top, ShowsNoOldFiguresOfAFrozenServerAndMakesUpForNothing) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  makeKeys(*admin, 20'000);
  const TemporaryDirectory home;
  const auto json = home.path() / "top.jsonl";
  test::Redline top(home, {"top", "-addr=" + redis->endpoint().text(), "-interval=400ms",
                           "-budget=0.1%", "-json=" + json.string()});
  const auto views = [&] { return jsonLines(readWholeFile(json).value_or("")); };
  const auto figures = [&](std::size_t from) {
    std::vector<double> rates;
    const auto all = views();
    for (std::size_t i = from; i < all.size(); ++i)
      if (!all[i].at("all").at("ops_per_s").is_null())
        rates.push_back(all[i].at("observation").at("commands_per_s").get<double>());
    return rates;
  };
  ASSERT_TRUE(eventually([&] { return figures(0).size() >= 5; }, 30 * kSecond));
  const double usual = std::ranges::max(figures(0));
  const std::size_t frozen = views().size();
  ASSERT_TRUE(redis->node().signal(SIGSTOP));
  EXPECT_TRUE(eventually([&] { return views().size() >= frozen + 8; }, 30 * kSecond));
  ASSERT_TRUE(redis->node().signal(SIGCONT));
  const auto all = views();
  std::size_t current = 0;
  for (std::size_t i = frozen; i < frozen + 8; ++i) {
    if (all[i].at("all").at("memory_bytes").is_null()) {
      EXPECT_THAT(all[i].at("nodes").at(0).value("problem", ""), HasSubstr("no reading for"));
    } else {
      ++current;
    }
  }
  EXPECT_LE(current, 4U) << "a reading counts for two intervals";
  ASSERT_TRUE(eventually([&] { return figures(frozen + 8).size() >= 5; }, 30 * kSecond));
  EXPECT_LT(std::ranges::max(figures(frozen + 8)), 3 * usual);
  top.interrupt();
  EXPECT_EQ(top.wait(), 0) << top.err();
}

// docs/permissions.md has these rules.
TEST(Top, NeedsInfoAloneAndSaysWhatItMisses) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  makeBigHash(*admin, "hash", 20'000);
  const std::vector<std::string> login{"REDLINE_PASSWORD=secret"};
  ASSERT_TRUE(admin->command({"ACL", "SETUSER", "little", "on", ">secret", "+info"}));
  const Watched little = watchedOnce(redis->endpoint().text(), {"-user=little"}, login);
  ASSERT_EQ(little.code, 0) << little.err;
  EXPECT_THAT(little.out,
              AllOf(HasSubstr("keys cannot be read"), HasSubstr("the slow log cannot be read"),
                    HasSubstr("latency events cannot be read")));
  ASSERT_TRUE(admin->command({"ACL",
                              "SETUSER",
                              "watcher",
                              "on",
                              ">secret",
                              "~*",
                              "+info",
                              "+config|get",
                              "+slowlog|get",
                              "+latency|latest",
                              "+latency|history",
                              "+scan",
                              "+memory|usage",
                              "+object|freq",
                              "+type",
                              "+hlen",
                              "+llen",
                              "+scard",
                              "+zcard",
                              "+xlen"}));
  const Watched whole = watchedOnce(redis->endpoint().text(), {"-user=watcher"}, login);
  EXPECT_THAT(whole.out, AllOf(Not(HasSubstr("cannot be read")), HasSubstr("hash of 20k")));
  ASSERT_TRUE(admin->command({"ACL", "SETUSER", "none", "on", ">secret"}));
  const Watched none = watchedOnce(redis->endpoint().text(), {"-user=none"}, login);
  EXPECT_EQ(none.code, 1) << "there is no figure";
  EXPECT_THAT(none.out, AllOf(HasSubstr("INFO is refused"), HasSubstr("the user needs +info"),
                              HasSubstr("NOPERM"), HasSubstr("nor are the servers' roles"),
                              Not(HasSubstr("masters alone")), Not(HasSubstr("only an LFU"))));
  EXPECT_EQ(none.last().at("maxmemory_policy"), "");
  EXPECT_EQ(none.last().at("nodes").at(0).at("role"), "");
}

TEST(Top, WritesLinesOfJsonAloneToStandardOutput) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  const TemporaryDirectory home;
  test::Redline top(home,
                    {"top", "-addr=" + redis->endpoint().text(), "-interval=100ms", "-json=-"});
  ASSERT_TRUE(eventually([&] { return splitLines(top.out()).size() >= 4; }));
  top.interrupt();
  EXPECT_EQ(top.wait(), 0);
  EXPECT_EQ(jsonLines(top.out()).size(), splitLines(trim(top.out())).size());
}

TEST(Top, SaysWhyThereIsNothingToWatch) {
  EXPECT_THAT(watchedOnce("127.0.0.1:1").err, HasSubstr("127.0.0.1:1"));
  EXPECT_EQ(watchedOnce("127.0.0.1:1", {"-budget=0"}).code, 2);
  NodeConfig config;
  config.password = "correct-horse-battery";
  auto redis = startRedis(config);
  ASSERT_TRUE(redis);
  EXPECT_THAT(watchedOnce(redis->endpoint().text()).err, HasSubstr("set REDLINE_PASSWORD"));
  const Watched watched =
      watchedOnce(redis->endpoint().text(), {}, {"REDLINE_PASSWORD=" + config.password});
  EXPECT_EQ(watched.code, 0) << watched.err;
  EXPECT_THAT(watched.out + watched.err, Not(HasSubstr(config.password)));
}

TEST(Top, WatchesARunByItsMetrics) {
  auto redis = startRedis();
  ASSERT_TRUE(redis);
  const TemporaryDirectory home;
  const auto port = freePort();
  ASSERT_TRUE(port);
  const std::string metrics = fmt::format("-metrics=127.0.0.1:{}", *port);
  test::Redline driver(home, {"driver", "-addr=" + redis->endpoint().text(), "-keys=100",
                              "-rate=2k", "-duration=60s", "-warmup=0s", "-interval=100ms",
                              "-conns=4", metrics, "-out=" + (home.path() / "run").string()});
  const auto once = [&] {
    test::Redline top(home, {"top", metrics, "-once", "-interval=500ms",
                             "-json=" + (home.path() / "top.jsonl").string()});
    return top.wait();
  };
  ASSERT_TRUE(eventually([&] { return once() == 0; }, 30 * kSecond));
  const auto rate = [&] {
    const auto lines = jsonLines(readWholeFile(home.path() / "top.jsonl").value_or(""));
    const Json achieved = lines.empty() ? Json() : lines.back().at("achieved_per_s");
    return achieved.is_number() ? achieved.get<double>() : 0;
  };
  EXPECT_TRUE(eventually([&] { return once() == 0 && rate() > 200; }, 30 * kSecond)) << rate();
  const Json line = jsonLines(readWholeFile(home.path() / "top.jsonl").value_or("")).back();
  EXPECT_EQ(line.at("run"), "run");
  EXPECT_EQ(line.at("target_per_s"), 2000);
  EXPECT_GT(line.at("response").at("p99_s").get<double>(), 0);
  EXPECT_EQ(line.at("nodes").at(0).at("addr"), redis->endpoint().text());
  driver.interrupt();
  (void)driver.wait();
  test::Redline after(home, {"top", metrics, "-once"});
  EXPECT_EQ(after.wait(), 1);
  EXPECT_THAT(after.err(), HasSubstr("127.0.0.1"));
}

/// `redline top` on a terminal, when its first screen is there.
class TopOnTerminal : public testing::Test {
 protected:
  void SetUp() override {
    redis_ = startRedis();
    ASSERT_TRUE(redis_);
    top_ = std::make_unique<OnTerminal>(
        home_,
        std::vector<std::string>{"top", "-addr=" + redis_->endpoint().text(), "-interval=200ms"});
    EXPECT_THAT(top_->awaitText("this view costs"), HasSubstr("\x1b[?1049h"));
    EXPECT_FALSE(top_->isPlain());
  }
  /// The terminal is as it was.
  void expectRestored() {
    EXPECT_TRUE(eventually([&] { return top_->output().ends_with("\x1b[?25h\x1b[?1049l"); }))
        << top_->output();
    EXPECT_TRUE(eventually([&] { return top_->isPlain(); }));
  }

  TemporaryDirectory home_;
  std::optional<ScopedStack> redis_;
  std::unique_ptr<OnTerminal> top_;
};

TEST_F(TopOnTerminal, EndsOnQ) {
  top_->type("x");
  top_->type("q");
  EXPECT_EQ(top_->wait(), 0);
  expectRestored();
}

TEST_F(TopOnTerminal, EndsOnControlC) {
  top_->type("\x03");
  EXPECT_EQ(top_->wait(), 0);
  expectRestored();
}

TEST_F(TopOnTerminal, RestoresTheTerminalEvenWhenItIsKilled) {
  top_->signal(SIGKILL);
  EXPECT_EQ(top_->wait(), -1);
  expectRestored();
}

TEST_F(TopOnTerminal, DrawsAgainInAnotherSize) {
  top_->resize(12, 40);
  const std::size_t before = top_->output().size();
  ASSERT_TRUE(eventually([&] { return top_->output().size() > before + 200; }));
  const std::string output = top_->output();
  const std::string screen = output.substr(output.rfind("\x1b[H"));
  EXPECT_LE(std::ranges::count(screen, '\n'), 12);
  top_->type("q");
  EXPECT_EQ(top_->wait(), 0);
}

TEST_F(TopOnTerminal, ShowsAServerThatHasGoneAndThatIsBack) {
  ASSERT_TRUE(redis_->node().kill());
  (void)top_->awaitText("nothing listens");
  ASSERT_TRUE(redis_->restart());
  const std::size_t then = top_->output().size();
  EXPECT_TRUE(eventually([&] {
    return top_->output().find("no limit", then) != std::string::npos ||
           top_->output().find("of limit", then) != std::string::npos;
  }));
  top_->type("q");
  EXPECT_EQ(top_->wait(), 0);
  expectRestored();
}

}  // namespace
}  // namespace redline
