#include "metrics/redis_metrics.h"

#include <array>
#include <limits>
#include <optional>
#include <string>

#include "base/text.h"

namespace redline {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Kind = RedisMetric::Kind;

constexpr double kFromMicroseconds = 1e-6;

constexpr auto kMetrics = std::to_array<RedisMetric>({
    {"uptime_in_seconds", "redis_uptime_in_seconds", "Age of the server process."},
    {"connected_clients", "redis_connected_clients", "Client connections."},
    {"blocked_clients", "redis_blocked_clients", "Clients waiting in a blocking command."},
    {"tracking_clients", "redis_tracking_clients", "Clients with CLIENT TRACKING on."},

    {"used_memory", "redis_memory_used_bytes", "Memory allocated (used_memory)."},
    {"used_memory_rss", "redis_memory_used_rss_bytes", "Memory resident, as the kernel counts it."},
    {"used_memory_peak", "redis_memory_used_peak_bytes", "Largest used_memory so far."},
    {"used_memory_dataset", "redis_memory_used_dataset_bytes", "used_memory without overheads."},
    {"used_memory_overhead", "redis_memory_used_overhead_bytes",
     "Memory for what is not data: dictionaries, buffers."},
    {"maxmemory", "redis_memory_max_bytes", "The limit maxmemory; 0: none."},
    {"mem_fragmentation_ratio", "redis_mem_fragmentation_ratio",
     "Resident memory over used_memory."},

    {"instantaneous_ops_per_sec", "redis_instantaneous_ops_per_second",
     "Commands a second, as the server samples them itself."},
    {"total_commands_processed", "redis_commands_processed_total", "Commands executed.",
     Kind::counter},
    {"total_connections_received", "redis_connections_received_total", "Connections accepted.",
     Kind::counter},
    {"rejected_connections", "redis_rejected_connections_total",
     "Connections refused because of maxclients.", Kind::counter},
    {"total_error_replies", "redis_error_replies_total", "Error replies sent.", Kind::counter},
    {"total_reads_processed", "redis_reads_processed_total", "Read events of client sockets.",
     Kind::counter},
    {"total_writes_processed", "redis_writes_processed_total", "Write events of client sockets.",
     Kind::counter},
    {"total_net_input_bytes", "redis_net_input_bytes_total", "Bytes received.", Kind::counter},
    {"total_net_output_bytes", "redis_net_output_bytes_total", "Bytes sent.", Kind::counter},
    {"keyspace_hits", "redis_keyspace_hits_total", "Look-ups that found their key.", Kind::counter},
    {"keyspace_misses", "redis_keyspace_misses_total", "Look-ups that did not.", Kind::counter},
    {"evicted_keys", "redis_evicted_keys_total", "Keys evicted because of maxmemory.",
     Kind::counter},
    {"expired_keys", "redis_expired_keys_total", "Keys whose time to live ran out.", Kind::counter},
    {"expired_time_cap_reached_count", "redis_expired_time_cap_reached_total",
     "Active expiry cycles that ran out of time.", Kind::counter},
    {"latest_fork_usec", "redis_latest_fork_seconds", "Duration of the latest fork.", Kind::gauge,
     kFromMicroseconds},

    {"loading", "redis_loading_dump_file", "1 while the server loads its data."},
    {"rdb_changes_since_last_save", "redis_rdb_changes_since_last_save",
     "Writes since the last snapshot."},
    {"rdb_bgsave_in_progress", "redis_rdb_bgsave_in_progress", "1 while a snapshot is written."},
    {"rdb_last_bgsave_status", "redis_rdb_last_bgsave_status",
     "1 when the last snapshot succeeded.", Kind::status},
    {"rdb_last_cow_size", "redis_rdb_last_cow_size_bytes",
     "Memory copied on write during the last snapshot."},
    {"current_cow_peak", "redis_current_cow_peak_bytes",
     "Largest memory copied on write by the child now running."},
    {"aof_enabled", "redis_aof_enabled", "1 when the append-only file is on."},
    {"aof_rewrite_in_progress", "redis_aof_rewrite_in_progress",
     "1 while the append-only file is rewritten."},
    {"aof_last_write_status", "redis_aof_last_write_status",
     "1 when the last write to the append-only file succeeded.", Kind::status},
    {"aof_last_bgrewrite_status", "redis_aof_last_bgrewrite_status",
     "1 when the last rewrite of the append-only file succeeded.", Kind::status},
    {"aof_last_cow_size", "redis_aof_last_cow_size_bytes",
     "Memory copied on write during the last rewrite."},
    {"aof_current_size", "redis_aof_current_size_bytes", "Size of the append-only file."},
    {"aof_delayed_fsync", "redis_aof_delayed_fsync_total",
     "Writes held up because an fsync was still running.", Kind::counter},

    {"connected_slaves", "redis_connected_slaves", "Replicas connected."},
    {"master_repl_offset", "redis_master_repl_offset", "Replication offset of the master, bytes."},

    {"used_cpu_sys", "redis_cpu_sys_seconds_total", "System CPU time of the server process.",
     Kind::counter},
    {"used_cpu_user", "redis_cpu_user_seconds_total", "User CPU time of the server process.",
     Kind::counter},
    {"used_cpu_sys_children", "redis_cpu_sys_children_seconds_total",
     "System CPU time of its ended children.", Kind::counter},
    {"used_cpu_user_children", "redis_cpu_user_children_seconds_total",
     "User CPU time of its ended children.", Kind::counter},
    {"used_cpu_sys_main_thread", "redis_cpu_sys_main_thread_seconds_total",
     "System CPU time of the thread that runs commands.", Kind::counter},
    {"used_cpu_user_main_thread", "redis_cpu_user_main_thread_seconds_total",
     "User CPU time of the thread that runs commands.", Kind::counter},
});

std::optional<double> valueOf(const RedisMetric& metric, const ServerSample& sample) {
  const auto found = sample.info.find(metric.field);
  if (found == sample.info.end()) return std::nullopt;
  if (metric.kind == Kind::status) return found->second == "ok" ? 1 : 0;
  const auto value = toNumber<double>(found->second);
  if (!value) return std::nullopt;
  return *value * metric.factor;
}

ClientMetric seriesOf(std::string_view addr, MetricType type, double value) {
  ClientMetric series;
  series.label = {{"addr", std::string(addr)}};
  (type == MetricType::Counter ? series.counter.value : series.gauge.value) = value;
  return series;
}

MetricFamily familyOf(const RedisMetric& metric, const MetricsSnapshot& snapshot) {
  MetricFamily family{std::string(metric.name),
                      std::string(metric.help),
                      metric.kind == Kind::counter ? MetricType::Counter : MetricType::Gauge,
                      {}};
  for (const auto& [addr, sampled] : snapshot.servers)
    if (const auto value = valueOf(metric, sampled.sample))
      family.metric.push_back(seriesOf(addr, family.type, *value));
  return family;
}

MetricFamily instanceInfo(const MetricsSnapshot& snapshot) {
  MetricFamily family{
      "redis_instance_info", "Version and role of the server; always 1.", MetricType::Gauge, {}};
  for (const auto& [addr, sampled] : snapshot.servers) {
    auto series = seriesOf(addr, family.type, 1);
    series.label.push_back({"redis_version", sampled.sample.text("redis_version")});
    series.label.push_back({"role", sampled.sample.role});
    series.label.push_back({"maxmemory_policy", sampled.sample.text("maxmemory_policy")});
    family.metric.push_back(std::move(series));
  }
  return family;
}

MetricFamily keysFamily(const MetricsSnapshot& snapshot, std::string name, std::string help,
                        std::string_view field) {
  MetricFamily family{std::move(name), std::move(help), MetricType::Gauge, {}};
  for (const auto& [addr, sampled] : snapshot.servers) {
    const std::string database = sampled.sample.text("db0");
    // INFO leaves an empty database out.
    auto series =
        seriesOf(addr, family.type, toNumber<double>(subfield(database, field)).value_or(0));
    series.label.push_back({"db", "db0"});
    family.metric.push_back(std::move(series));
  }
  return family;
}

MetricFamily sampleTimes(const MetricsSnapshot& snapshot) {
  MetricFamily family{"redline_server_sample_timestamp_seconds",
                      "When the values of redis_… were read, on the wall clock.",
                      MetricType::Gauge,
                      {}};
  for (const auto& [addr, sampled] : snapshot.servers)
    family.metric.push_back(
        seriesOf(addr, family.type, static_cast<double>(sampled.wall / kMillisecond) / 1e3));
  return family;
}

}  // namespace

std::span<const RedisMetric> redisMetrics() {
  return kMetrics;
}

void addRedisFamilies(std::vector<MetricFamily>& families, const MetricsSnapshot& snapshot) {
  const auto add = [&families](MetricFamily family) {
    if (!family.metric.empty()) families.push_back(std::move(family));
  };
  add(sampleTimes(snapshot));
  add(instanceInfo(snapshot));
  for (const RedisMetric& metric : kMetrics) add(familyOf(metric, snapshot));
  add(keysFamily(snapshot, "redis_db_keys", "Keys in the database.", "keys"));
  add(keysFamily(snapshot, "redis_db_keys_expiring", "Keys with a time to live.", "expires"));
}

}  // namespace redline
