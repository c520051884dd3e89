#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "os/gated_child.h"

namespace redline {

/// How a program ended, and all that it printed.
struct ProgramResult {
  int exitCode = 0;  ///< -1: a signal ended it
  int signal = 0;    ///< 0: it exited by itself
  std::string output;
  std::string errors;

  bool succeeded() const { return exitCode == 0; }
  /// "exit code 2: no such option", "killed by signal 9": the last line of its errors.
  std::string failure() const;
};

/// Runs a program to its end, with `input` as its standard input; nothing passes a shell. It dies
/// with this process. timeout: it was killed, with the processes of its group.
Result<ProgramResult> runProgram(const std::vector<std::string>& args, Nanos timeout,
                                 std::string_view input = {});
/// The same in a directory and as a user of the caller's choice; of `start` the descriptors and
/// dieWithParent are not looked at.
Result<ProgramResult> runProgram(ProgramStart start, Nanos timeout, std::string_view input = {});

}  // namespace redline
