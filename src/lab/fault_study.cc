#include "lab/fault_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/units.h"
#include "model/statistics.h"

namespace redline::lab {
namespace {

constexpr double kPercentile = 0.99;

/// 1 − the share of the fault's intervals that are left in `p99`.
double lateGeneratorOf(const FaultFacts& facts) {
  const auto during = [&](const std::vector<SeriesPoint>& series) {
    return static_cast<double>(
        std::ranges::count_if(series, [&](const SeriesPoint& at) { return facts.isDuring(at); }));
  };
  const double all = during(facts.dispatch);
  return all > 0 ? 1 - during(facts.p99) / all : kNaN;
}

double aboveS(const FaultFacts& facts, double limitUs) {
  double seconds = 0;
  for (const SeriesPoint& point : facts.p99)
    if (point.endS > facts.when->fromS && point.value > limitUs)
      seconds += point.endS - point.startS;
  return seconds;
}

void readWorst(FaultFacts& facts) {
  std::vector<double> before, after;
  for (const SeriesPoint& point : facts.p99) {
    if (facts.isBefore(point)) before.push_back(point.value);
    if (point.endS > facts.when->fromS) after.push_back(point.value);
  }
  const auto count = static_cast<std::ptrdiff_t>(std::min(before.size(), after.size()));
  if (count == 0) return;
  facts.worstBefore = *std::max_element(before.end() - count, before.end());
  facts.worstAfter = *std::max_element(after.begin(), after.begin() + count);
}

void readSeries(const RunDir& run, const FaultView& view, FaultFacts& facts) {
  facts.response = responseSeries(run, kPercentile);
  if (view.p99 == FaultP99::everyInterval) {
    facts.p99 = facts.response;
    return;
  }
  facts.dispatch = dispatchSeries(run, kPercentile);
  facts.p99 = serverSeries(facts.response, facts.dispatch);
  facts.lateGenerator = lateGeneratorOf(facts);
}

FaultFacts readFault(const Reading& reading, const FaultView& view) {
  FaultFacts facts;
  const RunDir* const run = reading.dir();
  if (run == nullptr) return facts;
  facts.when = view.when(reading);
  if (!facts.when) return facts;
  const Stretch when = *facts.when;
  facts.stallUs = longestStallS(*run, when) * 1e6;
  readSeries(*run, view, facts);
  const auto firstAfter = std::ranges::find_if(
      run->servers, [&](const ServerSample& sample) { return toSeconds(sample.at) >= when.fromS; });
  facts.serverBefore = {run->servers.begin(), firstAfter};
  facts.serverAfter = {firstAfter, run->servers.end()};
  if (facts.p99.empty()) return facts;
  facts.aboveLimitS = aboveS(facts, view.limitUs);
  readWorst(facts);
  const double untilS = view.until ? view.until(reading) : facts.p99.back().endS;
  facts.spike = findSpike(facts.p99, {facts.p99.front().startS, when.fromS}, {when.fromS, untilS},
                          faultSpikeRule());
  return facts;
}

}  // namespace

Flags faultDataSet(const Parameters& p) {
  return {"-keys=" + p.text("keys"), "-value-size=" + p.text("value-size"), "-ttl-frac=0"};
}

Flags driveWithFault(const Parameters& p, std::string_view fault, std::string rate) {
  if (rate.empty()) rate = p.text("rate");
  Flags flags = joinFlags(
      {faultDataSet(p),
       {"-rate=" + rate, "-arrivals=poisson", "-conns=" + p.text("conns"),
        "-rw-ratio=" + p.text("rw-ratio"), "-wait=realtime", "-warmup=" + p.text("warmup"),
        "-duration=" + p.text("duration"), "-interval=" + p.text("interval")}});
  if (!fault.empty()) flags.push_back(fmt::format("-chaos={}:{}", p.text("at"), fault));
  return flags;
}

Status checkFaultMoment(const Parameters& p, std::string_view what) {
  const SpikeRule spike;
  if (p.seconds("at") / p.seconds("interval") < static_cast<double>(spike.leastBaseline))
    return p.refuse("at", fmt::format("a baseline needs {} intervals before the {}",
                                      spike.leastBaseline, what));
  if (p.seconds("at") >= p.seconds("duration"))
    return p.refuse("at", fmt::format("the {} comes after the measured window", what));
  return {};
}

SpikeRule faultSpikeRule() {
  SpikeRule spike;
  spike.least = 300;  // µs
  return spike;
}

std::vector<const FaultFigures*> faultsOf(const Reading& reading) {
  std::vector<const FaultFigures*> faults;
  if (const Summary* const summary = reading.summary())
    for (const FaultFigures& fault : summary->faults)
      if (fault.problem.empty() && fault.endS > 0) faults.push_back(&fault);
  return faults;
}

const FaultFigures* faultOf(const Reading& reading) {
  const auto faults = faultsOf(reading);
  return faults.empty() ? nullptr : faults.front();
}

double figureOf(const FaultFigures& fault, std::string_view name) {
  const auto found = std::ranges::find(fault.figures, name, &std::pair<std::string, double>::first);
  return found == fault.figures.end() ? kNaN : found->second;
}

std::optional<Stretch> faultStretch(const Reading& reading) {
  const FaultFigures* const fault = faultOf(reading);
  if (fault == nullptr) return std::nullopt;
  return Stretch{fault->beginS, fault->endS};
}

Measurement faultFigure(std::string_view name) {
  return [name = std::string(name)](const Reading& reading) {
    const FaultFigures* const fault = faultOf(reading);
    return fault == nullptr ? kNaN : figureOf(*fault, name);
  };
}

double longestStallS(const RunDir& run, Stretch when) {
  constexpr double kAfter = 1;
  double longest = 0;
  for (const Event& event : run.events) {
    const double at = toSeconds(event.at);
    if (event.kind == "stall" && at + toSeconds(event.duration) >= when.fromS &&
        at <= when.toS + kAfter)
      longest = std::max(longest, toSeconds(event.duration));
  }
  return longest;
}

double FaultFacts::spikeS() const {
  if (!spike || !spike->found) return kNaN;
  // With intervals left out, those between two that are above need not be.
  return isMostlyLeftOut() ? spike->aboveS : spike->durationS();
}

FaultMeasurement fieldBefore(std::string_view field) {
  return [field = std::string(field)](const Reading&, const FaultFacts& fault) {
    return fault.serverBefore.empty() ? kNaN : fault.serverBefore.back().number(field, kNaN);
  };
}

FaultMeasurement fieldAtEnd(std::string_view field) {
  return [field = std::string(field)](const Reading&, const FaultFacts& fault) {
    return fault.serverAfter.empty() ? kNaN : fault.serverAfter.back().number(field, kNaN);
  };
}

FaultMeasurement fieldGrowth(std::string_view field) {
  return [end = fieldAtEnd(field), begin = fieldBefore(field)](const Reading& run,
                                                               const FaultFacts& fault) {
    return end(run, fault) - begin(run, fault);
  };
}

FaultMeasurement fieldFastest(std::string_view field) {
  return [field = std::string(field)](const Reading& run, const FaultFacts& fault) {
    double fastest = kNaN;
    for (const double rate : ratesOf(*run.dir(), field, fault.p99))
      if (std::isfinite(rate) && !(rate <= fastest)) fastest = rate;
    return fastest;
  };
}

FaultStudy::FaultStudy(Study& study, Cells cells, FaultView view)
    : study_(study),
      cells_(std::move(cells)),
      view_(std::move(view)),
      facts_([view = view_](const Reading& reading) { return readFault(reading, view); }),
      baseline(
          pooledOf("us", [](const FaultFacts& f) { return f.spike ? f.spike->baseline : kNaN; })),
      peak(pooledOf("us", [](const FaultFacts& f) { return f.spike ? f.spike->peak : kNaN; })),
      worstBefore(pooledOf("us", [](const FaultFacts& f) { return f.worstBefore; })),
      worstAfter(pooledOf("us", [](const FaultFacts& f) { return f.worstAfter; })),
      multiple(
          meanOf("x", [](const FaultFacts& f) { return f.spike ? f.spike->multiple() : kNaN; })),
      spikeS(meanOf("s", [](const FaultFacts& f) { return f.spikeS(); })),
      stall(meanOf("us", [](const FaultFacts& f) { return f.stallUs; })),
      aboveLimit(meanOf("s", [](const FaultFacts& f) { return f.aboveLimitS; })),
      lateGenerator(meanOf("share", [](const FaultFacts& f) { return f.lateGenerator; })),
      length(meanOf(
          "s", [](const FaultFacts& f) { return f.when ? f.when->toS - f.when->fromS : kNaN; })) {}

Quantity FaultStudy::pooledOf(std::string unit,
                              const std::function<double(const FaultFacts&)>& fact) const {
  return study_.quantity(std::move(unit), facts_.of(fact), cells_);
}

Quantity FaultStudy::meanOf(std::string unit,
                            const std::function<double(const FaultFacts&)>& fact) const {
  return study_.mean(std::move(unit), facts_.of(fact), cells_);
}

Quantity FaultStudy::figure(std::string unit, std::string_view name) const {
  return study_.quantity(std::move(unit), faultFigure(name), cells_);
}

Quantity FaultStudy::mean(std::string unit, std::string_view name) const {
  return study_.mean(std::move(unit), faultFigure(name), cells_);
}

Measurement FaultStudy::of(const FaultMeasurement& figure) const {
  return [facts = facts_, figure](const Reading& reading) {
    const FaultFacts& fault = facts(reading);
    return fault.spike ? figure(reading, fault) : kNaN;
  };
}

Quantity FaultStudy::quantity(std::string unit, const FaultMeasurement& figure) const {
  return study_.quantity(std::move(unit), of(figure), cells_);
}

Quantity FaultStudy::mean(std::string unit, const FaultMeasurement& figure) const {
  return study_.mean(std::move(unit), of(figure), cells_);
}

std::size_t FaultStudy::spikes(const Cell& cell) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(study_.validRuns(cell), [this](const Reading* run) {
        const auto& spike = facts(*run).spike;
        return spike && spike->found;
      }));
}

