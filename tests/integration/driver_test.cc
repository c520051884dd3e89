// The driver against a real redis-server: what it says happened is what happened.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "chaos/chaos_plan.h"
#include "run/driver_run.h"
#include "rundir/run_dir_reader.h"
#include "server/host.h"
#include "support/driver_lab.h"

namespace redline {
namespace {

using test::adminOf;
using test::expectConserved;
using testing::Contains;
using testing::Key;

using test::DriverLab;

class DriverIo : public testing::TestWithParam<std::tuple<IoChoice, WaitMode>> {};

TEST_P(DriverIo, ReadsAndChecksEveryValueAtTheRateAskedFor) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  std::tie(lab.plan.engine.io, lab.plan.engine.wait) = GetParam();
  lab.plan.engine.readShare = 0.8;
  const Summary s = lab.run();
  EXPECT_EQ(s.generator.io, lab.plan.engine.io == IoChoice::epoll ? "epoll" : "uring");
  EXPECT_EQ(s.rate.scheduled, 4'000U);
  EXPECT_EQ(s.rate.completed, 4'000U);
  EXPECT_EQ(s.cache.misses, 0U);
  EXPECT_EQ(s.cache.hits, s.latency.at("response").at("get").count);
  EXPECT_EQ(s.verify.checked, s.cache.hits);
  EXPECT_EQ(s.verify.corrupt, 0U);
  EXPECT_NEAR(static_cast<double>(s.latency.at("response").at("set").count), 800, 120);
  expectConserved(s);
}

INSTANTIATE_TEST_SUITE_P(EveryTransportAndWait, DriverIo,
                         testing::Combine(testing::Values(IoChoice::uring, IoChoice::epoll),
                                          testing::Values(WaitMode::automatic, WaitMode::spin,
                                                          WaitMode::block)));

/// The threads of this process by number, and on how many CPUs each may run.
std::map<std::string, int> cpusOfThreads() {
  std::map<std::string, int> all;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    const std::string tid = task.path().filename();
    cpu_set_t set;
    if (::sched_getaffinity(std::stoi(tid), sizeof set, &set) == 0) all[tid] = CPU_COUNT(&set);
  }
  return all;
}

// On the server's core it would look like the server's doing.
TEST(Driver, NothingOfItRunsBesideItsOwnCpus) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.cpus = {static_cast<int>(allowedCpus().back())};
  lab.plan.engine.mitigation.kind = MitigationKind::localCache;
  lab.plan.chaos = *parseChaosPlan("500ms:bgsave");
  const std::map<std::string, int> before = cpusOfThreads();
  std::map<std::string, int> during;
  lab.onInterval = [&](const Interval&) {
    for (const auto& [tid, cpus] : cpusOfThreads()) during[tid] = std::max(during[tid], cpus);
  };
  lab.run();
  const std::string own = std::to_string(::gettid());
  EXPECT_EQ(during[own], 1);
  std::size_t fresh = 0;
  for (const auto& [tid, cpus] : during) {
    if (before.contains(tid)) continue;
    ++fresh;
    EXPECT_EQ(cpus, 1) << "a thread that the run began";
  }
  EXPECT_GE(fresh, 2U) << "a worker and a sampler at the least";
  EXPECT_EQ(cpusOfThreads()[own], before.at(own)) << "after the run";
}

/// The scheduling policies of this process's threads while `run` lasts.
std::set<int> policiesDuring(const std::function<void()>& run) {
  std::set<int> seen;
  std::atomic<bool> over = false;
  std::thread watch([&] {
    while (!over) {
      for (const auto& task : std::filesystem::directory_iterator("/proc/self/task"))
        seen.insert(::sched_getscheduler(std::stoi(task.path().filename())));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  run();
  over = true;
  watch.join();
  return seen;
}

TEST(Driver, RunsRealtimeWorkersBeforeOrdinaryThreadsOrSaysThatItMayNot) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.wait = WaitMode::realtime;
  std::vector<std::string> notes;
  const std::set<int> policies = policiesDuring([&] {
    const Summary s = lab.run();
    EXPECT_EQ(s.generator.wait, "realtime");
    EXPECT_EQ(s.rate.completed, 4'000U);
    EXPECT_LT(s.generator.utilisation, 0.9) << "a worker that never sleeps";
    expectConserved(s);
    notes = s.notes;
  });
  const bool refused = std::ranges::any_of(
      notes, [](const std::string& note) { return note.starts_with("-wait=realtime without"); });
  EXPECT_NE(policies.contains(SCHED_RR), refused);
}

TEST(Driver, CountsTheSameCommandsAsTheServer) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.warmup = 0;
  lab.plan.engine.pipeline = 8;
  lab.plan.engine.threads = 2;
  auto admin = adminOf(*lab.redis);
  const auto before = admin->info({"commandstats"});
  const Summary s = lab.run();
  const auto after = admin->info({"commandstats"});
  ASSERT_TRUE(before && after);
  const auto calls = [&](const std::string& name) {
    const auto of = [&](const ServerInfo& info) {
      const auto found = info.commandStats.find(name);
      return found == info.commandStats.end() ? 0 : found->second.calls;
    };
    return of(*after) - of(*before);
  };
  EXPECT_EQ(calls("get"), s.latency.at("response").at("get").count);
  EXPECT_EQ(calls("set"), s.latency.at("response").at("set").count);
}

TEST(Driver, SendsBatchesAsTransactionsAndChecksEveryValueInThem) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.warmup = 0;
  lab.plan.engine.transactions = true;
  lab.plan.engine.pipeline = 8;
  lab.plan.engine.arrivals = Arrivals::closed;
  lab.plan.engine.duration = kSecond;
  auto admin = adminOf(*lab.redis);
  const Summary s = lab.run();
  const auto info = admin->info({"commandstats"});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->commandStats.at("exec").calls * 8, s.rate.completed);
  EXPECT_EQ(info->commandStats.at("multi").calls * 8, s.rate.completed);
  EXPECT_DOUBLE_EQ(s.generator.meanBatch, 8.0);
  EXPECT_GT(s.cache.hits, 0U);
  EXPECT_EQ(s.verify.checked, s.cache.hits);
  EXPECT_EQ(s.verify.corrupt, 0U);
  expectConserved(s);
}

TEST(Driver, FailsAWholeTransactionThatTheServerAborts) {
  NodeConfig config;
  config.maxmemory = 4ULL << 20;   // full after about 800 writes
  config.policy = "volatile-lru";  // and no key with a TTL: nothing may be evicted
  DriverLab lab(config);
  ASSERT_TRUE(lab.redis);
  lab.plan.engine.transactions = true;
  lab.plan.engine.pipeline = 4;
  lab.plan.engine.batchWait = 10 * kMillisecond;  // four are due in 2
  lab.plan.engine.readShare = 0.5;
  lab.plan.engine.valueSize = 4096;
  const Summary s = lab.run();
  EXPECT_THAT(s.rate.errors, Contains(Key("oom")));
  EXPECT_THAT(s.rate.errors, Contains(Key("execabort")));
  expectConserved(s);
}

TEST(Driver, SpeaksOverAUnixSocket) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.target = lab.redis->node().unixEndpoint();
  const Summary s = lab.run();
  EXPECT_EQ(s.rate.completed, 4'000U);
  EXPECT_EQ(s.verify.corrupt, 0U);
}

TEST(Driver, LogsInWithThePasswordAndNeverWritesItDown) {
  NodeConfig config;
  config.password = "s3cret-of-this-test";
  DriverLab lab(config);
  ASSERT_TRUE(lab.redis);
  lab.plan.engine.credentials.password = config.password;
  lab.fillKeys();
  const Summary s = lab.run();
  EXPECT_EQ(s.rate.completed, 4'000U);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(lab.plan.out)) {
    std::ifstream file(entry.path());
    const std::string text(std::istreambuf_iterator<char>(file), {});
    EXPECT_EQ(text.find(config.password), std::string::npos) << entry.path();
  }

  lab.plan.engine.credentials.password = "wrong";
  lab.plan.out = lab.home.path() / "second";
  const auto refused = lab.tryRun();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_NE(refused.error().message.find("REDLINE_PASSWORD"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(lab.plan.out));
}

TEST(Driver, RefusesADataSetOfAnotherSeed) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.seed = 2;
  const auto refused = lab.tryRun();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("-seed"), std::string::npos);
}

