#include "server/key_admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "cluster/hash_slot.h"
#include "server/replication_lag.h"
#include "support/real_redis.h"

namespace redline {
namespace {

using ::testing::HasSubstr;

std::vector<std::vector<std::string>> commandsFor(std::string_view name, int keys) {
  std::vector<std::vector<std::string>> commands;
  for (int i = 0; i < keys; ++i) {
    auto& command = commands.emplace_back();
    command = {std::string(name), "obj:" + std::to_string(i)};
    if (name == "SET") command.push_back(std::to_string(i * 7));
  }
  return commands;
}

TEST(KeyAdmin, SpeaksToASingleNode) {
  auto redis = test::startRedis();
  if (!redis) return;
  auto keys = KeyAdmin::connect(redis->endpoint(), false, {});
  ASSERT_TRUE(keys) << keys.error().message;
  ASSERT_TRUE(keys->pipeline(commandsFor("SET", 1000)));
  const auto replies = keys->pipeline(commandsFor("GET", 1000));
  ASSERT_TRUE(replies);
  for (std::size_t i = 0; i < 1000; ++i) EXPECT_EQ((*replies)[i].text, std::to_string(i * 7));
  EXPECT_TRUE(*keys->awaitReplicas()) << "there are none to wait for";
  // A connection that was lost is made anew.
  auto admin = test::adminOf(*redis);
  ASSERT_TRUE(admin);
  ASSERT_TRUE(admin->command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}));
  EXPECT_EQ(keys->pipeline(commandsFor("GET", 2))->at(1).text, "7");
  const auto wrong = keys->pipeline(std::vector<std::vector<std::string>>{{"INCR", "obj:1", "x"}});
  ASSERT_TRUE(wrong);
  EXPECT_TRUE((*wrong)[0].isError());
}

TEST(KeyAdmin, FindsEachKeysNodeInAClusterAndItsReplicasFollow) {
  auto cluster = test::startCluster();
  if (!cluster) return;
  auto keys = KeyAdmin::connect(cluster->endpoint(), true, {});
  ASSERT_TRUE(keys) << keys.error().message;
  ASSERT_TRUE(keys->pipeline(commandsFor("SET", 1000)));
  ASSERT_TRUE(*keys->awaitReplicas());
  const auto replies = keys->pipeline(commandsFor("GET", 1000));
  ASSERT_TRUE(replies) << replies.error().message;
  for (std::size_t i = 0; i < 1000; ++i) EXPECT_EQ((*replies)[i].text, std::to_string(i * 7));
  for (std::size_t node = 0; node < 3; ++node) {
    const auto size = [&](std::size_t at) {
      auto admin = Admin::connect(cluster->node(at).endpoint(), {});
      return admin->command({"DBSIZE"})->integer;
    };
    EXPECT_GT(size(node), 200) << "keys lie on all masters";
    EXPECT_EQ(size(node), size(node + 3));
  }

  // A slot that nobody serves is waited for, for a while.
  const std::string slot = std::to_string(hashSlot("obj:1"));
  for (std::size_t node = 0; node < 6; ++node) {
    auto admin = Admin::connect(cluster->node(node).endpoint(), {});
    (void)admin->commandRaw({"CLUSTER", "DELSLOTS", slot});
  }
  const auto lost = keys->pipeline(commandsFor("GET", 3), 300 * kMillisecond);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::timeout);
  EXPECT_THAT(lost.error().message, HasSubstr("of 3 keys are served by no node"));
}

TEST(ReplicationLag, SeesAReplicaFallBehindAndCatchUp) {
  auto cluster = test::startCluster();
  if (!cluster) return;
  auto keys = KeyAdmin::connect(cluster->endpoint(), true, {});
  ASSERT_TRUE(keys);
  ReplicationLag lag({{cluster->node(0).endpoint(), cluster->node(3).endpoint()},
                      {cluster->node(1).endpoint(), cluster->node(4).endpoint()}},
                     {}, 5 * kMillisecond);
  // A replica that does not read is behind by all that is written meanwhile; it can be asked again
  // when it continues, before it has caught up or after.
  const pid_t replica = cluster->node(3).process().pid;
  ASSERT_EQ(::kill(replica, SIGSTOP), 0);
  for (int round = 0; round < 3; ++round) ASSERT_TRUE(keys->pipeline(commandsFor("SET", 1000)));
  ASSERT_EQ(::kill(replica, SIGCONT), 0);
  ASSERT_TRUE(*keys->awaitReplicas());
  EXPECT_TRUE(test::eventually([&] {
    auto admin = Admin::connect(cluster->node(3).endpoint(), {});
    return admin && admin->info({"replication"})->text("master_link_status") == "up";
  }));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  lag.stop();
  ASSERT_FALSE(lag.samples().empty());
  std::size_t ofFirst = 0, ofSecond = 0;
  for (const ReplicationLagSample& sample : lag.samples()) {
    EXPECT_LE(sample.atLeast, sample.atMost);
    EXPECT_GT(sample.at, 0);
    ++(sample.replica == 0 ? ofFirst : ofSecond);
  }
  EXPECT_GT(ofFirst, 0U);
  EXPECT_GT(ofSecond, 0U);
  EXPECT_LT(lag.samples().back().atLeast, 1000U) << "in the end it has caught up";
}

}  // namespace
}  // namespace redline
