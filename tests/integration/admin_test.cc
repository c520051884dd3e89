#include "server/admin.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "server/scoped_stack.h"
#include "support/real_redis.h"

namespace redline {
namespace {

using test::adminOf;
using test::startRedis;

TEST(Admin, SpeaksToARealServer) {
  auto redis = startRedis();
  if (!redis) return;
  for (const Endpoint& endpoint : {redis->node().endpoint(), redis->node().unixEndpoint()}) {
    auto admin = Admin::connect(endpoint, {});
    ASSERT_TRUE(admin) << admin.error().message;
    EXPECT_EQ(admin->command({"SET", "k", "v"})->text, "OK");
    EXPECT_EQ(admin->command({"GET", "k"})->text, "v");
    EXPECT_TRUE(admin->command({"GET", "absent"})->isNull());
  }
}

TEST(Admin, TellsErrorRepliesFromLostConnections) {
  auto redis = startRedis();
  if (!redis) return;
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  const auto refused = admin->command({"NOSUCH"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_NE(refused.error().message.find("unknown command"), std::string::npos);
  const auto raw = admin->commandRaw({"NOSUCH"});
  ASSERT_TRUE(raw);
  EXPECT_TRUE(raw->isError());
  EXPECT_TRUE(admin->connected());
  ASSERT_TRUE(redis->node().kill());
  const auto lost = admin->command({"PING"});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::unreachable);
  EXPECT_FALSE(admin->connected());
}

TEST(Admin, ReadsInfoAndParameters) {
  auto redis = startRedis();
  if (!redis) return;
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  ASSERT_TRUE(admin->command({"MSET", "a", "1", "b", "2"}));
  ASSERT_TRUE(admin->command({"PEXPIRE", "a", "100000"}));
  const auto info = admin->info({"server", "keyspace", "commandstats", "cpu", "replication"});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->version().substr(0, 2), "7.");
  EXPECT_EQ(info->keys(), 2U);
  EXPECT_EQ(info->keyspace.at(0).expires, 1U);
  EXPECT_EQ(info->commandStats.at("mset").calls, 1U);
  EXPECT_EQ(info->role(), "master");
  EXPECT_GT(info->number("used_cpu_user_main_thread") + info->number("used_cpu_sys_main_thread"),
            0);
  EXPECT_TRUE(admin->requireVersion(*info, false));
  ASSERT_TRUE(admin->configSet("maxmemory-policy", "allkeys-lfu"));
  EXPECT_EQ(admin->configGet("maxmemory-policy").value(), "allkeys-lfu");
  const auto absent = admin->configGet("no-such-parameter");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ErrorCode::usage);
}

TEST(Admin, PipelinesManyCommandsAndReadsRepliesWithoutKeepingThem) {
  auto redis = startRedis();
  if (!redis) return;
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  std::vector<std::vector<std::string>> commands;
  for (int i = 0; i < 16384; ++i)
    commands.push_back({"SET", "key:" + std::to_string(i), std::string(100, 'v')});
  commands.push_back({"NOSUCH"});
  const auto replies = admin->pipeline(commands);
  ASSERT_TRUE(replies);
  ASSERT_EQ(replies->size(), 16385U);
  EXPECT_EQ(replies->front().text, "OK");
  EXPECT_TRUE(replies->back().isError());
  const std::vector<std::string> keys{"KEYS", "*"};
  const auto counted = admin->commandDiscard(keys);
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->integer, 16384);
  EXPECT_TRUE(counted->items.empty());
  EXPECT_EQ(admin->command({"DBSIZE"})->integer, 16384);
}

