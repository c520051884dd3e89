#include "lab/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <thread>

#include "base/affinity.h"
#include "base/typed_value.h"
#include "base/units.h"
#include "lab/availability.h"
#include "lab/commands.h"
#include "lab/core_gaps.h"
#include "lab/core_watch.h"
#include "lab/eta.h"
#include "lab/experiment_document.h"
#include "lab/lab_dir.h"
#include "lab/plan_check.h"
#include "lab/priority.h"
#include "lab/servers.h"
#include "lab/slots.h"
#include "lab/study.h"
#include "lab/witness.h"
#include "record/reason.h"
#include "server/host.h"
#include "server/own_servers.h"

namespace redline {
namespace {

const std::string& titleOf(const LabRun& run) {
  return run.title.empty() ? run.name : run.title;
}

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
        servers_(plan.stacks, options, tools, watcher, dir.path()),
        expected_(PlanCheck(plan, tools, options.cpus).expectedSeconds()),
        eta_(std::accumulate(expected_.begin(), expected_.end(), 0.0)) {}

  Result<LabOutcome> all();

 private:
  class Beside;
  void one(const LabRun& run);
  void again(const LabRun& run);
  void count(const RunRecord& record);
  void addSlots(const LabRun& run, const Reading& reading);
  void keep(const LabRun& run, const RunRecord& record);
  bool worthAnotherTry(const Reasons& reasons) const;
  RunRecord make(const LabRun& run);
  Reading readingOf(RunRecord& record);
  std::optional<Flags> flagsOf(const Drive& drive) const;
  Status carryOut(const LabRun& run, RunRecord& record);
  tl::unexpected<Error> withoutServers(const LabRun& run, const Error& error);
  Status drive(const LabRun& run, const LabServers::Up& up, RunRecord& record);
  Result<std::optional<std::vector<DriverPlan>>> drivePlans(const LabRun& run,
                                                            const LabServers::Up& up,
                                                            RunRecord& record);
  Status driveOne(const DriverPlan& plan, const std::string& watchedAs);
  void step(const LabRun& run, LabStep::What what) const;
  LabStep stepOf(const LabRun& run, LabStep::What what) const;
  void tell(const LabRun& run, const RunRecord& record, const Reading& reading) const;
  void dropUnlessNeeded(const LabRun& run);
  std::size_t placeOf(const LabRun& run) const {
    return static_cast<std::size_t>(&run - plan_.runs.data());
  }
  ExperimentDocument document(ExperimentState state) const;
  void writeSoFar();

