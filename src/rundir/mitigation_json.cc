#include "rundir/mitigation_json.h"

#include "rundir/latency_json.h"

namespace redline {

Json mitigationJson(const MitigationFigures& m) {
  Json json = {{"kind", m.kind},
               {"counts", Json::object()},
               {"staleness_us", latencyJson(m.staleness)},
               {"invalidation_lag_us", latencyJson(m.invalidationLag)}};
  for (const auto& [name, count] : m.counts) json["counts"][name] = count;
  json["cache"] = {{"tracking", m.tracking},         {"caches", m.caches},
                   {"entries_each", m.cacheEntries}, {"bytes_used", m.cacheBytesUsed},
                   {"bytes", m.cacheBytes},          {"tracking_tables", Json::array()}};
  for (const TrackingFigures& table : m.trackingTables)
    json["cache"]["tracking_tables"].push_back(Json{{"addr", table.addr},
                                                    {"tracking_total_keys", table.keys},
                                                    {"tracking_total_items", table.items},
                                                    {"tracking_table_max_keys", table.maxKeys}});
  json["split"] = {{"mode", m.split},
                   {"ways", m.splitWays},
                   {"keys", m.splitKeys},
                   {"write_fan_out", m.writeFanOut},
                   {"divergent_keys", m.divergentKeys}};
  json["replicas"] = {{"policy", m.replicaPolicy}, {"lag_bytes", Json::array()}};
  for (const ReplicationLagFigures& lag : m.replicas)
    json["replicas"]["lag_bytes"].push_back(Json{{"addr", lag.addr},
                                                 {"samples", lag.samples},
                                                 {"p50", lag.p50},
                                                 {"p99", lag.p99},
                                                 {"max", lag.max},
                                                 {"max_at_least", lag.maxAtLeast}});
  json["ledger"] = {{"keys", m.ledgerKeys},
                    {"bytes", m.ledgerBytes},
                    {"missing_keys", m.missingKeys},
                    {"keys_with_loss", m.keysWithLoss},
                    {"unjudged_keys", m.auditUnjudged}};
  return json;
}

void readMitigation(JsonFields fields, MitigationFigures& m) {
  fields.read("kind", m.kind);
  fields.read("counts", m.counts);
  fields.object("staleness_us", [&](JsonFields of) { readLatency(of, m.staleness); });
  fields.object("invalidation_lag_us", [&](JsonFields of) { readLatency(of, m.invalidationLag); });
  fields.object("cache", [&](JsonFields of) {
    of.read("tracking", m.tracking);
    of.read("caches", m.caches);
    of.read("entries_each", m.cacheEntries);
    of.read("bytes_used", m.cacheBytesUsed);
    of.read("bytes", m.cacheBytes);
    of.eachOf("tracking_tables", [&](JsonFields one) {
      TrackingFigures& table = m.trackingTables.emplace_back();
      one.read("addr", table.addr);
      one.read("tracking_total_keys", table.keys);
      one.read("tracking_total_items", table.items);
      one.read("tracking_table_max_keys", table.maxKeys);
    });
  });
  fields.object("split", [&](JsonFields of) {
    of.read("mode", m.split);
    of.read("ways", m.splitWays);
    of.read("keys", m.splitKeys);
    of.read("write_fan_out", m.writeFanOut);
    of.read("divergent_keys", m.divergentKeys);
  });
  fields.object("replicas", [&](JsonFields of) {
    of.read("policy", m.replicaPolicy);
    of.eachOf("lag_bytes", [&](JsonFields one) {
      ReplicationLagFigures& lag = m.replicas.emplace_back();
      one.read("addr", lag.addr);
      one.read("samples", lag.samples);
      one.read("p50", lag.p50);
      one.read("p99", lag.p99);
      one.read("max", lag.max);
      one.read("max_at_least", lag.maxAtLeast);
    });
  });
  fields.object("ledger", [&](JsonFields of) {
    of.read("keys", m.ledgerKeys);
    of.read("bytes", m.ledgerBytes);
    of.read("missing_keys", m.missingKeys);
    of.read("keys_with_loss", m.keysWithLoss);
    of.read("unjudged_keys", m.auditUnjudged);
  });
}

}  // namespace redline
