#include "report/plot_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/text.h"
#include "report/line_writer.h"
#include "report/text.h"

namespace redline {
namespace {

/// `text` as a gnuplot string.
std::string inQuotes(std::string_view text) {
  std::string made = "'";
  for (const char c : cleanText(text)) made += c == '\'' ? std::string("''") : std::string(1, c);
  return made + "'";
}

bool isLog(AxisKind kind) {
  return kind == AxisKind::latency || kind == AxisKind::logCount;
}

/// gnuplot is given seconds and percentages: its own formats print them.
double scaleOf(AxisKind kind) {
  return kind == AxisKind::latency ? 1e-6 : kind == AxisKind::share ? 100 : 1;
}

/// The lowest value that a logarithmic axis shows: 0.1 µs, 0.1 of anything else.
double floorOf(AxisKind kind) {
  return 0.1 * scaleOf(kind);
}

/// What an axis has to hold, in gnuplot's units.
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

double scaled(double value, AxisKind kind) {
  if (isLog(kind) && value <= 0) return kNaN;
  return value * scaleOf(kind);
}

/// An error bar's end at or below 0 ends far below its point.
double scaledLow(const LabPoint& point, AxisKind kind) {
  return isLog(kind) && point.low <= 0 ? point.y * scaleOf(kind) / 10 : scaled(point.low, kind);
}

bool hasBar(const LabPoint& point) {
  return std::isfinite(point.y) && std::isfinite(point.low) && std::isfinite(point.high);
}

Extent extentX(const Panel& panel) {
  Extent extent;
  for (const PanelSeries& series : panel.series)
    for (const LabPoint& point : series.points) extent.add(scaled(point.x, panel.x.kind));
  for (const PanelSpan& span : panel.spans) {
    extent.add(scaled(span.from, panel.x.kind));
    extent.add(scaled(span.to, panel.x.kind));
  }
  return extent;
}

Extent extentY(const Panel& panel) {
  Extent extent;
  for (const PanelSeries& series : panel.series) {
    if (!series.sizesAxis) continue;
    for (const LabPoint& point : series.points) {
      extent.add(scaled(point.y, panel.y.kind));
      if (!hasBar(point)) continue;
      extent.add(scaledLow(point, panel.y.kind));
      extent.add(scaled(point.high, panel.y.kind));
    }
  }
  return extent;
}

/// The titles of spans stand above the highest point of a logarithmic axis.
Extent withRoomForTitles(const Panel& panel, Extent y) {
  constexpr double kHeadroom = 1.7;
  const bool titled = std::ranges::any_of(
      panel.spans, [](const PanelSpan& span) { return !span.title.empty() && !span.titleBelow; });
  if (titled && isLog(panel.y.kind)) y.high *= kHeadroom;
  return y;
}

/// The nearest 1, 2 or 5 times a power of ten at or below (`up` false) or at or above `value`.
double niceBound(double value, bool up) {
  const double decade = std::pow(10, std::floor(std::log10(value)));
  constexpr std::array<double, 4> kSteps{1, 2, 5, 10};
  double below = decade;
  for (const double step : kSteps) {
    const double bound = step * decade;
    if (up && bound >= value * (1 - 1e-9)) return bound;
    if (bound <= value * (1 + 1e-9)) below = bound;
  }
  return up ? 10 * decade : below;
}

/// Writes the script line by line.
class Script : LineWriter {
 public:
  explicit Script(const Picture& picture) : picture_(picture) {
    line("set encoding utf8");
    line("set micro");
    line(
        "set terminal svg noenhanced size {},{} dynamic font 'sans-serif,13' name 'g' background "
        "'{}'",
        picture.size.width, picture.size.height, kPaper.light);
    line("set border 3 lc rgb '{}'", kShade.light);
    line("set tics nomirror out scale 0.6 textcolor rgb '{}'", kText.light);
    line("set grid x y lt 1 lc rgb '{}' lw 0.7", kGrid.light);
    line("set key above left Left reverse samplen 2.4 spacing 1.1 width 1 textcolor rgb '{}'",
         kText.light);
    line("set lmargin at screen {:g}", kLeft);
    line("set rmargin at screen 0.96");
  }

