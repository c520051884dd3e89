#include "report/markdown.h"

#include <string_view>

#include "report/markdown_parts.h"
#include "report/text.h"

namespace redline {
namespace {

void addVerdict(Text& text, const ReportVerdict& verdict) {
  text.add("> **{}**", escapeMarkdown(verdict.headline));
  const auto list = [&](const std::vector<std::string>& lines, std::string_view before) {
    for (const std::string& line : lines) text.add(">\n> - {}{}", before, escapeMarkdown(line));
  };
  list(verdict.reasons, "");
  list(verdict.notes, "Note: ");
  list(verdict.warnings, "Missing from the run directory: ");
  text.blank();
}

void addFindings(Text& text, std::string_view level, const std::vector<Finding>& findings) {
  if (findings.empty()) return;
  text.add("{} Findings\n", level);
  for (const Finding& finding : findings)
    text.add("- {}{}. *From {}.*", finding.weight == Weight::problem ? "**Mind:** " : "",
             escapeMarkdown(finding.text), escapeMarkdown(finding.from));
  text.blank();
}

void addKeyFigures(Text& text, const std::vector<KeyFigure>& key) {
  if (key.empty()) return;
  std::string head = "|";
  std::string rule = "|";
  std::string row = "|";
  for (const KeyFigure& figure : key) {
    head += fmt::format(" {} |", escapeMarkdown(figure.label));
    rule += " ---: |";
    row += fmt::format(" {} |", escapeMarkdown(figure.value));
  }
  text.add("{}\n{}\n{}\n", head, rule, row);
}

void addRun(Text& text, std::string_view level, const RunSection& run) {
  addVerdict(text, run.verdict);
  addKeyFigures(text, run.key);
  if (!run.command.empty()) {
    text.add("{} What ran\n", level);
    if (!run.whenAndWhere.empty()) text.add("{}\n", escapeMarkdown(run.whenAndWhere));
    addCode(text, run.command);
  }
  addFindings(text, level, run.findings);
  addFigures(text, level, run.figures);
  for (const Table& table : run.tables) addTable(text, level, table);
  if (run.flags.empty()) return;
  text.add("{} Every flag\n", level);
  for (const auto& [name, value] : run.flags)
    text.add("{}", markdownCode(fmt::format("-{}={}", name, value)));
  text.blank();
}

}  // namespace

std::string toMarkdown(const Report& report) {
  Text text;
  const bool several = report.runs.size() > 1;
  text.add("# {}\n", escapeMarkdown(report.title));
  text.add(
      "Written by `redline report` from run directories alone; every sentence is computed from "
      "the figures that it names.\n");
  for (const Table& table : report.comparison) addTable(text, "##", table);
  addFigures(text, "##", report.comparisonFigures);
  for (const RunSection& run : report.runs) {
    if (several) text.add("## {}\n", escapeMarkdown(run.name));
    addRun(text, several ? "###" : "##", run);
  }
  return std::move(text).take();
}

}  // namespace redline
