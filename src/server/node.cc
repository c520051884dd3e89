#include "server/node.h"

#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/text.h"
#include "os/fd.h"
#include "os/files.h"
#include "os/gated_child.h"
#include "os/program.h"
#include "server/docker.h"
#include "server/info.h"
#include "server/rdb_pipe.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr Nanos kVersionTimeout = 10 * kSecond;
constexpr Nanos kPingTimeout = 500 * kMillisecond;
constexpr auto kStartPoll = std::chrono::milliseconds(10);

/// The output of a server that ended during its start. A mistake in its configuration is printed,
/// before there is a log: ">>> 'parameter value'" and the reason, on two lines.
std::string lastWords(const NodeConfig& config) {
  const std::string output = readWholeFile(config.outputPath()).value_or("");
  const std::size_t quoted = output.rfind(">>> ");
  if (output.find("FATAL CONFIG") != std::string::npos && quoted != std::string::npos) {
    const auto lines = splitLines(std::string_view(output).substr(quoted + 4));
    // The line of a password is never repeated.
    const bool secret = lines.front().find("requirepass") != std::string::npos ||
                        lines.front().find("masterauth") != std::string::npos;
    return fmt::format("{}: {}", secret ? "the password" : trim(lines.front()),
                       lines.size() > 1 ? trim(lines[1]) : "wrong configuration");
  }
  const std::string log = readWholeFile(config.logPath()).value_or("");
  for (const std::string_view line : {lastLine(log), lastLine(output)})
    if (!line.empty()) return std::string(line);
  return "it printed nothing";
}

Status prepareDirectory(const NodeConfig& config, bool keepConfig) {
  std::error_code problem;
  fs::create_directories(config.dir, problem);
  if (problem)
    return fail(ErrorCode::io, "cannot make {}: {}", config.dir.string(), problem.message());
  // A socket file of an earlier life would be taken for an answer that is to come.
  fs::remove(config.socketPath(), problem);
  fs::remove(config.outputPath(), problem);
  removeLeftPipes(config.dir);  // a FIFO in the dump file's place would hold up the start for ever
  if (keepConfig) return {};
  return writeWholeFile(config.configPath(), configText(config));
}

/// What its standard input holds: unlike a file, even one in memory, it cannot be found once it has
/// been read.
Result<Fd> secretInput(std::string_view text) {
  constexpr std::size_t kMost = 4096;  // what a socket takes without a reader
  if (text.size() > kMost)
    return fail(ErrorCode::usage, "more than {} bytes for a server's input", kMost);
  auto pair = socketPair();
  if (!pair) return fail(std::move(pair.error()));
  if (::send(pair->first.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0)
    return fail(ErrorCode::io, "cannot hand a password to a server: {}", errnoText(errno));
  return std::move(pair->second);
}

Result<GatedChild> spawnServer(const NodeConfig& config, bool dieWithParent) {
  auto input = secretInput(secretText(config));
  if (!input) return fail(std::move(input.error()));
  const auto output = openToAppend(config.outputPath());
  if (!output) return fail(output.error());
  ProgramStart start;
  start.args = {config.binary, config.configPath().string()};
  if (!secretText(config).empty()) start.args.emplace_back("-");  // read the standard input as well
  start.directory = config.dir;
  start.input = input->get();
  start.output = start.errors = output->get();
  start.dieWithParent = dieWithParent;
  return GatedChild::spawn(start);
}

}  // namespace

Result<std::string> checkBinary(const std::string& binary, bool anyVersion) {
  auto printed = runProgram({binary, "--version"}, kVersionTimeout);
  if (!printed) return fail(std::move(printed.error()));
  std::string version = parseServerVersion(printed->output);
  if (version.empty() && !anyVersion)
    return fail(ErrorCode::refused, "{} is not a redis-server: its --version says \"{}\"", binary,
                lastLine(printed->errors.empty() ? printed->output : printed->errors));
  if (auto good = checkVersion(version, binary, anyVersion); !good)
    return fail(std::move(good.error()));
  return version;
}

Status checkPortsFree(const NodeConfig& config) {
  if (auto free = checkPortFree(config.port); !free || !config.cluster) return free;
  auto free = checkPortFree(static_cast<std::uint16_t>(config.port + kBusOffset));
  if (free) return free;
  return fail(free.error().code, "the cluster bus of port {}: {}", config.port,
              free.error().message);
}

Result<Node> Node::start(NodeConfig config, const NodeStartOptions& options) {
  const Nanos deadline = SteadyClock::read() + options.timeout;
  if (options.container.empty())
    if (auto version = checkBinary(config.binary, config.anyVersion); !version)
      return fail(std::move(version.error()));
  auto node = launch(std::move(config), options);
  if (!node) return node;
  if (auto ready = node->awaitReady(deadline); !ready) return fail(std::move(ready.error()));
  return node;
}

Status prepareNode(const NodeConfig& config, const NodeStartOptions& options) {
  if (!options.keepConfig)
    if (auto good = checkNodeConfig(config); !good) return good;
  if (auto free = checkPortsFree(config); !free) return free;
  return prepareDirectory(config, options.keepConfig);
}

