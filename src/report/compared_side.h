#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "report/report_data.h"

namespace redline {

/// One of the two that are compared: a run, or several of the same.
struct ComparedSide {
  std::string name;  ///< as it was asked for
  std::vector<RunData> runs;
};

/// Reads a side, which is one of these or several with commas:
///
///     runs/before                    a run directory
///     results/no                     a directory: all the runs below it
///     lab/pipelining:batch=16        of a lab's experiment, the runs that have the label (or
///     several,
///                                    with colons): a condition's repeats
///
/// io, invalidInput or usage, naming what is not there; a label that does not exist names those
/// that do.
Result<ComparedSide> readSide(const std::string& text);

}  // namespace redline
