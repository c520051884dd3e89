#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "base/units.h"
#include "cmd/chaos_flags.h"
#include "cmd/commands.h"
#include "cmd/common_flags.h"
#include "cmd/driver_output.h"
#include "cmd/flag_values.h"
#include "cmd/host_notes.h"
#include "cmd/interrupts.h"
#include "cmd/mitigation_flags.h"
#include "cmd/plans.h"
#include "run/driver_run.h"
#include "run/live_metrics.h"

namespace redline {
namespace {

std::vector<FlagSpec> loadFlags() {
  constexpr std::string_view kGroup = "Load";
  return {
      {.name = "rate",
       .kind = FlagKind::count,
       .fallback = "10k",
       .help = "operations a second, all workers together; max sends as fast as replies allow "
               "(closed model)",
       .example = "200k",
       .group = kGroup,
       .choices = {"max"},
       .positive = true},
      {.name = "arrivals",
       .kind = FlagKind::choice,
       .fallback = "constant",
       .help = "how the intended send times lie",
       .example = "poisson",
       .group = kGroup,
       .choices = {"constant", "poisson"}},
      {.name = "rw-ratio",
       .kind = FlagKind::share,
       .fallback = "0.9",
       .help = "share of reads, 0 to 1; drawn for every operation",
       .example = "0.5",
       .group = kGroup},
      {.name = "dist",
       .kind = FlagKind::choice,
       .fallback = "uniform",
       .help = "how keys are drawn, for reads and writes alike",
       .example = "zipfian",
       .group = kGroup,
       .choices = {"uniform", "zipfian"}},
      {.name = "zipf-s",
       .kind = FlagKind::number,
       .fallback = "1.1",
       .help = "exponent of -dist=zipfian: the n-th hottest key weighs 1/n^s",
       .example = "1.2",
       .group = kGroup},
      {.name = "hot-seed",
       .kind = FlagKind::count,
       .help = "fixes which keys are popular under -dist=zipfian: another number is another set",
       .example = "2",
       .group = kGroup,
       .whenEmpty = "-seed"},
      {.name = "run-seed",
       .kind = FlagKind::count,
       .fallback = "1",
       .help = "fixes the draws of this run: keys, kinds and arrivals",
       .example = "7",
       .group = kGroup},
      {.name = "duration",
       .kind = FlagKind::duration,
       .fallback = "10s",
       .help = "the measured time, after the warm-up",
       .example = "60s",
       .group = kGroup,
       .positive = true},
      {.name = "warmup",
       .kind = FlagKind::duration,
       .fallback = "1s",
       .help = "sent before, and kept out of the figures",
       .example = "5s",
       .group = kGroup},
      {.name = "drain",
       .kind = FlagKind::duration,
       .fallback = "5s",
       .help = "how long to wait at the end for what is still outstanding",
       .example = "10s",
       .group = kGroup},
  };
}

std::vector<FlagSpec> wireFlags() {
  constexpr std::string_view kGroup = "Connections and batches";
  return {
      {.name = "conns",
       .kind = FlagKind::count,
       .fallback = "50",
       .help = "connections in all; in a cluster, to each node that is contacted",
       .example = "200",
       .group = kGroup,
       .positive = true},
      {.name = "pipeline",
       .kind = FlagKind::count,
       .fallback = "0",
       .help = "operations in a batch; 0: one in flight per connection",
       .example = "16",
       .group = kGroup},
      {.name = "tx",
       .kind = FlagKind::boolean,
       .fallback = "false",
       .help = "send each batch as MULTI ... EXEC; its operations complete at EXEC's reply",
       .group = kGroup},
      {.name = "batch-wait",
       .kind = FlagKind::duration,
       .fallback = "0",
       .help = "how long a batch may wait to fill; 0: send what is due",
       .example = "200us",
       .group = kGroup},
      {.name = "max-backlog",
       .kind = FlagKind::count,
       .fallback = "100k",
       .help = "in a cluster: operations that may wait for one node, in each worker; while as many "
               "do, none are sent to any",
       .example = "1M",
       .group = kGroup,
       .positive = true},
      {.name = "op-timeout",
       .kind = FlagKind::duration,
       .fallback = "0",
       .help = "give an operation up after this time; 0: never",
       .example = "250ms",
       .group = kGroup},
      {.name = "on-disconnect",
       .kind = FlagKind::choice,
       .fallback = "retry",
       .help = "what a lost connection means: connect and try again, or end the run",
       .example = "stop",
       .group = kGroup,
       .choices = {"retry", "stop"}},
      {.name = "on-miss",
       .kind = FlagKind::choice,
       .fallback = "none",
       .help = "what follows a read that finds nothing: nothing, or the key is written as a cache "
               "does, beside the -rate; the read has ended before",
       .example = "refill",
       .group = kGroup,
       .choices = {"none", "refill"}},
      {.name = "wait-replicas",
       .kind = FlagKind::count,
       .fallback = "0",
       .help =
           "a write is complete when so many replicas have it: one WAIT follows each batch that "
           "has writes, and they complete at its reply; 0: at their own",
       .example = "1",
       .group = kGroup},
      {.name = "wait-timeout",
       .kind = FlagKind::duration,
       .fallback = "100ms",
       .help =
           "how long WAIT waits; then the writes fail as under_replicated, although their master "
           "has them",
       .example = "1s",
       .group = kGroup,
       .positive = true},
      {.name = "verify",
       .kind = FlagKind::choice,
       .fallback = "full",
       .help = "how much of a read value is compared with what it must be",
       .example = "header",
       .group = kGroup,
       .choices = {"full", "header", "none"}},
  };
}

std::vector<FlagSpec> metricsFlags() {
  constexpr std::string_view kGroup = "Output";
  return {
      {.name = "metrics",
       .kind = FlagKind::hostPort,
       .help = "serve GET /metrics for Prometheus at this address of this machine",
       .example = "127.0.0.1:9121",
       .group = kGroup,
       .whenEmpty = "not served"},
      {.name = "metrics-linger",
       .kind = FlagKind::duration,
       .fallback = "0",
       .help = "go on serving the final values for so long, or until Ctrl-C",
       .example = "10s",
       .group = kGroup},
  };
}

std::vector<FlagSpec> sendsFlag() {
  return {{.name = "sends",
           .kind = FlagKind::path,
           .help = "also write the time of every send (int64 nanoseconds since the start), to look "
                   "at the generator itself",
           .example = "sends.bin",
           .group = "Output",
           .whenEmpty = "not kept"}};
}

Status checkDriverCounts(const FlagValues& flags) {
  constexpr std::uint64_t kMostConnections = 10'000;
  constexpr std::uint64_t kMostThreads = 256;
  constexpr std::uint64_t kLargestBatch = 100'000;
  constexpr std::uint64_t kLargestValue = 512ULL << 20;
  if (flags.count("conns") > kMostConnections)
    return fail(ErrorCode::usage, "-conns={}: at most {}", flags.text("conns"), kMostConnections);
  if (flags.count("threads") > kMostThreads)
    return fail(ErrorCode::usage, "-threads={}: at most {}", flags.text("threads"), kMostThreads);
  if (flags.count("pipeline") > kLargestBatch)
    return fail(ErrorCode::usage, "-pipeline={}: at most {} operations in a batch",
                flags.text("pipeline"), kLargestBatch);
  if (flags.size("value-size") > kLargestValue)
    return fail(ErrorCode::usage, "-value-size={}: Redis stores at most 512 MB as one value",
                flags.text("value-size"));
  return {};
}

Status checkCombinations(const FlagValues& flags) {
  if (flags.count("threads") > flags.count("conns"))
    return fail(ErrorCode::usage, "-threads={} leaves workers without a connection: -conns is {}",
                flags.text("threads"), flags.text("conns"));
  if (flags.duration("ttl-min") > flags.duration("ttl-max"))
    return fail(ErrorCode::usage, "-ttl-min={} is longer than -ttl-max={}", flags.text("ttl-min"),
                flags.text("ttl-max"));
  if (flags.is("rate", "max") && flags.is("arrivals", "poisson"))
    return fail(ErrorCode::usage,
                "-arrivals=poisson needs a rate: with -rate=max the next operation is due when the "
                "last is answered");
  if (flags.is("rate", "max") && flags.given("batch-wait"))
    return fail(ErrorCode::usage,
                "-batch-wait has no meaning with -rate=max: batches are exactly full");
  if (!flags.empty("hot-seed") && !flags.is("dist", "zipfian"))
    return fail(
        ErrorCode::usage,
        "-hot-seed means nothing without -dist=zipfian: no key is more popular than another");
  if (flags.duration("metrics-linger") != 0 && flags.empty("metrics"))
    return fail(ErrorCode::usage, "-metrics-linger={} has nothing to serve without -metrics",
                flags.text("metrics-linger"));
  if (flags.given("max-backlog") && !flags.is("topology", "cluster"))
    return fail(ErrorCode::usage,
                "-max-backlog is for -topology=cluster: on a single node the backlog is a position "
                "in the schedule, and takes no room");
  if (flags.is("topology", "node") && flags.endpoints("addr").size() != 1)
    return fail(ErrorCode::usage, "-addr names {} servers, and -topology=node is one of them",
                flags.endpoints("addr").size());
  return {};
}

Status checkWait(const FlagValues& flags) {
  constexpr std::uint64_t kMostReplicas = 1000;
  constexpr Nanos kLongest = 3600 * kSecond;
  if (flags.count("wait-replicas") > kMostReplicas)
    return fail(ErrorCode::usage, "-wait-replicas={}: at most {}", flags.text("wait-replicas"),
                kMostReplicas);
  const Nanos timeout = flags.duration("wait-timeout");
  if (timeout % kMillisecond != 0 || timeout > kLongest)
    return fail(ErrorCode::usage, "-wait-timeout={}: whole milliseconds, and at most {}",
                flags.text("wait-timeout"), formatDuration(kLongest));
  if (flags.given("wait-timeout") && flags.count("wait-replicas") == 0)
    return fail(ErrorCode::usage, "-wait-timeout means nothing without -wait-replicas");
  return {};
}

WaitMode waitMode(const FlagValues& flags) {
  if (flags.is("wait", "spin")) return WaitMode::spin;
  return flags.is("wait", "block") ? WaitMode::block : WaitMode::automatic;
}

IoChoice ioChoice(const FlagValues& flags) {
  if (flags.is("io", "uring")) return IoChoice::uring;
  return flags.is("io", "epoll") ? IoChoice::epoll : IoChoice::automatic;
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
  plan.login = {flags.text("user"), invocation.password};
  plan.threads = static_cast<unsigned>(flags.count("threads"));
  plan.conns = static_cast<unsigned>(flags.count("conns"));
  plan.cpus.assign(flags.cpus("cpus").begin(), flags.cpus("cpus").end());
  plan.io = ioChoice(flags);
  plan.wait = waitMode(flags);
  if (flags.is("rate", "max"))
    plan.arrivals = Arrivals::closed;
  else if (flags.is("arrivals", "poisson"))
    plan.arrivals = Arrivals::poisson;
  if (!plan.closed()) plan.rate = static_cast<double>(flags.count("rate"));
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
  plan.onMiss = flags.is("on-miss", "refill") ? OnMiss::refill : OnMiss::none;
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

/// What a refill, which is no operation that was drawn, does not go together with.
Status checkRefill(const FlagValues& flags) {
  if (flags.is("on-miss", "none")) return {};
  const auto refuse = [&](std::string_view with, std::string_view why) {
    return fail(ErrorCode::usage, "-on-miss={} does not go together with {}: {}",
                flags.text("on-miss"), with, why);
  };
  if (flags.is("mitigation", "key-split"))
    return refuse("-mitigation=key-split", "a copy that is missing says nothing of the others");
  if (flags.on("tx")) return refuse("-tx", "a transaction is sent as it was drawn");
  if (flags.count("ledger") != 0)
    return refuse("-ledger", "refills would be writes that the ledger takes for newer ones");
  return {};
}

/// /metrics as asked for; null when nobody did.
Result<std::unique_ptr<LiveMetrics>> startMetrics(const FlagValues& flags, const DriverPlan& plan) {
  if (flags.empty("metrics")) return nullptr;
  const auto where = parseEndpoint(flags.text("metrics"));
  if (!where) return fail(where.error());
  auto metrics = LiveMetrics::start(
      *where,
      {plan.redlineVersion, plan.engine.closed() ? 0 : plan.engine.rate, plan.engine.threads});
  if (!metrics) return fail(metrics.error());
  fmt::print(stderr, "note: metrics at http://{}/metrics\n", where->text());
  return metrics;
}

void linger(Nanos span, const Interrupts& interrupts) {
  constexpr Nanos kLook = 50 * kMillisecond;
  for (Nanos left = span; left > 0 && !interrupts.came(); left -= kLook)
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(left, kLook)));
}

/// The summary for the terminal: what was said of the machine before is not said after every run.
Summary withoutTold(const DriverOutcome& outcome) {
  Summary summary = outcome.summary;
  for (const Warning& warning : outcome.hostWarnings)
    std::erase(summary.notes, warningText(warning));
  for (const Warning& warning : untoldWarnings(outcome.hostWarnings))
    summary.notes.push_back(warningText(warning));
  return summary;
}

Result<ExitCode> runDriver(const Invocation& invocation) {
  const FlagValues& flags = invocation.flags;
  auto planned = driverPlan(invocation);
  if (!planned) return fail(planned.error());
  DriverPlan& plan = *planned;
  if (plan.out.empty()) plan.out = defaultRunDirectory("driver");
  const Interrupts interrupts;
  const auto metrics = startMetrics(flags, plan);
  if (!metrics) return fail(metrics.error());
  RunWatcher watcher;
  watcher.onNote = [](const std::string& note) { fmt::print(stderr, "note: {}\n", note); };
  LiveLine line(plan.engine);
  watcher.onInterval = [&line](const Interval& interval, Nanos sinceStart) {
    fmt::print(stderr, "{}\n", line.of(interval, sinceStart));
  };
  watcher.onFault = [](const Event& event, Nanos sinceStart) {
    fmt::print(stderr, "{}\n", faultLine(event, sinceStart));
  };
  watcher.interrupted = [&interrupts] { return interrupts.came(); };
  if (*metrics) (*metrics)->join(watcher);
  const auto outcome = runDriver(plan, watcher);
  if (!outcome) return fail(outcome.error());
  if (*metrics) (*metrics)->end();
  fmt::print("{}run directory: {}\n", summaryTable(withoutTold(*outcome)), plan.out.string());
  std::fflush(stdout);  // before the wait: a reader of a pipe has the figures now
  linger(flags.duration("metrics-linger"), interrupts);
  if (!outcome->status) return fail(outcome->status.error());
  return outcome->summary.valid ? ExitCode::good : ExitCode::invalid;
}

}  // namespace

