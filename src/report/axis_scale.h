#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "report/panel.h"

namespace redline {

/// What an axis has to hold. Values that are not finite are left out.
struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  double lowestPositive = std::numeric_limits<double>::infinity();

  void add(double value);
  bool empty() const { return !(low <= high); }
};

Extent extentX(const Panel& panel);
/// Error bars included; series that do not size the axis left out.
Extent extentY(const Panel& panel);

/// The lower end of a point's error bar: at or below 0 on a logarithmic axis it ends far below the
/// point.
double lowEnd(const LabPoint& point, AxisKind kind);
bool hasErrorBar(const LabPoint& point);

/// A place on an axis with its label.
struct Tick {
  double at = 0;  ///< 0…1
  std::string label{};
};

/// An axis with its range: where a value lies, and where ticks stand.
class AxisScale {
 public:
  /// The axis's own range, or round numbers around the extent. Latencies and logCounts are
  /// logarithmic, counts begin at 0, shares at 0 or where the last percent begins.
  AxisScale(const PanelAxis& axis, const Extent& extent);

  double low() const { return low_; }
  double high() const { return high_; }
  bool isLog() const;
  /// 0 at the low end and 1 at the high one; beyond for values outside. Not a number where the axis
  /// cannot show it: 0 on a logarithmic one.
  double place(double value) const;

  /// Says whether these labels stand beside each other without touching.
  using Fits = std::function<bool(const std::vector<Tick>&)>;
  /// The densest ticks that fit, down to two.
  std::vector<Tick> ticks(const Fits& fits) const;

 private:
  std::vector<Tick> logTicks(const std::vector<double>& steps, int everyDecades) const;
  std::vector<Tick> linearTicks(double step) const;
  std::string label(double value) const;

  const PanelAxis& axis_;
  double low_ = 0, high_ = 1;
};

}  // namespace redline
