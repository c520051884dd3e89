#include "server/stack.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/common_flags.h"
#include "cmd/flag_values.h"
#include "cmd/stack_options.h"
#include "server/host.h"
#include "server/scoped_stack.h"

namespace redline {
namespace {

std::vector<FlagSpec> stackFlags() {
  constexpr std::string_view kGroup = "Stack";
  return {
      {.name = "name",
       .help = "which stack: several may be up at once, each with its own name and port",
       .example = "lab",
       .group = kGroup,
       .whenEmpty = "node"},
      {.name = "engine",
       .kind = FlagKind::choice,
       .fallback = "process",
       .help = "how servers are started: as processes of this machine",
       .example = "process",
       .group = kGroup,
       .words = {"process"}},
      {.name = "port",
       .kind = FlagKind::count,
       .fallback = "7600",
       .help = "TCP port on 127.0.0.1; 0 takes a free one",
       .example = "0",
       .group = kGroup},
      {.name = "dir",
       .kind = FlagKind::path,
       .help = "where the stack's own directory goes",
       .example = "/var/tmp",
       .group = kGroup,
       .whenEmpty = "in REDLINE_HOME, or ~/.local/state/redline"},
      {.name = "format",
       .kind = FlagKind::choice,
       .fallback = "text",
       .help = "what up and status print: text for people, addr the bare address, json all of it",
       .example = "addr",
       .group = kGroup,
       .words = {"text", "addr", "json"}},
      {.name = "force",
       .kind = FlagKind::boolean,
       .fallback = "false",
       .help = "start although -maxmemory is more than the machine has",
       .group = kGroup},
  };
}

std::vector<FlagSpec> redisFlags() {
  constexpr std::string_view kGroup = "Redis";
  return {
      {.name = "redis-server",
       .kind = FlagKind::path,
       .fallback = "redis-server",
       .help = "the program: a name on PATH or a path",
       .example = "/opt/redis/redis-server",
       .group = kGroup},
      {.name = "any-version",
       .kind = FlagKind::boolean,
       .fallback = "false",
       .help = "accept a redis-server that is not 7.x",
       .group = kGroup},
      {.name = "maxmemory",
       .kind = FlagKind::size,
       .fallback = "auto",
       .help = "the limit of the data; auto is 75% of what the machine has available",
       .example = "2GB",
       .group = kGroup,
       .words = {"auto"},
       .positive = true},
      {.name = "maxmemory-policy",
       .kind = FlagKind::choice,
       .fallback = "allkeys-lru",
       .help = "what goes when the limit is reached; never noeviction, which turns memory pressure "
               "into write errors",
       .example = "allkeys-lfu",
       .group = kGroup,
       .words = {"allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu",
                 "volatile-random", "volatile-ttl"}},
      {.name = "io-threads",
       .kind = FlagKind::count,
       .fallback = "1",
       .help = "threads for sockets; above 1 they also read",
       .example = "4",
       .group = kGroup,
       .positive = true},
      {.name = "server-cpus",
       .kind = FlagKind::cpuList,
       .help = "CPUs of the main thread",
       .example = "0",
       .group = kGroup,
       .whenEmpty = "any"},
      {.name = "bio-cpus",
       .kind = FlagKind::cpuList,
       .help = "CPUs of the background threads",
       .example = "0",
       .group = kGroup,
       .whenEmpty = "any"},
      {.name = "bgsave-cpus",
       .kind = FlagKind::cpuList,
       .help = "CPUs of the child that writes a snapshot",
       .example = "1",
       .group = kGroup,
       .whenEmpty = "any"},
      {.name = "aof-rewrite-cpus",
       .kind = FlagKind::cpuList,
       .help = "CPUs of the child that rewrites the append-only file",
       .example = "1",
       .group = kGroup,
       .whenEmpty = "any"},
      {.name = "redis-config",
       .help = "more lines for redis.conf, with semicolons between them",
       .example = "appendonly yes; appendfsync always",
       .group = kGroup,
       .whenEmpty = "none"},
  };
}

nlohmann::json nodeJson(const NodeState& node) {
  return {{"name", node.name},
          {"role", node.role},
          {"addr", node.endpoint().text()},
          {"unix", node.unixEndpoint().text()},
          {"pid", node.process.pid},
          {"dir", node.dir.string()}};
}

nlohmann::json stackJson(const StackState& state) {
  nlohmann::json nodes = nlohmann::json::array();
  for (const NodeState& node : state.nodes) nodes.push_back(nodeJson(node));
  return {{"name", state.name},
          {"topology", state.topology},
          {"dir", state.dir.string()},
          {"nodes", nodes}};
}

nlohmann::json statusJson(const StackStatus& status) {
  nlohmann::json stack = stackJson(status.state);
  stack["nodes"] = nlohmann::json::array();
  for (const NodeStatus& each : status.nodes) {
    nlohmann::json node = nodeJson(each.node);
    node["alive"] = each.alive;
    node["stopped"] = each.stopped;
    node["version"] = each.version;
    node["used_memory"] = each.usedMemory;
    node["keys"] = each.keys;
    node["problem"] = each.problem;
    stack["nodes"].push_back(std::move(node));
  }
  return stack;
}

void printAddresses(const StackState& state) {
  for (const NodeState& node : state.nodes) fmt::print("{}\n", node.endpoint().text());
}

void printStatus(const StackStatus& status) {
  fmt::print("stack {} ({}), files in {}\n", status.state.name, status.state.topology,
             status.state.dir.string());
  for (const NodeStatus& each : status.nodes) {
    fmt::print("  {}  {}", each.node.endpoint().text(), each.node.role);
    if (!each.problem.empty()) {
      fmt::print("  {}\n", each.problem);
      continue;
    }
    fmt::print("  redis {}  pid {}  {} keys  {}\n", each.version, each.node.process.pid,
               formatCount(static_cast<double>(each.keys)), formatSize(each.usedMemory));
  }
}

/// On standard error, so that -format=addr stays one word on standard output.
void printWarnings(const HostFacts& host) {
  for (const Warning& warning : hostWarnings(host))
    fmt::print(stderr, "warning: {}\n", warningText(warning));
}

Result<ExitCode> up(const Invocation& invocation, Stack& stack) {
  auto options = stackOptions(invocation.flags, invocation.password);
  if (!options) return fail(options.error());
  if (options->node.port == 0) {
    const auto port = freePort();
    if (!port) return fail(port.error());
    options->node.port = *port;
  }
  const HostFacts host = readHost();  // before our own server adds to the load
  const auto started = stack.up(*options);
  if (!started) return fail(started.error());
  if (invocation.flags.is("format", "addr")) {
    printAddresses(started->state);
  } else if (invocation.flags.is("format", "json")) {
    fmt::print("{}\n", stackJson(started->state).dump(2));
  } else {
    fmt::print("{}\n", started->text());
  }
  printWarnings(host);
  return ExitCode::good;
}

Result<ExitCode> down(const Invocation& invocation, Stack& stack) {
  const auto lines = stack.down(stackName(invocation.flags), {{}, invocation.password});
  if (!lines) return fail(lines.error());
  for (const std::string& line : *lines) fmt::print("{}\n", line);
  return ExitCode::good;
}

Status showOne(const Invocation& invocation, const Stack& stack, const std::string& name) {
  const auto status = stack.status(name, {{}, invocation.password});
  if (!status) return fail(status.error());
  if (invocation.flags.is("format", "addr")) {
    printAddresses(status->state);
  } else if (invocation.flags.is("format", "json")) {
    fmt::print("{}\n", statusJson(*status).dump(2));
  } else {
    printStatus(*status);
  }
  for (const NodeStatus& node : status->nodes)
    if (!node.alive)
      return fail(ErrorCode::unreachable,
                  "{} of stack {} does not run: 'redline stack down {}' clears it away",
                  node.node.name, name, name);
  return {};
}

Result<ExitCode> status(const Invocation& invocation, const Stack& stack) {
  std::vector<std::string> names{stackName(invocation.flags)};
  if (!stackNamed(invocation.flags)) names = stack.names();
  if (names.empty()) fmt::print(stderr, "no stack is up; 'redline stack up node' starts one\n");
  for (const std::string& name : names)
    if (auto shown = showOne(invocation, stack, name); !shown) return fail(shown.error());
  return ExitCode::good;
}

Result<ExitCode> runStack(const Invocation& invocation) {
  auto home = stateHome();
  if (!home) return fail(home.error());
  Stack stack(std::move(*home));
  const std::string& action = invocation.flags.positional("action");
  if (action == "up") return up(invocation, stack);
  if (action == "down") return down(invocation, stack);
  return status(invocation, stack);
}

}  // namespace

Command stackCommand() {
  Command command;
  command.name = "stack";
  command.summary = "start, stop and look at the redis-server of a run";
  command.about =
      "A stack is a redis-server of ours: loopback only, its own directory, no persistence, an "
      "explicit memory limit. up takes a topology (node); down and status take a stack's name. "
      "down leaves nothing behind, also after a crash. With REDLINE_PASSWORD set, the server asks "
      "for it.";
  command.positionals = {
      {.name = "action", .choices = {"up", "down", "status"}},
      {.name = "node", .optional = true},
  };
  command.flags = joinFlags({stackFlags(), redisFlags(), configFlag()});
  command.examples = {
      {"redline stack up node", "a Redis on 127.0.0.1:7600"},
      {"redline stack up node -name=lab -port=0 -server-cpus=0 -format=addr",
       "another one on a free port and pinned to CPU 0; prints its address alone, for scripts"},
      {"redline stack status", "every stack of this machine, with its keys and memory"},
      {"redline stack down lab", "stops it and removes its directory"},
  };
  command.more = "docs/overview.md";
  command.run = runStack;
  return command;
}

}  // namespace redline
