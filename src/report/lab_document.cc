#include "report/lab_document.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/text.h"
#include "base/units.h"
#include "os/files.h"
#include "record/product.h"
#include "record/slo.h"
#include "report/pictures.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

using Experiments = std::vector<ExperimentDocument>;

std::size_t countOf(const ExperimentDocument& experiment, RunState state) {
  return static_cast<std::size_t>(std::ranges::count(experiment.runs, state, &RunRecord::state));
}

std::string durationText(double seconds) {
  return formatDuration(static_cast<Nanos>(seconds) * kSecond);
}

Hyperlink sectionLink(const ExperimentDocument& experiment) {
  return {experiment.name, "experiment-" + experiment.name};
}

// The first page: verdict, service levels, headlines, contents.

Tone toneOf(SloVerdict verdict) {
  switch (verdict) {
    case SloVerdict::met:
      return Tone::good;
    case SloVerdict::missed:
    case SloVerdict::invalid:
      return Tone::bad;
    case SloVerdict::inconclusive:
      return Tone::unsure;
    case SloVerdict::reported:
      break;
  }
  return Tone::notable;
}

/// A row of the brief's table with its outcome, where an experiment settled it.
struct SloLine {
  const SloRow* row = nullptr;
  const SloOutcome* outcome = nullptr;
  const ExperimentDocument* experiment = nullptr;
};

std::vector<SloLine> sloLines(const Experiments& experiments) {
  std::vector<SloLine> lines;
  for (const SloRow& row : kSloRows) {
    // A row whose experiment was not asked for is not this lab's.
    if (std::ranges::find(experiments, row.experiment, &ExperimentDocument::name) ==
        experiments.end())
      continue;
    SloLine& line = lines.emplace_back(SloLine{.row = &row});
    for (const ExperimentDocument& experiment : experiments)
      for (const SloOutcome& outcome : experiment.slo)
        if (outcome.id == row.id) line = {&row, &outcome, &experiment};
  }
  return lines;
}

Table sloTable(const std::vector<SloLine>& lines) {
  Table table{.title = "",
              .columns = columnsOf({"metric", "target", "measured", "verdict", "evidence"},
                                   ColumnKind::text)};
  table.columns[2].kind = ColumnKind::prose;
  for (const SloLine& line : lines) {
    Cell measured("–"), verdict("not measured"), evidence("");
    verdict.tone = Tone::unsure;
    std::vector<Hyperlink> runs;
    if (line.outcome != nullptr) {
      measured = line.outcome->measured;
      measured.detail = line.outcome->detail;
      verdict = wordOf(line.outcome->verdict);
      verdict.tone = toneOf(line.outcome->verdict);
      evidence.link = sectionLink(*line.experiment);
      runs = runLinks(line.experiment->name, line.outcome->runs);
    }
    table.add({line.row->metric, line.row->target, measured, verdict, evidence}, std::move(runs));
  }
  return table;
}

/// "Service levels: 2 met, 1 missed, 7 measured (no target)".
Callout verdictOf(const std::vector<SloLine>& lines) {
  const auto count = [&](SloVerdict verdict) {
    return std::ranges::count_if(lines, [&](const SloLine& line) {
      return line.outcome != nullptr && line.outcome->verdict == verdict;
    });
  };
  std::vector<std::string> parts;
  std::ptrdiff_t measured = 0;
  for (const auto& [verdict, words] : std::initializer_list<std::pair<SloVerdict, const char*>>{
           {SloVerdict::met, "met"},
           {SloVerdict::missed, "missed"},
           {SloVerdict::inconclusive, "undecided"},
           {SloVerdict::invalid, "invalid"},
           {SloVerdict::reported, "measured (no target)"}})
    if (const auto found = count(verdict); found > 0) {
      parts.push_back(fmt::format("{} {}", found, words));
      measured += found;
    }
  if (const auto rest = std::ssize(lines) - measured; rest > 0)
    parts.push_back(fmt::format("{} not measured", rest));
  const auto settled = count(SloVerdict::met) + count(SloVerdict::reported);
  Callout callout;
  callout.headline = lines.empty() ? "No service level depends on these experiments"
                                   : fmt::format("Service levels: {}", fmt::join(parts, ", "));
  callout.tone = count(SloVerdict::missed) > 0  ? Tone::bad
                 : settled == std::ssize(lines) ? Tone::good
                                                : Tone::unsure;
  return callout;
}

