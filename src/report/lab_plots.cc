#include "report/lab_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/plot_script.h"

namespace redline {
namespace {

constexpr int kWidth = 900;
constexpr int kHeight = 400;

/// What the axis has to hold.
struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  double lowestPositive = std::numeric_limits<double>::infinity();

  void add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
    if (value > 0) lowestPositive = std::min(lowestPositive, value);
  }
  bool empty() const { return !(low <= high); }
  double length() const { return high - low; }
};

bool isLog(AxisKind kind) {
  return kind == AxisKind::latency || kind == AxisKind::logCount;
}

/// Shares are drawn as percentages; what a logarithm cannot show is not drawn.
double drawn(double value, AxisKind kind) {
  if (kind == AxisKind::share) return value * 100;
  if (isLog(kind) && value <= 0) return kNaN;
  return value;
}

/// An error bar's end below 0 ends at the axis.
double drawnLow(double value, double y, AxisKind kind) {
  return isLog(kind) && value <= 0 ? y / 10 : drawn(value, kind);
}

void shareAxis(PlotScript& script, std::string_view axis, const Extent& extent) {
  const double floor = extent.low >= 99 ? 99 : extent.low >= 90 ? 90 : 0;
  const double top = extent.high <= 100.001 ? 100 + (100 - floor) / 40 : extent.high * 1.05;
  script.line(fmt::format("set {}range [{:g}:{:g}]", axis, floor, top));
  script.line(fmt::format("set format {} '%g%%'", axis));
}

void setAxis(PlotScript& script, std::string_view name, const LabAxis& axis, const Extent& extent) {
  switch (axis.kind) {
    case AxisKind::names:
      script.namesAxis(axis.names);
      break;
    case AxisKind::latency:
    case AxisKind::logCount:
      script.logAxis(name, extent.lowestPositive, extent.high, axis.kind == AxisKind::latency);
      break;
    case AxisKind::count:
      script.countAxis(name, extent.high);
      break;
    case AxisKind::share:
      shareAxis(script, name, extent);
      break;
    case AxisKind::linear: {
      const double margin = std::max(extent.length(), 1e-9) * (name == "y" ? 0.08 : 0.03);
      const double low = extent.low >= 0 && extent.low < extent.length() ? 0 : extent.low - margin;
      script.line(fmt::format("set {}range [{:g}:{:g}]", name, low, extent.high + margin));
      break;
    }
  }
  script.words(fmt::format("{}label", name), axis.title);
}

std::string styleOf(const LabSeries& series, std::size_t index) {
  if (!series.line) return fmt::format("points pt {} ps 0.9 lw 2", 5 + 2 * (index % 3));
  const std::size_t dash = series.dashed ? 2 : 1;
  const double width = series.dashed ? 1.5 : 2;
  if (!series.markers) return fmt::format("lines dt {} lw {:g}", dash, width);
  return fmt::format("linespoints dt {} lw {:g} pt {} ps 0.7", dash, width, 5 + 2 * (index % 3));
}

std::vector<Series> seriesOf(const LabPlot& plot, Extent& x, Extent& y) {
  std::vector<Series> all;
  for (const LabSeries& from : plot.series) {
    const std::size_t i = all.size();
    Series series{from.title, styleOf(from, i), kLines[i % kLines.size()], {}};
    for (const LabPoint& point : from.points) {
      Point to{drawn(point.x, plot.x.kind), drawn(point.y, plot.y.kind)};
      if (!std::isfinite(to.x)) continue;
      if (std::isfinite(to.y) && std::isfinite(point.low) && std::isfinite(point.high)) {
        to.low = drawnLow(point.low, to.y, plot.y.kind);
        to.high = drawn(point.high, plot.y.kind);
        y.add(to.low);
        y.add(to.high);
      }
      x.add(to.x);
      y.add(to.y);
      series.points.push_back(to);
    }
    all.push_back(std::move(series));
  }
  return all;
}

}  // namespace

Plot labPlot(const LabPlot& plot, std::string_view prefix) {
  Plot result{fmt::format("{}-{}", prefix, plot.id), plot.title, plot.description, ""};
  Extent x;
  Extent y;
  const auto series = seriesOf(plot, x, y);
  if (x.empty() || y.empty() || (isLog(plot.y.kind) && !std::isfinite(y.lowestPositive)))
    return result;
  for (const LabSpan& span : plot.spans) {
    x.add(drawn(span.from, plot.x.kind));
    x.add(drawn(span.to, plot.x.kind));
  }
  PlotScript script(kWidth, kHeight);
  setAxis(script, "x", plot.x, x);
  setAxis(script, "y", plot.y, y);
  for (std::size_t i = 0; i < plot.spans.size(); ++i) {
    const Span at{drawn(plot.spans[i].from, plot.x.kind), drawn(plot.spans[i].to, plot.x.kind)};
    script.shade(at, plot.spans[i].title, kLines[4], at.length() / std::max(x.length(), 1e-9));
  }
  for (const LabMark& mark : plot.marks) {
    const double at = drawn(mark.x, plot.x.kind);
    if (!std::isfinite(at)) continue;
    script.mark(at, kText);
    script.line(
        fmt::format("set label {} at {:.6g}, graph 0.04 left offset 0.6,0 front textcolor "
                    "rgb '{}'",
                    gnuplotQuoted(mark.title), at, kText.light));
  }
  result.script = script.plot(series).text();
  return result;
}

}  // namespace redline
