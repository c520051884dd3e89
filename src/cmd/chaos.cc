#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/shell.h"
#include "base/units.h"
#include "chaos/bracket.h"
#include "chaos/catalog.h"
#include "cmd/chaos_flags.h"
#include "cmd/commands.h"
#include "cmd/common_flags.h"
#include "cmd/flag_values.h"
#include "cmd/interrupts.h"
#include "cmd/metrics_flags.h"
#include "cmd/progress.h"
#include "cmd/tls_flags.h"
#include "cmd/topology.h"
#include "os/console.h"
#include "os/files.h"
#include "run/chaos_run.h"
#include "run/target.h"
#include "rundir/summary_json.h"
#include "server/cluster_admin.h"
#include "server/host.h"
#include "server/sampler.h"

namespace redline {
namespace {

std::vector<FlagSpec> actionFlags() {
  constexpr std::string_view kGroup = "What to do";
  FlagSpec action{.name = "action",
                  .kind = ValueKind::choice,
                  .help = "the fault to inject",
                  .example = "bgsave",
                  .group = kGroup,
                  .whenEmpty = "required"};
  for (const FaultSpec& fault : faults()) action.choices.push_back(fault.name);
  return {
      action,
      {.name = "force",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help =
           "override the checks: a server that redline did not start, too little memory or disk",
       .group = kGroup}};
}

std::vector<FlagSpec> jsonFlag() {
  return {{.name = "json",
           .kind = ValueKind::path,
           .help =
               "also write the outcome as JSON to this file; -: to standard output, and everything "
               "else to standard error",
           .example = "chaos.json",
           .group = "Output",
           .whenEmpty = "not written"}};
}

/// The parameters that were given, as the fault takes them; usage when one belongs to another
/// fault.
Result<PlannedFault> plannedFault(const FlagValues& flags) {
  if (flags.empty("action"))
    return fail(ErrorCode::usage, "-action is required, e.g. -action={}", faults().front().name);
  const auto spec = findFault(flags.text("action"));
  if (!spec) return fail(spec.error());
  std::vector<GivenParameter> given;
  for (const FlagSpec& flag : faultParameterFlags())
    if (flags.given(flag.name)) given.emplace_back(flag.name, flags.text(flag.name));
  auto arguments = FaultArguments::parse((*spec)->name, (*spec)->parameters, given);
  if (!arguments) return fail(arguments.error());
  return PlannedFault{0, *spec, std::move(*arguments)};
}

void printFigures(const FaultFigures& fault) {
  for (const auto& [name, value] : fault.figures)
    printOut("  {:<24} {}\n", name, figureText(value));
}

/// The server that -addr names; of a cluster's nodes the first that answers.
Result<Target> connectFirst(const FlagValues& flags, const Credentials& credentials) {
  const std::vector<Endpoint>& servers = flags.endpoints("addr");
  const bool cluster = flags.is("topology", "cluster");
  if (cluster)
    if (auto nodes = ClusterAdmin::connect(servers, credentials); !nodes)
      return fail(std::move(nodes.error()));
  auto target = connectTarget(servers.front(), credentials, flags.on("any-version"));
  for (std::size_t i = 1; cluster && !target && i < servers.size(); ++i)
    target = connectTarget(servers[i], credentials, flags.on("any-version"));
  return target;
}

Status writeJson(const Invocation& invocation, const Target& target, const FaultFigures& fault) {
  if (invocation.flags.empty("json")) return {};
  Summary summary;
  summary.command = invocation.argv;
  summary.config = invocation.flags.config();
  summary.environment = environmentFigures(readHost(0));
  summary.environment.redisVersion = target.info.recordedVersion();
  summary.faults = {fault};
  return writeResult(invocation.flags.text("json"), summaryToJson(summary));
}

/// Those of -addr and, of a cluster, its other nodes.
std::vector<Endpoint> allServers(const FlagValues& flags, const Credentials& credentials) {
  std::vector<Endpoint> all = flags.endpoints("addr");
  if (!flags.is("topology", "cluster")) return all;
  auto cluster = ClusterAdmin::connect(all, credentials);
  const auto view = cluster ? cluster->view() : fail(cluster.error());
  if (!view) return all;  // the fault says what is wrong
  for (const ClusterMember& member : view->nodes)
    if (member.endpoint.port != 0 && std::ranges::find(all, member.endpoint) == all.end())
      all.push_back(member.endpoint);
  return all;
}

/// The live page while a fault is under way: the fault, and the servers as INFO has them.
class FaultPage {
 public:
  FaultPage(LiveMetrics& metrics, const Invocation& invocation, const Credentials& credentials,
            std::string_view action, const Clock& clock, Nanos zero)
      : metrics_(metrics) {
    LiveRunPlan plan;
    plan.kind = "chaos";
    plan.title = action;
    plan.command = repeatLine(invocation.argv);
    plan.isCluster = invocation.flags.is("topology", "cluster");
    plan.clock = {zero, wallNow() + (zero - clock.now())};
    metrics_.beginFault(std::move(plan));
    SamplerOptions options;
    options.servers = allServers(invocation.flags, credentials);
    options.credentials = credentials;
    options.slowlog = options.latency = false;
    sampler_.emplace(
        std::move(options), clock, [this](const ServerSample& s) { metrics_.addSample(s); },
        [](const Event&) {});
  }
  ~FaultPage() {
    sampler_.reset();
    metrics_.endFault();
  }
  FaultPage(const FaultPage&) = delete;
  FaultPage& operator=(const FaultPage&) = delete;

