// The driver on a real cluster: routing, redirects, and what it refuses to start on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <sstream>
#include <thread>

#include "base/rng.h"
#include "run/driver_run.h"
#include "server/key_admin.h"
#include "server/slot_map_reading.h"
#include "support/driver_lab.h"
#include "support/load_lab.h"
#include "support/real_redis.h"
#include "workload/keyspace.h"
#include "workload/values.h"

namespace redline {
namespace {

using test::keyOf;
using test::startCluster;
using test::withoutReplicas;
using testing::HasSubstr;

constexpr std::uint64_t kClusterKeys = 2000;

/// Three masters without replicas, and a plan for a short run against them.
struct ClusterLab {
  test::TemporaryDirectory home;
  std::optional<ScopedStack> stack = startCluster({}, withoutReplicas());
  DriverPlan plan;
  std::function<void(const Interval&)> onInterval = [](const Interval&) {};

  ClusterLab() {
    plan.engine.seeds = stack ? stack->endpoints() : std::vector<Endpoint>{{"127.0.0.1", 1, {}}};
    plan.engine.target = plan.engine.seeds.front();
    plan.engine.rate = 2000;
    plan.engine.conns = 5;
    plan.engine.keys = kClusterKeys;
    plan.engine.readShare = 0.5;
    plan.engine.ttlFraction = 0;
    plan.engine.warmup = 0;
    plan.engine.duration = kSecond;
  }

  Admin admin(std::size_t node) const {
    auto made = Admin::connect(stack->node(node).endpoint(), {});
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }

  void fillKeys() const {
    const Values values(plan.engine.seed, plan.engine.valueSize);
    std::vector<std::vector<std::string>> commands;
    for (std::uint64_t id = 0; id < kClusterKeys; ++id) {
      std::string value(plan.engine.valueSize, '\0');
      values.write(value.data(), id, 0);
      commands.push_back({"SET", keyOf(id), value});
    }
    auto keys = KeyAdmin::connect(plan.engine.target, true, {});
    ASSERT_TRUE(keys);
    ASSERT_TRUE(keys->pipeline(commands));
  }

  Result<DriverOutcome> tryRun() {
    RunWatcher watcher;
    watcher.onNote = [](const std::string&) {};
    watcher.onInterval = [this](const Interval& interval, Nanos) { onInterval(interval); };
    watcher.interrupted = [] { return false; };
    static int runs = 0;
    plan.out = home.path() / ("run" + std::to_string(++runs));
    return runDriver(plan, watcher);
  }

  Summary run() {
    auto outcome = tryRun();
    EXPECT_TRUE(outcome) << outcome.error().message;
    if (!outcome) return {};
    EXPECT_TRUE(outcome->status) << outcome->status.error().message;
    test::expectConserved(outcome->summary);
    EXPECT_EQ(outcome->summary.verify.corrupt, 0U);
    return outcome->summary;
  }

  std::string whyNot() {
    const auto outcome = tryRun();
    EXPECT_FALSE(outcome);
    return outcome ? std::string() : outcome.error().message;
  }

  /// Clients of a node that GET or SET just now.
  std::size_t loadConnections(std::size_t node) const {
    const auto list = admin(node).command({"CLIENT", "LIST", "TYPE", "normal"});
    if (!list) return 0;
    std::istringstream lines(list->text);
    std::size_t found = 0;
    for (std::string line; std::getline(lines, line);)
      found += line.find(" cmd=get ") != std::string::npos ||
               line.find(" cmd=set ") != std::string::npos;
    return found;
  }

