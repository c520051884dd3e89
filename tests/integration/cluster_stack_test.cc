#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "server/cluster_admin.h"
#include "server/scoped_stack.h"
#include "server/stack.h"
#include "support/real_redis.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ClusterStackTest : public testing::Test {
 protected:
  static StackOptions options() {
    StackOptions options;
    options.topology = "cluster";
    options.node.port = 0;
    options.node.maxmemory = 64 << 20;
    return options;
  }
  bool nothingIsLeft() const {
    return stack_.names().empty() &&
           processesIn(home_.path(), [](std::string_view) { return true; }).empty();
  }
  void TearDown() override { (void)stack_.down("cluster", {}); }

  test::TemporaryDirectory home_;
  Stack stack_{home_.path()};
};

TEST_F(ClusterStackTest, ComesUpWholeShowsItsNodesAndLeavesNothingBehind) {
  StackOptions wanted = options();
  wanted.node.fullCoverage = false;
  const auto up = stack_.up(wanted);
  ASSERT_TRUE(up) << up.error().message;
  const auto status = stack_.status("cluster", {});
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->cluster, "");
  ASSERT_EQ(status->nodes.size(), 6U);
  std::size_t slots = 0;
  for (const NodeStatus& node : status->nodes) {
    EXPECT_TRUE(node.alive);
    EXPECT_EQ(node.role, node.node.role);
    ASSERT_TRUE(node.member);
    slots += slotCount(node.member->slots);
    EXPECT_TRUE(node.replication.linkUp);
  }
  EXPECT_EQ(slots, kSlots);
  // The k-th replica follows the k-th master.
  EXPECT_EQ(status->nodes[4].replication.source, up->state.nodes[1].endpoint());

  auto admin = Admin::connect(up->state.nodes[0].endpoint(), {});
  ASSERT_TRUE(admin);
  EXPECT_EQ(admin->configGet("cluster-node-timeout").value(), "5000");
  EXPECT_EQ(admin->configGet("cluster-require-full-coverage").value(), "no");
  EXPECT_EQ(admin->configGet("repl-diskless-sync-delay").value(), "0");
  // A quarter of this small node's memory and not 256 MB: it counts towards maxmemory.
  EXPECT_EQ(admin->configGet("repl-backlog-size").value(), std::to_string(16 << 20));

  // It is seen that a node has died, and it comes back in its place.
  const NodeState& victim = up->state.nodes[2];
  EXPECT_EQ(stack_.restart("cluster", victim.name, {}).error().code, ErrorCode::unsafe);
  ASSERT_TRUE(sendSignal(victim.process, SIGKILL));
  ASSERT_TRUE(awaitExit(victim.process, 10 * kSecond));
  const auto hurt = stack_.status("cluster", {});
  EXPECT_FALSE(hurt->nodes[2].alive);
  EXPECT_THAT(hurt->cluster, HasSubstr(victim.endpoint().text()));
  const auto again = stack_.restart("cluster", victim.name, {});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_NE(again->process, victim.process);
  EXPECT_EQ(stack_.status("cluster", {})->nodes[2].node.process, again->process);

  ASSERT_TRUE(sendSignal(up->state.nodes[1].process, SIGKILL));
  ASSERT_TRUE(stack_.down("cluster", {}));
  EXPECT_TRUE(nothingIsLeft());
}

TEST_F(ClusterStackTest, LeavesNothingBehindWhenItCannotComeUp) {
  // The bus of the second node is taken.
  StackOptions taken = options();
  taken.node.port = freePort().value();
  const test::BarePeer other("", static_cast<std::uint16_t>(taken.node.port + 1 + kBusOffset));
  const auto refused = stack_.up(taken);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the cluster bus of port"));
  EXPECT_TRUE(nothingIsLeft());

  StackOptions impatient = options();
  impatient.formTimeout = 0;
  const auto late = stack_.up(impatient);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::timeout);
  EXPECT_TRUE(nothingIsLeft());

  StackOptions unwanted = options();
  int looks = 0;
  unwanted.interrupted = [&] { return ++looks > 3; };
  EXPECT_EQ(stack_.up(unwanted).error().code, ErrorCode::interrupted);
  EXPECT_TRUE(nothingIsLeft());

  StackOptions few = options();
  few.cluster.masters = 2;
  EXPECT_EQ(stack_.up(few).error().code, ErrorCode::usage);
  few = options();
  few.node.port = 65'533;
  EXPECT_EQ(stack_.up(few).error().code, ErrorCode::usage);
  EXPECT_TRUE(nothingIsLeft());
}

