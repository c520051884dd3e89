#include "pg/pg_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "integration/postgres/store_rig.h"

namespace redline {
namespace {

using test::eventually;
using test::StoreRig;
using testing::HasSubstr;
using Outcome = StoreReply::Outcome;

TEST(PgStore, ReadsTheValuesThatTheLoaderPutsIntoRedis) {
  StoreRig rig;
  ASSERT_TRUE(rig.open());
  for (std::uint64_t id = 0; id < StoreRig::kTable.keys; ++id) rig.read(id);
  ASSERT_TRUE(rig.allAnswered());
  for (std::uint64_t id = 0; id < StoreRig::kTable.keys; ++id) {
    const StoreReply reply = rig.reply(id + 1);
    ASSERT_EQ(reply.outcome, Outcome::found);
    EXPECT_EQ(reply.id, id);
    EXPECT_EQ(reply.version, 0U);
    std::uint64_t version = 9;
    EXPECT_EQ(StoreRig::values().check(reply.value, id, &version, VerifyLevel::full),
              Values::Verdict::ok);
    EXPECT_EQ(version, 0U);
    EXPECT_GT(reply.sentAt, 0);
    EXPECT_GE(reply.doneAt, reply.sentAt);
  }
  EXPECT_EQ(rig.store().levels().connections, 4U);
  EXPECT_TRUE(eventually([&] { return rig.store().levels().inFlight == 0; }));
  EXPECT_TRUE(rig.store().problems().empty());
}

TEST(PgStore, SaysThatARowIsMissing) {
  StoreRig rig;
  ASSERT_TRUE(rig.open());
  rig.run("DELETE FROM cache_entries WHERE id = 7");
  EXPECT_EQ(rig.reply(rig.read(7)).outcome, Outcome::missing);
  EXPECT_EQ(rig.reply(rig.write(7, 1)).outcome, Outcome::missing);
  EXPECT_EQ(rig.reply(rig.read(StoreRig::kTable.keys)).outcome, Outcome::missing);
  EXPECT_EQ(rig.reply(rig.read(8)).outcome, Outcome::found);
}

TEST(PgStore, WritesValueAndVersion) {
  StoreRig rig;
  ASSERT_TRUE(rig.open());
  for (const std::uint64_t expected : {3U, 7U, 1U}) {
    EXPECT_EQ(rig.reply(rig.write(5, expected)).outcome, Outcome::stored);
    const StoreReply reply = rig.reply(rig.read(5));
    EXPECT_EQ(reply.version, expected);
    std::uint64_t version = 0;
    EXPECT_EQ(StoreRig::values().check(reply.value, 5, &version, VerifyLevel::full),
              Values::Verdict::ok);
    EXPECT_EQ(version, expected);
  }
}

TEST(PgStore, KeepsTheOrderOfAWorkersWritesToOneRow) {
  StoreRig rig;
  PgStoreOptions options;
  options.limits.connections = 1;
  ASSERT_TRUE(rig.open(options));
  for (std::uint64_t version = 1; version <= 200; ++version) {
    rig.write(5, version);
    rig.read(5);
  }
  ASSERT_TRUE(rig.allAnswered());
  for (std::uint64_t version = 1; version <= 200; ++version)
    EXPECT_EQ(rig.reply(2 * version).version, version);
}

TEST(PgStore, NeverBeginsWhatIsPastItsDeadline) {
  StoreRig rig;
  ASSERT_TRUE(rig.open());
  const StoreReply reply = rig.reply(rig.read(1, -1));
  EXPECT_EQ(reply.outcome, Outcome::timedOut);
  EXPECT_EQ(reply.sentAt, 0);
}

TEST(PgStore, ShedsWhatIsAboveItsRate) {
  StoreRig rig;
  PgStoreOptions options;
  options.limits.maxRate = 100;  // a burst is one
  ASSERT_TRUE(rig.open(options));
  for (int i = 0; i < 1000; ++i) rig.read(1);
  ASSERT_TRUE(rig.allAnswered());
  EXPECT_GT(rig.countOf(Outcome::shed), 0U);
  EXPECT_GT(rig.countOf(Outcome::found), 0U);
  EXPECT_EQ(rig.countOf(Outcome::shed) + rig.countOf(Outcome::found), 1000U);
}

// The table is locked: a reader waits half of the timeout, the queue behind it until its deadline.
TEST(PgStore, ALockedTableHoldsUpNobodyForEver) {
  StoreRig rig;
  PgStoreOptions options;
  options.timeout = 200 * kMillisecond;
  ASSERT_TRUE(rig.open(options));
  PgAdmin holder = rig.admin();
  ASSERT_TRUE(holder.run("BEGIN; LOCK TABLE cache_entries IN ACCESS EXCLUSIVE MODE"));
  for (int i = 0; i < 500; ++i) rig.read(1, 300 * kMillisecond);
  ASSERT_TRUE(rig.allAnswered());
  EXPECT_EQ(rig.countOf(Outcome::found), 0U);
  EXPECT_GT(rig.countOf(StoreFailure::locked), 0U);
  EXPECT_GT(rig.countOf(Outcome::timedOut), 0U);
  EXPECT_THAT(rig.lastProblem(StoreFailure::locked), HasSubstr("lock timeout"));
  ASSERT_TRUE(holder.run("ROLLBACK"));
  EXPECT_TRUE(eventually([&] { return rig.serves(); }));
}

TEST(PgStore, ALockedRowDelaysItsWritersAlone) {
  StoreRig rig;
  PgStoreOptions options;
  options.timeout = 200 * kMillisecond;
  ASSERT_TRUE(rig.open(options));
  PgAdmin holder = rig.admin();
  ASSERT_TRUE(holder.run("BEGIN; SELECT FROM cache_entries WHERE id = 5 FOR UPDATE"));
  const StoreTicket blocked = rig.write(5, 1);
  EXPECT_EQ(rig.reply(rig.read(5)).outcome, Outcome::found);
  const StoreReply reply = rig.reply(blocked);
  EXPECT_EQ(reply.outcome, Outcome::failed);
  EXPECT_EQ(reply.failure, StoreFailure::locked);
  ASSERT_TRUE(holder.run("ROLLBACK"));
  EXPECT_EQ(rig.reply(rig.write(5, 1)).outcome, Outcome::stored);
}

/// Reads now and then, until `done`.
void readUntil(StoreRig& rig, const std::function<bool()>& done) {
  EXPECT_TRUE(eventually(
      [&] {
        rig.read(rig.asked() % StoreRig::kTable.keys, kSecond);
        rig.collect();
        return done();
      },
      30 * kSecond));
}

TEST(PgStore, OutlivesAServerThatIsStoppedAndStartedAgain) {
  StoreRig rig;
  ASSERT_TRUE(rig.open());
  readUntil(rig, [&] { return rig.countOf(Outcome::found) >= 10; });
  ASSERT_TRUE(rig.server().stop(PostgresStop::fast));
  readUntil(rig, [&] { return rig.countOf(StoreFailure::unreachable) >= 10; });
  EXPECT_EQ(rig.store().levels().connections, 0U);
  ASSERT_TRUE(rig.server().restart());
  const std::size_t before = rig.countOf(Outcome::found);
  readUntil(rig, [&] { return rig.countOf(Outcome::found) >= before + 10; });
  EXPECT_TRUE(rig.allAnswered()) << rig.answered() << " of " << rig.asked();
  EXPECT_TRUE(eventually([&] { return rig.store().levels().connections == 4; }));
  EXPECT_EQ(rig.store().reconnects(), 4U);
  EXPECT_GT(rig.problems(StoreFailure::unreachable), 0U);
}

TEST(PgStore, OutlivesAServerThatIsKilled) {
  StoreRig rig;
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.reply(rig.write(3, 7)).outcome, Outcome::stored);
  ASSERT_TRUE(rig.server().kill());
  readUntil(rig, [&] { return rig.countOf(StoreFailure::unreachable) >= 10; });
  ASSERT_TRUE(rig.server().restart());
  readUntil(rig, [&] { return rig.store().levels().connections == 4; });
  EXPECT_EQ(rig.reply(rig.read(3)).version, 7U) << "a committed write survives";
  EXPECT_TRUE(rig.allAnswered());
}

TEST(PgStore, AServerThatIsHeldUpTimesOutAndRecovers) {
  StoreRig rig;
  PgStoreOptions options;
  options.timeout = 200 * kMillisecond;
  ASSERT_TRUE(rig.open(options));
  const auto all = processesIn(rig.server().config().dir, [](std::string_view) { return true; });
  ASSERT_GT(all.size(), 4U);
  for (const ProcessId& each : all)
    ASSERT_TRUE(sendSignal(each, SIGSTOP) || !isAlive(each));  // workers come and go
  for (int i = 0; i < 100; ++i) rig.read(1, 200 * kMillisecond);
  ASSERT_TRUE(rig.allAnswered());
  EXPECT_EQ(rig.countOf(Outcome::timedOut), 100U);
  for (const ProcessId& each : all) (void)sendSignal(each, SIGCONT);
  EXPECT_TRUE(eventually([&] { return rig.serves(); }));
}

TEST(PgStore, AChangedPasswordIsRefusedAndCounted) {
  PostgresConfig config;
  config.password = "first";
  StoreRig rig(config);
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.serves());
  PgAdmin admin = rig.admin();
  ASSERT_TRUE(admin.run("ALTER ROLE redline PASSWORD 'second'"));
  ASSERT_TRUE(
      admin.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                "backend_type = 'client backend' AND pid <> pg_backend_pid()"));
  readUntil(rig, [&] { return rig.countOf(StoreFailure::refused) >= 10; });
  EXPECT_THAT(rig.lastProblem(StoreFailure::refused), HasSubstr("password authentication failed"));
  ASSERT_TRUE(admin.run("ALTER ROLE redline PASSWORD 'first'"));
  EXPECT_TRUE(eventually([&] { return rig.serves(); }));
  EXPECT_TRUE(rig.allAnswered());
}

