#pragma once

#include <cstddef>
#include <filesystem>

#include "base/result.h"
#include "lab/experiment.h"

namespace redline {

/// What one fdatasync after a small append costs in a directory, microseconds.
struct SyncFigures {
  double p50Us = 0, p99Us = 0, maxUs = 0;
  std::size_t count = 0;
};

/// By timeSyncs() (os/sync_timing.h).
Result<SyncFigures> measureFdatasync(const std::filesystem::path& directory);

// Figures and notes that noteDisk() leaves.
inline constexpr std::string_view kSyncP50 = "fdatasync_p50_us";
inline constexpr std::string_view kSyncP99 = "fdatasync_p99_us";
inline constexpr std::string_view kFilesystem = "filesystem";

/// An action before a run: waits until what earlier runs wrote is on the disk, and notes how that
/// disk, the one of the servers' directory, does in the same minute.
Status noteDisk(Bench& bench);

// Beside a run. Figures that they leave; the rate is in bytes a second.
inline constexpr std::string_view kBesideSyncP50 = "beside_fdatasync_p50_us";
inline constexpr std::string_view kBesideSyncMax = "beside_fdatasync_max_us";
inline constexpr std::string_view kWrittenBeside = "written_beside_bytes_per_s";

/// Appends 200 B and calls fdatasync ten times a second: what the disk does while Redis uses it.
Status probeDisk(Bench& bench, const std::function<bool()>& isOver);
/// The same beside somebody who writes to that disk as fast as it takes it, past the page cache so
/// that the disk is what is shared and not the CPU.
Status competeForDisk(Bench& bench, const std::function<bool()>& isOver);
/// "The disk (ext4) syncs an append of 200 B in … at the median and … at p99"; empty where no run
/// has it.
std::string diskWords(const Readings& readings);

}  // namespace redline