Result<DriverPlan> driverPlan(const Invocation& invocation) {
  const FlagValues& flags = invocation.flags;
  for (const Status& sound :
       {checkDriverCounts(flags), checkCombinations(flags), checkRefill(flags), checkWait(flags),
        checkFileFlag(flags, "json"), checkFileFlag(flags, "sends")})
    if (!sound) return fail(sound.error());
  const auto mitigation = mitigationPlan(flags);
  if (!mitigation) return fail(mitigation.error());
  auto chaos = chaosPlan(flags);
  if (!chaos) return fail(chaos.error());
  DriverPlan plan;
  plan.engine = enginePlan(invocation);
  plan.engine.mitigation = *mitigation;
  plan.out = flags.text("out");
  plan.json = flags.text("json");
  plan.sends = flags.text("sends");
  plan.command = invocation.argv;
  plan.config = flags.config();
  plan.redlineVersion = REDLINE_VERSION;
  plan.anyVersion = flags.on("any-version");
  plan.chaos = std::move(*chaos);
  if (!plan.chaos.empty()) plan.own = knownOwnServers();
  plan.force = flags.on("force");
  return plan;
}

Command driverCommand() {
  Command command;
  command.name = "driver";
  command.summary = "send a read/write mix at a target rate and measure it";
  command.about =
      "Every operation has an intended send time that is fixed before the run knows how the server "
      "feels. Response time counts from there, so a stall of the server is seen by all operations "
      "that were due during it. The loader must have stored the same data set before.";
  command.flags =
      joinFlags({loadFlags(), dataSetFlags(), targetFlags(), wireFlags(), mitigationFlags(),
                 generatorFlags(), outputFlags("runs/<UTC time>-driver"), sendsFlag(),
                 metricsFlags(), chaosPlanFlag(), configFlag()});
  command.examples = {
      {"redline driver -rate=50k -duration=30s", "50 000 operations a second for half a minute"},
      {"redline driver -rate=max -pipeline=16 -cpus=1",
       "as fast as replies allow, 16 operations in a batch, the generator on CPU 1"},
      {"redline driver -rate=80k -arrivals=poisson -dist=zipfian -zipf-s=1.2 -json=run.json",
       "random arrivals on few hot keys; the summary also in run.json"},
      {"redline driver -rate=20k -duration=20s -chaos=5s:bgsave",
       "a snapshot is written five seconds into the measured window"},
  };
  command.more = "docs/terminology.md for the words, docs/run-format.md for the files it leaves.";
  command.run = runDriver;
  return command;
}

}  // namespace redline
