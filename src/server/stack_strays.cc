#include "server/stack_strays.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "os/gated_child.h"
#include "server/compose.h"
#include "server/docker.h"
#include "server/stack_backing.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

bool isServer(std::string_view command) {
  return command.starts_with("redis-server");
}

bool isObserver(std::string_view command) {
  return command.starts_with("prometheus");
}

/// The containers of Compose projects that are named as those of stacks in `stacks`.
void addContainers(const fs::path& stacks, std::map<std::string, StrayStack>& strays) {
  if (!findProgram("docker")) return;
  const auto projects = composeProjects();
  if (!projects) return;
  std::error_code problem;
  for (const ComposeProjectState& project : *projects) {
    const fs::path directory = stacks / project.directory.filename();
    if (ComposeProject(directory).name() == project.name && !fs::exists(directory, problem))
      ++strays[directory.filename()].containers;
  }
}

}  // namespace

std::vector<pid_t> killServersIn(const fs::path& directory) {
  return killAllIn(directory, isServer, StopDeadlines{}.kill);
}

std::vector<pid_t> killObserversIn(const fs::path& directory) {
  return killAllIn(directory, isObserver, StopDeadlines{}.kill);
}

std::map<std::string, StrayStack> strayStacks(const fs::path& stacks) {
  std::map<std::string, StrayStack> strays;
  std::error_code problem;
  const auto wanted = [](std::string_view command) {
    return isServer(command) || isObserver(command);
  };
  for (const ProcessId& process : processesIn(stacks, wanted)) {
    const std::string name = nameBelow(stacks, process);
    if (!name.empty() && !fs::exists(stacks / name, problem))
      strays[name].processes.push_back(process);
  }
  for (auto& [name, processes] : strayPostgres(stacks))
    std::ranges::move(processes, std::back_inserter(strays[name].processes));
  addContainers(stacks, strays);
  return strays;
}

std::vector<std::string> clearStrays(const fs::path& directory) {
  std::vector<std::string> lines;
  for (const pid_t pid : killServersIn(directory))
    lines.push_back(fmt::format("killed a redis-server whose directory was gone (pid {})", pid));
  for (const pid_t pid : killObserversIn(directory))
    lines.push_back(fmt::format("killed an observer whose directory was gone (pid {})", pid));
  clearStrayBacking(directory, lines);
  if (!findProgram("docker")) return lines;
  const auto removed = ComposeProject(directory).remove();
  if (removed && *removed > 0)
    lines.push_back(fmt::format("removed {} container{} whose directory was gone", *removed,
                                *removed == 1 ? "" : "s"));
  return lines;
}

}  // namespace redline
