// Faults against a real cluster. Each test starts one: they are few and hold many claims.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "chaos/bracket.h"
#include "chaos/catalog.h"
#include "chaos/chaos_plan.h"
#include "chaos/open_slots.h"
#include "cluster/hash_slot.h"
#include "support/real_redis.h"

namespace redline {
namespace {

using testing::HasSubstr;
using testing::IsSupersetOf;

constexpr int kFaultKeys = 3000;

std::string faultKey(int id) {
  return fmt::format("obj:{}", id);
}

/// A cluster with keys in it, and the way faults get at it.
struct ClusterScene {
  std::optional<ScopedStack> stack;
  std::optional<ClusterAdmin> cluster;
  std::vector<Endpoint> nodes;
  SteadyClock clock;
  FaultContext context;
  std::atomic<bool> interrupt{false};
  std::mutex mutex;
  std::vector<Event> events;

  explicit ClusterScene(NodeConfig config = {}) : stack(test::startCluster(config)) {
    if (!stack) return;
    nodes = stack->endpoints();
    context.credentials.password = config.password;
    auto connected = ClusterAdmin::connect(nodes, context.credentials);
    if (!connected) return;
    cluster.emplace(std::move(*connected));
    context.servers = nodes;
    context.own = ownServers(*stack);
    context.clock = &clock;
    context.sink = [this](const Event& event) {
      const std::lock_guard lock(mutex);
      events.push_back(event);
    };
    context.interrupted = [this] { return interrupt.load(); };
  }

  FaultOutcome run(const std::string& text) const {
    const auto plan = parseChaosPlan("0s:" + text);
    EXPECT_TRUE(plan) << plan.error().message;
    FaultBracket bracket(plan->front(), context);
    FaultOutcome outcome;
    if (auto ready = bracket.prepare(); !ready) {
      outcome = bracket.outcome();
      outcome.injectStatus = ready;
      return outcome;
    }
    if (bracket.check()) bracket.inject();
    bracket.tidy();
    return bracket.outcome();
  }

