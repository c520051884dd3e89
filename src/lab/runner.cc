#include "lab/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "base/units.h"
#include "lab/commands.h"
#include "lab/lab_dir.h"
#include "lab/servers.h"
#include "lab/study.h"
#include "model/statistics.h"
#include "record/reason.h"
#include "server/host.h"
#include "server/own_servers.h"

namespace redline {
namespace {

double secondsOf(Nanos span) {
  return static_cast<double>(span) / static_cast<double>(kSecond);
}

// What a phase takes besides its own time, for the ETA; the estimate corrects itself as runs end.
constexpr double kDriveOverheadS = 0.4;
constexpr double kStartOverheadS = 0.4;
constexpr double kLoadBytesPerS = 60e6;

bool isSlug(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// A mistake of the experiment's code, or of parameters that its check() let through.
tl::unexpected<Error> wrongPlan(std::string_view run, std::string_view why) {
  return fail(ErrorCode::usage, "run {}: {}", run, why);
}

/// Every name and flag of a plan is looked at before the first server starts.
class PlanCheck {
 public:
  PlanCheck(const ExperimentPlan& plan, const LabTools& tools, const LabCpus& cpus)
      : plan_(plan), tools_(tools) {
    places_.addr = "127.0.0.1:1";
    places_.unixAddr = "unix:/none";
    places_.cpus = cpus;
  }

  Status all() {
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

  /// Seconds that a run is likely to take, without its servers.
  double expected(const LabRun& run) const {
    double longest = 0;
    for (const Drive& drive : run.drives)
      if (!drive.decide)
        if (const auto plan = tools_.drive(filled(clientFlags(drive.flags), places_)))
          longest = std::max(
              longest, secondsOf(plan->engine.warmup + plan->engine.duration) + kDriveOverheadS);
    return longest + run.expectedS;
  }
  /// Seconds that starting and loading a stack takes.
  double expected(const std::string& stack) const {
    const auto found = std::ranges::find(plan_.stacks, stack, &LabStack::name);
    if (found == plan_.stacks.end() || found->load.empty()) return kStartOverheadS;
    const auto load = tools_.load(filled(clientFlags(found->load), places_));
    if (!load) return kStartOverheadS;
    return kStartOverheadS + static_cast<double>(load->load.keys) *
                                 static_cast<double>(load->load.bytesPerKey()) / kLoadBytesPerS;
  }

 private:
  Status checkStack(const LabStack& stack) const {
    if (!isSlug(stack.name)) return wrongPlan(stack.name, "a stack's name is of [a-z0-9-]");
    if (const auto sound = tools_.stack(filled(stackFlags(stack.up), places_)); !sound)
      return wrongPlan(stack.name, "its stack: " + sound.error().message);
    if (stack.load.empty()) return {};
    if (const auto sound = tools_.load(filled(clientFlags(stack.load), places_)); !sound)
      return wrongPlan(stack.name, "its load: " + sound.error().message);
    return {};
  }

  Status checkRun(const LabRun& run) const {
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

  const ExperimentPlan& plan_;
  const LabTools& tools_;
  FlagPlaces places_;
};

/// How much longer, from how long the runs before took against what was expected of them.
class Eta {
 public:
  explicit Eta(double expected) : left_(expected) {}
  void finished(double expected, double took) {
    left_ = std::max(0.0, left_ - expected);
    expectedDone_ += expected;
    took_ += took;
  }
  void keptWithoutRunning(double expected) { left_ = std::max(0.0, left_ - expected); }
  std::string text() const {
    const double pace = expectedDone_ > 1 ? std::clamp(took_ / expectedDone_, 0.5, 5.0) : 1;
    return formatDuration(static_cast<Nanos>(left_ * pace) * kSecond);
  }

 private:
  double left_;
  double expectedDone_ = 0, took_ = 0;
};

constexpr double kOthersWorthNaming = 0.03;

/// How much of the server's core somebody else used while a drive went on. Of a stack with one
/// server on one CPU; not told where the server had a child, which may have been there or not.
class CoreWatch {
 public:
  CoreWatch(const ScopedStack& stack, const LabCpus& cpus) : stack_(stack) {
    if (const auto cpu = parseCount(cpus.server); cpu && stack.size() == 1)
      core_ = static_cast<std::size_t>(*cpu);
    before_ = read();
  }
  /// 0…1; none when it cannot be told.
  std::optional<double> share() const {
    const auto after = read();
    if (!before_ || !after) return std::nullopt;
    if (after->childIsAlive || after->childrenS > before_->childrenS) return std::nullopt;
    const double seconds = secondsOf(after->at - before_->at);
    const double busy = busyShare(before_->core, after->core);
    return std::clamp(busy - (after->serverS - before_->serverS) / seconds, 0.0, 1.0);
  }

 private:
  struct State {
    Nanos at = 0;
    CpuTimes core;
    double serverS = 0;    ///< CPU time of the server's process
    double childrenS = 0;  ///< of its children that have ended
    bool childIsAlive = false;
  };
  std::optional<State> read() const {
    if (!core_) return std::nullopt;
    auto admin = stack_.node().admin();
    if (!admin) return std::nullopt;
    const auto info = admin->info({"cpu", "persistence"});
    const CpuReading cpus = readCpuTimes();
    if (!info || *core_ >= cpus.cores.size()) return std::nullopt;
    return State{
        SteadyClock::read(), cpus.cores[*core_],
        info->number("used_cpu_sys") + info->number("used_cpu_user"),
        info->number("used_cpu_sys_children") + info->number("used_cpu_user_children"),
        info->number("rdb_bgsave_in_progress") > 0 || info->number("aof_rewrite_in_progress") > 0};
  }

  const ScopedStack& stack_;
  std::optional<std::size_t> core_;
  std::optional<State> before_;
};

class Run {
 public:
  Run(const Experiment& experiment, const Parameters& parameters, const LabOptions& options,
      const LabTools& tools, const LabWatcher& watcher, const ExperimentPlan& plan, LabDir& dir)
      : experiment_(experiment),
        parameters_(parameters),
        options_(options),
        tools_(tools),
        watcher_(watcher),
        plan_(plan),
        dir_(dir),
        check_(plan, tools, options.cpus),
        servers_(plan.stacks, options, tools, watcher, dir.path()),
        eta_(0) {}

  Result<LabOutcome> all();

 private:
  void one(const LabRun& run, std::size_t number);
  void keep(const LabRun& run, const RunRecord& record);
  bool worthAnotherTry(const Reasons& reasons) const;
  RunRecord make(const LabRun& run);
  Status carryOut(const LabRun& run, RunRecord& record);
  Status drive(const LabRun& run, const LabServers::Up& up, RunRecord& record);
  Result<std::optional<std::vector<DriverPlan>>> drivePlans(const LabRun& run,
                                                            const LabServers::Up& up,
                                                            RunRecord& record);
  Status driveOne(const DriverPlan& plan);
  void tell(const LabRun& run, const RunRecord& record, const Reading& reading, std::size_t number);
  void dropUnlessNeeded(const LabRun& run);
  double expectedOf(const LabRun& run, std::set<std::string>& up) const;
  ExperimentDocument document(ExperimentState state) const;

  const Experiment& experiment_;
  const Parameters& parameters_;
  const LabOptions& options_;
  const LabTools& tools_;
  const LabWatcher& watcher_;
  const ExperimentPlan& plan_;
  LabDir& dir_;
  PlanCheck check_;
  LabServers servers_;
  Eta eta_;
  Readings readings_;
  LabOutcome outcome_;
  std::vector<double> expected_;
  std::size_t again_ = 0;  ///< runs that were made a second time
  Nanos wallStart_ = wallNow();
};

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
       fmt::format("Redis did not have its core alone: other processes took {} of it (median of {} "
                   "runs, {} at most). Ceilings are lower and tails longer than Redis's own",
                   formatShare(median), shares.size(), formatShare(std::ranges::max(shares))),
       "/proc/stat of the server's core, less the server's own CPU time",
       false,
       {}});
}

/// Its labels but for the repeat: what is compared.
std::string conditionOf(const RunRecord& record) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : record.labels)
    if (name != "repeat") parts.push_back(fmt::format("{} {}", name, value));
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// How many runs are invalid, why, and which conditions have no valid one.
void addInvalidRunsFinding(const Readings& readings, ExperimentDocument& document) {
  std::size_t done = 0, invalid = 0;
  std::map<std::string_view, std::size_t> reasons;
  std::map<std::string, bool> anyValid;  // by condition
  std::vector<std::string> names;
  for (const auto& reading : readings.all()) {
    if (!reading->done()) continue;
    const RunRecord& record = reading->record;
    ++done;
    bool& valid = anyValid[conditionOf(record)];
    valid = valid || record.invalid.empty();
    if (record.invalid.empty()) continue;
    ++invalid;
    names.push_back(record.name);
    for (const Reason& reason : record.invalid) ++reasons[labelOf(reason.code)];
  }
  if (invalid == 0) return;
  std::vector<std::string> why, without;
  for (const auto& [reason, count] : reasons) why.push_back(fmt::format("{}: {}", reason, count));
  for (const auto& [condition, valid] : anyValid)
    if (!valid) without.push_back(condition);
  std::string text =
      fmt::format("{} of {} runs are invalid ({})", invalid, done, fmt::join(why, ", "));
  if (without.empty())
    text += ". Every condition has valid runs, and only these count";
  else
    text += fmt::format(". {} of {} conditions ha{} no valid run; do not use their figures: {}",
                        without.size(), anyValid.size(), without.size() == 1 ? "s" : "ve",
                        fmt::join(without, "; "));
  document.findings.push_back({"invalid-runs", Standing::problem, std::move(text),
                               "the verdict of each run (docs/terminology.md)", false,
                               std::move(names)});
}

/// When it began and what it took are the runs': a lab may have been ended and resumed.
void fillIn(const Experiment& experiment, const Parameters& parameters, const Readings& readings,
            ExperimentDocument& document) {
  for (const auto& reading : readings.all()) {
    document.runs.push_back(reading->record);
    if (document.environment.cores == 0 && reading->summary() != nullptr)
      document.environment = reading->summary()->environment;
    document.durationS += reading->record.durationS;
    if (const Nanos start = reading->record.wallStart; start != 0)
      document.wallStart = document.wallStart == 0 ? start : std::min(document.wallStart, start);
  }
  lab::analyse(experiment, parameters, readings, document);
  addInvalidRunsFinding(readings, document);
  addCpuContentionFinding(readings, document);
}

ExperimentDocument Run::document(ExperimentState state) const {
  ExperimentDocument document = emptyDocument(experiment_, parameters_, options_);
  document.state = state;
  document.wallStart = wallStart_;
  fillIn(experiment_, parameters_, readings_, document);
  return document;
}

double Run::expectedOf(const LabRun& run, std::set<std::string>& up) const {
  double seconds = check_.expected(run);
  if (up.insert(run.stack).second || run.fresh) seconds += check_.expected(run.stack);
  return seconds;
}

Result<LabOutcome> Run::all() {
  std::set<std::string> up;
  double total = 0;
  for (const LabRun& run : plan_.runs) {
    expected_.push_back(expectedOf(run, up));
    total += expected_.back();
  }
  eta_ = Eta(total);
  ExperimentDocument beginning = emptyDocument(experiment_, parameters_, options_);
  beginning.wallStart = wallStart_;
  if (auto written = dir_.write(beginning); !written) return fail(written.error());
  std::size_t number = 0;
  for (const LabRun& run : plan_.runs) {
    ++number;
    if (watcher_.interrupted()) break;
    if (const RunRecord* const record = dir_.finished(run.name))
      keep(run, *record);
    else
      one(run, number);
    dropUnlessNeeded(run);
  }
  outcome_.document =
      document(watcher_.interrupted() ? ExperimentState::interrupted : ExperimentState::done);
  if (auto written = dir_.write(outcome_.document); !written) return fail(written.error());
  return outcome_;
}

void Run::keep(const LabRun& run, const RunRecord& record) {
  if (!record.invalid.empty()) ++outcome_.invalid;
  readings_.add(dir_.read(record));
  if (record.state == RunState::skipped) {
    ++outcome_.skipped;
  } else {
    ++outcome_.done;
    ++outcome_.kept;
  }
  eta_.keptWithoutRunning(expected_[static_cast<std::size_t>(&run - plan_.runs.data())]);
}

Reasons reasonsOf(const Reading& reading) {
  Reasons reasons;
  for (const RunDir& dir : reading.dirs)
    if (dir.summary) std::ranges::copy(dir.summary->invalidReasons, std::back_inserter(reasons));
  return reasons;
}

/// Others' noise passes: such a run is made again, once, as long as not too many are.
bool Run::worthAnotherTry(const Reasons& reasons) const {
  constexpr std::size_t kOneInSo = 8;
  constexpr std::size_t kAlways = 2;
  return allPassing(reasons) && again_ < std::max(kAlways, plan_.runs.size() / kOneInSo) &&
         !watcher_.interrupted();
}

void Run::one(const LabRun& run, std::size_t number) {
  const Nanos began = SteadyClock::read();
  const double expected = expected_[static_cast<std::size_t>(&run - plan_.runs.data())];
  watcher_.status(fmt::format("{} {}/{} {} ...  ETA {}", experiment_.name, number,
                              plan_.runs.size(), run.name, eta_.text()));
  RunRecord record = make(run);
  Reading reading = dir_.read(record);
  record.invalid = reasonsOf(reading);
  if (!run.sharesCore && worthAnotherTry(record.invalid)) {
    ++again_;
    const std::string first = record.invalid.front().text;
    watcher_.line(fmt::format("note: {} is made again: {}", run.name, first));
    record = make(run);
    record.notes.emplace_back("made_again", first);
    reading = dir_.read(record);
    record.invalid = reasonsOf(reading);
  }
  if (watcher_.interrupted()) return;  // whatever came of it is not what was planned
  record.durationS = secondsOf(SteadyClock::read() - began);
  eta_.finished(expected, record.durationS);
  reading.record = record;
  if (auto kept = dir_.append(record); !kept) watcher_.line("note: " + kept.error().message);
  if (record.state == RunState::failed) {
    ++outcome_.failed;
  } else if (record.state == RunState::skipped) {
    ++outcome_.skipped;
  } else {
    ++outcome_.done;
    if (!record.invalid.empty()) ++outcome_.invalid;
  }
  tell(run, record, reading, number);
  readings_.add(std::move(reading));
  // What a killed lab leaves says what was found so far.
  if (auto written = dir_.write(document(ExperimentState::running)); !written)
    watcher_.line("note: " + written.error().message);
}

RunRecord Run::make(const LabRun& run) {
  RunRecord record;
  record.name = run.name;
  record.labels = run.labels;
  record.wallStart = wallNow();
  if (auto cleared = dir_.clear(run.name); !cleared) {
    record.state = RunState::failed;
    record.reason = cleared.error().message;
    return record;
  }
  if (auto status = carryOut(run, record); !status) {
    record.state = RunState::failed;
    record.reason = status.error().message;
    servers_.drop(run.stack);  // whatever state it is in, the next run does not inherit it
  }
  return record;
}

Status Run::carryOut(const LabRun& run, RunRecord& record) {
  // Asked before its servers start: a run that is not needed needs none either.
  for (const Drive& drive : run.drives)
    if (drive.decide && !drive.decide(readings_)) {
      record.state = RunState::skipped;
      record.reason = "earlier runs had decided it";
      return {};
    }
  const auto up = servers_.need(run.stack, run.fresh, record);
  if (!up) return fail(up.error());
  record.commands = up->commands;
  if (!up->load.empty()) record.notes.emplace_back("load", up->load);
  Bench bench(*up->stack, dir_.path() / run.name, options_.cpus, record, watcher_.interrupted);
  Status status;
  if (run.before) status = run.before(bench);
  if (status) status = drive(run, *up, record);
  if (run.after) {
    const Status after = run.after(bench);
    if (status) status = after;
  }
  return status;
}

Result<std::optional<std::vector<DriverPlan>>> Run::drivePlans(const LabRun& run,
                                                               const LabServers::Up& up,
                                                               RunRecord& record) {
  std::vector<DriverPlan> plans;
  for (const Drive& drive : run.drives) {
    const auto flags = drive.decide ? drive.decide(readings_) : std::optional(drive.flags);
    if (!flags) return std::nullopt;
    auto plan = tools_.drive(filled(clientFlags(*flags), up.places));
    if (!plan) return fail(plan.error());
    const std::string directory =
        drive.name.empty() ? run.name : fmt::format("{}/{}", run.name, drive.name);
    plan->out = dir_.path() / directory;
    for (std::size_t i = 0; i < up.stack->size(); ++i)
      plan->own.push_back(ownServer(up.stack->node(i)));
    record.directories.push_back(directory);
    record.commands.push_back(
        driverCommand(filled(clientFlags(*flags), placesForPeople(options_.cpus))));
    plans.push_back(std::move(*plan));
  }
  return plans;
}

Status Run::drive(const LabRun& run, const LabServers::Up& up, RunRecord& record) {
  const auto plans = drivePlans(run, up, record);
  if (!plans) return fail(plans.error());
  if (!*plans || (*plans)->empty()) return {};
  const CoreWatch others(*up.stack, options_.cpus);
  // The others run on threads of their own; this one started the servers and outlives them.
  std::vector<Status> statuses((*plans)->size());
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < (*plans)->size(); ++i)
    threads.emplace_back([&, i] { statuses[i] = driveOne((**plans)[i]); });
  statuses[0] = driveOne((*plans)->front());
  for (std::thread& thread : threads) thread.join();
  if (const auto share = others.share()) record.figures.emplace_back(kOthersOnServerCore, *share);
  for (const Status& status : statuses)
    if (!status) return status;
  return {};
}

