#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lab/experiment.h"
#include "lab/measures.h"
#include "model/pooled.h"

namespace redline {

/// One figure of each condition: its repeats, and what they say together.
struct Column {
  std::vector<std::vector<double>> values;  ///< by condition
  Pooled pooled;

  explicit Column(std::vector<std::vector<double>> of) : values(std::move(of)), pooled(values) {}
  Estimate of(std::size_t condition) const { return pooled.of(condition); }
  Estimate ratio(std::size_t base, std::size_t other) const { return pooled.ratio(base, other); }
  bool has(std::size_t condition) const { return pooled.of(condition).count > 0; }
  /// The first `count` conditions' values: a curve for the rules of model/curve.h.
  std::vector<double> curve(std::size_t count) const;
  /// The same of single repeats, those in which each of them was measured.
  std::vector<std::vector<double>> repeats(std::size_t count) const;
};

/// Those whose figures may be believed; all of them where none may, since a figure that is marked
/// says more than none. Who shows such figures says so (Conditions::valid).
std::vector<const Reading*> believedOf(const std::vector<const Reading*>& runs);

/// The runs of conditions that are held against each other, each found by its labels. Figures are
/// of believedOf() each.
class Conditions {
 public:
  Conditions(const Readings& readings, const std::vector<Labels>& labels);

  std::size_t size() const { return runs_.size(); }
  const std::vector<const Reading*>& runs(std::size_t condition) const { return runs_[condition]; }
  /// Of which figures are taken, and plots drawn.
  const std::vector<const Reading*>& believed(std::size_t condition) const {
    return believed_[condition];
  }
  Column column(const Measurement& measurement) const;
  /// Mean over a condition's repeats; not a number when it was not measured.
  double mean(std::size_t condition, const Measurement& measurement) const;
  /// How many of its runs have figures that may be believed.
  std::size_t valid(std::size_t condition) const;
  /// Names of all runs of these conditions.
  std::vector<std::string> names(std::initializer_list<std::size_t> conditions) const;

 private:
  std::vector<std::vector<const Reading*>> runs_, believed_;
};

/// Conditions of whose runs an experiment wants to know `Facts`, taken from each run's directory
/// once.
template <typename Facts>
class ConditionsWith : public Conditions {
 public:
  using Figure = std::function<double(const Facts&)>;

  ConditionsWith(const Readings& readings, const std::vector<Labels>& labels,
                 Facts (*read)(const Reading&))
      : Conditions(readings, labels), read_(read) {}

  const Facts& facts(const Reading& reading) {
    const auto [at, isNew] = known_.try_emplace(&reading);
    if (isNew) at->second = read_(reading);
    return at->second;
  }

  using Conditions::column;
  Column column(const Figure& figure) { return Conditions::column(ofReading(figure)); }
  using Conditions::mean;
  double mean(std::size_t condition, const Figure& figure) {
    return Conditions::mean(condition, ofReading(figure));
  }

 private:
  Measurement ofReading(const Figure& figure) {
    return [this, &figure](const Reading& reading) { return figure(facts(reading)); };
  }

  Facts (*read_)(const Reading&);
  std::map<const Reading*, Facts> known_;
};

/// A headline figure, by which repeats of the whole experiment are held against each other.
void addFigure(ExperimentDocument& document, std::string what, std::string_view unit,
               const Estimate& estimate);

/// Adds a finding.
void addFinding(ExperimentDocument& document, Standing standing, std::string text, std::string from,
                std::vector<std::string> runs = {}, bool headline = false);

/// How a ratio that the textbook expects above (or below) 1 came out: expected, contradicts, or
/// inconclusive when the interval holds 1, or there is none.
Standing standingOf(const Estimate& ratio, bool expectedAbove);

}  // namespace redline
