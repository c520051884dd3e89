#include "rundir/server_csv.h"

#include "base/text.h"
#include "rundir/csv.h"

namespace redline {
namespace {

// What is kept of INFO, by its section. `field.part` is one part of a compound field. Add at the
// end of a section freely: readers go by name.
constexpr std::string_view kFields[] = {
    // server
    "run_id",
    // clients
    "connected_clients", "blocked_clients", "tracking_clients",
    // memory
    "used_memory", "used_memory_rss", "used_memory_peak", "used_memory_dataset", "maxmemory",
    "maxmemory_policy", "mem_fragmentation_ratio", "allocator_frag_ratio", "mem_clients_normal",
    "mem_clients_slaves", "mem_not_counted_for_evict", "lazyfree_pending_objects",
    // persistence
    "loading", "current_cow_peak", "current_cow_size", "rdb_changes_since_last_save",
    "rdb_bgsave_in_progress", "rdb_last_bgsave_status", "rdb_last_bgsave_time_sec",
    "rdb_last_cow_size", "aof_enabled", "aof_rewrite_in_progress", "aof_last_rewrite_time_sec",
    "aof_last_bgrewrite_status", "aof_last_write_status", "aof_last_cow_size", "aof_current_size",
    "aof_pending_bio_fsync", "aof_delayed_fsync",
    // stats
    "total_connections_received", "rejected_connections", "total_commands_processed",
    "instantaneous_ops_per_sec", "total_net_input_bytes", "total_net_output_bytes",
    "total_reads_processed", "total_writes_processed", "io_threaded_reads_processed",
    "io_threaded_writes_processed", "total_error_replies", "keyspace_hits", "keyspace_misses",
    "expired_keys", "expired_stale_perc", "expired_time_cap_reached_count",
    "expire_cycle_cpu_milliseconds", "evicted_keys", "evicted_clients",
    "total_eviction_exceeded_time", "current_eviction_exceeded_time", "latest_fork_usec",
    "total_forks", "sync_full", "sync_partial_ok", "sync_partial_err", "tracking_total_keys",
    "tracking_total_items",
    // replication
    "connected_slaves", "master_link_status", "master_repl_offset", "slave_repl_offset",
    "repl_backlog_histlen",
    // cpu
    "used_cpu_sys", "used_cpu_user", "used_cpu_sys_children", "used_cpu_user_children",
    "used_cpu_sys_main_thread", "used_cpu_user_main_thread", "minor_faults",
    "waiting_for_core_main_thread",
    // commandstats and keyspace
    "cmdstat_get.calls", "cmdstat_get.usec", "cmdstat_set.calls", "cmdstat_set.usec", "db0.keys",
    "db0.expires"};

/// Empty where INFO did not have it.
std::string_view valueOf(const ServerSample& sample, std::string_view column) {
  const std::size_t dot = column.find('.');
  const auto found = sample.info.find(column.substr(0, dot));
  if (found == sample.info.end()) return {};
  if (dot == std::string_view::npos) return found->second;
  return subfield(found->second, column.substr(dot + 1));
}

}  // namespace

std::string serverCsvHeader() {
  CsvLine line;
  line.add("at_s").add("addr").add("role");
  for (const auto field : kFields) line.add(field);
  return std::move(line).take();
}

std::string serverCsvLine(const ServerSample& sample, Nanos zero) {
  CsvLine line;
  line.addSeconds(sample.at - zero);
  line.add(sample.addr).add(sample.role);
  for (const auto field : kFields) line.add(valueOf(sample, field));
  return std::move(line).take();
}

Result<std::vector<ServerSample>> parseServerCsv(std::string_view text, std::string_view name,
                                                 std::vector<std::string>& warnings) {
  auto table = CsvTable::parse(text, name, warnings);
  if (!table) return fail(table.error());
  for (const auto* column : {"at_s", "addr", "role"})
    if (auto there = table->require(column); !there) return fail(there.error());
  std::vector<ServerSample> samples;
  for (std::size_t i = 0; i < table->rows(); ++i) {
    CsvRow row(*table, i);
    ServerSample sample;
    row.readSeconds("at_s", sample.at);
    if (auto sound = row.status(); !sound) return fail(sound.error());
    sample.addr = row.text("addr");
    sample.role = row.text("role");
    for (const auto& column : table->columns())
      if (column != "at_s" && column != "addr" && column != "role" && !row.text(column).empty())
        sample.info[column] = row.text(column);
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace redline
