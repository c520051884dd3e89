#include "report/plot_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/units.h"
#include "report/text.h"

namespace redline {
namespace {

/// "10 µs" for 10, "1 ms" for 1000.
std::string tickLabel(double us) {
  const auto text = [](double number, std::string_view unit) {
    return fmt::format("{:g} {}", number, unit);
  };
  if (us < 0.9995) return text(us * 1e3, "ns");
  if (us < 999.5) return text(us, "µs");
  if (us < 999'500) return text(us / 1e3, "ms");
  return text(us / 1e6, "s");
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

}  // namespace

std::string gnuplotQuoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : cleanText(text)) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

PlotScript::PlotScript(int width, int height) {
  line("set encoding utf8");
  line(
      fmt::format("set terminal svg noenhanced size {},{} dynamic font 'sans-serif,13' name 'g' "
                  "background '{}'",
                  width, height, kPaper.light));
  line(fmt::format("set border 3 lc rgb '{}'", kShade.light));
  line(fmt::format("set tics nomirror out scale 0.6 textcolor rgb '{}'", kText.light));
  line(fmt::format("set grid x y lt 1 lc rgb '{}' lw 0.7", kGrid.light));
  line(fmt::format(
      "set key above left Left reverse samplen 2.4 spacing 1.1 width 1 textcolor rgb '{}'",
      kText.light));
  line("set lmargin at screen 0.095");
  line("set rmargin at screen 0.96");
}

PlotScript& PlotScript::line(std::string_view command) {
  text_ += command;
  text_ += '\n';
  return *this;
}

PlotScript& PlotScript::words(std::string_view setting, std::string_view text) {
  return line(
      fmt::format("set {} {} textcolor rgb '{}'", setting, gnuplotQuoted(text), kText.light));
}

PlotScript& PlotScript::xRange(double low, double high) {
  return line(fmt::format("set xrange [{:.6g}:{:.6g}]", low, high > low ? high : low + 1));
}

PlotScript& PlotScript::namesAxis(const std::vector<std::string>& names) {
  std::string ticks;
  for (std::size_t i = 0; i < names.size(); ++i)
    ticks += fmt::format("{}{} {}", i == 0 ? "" : ", ", gnuplotQuoted(names[i]), i);
  constexpr double kMargin = 0.4;
  xRange(-kMargin, static_cast<double>(std::max<std::size_t>(names.size(), 1)) - 1 + kMargin);
  return line(fmt::format("set xtics ({})", ticks));
}

PlotScript& PlotScript::logAxis(std::string_view axis, double low, double high, bool latency) {
  low = niceBound(std::max(low, 0.1), false);
  high = niceBound(std::max(high, low), true);
  if (high < 5 * low) high = niceBound(5 * low, true);
  const double decades = std::log10(high / low);
  line(fmt::format("set logscale {} 10", axis));
  line(fmt::format("set {}range [{:g}:{:g}]", axis, low, high));
  std::string ticks;
  for (double decade = std::pow(10, std::floor(std::log10(low))); decade <= high * 1.001;
       decade *= 10)
    for (const double step : {1.0, 2.0, 5.0}) {
      const double at = step * decade;
      if (at < low * 0.999 || at > high * 1.001 || (step != 1 && decades > 2.5)) continue;
      ticks += fmt::format("{}{} {:g}", ticks.empty() ? "" : ", ",
                           gnuplotQuoted(latency ? tickLabel(at) : formatCount(at)), at);
    }
  return line(fmt::format("set {}tics ({})", axis, ticks));
}

PlotScript& PlotScript::countAxis(std::string_view axis, double high) {
  constexpr double kTicks = 5;
  const double step = niceBound(std::max(high, 1.0) / kTicks, true);
  const double top = step * std::max(1.0, std::ceil(high / step - 1e-9));
  std::string ticks;
  for (double at = 0; at <= top * 1.001; at += step)
    ticks += fmt::format("{}{} {:g}", at == 0 ? "" : ", ", gnuplotQuoted(formatCount(at)), at);
  constexpr double kRoomForLabels = 1.07;
  return line(fmt::format("set {}range [0:{:g}]", axis, axis == "y" ? top * kRoomForLabels : top))
      .line(fmt::format("set {}tics ({})", axis, ticks));
}

PlotScript& PlotScript::shade(const Span& span, std::string_view label, const Ink& ink,
                              double shareOfAxis, double height) {
  line(
      fmt::format("set object rectangle from {:.6g}, graph 0 to {:.6g}, graph 1 behind fillcolor "
                  "rgb '{}' fillstyle solid 0.16 noborder",
                  span.start, span.end, ink.light));
  constexpr double kRoomForLabel = 0.07;
  if (label.empty() || shareOfAxis < kRoomForLabel) return *this;
  return line(fmt::format("set label {} at {:.6g}, graph {:g} center front textcolor rgb '{}'",
                          gnuplotQuoted(label), (span.start + span.end) / 2, height, kText.light));
}

PlotScript& PlotScript::mark(double x, const Ink& ink) {
  return line(
      fmt::format("set arrow from {0:.6g}, graph 0 to {0:.6g}, graph 1 nohead lc rgb '{1}' "
                  "lw 1.5 dt 2 back",
                  x, ink.light));
}

/// The series' error bars, as a part of a plot command; empty when it has none.
std::string PlotScript::errorBars(const Series& series) {
  std::string rows;
  for (const Point& point : series.points)
    if (std::isfinite(point.y) && std::isfinite(point.low) && std::isfinite(point.high))
      rows += fmt::format("{:.7g} {:.7g} {:.7g} {:.7g}\n", point.x, point.y, point.low, point.high);
  if (rows.empty()) return {};
  const std::string block = fmt::format("$d{}", blocks_++);
  text_ += fmt::format("{} << EOD\n{}EOD\n", block, rows);
  line("set errorbars small");
  return fmt::format("{} using 1:2:3:4 with yerrorbars pt 0 lw 1.5 lc rgb '{}' notitle", block,
                     series.ink.light);
}

PlotScript& PlotScript::plot(const std::vector<Series>& series) {
  std::string command;
  for (const Series& each : series) {
    if (each.points.empty()) continue;
    const std::string block = fmt::format("$d{}", blocks_++);
    line(block + " << EOD");
    for (const Point& point : each.points)
      line(std::isfinite(point.y) ? fmt::format("{:.7g} {:.7g}", point.x, point.y) : "");
    line("EOD");
    // Error bars first: gnuplot clears the paper around their (empty) symbols.
    for (const std::string& part :
         {errorBars(each),
          fmt::format("{} using 1:2 with {} lc rgb '{}' {}", block, each.style, each.ink.light,
                      each.title.empty() ? "notitle" : "title " + gnuplotQuoted(each.title))})
      if (!part.empty()) command += (command.empty() ? "plot " : ", ") + part;
  }
  return command.empty() ? *this : line(command);
}

PlotScript& PlotScript::beginPanels() {
  return line("set multiplot");
}

PlotScript& PlotScript::panel(double bottom, double top) {
  line("unset object").line("unset label").line("unset arrow");
  // `above` means above the picture here, not above the panel.
  line(
      fmt::format("set key at screen 0.095, screen {:g} left bottom horizontal Left reverse "
                  "samplen 2.4 width 1",
                  top + 0.01));
  line(fmt::format("set bmargin at screen {:g}", bottom));
  return line(fmt::format("set tmargin at screen {:g}", top));
}

}  // namespace redline
