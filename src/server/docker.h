#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/process.h"

namespace redline {

// Docker, by its own client, which decides which daemon is meant (DOCKER_HOST, contexts).

/// What `docker <words>` prints. io: there is no docker on the PATH; unreachable: the daemon does
/// not answer; refused: anything else, with the client's words. All of them say what to do where
/// that is known.
Result<std::string> docker(const std::vector<std::string>& words, Nanos timeout = 60 * kSecond);

/// Ok when the daemon has that image. unreachable, with the command that fetches it, when it has
/// not. Other errors as docker() has them.
Status checkImage(const std::string& image);

/// A container as the daemon sees it now.
struct ContainerState {
  std::string id;       ///< 64 digits
  std::string service;  ///< of its Compose project
  bool running = false;
  /// Its first process, as this machine numbers it; pid 0: it does not run, or not on this machine.
  ProcessId process;
  std::string problem;  ///< why it could not be started
};

/// All containers of a Compose project, running or not.
Result<std::vector<ContainerState>> containersOf(const std::string& project);
/// Those with these ids. refused: one of them does not exist.
Result<std::vector<ContainerState>> inspectContainers(std::span<const std::string> ids);

/// Starts a container that has ended, and waits until it runs.
Result<ContainerState> startContainer(const std::string& id);
/// What it has printed last.
std::string containerOutput(const std::string& id);

/// A container's Compose project.
struct ComposeProjectState {
  std::string name;
  std::filesystem::path directory;  ///< of its first file
};
/// Those of all containers, running or not: one for each container.
Result<std::vector<ComposeProjectState>> composeProjects();
/// From what `docker ps` prints, asked with kProjectFormat: a line each. Containers that Compose
/// has not made are left out.
extern const std::string_view kProjectFormat;
std::vector<ComposeProjectState> parseProjects(std::string_view lines);

/// Removes all containers of a Compose project, running or not, and their unnamed volumes. Returns
/// how many there were.
Result<std::size_t> removeContainersOf(const std::string& project);

/// From what `docker inspect` prints, asked with kContainerFormat: a line each.
extern const std::string_view kContainerFormat;
Result<std::vector<ContainerState>> parseContainers(std::string_view lines);

}  // namespace redline
