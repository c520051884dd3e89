#include "cmd/driver_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/text.h"
#include "base/units.h"
#include "cmd/backing_output.h"
#include "cmd/mitigation_output.h"

namespace redline {
namespace {

void addLatencyRow(std::string& out, std::string_view name, const LatencyFigures& figures) {
  fmt::format_to(std::back_inserter(out),
                 "  {:<10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}{}\n", name,
                 formatCount(static_cast<double>(figures.count)), formatMicros(figures.mean),
                 formatMicros(figures.p50), formatMicros(figures.p90), formatMicros(figures.p99),
                 formatMicros(figures.p999), formatMicros(figures.max),
                 figures.lowerBounds.empty()
                     ? ""
                     : fmt::format("  lower bounds: {}", fmt::join(figures.lowerBounds, " ")));
}

void addLatency(std::string& out, const Summary& summary) {
  fmt::format_to(std::back_inserter(out),
                 "\n  latency         count       mean        p50        p90        p99      p99.9 "
                 "       max\n");
  for (const std::string_view measure : {"response", "service", "lateness", "dispatch"})
    if (const auto found = summary.latency.find(std::string(measure));
        found != summary.latency.end())
      addLatencyRow(out, measure, found->second.at("all"));
  const auto& response = summary.latency.at("response");
  if (response.at("get").count != 0 && response.at("set").count != 0) {
    addLatencyRow(out, "  get", response.at("get"));
    addLatencyRow(out, "  set", response.at("set"));
  }
  if (const auto& failed = summary.latency.at("failed").at("all"); failed.count != 0)
    addLatencyRow(out, "failed", failed);
}

void addRate(std::string& out, const Summary& summary) {
  const RateFigures& rate = summary.rate;
  auto to = std::back_inserter(out);
  if (rate.target > 0)
    fmt::format_to(to, "  rate       {:.0f}/s of {:.0f}/s offered, over {:.1f} s\n", rate.achieved,
                   rate.target, summary.windowS);
  else
    fmt::format_to(to, "  rate       {:.0f}/s, as fast as replies allowed, over {:.1f} s\n",
                   rate.achieved, summary.windowS);
  fmt::format_to(to, "  operations {} scheduled = {} completed + {} failed + {} outstanding\n",
                 rate.scheduled, rate.completed, rate.failed, rate.outstanding);
  for (const auto& [name, count] : rate.errors)
    fmt::format_to(to, "  error      {}: {}\n", name, count);
}

/// Who carried the load, and how much of its CPU that took.
void addCluster(std::string& out, const Summary& summary) {
  auto to = std::back_inserter(out);
  double requests = 0;
  for (const ClusterNodeFigures& node : summary.cluster.nodes)
    requests += static_cast<double>(node.ops);
  if (requests == 0) return;
  const ClusterFigures& c = summary.cluster;
  fmt::format_to(to, "  redirects  {} MOVED, {} ASK, {} TRYAGAIN, {} CLUSTERDOWN\n", c.moved, c.ask,
                 c.tryagain, c.clusterdown);
  for (const ClusterNodeFigures& node : c.nodes) {
    if (node.ops == 0) continue;
    const auto server = std::ranges::find(summary.servers, node.addr, &ServerFigures::addr);
    fmt::format_to(to,
                   "  node       {} ({}, {} slots): {:.1f}% of the requests{}, service p99 {}\n",
                   node.addr, roleText(node.role, node.beganAs), node.slots,
                   100 * static_cast<double>(node.ops) / requests,
                   server == summary.servers.end()
                       ? ""
                       : fmt::format(", {:.2f} s of CPU", server->cpuUserS + server->cpuSystemS),
                   formatMicros(node.service.p99));
  }
  const HotSlotFigures& hot = c.hotSlots.front();
  fmt::format_to(to, "  hot slot   {} at {}: {:.1f}% of the requests\n", hot.slot, hot.node,
                 100 * static_cast<double>(hot.ops) / requests);
}

void addServers(std::string& out, const Summary& summary) {
  for (const ServerFigures& server : summary.servers)
    fmt::format_to(std::back_inserter(out),
                   "  server     {} ({} {}{}{}): main thread {:.1f}% busy, used_memory {}, rss {}, "
                   "fragmentation {:.2f}, evicted {}, expired {}\n",
                   server.addr, server.role, server.version,
                   server.beganAs.empty() ? "" : ", began as " + server.beganAs,
                   server.restarts == 0 ? "" : ", restarted", server.mainThreadUtilisation * 100,
                   formatSize(server.usedMemory), formatSize(server.usedMemoryRss),
                   server.fragmentation, server.evicted, server.expired);
}

}  // namespace

namespace {

/// "–" of no operations.
std::string quantileText(const Histogram& of, double share) {
  if (of.count() == 0) return "–";
  return formatDuration(share < 1 ? of.quantile(share) : of.max());
}

}  // namespace

std::string LiveLine::of(const Interval& interval, Nanos sinceStart) {
  response_.reset();
  lateness_.reset();
  for (const OpKind kind : {OpKind::get, OpKind::set}) {
    response_.add(interval.of(Measure::response, kind));
    lateness_.add(interval.of(Measure::lateness, kind));
  }
  const double seconds = toSeconds(std::max<Nanos>(interval.end - interval.start, 1));
  const Counters& counts = interval.counts;
  const auto done = static_cast<double>(counts.completed[0] + counts.completed[1]);
  const double left = toSeconds(plan_.warmup + plan_.duration - sinceStart);
  std::string line = fmt::format(
      "{:>7.1f}s {:<7} {:>8}/s{}  p50 {:>7}  p99 {:>7}  max {:>7}  late p99 {:>7}  waiting {}",
      toSeconds(sinceStart),
      interval.warmup  ? "warm-up"
      : interval.drain ? "drain"
                       : "measure",
      formatCount(done / seconds),
      plan_.closed() ? "" : fmt::format(" of {}/s", formatCount(plan_.rate)),
      quantileText(response_, 0.5), quantileText(response_, 0.99), quantileText(response_, 1),
      quantileText(lateness_, 0.99),
      formatCount(static_cast<double>(counts.outstanding + counts.backlog)));
  if (const std::uint64_t reads = counts.hits + counts.misses; reads != 0)
    line += fmt::format("  hits {:.1f}%",
                        100 * static_cast<double>(counts.hits) / static_cast<double>(reads));
  line += storeText(interval);
  if (const std::uint64_t failed = counts.failed[0] + counts.failed[1]; failed != 0)
    line += fmt::format("  FAILED {}", failed);
  if (counts.corrupt != 0) line += fmt::format("  CORRUPT {}", counts.corrupt);
  if (left > 0.05) line += fmt::format("  {:.0f}s left", left);
  return line;
}

std::string summaryTable(const Summary& summary) {
  std::string out = "\n";
  auto to = std::back_inserter(out);
  addRate(out, summary);
  if (summary.cache.hits + summary.cache.misses != 0)
    fmt::format_to(to, "  reads      {} hits, {} misses: hit rate {:.3f}%\n", summary.cache.hits,
                   summary.cache.misses, summary.cache.hitRate * 100);
  fmt::format_to(to, "  values     {} checked, {} corrupt\n", summary.verify.checked,
                 summary.verify.corrupt);
  addMitigation(out, summary);
  addBacking(out, summary);
  const GeneratorFigures& g = summary.generator;
  fmt::format_to(to,
                 "  generator  {} ({}, wait {}): {:.2f} µs CPU per operation, {:.1f}% busy, "
                 "mean batch {:.1f}, steal {:.1f}%\n",
                 plural(g.threads, "thread"), g.io, g.wait, g.cpuUsPerOp, g.utilisation * 100,
                 g.meanBatch, g.steal * 100);
  if (g.reconnects != 0)
    fmt::format_to(to, "  lost       {} opened again, {} sent again\n",
                   plural(g.reconnects, "connection"), plural(g.retried, "operation"));
  addCluster(out, summary);
  addServers(out, summary);
  addLatency(out, summary);
  out += "\n";
  for (const std::string& note : summary.notes) fmt::format_to(to, "  note: {}\n", note);
  for (const Reason& reason : summary.invalidReasons)
    fmt::format_to(to, "  INVALID: {}\n", reason.text);
  if (summary.valid)
    fmt::format_to(
        to, "  valid: the generator {}, and {}\n",
        summary.rate.target > 0 ? "kept its schedule" : "was not the limit",
        summary.verify.checked != 0
            ? fmt::format("each of the {} values checked was correct", summary.verify.checked)
            : "no value was checked");
  return out;
}

}  // namespace redline
