#include "server/sampler.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "record/server_figures.h"
#include "server/scoped_stack.h"
#include "support/real_redis.h"

namespace redline {
namespace {

using test::adminOf;
using test::eventually;
using test::startRedis;

/// Keeps what a sampler says; asked from the test's thread.
class Notes {
 public:
  Sampler::OnSample onSample() {
    return [this](const ServerSample& sample) {
      const std::lock_guard lock(mutex_);
      samples_.push_back(sample);
    };
  }
  Sampler::OnEvent onEvent() {
    return [this](const Event& event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
    };
  }
  std::vector<ServerSample> samples() const {
    const std::lock_guard lock(mutex_);
    return samples_;
  }
  std::vector<Event> events(const std::string& kind) const {
    const std::lock_guard lock(mutex_);
    std::vector<Event> found;
    std::copy_if(events_.begin(), events_.end(), std::back_inserter(found),
                 [&](const Event& event) { return event.kind == kind; });
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<ServerSample> samples_;
  std::vector<Event> events_;
};

SamplerOptions optionsFor(const std::vector<Endpoint>& servers) {
  SamplerOptions options;
  options.servers = servers;
  options.interval = 50 * kMillisecond;
  options.slowlogInterval = 10 * kMillisecond;
  return options;
}

TEST(Sampler, ReadsEachServerAtTheStartAtTheEndAndBetween) {
  auto first = startRedis();
  auto second = startRedis();
  if (!first || !second) return;
  const SteadyClock clock;
  Notes notes;
  const Nanos begun = clock.now();
  Sampler sampler(optionsFor({first->endpoint(), second->endpoint()}), clock, notes.onSample(),
                  notes.onEvent());
  sampler.awaitFirst();
  EXPECT_GE(notes.samples().size(), 2U);
  EXPECT_TRUE(eventually([&] { return notes.samples().size() >= 6; }));
  auto admin = adminOf(*first);
  ASSERT_TRUE(admin);
  ASSERT_TRUE(admin->command({"SET", "last", "1"}));
  sampler.stop();
  const auto samples = notes.samples();
  Nanos before = begun;
  std::size_t ofFirst = 0;
  const ServerSample* last = nullptr;
  for (const ServerSample& sample : samples) {
    EXPECT_GE(sample.at, begun);
    EXPECT_EQ(sample.role, "master");
    if (sample.addr != first->endpoint().text()) continue;
    EXPECT_GT(sample.at, before);
    before = sample.at;
    ++ofFirst;
    last = &sample;
  }
  EXPECT_GE(ofFirst, 2U);
  EXPECT_GE(samples.size() - ofFirst, 2U);
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->info.at("db0").substr(0, 7), "keys=1,");  // taken after the last command
  for (const char* field :
       {"instantaneous_ops_per_sec", "keyspace_hits", "keyspace_misses", "evicted_keys",
        "expired_keys", "used_memory", "used_memory_rss", "maxmemory", "mem_fragmentation_ratio",
        "latest_fork_usec", "rdb_last_bgsave_status", "aof_last_write_status",
        "used_cpu_user_main_thread", "used_cpu_sys_main_thread", "total_reads_processed",
        "minor_faults", "waiting_for_core_main_thread"})
    EXPECT_TRUE(last->info.contains(field)) << field;
  const std::size_t atStop = samples.size();
  sampler.stop();
  EXPECT_EQ(notes.samples().size(), atStop);
}

TEST(Sampler, GivesFiguresThatMatchWhatTheServerDid) {
  auto redis = startRedis();
  if (!redis) return;
  const SteadyClock clock;
  Notes notes;
  SamplerOptions options = optionsFor({redis->endpoint()});
  options.interval = 3600 * kSecond;
  options.slowlog = false;
  Sampler sampler(options, clock, notes.onSample(), notes.onEvent());
  sampler.awaitFirst();
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  std::vector<std::vector<std::string>> commands(500, {"GET", "absent"});
  ASSERT_TRUE(admin->pipeline(commands));
  sampler.stop();
  const auto samples = notes.samples();
  ASSERT_EQ(samples.size(), 2U);
  const ServerFigures did = serverFigures(samples.front(), samples.back());
  EXPECT_EQ(did.misses, 500U);
  EXPECT_EQ(did.hits, 0U);
  EXPECT_GE(did.ops, 501U);
  EXPECT_LT(did.ops, 520U);
  EXPECT_GT(did.mainThreadUtilisation, 0);
  EXPECT_LE(did.mainThreadUtilisation, 1.1);
}

TEST(Sampler, TurnsNewSlowLogEntriesIntoEvents) {
  auto redis = startRedis();
  if (!redis) return;
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  ASSERT_TRUE(admin->command({"DEBUG", "SLEEP", "0.003"}));  // before the run: not an event
  const SteadyClock clock;
  Notes notes;
  Sampler sampler(optionsFor({redis->endpoint()}), clock, notes.onSample(), notes.onEvent());
  sampler.awaitFirst();
  const Nanos sent = clock.now();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(admin->command({"DEBUG", "SLEEP", "0.002"}));
  const auto sleeps = [&] {
    auto events = notes.events("slowlog");
    std::erase_if(events, [](const Event& event) { return event.name != "debug"; });
    return events;
  };
  EXPECT_TRUE(eventually([&] { return sleeps().size() >= 50; }));
  sampler.stop();
  const auto events = sleeps();
  ASSERT_EQ(events.size(), 50U);
  for (const Event& event : events) {
    EXPECT_GE(event.duration, 2 * kMillisecond);
    EXPECT_GE(event.at, sent);
    EXPECT_EQ(event.node, redis->endpoint().text());
    EXPECT_NE(event.detail.find("SLEEP"), std::string::npos);
  }
}

TEST(Sampler, TurnsLatencyMonitorEntriesIntoEvents) {
  auto redis = startRedis();
  if (!redis) return;
  auto admin = adminOf(*redis);
  ASSERT_TRUE(admin);
  const SteadyClock clock;
  Notes notes;
  Sampler sampler(optionsFor({redis->endpoint()}), clock, notes.onSample(), notes.onEvent());
  sampler.awaitFirst();
  ASSERT_TRUE(admin->command({"DEBUG", "SLEEP", "0.02"}));
  sampler.stop();
  const auto events = notes.events("latency");
  const auto found = std::find_if(events.begin(), events.end(),
                                  [](const Event& event) { return event.name == "command"; });
  ASSERT_NE(found, events.end());
  EXPECT_GE(found->duration, 20 * kMillisecond);
  EXPECT_LT(std::abs(found->at - clock.now()), 60 * kSecond);
}

TEST(Sampler, SurvivesAServerThatDiesAndComesBack) {
  auto redis = startRedis();
  if (!redis) return;
  const SteadyClock clock;
  Notes notes;
  Sampler sampler(optionsFor({redis->endpoint()}), clock, notes.onSample(), notes.onEvent());
  sampler.awaitFirst();
  ASSERT_TRUE(redis->node().kill());
  ASSERT_TRUE(eventually([&] { return notes.events("connection").size() == 1; }));
  EXPECT_EQ(notes.events("connection")[0].phase, "begin");
  const std::size_t before = notes.samples().size();
  ASSERT_TRUE(redis->restart());
  EXPECT_TRUE(eventually([&] { return notes.samples().size() > before; }));
  sampler.stop();
  const auto gaps = notes.events("connection");
  ASSERT_EQ(gaps.size(), 2U);
  EXPECT_EQ(gaps[1].phase, "end");
  EXPECT_EQ(gaps[1].at - gaps[0].at, gaps[1].duration);
  EXPECT_NE(gaps[1].detail.find("restart"), std::string::npos);
  EXPECT_NE(notes.samples().front().info.at("run_id"), notes.samples().back().info.at("run_id"));
}

TEST(Sampler, ReadsTheOthersWhileOneIsFrozenAndStopsPromptly) {
  auto frozen = startRedis();
  auto healthy = startRedis();
  if (!frozen || !healthy) return;
  const SteadyClock clock;
  Notes notes;
  SamplerOptions options = optionsFor({frozen->endpoint(), healthy->endpoint()});
  options.timeout = 3600 * kSecond;
  Sampler sampler(options, clock, notes.onSample(), notes.onEvent());
  sampler.awaitFirst();
  ASSERT_TRUE(frozen->node().signal(SIGSTOP));
  const std::size_t before = notes.samples().size();
  EXPECT_TRUE(eventually([&] { return notes.samples().size() > before + 5; }));
  sampler.stop();  // would take an hour
  EXPECT_EQ(notes.samples().back().addr, healthy->endpoint().text());
  EXPECT_TRUE(notes.events("connection").empty());
}

TEST(Sampler, StartsAndStopsWhenThereIsNoServer) {
  const auto port = freePort();
  ASSERT_TRUE(port);
  const SteadyClock clock;
  Notes notes;
  Sampler sampler(optionsFor({{"127.0.0.1", *port, {}}}), clock, notes.onSample(), notes.onEvent());
  sampler.awaitFirst();
  sampler.stop();
  EXPECT_TRUE(notes.samples().empty());
  EXPECT_EQ(notes.events("connection").size(), 1U);
}

}  // namespace
}  // namespace redline
