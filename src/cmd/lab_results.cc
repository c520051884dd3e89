#include "cmd/lab_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/units.h"
#include "cmd/flag_values.h"
#include "os/console.h"
#include "report/lab_compare.h"
#include "report/lab_document.h"
#include "report/lab_export.h"
#include "report/markdown.h"
#include "report/write_report.h"

namespace redline {
namespace {

/// The words after the action.
std::vector<std::string> directoriesOf(const Invocation& invocation) {
  const auto& words = invocation.flags.positionalWords();
  return {words.begin() + 1, words.end()};
}

/// Each experiment of the first lab with its namesakes in the others.
Result<std::vector<std::vector<ExperimentDocument>>> repeatsIn(
    const std::vector<std::string>& directories) {
  std::vector<std::vector<ExperimentDocument>> repeats;
  for (const std::string& directory : directories) {
    auto lab = readLab(directory);
    if (!lab) return fail(lab.error());
    if (repeats.empty()) repeats.resize(lab->size());
    for (std::size_t i = 0; i < repeats.size(); ++i) {
      const std::string wanted = repeats[i].empty() ? (*lab)[i].name : repeats[i].front().name;
      const auto found = std::ranges::find(*lab, wanted, &ExperimentDocument::name);
      if (found == lab->end())
        return fail(ErrorCode::invalidInput, "{} has no experiment {}, and {} has", directory,
                    wanted, directories.front());
      if (!repeats[i].empty() && (found->profile != repeats[i].front().profile ||
                                  found->parameters != repeats[i].front().parameters))
        return fail(ErrorCode::invalidInput,
                    "{}: {} has other parameters than in {}: repeats must have the same parameters",
                    directory, wanted, directories.front());
      repeats[i].push_back(std::move(*found));
    }
  }
  return repeats;
}

}  // namespace

Result<ExitCode> compareLabs(const Invocation& invocation) {
  const auto directories = directoriesOf(invocation);
  if (directories.size() < 2)
    return fail(ErrorCode::usage, "name the labs to compare: 'redline lab compare DIR DIR …'");
  const auto repeats = repeatsIn(directories);
  if (!repeats) return fail(repeats.error());
  for (const auto& each : *repeats)
    printOut("{}\n", toMarkdown(agreementDocument(agreementOf(each))));
  return ExitCode::good;
}

Result<ExitCode> exportLab(const Invocation& invocation) {
  const auto directories = directoriesOf(invocation);
  const FlagValues& flags = invocation.flags;
  if (directories.size() != 1 || flags.empty("out"))
    return fail(ErrorCode::usage, "name the lab and the copy: 'redline lab export DIR -out=OUT'");
  const std::filesystem::path lab = directories.front();
  if (!isLabDirectory(lab))
    return fail(ErrorCode::invalidInput, "{} is not a lab's directory", lab.native());
  if (auto free = checkExportPlace(lab, flags.text("out")); !free) return fail(free.error());
  // Rendered from all runs first, so that the plots include what is left out below.
  if (auto report = writeReport({lab.string()}, lab); !report) return fail(report.error());
  const auto kept = exportLab(lab, flags.text("out"), flags.size("most"));
  if (!kept) return fail(kept.error());
  printOut("{}: {} in {} files", flags.text("out"), formatSize(kept->bytes), kept->kept);
  if (kept->left > 0) printOut("; {} more exceed -most={}", kept->left, flags.text("most"));
  printOut("\n");
  return ExitCode::good;
}

}  // namespace redline