  std::string draw() && {
    const bool several = picture_.panels.size() > 1;
    if (several) line("set multiplot");
    double top = 1;
    for (const Panel& panel : picture_.panels) {
      if (several) top = place(panel, top);
      add(panel, &panel == &picture_.panels.back());
    }
    if (several) line("unset multiplot");
    return std::move(text_);
  }

 private:
  static constexpr double kLeft = 0.095;

  /// Room for a panel below `top` (0…1 of the picture) and its key above it; the panel's bottom.
  double place(const Panel& panel, double top) {
    constexpr double kKeyLine = 0.07, kBelow = 0.13, kBetween = 0.05;
    const double count = static_cast<double>(picture_.panels.size());
    double weights = 0, keys = 0;
    for (const Panel& each : picture_.panels) {
      weights += each.weight;
      keys += kKeyLine * keyLines(each);
    }
    const double all = 1 - kBelow - kBetween * (count - 1) - keys;
    const double high = top - kKeyLine * keyLines(panel);
    const double low = high - all * panel.weight / weights;
    line(
        "unset object\nunset label\nunset arrow\nunset logscale\nset xtics autofreq\n"
        "set ytics autofreq");
    // `above` would be above the picture, not above the panel.
    line(
        "set key at screen {:g}, screen {:g} left bottom horizontal Left reverse samplen 2.4 "
        "width 1",
        kLeft, high + 0.01);
    line("set bmargin at screen {:g}", low);
    line("set tmargin at screen {:g}", high);
    return low - kBetween;
  }

  static double keyLines(const Panel& panel) {
    constexpr std::ptrdiff_t kOnALine = 4;
    const auto titled = std::ranges::count_if(
        panel.series, [](const PanelSeries& s) { return !s.title.empty() && !s.points.empty(); });
    return titled > kOnALine ? 2 : 1;
  }

  void add(const Panel& panel, bool last) {
    const Extent x = extentX(panel);
    axis("x", panel.x, x);
    axis("y", panel.y, withRoomForTitles(panel, extentY(panel)));
    if (!last) line("set format x ''\nunset xlabel");
    const double length =
        panel.x.range ? (panel.x.range->second - panel.x.range->first) * scaleOf(panel.x.kind)
                      : x.length();
    for (const PanelSpan& span : panel.spans) addSpan(panel, span, length);
    for (const PanelMark& mark : panel.marks) addMark(panel, mark);
    if (panel.barWidth > 0) line("set boxwidth {:.6g} absolute", panel.barWidth);
    plot(panel);
  }

  void axis(std::string_view name, const PanelAxis& axis, const Extent& extent) {
    switch (axis.kind) {
      case AxisKind::names:
        namesAxis(name, axis.names);
        break;
      case AxisKind::latency:
      case AxisKind::logCount:
        logAxis(name, axis.kind, extent);
        break;
      case AxisKind::count:
        countAxis(name, extent.high);
        break;
      case AxisKind::share:
        shareAxis(name, extent);
        break;
      case AxisKind::linear:
        linearAxis(name, extent);
        break;
    }
    if (axis.range) {
      const double scale = scaleOf(axis.kind);
      const auto [low, high] = *axis.range;
      line("set {}range [{:.6g}:{:.6g}]", name, low * scale, (high > low ? high : low + 1) * scale);
    }
    if (axis.step > 0) line("set {}tics 0,{:g}", name, axis.step * scaleOf(axis.kind));
    if (!axis.ticks.empty()) ticks(name, axis.ticks);
    line("set {}label {} textcolor rgb '{}'", name, inQuotes(axis.title), kText.light);
  }

