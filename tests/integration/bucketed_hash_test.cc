// A hash that moves into buckets while somebody uses it, on a real server.

#include "lab/bucketed_hash.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "support/real_redis.h"

namespace redline {
namespace {

using lab::BucketedHash;
using lab::HashClient;
using lab::Migration;

bool never() {
  return false;
}

Migration migrationOf(std::uint64_t batch) {
  return {.from = {.name = "old", .fields = 20'000, .fieldSize = 20},
          .to = {.name = "new", .fields = 20'000, .fieldSize = 20, .buckets = 64},
          .batch = batch};
}

std::int64_t fieldsIn(Admin& admin, const BucketedHash& hash) {
  std::int64_t fields = 0;
  for (std::uint64_t i = 0; i < hash.keys(); ++i)
    if (const auto length = admin.command({"HLEN", hash.key(i)})) fields += length->integer;
  return fields;
}

class BucketedHashMigration : public testing::TestWithParam<std::uint64_t> {};

TEST_P(BucketedHashMigration, LosesNothingWhileAClientReadsAndWrites) {
  auto redis = test::startRedis();
  if (!redis) return;
  auto mover = test::adminOf(*redis), own = test::adminOf(*redis);
  ASSERT_TRUE(mover && own);
  const Migration migration = migrationOf(GetParam());
  ASSERT_TRUE(makeHash(*mover, migration.from, never));
  ASSERT_EQ(fieldsIn(*mover, migration.from), 20'000);
  HashClient client(std::move(*own), migration, 1);
  std::atomic<bool> isOver = false;
  Status status;
  std::thread application([&] {
    while (!isOver && status) status = client.operate();
  });
  const auto moved = migrateHash(*mover, migration, never);
  isOver = true;
  application.join();
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_TRUE(moved->isComplete);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(fieldsIn(*mover, migration.to), 20'000);
  EXPECT_EQ(mover->command({"EXISTS", "old"})->integer, 0);
  EXPECT_GT(client.counts().reads, 0U);
  EXPECT_GT(client.counts().writes, 0U);
  EXPECT_EQ(client.counts().missing, 0U);
  EXPECT_EQ(client.counts().wrong, 0U);
  EXPECT_EQ(*client.lostWrites(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Batches, BucketedHashMigration, testing::Values(0, 10, 500),
                         [](const auto& of) {
                           return of.param == 0 ? std::string("AtOnce")
                                                : "Of" + std::to_string(of.param);
                         });

TEST(BucketedHashMigrationInterrupted, LeavesEachFieldInOnePlace) {
  auto redis = test::startRedis();
  if (!redis) return;
  auto admin = test::adminOf(*redis);
  ASSERT_TRUE(admin);
  const Migration migration = migrationOf(100);
  ASSERT_TRUE(makeHash(*admin, migration.from, never));
  int steps = 0;
  const auto moved = migrateHash(*admin, migration, [&] { return ++steps > 5; });
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_FALSE(moved->isComplete);
  const auto there = fieldsIn(*admin, migration.to), left = fieldsIn(*admin, migration.from);
  EXPECT_GT(there, 0);
  EXPECT_GT(left, 0);
  EXPECT_EQ(there + left, 20'000);
}

TEST(BucketedHashClient, CountsWhatIsMissingWrongAndLost) {
  auto redis = test::startRedis();
  if (!redis) return;
  auto admin = test::adminOf(*redis), own = test::adminOf(*redis);
  ASSERT_TRUE(admin && own);
  Migration migration = migrationOf(10);
  migration.from.fields = migration.to.fields = 4;
  HashClient client(std::move(*own), migration, 1);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(client.operate());
  EXPECT_GT(client.counts().missing, 0U) << "no field was made, and few are written";
  const auto before = client.counts().wrong;
  for (std::uint64_t id = 0; id < 4; ++id)
    ASSERT_TRUE(admin->command({"HSET", migration.to.keyOf(id), BucketedHash::field(id), "other"}));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client.operate());
  EXPECT_GT(client.counts().wrong, before);
  ASSERT_TRUE(unlinkHash(*admin, migration.to));
  EXPECT_GT(*client.lostWrites(), 0U);
}

}  // namespace
}  // namespace redline
