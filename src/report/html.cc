#include "report/html.h"

#include "report/html_parts.h"
#include "report/text.h"

namespace redline {
namespace {

std::string_view nameOf(ReportVerdict::Kind kind) {
  return kind == ReportVerdict::Kind::valid     ? "valid"
         : kind == ReportVerdict::Kind::invalid ? "invalid"
                                                : "unknown";
}

void addVerdict(Page& page, const ReportVerdict& verdict) {
  page.add("<div class=\"verdict {}\">", nameOf(verdict.kind));
  page.add("<strong>{}</strong>", escapeHtml(verdict.headline));
  addList(page, "", verdict.reasons);
  addList(page, "Notes:", verdict.notes);
  addList(page, "Missing from the run directory:", verdict.warnings);
  page.add("</div>");
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
  beginPage(page, report.title);
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
  endPage(page);
  return std::move(page).take();
}

}  // namespace redline
