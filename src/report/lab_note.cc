#include "report/lab_note.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "record/product.h"
#include "report/lab_document.h"
#include "report/lab_front.h"
#include "report/lab_pictures.h"

namespace redline {
namespace {

using Experiments = std::vector<ExperimentDocument>;

/// "5 of 5 runs valid"; of a quick profile also that it is indicative.
std::string confidenceOf(const RankedDecision& ranked) {
  const ExperimentDocument& experiment = *ranked.experiment;
  std::size_t all = 0, valid = 0;
  for (const RunRecord& run : experiment.runs) {
    const auto& runs = ranked.decision.runs;
    if (!runs.empty() && std::ranges::find(runs, run.name) == runs.end()) continue;
    if (run.state != RunState::done) continue;
    ++all;
    if (run.invalid.empty()) ++valid;
  }
  return fmt::format("{}{} of {} valid", experiment.indicative ? "indicative; " : "", valid,
                     plural(all, "run"));
}

Table priceTable(const Experiments& experiments) {
  Table table{.title = "",
              .columns = proseColumns({"risk", "measured", "do this", "price", "confidence"})};
  for (const RankedDecision& each : decisionsOf(experiments)) {
    const LabDecision& decision = each.decision;
    const auto orNone = [](const std::string& text) { return text.empty() ? "–" : text; };
    table.add({orNone(decision.risk), orNone(decision.measured), decision.action, decision.price,
               confidenceOf(each)});
  }
  return table;
}

Table levelTable(const std::vector<SloLine>& lines) {
  Table table{.title = "", .columns = proseColumns({"", "service level", "target", "measured"})};
  for (const SloLine& line : lines) {
    Cell measured = measuredText(line);
    measured.detail = availableText(line);
    table.add({markOf(line), line.row->metric, line.row->target, measured});
  }
  return table;
}

void addSummary(const Experiments& experiments, Blocks& blocks) {
  std::string all;
  for (const std::string& sentence : leadSentences(experiments))
    all += (all.empty() ? "" : " ") + sentence;
  addText(blocks, std::move(all));
  addTable(blocks, priceTable(experiments));
  addTable(blocks, levelTable(sloLines(experiments)));
  const std::string machine = machineText(experiments);
  addText(blocks, fmt::format("{}{}.", machine.empty() ? "" : "Measured on " + machine + ". ",
                              disturbanceText(experiments)));
  for (const std::string& warning : warningsOf(experiments)) addText(blocks, warning + ".");
}

/// Headlines other than the answer itself; a problem only where nothing else is there to say.
std::vector<std::string> remarksOf(const ExperimentDocument& experiment) {
  constexpr std::size_t kMost = 2;
  std::vector<std::string> remarks;
  for (const LabFinding& finding : experiment.findings)
    if (finding.headline && !isAnswer(experiment, finding) && remarks.size() < kMost)
      remarks.push_back(withoutIntervals(finding.text) + ".");
  return remarks;
}

void addSection(const ExperimentDocument& experiment, std::size_t number, Blocks& blocks) {
  blocks.emplace_back(Heading{.text = fmt::format("{}. {}", number, experiment.title)});
  auto pictures = picturesOf(experiment);
  if (!pictures.empty()) {
    pictures.front().description.clear();
    addPicture(blocks, std::move(pictures.front()));
  }
  blocks.emplace_back(Paragraph{.text = answerSentence(experiment), .strong = true});
  addBullets(blocks, "", remarksOf(experiment));
  for (const LabDecision& decision : experiment.decisions)
    addText(blocks, fmt::format("{}. Price: {}.", decision.action, decision.price));
}

std::vector<std::string> notMeasured(const Experiments& experiments) {
  std::vector<std::string> lines;
  for (const SloLine& line : sloLines(experiments))
    if (markOf(line) == "?")
      lines.push_back(
          fmt::format("{}: {}.", line.row->metric,
                      line.outcome != nullptr && line.outcome->verdict == SloVerdict::inconclusive
                          ? measuredText(line) + ", which does not decide it"
                          : measuredText(line)));
  for (const ExperimentDocument& experiment : experiments)
    for (const LabFinding& finding : experiment.findings)
      if (finding.id == "invalid-runs" ||
          (finding.headline && finding.standing == Standing::problem))
        lines.push_back(fmt::format("{}: {}.", experiment.name, withoutIntervals(finding.text)));
  return lines;
}

std::vector<std::string> surprises(const Experiments& experiments) {
  constexpr std::size_t kMost = 5;
  std::vector<std::string> headlines, others;
  for (const ExperimentDocument& experiment : experiments)
    for (const LabFinding& finding : experiment.findings)
      if (finding.standing == Standing::contradicts)
        (finding.headline ? headlines : others)
            .push_back(fmt::format("{}: {}.", experiment.name, withoutIntervals(finding.text)));
  headlines.insert(headlines.end(), others.begin(), others.end());
  headlines.resize(std::min(headlines.size(), kMost));
  return headlines;
}

void addList(Blocks& blocks, std::string_view title, std::vector<std::string> lines) {
  if (lines.empty()) return;
  blocks.emplace_back(Heading{.text = std::string(title)});
  addBullets(blocks, "", std::move(lines));
}

}  // namespace

Document labNote(const Experiments& experiments) {
  Document note;
  const std::string& version = experiments.front().environment.redisVersion;
  note.title = experiments.size() == 1
                   ? experiments.front().title
                   : fmt::format("Where one {} shard breaks, and what each fix costs",
                                 version.empty() ? "Redis" : productText(version));
  note.origin =
      "Written by redline report; every figure is computed from the runs. Intervals, tables and "
      "commands are in details.md, pictures with a cursor in report.html.";
  addSummary(experiments, note.blocks);
  std::size_t number = 0;
  for (const ExperimentDocument& experiment : experiments)
    addSection(experiment, ++number, note.blocks);
  addList(note.blocks, "What could not be measured", notMeasured(experiments));
  addList(note.blocks, "What surprised us", surprises(experiments));
  note.blocks.emplace_back(Heading{.text = "How to repeat it"});
  addCode(note.blocks, commandsOf(experiments));
  return note;
}

}  // namespace redline
