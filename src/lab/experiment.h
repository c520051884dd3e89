#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "lab/parameters.h"
#include "pg/pg_admin.h"
#include "rundir/experiment.h"
#include "rundir/run_dir_reader.h"
#include "server/admin.h"
#include "server/scoped_stack.h"

namespace redline {

// An experiment is one file of this folder, one TOML in experiments/, and one line in catalog.cc
// (docs/adding-an-experiment.md). It says which runs to make and what their figures mean; the
// runner starts servers, loads, drives, repeats, keeps directories and continues after failures.

class Bench;
class Readings;
namespace lab {
class Study;
}

using Labels = std::vector<std::pair<std::string, std::string>>;
/// Flags as one would type them after `redline stack up`, `redline loader` or `redline driver`. In
/// a value, {addr}, {node-0}, {node-1} … and {unix} stand for the stack's addresses, {server-cpu},
/// {generator-cpu} and {all-cpus} (both) for the CPUs that the lab gave out (without them: flags
/// whose value they are fall away).
using Flags = std::vector<std::string>;
/// Flags of several lists, in order.
Flags joinFlags(std::initializer_list<Flags> parts);
/// What an experiment does itself, beside a run: a few commands, a figure to write down.
using Action = std::function<Status(Bench&)>;
/// The same while the drives go on, on a thread of its own on the generator's CPUs: returns soon
/// once `isOver` is true.
using BesideAction = std::function<Status(Bench&, const std::function<bool()>& isOver)>;

/// Servers that several runs share: started before the first of them, stopped after the last.
struct LabStack {
  std::string name = {};
  Flags up = {};  ///< after `redline stack up`, topology first: {"node", "-maxmemory=256MB"}. CPUs
                  ///< are added
  Flags load = {};      ///< after `redline loader`; empty: nothing is loaded
  Action prepare = {};  ///< after the load; may be empty
};

/// One `redline driver`. Address, CPUs and directory are added.
struct Drive {
  std::string name = {};  ///< its directory below the run's; empty where it is the run's only one
  Flags flags = {};
  /// When set, gives the flags once earlier runs are done (a rate that depends on a ceiling). None:
  /// the run is not needed, and skipped.
  std::function<std::optional<Flags>(const Readings& soFar)> decide = {};
};

/// A condition that is switched while a run goes on.
struct SlotArm {
  std::string name = {};  ///< [a-z0-9-], in the names of its records
  Labels labels = {};     ///< of its records; the block is added as "repeat"
  Action enter = {};      ///< makes it so
};
/// Conditions that take turns within one run (lab/slots.h).
struct SlotPlan {
  std::vector<SlotArm> arms = {};  ///< none: the run is of one condition
  double slotS = 1;                ///< how long each lasts
  double guardS = 0.2;             ///< of it, what is left out after a switch
  std::uint64_t seed = 1;          ///< of the order within blocks
};

/// One measured run.
struct LabRun {
  std::string name = {};   ///< [a-z0-9-], unique; also its directory
  std::string title = {};  ///< for people: "GET 100 B, batch 16"
  Labels labels = {};      ///< {"batch", "16"}; the runner adds nothing
  std::string stack = {};
  /// This run needs servers of its own: the stack is started again, and loaded, before it.
  bool fresh = false;
  /// Its server runs on the generator's core too: others disturb it by design, and a second try
  /// would be no better.
  bool sharesCore = false;
  /// On a lab with fewer CPUs it is not attempted: it would measure what it has to share.
  unsigned leastCpus = 0;
  Action before = {};              ///< after the stack is up and before the drives
  std::vector<Drive> drives = {};  ///< all at once; none: the actions are the run
  BesideAction beside = {};        ///< during the drives
  SlotPlan slots = {};             ///< the same, switched through; its records follow the run's
  Action after = {};               ///< also after a drive that failed, so that it may heal
  double expectedS = 0;  ///< for the ETA: what the actions take, and a drive that decides late
};

struct ExperimentPlan {
  std::vector<LabStack> stacks;
  std::vector<LabRun> runs;  ///< in the order in which they are made: interleave what is compared
};

/// One experiment, as a value: a line of the catalog.
struct Experiment {
  std::string_view name;      ///< "pipelining": also its TOML's
  std::string_view title;     ///< one line
  std::string_view question;  ///< what it asks, a paragraph for the report
  std::vector<ParameterSpec> parameters;
  /// Refuses parameters that contradict each other, by Parameters::refuse; may be empty.
  Status (*check)(const Parameters&) = nullptr;
  /// What is varied, run and concluded (lab/study.h). Pure: called without readings for the plan
  /// and the predictions, with them for the report, and again for the same runs after a resume.
  /// Some runs may have failed, or all.
  void (*declare)(lab::Study&) = nullptr;
};

/// The CPUs that a lab hands out; empty: nothing is pinned.
struct LabCpus {
  std::string server, generator;
};

/// What an action may use. Its figures and notes go into the run's record.
class Bench {
 public:
  Bench(ScopedStack& stack, std::filesystem::path directory, LabCpus cpus, RunRecord& record,
        std::function<bool()> interrupted);

