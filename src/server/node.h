#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "server/admin.h"
#include "server/free_port.h"
#include "server/node_config.h"
#include "server/process.h"
#include "transport/endpoint.h"

namespace redline {

struct NodeStartOptions {
  Nanos timeout = 15 * kSecond;  ///< until it must answer
  /// The server dies with this process: for tests and for runs that own their servers.
  bool dieWithParent = false;
  /// A server that has run before: its redis.conf stays as it is, whatever the NodeConfig says.
  bool keepConfig = false;
  /// The container that is the server (server/docker.h), and is started instead of a process;
  /// empty: none.
  std::string container = {};
  /// Called when the process exists and before it runs redis-server: the place to record its
  /// identity. If it fails, no server starts.
  std::function<Status(const ProcessId&)> onSpawned;
};

/// How long stopServer() waits for each of its three ways.
struct StopDeadlines {
  Nanos shutdown = 5 * kSecond;  ///< SHUTDOWN NOSAVE, asked for politely
  Nanos terminate = 5 * kSecond;
  Nanos kill = 60 * kSecond;  ///< freeing tens of GB takes the kernel a while
};

/// One real redis-server that this program started, as a process or in a container; of a container
/// it knows the process, as this machine numbers it, and what is said of processes holds alike.
/// Owning it does not stop it: a Node may be left running on purpose (`stack up`); ScopedStack is
/// for those that must not be.
class Node {
 public:
  /// Checks the binary's version, writes redis.conf into `config.dir` (which is made), starts the
  /// server and waits until it answers. On failure no process is left. The message has the server's
  /// last words.
  static Result<Node> start(NodeConfig config, const NodeStartOptions& options = {});
  /// The first half of start(): the process runs, but may not answer yet. The
  /// binary's version is not looked at. For several servers at a time.
  static Result<Node> launch(NodeConfig config, const NodeStartOptions& options = {});
  /// A server that was started otherwise, in options.container.
  static Node adopt(NodeConfig config, ProcessId process, const NodeStartOptions& options) {
    return {std::move(config), std::move(process), options};
  }
  /// The second half: waits until it answers, at most to `deadline` on SteadyClock. On failure the
  /// process is gone.
  Status awaitReady(Nanos deadline);

  /// SHUTDOWN NOSAVE, then SIGTERM, then SIGKILL. Ok when it is gone, also when it was before.
  Status stop(const StopDeadlines& deadlines = {});
  /// SIGKILL, and waits until it is gone.
  Status kill();
  /// Restarts it in its place, killing it first if it is alive: same directory, port and
  /// configuration.
  Status restart();
  /// For SIGSTOP and SIGCONT.
  Status signal(int number);
  bool alive() const { return isAlive(process_); }

  /// Refuses a running server that is not 7.x, unless its configuration accepts any version.
  Status checkVersion(const std::string& where) const;

  /// A new connection to it, over its Unix socket.
  Result<Admin> admin(Nanos timeout = Admin::kDefaultTimeout) const;

  const ProcessId& process() const { return process_; }
  const NodeConfig& config() const { return config_; }
  /// The id of its container; empty: it is a process of ours.
  const std::string& container() const { return container_; }
  Endpoint endpoint() const { return {"127.0.0.1", config_.port, {}}; }
  Endpoint unixEndpoint() const { return {{}, 0, config_.socketPath().string()}; }

 private:
  Node(NodeConfig config, ProcessId process, const NodeStartOptions& options)
      : config_(std::move(config)),
        process_(std::move(process)),
        container_(options.container),
        timeout_(options.timeout),
        dieWithParent_(options.dieWithParent) {}
  static Result<Node> launchContainer(NodeConfig config, const NodeStartOptions& options);
  Status awaitAnswer(Nanos deadline);
  tl::unexpected<Error> died() const;

  NodeConfig config_;
  ProcessId process_;
  std::string container_;
  Nanos timeout_;  ///< also for restarts
  bool dieWithParent_;
};

/// What a start needs: its ports are free; its directory exists, with its redis.conf (unless
/// options.keepConfig) and nothing in the way.
Status prepareNode(const NodeConfig& config, const NodeStartOptions& options);

/// Refuses a binary that is missing, is not a redis-server, or is not 7.x (unless `anyVersion`).
/// Returns its version.
Result<std::string> checkBinary(const std::string& binary, bool anyVersion);

/// checkPortFree() for every port that the node needs: a cluster's node has a bus, too.
Status checkPortsFree(const NodeConfig& config);

/// Stops a server, of this program or another: asks it over `endpoint`, then signals.
Status stopServer(const ProcessId& process, const Endpoint& endpoint,
                  const Credentials& credentials, const StopDeadlines& deadlines = {});

}  // namespace redline
