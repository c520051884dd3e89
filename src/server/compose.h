#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/docker.h"
#include "server/node.h"
#include "server/node_config.h"

namespace redline {

/// In the directory of a stack whose servers are containers.
inline constexpr const char* kComposeFile = "compose.yml";
inline constexpr const char* kRedisImage = "redis:7.0.15-bookworm";

/// For servers in containers instead of processes of ours.
struct ComposeOptions {
  std::string image = kRedisImage;
};

/// The servers of one stack as a project of Docker Compose (deploy/compose/node.yml or
/// cluster.yml): a container each, with this machine's network and as the user of this process.
/// Each sees its directory, and read-only that of the stack, under the same paths as this machine.
class ComposeProject {
 public:
  /// The project of the stack whose files are in `directory`, which need not exist. Its name is
  /// that directory's alone: "redline-lab-5e0c12a9".
  explicit ComposeProject(std::filesystem::path directory);
  const std::string& name() const { return name_; }

  /// What can be checked before anything is started. io, unreachable: Docker, Compose or the image
  /// is not there. usage: deploy/compose has no file for that many servers.
  static Status check(const ComposeOptions& options, std::size_t servers);

  /// Writes the servers' configuration and the project's file, creates and starts the containers,
  /// and returns the servers in the order of `configs`. They may not answer yet. On failure
  /// containers may be left.
  Result<std::vector<Node>> launch(std::vector<NodeConfig> configs, const ComposeOptions& options,
                                   const NodeStartOptions& start) const;
  /// Removes its containers, running or not. Returns how many there were.
  Result<std::size_t> remove() const { return removeContainersOf(name_); }

 private:
  Status write(std::span<const NodeConfig> configs, const ComposeOptions& options) const;
  std::filesystem::path file() const { return directory_ / kComposeFile; }

  std::filesystem::path directory_;
  std::string name_;
};

/// The value of each "${NAME:-default}" by its name.
using ComposeVariables = std::map<std::string, std::string, std::less<>>;

/// `text` with each "${NAME:-default}" as the variable's value, or as its default where `variables`
/// has none. They stand between double quotes in YAML, and Compose expands what is left: values are
/// escaped for both.
std::string fillIn(std::string_view text, const ComposeVariables& variables);

/// What deploy/compose asks for, for these servers of the stack in `directory`.
ComposeVariables composeVariables(std::span<const NodeConfig> configs,
                                  const ComposeOptions& options,
                                  const std::filesystem::path& directory);

}  // namespace redline
