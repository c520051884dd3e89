#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "server/process.h"

namespace redline {

/// Servers and observers of stacks in `stacks` whose own directory there was deleted under them, by
/// the stack's name.
std::map<std::string, std::vector<ProcessId>> strayServers(const std::filesystem::path& stacks);

/// Ends what is left of the stack whose directory was deleted, its containers included where Docker
/// can be asked. Returns what it did, a line each.
std::vector<std::string> clearStrays(const std::filesystem::path& directory);

/// SIGKILLs every redis-server, children that write a snapshot included, that works in `directory`.
/// Returns their pids. For what a dead server's directory may still hold.
std::vector<pid_t> killServersIn(const std::filesystem::path& directory);
/// The same for what observes a stack.
std::vector<pid_t> killObserversIn(const std::filesystem::path& directory);

}  // namespace redline
