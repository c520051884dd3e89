#include "report/html.h"

#include <fmt/format.h>

#include <iterator>

#include "report/page_style.h"
#include "report/svg.h"
#include "report/text.h"

namespace redline {
namespace {

/// A page in the making. Everything that comes from outside passes escapeHtml here.
class Page {
 public:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

void addList(Page& page, std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  if (!title.empty()) page.add("<p>{}</p>", title);
  page.add("<ul>");
  for (const std::string& line : lines) page.add("<li>{}</li>", escapeHtml(line));
  page.add("</ul>");
}

std::string_view nameOf(Verdict::Kind kind) {
  return kind == Verdict::Kind::valid     ? "valid"
         : kind == Verdict::Kind::invalid ? "invalid"
                                          : "unknown";
}

void addVerdict(Page& page, const Verdict& verdict) {
  page.add("<div class=\"verdict {}\">", nameOf(verdict.kind));
  page.add("<strong>{}</strong>", escapeHtml(verdict.headline));
  addList(page, "", verdict.reasons);
  addList(page, "Notes:", verdict.notes);
  addList(page, "Missing from the run directory:", verdict.warnings);
  page.add("</div>");
}

/// A command line whose words stay whole where the page is narrow.
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

std::string_view nameOf(Weight weight) {
  return weight == Weight::problem ? "problem" : weight == Weight::notable ? "notable" : "plain";
}

void addFindings(Page& page, const std::vector<Finding>& findings) {
  if (findings.empty()) return;
  page.add("<h3>Findings</h3>");
  page.add("<ul class=\"findings\">");
  for (const Finding& finding : findings)
    page.add("<li class=\"{}\">{}. <span class=\"quiet\">From {}.</span></li>",
             nameOf(finding.weight), escapeHtml(finding.text), escapeHtml(finding.from));
  page.add("</ul>");
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

/// Tables of two columns stand side by side where there is room.
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

void addFlags(Page& page, const RunSection& run) {
  if (run.flags.empty()) return;
  page.add("<h3>Every flag</h3>");
  page.add("<p class=\"flags\">");
  for (const auto& [name, value] : run.flags)
    page.add("<code>-{}={}</code>", escapeHtml(name), escapeHtml(value));
  page.add("</p>");
}

void addKeyFigures(Page& page, const std::vector<KeyFigure>& key) {
  if (key.empty()) return;
  page.add("<dl class=\"key\">");
  for (const KeyFigure& figure : key)
    page.add("<div><dt>{}</dt><dd>{}</dd></div>", escapeHtml(figure.label),
             escapeHtml(figure.value));
  page.add("</dl>");
}

void addRun(Page& page, const RunSection& run) {
  addVerdict(page, run.verdict);
  addKeyFigures(page, run.key);
  if (!run.command.empty()) {
    page.add("<h3>What ran</h3>");
    if (!run.whenAndWhere.empty())
      page.add("<p class=\"quiet\">{}</p>", escapeHtml(run.whenAndWhere));
    page.add("<pre><code>{}</code></pre>", unbrokenWords(run.command));
  }
  addFindings(page, run.findings);
  addFigures(page, run.figures);
  addTables(page, run.tables);
  addFlags(page, run);
}

void addContents(Page& page, const Report& report) {
  page.add("<nav><ul>");
  for (const RunSection& run : report.runs)
    page.add("<li><a href=\"#run-{}\">{}</a>: {}</li>", escapeHtml(run.id), escapeHtml(run.name),
             escapeHtml(run.verdict.headline));
  page.add("</ul></nav>");
}

}  // namespace

std::string toHtml(const Report& report) {
  Page page;
  page.add("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">");
  page.add("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
  page.add("<title>{} · redline</title>", escapeHtml(report.title));
  page.add("<style>{}</style>\n</head>\n<body>\n<main>", pageStyle());
  page.add("<p class=\"quiet\">redline report</p>");
  page.add("<h1>{}</h1>", escapeHtml(report.title));
  if (report.runs.size() > 1) {
    addContents(page, report);
    addTables(page, report.comparison);
    addFigures(page, report.comparisonFigures);
  }
  for (const RunSection& run : report.runs) {
    if (report.runs.size() > 1)
      page.add("<h2 id=\"run-{}\">{}</h2>", escapeHtml(run.id), escapeHtml(run.name));
    addRun(page, run);
  }
  page.add("</main>\n</body>\n</html>");
  return std::move(page).take();
}

}  // namespace redline
