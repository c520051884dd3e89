#include "report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "report/embedded.h"
#include "report/line_writer.h"
#include "report/plot_svg.h"
#include "report/text.h"

namespace redline {
namespace {

std::string_view classOf(Tone tone) {
  switch (tone) {
    case Tone::good:
      return "good";
    case Tone::notable:
      return "notable";
    case Tone::unsure:
      return "unsure";
    case Tone::bad:
      return "bad";
    case Tone::neutral:
      break;
  }
  return "neutral";
}

std::string idOf(std::string_view id) {
  return id.empty() ? std::string() : fmt::format(" id=\"{}\"", escapeHtml(id));
}

std::string linkHtml(const Hyperlink& link, std::string_view title = {}) {
  if (link.target.empty()) return escapeHtml(link.label);
  const std::string hint =
      title.empty() ? std::string() : fmt::format(" title=\"{}\"", escapeHtml(title));
  return fmt::format("<a href=\"#{}\"{}>{}</a>", escapeHtml(link.target), hint,
                     escapeHtml(link.label));
}

/// "1 2 3 …" for the runs behind a figure, each leading to its commands.
std::string runNumbers(const std::vector<Hyperlink>& runs) {
  constexpr std::size_t kMost = 3;
  std::vector<std::string> links;
  for (std::size_t i = 0; i < std::min(runs.size(), kMost); ++i)
    links.push_back(linkHtml({std::to_string(i + 1), runs[i].target}, runs[i].label));
  if (runs.size() > kMost) links.emplace_back("…");
  return fmt::format("{}", fmt::join(links, " "));
}

std::string quiet(std::string_view html) {
  return html.empty() ? std::string() : fmt::format("<span class=\"quiet\">{}</span>", html);
}

/// A command line whose words stay whole where the page is narrow.
std::string unbrokenWords(std::string_view command) {
  std::string html;
  for (bool more = true; more;) {
    const std::size_t blank = command.find(' ');
    more = blank != std::string_view::npos;
    html += fmt::format("<i>{}</i>{}", escapeHtml(command.substr(0, blank)), more ? " " : "");
    if (more) command.remove_prefix(blank + 1);
  }
  return html;
}

std::string cellHtml(const Cell& cell) {
  std::string html = cell.link.label.empty() ? escapeHtml(cell.text) : linkHtml(cell.link);
  if (cell.tone != Tone::neutral)
    html = fmt::format("<b class=\"{}\">{}</b>", classOf(cell.tone), html);
  if (!cell.range.empty())
    html += fmt::format(" <span class=\"range\">{}</span>", escapeHtml(cell.range));
  if (!cell.detail.empty())
    html += fmt::format(" <span class=\"detail\">{}</span>", escapeHtml(cell.detail));
  return html;
}

std::string_view classOf(ColumnKind kind) {
  return kind == ColumnKind::number ? ""
         : kind == ColumnKind::text ? " class=\"text\""
                                    : " class=\"prose\"";
}

/// Two columns without a heading: a list of named figures.
bool isPair(const Table& table) {
  return table.columns.size() == 2 && table.columns.front().title.empty();
}

bool hasProse(const Table& table) {
  return std::ranges::find(table.columns, ColumnKind::prose, &TableColumn::kind) !=
         table.columns.end();
}

/// Writes blocks one by one. Everything that comes from outside passes escapeHtml here.
class PageWriter : LineWriter {
 public:
  std::string page(const Document& document) && {
    line("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">");
    line("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    line("<title>{} · redline</title>", escapeHtml(document.title));
    line("<style>\n:root {{ {} }}", plotColours(false));
    line("@media screen and (prefers-color-scheme: dark) {{ :root {{ {} }} }}", plotColours(true));
    line("{}{}</style>\n</head>\n<body>\n<main>", kPlotCss, kReportCss);
    line("<p class=\"quiet\">redline report</p>\n<h1>{}</h1>", escapeHtml(document.title));
    write(document.blocks);
    line("<footer class=\"quiet\">{}</footer>", escapeHtml(document.origin));
    line("</main>\n<script>\n{}</script>\n</body>\n</html>", kReportJs);
    return std::move(text_);
  }

 private:
  void write(const Blocks& blocks) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const auto paired = [&](std::size_t at) {
        const Table* const table =
            at < blocks.size() ? std::get_if<Table>(&blocks[at].content) : nullptr;
        return table != nullptr && isPair(*table);
      };
      // Neighbouring tables of two columns stand side by side where there is room.
      const bool pair = paired(i);
      if (pair && (i == 0 || !paired(i - 1))) line("<div class=\"pair\">");
      std::visit([this](const auto& block) { add(block); }, blocks[i].content);
      if (pair && !paired(i + 1)) line("</div>");
    }
  }

