#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace redline {

struct LabExport {
  std::uint64_t bytes = 0;
  std::size_t kept = 0, left = 0;  ///< files; `left` did not fit
};

/// Whether a copy of the lab may be made there. usage: `out` has something in it, or is in the lab.
Status checkExportPlace(const std::filesystem::path& lab, const std::filesystem::path& out);

/// Copies a lab to keep: its report, plots, findings, and every run's summary and plan whatever
/// they take; then what else its runs left (events, intervals, samples, histograms, servers'
/// configuration and logs), the smallest files first, as long as `most` bytes are not exceeded.
/// `out` is made, or empty. invalidInput: no lab; usage: checkExportPlace(), or what must be kept
/// exceeds `most`.
Result<LabExport> exportLab(const std::filesystem::path& lab, const std::filesystem::path& out,
                            std::uint64_t most);

}  // namespace redline
