#include "report/write_report.h"

#include <algorithm>
#include <optional>

#include "os/files.h"
#include "report/html.h"
#include "report/lab_document.h"
#include "report/lab_note.h"
#include "report/markdown.h"
#include "report/plot_svg.h"
#include "report/run_document.h"

namespace redline {
namespace {

/// What is written: the page, the note that FINDINGS.md holds, and, of a lab, what the note leaves
/// out.
struct Report {
  Document page;
  std::optional<Document> note;  ///< none: FINDINGS.md has all of the page
};

Result<Report> reportOf(const std::vector<std::string>& directories) {
  if (std::ranges::none_of(directories, isLabDirectory)) {
    const auto runs = readRuns(directories);
    if (!runs) return fail(runs.error());
    return Report{runDocument(*runs), std::nullopt};
  }
  if (directories.size() > 1)
    return fail(ErrorCode::usage,
                "a lab's directory has a report of its own: give it alone, or run directories");
  const auto experiments = readLab(directories.front());
  if (!experiments) return fail(experiments.error());
  return Report{labDocument(*experiments, blameOfLab(directories.front(), *experiments)),
                labNote(*experiments)};
}

Status writePictures(const Document& document, const std::filesystem::path& plots) {
  Status status = createDirectory(plots);
  forEachBlock<Picture>(document.blocks, [&](const Picture& picture) {
    if (status) status = writeWholeFile(plots / (picture.id + ".svg"), standalonePlot(picture));
  });
  return status;
}

}  // namespace

Result<ReportFiles> writeReport(const std::vector<std::string>& directories,
                                const std::filesystem::path& out) {
  const auto report = reportOf(directories);
  if (!report) return fail(report.error());
  if (auto written = writePictures(report->page, out / "plots"); !written)
    return fail(written.error());
  ReportFiles files{.html = out / "report.html", .findings = out / "FINDINGS.md", .details = {}};
  const Document& findings = report->note ? *report->note : report->page;
  if (auto written = writeWholeFile(files.findings, toMarkdown(findings)); !written)
    return fail(written.error());
  if (report->note) {
    files.details = out / "details.md";
    if (auto written = writeWholeFile(files.details, toMarkdown(report->page)); !written)
      return fail(written.error());
  }
  if (auto written = writeWholeFile(files.html, toHtml(report->page)); !written)
    return fail(written.error());
  return files;
}

}  // namespace redline
