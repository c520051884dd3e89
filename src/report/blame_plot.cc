#include <fmt/format.h>
#include <algorithm>
#include <vector>

#include "model/statistics.h"
#include "report/blame.h"
#include "report/plot_parts.h"
#include "report/plots.h"
#include "report/text.h"

namespace redline {
namespace {

double usualLength(const Blame& blame) {
  std::vector<double> lengths;
  lengths.reserve(blame.intervals.size());
  for (const BlamedInterval& interval : blame.intervals) lengths.push_back(interval.at.length());
  return medianOf(lengths);
}

/// The p99s, those of slow intervals as points on top of the line.
std::vector<Series> upperPanel(const RunData& run, const Blame& blame) {
  std::vector<Series> series{
      {"response p99", lineStyle(blame.intervals.size(), 1), kLines[0], {}},
      {"slow", "points pt 7 ps 0.7", kLines[2], {}},
      {"",
       "lines dt 3 lw 1.5",
       kText,
       {{run.whole.start, blame.threshold}, {run.whole.end, blame.threshold}}},
      {"slow log", "points pt 9 ps 0.8", kLines[4], logged(run, "slowlog")},
      {"latency monitor", "points pt 4 ps 0.8", kLines[3], logged(run, "latency")}};
  double until = run.whole.start;
  for (const BlamedInterval& interval : blame.intervals) {
    if (interval.at.start > until + 1e-3) series[0].points.push_back({until, kBreak});
    until = interval.at.end;
    const Point point{middle(interval.at), interval.p99};
    series[0].points.push_back(point);
    if (interval.slow) series[1].points.push_back(point);
  }
  return series;
}

/// Shares of the mean wait as bars that stand in front of each other, the whole one behind.
std::vector<Series> lowerPanel(const Blame& blame) {
  constexpr std::string_view kBars = "boxes fillstyle solid 0.85 noborder";
  std::vector<Series> series{{"server", std::string(kBars), kLines[1], {}},
                             {"queue for a connection", std::string(kBars), kLines[4], {}},
                             {"generator", std::string(kBars), kLines[2], {}}};
  const double usual = usualLength(blame);
  for (const BlamedInterval& interval : blame.intervals) {
    const Waiting& waiting = interval.waiting;
    // All bars have the usual width: the end's short rest would cover its neighbour.
    if (waiting.total() <= 0 || interval.at.length() < usual / 2) continue;
    const double x = middle(interval.at);
    const double generator = waiting.generator / waiting.total() * 100;
    series[0].points.push_back({x, 100});
    series[1].points.push_back({x, generator + waiting.queue / waiting.total() * 100});
    series[2].points.push_back({x, generator});
  }
  return series;
}

}  // namespace

Plot blameOverTime(const RunData& run) {
  Plot plot{run.slug + "-blame", "Blame time line: whose doing a wait was", "", ""};
  if (run.closed()) return plot;  // all of it is service there
  const Blame blame = blameOf(run);
  if (!blame.judged) return plot;
  const std::vector<Series> above = upperPanel(run, blame);
  double low = 1e12, high = 0;
  growRange(low, high, above);
  PlotScript script(kWidth, 480);
  script.beginPanels().panel(0.45, 0.87).xRange(run.whole.start, run.whole.end);
  script.latencyAxis(low, high * kHeadroom).line("set format x ''");
  shadePhases(script, run, true);
  markBrackets(script, run);
  script.plot(above);
  script.panel(0.13, 0.36).line("unset logscale y").line("set format x '%g'");
  script.line("set yrange [0:100]").line("set ytics 0,25,100");
  script.words("xlabel", kTimeAxis).words("ylabel", "% of the mean wait");
  script.line(fmt::format("set boxwidth {:.6g} absolute", usualLength(blame)));
  plot.script = script.plot(lowerPanel(blame)).line("unset multiplot").text();
  plot.description = fmt::format(
      "Above: response p99 of each interval; dots are intervals above the threshold ({}, dotted). "
      "Triangles and squares: what Redis's slow log and latency monitor noted. Below: the mean "
      "wait of the same operations, taken apart: the generator's own lateness, the wait for a free "
      "connection or a full batch, and the time between send and reply.",
      microsWords(blame.threshold));
  plot.description += aboutShade(run);
  if (!run.brackets.empty())
    plot.description += " Dashed: where a fault or a lost connection began and ended.";
  return plot;
}

}  // namespace redline