TEST(Driver, SaysThatNothingListensThere) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.plan.engine.target = {"127.0.0.1", *freePort(), {}};
  const auto refused = lab.tryRun();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unreachable);
}

TEST(Driver, SendsLoadToThisMachineAlone) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.plan.engine.target = {"192.0.2.1", 6379, {}};  // TEST-NET-1: belongs to nobody
  const auto refused = lab.tryRun();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsafe);
}

TEST(Driver, FindsAFlippedByte) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.readShare = 1;
  // Behind preflight's back: a byte of every value, while the run is on.
  auto underWay = lab.underWay();
  std::thread flipper([&] {
    underWay.wait();
    auto admin = adminOf(*lab.redis);
    std::vector<std::vector<std::string>> commands;
    for (std::uint64_t id = 0; id < 100; ++id)
      commands.push_back({"SETRANGE", "obj:" + std::to_string(id), "60", "#"});
    EXPECT_TRUE(admin && admin->pipeline(commands));
  });
  const Summary s = lab.run();
  flipper.join();
  EXPECT_GT(s.verify.corrupt, 0U);
  EXPECT_LT(s.verify.corrupt, 400U);
  EXPECT_FALSE(s.valid);
}

TEST(Driver, CountsMisses) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.keys = 2 * DriverLab::kKeys;  // half of them are not there
  lab.plan.force = true;                        // on purpose
  lab.plan.engine.readShare = 1;
  const Summary s = lab.run();
  EXPECT_NEAR(s.cache.hitRate, 0.5, 0.05);
  EXPECT_EQ(s.cache.hits + s.cache.misses, 4'000U);
}

