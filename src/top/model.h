#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/numbers.h"
#include "cluster/hash_slot.h"
#include "top/node_report.h"

namespace redline {

/// Figures of a server, or of all masters together. NaN: not known.
struct TopLoad {
  double opsPerS = kNaN;               ///< without those that look at the server
  double pingsPerS = kNaN;             ///< of these
  double hitRate = kNaN;               ///< of lookups that were not ours; NaN without any
  double mainThread = kNaN;            ///< busy share
  double memory = kNaN, limit = kNaN;  ///< bytes; limit 0: none
  double evictedPerS = kNaN, expiredPerS = kNaN;
  /// About so many of the expired keys went because our SCAN met them.
  double expiredByUsPerS = kNaN;
  double clients = kNaN, keys = kNaN;
};

struct NodeRow {
  std::string node;  ///< its address
  std::string role;  ///< "master", "replica"; empty: not known
  TopLoad load;
  std::string problem;  ///< why there are no figures of now
  // Against the view before:
  bool problemBegan = false;  ///< or it is another one
  bool problemEnded = false;
};

/// What a node says of the whole cluster (CLUSTER INFO).
struct ClusterHealth {
  std::string state;                ///< cluster_state: "ok", "fail"; empty: not known
  std::uint64_t unassigned = 0;     ///< slots that belong to no master
  std::uint64_t failed = 0;         ///< slots of masters that have failed
  std::uint64_t mayHaveFailed = 0;  ///< slots of masters that do not answer that node

  /// "cluster_state fail: 5461 slots belong to a failed master"; empty where all is well.
  std::string problem() const;
  bool operator==(const ClusterHealth&) const = default;
};

struct HotKey {
  std::string name, node;
  std::uint16_t slot = 0;
  std::uint64_t counter = 0;  ///< OBJECT FREQ
  double share = 0;           ///< of all uses, about; all are extrapolated from what was seen
};
struct HotSlot {
  std::uint16_t slot = 0;
  std::string node;
  double share = 0;        ///< of all uses (LFU) at the least, or of all keys that were counted
  std::uint64_t keys = 0;  ///< in it; 0 where it was not counted
};
struct BigKey {
  std::string name, node, type;
  std::uint64_t bytes = 0, elements = 0;
  double stallS = 0;    ///< for which reading it whole would block, by the model; 0: no figure
  std::string command;  ///< that would: "HGETALL"
};

/// All that the screen shows, and each line of -json.
struct TopView {
  bool isCluster = false;
  std::vector<NodeRow> nodes;  ///< masters first
  ClusterHealth health;        ///< of a cluster
  bool healthTurned = false;   ///< it is not that of the view before
  /// Of the masters together, with the main thread of the busiest; of a single node, whatever its
  /// role.
  TopLoad all;
  std::vector<Event> events;  ///< the latest first
  std::vector<Event> news;    ///< since the view before, the oldest first
  bool eventsKnown = false;   ///< each server lets us read its slow log and latency events
  std::string policy;         ///< maxmemory-policy, an LFU one first; empty: not known
  bool countsUses = false;    ///< hot keys and slots are by uses
  std::vector<HotKey> hotKeys;
  std::vector<HotSlot> hotSlots;
  std::vector<BigKey> bigKeys;         ///< those first that would block longest
  std::vector<KeyFamily> families;     ///< extrapolated to all keys
  std::uint64_t familyBytes = 0;       ///< of all families, those that are not shown included
  std::uint64_t looked = 0, keys = 0;  ///< keys that were looked at, of so many in database 0
  std::uint64_t otherKeys = 0;         ///< of the same masters in other databases: never looked at
  bool whole = false;                  ///< each key was seen
  std::size_t slotsCounted = 0;        ///< slots whose keys are known
  double commandsPerS = kNaN;          ///< that we sent, to all nodes together
  double serverUsPerS = kNaN;          ///< that they took
  double ownCpu = kNaN;                ///< share of a core that this process used
  std::vector<std::string> notes;
};

/// Reports of servers in, views out. Sans I/O.
class TopModel {
 public:
  /// A reading is current for `freshFor`.
  TopModel(bool isCluster, Nanos freshFor) : isCluster_(isCluster), freshFor_(freshFor) {}

  /// That node is watched from now on: it is shown, and rates wait for it.
  void expect(const Endpoint& node) { nodes_.try_emplace(node); }
  void take(NodeReport report);
  void takeHealth(ClusterHealth health) { health_ = std::move(health); }
  /// That node is not (any more) one of the cluster's.
  void forget(const Endpoint& node) { nodes_.erase(node); }
  /// CPU time that this process has used so far.
  void takeOwnCpu(Nanos at, Nanos cpu);

  /// True when each node that is watched has been read twice, or cannot be read: there are rates.
  bool hasRates() const;
  /// At `now` on SteadyClock.
  TopView view(Nanos now);
  /// Its last reading is current.
  bool isFresh(const Endpoint& node, Nanos now) const;

 private:
  struct Node {
    NodeReport last;
    std::optional<ServerInfo> before;
    Nanos beforeAt = 0;
    Nanos readAt = 0;  ///< when INFO came last; 0: never
    std::string told;  ///< the cause of the problem in the view before; empty: none
    TopLoad load;
    ObservationCost cost;
    double costS = 0;  ///< the time that `cost` is of

    bool hasReported() const { return last.at != 0; }
    bool answers() const { return hasReported() && last.problem.empty(); }
    std::string problem(Nanos now, Nanos freshFor) const;
    /// It says nothing for longer than that: not of one that cannot be connected to.
    bool isSilent(Nanos now, Nanos freshFor) const;
    /// What of `problem` tells it from another: no figures.
    static std::string causeOf(std::string problem);
  };

  static TopLoad figuresOf(const Node& node);
  bool answers(const Endpoint& endpoint) const;
  NodeRow rowOf(const Endpoint& endpoint, Node& node, Nanos now);
  void addKeys(TopView& view) const;
  void addSlots(TopView& view) const;

  bool isCluster_;
  Nanos freshFor_;
  ClusterHealth health_, toldHealth_;
  std::map<Endpoint, Node> nodes_;
  std::map<std::uint16_t, std::pair<Endpoint, std::uint64_t>> keysInSlot_;
  std::deque<Event> events_;
  std::vector<Event> news_;
  std::optional<std::pair<Nanos, Nanos>> ownCpu_;  ///< at, CPU time
  double ownShare_ = kNaN;
};

}  // namespace redline