  /// Calls of GET and SET that the masters have carried out, refused ones not counted.
  double calls() const {
    double sum = 0;
    for (std::size_t i = 0; i < stack->size(); ++i) {
      Admin node = admin(i);
      for (const auto* name : {"cmdstat_get", "cmdstat_set"}) {
        const auto info = node.info({"commandstats"});
        const std::string text(info->text(name));
        if (const auto at = text.find("calls="); at != std::string::npos)
          sum += std::stod(text.substr(at + 6));
      }
    }
    return sum;
  }
};

TEST(ClusterDriver, SlotsAreThoseOfRedisForRandomKeysWithAndWithoutTags) {
  NodeConfig config;
  config.cluster = true;
  const auto redis = test::startRedis(config);
  ASSERT_TRUE(redis);
  auto admin = test::adminOf(*redis);
  ASSERT_TRUE(admin);
  Rng rng(1);
  constexpr std::size_t kAll = 100'000, kPart = 10'000;
  for (std::size_t done = 0; done < kAll; done += kPart) {
    std::vector<std::vector<std::string>> commands;
    for (std::size_t i = 0; i < kPart; ++i) {
      std::string key(rng.below(24), ' ');
      for (char& byte : key) byte = static_cast<char>(rng.below(256));
      // Half of them with braces, wherever they fall.
      if (i % 2 == 1)
        for (const char brace : {'{', '}', rng.below(2) == 0 ? '{' : '}'})
          key.insert(rng.below(key.size() + 1), 1, brace);
      commands.push_back({"CLUSTER", "KEYSLOT", key});
    }
    const auto replies = admin->pipeline(commands);
    ASSERT_TRUE(replies);
    for (std::size_t i = 0; i < kPart; ++i)
      ASSERT_EQ((*replies)[i].integer, hashSlot(commands[i][2]))
          << testing::PrintToString(commands[i][2]);
  }
}

TEST(ClusterDriver, AccountsForEveryOperationAsTheNodesDo) {
  ClusterLab lab;
  if (!lab.stack) return;
  lab.fillKeys();
  // "-conns: … per contacted node in a cluster": not in all, and not for each worker.
  lab.plan.engine.threads = 2;
  lab.plan.engine.interval = 200 * kMillisecond;
  std::vector<std::size_t> most(3);
  lab.onInterval = [&](const Interval&) {
    for (std::size_t node = 0; node < most.size(); ++node)
      most[node] = std::max(most[node], lab.loadConnections(node));
  };
  const double before = lab.calls();
  const Summary summary = lab.run();
  EXPECT_THAT(most, testing::ElementsAre(5, 5, 5));
  EXPECT_EQ(summary.rate.completed, 2000U);
  EXPECT_EQ(summary.cache.misses, 0U);
  EXPECT_EQ(summary.verify.checked, summary.cache.hits);
  // The few keys that were looked at beforehand were not read with GET.
  EXPECT_NEAR(lab.calls() - before, 2000, 0.5);
  ASSERT_EQ(summary.cluster.nodes.size(), 3U);
  ASSERT_EQ(summary.servers.size(), 3U);
  std::uint64_t byNode = 0, slots = 0;
  for (const ClusterNodeFigures& node : summary.cluster.nodes) {
    EXPECT_GT(node.ops, 500U);
    EXPECT_EQ(node.service.count, node.ops);
    byNode += node.ops;
    slots += node.slots;
  }
  EXPECT_EQ(byNode, 2000U);
  EXPECT_EQ(slots, kSlots);
  EXPECT_EQ(summary.cluster.hotSlots.size(), 10U);
  EXPECT_EQ(summary.cluster.moved + summary.cluster.ask, 0U);

  lab.plan.engine.transactions = true;
  lab.plan.engine.pipeline = 4;
  lab.plan.engine.batchWait = 10 * kMillisecond;
  const Summary batches = lab.run();
  EXPECT_EQ(batches.rate.completed, 2000U);
  EXPECT_GT(batches.generator.meanBatch, 3.0);
  EXPECT_EQ(batches.cluster.hotSlots.size(), 10U);
}

/// Some slots of the first node that hold keys, moved by hand to the second during a run. Few, so
/// that they have moved before it ends, on a slow machine too.
class Mover {
 public:
  explicit Mover(const ClusterLab& lab)
      : source_(lab.admin(0)), target_(lab.admin(1)), to_(lab.stack->node(1).endpoint()) {
    sourceId_ = source_.command({"CLUSTER", "MYID"})->text;
    targetId_ = target_.command({"CLUSTER", "MYID"})->text;
    const SlotMap map = readSlotMap(source_)->map;
    for (std::uint64_t id = 0; id < kClusterKeys; ++id) {
      const std::uint16_t slot = hashSlot(keyOf(id));
      const bool isOfSource =
          map.nodes()[map.ownerOf(slot)].address.port == source_.endpoint().port;
      if (isOfSource && (keys_.size() < kSlots || keys_.contains(slot)))
        keys_[slot].push_back(keyOf(id));
    }
  }