Status Run::driveOne(const DriverPlan& plan) {
  RunWatcher watcher;
  watcher.onNote = [](const std::string&) {};  // in the summary's notes as well
  watcher.onInterval = [](const Interval&, Nanos) {};
  watcher.interrupted = watcher_.interrupted;
  const auto outcome = runDriver(plan, watcher);
  if (!outcome) return fail(outcome.error());
  return outcome->status;
}

void Run::tell(const LabRun& run, const RunRecord& record, const Reading& reading,
               std::size_t number) {
  std::string line =
      fmt::format("{:<18} {:>3}/{} {:<26}", experiment_.name, number, plan_.runs.size(), run.name);
  if (record.state == RunState::failed) {
    line += fmt::format(" FAILED: {}", record.reason);
  } else if (record.state == RunState::skipped) {
    line += fmt::format(" skipped: {}", record.reason);
  } else {
    line += fmt::format(" {:>5.1f} s", record.durationS);
    for (const RunDir& dir : reading.dirs) {
      if (!dir.summary) continue;
      const Summary& summary = *dir.summary;
      line += fmt::format(
          "  {:>6}/s p99 {:>7}", formatCount(summary.rate.achieved),
          formatDuration(static_cast<Nanos>(summary.latency.at("response").at("all").p99 * 1e3)));
      if (summary.valid) continue;
      line += fmt::format("  INVALID ({})", labelOf(summary.invalidReasons.front().code));
    }
  }
  watcher_.line(line + fmt::format("  ETA {}", eta_.text()));
}

