#include "calibrate/headroom_reading.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <string>

#include "lab/headroom.h"
#include "os/files.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExperiment = "headroom";

/// "results/quick (headroom, quick: indicative), 2026-11-29".
std::string sourceOf(const ExperimentDocument& document, const std::string& place) {
  const auto day = fmt::gmtime(static_cast<std::time_t>(document.wallStart / kSecond));
  return fmt::format("{} ({}, {}{}), {:%Y-%m-%d}", place, kExperiment, document.profile,
                     document.indicative ? ": indicative" : "", day);
}

std::uint64_t runsOf(const ExperimentDocument& document, std::string_view fault) {
  return static_cast<std::uint64_t>(std::ranges::count_if(document.runs, [&](const RunRecord& run) {
    return run.state == RunState::done && run.label("fault") == fault;
  }));
}

}  // namespace

Result<MeasuredHeadroom> headroomOf(const ExperimentDocument& document, const std::string& place) {
  MeasuredHeadroom headroom;
  if (document.name != kExperiment)
    return fail(ErrorCode::invalidInput, "{} is of the experiment {}, and not of {}", place,
                document.name, kExperiment);
  headroom.source = sourceOf(document, place);
  for (const lab::headroom::Fault& fault : lab::headroom::faults())
    for (const KneeLimit& limit : kneeLimits()) {
      const auto found =
          std::ranges::find(document.figures, lab::headroom::keptFigure(limit.limitUs, fault.label),
                            &LabFigure::what);
      const bool isShare =
          found != document.figures.end() && found->value >= 0 && found->value <= 1;
      if (!isShare) continue;
      headroom.kept.push_back({.fault = std::string(fault.label),
                               .title = std::string(fault.title),
                               .limitUs = limit.limitUs,
                               .share = found->value,
                               .missed = found->high,
                               .runs = runsOf(document, fault.label)});
    }
  if (headroom.kept.empty())
    return fail(ErrorCode::invalidInput,
                "{} has no rate that keeps or misses a limit of p99: let the experiment run to its "
                "end",
                place);
  return headroom;
}

Result<MeasuredHeadroom> readHeadroom(const fs::path& directory) {
  std::error_code none;
  fs::path file = directory / kExperiment / kExperimentFile;
  if (!fs::exists(file, none)) file = directory / kExperimentFile;
  const auto text = readWholeFile(file);
  if (!text)
    return fail(text.error().code, "{}: name a directory of 'redline lab run {}'",
                text.error().message, kExperiment);
  const auto document = experimentFromJson(*text, file.string());
  if (!document) return fail(document.error());
  return headroomOf(*document, directory.lexically_normal().string());
}

}  // namespace redline
