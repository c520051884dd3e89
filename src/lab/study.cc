#include "lab/study.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/units.h"
#include "lab/availability.h"
#include "lab/format.h"
#include "model/blocks.h"

namespace redline::lab {
namespace {

/// Every combination of levels from factor `first` on, appended to `cells`; the last varies
/// fastest.
void combine(const std::string& part, const std::vector<FactorView>& factors, std::size_t first,
             std::vector<Cell::Coordinate>& chosen, Cells& cells) {
  if (first == factors.size()) {
    cells.emplace_back(part, chosen);
    return;
  }
  const FactorView& factor = factors[first];
  for (std::size_t i = 0; i < factor.levels.size(); ++i) {
    chosen.push_back({factor.name, factor.indices[i], factor.levels[i]});
    combine(part, factors, first + 1, chosen, cells);
    chosen.pop_back();
  }
}

}  // namespace

Cells together(const std::vector<Cells>& parts) {
  Cells all;
  for (const Cells& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Grid gridOf(const std::string& part, const std::vector<FactorView>& factors) {
  Grid grid;
  std::vector<Cell::Coordinate> chosen;
  combine(part, factors, 0, chosen, grid.cells);
  return grid;
}

Claim& Claim::from(std::string_view figures) {
  from_ = figures;
  return *this;
}

Claim& Claim::headline(bool isHeadline) {
  isHeadline_ = isHeadline;
  return *this;
}

Claim& Claim::restsOn(std::vector<Measured> more) {
  std::ranges::move(more, std::back_inserter(numbers_));
  return *this;
}

void Claim::add(const std::function<std::string()>& text) {
  if (!std::ranges::all_of(numbers_, &Measured::isKnown)) return;
  study_.document().findings.push_back({.id = id_,
                                        .standing = standing_,
                                        .text = text(),
                                        .from = from_,
                                        .headline = isHeadline_,
                                        .runs = namesOf(numbers_)});
}

Table& Table::column(std::string head, CellText text) {
  table_.head.push_back(std::move(head));
  columns_.push_back(std::move(text));
  return *this;
}

Table& Table::column(std::string head, const Quantity& quantity) {
  return column(std::move(head), [quantity](const Cell& cell) { return cellOf(quantity[cell]); });
}

Table& Table::ratio(std::string head, const Quantity& quantity,
                    std::function<Cell(const Cell&)> base) {
  return column(std::move(head), [quantity, base = std::move(base)](const Cell& cell) {
    const Cell other = base(cell);
    return other == cell ? LabCell("1×") : cellOf(quantity.ratio(other, cell));
  });
}

Table& Table::validRuns(std::string head) {
  return column(std::move(head),
                [&study = study_](const Cell& cell) { return study.validText(cell); });
}

Table& Table::note(std::string text) {
  table_.note = std::move(text);
  return *this;
}

Table& Table::prose() {
  table_.prose = true;
  return *this;
}

void Table::rows(const Cells& cells, const Quantity* wanted) {
  for (const Cell& cell : cells) {
    if (wanted != nullptr && !wanted->has(cell)) continue;
    LabTable::Row row;
    for (const CellText& text : columns_) row.cells.push_back(text(cell));
    row.runs = redline::namesOf(study_.runs(cell));
    table_.rows.push_back(std::move(row));
  }
  add();
}

Table& Table::heads(std::vector<std::string> heads) {
  table_.head = std::move(heads);
  return *this;
}

Table& Table::row(std::vector<LabCell> cells, const std::vector<Measured>& from) {
  table_.rows.push_back({std::move(cells), namesOf(from)});
  return *this;
}

void Table::add() {
  if (!table_.rows.empty()) study_.document().tables.push_back(std::move(table_));
}

Plot::Plot(Study& study, std::string id, std::string title) : study_(study) {
  plot_.id = std::move(id);
  plot_.title = std::move(title);
}

Plot& Plot::describe(std::string text) {
  plot_.description = std::move(text);
  return *this;
}

Plot& Plot::x(std::string title, AxisKind kind) {
  plot_.x = {std::move(title), kind, {}};
  return *this;
}

Plot& Plot::x(std::string title, const std::vector<Level>& levels) {
  plot_.x = {std::move(title), AxisKind::names, {}};
  for (const Level& level : levels) plot_.x.names.push_back(level.title);
  return *this;
}

Plot& Plot::y(std::string title, AxisKind kind) {
  plot_.y = {std::move(title), kind, {}};
  return *this;
}

Plot& Plot::line(std::string title, const Quantity& quantity, const Cells& cells,
                 const std::function<double(const Cell&)>& place, bool connected) {
  LabSeries series;
  series.title = std::move(title);
  series.line = connected;
  for (const Cell& cell : cells)
    series.points.push_back(pointOf(place(cell), quantity[cell].estimate));
  plot_.series.push_back(std::move(series));
  return *this;
}

Plot& Plot::points(std::string title, const Quantity& quantity, const Cells& cells,
                   const std::function<double(const Cell&)>& place) {
  return line(std::move(title), quantity, cells, place, false);
}

Plot& Plot::line(std::string title, const Quantity& quantity, const Cells& cells, const Name& name,
                 bool connected) {
  const auto place = [&](const Cell& cell) {
    auto& names = plot_.x.names;
    const auto at = std::ranges::find(names, name(cell)) - names.begin();
    if (at == std::ssize(names)) names.push_back(name(cell));
    return static_cast<double>(at);
  };
  return line(std::move(title), quantity, cells, std::function<double(const Cell&)>(place),
              connected);
}

Plot& Plot::points(std::string title, const Quantity& quantity, const Cells& cells,
                   const Name& name) {
  return line(std::move(title), quantity, cells, name, false);
}

Plot& Plot::series(LabSeries series) {
  plot_.series.push_back(std::move(series));
  return *this;
}

Plot& Plot::span(double from, double to, std::string title) {
  plot_.spans.push_back({from, to, std::move(title)});
  return *this;
}

Plot& Plot::mark(double x, std::string title) {
  plot_.marks.push_back({x, std::move(title)});
  return *this;
}

Plot& Plot::main() {
  plot_.isMain = true;
  return *this;
}

void Plot::add() {
  const auto drawn = [](const LabSeries& series) {
    return std::ranges::any_of(series.points,
                               [](const LabPoint& point) { return std::isfinite(point.y); });
  };
  if (std::ranges::any_of(plot_.series, drawn)) study_.document().plots.push_back(std::move(plot_));
}

void Prediction::measured(const Measured& measured) const {
  if (!measured.isKnown()) return;
  LabPrediction& prediction = study_.document().predictions[index_];
  setMeasured(prediction, measured.estimate);
  prediction.verdict = relativeToPrediction(prediction.measured, prediction.predicted);
}

void Prediction::measured(const Measured& measured, std::string verdict) const {
  if (!measured.isKnown()) return;
  LabPrediction& prediction = study_.document().predictions[index_];
  setMeasured(prediction, measured.estimate);
  prediction.verdict = std::move(verdict);
}

double Prediction::predicted() const {
  return study_.document().predictions[index_].predicted;
}

Factor<std::string> Study::factor(std::string name, const std::vector<std::string>& texts,
                                  const std::function<std::string(const std::string&)>& title) {
  return factor<std::string>(std::move(name), texts, [&](const std::string& text) {
    double number = kNaN;
    if (const auto count = parseCount(text))
      number = static_cast<double>(*count);
    else if (const auto real = parseNumber(text))
      number = *real;
    return Level{text, title ? title(text) : text, number};
  });
}

std::string Study::stack(LabStack stack) {
  std::string name = stack.name;
  if (std::ranges::find(plan_.stacks, name, &LabStack::name) == plan_.stacks.end())
    plan_.stacks.push_back(std::move(stack));
  return name;
}

Grid Study::grid(const std::string& part, const std::vector<FactorView>& factors,
                 const RunOf& run) {
  return grid(part, factors, parameters_.repeats(), run);
}

Grid Study::grid(const std::string& part, const std::vector<FactorView>& factors, unsigned repeats,
                 const RunOf& run) {
  Grid grid = gridOf(part, factors);
  inTurn(grid.cells, repeats,
         [&](const Cell& cell, unsigned repeat) { this->run(cell, repeat, run(cell, repeat)); });
  return grid;
}

Grid Study::gridInOrder(const std::string& part, const std::vector<FactorView>& factors,
                        unsigned repeats, const RunOf& run) {
  Grid grid = gridOf(part, factors);
  for (unsigned repeat = 1; repeat <= repeats; ++repeat)
    for (const Cell& cell : grid.cells) this->run(cell, repeat, run(cell, repeat));
  return grid;
}

void Study::run(const Cell& cell, unsigned repeat, LabRun run) {
  run.name = cell.runName(repeat);
  if (run.title.empty()) run.title = fmt::format("{}, repeat {}", cell.title(), repeat);
  Labels labels = cell.labels();
  std::ranges::move(run.labels, std::back_inserter(labels));
  run.labels = std::move(labels);
  run.labels.emplace_back("repeat", std::to_string(repeat));
  plan_.runs.push_back(std::move(run));
}

void Study::runOnce(const Cell& cell, LabRun run) {
  if (run.title.empty()) run.title = cell.title();
  run.labels = cell.labels();
  plan_.runs.push_back(std::move(run));
}

void Study::inTurn(const Cells& cells, unsigned repeats,
                   const std::function<void(const Cell&, unsigned)>& visit) {
  constexpr std::uint64_t kSeed = 1;  // the same plan on every machine, and after a resume
  for (unsigned repeat = 1; repeat <= repeats; ++repeat)
    for (const std::size_t i : blockOrder(cells.size(), kSeed, repeat)) visit(cells[i], repeat);
}

std::string Study::validText(const Cell& cell) const {
  const auto all = runs(cell);
  return fmt::format("{} of {}", validCount(all), all.size());
}

Quantity Study::quantity(std::string unit, const Measurement& measurement, Cells cells) const {
  return {readings_, std::move(cells), std::move(unit), measurement, Quantity::Estimator::interval};
}

Quantity Study::quantityByGroup(std::string unit, const Measurement& measurement,
                                const std::vector<Cells>& groups) const {
  return {readings_, groups, std::move(unit), measurement, Quantity::Estimator::interval};
}

Quantity Study::available(std::string_view percentile, const Cells& cells) const {
  std::vector<std::vector<const Reading*>> conditions;
  for (const Cell& cell : cells) conditions.push_back(runs(cell));
  const std::string figure = fmt::format("{}{}_us", kAvailablePrefix, percentile);
  const bool differ = loseDifferently(conditions);
  const auto measurement = [&](const Reading& run) { return differ ? kNaN : run.figure(figure); };
  return {readings_, cells, "us", measurement, Quantity::Estimator::interval, Quantity::From::all};
}

Quantity Study::mean(std::string unit, const Measurement& measurement, Cells cells) const {
  return {readings_, std::move(cells), std::move(unit), measurement, Quantity::Estimator::mean};
}

Quantity Study::total(std::string unit, const Measurement& measurement, Cells cells) const {
  return {readings_, std::move(cells), std::move(unit), measurement, Quantity::Estimator::total};
}

void Study::figure(std::string what, const Measured& measured) {
  if (!measured.isKnown()) return;
  const Estimate& estimate = measured.estimate;
  document_.figures.push_back({std::move(what), measured.unit, estimate.value,
                               estimate.hasInterval() ? estimate.low : kNaN,
                               estimate.hasInterval() ? estimate.high : kNaN});
}

void Study::figures(std::string_view what, const Quantity& quantity, const Cells& cells) {
  for (const Cell& cell : cells)
    figure(fmt::format(fmt::runtime(what), cell.title()), quantity[cell]);
}

void Study::slo(std::string id, SloVerdict verdict, std::string measured, std::string detail,
                const std::vector<Measured>& from) {
  if (!std::ranges::all_of(from, &Measured::isKnown)) return;
  if (!from.empty() && from.front().valid == 0) verdict = SloVerdict::invalid;
  document_.slo.push_back({.id = std::move(id),
                           .measured = std::move(measured),
                           .verdict = verdict,
                           .detail = std::move(detail),
                           .runs = namesOf(from)});
}

void Study::sloBelow(std::string id, const Judged& found, const Judged& available, double limit,
                     std::string measured, std::string detail) {
  if (found.figure.isKnown()) measured += "; " + found.sides(limit);
  slo(id, found.below(limit), std::move(measured), std::move(detail), {found.figure});
  if (document_.slo.empty() || document_.slo.back().id != id || !available.figure.isKnown()) return;
  SloOutcome& outcome = document_.slo.back();
  outcome.availableVerdict = available.below(limit);
  outcome.availableMeasured =
      fmt::format("{}; {}", format(available.figure), available.sides(limit));
}

namespace {

/// False where one of them rests on disturbed runs alone.
bool haveValidRuns(const std::vector<Measured>& all) {
  return std::ranges::all_of(
      all, [](const Measured& each) { return each.runs.empty() || each.valid > 0; });
}

}  // namespace

void Study::answer(const std::vector<Measured>& from, std::string text) {
  if (!std::ranges::all_of(from, &Measured::isKnown)) return;
  document_.answer = haveValidRuns(from) ? std::move(text) : std::string(kDisturbedAnswer);
}

void Study::decide(const std::vector<Measured>& from, LabDecision decision) {
  if (!std::ranges::all_of(from, &Measured::isKnown)) return;
  decision.runs = namesOf(from);
  if (!haveValidRuns(from)) {
    decision.measured = "in disturbed runs only";
    decision.gain = kNaN;
  }
  document_.decisions.push_back(std::move(decision));
}

void Study::alternative(const std::vector<Measured>& from, std::string text) {
  if (std::ranges::all_of(from, &Measured::isKnown))
    document_.alternatives.push_back(std::move(text));
}

Prediction Study::predict(std::string what, std::string model, std::string unit, double predicted) {
  document_.predictions.push_back({.what = std::move(what),
                                   .model = std::move(model),
                                   .unit = std::move(unit),
                                   .predicted = predicted,
                                   .verdict = {}});
  return {*this, document_.predictions.size() - 1};
}

std::string rounded(const Measured& measured) {
  constexpr double kWide = 0.1;
  const double value = measured.value();
  if (!(measured.estimate.relativeHalfWidth() > kWide) || !std::isfinite(value))
    return measured.plain();
  const double step = std::pow(10, std::floor(std::log10(std::abs(value))) - 1);
  Measured shown = measured;
  shown.estimate.value = std::round(value / step) * step;
  return shown.plain();
}

std::string priceOf(const Measured& ratio, std::string_view what) {
  return expectAbove(ratio) == Standing::expected ? fmt::format("{} the {}", rounded(ratio), what)
                                                  : fmt::format("no measurable extra {}", what);
}

Standing expectAbove(const Measured& ratio) {
  if (!ratio.estimate.hasInterval() || ratio.estimate.contains(1)) return Standing::inconclusive;
  return ratio.value() > 1 ? Standing::expected : Standing::contradicts;
}

Standing expectBelow(const Measured& ratio) {
  if (!ratio.estimate.hasInterval() || ratio.estimate.contains(1)) return Standing::inconclusive;
  return ratio.value() < 1 ? Standing::expected : Standing::contradicts;
}

Standing expectMore(const Measured& one, const Measured& other) {
  if (!one.estimate.hasInterval() || !other.estimate.hasInterval() ||
      one.estimate.overlaps(other.estimate))
    return Standing::inconclusive;
  return one.value() > other.value() ? Standing::expected : Standing::contradicts;
}

SloVerdict Judged::below(double limit) const {
  constexpr std::size_t kEnough = 5;
  const auto isBelow = [limit](double value) { return value < limit; };
  if (values.size() >= kEnough && std::ranges::all_of(values, isBelow)) return SloVerdict::met;
  if (values.size() >= kEnough && std::ranges::none_of(values, isBelow)) return SloVerdict::missed;
  return lab::below(figure, limit);
}

std::string Judged::sides(double limit) const {
  const auto isBelow = [limit](double value) { return value < limit; };
  const auto below = static_cast<std::size_t>(std::ranges::count_if(values, isBelow));
  const bool mostlyBelow = 2 * below >= values.size();
  return fmt::format("{} of {} runs {} {}", mostlyBelow ? below : values.size() - below,
                     values.size(), mostlyBelow ? "below" : "above", formatQuantity(limit, "us"));
}

SloVerdict below(const Measured& measured, double limit) {
  return measured.estimate.high < limit  ? SloVerdict::met
         : measured.estimate.low > limit ? SloVerdict::missed
                                         : SloVerdict::inconclusive;
}

SloVerdict above(const Measured& measured, double limit) {
  return measured.estimate.low > limit    ? SloVerdict::met
         : measured.estimate.high < limit ? SloVerdict::missed
                                          : SloVerdict::inconclusive;
}

Result<ExperimentPlan> planOf(const Experiment& experiment, const Parameters& parameters) {
  const Readings none;
  ExperimentDocument unused;
  Study study(parameters, none, unused);
  experiment.declare(study);
  return study.plan();
}

std::vector<LabPrediction> predictionsOf(const Experiment& experiment,
                                         const Parameters& parameters) {
  const Readings none;
  ExperimentDocument document;
  Study study(parameters, none, document);
  experiment.declare(study);
  return document.predictions;
}

void analyse(const Experiment& experiment, const Parameters& parameters, const Readings& readings,
             ExperimentDocument& document) {
  document.predictions.clear();
  Study study(parameters, readings, document);
  experiment.declare(study);
}

}  // namespace redline::lab
