#include "server/own_servers.h"

#include <algorithm>
#include <utility>

#include "server/stack.h"

namespace redline {

std::vector<OwnServer> ownServers(const std::filesystem::path& home) {
  std::vector<OwnServer> servers;
  const Stack stack(home);
  for (const std::string& name : stack.names()) {
    const auto state = stack.load(name);
    if (!state) continue;  // half made or half removed: nothing there is known to be ours
    for (const NodeState& node : state->nodes)
      servers.push_back({name, node.endpoint(), node.unixEndpoint(), node.process, node.dir});
  }
  return servers;
}

OwnServer ownServer(const Node& node) {
  return {"", node.endpoint(), node.unixEndpoint(), node.process(), node.config().dir};
}

const OwnServer* findOwn(std::span<const OwnServer> servers, const Endpoint& endpoint) {
  const bool local = isLocal(endpoint).value_or(false);
  const auto matches = [&](const OwnServer& server) {
    if (endpoint.isUnix()) return server.unixSocket == endpoint;
    return local && server.tcp.port == endpoint.port;
  };
  const auto found = std::ranges::find_if(servers, matches);
  return found == servers.end() ? nullptr : &*found;
}

}  // namespace redline
