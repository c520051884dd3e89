#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "server/process.h"

namespace redline {

/// What is left of a stack whose directory was deleted under it.
struct StrayStack {
  std::vector<ProcessId> processes;  ///< servers, observers, its PostgreSQL
  std::size_t containers = 0;        ///< running or not
};

/// The stacks in `stacks` whose own directory there was deleted, by name. Containers are among it
/// where Docker can be asked.
std::map<std::string, StrayStack> strayStacks(const std::filesystem::path& stacks);

/// Ends what is left of the stack whose directory was deleted, its containers included where Docker
/// can be asked. Returns what it did, a line each.
std::vector<std::string> clearStrays(const std::filesystem::path& directory);

/// SIGKILLs every redis-server, children that write a snapshot included, that works in `directory`.
/// Returns their pids. For what a dead server's directory may still hold.
std::vector<pid_t> killServersIn(const std::filesystem::path& directory);
/// The same for what observes a stack.
std::vector<pid_t> killObserversIn(const std::filesystem::path& directory);

}  // namespace redline
