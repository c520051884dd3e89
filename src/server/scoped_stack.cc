#include "server/scoped_stack.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "server/stack_files.h"
#include "server/stack_strays.h"
#include "transport/certificates.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kDefaultMaxmemory = 256ULL << 20;
constexpr int kAttempts = 5;

Result<fs::path> makeTemporary(const fs::path& parent) {
  const char* const env = std::getenv("TMPDIR");
  const fs::path base = !parent.empty() ? parent : env != nullptr && *env != 0 ? env : "/tmp";
  std::string name = fs::absolute(base) / "redline-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    return fail(ErrorCode::io, "cannot make a directory in {}: {}", base.string(),
                errnoText(errno));
  return fs::path(name);
}

/// The nodes to start, each on a port that is free now.
Result<std::vector<NodeConfig>> configsFor(NodeConfig pattern,
                                           const std::optional<ClusterShape>& cluster,
                                           const fs::path& dir) {
  if (pattern.maxmemory == 0) pattern.maxmemory = kDefaultMaxmemory;
  auto ports = freePorts(cluster ? cluster->nodes() : 1);
  if (!ports) return fail(std::move(ports.error()));
  pattern.port = ports->front();
  auto configs =
      cluster ? clusterNodes(pattern, *cluster, *ports) : std::vector<NodeConfig>{pattern};
  for (NodeConfig& config : configs) config.dir = dir / fmt::format("node-{}", config.port);
  return configs;
}

/// Another process may take a port between our check and the server's bind, if only to check it:
/// then other ports are tried.
bool lostAPort(const Error& error, std::span<const NodeConfig> configs) {
  return error.message.find("Failed listening on port") != std::string::npos ||
         std::ranges::any_of(configs, [](const NodeConfig& each) { return !checkPortsFree(each); });
}

}  // namespace

Result<ScopedStack> ScopedStack::start(const ScopedStackOptions& options) {
  ScopedStack stack;
  auto dir = makeTemporary(options.parent);
  if (!dir) return fail(std::move(dir.error()));
  stack.dir_ = std::move(*dir);
  Status started = stack.startAll(options);
  if (started && options.backing) started = stack.startBacking(options);
  if (!started) return fail(std::move(started.error()));
  return stack;
}

/// Beside the servers' directory, where the user that it runs as can get there.
Status ScopedStack::startBacking(const ScopedStackOptions& options) {
  PostgresConfig config = options.backing->config;
  auto programs = findPostgres(config.programs, options.backing->anyVersion);
  if (!programs) return fail(std::move(programs.error()));
  config.programs = std::move(*programs);
  config.password = options.node.password;
  config.dir = options.parent;
  auto postgres = ScopedPostgres::start(std::move(config));
  if (!postgres) return fail(std::move(postgres.error()));
  backing_ = std::make_unique<ScopedPostgres>(std::move(*postgres));
  return {};
}

std::optional<PgAddress> ScopedStack::backingAddress() const {
  if (!backing_) return std::nullopt;
  PgAddress address = backing_->address();
  address.password.clear();
  return address;
}

Status ScopedStack::startAll(const ScopedStackOptions& options) {
  if (options.cluster)
    if (auto good = checkShape(*options.cluster); !good) return good;
  compose_ = options.compose.has_value();
  if (compose_) {
    const std::size_t servers = options.cluster ? options.cluster->nodes() : 1;
    if (auto there = ComposeProject::check(*options.compose, servers); !there) return there;
  } else if (auto version = checkBinary(options.node.binary, options.node.anyVersion); !version) {
    return fail(std::move(version.error()));
  }
  NodeConfig pattern = options.node;
  Credentials credentials{{}, pattern.password};
  if (options.tls) {
    pattern.certificates = certificatesDir();
    if (auto made = makeCertificates(pattern.certificates); !made) return fail(made.error());
    auto trusting = withTls(std::move(credentials), pattern.certificates);
    if (!trusting) return fail(std::move(trusting.error()));
    credentials = std::move(*trusting);
  }
  Status last;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto configs = configsFor(pattern, options.cluster, dir_);
    if (!configs) return fail(std::move(configs.error()));
    last = launch(*configs, options);
    if (last && options.cluster) {
      ClusterAdmin cluster(credentials);
      return formCluster(cluster, endpoints(), options.cluster->masters);
    }
    if (last) return last;
    stopAll();
    if (!lostAPort(last.error(), *configs)) break;
  }
  return last;
}

Status ScopedStack::launch(const std::vector<NodeConfig>& configs,
                           const ScopedStackOptions& options) {
  if (auto launched = launchAll(configs, options); !launched) return launched;
  const Nanos deadline = SteadyClock::read() + options.startTimeout;
  for (const auto& node : nodes_)
    if (auto ready = node->awaitReady(deadline); !ready) return ready;
  return compose_ ? node().checkVersion(options.compose->image) : Status{};
}

Status ScopedStack::launchAll(const std::vector<NodeConfig>& configs,
                              const ScopedStackOptions& options) {
  NodeStartOptions start;
  start.timeout = options.startTimeout;
  start.dieWithParent = true;
  if (compose_) {
    auto launched = ComposeProject(dir_).launch(configs, *options.compose, start);
    if (!launched) return fail(std::move(launched.error()));
    for (Node& node : *launched) nodes_.push_back(std::make_unique<Node>(std::move(node)));
    return {};
  }
  for (const NodeConfig& config : configs) {
    auto node = Node::launch(config, start);
    if (!node) return fail(std::move(node.error()));
    nodes_.push_back(std::make_unique<Node>(std::move(*node)));
  }
  return {};
}

void ScopedStack::stopAll() {
  for (const auto& node : nodes_) (void)node->kill();
  nodes_.clear();
  if (compose_) (void)ComposeProject(dir_).remove();
}

Node* ScopedStack::find(const Endpoint& endpoint) {
  const auto found =
      std::ranges::find_if(nodes_, [&](const auto& node) { return node->endpoint() == endpoint; });
  return found == nodes_.end() ? nullptr : found->get();
}

std::vector<Endpoint> ScopedStack::endpoints() const {
  std::vector<Endpoint> endpoints;
  endpoints.reserve(nodes_.size());
  for (const auto& node : nodes_) endpoints.push_back(node->endpoint());
  return endpoints;
}

void ScopedStack::clear() {
  if (dir_.empty()) return;  // moved from
  backing_.reset();
  stopAll();
  killServersIn(dir_);
  std::error_code problem;
  fs::remove_all(dir_, problem);
}

}  // namespace redline
