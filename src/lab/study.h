#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "lab/experiment.h"
#include "lab/factor.h"
#include "lab/quantity.h"

namespace redline::lab {

/// Cells that are measured alike: every combination of their factors' levels, each as often as
/// `repeat` says, in an order that favours none (Study::inTurn()).
struct Grid {
  Cells cells;  ///< the last factor varies fastest

  bool has(const Cell& cell) const { return std::ranges::find(cells, cell) != cells.end(); }
  /// Those for which `factor` has the level of this label.
  template <typename T>
  Cells where(const Factor<T>& factor, std::string_view label) const {
    Cells some;
    for (const Cell& cell : cells)
      if (cell.is(factor, label)) some.push_back(cell);
    return some;
  }
  Cells where(const std::function<bool(const Cell&)>& wanted) const {
    Cells some;
    std::ranges::copy_if(cells, std::back_inserter(some), wanted);
    return some;
  }
  /// The grid of those alone: grid.only(fault, "bgsave").at(child, "server").
  template <typename T>
  Grid only(const Factor<T>& factor, std::string_view label) const {
    return {where(factor, label)};
  }
  /// The first of those; a cell without runs where the grid has none of that label.
  template <typename T>
  Cell at(const Factor<T>& factor, std::string_view label) const {
    const Cells some = where(factor, label);
    return some.empty() ? Cell("none", {{factor.name(), 0, {.label = "none", .title = {}}}})
                        : some.front();
  }
};

/// The cells of several grids, for a quantity that is pooled over all of them.
Cells together(const std::vector<Cells>& parts);
/// By the number of their level of `factor`, the smallest first: what stands first in the TOML is
/// not what is smallest.
template <typename T>
Cells ascending(Cells cells, const Factor<T>& factor) {
  std::ranges::stable_sort(cells, {}, [&](const Cell& cell) { return cell.level(factor).number; });
  return cells;
}

/// A grid whose runs are added one by one (Study::run), because they follow those of other grids in
/// turn.
Grid gridOf(const std::string& part, const std::vector<FactorView>& factors);

class Study;

/// A figure with the runs' own values, for a verdict by a limit.
struct Judged {
  Measured figure;
  std::vector<double> values;

  static Judged of(const Quantity& quantity, const Cell& cell) {
    return {quantity[cell], quantity.values(cell)};
  }
  /// Met where the whole interval, or each of five values or more, lies below the limit; missed
  /// where it lies above.
  SloVerdict below(double limit) const;
  /// "5 of 5 runs above 1 ms".
  std::string sides(double limit) const;
};

/// A finding in the making; text() adds it.
class Claim {
 public:
  Claim(Study& study, std::string id, Standing standing)
      : study_(study), id_(std::move(id)), standing_(standing) {}

  /// The figures and the rule that it is computed from.
  Claim& from(std::string_view figures);
  /// Belongs on the report's first page.
  Claim& headline(bool isHeadline = true);
  /// Rests on these as well, beside the numbers in its text.
  Claim& restsOn(std::vector<Measured> more);

  /// Adds the finding, unless one of its numbers is not known. A sentence without its full stop.
  template <typename... Args>
  void text(fmt::format_string<Args...> format, Args&&... args) {
    (noteIfMeasured(args), ...);
    add([&] { return fmt::format(format, std::forward<Args>(args)...); });
  }

 private:
  template <typename T>
  void noteIfMeasured(const T& argument) {
    if constexpr (std::same_as<std::remove_cvref_t<T>, Measured>) numbers_.push_back(argument);
  }
  void add(const std::function<std::string()>& text);

  Study& study_;
  std::string id_;
  Standing standing_;
  std::string from_;
  bool isHeadline_ = false;
  std::vector<Measured> numbers_;
};

/// A table in the making: columns first, then rows() adds it.
class Table {
 public:
  using CellText = std::function<LabCell(const Cell&)>;

  Table(Study& study, std::string title) : study_(study) { table_.title = std::move(title); }

  Table& column(std::string head, CellText text);
  Table& column(std::string head, const Quantity& quantity);
  /// The quantity ÷ that of the cell that `base` gives; "1×" in that cell itself.
  Table& ratio(std::string head, const Quantity& quantity, std::function<Cell(const Cell&)> base);
  /// "3 of 4": how many of a cell's runs are valid.
  Table& validRuns(std::string head = "valid runs");
  Table& note(std::string text);
  /// Cells are sentences, not figures.
  Table& prose();
  /// One row for each cell. With `wanted`, only for cells for which it is known.
  void rows(const Cells& cells, const Quantity* wanted = nullptr);
  /// For a table that is not one row a cell: its heads, then row() for each, then add().
  Table& heads(std::vector<std::string> heads);
  Table& row(std::vector<LabCell> cells, const std::vector<Measured>& from = {});
  /// Adds the table if it has rows.
  void add();

 private:
  Study& study_;
  LabTable table_;
  std::vector<CellText> columns_;
};

/// A plot in the making; add() adds it if it has a point.
class Plot {
 public:
  Plot(Study& study, std::string id, std::string title);