TEST(PgStore, WithAWrongPasswordDoesNotStart) {
  PostgresConfig config;
  config.password = "right";
  StoreRig rig(config);
  PgStoreOptions options;
  options.address = rig.address();
  options.address.password = "wrong";
  const auto store = PgStore::start(options, StoreRig::values());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::refused);
  EXPECT_THAT(store.error().message, HasSubstr("password authentication failed"));
}

TEST(PgStore, WithoutATableDoesNotStart) {
  StoreRig rig;
  rig.run("DROP TABLE cache_entries, data_set");
  PgStoreOptions options;
  options.address = rig.address();
  const auto store = PgStore::start(options, StoreRig::values());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::refused);
  EXPECT_THAT(store.error().message, HasSubstr("redline loader"));
}

TEST(PgStore, WithMoreConnectionsThanAllowedDoesNotStart) {
  PostgresConfig config;
  config.maxConnections = 5;
  StoreRig rig(config);
  PgStoreOptions options;
  options.address = rig.address();
  options.limits.connections = 20;
  const auto store = PgStore::start(options, StoreRig::values());
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("cannot open 20 connections"));
}

TEST(PgStore, AnswersEverythingBeforeItEnds) {
  StoreRig rig;
  ASSERT_TRUE(rig.open());
  PgAdmin holder = rig.admin();
  ASSERT_TRUE(holder.run("BEGIN; LOCK TABLE cache_entries IN ACCESS EXCLUSIVE MODE"));
  for (int i = 0; i < 200; ++i) rig.read(1, 60 * kSecond);
  rig.close();
  EXPECT_EQ(rig.answered(), 200U);
  EXPECT_EQ(rig.countOf(StoreFailure::unreachable), 200U);
}

