#include "report/markdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "report/line_writer.h"
#include "report/text.h"

namespace redline {
namespace {

std::string linkText(const Hyperlink& link) {
  return link.target.empty() ? escapeMarkdown(link.label)
                             : fmt::format("[{}](#{})", escapeMarkdown(link.label), link.target);
}

/// The first of the runs, by name: their commands are in the list at the section's end.
std::string runNames(const std::vector<Hyperlink>& runs) {
  if (runs.empty()) return "";
  return markdownCode(runs.front().label) +
         (runs.size() > 1 ? fmt::format(" + {}", runs.size() - 1) : std::string());
}

std::string markdownCell(const Cell& cell) {
  std::string text = cell.link.label.empty() ? escapeMarkdown(cell.text) : linkText(cell.link);
  if (cell.tone != Tone::neutral) text = fmt::format("**{}**", text);
  if (!cell.range.empty()) text += " " + escapeMarkdown(cell.range);
  if (!cell.detail.empty()) text += "; " + escapeMarkdown(cell.detail);
  return text;
}

std::string anchorOf(std::string_view id) {
  return id.empty() ? std::string() : fmt::format("<a id=\"{}\"></a>\n\n", escapeHtml(id));
}

class MarkdownWriter : LineWriter {
 public:
  std::string document(const Document& document) && {
    line("# {}\n\n{}\n", escapeMarkdown(document.title), escapeMarkdown(document.origin));
    write(document.blocks);
    return std::move(text_);
  }

 private:
  void write(const Blocks& blocks) {
    for (const Block& block : blocks)
      std::visit([this](const auto& content) { add(content); }, block.content);
  }

  void add(const Heading& heading) {
    line("{}{} {}\n", anchorOf(heading.id),
         std::string(static_cast<std::size_t>(heading.level), '#'), escapeMarkdown(heading.text));
  }

  void add(const Paragraph& paragraph) {
    const std::string lead =
        paragraph.lead.empty() ? std::string() : markdownCode(paragraph.lead) + " ";
    const std::string text = escapeMarkdown(paragraph.text);
    line("{}{}{}\n", anchorOf(paragraph.id), lead,
         paragraph.strong ? fmt::format("**{}**", text) : text);
  }

  void add(const BulletList& list) {
    for (const BulletList::Item& item : list.items) {
      const std::string before =
          item.link.label.empty() ? std::string() : linkText(item.link) + ": ";
      const std::string after =
          item.quiet.empty() ? std::string() : " " + escapeMarkdown(item.quiet);
      line("- {}{}{}", before, escapeMarkdown(item.text), after);
    }
    line("");
  }

  void add(const Callout& callout) {
    line("> **{}**", escapeMarkdown(callout.headline));
    for (const Callout::Group& group : callout.groups)
      for (const std::string& each : group.lines)
        line(">\n> - {}{}",
             group.title.empty() ? std::string() : escapeMarkdown(group.title) + ": ",
             escapeMarkdown(each));
    line("");
  }

  void add(const KeyFigures& key) {
    std::string head = "|", rule = "|", row = "|";
    for (const auto& [label, value] : key.figures) {
      head += fmt::format(" {} |", escapeMarkdown(label));
      rule += " ---: |";
      row += fmt::format(" {} |", escapeMarkdown(value));
    }
    line("{}\n{}\n{}\n", head, rule, row);
  }

  void add(const FindingList& findings) {
    for (const FindingLine& finding : findings.lines) {
      std::string text = finding.mark.empty()
                             ? std::string()
                             : fmt::format("**{}:** ", escapeMarkdown(finding.mark));
      text += escapeMarkdown(finding.text) + ".";
      if (!finding.from.empty()) text += fmt::format(" *From {}.*", escapeMarkdown(finding.from));
      if (!finding.runs.empty()) text += fmt::format(" Runs: {}.", runNames(finding.runs));
      if (!finding.section.label.empty()) text += fmt::format(" ({})", linkText(finding.section));
      line("- {}", text);
    }
    line("");
  }

  void add(const Table& table) {
    const bool runs = table.hasRuns();
    if (!table.title.empty()) line("### {}\n", escapeMarkdown(table.title));
    std::string head = "|", rule = "|";
    for (const TableColumn& column : table.columns) {
      head += fmt::format(" {} |", escapeMarkdown(column.title));
      rule += column.kind == ColumnKind::number ? " ---: |" : " --- |";
    }
    line("{}{}\n{}{}", head, runs ? " runs |" : "", rule, runs ? " --- |" : "");
    for (const Table::Row& row : table.rows) {
      std::string cells = "|";
      for (const Cell& cell : row.cells) cells += fmt::format(" {} |", markdownCell(cell));
      line("{}{}", cells, runs ? fmt::format(" {} |", runNames(row.runs)) : std::string());
    }
    line("");
    if (!table.note.empty()) line("{}\n", escapeMarkdown(table.note));
  }

  void add(const Picture& picture) {
    line("### {0}\n\n![{0}](plots/{1}.svg)\n", escapeMarkdown(picture.title), picture.id);
    if (!picture.description.empty()) line("{}\n", escapeMarkdown(picture.description));
  }

  void add(const Tiles& tiles) {
    line("|  | what | measured |  |\n| --- | --- | --- | --- |");
    for (const Tiles::Tile& tile : tiles.tiles)
      line("| {} | {} | {} | {} |", tile.mark, escapeMarkdown(tile.label),
           escapeMarkdown(tile.value), escapeMarkdown(tile.note));
    line("");
  }

  /// The pictures are in their sections.
  void add(const Gallery& gallery) {
    for (const Gallery::Item& item : gallery.items)
      line("- {}: {}", linkText(item.section), escapeMarkdown(item.caption));
    line("");
  }

  /// Fenced so that nothing in it ends the block.
  void add(const Code& code) {
    std::vector<std::string> lines;
    for (const std::string& each : code.lines) lines.push_back(cleanText(each));
    const std::string all = fmt::format("{}", fmt::join(lines, "\n"));
    std::string fence = "```";
    while (all.find(fence) != std::string::npos) fence += '`';
    line("{0}sh\n{1}\n{0}\n", fence, all);
  }

  void add(const FlagList& list) {
    for (const std::string& flag : list.flags) line("{}", markdownCode(flag));
    line("");
  }

  void add(const Details& details) {
    line("<details><summary>{}</summary>\n", escapeHtml(details.summary));
    write(details.blocks);
    line("</details>\n");
  }
};

}  // namespace

std::string toMarkdown(const Document& document) {
  return MarkdownWriter().document(document);
}

}  // namespace redline
