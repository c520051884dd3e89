#include "report/lab_document.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/text.h"
#include "base/units.h"
#include "os/files.h"
#include "record/slo.h"
#include "report/lab_plots.h"
#include "report/svg.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

std::string_view words(SloVerdict verdict) {
  switch (verdict) {
    case SloVerdict::met:
      return "met";
    case SloVerdict::missed:
      return "missed";
    case SloVerdict::reported:
      return "found";
    case SloVerdict::inconclusive:
      return "inconclusive";
    case SloVerdict::invalid:
      break;
  }
  return "invalid";
}

std::size_t countOf(const ExperimentDocument& experiment, RunState state) {
  return static_cast<std::size_t>(std::ranges::count(experiment.runs, state, &RunRecord::state));
}

std::size_t invalidOf(const ExperimentDocument& experiment) {
  return static_cast<std::size_t>(std::ranges::count_if(
      experiment.runs, [](const RunRecord& run) { return !run.invalid.empty(); }));
}

std::string durationWords(double seconds) {
  return formatDuration(static_cast<Nanos>(seconds) * kSecond);
}

std::string summaryLine(const ExperimentDocument& experiment) {
  std::string line = fmt::format("{} in {}, profile {}", plural(experiment.runs.size(), "run"),
                                 durationWords(experiment.durationS), experiment.profile);
  if (const auto failed = countOf(experiment, RunState::failed); failed > 0)
    line += fmt::format(", {} failed", failed);
  if (const auto skipped = countOf(experiment, RunState::skipped); skipped > 0)
    line += fmt::format(", {} not needed", skipped);
  if (const auto invalid = invalidOf(experiment); invalid > 0)
    line += fmt::format(", {} with figures that may not be quoted", invalid);
  return line;
}

std::vector<std::string> problemsOf(const ExperimentDocument& experiment) {
  std::vector<std::string> problems;
  if (experiment.state == ExperimentState::running)
    problems.emplace_back("it was broken off, or is still running: what follows is not all of it");
  if (experiment.state == ExperimentState::interrupted)
    problems.emplace_back("it was interrupted: what follows is what had been measured");
  for (const RunRecord& run : experiment.runs)
    if (run.state == RunState::failed)
      problems.push_back(fmt::format("run {} failed: {}", run.name, run.reason));
  return problems;
}

LabRunLine runLine(const ExperimentDocument& experiment, const RunRecord& run) {
  LabRunLine line{runAnchor(experiment.name, run.name), run.name, "done", run.commands};
  if (run.state == RunState::failed) line.state = "failed: " + run.reason;
  if (run.state == RunState::skipped) line.state = "not needed: " + run.reason;
  if (!run.invalid.empty()) line.state = "INVALID: " + run.invalid.front();
  return line;
}

std::optional<LabTable> predictionTable(const ExperimentDocument& experiment) {
  if (experiment.predictions.empty()) return std::nullopt;
  LabTable table{.title = "Predicted before the runs, and measured",
                 .head = {"what", "predicted", "measured", "how they compare", "by"},
                 .rows = {},
                 .note = {},
                 .prose = true};
  for (const LabPrediction& each : experiment.predictions) {
    std::string measured = formatQuantity(each.measured, each.unit);
    if (std::isfinite(each.low) && std::isfinite(each.high))
      measured += fmt::format(" [{}, {}]", formatQuantity(each.low, each.unit),
                              formatQuantity(each.high, each.unit));
    table.rows.push_back({{each.what, formatQuantity(each.predicted, each.unit), measured,
                           each.verdict.empty() ? "not measured" : each.verdict, each.model},
                          {}});
  }
  return table;
}

Status addFigure(const Plot& plot, const Drawer& draw, LabSection& section) {
  if (plot.script.empty() || !draw) return {};
  auto svg = draw(plot.script);
  if (!svg) return fail(svg.error());
  section.figures.push_back({plot.id, plot.title, plot.description,
                             standaloneSvg(*svg, plot.id, plot.title, plot.description)});
  return {};
}

Status addBlame(const LabBlame& blame, const Drawer& draw, LabSection& section) {
  section.findings.push_back(blame.finding);
  if (!blame.table.rows.empty()) section.tables.push_back(blame.table);
  return addFigure(blame.plot, draw, section);
}

