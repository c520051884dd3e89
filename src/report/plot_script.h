#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/numbers.h"
#include "report/ink.h"
#include "report/report_data.h"

namespace redline {

/// A point whose y is no number breaks its line. low and high: an error bar around y; none where
/// they are no numbers.
struct Point {
  double x = 0, y = 0;
  double low = kNaN;
  double high = kNaN;
};

/// One line or cloud of a plot.
struct Series {
  std::string title;  ///< in the key; empty: not there
  std::string style;  ///< gnuplot: "lines dt 1 lw 2"
  Ink ink;
  std::vector<Point> points;
};

/// Writes a gnuplot script, part by part. The script holds its data and sets the SVG terminal.
class PlotScript {
 public:
  /// Pixels of the picture's viewBox.
  PlotScript(int width, int height);

  /// A logarithmic axis ("x" or "y") that holds [low, high] whole. Latencies are microseconds with
  /// ticks "10 µs", "1 ms"; others are counts with ticks "5k", "1M".
  PlotScript& logAxis(std::string_view axis, double low, double high, bool latency);
  /// A linear axis from 0 for counts, its ticks "5k", "10k".
  PlotScript& countAxis(std::string_view axis, double high);
  /// Ticks that say `names` at 0, 1, 2 …
  PlotScript& namesAxis(const std::vector<std::string>& names);

  /// Any command.
  PlotScript& line(std::string_view command);
  /// "set NAME 'text'", the text quoted.
  PlotScript& words(std::string_view setting, std::string_view text);
  PlotScript& xRange(double low, double high);
  PlotScript& latencyAxis(double low, double high) { return logAxis("y", low, high, true); }
  PlotScript& countAxis(double high) { return countAxis("y", high); }
  /// A shaded stretch of the x axis, with a label at `height` (0…1) where it is wide
  /// enough.
  PlotScript& shade(const Span& span, std::string_view label, const Ink& ink, double shareOfAxis,
                    double height = 0.955);
  /// A vertical line.
  PlotScript& mark(double x, const Ink& ink);
  /// Draws the series that have points.
  PlotScript& plot(const std::vector<Series>& series);
  PlotScript& beginPanels();
  /// The next panel, between two heights of the picture (0…1, from below).
  PlotScript& panel(double bottom, double top);

  const std::string& text() const { return text_; }

 private:
  std::string errorBars(const Series& series);

  std::string text_;
  int blocks_ = 0;
};

/// `text` as a gnuplot string.
std::string gnuplotQuoted(std::string_view text);

}  // namespace redline