bool FaultStudy::anyRun(const Cell& cell,
                        const std::function<bool(const FaultFacts&)>& holds) const {
  return std::ranges::any_of(study_.validRuns(cell),
                             [&](const Reading* run) { return holds(facts(*run)); });
}

bool FaultStudy::isCutOff(const Cell& cell) const {
  return anyRun(cell, [](const FaultFacts& f) { return f.spike && f.spike->cutOff; });
}

bool FaultStudy::isMostlyLeftOut(const Cell& cell) const {
  return anyRun(cell, [](const FaultFacts& f) { return f.isMostlyLeftOut(); });
}

std::string FaultStudy::lasted(const Cell& cell) const {
  return hasSpike(cell) || !isMeasured(cell) ? format(spikeS[cell]) : "no spike";
}

std::string FaultStudy::forHowLong(const Cell& cell) const {
  if (!hasSpike(cell)) return ", no spike by the rule,";
  return (isMostlyLeftOut(cell) ? " for at least " : " for ") + format(spikeS[cell]);
}

std::string FaultStudy::aboveLimitText(const Cell& cell) const {
  const bool isLowerBound = aboveLimit.has(cell) && isMostlyLeftOut(cell);
  return (isLowerBound ? "at least " : "") + format(aboveLimit[cell]);
}

