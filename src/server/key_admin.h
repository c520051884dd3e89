#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "server/admin.h"
#include "server/cluster_admin.h"

namespace redline {

/// Commands on keys, each sent to the node that serves its key, on a single node or in a cluster
/// that may be changing: to prepare data before a load and to look at it afterwards. One thread at
/// a time.
class KeyAdmin {
 public:
  /// On a single node, or of the cluster that `seed` is a node of. `valueBytes`: of the longest
  /// value that is read.
  static Result<KeyAdmin> connect(const Endpoint& seed, bool cluster,
                                  const Credentials& credentials, std::size_t valueBytes = 0);

  /// The second word of each command is its key. Replies in order, final ones: redirects have been
  /// followed and temporary refusals waited out until `limit` from now; error replies are values.
  Result<std::vector<Value>> pipeline(std::span<const std::vector<std::string>> commands,
                                      Nanos limit = 10 * kSecond);

  /// Called once in a pipeline() that has waited for a second, with why and for how long it may.
  using OnWait = std::function<void(const std::string&)>;
  void sayWhenWaiting(OnWait onWait) { onWait_ = std::move(onWait); }

  /// Waits until every replica has what was written through this object. False: not in time.
  Result<bool> awaitReplicas(Nanos limit = 5 * kSecond);

 private:
  KeyAdmin(Endpoint node, bool cluster, ClusterAdmin nodes)
      : node_(std::move(node)), cluster_(cluster), nodes_(std::move(nodes)) {}
  Status ask(std::span<const std::vector<std::string>> commands, std::span<const std::size_t> which,
             Admin& admin, std::vector<std::optional<Value>>& replies);
  Status attempt(std::span<const std::vector<std::string>> commands,
                 std::vector<std::optional<Value>>& replies);
  Result<bool> awaitReplicasOf(Admin& admin, std::size_t replicas, Nanos limit);

  Endpoint node_;
  bool cluster_;
  OnWait onWait_;
  ClusterAdmin nodes_;  ///< connections are reopened when lost; of a single node, just that one
};

}  // namespace redline