Result<LabSection> sectionOf(const ExperimentDocument& experiment, const Drawer& draw,
                             const std::map<std::string, LabBlame>& blame) {
  LabSection section;
  section.id = "experiment-" + experiment.name;
  section.name = experiment.name;
  section.title = experiment.title;
  section.question = experiment.question;
  section.summary = summaryLine(experiment);
  section.problems = problemsOf(experiment);
  section.command = experiment.command;
  section.findings = experiment.findings;
  section.tables = experiment.tables;
  section.costs = experiment.costs;
  section.recommendations = experiment.recommendations;
  section.method = experiment.method;
  section.predictions = predictionTable(experiment);
  section.parameters = experiment.parameters;
  for (const RunRecord& run : experiment.runs) section.runs.push_back(runLine(experiment, run));
  for (const LabPlot& each : experiment.plots)
    if (auto added = addFigure(labPlot(each, experiment.name), draw, section); !added)
      return fail(added.error());
  if (const auto found = blame.find(experiment.name); found != blame.end())
    if (auto added = addBlame(found->second, draw, section); !added) return fail(added.error());
  return section;
}

SloLine sloLine(const SloRow& row, const std::vector<ExperimentDocument>& experiments) {
  SloLine line{std::string(row.metric), std::string(row.target), "–", "not measured", "", {}, {}};
  for (const ExperimentDocument& experiment : experiments)
    for (const SloOutcome& outcome : experiment.slo)
      if (outcome.id == row.id) {
        line.measured = outcome.measured;
        line.verdict = words(outcome.verdict);
        line.detail = outcome.detail;
        line.evidence = {experiment.name, "experiment-" + experiment.name};
        line.runs = outcome.runs;
      }
  return line;
}

void addSlo(const std::vector<ExperimentDocument>& experiments, LabReport& report) {
  // A row whose experiment nobody asked for is not this lab's.
  for (const SloRow& row : kSloRows)
    if (std::ranges::find(experiments, row.experiment, &ExperimentDocument::name) !=
        experiments.end())
      report.slo.push_back(sloLine(row, experiments));
  std::vector<std::string> parts;
  const auto count = [&](std::string_view verdict) {
    const auto found =
        static_cast<std::size_t>(std::ranges::count(report.slo, verdict, &SloLine::verdict));
    if (found > 0) parts.push_back(fmt::format("{} {}", found, verdict));
    return found;
  };
  std::size_t settled = count("met") + count("found");
  const std::size_t missed = count("missed");
  settled += missed;
  for (const std::string_view open : {"inconclusive", "invalid", "not measured"}) count(open);
  report.missed = missed > 0;
  report.complete = settled == report.slo.size();
  if (report.slo.empty())
    report.verdict = "No service level depends on these experiments";
  else
    report.verdict = fmt::format("{} of {} service levels settled: {}", settled, report.slo.size(),
                                 fmt::join(parts, ", "));
}

/// What a reader must not miss first, then what surprises, then the rest; what is not decided last.
int urgency(Standing standing) {
  switch (standing) {
    case Standing::problem:
      return 0;
    case Standing::contradicts:
      return 1;
    case Standing::expected:
    case Standing::plain:
      return 2;
    case Standing::inconclusive:
      return 3;
  }
  return 3;
}

/// The experiment's findings for the first page, the most urgent first, and no more than that many.
std::vector<const LabFinding*> headlinesOf(const ExperimentDocument& experiment, std::size_t most) {
  std::vector<const LabFinding*> found;
  for (const LabFinding& finding : experiment.findings)
    if (finding.headline) found.push_back(&finding);
  std::ranges::stable_sort(found, {},
                           [](const LabFinding* each) { return urgency(each->standing); });
  found.resize(std::min(found.size(), most));
  return found;
}

/// A first page of everything is none: of many experiments each has fewer lines.
void addHeadlines(const std::vector<ExperimentDocument>& experiments, LabReport& report) {
  constexpr std::size_t kFew = 3;
  const std::size_t mostOfOne = experiments.size() > kFew ? 2 : 3;
  for (const ExperimentDocument& experiment : experiments)
    for (const LabFinding* const finding : headlinesOf(experiment, mostOfOne))
      report.headlines.push_back(
          {finding->standing, finding->text, {experiment.name, "experiment-" + experiment.name}});
  std::ranges::stable_sort(report.headlines, {},
                           [](const HeadlineLine& line) { return urgency(line.standing); });
}

