#include <algorithm>

#include "os/files.h"
#include "server/host.h"
#include "server/stack.h"
#include "server/stack_files.h"
#include "transport/certificates.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

Status makeMarkedDirectory(const StackState& state) {
  std::error_code problem;
  fs::create_directories(state.dir, problem);
  if (problem)
    return fail(ErrorCode::io, "cannot make {}: {}", state.dir.string(), problem.message());
  return writeWholeFile(state.dir / kStackMarker, state.name + "\n");
}

/// Ports for `count` nodes: from `first` on, or free ones.
Result<std::vector<std::uint16_t>> portsFor(std::uint16_t first, std::size_t count) {
  if (first == 0) return freePorts(count);
  std::vector<std::uint16_t> ports;
  constexpr std::size_t kHighestPort = 65535;
  if (first + count - 1 > kHighestPort)
    return fail(ErrorCode::usage, "there are not {} ports from {} on", count, first);
  for (std::size_t i = 0; i < count; ++i) ports.push_back(static_cast<std::uint16_t>(first + i));
  return ports;
}

/// Waits for a cluster as the options ask.
ClusterWait formingWait(const StackOptions& options) {
  ClusterWait wait;
  wait.timeout = options.formTimeout;
  wait.interrupted = options.interrupted;
  if (!options.progress) return wait;
  wait.progress = [&options, end = SteadyClock::read() + wait.timeout](const Convergence& seen) {
    options.progress(fmt::format(
        "the cluster is converging: {} of {} nodes agree, {} of {} replicas are in sync; it has "
        "{} s left",
        seen.agreeing, seen.nodes, seen.inSync, seen.replicas,
        std::max<Nanos>(0, end - SteadyClock::read()) / kSecond));
  };
  return wait;
}

}  // namespace

/// What is to be, with everything checked that can be before a file or a process exists.
Result<StackState> Stack::plan(const StackOptions& options,
                               std::vector<NodeConfig>& configs) const {
  StackState state;
  state.topology = options.topology;
  if (options.topology != "node" && !state.isCluster())
    return fail(ErrorCode::usage, "no topology \"{}\" to start: use node or cluster",
                options.topology);
  if (state.isCluster())
    if (auto good = checkShape(options.cluster); !good) return fail(std::move(good.error()));
  state.name = options.name.empty() ? options.topology : options.name;
  if (auto good = checkStackName(state.name); !good) return fail(std::move(good.error()));
  state.dir = options.dir.empty() ? stacks() / state.name
                                  : fs::absolute(options.dir) / ("redline-" + state.name);
  state.dir = state.dir.lexically_normal();
  state.compose = options.compose.has_value();
  state.binary = state.compose ? options.compose->image : options.node.binary;
  state.tls = options.tls;
  auto ports = portsFor(options.node.port, state.isCluster() ? options.cluster.nodes() : 1);
  if (!ports) return fail(std::move(ports.error()));

  const HostFacts host = readHost(0);
  NodeConfig pattern = options.node;
  if (pattern.maxmemory == 0)
    pattern.maxmemory = defaultMaxmemory(host.memoryAvailable, ports->size());
  if (!options.force)
    if (auto fits = checkMemory(effectiveMaxmemory(pattern), ports->size(), host.memoryAvailable,
                                host.memoryTotal);
        !fits)
      return fail(std::move(fits.error()));
  if (state.compose) {
    if (auto there = ComposeProject::check(*options.compose, ports->size()); !there)
      return fail(std::move(there.error()));
  } else if (auto version = checkBinary(pattern.binary, pattern.anyVersion); !version) {
    return fail(std::move(version.error()));
  }
  pattern.port = ports->front();
  if (state.tls) pattern.certificates = state.certificatesDir();
  configs = state.isCluster() ? clusterNodes(pattern, options.cluster, *ports)
                              : std::vector<NodeConfig>{pattern};
  for (std::size_t i = 0; i < configs.size(); ++i) {
    NodeState node;
    node.name = fmt::format("node-{}", configs[i].port);
    node.role = state.isCluster() && i >= options.cluster.masters ? "replica" : "master";
    node.port = configs[i].port;
    node.dir = configs[i].dir = state.dir / node.name;
    state.nodes.push_back(std::move(node));
    if (auto good = checkNodeConfig(configs[i]); !good) return fail(std::move(good.error()));
    if (auto free = checkPortsFree(configs[i]); !free) return fail(std::move(free.error()));
  }
  return state;
}

Result<std::vector<Node>> Stack::launchNodes(StackState& state, std::span<const NodeConfig> configs,
                                             const StackOptions& options) const {
  std::vector<Node> servers;
  if (options.compose) {
    if (options.progress) options.progress("Docker Compose is starting the containers");
    auto launched =
        ComposeProject(state.dir).launch({configs.begin(), configs.end()}, *options.compose, {});
    if (!launched) return launched;
    for (std::size_t i = 0; i < launched->size(); ++i) {
      state.nodes[i].process = (*launched)[i].process();
      state.nodes[i].container = (*launched)[i].container();
    }
    if (auto saved = save(state); !saved) return fail(std::move(saved.error()));
    return launched;
  }
  for (std::size_t i = 0; i < configs.size(); ++i) {
    NodeStartOptions start;
    start.onSpawned = [&](const ProcessId& process) {
      state.nodes[i].process = process;
      return save(state);
    };
    auto launched = Node::launch(configs[i], start);
    if (!launched) return fail(std::move(launched.error()));
    servers.push_back(std::move(*launched));
  }
  return servers;
}

/// All at once, and then one after the other is waited for: of what a server does at its start,
/// most is waiting.
Status Stack::startNodes(StackState& state, std::span<const NodeConfig> configs,
                         const StackOptions& options) const {
  if (auto made = makeMarkedDirectory(state); !made) return made;
  if (state.tls)
    if (auto made = makeCertificates(state.certificatesDir()); !made) return fail(made.error());
  auto launched = launchNodes(state, configs, options);
  if (!launched) return fail(std::move(launched.error()));
  std::vector<Node>& servers = *launched;
  const Nanos deadline = SteadyClock::read() + options.startTimeout;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    if (auto ready = servers[i].awaitReady(deadline); !ready) return ready;
    if (options.interrupted && options.interrupted())
      return fail(ErrorCode::interrupted, "interrupted while starting the servers");
    if (options.progress)
      options.progress(fmt::format("{} of {} servers answer", i + 1, servers.size()));
  }
  if (options.compose)  // of a program it was asked before
    if (auto version = servers.front().checkVersion(options.compose->image); !version)
      return version;
  if (state.isCluster()) {
    auto credentials = credentialsOf(state, {{}, options.node.password, {}});
    if (!credentials) return fail(std::move(credentials.error()));
    ClusterAdmin cluster(std::move(*credentials));
    std::vector<Endpoint> endpoints;
    for (const Node& server : servers) endpoints.push_back(server.endpoint());
    if (auto formed =
            formCluster(cluster, endpoints, options.cluster.masters, formingWait(options));
        !formed)
      return formed;
  }
  state.complete = true;
  return save(state);
}

}  // namespace redline
