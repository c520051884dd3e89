#include "report/markdown_parts.h"

#include "report/text.h"

namespace redline {

namespace {

std::string fenceFor(std::string_view code) {
  std::string fence = "```";
  while (code.find(fence) != std::string_view::npos) fence += '`';
  return fence;
}

}  // namespace

void addCode(Text& text, std::string_view code) {
  const std::string fence = fenceFor(code);
  text.add("{}sh\n{}\n{}\n", fence, cleanText(code), fence);
}

void addScript(Text& text, std::string_view lines) {
  const std::string fence = fenceFor(lines);
  text.add("{}sh", fence);
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    text.add("{}", cleanText(lines.substr(0, end)));
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
  }
  text.add("{}\n", fence);
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

}  // namespace redline
