#include "report/lab_document.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/text.h"
#include "base/units.h"
#include "model/statistics.h"
#include "os/files.h"
#include "report/lab_front.h"
#include "report/lab_pictures.h"
#include "report/text.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

using Experiments = std::vector<ExperimentDocument>;

std::size_t countOf(const ExperimentDocument& experiment, RunState state) {
  return static_cast<std::size_t>(std::ranges::count(experiment.runs, state, &RunRecord::state));
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

FindingLine labFindingLine(const LabFinding& finding) {
  return {.tone = toneOf(finding.standing),
          .mark = capitalized(std::string(cautionOf(finding.standing))),
          .text = finding.text};
}

/// Problems first, then what surprises, then the rest; what is not decided last.
int urgency(const LabFinding& finding) {
  switch (finding.standing) {
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

std::string summaryLine(const ExperimentDocument& experiment) {
  std::string line = fmt::format("{} in {}, {} profile", plural(experiment.runs.size(), "run"),
                                 wholeSeconds(experiment.durationS), experiment.profile);
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

// The first page.

/// "620 µs with the core available ✓; target: < 1 ms".
std::string noteOf(const SloLine& line) {
  const std::string available = availableText(line);
  return fmt::format("{}{}target: {}", available, available.empty() ? "" : "; ", line.row->target);
}

Tiles tilesOf(const std::vector<SloLine>& lines) {
  Tiles tiles;
  for (const SloLine& line : lines)
    tiles.tiles.push_back(
        {.tone = toneOf(line),
         .mark = std::string(markOf(line)),
         .label = std::string(line.row->metric),
         .value = measuredText(line),
         .note = noteOf(line),
         .section = line.experiment == nullptr ? Hyperlink{} : sectionLink(*line.experiment)});
  return tiles;
}

/// The service levels with their intervals and conditions.
Table sloTable(const std::vector<SloLine>& lines) {
  Table table{.title = "",
              .columns = columnsOf({"metric", "target", "measured", "verdict", "evidence"},
                                   ColumnKind::text)};
  table.columns[2].kind = ColumnKind::prose;
  for (const SloLine& line : lines) {
    Cell measured("–"), verdict("not measured"), evidence("");
    std::vector<Hyperlink> runs;
    if (line.outcome != nullptr) {
      measured = line.outcome->measured;
      measured.detail = line.outcome->detail;
      if (!line.outcome->availableMeasured.empty())
        measured.detail =
            fmt::format("with the core available {}: {}; {}", line.outcome->availableMeasured,
                        wordOf(line.outcome->availableVerdict), measured.detail);
      verdict = wordOf(line.outcome->verdict);
      evidence.link = sectionLink(*line.experiment);
      runs = runLinks(line.experiment->name, line.outcome->runs);
    }
    verdict.tone = toneOf(line);
    table.add({line.row->metric, line.row->target, measured, verdict, evidence}, std::move(runs));
  }
  return table;
}

/// One picture of each experiment, at most eight: those that say which plot is theirs come first.
Gallery galleryOf(const Experiments& experiments) {
  constexpr std::size_t kMost = 8;
  std::vector<const ExperimentDocument*> chosen;
  for (const ExperimentDocument& experiment : experiments) chosen.push_back(&experiment);
  std::ranges::stable_partition(
      chosen, [](const ExperimentDocument* each) { return declaresMainPlot(*each); });
  chosen.resize(std::min(chosen.size(), kMost));
  Gallery gallery;
  for (const ExperimentDocument& experiment : experiments) {
    if (std::ranges::find(chosen, &experiment) == chosen.end()) continue;
    Picture picture = glanceOf(experiment);
    if (picture.panels.empty()) continue;
    gallery.items.push_back(
        {std::move(picture), answerSentence(experiment), sectionLink(experiment)});
  }
  return gallery;
}

Table decisionTable(const Experiments& experiments) {
  constexpr std::size_t kMost = 5;
  Table table{.title = "",
              .columns = columnsOf({"Do this", "because of", "at this price", "evidence"},
                                   ColumnKind::prose)};
  table.columns[0].kind = ColumnKind::prose;
  table.columns[3].kind = ColumnKind::text;
  auto decisions = decisionsOf(experiments);
  decisions.resize(std::min(decisions.size(), kMost));
  for (const RankedDecision& each : decisions) {
    Cell risk(each.decision.risk.empty() ? "–" : each.decision.risk), evidence("");
    risk.detail = each.decision.measured;
    evidence.link = sectionLink(*each.experiment);
    table.add({each.decision.action, risk, each.decision.price, evidence});
  }
  return table;
}

void addMachine(const Experiments& experiments, Blocks& blocks) {
  const std::string machine = machineText(experiments), disturbed = disturbanceText(experiments);
  addText(blocks, fmt::format("{}{}{}.", machine, machine.empty() ? "" : ". ", disturbed), true);
  for (const std::string& warning : warningsOf(experiments)) addText(blocks, warning + ".", true);
}

void addContents(const Experiments& experiments, Blocks& blocks) {
  double seconds = 0;
  std::size_t runs = 0;
  BulletList list;
  for (const ExperimentDocument& experiment : experiments) {
    seconds += experiment.durationS;
    runs += experiment.runs.size();
    list.items.push_back({.text = experiment.title,
                          .link = sectionLink(experiment),
                          .quiet = fmt::format("({})", summaryLine(experiment))});
  }
  Details details{fmt::format("Contents, and how to repeat all of it ({} in {})",
                              plural(runs, "run"), wholeSeconds(seconds)),
                  {}};
  const auto started = static_cast<std::time_t>(experiments.front().wallStart / kSecond);
  addText(details.blocks, fmt::format("Started {:%Y-%m-%d %H:%M:%S} UTC.", fmt::gmtime(started)),
          true);
  if (experiments.size() > 1) {
    addCode(details.blocks, commandsOf(experiments));
    details.blocks.emplace_back(std::move(list));
  }
  blocks.emplace_back(std::move(details));
}

void addFirstPage(const Experiments& experiments, Blocks& blocks) {
  for (const std::string& sentence : leadSentences(experiments))
    blocks.emplace_back(Paragraph{.text = sentence, .strong = true});
  const std::vector<SloLine> lines = sloLines(experiments);
  if (!lines.empty()) {
    blocks.emplace_back(Heading{.text = "Service levels", .id = "service-levels"});
    blocks.emplace_back(tilesOf(lines));
    Details details{"Service levels with their intervals and conditions", {}};
    addTable(details.blocks, sloTable(lines));
    blocks.emplace_back(std::move(details));
  }
  if (Gallery gallery = galleryOf(experiments); !gallery.items.empty()) {
    blocks.emplace_back(Heading{.text = "At a glance", .id = "glance"});
    blocks.emplace_back(std::move(gallery));
  }
  if (Table table = decisionTable(experiments); !table.rows.empty()) {
    blocks.emplace_back(Heading{.text = "What to do", .id = "decisions"});
    blocks.emplace_back(std::move(table));
  }
  addMachine(experiments, blocks);
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

FindingLine withSources(const ExperimentDocument& experiment, const LabFinding& finding) {
  FindingLine line = labFindingLine(finding);
  line.from = finding.from;
  line.runs = runLinks(experiment.name, finding.runs);
  return line;
}

/// At most five: headlines first, the most urgent of them first.
void addMainFindings(const ExperimentDocument& experiment, Blocks& blocks) {
  constexpr std::size_t kMost = 5;
  std::vector<const LabFinding*> chosen;
  for (const LabFinding& finding : experiment.findings)
    if (!isAnswer(experiment, finding)) chosen.push_back(&finding);  // that is said above
  std::ranges::stable_sort(chosen, {}, [](const LabFinding* finding) {
    return std::pair(!finding->headline, urgency(*finding));
  });
  chosen.resize(std::min(chosen.size(), kMost));
  if (chosen.empty()) return;
  FindingList list;
  for (const LabFinding* const finding : chosen) {
    list.lines.push_back(labFindingLine(*finding));
    list.lines.back().text = withoutIntervals(finding->text);
  }
  blocks.emplace_back(Heading{.level = 3, .text = "Findings"});
  blocks.emplace_back(std::move(list));
}

void addAllFindings(const ExperimentDocument& experiment, const LabBlame* blame, Blocks& blocks) {
  FindingList list;
  for (const LabFinding& finding : experiment.findings)
    list.lines.push_back(withSources(experiment, finding));
  if (blame != nullptr) list.lines.push_back(withSources(experiment, blame->finding));
  if (list.lines.empty()) return;
  Details details{
      fmt::format("All {} with their intervals and sources", plural(list.lines.size(), "finding")),
      {}};
  details.blocks.emplace_back(std::move(list));
  blocks.emplace_back(std::move(details));
}

/// What else could explain what was found: as the experiment has it, and where service levels and
/// headlines are not decided.
void addAlternatives(const ExperimentDocument& experiment, Blocks& blocks) {
  std::vector<std::string> lines;
  for (const std::string& each : experiment.alternatives)
    lines.push_back(withoutIntervals(each) + ".");
  std::vector<double> others;
  for (const RunRecord& run : experiment.runs)
    if (const double share = run.figure(kOthersOnServerCore); std::isfinite(share))
      others.push_back(share);
  constexpr double kWorthNaming = 0.03;
  if (const double share = medianOf(others); share >= kWorthNaming)
    lines.push_back(fmt::format("Other programs: they had {} of Redis's core (median of {}).",
                                formatShare(share), plural(others.size(), "run")));
  const auto invalid = static_cast<std::size_t>(std::ranges::count_if(
      experiment.runs, [](const RunRecord& run) { return !run.invalid.empty(); }));
  if (invalid > 0)
    lines.push_back(fmt::format("The runs that were left out: {} of {} {} disturbed.", invalid,
                                plural(experiment.runs.size(), "run"),
                                invalid == 1 ? "was" : "were"));
  if (lines.empty() && !experiment.findings.empty())
    lines.emplace_back("Nothing that these runs recorded.");
  addBullets(blocks, "What else could explain it", std::move(lines));
}

void addRecommendations(const ExperimentDocument& experiment, Blocks& blocks) {
  BulletList list;
  for (const LabDecision& decision : experiment.decisions)
    list.items.push_back({.text = decision.action + ".",
                          .link = {},
                          .quiet = fmt::format("Price: {}.", decision.price)});
  if (list.items.empty())
    for (const std::string& each : experiment.recommendations)
      list.items.push_back({.text = withoutIntervals(each) + "."});
  if (list.items.empty()) return;
  blocks.emplace_back(Heading{.level = 3, .text = "Recommendation"});
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

using Commands = std::vector<std::string>;

bool startsServersOrLoads(const std::string& command) {
  return command.starts_with("redline loader ") ||
         command.find("redline stack up") != std::string::npos;
}

/// The commands of a run before its own begin: they start its servers and load them.
Commands setupOf(const RunRecord& run) {
  return {run.commands.begin(), std::ranges::find_if_not(run.commands, startsServersOrLoads)};
}

Commands ownCommandsOf(const RunRecord& run) {
  return {std::ranges::find_if_not(run.commands, startsServersOrLoads), run.commands.end()};
}

/// Runs that share commands.
struct RunGroup {
  Commands commands;
  std::vector<const RunRecord*> runs;
};

/// In the order in which each of the commands appears first.
std::vector<RunGroup> grouped(const std::vector<const RunRecord*>& runs,
                              Commands (*commandsOf)(const RunRecord&)) {
  std::vector<RunGroup> groups;
  for (const RunRecord* const run : runs) {
    const Commands commands = commandsOf(*run);
    auto group = std::ranges::find(groups, commands, &RunGroup::commands);
    if (group == groups.end()) group = groups.insert(group, {commands, {}});
    group->runs.push_back(run);
  }
  return groups;
}

/// A command that several runs share is there once, behind the last of them.
void addRuns(const ExperimentDocument& experiment, Blocks& blocks) {
  Details details{"Runs, and the commands that repeat them", {}};
  addCode(details.blocks, experiment.command);
  std::vector<const RunRecord*> all;
  for (const RunRecord& run : experiment.runs) all.push_back(&run);
  for (const RunGroup& servers : grouped(all, setupOf)) {
    if (!servers.commands.empty()) {
      details.blocks.emplace_back(Paragraph{.text = fmt::format("Servers and data of the next {}:",
                                                                plural(servers.runs.size(), "run")),
                                            .quiet = true});
      details.blocks.emplace_back(Code{servers.commands});
    }
    for (const RunGroup& same : grouped(servers.runs, ownCommandsOf)) {
      for (const RunRecord* const run : same.runs)
        details.blocks.emplace_back(
            Paragraph{.text = stateText(*run),
                      .quiet = true,
                      .lead = run->name,
                      .id = runLinks(experiment.name, {run->name}).front().target});
      if (!same.commands.empty()) details.blocks.emplace_back(Code{same.commands});
    }
  }
  if (!details.blocks.empty()) blocks.emplace_back(std::move(details));
}

void addUnlessEmpty(Blocks& blocks, Details details) {
  if (!details.blocks.empty()) blocks.emplace_back(std::move(details));
}

/// Everything that supports the section, folded.
void addDetails(const ExperimentDocument& experiment, const LabBlame* blame,
                std::vector<Picture> pictures, Blocks& blocks) {
  addAllFindings(experiment, blame, blocks);
  Details more{"More pictures", {}}, tables{"Tables", {}}, advice{"All advice and costs", {}},
      slow{"Slow stretches and their causes", {}}, parameters{"Parameters", {}},
      method{"Method", {}};
  for (Picture& picture : pictures) addPicture(more.blocks, std::move(picture));
  for (const LabTable& table : experiment.tables)
    addTable(tables.blocks, tableOf(table, experiment.name));
  addTable(tables.blocks, predictionTable(experiment));
  addBullets(advice.blocks, "Advice", experiment.recommendations);
  addBullets(advice.blocks, "Costs", experiment.costs);
  if (blame != nullptr) {
    addPicture(slow.blocks, blame->picture);
    addTable(slow.blocks, blame->table);
  }
  std::vector<std::string> flags;
  for (const auto& [name, value] : experiment.parameters)
    flags.push_back(fmt::format("{} = {}", name, value));
  addFlags(parameters.blocks, std::move(flags));
  addBullets(method.blocks, "", experiment.method);
  for (Details* const details : {&more, &tables, &advice, &slow})
    addUnlessEmpty(blocks, std::move(*details));
  addRuns(experiment, blocks);
  for (Details* const details : {&parameters, &method}) addUnlessEmpty(blocks, std::move(*details));
}

void addSection(const ExperimentDocument& experiment, const LabBlame* blame, Blocks& blocks) {
  blocks.emplace_back(
      Heading{.text = experiment.title, .id = sectionLink(experiment).target, .newPage = true});
  addText(blocks, experiment.question, true);
  if (auto problems = problemsOf(experiment); !problems.empty())
    blocks.emplace_back(Callout{Tone::bad, "Incomplete", {{"", std::move(problems)}}});
  std::vector<Picture> pictures = picturesOf(experiment);
  if (!pictures.empty()) {
    addPicture(blocks, std::move(pictures.front()));
    pictures.erase(pictures.begin());
  }
  blocks.emplace_back(Paragraph{.text = answerSentence(experiment), .strong = true});
  addMainFindings(experiment, blocks);
  addAlternatives(experiment, blocks);
  addRecommendations(experiment, blocks);
  addDetails(experiment, blame, std::move(pictures), blocks);
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

std::string_view cautionOf(Standing standing) {
  const bool isCalm = standing == Standing::plain || standing == Standing::expected;
  return isCalm ? "" : wordOf(standing);
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
    withdrawUnsupportedAdvice(*experiment);
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
