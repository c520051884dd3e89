#include "server/stack.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "server/host.h"
#include "server/text_file.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

/// In a stack's own directory; without it nothing there is ever removed.
constexpr const char* kMarker = ".redline-stack";
constexpr Nanos kStatusTimeout = 2 * kSecond;
constexpr int kOrphanRounds = 10;

/// One `up` or `down` at a time in a home directory. The kernel lets go when the process ends.
class Lock {
 public:
  static Result<Lock> take(const fs::path& directory) {
    std::error_code problem;
    fs::create_directories(directory, problem);
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
      return fail(ErrorCode::io, "cannot open {}: {}", directory.string(), errnoText(errno));
    Lock lock(fd);
    while (::flock(fd, LOCK_EX) != 0)
      if (errno != EINTR)
        return fail(ErrorCode::io, "cannot lock {}: {}", directory.string(), errnoText(errno));
    return lock;
  }
  Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Lock& operator=(Lock&&) = delete;
  ~Lock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit Lock(int fd) : fd_(fd) {}
  int fd_;
};

bool isServer(std::string_view command) {
  return command.starts_with("redis-server");
}

/// "127.0.0.1:7600, 127.0.0.1:7601".
std::string addresses(const StackState& state) {
  std::vector<std::string> texts;
  for (const NodeState& node : state.nodes) texts.push_back(node.endpoint().text());
  return fmt::format("{}", fmt::join(texts, ", "));
}

bool allAlive(const StackState& state) {
  return state.complete && std::all_of(state.nodes.begin(), state.nodes.end(),
                                       [](const auto& node) { return isAlive(node.process); });
}

NodeConfig configFor(const NodeConfig& pattern, const NodeState& node) {
  NodeConfig config = pattern;
  config.dir = node.dir;
  config.port = node.port;
  return config;
}

Status makeMarkedDirectory(const StackState& state) {
  std::error_code problem;
  fs::create_directories(state.dir, problem);
  if (problem)
    return fail(ErrorCode::io, "cannot make {}: {}", state.dir.string(), problem.message());
  return writeTextFile(state.dir / kMarker, state.name + "\n");
}

NodeStatus statusOf(const NodeState& node, const Credentials& credentials) {
  NodeStatus status;
  status.node = node;
  status.alive = isAlive(node.process);
  status.stopped = status.alive && isStopped(node.process);
  if (!status.alive || status.stopped) {
    status.problem = status.alive ? "held by a SIGSTOP" : "not running";
    return status;
  }
  auto admin = Admin::connect(node.unixEndpoint(), credentials, kStatusTimeout);
  auto info = admin ? admin->info({"server", "memory", "replication", "keyspace"})
                    : Result<ServerInfo>(fail(admin.error()));
  if (!info) {
    status.problem = info.error().message;
    return status;
  }
  status.role = info->role();
  status.version = info->version();
  status.usedMemory = info->count("used_memory");
  status.keys = info->keys();
  return status;
}

}  // namespace

std::vector<pid_t> killServersIn(const fs::path& directory) {
  std::vector<pid_t> killed;
  // A server may have forked between the listing and its end: look again until there is none.
  for (int round = 0; round < kOrphanRounds; ++round) {
    const auto found = processesIn(directory, isServer);
    if (found.empty()) break;
    for (const ProcessId& process : found) {
      if (!sendSignal(process, SIGKILL)) continue;
      awaitExit(process, StopDeadlines{}.kill);
      killed.push_back(process.pid);
    }
  }
  return killed;
}

std::string StackUp::text() const {
  std::string text = fmt::format("stack {} is {} on {}", state.name, already ? "already up" : "up",
                                 addresses(state));
  for (const NodeState& node : state.nodes)
    text += fmt::format("\n  {} {} pid {}  {}", node.name, node.role, node.process.pid,
                        node.unixEndpoint().text());
  return text + fmt::format("\n  files in {}", state.dir.string());
}

fs::path Stack::statePath(const std::string& name) const {
  return stacks() / name / "stack.json";
}

Result<StackState> Stack::load(const std::string& name) const {
  const fs::path path = statePath(name);
  const auto text = readTextFile(path);
  if (!text) return fail(ErrorCode::unreachable, "there is no stack named {}", name);
  auto state = parseStackState(*text);
  if (!state)
    return fail(ErrorCode::invalidInput, "cannot read {}: {}", path.string(),
                state.error().message);
  return state;
}

Status Stack::save(const StackState& state) const {
  return writeTextFile(statePath(state.name), toJson(state));
}

/// What is to be, with everything checked that can be before a file or a process exists.
Result<StackState> Stack::plan(const StackOptions& options, NodeConfig& pattern) const {
  if (options.topology != "node")
    return fail(ErrorCode::usage, "no topology \"{}\" to start: use node", options.topology);
  StackState state;
  state.topology = options.topology;
  state.name = options.name.empty() ? options.topology : options.name;
  if (auto good = checkStackName(state.name); !good) return fail(std::move(good.error()));
  state.dir = options.dir.empty() ? stacks() / state.name
                                  : fs::absolute(options.dir) / ("redline-" + state.name);
  state.dir = state.dir.lexically_normal();
  auto port = options.node.port == 0 ? freePort() : Result<std::uint16_t>(options.node.port);
  if (!port) return fail(std::move(port.error()));
  NodeState node;
  node.name = fmt::format("node-{}", *port);
  node.role = "master";
  node.port = *port;
  node.dir = state.dir / node.name;
  state.nodes.push_back(std::move(node));

  const HostFacts host = readHost(0);
  pattern = options.node;
  if (pattern.maxmemory == 0)
    pattern.maxmemory = defaultMaxmemory(host.memoryAvailable, state.nodes.size());
  if (!options.force)
    if (auto fits = checkMemory(pattern.maxmemory, state.nodes.size(), host.memoryAvailable,
                                host.memoryTotal);
        !fits)
      return fail(std::move(fits.error()));
  if (auto version = checkBinary(pattern.binary, pattern.anyVersion); !version)
    return fail(std::move(version.error()));
  for (const NodeState& each : state.nodes) {
    if (auto good = checkNodeConfig(configFor(pattern, each)); !good)
      return fail(std::move(good.error()));
    if (auto free = checkPortFree(each.port); !free) return fail(std::move(free.error()));
  }
  return state;
}

