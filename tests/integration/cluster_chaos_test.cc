// Faults beside a run of the driver against a cluster.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "chaos/chaos_plan.h"
#include "cluster/hash_slot.h"
#include "run/driver_run.h"
#include "rundir/run_dir_reader.h"
#include "server/cluster_admin.h"
#include "support/driver_lab.h"
#include "support/real_redis.h"

namespace redline {
namespace {

using testing::Contains;
using testing::IsSupersetOf;

/// Three masters with a replica each, and a run of writes against them.
struct ChaosCluster {
  test::TemporaryDirectory home;
  std::optional<ScopedStack> stack;
  std::vector<Endpoint> nodes;
  DriverPlan plan;
  std::vector<Event> events;

  explicit ChaosCluster(NodeConfig config = {}) : stack(test::startCluster(std::move(config))) {
    if (!stack) return;
    nodes = stack->endpoints();
    plan.engine.seeds = nodes;
    plan.engine.target = nodes.front();
    plan.engine.keys = 1'000;
    plan.engine.rate = 1'000;
    plan.engine.readShare = 0;
    plan.engine.conns = 5;
    plan.engine.warmup = 100 * kMillisecond;
    plan.engine.interval = 100 * kMillisecond;
    plan.out = home.path() / "run";
    plan.command = {"test"};
    plan.own = ownServers(*stack);
  }

  /// A run with these faults, all of which must take; nothing may be lost or unaccounted for.
  Summary run(const std::string& chaos) {
    auto faults = parseChaosPlan(chaos);
    EXPECT_TRUE(faults) << faults.error().message;
    if (!faults) return {};
    plan.chaos = std::move(*faults);
    RunWatcher watcher;
    watcher.onNote = [](const std::string&) {};
    watcher.onInterval = [](const Interval&, Nanos) {};
    watcher.interrupted = [] { return false; };
    auto outcome = runDriver(plan, watcher);
    EXPECT_TRUE(outcome) << outcome.error().message;
    if (!outcome) return {};
    EXPECT_TRUE(outcome->status) << outcome->status.error().message;
    test::expectConserved(outcome->summary);
    EXPECT_EQ(outcome->summary.rate.outstanding, 0U);
    EXPECT_EQ(outcome->summary.verify.corrupt, 0U);
    if (const auto read = readRunDir(plan.out)) events = read->events;
    return outcome->summary;
  }

  /// What happened in the run, a line each, for a test that fails.
  std::string eventsText() const {
    std::string text;
    for (const Event& event : events)
      text += fmt::format("{:.3f} s: {} {} {} {} {}\n", toSeconds(event.at), event.kind, event.name,
                          event.phase, event.node, event.detail);
    return text;
  }

