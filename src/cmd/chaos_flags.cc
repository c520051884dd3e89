#include "cmd/chaos_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "base/units.h"
#include "chaos/catalog.h"
#include "os/console.h"
#include "server/stack_state.h"

namespace redline {
namespace {

/// Keeps texts that are put together here for as long as the program runs: tables hold views.
std::string_view kept(std::string text) {
  static std::deque<std::string> texts;
  return texts.emplace_back(std::move(text));
}

std::string_view defaultText(const FaultParameter& parameter) {
  if (!parameter.fallback.empty()) return parameter.fallback;
  return parameter.kind == ValueKind::boolean ? "false" : parameter.whenEmpty;
}

FlagSpec flagOf(const FaultSpec& fault, const FaultParameter& parameter) {
  return {.name = parameter.name,
          .kind = parameter.kind,
          .help = kept(fmt::format("{}: {}", fault.name, parameter.help)),
          .example = parameter.example,
          .group = "Parameters",
          .choices = parameter.choices,
          .least = parameter.least,
          .most = parameter.most,
          .whenEmpty = defaultText(parameter)};
}

/// A second fault has a parameter of that name.
void join(FlagSpec& flag, const FaultSpec& fault, const FaultParameter& parameter) {
  const std::string own = fmt::format(": {}", parameter.help);
  // Where it means the same, only the faults' names are listed.
  flag.help = flag.help.ends_with(own)
                  ? kept(fmt::format("{}, {}{}", flag.help.substr(0, flag.help.size() - own.size()),
                                     fault.name, own))
                  : kept(fmt::format("{}; {}{}", flag.help, fault.name, own));
  if (flag.whenEmpty != defaultText(parameter)) flag.whenEmpty = "depends on the fault";
  // Limits of one fault only are its own affair.
  if (flag.least != parameter.least) flag.least = {};
  if (flag.most != parameter.most) flag.most = {};
}

std::vector<FlagSpec> makeFlags() {
  std::vector<FlagSpec> flags;
  for (const FaultSpec& fault : faults())
    for (const FaultParameter& parameter : fault.parameters) {
      const auto found = std::ranges::find(flags, parameter.name, &FlagSpec::name);
      if (found == flags.end())
        flags.push_back(flagOf(fault, parameter));
      else
        join(*found, fault, parameter);
    }
  return flags;
}

}  // namespace

const std::vector<FlagSpec>& faultParameterFlags() {
  static const std::vector<FlagSpec> kFlags = makeFlags();
  return kFlags;
}

std::string_view faultListing() {
  static const std::string kListing = [] {
    std::string text =
        "Injects one fault, verifies its effect, and heals it, also after Ctrl-C. Destructive "
        "faults target only servers that redline started, unless -force; those that stop a process "
        "know no others. The faults are";
    for (const FaultSpec& fault : faults())
      text += fmt::format("{} {} ({}{})", &fault == &faults().front() ? ":" : ";", fault.name,
                          fault.summary, fault.clusterOnly ? "; clusters only" : "");
    return text + ".";
  }();
  return kListing;
}

Status checkTopology(const FaultSpec& fault, const FlagValues& flags) {
  if (!fault.clusterOnly || !flags.is("topology", "node")) return {};
  return fail(ErrorCode::usage,
              "{} needs a cluster, and -addr names a single server: name nodes of a cluster",
              fault.name);
}

std::vector<FlagSpec> chaosPlanFlag() {
  return {{.name = "chaos",
           .help =
               "faults to inject during the run, separated by semicolons: TIME:FAULT with the "
               "fault's parameters as flags (see 'redline help chaos'). Times count from the start "
               "of the measured window. A fault waits for an earlier one of its kind to end",
           .example = "5s:bgsave",
           .group = "Faults",
           .whenEmpty = "none"}};
}

Result<ChaosPlan> chaosPlan(const FlagValues& flags) {
  if (flags.empty("chaos")) return ChaosPlan{};
  auto plan = parseChaosPlan(flags.text("chaos"));
  if (!plan) return fail(ErrorCode::usage, "-chaos: {}", plan.error().message);
  for (const PlannedFault& fault : *plan) {
    if (fault.at >= flags.duration("duration"))
      return fail(
          ErrorCode::usage,
          "-chaos: {} at {} is after the end of the measured window, {}: increase -duration",
          fault.spec->name, formatDuration(fault.at), flags.text("duration"));
    if (auto good = checkTopology(*fault.spec, flags); !good)
      return fail(ErrorCode::usage, "-chaos: {}", good.error().message);
  }
  return plan;
}

std::vector<OwnServer> knownOwnServers() {
  const auto home = stateHome();
  if (home) return ownServers(*home);
  static const bool kTold = [] {
    printErr(
        "note: neither REDLINE_HOME nor HOME is set, so the servers that `redline stack` started "
        "are not known\n");
    return true;
  }();
  (void)kTold;
  return {};
}

std::string faultLine(const Event& event, Nanos sinceStart) {
  const bool isPoint = event.phase == "point";
  const Nanos told = sinceStart + (isPoint ? event.duration : 0);
  return fmt::format("{:>7.1f}s {}{}{}{}{}", toSeconds(told), event.name,
                     isPoint ? "" : " " + event.phase,
                     event.node.empty() ? "" : " on " + event.node,
                     event.duration > 0 ? " after " + formatDuration(event.duration) : "",
                     event.detail.empty() ? "" : ": " + event.detail);
}

std::string figureText(double value) {
  const bool whole = std::abs(value) >= 1000 || value == std::floor(value);
  return whole ? fmt::format("{:.0f}", value) : fmt::format("{:.4g}", value);
}

}  // namespace redline