/// A server with room for about half of the data set.
NodeConfig halfOfIt() {
  NodeConfig config;
  config.maxmemory = 6ULL << 20;
  return config;
}

std::uint64_t callsOf(const DriverLab& lab, const std::string& command) {
  const auto info = adminOf(*lab.redis)->info({"commandstats"});
  if (!info) return 0;
  const auto found = info->commandStats.find(command);
  return found == info->commandStats.end() ? 0 : found->second.calls;
}

TEST(Driver, RefillsWhatAFullServerHasEvicted) {
  DriverLab lab(halfOfIt());
  ASSERT_TRUE(lab.redis);
  lab.plan.engine.valueSize = 1000;
  lab.fillKeys();
  lab.plan.engine.warmup = 0;
  lab.plan.engine.readShare = 0.9;
  lab.plan.engine.onMiss = OnMiss::refill;
  const std::uint64_t setsBefore = callsOf(lab, "set");
  const Summary s = lab.run();
  const std::uint64_t reads = s.latency.at("response").at("get").count;
  const std::uint64_t writes = s.latency.at("response").at("set").count;
  EXPECT_EQ(s.cache.hits + s.cache.misses, reads);
  EXPECT_GT(s.cache.misses, reads / 10);
  EXPECT_EQ(s.cache.refills, s.cache.misses);
  EXPECT_EQ(s.cache.refillsFailed, 0U);
  // The server saw them all, and the rate saw none of them.
  EXPECT_EQ(callsOf(lab, "set") - setsBefore, writes + s.cache.refills);
  EXPECT_EQ(s.rate.completed, 4'000U);
  EXPECT_GT(s.servers.at(0).evicted, s.cache.refills / 2);
  EXPECT_EQ(s.verify.corrupt, 0U);
  expectConserved(s);
}

TEST(Driver, CountsRefillsThatAFullServerRefuses) {
  NodeConfig config = halfOfIt();
  config.policy = "volatile-lru";  // and no key has a time to live: nothing may go
  DriverLab lab(config);
  ASSERT_TRUE(lab.redis);
  lab.plan.engine.valueSize = 1000;
  lab.plan.engine.readShare = 1;
  lab.plan.engine.warmup = 0;
  lab.plan.engine.rate = 10'000;
  lab.plan.engine.onMiss = OnMiss::refill;
  const Summary s = lab.run();  // from empty: the first misses fill it
  EXPECT_GT(s.cache.refills, 1'000U);
  EXPECT_GT(s.cache.refillsFailed, 1'000U);
  EXPECT_EQ(s.cache.refills + s.cache.refillsFailed, s.cache.misses);
  EXPECT_EQ(s.rate.failed, 0U);
  expectConserved(s);
}

TEST(Driver, EndsEarlyAndWritesWhatItMeasured) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.duration = 60 * kSecond;
  auto underWay = lab.underWay();
  std::thread stopper([&] {
    underWay.wait();
    lab.interrupt = true;
  });
  const Summary s = lab.run();
  stopper.join();
  EXPECT_LT(s.windowS, 20);
  EXPECT_GT(s.rate.completed, 0U);
  expectConserved(s);
  const auto read = readRunDir(lab.plan.out);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_TRUE(read->summary);
  EXPECT_EQ(read->summary->rate.completed, s.rate.completed);
}

TEST(Driver, SurvivesAServerKilledMidRunWithEveryOperationAccountedFor) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.drain = kSecond;
  lab.plan.engine.readShare = 0.5;
  lab.plan.engine.rate = 20'000;
  auto underWay = lab.underWay();
  std::thread killer([&] {
    underWay.wait();
    EXPECT_TRUE(lab.redis->node().kill());
  });
  const Summary s = lab.run();
  killer.join();
  EXPECT_EQ(s.rate.scheduled, 40'000U);
  EXPECT_GT(s.rate.outstanding, 1'000U);
  EXPECT_FALSE(s.latency.at("response").at("all").lowerBounds.empty());
  expectConserved(s);
}

TEST(Driver, FindsItsWayBackToARestartedServer) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.duration = 4 * kSecond;
  auto underWay = lab.underWay();
  std::promise<void> over;
  std::thread killer([&] {
    underWay.wait();
    EXPECT_TRUE(lab.redis->node().kill());
    EXPECT_TRUE(lab.redis->restart());
    // The server dies with the thread that started it: stay until the run is over.
    over.get_future().wait();
  });
  const Summary s = lab.run();
  over.set_value();
  killer.join();
  EXPECT_EQ(s.rate.outstanding, 0U);
  EXPECT_GT(s.generator.reconnects, 0U);
  EXPECT_GT(s.cache.misses, 0U);  // it came back empty
  expectConserved(s);
}

// What it is only worth knowing keeps nobody from driving.
TEST(Driver, NeedsNoMorePermissionsThanGetAndSetAndSaysWhatStaysUnknown) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin->command({"ACL", "SETUSER", "lab", "on", ">secret", "~obj:*", "+get", "+set"}));
  lab.plan.engine.credentials = {"lab", "secret"};
  const Summary s = lab.run();
  EXPECT_EQ(s.rate.completed, s.rate.scheduled);
  EXPECT_EQ(s.rate.failed, 0U);
  EXPECT_TRUE(s.servers.empty());
  EXPECT_EQ(s.environment.redisVersion.substr(0, 2), "7.");
  EXPECT_THAT(s.notes,
              Contains(testing::AllOf(testing::HasSubstr("NOPERM"), testing::HasSubstr("+info"))));
  const auto read = readRunDir(lab.plan.out);
  ASSERT_TRUE(read);
  for (const Event& event : read->events) EXPECT_NE(event.kind, "connection") << event.detail;
}

