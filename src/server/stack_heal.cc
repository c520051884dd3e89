#include <utility>

#include "server/failover.h"
#include "server/frozen_server.h"
#include "server/stack.h"

namespace redline {
namespace {

/// Ok when that server may be started: no data depends on its staying down.
Status mayComeBack(const NodeState& dead, std::span<const Endpoint> alive,
                   const Credentials& credentials) {
  ClusterAdmin cluster(credentials);
  for (const Endpoint& endpoint : alive) {
    const auto view = cluster.viewOf(endpoint);
    const ClusterMember* const member = view ? view->byEndpoint(dead.endpoint()) : nullptr;
    if (member != nullptr && member->master) return awaitSuccessor(cluster, *member, alive);
    if (member != nullptr) return {};
  }
  return {};
}

/// Lets servers go that wait for a FIFO.
Status freeFrozen(const StackState& state, std::vector<std::string>& lines) {
  for (const NodeState& node : state.nodes) {
    const auto freed = freeFromFifo(node.process, node.dir);
    if (!freed) return fail(freed.error());
    if (*freed)
      lines.push_back(fmt::format("freed {}: it waited for the other end of a FIFO", node.name));
  }
  return {};
}

/// An error names a server that only another hand can free.
Status checkNoneIsHeld(const StackState& state) {
  for (const NodeState& node : state.nodes)
    if (const std::string cause = heldUpBy(node.process, node.dir); !cause.empty())
      return fail(ErrorCode::refused, "{} is {}", node.name, cause);
  return {};
}

}  // namespace

Result<std::vector<std::string>> Stack::heal(
    const std::string& name, const Credentials& credentials,
    const std::function<void(const std::string&)>& progress) {
  if (auto good = checkStackName(name); !good) return fail(std::move(good.error()));
  auto state = load(name);
  if (!state) return fail(std::move(state.error()));
  if (!state->complete)
    return fail(ErrorCode::refused,
                "stack {} was never complete: remove it with `redline stack down {}`", name, name);
  const auto tcp = credentialsOf(*state, credentials);
  if (!tcp) return fail(tcp.error());
  std::vector<Endpoint> alive, all;
  std::vector<const NodeState*> dead;
  for (const NodeState& node : state->nodes) {
    all.push_back(node.endpoint());
    if (isAlive(node.process))
      alive.push_back(node.endpoint());
    else
      dead.push_back(&node);
  }
  std::vector<std::string> lines;
  if (auto free = freeFrozen(*state, lines); !free) return fail(std::move(free.error()));
  for (const NodeState* const node : dead) {
    if (progress) progress(fmt::format("{} is restarting", node->name));
    if (auto may = mayComeBack(*node, alive, *tcp); !may) return fail(std::move(may.error()));
    auto started = restart(name, node->name, credentials);
    if (!started) return fail(std::move(started.error()));
    lines.push_back(fmt::format("restarted {} on {} (pid {})", node->name, node->endpoint().text(),
                                started->process.pid));
  }
  if (auto free = checkNoneIsHeld(*state); !free) return fail(std::move(free.error()));
  if (progress && state->backing) progress("looking at PostgreSQL");
  const auto backing = restartDeadBacking(name, credentials.password);
  if (!backing) return fail(backing.error());
  if (*backing) lines.emplace_back("restarted PostgreSQL");
  if (state->isCluster()) {
    ClusterAdmin cluster(*tcp);
    ClusterWait wait;
    if (progress)
      wait.progress = [&](const Convergence& seen) {
        progress("the cluster is converging: " + seen.missing);
      };
    if (auto whole = awaitConverged(cluster, all, wait); !whole)
      return fail(std::move(whole.error()));
    if (!dead.empty())
      lines.emplace_back("every node agrees on the slots, and all replicas are in sync");
  }
  auto observers = observersOf(name);
  if (!observers) return fail(std::move(observers.error()));
  if (progress) progress("looking at what observes it");
  const auto watching = observers->restartDead(*state, credentials.password);
  if (!watching) return fail(watching.error());
  for (const std::string& each : *watching) lines.push_back("restarted " + each);
  if (lines.empty()) lines.push_back(fmt::format("all servers of stack {} run", name));
  return lines;
}

}  // namespace redline