  ScopedStack& stack() { return stack_; }
  /// The first node's control connection; made when first asked for, and again after it was lost.
  Result<Admin*> admin();
  /// A connection to the PostgreSQL behind the cache, made when first asked for. usage: the
  /// stack was started without `-backing=postgres`.
  Result<PgAdmin*> store();
  /// The run's directory, created: for files of the action's own.
  const std::filesystem::path& directory() const { return directory_; }
  const LabCpus& cpus() const { return cpus_; }
  void figure(std::string name, double value);
  void note(std::string name, std::string text);
  /// A shell line that does by hand what the action did.
  void command(std::string line);
  /// Somebody wants the lab to end: return soon.
  bool interrupted() const { return interrupted_(); }

 private:
  ScopedStack& stack_;
  std::filesystem::path directory_;
  LabCpus cpus_;
  RunRecord& record_;
  std::function<bool()> interrupted_;
  std::optional<Admin> admin_;
  std::optional<PgAdmin> store_;
};

/// A run's note: "nice -20", or "refused: …": whether servers and generator ran before other
/// processes.
inline constexpr const char* kPriorityNote = "priority";
inline constexpr std::string_view kNoPriority = "none: -priority=false";

/// One run as it was left.
struct Reading {
  RunRecord record;
  std::vector<RunDir> dirs;  ///< of its drives, in the order of LabRun::drives; one that left
                             ///< nothing readable is not there

  std::string_view label(std::string_view name) const { return record.label(name); }
  double figure(std::string_view name) const { return record.figure(name); }
  bool done() const { return record.state == RunState::done; }
  /// The first drive's; nullptr when it has none.
  const Summary* summary() const;
  const RunDir* dir(std::size_t drive = 0) const;
};

/// All runs of one experiment so far, in the order in which they were made.
class Readings {
 public:
  void add(Reading reading) { all_.push_back(std::make_unique<Reading>(std::move(reading))); }
  /// In place of the reading of the same name.
  void replace(Reading reading);

  /// Those that are done and have every one of these labels.
  std::vector<const Reading*> with(const Labels& labels) const;
  /// nullptr when there is none of that name.
  const Reading* named(std::string_view name) const;
  const std::vector<std::unique_ptr<Reading>>& all() const { return all_; }
  std::size_t failures() const;

 private:
  std::vector<std::unique_ptr<Reading>> all_;
};

/// One number of each of these runs, for those where it is one.
std::vector<double> figuresOf(const std::vector<const Reading*>& readings,
                              const std::function<double(const Reading&)>& figure);
/// Their names, for LabFinding::runs and LabTable::Row::runs.
std::vector<std::string> namesOf(const std::vector<const Reading*>& readings);

}  // namespace redline
