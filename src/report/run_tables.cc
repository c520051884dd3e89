#include "report/run_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"
#include "record/latency_figures.h"
#include "report/blame_table.h"
#include "report/text.h"

namespace redline {
namespace {

constexpr std::string_view kNone = "–";

bool isBound(const LatencyFigures& figures, std::string_view name) {
  return std::ranges::find(figures.lowerBounds, name) != figures.lowerBounds.end();
}

std::string orNone(bool known, std::string text) {
  return known ? std::move(text) : std::string(kNone);
}

std::string secondsText(double s) {
  return fmt::format("{:.2f} s", s);
}

/// A list of named figures.
Table namedFigures(std::string title) {
  return {.title = std::move(title), .columns = columnsOf({"", "figure"})};
}

std::vector<Cell> latencyRow(std::string label, const LatencyFigures& figures) {
  std::vector<Cell> row{std::move(label), grouped(figures.count),
                        latencyCell(figures, "mean", figures.mean)};
  for (const ReportedPercentile& p : kReportedPercentiles)
    row.emplace_back(latencyCell(figures, p.name, figures.*p.figure));
  row.emplace_back(latencyCell(figures, "max", figures.max));
  return row;
}

Table latencyTable(const RunData& run) {
  Table table{
      .title = "Latency, microseconds",
      .columns =
          columnsOf({"", "operations", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"}),
      .note =
          "Response: from the moment an operation was due to its reply. Service: from the send "
          "to the reply. Lateness: from that moment to the send; dispatch: the part of it that "
          "the generator caused."};
  bool bounds = false;
  for (const std::string_view measure : {"response", "service", "lateness", "dispatch"}) {
    const LatencyFigures& all = run.latencyOf(measure);
    if (all.count == 0) continue;
    table.add(latencyRow(std::string(measure), all));
    bounds = bounds || !all.lowerBounds.empty();
    const LatencyFigures& get = run.latencyOf(measure, "get");
    const LatencyFigures& set = run.latencyOf(measure, "set");
    if (get.count == 0 || set.count == 0) continue;
    table.add(latencyRow(fmt::format("{} of GET", measure), get));
    table.add(latencyRow(fmt::format("{} of SET", measure), set));
  }
  if (const LatencyFigures& failed = run.latencyOf("failed"); failed.count != 0)
    table.add(latencyRow("response of failed", failed));
  if (bounds)
    table.note += " ≥: a lower bound; operations were still outstanding when the run ended.";
  return table;
}

Table rateTable(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  Table table = namedFigures("Rate and operations");
  table.add({"offered", run.closed() ? "unthrottled" : groupedRounded(rate.target) + "/s"});
  table.add({"achieved", fmt::format("{}/s over {:.1f} s", groupedRounded(rate.achieved),
                                     run.figures.windowS)});
  table.add({"scheduled", grouped(rate.scheduled)});
  table.add({"= completed", grouped(rate.completed)});
  table.add({"+ failed", grouped(rate.failed)});
  table.add({"+ outstanding at the end", grouped(rate.outstanding)});
  for (const auto& [name, count] : rate.errors) table.add({"failed: " + name, grouped(count)});
  table.add({"sent", grouped(rate.sent)});
  const bool adds = rate.scheduled == rate.completed + rate.failed + rate.outstanding;
  table.note = fmt::format("The identity scheduled = completed + failed + outstanding {}.",
                           adds ? "holds" : "DOES NOT HOLD");
  return table;
}

Table valuesTable(const RunData& run) {
  const CacheFigures& cache = run.figures.cache;
  const VerifyFigures& verify = run.figures.verify;
  Table table = namedFigures("Reads and values");
  const auto addCount = [&](const char* name, std::uint64_t count) {
    if (count != 0) table.add({name, grouped(count)});
  };
  if (cache.hits + cache.misses != 0) {
    table.add({"hits", grouped(cache.hits)});
    table.add({"misses", grouped(cache.misses)});
    table.add({"hit rate", formatShare(cache.hitRate)});
  }
  addCount("hits in the local cache", cache.localHits);
  addCount("refills", cache.refills);
  addCount("refills refused or lost", cache.refillsFailed);
  if (verify.checked != 0) {
    table.add({"values checked", grouped(verify.checked)});
    table.add({"corrupt", grouped(verify.corrupt)});
  }
  addCount("stale", verify.stale);
  addCount("acknowledged and lost", verify.lostAcknowledged);
  return table;
}

Table generatorTable(const RunData& run) {
  const GeneratorFigures& g = run.figures.generator;
  Table table = namedFigures("Generator");
  if (!run.ended) return table;
  table.add({"threads", fmt::format("{} ({}, wait {})", g.threads, g.io, g.wait)});
  table.add({"busy", formatShare(g.utilisation)});
  table.add({"waiting for its core", formatShare(g.waitingForCore)});
  table.add({"CPU per operation", fmt::format("{:.2f} µs", g.cpuUsPerOp)});
  table.add({"CPU user, system",
             fmt::format("{}, {}", secondsText(g.cpuUserS), secondsText(g.cpuSystemS))});
  table.add({"longest stall", formatMicros(g.longestPassUs)});
  table.add({"mean batch", fmt::format("{:.1f}", g.meanBatch)});
  table.add({"connections opened again", grouped(g.reconnects)});
  table.add({"operations sent again", grouped(g.retried)});
  table.add({"stolen by the hypervisor", formatShare(g.steal)});
  if (g.hiddenSteal > 0)
    table.add({"stolen and not reported, at least",
               fmt::format("{}, up to {} at once", formatShare(g.hiddenSteal),
                           formatMicros(g.longestPauseUs))});
  return table;
}

/// A column for each server.
Table serverTable(const RunData& run) {
  const std::vector<ServerFigures>& servers = run.figures.servers;
  Table table{.title = "Servers", .columns = {{"", ColumnKind::text}}};
  if (servers.empty()) return table;
  for (const ServerFigures& s : servers) table.columns.push_back({s.addr});
  const auto add = [&](const char* name, auto&& text) {
    std::vector<Cell> row{name};
    for (const ServerFigures& s : servers) row.emplace_back(std::string(text(s)));
    table.add(std::move(row));
  };
  using Figures = const ServerFigures&;
  add("address", [](Figures s) { return s.addr; });
  add("role", [](Figures s) { return roleText(s.role, s.beganAs); });
  add("commands", [](Figures s) { return grouped(s.ops); });
  add("main thread busy", [](Figures s) { return formatShare(s.mainThreadUtilisation); });
  add("waiting for its core", [](Figures s) { return formatShare(s.waitingForCore); });
  add("CPU user", [](Figures s) { return secondsText(s.cpuUserS); });
  add("CPU system", [](Figures s) { return secondsText(s.cpuSystemS); });
  add("used_memory", [](Figures s) { return formatSize(s.usedMemory); });
  add("rss", [](Figures s) { return formatSize(s.usedMemoryRss); });
  add("fragmentation", [](Figures s) { return fmt::format("{:.2f}", s.fragmentation); });
  add("evicted", [](Figures s) { return grouped(s.evicted); });
  add("expired", [](Figures s) { return grouped(s.expired); });
  add("latest fork", [](Figures s) { return formatMicros(static_cast<double>(s.latestForkUs)); });
  if (servers.size() == 1) {
    table.title = "Server";
    table.columns[1].title = "figure";
  }
  return table;
}

Table clusterTable(const RunData& run) {
  const ClusterFigures& cluster = run.figures.cluster;
  Table table{
      .title = "Cluster",
      .columns = columnsOf({"node", "role", "slots", "operations", "service p50", "service p99"}),
      .note = fmt::format("Redirects: MOVED {}, ASK {}, TRYAGAIN {}, CLUSTERDOWN {}.",
                          grouped(cluster.moved), grouped(cluster.ask), grouped(cluster.tryagain),
                          grouped(cluster.clusterdown))};
  for (const ClusterNodeFigures& node : cluster.nodes) {
    const bool served = node.service.count != 0;
    table.add({node.addr, roleText(node.role, node.beganAs), grouped(node.slots), grouped(node.ops),
               served ? formatMicros(node.service.p50) : "",
               served ? formatMicros(node.service.p99) : ""});
  }
  return table;
}

Table hotSlotTable(const RunData& run) {
  Table table{.title = "Busiest slots", .columns = columnsOf({"slot", "node", "operations"})};
  for (const HotSlotFigures& slot : run.figures.cluster.hotSlots)
    table.add({std::to_string(slot.slot), slot.node, grouped(slot.ops)});
  return table;
}

std::vector<Cell> eventRow(const Event& event) {
  const std::string name = shortened(event.name, 40);
  return {fmt::format("{:.3f} s", toSeconds(event.at)),
          event.kind,
          event.phase == "point" ? name : fmt::format("{} ({})", name, event.phase),
          event.duration == 0 ? "" : formatDuration(event.duration),
          event.node,
          shortened(event.detail, 72)};
}

/// The longest of what Redis itself logged, and every fault and gap.
Table eventTable(const RunData& run) {
  constexpr std::size_t kLogged = 8;
  std::vector<Event> logged, shown;
  for (const Event& event : run.dir.events) {
    const bool fromLogs = event.kind == "slowlog" || event.kind == "latency";
    if (event.kind != "phase") (fromLogs ? logged : shown).push_back(event);
  }
  std::ranges::stable_sort(logged, std::ranges::greater{}, &Event::duration);
  const std::size_t left = logged.size() - std::min(kLogged, logged.size());
  logged.resize(logged.size() - left);
  shown.insert(shown.end(), logged.begin(), logged.end());
  std::ranges::stable_sort(shown, {}, &Event::at);
  Table table{.title = "Events",
              .columns = proseColumns({"at", "kind", "name", "took", "node", "detail"})};
  for (const Event& event : shown) table.add(eventRow(event));
  if (left != 0)
    table.note = fmt::format(
        "The {} longest entries of the slow log and the latency monitor; {} shorter ones are in "
        "events.jsonl.",
        logged.size(), left);
  return table;
}

Cell validityCell(const RunData& run) {
  if (!run.ended) return "did not end";
  Cell cell(run.figures.valid ? "valid" : "INVALID");
  cell.tone = run.figures.valid ? Tone::neutral : Tone::bad;
  return cell;
}

std::string busyCell(const RunData& run) {
  const auto& servers = run.figures.servers;
  const auto busiest = std::ranges::max_element(servers, {}, &ServerFigures::mainThreadUtilisation);
  return busiest == servers.end() ? std::string(kNone)
                                  : formatShare(busiest->mainThreadUtilisation);
}

std::string hitRateCell(const RunData& run) {
  const CacheFigures& cache = run.figures.cache;
  return orNone(cache.hits + cache.misses != 0, formatShare(cache.hitRate));
}

/// As latencyCell, with a unit.
std::string formatLatency(const LatencyFigures& figures, std::string_view name, double us) {
  return orNone(figures.count != 0, (isBound(figures, name) ? "≥ " : "") + formatMicros(us));
}

Table loadSideBySide(const std::vector<RunData>& runs) {
  Table table{
      .title = "Side by side: load",
      .columns = columnsOf({"run", "verdict", "offered/s", "achieved/s", "failed", "outstanding",
                            "hit rate", "Redis busy", "generator busy", "steal"})};
  for (const RunData& run : runs) {
    const Summary& f = run.figures;
    table.add({run.name, validityCell(run), run.closed() ? "max" : groupedRounded(f.rate.target),
               groupedRounded(f.rate.achieved), grouped(f.rate.failed), grouped(f.rate.outstanding),
               hitRateCell(run), busyCell(run),
               orNone(run.ended, formatShare(f.generator.utilisation)),
               orNone(run.ended, formatShare(f.generator.steal))});
  }
  return table;
}

Table latencySideBySide(const std::vector<RunData>& runs) {
  Table table{
      .title = "Side by side: latency",
      .columns =
          columnsOf({"run", "response p50", "p90", "p99", "p99.9", "max", "service p50", "p99"}),
      .note =
          "≥: a lower bound. Do not compare the figures of an invalid run; its section says "
          "why it is invalid."};
  for (const RunData& run : runs) {
    const LatencyFigures& response = run.latencyOf("response");
    const LatencyFigures& service = run.latencyOf("service");
    table.add(
        {run.name, formatLatency(response, "p50", response.p50),
         formatLatency(response, "p90", response.p90), formatLatency(response, "p99", response.p99),
         formatLatency(response, "p999", response.p999),
         formatLatency(response, "max", response.max), formatLatency(service, "p50", service.p50),
         formatLatency(service, "p99", service.p99)});
  }
  return table;
}

Table flagsThatDiffer(const std::vector<RunData>& runs) {
  Table table{.title = "Flags that differ", .columns = {{"flag", ColumnKind::text}}};
  std::vector<std::string> names;
  for (const RunData& run : runs) {
    table.columns.push_back({run.name, ColumnKind::prose});
    for (const auto& [name, value] : run.figures.config)
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  for (const std::string& name : names) {
    if (name == "out" || name == "json") continue;  // always differ, and change nothing
    std::vector<Cell> row{"-" + name};
    bool same = true;
    for (const RunData& run : runs) {
      row.emplace_back(run.flag(name));
      same = same && run.flag(name) == runs.front().flag(name);
    }
    if (!same) table.add(std::move(row));
  }
  return table;
}

}  // namespace

std::string latencyCell(const LatencyFigures& figures, std::string_view name, double us) {
  return orNone(figures.count != 0, (isBound(figures, name) ? "≥ " : "") + microsCell(us));
}

KeyFigures keyFigures(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  const LatencyFigures& response = run.latencyOf("response");
  KeyFigures key;
  const auto add = [&](const char* label, std::string value) {
    if (value != kNone) key.figures.emplace_back(label, std::move(value));
  };
  add("operations/s", groupedRounded(rate.achieved));
  add("offered/s", run.closed() ? "max (closed)" : groupedRounded(rate.target));
  add("response p50", formatLatency(response, "p50", response.p50));
  add("response p99", formatLatency(response, "p99", response.p99));
  add("response p99.9", formatLatency(response, "p999", response.p999));
  if (rate.failed != 0) add("failed", grouped(rate.failed));
  if (rate.outstanding != 0) add("outstanding", grouped(rate.outstanding));
  add("hit rate", hitRateCell(run));
  add("Redis busy", busyCell(run));
  return key;
}

Blocks runTables(const RunData& run) {
  Blocks blocks;
  for (Table& table : std::vector{latencyTable(run), blameTable(run, blameOf(run)), rateTable(run),
                                  valuesTable(run), generatorTable(run), serverTable(run),
                                  clusterTable(run), hotSlotTable(run), eventTable(run)})
    addTable(blocks, std::move(table));
  return blocks;
}

Blocks comparisonTables(const std::vector<RunData>& runs) {
  Blocks blocks;
  if (runs.size() < 2) return blocks;
  addTable(blocks, loadSideBySide(runs));
  addTable(blocks, latencySideBySide(runs));
  addTable(blocks, flagsThatDiffer(runs));
  return blocks;
}

}  // namespace redline