std::vector<std::string> warningsOf(const Experiments& experiments) {
  std::vector<std::string> warnings;
  if (std::ranges::any_of(experiments, &ExperimentDocument::indicative))
    warnings.emplace_back(
        "Indicative: the quick profile has few points and short runs. It shows directions and "
        "orders of magnitude; for figures to quote, run -profile=standard");
  for (const ExperimentDocument& experiment : experiments) {
    if (experiment.state != ExperimentState::done)
      warnings.push_back(fmt::format("{} is not complete", experiment.name));
    if (const auto failed = countOf(experiment, RunState::failed); failed > 0)
      warnings.push_back(fmt::format("{}: {} failed", experiment.name, plural(failed, "run")));
  }
  return warnings;
}

void addFacts(const Experiments& experiments, Blocks& blocks) {
  double seconds = 0;
  std::size_t runs = 0;
  for (const ExperimentDocument& experiment : experiments) {
    seconds += experiment.durationS;
    runs += experiment.runs.size();
  }
  const auto started = static_cast<std::time_t>(experiments.front().wallStart / kSecond);
  addText(blocks,
          fmt::format("Started {:%Y-%m-%d %H:%M:%S} UTC; {} in {}.", fmt::gmtime(started),
                      plural(runs, "run"), durationText(seconds)),
          true);
  const auto known = std::ranges::find_if(
      experiments, [](const ExperimentDocument& each) { return each.environment.cores != 0; });
  if (known == experiments.end()) return;
  const EnvironmentFigures& machine = known->environment;
  addText(blocks,
          fmt::format("{}, {}, {} of memory, Linux {}; {}; redline {}.", machine.cpu,
                      plural(machine.cores, "core"), formatSize(machine.memoryBytes),
                      machine.kernel, productText(machine.redisVersion), known->redlineVersion),
          true);
}

Tone toneOf(Standing standing) {
  switch (standing) {
    case Standing::expected:
      return Tone::good;
    case Standing::contradicts:
      return Tone::notable;
    case Standing::inconclusive:
      return Tone::unsure;
    case Standing::problem:
      return Tone::bad;
    case Standing::plain:
      break;
  }
  return Tone::neutral;
}

std::string markOf(Standing standing) {
  switch (standing) {
    case Standing::contradicts:
      return "Not as expected";
    case Standing::inconclusive:
      return "Inconclusive";
    case Standing::problem:
      return "Caution";
    case Standing::plain:
    case Standing::expected:
      break;
  }
  return "";
}

FindingLine labFindingLine(const LabFinding& finding) {
  return {.tone = toneOf(finding.standing), .mark = markOf(finding.standing), .text = finding.text};
}

/// Problems first, then what surprises, then the rest; what is not decided last.
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
      break;
  }
  return 3;
}

/// The most urgent headlines, at most that many of each experiment: two where there are many.
FindingList headlinesOf(const Experiments& experiments) {
  constexpr std::size_t kFew = 3;
  const std::size_t most = experiments.size() > kFew ? 2 : 3;
  std::vector<std::pair<const LabFinding*, Hyperlink>> all;
  const auto byUrgency = [](const auto& each) { return urgency(each.first->standing); };
  for (const ExperimentDocument& experiment : experiments) {
    std::vector<std::pair<const LabFinding*, Hyperlink>> own;
    for (const LabFinding& finding : experiment.findings)
      if (finding.headline) own.emplace_back(&finding, sectionLink(experiment));
    std::ranges::stable_sort(own, {}, byUrgency);
    own.resize(std::min(own.size(), most));
    all.insert(all.end(), own.begin(), own.end());
  }
  std::ranges::stable_sort(all, {}, byUrgency);
  FindingList list;
  for (const auto& [finding, section] : all) {
    list.lines.push_back(labFindingLine(*finding));
    list.lines.back().section = section;
  }
  return list;
}

std::string summaryLine(const ExperimentDocument& experiment) {
  std::string line = fmt::format("{} in {}, {} profile", plural(experiment.runs.size(), "run"),
                                 durationText(experiment.durationS), experiment.profile);
  const auto add = [&](std::size_t count, std::string_view words) {
    if (count > 0) line += fmt::format(", {} {}", count, words);
  };
  add(countOf(experiment, RunState::failed), "failed");
  add(countOf(experiment, RunState::skipped), "not needed");
  add(static_cast<std::size_t>(std::ranges::count_if(
          experiment.runs, [](const RunRecord& run) { return !run.invalid.empty(); })),
      "invalid");
  return line;
}

