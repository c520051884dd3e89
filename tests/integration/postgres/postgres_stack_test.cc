#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "os/files.h"
#include "os/program.h"
#include "pg/cache_table.h"
#include "rundir/summary_json.h"
#include "server/own_servers.h"
#include "server/postgres_server.h"
#include "server/stack.h"
#include "support/real_redis.h"
#include "support/redline_process.h"
#include "workload/values.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using test::eventually;
using test::Redline;
using testing::HasSubstr;
using testing::Not;

class PostgresStack : public testing::Test {
 protected:
  StackOptions options() {
    StackOptions options;
    options.name = "test";
    options.node.port = 0;
    options.node.maxmemory = 64 << 20;
    options.backing = BackingOptions{};
    options.backing->config.sharedBuffers = 16 << 20;
    return options;
  }
  /// Lets the user that PostgreSQL runs as pass.
  void openHome() { ::chmod(home_.path().c_str(), 0711); }
  std::string downText() {
    const auto lines = stack_.down("test", {});
    EXPECT_TRUE(lines) << (lines ? "" : lines.error().message);
    return lines ? fmt::format("{}", fmt::join(*lines, "\n")) : "";
  }
  static bool nothingRunsIn(const fs::path& directory) {
    return processesIn(directory, [](std::string_view) { return true; }).empty();
  }
  void TearDown() override { (void)stack_.down("test", {}); }

  test::TemporaryDirectory home_;
  Stack stack_{home_.path()};
};

TEST_F(PostgresStack, ComesUpServesAndLeavesNothingBehind) {
  openHome();
  const auto up = stack_.up(options());
  ASSERT_TRUE(up) << up.error().message;
  ASSERT_TRUE(up->state.backing);
  const PostgresState postgres = *up->state.backing;
  EXPECT_EQ(postgres.dir.parent_path(), up->state.dir);
  EXPECT_THAT(up->text(), HasSubstr(postgres.dir.string() + "/.s.PGSQL.5432"));
  auto admin = PgAdmin::connect(*backingAddress(up->state, {}));
  ASSERT_TRUE(admin) << admin.error().message;
  EXPECT_EQ(admin->value("SHOW fsync").value(), "on");
  EXPECT_EQ(admin->value("SHOW synchronous_commit").value(), "on");
  EXPECT_EQ(admin->value("SHOW shared_buffers").value(), "16MB");
  EXPECT_EQ(admin->value("SHOW listen_addresses").value(), "");
  EXPECT_EQ(admin->value("SELECT current_database()").value(), "redline");
  const auto status = stack_.status("test", {});
  ASSERT_TRUE(status);
  ASSERT_TRUE(status->backing);
  EXPECT_TRUE(status->backing->alive);
  EXPECT_EQ(status->backing->problem, "");
  EXPECT_TRUE(status->backing->version.starts_with("15.")) << status->backing->version;
  EXPECT_EQ(status->backing->rows, 0U);
  const auto own = ownServers(home_.path());
  ASSERT_EQ(own.size(), 1U);
  EXPECT_EQ(own.front().backing, backingAddress(up->state, {}));
  EXPECT_THAT(downText(), HasSubstr("stopped PostgreSQL"));
  EXPECT_FALSE(isAlive(postgres.process));
  EXPECT_TRUE(nothingRunsIn(postgres.dir));
  EXPECT_FALSE(fs::exists(postgres.dir));
}

// A directory below the home of root's, which the user of PostgreSQL cannot pass.
TEST_F(PostgresStack, BelowAPrivateHomeHasItsFilesElsewhere) {
  if (::geteuid() != 0) GTEST_SKIP() << "it runs as ourselves";
  const auto up = stack_.up(options());
  ASSERT_TRUE(up) << up.error().message;
  const fs::path dir = up->state.backing->dir;
  EXPECT_EQ(dir.parent_path(), "/var/tmp");
  EXPECT_TRUE(PgAdmin::connect(*backingAddress(up->state, {})));
  EXPECT_THAT(up->text(), HasSubstr("PostgreSQL's in " + dir.string()));
  EXPECT_THAT(downText(), HasSubstr("removed " + dir.string()));
  EXPECT_FALSE(fs::exists(dir));
}

