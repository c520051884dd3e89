#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cluster/slot_map.h"
#include "server/admin.h"
#include "server/cluster_view.h"

namespace redline {

/// The replication state that one server reports.
struct ReplicationState {
  bool master = true;
  bool linkUp = true;          ///< of a replica: its link to its master
  Endpoint source;             ///< of a replica: its master
  std::uint64_t offset = 0;    ///< bytes of the stream: written (master) or applied (replica)
  std::uint64_t replicas = 0;  ///< connected to it
  std::string history;         ///< master_replid: of the stream that `offset` counts
  std::uint64_t copied = 0;  ///< of a replica that is copying its master: bytes received and loaded
};
ReplicationState parseReplication(const ServerInfo& info);

/// One reading of one node.
struct NodeReading {
  Endpoint endpoint;
  std::map<std::string, std::string, std::less<>> info;  ///< CLUSTER INFO
  ClusterView view;                                      ///< CLUSTER NODES
  ReplicationState replication;

  bool stateOk() const;
};

/// Connections to the nodes of one cluster: opened on first use, reopened when lost. For the
/// control plane; one thread at a time.
class ClusterAdmin {
 public:
  explicit ClusterAdmin(Credentials credentials, Nanos timeout = Admin::kDefaultTimeout)
      : credentials_(std::move(credentials)), timeout_(timeout) {}

  /// Finds a cluster by the first of `seeds` that answers; view() then asks that node first.
  /// refused: it is not a node of a cluster; unreachable: none answers.
  static Result<ClusterAdmin> connect(std::span<const Endpoint> seeds, Credentials credentials,
                                      Nanos timeout = Admin::kDefaultTimeout);

  /// The connection to that node. Good until the next call of at() or forget() for it.
  Result<Admin*> at(const Endpoint& endpoint);
  /// Closes the connection to a node that is known to have died.
  void forget(const Endpoint& endpoint) { connections_.erase(endpoint); }

  /// The cluster as that node sees it. Where a node does not know its own address, it is the one
  /// that we asked.
  Result<ClusterView> viewOf(const Endpoint& endpoint);
  /// The cluster as the first node sees it that answers: the seeds, then every node heard of.
  Result<ClusterView> view();
  /// Who serves which slot, as the first node knows that answers.
  Result<SlotMap> slotMap();
  Result<ReplicationState> replicationOf(const Endpoint& endpoint);
  /// CLUSTER INFO, CLUSTER NODES and INFO replication in one go.
  Result<NodeReading> read(const Endpoint& endpoint);

  /// As Admin::expectValues(), for all connections.
  void expectValues(std::size_t bytes);

  const Credentials& credentials() const { return credentials_; }

 private:
  /// What `ask(endpoint)` says, a Result, of the first node that answers: the seeds, then every
  /// node heard of.
  template <typename Ask>
  auto askAny(Ask&& ask) -> decltype(ask(std::declval<const Endpoint&>()));

  Credentials credentials_;
  Nanos timeout_;
  std::size_t valueBytes_ = 0;
  std::vector<Endpoint> known_;  ///< seeds first
  std::map<Endpoint, Admin> connections_;
};

/// How far a cluster has converged.
struct Convergence {
  std::size_t nodes = 0, agreeing = 0;
  std::size_t replicas = 0, inSync = 0;
  std::string missing;  ///< the first deviation; empty: converged

  bool done() const { return missing.empty(); }
};

/// One look at `nodes`: whether each says cluster_state:ok, all hold the same map, each has links
/// to all others, every slot is covered (`fullCoverage`), and every replica has its link and has
/// applied what its master had written when the look began. Nodes that are not among `nodes` must
/// be known as failed.
Convergence lookAtCluster(ClusterAdmin& cluster, std::span<const Endpoint> nodes,
                          bool fullCoverage = true);

struct ClusterWait {
  Nanos timeout = 30 * kSecond;
  bool fullCoverage = true;
  std::function<void(const Convergence&)> progress;
  std::function<bool()> interrupted;
};

/// Looks until it is so. timeout: with what is missing.
Status awaitConverged(ClusterAdmin& cluster, std::span<const Endpoint> nodes,
                      const ClusterWait& wait = {});

/// Makes one cluster of empty servers with cluster-enabled: the first `masters` share the slots
/// evenly, and the others follow them in turn. Returns when it has converged.
Status formCluster(ClusterAdmin& cluster, std::span<const Endpoint> nodes, std::size_t masters,
                   const ClusterWait& wait = {});

}  // namespace redline