  void namesAxis(std::string_view name, const std::vector<std::string>& names) {
    constexpr double kMargin = 0.4;
    const double last = static_cast<double>(std::max<std::size_t>(names.size(), 1)) - 1;
    line("set {}range [{:g}:{:g}]", name, -kMargin, last + kMargin);
    std::vector<std::pair<double, std::string>> named;
    for (const std::string& each : names) named.emplace_back(named.size(), each);
    ticks(name, named);
  }

  /// gnuplot takes a label for a format.
  void ticks(std::string_view name, const std::vector<std::pair<double, std::string>>& all) {
    std::vector<std::string> parts;
    for (auto [at, text] : all) {
      replaceAll(text, "%", "%%");
      parts.push_back(fmt::format("{} {:g}", inQuotes(text), at));
    }
    line("set {}tics ({})", name, fmt::join(parts, ", "));
  }

  /// Whole decades; 1, 2, 5 where there are few of them.
  void logAxis(std::string_view name, AxisKind kind, const Extent& extent) {
    constexpr double kFewDecades = 2.5;
    const double least = floorOf(kind);
    const double low =
        niceBound(std::max(std::min(extent.lowestPositive, extent.high), least), false);
    double high = niceBound(std::max(extent.high, low), true);
    if (high < 5 * low) high = niceBound(5 * low, true);
    const bool few = std::log10(high / low) <= kFewDecades;
    line("set logscale {} 10", name);
    line("set {}range [{:g}:{:g}]", name, low, high);
    std::vector<std::string> places;
    for (double decade = std::pow(10, std::floor(std::log10(low))); decade <= high * 1.001;
         decade *= 10)
      for (const double step : {1.0, 2.0, 5.0})
        if (const double at = step * decade;
            at > low * 0.999 && at < high * 1.001 && (step == 1 || few))
          places.push_back(fmt::format("{:g}", at));
    line("set {}tics ({})", name, fmt::join(places, ", "));
    line("set format {} {}", name, kind == AxisKind::latency ? "'%.0s %cs'" : "'%.0s%c'");
  }

  void countAxis(std::string_view name, double high) {
    constexpr double kTicks = 5, kRoomForLabels = 1.07;
    const double step = niceBound(std::max(high, 1.0) / kTicks, true);
    const double top = step * std::max(1.0, std::ceil(high / step - 1e-9));
    line("set {}range [0:{:g}]", name, name == "y" ? top * kRoomForLabels : top);
    line("set {}tics 0,{:g},{:g}", name, step, top);
    // "1.5M" needs its decimal, "500k" none.
    const double unit = std::pow(1000, std::max(0.0, std::floor(std::log10(top) / 3)));
    line("set format {} {}", name, step < unit ? "'%.1s%c'" : "'%.0s%c'");
  }

  void shareAxis(std::string_view name, const Extent& extent) {
    const double floor = extent.low >= 99 ? 99 : extent.low >= 90 ? 90 : 0;
    const double top = extent.high <= 100.001 ? 100 + (100 - floor) / 40 : extent.high * 1.05;
    line("set {}range [{:g}:{:g}]", name, floor, top);
    line("set format {} '%g%%'", name);
  }

  void linearAxis(std::string_view name, const Extent& extent) {
    const double margin = std::max(extent.length(), 1e-9) * (name == "y" ? 0.08 : 0.03);
    const double low = extent.low >= 0 && extent.low < extent.length() ? 0 : extent.low - margin;
    line("set {}range [{:g}:{:g}]", name, low, extent.high + margin);
    line("set format {} '%g'", name);
  }

  void addSpan(const Panel& panel, const PanelSpan& span, double axisLength) {
    const double from = scaled(span.from, panel.x.kind), to = scaled(span.to, panel.x.kind);
    line(
        "set object rectangle from {:.6g}, graph 0 to {:.6g}, graph 1 behind fillcolor rgb '{}' "
        "fillstyle solid 0.16 noborder",
        from, to, span.ink.light);
    constexpr double kRoomForLabel = 0.07;
    if (span.title.empty() || to - from < kRoomForLabel * axisLength) return;
    line("set label {} at {:.6g}, graph {:g} center front textcolor rgb '{}'", inQuotes(span.title),
         (from + to) / 2, span.titleBelow ? 0.05 : 0.955, kText.light);
  }