TEST_F(PostgresStack, ThatWasKilledIsHealedWithItsRows) {
  openHome();
  const auto up = stack_.up(options());
  ASSERT_TRUE(up) << up.error().message;
  const PgAddress address = *backingAddress(up->state, {});
  {
    auto admin = PgAdmin::connect(address);
    ASSERT_TRUE(admin);
    ASSERT_TRUE(fillCacheTable(*admin, {1, 1000, 100}));
  }
  ASSERT_TRUE(sendSignal(up->state.backing->process, SIGKILL));
  ASSERT_TRUE(eventually([&] { return !isAlive(up->state.backing->process); }));
  EXPECT_EQ(stack_.status("test", {})->backing->problem, "not running");
  const auto again = stack_.up(options());
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("redline stack heal test"));
  const auto healed = stack_.heal("test", {}, {});
  ASSERT_TRUE(healed) << healed.error().message;
  EXPECT_THAT(*healed, testing::ElementsAre("restarted PostgreSQL"));
  auto admin = PgAdmin::connect(address);
  ASSERT_TRUE(admin) << admin.error().message;
  EXPECT_EQ(countCacheRows(*admin).value(), 1000U);
  const auto nothing = stack_.heal("test", {}, {});
  EXPECT_THAT(*nothing, testing::ElementsAre("all servers of stack test run"));
}

/// The System V segments of this machine, a line each.
std::string sharedMemory() {
  return readWholeFile("/proc/sysvipc/shm").value_or("");
}

TEST_F(PostgresStack, ThatWasKilledLeavesNothingBehind) {
  openHome();
  const auto up = stack_.up(options());
  ASSERT_TRUE(up) << up.error().message;
  const auto pidFile = readWholeFile(up->state.backing->dir / "data" / "postmaster.pid");
  ASSERT_TRUE(pidFile);
  const auto words = splitWords(splitLines(*pidFile).at(6));
  const std::string segment(words.at(1));
  ASSERT_THAT(sharedMemory(), HasSubstr(" " + segment + " "));
  ASSERT_TRUE(sendSignal(up->state.backing->process, SIGKILL));
  ASSERT_TRUE(test::eventually([&] { return !isAlive(up->state.backing->process); }));
  EXPECT_THAT(downText(), HasSubstr("PostgreSQL was not running"));
  EXPECT_TRUE(nothingRunsIn(up->state.dir));
  EXPECT_THAT(sharedMemory(), Not(HasSubstr(" " + segment + " ")));
  EXPECT_FALSE(fs::exists(up->state.dir));
}

bool contains(const StrayStack& stray, const ProcessId& process) {
  return std::ranges::find(stray.processes, process.pid, &ProcessId::pid) != stray.processes.end();
}

TEST_F(PostgresStack, WhoseDirectoryWasDeletedIsSeenAndEnded) {
  openHome();
  const auto up = stack_.up(options());
  ASSERT_TRUE(up) << up.error().message;
  const auto pidFile = readWholeFile(up->state.backing->dir / "data" / "postmaster.pid");
  const std::string segment(splitWords(splitLines(pidFile.value()).at(6)).at(1));
  const ProcessId process = up->state.backing->process;
  fs::remove_all(up->state.dir);
  const auto strays = stack_.strays();
  ASSERT_TRUE(strays.contains("test"));
  EXPECT_TRUE(contains(strays.at("test"), process));
  EXPECT_THAT(downText(),
              HasSubstr(fmt::format("ended a leftover PostgreSQL (pid {})", process.pid)));
  EXPECT_TRUE(nothingRunsIn(home_.path()));
  EXPECT_TRUE(stack_.strays().empty());
  EXPECT_THAT(sharedMemory(), Not(HasSubstr(" " + segment + " ")));
}

