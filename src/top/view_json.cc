#include "json/json.h"
#include "top/screen.h"

namespace redline {
namespace {

constexpr unsigned kSchema = 1;

}  // namespace

void visit(auto& json, MappedAs<TopLoad> auto& load) {
  json.numberOrNaN("ops_per_s", load.opsPerS);
  json.numberOrNaN("pings_per_s", load.pingsPerS);
  json.numberOrNaN("hit_rate", load.hitRate);
  json.numberOrNaN("main_thread_busy", load.mainThread);
  json.numberOrNaN("memory_bytes", load.memory);
  json.numberOrNaN("limit_bytes", load.limit);
  json.numberOrNaN("evicted_per_s", load.evictedPerS);
  json.numberOrNaN("expired_per_s", load.expiredPerS);
  json.numberOrNaN("expired_by_top_per_s", load.expiredByUsPerS);
  json.numberOrNaN("clients", load.clients);
  json.numberOrNaN("keys", load.keys);
}

void visit(auto& json, MappedAs<NodeRow> auto& node) {
  json.field("addr", node.node);
  json.field("role", node.role);
  if (node.problem.empty())
    visit(json, node.load);
  else
    json.field("problem", node.problem);
}

void visit(auto& json, MappedAs<Event> auto& event) {
  json.field("at_unix_s", toSeconds(event.at));
  json.field("kind", event.kind);
  json.field("name", event.name);
  json.field("addr", event.node);
  json.field("duration_s", toSeconds(event.duration));
  json.field("detail", event.detail);
}

void visit(auto& json, MappedAs<HotKey> auto& key) {
  json.field("key", key.name);
  json.field("addr", key.node);
  json.field("slot", key.slot);
  json.field("counter", key.counter);
  json.field("share", key.share);
}

void visit(auto& json, MappedAs<HotSlot> auto& slot) {
  json.field("slot", slot.slot);
  json.field("addr", slot.node);
  json.field("share", slot.share);
  json.field("keys", slot.keys);
}

void visit(auto& json, MappedAs<BigKey> auto& key) {
  json.field("key", key.name);
  json.field("addr", key.node);
  json.field("type", key.type);
  json.field("bytes", key.bytes);
  json.field("elements", key.elements);
  json.field("command", key.command);
  json.field("blocks_s", key.stallS);
}

void visit(auto& json, MappedAs<KeyFamily> auto& family) {
  json.field("prefix", family.prefix);
  json.field("keys", family.keys);
  json.field("bytes", family.bytes);
}

std::string topJson(const TopView& view, Nanos wall) {
  JsonDocument document;
  JsonWriter json = document.writer();
  json.schema(kSchema);
  json.field("at_unix_s", toSeconds(wall));
  json.field("cluster", view.isCluster);
  if (view.isCluster) {
    json.field("cluster_state", view.health.state);
    json.field("slots_failed", view.health.failed);
    json.field("slots_unassigned", view.health.unassigned);
    json.field("slots_that_may_have_failed", view.health.mayHaveFailed);
  }
  json.field("all", view.all);
  json.field("nodes", view.nodes);
  json.field("events", view.news);
  json.field("maxmemory_policy", view.policy);
  json.field("counts_uses", view.countsUses);
  json.field("hot_keys", view.hotKeys);
  json.field("hot_slots", view.hotSlots);
  json.field("big_keys", view.bigKeys);
  json.field("prefixes", view.families);
  json.field("keys_looked_at", view.looked);
  json.field("keys_all_seen", view.whole);
  json.object("observation", [&](JsonWriter& cost) {
    cost.numberOrNaN("commands_per_s", view.commandsPerS);
    cost.numberOrNaN("server_us_per_s", view.serverUsPerS);
    cost.numberOrNaN("own_cpu", view.ownCpu);
  });
  json.field("notes", view.notes);
  return document.text(-1);
}

}  // namespace redline