void FaultStudy::claimNotMeasured(const Cell& cell, std::string id) const {
  claimNotMeasured(std::move(id), cell.title());
}

void FaultStudy::claimNotMeasured(std::string id, std::string_view what) const {
  study_.claim(std::move(id), Standing::problem)
      .from("runs that failed, or left no p99 before or after the fault")
      .text("Not measured: {}", what);
}

const Reading* FaultStudy::drawnRun(const Cell& cell) const {
  const auto runs = study_.validRuns(cell);
  return runs.empty() || !facts(*runs.front()).when ? nullptr : runs.front();
}

Plot FaultStudy::plotOverTime(std::string id, std::string title, std::string mark) const {
  Plot plot = study_.plot(std::move(id), std::move(title));
  plot.x(fmt::format("seconds since the {} began", view_.what), AxisKind::linear);
  if (!mark.empty()) plot.mark(0, std::move(mark));
  return plot;
}

void FaultStudy::addLines(Plot& plot, const Cells& cells, const SeriesOf& seriesOf) const {
  for (const Cell& cell : cells) addLine(plot, cell, cell.title(), seriesOf);
}

void FaultStudy::addLine(Plot& plot, const Cell& cell, std::string title,
                         const SeriesOf& seriesOf) const {
  constexpr double kGapS = 1e-6;
  const Reading* const run = drawnRun(cell);
  if (run == nullptr) return;
  const FaultFacts& fault = facts(*run);
  LabSeries line{.title = std::move(title), .points = {}, .markers = false};
  double endS = kNaN;
  for (const SeriesPoint& point : seriesOf ? seriesOf(*run) : fault.p99) {
    if (view_.p99 == FaultP99::withoutLateGenerator && point.startS > endS + kGapS)
      line.points.push_back({endS - fault.when->fromS, kNaN});
    line.points.push_back({point.startS - fault.when->fromS, point.value});
    endS = point.endS;
  }
  plot.series(std::move(line));
}

