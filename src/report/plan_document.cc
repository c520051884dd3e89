#include "report/plan_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/numbers.h"
#include "base/text.h"
#include "base/units.h"
#include "os/files.h"
#include "plan/plan_json.h"
#include "report/html.h"
#include "report/markdown.h"
#include "report/plan_pictures.h"
#include "report/plot_svg.h"
#include "report/text.h"

namespace redline {
namespace {

/// "never" for what does not end.
std::string timeText(double seconds) {
  return std::isfinite(seconds) ? formatQuantity(seconds, "s") : "never";
}

std::string bytesText(double bytes) {
  return formatQuantity(bytes, "bytes");
}

std::string opsText(double rate) {
  return formatQuantity(rate, "ops/s");
}

std::string growthText(double growth) {
  if (growth <= 1) return "already";
  return std::isfinite(growth) ? formatQuantity(growth, "x") : "not reached";
}

std::string shardsText(const Sizing& sizing) {
  return sizing.isPossible() ? std::to_string(sizing.shards) : "none";
}

double hitsOf(const ShardLoad& load) {
  return load.occupancy.lookups > 0 ? 1 - load.storeReads / load.occupancy.lookups : 1;
}

/// A figure by the coefficients, and by the ends of their intervals.
template <typename Figure>
std::vector<Cell> threeFigures(std::string what, const SizingPlan& plan, Figure&& figure) {
  const auto of = [&](const Sizing& sizing) {
    return sizing.isPossible() ? figure(sizing) : std::string("–");
  };
  return {std::move(what), of(plan.expected), of(plan.favourable), of(plan.unfavourable)};
}

std::string layoutText(const SizingPlan& plan) {
  const std::uint64_t replicas = plan.request.replicas;
  const std::uint64_t nodes = plan.expected.shards * (1 + replicas);
  return fmt::format("{} with {} each: {} of {}", plural(plan.expected.shards, "shard"),
                     plural(replicas, "replica"), plural(nodes, "node"),
                     bytesText(plan.expected.load.memory.needed()));
}

Callout answerOf(const SizingPlan& plan) {
  const Sizing& sizing = plan.expected;
  Callout callout;
  if (!sizing.isPossible()) {
    callout.tone = Tone::bad;
    callout.headline = "There is no such deployment";
    callout.groups.push_back({"", {capitalized(sizing.obstacle)}});
    return callout;
  }
  const bool isMissed = !sizing.keepsServiceLevel();
  const bool isCarried = std::ranges::all_of(plan.losses, &NodeLoss::storeSurvives) ||
                         !std::isfinite(plan.request.storeMax);
  callout.tone = isMissed ? Tone::bad : isCarried ? Tone::good : Tone::notable;
  callout.headline = layoutText(plan);
  std::vector<std::string> lines{
      fmt::format("The number of shards is decided by {}", nameOf(sizing.limit))};
  if (isMissed)
    lines.push_back(fmt::format(
        "The busiest shard's main thread would be {} busy, and the service level is missed from "
        "{} on",
        formatShare(sizing.load.busy.high), formatShare(sizing.knee)));
  if (!plan.cliffs.empty())
    lines.push_back(fmt::format("First cliff: {} ({})", plan.cliffs.front().title,
                                growthText(plan.cliffs.front().byBoth)));
  for (const NodeLoss& loss : plan.losses)
    if (!loss.storeSurvives && std::isfinite(plan.request.storeMax))
      lines.push_back(fmt::format("The store does not carry it when {}: {} reads", loss.title,
                                  opsText(loss.storeReads)));
  callout.groups.push_back({"", std::move(lines)});
  return callout;
}

Table requestTable(const SizingRequest& r) {
  Table table{.title = "Asked for", .columns = proseColumns({"what", "value"})};
  table.add({"keys", fmt::format("{} of {}", formatCount(static_cast<double>(r.keys)),
                                 bytesText(r.valueBytes))});
  table.add({"rate", fmt::format("{}, {} reads, {:.0f} in a batch", opsText(r.rate),
                                 formatShare(r.readShare), r.batch)});
  table.add({"popularity", r.zipfS > 0 ? fmt::format("Zipf {:g}", r.zipfS) : "uniform"});
  if (r.ttlShare > 0)
    table.add({"expire", fmt::format("{} of the keys, after {} to {}", formatShare(r.ttlShare),
                                     timeText(r.ttlLeastS), timeText(r.ttlMostS))});
  table.add({"service level", fmt::format("p99 below {}", formatMicros(r.sloUs))});
  if (std::isfinite(r.storeMax)) table.add({"store", opsText(r.storeMax) + " reads at most"});
  table.add({"kept free", formatShare(r.headroom)});
  return table;
}

Table layoutTable(const SizingPlan& plan) {
  Table table{
      .title = "Layout and speed",
      .columns = columnsOf({"what", "expected", "favourable", "unfavourable"}),
      .note = "Favourable and unfavourable: every coefficient at that end of its interval."};
  table.add({"shards", shardsText(plan.expected), shardsText(plan.favourable),
             shardsText(plan.unfavourable)});
  const auto add = [&](std::string what, auto figure) {
    table.add(threeFigures(std::move(what), plan, figure));
  };
  add("a shard always busy", [](const Sizing& s) { return opsText(s.shardCeiling); });
  add("a shard within the service level", [](const Sizing& s) { return opsText(s.shardRate); });
  add("busy share there", [](const Sizing& s) { return formatShare(s.knee); });
  add("average shard busy", [](const Sizing& s) { return formatShare(s.load.evenBusy); });
  add("busiest shard busy", [](const Sizing& s) { return formatShare(s.load.busy.high); });
  add("hottest key, of the requests",
      [](const Sizing& s) { return formatShare(s.load.hottestShare); });
  add("hottest key, of its shard's main thread",
      [](const Sizing& s) { return formatShare(s.load.hotKeyBusy); });
  add("sent by the busiest node, a second",
      [](const Sizing& s) { return bytesText(s.load.networkPerNode); });
  return table;
}

Table memoryTable(const SizingPlan& plan) {
  Table table{.title = "Memory of a node, and its forks",
              .columns = columnsOf({"what", "expected", "favourable", "unfavourable"})};
  const auto add = [&](std::string what, auto figure) {
    table.add(threeFigures(std::move(what), plan,
                           [&](const Sizing& s) { return figure(s.load.memory); }));
  };
  add("bytes of a key", [](const NodeMemory& m) { return fmt::format("{:.0f} B", m.bytesPerKey); });
  add("keys", [](const NodeMemory& m) { return formatCount(m.keys); });
  add("data", [](const NodeMemory& m) { return bytesText(m.data); });
  add("of it hash tables", [](const NodeMemory& m) { return bytesText(m.tables); });
  add("replication backlog", [](const NodeMemory& m) { return bytesText(m.backlog); });
  add("maxmemory", [](const NodeMemory& m) { return bytesText(m.maxmemory); });
  add("resident then", [](const NodeMemory& m) { return bytesText(m.resident); });
  add("copied while a child lives", [](const NodeMemory& m) { return bytesText(m.copied); });
  add("needed in all", [](const NodeMemory& m) { return bytesText(m.needed()); });
  add("a fork blocks for", [](const NodeMemory& m) { return timeText(m.forkS); });
  add("its child lives for", [](const NodeMemory& m) { return timeText(m.childS); });
  return table;
}

Table hitTable(const SizingPlan& plan) {
  const ShardLoad& load = plan.expected.load;
  Table table{.title = "Hit rate and store by maxmemory",
              .columns = columnsOf({"maxmemory of a node", "of what holds all", "hit rate",
                                    "no recency", "exact LRU", "store reads"}),
              .note =
                  "The hit rate lies between eviction without recency and exact LRU, as far as "
                  "Redis's sampling was measured to."};
  table.add({bytesText(load.memory.maxmemory), "as planned", formatShare(hitsOf(load)),
             formatShare(load.worstHits), formatShare(load.bestHits), opsText(load.storeReads)});
  for (const MemoryPoint& each : plan.memory)
    table.add({bytesText(each.maxmemory), formatShare(each.share), formatShare(each.hits),
               formatShare(each.worstHits), formatShare(each.bestHits), opsText(each.storeReads)});
  return table;
}

Table clientTable(const SizingPlan& plan) {
  Table table{
      .title = "Caches in the clients",
      .columns = columnsOf({"entries of each", "reads they answer", "busiest shard busy",
                            "hottest key, of its shard", "invalidations"}),
      .note = fmt::format("{:.0f} clients, each with a cache of its own. A write removes the "
                          "key from all of them.",
                          plan.request.clients)};
  for (const ClientPoint& each : plan.clients)
    table.add({formatCount(each.entries), formatShare(each.hitShare), formatShare(each.busiest),
               formatShare(each.hotKeyBusy), opsText(each.invalidationsPerS)});
  return table;
}

Table cliffTable(const SizingPlan& plan) {
  Table table{.title = "Cliffs, the first one first",
              .columns = columnsOf(
                  {"what happens", "used now", "keys and rate grow", "keys alone", "rate alone"}),
              .note = "At which growth it happens with this layout and this maxmemory."};
  table.columns.front().kind = ColumnKind::text;
  for (const PlannedCliff& each : plan.cliffs)
    table.add({each.title, formatShare(each.usage), growthText(each.byBoth),
               growthText(each.byKeys), growthText(each.byRate)});
  return table;
}

Table lossTable(const SizingPlan& plan) {
  const bool hasStore = std::isfinite(plan.request.storeMax);
  Table table{.title = "Loss of a node",
              .columns = columnsOf({"what happens", "keys not served for", "store reads",
                                    "the store", "at its limit for", "hit rate is back after"}),
              .note =
                  "Back: within one percentage point. Store reads: of the keys concerned, if "
                  "clients turn to the store for them at "
                  "once, and what the others miss."};
  table.columns.front().kind = ColumnKind::text;
  for (const NodeLoss& each : plan.losses)
    table.add({each.title, each.outageS > 0 ? timeText(each.outageS) : "its restart",
               opsText(each.storeReads),
               hasStore ? (each.storeSurvives ? "carries it" : "does not") : "–",
               timeText(each.atLimitS), timeText(each.backS)});
  return table;
}

Table remedyTable(const SizingPlan& plan) {
  Table table{.title = "What helps", .columns = proseColumns({"flags", "effect", "price"})};
  for (const Remedy& each : plan.remedies) table.add({each.flag, each.effect, each.price});
  return table;
}

Table rangeTable(const SizingPlan& plan) {
  Table table{.title = "From a small cluster to 10 billion keys",
              .columns = columnsOf({"keys", "rate", "needs", "shards", "nodes", "node", "all nodes",
                                    "fork", "busiest shard", "first cliff", "at"}),
              .note =
                  "The same values, popularity and service level at other sizes; a cluster has "
                  "three masters at least. Needs: without it one key is more than a shard."};
  for (const std::size_t text : {2U, 9U}) table.columns[text].kind = ColumnKind::text;
  for (const RangeRow& row : plan.range) {
    if (!row.sizing.isPossible()) {
      table.add({formatCount(row.keys), opsText(row.rate), "not possible", "–", "–", "–", "–", "–",
                 "–", "–", "–"});
      table.note += fmt::format(" {} keys: {}.", formatCount(row.keys), row.sizing.obstacle);
      continue;
    }
    const double nodes = static_cast<double>(row.sizing.shards * (1 + row.request.replicas));
    const NodeMemory& memory = row.sizing.load.memory;
    table.add({formatCount(row.keys), opsText(row.rate), row.needs.empty() ? "–" : row.needs,
               std::to_string(row.sizing.shards), fmt::format("{:.0f}", nodes),
               bytesText(memory.needed()), bytesText(nodes * memory.needed()),
               timeText(memory.forkS), formatShare(row.sizing.load.busy.high), row.firstCliff,
               growthText(row.firstGrowth)});
  }
  return table;
}

Table duringTable(const SizingPlan& plan) {
  const double limitUs = plan.during.empty() ? 0 : plan.during.front().kept.limitUs;
  Table table{.title = fmt::format("p99 < {} while something happens", formatMicros(limitUs)),
              .columns = columnsOf(
                  {"meanwhile", "kept up to", "missed at", "busiest shard here", "p99 here"}),
              .note = fmt::format("Shares of a server's ceiling without a fault, from {}.",
                                  plan.headroomSource)};
  for (const DuringFault& each : plan.during)
    table.add({each.kept.title, each.kept.share > 0 ? formatShare(each.kept.share) : "no rate",
               std::isfinite(each.kept.missed) ? formatShare(each.kept.missed) : "–",
               formatShare(plan.expected.load.busy.high), std::string(verdictName(each.verdict))});
  return table;
}

std::vector<std::string> assumptions(const SizingPlan& plan) {
  std::vector<std::string> lines{
      "A key's memory follows from Redis's structures and jemalloc's size classes; no measurement "
      "enters it",
      "Reads and writes follow one popularity, independently of each other; a write and a miss put "
      "the key in",
      "The busiest shard is as unlucky as one hashing of the keys in ten",
      "Copied memory: writes hit the resident pages evenly, which is more than popular keys cause",
      "Coefficients are of the machine that they name: on another, measure them with 'redline plan "
      "-calibrate'"};
  if (plan.request.ttlShare > 0)
    lines.emplace_back(
        "A key that has expired is read from the store when it is asked for again, and lives as "
        "long as before");
  return lines;
}

std::string coefficientText(double value, std::string_view unit) {
  return unit == "share" || unit == "bytes" ? formatQuantity(value, unit)
                                            : fmt::format("{:.3g}", value);
}

}  // namespace

Table coefficientTable(const Coefficients& coefficients) {
  Table table{.title = "Coefficients",
              .columns = columnsOf(
                  {"name", "value", "interval", "unit", "measured", "what it is", "source"})};
  for (const std::size_t text : {3U, 5U, 6U}) table.columns[text].kind = ColumnKind::text;
  for (const CoefficientSpec& spec : coefficientSpecs()) {
    const Coefficient& one = coefficients[spec.id];
    table.add({one.name, coefficientText(one.value, one.unit),
               fmt::format("{} – {}", coefficientText(one.low, one.unit),
                           coefficientText(one.high, one.unit)),
               one.unit, fmt::format("{}×", one.count), std::string(spec.meaning), one.source});
  }
  return table;
}

Document planDocument(const SizingPlan& plan, const Coefficients& coefficients) {
  const CoefficientFile& origin = coefficients.origin();
  Document document{.title = fmt::format("A plan for {} keys at {}",
                                         formatCount(static_cast<double>(plan.request.keys)),
                                         opsText(plan.request.rate)),
                    .origin = fmt::format("Computed by redline plan from coefficients of {}, {}.",
                                          origin.machine, origin.measured)};
  Blocks& blocks = document.blocks;
  blocks.emplace_back(answerOf(plan));
  addTable(blocks, remedyTable(plan));
  addTable(blocks, requestTable(plan.request));
  addTable(blocks, layoutTable(plan));
  if (plan.expected.isPossible()) {
    addTable(blocks, memoryTable(plan));
    addTable(blocks, hitTable(plan));
    addPicture(blocks, hitPicture(plan));
    addTable(blocks, clientTable(plan));
    addTable(blocks, cliffTable(plan));
    addPicture(blocks, cliffPicture(plan));
    addTable(blocks, duringTable(plan));
    addTable(blocks, lossTable(plan));
  }
  addBullets(blocks, "Mind", plan.notes);
  addTable(blocks, rangeTable(plan));
  addTable(blocks, coefficientTable(coefficients));
  addBullets(blocks, "Assumed", assumptions(plan));
  return document;
}

Result<PlanFiles> writePlan(const SizingPlan& plan, const Coefficients& coefficients,
                            const std::filesystem::path& out) {
  const Document document = planDocument(plan, coefficients);
  const PlanFiles files{out / "plan.html", out / "PLAN.md", out / "plan.json"};
  Status status = createDirectory(out / "plots");
  forEachBlock<Picture>(document.blocks, [&](const Picture& picture) {
    if (status)
      status = writeWholeFile(out / "plots" / (picture.id + ".svg"), standalonePlot(picture));
  });
  if (status) status = writeWholeFile(files.note, toMarkdown(document));
  if (status) status = writeWholeFile(files.json, planJson(plan, coefficients));
  if (status) status = writeWholeFile(files.html, toHtml(document));
  if (!status) return fail(status.error());
  return files;
}

}  // namespace redline