  const Experiment& experiment_;
  const Parameters& parameters_;
  const LabOptions& options_;
  const LabTools& tools_;
  const LabWatcher& watcher_;
  const ExperimentPlan& plan_;
  LabDir& dir_;
  LabServers servers_;
  std::vector<double> expected_;  ///< seconds of each run
  Eta eta_;
  Readings readings_;
  LabOutcome outcome_;
  Nanos analysisTook_ = 0, analysedAt_ = 0;
  const Priority priority_{options_.priority};
  std::set<std::string> unusable_;          ///< stacks that no further try would bring up
  std::vector<const LabRun*> again_;        ///< disturbed; to be made once more after all others
  std::optional<double> tolerableForeign_;  ///< calibrated before the first run
  std::vector<SlotTime> slotTimes_;         ///< of the same run
  Witnessed witnessed_;                     ///< of the run that was made last
  Nanos wallStart_ = wallNow();
};

ExperimentDocument Run::document(ExperimentState state) const {
  ExperimentDocument document = emptyDocument(experiment_, parameters_, options_);
  document.state = state;
  document.wallStart = wallStart_;
  addReadings(experiment_, parameters_, readings_, document);
  return document;
}

/// What a lab that is killed leaves says what was found so far. All runs are analysed each time, so
/// this waits until that costs no more than a twentieth of the time.
void Run::writeSoFar() {
  constexpr Nanos kWaitPerCost = 20;
  const Nanos begin = SteadyClock::read();
  if (begin - analysedAt_ < kWaitPerCost * analysisTook_) return;
  if (auto written = dir_.write(document(ExperimentState::running)); !written)
    watcher_.line("note: " + written.error().message);
  analysedAt_ = SteadyClock::read();
  analysisTook_ = analysedAt_ - begin;
}

Result<LabOutcome> Run::all() {
  ExperimentDocument beginning = emptyDocument(experiment_, parameters_, options_);
  beginning.wallStart = wallStart_;
  if (auto written = dir_.write(beginning); !written) return fail(written.error());
  for (const LabRun& run : plan_.runs) {
    if (watcher_.interrupted()) break;
    if (const RunRecord* const record = dir_.finished(run.name))
      keep(run, *record);
    else if (unusable_.contains(run.stack))
      eta_.keptWithoutRunning(expected_[placeOf(run)]);
    else
      one(run);
    dropUnlessNeeded(run);
  }
  // Not in the second after: what disturbed a run is often still there.
  while (!again_.empty() && !watcher_.interrupted()) {
    const LabRun& run = *again_.front();
    again_.erase(again_.begin());
    again(run);
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
  for (const RunRecord& slot : dir_.records())
    if (isSlotOf(slot, run.name)) readings_.replace(dir_.read(slot));
  if (record.state == RunState::skipped) {
    ++outcome_.skipped;
  } else {
    ++outcome_.done;
    ++outcome_.kept;
  }
  eta_.keptWithoutRunning(expected_[placeOf(run)]);
  step(run, LabStep::What::kept);
}

Reasons reasonsOf(const Reading& reading) {
  Reasons reasons;
  for (const RunDir& dir : reading.dirs)
    if (dir.summary) std::ranges::copy(dir.summary->invalidReasons, std::back_inserter(reasons));
  return reasons;
}

/// Noise of other processes passes: such a run is made once more, unless too many are.
bool Run::worthAnotherTry(const Reasons& reasons) const {
  constexpr std::size_t kOneInSo = 8;
  constexpr std::size_t kAlways = 2;
  return allPassing(reasons) && again_.size() < std::max(kAlways, plan_.runs.size() / kOneInSo);
}

void Run::one(const LabRun& run) {
  const Nanos began = SteadyClock::read();
  const double expected = expected_[placeOf(run)];
  step(run, LabStep::What::begins);
  RunRecord record = make(run);
  Reading reading = readingOf(record);
  if (watcher_.interrupted()) return;  // whatever came of it is not what was planned
  record.durationS = toSeconds(SteadyClock::read() - began);
  eta_.finished(expected, record.durationS);
  reading.record = record;
  if (auto kept = dir_.append(record); !kept) watcher_.line("note: " + kept.error().message);
  count(record);
  tell(run, record, reading);
  readings_.add(std::move(reading));
  addSlots(run, *readings_.named(run.name));
  if (!run.sharesCore && worthAnotherTry(record.invalid)) again_.push_back(&run);
  writeSoFar();
}

/// A run whose conditions took turns leaves a record of each slot.
void Run::addSlots(const LabRun& run, const Reading& reading) {
  if (!tolerableForeign_) return;
  for (RunRecord& slot : slotRecords(run, reading, slotTimes_, witnessed_, *tolerableForeign_)) {
    if (auto kept = dir_.append(slot); !kept) watcher_.line("note: " + kept.error().message);
    readings_.replace(dir_.read(std::move(slot)));
  }
}

void Run::count(const RunRecord& record) {
  if (record.state == RunState::failed) {
    ++outcome_.failed;
  } else if (record.state == RunState::skipped) {
    ++outcome_.skipped;
  } else {
    ++outcome_.done;
    if (!record.invalid.empty()) ++outcome_.invalid;
  }
}

/// The second try of a run that was invalid; it stands for the run, whatever comes of it.
void Run::again(const LabRun& run) {
  const Nanos began = SteadyClock::read();
  const std::string first = readings_.named(run.name)->record.invalid.front().text;
  step(run, LabStep::What::begins);
  RunRecord record = make(run);
  record.notes.emplace_back("made_again", first);
  Reading reading = readingOf(record);
  if (watcher_.interrupted()) return;
  record.durationS = toSeconds(SteadyClock::read() - began);
  reading.record = record;
  if (auto kept = dir_.append(record); !kept) watcher_.line("note: " + kept.error().message);
  --outcome_.done;
  --outcome_.invalid;
  count(record);
  tell(run, record, reading);
  readings_.replace(std::move(reading));
  addSlots(run, *readings_.named(run.name));
  writeSoFar();
}

/// What the run left, and its record completed by that.
Reading Run::readingOf(RunRecord& record) {
  Reading reading = dir_.read(record);
  record.invalid = reasonsOf(reading);
  if (reading.dir() != nullptr && tolerableForeign_)
    noteAvailability(*reading.dir(), witnessed_, *tolerableForeign_, record);
  return reading;
}

RunRecord Run::make(const LabRun& run) {
  witnessed_ = {};
  slotTimes_.clear();
  RunRecord record;
  record.name = run.name;
  record.labels = run.labels;
  record.wallStart = wallNow();
  record.notes.emplace_back(kPriorityNote, priority_.text());
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

/// CPUs that the lab has: those that it hands out, or all.
std::size_t cpusOf(const LabCpus& cpus) {
  std::set<unsigned> all;
  for (const std::string& list : {cpus.server, cpus.generator})
    if (const auto some = parseCpuList(list)) all.insert(some->begin(), some->end());
  return all.empty() ? allowedCpus().size() : all.size();
}

/// An action beside the drives, which begins with this object and ends with end(). What it writes
/// down is kept apart until then.
class Run::Beside {
 public:
  Beside(const LabRun& run, ScopedStack& stack, std::filesystem::path directory,
         const LabOptions& options, const std::function<bool()>& interrupted,
         std::vector<SlotTime>& slotTimes)
      : bench_(stack, std::move(directory), options.cpus, own_,
               [this, interrupted] { return over_ || interrupted(); }) {
    if (!run.beside && run.slots.arms.empty()) return;
    thread_ = std::thread([this, &run, &slotTimes, cpu = firstCpu(options.cpus.generator)] {
      if (cpu) (void)pinThisThread(static_cast<int>(*cpu));
      const auto isOver = [this] { return over_.load(); };
      status_ = run.slots.arms.empty() ? run.beside(bench_, isOver)
                                       : switchSlots(run.slots, bench_, isOver, slotTimes);
    });
  }
  ~Beside() { stop(); }
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;

  Status end(RunRecord& record) {
    stop();
    std::ranges::move(own_.figures, std::back_inserter(record.figures));
    std::ranges::move(own_.notes, std::back_inserter(record.notes));
    std::ranges::move(own_.commands, std::back_inserter(record.commands));
    return status_;
  }

 private:
  void stop() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }

  std::atomic<bool> over_ = false;
  RunRecord own_;
  Bench bench_;
  Status status_;
  std::thread thread_;
};

/// Why a run has no servers. Where that will not pass by itself, the later runs on them are left
/// out: they would fail alike.
tl::unexpected<Error> Run::withoutServers(const LabRun& run, const Error& error) {
  const bool passes = error.code != ErrorCode::usage && error.code != ErrorCode::invalidInput &&
                      error.code != ErrorCode::noSpace;
  if (passes || !unusable_.insert(run.stack).second) return fail(error);
  const auto later = std::ranges::count_if(
      plan_.runs.begin() + static_cast<std::ptrdiff_t>(placeOf(run)) + 1, plan_.runs.end(),
      [&](const LabRun& other) {
        return other.stack == run.stack && dir_.finished(other.name) == nullptr;
      });
  if (later == 0) return fail(error);
  return fail(error.code, "{}; {} more {} on these servers {} left out", error.message, later,
              later == 1 ? "run" : "runs", later == 1 ? "is" : "are");
}

/// None: the drive is not needed.
std::optional<Flags> Run::flagsOf(const Drive& drive) const {
  return drive.decide ? drive.decide(readings_) : std::optional(drive.flags);
}

Status Run::carryOut(const LabRun& run, RunRecord& record) {
  if (const std::size_t cpus = cpusOf(options_.cpus); cpus < run.leastCpus) {
    record.state = RunState::skipped;
    record.reason = fmt::format("it needs {} CPUs, and the lab has {}", run.leastCpus, cpus);
    return {};
  }
  // Asked before its servers start: a run that is not needed needs none either.
  for (const Drive& drive : run.drives)
    if (!flagsOf(drive)) {
      record.state = RunState::skipped;
      record.reason = "earlier runs had decided it";
      return {};
    }
  const auto up = servers_.need(run.stack, run.fresh, record);
  if (!up) return withoutServers(run, up.error());
  record.commands = up->commands;
  if (!up->load.empty()) {
    record.notes.emplace_back("load", up->load);
    record.notes.emplace_back("load_method", up->loadMethod);
  }
  Bench bench(*up->stack, dir_.path() / run.name, options_.cpus, record, watcher_.interrupted);
  Status status;
  if (run.before) status = run.before(bench);
  if (status) {
    Beside beside(run, *up->stack, bench.directory(), options_, watcher_.interrupted, slotTimes_);
    status = drive(run, *up, record);
    const Status besides = beside.end(record);
    if (status) status = besides;
  }
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
    const auto flags = flagsOf(drive);
    if (!flags) return std::nullopt;
    auto plan = tools_.drive(filled(clientFlags(*flags), up.places));
    if (!plan) return fail(plan.error());
    const std::string directory =
        drive.name.empty() ? run.name : fmt::format("{}/{}", run.name, drive.name);
    plan->out = dir_.path() / directory;
    plan->own = ownServers(*up.stack);
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
  if (!tolerableForeign_) tolerableForeign_ = tolerableForeignShare(options_.cpus, options_.stacks);
  Witness witness(options_.cpus, options_.stacks);
  const CoreWatch others(*up.stack, options_.cpus);
  // The others run on threads of their own; this one started the servers and outlives them.
  std::vector<Status> statuses((*plans)->size());
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < (*plans)->size(); ++i)
    threads.emplace_back([&, i] { statuses[i] = driveOne((**plans)[i], ""); });
  statuses[0] = driveOne((*plans)->front(), titleOf(run));
  for (std::thread& thread : threads) thread.join();
  witnessed_ = witness.stop();
  if (const auto share = others.share()) record.figures.emplace_back(kOthersOnServerCore, *share);
  for (const Status& status : statuses)
    if (!status) return status;
  return {};
}

/// `watchedAs`: its title for watchers; empty: it is not watched.
Status Run::driveOne(const DriverPlan& plan, const std::string& watchedAs) {
  RunWatcher watcher;
  watcher.onNote = [](const std::string&) {};  // in the summary's notes as well
  watcher.onInterval = [](const Interval&, Nanos) {};
  watcher.interrupted = watcher_.interrupted;
  if (watcher_.watch && !watchedAs.empty()) watcher_.watch(watcher, watchedAs);
  const auto outcome = runDriver(plan, watcher);
  if (!outcome) return fail(outcome.error());
  return outcome->status;
}

void Run::step(const LabRun& run, LabStep::What what) const {
  watcher_.step(stepOf(run, what));
}

LabStep Run::stepOf(const LabRun& run, LabStep::What what) const {
  return {.what = what,
          .number = placeOf(run) + 1,
          .of = plan_.runs.size(),
          .title = titleOf(run),
          .directory = run.name,
          .leftS = eta_.seconds()};
}

/// "726k/s, p99 1.4 ms", of each of its drives.
std::string resultText(const Reading& reading) {
  std::vector<std::string> parts;
  for (const RunDir& dir : reading.dirs)
    if (dir.summary)
      parts.push_back(fmt::format("{}/s, p99 {}", formatCount(dir.summary->rate.achieved),
                                  formatMicros(dir.summary->latency.at("response").at("all").p99)));
  return fmt::format("{}", fmt::join(parts, " and "));
}

void Run::tell(const LabRun& run, const RunRecord& record, const Reading& reading) const {
  LabStep step = stepOf(run, LabStep::What::done);
  step.tookS = record.durationS;
  if (record.state == RunState::failed) {
    step.what = LabStep::What::failed;
    step.reason = record.reason;
  } else if (record.state == RunState::skipped) {
    step.what = LabStep::What::skipped;
    step.reason = record.reason;
  } else if (!record.invalid.empty()) {
    step.what = allPassing(record.invalid) && !run.sharesCore ? LabStep::What::disturbed
                                                              : LabStep::What::invalid;
    step.reason = labelOf(record.invalid.front().code);
  } else {
    step.result = resultText(reading);
  }
  watcher_.step(step);
}

/// A stack whose next run wants a fresh one, or that has no further run, gives its memory back.
void Run::dropUnlessNeeded(const LabRun& run) {
  if (std::ranges::any_of(
          again_, [&](const LabRun* later) { return later->stack == run.stack && !later->fresh; }))
    return;
  const auto end = plan_.runs.data() + plan_.runs.size();
  const auto next = std::find_if(plan_.runs.data() + (&run - plan_.runs.data()) + 1, end,
                                 [&](const LabRun& later) { return later.stack == run.stack; });
  if (next == end || next->fresh) servers_.drop(run.stack);
}

using ParameterList = decltype(ExperimentDocument::parameters);

/// Those of a lab that are others now: "repeat (3, now 5)"; at most three of them.
std::string differences(const ParameterList& before, const ParameterList& now) {
  struct Values {
    std::string was = "unknown", is = "unknown";
  };
  std::map<std::string, Values> all;
  for (const auto& [name, value] : before) all[name].was = value;
  for (const auto& [name, value] : now) all[name].is = value;
  std::vector<std::string> texts;
  for (const auto& [name, values] : all)
    if (values.was != values.is)
      texts.push_back(fmt::format("{} ({}, now {})", name, values.was, values.is));
  constexpr std::size_t kMost = 3;
  if (texts.size() > kMost) {
    texts.resize(kMost);
    texts.emplace_back("…");
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

/// Runs of two profiles in one directory would be compared as one.
Status checkSame(const LabDir& dir, const Parameters& parameters) {
  const auto before = dir.document();
  if (!before) return fail(before.error());
  if (!*before || dir.records().empty()) return {};
  if ((*before)->profile != nameOf(parameters.profile()))
    return fail(ErrorCode::usage, "{} was begun with profile {}: give the same, or another -out",
                dir.path().native(), (*before)->profile);
  if ((*before)->parameters == parameters.all()) return {};
  return fail(ErrorCode::usage,
              "{} was begun with other parameters, or by another redline: {}: give the same, or "
              "another -out",
              dir.path().native(), differences((*before)->parameters, parameters.all()));
}

}  // namespace

bool LabOutcome::hasValidData() const {
  return done > invalid && std::ranges::none_of(document.slo, [](const SloOutcome& outcome) {
           return outcome.verdict == SloVerdict::invalid && outcome.availableMeasured.empty();
         });
}

Result<double> expectedSeconds(const Experiment& experiment, const Parameters& parameters,
                               const LabTools& tools, const LabCpus& cpus) {
  const auto plan = lab::planOf(experiment, parameters);
  if (!plan) return fail(plan.error());
  const PlanCheck check(*plan, tools, cpus);
  if (auto sound = check.check(); !sound) return fail(sound.error());
  const std::vector<double> seconds = check.expectedSeconds();
  return std::accumulate(seconds.begin(), seconds.end(), 0.0);
}

Status checkPlace(const Experiment& experiment, const Parameters& parameters,
                  const LabOptions& options) {
  const std::filesystem::path path = options.out / experiment.name;
  std::error_code none;
  if (!std::filesystem::exists(path, none) || std::filesystem::is_empty(path, none)) return {};
  const auto dir = LabDir::open(path, options.resume);
  return dir ? checkSame(*dir, parameters) : fail(dir.error());
}

Result<LabOutcome> runExperiment(const Experiment& experiment, const Parameters& parameters,
                                 const LabOptions& options, const LabTools& tools,
                                 const LabWatcher& watcher) {
  const auto plan = lab::planOf(experiment, parameters);
  if (!plan) return fail(plan.error());
  if (auto sound = PlanCheck(*plan, tools, options.cpus).check(); !sound)
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
  addReadings(experiment, parameters, readings, document);
  if (auto written = dir->write(document); !written) return fail(written.error());
  return document;
}

}  // namespace redline
