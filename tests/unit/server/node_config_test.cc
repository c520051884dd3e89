#include "server/node_config.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

NodeConfig goodConfig() {
  NodeConfig config;
  config.dir = "/tmp/lab";
  config.maxmemory = 1 << 30;
  return config;
}

bool hasLine(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(NodeConfig, SaysWhatEveryLabServerStartsWith) {
  const std::string text = configText(goodConfig());
  for (const char* line :
       {"save \"\"", "appendonly no", "auto-aof-rewrite-percentage 0", "maxmemory 1073741824",
        "maxmemory-policy allkeys-lru", "enable-debug-command local", "latency-monitor-threshold 5",
        "slowlog-log-slower-than 1000", "bind 127.0.0.1", "port 7600", "dir \"/tmp/lab\"",
        "unixsocket \"/tmp/lab/redis.sock\"", "logfile \"/tmp/lab/redis.log\"", "daemonize no"})
    EXPECT_TRUE(hasLine(text, line)) << line;
  EXPECT_EQ(text.find("cpulist"), std::string::npos);
  EXPECT_EQ(text.find("io-threads"), std::string::npos);
  EXPECT_EQ(text.find("cluster"), std::string::npos);
}

TEST(NodeConfig, OfAClusterHasTheLabsTimesAndABacklogThatLeavesRoomForData) {
  NodeConfig config = goodConfig();
  config.cluster = true;
  for (const char* line :
       {"cluster-enabled yes", "cluster-node-timeout 5000", "cluster-require-full-coverage yes",
        "cluster-allow-replica-migration no", "repl-diskless-sync-delay 0",
        "repl-backlog-size 268435456"})
    EXPECT_TRUE(hasLine(configText(config), line)) << line;
  config.fullCoverage = false;
  config.maxmemory = 100 << 20;
  EXPECT_TRUE(hasLine(configText(config), "cluster-require-full-coverage no"));
  EXPECT_TRUE(hasLine(configText(config), "repl-backlog-size 26214400"));
  ASSERT_TRUE(checkNodeConfig(config));
  config.port = 55'536;
  EXPECT_NE(checkNodeConfig(config).error().message.find("port + 10000"), std::string::npos);
}

TEST(NodeConfig, PinsCpusAndGivesIoThreadsTheReads) {
  NodeConfig config = goodConfig();
  config.cpus = "0";
  config.bioCpus = "1";
  config.bgsaveCpus = "1-2";
  config.aofRewriteCpus = "1,3";
  config.ioThreads = 3;
  const std::string text = configText(config);
  for (const char* line : {"server_cpulist 0", "bio_cpulist 1", "bgsave_cpulist 1-2",
                           "aof_rewrite_cpulist 1,3", "io-threads 3", "io-threads-do-reads yes"})
    EXPECT_TRUE(hasLine(text, line)) << line;
}

TEST(NodeConfig, KeepsThePasswordOutOfTheFile) {
  NodeConfig config = goodConfig();
  config.password = "hun\"ter\\2 \n";
  EXPECT_EQ(configText(config).find("hun"), std::string::npos);
  EXPECT_EQ(configText(config).find("requirepass"), std::string::npos);
  EXPECT_EQ(secretText(config),
            "requirepass \"hun\\\"ter\\\\2 \\x0a\"\nmasterauth \"hun\\\"ter\\\\2 \\x0a\"\n");
  EXPECT_EQ(secretText(goodConfig()), "");
}

TEST(NodeConfig, LetsExtraParametersWin) {
  NodeConfig config = goodConfig();
  config.extra = {{"appendonly", "yes"}, {"save", ""}};
  ASSERT_TRUE(checkNodeConfig(config));
  const std::string text = configText(config);
  EXPECT_GT(text.find("appendonly yes"), text.find("appendonly no"));
  EXPECT_TRUE(text.ends_with("save \"\"\n"));
}

TEST(NodeConfig, KnowsTheMaxmemoryThatTheServerWillHave) {
  NodeConfig config = goodConfig();
  EXPECT_EQ(effectiveMaxmemory(config), config.maxmemory);
  for (const auto& [text, bytes] :
       std::vector<std::pair<std::string, std::uint64_t>>{{"4gb", 4ULL << 30},
                                                          {"2G", 2'000'000'000},
                                                          {"100Mb", 100 << 20},
                                                          {"5m", 5'000'000},
                                                          {"1kb", 1024},
                                                          {"1k", 1000},
                                                          {"123456789", 123'456'789},
                                                          {"7b", 7}}) {
    config.extra = {{"Maxmemory", text}};
    EXPECT_EQ(effectiveMaxmemory(config), bytes) << text;
    EXPECT_TRUE(checkNodeConfig(config)) << text;
  }
  config.extra = {{"maxmemory", "1gb"}, {"maxmemory", "64mb"}};
  EXPECT_EQ(effectiveMaxmemory(config), 64ULL << 20) << "the last one wins";
  config.cluster = true;
  EXPECT_TRUE(hasLine(configText(config), "repl-backlog-size 16777216"));
  for (const char* const text : {"0", "", "much", "-1", "1tb", "99999999999999gb"}) {
    config.extra = {{"maxmemory", text}};
    const auto checked = checkNodeConfig(config);
    ASSERT_FALSE(checked) << text;
    EXPECT_NE(checked.error().message.find("-maxmemory"), std::string::npos);
  }
}

TEST(NodeConfig, RefusesWhatWouldMakeALabServerLieOrHarm) {
  const auto refuses = [](auto change) {
    NodeConfig config = goodConfig();
    change(config);
    const auto checked = checkNodeConfig(config);
    return !checked && checked.error().code == ErrorCode::usage;
  };
  EXPECT_FALSE(refuses([](NodeConfig&) {}));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.policy = "noeviction"; }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.policy = "lru"; }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.extra = {{"Maxmemory-Policy", "noeviction"}}; }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.extra = {{"requirepass", "x"}}; }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.extra = {{"user", "lab on >secret +get"}}; }));
  EXPECT_FALSE(refuses([](NodeConfig& c) { c.extra = {{"user", "lab on #2bb80d53 +get"}}; }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.extra = {{"cluster-enabled", "yes"}}; }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.extra = {{"port", "6379"}}; }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.extra = {{"hz", "10\nport 6379"}}; }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.extra = {{"hz 10\nport", "6379"}}; }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.maxmemory = 0; }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.port = 0; }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.dir = "relative"; }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.dir = "/" + std::string(100, 'd'); }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.cpus = "zero"; }));
  EXPECT_TRUE(refuses([](NodeConfig& c) { c.ioThreads = 0; }));
}

TEST(ServerBinary, TellsItsVersion) {
  EXPECT_EQ(parseServerVersion("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0\n"),
            "7.0.15");
  EXPECT_EQ(parseServerVersion("some other program 1.0"), "");
  EXPECT_EQ(parseServerVersion("v=x"), "");
}

}  // namespace
}  // namespace redline
