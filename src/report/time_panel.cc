#include "report/time_panel.h"

#include <algorithm>

namespace redline {
namespace {

/// The longest 500 of one log.
std::vector<LabPoint> loggedBy(const RunData& run, std::string_view kind) {
  constexpr std::size_t kMost = 500;
  std::vector<LabPoint> points;
  for (const Event& event : run.dir.events)
    if (event.kind == kind && event.duration > 0)
      points.push_back({toSeconds(event.at), toMicros(event.duration)});
  if (points.size() > kMost) {
    std::ranges::nth_element(points, points.begin() + kMost, std::ranges::greater{}, &LabPoint::y);
    points.resize(kMost);
    std::ranges::sort(points, {}, &LabPoint::x);
  }
  return points;
}

}  // namespace

Panel timePanel(const RunData& run, PanelAxis y, bool titles) {
  Panel panel{.x = {.title = "seconds from the start of the run",
                    .range = {{run.whole.start, run.whole.end}}},
              .y = std::move(y)};
  for (const Span& span : run.aside) {
    const bool atStart = span.start <= run.whole.start + 1e-6;
    panel.spans.push_back({.from = span.start,
                           .to = span.end,
                           .title = !titles   ? ""
                                    : atStart ? "warm-up"
                                              : "drain"});
  }
  constexpr std::size_t kMostBrackets = 60;
  for (const Bracket& bracket : run.brackets) {
    if (panel.spans.size() == run.aside.size() + kMostBrackets) break;
    const bool gap = bracket.kind == "connection";
    const Ink& ink = gap ? kLines[2] : kLines[4];
    panel.spans.push_back({.from = bracket.at.start,
                           .to = bracket.at.end,
                           .title = gap ? "no connection" : bracket.name,
                           .ink = ink});
    panel.marks.push_back({.x = bracket.at.start, .ink = ink});
    if (!bracket.open) panel.marks.push_back({.x = bracket.at.end, .ink = ink});
  }
  return panel;
}

PanelSeries timeSeries(std::string title, const Ink& ink, std::size_t points, Stroke stroke) {
  constexpr std::size_t kFew = 80;
  return {.title = std::move(title), .ink = ink, .stroke = stroke, .markEach = points <= kFew};
}

void addRedisLogs(Panel& panel, const RunData& run) {
  const auto add = [&](std::string title, std::string_view kind, Symbol symbol, const Ink& ink) {
    panel.series.push_back({.title = std::move(title),
                            .ink = ink,
                            .shape = PanelSeries::Shape::points,
                            .symbol = symbol,
                            .points = loggedBy(run, kind)});
  };
  add("slow log", "slowlog", Symbol::triangle, kLines[4]);
  add("latency monitor", "latency", Symbol::openSquare, kLines[3]);
}

std::string describeRedisLogs() {
  return "Triangles and squares: entries of Redis's slow log and latency monitor, at the time they "
         "took.";
}

std::string describeSpans(const RunData& run) {
  std::string text;
  if (!run.aside.empty()) text += " Shaded: warm-up and drain.";
  if (!run.brackets.empty()) text += " Dashed: where a fault or a lost connection began and ended.";
  return text;
}

}  // namespace redline
