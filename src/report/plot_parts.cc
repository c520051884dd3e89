#include "report/plot_parts.h"

#include <fmt/format.h>

#include <algorithm>

namespace redline {

std::string aboutShade(const RunData& run) {
  return run.aside.empty() ? std::string{} : " Shaded: warm-up and drain.";
}

std::string lineStyle(std::size_t points, int dash, double width) {
  if (points > 80) return fmt::format("lines dt {} lw {:g}", dash, width);
  return fmt::format("linespoints dt {} lw {:g} pt 7 ps 0.45", dash, width);
}

void shadePhases(PlotScript& script, const RunData& run, bool labels) {
  for (const Span& span : run.aside) {
    const bool atStart = span.start <= run.whole.start + 1e-6;
    script.shade(span,
                 !labels   ? ""
                 : atStart ? "warm-up"
                           : "drain",
                 kShade, span.length() / std::max(run.whole.length(), 1e-9));
  }
}

void markBrackets(PlotScript& script, const RunData& run) {
  constexpr std::size_t kMost = 60;
  std::size_t drawn = 0;
  for (const Bracket& bracket : run.brackets) {
    if (++drawn > kMost) return;
    const bool gap = bracket.kind == "connection";
    const Ink& ink = gap ? kLines[2] : kLines[4];
    script.shade(bracket.at, gap ? "no connection" : bracket.name, ink,
                 bracket.at.length() / std::max(run.whole.length(), 1e-9));
    script.mark(bracket.at.start, ink);
    if (!bracket.open) script.mark(bracket.at.end, ink);
  }
}

std::vector<Point> logged(const RunData& run, std::string_view kind) {
  constexpr std::size_t kMost = 500;
  std::vector<Point> points;
  for (const Event& event : run.dir.events)
    if (event.kind == kind && event.duration > 0)
      points.push_back({toSeconds(event.at), toMicros(event.duration)});
  if (points.size() > kMost) {
    std::ranges::nth_element(points, points.begin() + kMost, std::ranges::greater{}, &Point::y);
    points.resize(kMost);
    std::ranges::sort(points, {}, &Point::x);
  }
  return points;
}

void growRange(double& low, double& high, const std::vector<Series>& series) {
  for (const Series& each : series)
    for (const Point& point : each.points) {
      if (!(point.y > 0)) continue;
      low = std::min(low, point.y);
      high = std::max(high, point.y);
    }
}

}  // namespace redline
