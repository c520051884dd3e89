#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <optional>

#include "base/shell.h"
#include "base/text.h"
#include "base/toml_nesting.h"
#include "base/typed_value.h"
#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/common_flags.h"
#include "cmd/experiment_files.h"
#include "cmd/flag_values.h"
#include "cmd/help.h"
#include "cmd/interrupts.h"
#include "cmd/lab_feed.h"
#include "cmd/lab_observers.h"
#include "cmd/lab_output.h"
#include "cmd/lab_results.h"
#include "cmd/lab_tools.h"
#include "cmd/metrics_flags.h"
#include "cmd/stack_options.h"
#include "cmd/text.h"
#include "lab/catalog.h"
#include "lab/runner.h"
#include "lab/study.h"
#include "os/console.h"
#include "os/files.h"
#include "report/lab_document.h"
#include "report/write_report.h"
#include "rundir/run_dir.h"
#include "server/free_port.h"
#include "server/host.h"

namespace redline {
namespace {

namespace fs = std::filesystem;

std::vector<FlagSpec> labFlags() {
  constexpr std::string_view kGroup = "Experiments";
  return {
      {.name = "profile",
       .kind = ValueKind::choice,
       .fallback = "quick",
       .help = "quick: indicative, minutes; standard: with intervals; full: the brief's sizes",
       .example = "standard",
       .group = kGroup,
       .choices = {"quick", "standard", "full"}},
      {.name = "repeat",
       .kind = ValueKind::count,
       .help = "how often each condition is measured, instead of the profile's number",
       .example = "5",
       .group = kGroup,
       .positive = true,
       .most = "1k",
       .whenEmpty = "set by the profile"},
      {.name = "set",
       .help = "parameters to change, separated by semicolons",
       .example = "duration=5s; batches=1,16",
       .group = kGroup,
       .whenEmpty = "none"},
      {.name = "resume",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "continue the lab in -out: runs that are complete there are not repeated",
       .group = kGroup},
      {.name = "out",
       .kind = ValueKind::path,
       .help = "the lab's directory, with a sub-directory for each experiment",
       .example = "runs/evening",
       .group = kGroup,
       .whenEmpty = "runs/<UTC time>-lab"},
      {.name = "verbose",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "run: a line for each run, with its directory",
       .group = kGroup},
      {.name = "observe",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "run: also serve the live page (-metrics), and start Debian's prometheus and "
               "prometheus-redis-exporter until the lab ends",
       .group = kGroup},
      {.name = "most",
       .kind = ValueKind::size,
       .fallback = "20MB",
       .help = "export: maximum size of the copy; report and summaries come first",
       .example = "5MB",
       .group = kGroup,
       .positive = true,
       .most = "1TB"},
      {.name = "experiments",
       .kind = ValueKind::path,
       .help = "directory of the experiments' TOML files",
       .example = "mine",
       .group = kGroup,
       .whenEmpty = "experiments/ here, or those installed with redline"},
  };
}

/// How a lab starts its servers.
std::vector<FlagSpec> engineFlags() {
  constexpr std::string_view kGroup = "Machine";
  return {engineFlag(kGroup), redisImageFlag(kGroup)};
}

/// The command that repeats one experiment, with the flags that shape it.
std::string reproduction(const FlagValues& flags, std::string_view experiment) {
  std::vector<std::string> words{"redline", "lab", "run", std::string(experiment),
                                 "-profile=" + flags.text("profile")};
  for (const std::string_view name :
       {"repeat", "set", "server-cpus", "cpus", "engine", "redis-image"})
    if (flags.given(name)) words.push_back(fmt::format("-{}={}", name, flags.text(name)));
  return shellLine(words);
}

/// One experiment with its parameters, from the flags.
struct Chosen {
  const Experiment* experiment = nullptr;
  Parameters parameters;
  std::string command;  ///< repeats it
};

/// What the lab's directory says of an experiment that was begun in it; none where it says nothing.
Result<std::optional<ExperimentDocument>> begunIn(const fs::path& lab,
                                                  const Experiment& experiment) {
  const fs::path directory = lab / experiment.name;
  if (!isLabDirectory(directory)) return std::nullopt;
  auto found = readLab(directory);
  if (!found) return fail(found.error());
  return std::optional(std::move(found->front()));
}

/// `begun`: the parameters are those of this document, but for what the flags name.
Result<Chosen> choose(const Experiment& experiment, const FlagValues& flags,
                      const std::optional<ExperimentDocument>& begun = std::nullopt) {
  const bool asBegun = begun && !flags.given("profile");
  const auto profile = parseProfile(asBegun ? begun->profile : flags.text("profile"));
  if (!profile) return fail(profile.error());
  std::vector<ParameterOverride> overrides;
  if (begun)
    for (const auto& [name, value] : begun->parameters)
      overrides.push_back({name, value, std::string(kExperimentFile)});
  const auto settings = parseOverrides(flags.text("set"));
  if (!settings) return fail(settings.error());
  overrides.insert(overrides.end(), settings->begin(), settings->end());
  if (!flags.empty("repeat")) overrides.push_back({"repeat", flags.text("repeat"), "-repeat"});
  const auto path = findExperimentFile(
      experiment.name, experimentPlaces(flags.text("experiments"), ownExecutable()));
  if (!path) return fail(path.error());
  const auto toml = readWholeFile(*path, kMostTomlBytes);
  if (!toml) return fail(toml.error());
  auto parameters =
      readParameters(experiment.parameters, path->string(), *toml, *profile, overrides);
  if (!parameters) return fail(parameters.error());
  if (experiment.check != nullptr)
    if (const auto sound = experiment.check(*parameters); !sound) return fail(sound.error());
  return Chosen{&experiment, std::move(*parameters),
                begun ? begun->command : reproduction(flags, experiment.name)};
}

/// The experiments that the words after the action name; "all" and none are all of them.
Result<std::vector<const Experiment*>> namedExperiments(const FlagValues& flags) {
  const std::vector<std::string> names(flags.positionalWords().begin() + 1,
                                       flags.positionalWords().end());
  std::vector<const Experiment*> all;
  if (names.empty() || names == std::vector<std::string>{"all"}) {
    for (const Experiment& each : experiments()) all.push_back(&each);
    return all;
  }
  for (const std::string& name : names) {
    const auto experiment = findExperiment(name);
    if (!experiment) return fail(experiment.error());
    all.push_back(*experiment);
  }
  return all;
}

/// Those experiments, each with its parameters: by -resume those that it was begun with.
Result<std::vector<Chosen>> chosen(const FlagValues& flags) {
  const auto named = namedExperiments(flags);
  if (!named) return fail(named.error());
  std::vector<Chosen> all;
  for (const Experiment* const experiment : *named) {
    std::optional<ExperimentDocument> begun;
    if (flags.on("resume") && !flags.empty("out")) {
      auto found = begunIn(flags.text("out"), *experiment);
      if (!found) return fail(found.error());
      begun = std::move(*found);
    }
    auto one = choose(*experiment, flags, begun);
    if (!one) return fail(one.error());
    all.push_back(std::move(*one));
  }
  return all;
}

Result<LabOptions> labOptions(const FlagValues& flags) {
  LabOptions options;
  options.out = flags.text("out");
  options.cpus = labCpus(flags);
  options.priority = flags.on("priority");
  if (flags.is("engine", "compose"))
    options.engine = {"-engine=compose", "-redis-image=" + flags.text("redis-image")};
  options.resume = flags.on("resume");
  options.redlineVersion = REDLINE_VERSION;
  if (options.resume && flags.empty("out"))
    return fail(ErrorCode::usage, "-resume continues a lab: name its directory with -out");
  return options;
}

std::vector<int> generatorCpus(const LabOptions& options) {
  const auto cpus = parseCpuList(options.cpus.generator);
  return cpus ? std::vector<int>(cpus->begin(), cpus->end()) : std::vector<int>();
}

/// Prints one experiment: its question, its duration, and every parameter with its value.
Status describeExperiment(const Chosen& one, const Invocation& invocation) {
  const Experiment& experiment = *one.experiment;
  const auto plan = lab::planOf(experiment, one.parameters);
  if (!plan) return fail(plan.error());
  const auto seconds =
      expectedSeconds(experiment, one.parameters, labTools(), labCpus(invocation.flags));
  if (!seconds) return fail(seconds.error());
  printOut("{}: {}\n\n{}\n\n{} runs on {} stacks, about {} in profile {}. Parameters:\n",
           experiment.name, experiment.title,
           fmt::join(wrap(experiment.question, terminalStyle().width), "\n"), plan->runs.size(),
           plan->stacks.size(), formatDuration(static_cast<Nanos>(*seconds) * kSecond),
           invocation.flags.text("profile"));
  for (const auto& [name, value] : one.parameters.all()) {
    const auto spec = std::ranges::find(experiment.parameters, name, &ParameterSpec::name);
    printParameter(
        name, value,
        spec == experiment.parameters.end() ? "how often each condition is measured" : spec->help);
  }
  printOut("\n");
  return {};
}

Result<ExitCode> list(const Invocation& invocation) {
  if (invocation.flags.positionalWords().size() > 1) {
    const auto all = chosen(invocation.flags);
    if (!all) return fail(all.error());
    for (const Chosen& each : *all)
      if (auto described = describeExperiment(each, invocation); !described)
        return fail(described.error());
    return ExitCode::good;
  }
  double total = 0;
  printOut("profile {}; `redline lab run NAME` runs one, `redline lab run all` all\n",
           invocation.flags.text("profile"));
  for (const Experiment& each : experiments()) {
    const auto one = choose(each, invocation.flags);
    if (!one) return fail(one.error());
    const auto seconds =
        expectedSeconds(each, one->parameters, labTools(), labCpus(invocation.flags));
    if (!seconds) return fail(seconds.error());
    printListed(each.name, *seconds, each.title);
    total += *seconds;
  }
  printOut("{:<20} about {:>6}\n", "all", formatDuration(static_cast<Nanos>(total) * kSecond));
  return ExitCode::good;
}

Result<ExitCode> predict(const Invocation& invocation) {
  const auto all = chosen(invocation.flags);
  if (!all) return fail(all.error());
  for (const Chosen& each : *all) {
    printOut("{} ({})\n", each.experiment->name, invocation.flags.text("profile"));
    const auto predictions = lab::predictionsOf(*each.experiment, each.parameters);
    if (predictions.empty()) printOut("  no model predicts anything before its runs\n");
    for (const LabPrediction& one : predictions)
      printOut("  {}: {}  ({})\n", one.what, formatQuantity(one.predicted, one.unit), one.model);
  }
  return ExitCode::good;
}

/// Analyses one experiment of the lab again, with the parameters that it was begun with.
Status analyseOne(const Experiment& experiment, const FlagValues& flags, LabOptions& options) {
  const auto begun = begunIn(options.out, experiment);
  if (!begun) return fail(begun.error());
  const auto one = choose(experiment, flags, *begun);
  if (!one) return fail(one.error());
  options.command = one->command;
  const auto document = analyseExperiment(experiment, one->parameters, options);
  if (!document) return fail(document.error());
  printFindings(*document);
  return {};
}

Result<ExitCode> analyse(const Invocation& invocation) {
  const FlagValues& flags = invocation.flags;
  const auto all = namedExperiments(flags);
  if (!all) return fail(all.error());
  if (flags.empty("out"))
    return fail(ErrorCode::usage, "analyse reads a lab's directory: name it with -out");
  auto options = labOptions(flags);
  if (!options) return fail(options.error());
  std::error_code none;
  const auto isThere = [&](const Experiment* experiment) {
    return fs::exists(options->out / experiment->name, none);
  };
  if (std::ranges::none_of(*all, isThere))
    return fail(ErrorCode::invalidInput, "{} is not a lab's directory: it has no experiment{}",
                options->out.string(), all->size() == 1 ? " of that name" : "");
  const auto claim = claimDirectory(options->out);
  if (!claim) return fail(claim.error());
  for (const Experiment* const each : *all) {
    const bool named = flags.positionalWords().size() > 1;
    if (!named && !isThere(each)) continue;
    if (auto analysed = analyseOne(*each, flags, *options); !analysed)
      return fail(analysed.error());
  }
  return ExitCode::good;
}

/// Makes the lab's directory this process's own: another lab that wrote into it would take the
/// place of an experiment that is still to come.
Result<Fd> claimLab(const std::vector<Chosen>& all, LabOptions& options) {
  if (options.out.empty()) {
    auto created = createRunDirectory("lab", std::time(nullptr));
    if (!created) return fail(created.error());
    options.out = std::move(*created);
  }
  if (auto made = createDirectory(options.out); !made) return fail(made.error());
  auto claim = claimDirectory(options.out);
  if (!claim) return fail(claim.error());
  for (const Chosen& each : all)
    if (auto free = checkPlace(*each.experiment, each.parameters, options); !free)
      return fail(free.error());
  return claim;
}

/// Where the live page is served: by -metrics; with -observe alone on the usual port, or on a free
/// one; none where nobody asked for it.
Result<std::optional<Endpoint>> pageAddress(const FlagValues& flags) {
  if (!flags.empty("metrics")) return parseEndpoint(flags.text("metrics"));
  if (!flags.on("observe")) return std::nullopt;
  constexpr std::uint16_t kUsual = 9121;
  if (!portUser(kUsual)) return Endpoint{"127.0.0.1", kUsual, {}};
  const auto port = freePort();
  if (!port) return fail(port.error());
  return Endpoint{"127.0.0.1", *port, {}};
}

/// What shows a lab while it runs, as the flags ask for it.
struct Watched {
  std::unique_ptr<LiveMetrics> page;
  std::unique_ptr<LabObservers> observers;
};

Result<Watched> startWatching(const FlagValues& flags, const LabOptions& options) {
  Watched watched;
  const auto where = pageAddress(flags);
  if (!where) return fail(where.error());
  if (!*where) return watched;
  auto page = startMetricsAt(**where, "lab", generatorCpus(options));
  if (!page) return fail(page.error());
  watched.page = std::move(*page);
  if (!flags.on("observe")) return watched;
  auto observers = LabObservers::start(options.stacks / "observe", **where);
  if (!observers) return fail(observers.error());
  watched.observers = std::move(*observers);
  printErr("note: Prometheus at {}/ until the lab ends\n", watched.observers->url());
  return watched;
}

/// What is left of the experiments when the last one is over, or the lab was interrupted.
struct Finished {
  std::vector<ExperimentDocument> documents;
  std::size_t failed = 0;            ///< runs
  std::vector<std::string> unsound;  ///< experiments without valid data for a service level
  bool isInterrupted = false;
};

Result<std::vector<LabDisplay::Part>> partsOf(const std::vector<Chosen>& all, const LabTools& tools,
                                              const LabCpus& cpus) {
  std::vector<LabDisplay::Part> parts;
  for (const Chosen& each : all) {
    const auto seconds = expectedSeconds(*each.experiment, each.parameters, tools, cpus);
    if (!seconds) return fail(seconds.error());
    parts.push_back(
        {std::string(each.experiment->name), std::string(each.experiment->title), *seconds});
  }
  return parts;
}

/// Where the lab is shown while it runs.
struct LabViews {
  LabScreen screen;
  LiveMetrics* metrics;           ///< null: there is no live page
  std::optional<LabFeed> page;    ///< of the live page
  const LabObservers* observers;  ///< null: there are none