/// A stack whose next run wants a fresh one, or that has no further run, gives its memory back.
void Run::dropUnlessNeeded(const LabRun& run) {
  const auto end = plan_.runs.data() + plan_.runs.size();
  const auto next = std::find_if(plan_.runs.data() + (&run - plan_.runs.data()) + 1, end,
                                 [&](const LabRun& later) { return later.stack == run.stack; });
  if (next == end || next->fresh) servers_.drop(run.stack);
}

/// Runs of two profiles in one directory would be compared as one.
Status checkSame(const LabDir& dir, const Parameters& parameters) {
  const auto before = dir.document();
  if (!before) return fail(before.error());
  if (!*before || dir.records().empty()) return {};
  if ((*before)->profile == nameOf(parameters.profile()) &&
      (*before)->parameters == parameters.all())
    return {};
  return fail(ErrorCode::usage,
              "{} was begun with other parameters (profile {}): give the same, or another -out",
              dir.path().native(), (*before)->profile);
}

}  // namespace

bool LabOutcome::hasValidData() const {
  return done > invalid && std::ranges::none_of(document.slo, [](const SloOutcome& outcome) {
           return outcome.verdict == SloVerdict::invalid;
         });
}

Result<double> expectedSeconds(const Experiment& experiment, const Parameters& parameters,
                               const LabTools& tools, const LabCpus& cpus) {
  const auto plan = lab::planOf(experiment, parameters);
  if (!plan) return fail(plan.error());
  PlanCheck check(*plan, tools, cpus);
  if (auto sound = check.all(); !sound) return fail(sound.error());
  std::set<std::string> up;
  double seconds = 0;
  for (const LabRun& run : plan->runs) {
    seconds += check.expected(run);
    if (up.insert(run.stack).second || run.fresh) seconds += check.expected(run.stack);
  }
  return seconds;
}

