// RDB files of our own writer in a real server: the same data set as by commands.
#include "rdb/rdb_writer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fuzz/rdb_check.h"
#include "os/files.h"
#include "os/program.h"
#include "support/load_lab.h"
#include "support/real_redis.h"

namespace redline {
namespace {

using Words = std::vector<std::string>;

Words commandOf(const RdbEntry& entry) {
  constexpr const char* kNames[] = {"SET", "HSET", "RPUSH"};
  Words command{kNames[static_cast<std::size_t>(entry.kind)], entry.key};
  command.insert(command.end(), entry.parts.begin(), entry.parts.end());
  return command;
}

std::vector<Value> answers(Admin& admin, const std::vector<Words>& commands) {
  auto replies = admin.pipeline(commands, 60 * kSecond);
  EXPECT_TRUE(replies) << replies.error().message;
  return replies ? std::move(*replies) : std::vector<Value>{};
}

void storeByCommands(Admin& admin, const std::vector<RdbEntry>& entries) {
  std::vector<Words> commands;
  for (const RdbEntry& entry : entries) {
    commands.push_back(commandOf(entry));
    if (entry.expireAt != -1)
      commands.push_back({"PEXPIREAT", entry.key, std::to_string(entry.expireAt)});
  }
  for (const Value& reply : answers(admin, commands)) ASSERT_FALSE(reply.isError()) << reply.text;
}

/// DEBUG DIGEST does not look at when a key expires: PEXPIRETIME does.
std::string everythingOf(Admin& admin, const std::vector<RdbEntry>& entries) {
  std::vector<Words> commands{{"DEBUG", "DIGEST"}, {"DBSIZE"}};
  for (const RdbEntry& entry : entries) {
    commands.push_back({"PEXPIRETIME", entry.key});
    commands.push_back({"OBJECT", "ENCODING", entry.key});
  }
  std::string all;
  for (const Value& reply : answers(admin, commands))
    all += fmt::format("{}{}\n", reply.text, reply.integer);
  return all;
}

TEST(RdbWriter, ARealServerLoadsRandomDataSets) {
  auto redis = test::startRedis();
  if (!redis) return;
  auto admin = test::adminOf(*redis);
  if (!admin) return;
  const auto file = redis->node().config().dir / "dump.rdb";
  Rng rng(7015);
  for (int i = 0; i < 150; ++i) {
    const auto entries = someEntries(rng, 60, wallNow() / kMillisecond);
    ASSERT_TRUE(admin->command({"FLUSHALL"}));
    storeByCommands(*admin, entries);
    const std::string wanted = everythingOf(*admin, entries);

    ASSERT_TRUE(admin->command({"FLUSHALL"}));
    ASSERT_TRUE(writeWholeFile(file, rdbOf(entries, rng.below(8))));
    const auto loaded = admin->command({"DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE"});
    ASSERT_TRUE(loaded) << i << ": " << loaded.error().message;
    ASSERT_EQ(everythingOf(*admin, entries), wanted) << i;
  }
  const auto checked = runProgram({"redis-check-rdb", file.string()}, 30 * kSecond);
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_TRUE(checked->succeeded()) << checked->output;
  EXPECT_NE(checked->output.find("Checksum OK"), std::string::npos) << checked->output;
}

}  // namespace
}  // namespace redline
