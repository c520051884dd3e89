#include "metrics/exposition.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "metrics/redis_metrics.h"
#include "support/paths.h"
#include "unit/metrics/parsed_exposition.h"

namespace redline {
namespace {

using test::ParsedExposition;
using test::parseExposition;

RunDescription description() {
  return {"1.2.3", "a-run", 5'000, 2};
}

/// An interval with `n` reads and n/10 writes, of known latencies.
Interval interval(std::uint64_t n, bool warmup = false) {
  Interval i;
  i.start = 0;
  i.end = kSecond;
  i.warmup = warmup;
  for (const OpKind kind : {OpKind::get, OpKind::set}) {
    const std::uint64_t count = kind == OpKind::get ? n : n / 10;
    for (std::uint64_t k = 0; k < count; ++k) {
      const Nanos service = 40 * kMicrosecond + static_cast<Nanos>(k % 97) * kMicrosecond;
      const Nanos late = static_cast<Nanos>(k % 7) * kMicrosecond;
      i.of(Measure::service, kind).record(service);
      i.of(Measure::lateness, kind).record(late);
      i.of(Measure::dispatch, kind).record(late / 2);
      i.of(Measure::response, kind).record(service + late);
    }
    i.counts.completed[index(kind)] = i.counts.sent[index(kind)] = count;
    i.counts.scheduled += count;
  }
  i.counts.hits = n - 3;
  i.counts.misses = 3;
  i.counts.checked = n - 3;
  i.counts.cpuUser = 200 * kMillisecond;
  i.counts.cpuSystem = 300 * kMillisecond;
  i.counts.outstanding = 4;
  i.counts.backlog = 9;
  return i;
}

ServerSample sample(const std::string& addr) {
  ServerSample s;
  s.addr = addr;
  s.role = "master";
  s.info = {{"redis_version", "7.0.15"},
            {"instantaneous_ops_per_sec", "1234"},
            {"keyspace_hits", "77"},
            {"used_memory", "1048576"},
            {"mem_fragmentation_ratio", "1.07"},
            {"latest_fork_usec", "1500"},
            {"rdb_last_bgsave_status", "ok"},
            {"aof_last_write_status", "err"},
            {"used_cpu_sys_main_thread", "3.250000"},
            {"maxmemory_policy", "allkeys-lru"},
            {"evicted_keys", "not a number"},
            {"db0", "keys=100,expires=30,avg_ttl=5000"}};
  return s;
}

ParsedExposition parsedOf(const MetricsStore& store) {
  return parseExposition(exposition(store.snapshot()));
}

TEST(Exposition, ShowsAClustersNodesAndRedirects) {
  MetricsStore store(description());
  EXPECT_FALSE(parsedOf(store).types.contains("redline_node_operations_total"));
  Interval cluster = interval(100);
  cluster.counts.moved = 3;
  cluster.counts.ask = 2;
  NodeInterval& node = cluster.nodes.emplace_back();
  node.addr = "127.0.0.1:7600";
  node.completed = 2;
  node.redirected = 5;
  node.service.record(120 * kMicrosecond);
  node.service.record(180 * kMicrosecond);
  store.addInterval(cluster);
  store.addInterval(cluster);
  Interval warmup = cluster;
  warmup.warmup = true;
  store.addInterval(warmup);  // kept out
  const ParsedExposition parsed = parsedOf(store);
  EXPECT_EQ(parsed.at("redline_redirects_total{kind=\"moved\"}"), 6);
  EXPECT_EQ(parsed.at("redline_redirects_total{kind=\"ask\"}"), 4);
  EXPECT_EQ(parsed.at("redline_redirects_total{kind=\"tryagain\"}"), 0);
  const std::string of = "{addr=\"127.0.0.1:7600\"}";
  EXPECT_EQ(parsed.at("redline_node_operations_total" + of), 4);
  EXPECT_EQ(parsed.at("redline_node_redirects_total" + of), 10);
  EXPECT_EQ(parsed.at("redline_node_service_seconds_count" + of), 4);
  EXPECT_NEAR(parsed.at("redline_node_service_seconds_sum" + of), 600e-6, 1e-9);
  EXPECT_EQ(parsed.buckets("redline_node_service_seconds", "addr=\"127.0.0.1:7600\"").at(150e-6),
            2);
}

TEST(Exposition, ShowsHeatOfSlotsByRangeAndTheHottestByThemselves) {
  MetricsStore store(description());
  Interval cluster = interval(100);
  cluster.nodes.emplace_back().addr = "127.0.0.1:7600";
  cluster.slots.resize(16'384);
  for (std::size_t slot = 0; slot < 12; ++slot) cluster.slots[slot * 100] = 10 + slot;
  cluster.slots[16'383] = 7;
  store.addInterval(cluster);
  store.addInterval(cluster);
  Interval warmup = cluster;
  warmup.warmup = true;
  store.addInterval(warmup);  // kept out
  const ParsedExposition parsed = parsedOf(store);
  EXPECT_EQ(parsed.at("redline_slot_range_operations_total{slots=\"00000-00127\"}"), 2 * (10 + 11));
  EXPECT_EQ(parsed.at("redline_slot_range_operations_total{slots=\"16256-16383\"}"), 14);
  EXPECT_EQ(parsed.at("redline_slot_range_operations_total{slots=\"08192-08319\"}"), 0);
  EXPECT_EQ(parsed.at("redline_hot_slot_operations_total{slot=\"1100\"}"), 42);
  EXPECT_EQ(parsed.at("redline_hot_slot_operations_total{slot=\"200\"}"), 24);
  EXPECT_EQ(parsed.series.count("redline_hot_slot_operations_total{slot=\"100\"}"), 0U)
      << "it is the eleventh";
  EXPECT_EQ(std::ranges::count_if(
                parsed.series,
                [](const auto& series) { return series.first.starts_with("redline_slot_range"); }),
            128);
}

RunDescription withStore() {
  RunDescription run = description();
  run.hasStore = true;
  return run;
}

TEST(Exposition, ShowsTheStoreBehindTheCacheWhereThereIsOne) {
  EXPECT_FALSE(
      parsedOf(MetricsStore(description())).types.contains("redline_store_requests_total"));
  MetricsStore store(withStore());
  Interval one = interval(1);
  one.counts.of(BackingCount::reads) = 7;
  one.counts.of(BackingCount::locked) = 2;
  one.counts.of(BackingCount::staleServed) = 3;
  one.counts.storeWaiting = 5;
  one.counts.refills = 4;
  one.storeLatency().read.record(3 * kMillisecond, 7);
  store.addInterval(one);
  one.warmup = true;
  store.addInterval(one);  // kept out
  const ParsedExposition parsed = parsedOf(store);
  EXPECT_EQ(parsed.at("redline_store_requests_total{op=\"read\"}"), 7);
  EXPECT_EQ(parsed.at("redline_store_outcomes_total{outcome=\"locked\"}"), 2);
  EXPECT_EQ(parsed.at("redline_store_outcomes_total{outcome=\"shed\"}"), 0);
  EXPECT_EQ(parsed.at("redline_store_response_seconds_count{op=\"read\"}"), 7);
  EXPECT_EQ(parsed.at("redline_miss_defences_total{event=\"stale_served\"}"), 3);
  EXPECT_EQ(parsed.at("redline_store_waiting_operations"), 5);
  EXPECT_EQ(parsed.at("redline_refills_total{outcome=\"stored\"}"), 4);
}

TEST(Exposition, ShowsWhichFaultsAreUnderWay) {
  MetricsStore store(description());
  EXPECT_FALSE(parsedOf(store).types.contains("redline_fault_active"));
  const auto happens = [&store](std::string kind, std::string name, std::string phase) {
    store.addEvent({0, std::move(kind), std::move(name), std::move(phase), "", ""});
  };
  happens("fault", "bgsave", "begin");
  happens("fault", "reshard", "begin");
  happens("fault", "bgsave", "point");
  happens("slowlog", "keys", "begin");
  happens("fault", "bgsave", "end");
  happens("fault", "bgsave", "end");  // one too many leaves it at none
  const ParsedExposition parsed = parsedOf(store);
  EXPECT_EQ(parsed.at("redline_fault_active{fault=\"bgsave\"}"), 0);
  EXPECT_EQ(parsed.at("redline_fault_active{fault=\"reshard\"}"), 1);
  EXPECT_EQ(parsed.at("redline_faults_total{fault=\"bgsave\"}"), 1);
  EXPECT_EQ(parsed.series.count("redline_fault_active{fault=\"keys\"}"), 0U);
}

TEST(Exposition, NamesTheRun) {
  EXPECT_EQ(parsedOf(MetricsStore(description())).at("redline_run_info{run=\"a-run\"}"), 1);
}

TEST(Exposition, HasHelpAndTypeForEverySeries) {
  MetricsStore store(description());
  store.addInterval(interval(100));
  store.addSample(sample("127.0.0.1:7600"));
  const ParsedExposition parsed = parsedOf(store);
  EXPECT_GT(parsed.series.size(), 300U);
  for (const auto& [key, value] : parsed.series) {
    std::string family = key.substr(0, key.find('{'));
    if (!parsed.types.contains(family))
      for (const std::string suffix : {"_bucket", "_sum", "_count"})
        if (family.ends_with(suffix)) {
          family.resize(family.size() - suffix.size());
          break;
        }
    ASSERT_TRUE(parsed.types.contains(family)) << key;
    ASSERT_TRUE(parsed.help.contains(family)) << key;
    EXPECT_FALSE(parsed.help.at(family).empty());
  }
}

TEST(Exposition, NamesCountersTotalAndEveryQuantityInItsBaseUnit) {
  MetricsStore store(withStore());
  store.addInterval(interval(100));
  store.addSample(sample("127.0.0.1:7600"));
  const ParsedExposition parsed = parsedOf(store);
  for (const auto& [family, type] : parsed.types) {
    EXPECT_TRUE(family.starts_with("redline_") || family.starts_with("redis_")) << family;
    EXPECT_EQ(family.ends_with("_total"), type == "counter") << family;
    EXPECT_TRUE(type != "histogram" || family.ends_with("_seconds")) << family;
    for (const std::string unit : {"_us", "_usec", "_ms", "_ns", "_sec", "_kb", "_mb", "_percent"})
      EXPECT_FALSE(family.ends_with(unit) || family.ends_with(unit + "_total")) << family;
  }
}

TEST(Exposition, MakesHistogramsCumulativeWithTheirCountAtTheEnd) {
  MetricsStore store(description());
  store.addInterval(interval(1'000));
  store.addInterval(interval(500));
  const ParsedExposition parsed = parsedOf(store);
  for (const std::string measure : {"response", "service", "lateness", "dispatch"})
    for (const auto& [op, count] : std::map<std::string, double>{{"get", 1'500}, {"set", 150}}) {
      const std::string name = "redline_" + measure + "_seconds";
      const std::string label = "op=\"" + op + "\"";
      const auto buckets = parsed.buckets(name, label);
      ASSERT_EQ(buckets.size(), kLadder.size() + 1) << name;
      double last = 0;
      for (const auto& [bound, value] : buckets) {
        EXPECT_GE(value, last) << name << " le=" << bound;
        last = value;
      }
      EXPECT_EQ(buckets.rbegin()->first, std::numeric_limits<double>::infinity());
      EXPECT_EQ(buckets.rbegin()->second, count);
      EXPECT_EQ(parsed.at(name + "_count{" + label + "}"), count);
    }
  EXPECT_EQ(parsed.at("redline_response_seconds_count{op=\"get\"}"),
            parsed.at("redline_operations_total{op=\"get\",outcome=\"completed\"}"));
}

TEST(Exposition, WritesBoundsAsPeopleWouldType) {
  MetricsStore store(description());
  const std::string text = exposition(store.snapshot());
  EXPECT_NE(text.find("le=\"1e-06\""), std::string::npos);
  for (const std::string bad : {"00000", "99999"}) {
    for (std::size_t at = text.find("le=\""); at != std::string::npos;
         at = text.find("le=\"", at + 1)) {
      const std::string bound = text.substr(at + 4, text.find('"', at + 4) - at - 4);
      EXPECT_EQ(bound.find(bad), std::string::npos) << bound;
    }
  }
}

TEST(Exposition, SumsLatenciesInSeconds) {
  MetricsStore store(description());
  Interval i = interval(0);
  for (int k = 0; k < 1'000; ++k) i.of(Measure::response, OpKind::get).record(2 * kMillisecond);
  store.addInterval(i);
  EXPECT_NEAR(parsedOf(store).at("redline_response_seconds_sum{op=\"get\"}"), 2.0, 0.001);
}

TEST(Exposition, KeepsLargeCountsExact) {
  MetricsStore store(description());
  Interval i = interval(0);
  i.counts.completed[0] = 123'456'789'012'345;
  store.addInterval(i);
  EXPECT_EQ(
      parsedOf(store).rawValues.at("redline_operations_total{op=\"get\",outcome=\"completed\"}"),
      "123456789012345");
}

TEST(Exposition, KeepsTheWarmupOutButForCorruptValues) {
  MetricsStore store(description());
  Interval warm = interval(100, true);
  warm.counts.corrupt = 2;
  store.addInterval(warm);
  EXPECT_EQ(parsedOf(store).at("redline_run_phase{phase=\"warmup\"}"), 1);
  store.addInterval(interval(50));
  const ParsedExposition parsed = parsedOf(store);
  EXPECT_EQ(parsed.at("redline_run_phase{phase=\"warmup\"}"), 0);
  EXPECT_EQ(parsed.at("redline_run_phase{phase=\"measure\"}"), 1);
  EXPECT_EQ(parsed.at("redline_operations_total{op=\"get\",outcome=\"completed\"}"), 50);
  EXPECT_EQ(parsed.at("redline_response_seconds_count{op=\"get\"}"), 50);
  EXPECT_EQ(parsed.at("redline_warmup_operations_total{outcome=\"completed\"}"), 110);
  EXPECT_EQ(parsed.at("redline_values_corrupt_total"), 2);
  EXPECT_EQ(parsed.at("redline_values_checked_total"), 47);
  EXPECT_NEAR(parsed.at("redline_generator_cpu_seconds_total{mode=\"user\"}"), 0.2, 1e-9);
}

TEST(Exposition, ShowsLevelsAsTheyAreNowAndCountsAsSums) {
  MetricsStore store(description());
  store.addInterval(interval(100));
  Interval second = interval(100);
  second.counts.outstanding = 1;
  second.counts.backlog = 0;
  second.counts.failed[1] = 6;
  second.counts.failures[index(Failure::timeout)] = 6;
  second.counts.outstandingAtEnd = 5;
  store.addInterval(second);
  store.end();
  const ParsedExposition parsed = parsedOf(store);
  EXPECT_EQ(parsed.at("redline_outstanding_operations"), 1);
  EXPECT_EQ(parsed.at("redline_backlog_operations"), 0);
  EXPECT_EQ(parsed.at("redline_scheduled_operations_total"), 220);
  EXPECT_EQ(parsed.at("redline_operations_total{op=\"set\",outcome=\"failed\"}"), 6);
  EXPECT_EQ(parsed.at("redline_errors_total{kind=\"timeout\"}"), 6);
  EXPECT_EQ(parsed.at("redline_errors_total{kind=\"oom\"}"), 0);
  EXPECT_EQ(parsed.at("redline_unfinished_operations_total"), 5);
  EXPECT_EQ(parsed.at("redline_cache_misses_total"), 6);
  EXPECT_EQ(parsed.at("redline_run_phase{phase=\"ended\"}"), 1);
  EXPECT_EQ(parsed.at("redline_target_operations_per_second"), 5'000);
  EXPECT_TRUE(std::ranges::any_of(parsed.series, [](const auto& series) {
    return series.first.starts_with("redline_build_info{version=\"1.2.3\"") && series.second == 1;
  }));
}

TEST(Exposition, ShowsEachServersInfoInBaseUnits) {
  MetricsStore store(description());
  store.addSample(sample("127.0.0.1:7600"));
  store.addSample(sample("127.0.0.1:7601"));
  ServerSample later = sample("127.0.0.1:7601");
  later.info["keyspace_hits"] = "99";
  store.addSample(later);
  const ParsedExposition parsed = parsedOf(store);
  const std::string first = "{addr=\"127.0.0.1:7600\"}";
  EXPECT_EQ(parsed.at("redis_instantaneous_ops_per_second" + first), 1234);
  EXPECT_EQ(parsed.at("redis_keyspace_hits_total" + first), 77);
  EXPECT_EQ(parsed.at("redis_keyspace_hits_total{addr=\"127.0.0.1:7601\"}"), 99);
  EXPECT_EQ(parsed.at("redis_memory_used_bytes" + first), 1048576);
  EXPECT_NEAR(parsed.at("redis_latest_fork_seconds" + first), 0.0015, 1e-12);
  EXPECT_EQ(parsed.at("redis_rdb_last_bgsave_status" + first), 1);
  EXPECT_EQ(parsed.at("redis_aof_last_write_status" + first), 0);
  EXPECT_EQ(parsed.at("redis_cpu_sys_main_thread_seconds_total" + first), 3.25);
  EXPECT_EQ(parsed.at("redis_db_keys{addr=\"127.0.0.1:7600\",db=\"db0\"}"), 100);
  EXPECT_EQ(parsed.at("redis_db_keys_expiring{addr=\"127.0.0.1:7600\",db=\"db0\"}"), 30);
  EXPECT_EQ(parsed.at("redis_instance_info{addr=\"127.0.0.1:7600\",redis_version=\"7.0.15\","
                      "role=\"master\",maxmemory_policy=\"allkeys-lru\"}"),
            1);
  EXPECT_EQ(parsed.series.count("redis_evicted_keys_total" + first), 0U) << "it is not a number";
  EXPECT_EQ(parsed.series.count("redis_memory_max_bytes" + first), 0U) << "INFO does not have it";
}

TEST(Exposition, NamesNoRedisMetricTwice) {
  std::set<std::string_view> names;
  for (const RedisMetric& metric : redisMetrics())
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
}

TEST(Documentation, ExplainsEveryMetric) {
  MetricsStore store(withStore());
  ServerSample every = sample("127.0.0.1:7600");
  for (const RedisMetric& metric : redisMetrics()) every.info[std::string(metric.field)] = "1";
  store.addSample(every);
  store.addEvent({0, "fault", "bgsave", "begin", "", ""});
  Interval cluster = interval(1);
  cluster.nodes.emplace_back().addr = "127.0.0.1:7600";
  cluster.slots.resize(16'384, 1);
  store.addInterval(cluster);
  std::ifstream file(REDLINE_SOURCE_DIR "/docs/metrics.md");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  for (const auto& family : metricFamilies(store.snapshot()))
    EXPECT_NE(page.find("`" + family.name + "`"), std::string::npos) << family.name;
}

}  // namespace
}  // namespace redline