  void begin() {
    screen.begin();
    if (page) page->begin();
  }
  void end(const LabOutcome& outcome) {
    screen.end(outcome);
    if (page) page->end(outcome);
  }
  void addTo(LabWatcher& watcher) {
    watcher.line = [this](const std::string& text) { screen.note(text); };
    watcher.step = [this](const LabStep& step) {
      screen.step(step);
      if (page) page->step(step);
    };
    watcher.status = [this](const std::string& text) {
      screen.activity(text);
      if (page) page->activity(text);
    };
    if (metrics != nullptr)
      watcher.watch = [this](RunWatcher& run, const std::string& title) {
        metrics->join(run, title);
      };
    if (observers != nullptr)
      watcher.servers = [this](const std::vector<Endpoint>& servers) {
        if (auto followed = observers->follow(servers); !followed)
          screen.note("note: " + followed.error().message);
      };
  }
};

Result<Finished> runInTurn(const std::vector<Chosen>& all, LabOptions& options,
                           const LabTools& tools, LabViews& views) {
  const Interrupts interrupts;
  LabWatcher watcher;
  views.addTo(watcher);
  watcher.interrupted = [&interrupts] { return interrupts.received(); };
  Finished finished;
  for (const Chosen& each : all) {
    options.command = each.command;
    views.begin();
    const auto outcome = runExperiment(*each.experiment, each.parameters, options, tools, watcher);
    if (!outcome) {
      views.screen.rest();
      return fail(outcome.error());
    }
    views.end(*outcome);
    finished.failed += outcome->failed;
    if (!outcome->hasValidData()) finished.unsound.emplace_back(each.experiment->name);
    finished.documents.push_back(outcome->document);
    finished.isInterrupted = interrupts.received();
    if (finished.isInterrupted) break;
  }
  return finished;
}

/// Writes the report of all that the directory holds, and prints the last screen.
Status closeLab(const Finished& finished, const fs::path& out, Nanos began) {
  const auto report = writeReport({out.string()}, out);
  if (!report) return fail(report.error());
  const std::string page = "file://" + fs::absolute(report->html).lexically_normal().string();
  const double tookS = toSeconds(SteadyClock::read() - began);
  for (const std::string& line :
       closingScreen(finished.documents, page, tookS, labStyleOf(STDOUT_FILENO)))
    writeOut(line + "\n");
  return {};
}

/// `resumed`: -resume was given, and with it -out.
Result<ExitCode> exitCodeOf(const Finished& finished, const std::string& out, bool resumed) {
  const std::string again =
      resumed ? "the same command" : fmt::format("the same command with -resume -out={}", out);
  if (finished.isInterrupted)
    return fail(ErrorCode::interrupted, "interrupted: what is complete is in {}; {} continues", out,
                again);
  if (finished.failed > 0)
    return fail(ErrorCode::io, "{} failed: see the lines above; {} repeats {}",
                plural(finished.failed, "run"), again, finished.failed == 1 ? "it" : "them");
  if (finished.unsound.empty()) return ExitCode::good;
  printErr(
      "{} ha{} no valid data for a service level: see the report; on a quieter machine, "
      "{} repeats the disturbed runs\n",
      fmt::join(finished.unsound, ", "), finished.unsound.size() == 1 ? "s" : "ve", again);
  return ExitCode::invalid;
}

Result<ExitCode> run(const Invocation& invocation) {
  const FlagValues& flags = invocation.flags;
  if (flags.positionalWords().size() < 2)
    return fail(ErrorCode::usage,
                "name the experiments: 'redline lab run all', or names from 'redline lab list'");
  const auto all = chosen(flags);
  if (!all) return fail(all.error());
  if (auto sound = checkMetricsFlags(flags); !sound) return fail(sound.error());
  auto options = labOptions(flags);
  if (!options) return fail(options.error());
  const auto scratch = Scratch::make(flags);
  if (!scratch) return fail(scratch.error());
  options->stacks = scratch->path();
  const LabTools tools = labTools();
  const auto parts = partsOf(*all, tools, options->cpus);
  if (!parts) return fail(parts.error());
  const auto watched = startWatching(flags, *options);
  if (!watched) return fail(watched.error());
  const auto claim = claimLab(*all, *options);
  if (!claim) return fail(claim.error());

  const Nanos began = SteadyClock::read();
  LabStyle style = labStyleOf(STDERR_FILENO);
  style.isVerbose = flags.on("verbose");
  LabViews views{{style, *parts}, watched->page.get(), {}, watched->observers.get()};
  if (watched->page) views.page.emplace(watched->page->feed(), *parts);
  views.screen.opening(nameOf(all->front().parameters.profile()), options->out.string());
  const auto finished = runInTurn(*all, *options, tools, views);
  if (!finished) return fail(finished.error());
  if (auto closed = closeLab(*finished, options->out, began); !closed) return fail(closed.error());
  if (!finished->isInterrupted) lingerMetrics(flags, Interrupts());
  return exitCodeOf(*finished, options->out.string(), flags.on("resume"));
}

Result<ExitCode> runLab(const Invocation& invocation) {
  const std::string& action = invocation.flags.positional("action");
  if (action == "list") return list(invocation);
  if (action == "predict") return predict(invocation);
  if (action == "analyse") return analyse(invocation);
  if (action == "compare") return compareLabs(invocation);
  if (action == "export") return exportLab(invocation);
  return run(invocation);
}

}  // namespace

Command labCommand() {
  Command command;
  command.name = "lab";
  command.summary = "run experiments and compute their findings";
  command.about =
      "list: every experiment and its duration in the given profile; list NAME explains its "
      "question and its parameters. predict: the models' predictions, before any measurement. run: "
      "each experiment starts its own servers, executes its runs with the compared conditions "
      "interleaved, computes its findings from the run directories, and writes the report at the "
      "end. "
      "A run that fails keeps its data and the lab continues; a disturbed run is repeated once, "
      "and one that is still invalid is marked and left out. Ctrl-C ends the current run; -resume "
      "executes the runs that are missing, failed or were disturbed. "
      "analyse: recomputes the findings from existing runs, without a server. compare: whether "
      "repeats of a lab agree. export: a copy of a lab that is small enough for a repository. Exit "
      "codes of run: 0 every experiment has valid data, 1 a run failed, 2 wrong usage, 3 an "
      "experiment has no valid data for its service levels.";
  command.positionals = {
      {.name = "action", .choices = {"list", "run", "predict", "analyse", "compare", "export"}},
      {.name = "name",
       .help = "experiments by name, or all; for compare and export, lab directories",
       .optional = true,
       .repeated = true,
       .hints = {"all"},
       .paths = true},
  };
  for (const Experiment& each : experiments())
    command.positionals.back().hints.push_back(each.name);
  command.flags =
      joinFlags({labFlags(), machineFlags(), engineFlags(), metricsFlags(), configFlag()});
  command.examples = {
      {"redline lab list", "every experiment and its duration"},
      {"redline lab list pipelining -profile=full", "its question and its parameters, explained"},
      {"redline lab run all -out=runs/today", "all of them in the quick profile"},
      {"redline lab run pipelining -profile=standard -repeat=5", "one of them, with intervals"},
      {"redline lab run all -observe", "with a live page and Prometheus to watch it"},
      {"redline lab run all -out=runs/today -resume", "continues after an interruption"},
      {"redline lab predict", "the models' predictions, before any measurement"},
      {"redline lab analyse -out=runs/today", "recomputes the findings from existing runs"},
      {"redline lab compare runs/one runs/two runs/three", "do three repeats agree?"},
      {"redline lab export runs/today -out=results/today",
       "report, plots and 20 MB of runs at most"},
  };
  command.more =
      "docs/adding-an-experiment.md; 'redline report runs/today' writes the report again.";
  command.run = runLab;
  return command;
}

}  // namespace redline
