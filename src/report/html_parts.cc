#include "report/html_parts.h"

#include "report/page_style.h"
#include "report/svg.h"
#include "report/text.h"

namespace redline {

void beginPage(Page& page, std::string_view title) {
  page.add("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">");
  page.add("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
  page.add("<title>{} · redline</title>", escapeHtml(title));
  page.add("<style>{}</style>\n</head>\n<body>\n<main>", pageStyle());
  page.add("<p class=\"quiet\">redline report</p>");
  page.add("<h1>{}</h1>", escapeHtml(title));
}

void endPage(Page& page) {
  page.add("</main>\n</body>\n</html>");
}

void addList(Page& page, std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  if (!title.empty()) page.add("<p>{}</p>", title);
  page.add("<ul>");
  for (const std::string& line : lines) page.add("<li>{}</li>", escapeHtml(line));
  page.add("</ul>");
}

std::string unbrokenWords(std::string_view command) {
  std::string html;
  for (bool more = true; more;) {
    const std::size_t blank = command.find(' ');
    more = blank != std::string_view::npos;
    html += fmt::format("<span>{}</span>{}", escapeHtml(command.substr(0, blank)), more ? " " : "");
    if (more) command.remove_prefix(blank + 1);
  }
  return html;
}

void addRow(Page& page, const std::vector<std::string>& cells, bool head) {
  std::string row;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string_view tag = head || (i == 0 && !cells[i].empty()) ? "th" : "td";
    const std::string_view scope = tag == "td" ? "" : head ? " scope=\"col\"" : " scope=\"row\"";
    row += fmt::format("<{0}{1}>{2}</{0}>", tag, scope, escapeHtml(cells[i]));
  }
  page.add("<tr>{}</tr>", row);
}

namespace {

bool isPair(const Table& table) {
  return table.head.size() == 2 && table.head.front().empty();
}

void addTable(Page& page, const Table& table) {
  page.add("<section>");
  page.add("<h3>{}</h3>", escapeHtml(table.title));
  page.add("<div class=\"wide\"><table{}>", table.prose ? " class=\"prose\"" : "");
  if (!isPair(table)) {
    page.add("<thead>");
    addRow(page, table.head, true);
    page.add("</thead>");
  }
  page.add("<tbody>");
  for (const auto& row : table.rows) addRow(page, row, false);
  page.add("</tbody></table></div>");
  if (!table.note.empty()) page.add("<p class=\"quiet\">{}</p>", escapeHtml(table.note));
  page.add("</section>");
}

}  // namespace

void addTables(Page& page, const std::vector<Table>& tables) {
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const bool pair = isPair(tables[i]);
    if (pair && (i == 0 || !isPair(tables[i - 1]))) page.add("<div class=\"pair\">");
    addTable(page, tables[i]);
    if (pair && (i + 1 == tables.size() || !isPair(tables[i + 1]))) page.add("</div>");
  }
}

void addFigures(Page& page, const std::vector<Figure>& figures) {
  for (const Figure& figure : figures) {
    page.add("<figure id=\"{}\">", escapeHtml(figure.id));
    page.add("<h3>{}</h3>", escapeHtml(figure.title));
    page.add("<div class=\"wide\">{}</div>", inlineSvg(figure.svg));
    page.add("<figcaption class=\"quiet\">{}</figcaption></figure>",
             escapeHtml(figure.description));
  }
}

}  // namespace redline
