#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/cluster_admin.h"
#include "server/cluster_shape.h"
#include "server/compose.h"
#include "server/node.h"
#include "server/observers.h"
#include "server/stack_backing.h"
#include "server/stack_state.h"
#include "server/stack_strays.h"

namespace redline {

struct StackOptions {
  std::string topology = "node";  ///< or "cluster"
  std::string name;               ///< empty: the topology's name
  std::filesystem::path dir;  ///< where the servers' files go, in a directory of the stack's own;
                              ///< empty: the state directory
  /// Every node is made after this one. `dir` is set by the stack. port: the first one, the others
  /// follow it; 0: free ones. maxmemory, of each node; 0: all together 75% of what the machine has
  /// available.
  NodeConfig node;
  std::optional<ComposeOptions> compose = {};  ///< containers instead of processes
  std::vector<StackSetting> settings =
      {};                ///< what of all this a later up() of the same name compares
  ClusterShape cluster;  ///< for the topology "cluster"
  bool tls = false;      ///< with certificates that are made for it
  bool force = false;    ///< a maxmemory beyond the machine's memory
  std::optional<ObserveOptions> observe;  ///< Prometheus and its exporter beside the servers
  std::optional<BackingOptions> backing;  ///< a PostgreSQL behind the cache
  Nanos startTimeout = NodeStartOptions{}.timeout;
  Nanos formTimeout = ClusterWait{}.timeout;         ///< until a cluster has come together
  std::function<void(const std::string&)> progress;  ///< how far it is, as a line for people
  std::function<bool()> interrupted;                 ///< true: give up, and leave nothing behind
};

struct StackUp {
  StackState state;
  bool already = false;  ///< it was up before
  std::vector<ObserverState> observers;
  std::string driver = {};  ///< whose /metrics Prometheus scrapes; empty: it is not known
  std::string text()
      const;  ///< "stack node is up: 127.0.0.1:7600, unix:/…" and where its files are
};

/// How a run gets to the dashboards, "Prometheus scrapes a driver at …: run it with -metrics=…";
/// empty where no driver is scraped.
std::string scrapeText(const std::string& driver);

struct NodeStatus {
  NodeState node;
  bool alive = false;
  bool stopped = false;       ///< alive and held by a SIGSTOP
  std::string role, version;  ///< as the server says; empty when it does not answer
  std::uint64_t usedMemory = 0, keys = 0;
  ReplicationState replication;
  std::optional<ClusterMember> member;  ///< of a cluster: as the node sees itself
  std::string problem;                  ///< why nothing could be read
};

struct ObserverStatus {
  ObserverState observer;
  bool alive = false;
  std::filesystem::path log;
};

struct StackStatus {
  StackState state;
  std::vector<NodeStatus> nodes;
  std::vector<ObserverStatus> observers;
  std::string driver;  ///< as StackUp has it
  std::optional<BackingStatus> backing;
  std::string cluster;  ///< of a cluster: why it is not whole; empty: all is as it should be
};

/// The servers of this machine that redline started and that outlive it: `redline stack`. Their
/// state is in `<home>/stacks/<name>/stack.json`. Calls of several processes take turns by a lock.
class Stack {
 public:
  /// `home` as stateHome() gives it.
  explicit Stack(std::filesystem::path home) : home_(std::move(home)) {}

  /// Starts a stack and returns when all its servers answer; those of a cluster when it has
  /// converged (lookAtCluster()). A stack of that name that is up
  /// already is left as it is and returned; what is to observe it is started where it does not run,
  /// and so is a PostgreSQL that it did not have.
  /// unsafe: it is another topology's, or a setting that was given has another value there.
  /// On failure nothing of a new stack is left behind.
  Result<StackUp> up(const StackOptions& options);

  /// Stops every process of the stack, also those that a crash left, and removes its files. Returns
  /// what it did, a line each. Ok when there is no such stack; an error, and nothing is touched,
  /// when its stack.json cannot be read and its servers' files are elsewhere.
  Result<std::vector<std::string>> down(const std::string& name, const Credentials& credentials);

  /// Restarts a dead server of a stack as it was: same directory, port and
  /// redis.conf. unsafe: it is alive.
  Result<NodeState> restart(const std::string& name, const std::string& node,
                            const Credentials& credentials);

  /// Restarts every dead server of a stack, and waits until a cluster has converged. A dead
  /// master comes back when its slots have a new owner (awaitSuccessor()). So does what is behind
  /// and what observes it. Returns what it did, a line each. `progress`: as StackOptions has it;
  /// may be empty.
  Result<std::vector<std::string>> heal(const std::string& name, const Credentials& credentials,
                                        const std::function<void(const std::string&)>& progress);

  /// unreachable when there is no such stack.
  Result<StackStatus> status(const std::string& name, const Credentials& credentials) const;

  /// The names of all stacks here.
  std::vector<std::string> names() const;

  /// What is left of stacks whose directory here was deleted, by name: down() ends it.
  std::map<std::string, StrayStack> strays() const;

  std::filesystem::path statePath(const std::string& name) const;
  /// What stack.json says of it, with the processes that its containers have now; unreachable when
  /// there is no such stack.
  Result<StackState> load(const std::string& name) const;

 private:
  std::filesystem::path stacks() const { return home_ / "stacks"; }
  /// The directory is below the stack's own, wherever -dir puts the servers' files.
  Result<Observers> observersOf(const std::string& name) const {
    return Observers::load(stacks() / name / "observe");
  }
  Result<StackUp> complete(StackUp up, const StackOptions& options) const;
  Result<std::optional<PostgresConfig>> planStore(const StackState& state,
                                                  const StackOptions& options) const;
  Status back(StackState& state, const std::optional<PostgresConfig>& store,
              const StackOptions& options) const;
  Result<StackUp> observe(StackUp up, const StackOptions& options) const;
  Result<bool> restartDeadBacking(const std::string& name, const std::string& password);
  Status save(const StackState& state) const;
  Result<StackState> plan(const StackOptions& options, std::vector<NodeConfig>& configs) const;
  Status startNodes(StackState& state, std::span<const NodeConfig> configs,
                    const StackOptions& options) const;
  Result<std::vector<Node>> launchNodes(StackState& state, std::span<const NodeConfig> configs,
                                        const StackOptions& options) const;
  bool isFound(const std::string& name) const;
  Error lostStack(const std::string& name, const Error& why) const;
  Status clear(const StackState& state, const Credentials& credentials,
               std::vector<std::string>& lines) const;
  Status removeContainers(const StackState& state, std::vector<std::string>& lines) const;
  Status removeFiles(const StackState& state, std::vector<std::string>& lines) const;

  std::filesystem::path home_;
};

/// What is needed to connect to a stack's TCP ports, beside its password.
Result<Credentials> credentialsOf(const StackState& state, Credentials credentials);

/// Gives each server that lives in a container the process that its container has now. Asks Docker
/// only where a process is not alive; leaves all as it is where Docker cannot be asked.
void followContainers(StackState& state);

}  // namespace redline