  void add(const Heading& heading) {
    line("<h{0}{1}{2}>{3}</h{0}>", heading.level, idOf(heading.id),
         heading.newPage ? " class=\"page\"" : "", escapeHtml(heading.text));
  }

  void add(const Paragraph& paragraph) {
    const std::string lead = paragraph.lead.empty()
                                 ? std::string()
                                 : fmt::format("<b>{}</b> ", escapeHtml(paragraph.lead));
    line("<p{}{}>{}{}</p>", idOf(paragraph.id),
         paragraph.quiet    ? " class=\"quiet\""
         : paragraph.strong ? " class=\"strong\""
                            : "",
         lead, escapeHtml(paragraph.text));
  }

  void add(const BulletList& list) {
    line("<ul>");
    for (const BulletList::Item& item : list.items) {
      const std::string before =
          item.link.label.empty() ? std::string() : linkHtml(item.link) + ": ";
      line("<li>{}{} {}</li>", before, escapeHtml(item.text), quiet(escapeHtml(item.quiet)));
    }
    line("</ul>");
  }

  void add(const Callout& callout) {
    line("<div class=\"callout {}\"><strong>{}</strong>", classOf(callout.tone),
         escapeHtml(callout.headline));
    for (const Callout::Group& group : callout.groups) {
      if (!group.title.empty()) line("<p>{}:</p>", escapeHtml(group.title));
      line("<ul>");
      for (const std::string& each : group.lines) line("<li>{}</li>", escapeHtml(each));
      line("</ul>");
    }
    line("</div>");
  }

  void add(const KeyFigures& key) {
    line("<dl class=\"key\">");
    for (const auto& [label, value] : key.figures)
      line("<div><dt>{}</dt><dd>{}</dd></div>", escapeHtml(label), escapeHtml(value));
    line("</dl>");
  }

  void add(const FindingList& findings) {
    line("<ul class=\"findings\">");
    for (const FindingLine& finding : findings.lines) {
      std::vector<std::string> sources;
      if (!finding.from.empty())
        sources.push_back(fmt::format("From {}.", escapeHtml(finding.from)));
      if (!finding.runs.empty()) sources.push_back("Runs " + runNumbers(finding.runs));
      if (!finding.section.label.empty()) sources.push_back(linkHtml(finding.section));
      line("<li class=\"{}\">{}{}. {}</li>", classOf(finding.tone),
           finding.mark.empty() ? std::string() : escapeHtml(finding.mark) + ": ",
           escapeHtml(finding.text), quiet(fmt::format("{}", fmt::join(sources, " "))));
    }
    line("</ul>");
  }

  void add(const Table& table) {
    line("<section>");
    if (!table.title.empty()) line("<h3>{}</h3>", escapeHtml(table.title));
    line("<div class=\"wide\"><table{}>", hasProse(table) ? " class=\"cards\"" : "");
    if (!isPair(table)) {
      std::string head;
      for (const TableColumn& column : table.columns)
        head += fmt::format("<th scope=\"col\"{}>{}</th>", classOf(column.kind),
                            escapeHtml(column.title));
      line("<thead><tr>{}</tr></thead>", head);
    }
    line("<tbody>");
    for (const Table::Row& row : table.rows) addRow(table, row);
    line("</tbody></table></div>");
    if (table.hasRuns()) addRunsOf(table);
    if (!table.note.empty()) line("<p class=\"quiet\">{}</p>", escapeHtml(table.note));
    line("</section>");
  }

