#include "report/lab_export.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/units.h"
#include "os/files.h"
#include "report/lab_document.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

struct File {
  fs::path path;  ///< below the lab's directory
  std::uint64_t bytes = 0;
};

bool mustBeKept(const fs::path& path) {
  constexpr std::array<std::string_view, 7> kAlways{
      "experiment.json", "runs.jsonl",  "summary.json", "plan.json",
      "report.html",     "FINDINGS.md", "details.md"};
  return std::ranges::find(kAlways, path.filename().native()) != kAlways.end() ||
         path.begin()->native() == "plots";
}

/// What must be kept first, then by size.
std::vector<File> filesOf(const fs::path& lab, std::error_code& problem) {
  std::vector<File> files;
  for (fs::recursive_directory_iterator at(lab, problem), end; !problem && at != end;
       at.increment(problem))
    if (at->is_regular_file(problem))
      files.push_back({at->path().lexically_relative(lab), at->file_size(problem)});
  std::ranges::sort(files, {}, [](const File& file) {
    return std::tuple(!mustBeKept(file.path), file.bytes, file.path);
  });
  return files;
}

Status copyFile(const fs::path& from, const fs::path& to) {
  if (auto made = createDirectory(to.parent_path()); !made) return made;
  std::error_code problem;
  fs::copy_file(from, to, problem);
  if (problem)
    return fail(ErrorCode::io, "cannot copy {} to {}: {}", from.native(), to.native(),
                problem.message());
  return {};
}

}  // namespace

Status checkExportPlace(const fs::path& lab, const fs::path& out) {
  std::error_code problem;
  const fs::path inside =
      fs::weakly_canonical(out, problem).lexically_relative(fs::weakly_canonical(lab, problem));
  if (!problem && !inside.empty() && inside != "." && *inside.begin() != "..")
    return fail(ErrorCode::usage, "{} is in the lab that is to be copied: give a directory outside",
                out.native());
  if (fs::exists(out, problem) && !fs::is_empty(out, problem))
    return fail(ErrorCode::usage, "{} has something in it: give an empty directory, or a new one",
                out.native());
  return {};
}

Result<LabExport> exportLab(const fs::path& lab, const fs::path& out, std::uint64_t most) {
  if (!isLabDirectory(lab))
    return fail(ErrorCode::invalidInput, "{} is not a lab's directory: it has no {}", lab.native(),
                kExperimentFile);
  if (auto free = checkExportPlace(lab, out); !free) return fail(free.error());
  std::error_code problem;
  const std::vector<File> files = filesOf(lab, problem);
  if (problem) return fail(ErrorCode::io, "cannot read {}: {}", lab.native(), problem.message());
  std::uint64_t needed = 0;
  for (const File& file : files)
    if (mustBeKept(file.path)) needed += file.bytes;
  if (needed > most)
    return fail(ErrorCode::usage,
                "report, plots and summaries alone take {}: give -most={} or more",
                formatSize(needed), formatSize(needed));
  LabExport done;
  for (const File& file : files) {
    if (!mustBeKept(file.path) && done.bytes + file.bytes > most) {
      ++done.left;
      continue;
    }
    if (auto copied = copyFile(lab / file.path, out / file.path); !copied)
      return fail(copied.error());
    done.bytes += file.bytes;
    ++done.kept;
  }
  return done;
}

}  // namespace redline
