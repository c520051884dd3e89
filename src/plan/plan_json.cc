#include "plan/plan_json.h"

#include "json/json.h"
#include "plan/coefficient_fields.h"

namespace redline {

void visit(auto& json, MappedAs<SizingRequest> auto& r) {
  json.field("keys", r.keys);
  json.field("rate", r.rate);
  json.field("value_bytes", r.valueBytes);
  json.derived("key_bytes", [&] { return keyLengthOf(r); });
  json.field("zipf_s", r.zipfS);
  json.field("read_share", r.readShare);
  json.field("ttl_share", r.ttlShare);
  json.field("ttl_min_s", r.ttlLeastS);
  json.field("ttl_max_s", r.ttlMostS);
  json.field("batch", r.batch);
  json.field("slo_p99_us", r.sloUs);
  json.field("store_max", r.storeMax);
  json.field("headroom", r.headroom);
  json.field("fork_max_s", r.forkMostS);
  json.field("shards", r.shards);
  json.field("replicas", r.replicas);
  json.field("replica_reads", r.replicaReads);
  json.field("maxmemory", r.maxmemory);
  json.field("node_memory", r.nodeMemory);
  json.field("network", r.network);
  json.field("policy", nameOf(r.policy));
  json.field("node_timeout_s", r.nodeTimeoutS);
  json.field("clients", r.clients);
  json.field("client_cache", r.clientEntries);
  json.field("split", r.split);
}

void visit(auto& json, MappedAs<NodeMemory> auto& memory) {
  json.field("bytes_per_key", memory.bytesPerKey);
  json.field("keys", memory.keys);
  json.field("data", memory.data);
  json.field("hash_tables", memory.tables);
  json.field("backlog", memory.backlog);
  json.field("maxmemory", memory.maxmemory);
  json.field("resident", memory.resident);
  json.field("copied_by_a_fork", memory.copied);
  json.derived("needed", [&] { return memory.needed(); });
  json.field("fork_s", memory.forkS);
  json.field("child_s", memory.childS);
}

void visit(auto& json, MappedAs<ShardLoad> auto& load) {
  json.field("memory_per_node", load.memory);
  json.field("capacity_keys", load.capacity);
  json.object("hit_rate", [&](auto& fields) {
    const double lookups = load.occupancy.lookups;
    fields.field("expected", lookups > 0 ? 1 - load.storeReads / lookups : 1);
    fields.field("exact_lru", load.bestHits);
    fields.field("random", load.worstHits);
  });
  json.object("store_reads", [&](auto& fields) {
    fields.field("expected", load.storeReads);
    fields.field("exact_lru", load.bestStoreReads);
    fields.field("random", load.worstStoreReads);
  });
  json.field("hottest_key_share", load.hottestShare);
  json.field("hottest_key_busy", load.hotKeyBusy);
  json.field("busiest_shard_busy", load.busy.high);
  json.field("busiest_shard_busy_median", load.busy.median);
  json.field("average_shard_busy", load.evenBusy);
  json.field("network_per_node", load.networkPerNode);
  json.object("client_caches", [&](auto& fields) {
    fields.field("hit_share", load.clients.hitShare);
    fields.field("entries_in_use", load.clients.entries);
    fields.field("invalidations_per_s", load.clients.invalidationsPerS);
  });
}

void visit(auto& json, MappedAs<Sizing> auto& sizing) {
  json.field("possible", sizing.isPossible());
  json.field("obstacle", sizing.obstacle);
  json.field("shards", sizing.shards);
  json.field("decided_by", nameOf(sizing.limit));
  json.field("knee_busy", sizing.knee);
  json.field("shard_rate_at_knee", sizing.shardRate);
  json.field("shard_rate_when_always_busy", sizing.shardCeiling);
  json.field("load", sizing.load);
}

void visit(auto& json, MappedAs<PlannedCliff> auto& cliff) {
  json.field("id", cliff.id);
  json.field("title", cliff.title);
  json.field("usage", cliff.usage);
  json.field("growth_of_keys", cliff.byKeys);
  json.field("growth_of_rate", cliff.byRate);
  json.field("growth_of_both", cliff.byBoth);
}

void visit(auto& json, MappedAs<NodeLoss> auto& loss) {
  json.field("id", loss.id);
  json.field("title", loss.title);
  json.field("outage_s", loss.outageS);
  json.field("store_reads", loss.storeReads);
  json.field("store_survives", loss.storeSurvives);
  json.field("store_at_limit_s", loss.atLimitS);
  json.field("back_s", loss.backS);
}

void visit(auto& json, MappedAs<Remedy> auto& remedy) {
  json.field("flag", remedy.flag);
  json.field("effect", remedy.effect);
  json.field("shards", remedy.shards);
  json.field("price", remedy.price);
}

void visit(auto& json, MappedAs<MemoryPoint> auto& point) {
  json.field("share", point.share);
  json.field("maxmemory_per_node", point.maxmemory);
  json.field("hit_rate", point.hits);
  json.field("hit_rate_exact_lru", point.bestHits);
  json.field("hit_rate_random", point.worstHits);
  json.field("store_reads", point.storeReads);
}

void visit(auto& json, MappedAs<ClientPoint> auto& point) {
  json.field("entries", point.entries);
  json.field("hit_share", point.hitShare);
  json.field("busiest_shard_busy", point.busiest);
  json.field("hottest_key_busy", point.hotKeyBusy);
  json.field("invalidations_per_s", point.invalidationsPerS);
}

void visit(auto& json, MappedAs<DuringFault> auto& during) {
  json.field("fault", during.kept.fault);
  json.field("title", during.kept.title);
  json.field("p99_limit_us", during.kept.limitUs);
  json.field("kept_up_to", during.kept.share);
  json.numberOrNaN("missed_at", during.kept.missed);
  json.field("verdict", verdictName(during.verdict));
}

void visit(auto& json, MappedAs<RangeRow> auto& row) {
  json.field("keys", row.keys);
  json.field("rate", row.rate);
  json.field("needs", row.needs);
  json.field("sizing", row.sizing);
  json.field("first_cliff", row.firstCliff);
  json.field("first_growth", row.firstGrowth);
}

std::string planJson(const SizingPlan& plan, const Coefficients& coefficients) {
  JsonDocument document;
  JsonWriter json = document.writer();
  json.schema(1);
  json.field("request", plan.request);
  json.field("plan", plan.expected);
  json.field("favourable", plan.favourable);
  json.field("unfavourable", plan.unfavourable);
  json.field("cliffs", plan.cliffs);
  json.field("node_loss", plan.losses);
  json.field("remedies", plan.remedies);
  json.field("by_memory", plan.memory);
  json.field("by_client_cache", plan.clients);
  json.field("range", plan.range);
  json.field("headroom_source", plan.headroomSource);
  json.field("during_faults", plan.during);
  json.field("notes", plan.notes);
  json.object("coefficients_of", [&](auto& fields) {
    const CoefficientFile& origin = coefficients.origin();
    fields.field("machine", origin.machine);
    fields.field("measured", origin.measured);
    fields.field("redis", origin.redis);
    fields.field("redline", origin.redline);
  });
  json.field("coefficients",
             std::vector<Coefficient>(coefficients.all().begin(), coefficients.all().end()));
  return document.text(2) + "\n";
}

}  // namespace redline
