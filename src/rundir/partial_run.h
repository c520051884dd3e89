#pragma once

#include "record/summary.h"
#include "rundir/run_dir_reader.h"

namespace redline {

/// The summary of a run that left none (it crashed, or was killed), from the intervals, histograms
/// and samples that it did leave: the same calculation as at the end of a run, as far as the files
/// go. Not valid, and without reasons, because it was never judged. Latency by kind of operation,
/// the generator's threads and steal, and the cluster's nodes are not known.
Summary summarizePartialRun(const RunDir& dir);

}  // namespace redline
