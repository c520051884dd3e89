#include "report/markdown.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "report/text.h"

namespace redline {
namespace {

class Text {
 public:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  void blank() { text_ += '\n'; }
  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

void addVerdict(Text& text, const Verdict& verdict) {
  text.add("> **{}**", escapeMarkdown(verdict.headline));
  const auto list = [&](const std::vector<std::string>& lines, std::string_view before) {
    for (const std::string& line : lines) text.add(">\n> - {}{}", before, escapeMarkdown(line));
  };
  list(verdict.reasons, "");
  list(verdict.notes, "Note: ");
  list(verdict.warnings, "Missing from the run directory: ");
  text.blank();
}

/// A code block that no line of `code` can end.
void addCode(Text& text, std::string_view code) {
  std::string fence = "```";
  while (code.find(fence) != std::string_view::npos) fence += '`';
  text.add("{}sh\n{}\n{}\n", fence, cleanText(code), fence);
}

void addFindings(Text& text, std::string_view level, const std::vector<Finding>& findings) {
  if (findings.empty()) return;
  text.add("{} Findings\n", level);
  for (const Finding& finding : findings)
    text.add("- {}{}. *From {}.*", finding.weight == Weight::problem ? "**Mind:** " : "",
             escapeMarkdown(finding.text), escapeMarkdown(finding.from));
  text.blank();
}

void addTable(Text& text, std::string_view level, const Table& table) {
  text.add("{} {}\n", level, escapeMarkdown(table.title));
  const auto line = [](const std::vector<std::string>& cells) {
    std::string row = "|";
    for (const std::string& cell : cells) row += fmt::format(" {} |", escapeMarkdown(cell));
    return row;
  };
  text.add("{}", line(table.head));
  std::string rule = "| --- |";
  for (std::size_t i = 1; i < table.head.size(); ++i) rule += table.prose ? " --- |" : " ---: |";
  text.add("{}", rule);
  for (const auto& row : table.rows) text.add("{}", line(row));
  text.blank();
  if (!table.note.empty()) text.add("{}\n", escapeMarkdown(table.note));
}

void addFigures(Text& text, std::string_view level, const std::vector<Figure>& figures) {
  for (const Figure& figure : figures) {
    text.add("{} {}\n", level, escapeMarkdown(figure.title));
    text.add("![{}](plots/{}.svg)\n", escapeMarkdown(figure.title), figure.id);
    text.add("{}\n", escapeMarkdown(figure.description));
  }
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
