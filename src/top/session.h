#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/cluster_admin.h"
#include "top/model.h"
#include "top/node_watcher.h"

namespace redline {

struct TopPlan {
  std::vector<Endpoint> servers;  ///< one, or nodes of a cluster
  bool cluster = false;           ///< what they are
  Credentials credentials;
  Nanos interval = kSecond;
  double budget = 0.01;  ///< share of each master's main thread that looking at keys may take
};

/// Watches a server or all nodes of a cluster for as long as it lives.
class TopSession {
 public:
  explicit TopSession(TopPlan plan);
  TopSession(const TopSession&) = delete;
  TopSession& operator=(const TopSession&) = delete;

  /// Finds the nodes of a cluster and what each serves; again every few seconds. Call it at each
  /// interval. unreachable, refused: no node says so the first time.
  Status refresh(Nanos now);
  /// As TopModel's.
  bool hasRates();
  TopView view(Nanos now);

 private:
  void watch(const Endpoint& node);
  Status findNodes(Nanos now);
  /// What that node says of the cluster.

  TopPlan plan_;
  ClusterAdmin admins_;
  Nanos refreshed_ = 0;  ///< 0: not yet
  std::mutex mutex_;     ///< for model_
  TopModel model_;
  std::map<Endpoint, std::unique_ptr<NodeWatcher>> watchers_;  ///< last: they use the others
};

}  // namespace redline
