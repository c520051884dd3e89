#include "report/lab_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/units.h"
#include "record/slo.h"
#include "report/markdown_parts.h"
#include "report/text.h"

namespace redline {
namespace {

using Documents = std::vector<ExperimentDocument>;
using Line = LabAgreement::Line;
constexpr std::string_view kMissing = "–";

std::string words(const LabFigure& figure) {
  std::string text = formatQuantity(figure.value, figure.unit);
  if (std::isfinite(figure.low) && std::isfinite(figure.high))
    text += fmt::format(" [{} – {}]", formatQuantity(figure.low, figure.unit),
                        formatQuantity(figure.high, figure.unit));
  return text;
}

const LabFigure* named(const ExperimentDocument& document, std::string_view what) {
  const auto found = std::ranges::find(document.figures, what, &LabFigure::what);
  return found == document.figures.end() ? nullptr : &*found;
}

Line figureLine(const Documents& repeats, const std::string& what) {
  Line line{.what = what, .said = {}, .verdict = {}, .agrees = false};
  // Intervals overlap pairwise just when they have a point in common.
  double highestLow = -HUGE_VAL, lowestHigh = HUGE_VAL;
  bool whole = true;
  for (const ExperimentDocument& document : repeats) {
    const LabFigure* const figure = named(document, what);
    line.said.push_back(figure == nullptr ? std::string(kMissing) : words(*figure));
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

std::vector<Line> figureLines(const Documents& repeats) {
  std::vector<Line> lines;
  for (const ExperimentDocument& document : repeats)
    for (const LabFigure& figure : document.figures)
      if (std::ranges::find(lines, figure.what, &Line::what) == lines.end())
        lines.push_back(figureLine(repeats, figure.what));
  return lines;
}

std::string_view nameOf(SloVerdict verdict) {
  constexpr std::array<std::string_view, 5> kNames{"met", "missed", "found", "inconclusive",
                                                   "invalid"};
  return kNames[static_cast<std::size_t>(verdict)];
}

std::string_view nameOf(Standing standing) {
  constexpr std::array<std::string_view, 5> kNames{"a figure", "as expected", "not as expected",
                                                   "inconclusive", "mind"};
  return kNames[static_cast<std::size_t>(standing)];
}

/// Sets the verdict from whether all say the same.
void judge(Line& line) {
  line.agrees = std::ranges::all_of(
      line.said, [&](const std::string& each) { return each == line.said.front(); });
  line.verdict = line.agrees ? "agree" : "inconclusive: they differ";
}

std::vector<Line> sloLines(const Documents& repeats) {
  std::vector<Line> lines;
  for (const SloRow& row : kSloRows) {
    Line line{.what = std::string(row.metric), .said = {}, .verdict = {}, .agrees = false};
    bool any = false;
    for (const ExperimentDocument& document : repeats) {
      const auto found = std::ranges::find(document.slo, row.id, &SloOutcome::id);
      any = any || found != document.slo.end();
      line.said.emplace_back(found == document.slo.end() ? kMissing : nameOf(found->verdict));
    }
    if (!any) continue;
    judge(line);
    lines.push_back(std::move(line));
  }
  return lines;
}

/// A finding's words hold its figures, so the same finding of another repeat is known by the rule
/// that it comes from, and by its place among those of that rule.
std::map<std::string, const LabFinding*> byRule(const ExperimentDocument& document) {
  std::map<std::string, const LabFinding*> found;
  std::map<std::string, unsigned> count;
  for (const LabFinding& finding : document.findings)
    found[fmt::format("{} #{}", finding.from, ++count[finding.from])] = &finding;
  return found;
}

std::vector<Line> findingLines(const Documents& repeats) {
  std::vector<std::map<std::string, const LabFinding*>> all;
  std::map<std::string, const LabFinding*> any;
  for (const ExperimentDocument& document : repeats) {
    all.push_back(byRule(document));
    any.insert(all.back().begin(), all.back().end());
  }
  std::vector<Line> lines;
  for (const auto& [rule, first] : any) {
    // How the minute was, and no finding about Redis.
    if (first->standing == Standing::problem) continue;
    Line line{.what = first->text, .said = {}, .verdict = {}, .agrees = false};
    for (const auto& each : all) {
      const auto found = each.find(rule);
      line.said.emplace_back(found == each.end() ? kMissing : nameOf(found->second->standing));
    }
    judge(line);
    lines.push_back(std::move(line));
  }
  return lines;
}

void addLines(Text& text, std::string_view what, const std::vector<Line>& lines) {
  if (lines.empty()) return;
  std::string head = fmt::format("| {} |", what);
  std::string rule = "| --- |";
  for (std::size_t i = 0; i < lines.front().said.size(); ++i) {
    head += fmt::format(" time {} |", i + 1);
    rule += " ---: |";
  }
  text.add("{} |\n{} --- |", head, rule);
  for (const Line& line : lines) {
    std::string row = fmt::format("| {} |", escapeMarkdown(line.what));
    for (const std::string& each : line.said) row += fmt::format(" {} |", escapeMarkdown(each));
    text.add("{} {} |", row, escapeMarkdown(line.verdict));
  }
  text.blank();
}

std::size_t agreeing(const std::vector<Line>& lines) {
  return static_cast<std::size_t>(std::ranges::count(lines, true, &Line::agrees));
}

}  // namespace

bool LabAgreement::agrees() const {
  const auto all = [](const std::vector<Line>& lines) { return agreeing(lines) == lines.size(); };
  return all(figures) && all(verdicts) && all(findings);
}

LabAgreement agreementOf(const Documents& repeats) {
  const ExperimentDocument& first = repeats.front();
  return {first.name,           first.profile,     first.command,
          figureLines(repeats), sloLines(repeats), findingLines(repeats)};
}

std::string toMarkdown(const LabAgreement& agreement) {
  Text text;
  const std::size_t repeats = agreement.figures.empty() ? 0 : agreement.figures[0].said.size();
  text.add("# {}, {} times over\n", agreement.experiment, repeats);
  text.add(
      "**{}:** {} of {} headline figures have overlapping intervals, {} of {} service levels got "
      "the same verdict, {} of {} findings stand the same every time.\n",
      agreement.agrees() ? "The repeats agree" : "Inconclusive where marked",
      agreeing(agreement.figures), agreement.figures.size(), agreeing(agreement.verdicts),
      agreement.verdicts.size(), agreeing(agreement.findings), agreement.findings.size());
  text.add("Each time was (profile {}):\n", agreement.profile);
  addCode(text, agreement.command);
  addLines(text, "headline figure", agreement.figures);
  addLines(text, "service level", agreement.verdicts);
  std::vector<Line> differing;
  std::ranges::copy_if(agreement.findings, std::back_inserter(differing),
                       [](const Line& line) { return !line.agrees; });
  if (!differing.empty()) text.add("Findings that do not stand the same every time:\n");
  addLines(text, "finding, in one repeat's words", differing);
  return std::move(text).take();
}

}  // namespace redline
