#include "lab/plan_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/numbers.h"
#include "base/units.h"

namespace redline {
namespace {

// What a phase takes besides its own time, for the ETA; the estimate corrects itself as runs end.
constexpr double kDriveOverheadS = 0.4;
constexpr double kStartOverheadS = 0.4;
constexpr double kLoadBytesPerS = 60e6;
constexpr double kStoreStartS = 2;  // a PostgreSQL, its initdb included
constexpr double kStoreRowsPerS = 600e3;

bool isSlug(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// A mistake of the experiment's code, or of parameters that its check() let through.
tl::unexpected<Error> wrongPlan(std::string_view run, std::string_view why) {
  return fail(ErrorCode::usage, "run {}: {}", run, why);
}

}  // namespace

PlanCheck::PlanCheck(const ExperimentPlan& plan, const LabTools& tools, const LabCpus& cpus)
    : plan_(plan), tools_(tools) {
  places_.addr = "127.0.0.1:1";
  places_.unixAddr = "unix:/none";
  places_.cpus = cpus;
}

Status PlanCheck::check() const {
  for (const LabStack& stack : plan_.stacks)
    if (auto sound = checkStack(stack); !sound) return sound;
  std::set<std::string> names;
  for (const LabRun& run : plan_.runs) {
    if (!isSlug(run.name)) return wrongPlan(run.name, "its name is not of [a-z0-9-]");
    if (!names.insert(run.name).second) return wrongPlan(run.name, "there are two of that name");
    if (auto sound = checkRun(run); !sound) return sound;
  }
  return {};
}

Status PlanCheck::checkStack(const LabStack& stack) const {
  if (!isSlug(stack.name)) return wrongPlan(stack.name, "a stack's name is of [a-z0-9-]");
  if (const auto sound = tools_.stack(filled(stackFlags(stack.up), places_)); !sound)
    return wrongPlan(stack.name, "its stack: " + sound.error().message);
  if (stack.load.empty()) return {};
  if (const auto sound = tools_.load(filled(clientFlags(stack.load), places_)); !sound)
    return wrongPlan(stack.name, "its load: " + sound.error().message);
  return {};
}

Status PlanCheck::checkRun(const LabRun& run) const {
  if (std::ranges::find(plan_.stacks, run.stack, &LabStack::name) == plan_.stacks.end())
    return wrongPlan(run.name, fmt::format("there is no stack '{}'", run.stack));
  std::set<std::string> names;
  for (const Drive& drive : run.drives) {
    if (!names.insert(drive.name).second) return wrongPlan(run.name, "two drives of one name");
    if (drive.decide) continue;
    if (const auto sound = tools_.drive(filled(clientFlags(drive.flags), places_)); !sound)
      return wrongPlan(run.name, sound.error().message);
  }
  return {};
}

std::vector<double> PlanCheck::expectedSeconds() const {
  std::set<std::string> up;
  std::vector<double> seconds;
  for (const LabRun& run : plan_.runs) {
    seconds.push_back(secondsOfRun(run));
    if (up.insert(run.stack).second || run.fresh) seconds.back() += secondsOfStack(run.stack);
  }
  return seconds;
}

double PlanCheck::secondsOfRun(const LabRun& run) const {
  double longest = 0;
  for (const Drive& drive : run.drives)
    if (!drive.decide)
      if (const auto plan = tools_.drive(filled(clientFlags(drive.flags), places_)))
        longest = std::max(
            longest, toSeconds(plan->engine.warmup + plan->engine.duration) + kDriveOverheadS);
  return longest + run.expectedS;
}

double PlanCheck::secondsOfStack(const std::string& stack) const {
  const auto found = std::ranges::find(plan_.stacks, stack, &LabStack::name);
  if (found == plan_.stacks.end()) return kStartOverheadS;
  const auto options = tools_.stack(filled(stackFlags(found->up), places_));
  const bool hasStore = options && options->backing;
  const double start = kStartOverheadS + (hasStore ? kStoreStartS : 0);
  if (found->load.empty()) return start;
  const auto load = tools_.load(filled(clientFlags(found->load), places_));
  if (!load) return start;
  const auto keys = static_cast<double>(load->load.keys);
  const double cache = keys * static_cast<double>(load->load.bytesPerKey()) / kLoadBytesPerS;
  return start + cache + (hasStore ? keys / kStoreRowsPerS : 0);
}

}  // namespace redline
