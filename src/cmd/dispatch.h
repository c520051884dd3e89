#pragma once

#include <string>
#include <vector>

namespace redline {

/// Runs the sub-command that `argv` names and returns the exit code of the process. `argv` begins
/// with the program's name; `environment` holds "NAME=value".
int dispatch(const std::vector<std::string>& argv, const std::vector<std::string>& environment);

}  // namespace redline
