#include "report/tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"
#include "record/latency_figures.h"
#include "report/blame_words.h"
#include "report/text.h"

namespace redline {
namespace {

constexpr std::string_view kNone = "–";

bool isBound(const LatencyFigures& figures, std::string_view name) {
  return std::ranges::find(figures.lowerBounds, name) != figures.lowerBounds.end();
}

std::vector<std::string> latencyRow(std::string label, const LatencyFigures& figures) {
  std::vector<std::string> row{std::move(label), grouped(figures.count),
                               latencyCell(figures, "mean", figures.mean)};
  for (const ReportedPercentile& p : kReportedPercentiles)
    row.push_back(latencyCell(figures, p.name, figures.*p.figure));
  row.push_back(latencyCell(figures, "max", figures.max));
  return row;
}

Table latencyTable(const RunData& run) {
  Table table;
  table.title = "Latency, microseconds";
  table.head = {"", "operations", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"};
  bool bounds = false;
  for (const std::string_view measure : {"response", "service", "lateness", "dispatch"}) {
    const LatencyFigures& all = run.latencyOf(measure);
    if (all.count == 0) continue;
    table.rows.push_back(latencyRow(std::string(measure), all));
    bounds = bounds || !all.lowerBounds.empty();
    const LatencyFigures& get = run.latencyOf(measure, "get");
    const LatencyFigures& set = run.latencyOf(measure, "set");
    if (get.count == 0 || set.count == 0) continue;
    table.rows.push_back(latencyRow(fmt::format("{} of GET", measure), get));
    table.rows.push_back(latencyRow(fmt::format("{} of SET", measure), set));
  }
  if (const LatencyFigures& failed = run.latencyOf("failed"); failed.count != 0)
    table.rows.push_back(latencyRow("response of failed", failed));
  table.note =
      "Response: from the moment the schedule said, to the reply. Service: from the send to the "
      "reply. Lateness: from that moment to the send; dispatch: the generator's own share of it.";
  if (bounds)
    table.note += " ≥: a lower bound; operations were still outstanding when the run ended.";
  return table;
}

std::string offered(const RunData& run) {
  if (run.closed()) return "as fast as replies allowed";
  return groupedRounded(run.figures.rate.target) + "/s";
}

Table rateTable(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  Table table;
  table.title = "Rate and operations";
  table.head = {"", "figure"};
  table.rows.push_back({"offered", offered(run)});
  table.rows.push_back({"achieved", fmt::format("{}/s over {:.1f} s", groupedRounded(rate.achieved),
                                                run.figures.windowS)});
  table.rows.push_back({"scheduled", grouped(rate.scheduled)});
  table.rows.push_back({"= completed", grouped(rate.completed)});
  table.rows.push_back({"+ failed", grouped(rate.failed)});
  table.rows.push_back({"+ outstanding at the end", grouped(rate.outstanding)});
  for (const auto& [name, count] : rate.errors)
    table.rows.push_back({"failed: " + name, grouped(count)});
  table.rows.push_back({"sent", grouped(rate.sent)});
  const bool adds = rate.scheduled == rate.completed + rate.failed + rate.outstanding;
  table.note = adds ? "The identity scheduled = completed + failed + outstanding holds."
                    : "The identity scheduled = completed + failed + outstanding DOES NOT HOLD.";
  return table;
}

Table valuesTable(const RunData& run) {
  const CacheFigures& cache = run.figures.cache;
  const VerifyFigures& verify = run.figures.verify;
  Table table;
  table.title = "Reads and values";
  table.head = {"", "figure"};
  if (cache.hits + cache.misses != 0) {
    table.rows.push_back({"hits", grouped(cache.hits)});
    table.rows.push_back({"misses", grouped(cache.misses)});
    table.rows.push_back({"hit rate", percent(cache.hitRate)});
  }
  if (cache.localHits != 0)
    table.rows.push_back({"hits in the local cache", grouped(cache.localHits)});
  if (cache.refills != 0) table.rows.push_back({"refills", grouped(cache.refills)});
  if (cache.refillsFailed != 0)
    table.rows.push_back({"refills refused or lost", grouped(cache.refillsFailed)});
  if (verify.checked != 0) {
    table.rows.push_back({"values checked", grouped(verify.checked)});
    table.rows.push_back({"corrupt", grouped(verify.corrupt)});
  }
  if (verify.stale != 0) table.rows.push_back({"stale", grouped(verify.stale)});
  if (verify.lostAcknowledged != 0)
    table.rows.push_back({"acknowledged and lost", grouped(verify.lostAcknowledged)});
  return table;
}

Table generatorTable(const RunData& run) {
  const GeneratorFigures& g = run.figures.generator;
  Table table;
  table.title = "Generator";
  table.head = {"", "figure"};
  if (!run.ended) return table;
  table.rows.push_back({"threads", fmt::format("{} ({}, wait {})", g.threads, g.io, g.wait)});
  table.rows.push_back({"busy", percent(g.utilisation)});
  table.rows.push_back({"waiting for its core", percent(g.waitingForCore)});
  table.rows.push_back({"CPU per operation", fmt::format("{:.2f} µs", g.cpuUsPerOp)});
  table.rows.push_back(
      {"CPU user, system", fmt::format("{:.2f} s, {:.2f} s", g.cpuUserS, g.cpuSystemS)});
  table.rows.push_back({"longest stall", microsWords(g.longestPassUs)});
  table.rows.push_back({"mean batch", fmt::format("{:.1f}", g.meanBatch)});
  table.rows.push_back({"connections opened again", grouped(g.reconnects)});
  table.rows.push_back({"operations sent again", grouped(g.retried)});
  table.rows.push_back({"stolen by the hypervisor", percent(g.steal)});
  if (g.hiddenSteal > 0)
    table.rows.push_back({"stolen and not reported, at least",
                          fmt::format("{}, up to {} at once", percent(g.hiddenSteal),
                                      microsWords(g.longestPauseUs))});
  return table;
}

/// Rows become columns; the title stays.
Table transposed(Table table) {
  Table turned;
  turned.title = std::move(table.title);
  turned.note = std::move(table.note);
  turned.head.emplace_back();
  for (const auto& row : table.rows) turned.head.push_back(row.front());
  for (std::size_t column = 1; column < table.head.size(); ++column) {
    turned.rows.push_back({table.head[column]});
    for (const auto& row : table.rows) turned.rows.back().push_back(row[column]);
  }
  return turned;
}

constexpr std::size_t kColumnsOfAPage = 6;

Table serverTable(const RunData& run) {
  Table table;
  table.title = "Servers";
  table.head = {"",         "address",          "role",
                "commands", "main thread busy", "waiting for its core",
                "CPU user", "CPU system",       "used_memory",
                "rss",      "fragmentation",    "evicted",
                "expired",  "latest fork"};
  for (const ServerFigures& s : run.figures.servers)
    table.rows.push_back({s.addr, s.addr, s.role, grouped(s.ops), percent(s.mainThreadUtilisation),
                          percent(s.waitingForCore), fmt::format("{:.2f} s", s.cpuUserS),
                          fmt::format("{:.2f} s", s.cpuSystemS), formatSize(s.usedMemory),
                          formatSize(s.usedMemoryRss), fmt::format("{:.2f}", s.fragmentation),
                          grouped(s.evicted), grouped(s.expired),
                          microsWords(static_cast<double>(s.latestForkUs))});
  if (table.rows.empty()) return table;
  table = transposed(std::move(table));
  if (table.head.size() == 2) {
    table.title = "Server";
    table.head[1] = "figure";
  }
  return table;
}

Table clusterTable(const RunData& run) {
  const ClusterFigures& cluster = run.figures.cluster;
  Table table;
  table.title = "Cluster";
  table.head = {"node", "role", "slots", "operations", "service p50", "service p99"};
  for (const ClusterNodeFigures& node : cluster.nodes) {
    const bool served = node.service.count != 0;
    table.rows.push_back({node.addr, node.role, grouped(node.slots), grouped(node.ops),
                          served ? microsWords(node.service.p50) : "",
                          served ? microsWords(node.service.p99) : ""});
  }
  table.note = fmt::format("Redirects: MOVED {}, ASK {}, TRYAGAIN {}, CLUSTERDOWN {}.",
                           grouped(cluster.moved), grouped(cluster.ask), grouped(cluster.tryagain),
                           grouped(cluster.clusterdown));
  return table;
}

Table hotSlotTable(const RunData& run) {
  Table table;
  table.title = "Busiest slots";
  table.head = {"slot", "node", "operations"};
  for (const HotSlotFigures& slot : run.figures.cluster.hotSlots)
    table.rows.push_back({std::to_string(slot.slot), slot.node, grouped(slot.ops)});
  return table;
}

/// The longest of what Redis itself logged, and every fault and gap.
Table eventTable(const RunData& run) {
  constexpr std::size_t kLogged = 8;
  std::vector<Event> logged;
  std::vector<Event> shown;
  for (const Event& event : run.dir.events) {
    const bool fromLogs = event.kind == "slowlog" || event.kind == "latency";
    if (event.kind != "phase") (fromLogs ? logged : shown).push_back(event);
  }
  std::ranges::stable_sort(logged, std::ranges::greater{}, &Event::duration);
  const std::size_t kept = std::min(kLogged, logged.size());
  const std::size_t left = logged.size() - kept;
  shown.insert(shown.end(), logged.begin(), logged.begin() + static_cast<std::ptrdiff_t>(kept));
  std::ranges::stable_sort(shown, {}, &Event::at);
  Table table;
  table.title = "Events";
  table.prose = true;
  table.head = {"at", "kind", "name", "took", "node", "detail"};
  for (const Event& event : shown)
    table.rows.push_back({fmt::format("{:.3f} s", toSeconds(event.at)), event.kind,
                          event.phase == "point"
                              ? shortened(event.name, 40)
                              : fmt::format("{} ({})", shortened(event.name, 40), event.phase),
                          event.duration == 0 ? "" : formatDuration(event.duration), event.node,
                          shortened(event.detail, 72)});
  if (left != 0)
    table.note = fmt::format(
        "The {} longest entries of the slow log and the latency monitor; {} "
        "shorter ones are in events.jsonl.",
        kept, left);
  return table;
}

std::string verdictCell(const RunData& run) {
  if (!run.ended) return "did not end";
  return run.figures.valid ? "valid" : "INVALID";
}

std::string busyCell(const RunData& run) {
  double busy = -1;
  for (const ServerFigures& server : run.figures.servers)
    busy = std::max(busy, server.mainThreadUtilisation);
  return busy < 0 ? std::string(kNone) : percent(busy);
}

std::string hitRateCell(const RunData& run) {
  const CacheFigures& cache = run.figures.cache;
  return cache.hits + cache.misses == 0 ? std::string(kNone) : percent(cache.hitRate);
}

/// As latencyCell, with a unit.
std::string latencyWords(const LatencyFigures& figures, std::string_view name, double us) {
  if (figures.count == 0) return std::string(kNone);
  return (isBound(figures, name) ? "≥ " : "") + microsWords(us);
}

Table loadSideBySide(const std::vector<RunData>& runs) {
  Table table;
  table.title = "Side by side: load";
  table.head = {"run",         "verdict",  "offered/s",  "achieved/s",     "failed",
                "outstanding", "hit rate", "Redis busy", "generator busy", "steal"};
  for (const RunData& run : runs) {
    const Summary& f = run.figures;
    table.rows.push_back({run.name, verdictCell(run),
                          run.closed() ? "max" : groupedRounded(f.rate.target),
                          groupedRounded(f.rate.achieved), grouped(f.rate.failed),
                          grouped(f.rate.outstanding), hitRateCell(run), busyCell(run),
                          run.ended ? percent(f.generator.utilisation) : std::string(kNone),
                          run.ended ? percent(f.generator.steal) : std::string(kNone)});
  }
  return table;
}

Table latencySideBySide(const std::vector<RunData>& runs) {
  Table table;
  table.title = "Side by side: latency";
  table.head = {"run", "response p50", "p90", "p99", "p99.9", "max", "service p50", "p99"};
  for (const RunData& run : runs) {
    const LatencyFigures& response = run.latencyOf("response");
    const LatencyFigures& service = run.latencyOf("service");
    table.rows.push_back(
        {run.name, latencyWords(response, "p50", response.p50),
         latencyWords(response, "p90", response.p90), latencyWords(response, "p99", response.p99),
         latencyWords(response, "p999", response.p999), latencyWords(response, "max", response.max),
         latencyWords(service, "p50", service.p50), latencyWords(service, "p99", service.p99)});
  }
  table.note =
      "≥: a lower bound. An invalid run's figures are not to be compared; its section says why.";
  return table;
}

Table flagsThatDiffer(const std::vector<RunData>& runs) {
  Table table;
  table.title = "Flags that differ";
  table.prose = true;
  table.head = {"flag"};
  std::vector<std::string> names;
  for (const RunData& run : runs) {
    table.head.push_back(run.name);
    for (const auto& [name, value] : run.figures.config)
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  for (const std::string& name : names) {
    if (name == "out" || name == "json") continue;  // always differ, and change nothing
    std::vector<std::string> row{"-" + name};
    for (const RunData& run : runs) row.push_back(run.flag(name));
    const bool same = std::all_of(row.begin() + 1, row.end(),
                                  [&](const std::string& value) { return value == row[1]; });
    if (!same) table.rows.push_back(std::move(row));
  }
  return table;
}

std::vector<Table> withoutEmpty(std::vector<Table> tables) {
  std::erase_if(tables, [](const Table& table) { return table.rows.empty(); });
  return tables;
}

}  // namespace

std::string latencyCell(const LatencyFigures& figures, std::string_view name, double us) {
  if (figures.count == 0) return std::string(kNone);
  return (isBound(figures, name) ? "≥ " : "") + microsCell(us);
}

std::vector<KeyFigure> keyFigures(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  const LatencyFigures& response = run.latencyOf("response");
  std::vector<KeyFigure> key{
      {"operations/s", groupedRounded(rate.achieved)},
      {"offered/s", run.closed() ? "max (closed)" : groupedRounded(rate.target)}};
  if (response.count != 0) {
    key.push_back({"response p50", latencyWords(response, "p50", response.p50)});
    key.push_back({"response p99", latencyWords(response, "p99", response.p99)});
    key.push_back({"response p99.9", latencyWords(response, "p999", response.p999)});
  }
  if (rate.failed != 0) key.push_back({"failed", grouped(rate.failed)});
  if (rate.outstanding != 0) key.push_back({"outstanding", grouped(rate.outstanding)});
  key.push_back({"hit rate", hitRateCell(run)});
  key.push_back({"Redis busy", busyCell(run)});
  std::erase_if(key, [](const KeyFigure& figure) { return figure.value == kNone; });
  return key;
}

std::vector<Table> runTables(const RunData& run) {
  return withoutEmpty({latencyTable(run), blameTable(run, blameOf(run)), rateTable(run),
                       valuesTable(run), generatorTable(run), serverTable(run), clusterTable(run),
                       hotSlotTable(run), eventTable(run)});
}

std::vector<Table> comparisonTables(const std::vector<RunData>& runs) {
  if (runs.size() < 2) return {};
  return withoutEmpty({loadSideBySide(runs), latencySideBySide(runs), flagsThatDiffer(runs)});
}

}  // namespace redline
