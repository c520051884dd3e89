#include "server/info.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

constexpr std::string_view kInfo =
    "# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\n\r\n# Memory\r\nused_memory:965920\r\n"
    "mem_fragmentation_ratio:13.45\r\n\r\n# Replication\r\nrole:slave\r\n"
    "slave0:ip=127.0.0.1,port=7601,state=online\r\n"
    "# Commandstats\r\ncmdstat_get:calls=12,usec=34,usec_per_call=2.83,rejected_calls=1,"
    "failed_calls=2\r\ncmdstat_config|get:calls=3,usec=9,usec_per_call=3.00,rejected_calls=0,"
    "failed_calls=0\r\n# Keyspace\r\ndb0:keys=100,expires=30,avg_ttl=5000\r\n"
    "db9:keys=1,expires=0,avg_ttl=0\r\n";

TEST(ServerInfo, KeepsFieldsByTheirOwnNames) {
  const ServerInfo info = parseServerInfo(kInfo);
  EXPECT_EQ(info.version(), "7.0.15");
  EXPECT_EQ(info.count("used_memory"), 965920U);
  EXPECT_DOUBLE_EQ(info.number("mem_fragmentation_ratio"), 13.45);
  EXPECT_EQ(info.text("slave0"), "ip=127.0.0.1,port=7601,state=online");
  EXPECT_EQ(info.role(), "replica");
  EXPECT_DOUBLE_EQ(info.number("absent", 7), 7);
  EXPECT_DOUBLE_EQ(info.number("run_id", 7), 7);
}

TEST(ServerInfo, RecordsValkeyUnderItsOwnName) {
  const ServerInfo valkey = parseServerInfo(
      "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n");
  EXPECT_EQ(valkey.version(), "7.2.4");
  EXPECT_EQ(valkey.recordedVersion(), "Valkey 8.0.1");
  EXPECT_EQ(productText(valkey.recordedVersion()), "Valkey 8.0.1");
  const ServerInfo redis = parseServerInfo("redis_version:7.0.15\r\n");
  EXPECT_EQ(redis.recordedVersion(), "7.0.15");
  EXPECT_EQ(productText(redis.recordedVersion()), "Redis 7.0.15");
  EXPECT_EQ(productText(""), "");
}

TEST(ServerInfo, ReadsTheKeyspaceOfEachDatabase) {
  const ServerInfo info = parseServerInfo(kInfo);
  ASSERT_EQ(info.keyspace.size(), 2U);
  EXPECT_EQ(info.keyspace.at(0).keys, 100U);
  EXPECT_EQ(info.keyspace.at(0).expires, 30U);
  EXPECT_EQ(info.keyspace.at(0).avgTtlMs, 5000U);
  EXPECT_EQ(info.keys(), 101U);
}

TEST(ServerInfo, ReadsCommandStatistics) {
  const ServerInfo info = parseServerInfo(kInfo);
  const auto& get = info.commandStats.at("get");
  EXPECT_EQ(get.calls, 12U);
  EXPECT_DOUBLE_EQ(get.usec, 34);
  EXPECT_EQ(get.rejected, 1U);
  EXPECT_EQ(get.failed, 2U);
  EXPECT_EQ(info.commandStats.at("config|get").calls, 3U);
}

TEST(ServerInfo, PassesOverLinesItCannotRead) {
  const ServerInfo info = parseServerInfo("no colon\n:x\n#a:b\nok:1\ndb:keys=3\ndbx:keys=3\nend:2");
  EXPECT_EQ(info.fields.size(), 4U);
  EXPECT_TRUE(info.keyspace.empty());
  EXPECT_EQ(info.text("end"), "2");
}

TEST(ServerVersion, MustBeSevenUnlessOverridden) {
  EXPECT_TRUE(checkVersion("7.0.15", "here", false));
  EXPECT_TRUE(checkVersion("7.4.1", "here", false));
  EXPECT_FALSE(checkVersion("70.0.0", "here", false));
  EXPECT_FALSE(checkVersion("", "here", false));
  EXPECT_TRUE(checkVersion("6.2.1", "here", true));
  const auto refused = checkVersion("6.2.1", "127.0.0.1:7600", false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_EQ(
      refused.error().message,
      "redis-server 6.2.1 at 127.0.0.1:7600: redline is made for 7.x; -any-version overrides");
}

}  // namespace
}  // namespace redline
