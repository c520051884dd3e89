// The contract's definitions that only a real server can hold the driver to. The others are in
// tests/unit/engine/definitions_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

#include "support/driver_lab.h"
#include "workload/ttl.h"

namespace redline {
namespace {

using test::adminOf;
using test::DriverLab;
using test::expectConserved;

/// Calls of each command so far, by INFO commandstats.
std::map<std::string, std::uint64_t> callsOf(Admin& admin) {
  std::map<std::string, std::uint64_t> calls;
  const auto info = admin.info({"commandstats"});
  EXPECT_TRUE(info);
  if (info)
    for (const auto& [name, stats] : info->commandStats) calls[name] = stats.calls;
  return calls;
}

// "-rate: operations per second, all workers together; MULTI, EXEC … do not count."
TEST(Definitions, RateCountsOperationsOfAllWorkersAndNoMulti) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  EnginePlan& plan = lab.plan.engine;
  plan.threads = 3;
  plan.transactions = true;
  plan.pipeline = 4;
  plan.batchWait = 50 * kMillisecond;
  plan.warmup = 0;
  plan.rate = 3'000;
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin);
  auto before = callsOf(*admin);
  const Summary s = lab.run();
  auto after = callsOf(*admin);
  EXPECT_EQ(s.rate.scheduled, 6'000U);
  EXPECT_EQ(s.rate.completed, 6'000U);
  EXPECT_NEAR(s.rate.achieved, 3'000, 300);  // not 9,000, and MULTI and EXEC do not count
  EXPECT_EQ(after["get"] + after["set"] - before["get"] - before["set"], 6'000U);
  EXPECT_EQ(after["exec"], after["multi"]);
  EXPECT_GE(after["exec"], 1'500U);
  EXPECT_NEAR(s.generator.meanBatch, 6'000.0 / static_cast<double>(after["exec"]), 0.01);
  expectConserved(s);
}

// "-conns: in all on a node".
TEST(Definitions, ConnectionsAreCountedInAllAndNotForEachWorker) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.plan.engine.threads = 3;
  lab.plan.engine.conns = 7;
  lab.plan.engine.duration = kSecond;
  std::size_t ours = 0;
  lab.onInterval = [&](const Interval&) {
    auto admin = adminOf(*lab.redis);
    const auto list = admin->command({"CLIENT", "LIST", "TYPE", "normal"});
    ASSERT_TRUE(list);
    std::istringstream lines(list->text);
    std::size_t found = 0;
    for (std::string line; std::getline(lines, line);)
      found += line.find(" cmd=get ") != std::string::npos ||
               line.find(" cmd=set ") != std::string::npos;
    ours = std::max(ours, found);
  };
  lab.run();
  EXPECT_EQ(ours, 7U);
}

// "Server counters are INFO differences, never CONFIG RESETSTAT."
TEST(Definitions, TheServersCountersAreDifferencesAndAreNeverReset) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.readShare = 1;
  lab.plan.engine.keys = 2 * DriverLab::kKeys;  // half of the reads miss
  lab.plan.force = true;                        // on purpose
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin);
  ASSERT_TRUE(admin->command({"GET", "obj:0"}));  // the server has counted before we came
  lab.run();
  lab.plan.out = lab.home.path() / "second";
  const Summary s = lab.run();
  ASSERT_EQ(s.servers.size(), 1U);
  // Of the second run's window alone: 4,000 reads, not the 9,000 and more since the server started,
  // and a few commands of the sampler. The edges of the window are read a little late.
  EXPECT_NEAR(static_cast<double>(s.servers[0].hits + s.servers[0].misses), 4'000, 1'000);
  EXPECT_NEAR(static_cast<double>(s.servers[0].misses), 2'000, 600);
  EXPECT_NEAR(static_cast<double>(s.servers[0].ops), 4'000, 1'000);
  auto calls = callsOf(*admin);
  EXPECT_EQ(calls.count("config|resetstat"), 0U);
  EXPECT_GT(calls["get"], 9'000U);  // both runs, warm-ups included
}

// "hit_rate = hits/(hits + misses) from Redis's replies to reads": writes are in neither.
TEST(Definitions, TheHitRateIsOfReadsAlone) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.keys = 1'000'000;  // one in a hundred is there; a write adds one
  lab.plan.force = true;             // on purpose
  lab.plan.engine.readShare = 0.5;
  lab.plan.engine.verify = VerifyLevel::none;
  const Summary s = lab.run();
  const std::uint64_t reads = s.latency.at("response").at("get").count;
  EXPECT_EQ(s.cache.hits + s.cache.misses, reads);
  EXPECT_NEAR(static_cast<double>(reads), 2'000, 200);
  EXPECT_LT(s.cache.hitRate, 0.05);
  EXPECT_DOUBLE_EQ(s.cache.hitRate, static_cast<double>(s.cache.hits) / static_cast<double>(reads));
}

// "cpu_us_per_op excludes empty polls when spinning."
TEST(Definitions, SpinningForNothingIsNoWorkOfAnOperation) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.plan.engine.wait = WaitMode::spin;
  lab.plan.engine.rate = 100;
  lab.plan.engine.warmup = 0;
  const Summary s = lab.run();
  const double cpu = s.generator.cpuUserS + s.generator.cpuSystemS;
  // Were the polls counted, the operations' share would be all of it.
  EXPECT_LT(s.generator.cpuUsPerOp, cpu * 1e6 / 200 / 2);
  EXPECT_LT(s.generator.utilisation, 0.5);
}

// "a SET re-applies its id's TTL", and leaves a key without one without one.
TEST(Definitions, ADriversSetLeavesTheKeyItsTimeToLive) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  EnginePlan& plan = lab.plan.engine;
  plan.keys = 200;
  plan.readShare = 0;
  plan.ttlFraction = 0.3;
  plan.warmup = 0;
  lab.run();
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin);
  const Ttls ttls(plan.seed, plan.ttlFraction, plan.ttlMin, plan.ttlMax);
  int expiring = 0;
  for (std::uint64_t id = 0; id < plan.keys; ++id) {
    const auto left = admin->command({"PTTL", "obj:" + std::to_string(id)});
    ASSERT_TRUE(left);
    const std::int64_t ttl = ttls.ttlMillisOf(id);
    if (ttl == 0) {
      EXPECT_EQ(left->integer, -1) << id;
      continue;
    }
    ++expiring;
    EXPECT_LE(left->integer, ttl) << id;
    EXPECT_GT(left->integer, ttl - 20'000) << id;  // written at the latest when the run began
  }
  EXPECT_GT(expiring, 30);
}

}  // namespace
}  // namespace redline
