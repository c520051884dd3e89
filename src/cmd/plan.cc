#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/numbers.h"
#include "base/units.h"
#include "calibrate/calibration.h"
#include "calibrate/headroom_reading.h"
#include "cmd/commands.h"
#include "cmd/common_flags.h"
#include "cmd/flag_values.h"
#include "cmd/help.h"
#include "cmd/interrupts.h"
#include "cmd/lab_tools.h"
#include "cmd/plan_flags.h"
#include "cmd/progress.h"
#include "os/console.h"
#include "os/files.h"
#include "plan/plan_json.h"
#include "plan/sizing.h"
#include "report/plan_document.h"
#include "report/terminal.h"
#include "server/stack_state.h"

namespace redline {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFileName = "coefficients.json";
constexpr std::size_t kMostFileBytes = 1 << 20;

std::vector<FlagSpec> coefficientFlags() {
  constexpr std::string_view kGroup = "Coefficients";
  return {
      {.name = "coefficients",
       .kind = ValueKind::path,
       .help = "the file of coefficients to plan with, and that -calibrate writes; built-in: "
               "those that redline was released with",
       .example = "mine.json",
       .group = kGroup,
       .choices = {"built-in"},
       .whenEmpty = "coefficients.json in REDLINE_HOME if it is there, else built-in"},
      {.name = "headroom-lab",
       .kind = ValueKind::path,
       .help = "the directory of a lab with the experiment headroom: its knees instead of those "
               "of the coefficients, and what happens to p99 during each of its faults",
       .example = "results/quick",
       .group = kGroup,
       .whenEmpty = "none"},
      {.name = "calibrate",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "first measure them on this machine, against servers of its own: about a minute",
       .group = kGroup},
      {.name = "check",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "hold the coefficients to fresh runs at other sizes; exit with 1 where a "
               "prediction is off",
       .group = kGroup},
      {.name = "repeat",
       .kind = ValueKind::count,
       .help = "how often -calibrate and -check measure each condition",
       .example = "6",
       .group = kGroup,
       .positive = true,
       .most = "1k",
       .whenEmpty = "3"}};
}

std::vector<FlagSpec> planOutputFlags() {
  return {{.name = "out",
           .kind = ValueKind::path,
           .help = "also write plan.html, PLAN.md, plan.json and plots/ into this directory",
           .example = "results/plan",
           .group = "Output",
           .whenEmpty = "not written"},
          {.name = "json",
           .kind = ValueKind::path,
           .help = "also write the plan (of -check alone, its results) as JSON to this file; -: to "
                   "standard output, and everything else to standard error",
           .example = "plan.json",
           .group = "Output",
           .whenEmpty = "not written"}};
}

/// Where -calibrate writes, and where a plan looks first.
Result<fs::path> ownFile(const FlagValues& flags) {
  if (!flags.empty("coefficients")) return fs::path(flags.text("coefficients"));
  const auto home = stateHome();
  if (!home) return fail(home.error());
  return *home / kFileName;
}

Result<Coefficients> readCoefficients(const FlagValues& flags) {
  if (flags.is("coefficients", "built-in")) return Coefficients::committed();
  const auto path = ownFile(flags);
  if (!path) return fail(path.error());
  std::error_code none;
  if (flags.empty("coefficients") && !fs::exists(*path, none)) return Coefficients::committed();
  const auto text = readWholeFile(*path, kMostFileBytes);
  if (!text) return fail(text.error());
  const auto file = parseCoefficients(*text, path->string());
  if (!file) return fail(file.error());
  return Coefficients(*file);
}

Result<MeasuredHeadroom> headroomFrom(const FlagValues& flags) {
  if (flags.empty("headroom-lab")) return MeasuredHeadroom();
  return readHeadroom(flags.text("headroom-lab"));
}

/// Servers and runs of one calibration or check; gone at the end.
struct Workshop {
  const FlagValues& flags;
  Interrupts interrupts = {};
  StatusLine line = {};

  CalibrationWatcher watcher() {
    CalibrationWatcher watcher;
    watcher.progress = [this](const std::string& what, double done) {
      line.update(SteadyClock::read(), fmt::format("{:3.0f}%  {}", 100 * done, what));
    };
    watcher.interrupted = [this] { return interrupts.received(); };
    return watcher;
  }