  void add(const Event& event) { metrics_.addFault(event); }

 private:
  LiveMetrics& metrics_;
  std::optional<Sampler> sampler_;
};

/// Injects it, verifies its effect, heals, and tells what happened. `metrics` may be null.
Result<ExitCode> carryOut(const PlannedFault& planned, const Invocation& invocation,
                          const Credentials& credentials, const Target& target,
                          LiveMetrics* metrics) {
  const FlagValues& flags = invocation.flags;
  const Interrupts interrupts;
  const SteadyClock clock;
  const Nanos zero = clock.now();
  StatusLine line;
  std::optional<FaultPage> page;
  if (metrics != nullptr)
    page.emplace(*metrics, invocation, credentials, planned.spec->name, clock, zero);
  FaultContext context;
  context.servers = flags.endpoints("addr");
  context.credentials = credentials;
  context.own = knownOwnServers();
  context.force = flags.on("force");
  context.clock = &clock;
  context.sink = [&](const Event& event) {
    line.clear();
    printOut("{}\n", faultLine(event, event.at - zero));
    if (page) page->add(event);
  };
  context.interrupted = [&interrupts] { return interrupts.received(); };
  context.progress = [&line](const std::string& text) { line.update(SteadyClock::read(), text); };
  FaultBracket bracket(planned, context);
  if (auto ready = bracket.prepare(); !ready) return fail(ready.error());
  if (auto still = bracket.check(); !still) return fail(still.error());
  bracket.inject();
  bracket.tidy();
  page.reset();
  line.clear();
  const FaultFigures fault = faultFigures(bracket.spec(), bracket.outcome(), zero);
  printFigures(fault);
  if (auto written = writeJson(invocation, target, fault); !written) return fail(written.error());
  lingerMetrics(flags, interrupts);
  if (!fault.problem.empty())
    return fail(ErrorCode::refused, "{}: {}", bracket.spec().name, fault.problem);
  return ExitCode::good;
}

Result<ExitCode> runChaos(const Invocation& given) {
  auto planned = plannedFault(given.flags);
  if (!planned) return fail(planned.error());
  for (const Status& sound : {checkFileFlag(given.flags, "json"), checkMetricsFlags(given.flags)})
    if (!sound) return fail(sound.error());
  const auto credentials = credentialsFrom(given.flags, given.password);
  if (!credentials) return fail(credentials.error());
  const auto metrics = startMetrics(given.flags, "chaos", {});
  if (!metrics) return fail(metrics.error());
  auto topology = withTopology(given.flags, *credentials);
  if (!topology) return fail(topology.error());
  const FlagValues& flags = topology->flags;
  if (auto good = checkTopology(*planned->spec, flags); !good) return fail(good.error());
  const auto target = topology->answered ? Result<Target>(std::move(*topology->answered))
                                         : connectFirst(flags, *credentials);
  if (!target) return fail(target.error());
  return carryOut(*planned, {flags, given.argv, given.password}, *credentials, *target,
                  metrics->get());
}

}  // namespace

Command chaosCommand() {
  Command command;
  command.name = "chaos";
  command.summary = "inject a fault into a server, verify it, and heal it";
  command.about = faultListing();
  command.flags = joinFlags({actionFlags(), faultParameterFlags(), targetFlags(), jsonFlag(),
                             metricsFlags(), configFlag()});
  command.examples = {
      {"redline chaos -action=bgsave", "a snapshot of the server on 127.0.0.1:7600"},
      {"redline chaos -action=bgsave -addr=127.0.0.1:7601 -json=bgsave.json",
       "of another server; the outcome also as JSON"},
      {"redline chaos -action=reshard -addr=127.0.0.1:7700 -slots=0-999 "
       "-target=127.0.0.1:7701",
       "moves 1000 slots with their keys"},
      {"redline chaos -action=kill-master -addr=127.0.0.1:7700",
       "kills the first master, times its replacement, and restarts it"},
      {"redline chaos -action=bgsave -force", "even if the machine may lack the memory for it"},
  };
  command.more = "docs/adding-a-fault.md explains how to add a fault.";
  command.run = runChaos;
  return command;
}

}  // namespace redline