void addFacts(const std::vector<ExperimentDocument>& experiments, LabReport& report) {
  double seconds = 0;
  std::size_t runs = 0;
  for (const ExperimentDocument& experiment : experiments) {
    seconds += experiment.durationS;
    runs += experiment.runs.size();
  }
  const auto started = static_cast<std::time_t>(experiments.front().wallStart / kSecond);
  report.facts.push_back(fmt::format("Started {:%Y-%m-%d %H:%M:%S} UTC; {} in {}",
                                     fmt::gmtime(started), plural(runs, "run"),
                                     durationWords(seconds)));
  for (const ExperimentDocument& experiment : experiments) {
    const EnvironmentFigures& machine = experiment.environment;
    if (machine.cores == 0) continue;
    report.facts.push_back(fmt::format("{}, {}, {} of memory, Linux {}; Redis {}; redline {}",
                                       machine.cpu, plural(machine.cores, "core"),
                                       formatSize(machine.memoryBytes), machine.kernel,
                                       machine.redisVersion, experiment.redlineVersion));
    break;
  }
}

void addWarnings(const std::vector<ExperimentDocument>& experiments, LabReport& report) {
  if (std::ranges::any_of(experiments, &ExperimentDocument::indicative))
    report.warnings.emplace_back(
        "Indicative: the quick profile has few points and short runs. It shows directions and "
        "orders of magnitude; for figures to quote, run -profile=standard");
  for (const ExperimentDocument& experiment : experiments) {
    const auto failed = countOf(experiment, RunState::failed);
    if (experiment.state != ExperimentState::done)
      report.warnings.push_back(fmt::format("{} is not complete", experiment.name));
    if (failed > 0)
      report.warnings.push_back(
          fmt::format("{}: {} failed", experiment.name, plural(failed, "run")));
  }
}

std::string titleOf(const std::vector<ExperimentDocument>& experiments) {
  if (experiments.size() == 1) return experiments.front().title;
  return fmt::format("Redis under load: {} experiments", experiments.size());
}

}  // namespace

std::string runAnchor(std::string_view experiment, std::string_view run) {
  return fmt::format("run-{}-{}", experiment, run);
}

bool isLabDirectory(const fs::path& path) {
  std::error_code none;
  if (fs::exists(path / kExperimentFile, none)) return true;
  fs::directory_iterator entries(path, none);
  return std::any_of(begin(entries), end(entries), [&](const fs::directory_entry& entry) {
    return fs::exists(entry.path() / kExperimentFile, none);
  });
}

Result<std::vector<ExperimentDocument>> readLab(const fs::path& path) {
  std::vector<fs::path> files;
  std::error_code none;
  if (fs::exists(path / kExperimentFile, none)) files.push_back(path / kExperimentFile);
  for (const fs::directory_entry& entry : fs::directory_iterator(path, none))
    if (fs::exists(entry.path() / kExperimentFile, none))
      files.push_back(entry.path() / kExperimentFile);
  std::vector<ExperimentDocument> experiments;
  for (const fs::path& file : files) {
    const auto text = readWholeFile(file);
    if (!text) return fail(text.error());
    auto experiment = experimentFromJson(*text, file.native());
    if (!experiment) return fail(experiment.error());
    experiments.push_back(std::move(*experiment));
  }
  if (experiments.empty())
    return fail(ErrorCode::invalidInput, "{} has no experiment's results (no {})", path.native(),
                kExperimentFile);
  std::ranges::sort(experiments, [](const auto& a, const auto& b) {
    return std::pair(a.wallStart, a.name) < std::pair(b.wallStart, b.name);
  });
  return experiments;
}

Result<LabReport> buildLabReport(const std::vector<ExperimentDocument>& experiments,
                                 const Drawer& draw, const std::map<std::string, LabBlame>& blame) {
  LabReport report;
  report.title = titleOf(experiments);
  addFacts(experiments, report);
  addWarnings(experiments, report);
  addSlo(experiments, report);
  addHeadlines(experiments, report);
  if (experiments.size() > 1)
    report.command = fmt::format("redline lab run all -profile={}", experiments.front().profile);
  for (const ExperimentDocument& experiment : experiments) {
    auto section = sectionOf(experiment, draw, blame);
    if (!section) return fail(section.error());
    report.sections.push_back(std::move(*section));
  }
  return report;
}

}  // namespace redline
