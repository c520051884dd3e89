// The loader on a real cluster: the same data set as on a node, whatever the cluster does
// meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "chaos/bracket.h"
#include "chaos/chaos_plan.h"
#include "run/load_method.h"
#include "run/load_run.h"
#include "run/replica_wait.h"
#include "rundir/run_dir_reader.h"
#include "server/cluster_admin.h"
#include "server/key_admin.h"
#include "server/slot_map_reading.h"
#include "support/load_lab.h"
#include "support/real_redis.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

using test::expectGood;
using test::flush;
using test::kMegabyte;
using test::load;
using test::startCluster;
using test::withoutReplicas;
using testing::HasSubstr;

LoadRunPlan planFor(std::vector<Endpoint> seeds, std::uint64_t keys = 20'000) {
  LoadRunPlan plan = test::loadPlan(seeds.front(), keys);
  plan.load.seeds = std::move(seeds);
  plan.load.conns = 4;
  return plan;
}

std::string whyNot(const LoadRunPlan& plan) {
  const auto outcome = load(plan);
  EXPECT_FALSE(outcome);
  return outcome ? std::string() : outcome.error().message;
}

using Digest = std::array<std::uint8_t, 20>;

Digest digestOf(const Node& node) {
  Digest digest{};
  auto admin = Admin::connect(node.endpoint(), {});
  EXPECT_TRUE(admin) << admin.error().message;
  if (!admin) return digest;
  const auto reply = admin->command({"DEBUG", "DIGEST"}, 60 * kSecond);
  EXPECT_TRUE(reply) << reply.error().message;
  for (std::size_t i = 0; reply && i < digest.size(); ++i)
    std::from_chars(&reply->text[2 * i], &reply->text[2 * i] + 2, digest[i], 16);
  return digest;
}

/// DEBUG DIGEST is the exclusive-or of its keys' digests and a constant of the database's number.
/// Three masters together therefore have what one node has that holds all of their keys.
Digest digestOfMasters(const ScopedStack& stack) {
  Digest all{};
  for (std::size_t i = 0; i < 3; ++i) {
    const Digest one = digestOf(stack.node(i));
    for (std::size_t byte = 0; byte < all.size(); ++byte) all[byte] ^= one[byte];
  }
  return all;
}

/// Replies to a command of every key, by id.
std::vector<Value> askAll(const Endpoint& seed, bool cluster, const std::string& command,
                          std::uint64_t keys) {
  std::vector<std::vector<std::string>> commands;
  for (std::uint64_t id = 0; id < keys; ++id) {
    std::array<char, kMaxKeyLength> key;
    commands.push_back({command, std::string(key.data(), writeKey(key.data(), id))});
  }
  auto admin = KeyAdmin::connect(seed, cluster, {});
  EXPECT_TRUE(admin);
  auto replies = admin->pipeline(commands);
  EXPECT_TRUE(replies);
  return replies ? std::move(*replies) : std::vector<Value>{};
}

TEST(ClusterLoader, StoresTheDataSetOfANode) {
  const auto single = test::startRedis();
  auto stack = startCluster({}, withoutReplicas());
  if (!single || !stack) return;
  LoadRunPlan plan = planFor(stack->endpoints());
  plan.load.ttlFraction = 0.3;
  LoadRunPlan onNode = plan;
  onNode.load.target = single->endpoint();
  onNode.load.seeds.clear();
  expectGood(load(onNode));
  const Digest wanted = digestOf(single->node());
  const auto wantedTimes = askAll(single->endpoint(), false, "PEXPIRETIME", plan.load.keys);

  struct Shape {
    unsigned threads, conns;
    std::uint64_t batch;
    IoChoice io;
  };
  for (const Shape& shape :
       {Shape{1, 4, 256, IoChoice::automatic}, Shape{2, 3, 7, IoChoice::epoll}}) {
    flush(*stack);
    plan.load.threads = shape.threads;
    plan.load.conns = shape.conns;
    plan.load.batch = shape.batch;
    plan.load.io = shape.io;
    const auto outcome = load(plan);
    expectGood(outcome);
    EXPECT_EQ(outcome->databaseKeys, plan.load.keys);
    EXPECT_EQ(outcome->summary.cluster.moved, 0U);
    EXPECT_EQ(digestOfMasters(*stack), wanted);
    const auto times = askAll(stack->endpoint(), true, "PEXPIRETIME", plan.load.keys);
    ASSERT_EQ(times.size(), wantedTimes.size());
    for (std::size_t id = 0; id < times.size(); ++id)
      ASSERT_EQ(times[id].integer, wantedTimes[id].integer) << id;
  }
}

