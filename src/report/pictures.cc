#include "report/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/time_panel.h"

namespace redline {
namespace {

constexpr double kLowestUs = 0.1;  // lateness may be 0, which no logarithmic axis holds

/// Latency by percentile: x is the number of nines, −log10(1 − q).
std::vector<LabPoint> byPercentile(const Histogram& histogram) {
  std::vector<LabPoint> points;
  if (histogram.count() == 0 || histogram.max() == 0) return points;
  const double nines = std::log10(static_cast<double>(histogram.count()));
  constexpr double kStep = 0.02;
  for (double x = 0;; x += kStep) {
    const bool last = x >= nines;
    const double q = last ? 1 : 1 - std::pow(10, -x);
    const double us = toMicros(std::min(histogram.quantile(q), histogram.max()));
    points.push_back({std::min(x, nines), std::max(us, kLowestUs)});
    if (last) return points;
  }
}

const Histogram* mergedOf(const RunData& run, std::string_view tag) {
  const auto found = run.dir.latency.merged.find(tag);
  return found == run.dir.latency.merged.end() || found->second.count() == 0 ? nullptr
                                                                             : &found->second;
}

/// "0", "50%", "90%", "99%" … as far as the series go.
PanelAxis percentileAxis(const std::vector<PanelSeries>& series) {
  double nines = 1;
  for (const PanelSeries& each : series)
    if (!each.points.empty()) nines = std::max(nines, each.points.back().x);
  const double whole = std::ceil(nines - 1e-9);
  PanelAxis axis{.title = "percentile of operations",
                 .range = {{0, whole}},
                 .ticks = {{0, "0"}, {std::log10(2), "50%"}, {1, "90%"}, {2, "99%"}}};
  std::string label = "99.9";
  for (double n = 3; n <= whole; ++n, label += '9') axis.ticks.emplace_back(n, label + "%");
  std::erase_if(axis.ticks, [&](const auto& tick) { return tick.first > whole; });
  return axis;
}

PanelAxis latencyAxis() {
  return {.title = "latency", .kind = AxisKind::latency};
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

PanelSeries loadSeries(const RunData& run, std::string title, const Ink& ink,
                       double LoadPoint::* value) {
  PanelSeries series = timeSeries(std::move(title), ink, run.load.size());
  for (const LoadPoint& point : run.load)
    if (!tooShort(point, run)) series.points.push_back({middleOf(point.at), point.*value});
  return series;
}

bool anyPositive(const PanelSeries& series) {
  return std::ranges::any_of(series.points, [](const LabPoint& point) { return point.y > 0; });
}

/// Fills the lines with each interval's values (µs), one value for each line, in the lines' order;
/// where no operation completed, they break.
template <typename Values>
void drawIntervals(std::vector<PanelSeries>& lines, const RunData& run, Values&& valuesOf) {
  double until = run.whole.start;
  for (const LatencyPoint& point : run.latency) {
    if (point.at.start > until + 1e-3)
      for (PanelSeries& line : lines) line.points.push_back({until, kNaN});
    until = point.at.end;
    const auto values = valuesOf(point);
    for (std::size_t i = 0; i < lines.size(); ++i)
      lines[i].points.push_back({middleOf(point.at), values[i]});
  }
}

/// A line at one height over the whole run.
PanelSeries levelSeries(const RunData& run, std::string title, Stroke stroke, double value) {
  return {.title = std::move(title),
          .ink = kText,
          .stroke = stroke,
          .points = {{run.whole.start, value}, {run.whole.end, value}}};
}

}  // namespace

Picture latencyOverTime(const RunData& run) {
  Picture picture{.id = run.slug + "-latency", .title = "Response time over time"};
  const std::size_t n = run.latency.size();
  if (n == 0) return picture;
  Panel panel = timePanel(run, latencyAxis());
  panel.series = {timeSeries("p50", kLines[0], n), timeSeries("p99", kLines[1], n),
                  timeSeries("p99.9", kLines[2], n), timeSeries("max", kText, n, Stroke::dotted)};
  drawIntervals(panel.series, run, [](const LatencyPoint& point) {
    return std::array{point.p50, point.p99, point.p999, point.max};
  });
  addRedisLogs(panel, run);
  picture.panels = {std::move(panel)};
  picture.description =
      "Percentiles of response time in each interval, logarithmic. An operation counts in the "
      "interval in which it completed; a gap means that none did. " +
      describeRedisLogs() + describeSpans(run);
  return picture;
}

Picture partsOverTime(const RunData& run) {
  Picture picture{.id = run.slug + "-parts", .title = "Service time and lateness: p99 over time"};
  const std::size_t n = run.latency.size();
  if (n == 0 || run.closed()) return picture;  // closed: response is service there
  Panel panel = timePanel(run, latencyAxis());
  panel.series = {timeSeries("response", kLines[0], n),
                  timeSeries("service", kLines[1], n, Stroke::dashed),
                  timeSeries("lateness", kLines[2], n, Stroke::dotted)};
  drawIntervals(panel.series, run, [](const LatencyPoint& point) {
    return std::array{std::max(point.p99, kLowestUs), std::max(point.serviceP99, kLowestUs),
                      std::max(point.latenessP99, kLowestUs)};
  });
  picture.panels = {std::move(panel)};
  picture.description =
      "p99 of each interval, logarithmic. Response time is what a user waits; service time is the "
      "part after the send, lateness the part before it. Where lateness rises to response time, "
      "operations queued before they were sent; where service time does, Redis or the network was "
      "slow." +
      describeSpans(run);
  return picture;
}

Picture latencyByPercentile(const RunData& run) {
  Picture picture{.id = run.slug + "-percentiles", .title = "Latency by percentile"};
  Panel panel{.y = latencyAxis()};
  const auto add = [&](std::string_view tag, Stroke stroke, const Ink& ink) {
    if (const Histogram* const histogram = mergedOf(run, tag))
      panel.series.push_back({.title = std::string(tag),
                              .ink = ink,
                              .stroke = stroke,
                              // Lateness begins near 0, which a logarithmic axis cannot hold.
                              .sizesAxis = tag != "lateness",
                              .points = byPercentile(*histogram)});
  };
  add("response", Stroke::solid, kLines[0]);
  add("service", Stroke::dashed, kLines[1]);
  add("lateness", Stroke::dotted, kLines[2]);
  if (panel.empty()) return picture;
  panel.x = percentileAxis(panel.series);
  picture.description =
      "All operations of the measured window. The x axis stretches the tail: each step is ten "
      "times "
      "fewer operations. Where response time lies far above service time, operations waited before "
      "they were sent.";
  if (const double from = boundsFrom(run); from >= 0) {
    panel.spans.push_back({.from = from,
                           .to = panel.x.range->second,
                           .title = "response: lower bounds",
                           .ink = kLines[4]});
    picture.description +=
        " Tinted: response time is a lower bound there, because operations were still outstanding "
        "when the run ended.";
  }
  picture.panels = {std::move(panel)};
  return picture;
}

Picture throughputOverTime(const RunData& run) {
  Picture picture{.id = run.slug + "-throughput",
                  .title = "Throughput and queued operations",
                  .height = kTwoPanels};
  if (run.load.empty()) return picture;
  Panel rates = timePanel(run, {.title = "operations/s", .kind = AxisKind::count});
  if (!run.closed())
    rates.series.push_back(levelSeries(run, "offered", Stroke::dashed, run.figures.rate.target));
  rates.series.push_back(loadSeries(run, "completed", kLines[0], &LoadPoint::completed));
  if (PanelSeries failed = loadSeries(run, "failed", kLines[2], &LoadPoint::failed);
      anyPositive(failed))
    rates.series.push_back(std::move(failed));
  Panel waiting = timePanel(run, {.title = "operations", .kind = AxisKind::count}, false);
  waiting.series = {loadSeries(run, "in flight", kLines[3], &LoadPoint::outstanding),
                    loadSeries(run, "due, not sent (backlog)", kLines[4], &LoadPoint::backlog)};
  picture.panels = {std::move(rates), std::move(waiting)};
  picture.description =
      fmt::format(
          "Above: operations completed each second{}. Below: operations in flight, and those that "
          "were due and not sent, at the end of each interval.",
          run.closed() ? "" : " and those offered") +
      describeSpans(run);
  return picture;
}

Picture serversOverTime(const RunData& run) {
  Picture picture{.id = run.slug + "-servers",
                  .title = "Servers: main thread and memory",
                  .height = kTwoPanels};
  constexpr double kMegabyte = 1024.0 * 1024.0;
  constexpr std::size_t kMost = kLines.size();
  Panel busy = timePanel(
      run, {.title = "of one core", .kind = AxisKind::share, .range = {{0, 1}}, .step = 0.2});
  Panel memory = timePanel(run, {.title = "MB", .kind = AxisKind::count}, false);
  const bool one = run.servers.size() == 1;
  double most = 0;
  for (std::size_t i = 0; i < std::min(kMost, run.servers.size()); ++i) {
    const ServerSeries& server = run.servers[i];
    const std::size_t n = server.points.size();
    PanelSeries thread = timeSeries(one ? "main thread busy" : server.addr, kLines[i], n);
    PanelSeries used = timeSeries(one ? "used_memory" : server.addr, kLines[one ? 1 : i], n);
    PanelSeries rss =
        timeSeries(one ? "used_memory_rss" : "", kLines[one ? 3 : i], n, Stroke::dashed);
    for (const ServerPoint& point : server.points) {
      if (point.busy) thread.points.push_back({point.at, *point.busy});
      used.points.push_back({point.at, point.usedMemory / kMegabyte});
      rss.points.push_back({point.at, point.rss / kMegabyte});
      most = std::max({most, point.usedMemory, point.rss});
    }
    busy.series.push_back(std::move(thread));
    memory.series.push_back(std::move(used));
    memory.series.push_back(std::move(rss));
  }
  if (most <= 0) return picture;
  if (one && run.servers[0].maxMemory > 0 && most > run.servers[0].maxMemory / 2)
    memory.series.push_back(
        levelSeries(run, "maxmemory", Stroke::dotted, run.servers[0].maxMemory / kMegabyte));
  picture.panels = {std::move(busy), std::move(memory)};
  picture.description = fmt::format(
      "Above: CPU time of Redis's main thread between two samples of INFO, without stolen time, so "
      "100% may be out of reach. Below: memory as Redis counts it (used_memory) and as the kernel "
      "does (rss{}).{}",
      one ? "" : ", dashed", describeSpans(run));
  if (run.servers.size() > kMost)
    picture.description += fmt::format(" The first {} of {} servers.", kMost, run.servers.size());
  return picture;
}

Picture hitRateOverTime(const RunData& run) {
  Picture picture{.id = run.slug + "-hits", .title = "Hit rate over time", .height = 180};
  Panel panel = timePanel(run, {.title = "of reads", .kind = AxisKind::share});
  PanelSeries hits = timeSeries("", kLines[1], run.load.size());
  for (const LoadPoint& point : run.load)
    if (point.hitRate) hits.points.push_back({middleOf(point.at), *point.hitRate});
  if (hits.points.empty()) return picture;
  panel.series = {std::move(hits)};
  picture.panels = {std::move(panel)};
  picture.description =
      "Share of reads that found their key, by Redis's replies. The axis may not begin at 0." +
      describeSpans(run);
  return picture;
}

std::vector<Picture> picturesOf(const RunData& run) {
  std::vector<Picture> pictures{
      latencyOverTime(run),    partsOverTime(run),   blameOverTime(run),  latencyByPercentile(run),
      throughputOverTime(run), serversOverTime(run), hitRateOverTime(run)};
  std::erase_if(pictures, [](const Picture& picture) { return picture.panels.empty(); });
  return pictures;
}

Picture comparedPercentiles(const std::vector<RunData>& runs) {
  Picture picture{.id = "compared-percentiles", .title = "Response time by percentile"};
  Panel panel{.y = latencyAxis()};
  for (const RunData& run : runs) {
    const Histogram* const response = mergedOf(run, "response");
    const std::size_t i = panel.series.size();
    if (response == nullptr || i == kLines.size()) continue;
    panel.series.push_back({.title = run.name,
                            .ink = kLines[i],
                            .stroke = static_cast<Stroke>(i % 3),
                            .points = byPercentile(*response)});
  }
  if (panel.series.size() < 2 || panel.empty()) return picture;
  panel.x = percentileAxis(panel.series);
  picture.description = "Response time of each run, from the moment at which it was due.";
  if (panel.series.size() < runs.size())
    picture.description += fmt::format(" {} of {} runs.", panel.series.size(), runs.size());
  picture.panels = {std::move(panel)};
  return picture;
}

namespace {

PanelSeries::Shape shapeOf(const LabSeries& series) {
  using enum PanelSeries::Shape;
  return series.heat ? heat : series.band ? band : series.bars ? bars : series.line ? line : points;
}

}  // namespace

Picture pictureOf(const LabPlot& plot, std::string_view prefix) {
  constexpr double kBarOfName = 0.6;
  Panel panel{.x = {.title = plot.x.title, .kind = plot.x.kind, .names = plot.x.names},
              .y = {.title = plot.y.title, .kind = plot.y.kind, .names = plot.y.names}};
  std::size_t coloured = 0;
  for (const LabSeries& from : plot.series) {
    PanelSeries& series = panel.series.emplace_back();
    series.title = from.title;
    // A band has the colour of the series before which it stands; the last one is grey.
    series.ink =
        from.band && &from == &plot.series.back() ? kShade : kLines[coloured % kLines.size()];
    if (!from.band) ++coloured;
    series.shape = shapeOf(from);
    if (from.bars) panel.barWidth = from.width > 0 ? from.width : kBarOfName;
    if (from.heat) series.cellWidth = from.width;
    series.stroke = from.dashed ? Stroke::dashed : Stroke::solid;
    series.markEach = from.markers;
    for (const LabPoint& point : from.points)
      if (std::isfinite(point.x)) series.points.push_back(point);
  }
  for (const LabSpan& span : plot.spans)
    panel.spans.push_back(
        {.from = span.from, .to = span.to, .title = span.title, .ink = kLines[4]});
  for (const LabMark& mark : plot.marks) panel.marks.push_back({.x = mark.x, .title = mark.title});
  Picture picture{.id = fmt::format("{}-{}", prefix, plot.id),
                  .title = plot.title,
                  .description = plot.description};
  if (!panel.empty()) picture.panels = {std::move(panel)};
  return picture;
}

}  // namespace redline
