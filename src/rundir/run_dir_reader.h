#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "record/event.h"
#include "record/server_sample.h"
#include "record/summary.h"
#include "rundir/hlog.h"
#include "rundir/interval_csv.h"
#include "rundir/plan.h"

namespace redline {

/// One run, read back. All times count from the run's zero (plan.wallZero on the wall clock).
struct RunDir {
  std::filesystem::path path;
  std::optional<Plan> plan;
  std::vector<IntervalRow> intervals;
  HistogramLog latency;
  std::vector<ServerSample> servers;
  std::vector<Event> events;
  std::optional<Summary> summary;
  /// What is missing or was cut off by a crash, one line each; empty for a run that ended by
  /// itself.
  std::vector<std::string> warnings;
};

/// Reads a run directory, also that of a run that crashed: a missing file, or one that ends in the
/// middle of a record, becomes a warning. A file that says something else than it should is
/// ErrorCode::invalidInput, with its name and line; a directory without any of a run's files as
/// well.
Result<RunDir> readRunDir(const std::filesystem::path& path);

}  // namespace redline