// Its directory is not the one that was deleted.
TEST_F(PostgresStack, ElsewhereIsSeenAndEndedWithTheStacksDirectory) {
  if (::geteuid() != 0) GTEST_SKIP() << "it runs as ourselves";
  const auto up = stack_.up(options());
  ASSERT_TRUE(up) << up.error().message;
  const PostgresState postgres = *up->state.backing;
  test::TemporaryDirectory another;
  fs::remove_all(up->state.dir);
  EXPECT_TRUE(Stack(another.path()).strays().empty());
  const auto strays = stack_.strays();
  ASSERT_TRUE(strays.contains("test"));
  EXPECT_TRUE(contains(strays.at("test"), postgres.process));
  const auto again = stack_.up(options());
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("redline stack down test"));
  EXPECT_THAT(downText(), HasSubstr("removed " + postgres.dir.string()));
  EXPECT_FALSE(isAlive(postgres.process));
  EXPECT_FALSE(fs::exists(postgres.dir));
  EXPECT_TRUE(stack_.strays().empty());
}

TEST_F(PostgresStack, IsAddedToAStackThatIsUp) {
  openHome();
  StackOptions without = options();
  without.backing.reset();
  const auto first = stack_.up(without);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_FALSE(first->state.backing);
  const auto second = stack_.up(options());
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_TRUE(second->already);
  EXPECT_EQ(second->state.nodes, first->state.nodes);
  ASSERT_TRUE(second->state.backing);
  const auto third = stack_.up(options());
  ASSERT_TRUE(third) << third.error().message;
  EXPECT_EQ(third->state.backing, second->state.backing);
}

TEST_F(PostgresStack, WithAPasswordLetsNobodyInWithoutIt) {
  openHome();
  StackOptions secured = options();
  secured.node.password = "ver'y secret";
  const auto up = stack_.up(secured);
  ASSERT_TRUE(up) << up.error().message;
  EXPECT_FALSE(PgAdmin::connect(*backingAddress(up->state, {})));
  EXPECT_TRUE(PgAdmin::connect(*backingAddress(up->state, "ver'y secret")));
  for (const auto& entry : fs::recursive_directory_iterator(up->state.dir)) {
    if (!entry.is_regular_file()) continue;
    EXPECT_THAT(readWholeFile(entry.path()).value_or(""), Not(HasSubstr("ver'y secret")))
        << entry.path();
  }
  ASSERT_TRUE(stack_.down("test", {{}, "ver'y secret"}));
}

TEST_F(PostgresStack, WithoutPostgresSaysWhatToInstallAndStartsNothing) {
  StackOptions missing = options();
  missing.backing->config.programs = "/no/such/bin";
  const auto up = stack_.up(missing);
  ASSERT_FALSE(up);
  EXPECT_THAT(up.error().message, HasSubstr("apt-get install postgresql"));
  EXPECT_TRUE(stack_.names().empty());
}

TEST_F(PostgresStack, ThatCannotMakeItsDataSaysWhyAndLeavesNothing) {
  openHome();
  StackOptions broken = options();
  const fs::path programs = home_.path() / "bin";
  fs::create_directory(programs);
  test::writeScript(programs / "postgres", "echo 'postgres (PostgreSQL) 15.99'");
  test::writeScript(
      programs / "initdb",
      "echo 'initdb: error: could not write to file: No space left on device' >&2; exit 1");
  // PostgreSQL's user runs them.
  for (const char* const program : {"postgres", "initdb"})
    fs::permissions(programs / program, fs::perms{0755});
  broken.backing->config.programs = programs;
  const auto up = stack_.up(broken);
  ASSERT_FALSE(up);
  EXPECT_EQ(up.error().code, ErrorCode::noSpace);
  EXPECT_THAT(up.error().message, HasSubstr("initdb could not make PostgreSQL's data"));
  EXPECT_TRUE(stack_.names().empty());
}

TEST_F(PostgresStack, OfAnotherVersionIsRefused) {
  StackOptions other = options();
  const fs::path programs = home_.path() / "bin";
  fs::create_directory(programs);
  test::writeScript(programs / "postgres", "echo 'postgres (PostgreSQL) 9.6.24'");
  test::writeScript(programs / "initdb", "exit 1");
  other.backing->config.programs = programs;
  const auto up = stack_.up(other);
  ASSERT_FALSE(up);
  EXPECT_EQ(up.error().code, ErrorCode::refused);
  EXPECT_THAT(up.error().message, HasSubstr("9.6.24"));
}