  void addMark(const Panel& panel, const PanelMark& mark) {
    const double at = scaled(mark.x, panel.x.kind);
    if (!std::isfinite(at)) return;
    line("set arrow from {0:.6g}, graph 0 to {0:.6g}, graph 1 nohead lc rgb '{1}' lw 1.5 dt 2 back",
         at, mark.ink.light);
    if (!mark.title.empty())
      line("set label {} at {:.6g}, graph 0.04 left offset 0.6,0 front textcolor rgb '{}'",
           inQuotes(mark.title), at, kText.light);
  }

  static std::string styleOf(const PanelSeries& series) {
    constexpr std::array<int, 6> kPointTypes{0, 7, 5, 9, 4, 13};
    const int symbol = kPointTypes[static_cast<std::size_t>(series.symbol)];
    const int dash = static_cast<int>(series.stroke) + 1;
    const double width = series.stroke == Stroke::solid ? 2 : 1.5;
    switch (series.shape) {
      case PanelSeries::Shape::bars:
        return "boxes fillstyle solid 0.85 noborder";
      case PanelSeries::Shape::points:
        return fmt::format("points pt {} ps 0.8 lw 2", symbol);
      case PanelSeries::Shape::line:
        break;
    }
    if (series.symbol == Symbol::none) return fmt::format("lines dt {} lw {:g}", dash, width);
    return fmt::format("linespoints dt {} lw {:g} pt {} ps {}", dash, width, symbol,
                       series.large ? 0.7 : 0.45);
  }

  std::string beginData() {
    std::string name = fmt::format("$d{}", blocks_++);
    line("{} << EOD", name);
    return name;
  }

  /// Bars around points, as a part of a plot command; empty when there are none.
  std::string errorBars(const Panel& panel, const PanelSeries& series) {
    if (std::ranges::none_of(series.points, hasBar)) return {};
    const std::string data = beginData();
    for (const LabPoint& point : series.points)
      if (hasBar(point))
        line("{:.7g} {:.7g} {:.7g} {:.7g}", scaled(point.x, panel.x.kind),
             scaled(point.y, panel.y.kind), scaledLow(point, panel.y.kind),
             scaled(point.high, panel.y.kind));
    line("EOD\nset errorbars small");
    return fmt::format("{} using 1:2:3:4 with yerrorbars pt 0 lw 1.5 lc rgb '{}' notitle", data,
                       series.ink.light);
  }

  std::string values(const Panel& panel, const PanelSeries& series) {
    const std::string data = beginData();
    for (const LabPoint& point : series.points) {
      const double x = scaled(point.x, panel.x.kind), y = scaled(point.y, panel.y.kind);
      if (std::isfinite(x) && std::isfinite(y))
        line("{:.7g} {:.7g}", x, y);
      else
        line("");
    }
    line("EOD");
    return fmt::format("{} using 1:2 with {} lc rgb '{}' {}", data, styleOf(series),
                       series.ink.light,
                       series.title.empty() ? "notitle" : "title " + inQuotes(series.title));
  }

  void plot(const Panel& panel) {
    std::vector<std::string> parts;
    for (const PanelSeries& series : panel.series) {
      if (series.points.empty()) continue;
      // Error bars first: gnuplot clears the paper around their (empty) symbols.
      if (std::string bars = errorBars(panel, series); !bars.empty())
        parts.push_back(std::move(bars));
      parts.push_back(values(panel, series));
    }
    line("plot {}", fmt::join(parts, ", "));
  }

  const Picture& picture_;
  int blocks_ = 0;
};

}  // namespace

bool Panel::empty() const {
  const Extent across = extentX(*this), up = extentY(*this);
  return across.empty() || up.empty() || (isLog(y.kind) && !std::isfinite(up.lowestPositive));
}

std::string plotScript(const Picture& picture) {
  return Script(picture).draw();
}

}  // namespace redline