void addContents(const Experiments& experiments, Blocks& blocks) {
  if (experiments.size() < 2) return;
  blocks.emplace_back(Heading{.text = "Experiments", .id = "experiments"});
  BulletList list;
  for (const ExperimentDocument& experiment : experiments)
    list.items.push_back({.text = experiment.title,
                          .link = sectionLink(experiment),
                          .quiet = fmt::format("({})", summaryLine(experiment))});
  blocks.emplace_back(std::move(list));
}

void addFirstPage(const Experiments& experiments, Blocks& blocks) {
  const std::vector<SloLine> lines = sloLines(experiments);
  Callout verdict = verdictOf(lines);
  if (auto warnings = warningsOf(experiments); !warnings.empty())
    verdict.groups.push_back({"", std::move(warnings)});
  blocks.emplace_back(std::move(verdict));
  addFacts(experiments, blocks);
  if (experiments.size() > 1)
    addCode(blocks, fmt::format("redline lab run all -profile={}", experiments.front().profile));
  if (!lines.empty())
    blocks.emplace_back(Heading{.text = "Service levels", .id = "service-levels"});
  addTable(blocks, sloTable(lines));
  if (FindingList headlines = headlinesOf(experiments); !headlines.lines.empty()) {
    blocks.emplace_back(Heading{.text = "Main findings", .id = "findings"});
    blocks.emplace_back(std::move(headlines));
  }
  addContents(experiments, blocks);
}

// A section for each experiment.

std::vector<std::string> problemsOf(const ExperimentDocument& experiment) {
  std::vector<std::string> problems;
  if (experiment.state == ExperimentState::running)
    problems.emplace_back("the experiment was cut off, or is still running");
  if (experiment.state == ExperimentState::interrupted)
    problems.emplace_back("the experiment was interrupted; what follows had been measured by then");
  for (const RunRecord& run : experiment.runs)
    if (run.state == RunState::failed)
      problems.push_back(fmt::format("run {} failed: {}", run.name, run.reason));
  return problems;
}

void addFindings(const ExperimentDocument& experiment, const LabBlame* blame, Blocks& blocks) {
  FindingList list;
  const auto add = [&](const LabFinding& finding) {
    FindingLine line = labFindingLine(finding);
    line.from = finding.from;
    line.runs = runLinks(experiment.name, finding.runs);
    list.lines.push_back(std::move(line));
  };
  for (const LabFinding& finding : experiment.findings) add(finding);
  if (blame != nullptr) add(blame->finding);
  if (list.lines.empty()) return;
  blocks.emplace_back(Heading{.level = 3, .text = "Findings"});
  blocks.emplace_back(std::move(list));
}

Table tableOf(const LabTable& from, std::string_view experiment) {
  Table table{.title = from.title,
              .columns = from.prose ? proseColumns(from.head) : columnsOf(from.head),
              .note = from.note};
  for (const LabTable::Row& row : from.rows) {
    std::vector<Cell> cells;
    for (const LabCell& cell : row.cells) cells.emplace_back(cell.text).range = cell.range;
    table.add(std::move(cells), runLinks(experiment, row.runs));
  }
  return table;
}

Table predictionTable(const ExperimentDocument& experiment) {
  Table table{.title = "Predicted before the runs, and measured",
              .columns = proseColumns({"what", "predicted", "measured", "comparison", "model"})};
  for (const LabPrediction& each : experiment.predictions)
    table.add({each.what, formatQuantity(each.predicted, each.unit),
               quantityCell(each.measured, each.low, each.high, each.unit),
               each.verdict.empty() ? "not measured" : each.verdict, each.model});
  return table;
}

std::string stateText(const RunRecord& run) {
  if (!run.invalid.empty()) return "INVALID: " + run.invalid.front().text;
  switch (run.state) {
    case RunState::failed:
      return "failed: " + run.reason;
    case RunState::skipped:
      return "not needed: " + run.reason;
    case RunState::done:
      break;
  }
  return "done";
}

void addRuns(const ExperimentDocument& experiment, Blocks& blocks) {
  if (experiment.runs.empty()) return;
  Details details{"All runs, and the commands that repeat them", {}};
  for (const RunRecord& run : experiment.runs) {
    details.blocks.emplace_back(
        Paragraph{.text = stateText(run),
                  .quiet = true,
                  .lead = run.name,
                  .id = runLinks(experiment.name, {run.name}).front().target});
    if (!run.commands.empty()) details.blocks.emplace_back(Code{run.commands});
  }
  blocks.emplace_back(std::move(details));
}

