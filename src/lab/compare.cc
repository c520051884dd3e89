#include "lab/compare.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace redline {

std::vector<double> Column::curve(std::size_t count) const {
  std::vector<double> y;
  for (std::size_t i = 0; i < count; ++i) y.push_back(of(i).value);
  return y;
}

std::vector<std::vector<double>> Column::repeats(std::size_t count) const {
  std::size_t whole = count == 0 ? 0 : values.front().size();
  for (std::size_t i = 0; i < count; ++i) whole = std::min(whole, values[i].size());
  std::vector<std::vector<double>> curves;
  for (std::size_t repeat = 0; repeat < whole; ++repeat) {
    std::vector<double> curve;
    for (std::size_t i = 0; i < count; ++i) curve.push_back(values[i][repeat]);
    curves.push_back(std::move(curve));
  }
  return curves;
}

std::vector<const Reading*> believedOf(const std::vector<const Reading*>& runs) {
  std::vector<const Reading*> believed;
  std::ranges::copy_if(runs, std::back_inserter(believed),
                       [](const Reading* run) { return run->record.invalid.empty(); });
  return believed.empty() ? runs : believed;
}

Conditions::Conditions(const Readings& readings, const std::vector<Labels>& labels) {
  for (const Labels& each : labels) {
    runs_.push_back(readings.with(each));
    believed_.push_back(believedOf(runs_.back()));
  }
}

Column Conditions::column(const Measurement& measurement) const {
  std::vector<std::vector<double>> values;
  for (const auto& runs : believed_) values.push_back(figuresOf(runs, measurement));
  return Column(std::move(values));
}

double Conditions::mean(std::size_t condition, const Measurement& measurement) const {
  const auto values = figuresOf(believed_[condition], measurement);
  return values.empty() ? kNaN : meanOf(values);
}

std::size_t Conditions::valid(std::size_t condition) const {
  return static_cast<std::size_t>(std::ranges::count_if(runs_[condition], [](const Reading* run) {
    return run->summary() != nullptr && run->record.invalid.empty();
  }));
}

std::vector<std::string> Conditions::names(std::initializer_list<std::size_t> conditions) const {
  std::vector<std::string> names;
  for (const std::size_t each : conditions)
    std::ranges::move(namesOf(runs_[each]), std::back_inserter(names));
  return names;
}

void addFigure(ExperimentDocument& document, std::string what, std::string_view unit,
               const Estimate& estimate) {
  if (estimate.count == 0) return;
  const bool interval = estimate.hasInterval();
  document.figures.push_back({std::move(what), std::string(unit), estimate.value,
                              interval ? estimate.low : kNaN, interval ? estimate.high : kNaN});
}

void addFinding(ExperimentDocument& document, Standing standing, std::string text, std::string from,
                std::vector<std::string> runs, bool headline) {
  document.findings.push_back(
      {{}, standing, std::move(text), std::move(from), headline, std::move(runs)});
}

Standing standingOf(const Estimate& ratio, bool expectedAbove) {
  if (!ratio.hasInterval() || ratio.contains(1)) return Standing::inconclusive;
  return (ratio.value > 1) == expectedAbove ? Standing::expected : Standing::contradicts;
}

}  // namespace redline
