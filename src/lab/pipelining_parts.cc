#include "lab/pipelining_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/units.h"
#include "lab/compare.h"
#include "lab/measures.h"
#include "lab/words.h"
#include "model/statistics.h"

namespace redline::pipelining {
namespace {

/// How a batch is closed in the open model.
struct OpenMode {
  Mode mode;
  bool filled = false;  ///< operations wait until the batch is full, `open-wait` at the longest

  std::string name() const { return mode.name + (filled ? "-filled" : "-due"); }
  std::string words() const {
    if (mode.batch <= 1) return mode.words;
    return filled ? fmt::format("batch {}, sent when full", mode.batch)
                  : fmt::format("up to {} that are due, nobody waits", mode.batch);
  }
  Labels labels() const { return {{"part", "open"}, {"mode", name()}}; }
};

/// One at a time first, then every batch both ways.
std::vector<OpenMode> openModes(const Parameters& p) {
  std::vector<OpenMode> modes{{batchMode(0), false}};
  for (const bool filled : {false, true})
    for (const double batch : p.numbers("open-batches"))
      modes.push_back({batchMode(batch), filled});
  return modes;
}

LabRun openRun(const Parameters& p, const OpenMode& open, unsigned repeat) {
  Flags flags = joinFlags(
      {dataSet(p),
       {"-arrivals=poisson", "-conns=" + p.text("conns"), "-rw-ratio=" + p.text("rw-ratio"),
        "-warmup=" + p.text("warmup"), "-duration=" + p.text("open-duration"), "-interval=100ms"},
       open.mode.flags()});
  if (open.filled) flags.push_back("-batch-wait=" + p.text("open-wait"));
  LabRun run{.name = fmt::format("open-{}-r{}", open.name(), repeat),
             .labels = open.labels(),
             .stack = "plain",
             .drives = {{.name = "", .flags = flags}},
             .expectedS = p.seconds("warmup") + p.seconds("open-duration") + 0.4};
  run.labels.emplace_back("repeat", std::to_string(repeat));
  run.drives.front().decide = [share = p.number("open-share"),
                               flags](const Readings& soFar) -> std::optional<Flags> {
    const auto ceilings = figuresOf(believedOf(soFar.with(labelsOf("sweep", batchMode(0)))),
                                    [](const Reading& r) { return achievedRate(r); });
    if (ceilings.empty()) return std::nullopt;
    return joinFlags({flags, {fmt::format("-rate={:.0f}", share * meanOf(ceilings))}});
  };
  return run;
}

}  // namespace

Flags Mode::flags() const {
  Flags flags{fmt::format("-pipeline={}", batch)};
  if (transaction) flags.emplace_back("-tx");
  return flags;
}

Mode batchMode(double batch) {
  const auto n = static_cast<unsigned>(batch);
  return {fmt::format("b{}", n), n == 0 ? "one at a time (0)" : fmt::format("batch {}", n),
          fmt::format("{}", n), n, false};
}

Mode transactionMode(double batch) {
  const auto n = static_cast<unsigned>(batch);
  return {fmt::format("tx{}", n), fmt::format("MULTI of {}", n), fmt::format("MULTI {}", n), n,
          true};
}

Labels labelsOf(std::string_view part, const Mode& mode) {
  return {{"part", std::string(part)}, {"mode", mode.name}};
}

Flags dataSet(const Parameters& p) {
  return {"-keys=" + p.text("keys"), "-value-size=" + p.text("value-size"), "-ttl-frac=0"};
}

LabRun closedRun(const Parameters& p, std::string_view part, const Mode& mode, unsigned repeat,
                 const Flags& keys) {
  LabRun run{
      .name = fmt::format("{}-{}-r{}", part, mode.name, repeat),
      .labels = labelsOf(part, mode),
      .stack = "plain",
      .drives = {{"", joinFlags({keys,
                                 {"-rate=max", "-conns=" + p.text("conns"),
                                  "-rw-ratio=" + p.text("rw-ratio"), "-warmup=" + p.text("warmup"),
                                  "-duration=" + p.text("duration")},
                                 mode.flags()})}}};
  run.labels.emplace_back("repeat", std::to_string(repeat));
  return run;
}

// Large values.

namespace {

Flags largeDataSet(const Parameters& p) {
  return {"-keys=" + p.text("large-keys"), "-value-size=" + p.text("large-value"), "-ttl-frac=0"};
}

}  // namespace

LabStack largeStack(const Parameters& p) {
  return {.name = "large", .up = {"node"}, .load = largeDataSet(p), .prepare = {}};
}

std::vector<LabRun> largeRuns(const Parameters& p) {
  const auto batches = p.numbers("large-batches");
  return interleaved(batches.size(), p.repeats(), [&](std::size_t i, unsigned repeat) {
    LabRun run = closedRun(p, "large", batchMode(batches[i]), repeat, largeDataSet(p));
    run.stack = "large";
    return run;
  });
}

void analyseLarge(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  const auto batches = p.numbers("large-batches");
  std::vector<Labels> labels;  // 2i small, 2i + 1 large
  for (const double batch : batches) {
    labels.push_back(labelsOf("sweep", batchMode(batch)));
    labels.push_back(labelsOf("large", batchMode(batch)));
  }
  const Conditions runs(readings, labels);
  const Column rate = runs.column([](const Reading& r) { return achievedRate(r); });
  const Column p99 = runs.column(latency("p99"));
  const std::string small = formatSize(p.size("value-size"));
  const std::string large = formatSize(p.size("large-value"));
  LabTable table{.title = fmt::format("Batches of {} and of {}", small, large),
                 .head = {"sent as", "ops/s, " + small, "ops/s, " + large, "large ÷ small",
                          "p99, " + small, "p99, " + large, "kernel µs per command, " + large,
                          "generator busy, " + large, "valid runs, " + large},
                 .rows = {},
                 .note = "The same sweep, as fast as replies allow."};
  for (std::size_t i = 0; i < batches.size(); ++i)
    table.rows.push_back(
        {{batchMode(batches[i]).words, words(rate.of(2 * i), "ops/s"),
          words(rate.of(2 * i + 1), "ops/s"), multiple(rate.ratio(2 * i, 2 * i + 1)),
          words(p99.of(2 * i), "us"), words(p99.of(2 * i + 1), "us"),
          decimals(runs.mean(2 * i + 1, kernelUsPerCommand)),
          formatShare(runs.mean(2 * i + 1, generatorBusy)),
          fmt::format("{} of {}", runs.valid(2 * i + 1), runs.runs(2 * i + 1).size())},
         runs.names({2 * i + 1})});
  document.tables.push_back(std::move(table));
  const std::size_t last = 2 * batches.size() - 1;
  if (batches.size() < 2 || !rate.has(0) || !rate.has(1) || !rate.has(last - 1) || !rate.has(last))
    return;
  const Estimate winSmall = rate.ratio(0, last - 1);
  const Estimate winLarge = rate.ratio(1, last);
  addFinding(
      document,
      winLarge.high < winSmall.low   ? Standing::expected
      : winLarge.low > winSmall.high ? Standing::contradicts
                                     : Standing::inconclusive,
      fmt::format("Batches of {:.0f} raise throughput to {} with values of {} and to {} with "
                  "values of {}: what a batch saves is system calls, and bytes cost what they "
                  "cost",
                  batches.back(), multiple(winSmall), small, multiple(winLarge), large),
      "achieved rates in the closed model", runs.names({1, last}));
}

// The open model.

std::vector<LabRun> openRuns(const Parameters& p) {
  const auto modes = openModes(p);
  return interleaved(modes.size(), p.repeats(),
                     [&](std::size_t i, unsigned repeat) { return openRun(p, modes[i], repeat); });
}

void analyseOpen(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  const auto modes = openModes(p);
  std::vector<Labels> labels;
  for (const OpenMode& mode : modes) labels.push_back(mode.labels());
  const Conditions runs(readings, labels);
  const Column rate = runs.column([](const Reading& r) { return achievedRate(r); });
  const Column p50 = runs.column(latency("p50"));
  const Column p99 = runs.column(latency("p99"));
  LabTable table{
      .title = fmt::format("At one rate, {} of what one at a time can do",
                           formatShare(p.number("open-share"))),
      .head = {"sent as", "ops/s", "p50", "p99", "p99 ÷ one at a time", "mean batch",
               "main thread busy", "valid runs"},
      .rows = {},
      .note = fmt::format("Poisson arrivals; response time from the moment that an operation was "
                          "due. A batch that is not full is sent after {}.",
                          p.text("open-wait"))};
  LabPlot plot{.id = "open-p99",
               .title = "p99 at one rate, by batch size",
               .description =
                   "Open model below the ceiling: what a batch costs while nothing is "
                   "short. Bars are the intervals.",
               .x = {"operations in a batch, at most", AxisKind::names, {}},
               .y = {"p99", AxisKind::latency, {}},
               .series = {{"send what is due", {}}, {"wait until full", {}}},
               .spans = {},
               .marks = {}};
  for (std::size_t i = 0; i < modes.size(); ++i) {
    if (!p99.has(i)) continue;
    table.rows.push_back(
        {{modes[i].words(), words(rate.of(i), "ops/s"), words(p50.of(i), "us"),
          words(p99.of(i), "us"), i == 0 ? "1×" : multiple(p99.ratio(0, i)),
          decimals(runs.mean(i, meanBatch)), formatShare(runs.mean(i, mainThreadBusy)),
          fmt::format("{} of {}", runs.valid(i), runs.runs(i).size())},
         runs.names({i})});
    addFigure(document, "p99 in the open model, " + modes[i].words(), "us", p99.of(i));
    auto& names = plot.x.names;
    const auto place = std::ranges::find(names, modes[i].mode.axis) - names.begin();
    if (place == std::ssize(names)) names.push_back(modes[i].mode.axis);
    plot.series[modes[i].filled ? 1 : 0].points.push_back(
        pointOf(static_cast<double>(place), p99.of(i)));
  }
  if (table.rows.empty()) return;
  document.tables.push_back(std::move(table));
  document.plots.push_back(std::move(plot));
  const std::size_t filled = modes.size() - 1;
  const std::size_t due = filled - p.numbers("open-batches").size();
  if (!p99.has(0) || !p99.has(due) || !p99.has(filled)) return;
  const double batch = modes[filled].mode.batch;
  const double fillUs = batch / rate.of(filled).value * 1e6;
  const Standing standing = standingOf(p99.ratio(due, filled), true);
  addFinding(
      document, standing,
      fmt::format(
          "Below the ceiling, at {}, p99 is {} one at a time, {} when up to {:.0f} that are "
          "due go together, and {} when a batch waits until it is full ({} to gather {:.0f}): {}",
          words(rate.of(0), "ops/s"), words(p99.of(0), "us"), words(p99.of(due), "us"), batch,
          words(p99.of(filled), "us"), formatQuantity(fillUs, "us"), batch,
          standing == Standing::expected
              ? fmt::format("waiting for a batch is paid in latency{}",
                            p99.ratio(0, due).low <= 1 ? ", sending what is due is not" : "")
          : standing == Standing::contradicts
              ? "here full batches save the server more than waiting for them costs"
              : "what waiting for a batch costs is not decided by these runs"),
      "response times with Poisson arrivals at one rate", runs.names({0, due, filled}), true);
  if (standing != Standing::expected) return;
  document.recommendations.push_back(fmt::format(
      "Below the ceiling send what is due and do not wait for a batch to fill: at {} waiting makes "
      "{} of p99",
      words(rate.of(0), "ops/s"), multiple(p99.ratio(due, filled))));
}

}  // namespace redline::pipelining
