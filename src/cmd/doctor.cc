#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "cmd/chaos_flags.h"
#include "cmd/commands.h"
#include "cmd/common_flags.h"
#include "cmd/doctor_output.h"
#include "cmd/flag_values.h"
#include "cmd/help.h"
#include "cmd/interrupts.h"
#include "cmd/progress.h"
#include "cmd/tls_flags.h"
#include "cmd/topology.h"
#include "doctor/checks.h"
#include "doctor/gather.h"
#include "doctor/report_json.h"
#include "os/console.h"
#include "os/sync_timing.h"

namespace redline {
namespace {

std::vector<FlagSpec> doctorFlags() {
  constexpr std::string_view kGroup = "What to look at";
  return {{.name = "watch",
           .kind = ValueKind::duration,
           .fallback = "1s",
           .help = "how long to watch the machine and the servers, for rates",
           .example = "10s",
           .group = kGroup,
           .least = "100ms",
           .most = "1h"},
          {.name = "sample",
           .kind = ValueKind::count,
           .fallback = "10k",
           .help = "keys of each master to look at, in batches of 50 and at most a tenth of the "
                   "server's time; a server with fewer is seen whole",
           .example = "100k",
           .group = kGroup,
           .positive = true,
           .most = "1000G"},
          {.name = "scan",
           .kind = ValueKind::boolean,
           .fallback = "false",
           .help = "look at all keys: a minute or more for a million",
           .group = kGroup},
          {.name = "disk",
           .kind = ValueKind::path,
           .help = "a directory whose disk is timed: up to 300 appends of 200 B to a file of ours, "
                   "each synced. Without it only directories of redline's own stacks are",
           .example = "/var/lib/redis",
           .group = kGroup,
           .whenEmpty = "none"},
          {.name = "json",
           .kind = ValueKind::path,
           .help = "also write the results as JSON to this file; -: to standard output, and "
                   "everything else to standard error",
           .example = "doctor.json",
           .group = "Output",
           .whenEmpty = "not written"}};
}

/// targetFlags(), of which none has to be given.
std::vector<FlagSpec> optionalTargetFlags() {
  std::vector<FlagSpec> flags = targetFlags();
  const auto addr = std::ranges::find(flags, "addr", &FlagSpec::name);
  addr->fallback = {};
  addr->whenEmpty = "this machine alone";
  return flags;
}

Result<DoctorPlan> doctorPlan(const Invocation& invocation) {
  const FlagValues& flags = invocation.flags;
  DoctorPlan plan;
  plan.watch = flags.duration("watch");
  plan.keys = flags.count("sample");
  plan.scan = flags.on("scan");
  plan.disk = flags.text("disk");
  if (flags.empty("addr")) return plan;
  auto credentials = credentialsFrom(flags, invocation.password);
  if (!credentials) return fail(std::move(credentials.error()));
  plan.credentials = std::move(*credentials);
  const auto topology = withTopology(flags, plan.credentials);
  if (!topology) return fail(topology.error());
  plan.servers = topology->flags.endpoints("addr");
  plan.cluster = topology->flags.is("topology", "cluster");
  plan.own = knownOwnServers();
  return plan;
}

/// Refuses, before anything is looked at, a directory whose disk cannot be timed.
Status checkDisk(const std::string& directory) {
  if (directory.empty()) return {};
  std::error_code problem;
  if (!std::filesystem::is_directory(directory, problem))
    return fail(ErrorCode::usage, "-disk={}: there is no such directory", directory);
  if (ScratchFile(directory).fd() < 0)
    return fail(ErrorCode::usage, "-disk={}: no file can be created there: {}", directory,
                errnoText(errno));
  return {};
}

DoctorStyle doctorStyle() {
  const HelpStyle style = terminalStyle();
  return {isatty(STDOUT_FILENO) == 1 ? style.width : 100, style.bold};
}

Result<ExitCode> runDoctor(const Invocation& invocation) {
  const FlagValues& flags = invocation.flags;
  if (auto good = checkFileFlag(flags, "json"); !good) return fail(good.error());
  if (auto good = checkDisk(flags.text("disk")); !good) return fail(good.error());
  auto plan = doctorPlan(invocation);
  if (!plan) return fail(plan.error());
  const Interrupts interrupts;
  StatusLine line;
  plan->interrupted = [&] { return interrupts.received(); };
  plan->progress = [&](const std::string& text) { line.update(SteadyClock::read(), text); };
  const auto facts = gatherFacts(*plan);
  line.clear();
  if (!facts) return fail(facts.error());
  const std::vector<CheckResult> results = examine(*facts);
  writeOut(doctorText(results, doctorStyle()));
  if (!flags.empty("json"))
    if (auto written = writeResult(flags.text("json"), doctorJson(results)); !written)
      return fail(written.error());
  const bool dangerous = std::ranges::any_of(results, [](const CheckResult& result) {
    return result.judgement.severity == Severity::dangerous;
  });
  return dangerous ? ExitCode::failed : ExitCode::good;
}

}  // namespace

Command doctorCommand() {
  Command command;
  command.name = "doctor";
  command.summary = "what about this machine and a server endangers p99 or the data";
  command.about =
      "Looks at this machine and, with -addr, at a server or a whole cluster, with commands that "
      "only read. Each result has its evidence, its price where redline has measured one, and what "
      "to do. Dangerous: data may be lost, or the server may stop serving; then the exit code is "
      "1. "
      "What a server withholds from this user is said.";
  command.flags = joinFlags({doctorFlags(), optionalTargetFlags(), configFlag()});
  command.examples = {
      {"redline doctor", "this machine"},
      {"redline doctor -addr=127.0.0.1:7600 -json=doctor.json", "and the server there"},
      {"redline doctor -addr=127.0.0.1:7700 -scan",
       "and all nodes of its cluster, looking at every key"},
      {"redline doctor -disk=/var/lib/redis", "and how fast that disk syncs"},
  };
  command.more =
      "docs/doctor.md lists the checks; docs/permissions.md what a user must be allowed.";
  command.run = runDoctor;
  return command;
}

}  // namespace redline