TEST_F(ClusterStackTest, BringsBackAMasterThatNobodyStartedAgain) {
  StackOptions wanted = options();
  wanted.node.extra = {{"cluster-node-timeout", "1000"}};
  const auto up = stack_.up(wanted);
  ASSERT_TRUE(up) << up.error().message;
  const auto& nodes = up->state.nodes;
  auto master = Admin::connect(nodes[0].endpoint(), {});
  ASSERT_TRUE(master);
  ASSERT_TRUE(master->command({"SET", "obj:41130", "kept"}));  // slot 0
  ASSERT_EQ(master->command({"WAIT", "1", "5000"})->integer, 1);

  // As a redline leaves it that dies between the kill and the restart. The heal comes before the
  // others have noticed: the master must not come back empty, as long as its replica has the data.
  ASSERT_TRUE(sendSignal(nodes[0].process, SIGKILL));
  ASSERT_TRUE(awaitExit(nodes[0].process, 10 * kSecond));
  EXPECT_THAT(stack_.up(wanted).error().message, HasSubstr("redline stack heal cluster"));
  const auto lines = stack_.heal("cluster", {}, {});
  ASSERT_TRUE(lines) << lines.error().message;
  EXPECT_THAT(lines->front(), HasSubstr("started " + nodes[0].name));

  const auto status = stack_.status("cluster", {});
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->cluster, "");
  EXPECT_EQ(status->nodes[0].replication.source, nodes[3].endpoint());
  auto successor = Admin::connect(nodes[3].endpoint(), {});
  ASSERT_TRUE(successor);
  EXPECT_EQ(successor->command({"GET", "obj:41130"})->text, "kept");
}

TEST(ScopedCluster, FailsOverAndTakesTheDeadNodeBackAsAReplica) {
  ScopedStackOptions options;
  options.node.password = "sesame";
  options.node.extra = {{"cluster-node-timeout", "1000"}};
  options.cluster.emplace();
  auto stack = ScopedStack::start(options);
  ASSERT_TRUE(stack) << stack.error().message;
  const auto endpoints = stack->endpoints();
  auto cluster = ClusterAdmin::connect(endpoints, {{}, "sesame"});
  ASSERT_TRUE(cluster) << cluster.error().message;
  EXPECT_TRUE(lookAtCluster(*cluster, endpoints).done());
  EXPECT_EQ(stack->find(endpoints[4]), &stack->node(4));
  EXPECT_EQ(stack->find({"127.0.0.1", 1, {}}), nullptr);

  ASSERT_TRUE(stack->node(0).kill());
  EXPECT_FALSE(lookAtCluster(*cluster, endpoints).done());
  const std::vector<Endpoint> alive(endpoints.begin() + 1, endpoints.end());
  const auto failedOver = awaitConverged(*cluster, alive);
  ASSERT_TRUE(failedOver) << failedOver.error().message;
  EXPECT_EQ(cluster->viewOf(alive[0])->ownerOf(0)->endpoint, endpoints[3]);
  ASSERT_TRUE(stack->restart(0));
  const auto whole = awaitConverged(*cluster, endpoints);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(cluster->replicationOf(endpoints[0])->source, endpoints[3]);
}

TEST(ClusterAdmin, RefusesAServerThatIsNoNodeOfACluster) {
  auto redis = test::startRedis();
  if (!redis) return;
  const std::vector<Endpoint> seeds{redis->endpoint()};
  const auto refused = ClusterAdmin::connect(seeds, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_THAT(refused.error().message, HasSubstr("is not a node of a cluster"));
}

}  // namespace
}  // namespace redline
