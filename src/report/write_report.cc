#include "report/write_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "os/files.h"
#include "report/html.h"
#include "report/lab_document.h"
#include "report/markdown.h"
#include "report/plot_script.h"
#include "report/run_document.h"
#include "report/svg.h"

namespace redline {
namespace {

Result<Document> documentOf(const std::vector<std::string>& directories) {
  if (std::ranges::none_of(directories, isLabDirectory)) {
    const auto runs = readRuns(directories);
    if (!runs) return fail(runs.error());
    return runDocument(*runs);
  }
  if (directories.size() > 1)
    return fail(ErrorCode::usage,
                "a lab's directory has a report of its own: give it alone, or run directories");
  const auto experiments = readLab(directories.front());
  if (!experiments) return fail(experiments.error());
  return labDocument(*experiments, blameOfLab(directories.front(), *experiments));
}

Status writePictures(const Document& document, const std::filesystem::path& plots) {
  Status status = createDirectory(plots);
  forEachBlock<Picture>(document.blocks, [&](const Picture& picture) {
    if (status && !picture.svg.empty())
      status = writeWholeFile(plots / (picture.id + ".svg"), picture.svg);
  });
  return status;
}

}  // namespace

void drawPictures(Document& document, const Drawer& draw) {
  std::size_t pictures = 0, missing = 0;
  std::string problem;
  forEachBlock<Picture>(document.blocks, [&](Picture& picture) {
    ++pictures;
    Result<std::string> svg = fail(ErrorCode::io, "{}", kPlotsLeftOut);
    if (draw) svg = draw(plotScript(picture));
    if (svg) {
      picture.svg = standaloneSvg(*svg, picture.id, picture.title, picture.description);
      return;
    }
    ++missing;
    problem = svg.error().message;
  });
  if (missing == 0) return;
  document.blocks.insert(
      document.blocks.begin(),
      Callout{Tone::unsure,
              fmt::format("{} of {} pictures are missing: {}", missing, pictures, problem),
              {}});
}

Result<ReportFiles> writeReport(const std::vector<std::string>& directories,
                                const std::filesystem::path& out, const Drawer& draw) {
  auto document = documentOf(directories);
  if (!document) return fail(document.error());
  drawPictures(*document, draw);
  if (auto written = writePictures(*document, out / "plots"); !written)
    return fail(written.error());
  ReportFiles files{out / "report.html", out / "FINDINGS.md"};
  if (auto written = writeWholeFile(files.findings, toMarkdown(*document)); !written)
    return fail(written.error());
  if (auto written = writeWholeFile(files.html, toHtml(*document)); !written)
    return fail(written.error());
  return files;
}

}  // namespace redline
