#include "lab/experiment_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/text.h"
#include "base/units.h"
#include "lab/availability.h"
#include "lab/slots.h"
#include "lab/study.h"
#include "model/statistics.h"
#include "record/reason.h"

namespace redline {
namespace {

constexpr double kOthersWorthNaming = 0.03;

/// Figures of a core that was not ours alone are true of that hour and not of Redis.
void addCpuContentionFinding(const Readings& readings, ExperimentDocument& document) {
  std::vector<double> shares;
  for (const auto& reading : readings.all())
    if (const double share = reading->figure(kOthersOnServerCore); std::isfinite(share))
      shares.push_back(share);
  const double median = medianOf(shares);
  if (median < kOthersWorthNaming) return;
  document.findings.push_back(
      {"core-contention",
       Standing::problem,
       fmt::format("Redis did not have its core alone: other processes took {} of it in the median "
                   "run, {} at most. Ceilings are lower and tails longer than Redis's own",
                   formatShare(median), formatShare(std::ranges::max(shares))),
       "/proc/stat of the server's core, less the server's own CPU time",
       false,
       {}});
}

std::string prioritySentence(std::string_view priority) {
  constexpr std::string_view kRefused = "refused: ";
  if (priority == kNoPriority)
    return "Servers and generator shared the cores with other processes as equals "
           "(-priority=false)";
  if (priority.starts_with(kRefused))
    return fmt::format(
        "Priority over other processes was refused ({}): they share the cores as "
        "equals. Root has it, and so has who may `ulimit -e 30`",
        priority.substr(kRefused.size()));
  return fmt::format("Servers and generator ran before other processes ({}), all of them alike",
                     priority);
}

/// Whether other processes had to wait for ours.
void addPriority(const Readings& readings, ExperimentDocument& document) {
  for (const auto& reading : readings.all()) {
    const std::string_view priority = reading->record.note(kPriorityNote);
    if (priority.empty()) continue;
    document.method.push_back(prioritySentence(priority));
    return;
  }
}

std::string conditionText(const RunRecord& record) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : conditionOf(record))
    parts.push_back(fmt::format("{} {}", name, value));
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// How many runs are invalid, why, and which conditions have no valid one.
void addInvalidRunsFinding(const Readings& readings, ExperimentDocument& document) {
  std::size_t done = 0, invalid = 0;
  std::set<std::string_view> reasons;
  std::map<std::string, bool> anyValid;  // by condition
  std::vector<std::string> names;
  for (const auto& reading : readings.all()) {
    if (!reading->done() || isSlot(reading->record)) continue;
    const RunRecord& record = reading->record;
    ++done;
    bool& valid = anyValid[conditionText(record)];
    valid = valid || record.invalid.empty();
    if (record.invalid.empty()) continue;
    ++invalid;
    names.push_back(record.name);
    for (const Reason& reason : record.invalid) reasons.insert(labelOf(reason.code));
  }
  if (invalid == 0) return;
  std::vector<std::string> without;
  for (const auto& [condition, valid] : anyValid)
    if (!valid) without.push_back(condition);
  std::string text = fmt::format("{} of {} {} invalid ({})", invalid, plural(done, "run"),
                                 invalid == 1 ? "is" : "are", fmt::join(reasons, ", "));
  if (without.empty())
    text += ". Every condition has valid runs, and only these count";
  else if (without.size() == anyValid.size())
    text += ". No condition has a valid run: do not use these figures";
  else
    text += fmt::format(". {} of {} conditions ha{} no valid run. Do not use their figures: {}",
                        without.size(), anyValid.size(), without.size() == 1 ? "s" : "ve",
                        fmt::join(without, "; "));
  document.findings.push_back({"invalid-runs", Standing::problem, std::move(text),
                               "the verdict of each run (docs/terminology.md)", false,
                               std::move(names)});
}

}  // namespace

ExperimentDocument emptyDocument(const Experiment& experiment, const Parameters& parameters,
                                 const LabOptions& options) {
  ExperimentDocument document;
  document.name = experiment.name;
  document.title = experiment.title;
  document.question = experiment.question;
  document.profile = nameOf(parameters.profile());
  document.indicative = parameters.profile() == Profile::quick;
  document.redlineVersion = options.redlineVersion;
  document.command = options.command;
  document.parameters = parameters.all();
  document.predictions = lab::predictionsOf(experiment, parameters);
  return document;
}

void addReadings(const Experiment& experiment, const Parameters& parameters,
                 const Readings& readings, ExperimentDocument& document) {
  for (const auto& reading : readings.all()) {
    document.runs.push_back(reading->record);
    if (document.environment.cores == 0 && reading->summary() != nullptr)
      document.environment = reading->summary()->environment;
    document.durationS += reading->record.durationS;
    if (const Nanos start = reading->record.wallStart; start != 0)
      document.wallStart = document.wallStart == 0 ? start : std::min(document.wallStart, start);
  }
  lab::analyse(experiment, parameters, readings, document);
  withdrawUnsupportedAdvice(document);
  addInvalidRunsFinding(readings, document);
  addCpuContentionFinding(readings, document);
  addAvailability(readings, document);
  addPriority(readings, document);
}

}  // namespace redline
