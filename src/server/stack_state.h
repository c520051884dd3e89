#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/process.h"
#include "server/stack_settings.h"
#include "transport/endpoint.h"

namespace redline {

/// What is known of one server of a stack, whether it lives or not.
struct NodeState {
  std::string name;  ///< "node-7600": its directory's name too
  std::string role;  ///< "master" or "replica", as planned
  std::uint16_t port = 0;
  std::filesystem::path dir;
  /// pid 0: not started yet. Of a container that was started again by others, Stack::load() knows
  /// better than the file.
  ProcessId process;
  std::string container = {};  ///< its id, where it is a container's process; otherwise empty

  std::filesystem::path socketPath() const { return dir / "redis.sock"; }
  Endpoint endpoint() const { return {"127.0.0.1", port, {}}; }
  Endpoint unixEndpoint() const { return {{}, 0, socketPath().string()}; }
  /// " in container 3f0c2a8d61b7", for people; empty: it is in none.
  std::string inContainer() const {
    return container.empty() ? "" : " in container " + container.substr(0, 12);
  }
  bool operator==(const NodeState&) const = default;
};

/// A stack as stack.json has it. Written before its first process exists and again as each one gets
/// its number, so that a later process finds all of them. No password is in it.
struct StackState {
  std::string name;
  std::string topology;       ///< "node" or "cluster"
  bool complete = false;      ///< all nodes have answered
  std::filesystem::path dir;  ///< holds the nodes' directories; goes with the stack
  std::string binary;  ///< what its servers run, for the one that is started again: a program or
                       ///< an image
  std::vector<NodeState> nodes;
  bool compose = false;    ///< they are containers, of the ComposeProject of `dir`
  StackSettings settings = {};  ///< what it was started with
  bool tls = false;        ///< its TCP ports speak TLS, with the certificates in certificatesDir()

  bool isCluster() const { return topology == "cluster"; }
  std::filesystem::path certificatesDir() const { return dir / "tls"; }
  bool operator==(const StackState&) const = default;
};

std::string toJson(const StackState& state);
/// `name` is put before errors. Every field must be there.
Result<StackState> parseStackState(std::string_view json, std::string_view name = "stack.json");

/// `$REDLINE_HOME`, or `~/.local/state/redline` (under `$XDG_STATE_HOME` when that is set).
Result<std::filesystem::path> stateHome();

/// Makes a directory in the state home, its parents included. io: what stands in the way, and that
/// REDLINE_HOME names another place.
Status makeStateDirectory(const std::filesystem::path& directory);

/// A name that is safe as a directory's: letters, digits, '-', '_' and '.', at most 64.
Status checkStackName(std::string_view name);

/// Ok when `nodes` servers of `maxmemory` bytes each, and what an allocator adds, fit what the
/// machine has; noSpace with the arithmetic when not.
Status checkMemory(std::uint64_t maxmemory, std::uint64_t nodes, std::uint64_t available,
                   std::uint64_t total);
/// 75% of the available memory shared by `nodes` servers, whole megabytes.
std::uint64_t defaultMaxmemory(std::uint64_t available, std::uint64_t nodes);

}  // namespace redline
