#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pg/pg_address.h"
#include "server/node.h"
#include "server/process.h"
#include "server/scoped_stack.h"
#include "transport/endpoint.h"

namespace redline {

/// A redis-server that redline started, and may therefore harm.
struct OwnServer {
  std::string stack;  ///< the stack that it belongs to
  Endpoint tcp, unixSocket;
  ProcessId process;  ///< when this was written
  std::filesystem::path dir;
  /// Its process now: another one, once it has been started again.
  std::function<Result<ProcessId>()> current;
  /// Restarts it in its place after it has died.
  std::function<Status(const Credentials&)> restart;
  /// The store behind its stack's cache, without the password; none: the stack has none.
  std::optional<PgAddress> backing = {};
};

/// The servers of every stack under `home` (as stateHome() gives it), running or not.
std::vector<OwnServer> ownServers(const std::filesystem::path& home);
/// A server of a ScopedStack, which must outlive it.
OwnServer ownServer(Node& node);
/// All of a ScopedStack's.
std::vector<OwnServer> ownServers(ScopedStack& stack);

/// The one whose place `endpoint` is (any name of this machine counts), alive or dead; null: none
/// of `servers`, or isTakenOver().
const OwnServer* findOwn(std::span<const OwnServer> servers, const Endpoint& endpoint);

/// `endpoint` is the place of one of `servers` that is dead, and another process listens there:
/// what answers is not ours.
bool isTakenOver(std::span<const OwnServer> servers, const Endpoint& endpoint);

}  // namespace redline