TEST(ClusterLoader, EndsWhenReplicasHaveAllOfItAndListsEveryNode) {
  auto stack = startCluster();
  if (!stack) return;
  test::TemporaryDirectory home;
  // Any node will do to find the cluster by: a replica, and one that is not there.
  LoadRunPlan plan = planFor({{"127.0.0.1", 1, {}}, stack->node(4).endpoint()}, 200'000);
  plan.out = home.path() / "run";
  const auto outcome = load(plan);
  expectGood(outcome);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(digestOf(stack->node(i)), digestOf(stack->node(i + 3)));
  EXPECT_EQ(outcome->databaseKeys, plan.load.keys);
  EXPECT_TRUE(outcome->summary.notes.empty()) << outcome->summary.notes.front();

  const auto directory = readRunDir(plan.out);
  ASSERT_TRUE(directory && directory->summary);
  const Summary& summary = *directory->summary;
  ASSERT_EQ(summary.servers.size(), 6U);
  ASSERT_EQ(summary.cluster.nodes.size(), 6U);
  std::uint64_t stored = 0;
  for (const ClusterNodeFigures& node : summary.cluster.nodes) {
    stored += node.ops;
    EXPECT_EQ(node.ops == 0, node.role == "replica");
  }
  EXPECT_EQ(stored, plan.load.keys);
  EXPECT_EQ(std::ranges::count(summary.servers, "replica", &ServerFigures::role), 3);
}

// It would take an hour to run out of patience with a replica that is only slow.
TEST(ClusterLoader, WaitsForAReplicaThatIsGoneAsLongByRdbAsByCommands) {
  auto stack = startCluster();
  if (!stack) return;
  expectGood(load(planFor(stack->endpoints(), 1'000)));
  auto admin = Admin::connect(stack->node(0).endpoint(), {});
  ASSERT_TRUE(admin);
  const auto seen = readSlotMap(*admin);
  ASSERT_TRUE(seen) << seen.error().message;
  ASSERT_TRUE(stack->node(4).kill());
  ReplicaWait wait;
  wait.patience = 3600 * kSecond;
  wait.copyAll = true;
  const auto behind = awaitReplicas(seen->map, {}, wait);
  ASSERT_EQ(behind.size(), 1U);
  EXPECT_TRUE(behind[0].gone);
  EXPECT_EQ(behind[0].replica, stack->node(4).endpoint().text());
}

TEST(ClusterLoader, StreamsTheDataSetOfANodeToAllMasters) {
  const auto single = test::startRedis();
  auto stack = startCluster();
  if (!single || !stack) return;
  LoadRunPlan plan = planFor(stack->endpoints(), 60'000);
  plan.load.ttlFraction = 0.3;
  plan.own = ownServers(*stack);
  LoadRunPlan onNode = plan;
  onNode.load.target = single->endpoint();
  onNode.load.seeds.clear();
  expectGood(load(onNode));
  const Digest wanted = digestOf(single->node());
  const auto wantedTimes = askAll(single->endpoint(), false, "PEXPIRETIME", plan.load.keys);

  const auto outcome = load(plan);
  expectGood(outcome);
  EXPECT_EQ(outcome->summary.load.method, "rdb") << outcome->summary.load.reason;
  EXPECT_EQ(outcome->databaseKeys, plan.load.keys);
  EXPECT_THAT(outcome->summary.notes, testing::IsEmpty());
  EXPECT_EQ(digestOfMasters(*stack), wanted);
  // Replicas are read when they have copied their masters.
  std::uint64_t smallest = std::numeric_limits<std::uint64_t>::max(), largest = 0;
  for (const ServerFigures& server : outcome->summary.servers) {
    smallest = std::min(smallest, server.usedMemory);
    largest = std::max(largest, server.usedMemory);
  }
  EXPECT_GT(2 * smallest, largest);
  std::uint64_t stored = 0;
  for (const ClusterNodeFigures& node : outcome->summary.cluster.nodes) stored += node.ops;
  EXPECT_EQ(stored, plan.load.keys);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(digestOf(stack->node(i)), digestOf(stack->node(i + 3)));
  const auto times = askAll(stack->endpoint(), true, "PEXPIRETIME", plan.load.keys);
  ASSERT_EQ(times.size(), wantedTimes.size());
  for (std::size_t id = 0; id < times.size(); ++id)
    ASSERT_EQ(times[id].integer, wantedTimes[id].integer) << id;

  // Replicas follow again: what is written now comes through the replication stream.
  plan.load.keys = 70'000;
  const auto more = load(plan);
  expectGood(more);
  EXPECT_EQ(more->summary.load.method, "commands");
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(digestOf(stack->node(i)), digestOf(stack->node(i + 3)));
}

TEST(ClusterLoader, StreamsNothingIntoSlotsThatMove) {
  auto stack = startCluster({}, withoutReplicas());
  if (!stack) return;
  LoadRunPlan plan = planFor(stack->endpoints(), 1'000);
  plan.own = ownServers(*stack);
  auto first = Admin::connect(stack->node(0).endpoint(), {});
  auto second = Admin::connect(stack->node(1).endpoint(), {});
  ASSERT_TRUE(first && second);
  const auto id = second->command({"CLUSTER", "MYID"});
  ASSERT_TRUE(id);
  ASSERT_TRUE(first->command({"CLUSTER", "SETSLOT", "7", "MIGRATING", id->text}));
  const auto outcome = load(plan);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->summary.load.method, "commands");
  EXPECT_THAT(outcome->summary.load.reason, HasSubstr("are being moved"));

  ASSERT_TRUE(first->command({"CLUSTER", "SETSLOT", "7", "STABLE"}));
  RdbTarget stream;
  stream.endpoint = stack->node(0).endpoint();
  stream.slots.emplace();
  for (std::size_t slot = 0; slot < kSlots; ++slot)
    stream.slots->set(slot, slot < kSlots / 2);  // more than a third
  const Status stayed = checkSlotsStayed({stream}, {});
  ASSERT_FALSE(stayed);
  EXPECT_EQ(stayed.error().code, ErrorCode::unsafe);
}

TEST(ClusterLoader, EndsAllStreamsWhenOneMasterDies) {
  auto stack = startCluster({}, withoutReplicas());
  if (!stack) return;
  LoadRunPlan plan = planFor(stack->endpoints(), 2'000'000);
  plan.own = ownServers(*stack);
  plan.method = LoadMethod::rdb;
  std::atomic<bool> killed{false};
  const auto outcome = load(plan, {}, [&](const LoadProgress& at) {
    if (at.done > 0 && !killed.exchange(true)) (void)stack->node(1).kill();
  });
  ASSERT_TRUE(killed);
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_FALSE(outcome->status);
  EXPECT_EQ(outcome->status.error().code, ErrorCode::unreachable);
  EXPECT_TRUE(stack->node(0).alive() && stack->node(2).alive());
}

TEST(ClusterLoader, FollowsSlotsThatAreMovedUnderIt) {
  auto stack = startCluster({}, withoutReplicas());
  if (!stack) return;
  const LoadRunPlan plan = planFor(stack->endpoints(), 400'000);
  expectGood(load(plan));
  const Digest whole = digestOfMasters(*stack);
  flush(*stack);

  SteadyClock clock;
  FaultContext context;
  context.servers = stack->endpoints();
  context.own = ownServers(*stack);
  context.clock = &clock;
  context.sink = [](const Event&) {};
  const auto fault = parseChaosPlan(
      fmt::format("0s:reshard -slots=0-299 -target={}", stack->node(2).endpoint().text()));
  ASSERT_TRUE(fault) << fault.error().message;
  FaultBracket bracket(fault->front(), context);
  ASSERT_TRUE(bracket.prepare());
  std::atomic<bool> begun{false};
  std::jthread hand([&] {
    test::eventually([&] { return begun.load(); });
    if (bracket.check()) bracket.inject();
    bracket.tidy();
  });
  // Held up at first, so that the slots move in the middle for certain.
  std::jthread brake([&] {
    test::eventually([&] { return begun.load(); });
    stack->node(1).signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    stack->node(1).signal(SIGCONT);
  });
  const auto outcome =
      load(plan, {}, [&](const LoadProgress& at) { begun = begun || at.done > 0; });
  begun = true;
  hand.join();
  EXPECT_EQ(bracket.outcome().problem(), "");
  expectGood(outcome);
  EXPECT_EQ(digestOfMasters(*stack), whole);
  EXPECT_GT(outcome->summary.cluster.moved + outcome->summary.cluster.ask, 0U);
}

TEST(ClusterLoader, GoesOnFromWhereAnInterruptLeftIt) {
  auto stack = startCluster({}, withoutReplicas());
  if (!stack) return;
  LoadRunPlan plan = planFor(stack->endpoints(), 100'000);
  expectGood(load(plan));
  const Digest whole = digestOfMasters(*stack);
  flush(*stack);

  std::atomic<bool> begun{false};
  std::jthread freezer([&] {
    test::eventually([&] { return begun.load(); });
    stack->node(0).signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stack->node(0).signal(SIGCONT);
  });
  plan.load.batch = 16;
  const auto broken = load(plan, [&] { return begun.exchange(true); });
  freezer.join();
  ASSERT_TRUE(broken) << broken.error().message;
  ASSERT_FALSE(broken->status);
  EXPECT_EQ(broken->status.error().code, ErrorCode::interrupted);
  EXPECT_THAT(broken->status.error().message,
              HasSubstr(fmt::format("-from={}", broken->resumeFrom)));
  ASSERT_LT(broken->resumeFrom, plan.load.keys);
  for (const Value& there : askAll(stack->endpoint(), true, "EXISTS", broken->resumeFrom))
    ASSERT_EQ(there.integer, 1);
  plan.load.from = broken->resumeFrom;
  expectGood(load(plan));
  EXPECT_EQ(digestOfMasters(*stack), whole);
}

TEST(ClusterLoader, HoldsEachMastersShareAgainstItsMaxmemory) {
  NodeConfig config;
  config.maxmemory = 20 * kMegabyte;
  auto stack = startCluster(config, withoutReplicas());
  if (!stack) return;
  LoadRunPlan plan = planFor(stack->endpoints(), 600'000);
  const std::string why = whyNot(plan);
  EXPECT_THAT(why, HasSubstr("of 16384 slots) takes about"));
  EXPECT_THAT(why, HasSubstr("maxmemory is 20 MB"));
  // A third of it fits, though all of it would not on one node.
  plan.load.keys = 150'000;
  expectGood(load(plan));
  // The same keys once more take no more room.
  expectGood(load(plan));
  plan.load.keys = 600'000;
  plan.force = true;
  const auto forced = load(plan);
  expectGood(forced);
  EXPECT_THAT(forced->summary.notes, testing::Contains(HasSubstr("evicted")));
}

TEST(ClusterLoader, RefusesWhatIsNoWholeClusterOfThisMachine) {
  auto stack = startCluster({}, withoutReplicas());
  const auto single = test::startRedis();
  if (!stack || !single) return;
  const LoadRunPlan plan = planFor(stack->endpoints());
  LoadRunPlan wrong = plan;
  wrong.load.seeds.clear();
  EXPECT_THAT(whyNot(wrong), HasSubstr("leave out -topology=node"));
  wrong.load.seeds = {single->endpoint()};
  EXPECT_THAT(whyNot(wrong), HasSubstr("is not a node of a cluster: use -topology=node"));

  auto first = Admin::connect(stack->node(0).endpoint(), {});
  ASSERT_TRUE(first);
  ASSERT_TRUE(first->command({"CLUSTER", "DELSLOTS", "7", "8"}));
  EXPECT_THAT(whyNot(plan), HasSubstr("2 of 16384 slots have no owner (7-8)"));
  ASSERT_TRUE(first->command({"CLUSTER", "ADDSLOTS", "7", "8"}));

  ASSERT_TRUE(stack->node(2).kill());
  EXPECT_THAT(whyNot(plan),
              testing::AnyOf(HasSubstr("cannot be used"), HasSubstr("cluster_state:fail")));
}

}  // namespace
}  // namespace redline