Result<LabOutcome> runExperiment(const Experiment& experiment, const Parameters& parameters,
                                 const LabOptions& options, const LabTools& tools,
                                 const LabWatcher& watcher) {
  const auto plan = lab::planOf(experiment, parameters);
  if (!plan) return fail(plan.error());
  if (auto sound = PlanCheck(*plan, tools, options.cpus).all(); !sound)
    return fail(sound.error().code, "{}: {}", experiment.name, sound.error().message);
  auto dir = LabDir::open(options.out / experiment.name, options.resume);
  if (!dir) return fail(dir.error());
  if (auto same = checkSame(*dir, parameters); !same) return fail(same.error());
  return Run(experiment, parameters, options, tools, watcher, *plan, *dir).all();
}

Result<ExperimentDocument> analyseExperiment(const Experiment& experiment,
                                             const Parameters& parameters,
                                             const LabOptions& options) {
  const auto dir = LabDir::open(options.out / experiment.name, true);
  if (!dir) return fail(dir.error());
  if (auto same = checkSame(*dir, parameters); !same) return fail(same.error());
  const auto before = dir->document();
  if (!before) return fail(before.error());
  ExperimentDocument document = emptyDocument(experiment, parameters, options);
  if (*before) {
    document.state = (*before)->state;
    document.wallStart = (*before)->wallStart;
    document.redlineVersion = (*before)->redlineVersion;
  }
  // The last record of each run: a resumed lab may have made a failed one again.
  Readings readings;
  std::map<std::string, const RunRecord*> last;
  for (const RunRecord& record : dir->records()) last[record.name] = &record;
  for (const RunRecord& record : dir->records())
    if (last[record.name] == &record) readings.add(dir->read(record));
  fillIn(experiment, parameters, readings, document);
  if (auto written = dir->write(document); !written) return fail(written.error());
  return document;
}

}  // namespace redline
