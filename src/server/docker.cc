#include "server/docker.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/text.h"
#include "os/gated_child.h"
#include "os/program.h"

namespace redline {
namespace {

constexpr Nanos kQuick = 10 * kSecond;
constexpr Nanos kStartLimit = 30 * kSecond;
constexpr auto kRunningPoll = std::chrono::milliseconds(20);

std::vector<std::string> withDocker(const std::vector<std::string>& words) {
  std::vector<std::string> all{"docker"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

/// "Error response from daemon: no such image" → "no such image".
std::string_view reasonIn(std::string_view errors) {
  constexpr std::string_view kPrefix = "Error response from daemon: ";
  std::string_view line = trim(lastLine(errors));
  if (line.starts_with(kPrefix)) line.remove_prefix(kPrefix.size());
  return line;
}

/// Ok when the daemon answers; otherwise why not, and what to do.
Status checkDaemon() {
  const auto version = runProgram(withDocker({"version", "--format={{.Server.Version}}"}), kQuick);
  if (!version) return fail(version.error());
  if (version->succeeded()) return {};
  const std::string_view reason = reasonIn(version->errors);
  const bool denied = toLower(reason).find("permission denied") != std::string::npos;
  return fail(ErrorCode::unreachable, "the Docker daemon does not answer: {}{}",
              reason.empty() ? version->failure() : reason,
              denied ? "; join the group docker, or become root"
                     : "; start it (Debian: systemctl start docker)");
}

}  // namespace

const std::string_view kContainerFormat =
    "{{.Id}}\t{{index .Config.Labels \"com.docker.compose.service\"}}\t{{.State.Running}}\t"
    "{{.State.Pid}}\t{{json .State.Error}}";

Result<std::string> docker(const std::vector<std::string>& words, Nanos timeout) {
  if (!findProgram("docker"))
    return fail(ErrorCode::io,
                "there is no docker on the PATH: install Docker (Debian: apt install docker.io "
                "docker-compose)");
  auto done = runProgram(withDocker(words), timeout);
  if (!done) return fail(std::move(done.error()));
  if (done->succeeded()) return std::move(done->output);
  if (auto daemon = checkDaemon(); !daemon) return fail(std::move(daemon.error()));
  const std::string_view reason = reasonIn(done->errors);
  return fail(ErrorCode::refused, "docker {}: {}", words.front(),
              reason.empty() ? done->failure() : std::string(reason));
}

Status checkImage(const std::string& image) {
  const auto found = docker({"image", "inspect", "--format={{.Id}}", "--", image});
  if (found) return {};
  if (found.error().code != ErrorCode::refused) return fail(found.error());
  return fail(ErrorCode::unreachable,
              "Docker has no image {}: fetch it with `docker pull {}`, or name another one with "
              "-redis-image",
              image, image);
}

Result<std::vector<ContainerState>> parseContainers(std::string_view lines) {
  std::vector<ContainerState> containers;
  for (const std::string_view line : splitLines(lines)) {
    if (trim(line).empty()) continue;
    const auto parts = split(line, '\t');
    const auto pid =
        parts.size() == 5 && parts[4].size() >= 2 ? toNumber<pid_t>(parts[3]) : std::nullopt;
    if (!pid)
      return fail(ErrorCode::invalidInput, "docker inspect printed \"{}\", which is not understood",
                  line);
    ContainerState container{std::string(parts[0]),
                             std::string(parts[1]),
                             parts[2] == "true",
                             {},
                             std::string(parts[4].substr(1, parts[4].size() - 2))};
    if (container.running && *pid > 0) container.process = identify(*pid).value_or(ProcessId{});
    containers.push_back(std::move(container));
  }
  return containers;
}

Result<std::vector<ContainerState>> inspectContainers(std::span<const std::string> ids) {
  if (ids.empty()) return std::vector<ContainerState>{};
  std::vector<std::string> words{"container", "inspect",
                                 "--format=" + std::string(kContainerFormat)};
  words.insert(words.end(), ids.begin(), ids.end());
  const auto printed = docker(words);
  if (!printed) return fail(printed.error());
  return parseContainers(*printed);
}

namespace {

Result<std::vector<std::string>> idsOf(const std::string& project) {
  const auto printed = docker({"ps", "--all", "--quiet", "--no-trunc",
                               "--filter=label=com.docker.compose.project=" + project});
  if (!printed) return fail(printed.error());
  std::vector<std::string> ids;
  for (const std::string_view id : splitWords(*printed)) ids.emplace_back(id);
  return ids;
}

}  // namespace

Result<std::vector<ContainerState>> containersOf(const std::string& project) {
  const auto ids = idsOf(project);
  if (!ids) return fail(ids.error());
  return inspectContainers(*ids);
}

/// Docker may not have noticed the end of a process that was killed just now, and would start
/// nothing.
Result<ContainerState> startContainer(const std::string& id) {
  for (const char* const verb : {"wait", "start"})
    if (const auto done = docker({verb, id}, kStartLimit); !done) return fail(done.error());
  const Nanos end = SteadyClock::read() + kStartLimit;
  for (;; std::this_thread::sleep_for(kRunningPoll)) {
    auto seen = inspectContainers(std::span(&id, 1));
    if (!seen) return fail(std::move(seen.error()));
    if (seen->size() == 1 && seen->front().process.pid > 0) return std::move(seen->front());
    if (seen->empty() || !seen->front().running || SteadyClock::read() >= end)
      return fail(ErrorCode::io, "container {} ended while starting: {}", id.substr(0, 12),
                  lastLine(containerOutput(id)));
  }
}

std::string containerOutput(const std::string& id) {
  const auto done = runProgram(withDocker({"logs", "--tail=20", id}), kQuick);
  return done ? done->output + done->errors : std::string{};
}

const std::string_view kProjectFormat =
    "{{.Label \"com.docker.compose.project\"}}\t"
    "{{.Label \"com.docker.compose.project.working_dir\"}}";

std::vector<ComposeProjectState> parseProjects(std::string_view lines) {
  std::vector<ComposeProjectState> projects;
  for (const std::string_view line : splitLines(lines)) {
    const auto parts = split(line, '\t');
    if (parts.size() == 2 && !parts[0].empty() && !parts[1].empty())
      projects.push_back({std::string(parts[0]), std::string(parts[1])});
  }
  return projects;
}

Result<std::vector<ComposeProjectState>> composeProjects() {
  const auto printed = docker({"ps", "--all", "--format=" + std::string(kProjectFormat)}, kQuick);
  if (!printed) return fail(printed.error());
  return parseProjects(*printed);
}

Result<std::size_t> removeContainersOf(const std::string& project) {
  const auto ids = idsOf(project);
  if (!ids) return fail(ids.error());
  if (ids->empty()) return std::size_t{0};
  std::vector<std::string> words{"rm", "--force", "--volumes"};
  words.insert(words.end(), ids->begin(), ids->end());
  if (const auto removed = docker(words); !removed) return fail(removed.error());
  return ids->size();
}

}  // namespace redline