void addDetails(const ExperimentDocument& experiment, Blocks& blocks) {
  addRuns(experiment, blocks);
  Details parameters{"Parameters", {}}, method{"Method", {}};
  std::vector<std::string> flags;
  for (const auto& [name, value] : experiment.parameters)
    flags.push_back(fmt::format("{} = {}", name, value));
  addFlags(parameters.blocks, std::move(flags));
  addBullets(method.blocks, "", experiment.method);
  for (Details* const details : {&parameters, &method})
    if (!details->blocks.empty()) blocks.emplace_back(std::move(*details));
}

void addSection(const ExperimentDocument& experiment, const LabBlame* blame, Blocks& blocks) {
  blocks.emplace_back(
      Heading{.text = experiment.title, .id = sectionLink(experiment).target, .newPage = true});
  addText(blocks, fmt::format("{}: {}.", experiment.name, summaryLine(experiment)), true);
  addText(blocks, experiment.question);
  if (auto problems = problemsOf(experiment); !problems.empty())
    blocks.emplace_back(Callout{Tone::bad, "Incomplete", {{"", std::move(problems)}}});
  addFindings(experiment, blame, blocks);
  for (const LabPlot& plot : experiment.plots) addPicture(blocks, pictureOf(plot, experiment.name));
  if (blame != nullptr) addPicture(blocks, blame->picture);
  for (const LabTable& table : experiment.tables) addTable(blocks, tableOf(table, experiment.name));
  if (blame != nullptr) addTable(blocks, blame->table);
  addTable(blocks, predictionTable(experiment));
  addBullets(blocks, "Cost", experiment.costs);
  addBullets(blocks, "Recommendation", experiment.recommendations);
  blocks.emplace_back(Heading{.level = 3, .text = "Reproduce"});
  addCode(blocks, experiment.command);
  addDetails(experiment, blocks);
}

}  // namespace

std::vector<Hyperlink> runLinks(std::string_view experiment, const std::vector<std::string>& runs) {
  std::vector<Hyperlink> links;
  links.reserve(runs.size());
  for (const std::string& run : runs)
    links.push_back({run, fmt::format("run-{}-{}", experiment, run)});
  return links;
}

std::string_view wordOf(SloVerdict verdict) {
  constexpr std::array<std::string_view, 5> kWords{"met", "missed", "measured", "undecided",
                                                   "invalid"};
  return kWords[static_cast<std::size_t>(verdict)];
}

std::string_view wordOf(Standing standing) {
  constexpr std::array<std::string_view, 5> kWords{"a figure", "as expected", "not as expected",
                                                   "inconclusive", "caution"};
  return kWords[static_cast<std::size_t>(standing)];
}

Cell quantityCell(double value, double low, double high, std::string_view unit) {
  Cell cell = formatQuantity(value, unit);
  if (std::isfinite(low) && std::isfinite(high))
    cell.range = fmt::format("[{} – {}]", formatQuantity(low, unit), formatQuantity(high, unit));
  return cell;
}

bool isLabDirectory(const fs::path& path) {
  std::error_code none;
  if (fs::exists(path / kExperimentFile, none)) return true;
  fs::directory_iterator entries(path, none);
  return std::any_of(begin(entries), end(entries), [&](const fs::directory_entry& entry) {
    return fs::exists(entry.path() / kExperimentFile, none);
  });
}

Result<Experiments> readLab(const fs::path& path) {
  std::vector<fs::path> files;
  std::error_code none;
  if (fs::exists(path / kExperimentFile, none)) files.push_back(path / kExperimentFile);
  for (const fs::directory_entry& entry : fs::directory_iterator(path, none))
    if (fs::exists(entry.path() / kExperimentFile, none))
      files.push_back(entry.path() / kExperimentFile);
  Experiments experiments;
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

Document labDocument(const Experiments& experiments, const std::map<std::string, LabBlame>& blame) {
  Document document;
  document.title = experiments.size() == 1
                       ? experiments.front().title
                       : fmt::format("Redis under load: {} experiments", experiments.size());
  document.origin =
      "Written by redline report from the directories of the runs; every sentence is computed from "
      "their figures.";
  addFirstPage(experiments, document.blocks);
  for (const ExperimentDocument& experiment : experiments) {
    const auto found = blame.find(experiment.name);
    addSection(experiment, found == blame.end() ? nullptr : &found->second, document.blocks);
  }
  return document;
}

}  // namespace redline
