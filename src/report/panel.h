#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/ink.h"
#include "rundir/experiment.h"

namespace redline {

// A plot as what it shows: series over two axes, with spans and marks. plot_svg.h draws it. Values
// are in the units of AxisKind (rundir/experiment.h): latencies microseconds, shares 0…1.

enum class Stroke { solid, dashed, dotted };
/// `own`: by the series' place in its panel, so that lines are told apart without colours.
enum class Symbol { own, dot, square, triangle, diamond, openDot, openSquare };

/// One line, cloud or row of bars. A bar stands on 0, or on its point's `low` where that is a
/// number: so bars are stacked. A band is the area between its points' `low` and `high`. A heat map
/// has a cell for each point, from `low` to `high`, the darker the larger y is (logarithmic).
struct PanelSeries {
  enum class Shape { line, points, bars, band, heat };
  std::string title{};  ///< in the key; empty: not there
  Ink ink{};
  Shape shape = Shape::line;
  Stroke stroke = Stroke::solid;
  Symbol symbol = Symbol::own;
  bool markEach = false;  ///< a symbol at each point of a line, not here and there
  bool sizesAxis = true;  ///< false: what does not fit the axis is cut off
  double cellWidth = 0;   ///< of a heat map's cells, from their x on
  std::vector<LabPoint> points{};
};

struct PanelAxis {
  std::string title{};
  AxisKind kind = AxisKind::linear;
  std::vector<std::string> names{};                     ///< for AxisKind::names
  std::optional<std::pair<double, double>> range{};     ///< else what the series need
  double step = 0;                                      ///< between ticks of a linear axis; 0: any
  std::vector<std::pair<double, std::string>> ticks{};  ///< instead of numbers
};

/// A tinted stretch of the x axis. Titles of spans and marks stand inside the frame, above the
/// data; those for which there is no room are left out.
struct PanelSpan {
  double from = 0, to = 0;
  std::string title{};
  Ink ink = kShade;
};

/// A vertical line.
struct PanelMark {
  double x = 0;
  std::string title{};  ///< may be empty
  Ink ink = kText;
};

struct Panel {
  std::string title{};  ///< above it, where a picture has several
  PanelAxis x{}, y{};
  std::vector<PanelSeries> series{};
  std::vector<PanelSpan> spans{};
  std::vector<PanelMark> marks{};
  double weight = 1;    ///< its share of the frames' height
  double barWidth = 0;  ///< on the x axis

  /// Whether anything would be drawn.
  bool empty() const;
};

}  // namespace redline
