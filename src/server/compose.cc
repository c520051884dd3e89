#include "server/compose.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"
#include "os/files.h"
#include "os/program.h"
#include "server/embedded.h"
#include "server/owner_name.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr Nanos kUpLimit = 3 * 60 * kSecond;
constexpr Nanos kVersionLimit = 20 * kSecond;
constexpr std::size_t kClusterNodes = 6;
/// A container's memory beyond two copies of the data: while a child writes a snapshot, each page
/// may be there twice.
constexpr std::uint64_t kBesideData = 256ULL << 20;

/// As Compose allows it in the name of a project.
std::string projectName(const fs::path& directory) {
  std::string stack;
  for (const char c : toLower(directory.filename().string()))
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_') stack += c;
  const std::string_view prefix = stack.starts_with("redline-") ? "" : "redline-";
  return fmt::format("{}{}-{:08x}", prefix, stack, nameHash(directory.native()));
}

/// `docker compose`, or docker-compose where Docker has no such plugin.
Result<std::vector<std::string>> composeCommand() {
  static const std::vector<std::string> found = [] {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"docker", "compose"}, {"docker-compose"}}) {
      std::vector<std::string> asked = words;
      asked.emplace_back("version");
      const auto version = runProgram(asked, kVersionLimit);
      if (version && version->succeeded()) return words;
    }
    return std::vector<std::string>{};
  }();
  if (!found.empty()) return found;
  return fail(ErrorCode::io,
              "there is neither `docker compose` nor docker-compose: install one of them (Debian: "
              "apt install docker-compose)");
}

/// All CPUs that its threads are pinned to; empty, for any, while some threads are not.
std::string cpusetOf(const NodeConfig& config) {
  std::set<std::string_view> lists;
  for (const std::string* const list :
       {&config.cpus, &config.bioCpus, &config.bgsaveCpus, &config.aofRewriteCpus}) {
    if (list->empty()) return {};
    lists.insert(*list);
  }
  return fmt::format("{}", fmt::join(lists, ","));
}

/// For redis.conf, and read by the servers alone.
Status writePassword(const std::vector<NodeConfig>& configs) {
  const fs::path& file = configs.front().passwordFile;
  return file.empty() ? Status{} : writeSecretFile(file, secretText(configs.front()));
}

std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    if (c == '$') text += '$';
    text += c;
  }
  return text;
}

/// The line that says why: Compose ends with how it feels about it.
std::string_view reasonOf(const ProgramResult& failed) {
  std::string_view reason;
  for (const std::string_view line : splitLines(failed.errors))
    if (toLower(line).find("error") != std::string::npos && !line.starts_with("Encountered"))
      reason = trim(line);
  return reason.empty() ? trim(lastLine(failed.errors)) : reason;
}

std::string serviceName(std::size_t index) {
  return fmt::format("node-{}", index + 1);
}

/// A container whose first process this machine does not have.
Status checkIsHere(const ContainerState& container) {
  if (!container.running || container.process.pid != 0) return {};
  const auto again = inspectContainers(std::span(&container.id, 1));  // it may just have ended
  if (!again) return fail(again.error());
  if (again->empty() || !again->front().running || again->front().process.pid != 0) return {};
  return fail(ErrorCode::refused,
              "{} runs, but not on this machine: Docker's daemon must be on it, and not in a "
              "virtual machine (see `docker context ls`)",
              container.service);
}

}  // namespace

std::string fillIn(std::string_view text, const ComposeVariables& variables) {
  std::string filled;
  for (;;) {
    const auto begin = text.find("${");
    filled += text.substr(0, begin);
    if (begin == std::string_view::npos) return filled;
    text.remove_prefix(begin + 2);
    const std::string_view variable = text.substr(0, text.find('}'));
    text.remove_prefix(std::min(text.size(), variable.size() + 1));
    const auto middle = variable.find(":-");
    const auto found = variables.find(variable.substr(0, middle));
    if (found != variables.end())
      filled += escaped(found->second);
    else if (middle != std::string_view::npos)
      filled += variable.substr(middle + 2);
  }
}

