#include "server/own_servers.h"

#include <algorithm>
#include <utility>

#include "server/stack.h"
#include "transport/gate.h"

namespace redline {

namespace {

OwnServer ownServer(const Stack& stack, const std::string& name, const NodeState& node) {
  const auto current = [stack, name, port = node.port]() -> Result<ProcessId> {
    const auto state = stack.load(name);
    if (!state) return fail(state.error());
    const auto found = std::ranges::find(state->nodes, port, &NodeState::port);
    if (found == state->nodes.end())
      return fail(ErrorCode::unreachable, "stack {} has no server on port {} any more", name, port);
    return found->process;
  };
  const auto restart = [stack, name, node = node.name](const Credentials& credentials) -> Status {
    auto started = Stack(stack).restart(name, node, credentials);
    return started ? Status{} : fail(std::move(started.error()));
  };
  return {name, node.endpoint(), node.unixEndpoint(), node.process, node.dir, current, restart};
}

const OwnServer* whosePlaceIs(std::span<const OwnServer> servers, const Endpoint& endpoint) {
  const bool local = isLocal(endpoint).value_or(false);
  const auto matches = [&](const OwnServer& server) {
    if (endpoint.isUnix()) return server.unixSocket == endpoint;
    return local && server.tcp.port == endpoint.port;
  };
  const auto found = std::ranges::find_if(servers, matches);
  return found == servers.end() ? nullptr : &*found;
}

/// Nobody else can take the place of a Unix socket, which lies in the server's directory.
bool lostItsPort(const OwnServer& server, const Endpoint& endpoint) {
  if (endpoint.isUnix() || !server.current) return false;
  const auto process = server.current();
  return process && !isAlive(*process) && portUser(server.tcp.port).has_value();
}

}  // namespace

std::vector<OwnServer> ownServers(const std::filesystem::path& home) {
  std::vector<OwnServer> servers;
  const Stack stack(home);
  for (const std::string& name : stack.names()) {
    const auto state = stack.load(name);
    if (!state) continue;  // half made or half removed: nothing there is known to be ours
    for (const NodeState& node : state->nodes) {
      servers.push_back(ownServer(stack, name, node));
      servers.back().backing = backingAddress(*state, {});
    }
  }
  return servers;
}

OwnServer ownServer(Node& node) {
  return {"",
          node.endpoint(),
          node.unixEndpoint(),
          node.process(),
          node.config().dir,
          [&node] { return Result<ProcessId>(node.process()); },
          [&node](const Credentials&) { return node.restart(); }};
}

std::vector<OwnServer> ownServers(ScopedStack& stack) {
  std::vector<OwnServer> servers;
  for (std::size_t i = 0; i < stack.size(); ++i) {
    servers.push_back(ownServer(stack.node(i)));
    servers.back().backing = stack.backingAddress();
  }
  return servers;
}

const OwnServer* findOwn(std::span<const OwnServer> servers, const Endpoint& endpoint) {
  const OwnServer* const server = whosePlaceIs(servers, endpoint);
  return server == nullptr || lostItsPort(*server, endpoint) ? nullptr : server;
}

bool isTakenOver(std::span<const OwnServer> servers, const Endpoint& endpoint) {
  const OwnServer* const server = whosePlaceIs(servers, endpoint);
  return server != nullptr && lostItsPort(*server, endpoint);
}

}  // namespace redline
