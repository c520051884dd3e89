#include "server/stack.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "os/fd.h"
#include "os/files.h"
#include "os/gated_child.h"
#include "server/stack_files.h"
#include "server/stack_state.h"
#include "server/stack_strays.h"
#include "transport/certificates.h"
#include "transport/tls.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

/// One `up` or `down` at a time in a home directory. The kernel lets go when the process ends.
class Lock {
 public:
  static Result<Lock> take(const fs::path& directory) {
    if (auto made = makeStateDirectory(directory); !made) return fail(std::move(made.error()));
    Lock lock(Fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    if (!lock.fd_.valid())
      return fail(ErrorCode::io, "cannot open {}: {}", directory.string(), errnoText(errno));
    while (::flock(lock.fd_.get(), LOCK_EX) != 0)
      if (errno != EINTR)
        return fail(ErrorCode::io, "cannot lock {}: {}", directory.string(), errnoText(errno));
    return lock;
  }

 private:
  explicit Lock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

/// "127.0.0.1:7600, 127.0.0.1:7601".
std::string addresses(const StackState& state) {
  std::vector<std::string> texts;
  for (const NodeState& node : state.nodes) texts.push_back(node.endpoint().text());
  return fmt::format("{}", fmt::join(texts, ", "));
}

bool allAlive(const StackState& state) {
  return state.complete && (!state.backing || isAlive(state.backing->process)) &&
         std::all_of(state.nodes.begin(), state.nodes.end(),
                     [](const auto& node) { return isAlive(node.process); });
}

}  // namespace

void followContainers(StackState& state) {
  std::vector<std::string> ids;
  for (const NodeState& node : state.nodes)
    if (!node.container.empty() && !isAlive(node.process)) ids.push_back(node.container);
  if (ids.empty()) return;
  const auto containers = inspectContainers(ids);
  if (!containers) return;
  for (const ContainerState& container : *containers) {
    const auto node = std::ranges::find(state.nodes, container.id, &NodeState::container);
    if (node != state.nodes.end()) node->process = container.process;
  }
}

std::string scrapeText(const std::string& driver) {
  if (driver.empty()) return {};
  return fmt::format("Prometheus scrapes a driver at {0}: run it with -metrics={0}", driver);
}

std::string StackUp::text() const {
  std::string text = fmt::format("stack {} is {} on {}", state.name, already ? "already up" : "up",
                                 addresses(state));
  for (const NodeState& node : state.nodes)
    text += fmt::format("\n  {} {} pid {}{}  {}", node.name, node.role, node.process.pid,
                        node.inContainer(), node.unixEndpoint().text());
  if (state.backing)
    text += fmt::format("\n  PostgreSQL pid {}  {}", state.backing->process.pid,
                        backingAddress(state, {})->text());
  for (const ObserverState& observer : observers)
    text += fmt::format("\n  {} pid {}  {}", observer.name, observer.process.pid, observer.url());
  if (!driver.empty()) text += "\n  " + scrapeText(driver);
  if (state.tls)
    text += fmt::format("\n  TLS: connect with -tls -tls-ca={}",
                        Certificates::in(state.certificatesDir()).ca.string());
  text += fmt::format("\n  files in {}", state.dir.string());
  if (state.backing && state.backing->dir.parent_path() != state.dir)
    text += fmt::format("\n  PostgreSQL's in {}: its user cannot reach the others'",
                        state.backing->dir.string());
  return text;
}

Result<Credentials> credentialsOf(const StackState& state, Credentials credentials) {
  if (!state.tls) return credentials;
  return withTls(std::move(credentials), state.certificatesDir());
}

Result<Credentials> withTls(Credentials credentials, const fs::path& certificates) {
  TlsOptions options;
  options.ca = Certificates::in(certificates).ca;
  auto tls = TlsContext::make(options);
  if (!tls) return fail(std::move(tls.error()));
  credentials.tls = std::move(*tls);
  return credentials;
}

fs::path Stack::statePath(const std::string& name) const {
  return stacks() / name / "stack.json";
}

Result<StackState> Stack::load(const std::string& name) const {
  const fs::path path = statePath(name);
  const auto text = readWholeFile(path);
  std::error_code problem;
  if (!text && (fs::exists(path, problem) || problem)) return fail(text.error());
  if (!text) return fail(ErrorCode::unreachable, "there is no stack named {}", name);
  auto state = parseStackState(*text, path.native());
  if (state && state->compose) followContainers(*state);
  return state;
}

Status Stack::save(const StackState& state) const {
  return writeWholeFile(statePath(state.name), toJson(state));
}

Result<StackUp> Stack::up(const StackOptions& options) {
  const std::string name = options.name.empty() ? options.topology : options.name;
  if (auto good = checkStackName(name); !good) return fail(std::move(good.error()));
  auto lock = Lock::take(stacks());
  if (!lock) return fail(std::move(lock.error()));
  if (fs::exists(stacks() / name)) {
    auto known = load(name);
    if (known && known->topology != options.topology)
      return fail(ErrorCode::unsafe,
                  "stack {0} exists already and is a {1}: stop it first with `redline stack down "
                  "{0}`, or choose another -name",
                  name, known->topology);
    if (known && allAlive(*known)) {
      if (auto same = checkSettings(name, known->settings, options.settings); !same)
        return fail(std::move(same.error()));
      return complete({std::move(*known), true, {}}, options);
    }
    if (!known && !isFound(name)) return fail(lostStack(name, known.error()));
    if (!known)
      return fail(known.error().code, "{}; `redline stack down {}` removes the stack",
                  known.error().message, name);
    return fail(ErrorCode::unsafe,
                "stack {} exists, but not all of its servers run: restart them with `redline stack "
                "heal {}`, or remove it with `redline stack down {}`",
                name, name, name);
  }
  std::vector<NodeConfig> configs;
  auto state = plan(options, configs);
  if (!state) return fail(std::move(state.error()));
  std::error_code problem;
  if (!options.dir.empty() && fs::exists(state->dir, problem))
    return fail(ErrorCode::unsafe,
                "{} exists already and does not belong to a stack: remove it, or name another -dir",
                state->dir.string());
  if (options.observe) {  // nothing is started for what cannot be observed
    auto observers = observersOf(name);
    if (!observers) return fail(std::move(observers.error()));
    if (auto good = observers->plan(*options.observe); !good) return fail(std::move(good.error()));
  }
  auto store = planStore(*state, options);
  if (!store) return fail(std::move(store.error()));
  Status started = makeStateDirectory(stacks() / name);
  if (started) started = save(*state);
  if (started) started = startNodes(*state, configs, options);
  if (started) started = back(*state, *store, options);
  auto up = started ? observe({*state, false, {}}, options) : fail(std::move(started.error()));
  if (up) return up;
  std::vector<std::string> lines;
  (void)clear(*state, {{}, options.node.password}, lines);
  return up;
}

/// Starts what a stack that is up has not, and was asked for.
Result<StackUp> Stack::complete(StackUp up, const StackOptions& options) const {
  if (!up.state.backing) {
    auto store = planStore(up.state, options);
    if (!store) return fail(std::move(store.error()));
    if (auto backed = back(up.state, *store, options); !backed) {
      std::vector<std::string> lines;
      (void)removeBacking(up.state, lines);
      up.state.backing.reset();
      (void)save(up.state);
      return fail(std::move(backed.error()));
    }
  }
  return observe(std::move(up), options);
}

/// The PostgreSQL behind the cache, if there is to be one.
Result<std::optional<PostgresConfig>> Stack::planStore(const StackState& state,
                                                       const StackOptions& options) const {
  if (!options.backing) return std::nullopt;
  auto config = planBacking(state, *options.backing);
  if (!config) return fail(std::move(config.error()));
  config->password = options.node.password;
  return std::optional(std::move(*config));
}

Status Stack::back(StackState& state, const std::optional<PostgresConfig>& store,
                   const StackOptions& options) const {
  if (!store) return {};
  if (options.progress) options.progress("PostgreSQL is starting");
  return startBacking(state, *store, [&] { return save(state); });
}

/// Starts what is to observe a stack that is up, where it does not run; and names it.
Result<StackUp> Stack::observe(StackUp up, const StackOptions& options) const {
  auto observers = observersOf(up.state.name);
  if (!observers) return fail(std::move(observers.error()));
  if (options.observe) {
    if (options.progress) options.progress("Prometheus and its exporter are starting");
    ObserveOptions observe = *options.observe;
    observe.interrupted = options.interrupted;
    if (auto started = observers->start(up.state, observe, options.node.password); !started)
      return fail(std::move(started.error()));
  }
  up.observers = observers->all();
  up.driver = observers->driver();
  up.state.settings = joinSettings(std::move(up.state.settings), options.settings);
  if (auto saved = save(up.state); !saved) return fail(std::move(saved.error()));
  return up;
}

Result<NodeState> Stack::restart(const std::string& name, const std::string& node,
                                 const Credentials& credentials) {
  auto lock = Lock::take(stacks());
  if (!lock) return fail(std::move(lock.error()));
  auto state = load(name);
  if (!state) return fail(std::move(state.error()));
  const auto found = std::ranges::find(state->nodes, node, &NodeState::name);
  if (found == state->nodes.end()) return fail(ErrorCode::usage, "stack {} has no {}", name, node);
  if (isAlive(found->process))
    return fail(ErrorCode::unsafe, "{} of stack {} is alive (pid {})", node, name,
                found->process.pid);
  NodeConfig config;
  config.binary = state->binary;
  config.dir = found->dir;
  config.port = found->port;
  config.cluster = state->isCluster();
  config.password = credentials.password;
  config.anyVersion = true;  // it was looked at when the stack was made
  NodeStartOptions start;
  start.keepConfig = true;
  start.container = found->container;
  start.onSpawned = [&](const ProcessId& process) {
    found->process = process;
    return save(*state);
  };
  if (auto started = Node::start(std::move(config), start); !started)
    return fail(std::move(started.error()));
  return *found;
}

/// False: it lives, or there is none.
Result<bool> Stack::restartDeadBacking(const std::string& name, const std::string& password) {
  auto lock = Lock::take(stacks());
  if (!lock) return fail(std::move(lock.error()));
  auto state = load(name);
  if (!state) return fail(std::move(state.error()));
  if (!state->backing || isAlive(state->backing->process)) return false;
  auto started = restartBacking(*state, password, [&] { return save(*state); });
  if (!started) return fail(std::move(started.error()));
  return true;
}

Result<std::vector<std::string>> Stack::down(const std::string& name,
                                             const Credentials& credentials) {
  if (auto good = checkStackName(name); !good) return fail(std::move(good.error()));
  std::vector<std::string> lines;
  std::error_code problem;
  std::optional<Lock> lock;
  if (fs::exists(stacks(), problem)) {  // and none is made to find that out
    auto taken = Lock::take(stacks());
    if (!taken) return fail(std::move(taken.error()));
    lock.emplace(std::move(*taken));
  }
  if (!fs::exists(stacks() / name, problem)) {
    lines = clearStrays(stacks() / name);
    if (lines.empty())
      lines.push_back(fmt::format("there is no stack named {}: nothing to do", name));
    return lines;
  }
  auto state = load(name);
  if (!state) {
    if (!isFound(name)) return fail(lostStack(name, state.error()));
    // A crash before the first word was written: then there is a directory, and no process. Or a
    // damaged file, and all that it would name is in this directory.
    lines.push_back(state.error().message);
    state.emplace();
    state->name = name;
    state->dir = stacks() / name;
  }
  if (auto cleared = clear(*state, credentials, lines); !cleared)
    return fail(std::move(cleared.error()));
  return lines;
}

/// Whether all of a stack is known to be in its directory here, whatever can be read of its
/// stack.json: its servers' files are (-dir puts them elsewhere), or there is no such file yet.
bool Stack::isFound(const std::string& name) const {
  std::error_code problem;
  const bool isRecorded = fs::exists(statePath(name), problem) || problem;
  return !isRecorded || fs::exists(stacks() / name / kStackMarker, problem);
}

/// Of a stack whose stack.json cannot be read, and alone would say where its servers are.
Error Stack::lostStack(const std::string& name, const Error& why) const {
  return {why.code,
          fmt::format("{}; so where the servers of stack {} are is not known: stop them (`ps -C "
                      "redis-server`), remove the directory redline-{} that its -dir named, and "
                      "then {}",
                      why.message, name, name, (stacks() / name).string())};
}

Status Stack::clear(const StackState& state, const Credentials& credentials,
                    std::vector<std::string>& lines) const {
  if (auto observers = observersOf(state.name)) {
    auto stopped = observers->stop();
    if (!stopped) return fail(std::move(stopped.error()));
    lines.insert(lines.end(), stopped->begin(), stopped->end());
  } else {
    lines.push_back(observers.error().message);
  }
  if (auto removed = removeBacking(state, lines); !removed) return removed;
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
  for (const pid_t pid : killObserversIn(stacks() / state.name))
    lines.push_back(fmt::format("killed a leftover observer (pid {})", pid));
  for (const fs::path& directory : {state.dir, stacks() / state.name})
    for (const pid_t pid : killPostgresIn(directory))
      lines.push_back(fmt::format("killed a leftover postgres (pid {})", pid));
  clearStrayBacking(state.dir, lines);
  if (auto removed = removeContainers(state, lines); !removed) return removed;
  return removeFiles(state, lines);
}

/// Of a stack whose stack.json cannot be read nobody knows whether it has any, nor needs Docker.
Status Stack::removeContainers(const StackState& state, std::vector<std::string>& lines) const {
  const bool known = !state.topology.empty();
  if (known ? !state.compose : !findProgram("docker")) return {};
  const auto removed = ComposeProject(state.dir).remove();
  if (!removed && known) return fail(removed.error());
  if (removed && *removed > 0)
    lines.push_back(fmt::format("removed {} container{}", *removed, *removed == 1 ? "" : "s"));
  return {};
}

Status Stack::removeFiles(const StackState& state, std::vector<std::string>& lines) const {
  std::error_code problem;
  const fs::path own = stacks() / state.name;
  if (state.dir != own && fs::exists(state.dir / kStackMarker, problem)) {
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

std::map<std::string, StrayStack> Stack::strays() const {
  return strayStacks(stacks());
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
