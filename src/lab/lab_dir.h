#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "lab/experiment.h"
#include "os/files.h"
#include "rundir/experiment.h"

namespace redline {

/// One experiment's directory: runs.jsonl grows by a line for each run that is over,
/// experiment.json is replaced as a whole, and each run has a directory of its own.
class LabDir {
 public:
  /// Makes it, and claims it until destruction. `resume`: it may have runs, which `records` then
  /// holds; a last line that a crash tore is left out. usage: it is not empty, and nobody said
  /// resume; or another lab has claimed it.
  static Result<LabDir> open(std::filesystem::path path, bool resume);

  const std::filesystem::path& path() const { return path_; }
  const std::vector<RunRecord>& records() const { return records_; }
  /// The record of a run that is over and need not be repeated: done or skipped. nullptr: there
  /// is none, it failed, or it is invalid for a reason that may have passed.
  const RunRecord* finished(std::string_view run) const;

  Status append(const RunRecord& record);
  Status write(const ExperimentDocument& document) const;
  /// What an earlier start left in experiment.json, if anything.
  Result<std::optional<ExperimentDocument>> document() const;
  /// Removes what an unfinished run of this name left.
  Status clear(std::string_view run) const;
  /// Reads a run's directories. Those that hold nothing readable are left out.
  Reading read(RunRecord record) const;

 private:
  LabDir(std::filesystem::path path, Fd claim, std::vector<RunRecord> records,
         std::unique_ptr<AppendFile> journal)
      : path_(std::move(path)),
        claim_(std::move(claim)),
        records_(std::move(records)),
        journal_(std::move(journal)) {}

  std::filesystem::path path_;
  Fd claim_;
  std::vector<RunRecord> records_;
  std::unique_ptr<AppendFile> journal_;
};

}  // namespace redline