  CalibrationOptions options(const Scratch& scratch) const {
    constexpr unsigned kUsualRepeats = 3;
    CalibrationOptions options;
    options.stacks = scratch.path();
    options.runs = scratch.path() / "runs";
    options.cpus = labCpus(flags);
    options.priority = flags.on("priority");
    options.redlineVersion = REDLINE_VERSION;
    options.blocks =
        flags.empty("repeat") ? kUsualRepeats : static_cast<unsigned>(flags.count("repeat"));
    return options;
  }
};

Status runCalibration(const FlagValues& flags) {
  if (flags.is("coefficients", "built-in"))
    return fail(ErrorCode::usage,
                "-calibrate writes coefficients, and those built in stay as they are: name a file, "
                "or leave -coefficients out");
  const auto path = ownFile(flags);
  if (!path) return fail(path.error());
  const auto scratch = Scratch::make(flags);
  if (!scratch) return fail(scratch.error());
  Workshop workshop{flags};
  const auto file = calibrate(workshop.options(*scratch), labTools(), workshop.watcher());
  workshop.line.clear();
  if (!file) return fail(file.error());
  if (path->has_parent_path())
    if (auto made = createDirectory(path->parent_path()); !made) return made;
  if (auto written = writeWholeFile(*path, coefficientsJson(*file)); !written) return written;
  printOut("{}: {} coefficients of this machine\n", path->string(), file->coefficients.size());
  return {};
}

/// Prints predictions beside measurements. Whether all hold.
Result<bool> runCheck(const FlagValues& flags, const Coefficients& coefficients) {
  const auto scratch = Scratch::make(flags);
  if (!scratch) return fail(scratch.error());
  Workshop workshop{flags};
  const auto checks =
      checkPlan(coefficients, workshop.options(*scratch), labTools(), workshop.watcher());
  workshop.line.clear();
  if (!checks) return fail(checks.error());
  Table table{.title = "Predictions beside fresh runs",
              .columns = columnsOf({"what", "predicted", "measured", "ratio", "tolerance", ""})};
  for (const PredictionCheck& each : *checks)
    table.add({each.what, formatQuantity(each.predicted, each.unit),
               formatQuantity(each.measured, each.unit), formatQuantity(each.ratio(), "x"),
               formatShare(each.tolerance), each.holds() ? "holds" : "off"});
  printOut("{}", toTerminal({Block(std::move(table))}, terminalStyle().width));
  if (flags.empty("keys") && !flags.empty("json"))
    if (auto written = writeResult(flags.text("json"), planChecksJson(*checks)); !written)
      return fail(written.error());
  return std::ranges::all_of(*checks, &PredictionCheck::holds);
}

Result<ExitCode> makePlan(const FlagValues& flags, const SizingRequest& request,
                          const Coefficients& coefficients, const MeasuredHeadroom& headroom) {
  const SizingPlan plan = planOf(request, coefficients, headroom);
  const Document document = planDocument(plan, coefficients);
  printOut("{}\n{}\n{}", document.title, document.origin,
           toTerminal(document.blocks, terminalStyle().width));
  if (!flags.empty("json"))
    if (auto written = writeResult(flags.text("json"), planJson(plan, coefficients)); !written)
      return fail(written.error());
  if (!flags.empty("out")) {
    const auto files = writePlan(plan, coefficients, flags.text("out"));
    if (!files) return fail(files.error());
    printOut("{}\n{}\n{}\n", files->html.string(), files->note.string(), files->json.string());
  }
  return plan.expected.keepsServiceLevel() ? ExitCode::good : ExitCode::failed;
}

Result<ExitCode> runPlan(const Invocation& invocation) {
  const FlagValues& flags = invocation.flags;
  const bool measures = flags.on("calibrate") || flags.on("check");
  const bool plans = !measures || !flags.empty("keys") || !flags.empty("rate");
  if (auto good = checkFileFlag(flags, "json"); !good) return fail(good.error());
  Result<SizingRequest> request;
  if (plans) request = sizingRequest(flags);
  if (!request) return fail(request.error());
  if (flags.on("calibrate"))
    if (auto done = runCalibration(flags); !done) return fail(done.error());
  const auto read = readCoefficients(flags);
  if (!read) return fail(read.error());
  const auto headroom = headroomFrom(flags);
  if (!headroom) return fail(headroom.error());
  const Coefficients coefficients = withHeadroom(*read, *headroom);
  bool holds = true;
  if (flags.on("check")) {
    const auto checked = runCheck(flags, coefficients);
    if (!checked) return fail(checked.error());
    holds = *checked;
  }
  if (flags.on("calibrate") && !plans)
    printOut("{}", toTerminal({Block(coefficientTable(coefficients))}, terminalStyle().width));
  if (!plans) return holds ? ExitCode::good : ExitCode::failed;
  const auto made = makePlan(flags, *request, coefficients, *headroom);
  return made && !holds ? ExitCode::failed : made;
}

}  // namespace

Command planCommand() {
  Command command;
  command.name = "plan";
  command.summary = "size a deployment, and say which cliff comes first";
  command.about =
      "Computes a deployment from what is stored and asked: shards and replicas, memory of a node "
      "with what its forks copy, hit rate and load on the store by maxmemory, what a cache in the "
      "clients takes off, the growth at which each cliff comes, what the loss of a node does, and "
      "a table from a small cluster to 10 billion keys. It needs no server. The coefficients it "
      "works from are measured ones: committed with redline, or measured here by -calibrate; each "
      "is printed with its interval and its source. Exit code 1: there is no such deployment; the "
      "plan then says what would help.";
  command.flags =
      joinFlags({planFlags(), coefficientFlags(), planOutputFlags(), machineFlags(), configFlag()});
  command.examples = {
      {"redline plan -keys=100M -rate=200k -value-size=300 -zipf-s=1.1 -ttl-frac=0.3 -store-max=8k",
       "the deployment for that, with the store behind it"},
      {"redline plan -keys=100M -rate=200k -shards=3 -maxmemory=4GB -store-max=8k",
       "what three given shards do with it"},
      {"redline plan -keys=10G -rate=20M -zipf-s=1.1 -client-cache=10k -clients=500 -split-ways=16",
       "a large one, with what keeps its hottest keys from being too much"},
      {"redline plan -keys=100M -rate=200k -headroom-lab=results/quick",
       "with the knees that a lab has measured, and what its faults do to p99 at this layout"},
      {"redline plan -calibrate", "measures the coefficients on this machine: about a minute"},
      {"redline plan -check", "holds them to fresh runs at other sizes"},
      {"redline plan -keys=100M -rate=200k -out=results/plan -json=plan.json",
       "the same as a page and for programs"},
  };
  command.more = "docs/planner.md has the formulas, the coefficients and how well they predict.";
  command.run = runPlan;
  return command;
}

}  // namespace redline
