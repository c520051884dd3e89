#include "report/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "report/plot_parts.h"
#include "report/plot_script.h"

namespace redline {
namespace {

constexpr double kLowest = 0.1;  // µs: the axes are logarithmic, and lateness may be 0

/// Latency by percentile: x is the number of nines, −log10(1 − q).
std::vector<Point> byPercentile(const Histogram& histogram) {
  std::vector<Point> points;
  if (histogram.count() == 0 || histogram.max() == 0) return points;
  const double nines = std::log10(static_cast<double>(histogram.count()));
  constexpr double kStep = 0.02;
  for (double x = 0;; x += kStep) {
    const bool last = x >= nines;
    const double q = last ? 1 : 1 - std::pow(10, -x);
    const double us = toMicros(std::min(histogram.quantile(q), histogram.max()));
    points.push_back({std::min(x, nines), std::max(us, kLowest)});
    if (last) return points;
  }
}

void percentileAxis(PlotScript& script, double nines) {
  const int whole = std::max(1, static_cast<int>(std::ceil(nines - 1e-9)));
  std::string ticks = "'0' 0, '50%%' 0.30103";
  std::string label = "90";
  for (int n = 1; n <= whole; ++n) {
    ticks += fmt::format(", '{}%%' {}", label, n);
    label += label == "90" ? "" : "9";
    if (n == 1) label = "99";
    if (n == 2) label = "99.9";
  }
  script.xRange(0, whole).line(fmt::format("set xtics ({})", ticks));
  script.words("xlabel", "percentile of operations");
}

const Histogram* mergedOf(const RunData& run, std::string_view tag) {
  const auto found = run.dir.latency.merged.find(tag);
  return found == run.dir.latency.merged.end() || found->second.count() == 0 ? nullptr
                                                                             : &found->second;
}

double lastX(const std::vector<Series>& series) {
  double x = 0;
  for (const Series& each : series)
    if (!each.points.empty()) x = std::max(x, each.points.back().x);
  return x;
}

/// Where operations that never finished begin to make response time a lower bound, in nines; below
/// 0: nowhere. The shortest unfinished wait may lie anywhere in its slot, so the slot is open.
double boundsFrom(const RunData& run) {
  const Histogram* const response = mergedOf(run, "response");
  const Histogram* const unfinished = mergedOf(run, "unfinished");
  if (response == nullptr || unfinished == nullptr) return -1;
  const Nanos open = Histogram::lowestOf(Histogram::slotOf(unfinished->min()));
  const std::uint64_t below = open == 0 ? 0 : response->countAtOrBelow(open - 1);
  const auto whole = static_cast<double>(response->count());
  const std::uint64_t above = response->count() - below;
  return above == 0 ? -1 : std::log10(whole / static_cast<double>(above));
}

/// An interval much shorter than its neighbours has no rate worth drawing: the last of a drain.
bool tooShort(const LoadPoint& point, const RunData& run) {
  double longest = 0;
  for (const LoadPoint& each : run.load) longest = std::max(longest, each.at.length());
  return point.at.length() < longest / 5;
}

template <typename Value>
Series loadSeries(const RunData& run, std::string title, int dash, const Ink& ink, Value&& value) {
  Series series{std::move(title), lineStyle(run.load.size(), dash), ink, {}};
  for (const LoadPoint& point : run.load)
    if (!tooShort(point, run)) series.points.push_back({middle(point.at), value(point)});
  return series;
}

bool anyPositive(const Series& series) {
  return std::ranges::any_of(series.points, [](const Point& point) { return point.y > 0; });
}

double highest(const std::vector<Series>& series) {
  double low = 1;
  double high = 0;
  growRange(low, high, series);
  return high;
}

/// Fills the lines with each interval's values (µs), one value for each line, in the lines' order;
/// where no operation completed, they break.
template <typename Values>
void drawIntervals(std::vector<Series>& lines, const RunData& run, Values&& valuesOf) {
  double until = run.whole.start;
  for (const LatencyPoint& point : run.latency) {
    if (point.at.start > until + 1e-3)
      for (Series& line : lines) line.points.push_back({until, kBreak});
    until = point.at.end;
    const auto values = valuesOf(point);
    for (std::size_t i = 0; i < lines.size(); ++i)
      lines[i].points.push_back({middle(point.at), values[i]});
  }
}

/// A logarithmic latency axis over the run's time, its phases shaded and its faults marked.
std::string latencyScript(const RunData& run, const std::vector<Series>& series) {
  double low = 1e12;
  double high = 0;
  growRange(low, high, series);
  PlotScript script(kWidth, kHeight);
  script.xRange(run.whole.start, run.whole.end).latencyAxis(low, high * kHeadroom);
  script.words("xlabel", kTimeAxis);
  shadePhases(script, run, true);
  markBrackets(script, run);
  return script.plot(series).text();
}

}  // namespace

Plot latencyOverTime(const RunData& run) {
  Plot plot{run.slug + "-latency", "Response time over time", "", ""};
  const std::size_t n = run.latency.size();
  if (n == 0) return plot;
  std::vector<Series> series{{"p50", lineStyle(n, 1), kLines[0], {}},
                             {"p99", lineStyle(n, 1), kLines[1], {}},
                             {"p99.9", lineStyle(n, 1), kLines[2], {}},
                             {"max", lineStyle(n, 3, 1.5), kText, {}}};
  drawIntervals(series, run, [](const LatencyPoint& point) {
    return std::array{point.p50, point.p99, point.p999, point.max};
  });
  series.push_back({"slow log", "points pt 9 ps 0.8", kLines[4], logged(run, "slowlog")});
  series.push_back({"latency monitor", "points pt 4 ps 0.8", kLines[3], logged(run, "latency")});
  plot.script = latencyScript(run, series);
  plot.description =
      "Percentiles of response time in each interval, logarithmic; an operation counts where it "
      "completed, and a gap means that none did. Triangles and squares: what Redis's own slow log "
      "and latency monitor noted, at "
      "the time they took." +
      aboutShade(run);
  if (!run.brackets.empty())
    plot.description += " Dashed: where a fault or a lost connection began and ended.";
  return plot;
}

Plot partsOverTime(const RunData& run) {
  Plot plot{run.slug + "-parts", "Where the time went: p99 over time", "", ""};
  const std::size_t n = run.latency.size();
  if (n == 0 || run.closed()) return plot;  // closed: response is service there
  std::vector<Series> series{{"response", lineStyle(n, 1), kLines[0], {}},
                             {"service", lineStyle(n, 2), kLines[1], {}},
                             {"lateness", lineStyle(n, 3), kLines[2], {}}};
  drawIntervals(series, run, [](const LatencyPoint& point) {
    return std::array{std::max(point.p99, kLowest), std::max(point.serviceP99, kLowest),
                      std::max(point.latenessP99, kLowest)};
  });
  plot.script = latencyScript(run, series);
  plot.description =
      "p99 of each interval, logarithmic. Response is what a user waited; service is the part "
      "after the send, lateness the part before it. Where lateness rises to response, operations "
      "queued before they were sent; where service does, Redis or the wire was slow." +
      aboutShade(run);
  return plot;
}

Plot latencyByPercentile(const RunData& run) {
  Plot plot{run.slug + "-percentiles", "Latency by percentile", "", ""};
  std::vector<Series> series;
  const auto add = [&](std::string_view tag, int dash, const Ink& ink) {
    if (const Histogram* const histogram = mergedOf(run, tag))
      series.push_back(
          {std::string(tag), fmt::format("lines dt {} lw 2", dash), ink, byPercentile(*histogram)});
  };
  add("response", 1, kLines[0]);
  add("service", 2, kLines[1]);
  double low = 1e12;
  double high = 0;
  growRange(low, high, series);
  add("lateness", 3, kLines[2]);  // begins near 0: a logarithmic axis cannot hold all of it
  if (high <= 0) return plot;
  PlotScript script(kWidth, kHeight);
  percentileAxis(script, lastX(series));
  script.latencyAxis(low, high);
  plot.description =
      "The whole measured window. The x axis stretches the tail: each step is ten times fewer "
      "operations. Where response lies far above service, operations waited before they were sent.";
  if (const double from = boundsFrom(run); from >= 0) {
    const double end = std::max(1.0, std::ceil(lastX(series) - 1e-9));
    script.shade({from, end}, "response: lower bounds", kLines[4], (end - from) / end / 2, 0.05);
    plot.description +=
        " Tinted: response time is a lower bound there, because operations were "
        "still outstanding when the run ended.";
  }
  plot.script = script.plot(series).text();
  return plot;
}

Plot throughputOverTime(const RunData& run) {
  Plot plot{run.slug + "-throughput", "Throughput and what waited", "", ""};
  if (run.load.empty()) return plot;
  std::vector<Series> rates;
  if (!run.closed())
    rates.push_back(
        {"offered",
         "lines dt 2 lw 2",
         kText,
         {{run.whole.start, run.figures.rate.target}, {run.whole.end, run.figures.rate.target}}});
  rates.push_back(
      loadSeries(run, "completed", 1, kLines[0], [](const LoadPoint& p) { return p.completed; }));
  Series failed =
      loadSeries(run, "failed", 1, kLines[2], [](const LoadPoint& p) { return p.failed; });
  if (anyPositive(failed)) rates.push_back(std::move(failed));
  const std::vector<Series> waiting{loadSeries(run, "sent, no reply yet", 1, kLines[3],
                                               [](const LoadPoint& p) { return p.outstanding; }),
                                    loadSeries(run, "due, not sent (backlog)", 1, kLines[4],
                                               [](const LoadPoint& p) { return p.backlog; })};
  PlotScript script(kWidth, 480);
  script.beginPanels().panel(0.57, 0.93).xRange(run.whole.start, run.whole.end);
  script.countAxis(highest(rates)).words("ylabel", "operations/s");
  script.line("set format x ''");
  shadePhases(script, run, true);
  markBrackets(script, run);
  script.plot(rates);
  script.panel(0.13, 0.45).line("set format x '%g'").words("xlabel", kTimeAxis);
  script.countAxis(highest(waiting)).words("ylabel", "operations");
  shadePhases(script, run, false);
  markBrackets(script, run);
  plot.script = script.plot(waiting).line("unset multiplot").text();
  plot.description =
      fmt::format(
          "Above: operations completed each second{}. Below: operations in flight, and those "
          "that were due and had to wait, at the end of each interval.",
          run.closed() ? "" : " against those offered") +
      aboutShade(run);
  return plot;
}

Plot serversOverTime(const RunData& run) {
  Plot plot{run.slug + "-servers", "Servers: main thread and memory", "", ""};
  constexpr std::size_t kMost = kLines.size();
  constexpr double kMegabyte = 1024.0 * 1024.0;
  std::vector<Series> busy;
  std::vector<Series> memory;
  const bool one = run.servers.size() == 1;
  for (std::size_t i = 0; i < std::min(kMost, run.servers.size()); ++i) {
    const ServerSeries& server = run.servers[i];
    const std::string style = lineStyle(server.points.size(), 1);
    const std::string dashed = lineStyle(server.points.size(), 2, 1.5);
    busy.push_back({one ? "main thread busy" : server.addr, style, kLines[i], {}});
    memory.push_back({one ? "used_memory" : server.addr, style, kLines[one ? 1 : i], {}});
    Series rss{one ? "used_memory_rss" : "", dashed, kLines[one ? 3 : i], {}};
    for (const ServerPoint& point : server.points) {
      if (point.busy) busy.back().points.push_back({point.at, *point.busy * 100});
      memory.back().points.push_back({point.at, point.usedMemory / kMegabyte});
      rss.points.push_back({point.at, point.rss / kMegabyte});
    }
    memory.push_back(std::move(rss));
  }
  double low = 1e12;
  double most = 0;
  growRange(low, most, memory);
  if (most <= 0) return plot;
  if (one && run.servers[0].maxMemory > 0 && most * kMegabyte > run.servers[0].maxMemory / 2)
    memory.push_back({"maxmemory",
                      "lines dt 3 lw 1.5",
                      kText,
                      {{run.whole.start, run.servers[0].maxMemory / kMegabyte},
                       {run.whole.end, run.servers[0].maxMemory / kMegabyte}}});
  PlotScript script(kWidth, 480);
  script.beginPanels().panel(0.57, 0.93).xRange(run.whole.start, run.whole.end);
  script.line("set yrange [0:107]")
      .line("set ytics 0,20,100")
      .words("ylabel", "% of one core")
      .line("set format x ''");
  shadePhases(script, run, true);
  markBrackets(script, run);
  script.plot(busy);
  script.panel(0.13, 0.45).countAxis(highest(memory)).line("set format x '%g'");
  script.words("xlabel", kTimeAxis).words("ylabel", "MB");
  shadePhases(script, run, false);
  markBrackets(script, run);
  plot.script = script.plot(memory).line("unset multiplot").text();
  plot.description =
      "Above: CPU time of Redis's main thread between two samples of INFO; what a hypervisor stole "
      "is not in it, so 100% may be out of reach. Below: memory as Redis counts it (used_memory) "
      "and as the kernel does (rss" +
      std::string(one ? ")." : ", dashed).") + aboutShade(run);
  if (run.servers.size() > kMost)
    plot.description += fmt::format(" The first {} of {} servers.", kMost, run.servers.size());
  return plot;
}

Plot hitRateOverTime(const RunData& run) {
  Plot plot{run.slug + "-hits", "Hit rate over time", "", ""};
  Series hits{"", lineStyle(run.load.size(), 1), kLines[1], {}};
  double lowest = 100;
  for (const LoadPoint& point : run.load) {
    if (!point.hitRate) continue;
    hits.points.push_back({middle(point.at), *point.hitRate * 100});
    lowest = std::min(lowest, *point.hitRate * 100);
  }
  if (hits.points.empty()) return plot;
  const double floor = lowest >= 99 ? 99 : lowest >= 90 ? 90 : 0;
  PlotScript script(kWidth, 280);
  script.xRange(run.whole.start, run.whole.end);
  script.line(fmt::format("set yrange [{:g}:{:g}]", floor, 100 + (100 - floor) / 40))
      .words("ylabel", "% of reads");
  script.words("xlabel", kTimeAxis);
  shadePhases(script, run, false);
  plot.script = script.plot({hits}).text();
  plot.description = "Share of reads that found their key, by Redis's replies." + aboutShade(run);
  if (floor > 0) plot.description += fmt::format(" The axis begins at {:g}%.", floor);
  return plot;
}

std::vector<Plot> plotsOf(const RunData& run) {
  std::vector<Plot> plots{latencyOverTime(run),     partsOverTime(run),      blameOverTime(run),
                          latencyByPercentile(run), throughputOverTime(run), serversOverTime(run),
                          hitRateOverTime(run)};
  std::erase_if(plots, [](const Plot& plot) { return plot.script.empty(); });
  return plots;
}

std::vector<Plot> comparisonPlots(const std::vector<RunData>& runs) {
  constexpr std::size_t kMost = kLines.size();
  std::vector<Series> series;
  for (const RunData& run : runs) {
    const Histogram* const response = mergedOf(run, "response");
    if (response == nullptr || series.size() == kMost) continue;
    const std::size_t i = series.size();
    series.push_back(
        {run.name, fmt::format("lines dt {} lw 2", i + 1), kLines[i], byPercentile(*response)});
  }
  if (runs.size() < 2 || series.size() < 2) return {};
  double low = 1e12;
  double high = 0;
  growRange(low, high, series);
  if (high <= 0) return {};
  PlotScript script(kWidth, kHeight);
  percentileAxis(script, lastX(series));
  script.latencyAxis(low, high);
  std::string about = "Response time of each run, from the moment the schedule said.";
  if (series.size() == kMost && runs.size() > kMost)
    about += fmt::format(" The first {} runs.", kMost);
  return {{"compared-percentiles", "Response time by percentile", std::move(about),
           script.plot(series).text()}};
}

}  // namespace redline
