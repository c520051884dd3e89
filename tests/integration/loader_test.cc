// The loader against a real redis-server: what is stored, and what is said where it cannot be.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "os/files.h"
#include "run/load_run.h"
#include "run/memory_estimate.h"
#include "rundir/run_dir_reader.h"
#include "rundir/summary_json.h"
#include "support/load_lab.h"
#include "support/paths.h"
#include "support/real_redis.h"
#include "workload/keyspace.h"
#include "workload/ttl.h"
#include "workload/values.h"

namespace redline {
namespace {

using test::adminOf;
using test::eventually;
using test::expectGood;
using test::flush;
using test::keyOf;
using test::kMegabyte;
using test::load;
using test::startRedis;
using test::TemporaryDirectory;

LoadRunPlan planFor(const ScopedStack& redis, std::uint64_t keys = 20'000) {
  return test::loadPlan(redis.endpoint(), keys);
}

std::string digest(const ScopedStack& redis) {
  auto admin = adminOf(redis);
  if (!admin) return {};
  const auto reply = admin->command({"DEBUG", "DIGEST"}, 60 * kSecond);
  EXPECT_TRUE(reply) << reply.error().message;
  return reply ? reply->text : std::string();
}

/// Every id below `keys`, in one go: the replies to `command` of its key.
std::vector<Value> askAll(const ScopedStack& redis, const std::string& command,
                          std::uint64_t keys) {
  auto admin = adminOf(redis);
  if (!admin) return {};
  std::vector<std::vector<std::string>> commands;
  for (std::uint64_t id = 0; id < keys; ++id) commands.push_back({command, keyOf(id)});
  auto replies = admin->pipeline(commands, 60 * kSecond);
  EXPECT_TRUE(replies) << replies.error().message;
  return replies ? std::move(*replies) : std::vector<Value>{};
}

TEST(Loader, StoresEveryKeyWithItsValueAndExpiry) {
  auto redis = startRedis();
  if (!redis) return;
  LoadRunPlan plan = planFor(*redis);
  plan.load.ttlFraction = 0.3;
  plan.load.threads = 2;
  const auto outcome = load(plan);
  expectGood(outcome);
  EXPECT_EQ(outcome->databaseKeys, plan.load.keys);

  const Values values(plan.load.seed, plan.load.valueSize);
  const Ttls ttls(plan.load.seed, 0.3, plan.load.ttlMin, plan.load.ttlMax);
  const auto stored = askAll(*redis, "GET", plan.load.keys);
  const auto expiries = askAll(*redis, "PEXPIRETIME", plan.load.keys);
  ASSERT_EQ(stored.size(), plan.load.keys);
  ASSERT_EQ(expiries.size(), plan.load.keys);
  std::uint64_t expiring = 0;
  for (std::uint64_t id = 0; id < plan.load.keys; ++id) {
    ASSERT_EQ(values.check(stored[id].text, id, nullptr, VerifyLevel::full), Values::Verdict::ok);
    const std::int64_t ttl = ttls.ttlMillisOf(id);
    ASSERT_EQ(expiries[id].integer, ttl == 0 ? -1 : plan.load.ttlEpochMillis + ttl) << id;
    expiring += ttl != 0 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(expiring), 0.3 * 20'000, 300);
}

TEST(Loader, StoresTheSameDataWhateverTheThreadsBatchesAndConnections) {
  auto redis = startRedis();
  if (!redis) return;
  LoadRunPlan plan = planFor(*redis, 30'000);
  expectGood(load(plan));
  const std::string first = digest(*redis);
  ASSERT_EQ(first.size(), 40U);

  struct Shape {
    unsigned threads, conns;
    std::uint64_t batch;
    bool mset;
    IoChoice io;
  };
  for (const Shape& shape :
       {Shape{3, 7, 11, true, IoChoice::epoll}, Shape{1, 1, 1, false, IoChoice::automatic},
        Shape{2, 50, 5000, false, IoChoice::automatic}}) {
    flush(*redis);
    plan.load.threads = shape.threads;
    plan.load.conns = shape.conns;
    plan.load.batch = shape.batch;
    plan.load.mset = shape.mset;
    plan.load.io = shape.io;
    expectGood(load(plan));
    EXPECT_EQ(digest(*redis), first);
  }
  flush(*redis);
  plan.load.seed = 2;
  expectGood(load(plan));
  EXPECT_NE(digest(*redis), first);
}

TEST(Loader, GivesEqualExpiriesForOneEpoch) {
  auto redis = startRedis();
  if (!redis) return;
  LoadRunPlan plan = planFor(*redis);
  plan.load.ttlFraction = 0.5;
  expectGood(load(plan));
  const auto first = askAll(*redis, "PEXPIRETIME", plan.load.keys);
  flush(*redis);
  plan.load.threads = 2;
  plan.load.batch = 17;
  expectGood(load(plan));
  const auto second = askAll(*redis, "PEXPIRETIME", plan.load.keys);
  ASSERT_EQ(first.size(), second.size());
  for (std::size_t id = 0; id < first.size(); ++id)
    ASSERT_EQ(first[id].integer, second[id].integer) << id;
}

TEST(Loader, MakesAllExpireAtOneInstant) {
  auto redis = startRedis();
  if (!redis) return;
  LoadRunPlan plan = planFor(*redis, 5'000);
  plan.load.ttlFraction = 1;
  plan.load.ttlAtMillis = 120'000;
  expectGood(load(plan));
  for (const Value& expiry : askAll(*redis, "PEXPIRETIME", plan.load.keys))
    ASSERT_EQ(expiry.integer, plan.load.ttlEpochMillis + 120'000);
}

TEST(Loader, GoesOnFromWhereAnInterruptLeftIt) {
  auto redis = startRedis();
  if (!redis) return;
  LoadRunPlan plan = planFor(*redis, 300'000);
  expectGood(load(plan));
  const std::string whole = digest(*redis);
  flush(*redis);

  // A server that stands still for a while: so the interrupt comes in the middle for certain.
  std::atomic<bool> begun{false};
  std::jthread freezer([&] {
    eventually([&] { return begun.load(); });
    redis->node().signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    redis->node().signal(SIGCONT);
  });
  plan.load.batch = 64;
  const auto broken = load(plan, [&] { return begun.exchange(true); });
  freezer.join();
  ASSERT_TRUE(broken) << broken.error().message;
  ASSERT_FALSE(broken->status);
  EXPECT_EQ(broken->status.error().code, ErrorCode::interrupted);
  EXPECT_FALSE(broken->summary.valid);
  EXPECT_NE(broken->status.error().message.find(fmt::format("-from={}", broken->resumeFrom)),
            std::string::npos);
  ASSERT_LT(broken->resumeFrom, plan.load.keys);
  const RateFigures& rate = broken->summary.rate;
  EXPECT_EQ(rate.scheduled, rate.completed + rate.failed + rate.outstanding);
  for (const Value& there : askAll(*redis, "EXISTS", broken->resumeFrom))
    ASSERT_EQ(there.integer, 1);
  plan.load.from = broken->resumeFrom;
  expectGood(load(plan));
  EXPECT_EQ(digest(*redis), whole);
}

TEST(Loader, StopsWhenTheServerIsOutOfMemoryAndSaysWhereToGoOn) {
  NodeConfig config;
  config.maxmemory = 6 * kMegabyte;
  config.policy = "volatile-lru";  // and no key has a time to live: nothing can be evicted
  auto redis = startRedis(config);
  if (!redis) return;
  LoadRunPlan plan = planFor(*redis, 200'000);
  plan.force = true;
  plan.load.batch = 50;
  const auto outcome = load(plan);
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_FALSE(outcome->status);
  const Error& error = outcome->status.error();
  EXPECT_EQ(error.code, ErrorCode::noSpace);
  EXPECT_NE(error.message.find("OOM"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find(fmt::format("-from={}", outcome->resumeFrom)), std::string::npos)
      << error.message;
  EXPECT_GT(outcome->resumeFrom, 0U);
  for (const Value& there : askAll(*redis, "EXISTS", outcome->resumeFrom))
    ASSERT_EQ(there.integer, 1);
}

TEST(Loader, CallsADataSetWithEvictedKeysInvalidUnlessForced) {
  NodeConfig config;
  config.maxmemory = 40 * kMegabyte;
  auto redis = startRedis(config);
  if (!redis) return;
  LoadRunPlan plan = planFor(*redis, 300'000);
  const auto refused = load(plan);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::noSpace);
  EXPECT_NE(refused.error().message.find("maxmemory is 40 MB"), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(adminOf(*redis)->command({"DBSIZE"})->integer, 0);

  plan.force = true;
  const auto forced = load(plan);
  expectGood(forced);
  EXPECT_GT(forced->summary.servers.at(0).evicted, 0U);
  EXPECT_FALSE(forced->summary.notes.empty());
}

TEST(Loader, NeedsNoMoreMemoryForKeysThatAreThere) {
  NodeConfig config;
  config.maxmemory = 30 * kMegabyte;
  auto redis = startRedis(config);
  if (!redis) return;
  const LoadRunPlan plan = planFor(*redis, 100'000);
  expectGood(load(plan));
  expectGood(load(plan));  // as a second data set it would not fit
}

TEST(Loader, EstimatesWhatRedisThenUses) {
  for (const std::size_t size : {std::size_t{30}, std::size_t{100}, std::size_t{4096}})
    for (const double fraction : {0.0, 0.5}) {
      auto redis = startRedis();
      if (!redis) return;
      LoadRunPlan plan = planFor(*redis, size == 4096 ? 30'000 : 200'000);
      plan.load.valueSize = size;
      plan.load.ttlFraction = fraction;
      auto admin = adminOf(*redis);
      ASSERT_TRUE(admin);
      const auto before = admin->info({"memory"});
      expectGood(load(plan));
      // The clients' buffers go with the clients.
      EXPECT_TRUE(
          eventually([&] { return admin->info({"clients"})->count("connected_clients") == 1; }));
      const auto after = admin->info({"memory"});
      ASSERT_TRUE(before && after);
      const double used = after->number("used_memory") - before->number("used_memory");
      const auto estimate = static_cast<double>(
          estimateMemory(plan.load.keys, plan.load.keys - 1, 0, size, fraction).total());
      EXPECT_NEAR(estimate / used, 1.0, 0.08) << size << " B, " << fraction;
    }
}

TEST(Loader, ComesBackToAServerThatDropsItsConnections) {
  auto redis = startRedis();
  if (!redis) return;
  const LoadRunPlan plan = planFor(*redis, 400'000);
  std::atomic<bool> begun{false}, over{false};
  std::jthread cutter([&] {
    auto admin = adminOf(*redis);
    eventually([&] { return begun || over; });
    for (int i = 0; admin && i < 3 && !over; ++i) {
      (void)admin->commandRaw({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
      std::this_thread::sleep_for(std::chrono::milliseconds(60));
    }
  });
  const auto outcome =
      load(plan, {}, [&](const LoadProgress& at) { begun = begun || at.done > 0; });
  over = true;
  cutter.join();
  expectGood(outcome);
  EXPECT_EQ(outcome->databaseKeys, plan.load.keys);
  EXPECT_GT(outcome->summary.generator.reconnects, 0U);
}

TEST(Loader, NeedsNoMorePermissionsThanSetAndMset) {
  auto redis = startRedis();
  if (!redis) return;
  auto admin = adminOf(*redis);
  ASSERT_TRUE(
      admin->command({"ACL", "SETUSER", "lab", "on", ">secret", "~obj:*", "+set", "+mset"}));
  LoadRunPlan plan = planFor(*redis, 10'000);
  plan.load.credentials = {"lab", "secret"};
  const auto outcome = load(plan);
  expectGood(outcome);
  EXPECT_FALSE(outcome->databaseKeys) << "neither DBSIZE nor INFO is allowed";
  EXPECT_EQ(admin->command({"DBSIZE"})->integer, 10'000);
  ASSERT_TRUE(admin->command({"ACL", "SETUSER", "lab", "+info", "+exists", "+type", "+scan"}));
  EXPECT_EQ(load(plan)->databaseKeys, 10'000U) << "INFO says so where DBSIZE is refused";
}

TEST(Loader, SaysThatKeysOfALargerDataSetStay) {
  auto redis = startRedis();
  if (!redis) return;
  expectGood(load(planFor(*redis, 3'000)));
  LoadRunPlan plan = planFor(*redis, 1'000);
  plan.load.valueSize = 500;
  std::vector<std::string> notes;
  LoadWatcher watcher;
  watcher.onNote = [&](const std::string& note) { notes.push_back(note); };
  const auto outcome = runLoad(plan, watcher);
  expectGood(outcome);
  const auto contains = [](const std::vector<std::string>& in, std::string_view text) {
    return std::ranges::any_of(in, [&](const auto& line) { return line.find(text) != line.npos; });
  };
  EXPECT_TRUE(contains(notes, "3000 keys are there already, obj:1000 among them"));
  EXPECT_TRUE(contains(outcome->summary.notes, "2000 keys more"));
}

TEST(Loader, SaysWhereToResumeWhenAPausedServerIsInterrupted) {
  auto redis = startRedis();
  if (!redis) return;
  const LoadRunPlan plan = planFor(*redis, 1'000'000);
  std::atomic<bool> paused{false};
  const auto outcome = load(
      plan, [&] { return paused.load(); },
      [&](const LoadProgress& at) {
        if (at.done > 0 && !paused) {
          redis->node().signal(SIGSTOP);
          paused = true;
        }
      });
  redis->node().signal(SIGCONT);
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_FALSE(outcome->status);
  EXPECT_EQ(outcome->status.error().code, ErrorCode::interrupted);
  EXPECT_NE(outcome->status.error().message.find(fmt::format("-from={}", outcome->resumeFrom)),
            std::string::npos)
      << outcome->status.error().message;
  for (const Value& there : askAll(*redis, "EXISTS", outcome->resumeFrom))
    ASSERT_EQ(there.integer, 1);
}

TEST(Loader, EndsWithOneLineWhenTheServerDies) {
  auto redis = startRedis();
  if (!redis) return;
  const LoadRunPlan plan = planFor(*redis, 1'000'000);
  std::atomic<bool> killed{false};
  const auto outcome = load(plan, {}, [&](const LoadProgress& at) {
    if (at.done > 0 && !killed.exchange(true)) (void)redis->node().kill();
  });
  ASSERT_TRUE(killed);
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_FALSE(outcome->status);
  EXPECT_EQ(outcome->status.error().code, ErrorCode::unreachable);
  EXPECT_NE(outcome->status.error().message.find("-from="), std::string::npos);
  EXPECT_EQ(outcome->status.error().message.find('\n'), std::string::npos);
  EXPECT_TRUE(outcome->summary.servers.empty());
}

TEST(Loader, SaysThatARestartedServerHasForgotten) {
  auto redis = startRedis();
  if (!redis) return;
  const LoadRunPlan plan = planFor(*redis, 400'000);
  std::atomic<bool> restarted{false};
  const auto outcome = load(plan, {}, [&](const LoadProgress& at) {
    if (at.done > 0 && !restarted.exchange(true)) {
      const Status again = redis->restart();
      EXPECT_TRUE(again) << again.error().message;
    }
  });
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_FALSE(outcome->status);
  EXPECT_NE(outcome->status.error().message.find("restarted during the load"), std::string::npos)
      << outcome->status.error().message;
  EXPECT_FALSE(outcome->summary.valid);
}

TEST(Loader, LogsInWithThePasswordAndNeverWritesIt) {
  NodeConfig config;
  config.password = "open-sesame";
  auto redis = startRedis(config);
  if (!redis) return;
  TemporaryDirectory home;
  LoadRunPlan plan = planFor(*redis);
  const auto refused = load(plan);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("REDLINE_PASSWORD"), std::string::npos);

  plan.load.credentials.password = config.password;
  plan.out = home.path() / "run";
  plan.json = home.path() / "summary.json";
  expectGood(load(plan));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(home.path()))
    if (entry.is_regular_file()) {
      const auto text = readWholeFile(entry.path());
      ASSERT_TRUE(text);
      EXPECT_EQ(text->find(config.password), std::string::npos) << entry.path();
    }
}

TEST(Loader, LeavesARunDirectoryAndASummary) {
  auto redis = startRedis();
  if (!redis) return;
  TemporaryDirectory home;
  LoadRunPlan plan = planFor(*redis, 100'000);
  plan.out = home.path() / "run";
  plan.json = home.path() / "summary.json";
  plan.config = {{"keys", "100k"}};
  const auto outcome = load(plan);
  expectGood(outcome);

  const auto text = readWholeFile(plan.json);
  ASSERT_TRUE(text);
  const auto summary = summaryFromJson(*text, "summary.json");
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->rate.completed, 100'000U);
  EXPECT_EQ(summary->rate.scheduled, 100'000U);
  EXPECT_GT(summary->rate.achieved, 0);
  EXPECT_GT(summary->generator.cpuUsPerOp, 0);
  ASSERT_EQ(summary->servers.size(), 1U);
  EXPECT_GT(summary->servers[0].usedMemory, 100'000U * 100);
  EXPECT_GT(summary->servers[0].mainThreadUtilisation, 0);
  EXPECT_GT(summary->servers[0].fragmentation, 0);
  EXPECT_EQ(summary->environment.redisVersion.substr(0, 2), "7.");

  const auto directory = readRunDir(plan.out);
  ASSERT_TRUE(directory) << directory.error().message;
  ASSERT_TRUE(directory->plan && directory->summary);
  EXPECT_EQ(directory->plan->config, plan.config);
  EXPECT_EQ(directory->summary->rate.completed, 100'000U);
  EXPECT_GE(directory->servers.size(), 2U);
  std::vector<std::string> phases;
  for (const Event& event : directory->events)
    if (event.kind == "phase") phases.push_back(event.name + " " + event.phase);
  EXPECT_EQ(phases, (std::vector<std::string>{"load begin", "load end"}));
}

TEST(Loader, RefusesPlansThatCannotBeMeant) {
  auto redis = startRedis();
  if (!redis) return;
  LoadRunPlan plan = planFor(*redis);
  plan.load.from = plan.load.keys;
  EXPECT_EQ(load(plan).error().code, ErrorCode::usage);
  plan = planFor(*redis);
  plan.load.ttlMin = plan.load.ttlMax + 1;
  EXPECT_EQ(load(plan).error().code, ErrorCode::usage);
  plan = planFor(*redis);
  plan.load.target = {"192.0.2.1", 7600, {}};
  EXPECT_EQ(load(plan).error().code, ErrorCode::unsafe);
}

/// `redline loader` as a process: its exit code and what it printed.
struct Finished {
  int code = -1;
  std::string err;
};

/// With `stored`, the signal is sent as soon as that is true.
Finished runLoader(std::vector<std::string> args, int signal = 0,
                   const std::function<bool()>& stored = {}) {
  TemporaryDirectory home;
  const std::string errors = home.path() / "err";
  args.insert(args.begin(), {std::string(REDLINE_BINARY_DIR) + "/redline", "loader"});
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stdout) == nullptr) ::_exit(126);
    if (std::freopen(errors.c_str(), "w", stderr) == nullptr) ::_exit(126);
    ::execv(argv.front(), argv.data());
    ::_exit(127);
  }
  if (signal != 0) {
    EXPECT_TRUE(eventually(stored));
    ::kill(child, signal);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  Finished finished;
  finished.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::ifstream file(errors);
  finished.err.assign(std::istreambuf_iterator<char>{file}, {});
  return finished;
}

TEST(LoaderCommand, StopsOnSigintAndSigtermAndSaysWhereToGoOn) {
  NodeConfig config;
  config.maxmemory = 4096 * kMegabyte;
  auto redis = startRedis(config);
  if (!redis) return;
  for (const int signal : {SIGINT, SIGTERM}) {
    flush(*redis);
    auto admin = adminOf(*redis);
    ASSERT_TRUE(admin);
    const Finished finished =
        runLoader({"-addr=" + redis->endpoint().text(), "-keys=10M", "-force", "-ttl-frac=0.1",
                   "-ttl-epoch=4000000000"},
                  signal, [&] { return admin->command({"DBSIZE"})->integer > 0; });
    EXPECT_EQ(finished.code, 1) << finished.err;
    const std::size_t hint = finished.err.find("resume with -from=");
    ASSERT_NE(hint, std::string::npos) << finished.err;
    EXPECT_NE(finished.err.find("-ttl-epoch=4000000000"), std::string::npos) << finished.err;
    const std::uint64_t from = std::stoull(finished.err.substr(hint + 18));
    EXPECT_GE(admin->command({"DBSIZE"})->integer, static_cast<std::int64_t>(from));
    // The interrupt ends it after a while of loading, long before the last key.
    EXPECT_LT(from, 10'000'000U);
  }
}

TEST(LoaderCommand, ExitsAsTheContractSays) {
  auto redis = startRedis();
  if (!redis) return;
  const std::string addr = "-addr=" + redis->endpoint().text();
  EXPECT_EQ(runLoader({addr, "-keys=1k"}).code, 0);
  EXPECT_EQ(runLoader({addr, "-keys=1k", "-from=1k"}).code, 2);
  EXPECT_EQ(runLoader({addr, "-keys=1k", "-ttl-min=2h"}).code, 2);
  EXPECT_EQ(runLoader({addr, "-keys=1G"}).code, 1);  // does not fit
  ASSERT_TRUE(redis->node().kill());
  EXPECT_EQ(runLoader({addr, "-keys=1k"}).code, 1);
}

}  // namespace
}  // namespace redline
