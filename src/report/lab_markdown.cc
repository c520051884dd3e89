#include "report/lab_markdown.h"

#include <algorithm>

#include "report/markdown_parts.h"
#include "report/text.h"

namespace redline {
namespace {

std::string_view markOf(Standing standing) {
  switch (standing) {
    case Standing::contradicts:
      return "**Not as expected:** ";
    case Standing::inconclusive:
      return "**Inconclusive:** ";
    case Standing::problem:
      return "**Mind:** ";
    case Standing::plain:
    case Standing::expected:
      break;
  }
  return "";
}

/// A forge's anchor of a heading: lower case, blanks to dashes, all else that is no letter or digit
/// left out. Headings of experiments are their names, which need none of it.
std::string linkTo(const LabLink& link) {
  return link.target.empty() ? escapeMarkdown(link.label)
                             : fmt::format("[{}](#{})", escapeMarkdown(link.label), link.label);
}

void addBullets(Text& text, std::string_view heading, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  text.add("### {}\n", heading);
  for (const std::string& line : lines) text.add("- {}", escapeMarkdown(line));
  text.blank();
}

void addSlo(Text& text, const LabReport& report) {
  text.add("## Service levels\n");
  text.add("| metric | target | measured | verdict | evidence |\n| --- | --- | --- | --- | --- |");
  for (const SloLine& line : report.slo) {
    const std::string detail =
        line.detail.empty() ? std::string{} : fmt::format("; {}", escapeMarkdown(line.detail));
    text.add("| {} | {} | {}{} | **{}** | {} |", escapeMarkdown(line.metric),
             escapeMarkdown(line.target), escapeMarkdown(line.measured), detail,
             escapeMarkdown(line.verdict), linkTo(line.evidence));
  }
  text.blank();
}

void addFirstPage(Text& text, const LabReport& report) {
  text.add("> **{}**", escapeMarkdown(report.verdict));
  for (const std::string& warning : report.warnings) text.add(">\n> - {}", escapeMarkdown(warning));
  text.blank();
  for (const std::string& fact : report.facts) text.add("{}.\n", escapeMarkdown(fact));
  if (!report.command.empty()) addCode(text, report.command);
  if (!report.slo.empty()) addSlo(text, report);
  if (report.headlines.empty()) return;
  text.add("## What matters most\n");
  for (const HeadlineLine& line : report.headlines)
    text.add("- {}{}. ({})", markOf(line.standing), escapeMarkdown(line.text),
             linkTo(line.section));
  text.blank();
}

/// The first of the runs, by name: their commands are in the list at the section's end.
std::string runNames(const std::vector<std::string>& runs) {
  if (runs.empty()) return "";
  return markdownCode(runs.front()) +
         (runs.size() > 1 ? fmt::format(" + {}", runs.size() - 1) : std::string{});
}

void addLabTable(Text& text, const LabTable& table) {
  text.add("### {}\n", escapeMarkdown(table.title));
  const bool anyRuns =
      std::ranges::any_of(table.rows, [](const auto& row) { return !row.runs.empty(); });
  std::string head = "|";
  std::string rule = "|";
  for (std::size_t i = 0; i < table.head.size(); ++i) {
    head += fmt::format(" {} |", escapeMarkdown(table.head[i]));
    rule += i == 0 || table.prose ? " --- |" : " ---: |";
  }
  text.add("{}{}\n{}{}", head, anyRuns ? " runs |" : "", rule, anyRuns ? " --- |" : "");
  for (const LabTable::Row& row : table.rows) {
    std::string line = "|";
    for (const std::string& cell : row.cells) line += fmt::format(" {} |", escapeMarkdown(cell));
    if (anyRuns) line += fmt::format(" {} |", runNames(row.runs));
    text.add("{}", line);
  }
  text.blank();
  if (!table.note.empty()) text.add("{}\n", escapeMarkdown(table.note));
}

void addFindings(Text& text, const LabSection& section) {
  if (section.findings.empty()) return;
  text.add("### Findings\n");
  for (const LabFinding& finding : section.findings) {
    std::string from =
        finding.from.empty() ? "" : fmt::format(" *From {}.*", escapeMarkdown(finding.from));
    if (!finding.runs.empty()) from += fmt::format(" Runs: {}.", runNames(finding.runs));
    text.add("- {}{}.{}", markOf(finding.standing), escapeMarkdown(finding.text), from);
  }
  text.blank();
}

void addRuns(Text& text, const LabSection& section) {
  if (section.runs.empty()) return;
  text.add("<details><summary>Every run, and the commands that make it by hand</summary>\n");
  for (const LabRunLine& run : section.runs) {
    text.add("{}: {}\n", markdownCode(run.name), escapeMarkdown(run.state));
    std::string lines;
    for (const std::string& command : run.commands)
      lines += (lines.empty() ? "" : " &&\n") + command;
    if (!lines.empty()) addScript(text, lines);
  }
  text.add("</details>\n");
}

void addSection(Text& text, const LabSection& section) {
  text.add("## {}\n", section.name);
  text.add("**{}**\n", escapeMarkdown(section.title));
  text.add("{}\n", escapeMarkdown(section.question));
  text.add("{}.\n", escapeMarkdown(section.summary));
  addBullets(text, "Not all of it was measured", section.problems);
  addFindings(text, section);
  addFigures(text, "###", section.figures);
  for (const LabTable& table : section.tables) addLabTable(text, table);
  if (section.predictions) addLabTable(text, *section.predictions);
  addBullets(text, "Cost", section.costs);
  addBullets(text, "Recommendation", section.recommendations);
  text.add("### Reproduce\n");
  addCode(text, section.command);
  addRuns(text, section);
  text.add("<details><summary>Parameters and method</summary>\n");
  for (const auto& [name, value] : section.parameters)
    text.add("{}", markdownCode(fmt::format("{} = {}", name, value)));
  text.blank();
  for (const std::string& line : section.method) text.add("- {}", escapeMarkdown(line));
  text.add("\n</details>\n");
}

}  // namespace

std::string toMarkdown(const LabReport& report) {
  Text text;
  text.add("# {}\n", escapeMarkdown(report.title));
  text.add(
      "Written by `redline report` from what the runs left; every sentence is computed from "
      "figures.\n");
  addFirstPage(text, report);
  for (const LabSection& section : report.sections) addSection(text, section);
  return std::move(text).take();
}

}  // namespace redline