/// A file system of its own, which is small.
class SmallDisk {
 public:
  explicit SmallDisk(const char* options) {
    std::string name = "/var/tmp/redline-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) return;
    path_ = name;
    mounted_ = ::mount("tmpfs", name.c_str(), "tmpfs", 0, options) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
    std::error_code none;
    std::filesystem::remove(path_, none);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  bool mounted_ = false;
};

// The table's disk alone is full, so that the server can say so. It goes on serving reads.
TEST(PgStore, AFullDiskFailsWritesAndNoReads) {
  const passwd* const user = ::getpwnam("postgres");
  const SmallDisk disk(user != nullptr ? fmt::format("size=4m,uid={}", user->pw_uid).c_str()
                                       : "size=4m");
  if (!disk.mounted()) GTEST_SKIP() << "only root may mount";
  StoreRig rig;
  ASSERT_TRUE(rig.open());
  rig.run("CREATE TABLESPACE small LOCATION '" + disk.path().string() + "'");
  rig.run("ALTER TABLE cache_entries SET TABLESPACE small");
  rig.run("ALTER TABLE cache_entries SET (autovacuum_enabled = off)");
  // A transaction that may still look at old rows keeps their space from being used again.
  PgAdmin reader = rig.admin();
  ASSERT_TRUE(reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ"));
  ASSERT_TRUE(reader.value("SELECT count(*) FROM cache_entries"));
  for (std::uint64_t version = 1; rig.countOf(StoreFailure::diskFull) == 0 && version < 2000;
       ++version) {
    for (std::uint64_t id = 0; id < StoreRig::kTable.keys; ++id) rig.write(id, version);
    ASSERT_TRUE(rig.allAnswered());
  }
  EXPECT_GT(rig.countOf(StoreFailure::diskFull), 0U);
  EXPECT_THAT(rig.lastProblem(StoreFailure::diskFull), HasSubstr("No space left on device"));
  EXPECT_TRUE(rig.serves());
  ASSERT_TRUE(reader.run("ROLLBACK"));
  rig.run("ALTER TABLE cache_entries SET TABLESPACE pg_default");
  EXPECT_EQ(rig.reply(rig.write(1, 1'000'000)).outcome, Outcome::stored);
  rig.run("DROP TABLESPACE small");
}

// Its whole disk is full: it cannot write its log ahead, and stops itself.
TEST(PgStore, AServerWhoseWholeDiskIsFullIsUnreachable) {
  const SmallDisk disk("size=96m,mode=0755");
  if (!disk.mounted()) GTEST_SKIP() << "only root may mount";
  PostgresConfig config;
  config.dir = disk.path();
  config.extra = {{"max_wal_size", "1GB"}};
  StoreRig rig(config);
  ASSERT_TRUE(rig.open());
  std::uint64_t version = 0;
  EXPECT_TRUE(eventually(
      [&] {
        ++version;
        for (std::uint64_t id = 0; id < StoreRig::kTable.keys; ++id) rig.write(id, version);
        EXPECT_TRUE(rig.allAnswered());
        return rig.countOf(StoreFailure::diskFull) + rig.countOf(StoreFailure::unreachable) > 0;
      },
      60 * kSecond));
  EXPECT_TRUE(rig.allAnswered());
}

}  // namespace
}  // namespace redline