  Plot& describe(std::string text);
  Plot& x(std::string title, AxisKind kind);
  /// Levels of a factor side by side.
  Plot& x(std::string title, const std::vector<Level>& levels);
  Plot& y(std::string title, AxisKind kind);
  /// A point of `quantity` for each cell at `place(cell)`, with its interval.
  Plot& line(std::string title, const Quantity& quantity, const Cells& cells,
             const std::function<double(const Cell&)>& place, bool connected = true);
  Plot& points(std::string title, const Quantity& quantity, const Cells& cells,
               const std::function<double(const Cell&)>& place);
  /// The same on an axis of names: a cell's place is that of its name, which the axis takes in the
  /// order in which names come up.
  using Name = std::function<std::string(const Cell&)>;
  Plot& line(std::string title, const Quantity& quantity, const Cells& cells, const Name& name,
             bool connected = true);
  Plot& points(std::string title, const Quantity& quantity, const Cells& cells, const Name& name);
  Plot& series(LabSeries series);
  Plot& span(double from, double to, std::string title);
  Plot& mark(double x, std::string title);
  /// It is the experiment's picture, on the report's first page too.
  Plot& main();
  void add();

 private:
  Study& study_;
  LabPlot plot_;
};

/// What a model says before the run; what came is filled in later.
class Prediction {
 public:
  Prediction(Study& study, std::size_t index) : study_(study), index_(index) {}
  /// With the verdict "1.3× the prediction". Nothing where it is not known.
  void measured(const Measured& measured) const;
  void measured(const Measured& measured, std::string verdict) const;
  double predicted() const;

 private:
  Study& study_;
  std::size_t index_;
};

/// One experiment as it is declared: what it varies, what it runs, what it makes of the numbers.
///
/// An experiment is one function over a Study (Experiment::declare). It is called without readings
/// for the plan and the predictions, and with them for the report; numbers of runs that are not
/// there are not known, and what is said with them is left out. So there is one text for what runs
/// and for what it means, and every condition is found by its levels, never by its place.
class Study {
 public:
  Study(const Parameters& parameters, const Readings& readings, ExperimentDocument& document)
      : parameters_(parameters), readings_(readings), document_(document) {}

  const Parameters& parameters() const { return parameters_; }

  // What runs.

  /// A factor of plain texts, one level each; `title` may say how people call them. Texts that are
  /// counts or numbers have their place on an axis.
  static Factor<std::string> factor(
      std::string name, const std::vector<std::string>& texts,
      const std::function<std::string(const std::string&)>& title = {});
  /// A factor of structs; `level` says what each is called.
  template <typename T>
  static Factor<T> factor(std::string name, std::vector<T> payloads,
                          const std::function<Level(const T&)>& level) {
    std::vector<Level> levels;
    levels.reserve(payloads.size());
    for (const T& each : payloads) levels.push_back(level(each));
    return {std::move(name), std::move(levels), std::move(payloads)};
  }

  /// Servers for the runs; returns their name, for LabRun::stack. Declared twice alike, they are
  /// one.
  std::string stack(LabStack stack);
  /// One run of a cell: stack, actions and drives; name and labels are the cell's.
  using RunOf = std::function<LabRun(const Cell&, unsigned repeat)>;
  /// A grid of every combination of these factors. `part` is the label {"part", …} by which its
  /// runs are told from those of other grids; empty where there is one grid. Runs follow those of
  /// the grids declared before.
  Grid grid(const std::string& part, const std::vector<FactorView>& factors, const RunOf& run);
  Grid grid(const std::string& part, const std::vector<FactorView>& factors, unsigned repeats,
            const RunOf& run);
  /// The same in the order of the cells, every repeat: for runs that rest on earlier ones of their
  /// grid.
  Grid gridInOrder(const std::string& part, const std::vector<FactorView>& factors,
                   unsigned repeats, const RunOf& run);
  /// The n-th repeat of a cell, after the runs that are declared already. Its name is the cell's,
  /// and so are its labels, before those that it brings.
  void run(const Cell& cell, unsigned repeat, LabRun run);
  /// The only run of a cell, under the name that it brings.
  void runOnce(const Cell& cell, LabRun run);
  /// Visits cells in blocks: all of a repeat before the next, each in an order of its own that
  /// chance decides, the same every time.
  static void inTurn(const Cells& cells, unsigned repeats,
                     const std::function<void(const Cell&, unsigned repeat)>& visit);

  // What it means.

  const Readings& readings() const { return readings_; }
  /// Runs of a cell that are done; valid ones, or all where none is.
  std::vector<const Reading*> runs(const Cell& cell) const { return readings_.with(cell.labels()); }
  std::vector<const Reading*> validRuns(const Cell& cell) const { return validOrAll(runs(cell)); }
  /// "3 of 4".
  std::string validText(const Cell& cell) const;