std::uint64_t connectionsReceived(const ScopedStack& stack) {
  auto admin = adminOf(stack);
  return admin ? admin->info({"stats"}).value().count("total_connections_received") : 0;
}

TEST(Driver, AFullServerRefusesConnectionsAndNotOperations) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.conns = 40;
  lab.plan.engine.duration = 3 * kSecond;
  auto underWay = lab.underWay();
  std::thread closer([&] {
    underWay.wait();
    auto admin = adminOf(*lab.redis);
    EXPECT_TRUE(admin->configSet("maxclients", "20"));
    EXPECT_TRUE(admin->command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}));
  });
  const std::uint64_t before = connectionsReceived(*lab.redis);
  const Summary s = lab.run();
  closer.join();
  EXPECT_GT(s.generator.refusedConnections, 0U);
  EXPECT_LT(connectionsReceived(*lab.redis) - before, 40U * 15);
  EXPECT_FALSE(s.rate.errors.contains("server_error"));
  EXPECT_THAT(s.notes, testing::Contains(testing::HasSubstr("maxclients")));
  expectConserved(s);
}

// Its users' connections are closed, and they cannot log in any more.
TEST(Driver, AUserThatIsTakenAwayMidRunEndsItWithoutAStormOfConnections) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin->command({"ACL", "SETUSER", "lab", "on", ">secret", "~*", "+@all"}));
  lab.plan.engine.credentials = {"lab", "secret"};
  auto underWay = lab.underWay();
  std::thread closer([&] {
    underWay.wait();
    EXPECT_TRUE(admin->command({"ACL", "DELUSER", "lab"}));
  });
  const std::uint64_t before = connectionsReceived(*lab.redis);
  const auto outcome = lab.tryRun();
  closer.join();
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_FALSE(outcome->status);
  EXPECT_THAT(outcome->status.error().message, testing::HasSubstr("REDLINE_PASSWORD"));
  EXPECT_LT(connectionsReceived(*lab.redis) - before, lab.plan.engine.conns * 15);
  expectConserved(outcome->summary);
}

