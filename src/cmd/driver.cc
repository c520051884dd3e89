#include <fmt/format.h>

#include "base/units.h"
#include "cmd/backing_flags.h"
#include "cmd/chaos_flags.h"
#include "cmd/commands.h"
#include "cmd/common_flags.h"
#include "cmd/driver_output.h"
#include "cmd/flag_values.h"
#include "cmd/host_notes.h"
#include "cmd/interrupts.h"
#include "cmd/metrics_flags.h"
#include "cmd/mitigation_flags.h"
#include "cmd/plans.h"
#include "cmd/tls_flags.h"
#include "cmd/topology.h"
#include "os/console.h"
#include "run/driver_run.h"

namespace redline {
namespace {

std::vector<FlagSpec> loadFlags() {
  constexpr std::string_view kGroup = "Load";
  return {
      {.name = "rate",
       .kind = ValueKind::rate,
       .fallback = "10k",
       .help = "operations per second, all workers together; max: as fast as replies allow (closed "
               "model)",
       .example = "200k",
       .group = kGroup,
       .choices = {"max"},
       .positive = true,
       .least = "0.001",
       .most = "1G"},
      {.name = "arrivals",
       .kind = ValueKind::choice,
       .fallback = "constant",
       .help = "distribution of the intended send times",
       .example = "poisson",
       .group = kGroup,
       .choices = {"constant", "poisson"}},
      {.name = "rw-ratio",
       .kind = ValueKind::share,
       .fallback = "0.9",
       .help = "share of reads, 0 to 1, drawn for every operation",
       .example = "0.5",
       .group = kGroup},
      {.name = "dist",
       .kind = ValueKind::choice,
       .fallback = "uniform",
       .help = "distribution of the keys, for reads and writes alike",
       .example = "zipfian",
       .group = kGroup,
       .choices = {"uniform", "zipfian"}},
      {.name = "zipf-s",
       .kind = ValueKind::number,
       .fallback = "1.1",
       .help = "exponent of -dist=zipfian: the n-th hottest key weighs 1/n^s",
       .example = "1.2",
       .group = kGroup,
       .most = "20"},
      {.name = "hot-seed",
       .kind = ValueKind::count,
       .help = "seed for which keys are popular under -dist=zipfian",
       .example = "2",
       .group = kGroup,
       .whenEmpty = "-seed"},
      {.name = "run-seed",
       .kind = ValueKind::count,
       .fallback = "1",
       .help = "seed for this run's keys, kinds and arrivals",
       .example = "7",
       .group = kGroup},
      {.name = "duration",
       .kind = ValueKind::duration,
       .fallback = "10s",
       .help = "length of the measured window, after the warm-up",
       .example = "60s",
       .group = kGroup,
       .positive = true,
       .least = "1ms",
       .most = "8760h"},
      {.name = "warmup",
       .kind = ValueKind::duration,
       .fallback = "1s",
       .help = "length of the warm-up, which is excluded from the figures",
       .example = "5s",
       .group = kGroup,
       .most = "8760h"},
      {.name = "drain",
       .kind = ValueKind::duration,
       .fallback = "5s",
       .help = "how long to wait at the end for outstanding operations",
       .example = "10s",
       .group = kGroup,
       .most = "8760h"},
  };
}

std::vector<FlagSpec> wireFlags() {
  constexpr std::string_view kGroup = "Connections and batches";
  return {
      {.name = "conns",
       .kind = ValueKind::count,
       .fallback = "50",
       .help = "connections in total; in a cluster, to each contacted node",
       .example = "200",
       .group = kGroup,
       .positive = true,
       .most = "10k"},
      {.name = "pipeline",
       .kind = ValueKind::count,
       .fallback = "0",
       .help = "operations per batch; 0: one in flight per connection",
       .example = "16",
       .group = kGroup,
       .most = "100k"},
      {.name = "tx",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "send each batch as MULTI ... EXEC; its operations complete at EXEC's reply",
       .group = kGroup},
      {.name = "batch-wait",
       .kind = ValueKind::duration,
       .fallback = "0",
       .help = "how long a batch may wait to fill; 0: send what is due",
       .example = "200us",
       .group = kGroup,
       .most = "8760h"},
      {.name = "max-backlog",
       .kind = ValueKind::count,
       .fallback = "100k",
       .help = "how many operations may wait for one node of a cluster, or for PostgreSQL "
               "(-on-miss=postgres), per worker; at the limit nothing is sent to any node",
       .example = "1M",
       .group = kGroup,
       .positive = true,
       .most = "100M"},
      {.name = "op-timeout",
       .kind = ValueKind::duration,
       .fallback = "0",
       .help = "fail an operation after this time; 0: never",
       .example = "250ms",
       .group = kGroup,
       .most = "8760h"},
      {.name = "on-disconnect",
       .kind = ValueKind::choice,
       .fallback = "retry",
       .help = "after a lost connection: reconnect and retry, or end the run",
       .example = "stop",
       .group = kGroup,
       .choices = {"retry", "stop"}},
      {.name = "wait-replicas",
       .kind = ValueKind::count,
       .fallback = "0",
       .help = "a write completes when this many replicas have it: one WAIT follows each batch "
               "with writes, and they complete at its reply; 0: no WAIT",
       .example = "1",
       .group = kGroup,
       .most = "1k"},
      {.name = "wait-timeout",
       .kind = ValueKind::duration,
       .fallback = "100ms",
       .help = "timeout of WAIT; after it the writes fail as under_replicated, although their "
               "master has them",
       .example = "1s",
       .group = kGroup,
       .positive = true,
       .most = "1h"},
      {.name = "verify",
       .kind = ValueKind::choice,
       .fallback = "full",
       .help = "how much of each value read is verified",
       .example = "header",
       .group = kGroup,
       .choices = {"full", "header", "none"}},
  };
}

std::vector<FlagSpec> sendsFlag() {
  return {{.name = "sends",
           .kind = ValueKind::path,
           .help = "also write the time of every send (int64 nanoseconds since the start), to "
                   "check the generator itself",
           .example = "sends.bin",
           .group = "Output",
           .whenEmpty = "not kept"}};
}

Status checkCombinations(const FlagValues& flags) {
  if (flags.count("threads") > flags.count("conns"))
    return fail(ErrorCode::usage, "-threads={} exceeds -conns={}: each worker needs a connection",
                flags.text("threads"), flags.text("conns"));
  if (flags.duration("ttl-min") > flags.duration("ttl-max"))
    return fail(ErrorCode::usage, "-ttl-min={} is longer than -ttl-max={}", flags.text("ttl-min"),
                flags.text("ttl-max"));
  if (flags.is("rate", "max") && flags.is("arrivals", "poisson"))
    return fail(ErrorCode::usage,
                "-arrivals=poisson needs a rate: with -rate=max operations have no due times");
  if (flags.is("rate", "max") && flags.is("wait", "realtime"))
    return fail(ErrorCode::usage,
                "-wait=realtime needs a rate: with -rate=max a worker never sleeps, and would keep "
                "every other thread off its core");
  if (flags.is("rate", "max") && flags.given("batch-wait"))
    return fail(ErrorCode::usage,
                "-batch-wait does not apply to -rate=max, whose batches are always full");
  if (!flags.empty("hot-seed") && !flags.is("dist", "zipfian"))
    return fail(ErrorCode::usage,
                "-hot-seed needs -dist=zipfian: without it no key is more popular than another");
  if (flags.given("max-backlog") && flags.is("topology", "node") &&
      !flags.is("on-miss", "postgres"))
    return fail(ErrorCode::usage,
                "-max-backlog needs a cluster or -on-miss=postgres: on a single server the backlog "
                "is a position in the "
                "schedule and takes no memory");
  if (flags.is("topology", "node") && flags.endpoints("addr").size() != 1)
    return fail(ErrorCode::usage, "-addr names {} servers, and -topology=node is one of them",
                flags.endpoints("addr").size());
  return {};
}

Status checkWait(const FlagValues& flags) {
  const Nanos timeout = flags.duration("wait-timeout");
  if (timeout % kMillisecond != 0)
    return fail(ErrorCode::usage, "-wait-timeout={}: whole milliseconds only",
                flags.text("wait-timeout"));
  if (flags.given("wait-timeout") && flags.count("wait-replicas") == 0)
    return fail(ErrorCode::usage, "-wait-timeout needs -wait-replicas");
  return {};
}

VerifyLevel verifyLevel(const FlagValues& flags) {
  if (flags.is("verify", "none")) return VerifyLevel::none;
  return flags.is("verify", "header") ? VerifyLevel::header : VerifyLevel::full;
}

EnginePlan enginePlan(const Invocation& invocation) {
  const FlagValues& flags = invocation.flags;
  EnginePlan plan;
  plan.target = flags.endpoints("addr").front();
  if (flags.is("topology", "cluster")) plan.seeds = flags.endpoints("addr");
  plan.threads = static_cast<unsigned>(flags.count("threads"));
  plan.conns = static_cast<unsigned>(flags.count("conns"));
  plan.cpus.assign(flags.cpus("cpus").begin(), flags.cpus("cpus").end());
  plan.io = ioChoice(flags);
  plan.wait = waitMode(flags);
  if (flags.is("rate", "max"))
    plan.arrivals = Arrivals::closed;
  else if (flags.is("arrivals", "poisson"))
    plan.arrivals = Arrivals::poisson;
  if (!plan.closed()) plan.rate = flags.number("rate");
  plan.warmup = flags.duration("warmup");
  plan.duration = flags.duration("duration");
  plan.drain = flags.duration("drain");
  plan.interval = flags.duration("interval");
  plan.maxBacklog = flags.count("max-backlog");
  plan.opTimeout = flags.duration("op-timeout");
  plan.pipeline = static_cast<unsigned>(flags.count("pipeline"));
  plan.transactions = flags.on("tx");
  plan.batchWait = flags.duration("batch-wait");
  plan.waitReplicas = static_cast<unsigned>(flags.count("wait-replicas"));
  plan.waitTimeout = flags.duration("wait-timeout");
  plan.onDisconnect = flags.is("on-disconnect", "stop") ? OnDisconnect::stop : OnDisconnect::retry;
  plan.onMiss = onMissOf(flags);
  plan.keys = flags.count("keys");
  plan.distribution = flags.is("dist", "zipfian") ? Distribution::zipfian : Distribution::uniform;
  plan.zipfS = flags.number("zipf-s");
  plan.readShare = flags.number("rw-ratio");
  plan.seed = flags.count("seed");
  if (!flags.empty("hot-seed")) plan.hotSeed = flags.count("hot-seed");
  plan.runSeed = flags.count("run-seed");
  plan.valueSize = flags.size("value-size");
  plan.verify = verifyLevel(flags);
  plan.ttlFraction = flags.number("ttl-frac");
  plan.ttlMin = flags.duration("ttl-min");
  plan.ttlMax = flags.duration("ttl-max");
  plan.logSends = !flags.empty("sends");
  return plan;
}

/// The summary for the terminal, without the machine's warnings that were shown before.
Summary withoutShownWarnings(const DriverOutcome& outcome) {
  Summary summary = outcome.summary;
  for (const Warning& warning : outcome.hostWarnings)
    std::erase(summary.notes, warningText(warning));
  for (const Warning& warning : newWarnings(outcome.hostWarnings))
    summary.notes.push_back(warningText(warning));
  return summary;
}

Result<ExitCode> runDriver(const Invocation& invocation) {
  const FlagValues& flags = invocation.flags;
  const auto credentials = credentialsFrom(flags, invocation.password);
  if (!credentials) return fail(credentials.error());
  auto planned = driverPlan(invocation, *credentials);  // wrong usage shows without a server
  if (!planned) return fail(planned.error());
  if (flags.on("check-flags")) {
    if (auto free = checkMetricsAddress(flags); !free) return fail(std::move(free.error()));
    return ExitCode::good;
  }
  const Interrupts interrupts;
  const auto metrics = startMetrics(flags, "driver", planned->engine.cpus);
  if (!metrics) return fail(metrics.error());
  auto topology = withTopology(flags, *credentials);
  if (!topology) return fail(topology.error());
  planned = driverPlan({topology->flags, invocation.argv, invocation.password}, *credentials);
  if (!planned) return fail(planned.error());
  DriverPlan& plan = *planned;
  RunWatcher watcher;
  watcher.onNote = [](const std::string& note) { printErr("note: {}\n", note); };
  LiveLine line(plan.engine);
  watcher.onInterval = [&line](const Interval& interval, Nanos sinceStart) {
    writeLive(line.of(interval, sinceStart) + "\n");
  };
  watcher.onFault = [](const Event& event, Nanos sinceStart) {
    writeLive(printable(faultLine(event, sinceStart)) + "\n");
  };
  watcher.interrupted = [&interrupts] { return interrupts.received(); };
  if (*metrics) (*metrics)->join(watcher);
  const auto outcome = runDriver(plan, watcher, std::move(topology->answered));
  if (!outcome) return fail(outcome.error());
  const std::string place = fmt::format("run directory: {}\n", outcome->directory.string());
  printOut("{}{}", summaryTable(withoutShownWarnings(*outcome)), place);
  if (!resultsWritten()) printErr("{}", place);
  lingerMetrics(flags, interrupts);
  if (!outcome->status) return fail(outcome->status.error());
  return outcome->summary.valid ? ExitCode::good : ExitCode::invalid;
}

std::vector<FlagSpec> waitingFlags() {
  return generatorFlags(
      "how a worker waits: auto sleeps and then spins shortly before an operation is due; block "
      "sleeps and leaves the core to others; realtime sleeps, and has its core before every "
      "ordinary "
      "thread when it wakes (SCHED_RR, CAP_SYS_NICE)",
      {kWaitNames.begin(), kWaitNames.end()});
}

}  // namespace

Result<DriverPlan> driverPlan(const Invocation& invocation, const Credentials& credentials) {
  const FlagValues& flags = invocation.flags;
  for (const Status& sound : {checkCombinations(flags), checkWait(flags), checkMetricsFlags(flags),
                              checkFileFlag(flags, "json"), checkFileFlag(flags, "sends")})
    if (!sound) return fail(sound.error());
  const auto mitigation = mitigationPlan(flags);
  if (!mitigation) return fail(mitigation.error());
  auto backing = backingPlan(flags);
  if (!backing) return fail(backing.error());
  auto chaos = chaosPlan(flags);
  if (!chaos) return fail(chaos.error());
  DriverPlan plan;
  plan.engine = enginePlan(invocation);
  plan.engine.credentials = credentials;
  plan.engine.mitigation = *mitigation;
  plan.engine.backing = std::move(*backing);
  plan.out = flags.text("out");
  plan.json = flags.text("json");
  plan.sends = flags.text("sends");
  plan.command = invocation.argv;
  plan.config = configOf(flags);
  plan.redlineVersion = REDLINE_VERSION;
  plan.anyVersion = flags.on("any-version");
  plan.chaos = std::move(*chaos);
  if (!plan.chaos.empty() || plan.engine.backing.used) plan.own = knownOwnServers();
  plan.force = flags.on("force");
  return plan;
}

Command driverCommand() {
  constexpr OutputTexts kOutput{
      .interval =
          "reporting interval: a line on the terminal, and one for reads and one for writes "
          "in intervals.csv",
      .force =
          "drive a data set that differs from what the flags describe, which is then a note; "
          "and let the faults of -chaos do what their checks refuse",
      .directory = "runs/<UTC time>-driver",
      .noJson = "only in the run directory"};
  Command command;
  command.name = "driver";
  command.summary = "send reads and writes at a target rate and measure latency";
  command.about =
      "Every operation has an intended send time, fixed independently of how fast the server "
      "replies. Response time counts from there, so a stall of the server delays every operation "
      "that was due during it. Load the same data set with 'redline loader' first.";
  command.flags =
      joinFlags({loadFlags(), dataSetFlags(), targetFlags(), wireFlags(), mitigationFlags(),
                 backingFlags(), waitingFlags(), outputFlags(kOutput), sendsFlag(), metricsFlags(),
                 chaosPlanFlag(), configFlag()});
  command.examples = {
      {"redline driver -rate=50k -duration=30s", "50,000 operations per second for half a minute"},
      {"redline driver -rate=max -pipeline=16 -cpus=1",
       "as fast as replies allow, 16 operations in a batch, the generator on CPU 1"},
      {"redline driver -rate=80k -arrivals=poisson -dist=zipfian -zipf-s=1.2 -json=run.json",
       "random arrivals on a few hot keys; the summary also in run.json"},
      {"redline driver -rate=20k -duration=20s -chaos=5s:bgsave",
       "a snapshot five seconds into the measured window"},
  };
  command.more = "docs/terminology.md defines the terms, docs/run-format.md the files of a run.";
  command.run = runDriver;
  return command;
}

}  // namespace redline
