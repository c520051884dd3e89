#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "server/node.h"
#include "server/process.h"
#include "transport/endpoint.h"

namespace redline {

/// A redis-server that redline started, and may therefore harm.
struct OwnServer {
  std::string stack;  ///< the stack that it belongs to
  Endpoint tcp, unixSocket;
  ProcessId process;
  std::filesystem::path dir;
};

/// The servers of every stack under `home` (as stateHome() gives it), running or not.
std::vector<OwnServer> ownServers(const std::filesystem::path& home);
/// A server of a ScopedStack.
OwnServer ownServer(const Node& node);

/// The one that listens at `endpoint` (any name of this machine counts); null: none of `servers`.
const OwnServer* findOwn(std::span<const OwnServer> servers, const Endpoint& endpoint);

}  // namespace redline
