#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/factor.h"
#include "lab/measures.h"
#include "model/pooled.h"
#include "model/statistics.h"

namespace redline::lab {

/// One number that an experiment found, with what it rests on.
struct Measured {
  Estimate estimate;
  std::string unit;                  ///< as in formatQuantity(); "x" is a multiple
  std::vector<const Reading*> runs;  ///< that it comes from, the invalid ones included
  std::size_t valid = 0;             ///< of these runs; of two conditions, the smaller number

  /// False where no run gave a number: whatever is made of it is left out of the report.
  bool isKnown() const { return estimate.count > 0; }
  double value() const { return isKnown() ? estimate.value : kNaN; }
  /// The value without its interval: "118k/s".
  std::string plain() const;
};

/// "118k/s [116k – 121k]"; "–" where nothing was measured.
std::string format(const Measured& measured);
/// The same for a table.
LabCell cellOf(const Measured& measured);
/// The runs' names, each once.
std::vector<std::string> namesOf(const std::vector<Measured>& all);

/// One measurement over cells: each cell's runs give values, an estimator makes one number of them.
///
/// Figures are of a cell's valid runs, and of all of them where none is valid (validOrAll()): a
/// number that is marked says more than none. A measurement may read the whole run or a part of it
/// (a Reading that is cut to some of its intervals), so other estimands are other readings, not
/// other measurements.
class Quantity {
 public:
  /// What makes one number of a cell's values.
  enum class Estimator {
    /// With an interval. Of six values or more the median between two of them, and ratios by
    /// repeats (model/signed_rank.h). Of fewer the geometric mean, Student's t with the spread of
    /// all its cells (model/pooled.h).
    interval,
    mean,   ///< arithmetic mean, no interval: shares, counts, quantities that may be 0
    total,  ///< sum over all runs, the invalid ones included: rare events
  };

  /// Which of a cell's runs count.
  enum class From {
    valid,  ///< the valid ones, or all where none is
    all,    ///< a measurement that leaves out what was disturbed by itself
  };

  Quantity(const Readings& readings, Cells cells, std::string unit, const Measurement& measurement,
           Estimator estimator, From from = From::valid);
  /// Each of these groups has a spread of its own. A ratio of two groups has no interval.
  Quantity(const Readings& readings, const std::vector<Cells>& groups, std::string unit,
           const Measurement& measurement, Estimator estimator, From from = From::valid);

  /// Not known for a cell that is not one of its cells.
  Measured operator[](const Cell& cell) const;
  /// `other` ÷ `base`; known where both are.
  Measured ratio(const Cell& base, const Cell& other) const;
  bool has(const Cell& cell) const { return (*this)[cell].isKnown(); }
  bool hasAll(const Cells& cells) const;

  const Cells& cells() const { return data_->cells; }
  const std::string& unit() const { return data_->unit; }
  /// The values of a cell's runs, in the order in which they were made.
  const std::vector<double>& values(const Cell& cell) const;
  /// The estimates of these cells in order: a curve for the rules of model/curve.h. Not a number
  /// where a cell is not known.
  std::vector<double> curve(const Cells& cells) const;
  /// The same curve of each repeat in which every cell was measured.
  std::vector<std::vector<double>> repeats(const Cells& cells) const;

 private:
  struct Data {
    Cells cells;
    std::string unit;
    Estimator estimator;
    std::vector<std::vector<const Reading*>> runs;
    From from;
    std::vector<std::vector<double>> values;
    std::vector<std::vector<std::string_view>> repeats;  ///< of each of these values
    struct Group {
      std::size_t first = 0;  ///< place of its first cell
      Pooled pooled;
    };
    std::vector<Group> groups;

    const Group& groupOf(std::size_t place) const;
  };
  std::size_t place(const Cell& cell) const;  ///< cells.size() when it is not one of them
  Measured at(std::size_t place, const Estimate& estimate) const;
  /// By repeats that both cells have; none where they are too few.
  std::optional<Estimate> pairedRatio(std::size_t base, std::size_t other) const;

  std::shared_ptr<const Data> data_;
};

/// Two quantities of one cell compared, `other` ÷ `base`: run by run where there are six or more,
/// else by the pooled spread of the two.
Measured ratioWithin(const Cell& cell, const Quantity& base, const Quantity& other);

/// A ratio of two known numbers without an interval; unit "x".
Measured plainRatio(const Measured& base, const Measured& other);

/// Mean of a measurement over the valid runs of a cell that are done so far; for Drive::decide.
std::optional<double> meanSoFar(const Readings& soFar, const Cell& cell,
                                const Measurement& measurement);

/// The valid ones; all of them where none is.
std::vector<const Reading*> validOrAll(const std::vector<const Reading*>& runs);
std::size_t validCount(const std::vector<const Reading*>& runs);

/// Figures that an experiment reads from a run's directory, once for each run.
template <typename Facts>
class FactsOf {
 public:
  explicit FactsOf(std::function<Facts(const Reading&)> read) : read_(std::move(read)) {}

  const Facts& operator()(const Reading& reading) const {
    const auto [at, isNew] = known_->try_emplace(&reading);
    if (isNew) at->second = read_(reading);
    return at->second;
  }
  /// A measurement of one of them.
  Measurement of(double Facts::* figure) const {
    return [facts = *this, figure](const Reading& reading) { return facts(reading).*figure; };
  }
  Measurement of(std::function<double(const Facts&)> figure) const {
    return [facts = *this, figure = std::move(figure)](const Reading& reading) {
      return figure(facts(reading));
    };
  }

 private:
  std::function<Facts(const Reading&)> read_;
  std::shared_ptr<std::map<const Reading*, Facts>> known_ =
      std::make_shared<std::map<const Reading*, Facts>>();
};
template <typename Facts>
FactsOf(Facts (*)(const Reading&)) -> FactsOf<Facts>;

}  // namespace redline::lab

template <>
struct fmt::formatter<redline::lab::Measured> : fmt::formatter<std::string> {
  auto format(const redline::lab::Measured& measured, format_context& context) const {
    return formatter<std::string>::format(redline::lab::format(measured), context);
  }
};