// redis-notes, "The frozen-server identity (truth test)".
TEST(DriverAlone, TellsTheTruthAboutAFrozenServer) {
  for (int attempt = 1;; ++attempt) {
    DriverLab lab;
    ASSERT_TRUE(lab.redis);
    lab.fillKeys();
    lab.plan.engine.rate = 10'000;
    lab.plan.engine.readShare = 1;
    lab.plan.engine.duration = 10 * kSecond;

    DriverPlan ceiling = lab.plan;
    ceiling.engine.arrivals = Arrivals::closed;
    ceiling.engine.duration = kSecond;
    ceiling.out = lab.home.path() / "ceiling";
    std::swap(ceiling, lab.plan);
    const double mu = lab.run().rate.achieved;
    std::swap(ceiling, lab.plan);

    const SteadyClock clock;
    Nanos frozen = 0;
    std::thread freezer([&] {
      std::this_thread::sleep_for(std::chrono::seconds(4));
      const Nanos from = clock.now();
      EXPECT_TRUE(lab.redis->node().signal(SIGSTOP));
      std::this_thread::sleep_for(std::chrono::seconds(1));
      EXPECT_TRUE(lab.redis->node().signal(SIGCONT));
      frozen = clock.now() - from;
    });
    const Summary s = lab.run();
    freezer.join();

    const double f = static_cast<double>(frozen) / 1e9;
    const auto expected = [&](double q) { return f - (1 - q) * 10.0 * (1 - 10'000 / mu); };
    const LatencyFigures& response = s.latency.at("response").at("all");
    const double p99 = response.p99 / 1e6 / expected(0.99);
    const double p999 = response.p999 / 1e6 / expected(0.999);
    std::printf(
        "frozen %.3f s, drain rate %.0f/s: p99 %.3f s (identity %.3f), p99.9 %.3f s (%.3f)\n", f,
        mu, response.p99 / 1e6, expected(0.99), response.p999 / 1e6, expected(0.999));
    // What has piled up in a second Redis may carry out in one pass, and write all replies after
    // it.
    const double latest = 1.03 + 10'000 / mu / f;
    const auto fits = [&](double ratio) { return ratio > 0.97 && ratio < latest; };
    // A neighbour that takes the core from us for tens of milliseconds is not the fault of the
    // arithmetic.
    if (attempt < 3 && !(fits(p99) && fits(p999))) continue;
    EXPECT_PRED1(fits, p99);
    EXPECT_PRED1(fits, p999);
    EXPECT_EQ(s.rate.scheduled, 100'000U);
    EXPECT_EQ(s.rate.completed, 100'000U);
    EXPECT_EQ(s.rate.outstanding, 0U);
    return;
  }
}

TEST(Driver, GoesOnWhenTheServerIsTooSlowAndSaysOverloaded) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.warmup = 0;
  lab.plan.engine.duration = 3 * kSecond;
  lab.plan.engine.drain = 0;
  lab.plan.engine.conns = 1;  // one at a time over one connection: nowhere near 300k/s
  lab.plan.engine.rate = 300'000;
  std::vector<Nanos> medians;
  lab.onInterval = [&](const Interval& interval) {
    if (!interval.warmup && !interval.drain)
      medians.push_back(interval.of(Measure::response, OpKind::get).quantile(0.5));
  };
  const Summary s = lab.run();
  EXPECT_TRUE(s.rate.overloaded);
  EXPECT_GT(s.rate.outstanding, 100'000U);
  ASSERT_GE(medians.size(), 3U);
  EXPECT_GT(medians[2], medians[1]);
  EXPECT_GT(medians[1], medians[0]);
  expectConserved(s);
}

TEST(Driver, LeavesARunDirectoryThatAddsUpToItsSummary) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  const Summary s = lab.run();
  const auto read = readRunDir(lab.plan.out);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->warnings.empty());
  std::uint64_t completed = 0;
  for (const auto& row : read->intervals)
    if (!row.warmup) completed += row.counts.completed[0] + row.counts.completed[1];
  EXPECT_EQ(completed, s.rate.completed);
  const auto found = read->latency.merged.find("response");
  ASSERT_NE(found, read->latency.merged.end());
  EXPECT_EQ(found->second.count(), s.latency.at("response").at("all").count);
  EXPECT_NEAR(static_cast<double>(found->second.quantile(0.99)) / 1e3,
              s.latency.at("response").at("all").p99, 0.001);
  EXPECT_FALSE(read->servers.empty());
}

}  // namespace
}  // namespace redline
