#include <fmt/format.h>

#include <vector>

#include "base/units.h"
#include "model/statistics.h"
#include "report/blame.h"
#include "report/pictures.h"
#include "report/text.h"
#include "report/time_panel.h"

namespace redline {
namespace {

double usualLength(const Blame& blame) {
  std::vector<double> lengths;
  lengths.reserve(blame.intervals.size());
  for (const BlamedInterval& interval : blame.intervals) lengths.push_back(interval.at.length());
  return medianOf(lengths);
}

/// The p99s, those of slow intervals as points on top of the line.
Panel latencyPanel(const RunData& run, const Blame& blame) {
  Panel panel = timePanel(run, {.title = "response p99", .kind = AxisKind::latency});
  panel.weight = 2;
  PanelSeries all = timeSeries("response p99", kLines[0], blame.intervals.size());
  PanelSeries slow{.title = "slow",
                   .ink = kLines[2],
                   .shape = PanelSeries::Shape::points,
                   .symbol = Symbol::dot};
  double until = run.whole.start;
  for (const BlamedInterval& interval : blame.intervals) {
    if (interval.at.start > until + 1e-3) all.points.push_back({until, kNaN});
    until = interval.at.end;
    const LabPoint point{middleOf(interval.at), interval.p99};
    all.points.push_back(point);
    if (interval.slow) slow.points.push_back(point);
  }
  PanelSeries threshold{
      .ink = kText,
      .stroke = Stroke::dotted,
      .points = {{run.whole.start, blame.threshold}, {run.whole.end, blame.threshold}}};
  panel.series = {std::move(all), std::move(slow), std::move(threshold)};
  addRedisLogs(panel, run);
  return panel;
}

/// Shares of the mean wait as stacked bars.
Panel sharesPanel(const RunData& run, const Blame& blame) {
  Panel panel = timePanel(
      run, {.title = "of the mean wait", .kind = AxisKind::share, .range = {{0, 1}}, .step = 0.25},
      false);
  panel.spans.clear();
  panel.marks.clear();
  panel.barWidth = usualLength(blame);
  const auto bars = [](std::string title, const Ink& ink) {
    return PanelSeries{.title = std::move(title), .ink = ink, .shape = PanelSeries::Shape::bars};
  };
  panel.series = {bars("server", kLines[1]), bars("queue for a connection", kLines[4]),
                  bars("generator", kLines[2])};
  for (const BlamedInterval& interval : blame.intervals) {
    const Waiting& waiting = interval.waiting;
    // All bars have the usual width: the end's short rest would cover its neighbour.
    if (waiting.total() <= 0 || interval.at.length() < panel.barWidth / 2) continue;
    const double x = middleOf(interval.at);
    const double generator = waiting.generator / waiting.total();
    const double ours = generator + waiting.queue / waiting.total();
    panel.series[0].points.push_back({.x = x, .y = 1, .low = ours});
    panel.series[1].points.push_back({.x = x, .y = ours, .low = generator});
    panel.series[2].points.push_back({.x = x, .y = generator});
  }
  return panel;
}

}  // namespace

Picture blameOverTime(const RunData& run) {
  Picture picture{
      .id = run.slug + "-blame", .title = "Where slow operations waited", .height = kTwoPanels};
  if (run.closed()) return picture;  // all of it is service there
  const Blame blame = blameOf(run);
  if (!blame.judged) return picture;
  picture.panels = {latencyPanel(run, blame), sharesPanel(run, blame)};
  picture.description = fmt::format(
      "Above: response p99 of each interval; dots are intervals above the threshold ({}, dotted). "
      "{} "
      "Below: the mean wait of the same operations by cause: the generator's own lateness, the "
      "wait "
      "for a free connection or a full batch, and the time between send and reply.{}",
      formatMicros(blame.threshold), describeRedisLogs(), describeSpans(run));
  return picture;
}

}  // namespace redline