void FaultStudy::addHeat(Plot& plot, const Cell& cell) const {
  const Reading* const run = drawnRun(cell);
  if (run == nullptr) return;
  HeatCells heat = heatCells(*run->dir());
  for (LabPoint& each : heat.cells) each.x -= facts(*run).when->fromS;
  plot.series({.title = "operations, few to many",
               .points = std::move(heat.cells),
               .heat = true,
               .width = heat.width});
}

void FaultStudy::addRuns(Plot& plot, const Cell& cell) const {
  std::map<double, std::vector<double>> values;  // by seconds since the fault
  std::vector<double> before;
  const double lengthS = study_.parameters().seconds("interval");
  for (const Reading* const run : study_.validRuns(cell)) {
    const FaultFacts& fault = facts(*run);
    if (!fault.when) continue;
    for (const SeriesPoint& point : fault.p99) {
      values[lengthS * std::round((point.startS - fault.when->fromS) / lengthS)].push_back(
          point.value);
      if (fault.isBefore(point)) before.push_back(point.value);
    }
  }
  if (values.empty()) return;
  LabSeries all{.title = "all runs", .points = {}, .band = true};
  LabSeries median{.title = "median of the runs", .points = {}, .markers = false};
  for (const auto& [x, p99] : values) {
    all.points.push_back({x, medianOf(p99), std::ranges::min(p99), std::ranges::max(p99)});
    median.points.push_back({x, medianOf(p99)});
  }
  plot.series(std::move(all)).series(std::move(median));
  if (before.empty()) return;
  constexpr double kFew = 0.1;
  const double low = quantileOf(before, kFew), high = quantileOf(before, 1 - kFew);
  const double from = values.begin()->first, to = values.rbegin()->first;
  plot.series({.title = "p99 before",
               .points = {{from, high, low, high}, {to, high, low, high}},
               .band = true});
}

void FaultStudy::addSpan(Plot& plot, const Cells& cells,
                         const std::function<std::string(const Cell&)>& title) const {
  const auto shown =
      std::ranges::find_if(cells, [this](const Cell& cell) { return drawnRun(cell) != nullptr; });
  if (shown == cells.end()) return;
  addSpan(plot, *shown, title(*shown), view_.when);
}

void FaultStudy::addSpan(Plot& plot, const Cell& cell, std::string title,
                         const std::function<std::optional<Stretch>(const Reading&)>& when) const {
  const Reading* const run = drawnRun(cell);
  if (run == nullptr) return;
  const double zeroS = facts(*run).when->fromS;
  if (const auto stretch = when(*run))
    plot.span(stretch->fromS - zeroS, stretch->toS - zeroS, std::move(title));
}

std::string FaultStudy::spikeMethod() const {
  const SpikeRule rule = faultSpikeRule();
  return fmt::format(
      "A spike of p99, in intervals of {}: {}, and at least {:.0f} µs above it. The baseline is "
      "the window before the {}. Edges are known to within one interval",
      study_.parameters().text("interval"), rule.text(), rule.least, view_.what);
}

std::string FaultStudy::method() const {
  return spikeMethod() +
         ". A stall lasts from the first unanswered PING, asked every millisecond, to its answer";
}

}  // namespace redline::lab
