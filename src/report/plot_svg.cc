#include "report/plot_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>

#include "report/axis_scale.h"
#include "report/embedded.h"
#include "report/line_writer.h"
#include "report/text.h"
#include "report/text_width.h"

namespace redline {
namespace {

constexpr double kFont = 13, kLine = 17;  ///< plot.css has the same
constexpr double kSwatch = 26, kGap = 6, kBetweenKeys = 18;
constexpr double kTickLength = 4, kEdge = 6;
constexpr double kSymbol = 3.6;
constexpr double kBold = 1.12;  ///< how much wider bold letters are
constexpr std::size_t kMostNoteRows = 3;
constexpr std::size_t kShades = 5;  ///< of a heat map; plot.css has as many

/// "12.3", "12": a tenth of a pixel is enough.
std::string px(double value) {
  std::string text = fmt::format("{:.1f}", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

/// Where things are, in pixels of the drawing; y grows downwards.
struct Box {
  double left = 0, top = 0, width = 0, height = 0;
};

bool isOpen(Symbol symbol) {
  return symbol == Symbol::openDot || symbol == Symbol::openSquare;
}

/// One symbol as a part of a path.
std::string symbolPath(Symbol symbol, double x, double y) {
  const double r = kSymbol;
  switch (symbol) {
    case Symbol::square:
    case Symbol::openSquare:
      return fmt::format("M{},{}h{r}v{r}h-{r}z", px(x - r), px(y - r), fmt::arg("r", px(2 * r)));
    case Symbol::triangle:
      return fmt::format("M{},{}l{},{}h-{}z", px(x), px(y - 1.3 * r), px(1.25 * r), px(2.2 * r),
                         px(2.5 * r));
    case Symbol::diamond:
      return fmt::format("M{},{}l{d},{d}l-{d},{d}l-{d},-{d}z", px(x), px(y - 1.35 * r),
                         fmt::arg("d", px(1.35 * r)));
    case Symbol::own:
    case Symbol::dot:
    case Symbol::openDot:
      break;
  }
  return fmt::format("M{},{}a{r},{r} 0 1 0 {d},0a{r},{r} 0 1 0 -{d},0z", px(x - r), px(y),
                     fmt::arg("r", px(r)), fmt::arg("d", px(2 * r)));
}

Symbol symbolOf(const Panel& panel, const PanelSeries& series) {
  if (series.symbol != Symbol::own) return series.symbol;
  // Five, because there are six colours: no two of thirty series share both.
  constexpr std::array kSymbols{Symbol::dot, Symbol::square, Symbol::triangle, Symbol::openDot,
                                Symbol::diamond};
  return kSymbols[static_cast<std::size_t>(&series - panel.series.data()) % kSymbols.size()];
}

/// Whether the line needs symbols to be told from the panel's other lines.
bool needsSymbols(const Panel& panel, const PanelSeries& series) {
  const auto alike = std::ranges::count_if(panel.series, [&](const PanelSeries& other) {
    return other.shape == PanelSeries::Shape::line && other.stroke == series.stroke &&
           !other.points.empty();
  });
  return series.markEach || alike > 1;
}

std::string_view classOf(Stroke stroke) {
  return stroke == Stroke::solid    ? "line"
         : stroke == Stroke::dashed ? "line dashed"
                                    : "line dotted";
}

/// Bars that are stacked: pale, half, full.
std::string_view barClass(const Panel& panel, const PanelSeries& series) {
  std::size_t before = 0;
  for (const PanelSeries& other : panel.series) {
    if (&other == &series) break;
    before += other.shape == PanelSeries::Shape::bars ? 1 : 0;
  }
  constexpr std::array<std::string_view, 3> kFills{"fill pale", "fill half", "fill"};
  return kFills[before % kFills.size()];
}

/// Of a heat map's cells, 1 for the palest: by the logarithm, so that one slow operation is seen
/// beside thousands.
std::size_t shadeOf(double y, double most) {
  if (y >= most) return kShades;
  const double share = std::log1p(y) / std::log1p(most);
  return 1 + static_cast<std::size_t>(std::clamp(share, 0.0, 0.999) * kShades);
}

std::string shadeClass(std::size_t shade) {
  return shade == kShades ? "heat" : fmt::format("heat h{}", shade);
}

std::string textAt(double x, double y, std::string_view anchor, std::string_view text,
                   std::string_view classes = {}) {
  return fmt::format("<text x=\"{}\" y=\"{}\"{}{}>{}</text>", px(x), px(y),
                     anchor.empty() ? "" : fmt::format(" text-anchor=\"{}\"", anchor),
                     classes.empty() ? "" : fmt::format(" class=\"{}\"", classes),
                     escapeHtml(text));
}

std::string colourOf(const Ink& ink) {
  return fmt::format(" style=\"color:var(--{})\"", ink.name);
}

/// Labels of the x axis: on one line, on several, or slanted where even that is too narrow.
struct XLabels {
  std::vector<Tick> ticks{};
  std::vector<std::vector<std::string>> lines{};  ///< of each tick; empty: slanted
  double height = 0;
  double leftOverhang = 0;  ///< of a slanted first label, from its tick
};

constexpr double kSlant = 40 * std::numbers::pi / 180;

XLabels layOutX(const AxisScale& scale, const PanelAxis& axis, double width) {
  XLabels labels;
  constexpr double kApart = 12;
  labels.ticks = scale.ticks([&](const std::vector<Tick>& ticks) {
    for (std::size_t i = 1; i < ticks.size(); ++i)
      if ((ticks[i].at - ticks[i - 1].at) * width <
          (textWidth(ticks[i].label, kFont) + textWidth(ticks[i - 1].label, kFont)) / 2 + kApart)
        return false;
    return true;
  });
  std::erase_if(labels.ticks,
                [](const Tick& tick) { return !(tick.at >= -1e-9 && tick.at <= 1 + 1e-9); });
  if (axis.kind != AxisKind::names) {
    // Given ticks may stand too close: what touches the one before it goes.
    double until = -kApart;
    std::erase_if(labels.ticks, [&](const Tick& tick) {
      const double half = textWidth(tick.label, kFont) / 2, at = tick.at * width;
      if (at - half < until + kApart / 2) return true;
      until = at + half;
      return false;
    });
    for (const Tick& tick : labels.ticks) labels.lines.push_back({tick.label});
    labels.height = kLine;
    return labels;
  }
  const double slot = width / static_cast<double>(std::max<std::size_t>(labels.ticks.size(), 1));
  constexpr std::size_t kMostLines = 3;
  std::size_t most = 1;
  bool fits = true;
  double widest = 0;
  for (const Tick& tick : labels.ticks) {
    auto lines = brokenInto(tick.label, kFont, slot - kGap);
    most = std::max(most, lines.size());
    for (const std::string& line : lines) fits = fits && textWidth(line, kFont) <= slot - kGap / 2;
    widest = std::max(widest, textWidth(tick.label, kFont));
    labels.lines.push_back(std::move(lines));
  }
  if (fits && most <= kMostLines) {
    labels.height = kLine * static_cast<double>(most);
    return labels;
  }
  labels.lines.clear();
  labels.height = widest * std::sin(kSlant) + kLine;
  if (!labels.ticks.empty())
    labels.leftOverhang = textWidth(labels.ticks.front().label, kFont) * std::cos(kSlant) -
                          labels.ticks.front().at * width;
  return labels;
}

/// A title of a span or mark, placed.
struct Note {
  double x = 0;
  std::size_t row = 0;
  std::string text{};
};

/// A panel with everything measured.
struct Laid {
  const Panel* panel = nullptr;
  AxisScale x, y;
  std::vector<Tick> yTicks{};
  XLabels xLabels{};
  std::vector<std::vector<const PanelSeries*>> key{};  ///< rows
  std::vector<Note> notes{};
  std::vector<std::string> heading{}, yTitle{};  ///< lines
  bool last = false;
  double frameHeight = 0;
  double headroom() const {
    std::size_t rows = 0;
    for (const Note& note : notes) rows = std::max(rows, note.row + 1);
    return rows == 0 ? 0 : kLine * static_cast<double>(rows) + 2;
  }
};

class PlotWriter : LineWriter {
 public:
  PlotWriter(const Picture& picture, PlotWidth width)
      : picture_(picture),
        id_(width == PlotWidth::wide ? picture.id : picture.id + "-narrow"),
        narrow_(width == PlotWidth::narrow),
        width_(narrow_ ? 390 : 900) {}

  std::string draw(std::string_view style) && {
    layOut();
    double top = kEdge;
    std::string body;
    for (const Laid& laid : panels_) {
      add(laid, top);
      top += heightOf(laid);
    }
    body = std::move(text_);
    text_.clear();
    line(
        "<svg class=\"plot {}\" viewBox=\"0 0 {} {}\" role=\"img\" "
        "aria-labelledby=\"{id}-title {id}-desc\"{}>",
        narrow_ ? "narrow" : "wide", px(width_), px(top + kEdge),
        style.empty() ? "" : " xmlns=\"http://www.w3.org/2000/svg\"", fmt::arg("id", id_));
    line("<title id=\"{}-title\">{}</title>", id_, escapeHtml(picture_.title));
    line("<desc id=\"{}-desc\">{}</desc>", id_, escapeHtml(picture_.description));
    if (!style.empty()) line("<style>{}</style>", style);
    line("<rect class=\"paper\" width=\"{}\" height=\"{}\"/>", px(width_), px(top + kEdge));
    return text_ + body + "</svg>\n";
  }

 private:
  // Measuring.

  void layOut() {
    double weights = 0;
    for (const Panel& panel : picture_.panels) weights += panel.weight;
    const double frames = picture_.height * (narrow_ ? 0.8 : 1);
    for (const Panel& panel : picture_.panels) {
      Laid laid{.panel = &panel,
                .x = AxisScale(panel.x, extentX(panel)),
                .y = AxisScale(panel.y, extentY(panel))};
      laid.heading = brokenInto(cleanText(panel.title), kBold * kFont, width_ - 2 * kEdge);
      if (!panel.y.title.empty())
        laid.yTitle = brokenInto(axisTitle(panel.y, laid.y), kFont, width_ - 2 * kEdge);
      laid.last = &panel == &picture_.panels.back();
      laid.frameHeight = frames * panel.weight / weights;
      laid.yTicks = laid.y.ticks([&](const std::vector<Tick>& ticks) {
        for (std::size_t i = 1; i < ticks.size(); ++i)
          if ((ticks[i].at - ticks[i - 1].at) * laid.frameHeight < 1.6 * kFont) return false;
        return true;
      });
      for (const Tick& tick : laid.yTicks)
        left_ = std::max(left_, textWidth(tick.label, kFont) + kTickLength + kGap + kEdge);
      panels_.push_back(std::move(laid));
    }
    // Labels decide the margins, and these how much room the labels have.
    const auto layOutAllX = [&] {
      for (Laid& laid : panels_) laid.xLabels = layOutX(laid.x, laid.panel->x, frameWidth());
    };
    layOutAllX();
    for (const Laid& laid : panels_) {
      left_ = std::max(left_, laid.xLabels.leftOverhang + kEdge);
      right_ = std::max(right_, rightOverhang(laid) + kEdge);
    }
    layOutAllX();
    for (Laid& laid : panels_) {
      layOutKey(laid);
      layOutNotes(laid);
    }
  }

  /// How far the last label of the x axis reaches beyond the frame.
  double rightOverhang(const Laid& laid) const {
    if (laid.panel->x.kind == AxisKind::names || laid.xLabels.ticks.empty()) return 0;
    const Tick& end = laid.xLabels.ticks.back();
    return textWidth(end.label, kFont) / 2 - (1 - end.at) * frameWidth();
  }

  double frameWidth() const { return width_ - left_ - right_; }

  /// A panel that repeats the key of the one above has none.
  bool repeatsKey(const Laid& laid) const {
    if (&laid == panels_.data()) return false;
    const auto alike = [](const PanelSeries& a, const PanelSeries& b) {
      return a.title == b.title && a.ink.name == b.ink.name && a.stroke == b.stroke &&
             a.shape == b.shape && a.points.empty() == b.points.empty();
    };
    return std::ranges::equal(laid.panel->series, (&laid - 1)->panel->series, alike);
  }

  void layOutKey(Laid& laid) const {
    if (repeatsKey(laid)) return;
    double used = 0;
    for (const PanelSeries& series : laid.panel->series) {
      if (series.title.empty() || series.points.empty()) continue;
      const double needs = keyWidth(series);
      if (laid.key.empty() || used + needs > width_ - 2 * kEdge) {
        laid.key.emplace_back();
        used = 0;
      }
      laid.key.back().push_back(&series);
      used += needs + kBetweenKeys;
    }
  }

  std::string keyText(const PanelSeries& series) const {
    return fitted(cleanText(series.title), kFont, width_ - 2 * kEdge - kSwatch - kGap);
  }
  double keyWidth(const PanelSeries& series) const {
    return kSwatch + kGap + textWidth(keyText(series), kFont);
  }

  /// Each title as near to its place as the others leave room, in the first row that has it.
  void layOutNotes(Laid& laid) const {
    const double width = frameWidth();
    std::array<double, kMostNoteRows> until{};
    until.fill(-kGap);
    struct Wish {
      double from, to;
      std::string text;
      bool centred;
    };
    std::vector<Wish> wishes;
    for (const PanelSpan& span : laid.panel->spans)
      if (!span.title.empty())
        wishes.push_back(
            {laid.x.place(span.from) * width, laid.x.place(span.to) * width, span.title, true});
    for (const PanelMark& mark : laid.panel->marks)
      if (!mark.title.empty()) {
        const double at = laid.x.place(mark.x) * width;
        wishes.push_back({at, at, mark.title, false});
      }
    std::ranges::stable_sort(wishes, {}, &Wish::from);
    for (Wish& wish : wishes) {
      if (!std::isfinite(wish.from) || wish.to < 0 || wish.from > width) continue;
      constexpr double kVisible = 2;
      if (wish.centred && wish.to - wish.from < kVisible) continue;
      const std::string text = fitted(cleanText(wish.text), kFont, width - 2 * kGap);
      const double length = textWidth(text, kFont);
      const double middle = (std::max(wish.from, 0.0) + std::min(wish.to, width)) / 2;
      double start = wish.centred ? middle - length / 2 : wish.from + 4;
      if (!wish.centred && start + length > width) start = wish.from - 4 - length;
      start = std::clamp(start, kGap / 2, std::max(kGap / 2, width - length - kGap / 2));
      for (std::size_t row = 0; row < kMostNoteRows; ++row)
        if (start >= until[row] + kGap) {
          until[row] = start + length;
          laid.notes.push_back({start, row, text});
          break;
        }
    }
  }

  static bool namesX(const Laid& laid) { return laid.last; }
  /// Of lines and what is left free behind them; 0 for none.
  static double heightOf(const std::vector<std::string>& lines, double behind) {
    return lines.empty() ? 0 : kLine * static_cast<double>(lines.size()) + behind;
  }
  static double headingHeight(const Laid& laid) { return heightOf(laid.heading, 2); }
  static double above(const Laid& laid) {
    return headingHeight(laid) + kLine * static_cast<double>(laid.key.size()) +
           heightOf(laid.yTitle, 3) + kGap;
  }
  static double below(const Laid& laid) {
    if (!namesX(laid)) return kLine;
    return kTickLength + laid.xLabels.height + (laid.panel->x.title.empty() ? 0 : kLine) + 2;
  }
  static double heightOf(const Laid& laid) { return above(laid) + laid.frameHeight + below(laid); }

  // Drawing.

  void add(const Laid& laid, double top) {
    const Panel& panel = *laid.panel;
    const double heading = headingHeight(laid);
    addLines(laid.heading, top + kFont, "heading");
    addKey(laid, top + heading);
    addLines(laid.yTitle, top + heading + kLine * static_cast<double>(laid.key.size()) + kFont + 3,
             "title");
    const Box frame{left_, top + above(laid), frameWidth(), laid.frameHeight};
    line("<g class=\"panel\" data-x=\"{}\" data-y=\"{}\">",
         axisData(panel.x, laid.x, frame.left, frame.left + frame.width),
         axisData(panel.y, laid.y, frame.top + frame.height, frame.top + laid.headroom()));
    addAxes(laid, frame);
    addInside(laid, frame);
    for (const Note& note : laid.notes)
      line("{}", textAt(frame.left + note.x,
                        frame.top + kLine * static_cast<double>(note.row) + kFont + 1, "",
                        note.text, "note"));
    line("</g>");
  }

  void addLines(const std::vector<std::string>& lines, double y, std::string_view style) {
    for (const std::string& text : lines) {
      line("{}", textAt(kEdge, y, "", text, style));
      y += kLine;
    }
  }

  static std::string axisTitle(const PanelAxis& axis, const AxisScale& scale) {
    return cleanText(axis.title) + (scale.isLog() ? " (logarithmic)" : "");
  }

  /// "log 10 1000 60 840 title": what a page's script needs to read values off.
  static std::string axisData(const PanelAxis& axis, const AxisScale& scale, double from,
                              double to) {
    constexpr std::array<std::string_view, 6> kKinds{"linear",  "count",    "share",
                                                     "latency", "logCount", "names"};
    std::string what = axis.title;
    if (axis.kind == AxisKind::names) what = fmt::format("{}", fmt::join(axis.names, "|"));
    return escapeHtml(fmt::format("{} {:.6g} {:.6g} {} {} {}",
                                  kKinds[static_cast<std::size_t>(axis.kind)], scale.low(),
                                  scale.high(), px(from), px(to), what));
  }

  void addKey(const Laid& laid, double top) {
    double y = top;
    for (const auto& row : laid.key) {
      double x = kEdge;
      for (const PanelSeries* const series : row) {
        line("<g{}>{}</g>{}", colourOf(series->ink), swatch(laid, *series, x, y + kLine / 2),
             textAt(x + kSwatch + kGap, y + kFont, "", keyText(*series)));
        x += keyWidth(*series) + kBetweenKeys;
      }
      y += kLine;
    }
  }

  static std::string swatch(const Laid& laid, const PanelSeries& series, double x, double y) {
    const Symbol symbol = symbolOf(*laid.panel, series);
    std::string drawn;
    if (series.shape == PanelSeries::Shape::bars)
      return fmt::format("<path class=\"{}\" d=\"M{},{}h{}v10h-{}z\"/>",
                         barClass(*laid.panel, series), px(x + 4), px(y - 5), px(kSwatch - 8),
                         px(kSwatch - 8));
    if (series.shape == PanelSeries::Shape::band)
      return fmt::format("<path class=\"band\" d=\"M{},{}h{w}v10h-{w}z\"/>", px(x), px(y - 5),
                         fmt::arg("w", px(kSwatch)));
    if (series.shape == PanelSeries::Shape::heat) {
      constexpr double kEach = kSwatch / kShades;
      for (std::size_t shade = 1; shade <= kShades; ++shade)
        drawn += fmt::format("<path class=\"{}\" d=\"M{},{}h{w}v10h-{w}z\"/>", shadeClass(shade),
                             px(x + kEach * static_cast<double>(shade - 1)), px(y - 5),
                             fmt::arg("w", px(kEach)));
      return drawn;
    }
    if (series.shape == PanelSeries::Shape::line)
      drawn = fmt::format("<path class=\"{}\" d=\"M{},{}h{}\"/>", classOf(series.stroke), px(x),
                          px(y), px(kSwatch));
    if (series.shape == PanelSeries::Shape::points || needsSymbols(*laid.panel, series))
      drawn += symbols(symbol, symbolPath(symbol, x + kSwatch / 2, y));
    return drawn;
  }

  static std::string symbols(Symbol symbol, const std::string& path) {
    return fmt::format("<path class=\"{}\" d=\"{}\"/>", isOpen(symbol) ? "open" : "symbol", path);
  }

  double toY(const Laid& laid, const Box& frame, double place) const {
    const double room = frame.height - laid.headroom();
    return frame.top + laid.headroom() + (1 - place) * room;
  }

  void addAxes(const Laid& laid, const Box& frame) {
    const double bottom = frame.top + frame.height;
    for (const PanelSpan& span : laid.panel->spans) {
      const double from = std::clamp(laid.x.place(span.from), 0.0, 1.0);
      const double to = std::clamp(laid.x.place(span.to), 0.0, 1.0);
      if (to > from)
        line("<rect class=\"span\"{} x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
             colourOf(span.ink), px(frame.left + from * frame.width), px(frame.top),
             px((to - from) * frame.width), px(frame.height));
    }
    std::string grid, ticks;
    for (const Tick& tick : laid.yTicks) {
      if (tick.at < -1e-9 || tick.at > 1 + 1e-9) continue;
      const double y = toY(laid, frame, tick.at);
      grid += fmt::format("M{},{}h{}", px(frame.left), px(y), px(frame.width));
      line("{}", textAt(frame.left - kTickLength - 2, y + kFont * 0.35, "end", tick.label));
    }
    for (const Tick& tick : laid.xLabels.ticks) {
      const double x = frame.left + tick.at * frame.width;
      if (laid.panel->x.kind != AxisKind::names)
        grid += fmt::format("M{},{}v{}", px(x), px(frame.top), px(frame.height));
      ticks += fmt::format("M{},{}v{}", px(x), px(bottom), px(kTickLength));
    }
    line("<path class=\"grid\" d=\"{}\"/>", grid);
    line("<path class=\"frame\" d=\"M{},{}V{}H{}{}\"/>", px(frame.left), px(frame.top), px(bottom),
         px(frame.left + frame.width), ticks);
    if (namesX(laid)) addXLabels(laid, frame);
  }

  void addXLabels(const Laid& laid, const Box& frame) {
    const double y = frame.top + frame.height + kTickLength;
    for (std::size_t i = 0; i < laid.xLabels.ticks.size(); ++i) {
      const Tick& tick = laid.xLabels.ticks[i];
      const double x = frame.left + tick.at * frame.width;
      if (laid.xLabels.lines.empty()) {
        line("<text text-anchor=\"end\" transform=\"translate({},{})rotate(-40)\">{}</text>",
             px(x + 4), px(y + kFont * 0.8), escapeHtml(tick.label));
        continue;
      }
      double baseline = y + kFont;
      for (const std::string& each : laid.xLabels.lines[i]) {
        line("{}", textAt(x, baseline, "middle", each));
        baseline += kLine;
      }
    }
    if (!laid.panel->x.title.empty())
      line("{}", textAt(frame.left + frame.width / 2, y + laid.xLabels.height + kFont, "middle",
                        fitted(axisTitle(laid.panel->x, laid.x), kFont, frame.width), "title"));
  }

  /// Marks and series, cut off at the frame; symbols on its border stay whole.
  void addInside(const Laid& laid, const Box& frame) {
    constexpr double kRim = 6;
    line("<svg x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" viewBox=\"{x} {y} {w} {h}\">",
         fmt::arg("x", px(frame.left - kRim)), fmt::arg("y", px(frame.top - kRim)),
         fmt::arg("w", px(frame.width + 2 * kRim)), fmt::arg("h", px(frame.height + 2 * kRim)));
    for (const PanelMark& mark : laid.panel->marks) {
      const double at = laid.x.place(mark.x);
      if (at >= -1e-9 && at <= 1 + 1e-9)
        line("<path class=\"mark\"{} d=\"M{},{}v{}\"/>", colourOf(mark.ink),
             px(frame.left + at * frame.width), px(frame.top), px(frame.height));
    }
    for (const PanelSeries& series : laid.panel->series)
      if (!series.points.empty()) addSeries(laid, frame, series);
    line("</svg>");
  }

  struct Placed {
    double x = 0, y = 0;  ///< not a number: the line breaks here
    bool shown() const { return std::isfinite(x) && std::isfinite(y); }
  };

  Placed placed(const Laid& laid, const Box& frame, double x, double y) const {
    return {frame.left + laid.x.place(x) * frame.width, toY(laid, frame, laid.y.place(y))};
  }

  void addSeries(const Laid& laid, const Box& frame, const PanelSeries& series) {
    std::vector<Placed> points;
    points.reserve(series.points.size());
    for (const LabPoint& point : series.points)
      points.push_back(placed(laid, frame, point.x, point.y));
    const bool isHeat = series.shape == PanelSeries::Shape::heat;
    line("<g class=\"series\"{} data-title=\"{}\"{}>", colourOf(series.ink),
         isHeat ? "slowest" : escapeHtml(series.title),
         isHeat ? slowestData(laid, frame, series) : pointData(series, points));
    if (isHeat) {
      addCells(laid, frame, series);
    } else if (series.shape == PanelSeries::Shape::band) {
      addBand(laid, frame, series);
    } else if (series.shape == PanelSeries::Shape::bars) {
      addBars(laid, frame, series, points);
    } else {
      addErrorBars(laid, frame, series);
      if (series.shape == PanelSeries::Shape::line) addLine(series, points);
      addSymbols(laid, frame, series, points);
    }
    line("</g>");
  }

  /// A line's path says where its points are; of clouds and bars this does.
  static std::string pointData(const PanelSeries& series, const std::vector<Placed>& points) {
    if (series.shape == PanelSeries::Shape::line || series.shape == PanelSeries::Shape::band)
      return "";
    std::vector<std::string> shown;
    for (const Placed& point : points)
      if (point.shown()) shown.push_back(fmt::format("{},{}", px(point.x), px(point.y)));
    return fmt::format(" data-points=\"{}\"", fmt::join(shown, " "));
  }

  /// Of a heat map the highest cell of each place.
  std::string slowestData(const Laid& laid, const Box& frame, const PanelSeries& series) const {
    std::map<double, double> highest;  // by x, in pixels
    for (const LabPoint& point : series.points) {
      const Placed top = placed(laid, frame, point.x + series.cellWidth / 2, point.high);
      if (!top.shown()) continue;
      const auto [at, isNew] = highest.try_emplace(std::round(top.x), top.y);
      if (!isNew) at->second = std::min(at->second, top.y);
    }
    std::vector<std::string> shown;
    for (const auto& [x, y] : highest) shown.push_back(fmt::format("{},{}", px(x), px(y)));
    return fmt::format(" data-points=\"{}\"", fmt::join(shown, " "));
  }

  /// Of the points in one column of pixels only the first, the last and the extremes are drawn.
  static std::vector<Placed> thinned(const std::vector<Placed>& points) {
    std::vector<Placed> kept;
    for (std::size_t from = 0; from < points.size();) {
      std::size_t to = from + 1;
      while (to < points.size() && points[from].shown() && points[to].shown() &&
             std::floor(points[to].x) == std::floor(points[from].x))
        ++to;
      const auto column = std::ranges::subrange(points.begin() + static_cast<std::ptrdiff_t>(from),
                                                points.begin() + static_cast<std::ptrdiff_t>(to));
      constexpr std::size_t kFew = 4;
      if (to - from <= kFew) {
        kept.insert(kept.end(), column.begin(), column.end());
      } else {
        const auto [lowest, highest] = std::ranges::minmax_element(column, {}, &Placed::y);
        kept.push_back(column.front());
        kept.push_back(*std::min(lowest, highest));
        kept.push_back(*std::max(lowest, highest));
        kept.push_back(column.back());
      }
      from = to;
    }
    return kept;
  }

  void addLine(const PanelSeries& series, const std::vector<Placed>& points) {
    std::string path;
    bool on = false;
    for (const Placed& point : thinned(points)) {
      if (point.shown()) path += fmt::format("{}{},{}", on ? "L" : "M", px(point.x), px(point.y));
      on = point.shown();
    }
    if (!path.empty()) line("<path class=\"{}\" d=\"{}\"/>", classOf(series.stroke), path);
  }

  void addCells(const Laid& laid, const Box& frame, const PanelSeries& series) {
    double most = 0;
    for (const LabPoint& point : series.points) most = std::max(most, point.y);
    std::array<std::string, kShades> paths;
    for (const LabPoint& point : series.points) {
      const Placed from = placed(laid, frame, point.x, point.low);
      const Placed to = placed(laid, frame, point.x + series.cellWidth, point.high);
      if (!from.shown() || !to.shown()) continue;
      paths[shadeOf(point.y, most) - 1] +=
          fmt::format("M{},{}h{w}v{}h-{w}z", px(from.x), px(from.y), px(to.y - from.y),
                      fmt::arg("w", px(to.x - from.x)));
    }
    for (std::size_t i = 0; i < kShades; ++i)
      if (!paths[i].empty()) line("<path class=\"{}\" d=\"{}\"/>", shadeClass(i + 1), paths[i]);
  }

  /// Along the upper ends and back along the lower ones, from gap to gap.
  void addBand(const Laid& laid, const Box& frame, const PanelSeries& series) {
    std::string path, back;
    const auto close = [&] {
      if (!path.empty() && !back.empty()) path += back + "z";
      back.clear();
    };
    for (const LabPoint& point : series.points) {
      const Placed high = placed(laid, frame, point.x, point.high);
      const Placed low = placed(laid, frame, point.x, point.low);
      if (!high.shown() || !low.shown()) {
        close();
        continue;
      }
      path += fmt::format("{}{},{}", back.empty() ? "M" : "L", px(high.x), px(high.y));
      back = fmt::format("L{},{}", px(low.x), px(low.y)) + back;
    }
    close();
    if (!path.empty()) line("<path class=\"band\" d=\"{}\"/>", path);
  }

  void addSymbols(const Laid& laid, const Box& frame, const PanelSeries& series,
                  const std::vector<Placed>& points) {
    const bool cloud = series.shape == PanelSeries::Shape::points;
    if (!cloud && !needsSymbols(*laid.panel, series)) return;
    // Here and there on a long line, each line's at places of its own.
    const double apart = cloud || series.markEach ? 0 : frame.width / (narrow_ ? 5 : 9);
    const std::size_t place = static_cast<std::size_t>(&series - laid.panel->series.data());
    const Symbol symbol = symbolOf(*laid.panel, series);
    double next = frame.left + apart * (0.2 + 0.23 * static_cast<double>(place % 4));
    std::string path;
    for (const Placed& point : points) {
      if (!point.shown() || (apart > 0 && point.x < next)) continue;
      path += symbolPath(symbol, point.x, point.y);
      next = point.x + apart;
    }
    if (!path.empty()) line("{}", symbols(symbol, path));
  }

  void addErrorBars(const Laid& laid, const Box& frame, const PanelSeries& series) {
    constexpr double kCap = 4;
    std::string path;
    for (const LabPoint& point : series.points) {
      if (!hasErrorBar(point)) continue;
      const Placed low = placed(laid, frame, point.x, lowEnd(point, laid.panel->y.kind));
      const Placed high = placed(laid, frame, point.x, point.high);
      if (!low.shown() || !high.shown()) continue;
      path += fmt::format("M{},{}h{c}m-{k},0V{}m-{k},0h{c}", px(low.x - kCap), px(low.y),
                          px(high.y), fmt::arg("c", px(2 * kCap)), fmt::arg("k", px(kCap)));
    }
    if (!path.empty()) line("<path class=\"bars\" d=\"{}\"/>", path);
  }

  void addBars(const Laid& laid, const Box& frame, const PanelSeries& series,
               const std::vector<Placed>& points) {
    std::string path;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (!points[i].shown()) continue;
      const double x = series.points[i].x, half = laid.panel->barWidth / 2;
      const double base = std::isfinite(series.points[i].low) ? series.points[i].low : 0;
      const double floor = toY(laid, frame, laid.y.place(base));
      const double from = frame.left + laid.x.place(x - half) * frame.width;
      const double to = frame.left + laid.x.place(x + half) * frame.width;
      path +=
          fmt::format("M{},{}V{}H{}V{}z", px(from), px(floor), px(points[i].y), px(to), px(floor));
    }
    if (!path.empty()) line("<path class=\"{}\" d=\"{}\"/>", barClass(*laid.panel, series), path);
  }

  const Picture& picture_;
  const std::string id_;
  const bool narrow_;
  const double width_;
  double left_ = 2 * kEdge, right_ = 2 * kEdge;
  std::vector<Laid> panels_;
};

template <typename Visit>
void eachInk(Visit&& visit) {
  for (const Ink& ink : kSurfaces) visit(ink);
  for (const Ink& ink : kLines) visit(ink);
}

}  // namespace

std::string plotColours(bool dark) {
  std::string css;
  eachInk([&](const Ink& ink) {
    css += fmt::format("--{}: {}; ", ink.name, dark ? ink.dark : ink.light);
  });
  css.pop_back();
  return css;
}

std::string plotSvg(const Picture& picture, PlotWidth width) {
  return PlotWriter(picture, width).draw("");
}

std::string standalonePlot(const Picture& picture) {
  const std::string style = fmt::format(
      "\nsvg {{ {} font-family: system-ui, \"DejaVu Sans\", sans-serif; }}\n"
      "@media screen and (prefers-color-scheme: dark) {{ svg {{ {} }} }}\n{}",
      plotColours(false), plotColours(true), kPlotCss);
  return PlotWriter(picture, PlotWidth::wide).draw(style);
}

}  // namespace redline