Result<StackUp> Stack::up(const StackOptions& options) {
  const std::string name = options.name.empty() ? options.topology : options.name;
  if (auto good = checkStackName(name); !good) return fail(std::move(good.error()));
  auto lock = Lock::take(stacks());
  if (!lock) return fail(std::move(lock.error()));
  if (fs::exists(stacks() / name)) {
    auto known = load(name);
    if (known && allAlive(*known)) return StackUp{std::move(*known), true};
    return fail(ErrorCode::unsafe,
                "stack {} is there, but not all of its servers run: clear it away with `redline "
                "stack down {}`",
                name, name);
  }
  NodeConfig pattern;
  auto state = plan(options, pattern);
  if (!state) return fail(std::move(state.error()));
  std::error_code problem;
  if (!options.dir.empty() && fs::exists(state->dir, problem))
    return fail(ErrorCode::unsafe,
                "{} is there already, and no stack of ours: remove it or name "
                "another -dir",
                state->dir.string());
  fs::create_directories(stacks() / name, problem);
  Status started = save(*state);
  if (started) started = startNodes(*state, pattern, options);
  if (started) return StackUp{std::move(*state), false};
  std::vector<std::string> lines;
  (void)clear(*state, {{}, pattern.password}, lines);
  return fail(std::move(started.error()));
}

Status Stack::startNodes(StackState& state, const NodeConfig& pattern,
                         const StackOptions& options) const {
  if (auto made = makeMarkedDirectory(state); !made) return made;
  for (NodeState& node : state.nodes) {
    NodeStartOptions start;
    start.timeout = options.startTimeout;
    start.onSpawned = [&](const ProcessId& process) {
      node.process = process;
      return save(state);
    };
    if (auto started = Node::start(configFor(pattern, node), start); !started)
      return fail(std::move(started.error()));
  }
  state.complete = true;
  return save(state);
}

Result<std::vector<std::string>> Stack::down(const std::string& name,
                                             const Credentials& credentials) {
  if (auto good = checkStackName(name); !good) return fail(std::move(good.error()));
  auto lock = Lock::take(stacks());
  if (!lock) return fail(std::move(lock.error()));
  std::vector<std::string> lines;
  if (!fs::exists(stacks() / name)) {
    lines.push_back(fmt::format("there is no stack named {}: nothing to do", name));
    return lines;
  }
  auto state = load(name);
  if (!state) {
    // A crash before the first word was written: then there is a directory, and no process.
    lines.push_back(state.error().message);
    state = StackState{name, {}, false, stacks() / name, {}};
  }
  if (auto cleared = clear(*state, credentials, lines); !cleared)
    return fail(std::move(cleared.error()));
  return lines;
}

Status Stack::clear(const StackState& state, const Credentials& credentials,
                    std::vector<std::string>& lines) const {
  for (const NodeState& node : state.nodes) {
    if (!isAlive(node.process)) {
      lines.push_back(fmt::format("{} was not running", node.name));
      continue;
    }
    if (auto stopped = stopServer(node.process, node.unixEndpoint(), credentials); !stopped)
      return stopped;
    lines.push_back(fmt::format("stopped {} (pid {})", node.name, node.process.pid));
  }
  for (const fs::path& directory : {state.dir, stacks() / state.name})
    for (const pid_t pid : killServersIn(directory))
      lines.push_back(fmt::format("killed a leftover redis-server (pid {})", pid));
  return removeFiles(state, lines);
}

Status Stack::removeFiles(const StackState& state, std::vector<std::string>& lines) const {
  std::error_code problem;
  const fs::path own = stacks() / state.name;
  if (state.dir != own && fs::exists(state.dir / kMarker, problem)) {
    fs::remove_all(state.dir, problem);
    if (problem)
      return fail(ErrorCode::io, "cannot remove {}: {}", state.dir.string(), problem.message());
    lines.push_back(fmt::format("removed {}", state.dir.string()));
  }
  fs::remove_all(own, problem);  // last: it is what says that there is something to clear away
  if (problem) return fail(ErrorCode::io, "cannot remove {}: {}", own.string(), problem.message());
  lines.push_back(fmt::format("removed {}", own.string()));
  return {};
}

Result<StackStatus> Stack::status(const std::string& name, const Credentials& credentials) const {
  if (auto good = checkStackName(name); !good) return fail(std::move(good.error()));
  auto state = load(name);
  if (!state) return fail(std::move(state.error()));
  StackStatus status;
  status.state = std::move(*state);
  for (const NodeState& node : status.state.nodes)
    status.nodes.push_back(statusOf(node, credentials));
  return status;
}

std::vector<std::string> Stack::names() const {
  std::vector<std::string> names;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(stacks(), problem))
    if (entry.is_directory()) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace redline
