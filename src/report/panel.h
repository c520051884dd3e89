#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/ink.h"
#include "rundir/experiment.h"

namespace redline {

// A plot as what it shows: series over two axes, with spans and marks. plot_script.h turns panels
// into a gnuplot script; nothing else knows gnuplot. Values are in the units of AxisKind
// (rundir/experiment.h): latencies microseconds, shares 0…1.

enum class Stroke { solid, dashed, dotted };
enum class Symbol { none, dot, square, triangle, openSquare, diamond };

/// One line, cloud or row of bars.
struct PanelSeries {
  enum class Shape { line, points, bars };
  std::string title{};  ///< in the key; empty: not there
  Ink ink{};
  Shape shape = Shape::line;
  Stroke stroke = Stroke::solid;
  Symbol symbol = Symbol::none;  ///< at each point
  bool large = false;            ///< the symbol
  bool sizesAxis = true;         ///< false: what does not fit the axis is cut off
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

/// A tinted stretch of the x axis. The title is left out where there is no room for it.
struct PanelSpan {
  double from = 0, to = 0;
  std::string title{};
  Ink ink = kShade;
  bool titleBelow = false;
};

/// A vertical line.
struct PanelMark {
  double x = 0;
  std::string title{};  ///< may be empty
  Ink ink = kText;
};

struct Panel {
  PanelAxis x{}, y{};
  std::vector<PanelSeries> series{};
  std::vector<PanelSpan> spans{};
  std::vector<PanelMark> marks{};
  double weight = 1;    ///< its share of the picture's height
  double barWidth = 0;  ///< on the x axis

  /// Whether anything would be drawn.
  bool empty() const;
};

/// Pixels of the picture's viewBox.
struct PictureSize {
  int width = 900, height = 400;
};

}  // namespace redline