  /// Does something to every key at the node that owns its slot; returns how many replies were
  /// good.
  int forEachKey(const std::function<std::vector<std::string>(int)>& command,
                 const std::function<bool(int, const Value&)>& good) {
    const auto view = cluster->view();
    EXPECT_TRUE(view);
    std::map<Endpoint, std::vector<int>> byOwner;
    for (int id = 0; id < kFaultKeys; ++id)
      byOwner[view->ownerOf(hashSlot(faultKey(id)))->endpoint].push_back(id);
    int count = 0;
    for (const auto& [owner, ids] : byOwner) {
      std::vector<std::vector<std::string>> commands;
      for (const int id : ids) commands.push_back(command(id));
      const auto replies = (*cluster->at(owner))->pipeline(commands);
      EXPECT_TRUE(replies);
      for (std::size_t i = 0; i < ids.size(); ++i) count += good(ids[i], (*replies)[i]) ? 1 : 0;
    }
    return count;
  }
  int fill() {
    return forEachKey(
        [](int id) {
          return std::vector<std::string>{"SET", faultKey(id), fmt::format("value-{}", id)};
        },
        [](int, const Value& reply) { return reply.text == "OK"; });
  }
  int intact() {
    return forEachKey(
        [](int id) { return std::vector<std::string>{"GET", faultKey(id)}; },
        [](int id, const Value& reply) { return reply.text == fmt::format("value-{}", id); });
  }
  int keysIn(const SlotRange& range) const {
    int count = 0;
    for (int id = 0; id < kFaultKeys; ++id) count += range.contains(hashSlot(faultKey(id))) ? 1 : 0;
    return count;
  }
  std::string refusal(const std::string& text) const { return run(text).problem(); }
  Status tell(std::size_t node, const std::vector<std::string>& command) {
    auto reply = (*cluster->at(nodes[node]))->command(command);
    return reply ? Status{} : fail(reply.error());
  }
  std::string id(std::size_t node) { return cluster->viewOf(nodes[node])->myself()->id; }
};

std::map<std::string, double> clusterFiguresOf(const FaultOutcome& outcome) {
  return {outcome.findings.figures.begin(), outcome.findings.figures.end()};
}

void expectRefusals(const ClusterScene& scene) {
  const std::string first = scene.nodes[0].text(), second = scene.nodes[1].text();
  const auto to = [&](const std::string& slots, const Endpoint& target) {
    return scene.refusal(fmt::format("reshard -slots={} -target={}", slots, target.text()));
  };
  EXPECT_THAT(scene.refusal("reshard -slots=0-9"), HasSubstr("-slots and -target are required"));
  EXPECT_THAT(to("9-0", scene.nodes[1]), HasSubstr("-slots: '9-0' ends before it begins"));
  EXPECT_THAT(to("0-16384", scene.nodes[1]), HasSubstr("exceeds the last slot"));
  EXPECT_THAT(to("0-9", scene.nodes[3]), HasSubstr("is a replica of " + first));
  EXPECT_THAT(to("0-9", scene.nodes[0]), HasSubstr("already owns slots"));
  EXPECT_THAT(to("0-9", {"127.0.0.1", 1, {}}), HasSubstr("is not a node of this cluster"));
  EXPECT_THAT(scene.refusal(fmt::format("reshard -slots=5460-5461 -target={} -source={}",
                                        scene.nodes[2].text(), first)),
              HasSubstr(first + " does not own slots 5461"));
  EXPECT_THAT(scene.refusal("reshard -heal -slots=1"), HasSubstr("omit -slots"));
}

TEST(ClusterFaults, ReshardMovesSlotsWithAllTheirKeysAndIsHealedWhereverItStops) {
  NodeConfig config;
  config.password = "sesame";
  ClusterScene scene(config);
  ASSERT_TRUE(scene.cluster);
  ASSERT_EQ(scene.fill(), kFaultKeys);
  expectRefusals(scene);

  // A key that no batch is small enough for.
  const std::string large = "obj:{" + faultKey(0) + "}";
  const std::uint16_t largeSlot = hashSlot(large);
  const std::size_t from = largeSlot * std::size_t{3} / kSlots, to = (from + 1) % 3;
  ASSERT_TRUE(scene.tell(from, {"SET", large, std::string(8 << 20, 'x')}));
  const SlotRange range{static_cast<std::uint16_t>(largeSlot & ~63U),
                        static_cast<std::uint16_t>(largeSlot | 63U)};
  const std::string slots = formatSlotRanges(std::vector<SlotRange>{range});
  const auto there = scene.run(
      fmt::format("reshard -slots={} -target={} -max-block=1ms", slots, scene.nodes[to].text()));
  ASSERT_EQ(there.problem(), "");
  auto figures = clusterFiguresOf(there);
  EXPECT_EQ(figures["slots"], 64);
  EXPECT_EQ(figures["keys"], scene.keysIn(range) + 1);
  EXPECT_EQ(figures["large_keys"], 1);
  EXPECT_THAT(there.findings.detail, HasSubstr(large));
  EXPECT_GT(figures["mean_migrate_us"], 0);
  EXPECT_GT(figures["longest_block_us"], 1000);
  EXPECT_LE(figures["longest_block_us"], figures["longest_migrate_us"]);
  EXPECT_GE(figures["over_max_block"], 1);
  EXPECT_EQ(scene.intact(), kFaultKeys);
  for (const Endpoint& node : scene.nodes)
    EXPECT_EQ(scene.cluster->viewOf(node)->ownerOf(largeSlot)->endpoint, scene.nodes[to]);
  EXPECT_TRUE(std::ranges::any_of(scene.events,
                                  [](const Event& event) { return event.name == "large-key"; }));

  // Interrupted while keys are on their way: what is open is finished, and the rest stays.
  const auto begin = static_cast<unsigned>((from + 2) % 3 * kSlots / 3 + 100);
  scene.context.progress = [&](const std::string&) { scene.interrupt = true; };
  const auto stopped = scene.run(fmt::format("reshard -slots={}-{} -target={} -slots-at-once=4",
                                             begin, begin + 63, scene.nodes[to].text()));
  EXPECT_THAT(stopped.problem(), HasSubstr("0 of 64 slots had moved"));
  EXPECT_TRUE(stopped.healStatus);
  scene.context.progress = {};
  scene.interrupt = false;
  EXPECT_TRUE(findOpenSlots(*scene.cluster)->empty());
  EXPECT_EQ(scene.intact(), kFaultKeys);
  const auto after = scene.cluster->viewOf(scene.nodes[to]);
  EXPECT_EQ(after->ownerOf(static_cast<std::uint16_t>(begin))->endpoint, scene.nodes[to]);
  EXPECT_NE(after->ownerOf(static_cast<std::uint16_t>(begin + 4))->endpoint, scene.nodes[to]);

  // As a resharder that was killed leaves it: one slot half moved, one announced to its target
  // alone. A reshard does not begin then; -heal finishes the one and takes back the other.
  const std::string slot = std::to_string(largeSlot);
  ASSERT_TRUE(scene.tell(from, {"CLUSTER", "SETSLOT", slot, "IMPORTING", scene.id(to)}));
  ASSERT_TRUE(scene.tell(to, {"CLUSTER", "SETSLOT", slot, "MIGRATING", scene.id(from)}));
  ASSERT_TRUE(
      scene.tell(to, {"MIGRATE", scene.nodes[from].host, std::to_string(scene.nodes[from].port),
                      faultKey(0), "0", "5000", "AUTH", "sesame"}));
  const std::uint16_t announced = range.first == largeSlot ? range.last : range.first;
  ASSERT_TRUE(scene.tell(
      from, {"CLUSTER", "SETSLOT", std::to_string(announced), "IMPORTING", scene.id(to)}));
  EXPECT_THAT(scene.refusal(fmt::format("reshard -slots=0 -target={}", scene.nodes[2].text())),
              HasSubstr("-heal"));
  const auto healed = scene.run("reshard -heal");
  ASSERT_EQ(healed.problem(), "");
  figures = clusterFiguresOf(healed);
  EXPECT_EQ(figures["finished"], 1);
  EXPECT_EQ(figures["rolled_back"], 1);
  EXPECT_EQ(scene.intact(), kFaultKeys);
  EXPECT_EQ(scene.cluster->viewOf(scene.nodes[0])->ownerOf(largeSlot)->endpoint, scene.nodes[from]);
  EXPECT_EQ(scene.cluster->viewOf(scene.nodes[0])->ownerOf(announced)->endpoint, scene.nodes[to]);
  EXPECT_EQ(clusterFiguresOf(scene.run("reshard -heal"))["finished"], 0);

  // Nobody else's cluster.
  scene.context.own.pop_back();
  EXPECT_THAT(scene.refusal("reshard -heal"), HasSubstr("insist with -force"));
}

TEST(ClusterFaults, KilledMasterIsReplacedTimedAndComesBackAsAReplica) {
  NodeConfig config;
  config.extra = {{"cluster-node-timeout", "2000"}};
  ClusterScene scene(config);
  ASSERT_TRUE(scene.cluster);
  ASSERT_EQ(scene.fill(), kFaultKeys);
  const std::vector<Endpoint> replicas(scene.nodes.begin() + 3, scene.nodes.end());
  ASSERT_TRUE(awaitConverged(*scene.cluster, scene.nodes));
  EXPECT_THAT(scene.refusal("kill-master -target=" + scene.nodes[3].text()),
              HasSubstr("is a replica"));

  const ProcessId before = scene.stack->node(1).process();
  const auto outcome = scene.run("kill-master -target=" + scene.nodes[1].text());
  ASSERT_EQ(outcome.problem(), "");
  EXPECT_FALSE(isAlive(before));
  EXPECT_TRUE(scene.stack->node(1).alive());
  auto figures = clusterFiguresOf(outcome);
  EXPECT_GT(figures["suspected_s"], 0);
  EXPECT_GE(figures["failed_s"], figures["suspected_s"]);
  EXPECT_GE(figures["promoted_s"], figures["failed_s"]);
  EXPECT_GE(figures["recovered_s"], figures["promoted_s"]);
  std::vector<std::string> names;
  for (const Event& event : scene.events) names.push_back(event.name);
  EXPECT_THAT(names, IsSupersetOf({"killed", "suspected", "failed", "election", "promoted",
                                   "recovered", "rejoined"}));
  // Each step at its time, so that the lines of a terminal are in order.
  EXPECT_TRUE(std::ranges::is_sorted(scene.events, {}, [](const Event& event) {
    return event.at + (event.phase == "point" ? event.duration : 0);
  }));
  const auto stepAt = [&](std::string_view name) {
    return std::ranges::find(scene.events, name, &Event::name)->at;
  };
  for (const std::string name : {"suspected", "failed", "promoted", "recovered"})
    EXPECT_NEAR(toSeconds(stepAt(name) - stepAt("killed")), figures[name + "_s"], 1e-6) << name;
  EXPECT_TRUE(awaitConverged(*scene.cluster, scene.nodes));
  EXPECT_EQ(scene.cluster->replicationOf(scene.nodes[1])->source, scene.nodes[4]);
  EXPECT_EQ(scene.intact(), kFaultKeys);

  EXPECT_GT(figures["keys_before"], 0);
  EXPECT_EQ(figures["keys_after"], figures["keys_before"]);

  // Without a replica in sync its data would be gone.
  const std::string lone = scene.nodes[2].text();
  EXPECT_THAT(scene.refusal("kill-node -target=" + lone), HasSubstr("make them empty too"));
  ASSERT_TRUE(scene.stack->node(5).kill());
  EXPECT_THAT(scene.refusal("kill-master -target=" + lone), HasSubstr("no replica in sync"));

  // That is what the other fault is for: it keeps its slots, and has no keys.
  const auto emptied = scene.run("kill-node -for=100ms -target=" + lone);
  ASSERT_EQ(emptied.problem(), "");
  figures = clusterFiguresOf(emptied);
  EXPECT_GT(figures["keys_before"], 0);
  EXPECT_EQ(figures["keys_after"], 0);
  EXPECT_GT(figures["serves_s"], figures["answers_s"]);
  EXPECT_EQ(scene.cluster->viewOf(scene.nodes[0])->ownerOf(kSlots - 1)->endpoint, scene.nodes[2]);
  scene.cluster->forget(scene.nodes[2]);
  EXPECT_EQ(scene.intact(), kFaultKeys - static_cast<int>(figures["keys_before"]));
}

}  // namespace
}  // namespace redline
