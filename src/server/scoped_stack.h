#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "server/cluster_admin.h"
#include "server/cluster_shape.h"
#include "server/compose.h"
#include "server/node.h"
#include "server/postgres_server.h"

namespace redline {

struct ScopedStackOptions {
  /// `dir` and `port` are chosen by the stack; maxmemory 0: 256 MB.
  NodeConfig node;
  std::optional<ClusterShape> cluster;         ///< none: a single node
  std::optional<ComposeOptions> compose = {};  ///< containers instead of processes
  bool tls = false;                            ///< with certificates that are made for it
  std::optional<BackingOptions> backing = {};  ///< a PostgreSQL behind the cache
  Nanos startTimeout = NodeStartOptions{}.timeout;
  std::filesystem::path parent;  ///< where its temporary directory goes; empty: $TMPDIR or /tmp
};

/// Servers that live as long as this object: for tests, and for runs that own their servers. In a
/// temporary directory, on free ports (never 6379). They die with this process, however it ends;
/// but containers only when the object does, or by clearScratch().
class ScopedStack {
 public:
  /// A cluster's start returns when it has converged (lookAtCluster()).
  static Result<ScopedStack> start(const ScopedStackOptions& options = {});
  ScopedStack(ScopedStack&&) noexcept = default;
  ScopedStack& operator=(ScopedStack&& other) noexcept {
    dir_.swap(other.dir_);
    backing_.swap(other.backing_);
    nodes_.swap(other.nodes_);
    std::swap(compose_, other.compose_);
    return *this;
  }
  /// Kills the servers and removes their files.
  ~ScopedStack() { clear(); }

  /// Of a cluster: masters first, as they were planned; replica k of m masters follows master k mod
  /// m.
  std::size_t size() const { return nodes_.size(); }
  Node& node(std::size_t index = 0) { return *nodes_[index]; }
  const Node& node(std::size_t index = 0) const { return *nodes_[index]; }
  /// The node that listens there; null: none of ours.
  Node* find(const Endpoint& endpoint);
  Endpoint endpoint() const { return node().endpoint(); }
  std::vector<Endpoint> endpoints() const;
  const std::filesystem::path& dir() const { return dir_; }
  std::filesystem::path certificatesDir() const { return dir_ / "tls"; }
  /// The PostgreSQL behind the cache; null: it was not asked for.
  PostgresServer* backing() { return backing_ ? &backing_->server() : nullptr; }
  const PostgresServer* backing() const { return backing_ ? &backing_->server() : nullptr; }
  std::optional<PgAddress> backingAddress() const;
  /// Restarts a server that has died: see Node::restart().
  Status restart(std::size_t index = 0) { return node(index).restart(); }

 private:
  ScopedStack() = default;
  Status startAll(const ScopedStackOptions& options);
  Status launch(const std::vector<NodeConfig>& configs, const ScopedStackOptions& options);
  Status launchAll(const std::vector<NodeConfig>& configs, const ScopedStackOptions& options);
  void stopAll();
  Status startBacking(const ScopedStackOptions& options);
  void clear();

  std::filesystem::path dir_;
  std::vector<std::unique_ptr<Node>> nodes_;
  bool compose_ = false;  ///< there may be containers
  std::unique_ptr<ScopedPostgres> backing_;
};

}  // namespace redline