  /// Which runs each row's figures are of; beside the figures they would widen every table.
  void addRunsOf(const Table& table) {
    std::vector<std::string> rows;
    for (const Table::Row& row : table.rows) {
      if (row.runs.empty() || row.cells.empty()) continue;
      const Cell& name = row.cells.front();
      rows.push_back(fmt::format("{} {}",
                                 escapeHtml(name.text.empty() ? name.link.label : name.text),
                                 runNumbers(row.runs)));
    }
    line("<p class=\"quiet\">Runs: {}</p>", fmt::join(rows, " · "));
  }

  void addRow(const Table& table, const Table::Row& row) {
    std::string cells;
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const TableColumn column = i < table.columns.size() ? table.columns[i] : TableColumn{};
      const bool name = i == 0 && !row.cells[i].text.empty();
      // The label stands beside the cell where a narrow screen turns rows into cards.
      const std::string label = name || column.title.empty()
                                    ? std::string()
                                    : fmt::format(" data-label=\"{}\"", escapeHtml(column.title));
      cells +=
          fmt::format("<{0}{1}{2}{3}>{4}</{0}>", name ? "th" : "td", name ? " scope=\"row\"" : "",
                      classOf(column.kind), label, cellHtml(row.cells[i]));
    }
    line("<tr>{}</tr>", cells);
  }

  void add(const Picture& picture) {
    line("<figure{}>", idOf(picture.id));
    // Panes have titles of their own.
    if (picture.panels.empty() || picture.panels.front().title.empty())
      line("<h3>{}</h3>", escapeHtml(picture.title));
    line("{}{}", plotSvg(picture, PlotWidth::wide), plotSvg(picture, PlotWidth::narrow));
    line("<figcaption class=\"quiet\">{}</figcaption></figure>", escapeHtml(picture.description));
  }

  void add(const Tiles& tiles) {
    line("<div class=\"tiles\">");
    for (const Tiles::Tile& tile : tiles.tiles)
      line(
          "<div class=\"tile {}\"><span class=\"mark\">{}</span> <b>{}</b>"
          "<span class=\"value\">{}</span><span class=\"quiet\">{}</span></div>",
          classOf(tile.tone), escapeHtml(tile.mark), linkHtml({tile.label, tile.section.target}),
          escapeHtml(tile.value), escapeHtml(tile.note));
    line("</div>");
  }

  void add(const Gallery& gallery) {
    line("<div class=\"gallery\">");
    for (const Gallery::Item& item : gallery.items)
      line("<figure>\n<h3>{}</h3>\n{}<figcaption>{}</figcaption></figure>",
           linkHtml({item.picture.title, item.section.target}),
           plotSvg(item.picture, PlotWidth::narrow), escapeHtml(item.caption));
    line("</div>");
  }

  void add(const Code& code) {
    std::vector<std::string> lines;
    for (const std::string& each : code.lines) lines.push_back(unbrokenWords(each));
    line("<pre><code>{}</code></pre>", fmt::join(lines, "\n"));
  }

  void add(const FlagList& list) {
    std::string flags;
    for (const std::string& flag : list.flags)
      flags += fmt::format("<code>{}</code> ", escapeHtml(flag));
    line("<p class=\"flags\">{}</p>", flags);
  }

  void add(const Details& details) {
    line("<details><summary>{}</summary>", escapeHtml(details.summary));
    write(details.blocks);
    line("</details>");
  }
};

}  // namespace

std::string toHtml(const Document& document) {
  return PageWriter().page(document);
}

}  // namespace redline
