#pragma once

#include <ctime>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "os/fd.h"
#include "os/files.h"
#include "record/event.h"
#include "record/interval.h"
#include "record/server_sample.h"
#include "record/summary.h"
#include "rundir/plan.h"

namespace redline {

// The names in a run directory (docs/run-format.md).
inline constexpr std::string_view kPlanFile = "plan.json";
inline constexpr std::string_view kIntervalsFile = "intervals.csv";
inline constexpr std::string_view kLatencyFile = "latency.hlog";
inline constexpr std::string_view kServersFile = "servers.csv";
inline constexpr std::string_view kEventsFile = "events.jsonl";
inline constexpr std::string_view kSlotsFile = "slots.csv";
inline constexpr std::string_view kSummaryFile = "summary.json";
inline constexpr std::string_view kServersDirectory = "servers";

/// Creates runs/20261123T234500Z-driver for a command that began at that time; with -2, -3 … behind
/// it where that is there already. Whoever creates at the same time gets another one.
Result<std::filesystem::path> createRunDirectory(std::string_view command, std::time_t now,
                                                 const std::filesystem::path& parent = "runs");

/// Writes one run's directory as the run goes. Every append is in the kernel's hands when it
/// returns, so that a crash leaves what was measured until then. An error names the file and takes
/// nothing back that was written; the caller may continue, and later records are written where
/// possible.
///
/// Times are given as readings of the run's Clock; the files count them from the plan's clockZero.
/// Appends may come from several threads; create and writePlan happen before them.
class RunDirWriter {
 public:
  /// Creates `path` and its parents, and claims it until destruction. usage: it is not empty, or
  /// another writer has claimed it; then nothing in it was touched.
  static Result<RunDirWriter> create(const std::filesystem::path& path);

  /// plan.json, and the headers of the files that grow. Exactly once, before the first append.
  Status writePlan(const Plan& plan);

  /// Two lines of intervals.csv, and for each measure a line of latency.hlog with gets and sets
  /// merged (warm-up under tags of its own). Both files are tried even if one fails.
  Status appendInterval(const Interval& interval);
  Status appendServerSample(const ServerSample& sample);
  Status appendEvent(const Event& event);

  /// slots.csv, as a whole: where a cluster's load went, in the order given.
  Status writeSlots(std::span<const HotSlotFigures> slots) const;
  /// Replaces summary.json as a whole. The first one needs no further descriptor.
  Status writeSummary(const Summary& summary);

  const std::filesystem::path& path() const noexcept { return path_; }
  /// Where a file of this name belongs; nothing is created.
  std::filesystem::path file(std::string_view name) const { return path_ / name; }
  /// servers/<node>/, created: a node's configuration and log.
  Result<std::filesystem::path> serverDirectory(std::string_view node) const;

 private:
  RunDirWriter(std::filesystem::path path, Fd claim)
      : path_(std::move(path)), claim_(std::move(claim)), spare_(path_) {}
  Status start(std::unique_ptr<AppendFile>& to, std::string_view name, std::string_view header);
  Status append(const std::unique_ptr<AppendFile>& to, std::string_view text) const;

  std::filesystem::path path_;
  Fd claim_;
  SpareFile spare_;  // for the summary of a run that is out of descriptors
  Nanos clockZero_ = 0;
  Histogram merged_;  // gets and sets of a measure: a fresh one would be 264 KiB to clear and map
  std::unique_ptr<AppendFile> intervals_, latency_, servers_, events_;
};

}  // namespace redline
