#include "lab/factor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "os/console.h"

namespace redline::lab {

std::string Level::slug() const {
  std::string slug = name.empty() ? label : name;
  std::ranges::transform(slug, slug.begin(), [](char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
  });
  return slug;
}

std::string Cell::title() const {
  std::vector<std::string_view> titles;
  for (const Coordinate& each : coordinates_)
    if (!each.level.title.empty()) titles.push_back(each.level.title);
  return fmt::format("{}", fmt::join(titles, ", "));
}

Labels Cell::labels() const {
  Labels labels;
  if (!part_.empty()) labels.emplace_back("part", part_);
  for (const Coordinate& each : coordinates_) labels.emplace_back(each.factor, each.level.label);
  return labels;
}

std::string Cell::name() const {
  std::string name = part_;
  for (const Coordinate& each : coordinates_) {
    if (!name.empty()) name += '-';
    name += each.level.slug();
  }
  return name;
}

std::string Cell::runName(unsigned repeat) const {
  return fmt::format("{}-r{}", name(), repeat);
}

Cell Cell::with(Coordinate coordinate) const {
  Cell other = *this;
  for (Coordinate& each : other.coordinates_)
    if (each.factor == coordinate.factor) each = coordinate;
  return other;
}

const Cell::Coordinate& Cell::coordinate(std::string_view factor) const {
  const auto found = std::ranges::find(coordinates_, factor, &Coordinate::factor);
  if (found != coordinates_.end()) return *found;
  // A mistake in the experiment's code, whatever its parameters are.
  printErr("redline: a cell of grid '{}' has no factor '{}'\n", part_, factor);
  std::abort();
}

}  // namespace redline::lab
