#include "server/stack.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/common_flags.h"
#include "cmd/flag_values.h"
#include "cmd/host_notes.h"
#include "cmd/interrupts.h"
#include "cmd/postgres_flags.h"
#include "cmd/progress.h"
#include "cmd/stack_options.h"
#include "cmd/stack_text.h"
#include "os/console.h"
#include "server/host.h"
#include "server/postgres_server.h"
#include "server/scratch.h"

namespace redline {
namespace {

std::vector<FlagSpec> stackFlags() {
  constexpr std::string_view kGroup = "Stack";
  return {
      {.name = "name",
       .help = "name of the stack; several may be up at once, each with its own name and port",
       .example = "lab",
       .group = kGroup,
       .whenEmpty = "the topology"},
      engineFlag(kGroup),
      {.name = "port",
       .kind = ValueKind::count,
       .fallback = "auto",
       .help = "TCP port on 127.0.0.1; a cluster uses consecutive ports from here, and for each "
               "node's bus its port + 10000; 0: free ports; auto: 7600, or 7700 for a cluster",
       .example = "0",
       .group = kGroup,
       .choices = {"auto"},
       .most = "65535"},
      {.name = "dir",
       .kind = ValueKind::path,
       .help = "parent of the stack's directory",
       .example = "/var/tmp",
       .group = kGroup,
       .whenEmpty = "in REDLINE_HOME, or ~/.local/state/redline"},
      {.name = "tls",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "TCP ports speak TLS only, the cluster's bus and replication too, with a CA and a "
               "certificate made for this stack; up prints the flags to connect with",
       .group = kGroup},
      {.name = "format",
       .kind = ValueKind::choice,
       .fallback = "text",
       .help = "output of up and status: text, addr (the address only) or json",
       .example = "addr",
       .group = kGroup,
       .choices = {"text", "addr", "json"}},
      {.name = "force",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "start even if -maxmemory exceeds the machine's memory",
       .group = kGroup},
  };
}

std::vector<FlagSpec> observeFlags() {
  constexpr std::string_view kGroup = "Observation";
  return {
      {.name = "observe",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "also start Debian's prometheus and prometheus-redis-exporter: they scrape the "
               "servers and a driver every second, with the rules of deploy/prometheus. For a "
               "stack that is up, start what does not run",
       .group = kGroup},
      {.name = "observe-port",
       .kind = ValueKind::count,
       .fallback = "auto",
       .help = "TCP port of Prometheus on 127.0.0.1; the exporter takes the next; 0: free ports; "
               "auto: 7690, or 7790 for a cluster",
       .example = "9090",
       .group = kGroup,
       .choices = {"auto"},
       .most = "65535"},
      {.name = "observe-driver",
       .kind = ValueKind::hostPort,
       .fallback = "127.0.0.1:9121",
       .help = "-metrics of the driver that is scraped, whenever one is there",
       .example = "127.0.0.1:9200",
       .group = kGroup},
  };
}

std::vector<FlagSpec> clusterFlags() {
  constexpr std::string_view kGroup = "Cluster";
  return {
      {.name = "masters",
       .kind = ValueKind::count,
       .fallback = "3",
       .help = "number of masters, which share the slots evenly",
       .example = "6",
       .group = kGroup,
       .positive = true,
       .most = "1k"},
      {.name = "replicas",
       .kind = ValueKind::count,
       .fallback = "1",
       .help = "replicas of each master",
       .example = "2",
       .group = kGroup,
       .most = "1k"},
      {.name = "master-cpus",
       .help = "CPUs of the masters' main threads, one list per master, separated by semicolons; "
               "the last list applies to all further masters",
       .example = "0;1",
       .group = kGroup,
       .whenEmpty = "as -server-cpus"},
      {.name = "replica-cpus",
       .help = "the same for the replicas",
       .example = "1",
       .group = kGroup,
       .whenEmpty = "as -server-cpus"},
      {.name = "full-coverage",
       .kind = ValueKind::boolean,
       .fallback = "true",
       .help = "refuse every operation while any slot has no master; false: only operations on "
               "such slots",
       .example = "false",
       .group = kGroup},
  };
}

std::vector<FlagSpec> redisFlags() {
  constexpr std::string_view kGroup = "Redis";
  return {
      {.name = "redis-server",
       .kind = ValueKind::path,
       .fallback = "redis-server",
       .help = "the program: a name on PATH, or a path",
       .example = "/opt/redis/redis-server",
       .group = kGroup},
      redisImageFlag(kGroup),
      {.name = "any-version",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "accept a redis-server that is not 7.x",
       .group = kGroup},
      {.name = "maxmemory",
       .kind = ValueKind::size,
       .fallback = "auto",
       .help = "maxmemory of each node; auto: 75% of the available memory, shared by all nodes",
       .example = "2GB",
       .group = kGroup,
       .choices = {"auto"},
       .positive = true,
       .most = "1024TB"},
      {.name = "maxmemory-policy",
       .kind = ValueKind::choice,
       .fallback = "allkeys-lru",
       .help = "eviction policy; noeviction is refused because it turns memory pressure into write "
               "errors",
       .example = "allkeys-lfu",
       .group = kGroup,
       .choices = {"allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu",
                   "volatile-random", "volatile-ttl"}},
      {.name = "io-threads",
       .kind = ValueKind::count,
       .fallback = "1",
       .help = "io-threads; above 1 they also read",
       .example = "4",
       .group = kGroup,
       .positive = true,
       .most = "128"},
      {.name = "server-cpus",
       .kind = ValueKind::cpuList,
       .help = "CPUs of the main thread",
       .example = "0",
       .group = kGroup,
       .whenEmpty = "any"},
      {.name = "bio-cpus",
       .kind = ValueKind::cpuList,
       .help = "CPUs of the background threads",
       .example = "0",
       .group = kGroup,
       .whenEmpty = "any"},
      {.name = "bgsave-cpus",
       .kind = ValueKind::cpuList,
       .help = "CPUs of the child that writes a snapshot",
       .example = "1",
       .group = kGroup,
       .whenEmpty = "any"},
      {.name = "aof-rewrite-cpus",
       .kind = ValueKind::cpuList,
       .help = "CPUs of the child that rewrites the append-only file",
       .example = "1",
       .group = kGroup,
       .whenEmpty = "any"},
      {.name = "redis-config",
       .help = "more lines for redis.conf, separated by semicolons",
       .example = "appendonly yes; appendfsync always",
       .group = kGroup,
       .whenEmpty = "none"},
  };
}

void printAddresses(const StackState& state) {
  for (const NodeState& node : state.nodes) printOut("{}\n", node.endpoint().text());
}

/// On standard error, so that -format=addr stays one word on standard output.
void printWarnings(const HostFacts& host) {
  for (const Warning& warning : newWarnings(hostWarnings(host)))
    printErr("warning: {}\n", warningText(warning));
}

Result<ExitCode> up(const Invocation& invocation, Stack& stack) {
  auto options = stackOptions(invocation.flags, invocation.password);
  if (!options) return fail(options.error());
  const Interrupts interrupts;
  options->interrupted = [&] { return interrupts.received(); };
  StatusLine line;
  options->progress = [&line](const std::string& text) { line.update(SteadyClock::read(), text); };
  const HostFacts host = readHost();  // before our own server adds to the load
  auto started = stack.up(*options);
  line.clear();
  if (!started) return fail(started.error());
  if (started->already)  // it may have had a failover
    if (const auto now = stack.status(started->state.name, {{}, invocation.password}))
      takeRoles(started->state, *now);
  if (invocation.flags.is("format", "addr")) {
    printAddresses(started->state);
  } else if (invocation.flags.is("format", "json")) {
    writeOut(stackJson(*started) + "\n");
  } else {
    printOut("{}\n", started->text());
  }
  printWarnings(host);
  return ExitCode::good;
}

Result<ExitCode> down(const Invocation& invocation, Stack& stack) {
  const auto lines = stack.down(stackName(invocation.flags), {{}, invocation.password});
  if (!lines) return fail(lines.error());
  for (const std::string& line : *lines) printOut("{}\n", line);
  // Servers of a lab have no name to be called by.
  if (const auto scratch = labScratch())
    for (const std::string& line : clearScratch(*scratch)) printOut("{}\n", line);
  for (const std::string& line : clearLeftPostgres()) printOut("{}\n", line);
  return ExitCode::good;
}

Result<ExitCode> heal(const Invocation& invocation, Stack& stack) {
  StatusLine line;
  const auto lines =
      stack.heal(stackName(invocation.flags), {{}, invocation.password},
                 [&line](const std::string& text) { line.update(SteadyClock::read(), text); });
  line.clear();
  if (!lines) return fail(lines.error());
  for (const std::string& each : *lines) printOut("{}\n", each);
  return ExitCode::good;
}

Status showOne(const Invocation& invocation, const Stack& stack, const std::string& name) {
  const auto status = stack.status(name, {{}, invocation.password});
  if (!status) return fail(status.error());
  if (invocation.flags.is("format", "addr")) {
    printAddresses(status->state);
  } else if (invocation.flags.is("format", "json")) {
    writeOut(statusJson(*status) + "\n");
  } else {
    printOut("{}", statusText(*status));
  }
  for (const NodeStatus& node : status->nodes)
    if (!node.alive)
      return fail(ErrorCode::unreachable,
                  "{} of stack {} does not run: 'redline stack heal {}' restarts it, 'redline "
                  "stack down {}' removes the stack",
                  node.node.name, name, name, name);
  for (const ObserverStatus& each : status->observers)
    if (!each.alive)
      return fail(ErrorCode::unreachable,
                  "{} of stack {} does not run: 'redline stack up {} -name={} -observe' starts it "
                  "again; its last words are in {}",
                  each.observer.name, name, status->state.topology, name, each.log.string());
  if (status->backing && !status->backing->problem.empty())
    return fail(ErrorCode::unreachable,
                "the PostgreSQL of stack {} does not answer: {}: 'redline stack heal {}' restarts "
                "it if it is dead; its log is {}",
                name, status->backing->problem, name,
                (status->backing->postgres.dir / "postgres.log").string());
  if (!status->cluster.empty())
    return fail(ErrorCode::unreachable, "cluster {} is not complete: {}", name, status->cluster);
  return {};
}

Result<ExitCode> status(const Invocation& invocation, const Stack& stack) {
  std::vector<std::string> names{stackName(invocation.flags)};
  auto strays = stack.strays();
  if (stackNamed(invocation.flags))
    std::erase_if(strays, [&](const auto& each) { return each.first != names.front(); });
  else
    names = stack.names();
  if (!strays.empty() && stackNamed(invocation.flags)) names.clear();
  if (names.empty() && strays.empty())
    printErr("no stack is up; 'redline stack up node' starts one\n");
  // What is wrong with one is said, and hides no other.
  Status first;
  const auto note = [&first](Status shown) {
    if (shown) return;
    if (!first)
      printErr("{}\n", shown.error().message);
    else
      first = std::move(shown);
  };
  for (const std::string& name : names) note(showOne(invocation, stack, name));
  for (const auto& [name, stray] : strays)
    note(fail(ErrorCode::unreachable,
              "stack {0} still runs ({1}), but its directory was deleted: 'redline stack down {0}' "
              "ends it",
              name,
              stray.processes.empty() ? plural(stray.containers, "container")
                                      : fmt::format("pid {}", stray.processes.front().pid)));
  if (!first) return fail(first.error());
  return ExitCode::good;
}

Result<ExitCode> runStack(const Invocation& invocation) {
  auto home = stateHome();
  if (!home) return fail(home.error());
  Stack stack(std::move(*home));
  const std::string& action = invocation.flags.positional("action");
  if (action == "up") return up(invocation, stack);
  if (action == "down") return down(invocation, stack);
  if (action == "heal") return heal(invocation, stack);
  return status(invocation, stack);
}

}  // namespace

Command stackCommand() {
  Command command;
  command.name = "stack";
  command.summary = "start, stop and inspect redis-servers for runs";
  command.about =
      "A stack is one redis-server (node) or six or more (cluster) that redline starts: loopback "
      "only, each with its own directory, no persistence, an explicit memory limit. up takes a "
      "topology and returns when the servers answer; a cluster, when all nodes agree on the slots "
      "and the replicas are in sync. down, status and heal take a stack's name. heal restarts "
      "servers that have died, and what observes them. -backing=postgres starts a PostgreSQL "
      "beside them, as the store "
      "behind the cache (docs/backing.md). down stops the servers and removes their files, also "
      "after a crash. "
      "With REDLINE_PASSWORD set, the servers require it.";
  command.positionals = {
      {.name = "action", .choices = {"up", "down", "status", "heal"}},
      {.name = "node",
       .optional = true,
       .hints = {"node", "cluster"},
       .hintsFrom = "ls \"${REDLINE_HOME:-${XDG_STATE_HOME:-$HOME/.local/state}/redline}/stacks\" "
                    "2>/dev/null"},
  };
  command.flags = joinFlags(
      {stackFlags(), observeFlags(), clusterFlags(), redisFlags(), postgresFlags(), configFlag()});
  command.examples = {
      {"redline stack up node", "a Redis on 127.0.0.1:7600"},
      {"redline stack up node -name=lab -port=0 -server-cpus=0 -format=addr",
       "another one on a free port, pinned to CPU 0; prints only its address, for scripts"},
      {"redline stack up cluster -maxmemory=512MB -master-cpus='0;1' -replica-cpus=1",
       "3 masters and 3 replicas on ports 7700 to 7705; the first master has CPU 0 for itself"},
      {"redline stack up cluster -observe",
       "with Prometheus on 127.0.0.1:7790; it also scrapes a driver with -metrics=127.0.0.1:9121"},
      {"redline stack up cluster -engine=compose",
       "the same as containers of redis:7.0.15-bookworm"},
      {"redline stack up node -backing=postgres",
       "with a PostgreSQL behind it, which 'redline loader' fills with the same data"},
      {"redline stack status", "every stack, with its keys and memory"},
      {"redline stack heal cluster", "restarts dead servers; a master once it is replaced"},
      {"redline stack down lab", "stops it and removes its directory"},
  };
  command.more = "docs/overview.md";
  command.run = runStack;
  return command;
}

}  // namespace redline
