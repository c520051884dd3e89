#include "server/frozen_server.h"
#include "server/stack.h"

namespace redline {
namespace {

constexpr Nanos kStatusTimeout = 2 * kSecond;

NodeStatus statusOf(const NodeState& node, bool cluster, const Credentials& credentials) {
  NodeStatus status;
  status.node = node;
  status.alive = isAlive(node.process);
  status.stopped = status.alive && isStopped(node.process);
  if (!status.alive || status.stopped) {
    status.problem = status.alive ? "held by a SIGSTOP" : "not running";
    return status;
  }
  auto admin = Admin::connect(node.unixEndpoint(), credentials, kStatusTimeout);
  auto info = admin ? admin->info({"server", "memory", "replication", "keyspace"})
                    : Result<ServerInfo>(fail(admin.error()));
  auto members = info && cluster ? admin->command({"CLUSTER", "NODES"}) : Value{};
  if (!info || !members) {
    status.problem = heldUpBy(node.process, node.dir);
    if (status.problem.empty())
      status.problem = info ? members.error().message : info.error().message;
    return status;
  }
  status.role = info->role();
  status.version = info->version();
  status.usedMemory = info->count("used_memory");
  status.keys = info->keys();
  status.replication = parseReplication(*info);
  if (const auto view = parseClusterNodes(members->text); view && view->myself() != nullptr)
    status.member = *view->myself();
  return status;
}

}  // namespace

Result<StackStatus> Stack::status(const std::string& name, const Credentials& credentials) const {
  if (auto good = checkStackName(name); !good) return fail(std::move(good.error()));
  auto state = load(name);
  if (!state) return fail(std::move(state.error()));
  StackStatus status;
  status.state = std::move(*state);
  std::vector<Endpoint> alive;
  for (const NodeState& node : status.state.nodes) {
    status.nodes.push_back(statusOf(node, status.state.isCluster(), credentials));
    if (status.nodes.back().problem.empty()) alive.push_back(node.endpoint());
  }
  auto observers = observersOf(name);
  if (!observers) return fail(std::move(observers.error()));
  for (const ObserverState& observer : observers->all())
    status.observers.push_back({observer, isAlive(observer.process), observers->logPath(observer)});
  status.driver = observers->driver();
  if (status.state.backing)
    status.backing = backingStatus(*status.state.backing, credentials.password);
  if (status.state.isCluster()) {
    auto tcp = credentialsOf(status.state, credentials);
    if (!tcp) return fail(std::move(tcp.error()));
    ClusterAdmin cluster(std::move(*tcp), kStatusTimeout);
    status.cluster =
        alive.empty() ? "none of its nodes answers" : lookAtCluster(cluster, alive).missing;
  }
  return status;
}

}  // namespace redline