TEST(CacheTable, HoldsTheVeryValuesOfTheDataSet) {
  auto postgres = ScopedPostgres::start();
  ASSERT_TRUE(postgres) << postgres.error().message;
  auto admin = PgAdmin::connect(postgres->address());
  ASSERT_TRUE(admin) << admin.error().message;
  EXPECT_EQ(readCacheTable(*admin).value(), std::nullopt);
  EXPECT_EQ(countCacheRows(*admin).value(), 0U);
  ASSERT_TRUE(admin->run("SET enable_seqscan = off"));  // so few rows are read without an index
  // Above 2 KB values go out of line.
  for (const CacheTable& table : {CacheTable{5, 3000, 100}, CacheTable{UINT64_MAX, 200, 5000}}) {
    const auto filled = fillCacheTable(*admin, table);
    ASSERT_TRUE(filled) << filled.error().message;
    EXPECT_EQ(readCacheTable(*admin).value(), table);
    EXPECT_EQ(countCacheRows(*admin).value(), table.keys);
    EXPECT_EQ(estimateCacheRows(*admin).value(), table.keys);
    const Values values(table.seed, table.valueSize);
    const std::uint64_t id = table.keys - 1;
    const auto hex = admin->value(
        fmt::format("SELECT encode(value, 'hex') FROM cache_entries WHERE id = {}", id));
    ASSERT_TRUE(hex) << hex.error().message;
    std::string value(table.valueSize, 0), expected;
    values.write(value.data(), id, 0);
    for (const char each : value)
      expected += fmt::format("{:02x}", static_cast<unsigned char>(each));
    EXPECT_EQ(*hex, expected);
    EXPECT_THAT(admin->value("EXPLAIN SELECT value FROM cache_entries WHERE id = 1").value(),
                HasSubstr("Index Scan"));
  }
}

TEST(CacheTable, ThatIsNotFilledToItsEndStaysAsItWas) {
  auto postgres = ScopedPostgres::start();
  ASSERT_TRUE(postgres) << postgres.error().message;
  auto admin = PgAdmin::connect(postgres->address());
  ASSERT_TRUE(admin);
  ASSERT_TRUE(fillCacheTable(*admin, {1, 100, 100}));
  std::uint64_t rows = 0;
  FillWatcher watcher;
  watcher.onRows = [&](Nanos, std::uint64_t done, bool) { rows = done; };
  watcher.interrupted = [&] { return rows > 5000; };
  const auto filled = fillCacheTable(*admin, {2, 1'000'000, 100}, watcher);
  ASSERT_FALSE(filled);
  EXPECT_EQ(filled.error().code, ErrorCode::interrupted);
  EXPECT_LT(rows, 1'000'000U);
  EXPECT_EQ(readCacheTable(*admin).value(), (CacheTable{1, 100, 100}));
  EXPECT_EQ(countCacheRows(*admin).value(), 100U);
}

