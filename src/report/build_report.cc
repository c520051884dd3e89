#include "report/build_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/shell.h"
#include "base/units.h"
#include "os/files.h"
#include "report/html.h"
#include "report/lab_document.h"
#include "report/lab_html.h"
#include "report/lab_markdown.h"
#include "report/markdown.h"
#include "report/plots.h"
#include "report/svg.h"
#include "report/tables.h"
#include "report/text.h"

namespace redline {
namespace {

Result<std::vector<Figure>> drawn(const std::vector<Plot>& plots, const Drawer& draw) {
  std::vector<Figure> figures;
  if (!draw) return figures;
  for (const Plot& plot : plots) {
    auto svg = draw(plot.script);
    if (!svg) return fail(svg.error());
    figures.push_back({plot.id, plot.title, plot.description,
                       standaloneSvg(*svg, plot.id, plot.title, plot.description)});
  }
  return figures;
}

std::string startedAt(const RunData& run) {
  if (!run.dir.plan || run.dir.plan->wallZero <= 0) return {};
  const auto seconds = static_cast<std::time_t>(run.dir.plan->wallZero / kSecond);
  return fmt::format("Started {:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(seconds));
}

std::string hostOf(const RunData& run) {
  const EnvironmentFigures& e = run.figures.environment;
  std::vector<std::string> parts;
  if (!e.cpu.empty()) parts.push_back(fmt::format("{}, {} cores", e.cpu, e.cores));
  if (e.memoryBytes != 0) parts.push_back(formatSize(e.memoryBytes));
  if (!e.kernel.empty()) parts.push_back("Linux " + e.kernel);
  if (!e.redisVersion.empty()) parts.push_back("Redis " + e.redisVersion);
  if (run.dir.plan) parts.push_back("redline " + run.dir.plan->redlineVersion);
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string whenAndWhere(const RunData& run) {
  const std::string when = startedAt(run);
  const std::string where = hostOf(run);
  if (when.empty() && where.empty()) return {};
  if (when.empty()) return where + ".";
  return when + (where.empty() ? "." : ". " + where + ".");
}

Result<RunSection> sectionOf(const RunData& run, const Drawer& draw) {
  RunSection section;
  section.id = run.slug;
  section.name = run.name;
  section.verdict = verdictOf(run);
  section.command = shellLine(run.figures.command);
  section.whenAndWhere = whenAndWhere(run);
  section.key = keyFigures(run);
  section.findings = findingsOf(run);
  section.tables = runTables(run);
  for (const auto& [name, value] : run.figures.config)
    if (!value.empty()) section.flags.emplace_back(name, value);
  auto figures = drawn(plotsOf(run), draw);
  if (!figures) return fail(figures.error());
  section.figures = std::move(*figures);
  return section;
}

/// A path says where the report was made; the file's name says what is missing.
std::string withoutDirectory(const std::string& warning, const RunData& run) {
  const std::string prefix = (run.dir.path / "").string();
  return warning.starts_with(prefix) ? warning.substr(prefix.size()) : warning;
}

Status writePlots(const std::vector<Figure>& figures, const std::filesystem::path& directory) {
  for (const Figure& figure : figures)
    if (auto written = writeWholeFile(directory / (figure.id + ".svg"), figure.svg); !written)
      return written;
  return {};
}

Result<ReportFiles> writePages(const std::filesystem::path& out,
                               const std::vector<const std::vector<Figure>*>& figures,
                               const std::string& html, const std::string& markdown) {
  const std::filesystem::path plots = out / "plots";
  if (auto made = createDirectory(plots); !made) return fail(made.error());
  for (const std::vector<Figure>* const each : figures)
    if (auto written = writePlots(*each, plots); !written) return fail(written.error());
  ReportFiles files{out / "report.html", out / "FINDINGS.md"};
  if (auto written = writeWholeFile(files.findings, markdown); !written)
    return fail(written.error());
  if (auto written = writeWholeFile(files.html, html); !written) return fail(written.error());
  return files;
}

Result<ReportFiles> writeRunReport(const std::vector<std::string>& directories,
                                   const std::filesystem::path& out, const Drawer& draw) {
  const auto runs = readRuns(directories);
  if (!runs) return fail(runs.error());
  const auto report = buildReport(*runs, draw);
  if (!report) return fail(report.error());
  std::vector<const std::vector<Figure>*> figures{&report->comparisonFigures};
  for (const RunSection& run : report->runs) figures.push_back(&run.figures);
  return writePages(out, figures, toHtml(*report), toMarkdown(*report));
}

Result<ReportFiles> writeLabReport(const std::string& directory, const std::filesystem::path& out,
                                   const Drawer& draw) {
  const auto experiments = readLab(directory);
  if (!experiments) return fail(experiments.error());
  const auto report = buildLabReport(*experiments, draw, blameOfLab(directory, *experiments));
  if (!report) return fail(report.error());
  std::vector<const std::vector<Figure>*> figures;
  for (const LabSection& section : report->sections) figures.push_back(&section.figures);
  return writePages(out, figures, toHtml(*report), toMarkdown(*report));
}

}  // namespace

ReportVerdict verdictOf(const RunData& run) {
  ReportVerdict verdict;
  for (const std::string& warning : run.dir.warnings)
    verdict.warnings.push_back(withoutDirectory(warning, run));
  verdict.notes = run.figures.notes;
  if (!run.ended) {
    verdict.kind = ReportVerdict::Kind::unknown;
    verdict.headline = "No verdict: the run did not end by itself, and nobody judged its figures";
  } else if (run.figures.valid) {
    verdict.kind = ReportVerdict::Kind::valid;
    verdict.headline =
        run.figures.rate.overloaded
            ? "Valid, and overloaded: the generator kept its schedule, the server did "
              "not keep up"
            : "Valid: these figures describe the server, not the generator";
  } else {
    verdict.kind = ReportVerdict::Kind::invalid;
    verdict.headline = "Invalid: do not quote these figures";
    verdict.reasons = run.figures.invalidReasons;
  }
  return verdict;
}

Result<Report> buildReport(const std::vector<RunData>& runs, const Drawer& draw) {
  Report report;
  report.title = runs.size() == 1 ? runs.front().name : fmt::format("{} runs", runs.size());
  report.comparison = comparisonTables(runs);
  auto figures = drawn(comparisonPlots(runs), draw);
  if (!figures) return fail(figures.error());
  report.comparisonFigures = std::move(*figures);
  for (const RunData& run : runs) {
    auto section = sectionOf(run, draw);
    if (!section) return fail(section.error());
    report.runs.push_back(std::move(*section));
  }
  return report;
}

Result<ReportFiles> writeReport(const std::vector<std::string>& directories,
                                const std::filesystem::path& out, const Drawer& draw) {
  const bool lab = std::ranges::any_of(directories, isLabDirectory);
  if (lab && directories.size() > 1)
    return fail(ErrorCode::usage,
                "a lab's directory has a report of its own: give it alone, or run directories");
  return lab ? writeLabReport(directories.front(), out, draw)
             : writeRunReport(directories, out, draw);
}

}  // namespace redline
