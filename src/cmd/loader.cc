#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "cmd/chaos_flags.h"
#include "cmd/commands.h"
#include "cmd/common_flags.h"
#include "cmd/flag_values.h"
#include "cmd/interrupts.h"
#include "cmd/plans.h"
#include "cmd/progress.h"
#include "cmd/tls_flags.h"
#include "cmd/topology.h"
#include "os/console.h"
#include "record/product.h"
#include "run/load_run.h"
#include "run/load_summary.h"

namespace redline {
namespace {

std::vector<FlagSpec> loadingFlags() {
  constexpr std::string_view kGroup = "Loading";
  return {
      {.name = "method",
       .kind = ValueKind::choice,
       .fallback = "auto",
       .help =
           "commands: SET and MSET; rdb: one stream to each master in the format of Redis's dump "
           "files, by DEBUG RELOAD; auto: rdb into empty servers of our stacks (into a single one: "
           "values below 1 to 2.4 KB, above which it is no faster), else commands",
       .example = "commands",
       .group = kGroup,
       .choices = {"auto", "commands", "rdb"}},
      {.name = "store",
       .kind = ValueKind::choice,
       .fallback = "auto",
       .help = "the store behind the cache: auto: before the cache, fill the PostgreSQL of the "
               "stack at -addr too, if it has one; none: the cache alone; only: the store alone",
       .example = "none",
       .group = kGroup,
       .choices = {"auto", "none", "only"}},
      {.name = "batch",
       .kind = ValueKind::count,
       .fallback = "256",
       .help = "commands only: keys per batch; each connection has two batches in flight",
       .example = "1k",
       .group = kGroup,
       .positive = true,
       .most = "1M"},
      {.name = "mset",
       .kind = ValueKind::boolean,
       .fallback = "true",
       .help =
           "commands only: write keys that never expire with MSET; false: SET for all; a cluster "
           "always uses SET",
       .group = kGroup},
      {.name = "conns",
       .kind = ValueKind::count,
       .fallback = "16",
       .help = "commands only: connections in total; in a cluster, to each node with slots",
       .example = "8",
       .group = kGroup,
       .positive = true,
       .most = "10k"},
      {.name = "from",
       .kind = ValueKind::count,
       .fallback = "0",
       .help = "the first id to write, to resume a load that was interrupted, by commands",
       .example = "40M",
       .group = kGroup,
       .most = "1000G"},
      {.name = "ttl-epoch",
       .kind = ValueKind::number,
       .fallback = "now",
       .help = "Unix time in seconds, to the millisecond, from which times to live count; now is "
               "the start of this load",
       .example = "1767225600.25",
       .group = kGroup,
       .choices = {"now"},
       .most = "100000000000"},
      {.name = "ttl-at",
       .kind = ValueKind::duration,
       .help = "all keys that expire do so this long after -ttl-epoch, instead of between -ttl-min "
               "and -ttl-max",
       .example = "60s",
       .group = kGroup,
       .positive = true,
       .most = "876000h",
       .whenEmpty = "each at its own time"},
  };
}

LoadPlan loadPlan(const Invocation& invocation) {
  const FlagValues& flags = invocation.flags;
  LoadPlan plan;
  plan.target = flags.endpoints("addr").front();
  if (flags.is("topology", "cluster")) plan.seeds = flags.endpoints("addr");
  plan.threads = static_cast<unsigned>(flags.count("threads"));
  plan.conns = static_cast<unsigned>(std::max(flags.count("conns"), flags.count("threads")));
  for (const unsigned cpu : flags.cpus("cpus")) plan.cpus.push_back(static_cast<int>(cpu));
  plan.io = ioChoice(flags);
  plan.wait = waitMode(flags);
  plan.batch = flags.count("batch");
  plan.mset = flags.on("mset");
  plan.from = flags.count("from");
  plan.keys = flags.count("keys");
  plan.valueSize = flags.size("value-size");
  plan.seed = flags.count("seed");
  plan.ttlFraction = flags.number("ttl-frac");
  plan.ttlMin = flags.duration("ttl-min");
  plan.ttlMax = flags.duration("ttl-max");
  plan.ttlEpochMillis = flags.is("ttl-epoch", "now")
                            ? wallNow() / kMillisecond
                            : std::llround(flags.number("ttl-epoch") * 1e3);
  if (!flags.empty("ttl-at")) plan.ttlAtMillis = flags.duration("ttl-at") / kMillisecond;
  return plan;
}

/// The flags as resolved, with the moment that "now" stood for.
std::vector<std::pair<std::string, std::string>> configOf(const FlagValues& flags,
                                                          const LoadPlan& plan) {
  auto config = redline::configOf(flags);
  for (auto& [name, value] : config)
    if (name == "ttl-epoch") value = epochText(plan);
  return config;
}

Status checkLoaderCounts(const FlagValues& flags) {
  const bool cluster = flags.is("topology", "cluster");
  if (flags.is("topology", "node") && flags.endpoints("addr").size() != 1)
    return fail(ErrorCode::usage, "-addr names {} servers, and -topology=node is one of them",
                flags.endpoints("addr").size());
  if (cluster && flags.given("mset"))
    return fail(ErrorCode::usage,
                "-mset needs a single server: in a cluster hardly two keys of a batch share a "
                "slot, so all are written with SET");
  return {};
}

void printRow(std::string_view name, const std::string& value) {
  printOut("  {:<12}{}\n", name, value);
}

void printSummary(const LoadRunOutcome& outcome) {
  const Summary& summary = outcome.summary;
  const RateFigures& rate = summary.rate;
  const GeneratorFigures& generator = summary.generator;
  printRow("written",
           fmt::format("{} of {} keys in {}: {} keys/s", rate.completed, rate.scheduled,
                       formatDuration(fromSeconds(summary.windowS)), formatCount(rate.achieved)));
  printRow("method", fmt::format("{}: {}", summary.load.method, summary.load.reason));
  printRow(
      "generator",
      fmt::format("{}, {}, {:.0f}% of {} busy, {:.2f} \u00b5s of CPU a key",
                  plural(generator.threads, "thread"), generator.io, 100 * generator.utilisation,
                  generator.threads == 1 ? "its core" : "their cores", generator.cpuUsPerOp));
  printRow("stored", outcome.databaseKeys
                         ? fmt::format("{} keys", *outcome.databaseKeys)
                         : "unknown: a server does not answer, or allows neither DBSIZE nor INFO");
  for (const ServerFigures& server : summary.servers) {
    printRow("server",
             fmt::format("{}, {} ({}), main thread {:.1f}% busy", server.addr, server.role,
                         productText(server.version), 100 * server.mainThreadUtilisation));
    printRow("memory",
             fmt::format("used_memory {} ({}), used_memory_rss {} ({}), "
                         "mem_fragmentation_ratio {:.2f}",
                         server.usedMemory, formatSize(server.usedMemory), server.usedMemoryRss,
                         formatSize(server.usedMemoryRss), server.fragmentation));
  }
  for (const std::string& note : summary.notes) printRow("note", note);
  if (outcome.status)
    for (const Reason& reason : summary.invalidReasons) printRow("INVALID", reason.text);
}

void printStore(const StoreFillFigures& store) {
  const double rows = static_cast<double>(store.rows);
  const auto span = [](double seconds) { return formatDuration(fromSeconds(seconds)); };
  printRow("store",
           fmt::format("{}: {} rows, {}; copied in {} ({} rows/s), primary key in {}, commit in {}",
                       store.address, store.rows, formatSize(store.bytes), span(store.copyS),
                       formatCount(rows / store.copyS), span(store.indexS), span(store.commitS)));
}

void show(Progress& progress, const LoadProgress& at) {
  if (at.over)
    progress.finish(at.now, at.done);
  else
    progress.update(at.now, at.done);
}

Result<ExitCode> runLoader(const Invocation& invocation) {
  const auto credentials = credentialsFrom(invocation.flags, invocation.password);
  if (!credentials) return fail(credentials.error());
  if (auto sound = loadRunPlan(invocation, *credentials); !sound) return fail(sound.error());
  if (invocation.flags.on("check-flags")) return ExitCode::good;
  auto topology = withTopology(invocation.flags, *credentials);
  if (!topology) return fail(topology.error());
  auto plan = loadRunPlan({topology->flags, invocation.argv, invocation.password}, *credentials);
  if (!plan) return fail(plan.error());
  plan->own = knownOwnServers();

  const Interrupts interrupts;
  Progress rows("filling the store", plan->load.keys);
  Progress keys("loading", plan->load.keys - std::min(plan->load.from, plan->load.keys));
  StatusLine storePhase, replicas;
  LoadWatcher watcher;
  watcher.onNote = [](const std::string& note) { printErr("note: {}\n", note); };
  watcher.onStoreRows = [&rows](const LoadProgress& at) { show(rows, at); };
  watcher.onStorePhase = [&storePhase](std::string_view name) {
    storePhase.update(SteadyClock::read(), fmt::format("filling the store: {}", name));
  };
  watcher.onStoreFilled = [&storePhase](const StoreFillFigures& store) {
    storePhase.clear();
    printStore(store);
  };
  watcher.onProgress = [&keys](const LoadProgress& at) { show(keys, at); };
  watcher.onReplicas = [&replicas](Nanos now, std::uint64_t missing) {
    replicas.update(now, fmt::format("waiting for replicas: {} behind", formatSize(missing)));
  };
  watcher.interrupted = [&interrupts] { return interrupts.received(); };
  const auto outcome = runLoad(*plan, watcher, std::move(topology->answered));
  storePhase.clear();
  replicas.clear();
  if (!outcome) return fail(outcome.error());
  if (plan->store != StoreFill::only) printSummary(*outcome);
  if (!outcome->status) return fail(outcome->status.error());
  return outcome->summary.valid ? ExitCode::good : ExitCode::invalid;
}

}  // namespace

Result<LoadRunPlan> loadRunPlan(const Invocation& invocation, const Credentials& credentials) {
  const FlagValues& flags = invocation.flags;
  for (const Status& sound : {checkLoaderCounts(flags), checkFileFlag(flags, "json")})
    if (!sound) return fail(sound.error());
  LoadRunPlan plan;
  plan.load = loadPlan(invocation);
  if (auto sound = checkLoadPlan(plan.load); !sound) return fail(sound.error());
  plan.load.credentials = credentials;
  plan.method = flags.is("method", "rdb")        ? LoadMethod::rdb
                : flags.is("method", "commands") ? LoadMethod::commands
                                                 : LoadMethod::automatic;
  for (const std::string_view name : {"threads", "conns", "batch", "mset", "io", "wait"})
    if (flags.given(name)) plan.forCommands.push_back(fmt::format("-{}", name));
  plan.store = flags.is("store", "none")   ? StoreFill::none
               : flags.is("store", "only") ? StoreFill::only
                                           : StoreFill::automatic;
  plan.out = flags.text("out");
  plan.json = flags.text("json");
  plan.command = invocation.argv;
  plan.config = configOf(flags, plan.load);
  plan.redlineVersion = REDLINE_VERSION;
  plan.interval = flags.duration("interval");
  plan.anyVersion = flags.on("any-version");
  plan.force = flags.on("force");
  return plan;
}

Command loaderCommand() {
  constexpr OutputTexts kOutput{
      .interval = "interval of readings of the servers, in servers.csv of the run directory",
      .force =
          "load what may not fit in maxmemory, accepting evictions, and overwrite keys of these "
          "names that hold another type than strings",
      .directory = "none",
      .noJson = "only in the run directory, if there is one"};
  Command command;
  command.name = "loader";
  command.summary = "fill Redis with a reproducible data set";
  command.about =
      "Writes keys obj:0, obj:1, ... with values and times to live that are a pure function of the "
      "seed: two loads with the same flags store the same data, whatever the method, threads, "
      "batches and topology. By rdb (-method) each master has one stream and one thread: -threads, "
      "-conns, "
      "-batch, -mset, -io and -wait are for commands alone. While a stream is loaded the server "
      "answers nobody but INFO, and Ctrl-Z is ignored. SIGINT ends it cleanly. A loader that is "
      "killed (SIGKILL) leaves the keys that had come by then, and a driver refuses such a data "
      "set: load it again. One load by rdb at a time uses a server.";
  command.flags =
      joinFlags({dataSetFlags(), loadingFlags(), targetFlags(),
                 generatorFlags("how a worker waits: auto spins while replies are due soon",
                                {"auto", "spin", "block"}),
                 outputFlags(kOutput), configFlag()});
  command.examples = {
      {"redline loader -keys=3M", "three million keys of 100 B, 30% with a time to live"},
      {"redline loader -keys=100M -value-size=300 -ttl-frac=0 -cpus=1",
       "a large data set that never expires, the generator on CPU 1"},
      {"redline loader -addr=127.0.0.1:7700 -keys=3M",
       "the same three million keys, in the cluster of this node"},
      {"redline loader -keys=3M -store=none",
       "the cache alone, as after a cold start: the store behind it keeps what it has"},
      {"redline loader -keys=1M -ttl-frac=1 -ttl-at=60s",
       "a million keys that all expire one minute after the load began"},
  };
  command.more = "docs/overview.md; the data set's rules are in docs/terminology.md.";
  command.run = runLoader;
  return command;
}

}  // namespace redline