  double infoOf(std::size_t node, std::string_view field) const {
    auto admin = Admin::connect(nodes[node], {});
    EXPECT_TRUE(admin);
    const auto info = admin->info({"stats", "persistence"});
    return info ? info->number(field) : -1;
  }
};

std::map<std::string, double> figuresOf(const FaultFigures& fault) {
  return {fault.figures.begin(), fault.figures.end()};
}

TEST(ClusterChaos, EachFaultTakesEffectOnTheNodeThatItNames) {
  ChaosCluster lab;
  ASSERT_TRUE(lab.stack);
  lab.plan.engine.duration = 3 * kSecond;
  const auto on = [&](std::size_t node) { return " -target=" + lab.nodes[node].text(); };
  const auto forksBefore = lab.infoOf(0, "total_forks");
  const Summary summary =
      lab.run("200ms:bgsave" + on(1) + "; 700ms:aof-rewrite" + on(2) +
              "; 1200ms:bigkey-on -command=hgetall -fields=5k; 1700ms:pause-node -for=300ms" +
              on(0) + "; 2400ms:reconnect-storm -clients=50" + on(4));
  EXPECT_EQ(summary.rate.completed, 3'000U);
  ASSERT_EQ(summary.faults.size(), 5U);
  for (const FaultFigures& fault : summary.faults) EXPECT_EQ(fault.problem, "") << fault.name;

  // As the nodes have it themselves.
  EXPECT_EQ(summary.faults[0].node, lab.nodes[1].text());
  EXPECT_EQ(lab.infoOf(1, "rdb_saves"), 1);
  EXPECT_EQ(summary.faults[1].node, lab.nodes[2].text());
  EXPECT_EQ(lab.infoOf(2, "aof_rewrites"), 2);  // one makes the file, and one is measured
  EXPECT_EQ(lab.infoOf(0, "total_forks"), forksBefore);
  // The big key is with the owner of its slot, whoever was asked.
  const std::size_t owner = hashSlot("big:hash:0") * std::size_t{3} / kSlots;
  EXPECT_EQ(summary.faults[2].node, lab.nodes[owner].text());
  EXPECT_EQ(figuresOf(summary.faults[2])["fields"], 5'000);
  EXPECT_GE(figuresOf(summary.faults[3])["paused_s"], 0.3);
  EXPECT_TRUE(std::ranges::any_of(lab.events, [&](const Event& event) {
    return event.kind == "stall" && event.node == lab.nodes[0].text() &&
           event.duration >= 250 * kMillisecond;
  }));
  EXPECT_EQ(summary.faults[4].node, lab.nodes[4].text());
  EXPECT_EQ(figuresOf(summary.faults[4])["served"], 50);
  EXPECT_GE(figuresOf(summary.faults[4])["server_accepted"], 50);
}

TEST(ClusterChaos, AKilledMasterIsAPauseOfTheRunAndNothingIsUnaccountedFor) {
  NodeConfig config;
  config.extra = {{"cluster-node-timeout", "1000"}};
  ChaosCluster lab(config);
  ASSERT_TRUE(lab.stack);
  lab.plan.engine.duration = 6 * kSecond;
  lab.plan.engine.readShare = 0.1;
  lab.plan.force = true;  // there is nothing to read at first
  // The node is another process when the second fault comes.
  const Summary summary = lab.run("300ms:kill-master -target=" + lab.nodes[0].text() +
                                  "; 5500ms:pause-node -for=100ms -target=" + lab.nodes[0].text());
  EXPECT_EQ(summary.rate.scheduled, 6'000U);
  for (const auto& [kind, count] : summary.rate.errors)
    EXPECT_TRUE(kind == "unknown_fate" || kind == "disconnected") << count << ' ' << kind;
  // Writes that were under way when their connection was lost; all others waited.
  EXPECT_LE(summary.rate.failed, lab.plan.engine.conns) << lab.eventsText();
  EXPECT_GT(summary.latency.at("response").at("all").max, 900e3);
  ASSERT_EQ(summary.faults.size(), 2U);
  for (const FaultFigures& fault : summary.faults) EXPECT_EQ(fault.problem, "") << fault.name;

  std::vector<std::string> names;
  for (const Event& event : lab.events) names.push_back(event.kind + ' ' + event.name);
  EXPECT_THAT(names, IsSupersetOf({"fault killed", "fault failed", "fault promoted",
                                   "fault rejoined", "cluster slots", "fault pause-node"}));
  // Found where its slots are now, and the dead one is back.
  const auto successor =
      std::ranges::find(summary.cluster.nodes, lab.nodes[3].text(), &ClusterNodeFigures::addr);
  ASSERT_NE(successor, summary.cluster.nodes.end());
  EXPECT_EQ(successor->slots, 5461U);
  EXPECT_GT(successor->ops, 100U);
  // All that the killed master did counts, also what it did before, and each node has one role.
  const auto killed = std::ranges::find(summary.servers, lab.nodes[0].text(), &ServerFigures::addr);
  ASSERT_NE(killed, summary.servers.end());
  EXPECT_EQ(killed->restarts, 1U);
  EXPECT_GT(killed->hits + killed->misses, 0U) << "after it there were no reads";
  for (const ClusterNodeFigures& node : summary.cluster.nodes) {
    const auto server = std::ranges::find(summary.servers, node.addr, &ServerFigures::addr);
    ASSERT_NE(server, summary.servers.end());
    EXPECT_EQ(node.role, server->role) << node.addr;
    EXPECT_EQ(node.beganAs, server->beganAs) << node.addr;
  }
  EXPECT_EQ(killed->role, "replica");
  EXPECT_EQ(killed->beganAs, "master");
  EXPECT_EQ(successor->role, "master");
  EXPECT_EQ(successor->beganAs, "replica");
  auto cluster = ClusterAdmin::connect(lab.nodes, {});
  ASSERT_TRUE(cluster);
  EXPECT_EQ(cluster->replicationOf(lab.nodes[0])->source, lab.nodes[3]);
}

}  // namespace
}  // namespace redline
