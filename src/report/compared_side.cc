#include "report/compared_side.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string_view>

#include "os/files.h"
#include "rundir/experiment.h"
#include "rundir/run_dir.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using Label = std::pair<std::string, std::string>;

bool isRunDirectory(const fs::path& path) {
  return std::ranges::any_of(std::array{kPlanFile, kSummaryFile, kIntervalsFile},
                             [&](std::string_view file) { return fs::exists(path / file); });
}

/// Run directories below `path`, in the order of their names; a run has none inside.
void collectRuns(const fs::path& path, int depth, std::vector<std::string>& found) {
  constexpr int kDeepest = 4;
  const bool run = isRunDirectory(path);
  if (run) found.push_back(path.string());
  if (run || depth == kDeepest) return;
  std::vector<fs::path> inside;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path, ignored))
    if (entry.is_directory(ignored)) inside.push_back(entry.path());
  std::ranges::sort(inside);
  for (const fs::path& directory : inside) collectRuns(directory, depth + 1, found);
}

std::vector<std::string> splitAt(char separator, std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

/// "lab/fsync:policy=always" → the directory and its labels. A path may hold colons itself.
struct Selection {
  std::string directory;
  std::vector<Label> labels;
};
Selection selectionOf(const std::string& text) {
  if (fs::exists(text)) return {text, {}};
  std::vector<std::string> parts = splitAt(':', text);
  Selection selection;
  while (!parts.empty() && parts.back().find('=') != std::string::npos) {
    const std::size_t equals = parts.back().find('=');
    selection.labels.emplace_back(parts.back().substr(0, equals), parts.back().substr(equals + 1));
    parts.pop_back();
  }
  selection.directory = fmt::format("{}", fmt::join(parts, ":"));
  return selection;
}

bool has(const RunRecord& record, const std::vector<Label>& labels) {
  return std::ranges::all_of(
      labels, [&](const Label& label) { return record.label(label.first) == label.second; });
}

std::string labelsOf(const ExperimentDocument& document) {
  std::set<std::string> labels;
  for (const RunRecord& record : document.runs)
    for (const auto& [name, value] : record.labels)
      labels.insert(fmt::format("{}={}", name, value));
  return fmt::format("{}", fmt::join(labels, ", "));
}

Status collectLabelled(const Selection& selection, std::vector<std::string>& found) {
  const fs::path file = fs::path(selection.directory) / kExperimentFile;
  const auto text = readWholeFile(file);
  if (!text) return fail(text.error());
  const auto document = experimentFromJson(*text, file.string());
  if (!document) return fail(document.error());
  const std::size_t before = found.size();
  for (const RunRecord& record : document->runs) {
    if (record.state != RunState::done || !has(record, selection.labels)) continue;
    for (const std::string& directory : record.directories)
      found.push_back((fs::path(selection.directory) / directory).string());
  }
  if (found.size() > before) return {};
  return fail(ErrorCode::usage, "no run of {} has these labels; there are: {}", selection.directory,
              labelsOf(*document));
}

Status collect(const std::string& text, std::vector<std::string>& found) {
  const Selection selection = selectionOf(text);
  if (!fs::exists(selection.directory))
    return fail(ErrorCode::io, "{}: no such directory", selection.directory);
  if (!selection.labels.empty()) return collectLabelled(selection, found);
  const std::size_t before = found.size();
  collectRuns(selection.directory, 0, found);
  if (found.size() > before) return {};
  return fail(ErrorCode::invalidInput,
              "{} is not a run directory and has none below it: redline driver -out=DIR makes one",
              selection.directory);
}

}  // namespace

Result<ComparedSide> readSide(const std::string& text) {
  std::vector<std::string> paths;
  for (const std::string& part : splitAt(',', text))
    if (const Status collected = collect(part, paths); !collected) return fail(collected.error());
  if (paths.empty()) return fail(ErrorCode::usage, "no run directory in '{}'", text);
  auto runs = readRuns(paths);
  if (!runs) return fail(runs.error());
  return ComparedSide{text, std::move(*runs)};
}

}  // namespace redline
