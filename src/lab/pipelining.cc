#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/compare.h"
#include "lab/measures.h"
#include "lab/pipelining_parts.h"
#include "lab/words.h"
#include "model/curve.h"

namespace redline {
namespace {

using namespace pipelining;

constexpr double kPlateauTolerance = 0.05;
constexpr double kClimbFactor = 1.5;
constexpr double kSameWithin = 0.05;

std::vector<Mode> sweepModes(const Parameters& p) {
  std::vector<Mode> modes;
  for (const double batch : p.numbers("batches")) modes.push_back(batchMode(batch));
  for (const double batch : p.numbers("tx-batches")) modes.push_back(transactionMode(batch));
  return modes;
}

std::vector<Mode> hotModes(const Parameters& p) {
  std::vector<Mode> modes;
  for (const double batch : p.numbers("hot-batches")) modes.push_back(batchMode(batch));
  return modes;
}

/// Who sends beside the per-command connections.
struct Neighbour {
  std::string name;  ///< the label
  std::string words;
  Flags flags;  ///< empty: nobody
};

std::vector<Neighbour> neighbours(const Parameters& p) {
  std::vector<Neighbour> all{{"none", "alone", {}}};
  for (const double batch : p.numbers("neighbour-batches"))
    all.push_back(
        {fmt::format("batch-{:.0f}", batch),
         fmt::format("one connection, {}/s in batches of {:.0f}", p.text("neighbour-rate"), batch),
         {"-rate=" + p.text("neighbour-rate"), fmt::format("-pipeline={:.0f}", batch),
          "-batch-wait=50ms"}});
  const double largest = std::ranges::max(p.numbers("neighbour-batches"));
  all.push_back({"greedy",
                 fmt::format("one connection, as fast as it can in batches of {:.0f}", largest),
                 {"-rate=max", fmt::format("-pipeline={:.0f}", largest)}});
  return all;
}

LabRun besideRun(const Parameters& p, const Neighbour& neighbour, unsigned repeat) {
  const Flags window{
      "-warmup=" + p.text("warmup"), "-duration=" + p.text("beside-duration"), "-interval=100ms",
      "-rw-ratio=" + p.text("rw-ratio"),
      "-wait=block"};  // two generators on one core: one that spins holds up the other
  const bool two = !neighbour.flags.empty();
  LabRun run{.name = fmt::format("beside-{}-r{}", neighbour.name, repeat),
             .labels = {{"part", "beside"},
                        {"neighbour", neighbour.name},
                        {"repeat", std::to_string(repeat)}},
             .stack = "plain",
             .drives = {{two ? "victims" : "",
                         joinFlags({dataSet(p),
                                    window,
                                    {"-rate=" + p.text("victim-rate"), "-arrivals=poisson",
                                     "-conns=" + p.text("victims")}})}}};
  // Its own draws: with the same ones it would warm the keys that the others read next.
  if (two)
    run.drives.push_back(
        {"neighbour",
         joinFlags({dataSet(p), window, neighbour.flags, {"-conns=1", "-run-seed=2"}})});
  return run;
}

Result<ExperimentPlan> plan(const Parameters& p) {
  ExperimentPlan plan;
  plan.stacks = {{.name = "plain", .up = {"node"}, .load = dataSet(p), .prepare = {}},
                 largeStack(p)};
  const auto add = [&](std::vector<LabRun> runs) {
    std::ranges::move(runs, std::back_inserter(plan.runs));
  };
  const auto sweep = sweepModes(p);
  add(interleaved(sweep.size(), p.repeats(), [&](std::size_t i, unsigned repeat) {
    return closedRun(p, "sweep", sweep[i], repeat, dataSet(p));
  }));
  const auto hot = hotModes(p);
  add(interleaved(hot.size(), p.repeats(), [&](std::size_t i, unsigned repeat) {
    Flags oneKey = dataSet(p);
    oneKey.front() = "-keys=1";
    return closedRun(p, "hot", hot[i], repeat, oneKey);
  }));
  add(largeRuns(p));
  add(openRuns(p));
  const auto beside = neighbours(p);
  add(interleaved(beside.size(), p.repeats(),
                  [&](std::size_t i, unsigned repeat) { return besideRun(p, beside[i], repeat); }));
  return plan;
}

Status check(const Parameters& p) {
  const auto batches = p.numbers("batches");
  if (!std::ranges::is_sorted(batches))
    return p.refuse("batches", "a knee is looked for from small to large: sort them");
  if (batches.size() < 3) return p.refuse("batches", "a knee needs three points or more");
  for (const double hot : p.numbers("hot-batches"))
    if (std::ranges::find(batches, hot) == batches.end())
      return p.refuse("hot-batches",
                      "one hot key is held against the same batch on all keys, and "
                      "one of these is not in batches");
  for (const double large : p.numbers("large-batches"))
    if (std::ranges::find(batches, large) == batches.end())
      return p.refuse(
          "large-batches",
          "large values are held against the same batch of small ones, and one of these is "
          "not in batches");
  if (batches.front() != 0)
    return p.refuse("batches", "the open model's rate is a share of what one at a time (0) can do");
  if (p.number("open-share") <= 0 || p.number("open-share") >= 1)
    return p.refuse("open-share", "below the ceiling: more than 0, less than 1");
  return {};
}

std::vector<Labels> labelsOfAll(std::string_view part, const std::vector<Mode>& modes) {
  std::vector<Labels> all;
  for (const Mode& mode : modes) all.push_back(labelsOf(part, mode));
  return all;
}

/// Ways of sending, as fast as replies allow.
class Sweep {
 public:
  Sweep(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : p_(p),
        document_(document),
        modes_(sweepModes(p)),
        batches_(p.numbers("batches").size()),
        runs_(readings, labelsOfAll("sweep", modes_)),
        rate_(runs_.column(rateOf)),
        p99_(runs_.column(latency("p99"))) {
    for (std::size_t i = 0; i < batches_; ++i) size_.push_back(std::max(1U, modes_[i].batch));
  }

  void analyse() {
    table();
    plots();
    // Without every batch there is no curve, and half a curve would have its knee elsewhere.
    for (std::size_t i = 0; i < batches_; ++i)
      if (!rate_.has(i) || !p99_.has(i))
        return find(
            Standing::problem,
            fmt::format("{} was not measured, so nothing is said of the curve", modes_[i].words),
            "the runs that failed", {});
    win();
    why();
    plateau();
    climb();
    noise();
    transactions();
    document_.method.push_back(intervalNote(rate_.of(0)));
  }

 private:
  void find(Standing standing, std::string text, std::string from,
            std::initializer_list<std::size_t> modes, bool headline = false) {
    addFinding(document_, standing, std::move(text), std::move(from), runs_.names(modes), headline);
  }

  std::optional<std::size_t> plain(unsigned batch) const {
    for (std::size_t i = 0; i < batches_; ++i)
      if (modes_[i].batch == batch) return i;
    return std::nullopt;
  }

  void table() {
    const Column p50 = runs_.column(latency("p50"));
    LabTable table{
        .title = "Batch size, as fast as replies allow",
        .head = {"sent as", "ops/s", "p50", "p99", "main thread busy", "commands per read",
                 "kernel µs per command", "Redis µs per command", "generator busy", "valid runs"},
        .rows = {},
        .note = fmt::format("{} connections, {} of reads. Main-thread CPU is split into the "
                            "kernel's part (reading and writing sockets) and Redis's own.",
                            p_.text("conns"), formatShare(p_.number("rw-ratio")))};
    for (std::size_t i = 0; i < modes_.size(); ++i)
      table.rows.push_back(
          {{modes_[i].words, words(rate_.of(i), "ops/s"), words(p50.of(i), "us"),
            words(p99_.of(i), "us"), formatShare(runs_.mean(i, mainThreadBusy)),
            decimals(runs_.mean(i, commandsPerRead)), decimals(runs_.mean(i, kernelUsPerCommand)),
            decimals(runs_.mean(i, userUsPerCommand)), formatShare(runs_.mean(i, generatorBusy)),
            fmt::format("{} of {}", runs_.valid(i), runs_.runs(i).size())},
           runs_.names({i})});
    document_.tables.push_back(std::move(table));
    for (std::size_t i = 0; i < modes_.size(); ++i)
      addFigure(document_, "throughput, " + modes_[i].words, "ops/s", rate_.of(i));
  }

  LabPlot plot(std::string id, std::string title, LabAxis y, const Column& column) const {
    LabPlot plot{.id = std::move(id),
                 .title = std::move(title),
                 .description = {},
                 .x = {"operations in a batch", AxisKind::names, {}},
                 .y = std::move(y),
                 .series = {{"pipelined", {}}, {"MULTI … EXEC", {}}},
                 .spans = {},
                 .marks = {}};
    for (std::size_t i = 0; i < modes_.size(); ++i) {
      plot.x.names.push_back(modes_[i].axis);
      plot.series[modes_[i].transaction ? 1 : 0].points.push_back(
          pointOf(static_cast<double>(i), column.of(i)));
    }
    plot.series[1].line = false;
    return plot;
  }

  void plots() {
    LabPlot rate = plot("batch-rate", "Throughput by batch size",
                        {"operations/s", AxisKind::count, {}}, rate_);
    rate.description =
        "Closed model: each connection sends its next batch when the last is answered. Bars are "
        "the intervals.";
    document_.plots.push_back(std::move(rate));
    LabPlot p99 = plot("batch-p99", "p99 by batch size", {"p99", AxisKind::latency, {}}, p99_);
    p99.description =
        "Response time of single operations; one that is sent in a batch waits for those before "
        "it.";
    document_.plots.push_back(std::move(p99));
  }

  void win() {
    const auto curve = rate_.curve(batches_);
    const auto top = static_cast<std::size_t>(std::ranges::max_element(curve) - curve.begin());
    const Estimate ratio = rate_.ratio(0, top);
    find(standingOf(ratio, true),
         fmt::format("Pipelining raises one shard from {} to {} with batches of {}: {}",
                     words(rate_.of(0), "ops/s"), words(rate_.of(top), "ops/s"), modes_[top].batch,
                     multiple(ratio)),
         "achieved rates in the closed model", {0, top});
  }

  void why() {
    const std::size_t last = batches_ - 1;
    const double kernel0 = runs_.mean(0, kernelUsPerCommand);
    const double kernel1 = runs_.mean(last, kernelUsPerCommand);
    const double user0 = runs_.mean(0, userUsPerCommand);
    const double user1 = runs_.mean(last, userUsPerCommand);
    if (!std::isfinite(kernel0 + kernel1 + user0 + user1)) return;
    const double saved = (kernel0 + user0) - (kernel1 + user1);
    find(kernel0 - kernel1 > saved / 2 ? Standing::expected : Standing::contradicts,
         fmt::format(
             "Of the CPU that a command costs the main thread, {:.2f} µs sent alone and {:.2f} µs "
             "in batches of {}, the kernel's part falls from {:.2f} to {:.2f} µs, because one read "
             "brings {:.1f} commands in place of {:.1f}, and Redis's own from {:.2f} to {:.2f} µs. "
             "{:.0f}% of what batches save is system calls; the command itself ({:.2f} µs by "
             "commandstats) is not made faster",
             kernel0 + user0, kernel1 + user1, modes_[last].batch, kernel0, kernel1,
             runs_.mean(last, commandsPerRead), runs_.mean(0, commandsPerRead), user0, user1,
             100 * (kernel0 - kernel1) / saved, runs_.mean(last, executionUsPerCommand)),
         "used_cpu_{sys,user}_main_thread, total_reads_processed and commandstats of INFO",
         {0, last}, true);
  }

  void plateau() {
    const std::size_t last = batches_ - 1;
    const auto rule = [](std::span<const double> y) { return findPlateau(y, kPlateauTolerance); };
    const auto found = locate(size_, rate_.repeats(batches_), rule);
    if (!found) {
      find(Standing::plain,
           fmt::format("Throughput has no plateau up to batch {}: the last step still gives {}",
                       modes_[last].batch, multiple(rate_.ratio(last - 1, last))),
           "the plateau rule", {last - 1, last});
      document_.recommendations.push_back(fmt::format(
          "Throughput still rises at batch {}: larger batches would have to be measured before "
          "one is called best",
          modes_[last].batch));
      return;
    }
    find(
        found->stable() ? Standing::plain : Standing::inconclusive,
        fmt::format("Throughput is flat from batch {:.0f} on: no larger one adds more than {:.0f}% "
                    "({} of {} repeats put it there or beside)",
                    found->x, 100 * kPlateauTolerance, found->agreeing, found->repeats),
        "the plateau rule", {found->index});
    document_.recommendations.push_back(fmt::format(
        "Batch up to {:.0f} operations and no more: beyond it a batch adds waiting and no "
        "throughput",
        found->x));
  }

  void climb() {
    const std::size_t last = batches_ - 1;
    const auto rule = [](std::span<const double> y) { return findClimb(y, kClimbFactor); };
    const auto found = locate(size_, p99_.repeats(batches_), rule);
    if (!found)
      return find(
          Standing::contradicts,
          fmt::format("p99 does not climb up to batch {}: {} against {} one at a time",
                      modes_[last].batch, words(p99_.of(last), "us"), words(p99_.of(0), "us")),
          "the climb rule", {0, last});
    const Estimate ratio = p99_.ratio(0, last);
    find(found->stable() ? Standing::expected : Standing::inconclusive,
         fmt::format("p99 climbs from batch {:.0f} on: {} there against {} one at a time, and {} "
                     "of that at batch {}. An operation waits for those of its batch and for the "
                     "other connections' batches before it",
                     found->x, words(p99_.of(found->index), "us"), words(p99_.of(0), "us"),
                     multiple(ratio), modes_[last].batch),
         "the climb rule", {0, found->index});
    document_.costs.push_back(
        fmt::format("A batch is paid in latency: at batch {} p99 is {} of that one at a time",
                    modes_[last].batch, multiple(ratio)));
  }

  void noise() {
    const auto zero = plain(0);
    const auto one = plain(1);
    if (!zero || !one) return;
    const Estimate ratio = rate_.ratio(*zero, *one);
    const Difference difference = judgeRatio(ratio, kSameWithin);
    find(difference == Difference::differs ? Standing::problem : Standing::plain,
         fmt::format("Control: batches of 0 and of 1 are the same on the wire, and 1 ÷ 0 is {} "
                     "({}). Differences of that size mean nothing here",
                     multiple(ratio), differenceName(difference)),
         "achieved rates of the two", {*zero, *one});
  }

  void transactions() {
    for (std::size_t i = batches_; i < modes_.size(); ++i) {
      const auto same = plain(modes_[i].batch);
      if (!same || !rate_.has(i)) continue;
      const Estimate ratio = rate_.ratio(*same, i);
      find(standingOf(ratio, false),
           fmt::format("MULTI of {} runs at {} of the same batch without it, p99 {} against {}: "
                       "Redis queues each command and runs all at EXEC, and two more commands go "
                       "along",
                       modes_[i].batch, multiple(ratio), words(p99_.of(i), "us"),
                       words(p99_.of(*same), "us")),
           "achieved rates and response times", {*same, i});
      document_.costs.push_back(fmt::format("Atomic batches of {} run at {} of plain ones",
                                            modes_[i].batch, multiple(ratio)));
    }
  }

  const Parameters& p_;
  ExperimentDocument& document_;
  std::vector<Mode> modes_;
  std::size_t batches_;  ///< of the modes, the first: those that are no transactions
  Conditions runs_;
  Column rate_, p99_;
  std::vector<double> size_;  ///< batch sizes, 0 as 1
};

void hotKey(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  const auto modes = hotModes(p);
  // All keys and one key as one set of conditions, 2i and 2i + 1, so that they share a spread.
  std::vector<Labels> labels;
  for (std::size_t i = 0; i < modes.size(); ++i) {
    labels.push_back(labelsOf("sweep", modes[i]));
    labels.push_back(labelsOf("hot", modes[i]));
  }
  const Conditions runs(readings, labels);
  const Column rate = runs.column(rateOf);
  LabTable table{.title = "One hot key",
                 .head = {"sent as", "all operations on one key", "spread over all keys",
                          "one key ÷ all", "main thread busy (one key)"},
                 .rows = {},
                 .note =
                     "Operations/s. The main thread is the limit of either: a key has one "
                     "shard, and a shard one thread."};
  for (std::size_t i = 0; i < modes.size(); ++i)
    table.rows.push_back({{modes[i].words, words(rate.of(2 * i + 1), "ops/s"),
                           words(rate.of(2 * i), "ops/s"), multiple(rate.ratio(2 * i, 2 * i + 1)),
                           formatShare(runs.mean(2 * i + 1, mainThreadBusy))},
                          runs.names({2 * i + 1})});
  document.tables.push_back(std::move(table));
  const std::size_t first = 1;
  const std::size_t last = runs.size() - 1;
  if (!rate.has(first) || !rate.has(last) || !rate.has(last - 1)) return;
  constexpr double kSaturated = 0.9;
  addFinding(
      document,
      runs.mean(last, mainThreadBusy) > kSaturated ? Standing::expected : Standing::inconclusive,
      fmt::format(
          "Pipelining does nothing for a hot key as such: in {} one key takes {} where all "
          "keys together take {} ({}), with the main thread {} busy. Batches remove system "
          "calls, which both pay; the key stays on one thread, and no further shard would "
          "carry any of it{}",
          modes.back().words, words(rate.of(last), "ops/s"), words(rate.of(last - 1), "ops/s"),
          multiple(rate.ratio(last - 1, last)), formatShare(runs.mean(last, mainThreadBusy)),
          rate.ratio(last - 1, last).low > 1 ? ". What one key has ahead of many is the CPU's cache"
                                             : ""),
      "achieved rates with -keys=1 and with all keys", runs.names({first, last}));
}

void beside(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  const auto all = neighbours(p);
  std::vector<Labels> labels;
  for (const Neighbour& one : all) labels.push_back({{"part", "beside"}, {"neighbour", one.name}});
  const Conditions runs(readings, labels);
  const Column p50 = runs.column(latency("p50"));
  const Column p99 = runs.column(latency("p99"));
  const Column rate = runs.column([](const Reading& r) { return achievedRate(r, 1); });
  LabTable table{
      .title = fmt::format("{} per-command connections beside one that sends batches",
                           p.text("victims")),
      .head = {"neighbour", "neighbour's ops/s", "p50 of the others", "p99 of the others",
               "p99 ÷ alone", "main thread busy"},
      .rows = {},
      .note = fmt::format("The others send {}/s together, Poisson arrivals, one command at a time. "
                          "Both generators share a core, so read the rows against each other: "
                          "equal rates in small and in large batches.",
                          p.text("victim-rate"))};
  for (std::size_t i = 0; i < all.size(); ++i)
    table.rows.push_back(
        {{all[i].words, i == 0 ? "–" : words(rate.of(i), "ops/s"), words(p50.of(i), "us"),
          words(p99.of(i), "us"), i == 0 ? "1×" : multiple(p99.ratio(0, i)),
          formatShare(runs.mean(i, mainThreadBusy))},
         runs.names({i})});
  document.tables.push_back(std::move(table));
  const std::size_t small = 1;
  const std::size_t large = all.size() - 2;
  const std::size_t greedy = all.size() - 1;
  const auto sizes = p.numbers("neighbour-batches");
  if (small != large && p99.has(small) && p99.has(large)) {
    const Standing standing = standingOf(p99.ratio(small, large), true);
    addFinding(
        document, standing,
        fmt::format("{}: at the same rate, batches of {:.0f} in place of {:.0f} on one connection "
                    "put the other connections' p99 from {} to {}: {}. Redis executes all that one "
                    "read brought before it turns to the next connection",
                    standing == Standing::expected      ? "Large batches starve their neighbours"
                    : standing == Standing::contradicts ? "Large batches spare their neighbours"
                                                        : "Whether large batches starve their "
                                                          "neighbours is not decided",
                    sizes.back(), sizes.front(), words(p99.of(small), "us"),
                    words(p99.of(large), "us"), multiple(p99.ratio(small, large))),
        "response times of the per-command connections", runs.names({small, large}), true);
  }
  if (p99.has(greedy) && p99.has(0) && rate.has(greedy))
    addFinding(
        document, Standing::plain,
        fmt::format("As fast as it can, that one connection takes {} and leaves the others p50 {} "
                    "and p99 {}, against {} and {} alone",
                    words(rate.of(greedy), "ops/s"), words(p50.of(greedy), "us"),
                    words(p99.of(greedy), "us"), words(p50.of(0), "us"), words(p99.of(0), "us")),
        "response times and rates of the two drives", runs.names({0, greedy}));
}

void analyse(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Sweep(p, readings, document).analyse();
  hotKey(p, readings, document);
  analyseLarge(p, readings, document);
  analyseOpen(p, readings, document);
  beside(p, readings, document);
  document.method.push_back(fmt::format(
      "Plateau: the first batch that no later one exceeds by more than {:.0f}%. Climb of p99: the "
      "first batch from which on p99 stays above {:.1f} times the lowest before it. Conditions "
      "were "
      "run in turn, every second round backwards",
      100 * kPlateauTolerance, kClimbFactor));
}

}  // namespace

Experiment pipeliningExperiment() {
  Experiment experiment;
  experiment.name = "pipelining";
  experiment.title = "What batches and MULTI buy, and whom they starve";
  experiment.question =
      "The same reads and writes are sent one at a time, in batches, and as transactions. Where "
      "does "
      "throughput stop growing, where does p99 start to, and why? What do batches do for one hot "
      "key, and to connections that do not batch?";
  experiment.parameters = {
      {.name = "keys", .kind = ParameterKind::count, .help = "keys of the data set"},
      {.name = "value-size", .kind = ParameterKind::size, .help = "bytes of a value"},
      {.name = "conns", .kind = ParameterKind::count, .help = "connections of the sweep"},
      {.name = "rw-ratio", .kind = ParameterKind::share, .help = "share of reads"},
      {.name = "warmup", .kind = ParameterKind::duration, .help = "sent before, not measured"},
      {.name = "duration", .kind = ParameterKind::duration, .help = "measured time of a point"},
      {.name = "batches",
       .kind = ParameterKind::count,
       .list = true,
       .help = "batch sizes, ascending; 0 and 1 are the noise control"},
      {.name = "tx-batches",
       .kind = ParameterKind::count,
       .list = true,
       .help = "operations in a MULTI"},
      {.name = "large-value", .kind = ParameterKind::size, .help = "bytes of a large value"},
      {.name = "large-keys", .kind = ParameterKind::count, .help = "keys with large values"},
      {.name = "large-batches",
       .kind = ParameterKind::count,
       .list = true,
       .help = "batch sizes with large values, small to large"},
      {.name = "open-share",
       .kind = ParameterKind::share,
       .help = "rate of the open model, of what one at a time can do"},
      {.name = "open-batches",
       .kind = ParameterKind::count,
       .list = true,
       .help = "batch sizes in the open model"},
      {.name = "open-wait",
       .kind = ParameterKind::duration,
       .help = "longest that a batch waits until it is full"},
      {.name = "open-duration",
       .kind = ParameterKind::duration,
       .help = "measured time of a point in the open model"},
      {.name = "hot-batches",
       .kind = ParameterKind::count,
       .list = true,
       .help = "batch sizes on one hot key"},
      {.name = "victims",
       .kind = ParameterKind::count,
       .help = "per-command connections beside one that sends batches"},
      {.name = "victim-rate",
       .kind = ParameterKind::count,
       .help = "operations a second of all of them"},
      {.name = "neighbour-rate",
       .kind = ParameterKind::count,
       .help = "operations a second of the one connection"},
      {.name = "neighbour-batches",
       .kind = ParameterKind::count,
       .list = true,
       .help = "its batch sizes, small and large"},
      {.name = "beside-duration",
       .kind = ParameterKind::duration,
       .help = "measured time of a point with two drives"},
  };
  experiment.check = check;
  experiment.plan = plan;
  experiment.analyse = analyse;
  return experiment;
}

}  // namespace redline
