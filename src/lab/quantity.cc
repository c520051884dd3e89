#include "lab/quantity.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "base/units.h"
#include "lab/format.h"

namespace redline::lab {

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
                   const Measurement& measurement, Estimator estimator)
    : Quantity(readings, std::vector<Cells>{std::move(cells)}, std::move(unit), measurement,
               estimator) {}

Quantity::Quantity(const Readings& readings, const std::vector<Cells>& groups, std::string unit,
                   const Measurement& measurement, Estimator estimator) {
  auto data = std::make_shared<Data>();
  data->unit = std::move(unit);
  data->estimator = estimator;
  for (const Cells& group : groups) {
    std::vector<std::vector<double>> values;
    for (const Cell& cell : group) {
      data->runs.push_back(readings.with(cell.labels()));
      const auto& runs = data->runs.back();
      values.push_back(
          figuresOf(estimator == Estimator::total ? runs : validOrAll(runs), measurement));
    }
    if (estimator == Estimator::pooled)
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
  return {estimate, data_->unit, runs, validCount(runs)};
}

Measured Quantity::operator[](const Cell& cell) const {
  const std::size_t i = place(cell);
  if (i == data_->cells.size()) return {};
  if (data_->estimator == Estimator::pooled) {
    const auto& group = data_->groupOf(i);
    return at(i, group.pooled.of(i - group.first));
  }
  const auto& values = data_->values[i];
  Estimate estimate;
  estimate.count = values.size();
  if (!values.empty())
    estimate.value = data_->estimator == Estimator::mean
                         ? meanOf(values)
                         : std::accumulate(values.begin(), values.end(), 0.0);
  estimate.low = estimate.high = estimate.value;
  return at(i, estimate);
}

Measured Quantity::ratio(const Cell& base, const Cell& other) const {
  const Measured below = (*this)[base];
  const Measured above = (*this)[other];
  if (data_->estimator != Estimator::pooled || !below.isKnown() || !above.isKnown())
    return plainRatio(below, above);
  Measured ratio = plainRatio(below, above);
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
  if (ratio.isKnown()) ratio.estimate = Pooled({base.values(cell), other.values(cell)}).ratio(0, 1);
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