Result<Node> Node::launch(NodeConfig config, const NodeStartOptions& options) {
  if (auto ready = prepareNode(config, options); !ready) return fail(std::move(ready.error()));
  if (!options.container.empty()) return launchContainer(std::move(config), options);
  auto child = spawnServer(config, options.dieWithParent);
  if (!child) return fail(std::move(child.error()));
  const ProcessId process = identify(child->pid()).value_or(ProcessId{child->pid(), 0, {}});
  if (options.onSpawned)
    if (auto noted = options.onSpawned(process); !noted) return fail(std::move(noted.error()));
  Node node(std::move(config), process, options);
  if (auto started = child->release(); !started) return fail(std::move(started.error()));
  return node;
}

Result<Node> Node::launchContainer(NodeConfig config, const NodeStartOptions& options) {
  auto started = startContainer(options.container);
  if (!started) return fail(std::move(started.error()));
  if (options.onSpawned)
    if (auto noted = options.onSpawned(started->process); !noted)
      return fail(std::move(noted.error()));
  return Node(std::move(config), started->process, options);
}

Status Node::awaitReady(Nanos deadline) {
  auto answers = awaitAnswer(deadline);
  if (!answers && alive()) (void)kill();
  return answers;
}

/// Over its own socket: on the port another process might answer.
Status Node::awaitAnswer(Nanos deadline) {
  const LoadingWait loading{std::max<Nanos>(kSecond, deadline - SteadyClock::read()), {}};
  for (;;) {
    if (!alive()) {
      awaitExit(process_, kSecond);  // reaps it
      return died();
    }
    auto admin = Admin::connect(unixEndpoint(), {{}, config_.password}, kPingTimeout, loading);
    if (admin) return {};
    if (admin.error().code == ErrorCode::refused) return fail(std::move(admin.error()));
    if (SteadyClock::read() >= deadline)
      return fail(
          ErrorCode::timeout,
          "redis-server on port {} did not answer in time: {}; the last line of its log: {}",
          config_.port, admin.error().message, lastWords(config_));
    std::this_thread::sleep_for(kStartPoll);
  }
}

tl::unexpected<Error> Node::died() const {
  if (!container_.empty()) (void)writeWholeFile(config_.outputPath(), containerOutput(container_));
  return fail(ErrorCode::io, "redis-server on port {} ended while starting: {}", config_.port,
              lastWords(config_));
}

Status Node::stop(const StopDeadlines& deadlines) {
  return stopServer(process_, unixEndpoint(), {{}, config_.password}, deadlines);
}

Status Node::kill() {
  if (auto sent = sendSignal(process_, SIGKILL);
      !sent && sent.error().code != ErrorCode::unreachable)
    return sent;
  if (awaitExit(process_, StopDeadlines{}.kill)) return {};
  return fail(ErrorCode::timeout, "process {} has survived SIGKILL", process_.pid);
}

Status Node::restart() {
  if (auto gone = kill(); !gone) return gone;
  NodeStartOptions again;
  again.timeout = timeout_;
  again.dieWithParent = dieWithParent_;
  again.container = container_;
  auto started = start(config_, again);
  if (!started) return fail(std::move(started.error()));
  process_ = started->process_;
  return {};
}

Status Node::signal(int number) {
  return sendSignal(process_, number);
}

Status Node::checkVersion(const std::string& where) const {
  auto connection = admin();
  auto info =
      connection ? connection->info({"server"}) : Result<ServerInfo>(fail(connection.error()));
  if (!info) return fail(info.error());
  return redline::checkVersion(info->version(), where, config_.anyVersion);
}

Result<Admin> Node::admin(Nanos timeout) const {
  return Admin::connect(unixEndpoint(), {{}, config_.password}, timeout);
}

Status stopServer(const ProcessId& process, const Endpoint& endpoint,
                  const Credentials& credentials, const StopDeadlines& deadlines) {
  if (!isAlive(process)) {
    awaitExit(process, kSecond);  // its other threads, too; and reaps it
    return {};
  }
  // A server that a SIGSTOP holds can neither shut down nor see a SIGTERM.
  if (isStopped(process)) (void)sendSignal(process, SIGCONT);
  if (auto admin = Admin::connect(endpoint, credentials, deadlines.shutdown)) {
    const auto reply = admin->commandRaw({"SHUTDOWN", "NOSAVE", "NOW", "FORCE"});
    const bool refused = reply && reply->isError();  // its answer to a good one is to hang up
    if (!refused && awaitExit(process, deadlines.shutdown)) return {};
  }
  for (const auto& [number, wait] :
       {std::pair{SIGTERM, deadlines.terminate}, std::pair{SIGKILL, deadlines.kill}}) {
    if (auto sent = sendSignal(process, number);
        !sent && sent.error().code != ErrorCode::unreachable)
      return sent;
    if (awaitExit(process, wait)) return {};
  }
  return fail(ErrorCode::timeout, "process {} has survived SIGKILL", process.pid);
}

}  // namespace redline
