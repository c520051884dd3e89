#include "server/stack_strays.h"

#include <fmt/format.h>
#include <signal.h>

#include <functional>
#include <string_view>

#include "os/gated_child.h"
#include "server/compose.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

bool isServer(std::string_view command) {
  return command.starts_with("redis-server");
}

bool isObserver(std::string_view command) {
  return command.starts_with("prometheus");
}

/// The first name below `directory` on the way to `path`; empty: it is not below.
std::string nameBelow(const fs::path& directory, const fs::path& path) {
  const fs::path relative = path.lexically_relative(directory);
  return relative.empty() || *relative.begin() == ".." ? "" : relative.begin()->string();
}

}  // namespace

std::vector<pid_t> killServersIn(const fs::path& directory) {
  return killAllIn(directory, isServer, StopDeadlines{}.kill);
}

std::vector<pid_t> killObserversIn(const fs::path& directory) {
  return killAllIn(directory, isObserver, StopDeadlines{}.kill);
}

std::map<std::string, std::vector<ProcessId>> strayServers(const fs::path& stacks) {
  std::map<std::string, std::vector<ProcessId>> strays;
  std::error_code problem;
  const fs::path root = fs::weakly_canonical(stacks, problem);
  const auto wanted = [](std::string_view command) {
    return isServer(command) || isObserver(command);
  };
  for (const ProcessId& process : processesIn(stacks, wanted)) {
    const fs::path place = fs::read_symlink(fmt::format("/proc/{}/cwd", process.pid), problem);
    const std::string name = problem ? "" : nameBelow(root, place);
    if (!name.empty() && !fs::exists(stacks / name, problem)) strays[name].push_back(process);
  }
  return strays;
}

std::vector<std::string> clearStrays(const fs::path& directory) {
  std::vector<std::string> lines;
  for (const pid_t pid : killServersIn(directory))
    lines.push_back(fmt::format("killed a redis-server whose directory was gone (pid {})", pid));
  for (const pid_t pid : killObserversIn(directory))
    lines.push_back(fmt::format("killed an observer whose directory was gone (pid {})", pid));
  if (!findProgram("docker")) return lines;
  const auto removed = ComposeProject(directory).remove();
  if (removed && *removed > 0)
    lines.push_back(fmt::format("removed {} container{} whose directory was gone", *removed,
                                *removed == 1 ? "" : "s"));
  return lines;
}

}  // namespace redline