  /// Opens the slots and moves their keys: from here on reads of them are answered by ASK.
  void begin() {
    for (const auto& [slot, keys] : keys_) {
      const std::string number = std::to_string(slot);
      ASSERT_TRUE(target_.command({"CLUSTER", "SETSLOT", number, "IMPORTING", sourceId_}));
      ASSERT_TRUE(source_.command({"CLUSTER", "SETSLOT", number, "MIGRATING", targetId_}));
      for (const std::string& key : keys)
        ASSERT_TRUE(source_.command(
            {"MIGRATE", to_.host, std::to_string(to_.port), key, "0", "2000", "REPLACE"}));
    }
  }
  /// Whether the source has answered ASK.
  bool hasLedElsewhere() {
    const auto info = source_.info({"errorstats"});
    return info && !info->text("errorstat_ASK").empty();
  }
  /// Gives the slots to the target: from here on the source answers MOVED.
  void end() {
    for (const auto& [slot, keys] : keys_)
      for (Admin* const node : {&target_, &source_})
        ASSERT_TRUE(node->command({"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", targetId_}));
  }

 private:
  static constexpr std::size_t kSlots = 120;

  Admin source_, target_;
  Endpoint to_;
  std::string sourceId_, targetId_;
  std::map<std::uint16_t, std::vector<std::string>> keys_;
};

void moveDuringARun(bool transactions) {
  ClusterLab lab;
  if (!lab.stack) return;
  lab.fillKeys();
  lab.plan.engine.duration = 3 * kSecond;
  lab.plan.engine.transactions = transactions;
  if (transactions) {
    lab.plan.engine.pipeline = 3;
    lab.plan.engine.batchWait = 5 * kMillisecond;
  }
  Mover mover(lab);
  std::thread hand([&, before = lab.calls()] {
    (void)test::eventually([&] { return lab.calls() > before; });
    mover.begin();
    (void)test::eventually([&] { return mover.hasLedElsewhere(); });
    mover.end();
  });
  const Summary summary = lab.run();
  hand.join();
  EXPECT_EQ(summary.rate.completed, 6000U);
  EXPECT_EQ(summary.cache.misses, 0U);
  EXPECT_GT(summary.cluster.moved, 0U);
  EXPECT_GT(summary.cluster.ask, 0U);
}

TEST(ClusterDriver, FollowsSlotsThatAreMovedUnderIt) {
  moveDuringARun(false);
}

TEST(ClusterDriver, FollowsThemWithWholeTransactions) {
  moveDuringARun(true);
}

TEST(ClusterDriver, ABacklogThatIsFullIsAReasonNotToBelieveTheRun) {
  ClusterLab lab;
  if (!lab.stack) return;
  lab.fillKeys();
  lab.plan.engine.rate = 5000;
  lab.plan.engine.maxBacklog = 200;
  lab.plan.engine.interval = 100 * kMillisecond;
  lab.plan.engine.duration = 1500 * kMillisecond;
  // One node hangs for 0.8 s, in which about 1,300 operations fall due for it.
  bool hung = false;
  lab.onInterval = [&](const Interval&) {
    if (std::exchange(hung, true)) return;
    ASSERT_TRUE(lab.stack->node(1).signal(SIGSTOP));
    std::this_thread::sleep_for(std::chrono::milliseconds(800));
    ASSERT_TRUE(lab.stack->node(1).signal(SIGCONT));
  };
  const Summary full = lab.run();
  EXPECT_FALSE(full.valid);
  EXPECT_THAT(full.invalidReasons,
              testing::Contains(testing::Field(&Reason::code, ReasonCode::backlogFull)));

  // With room for them the same stall is the server's, and no reason of this kind.
  hung = false;
  lab.plan.engine.maxBacklog = 100'000;
  EXPECT_THAT(
      lab.run().invalidReasons,
      testing::Not(testing::Contains(testing::Field(&Reason::code, ReasonCode::backlogFull))));
}

TEST(ClusterDriver, RefusesWhatIsNoWholeClusterOfThisMachine) {
  ClusterLab lab;
  if (!lab.stack) return;
  lab.plan.engine.duration = kSecond / 2;
  const std::string first = lab.plan.engine.target.text();

  // A node, where a single server was meant; and the other way round.
  const auto seeds = std::exchange(lab.plan.engine.seeds, {});
  EXPECT_THAT(lab.whyNot(), HasSubstr("leave out -topology=node"));
  const auto single = test::startRedis();
  ASSERT_TRUE(single);
  lab.plan.engine.seeds = {single->endpoint()};
  EXPECT_THAT(lab.whyNot(), HasSubstr("is not a node of a cluster: use -topology=node"));

  // A seed that is gone does no harm while another answers.
  lab.plan.engine.seeds = {{"127.0.0.1", 1, {}}, seeds[1]};
  lab.run();
  lab.plan.engine.seeds = {{"127.0.0.1", 1, {}}};
  EXPECT_THAT(lab.whyNot(), HasSubstr("127.0.0.1:1"));
  lab.plan.engine.seeds = {{"192.0.2.1", 6379, {}}, seeds[1]};
  EXPECT_THAT(lab.whyNot(), HasSubstr("192.0.2.1:6379 is not on this machine"));

  // Addresses that the cluster announces, and that are somewhere else, or nowhere.
  lab.plan.engine.seeds = seeds;
  Admin second = lab.admin(1);
  ASSERT_TRUE(second.configSet("cluster-announce-ip", "192.0.2.7"));
  lab.plan.engine.seeds = {seeds[1]};
  EXPECT_THAT(lab.whyNot(), HasSubstr("set its cluster-announce-ip"));
  ASSERT_TRUE(second.configSet("cluster-announce-ip", ""));
  ASSERT_TRUE(second.configSet("cluster-announce-port", "1"));
  EXPECT_THAT(lab.whyNot(), HasSubstr("127.0.0.1:1"));
  ASSERT_TRUE(second.configSet("cluster-announce-port", "0"));

  // A slot without an owner, by number.
  lab.plan.engine.seeds = seeds;
  ASSERT_TRUE(lab.admin(0).command({"CLUSTER", "DELSLOTS", "7", "8"}));
  EXPECT_THAT(lab.whyNot(), HasSubstr("2 of 16384 slots have no owner (7-8), as " + first));
  ASSERT_TRUE(lab.admin(0).command({"CLUSTER", "ADDSLOTS", "7", "8"}));

  // A master that has just died, so that the others do not know yet.
  ASSERT_TRUE(lab.stack->node(2).kill());
  EXPECT_THAT(lab.whyNot(),
              testing::AnyOf(HasSubstr(seeds[2].text() + " with 5462 slots, which cannot be used"),
                             HasSubstr("cluster_state:fail")));
}

TEST(ClusterDriver, RefillsAMissAtTheKeysOwnMaster) {
  ClusterLab lab;
  ASSERT_TRUE(lab.stack);
  lab.plan.engine.readShare = 1;
  lab.plan.engine.rate = 5000;
  lab.plan.engine.onMiss = OnMiss::refill;
  const Summary s = lab.run();  // from empty: every key is missed once or twice, and then is there
  EXPECT_GT(s.cache.hits, 2'000U);
  EXPECT_GE(s.cache.misses, kClusterKeys / 2);
  EXPECT_EQ(s.cache.refills, s.cache.misses);
  EXPECT_EQ(s.cluster.moved + s.cluster.ask, 0U);
  EXPECT_EQ(s.rate.completed, 5'000U);
  std::uint64_t keys = 0;
  for (std::size_t node = 0; node < lab.stack->size(); ++node) {
    const auto held = lab.admin(node).command({"DBSIZE"});
    ASSERT_TRUE(held);
    EXPECT_GT(held->integer, 0);
    keys += static_cast<std::uint64_t>(held->integer);
  }
  EXPECT_LE(keys, s.cache.refills);
  EXPECT_GE(keys, kClusterKeys / 2);
}

TEST(ClusterDriver, NeedsTheSlotMapBesideGetAndSet) {
  ClusterLab lab;
  ASSERT_TRUE(lab.stack);
  lab.fillKeys();
  for (std::size_t node = 0; node < lab.stack->size(); ++node)
    ASSERT_TRUE(lab.admin(node).command({"ACL", "SETUSER", "lab", "on", ">secret", "~obj:*", "+get",
                                         "+set", "+asking", "+cluster|shards"}));
  lab.plan.engine.credentials = {"lab", "secret"};
  const Summary s = lab.run();
  EXPECT_EQ(s.rate.completed, s.rate.scheduled);
  EXPECT_TRUE(s.servers.empty());
  EXPECT_THAT(s.notes, testing::Contains(HasSubstr("+info")));
}

}  // namespace
}  // namespace redline
