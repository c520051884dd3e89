#pragma once

#include "base/result.h"
#include "cmd/command.h"

namespace redline {

// What `redline lab` does with the directories of labs that are over; the words after the action
// are theirs.

/// `lab compare DIR DIR …`: whether repeats of the same experiments agree, as Markdown on standard
/// output.
Result<ExitCode> compareLabs(const Invocation& invocation);

/// `lab export DIR -out=OUT`: report, plots and as much else as -most allows.
Result<ExitCode> exportLab(const Invocation& invocation);

}  // namespace redline
