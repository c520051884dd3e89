#include "lab/quantity.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "base/units.h"
#include "lab/format.h"
#include "model/signed_rank.h"

namespace redline::lab {
namespace {

/// Fewer reach no 95% without supposing a distribution.
constexpr std::size_t kEnoughBlocks = 6;

}  // namespace

std::string Measured::plain() const {
  return unit.empty() ? formatDecimals(value()) : formatQuantity(value(), unit);
}

std::string format(const Measured& measured) {
  return measured.unit.empty() ? measured.plain()
                               : formatEstimate(measured.estimate, measured.unit);
}

LabCell cellOf(const Measured& measured) {
  return measured.unit.empty() ? LabCell(measured.plain())
                               : redline::cellOf(measured.estimate, measured.unit);
}

std::vector<std::string> namesOf(const std::vector<Measured>& all) {
  std::vector<std::string> names;
  for (const Measured& measured : all)
    for (const Reading* const run : measured.runs)
      if (std::ranges::find(names, run->record.name) == names.end())
        names.push_back(run->record.name);
  return names;
}

std::vector<const Reading*> validOrAll(const std::vector<const Reading*>& runs) {
  std::vector<const Reading*> valid;
  std::ranges::copy_if(runs, std::back_inserter(valid),
                       [](const Reading* run) { return run->record.invalid.empty(); });
  return valid.empty() ? runs : valid;
}

std::size_t validCount(const std::vector<const Reading*>& runs) {
  return static_cast<std::size_t>(std::ranges::count_if(runs, [](const Reading* run) {
    const bool hasDrive = !run->record.directories.empty();  // or its actions are the run
    return (run->summary() != nullptr || !hasDrive) && run->record.invalid.empty();
  }));
}

std::optional<double> meanSoFar(const Readings& soFar, const Cell& cell,
                                const Measurement& measurement) {
  const auto values = figuresOf(validOrAll(soFar.with(cell.labels())), measurement);
  if (values.empty()) return std::nullopt;
  return meanOf(values);
}

Quantity::Quantity(const Readings& readings, Cells cells, std::string unit,
                   const Measurement& measurement, Estimator estimator, From from)
    : Quantity(readings, std::vector<Cells>{std::move(cells)}, std::move(unit), measurement,
               estimator, from) {}

Quantity::Quantity(const Readings& readings, const std::vector<Cells>& groups, std::string unit,
                   const Measurement& measurement, Estimator estimator, From from) {
  auto data = std::make_shared<Data>();
  data->unit = std::move(unit);
  data->estimator = estimator;
  data->from = from;
  const bool takesAll = estimator == Estimator::total || from == From::all;
  for (const Cells& group : groups) {
    std::vector<std::vector<double>> values;
    for (const Cell& cell : group) {
      data->runs.push_back(readings.with(cell.labels()));
      const auto& runs = data->runs.back();
      auto& ofCell = values.emplace_back();
      auto& repeats = data->repeats.emplace_back();
      for (const Reading* const run : takesAll ? runs : validOrAll(runs)) {
        const double value = measurement(*run);
        if (!std::isfinite(value)) continue;
        ofCell.push_back(value);
        repeats.push_back(run->label("repeat"));
      }
    }
    if (estimator == Estimator::interval)
      data->groups.push_back({data->cells.size(), Pooled(values)});
    std::ranges::copy(group, std::back_inserter(data->cells));
    std::ranges::move(values, std::back_inserter(data->values));
  }
  data_ = std::move(data);
}

const Quantity::Data::Group& Quantity::Data::groupOf(std::size_t place) const {
  return *std::prev(std::ranges::upper_bound(groups, place, {}, &Group::first));
}

std::size_t Quantity::place(const Cell& cell) const {
  return static_cast<std::size_t>(std::ranges::find(data_->cells, cell) - data_->cells.begin());
}

Measured Quantity::at(std::size_t place, const Estimate& estimate) const {
  const auto& runs = data_->runs[place];
  const std::size_t valid =
      data_->from == From::all ? data_->values[place].size() : validCount(runs);
  return {estimate, data_->unit, runs, valid};
}

Measured Quantity::operator[](const Cell& cell) const {
  const std::size_t i = place(cell);
  if (i == data_->cells.size()) return {};
  const auto& values = data_->values[i];
  if (data_->estimator == Estimator::interval) {
    if (values.size() >= kEnoughBlocks) return at(i, medianEstimate(values));
    const auto& group = data_->groupOf(i);
    return at(i, group.pooled.of(i - group.first));
  }
  Estimate estimate;
  estimate.count = values.size();
  if (!values.empty())
    estimate.value = data_->estimator == Estimator::mean
                         ? meanOf(values)
                         : std::accumulate(values.begin(), values.end(), 0.0);
  estimate.low = estimate.high = estimate.value;
  return at(i, estimate);
}

std::optional<Estimate> Quantity::pairedRatio(std::size_t base, std::size_t other) const {
  std::vector<double> below, above;
  for (std::size_t i = 0; i < data_->values[base].size(); ++i)
    for (std::size_t j = 0; j < data_->values[other].size(); ++j) {
      const double a = data_->values[base][i], b = data_->values[other][j];
      if (data_->repeats[base][i] != data_->repeats[other][j] || a <= 0 || b <= 0) continue;
      below.push_back(a);
      above.push_back(b);
    }
  if (below.size() < kEnoughBlocks) return std::nullopt;
  return pairedRatioEstimate(below, above);
}

Measured Quantity::ratio(const Cell& base, const Cell& other) const {
  const Measured below = (*this)[base];
  const Measured above = (*this)[other];
  Measured ratio = plainRatio(below, above);
  if (data_->estimator != Estimator::interval || !below.isKnown() || !above.isKnown()) return ratio;
  if (const auto paired = pairedRatio(place(base), place(other))) {
    ratio.estimate = *paired;
    return ratio;
  }
  const auto& group = data_->groupOf(place(base));
  if (&group == &data_->groupOf(place(other)))
    ratio.estimate = group.pooled.ratio(place(base) - group.first, place(other) - group.first);
  return ratio;
}

bool Quantity::hasAll(const Cells& cells) const {
  return std::ranges::all_of(cells, [this](const Cell& cell) { return has(cell); });
}

const std::vector<double>& Quantity::values(const Cell& cell) const {
  static const std::vector<double> kNone;
  const std::size_t i = place(cell);
  return i == data_->cells.size() ? kNone : data_->values[i];
}

std::vector<double> Quantity::curve(const Cells& cells) const {
  std::vector<double> y;
  for (const Cell& cell : cells) y.push_back((*this)[cell].value());
  return y;
}

std::vector<std::vector<double>> Quantity::repeats(const Cells& cells) const {
  std::size_t whole = cells.empty() ? 0 : values(cells.front()).size();
  for (const Cell& cell : cells) whole = std::min(whole, values(cell).size());
  std::vector<std::vector<double>> curves(whole);
  for (std::size_t repeat = 0; repeat < whole; ++repeat)
    for (const Cell& cell : cells) curves[repeat].push_back(values(cell)[repeat]);
  return curves;
}

Measured ratioWithin(const Cell& cell, const Quantity& base, const Quantity& other) {
  Measured ratio = plainRatio(base[cell], other[cell]);
  if (!ratio.isKnown()) return ratio;
  const auto &below = base.values(cell), &above = other.values(cell);
  const auto isPositive = [](double value) { return value > 0; };
  if (below.size() == above.size() && below.size() >= kEnoughBlocks &&
      std::ranges::all_of(below, isPositive) && std::ranges::all_of(above, isPositive))
    ratio.estimate = pairedRatioEstimate(below, above);
  else
    ratio.estimate = Pooled({below, above}).ratio(0, 1);
  return ratio;
}

Measured plainRatio(const Measured& base, const Measured& other) {
  Measured ratio{
      .estimate = {}, .unit = "x", .runs = base.runs, .valid = std::min(base.valid, other.valid)};
  for (const Reading* const run : other.runs)
    if (std::ranges::find(ratio.runs, run) == ratio.runs.end()) ratio.runs.push_back(run);
  if (!base.isKnown() || !other.isKnown()) return ratio;
  Estimate& estimate = ratio.estimate;
  estimate.value = estimate.low = estimate.high = other.estimate.value / base.estimate.value;
  estimate.count = std::min(base.estimate.count, other.estimate.count);
  return ratio;
}

}  // namespace redline::lab