TEST(CacheTable, GivesRowsThatWereWrittenTheirFirstValueAgain) {
  auto postgres = ScopedPostgres::start();
  ASSERT_TRUE(postgres) << postgres.error().message;
  auto admin = PgAdmin::connect(postgres->address());
  ASSERT_TRUE(admin);
  ASSERT_TRUE(fillCacheTable(*admin, {1, 10'000, 100}));
  const std::string digest =
      "SELECT md5(string_agg(value, '' ORDER BY id)) FROM cache_entries WHERE id < 9000 AND id <> "
      "7000";
  const auto filled = admin->value(digest);
  ASSERT_TRUE(
      admin->run("UPDATE cache_entries SET value = 'other', version = id WHERE id >= 5000;"
                 "DELETE FROM cache_entries WHERE id = 7000"));
  EXPECT_NE(admin->value(digest).value(), filled.value());
  std::vector<std::uint64_t> ids(9000);  // of several pieces, and not in order
  for (std::uint64_t i = 0; i < ids.size(); ++i) ids[i] = 8999 - i;
  const auto reset = resetCacheRows(*admin, Values(1, 100), ids);
  ASSERT_TRUE(reset) << reset.error().message;
  EXPECT_EQ(admin->value(digest).value(), filled.value());
  EXPECT_EQ(countCacheRows(*admin).value(), 9999U);
  EXPECT_EQ(admin->value("SELECT min(id) FROM cache_entries WHERE version <> 0").value(), "9000");
}

TEST(PostgresCommands, ComeUpLoadShowAndGoDown) {
  const test::TemporaryDirectory home;
  const auto run = [&](std::vector<std::string> words) {
    Redline redline(home, std::move(words));
    const int code = redline.wait();
    EXPECT_EQ(code, 0) << redline.err();
    return redline.out();
  };
  EXPECT_THAT(run({"stack", "up", "node", "-port=0", "-backing=postgres", "-postgres-buffers=16MB",
                   "-maxmemory=64MB"}),
              HasSubstr("PostgreSQL pid "));
  std::string addr = run({"stack", "status", "-format=addr"});
  addr.resize(addr.find('\n'));
  EXPECT_THAT(run({"loader", "-addr=" + addr, "-keys=20k"}), HasSubstr("20000 rows"));
  EXPECT_THAT(run({"loader", "-addr=" + addr, "-keys=10k", "-store=none"}), Not(HasSubstr("rows")));
  EXPECT_THAT(run({"stack", "status"}), HasSubstr("20k rows"));
  EXPECT_THAT(run({"loader", "-addr=" + addr, "-keys=10k", "-store=only"}),
              Not(HasSubstr("written")));
  EXPECT_THAT(run({"stack", "status", "-format=json"}), HasSubstr("\"rows\": 10000"));
  EXPECT_THAT(run({"stack", "down"}), HasSubstr("stopped PostgreSQL"));
}

TEST(PostgresCommands, LeaveTheStoreAloneWhereRedisRefusesTheLoad) {
  const test::TemporaryDirectory home;
  const auto run = [&](std::vector<std::string> words, int expected = 0) {
    Redline redline(home, std::move(words));
    EXPECT_EQ(redline.wait(), expected) << redline.err();
    return redline.out();
  };
  run({"stack", "up", "node", "-port=0", "-backing=postgres", "-postgres-buffers=16MB",
       "-maxmemory=64MB"});
  std::string addr = run({"stack", "status", "-format=addr"});
  addr.resize(addr.find('\n'));
  const auto file = home.path() / "load.json";
  run({"loader", "-addr=" + addr, "-keys=3k", "-json=" + file.string()});
  const auto loaded = summaryFromJson(readWholeFile(file).value(), "load.json", nullptr);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const StoreFillFigures& store = loaded->load.store;
  EXPECT_THAT(store.address, HasSubstr(".s.PGSQL."));
  EXPECT_EQ(store.rows, 3000U);
  EXPECT_GT(store.bytes, 3000U * 100);
  EXPECT_GT(store.copyS, 0);
  EXPECT_GT(store.indexS, 0);
  EXPECT_GT(store.commitS, 0);

  run({"loader", "-addr=" + addr, "-keys=5M"}, 1);  // does not fit
  EXPECT_THAT(run({"stack", "status", "-format=json"}), HasSubstr("\"rows\": 3000"));

  run({"loader", "-addr=" + addr, "-keys=2k", "-store=only", "-json=" + file.string()});
  const auto filled = summaryFromJson(readWholeFile(file).value(), "load.json", nullptr);
  ASSERT_TRUE(filled) << filled.error().message;
  EXPECT_EQ(filled->load.method, "none");
  EXPECT_EQ(filled->load.store.rows, 2000U);
  EXPECT_EQ(filled->rate.scheduled, 0U);
  run({"stack", "down"});
}

TEST(PostgresCommands, SayThatThereIsNoStoreToFill) {
  const test::TemporaryDirectory home;
  auto redis = test::startRedis();
  ASSERT_TRUE(redis);
  Redline redline(home, {"loader", "-addr=" + redis->endpoint().text(), "-store=only"});
  EXPECT_EQ(redline.wait(), 1);
  EXPECT_THAT(redline.error(), HasSubstr("-backing=postgres"));
}

}  // namespace
}  // namespace redline