ComposeVariables composeVariables(std::span<const NodeConfig> configs,
                                  const ComposeOptions& options, const fs::path& directory) {
  const NodeConfig& any = configs.front();
  ComposeVariables variables{
      {"REDLINE_REDIS_IMAGE", options.image},
      {"REDLINE_USER", fmt::format("{}:{}", ::geteuid(), ::getegid())},
      {"REDLINE_MAXMEMORY", effectiveValue(any, "maxmemory", std::to_string(any.maxmemory))},
      {"REDLINE_MAXMEMORY_POLICY", effectiveValue(any, "maxmemory-policy", any.policy)},
      {"REDLINE_MEMORY_LIMIT", std::to_string(2 * effectiveMaxmemory(any) + kBesideData)},
      {"REDLINE_HEALTH_INTERVAL", "30s"},
      {"REDLINE_STACK", directory.string()}};
  for (std::size_t i = 0; i < configs.size(); ++i) {
    const bool tls = !configs[i].certificates.empty();
    variables[fmt::format("REDLINE_NODE_{}", i + 1)] = configs[i].dir.string();
    variables[fmt::format("REDLINE_PORT_{}", i + 1)] = tls ? "0" : std::to_string(configs[i].port);
    variables[fmt::format("REDLINE_CPUSET_{}", i + 1)] = cpusetOf(configs[i]);
  }
  return variables;
}

ComposeProject::ComposeProject(fs::path directory)
    : directory_(directory.lexically_normal()), name_(projectName(directory_)) {}

Status ComposeProject::check(const ComposeOptions& options, std::size_t servers) {
  if (servers != 1 && servers != kClusterNodes)
    return fail(ErrorCode::usage,
                "-engine=compose knows clusters of 3 masters with a replica each, not of {} "
                "servers: leave out -masters and -replicas, or use -engine=process",
                servers);
  if (auto there = checkImage(options.image); !there) return there;
  if (const auto compose = composeCommand(); !compose) return fail(compose.error());
  return {};
}

Status ComposeProject::write(std::span<const NodeConfig> configs,
                             const ComposeOptions& options) const {
  const std::string_view text = configs.size() == 1 ? kComposeNode : kComposeCluster;
  return writeWholeFile(file(), fillIn(text, composeVariables(configs, options, directory_)));
}

Result<std::vector<Node>> ComposeProject::launch(std::vector<NodeConfig> configs,
                                                 const ComposeOptions& options,
                                                 const NodeStartOptions& start) const {
  const auto compose = composeCommand();
  if (!compose) return fail(compose.error());
  for (NodeConfig& config : configs) {
    if (!config.password.empty()) config.passwordFile = directory_ / "password.conf";
    if (auto ready = prepareNode(config, start); !ready) return fail(std::move(ready.error()));
  }
  Status written = writePassword(configs);
  if (written) written = write(configs, options);
  if (!written) return fail(std::move(written.error()));
  std::vector<std::string> words = *compose;
  for (const std::string& word : {std::string("--project-name"), name_, std::string("--file"),
                                  file().string(), std::string("up"), std::string("--detach")})
    words.push_back(word);
  for (std::size_t i = 0; i < configs.size(); ++i) words.push_back(serviceName(i));
  const auto up = runProgram(words, kUpLimit);
  if (!up) return fail(up.error());
  if (!up->succeeded())
    return fail(ErrorCode::refused, "Compose cannot start the servers: {}", reasonOf(*up));
  const auto containers = containersOf(name_);
  if (!containers) return fail(containers.error());
  std::vector<Node> servers;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    const auto found = std::ranges::find(*containers, serviceName(i), &ContainerState::service);
    if (found == containers->end())
      return fail(ErrorCode::refused, "Compose started no container for {}", serviceName(i));
    if (auto here = checkIsHere(*found); !here) return fail(std::move(here.error()));
    NodeStartOptions one = start;
    one.container = found->id;
    servers.push_back(Node::adopt(configs[i], found->process, one));
  }
  return servers;
}

}  // namespace redline
