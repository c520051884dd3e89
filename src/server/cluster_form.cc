#include <chrono>
#include <thread>

#include "server/cluster_admin.h"

namespace redline {
namespace {

constexpr auto kJoinPoll = std::chrono::milliseconds(20);

/// Forms one cluster of empty nodes, step by step.
class ClusterForming {
 public:
  ClusterForming(ClusterAdmin& cluster, std::span<const Endpoint> nodes, std::size_t masters,
                 const ClusterWait& wait)
      : cluster_(cluster),
        nodes_(nodes),
        masters_(masters),
        wait_(wait),
        end_(SteadyClock::read() + wait.timeout) {}

  Status run() {
    if (auto done = readIds(); !done) return done;
    if (auto done = dealSlots(); !done) return done;
    if (auto done = introduce(); !done) return done;
    if (auto done = attachReplicas(); !done) return done;
    return awaitConverged(cluster_, nodes_, wait_);
  }

 private:
  Result<Value> ask(const Endpoint& node, const std::vector<std::string>& command) {
    auto admin = cluster_.at(node);
    if (!admin) return fail(std::move(admin.error()));
    return (*admin)->command(command);
  }

  Status readIds() {
    for (const Endpoint& node : nodes_) {
      auto id = ask(node, {"CLUSTER", "MYID"});
      if (!id) return fail(std::move(id.error()));
      ids_.push_back(id->text);
    }
    return {};
  }

  Status dealSlots() {
    const auto ranges = evenSlots(masters_);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      // Distinct epochs from the start save rounds of gossip.
      const std::string epoch = std::to_string(i + 1);
      if (auto set = ask(nodes_[i], {"CLUSTER", "SET-CONFIG-EPOCH", epoch}); !set)
        return fail(std::move(set.error()));
      if (i >= masters_) continue;
      if (auto dealt = ask(nodes_[i], {"CLUSTER", "ADDSLOTSRANGE", std::to_string(ranges[i].first),
                                       std::to_string(ranges[i].last)});
          !dealt)
        return fail(std::move(dealt.error()));
    }
    return {};
  }

  /// Every pair at once: gossip from one to the next would take seconds.
  Status introduce() {
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      for (std::size_t j = i + 1; j < nodes_.size(); ++j)
        if (auto met =
                ask(nodes_[i], {"CLUSTER", "MEET", nodes_[j].host, std::to_string(nodes_[j].port)});
            !met)
          return fail(std::move(met.error()));
    return {};
  }

  Status attachReplicas() {
    for (std::size_t i = masters_; i < nodes_.size(); ++i)
      if (auto attached = attach(nodes_[i], (i - masters_) % masters_); !attached) return attached;
    return {};
  }

  /// A node can follow only one that it has met.
  Status attach(const Endpoint& replica, std::size_t master) {
    for (;;) {
      auto view = cluster_.viewOf(replica);
      if (!view) return fail(std::move(view.error()));
      if (const ClusterMember* const known = view->byId(ids_[master]);
          known != nullptr && !known->handshake) {
        auto set = ask(replica, {"CLUSTER", "REPLICATE", ids_[master]});
        return set ? Status{} : fail(std::move(set.error()));
      }
      if (wait_.interrupted && wait_.interrupted())
        return fail(ErrorCode::interrupted, "interrupted while making the cluster");
      if (SteadyClock::read() >= end_)
        return fail(ErrorCode::timeout,
                    "{} and {} have not met within {} s: does the cluster bus (port + 10000) work?",
                    replica.text(), nodes_[master].text(), wait_.timeout / kSecond);
      std::this_thread::sleep_for(kJoinPoll);
    }
  }

  ClusterAdmin& cluster_;
  std::span<const Endpoint> nodes_;
  std::size_t masters_;
  const ClusterWait& wait_;
  Nanos end_;
  std::vector<std::string> ids_;
};

}  // namespace

Status formCluster(ClusterAdmin& cluster, std::span<const Endpoint> nodes, std::size_t masters,
                   const ClusterWait& wait) {
  return ClusterForming(cluster, nodes, masters, wait).run();
}

}  // namespace redline
