#include "report/lab_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "record/slo.h"
#include "report/lab_document.h"

namespace redline {
namespace {

using Documents = std::vector<ExperimentDocument>;
using ComparedLine = LabAgreement::Line;
constexpr std::string_view kMissing = "–";

std::string textOf(const LabFigure& figure) {
  const Cell cell = quantityCell(figure.value, figure.low, figure.high, figure.unit);
  return cell.range.empty() ? cell.text : fmt::format("{} {}", cell.text, cell.range);
}

const LabFigure* named(const ExperimentDocument& document, std::string_view what) {
  const auto found = std::ranges::find(document.figures, what, &LabFigure::what);
  return found == document.figures.end() ? nullptr : &*found;
}

ComparedLine figureLine(const Documents& repeats, const std::string& what) {
  ComparedLine line{.what = what, .said = {}, .verdict = {}, .agrees = false};
  // Intervals overlap pairwise just when they have a point in common.
  double highestLow = -HUGE_VAL, lowestHigh = HUGE_VAL;
  bool whole = true;
  for (const ExperimentDocument& document : repeats) {
    const LabFigure* const figure = named(document, what);
    line.said.push_back(figure == nullptr ? std::string(kMissing) : textOf(*figure));
    whole = whole && figure != nullptr && std::isfinite(figure->low) && std::isfinite(figure->high);
    if (!whole) continue;
    highestLow = std::max(highestLow, figure->low);
    lowestHigh = std::min(lowestHigh, figure->high);
  }
  line.agrees = whole && highestLow <= lowestHigh;
  line.verdict = !whole        ? "inconclusive: not every repeat has an interval"
                 : line.agrees ? "intervals overlap"
                               : "inconclusive: the intervals do not all overlap";
  return line;
}

std::vector<ComparedLine> figureLines(const Documents& repeats) {
  std::vector<ComparedLine> lines;
  for (const ExperimentDocument& document : repeats)
    for (const LabFigure& figure : document.figures)
      if (std::ranges::find(lines, figure.what, &ComparedLine::what) == lines.end())
        lines.push_back(figureLine(repeats, figure.what));
  return lines;
}

/// Sets the verdict from whether all say the same.
void setVerdict(ComparedLine& line) {
  line.agrees = std::ranges::all_of(
      line.said, [&](const std::string& each) { return each == line.said.front(); });
  line.verdict = line.agrees ? "agree" : "inconclusive: they differ";
}

std::vector<ComparedLine> sloAgreement(const Documents& repeats) {
  std::vector<ComparedLine> lines;
  for (const SloRow& row : kSloRows) {
    ComparedLine line{.what = std::string(row.metric), .said = {}, .verdict = {}, .agrees = false};
    bool any = false;
    for (const ExperimentDocument& document : repeats) {
      const auto found = std::ranges::find(document.slo, row.id, &SloOutcome::id);
      any = any || found != document.slo.end();
      line.said.emplace_back(found == document.slo.end() ? kMissing : wordOf(found->verdict));
    }
    if (!any) continue;
    setVerdict(line);
    lines.push_back(std::move(line));
  }
  return lines;
}

const LabFinding* findingOf(const ExperimentDocument& document, std::string_view id) {
  const auto found = std::ranges::find(document.findings, id, &LabFinding::id);
  return found == document.findings.end() ? nullptr : &*found;
}

ComparedLine agreementOfFinding(const Documents& repeats, const LabFinding& first) {
  ComparedLine line{.what = first.text, .said = {}, .verdict = {}, .agrees = false};
  for (const ExperimentDocument& document : repeats) {
    const LabFinding* const finding = findingOf(document, first.id);
    line.said.emplace_back(finding == nullptr ? kMissing : wordOf(finding->standing));
  }
  setVerdict(line);
  return line;
}

/// Matched by their ids: the texts hold figures, and any repeat may lack any finding. Documents of
/// older versions have findings without ids, which cannot be matched. A problem tells how the
/// machine was, and is not a finding about Redis.
std::vector<ComparedLine> findingLines(const Documents& repeats) {
  std::vector<ComparedLine> lines;
  std::set<std::string_view> seen;
  for (const ExperimentDocument& document : repeats)
    for (const LabFinding& finding : document.findings)
      if (!finding.id.empty() && finding.standing != Standing::problem &&
          seen.insert(finding.id).second)
        lines.push_back(agreementOfFinding(repeats, finding));
  return lines;
}

Table tableOfLines(std::string what, const std::vector<ComparedLine>& lines) {
  Table table{.title = "", .columns = columnsOf({std::move(what)})};
  if (lines.empty()) return table;
  for (std::size_t i = 1; i <= lines.front().said.size(); ++i)
    table.columns.push_back({fmt::format("time {}", i)});
  table.columns.push_back({"verdict", ColumnKind::prose});
  for (const ComparedLine& line : lines) {
    std::vector<Cell> row{line.what};
    row.insert(row.end(), line.said.begin(), line.said.end());
    row.emplace_back(line.verdict);
    table.add(std::move(row));
  }
  return table;
}

std::size_t agreeing(const std::vector<ComparedLine>& lines) {
  return static_cast<std::size_t>(std::ranges::count(lines, true, &ComparedLine::agrees));
}

}  // namespace

bool LabAgreement::agrees() const {
  const auto all = [](const std::vector<ComparedLine>& lines) {
    return agreeing(lines) == lines.size();
  };
  return all(figures) && all(verdicts) && all(findings);
}

LabAgreement agreementOf(const Documents& repeats) {
  const ExperimentDocument& first = repeats.front();
  return {first.name,           first.profile,         first.command,
          figureLines(repeats), sloAgreement(repeats), findingLines(repeats)};
}

Document agreementDocument(const LabAgreement& agreement) {
  const std::size_t repeats = agreement.figures.empty() ? 0 : agreement.figures[0].said.size();
  Document document;
  document.title = fmt::format("{}, {} times over", agreement.experiment, repeats);
  document.origin = fmt::format("Each time was ({} profile):", agreement.profile);
  Blocks& blocks = document.blocks;
  addCode(blocks, agreement.command);
  blocks.emplace_back(
      Callout{agreement.agrees() ? Tone::good : Tone::unsure,
              agreement.agrees() ? "The repeats agree" : "Inconclusive where marked",
              {{"",
                {fmt::format("{} of {} headline figures have overlapping intervals",
                             agreeing(agreement.figures), agreement.figures.size()),
                 fmt::format("{} of {} service levels have the same verdict each time",
                             agreeing(agreement.verdicts), agreement.verdicts.size()),
                 fmt::format("{} of {} findings have the same standing each time",
                             agreeing(agreement.findings), agreement.findings.size())}}}});
  addTable(blocks, tableOfLines("headline figure", agreement.figures));
  addTable(blocks, tableOfLines("service level", agreement.verdicts));
  std::vector<ComparedLine> differing;
  std::ranges::copy_if(agreement.findings, std::back_inserter(differing),
                       [](const ComparedLine& line) { return !line.agrees; });
  if (!differing.empty()) addText(blocks, "Findings whose standing differs:");
  addTable(blocks, tableOfLines("finding, as one repeat has it", differing));
  return document;
}

}  // namespace redline
