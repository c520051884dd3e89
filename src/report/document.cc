#include "report/document.h"

#include <algorithm>
#include <iterator>

namespace redline {

bool Table::hasRuns() const {
  return std::ranges::any_of(rows, [](const Row& row) { return !row.runs.empty(); });
}

std::vector<TableColumn> columnsOf(const std::vector<std::string>& titles, ColumnKind kind) {
  std::vector<TableColumn> columns;
  columns.reserve(titles.size());
  for (const std::string& title : titles)
    columns.push_back({title, columns.empty() ? ColumnKind::text : kind});
  return columns;
}

std::vector<TableColumn> proseColumns(const std::vector<std::string>& titles) {
  std::vector<TableColumn> columns = columnsOf(titles, ColumnKind::text);
  if (!columns.empty()) columns.back().kind = ColumnKind::prose;
  return columns;
}

void addText(Blocks& blocks, std::string text, bool quiet) {
  if (!text.empty()) blocks.emplace_back(Paragraph{.text = std::move(text), .quiet = quiet});
}

void addBullets(Blocks& blocks, std::string heading, std::vector<std::string> lines) {
  if (lines.empty()) return;
  if (!heading.empty()) blocks.emplace_back(Heading{.level = 3, .text = std::move(heading)});
  BulletList list;
  for (std::string& line : lines) list.items.push_back({.text = std::move(line)});
  blocks.emplace_back(std::move(list));
}

void addTable(Blocks& blocks, Table table) {
  if (!table.rows.empty()) blocks.emplace_back(std::move(table));
}

void addPicture(Blocks& blocks, Picture picture) {
  if (!picture.panels.empty()) blocks.emplace_back(std::move(picture));
}

void addCode(Blocks& blocks, std::string line) {
  if (!line.empty()) blocks.emplace_back(Code{{std::move(line)}});
}

void addFlags(Blocks& blocks, std::vector<std::string> flags) {
  if (!flags.empty()) blocks.emplace_back(FlagList{std::move(flags)});
}

void append(Blocks& blocks, Blocks more) {
  std::ranges::move(more, std::back_inserter(blocks));
}

}  // namespace redline