TEST(Admin, SaysWhatToDoAboutPasswords) {
  NodeConfig config;
  config.password = "correct \"horse\\ \xc3\xa9";
  auto redis = startRedis(config);
  if (!redis) return;
  const Endpoint endpoint = redis->endpoint();
  for (const std::string& password : {std::string(), std::string("wrong")}) {
    const auto refused = Admin::connect(endpoint, {{}, password});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::refused);
    EXPECT_NE(refused.error().message.find("REDLINE_PASSWORD"), std::string::npos);
    EXPECT_NE(refused.error().message.find(endpoint.text()), std::string::npos);
    EXPECT_EQ(refused.error().message.find("wrong\""), std::string::npos);
  }
  EXPECT_TRUE(Admin::connect(endpoint, {{}, config.password}));
  EXPECT_TRUE(Admin::connect(endpoint, {"default", config.password}));
  const auto stranger = Admin::connect(endpoint, {"nobody", config.password});
  ASSERT_FALSE(stranger);
  EXPECT_NE(stranger.error().message.find("nobody"), std::string::npos);
}

TEST(Admin, DoesNotMindAPasswordThatAnOpenServerDoesNotAskFor) {
  auto redis = startRedis();
  if (!redis) return;
  EXPECT_TRUE(Admin::connect(redis->endpoint(), {{}, "superfluous"}));
}

TEST(Admin, SaysWhatToDoWhenNothingListens) {
  const auto port = freePort();
  ASSERT_TRUE(port);
  const auto nobody = Admin::connect({"127.0.0.1", *port, {}}, {});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ErrorCode::unreachable);
  EXPECT_NE(nobody.error().message.find("redline stack up node"), std::string::npos);
}

TEST(Admin, NoticesPeersThatAreNoRedis) {
  for (const char* answer : {"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n", "+HELLO\r\n"}) {
    const test::BarePeer peer(answer);
    const auto refused = Admin::connect(peer.endpoint(), {}, 5 * kSecond);
    ASSERT_FALSE(refused) << answer;
    EXPECT_EQ(refused.error().code, ErrorCode::refused);
    EXPECT_NE(refused.error().message.find("something listens on " + peer.endpoint().text() +
                                           " but it does not speak RESP"),
              std::string::npos)
        << refused.error().message;
  }
}

TEST(Admin, NoticesAPeerThatKeepsSilent) {
  const test::BarePeer peer("");
  const auto refused = Admin::connect(peer.endpoint(), {}, 100 * kMillisecond);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::timeout);
  EXPECT_NE(refused.error().message.find("no answer to a PING within 100 ms: it is loading, busy"),
            std::string::npos);
}

TEST(Admin, GivesUpOnAFrozenServerAndIsThenOutOfStep) {
  auto redis = startRedis();
  if (!redis) return;
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  ASSERT_TRUE(redis->node().signal(SIGSTOP));
  const auto late = admin->command({"PING"}, 50 * kMillisecond);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::timeout);
  ASSERT_TRUE(redis->node().signal(SIGCONT));
  EXPECT_FALSE(admin->command({"PING"}));
  EXPECT_TRUE(Admin::connect(redis->endpoint(), {}));
}

TEST(Admin, WaitsForAServerThatIsLoading) {
  NodeConfig config;
  // Each key costs the loader 2 ms, so that it is seen at work.
  config.extra = {{"key-load-delay", "0"}, {"loading-process-events-interval-bytes", "1024"}};
  auto redis = startRedis(config);
  if (!redis) return;
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  ASSERT_TRUE(admin->command({"DEBUG", "POPULATE", "400", "key", "1000"}));
  ASSERT_TRUE(admin->command({"SAVE"}));
  ASSERT_TRUE(admin->configSet("key-load-delay", "2000"));
  std::thread reload([&] { (void)admin->command({"DEBUG", "RELOAD", "NOSAVE"}, 60 * kSecond); });
  const bool seen = test::eventually([&] {
    const auto early = Admin::connect(redis->endpoint(), {});
    return !early && early.error().message.find("loading") != std::string::npos;
  });
  std::string told;
  const LoadingWait wait{60 * kSecond, [&](const std::string& line) { told = line; }};
  const auto patient = Admin::connect(redis->endpoint(), {}, 5 * kSecond, wait);
  reload.join();
  EXPECT_TRUE(seen);
  EXPECT_TRUE(patient) << patient.error().message;
  EXPECT_NE(told.find("is loading: "), std::string::npos) << told;
}

}  // namespace
}  // namespace redline
