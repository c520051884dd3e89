#include "rundir/summary_json.h"

#include "json/json.h"
#include "record/latency_figures.h"
#include "record/operation.h"
#include "rundir/environment_json.h"
#include "rundir/reasons_json.h"

namespace redline {

// Each struct of record/summary.h by the names of the contract. A new field is a line here and a
// row in docs/run-format.md.

void visit(auto& json, MappedAs<LatencyFigures> auto& latency) {
  json.field("count", latency.count);
  json.field("mean", latency.mean);
  for (const auto& [name, share, figure] : kReportedPercentiles) json.field(name, latency.*figure);
  json.field("max", latency.max);
  if (json.kReads || !latency.lowerBounds.empty()) json.field("lower_bounds", latency.lowerBounds);
}

void visit(auto& json, MappedAs<RateFigures> auto& rate) {
  json.field("target", rate.target);
  json.field("achieved", rate.achieved);
  json.field("scheduled", rate.scheduled);
  json.field("sent", rate.sent);
  json.field("completed", rate.completed);
  json.field("failed", rate.failed);
  json.field("outstanding", rate.outstanding);
  json.field("unanswered", rate.unanswered);
  json.field("unserved", rate.unserved);
  json.field("longest_unanswered_s", rate.longestUnansweredS);
  json.field("overloaded", rate.overloaded);
  json.field("errors", rate.errors);
}

void visit(auto& json, MappedAs<StoreFillFigures> auto& store) {
  json.field("address", store.address);
  json.field("rows", store.rows);
  json.field("bytes", store.bytes);
  json.field("copy_s", store.copyS);
  json.field("index_s", store.indexS);
  json.field("commit_s", store.commitS);
}

void visit(auto& json, MappedAs<LoadFigures> auto& load) {
  json.field("method", load.method);
  json.field("reason", load.reason);
  if (json.kReads || !load.store.address.empty()) json.field("store", load.store);
}

void visit(auto& json, MappedAs<CacheFigures> auto& cache) {
  json.field("hits", cache.hits);
  json.field("misses", cache.misses);
  json.field("hit_rate", cache.hitRate);
  json.field("local_hits", cache.localHits);
  json.field("refills", cache.refills);
  json.field("refills_failed", cache.refillsFailed);
}

void visit(auto& json, MappedAs<VerifyFigures> auto& verify) {
  json.field("checked", verify.checked);
  json.field("corrupt", verify.corrupt);
  json.field("stale", verify.stale);
  json.field("lost_acknowledged", verify.lostAcknowledged);
}

void visit(auto& json, MappedAs<ClusterNodeFigures> auto& node) {
  json.field("addr", node.addr);
  json.field("role", node.role);
  if (json.kReads || !node.beganAs.empty()) json.field("began_as", node.beganAs);
  json.field("slots", node.slots);
  json.field("ops", node.ops);
  json.field("redirected", node.redirected);
  json.field("service_us", node.service);
}

void visit(auto& json, MappedAs<HotSlotFigures> auto& hot) {
  json.field("slot", hot.slot);
  json.field("node", hot.node);
  json.field("ops", hot.ops);
}

void visit(auto& json, MappedAs<ClusterFigures> auto& cluster) {
  json.field("moved", cluster.moved);
  json.field("ask", cluster.ask);
  json.field("tryagain", cluster.tryagain);
  json.field("clusterdown", cluster.clusterdown);
  json.field("nodes", cluster.nodes);
  json.field("hot_slots", cluster.hotSlots);
}

void visit(auto& json, MappedAs<TrackingFigures> auto& table) {
  json.field("addr", table.addr);
  json.field("tracking_total_keys", table.keys);
  json.field("tracking_total_items", table.items);
  json.field("tracking_table_max_keys", table.maxKeys);
}

void visit(auto& json, MappedAs<ReplicationLagFigures> auto& lag) {
  json.field("addr", lag.addr);
  json.field("samples", lag.samples);
  json.field("p50", lag.p50);
  json.field("p99", lag.p99);
  json.field("max", lag.max);
  json.field("max_at_least", lag.maxAtLeast);
}

void visit(auto& json, MappedAs<MitigationFigures> auto& mitigation) {
  json.field("kind", mitigation.kind);
  json.field("counts", mitigation.counts);
  json.field("staleness_us", mitigation.staleness);
  json.field("invalidation_lag_us", mitigation.invalidationLag);
  json.object("cache", [&](auto& cache) {
    cache.field("tracking", mitigation.tracking);
    cache.field("caches", mitigation.caches);
    cache.field("entries_each", mitigation.cacheEntries);
    cache.field("bytes_used", mitigation.cacheBytesUsed);
    cache.field("bytes", mitigation.cacheBytes);
    cache.field("tracking_tables", mitigation.trackingTables);
  });
  json.object("split", [&](auto& split) {
    split.field("mode", mitigation.split);
    split.field("ways", mitigation.splitWays);
    split.field("keys", mitigation.splitKeys);
    split.field("write_fan_out", mitigation.writeFanOut);
    split.field("divergent_keys", mitigation.divergentKeys);
  });
  json.object("replicas", [&](auto& replicas) {
    replicas.field("policy", mitigation.replicaPolicy);
    replicas.field("lag_bytes", mitigation.replicas);
  });
  json.object("ledger", [&](auto& ledger) {
    ledger.field("keys", mitigation.ledgerKeys);
    ledger.field("bytes", mitigation.ledgerBytes);
    ledger.field("missing_keys", mitigation.missingKeys);
    ledger.field("keys_with_loss", mitigation.keysWithLoss);
    ledger.field("unjudged_keys", mitigation.auditUnjudged);
  });
}

void visit(auto& json, MappedAs<BackingFigures> auto& backing) {
  json.field("store", backing.store);
  json.field("on_write", backing.onWrite);
  json.field("counts", backing.counts);
  json.field("read_us", backing.read);
  json.field("write_us", backing.write);
  json.field("service_us", backing.service);
  json.field("stale_refill_age_us", backing.staleRefillAge);
  json.field("connections", backing.connections);
  json.field("max_rate", backing.maxRate);
  json.field("longest_queue", backing.longestQueue);
  json.field("most_waiting", backing.mostWaiting);
}

void visit(auto& json, MappedAs<GeneratorFigures> auto& generator) {
  json.field("threads", generator.threads);
  json.field("io", generator.io);
  json.field("wait", generator.wait);
  json.field("cpu_user_s", generator.cpuUserS);
  json.field("cpu_sys_s", generator.cpuSystemS);
  json.field("cpu_us_per_op", generator.cpuUsPerOp);
  json.field("utilisation", generator.utilisation);
  json.field("waiting_for_core", generator.waitingForCore);
  json.field("steal", generator.steal);
  json.field("hidden_steal", generator.hiddenSteal);
  json.field("longest_pause_us", generator.longestPauseUs);
  json.field("mean_batch", generator.meanBatch);
  json.field("longest_pass_us", generator.longestPassUs);
  json.field("reconnects", generator.reconnects);
  json.field("retried", generator.retried);
  json.field("refused_connections", generator.refusedConnections);
}

void visit(auto& json, MappedAs<ServerFigures> auto& server) {
  json.field("addr", server.addr);
  json.field("role", server.role);
  if (json.kReads || !server.beganAs.empty()) json.field("began_as", server.beganAs);
  if (json.kReads || server.restarts != 0) json.field("restarts", server.restarts);
  json.field("version", server.version);
  json.field("ops", server.ops);
  json.field("cpu_user_s", server.cpuUserS);
  json.field("cpu_sys_s", server.cpuSystemS);
  json.field("main_thread_utilisation", server.mainThreadUtilisation);
  json.field("waiting_for_core", server.waitingForCore);
  json.field("hits", server.hits);
  json.field("misses", server.misses);
  json.field("evicted", server.evicted);
  json.field("expired", server.expired);
  json.field("used_memory", server.usedMemory);
  json.field("used_memory_rss", server.usedMemoryRss);
  json.field("mem_fragmentation_ratio", server.fragmentation);
  json.field("latest_fork_usec", server.latestForkUs);
}

void visit(auto& json, MappedAs<FaultFigures> auto& fault) {
  json.field("name", fault.name);
  json.field("node", fault.node);
  json.field("problem", fault.problem);
  json.field("begin_s", fault.beginS);
  json.field("end_s", fault.endS);
  json.field("detail", fault.detail);
  json.finiteFigures("figures", fault.figures);
}

namespace {

constexpr unsigned kSummarySchema = 1;
using Latencies = decltype(Summary::latency);

/// latency_us[measure][kind]. Those of the contract are there whatever the run was, and first.
void visitLatencies(JsonWriter& json, const Latencies& latencies) {
  const auto empty = [&](std::string_view measure, std::string_view kind) {
    json.object(measure, [&](JsonWriter& kinds) { kinds.field(kind, LatencyFigures{}); });
  };
  for (const std::string_view measure : kMeasureNames)
    for (const auto* kind : {"all", "get", "set"}) empty(measure, kind);
  empty("failed", "all");
  for (const auto& [measure, kinds] : latencies)
    for (const auto& entry : kinds)
      json.object(measure, [&](JsonWriter& to) { to.field(entry.first, entry.second); });
}

void visitLatencies(JsonReader& json, Latencies& latencies) {
  json.members([&](const std::string& measure, JsonReader& kinds) {
    kinds.members([&](const std::string& kind, JsonReader& figures) {
      visit(figures, latencies[measure][kind]);
    });
  });
}

}  // namespace

void visit(auto& json, MappedAs<Summary> auto& summary) {
  json.schema(kSummarySchema);
  json.field("command", summary.command);
  json.field("config", summary.config);
  json.field("environment", summary.environment);
  json.field("valid", summary.valid);
  visitReasons(json, "invalid_reasons", summary.invalidReasons);
  json.field("notes", summary.notes);
  json.field("window_s", summary.windowS);
  json.field("rate", summary.rate);
  json.object("latency_us", [&](auto& measures) { visitLatencies(measures, summary.latency); });
  if (json.kReads || !summary.load.method.empty()) json.field("load", summary.load);
  json.field("cache", summary.cache);
  json.field("verify", summary.verify);
  json.field("cluster", summary.cluster);
  if (json.kReads || summary.mitigation.used()) json.field("mitigation", summary.mitigation);
  if (json.kReads || !summary.backing.store.empty()) json.field("backing", summary.backing);
  json.field("generator", summary.generator);
  json.field("servers", summary.servers);
  if (json.kReads || !summary.faults.empty()) json.field("faults", summary.faults);
}

std::string summaryToJson(const Summary& summary) {
  return writeJson(summary, 2) + "\n";
}

Result<Summary> summaryFromJson(std::string_view text, std::string_view name, bool* cutOff) {
  return readJson<Summary>(text, {.name = name, .cutOff = cutOff});
}

}  // namespace redline
