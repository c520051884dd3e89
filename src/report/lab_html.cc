#include "report/lab_html.h"

#include "report/html_parts.h"
#include "report/text.h"

namespace redline {
namespace {

struct StandingWords {
  std::string_view cssClass, mark;
};

StandingWords wordsOf(Standing standing) {
  switch (standing) {
    case Standing::expected:
      return {"plain", ""};
    case Standing::contradicts:
      return {"notable", "Not as expected: "};
    case Standing::inconclusive:
      return {"unsure", "Inconclusive: "};
    case Standing::problem:
      return {"problem", "Mind: "};
    case Standing::plain:
      break;
  }
  return {"figure", ""};
}

std::string linkTo(const LabLink& link) {
  if (link.target.empty()) return escapeHtml(link.label);
  return fmt::format("<a href=\"#{}\">{}</a>", escapeHtml(link.target), escapeHtml(link.label));
}

/// "verdict-not-measured" for the row's colour.
std::string verdictClass(std::string text) {
  for (char& c : text)
    if (c == ' ') c = '-';
  return "verdict-" + text;
}

/// "1 2 3" for the runs behind a figure, each leading to its commands.
std::string runLinks(std::string_view experiment, const std::vector<std::string>& runs) {
  constexpr std::size_t kMost = 3;
  std::string links;
  for (std::size_t i = 0; i < runs.size() && i < kMost; ++i)
    links += fmt::format("{}<a href=\"#{}\" title=\"{}\">{}</a>", i == 0 ? "" : " ",
                         escapeHtml(runAnchor(experiment, runs[i])), escapeHtml(runs[i]), i + 1);
  if (runs.size() > kMost) links += " …";
  return links;
}

/// "118k/s [116k – 121k]": the interval on a line of its own, so that many columns fit side by
/// side.
std::string cellHtml(std::string_view cell) {
  const std::size_t bracket = cell.find(" [");
  if (bracket == std::string_view::npos || !cell.ends_with(']') ||
      cell.find('[', bracket + 2) != std::string_view::npos)
    return escapeHtml(cell);
  return fmt::format("{} <span class=\"range\">{}</span>", escapeHtml(cell.substr(0, bracket)),
                     escapeHtml(cell.substr(bracket + 1)));
}

void addSlo(Page& page, const LabReport& report) {
  if (report.slo.empty()) return;
  page.add("<h2 class=\"first\" id=\"service-levels\">Service levels</h2>");
  page.add("<div class=\"wide\"><table class=\"slo\"><thead>");
  addRow(page, {"metric", "target", "measured", "verdict", "evidence"}, true);
  page.add("</thead><tbody>");
  for (const SloLine& line : report.slo) {
    const std::string detail = line.detail.empty() ? std::string{}
                                                   : fmt::format("<span class=\"quiet\">{}</span>",
                                                                 escapeHtml(line.detail));
    page.add(
        "<tr class=\"{}\"><th scope=\"row\">{}</th><td>{}</td><td>{}{}</td><td><b>{}</b></td>"
        "<td>{} {}</td></tr>",
        verdictClass(line.verdict), escapeHtml(line.metric), escapeHtml(line.target),
        escapeHtml(line.measured), detail, escapeHtml(line.verdict), linkTo(line.evidence),
        runLinks(line.evidence.label, line.runs));
  }
  page.add("</tbody></table></div>");
}

void addHeadlines(Page& page, const LabReport& report) {
  if (report.headlines.empty()) return;
  page.add("<h2 id=\"findings\">What matters most</h2>");
  page.add("<ul class=\"findings\">");
  for (const HeadlineLine& line : report.headlines) {
    const StandingWords words = wordsOf(line.standing);
    page.add("<li class=\"{}\">{}{}. <span class=\"quiet\">{}</span></li>", words.cssClass,
             words.mark, escapeHtml(line.text), linkTo(line.section));
  }
  page.add("</ul>");
}

void addContents(Page& page, const LabReport& report) {
  if (report.sections.size() < 2) return;
  page.add("<h2 id=\"experiments\">Experiments</h2>");
  page.add("<nav><ul>");
  for (const LabSection& section : report.sections)
    page.add("<li>{}: {} <span class=\"quiet\">({})</span></li>",
             linkTo({section.name, section.id}), escapeHtml(section.title),
             escapeHtml(section.summary));
  page.add("</ul></nav>");
}

void addCommand(Page& page, std::string_view command) {
  if (command.empty()) return;
  page.add("<pre><code>{}</code></pre>", unbrokenWords(command));
}

void addFirstPage(Page& page, const LabReport& report) {
  page.add("<div class=\"verdict {}\"><strong>{}</strong>",
           report.missed     ? "invalid"
           : report.complete ? "valid"
                             : "unknown",
           escapeHtml(report.verdict));
  addList(page, "", report.warnings);
  page.add("</div>");
  for (const std::string& fact : report.facts)
    page.add("<p class=\"quiet\">{}.</p>", escapeHtml(fact));
  addCommand(page, report.command);
  addSlo(page, report);
  addHeadlines(page, report);
  addContents(page, report);
}

void addLabTable(Page& page, std::string_view experiment, const LabTable& table) {
  const bool anyRuns =
      std::ranges::any_of(table.rows, [](const auto& row) { return !row.runs.empty(); });
  page.add("<section><h3>{}</h3>", escapeHtml(table.title));
  page.add("<div class=\"wide\"><table class=\"lab{}\"><thead>", table.prose ? " prose" : "");
  auto head = table.head;
  if (anyRuns) head.emplace_back("runs");
  addRow(page, head, true);
  page.add("</thead><tbody>");
  for (const LabTable::Row& row : table.rows) {
    std::string cells;
    for (std::size_t i = 0; i < row.cells.size(); ++i)
      cells += i == 0 ? fmt::format("<th scope=\"row\">{}</th>", escapeHtml(row.cells[i]))
                      : fmt::format("<td>{}</td>", cellHtml(row.cells[i]));
    if (anyRuns) cells += fmt::format("<td>{}</td>", runLinks(experiment, row.runs));
    page.add("<tr>{}</tr>", cells);
  }
  page.add("</tbody></table></div>");
  if (!table.note.empty()) page.add("<p class=\"quiet\">{}</p>", escapeHtml(table.note));
  page.add("</section>");
}

void addFindings(Page& page, const LabSection& section) {
  if (section.findings.empty()) return;
  page.add("<h3>Findings</h3><ul class=\"findings\">");
  for (const LabFinding& finding : section.findings) {
    const StandingWords words = wordsOf(finding.standing);
    std::string from =
        finding.from.empty() ? "" : fmt::format("From {}. ", escapeHtml(finding.from));
    if (!finding.runs.empty()) from += fmt::format("Runs {}", runLinks(section.name, finding.runs));
    page.add("<li class=\"{}\">{}{}. <span class=\"quiet\">{}</span></li>", words.cssClass,
             words.mark, escapeHtml(finding.text), from);
  }
  page.add("</ul>");
}

void addRuns(Page& page, const LabSection& section) {
  if (section.runs.empty()) return;
  page.add("<details><summary>Every run, and the commands that make it by hand</summary>");
  for (const LabRunLine& run : section.runs) {
    page.add("<div class=\"run\" id=\"{}\"><b>{}</b> <span class=\"quiet\">{}</span>",
             escapeHtml(run.id), escapeHtml(run.name), escapeHtml(run.state));
    if (!run.commands.empty()) {
      std::string lines;
      for (const std::string& command : run.commands) lines += escapeHtml(command) + "\n";
      page.add("<pre><code>{}</code></pre>", lines);
    }
    page.add("</div>");
  }
  page.add("</details>");
}

void addParameters(Page& page, const LabSection& section) {
  page.add("<details><summary>Parameters</summary><p class=\"flags\">");
  for (const auto& [name, value] : section.parameters)
    page.add("<code>{} = {}</code>", escapeHtml(name), escapeHtml(value));
  page.add("</p></details>");
}

void addSection(Page& page, const LabSection& section) {
  page.add("<h2 id=\"{}\">{}</h2>", escapeHtml(section.id), escapeHtml(section.title));
  page.add("<p class=\"quiet\">{}: {}.</p>", escapeHtml(section.name), escapeHtml(section.summary));
  page.add("<p>{}</p>", escapeHtml(section.question));
  if (!section.problems.empty()) {
    page.add("<div class=\"verdict invalid\"><strong>Not all of it was measured</strong>");
    addList(page, "", section.problems);
    page.add("</div>");
  }
  addFindings(page, section);
  addFigures(page, section.figures);
  for (const LabTable& table : section.tables) addLabTable(page, section.name, table);
  if (section.predictions) addLabTable(page, section.name, *section.predictions);
  if (!section.costs.empty()) {
    page.add("<h3>Cost</h3>");
    addList(page, "", section.costs);
  }
  if (!section.recommendations.empty()) {
    page.add("<h3>Recommendation</h3>");
    addList(page, "", section.recommendations);
  }
  page.add("<h3>Reproduce</h3>");
  addCommand(page, section.command);
  addRuns(page, section);
  addParameters(page, section);
  if (!section.method.empty()) {
    page.add("<details><summary>Method</summary>");
    addList(page, "", section.method);
    page.add("</details>");
  }
}

}  // namespace

std::string toHtml(const LabReport& report) {
  Page page;
  beginPage(page, report.title);
  addFirstPage(page, report);
  for (const LabSection& section : report.sections) addSection(page, section);
  endPage(page);
  return std::move(page).take();
}

}  // namespace redline