  /// With an interval (Quantity::Estimator::interval).
  Quantity quantity(std::string unit, const Measurement& measurement, Cells cells) const;
  /// The same where these groups of cells scatter differently: each has a spread of its own.
  Quantity quantityByGroup(std::string unit, const Measurement& measurement,
                           const std::vector<Cells>& groups) const;
  /// Response time with the core available (lab/availability.h), at "p50", "p90" or "p99": of all
  /// runs, since each leaves out what was disturbed. Not known where these cells lost different
  /// shares of their intervals beyond chance, and in labs of older versions.
  Quantity available(std::string_view percentile, const Cells& cells) const;
  /// Its mean, without an interval.
  Quantity mean(std::string unit, const Measurement& measurement, Cells cells) const;
  /// Its sum over all runs, the invalid ones included.
  Quantity total(std::string unit, const Measurement& measurement, Cells cells) const;

  /// `id`: [a-z0-9-], unique in its experiment; repeats of a lab are compared by it.
  Claim claim(std::string id, Standing standing) { return {*this, std::move(id), standing}; }
  Table table(std::string title) { return {*this, std::move(title)}; }
  Plot plot(std::string id, std::string title) { return {*this, std::move(id), std::move(title)}; }
  /// A headline figure, by which repeats of the whole experiment are compared.
  void figure(std::string what, const Measured& measured);
  /// One for each cell: "write p99, {}".
  void figures(std::string_view what, const Quantity& quantity, const Cells& cells);
  /// A row of the brief's service levels. Left out where one of `from` is not known; invalid where
  /// the first of them rests on no valid run.
  void slo(std::string id, SloVerdict verdict, std::string measured, std::string detail,
           const std::vector<Measured>& from);
  /// The same for a latency below a limit: the verdict on it as found, and beside it the one on it
  /// with the core available, where that is known. A row that is invalid as found is settled by the
  /// other. `measured` says what was found.
  void sloBelow(std::string id, const Judged& found, const Judged& available, double limit,
                std::string measured, std::string detail);
  Prediction predict(std::string what, std::string model, std::string unit, double predicted);

  /// The answer to the experiment's question: a sentence without its full stop, with at most two
  /// numbers and no interval. Left out where one of `from` is not known; where one rests on
  /// disturbed runs alone, that is the answer.
  void answer(const std::vector<Measured>& from, std::string text);
  /// What to do about a risk, and its price; left out likewise.
  void decide(const std::vector<Measured>& from, LabDecision decision);
  /// What else could explain what was found; left out likewise.
  void alternative(const std::vector<Measured>& from, std::string text);

  /// Left out where one of the numbers in it is not known.
  template <typename... Args>
  void recommend(fmt::format_string<Args...> format, Args&&... args) {
    if (allKnown(args...))
      document_.recommendations.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  /// What a remedy or a setting costs; left out likewise.
  template <typename... Args>
  void cost(fmt::format_string<Args...> format, Args&&... args) {
    if (allKnown(args...))
      document_.costs.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  /// How intervals, knees and spikes were found.
  void method(std::string text) { document_.method.push_back(std::move(text)); }

  /// The document itself, for what none of the above says.
  ExperimentDocument& document() { return document_; }
  /// What the grids declared so far run.
  const ExperimentPlan& plan() const { return plan_; }

 private:
  template <typename T>
  static bool isKnown(const T& argument) {
    if constexpr (std::same_as<std::remove_cvref_t<T>, Measured>) return argument.isKnown();
    return true;
  }
  template <typename... Args>
  static bool allKnown(const Args&... args) {
    return (isKnown(args) && ...);
  }

  const Parameters& parameters_;
  const Readings& readings_;
  ExperimentDocument& document_;
  ExperimentPlan plan_;
};

/// For prose: "118k/s", and "2.2 ms" where the interval does not warrant three digits.
std::string rounded(const Measured& measured);
/// What a remedy costs, by the ratio of what is paid with it and without: "1.4× the CPU for each
/// GET". Where its interval does not lie above 1: "no measurable extra CPU for each GET".
std::string priceOf(const Measured& ratio, std::string_view what);

// How a claim stands, by the interval of a ratio or by a limit.

/// The textbook expects this ratio above 1: expected, contradicts, or inconclusive where its
/// interval holds 1.
Standing expectAbove(const Measured& ratio);
Standing expectBelow(const Measured& ratio);
/// The textbook expects `one` above `other`, which were measured apart and have no ratio:
/// inconclusive where their intervals meet, or one has none.
Standing expectMore(const Measured& one, const Measured& other);
/// Met where the whole interval lies below the limit, missed where it lies above.
SloVerdict below(const Measured& measured, double limit);
/// Met where the whole interval lies above the limit, missed where it lies below.
SloVerdict above(const Measured& measured, double limit);

// What the runner asks of a declared experiment.

Result<ExperimentPlan> planOf(const Experiment& experiment, const Parameters& parameters);
std::vector<LabPrediction> predictionsOf(const Experiment& experiment,
                                         const Parameters& parameters);
/// Adds to the document what the readings say.
void analyse(const Experiment& experiment, const Parameters& parameters, const Readings& readings,
             ExperimentDocument& document);

}  // namespace redline::lab
