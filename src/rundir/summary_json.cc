#include "rundir/summary_json.h"

#include <fmt/format.h>

#include <utility>

#include "record/operation.h"
#include "rundir/environment_json.h"
#include "rundir/json_fields.h"
#include "rundir/latency_json.h"
#include "rundir/mitigation_json.h"

namespace redline {
namespace {

constexpr unsigned kSchema = 1;
constexpr std::string_view kFailed = "failed";

Json latenciesJson(const Summary& summary) {
  Json json = Json::object();
  for (const auto measure : kMeasureNames)
    for (const auto* kind : {"all", "get", "set"}) json[measure][kind] = latencyJson({});
  json[kFailed]["all"] = latencyJson({});
  for (const auto& [measure, kinds] : summary.latency)
    for (const auto& [kind, figures] : kinds) json[measure][kind] = latencyJson(figures);
  return json;
}

Json rateJson(const RateFigures& rate) {
  Json json = {{"target", rate.target},           {"achieved", rate.achieved},
               {"scheduled", rate.scheduled},     {"sent", rate.sent},
               {"completed", rate.completed},     {"failed", rate.failed},
               {"outstanding", rate.outstanding}, {"overloaded", rate.overloaded},
               {"errors", Json::object()}};
  for (const auto& [name, count] : rate.errors) json["errors"][name] = count;
  return json;
}

Json cacheJson(const CacheFigures& cache) {
  return {{"hits", cache.hits},        {"misses", cache.misses},
          {"hit_rate", cache.hitRate}, {"local_hits", cache.localHits},
          {"refills", cache.refills},  {"refills_failed", cache.refillsFailed}};
}

Json verifyJson(const VerifyFigures& verify) {
  return {{"checked", verify.checked},
          {"corrupt", verify.corrupt},
          {"stale", verify.stale},
          {"lost_acknowledged", verify.lostAcknowledged}};
}

Json clusterJson(const ClusterFigures& cluster) {
  Json json = {{"moved", cluster.moved},       {"ask", cluster.ask},
               {"tryagain", cluster.tryagain}, {"clusterdown", cluster.clusterdown},
               {"nodes", Json::array()},       {"hot_slots", Json::array()}};
  for (const auto& node : cluster.nodes)
    json["nodes"].push_back(Json{{"addr", node.addr},
                                 {"role", node.role},
                                 {"slots", node.slots},
                                 {"ops", node.ops},
                                 {"redirected", node.redirected},
                                 {"service_us", latencyJson(node.service)}});
  for (const auto& hot : cluster.hotSlots)
    json["hot_slots"].push_back(Json{{"slot", hot.slot}, {"node", hot.node}, {"ops", hot.ops}});
  return json;
}

Json generatorJson(const GeneratorFigures& generator) {
  return {{"threads", generator.threads},
          {"io", generator.io},
          {"wait", generator.wait},
          {"cpu_user_s", generator.cpuUserS},
          {"cpu_sys_s", generator.cpuSystemS},
          {"cpu_us_per_op", generator.cpuUsPerOp},
          {"utilisation", generator.utilisation},
          {"waiting_for_core", generator.waitingForCore},
          {"steal", generator.steal},
          {"hidden_steal", generator.hiddenSteal},
          {"longest_pause_us", generator.longestPauseUs},
          {"mean_batch", generator.meanBatch},
          {"longest_pass_us", generator.longestPassUs},
          {"reconnects", generator.reconnects},
          {"retried", generator.retried}};
}

Json serverJson(const ServerFigures& server) {
  return {{"addr", server.addr},
          {"role", server.role},
          {"version", server.version},
          {"ops", server.ops},
          {"cpu_user_s", server.cpuUserS},
          {"cpu_sys_s", server.cpuSystemS},
          {"main_thread_utilisation", server.mainThreadUtilisation},
          {"waiting_for_core", server.waitingForCore},
          {"hits", server.hits},
          {"misses", server.misses},
          {"evicted", server.evicted},
          {"expired", server.expired},
          {"used_memory", server.usedMemory},
          {"used_memory_rss", server.usedMemoryRss},
          {"mem_fragmentation_ratio", server.fragmentation},
          {"latest_fork_usec", server.latestForkUs}};
}

Json faultJson(const FaultFigures& fault) {
  return {{"name", fault.name},
          {"node", fault.node},
          {"problem", fault.problem},
          {"begin_s", fault.beginS},
          {"end_s", fault.endS},
          {"detail", fault.detail},
          {"figures", figuresJson(fault.figures)}};
}

void readFault(JsonFields fields, FaultFigures& fault) {
  fields.read("name", fault.name);
  fields.read("node", fault.node);
  fields.read("problem", fault.problem);
  fields.read("begin_s", fault.beginS);
  fields.read("end_s", fault.endS);
  fields.read("detail", fault.detail);
  fields.read("figures", fault.figures);
}

void readRate(JsonFields fields, RateFigures& rate) {
  fields.read("target", rate.target);
  fields.read("achieved", rate.achieved);
  fields.read("scheduled", rate.scheduled);
  fields.read("sent", rate.sent);
  fields.read("completed", rate.completed);
  fields.read("failed", rate.failed);
  fields.read("outstanding", rate.outstanding);
  fields.read("overloaded", rate.overloaded);
  fields.read("errors", rate.errors);
}

void readCache(JsonFields fields, CacheFigures& cache) {
  fields.read("hits", cache.hits);
  fields.read("misses", cache.misses);
  fields.read("hit_rate", cache.hitRate);
  fields.read("local_hits", cache.localHits);
  fields.read("refills", cache.refills);
  fields.read("refills_failed", cache.refillsFailed);
}

void readVerify(JsonFields fields, VerifyFigures& verify) {
  fields.read("checked", verify.checked);
  fields.read("corrupt", verify.corrupt);
  fields.read("stale", verify.stale);
  fields.read("lost_acknowledged", verify.lostAcknowledged);
}

void readCluster(JsonFields fields, ClusterFigures& cluster) {
  fields.read("moved", cluster.moved);
  fields.read("ask", cluster.ask);
  fields.read("tryagain", cluster.tryagain);
  fields.read("clusterdown", cluster.clusterdown);
  fields.eachOf("nodes", [&](JsonFields of) {
    ClusterNodeFigures& node = cluster.nodes.emplace_back();
    of.read("addr", node.addr);
    of.read("role", node.role);
    of.read("slots", node.slots);
    of.read("ops", node.ops);
    of.read("redirected", node.redirected);
    of.object("service_us",
              [&](JsonFields service) { readLatency(std::move(service), node.service); });
  });
  fields.eachOf("hot_slots", [&](JsonFields of) {
    HotSlotFigures& hot = cluster.hotSlots.emplace_back();
    of.read("slot", hot.slot);
    of.read("node", hot.node);
    of.read("ops", hot.ops);
  });
}

void readGenerator(JsonFields fields, GeneratorFigures& generator) {
  fields.read("threads", generator.threads);
  fields.read("io", generator.io);
  fields.read("wait", generator.wait);
  fields.read("cpu_user_s", generator.cpuUserS);
  fields.read("cpu_sys_s", generator.cpuSystemS);
  fields.read("cpu_us_per_op", generator.cpuUsPerOp);
  fields.read("utilisation", generator.utilisation);
  fields.read("waiting_for_core", generator.waitingForCore);
  fields.read("steal", generator.steal);
  fields.read("hidden_steal", generator.hiddenSteal);
  fields.read("longest_pause_us", generator.longestPauseUs);
  fields.read("mean_batch", generator.meanBatch);
  fields.read("longest_pass_us", generator.longestPassUs);
  fields.read("reconnects", generator.reconnects);
  fields.read("retried", generator.retried);
}

void readServer(JsonFields fields, ServerFigures& server) {
  fields.read("addr", server.addr);
  fields.read("role", server.role);
  fields.read("version", server.version);
  fields.read("ops", server.ops);
  fields.read("cpu_user_s", server.cpuUserS);
  fields.read("cpu_sys_s", server.cpuSystemS);
  fields.read("main_thread_utilisation", server.mainThreadUtilisation);
  fields.read("waiting_for_core", server.waitingForCore);
  fields.read("hits", server.hits);
  fields.read("misses", server.misses);
  fields.read("evicted", server.evicted);
  fields.read("expired", server.expired);
  fields.read("used_memory", server.usedMemory);
  fields.read("used_memory_rss", server.usedMemoryRss);
  fields.read("mem_fragmentation_ratio", server.fragmentation);
  fields.read("latest_fork_usec", server.latestForkUs);
}

void readSummary(JsonFields fields, Summary& summary) {
  fields.read("command", summary.command);
  fields.read("config", summary.config);
  fields.object("environment", [&](JsonFields of) { readEnvironment(of, summary.environment); });
  fields.read("valid", summary.valid);
  fields.read("invalid_reasons", summary.invalidReasons);
  fields.read("notes", summary.notes);
  fields.read("window_s", summary.windowS);
  fields.object("rate", [&](JsonFields of) { readRate(std::move(of), summary.rate); });
  fields.object("latency_us", [&](JsonFields measures) {
    measures.eachMember([&](const std::string& measure, JsonFields kinds) {
      kinds.eachMember([&](const std::string& kind, JsonFields of) {
        readLatency(std::move(of), summary.latency[measure][kind]);
      });
    });
  });
  fields.object("cache", [&](JsonFields of) { readCache(std::move(of), summary.cache); });
  fields.object("verify", [&](JsonFields of) { readVerify(std::move(of), summary.verify); });
  fields.object("cluster", [&](JsonFields of) { readCluster(std::move(of), summary.cluster); });
  fields.object("mitigation",
                [&](JsonFields of) { readMitigation(std::move(of), summary.mitigation); });
  fields.object("generator",
                [&](JsonFields of) { readGenerator(std::move(of), summary.generator); });
  fields.eachOf("servers",
                [&](JsonFields of) { readServer(std::move(of), summary.servers.emplace_back()); });
  fields.eachOf("faults",
                [&](JsonFields of) { readFault(std::move(of), summary.faults.emplace_back()); });
}

}  // namespace

std::string summaryToJson(const Summary& summary) {
  Json json;
  json["schema"] = kSchema;
  json["command"] = summary.command;
  json["config"] = configJson(summary.config);
  json["environment"] = environmentJson(summary.environment);
  json["valid"] = summary.valid;
  json["invalid_reasons"] = summary.invalidReasons;
  json["notes"] = summary.notes;
  json["window_s"] = summary.windowS;
  json["rate"] = rateJson(summary.rate);
  json["latency_us"] = latenciesJson(summary);
  json["cache"] = cacheJson(summary.cache);
  json["verify"] = verifyJson(summary.verify);
  json["cluster"] = clusterJson(summary.cluster);
  if (summary.mitigation.used()) json["mitigation"] = mitigationJson(summary.mitigation);
  json["generator"] = generatorJson(summary.generator);
  json["servers"] = Json::array();
  for (const auto& server : summary.servers) json["servers"].push_back(serverJson(server));
  if (!summary.faults.empty()) json["faults"] = Json::array();
  for (const auto& fault : summary.faults) json["faults"].push_back(faultJson(fault));
  return toText(json, 2) + "\n";
}

Result<Summary> summaryFromJson(std::string_view text, std::string_view name, bool* cutOff) {
  const auto json = parseJson(text, name, 1, cutOff);
  if (!json) return fail(json.error());
  std::string problem;
  Summary summary;
  unsigned schema = 0;
  JsonFields fields(*json, "", problem);
  fields.read("schema", schema);
  if (problem.empty() && schema != kSchema)
    problem = fmt::format("schema {} where {} is read", schema, kSchema);
  readSummary(fields, summary);
  if (!problem.empty()) return fail(ErrorCode::invalidInput, "{}: {}", name, problem);
  return summary;
}

}  // namespace redline
