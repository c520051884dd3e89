#include "report/terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "report/line_writer.h"
#include "report/text.h"

namespace redline {
namespace {

/// Columns of a terminal: every character here takes one.
std::size_t widthOf(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string plainCell(const Cell& cell) {
  std::string text = cleanText(cell.link.label.empty() ? cell.text : cell.link.label);
  if (!cell.range.empty()) text += " " + cleanText(cell.range);
  if (!cell.detail.empty()) text += "; " + cleanText(cell.detail);
  return text;
}

class TerminalWriter : LineWriter {
 public:
  explicit TerminalWriter(std::size_t width) : width_(width) {}

  std::string write(const Blocks& blocks) && {
    for (const Block& block : blocks)
      std::visit([this](const auto& content) { add(content); }, block.content);
    return std::move(text_);
  }

 private:
  /// `first` before the first line; the others are indented as far.
  void wrapped(std::string_view first, std::string_view text) {
    const std::string clean = cleanText(text);
    std::string_view rest = clean;
    const std::size_t indent = widthOf(first);
    std::string made(first);
    std::size_t used = indent;
    while (!rest.empty()) {
      const std::string_view word = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
      if (used > indent && used + 1 + widthOf(word) > width_) {
        made += '\n' + std::string(indent, ' ');
        used = indent;
      }
      if (used > indent) ++used, made += ' ';
      made += word;
      used += widthOf(word);
    }
    line("{}", made);
  }

  void add(const Heading& heading) {
    line("");
    if (!heading.text.empty()) line("{}", cleanText(heading.text));
  }

  void add(const Paragraph& paragraph) {
    wrapped(paragraph.lead.empty() ? std::string() : cleanText(paragraph.lead) + "  ",
            paragraph.text);
  }

  void add(const BulletList& list) {
    for (const BulletList::Item& item : list.items) wrapped("  - ", item.text);
  }

  void add(const Callout& callout) {
    if (!callout.headline.empty()) wrapped("", callout.headline);
    for (const Callout::Group& group : callout.groups)
      for (const std::string& each : group.lines)
        wrapped(group.title.empty() ? "  - " : group.title + ": ", each);
  }

  void add(const KeyFigures& key) {
    std::vector<std::string> parts;
    for (const auto& [label, value] : key.figures)
      parts.push_back(cleanText(fmt::format("{} {}", label, value)));
    line("{}", fmt::join(parts, " · "));
  }

  void add(const FindingList& findings) {
    for (const FindingLine& finding : findings.lines)
      wrapped("  - ", finding.mark.empty() ? finding.text
                                           : fmt::format("{}: {}", finding.mark, finding.text));
  }

  void add(const Table& table) {
    if (!table.title.empty()) line("\n{}", cleanText(table.title));
    std::vector<std::vector<std::string>> rows(1);
    for (const TableColumn& column : table.columns) rows.front().push_back(cleanText(column.title));
    for (const Table::Row& row : table.rows)
      std::ranges::transform(row.cells, std::back_inserter(rows.emplace_back()), plainCell);
    std::vector<std::size_t> widths(table.columns.size());
    for (const auto& row : rows)
      for (std::size_t c = 0; c < std::min(row.size(), widths.size()); ++c)
        widths[c] = std::max(widths[c], widthOf(row[c]));
    for (const auto& row : rows) {
      std::string aligned;
      for (std::size_t c = 0; c < row.size(); ++c) {
        aligned += row[c];
        if (c + 1 < row.size()) aligned.append(widths[c] - widthOf(row[c]) + 2, ' ');
      }
      line("{}", aligned);
    }
    if (!table.note.empty()) wrapped("", table.note);
  }

  void add(const Picture& /*picture*/) {}

  void add(const Tiles& tiles) {
    for (const Tiles::Tile& tile : tiles.tiles)
      wrapped(fmt::format("  {} ", tile.mark), fmt::format("{}: {}", tile.label, tile.value));
  }

  void add(const Gallery& /*gallery*/) {}

  void add(const Code& code) {
    for (const std::string& each : code.lines) line("  {}", cleanText(each));
  }

  void add(const FlagList& list) { wrapped("  ", fmt::format("{}", fmt::join(list.flags, " "))); }

  void add(const Details& /*details*/) {}

  std::size_t width_;
};

}  // namespace

std::string toTerminal(const Blocks& blocks, std::size_t width) {
  return TerminalWriter(width).write(blocks);
}

}  // namespace redline
