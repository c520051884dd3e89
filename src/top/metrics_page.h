#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "base/result.h"

namespace redline {

/// A page in Prometheus' text format, as the driver's /metrics has it.
class MetricsPage {
 public:
  using Labels = std::map<std::string, std::string, std::less<>>;

  /// Lines that are none of the format's are passed over. invalidInput: there is no series at all.
  static Result<MetricsPage> parse(std::string_view text);

  /// Whether there is a series of which the name begins so.
  bool hasAny(std::string_view prefix) const;
  /// The sum over all series of that name that have this label's value (any, where `label` is
  /// empty); NaN where there is none.
  double sum(std::string_view name, std::string_view label = {}, std::string_view value = {}) const;
  /// Sums by the value of one label.
  std::map<std::string, double> by(std::string_view name, std::string_view label) const;
  /// The labels of the first series of that name; empty where there is none.
  Labels labelsOf(std::string_view name) const;
  /// The label's value of the series of that name whose value is 1: of a state.
  std::string current(std::string_view name, std::string_view label) const;

 private:
  struct Series {
    Labels labels;
    double value = 0;
  };
  std::multimap<std::string, Series, std::less<>> series_;
};

/// The quantile q of what came between two readings of a cumulative histogram, upper bound in
/// seconds → count, interpolated within a bucket; NaN where nothing came.
double quantileBetween(const std::map<std::string, double>& before,
                       const std::map<std::string, double>& after, double q);

}  // namespace redline
