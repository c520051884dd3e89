#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/measures.h"
#include "lab/words.h"
#include "model/curve.h"
#include "model/pooled.h"

namespace redline {
namespace {

constexpr double kPlateauTolerance = 0.05;
constexpr double kClimbFactor = 1.5;
constexpr double kSameWithin = 0.05;

/// One way to send operations.
struct Mode {
  std::string name;   ///< "b16", "tx16": the label
  std::string words;  ///< "batch 16", "MULTI of 16"
  std::string axis;   ///< "16", "MULTI 16"
  unsigned batch = 0;
  bool transaction = false;

  Flags flags() const {
    Flags flags{fmt::format("-pipeline={}", batch)};
    if (transaction) flags.emplace_back("-tx");
    return flags;
  }
};

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

Flags dataSet(const Parameters& p) {
  return {"-keys=" + p.text("keys"), "-value-size=" + p.text("value-size"), "-ttl-frac=0"};
}

Flags joined(std::initializer_list<Flags> parts) {
  Flags all;
  for (const Flags& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

LabRun closedRun(const Parameters& p, std::string_view part, const Mode& mode, unsigned repeat,
                 const Flags& keys) {
  return {.name = fmt::format("{}-{}-r{}", part, mode.name, repeat),
          .labels = {{"part", std::string(part)},
                     {"mode", mode.name},
                     {"repeat", std::to_string(repeat)}},
          .stack = "plain",
          .drives = {{"", joined({keys,
                                  {"-rate=max", "-conns=" + p.text("conns"),
                                   "-rw-ratio=" + p.text("rw-ratio"), "-warmup=" + p.text("warmup"),
                                   "-duration=" + p.text("duration")},
                                  mode.flags()})}}};
}

LabRun besideRun(const Parameters& p, const Neighbour& neighbour, unsigned repeat) {
  const Flags window{"-warmup=" + p.text("warmup"), "-duration=" + p.text("beside-duration"),
                     "-rw-ratio=" + p.text("rw-ratio")};
  const bool two = !neighbour.flags.empty();
  LabRun run{.name = fmt::format("beside-{}-r{}", neighbour.name, repeat),
             .labels = {{"part", "beside"},
                        {"neighbour", neighbour.name},
                        {"repeat", std::to_string(repeat)}},
             .stack = "plain",
             .drives = {{two ? "victims" : "",
                         joined({dataSet(p),
                                 window,
                                 {"-rate=" + p.text("victim-rate"), "-arrivals=poisson",
                                  "-conns=" + p.text("victims")}})}}};
  // Its own draws: with the same ones it would warm the keys that the others read next.
  if (two)
    run.drives.push_back(
        {"neighbour", joined({dataSet(p), window, neighbour.flags, {"-conns=1", "-run-seed=2"}})});
  return run;
}

Result<ExperimentPlan> plan(const Parameters& p) {
  ExperimentPlan plan;
  plan.stacks = {{.name = "plain", .up = {"node"}, .load = dataSet(p), .prepare = {}}};
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
  return {};
}

/// One figure of each condition: its repeats, and what they say together.
struct Column {
  std::vector<std::vector<double>> values;
  Pooled pooled;
  explicit Column(std::vector<std::vector<double>> of) : values(std::move(of)), pooled(values) {}
  Estimate of(std::size_t i) const { return pooled.of(i); }
  std::vector<double> curve(std::size_t count) const {
    std::vector<double> y;
    for (std::size_t i = 0; i < count; ++i) y.push_back(of(i).value);
    return y;
  }
};

class Analysis {
 public:
  Analysis(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : p_(p), readings_(readings), document_(document), modes_(sweepModes(p)) {}

  void all() {
    sweep();
    hotKey();
    beside();
    document_.method.push_back(fmt::format(
        "Plateau: the first batch that no later one exceeds by more than {:.0f}%. Climb of p99: "
        "the "
        "first batch from which on p99 stays above {:.1f} times the lowest before it. Conditions "
        "were run in turn, every second round backwards",
        100 * kPlateauTolerance, kClimbFactor));
  }

 private:
  std::vector<const Reading*> at(std::string_view part, const std::string& mode) const {
    return readings_.with({{"part", std::string(part)}, {"mode", mode}});
  }

  Column column(std::string_view part, const std::vector<Mode>& modes,
                const Measurement& measurement) const {
    std::vector<std::vector<double>> values;
    for (const Mode& mode : modes) values.push_back(figuresOf(at(part, mode.name), measurement));
    return Column(std::move(values));
  }

  static double mean(const std::vector<const Reading*>& runs,
                     double (*measurement)(const Reading&)) {
    const auto values = figuresOf(runs, measurement);
    return values.empty() ? kNothing : meanOf(values);
  }

  std::optional<std::size_t> modeIndex(std::string_view name) const {
    const auto found = std::ranges::find(modes_, name, &Mode::name);
    if (found == modes_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - modes_.begin());
  }

  std::size_t batchCount() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(modes_, [](const Mode& mode) { return !mode.transaction; }));
  }

  std::vector<std::string> runsOf(std::string_view part,
                                  std::initializer_list<std::size_t> modes) const {
    std::vector<std::string> names;
    for (const std::size_t i : modes)
      std::ranges::move(namesOf(at(part, modes_[i].name)), std::back_inserter(names));
    return names;
  }

  void find(Standing standing, std::string text, std::string from, std::vector<std::string> runs,
            bool headline = false) {
    document_.findings.push_back(
        {standing, std::move(text), std::move(from), headline, std::move(runs)});
  }

  void sweep() {
    const Column rate = column("sweep", modes_, [](const Reading& r) { return achievedRate(r); });
    const Column p50 = column("sweep", modes_, latency("p50"));
    const Column p99 = column("sweep", modes_, latency("p99"));
    sweepTable(rate, p50, p99);
    sweepPlots(rate, p99);
    // Without every batch there is no curve, and half a curve would have its knee elsewhere.
    for (std::size_t i = 0; i < batchCount(); ++i)
      if (rate.of(i).count == 0)
        return find(
            Standing::problem,
            fmt::format("{} was not measured, so nothing is said of the curve", modes_[i].words),
            "the runs that failed", {});
    win(rate);
    why();
    plateau(rate);
    climb(p99);
    noise(rate);
    transactions(rate, p99);
    document_.method.push_back(intervalNote(rate.of(0)));
  }

  void sweepTable(const Column& rate, const Column& p50, const Column& p99) {
    LabTable table{
        .title = "Batch size, as fast as replies allow",
        .head = {"sent as", "ops/s", "p50", "p99", "main thread busy", "commands per read",
                 "kernel µs per command", "Redis µs per command", "generator busy", "valid runs"},
        .rows = {},
        .note =
            fmt::format("{} connections, {} of reads. Main-thread CPU is split into the kernel's "
                        "part (reading and writing sockets) and Redis's own.",
                        p_.text("conns"), formatShare(p_.number("rw-ratio")))};
    for (std::size_t i = 0; i < modes_.size(); ++i) {
      const auto runs = at("sweep", modes_[i].name);
      const auto valid = std::ranges::count_if(
          runs, [](const Reading* r) { return r->summary() != nullptr && r->summary()->valid; });
      const auto us = [&](double (*m)(const Reading&)) {
        const double value = mean(runs, m);
        return std::isfinite(value) ? fmt::format("{:.2f}", value) : std::string("–");
      };
      table.rows.push_back(
          {{modes_[i].words, words(rate.of(i), "ops/s"), words(p50.of(i), "us"),
            words(p99.of(i), "us"), formatShare(mean(runs, mainThreadBusy)), us(commandsPerRead),
            us(kernelUsPerCommand), us(userUsPerCommand), formatShare(mean(runs, generatorBusy)),
            fmt::format("{} of {}", valid, runs.size())},
           namesOf(runs)});
    }
    document_.tables.push_back(std::move(table));
  }

  LabPlot sweepPlot(std::string id, std::string title, LabAxis y, const Column& column) const {
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

  void sweepPlots(const Column& rate, const Column& p99) {
    LabPlot plot = sweepPlot("batch-rate", "Throughput by batch size",
                             {"operations/s", AxisKind::count, {}}, rate);
    plot.description =
        "Closed model: each connection sends its next batch when the last is answered. Bars are "
        "the "
        "intervals.";
    document_.plots.push_back(std::move(plot));
    plot = sweepPlot("batch-p99", "p99 by batch size", {"p99", AxisKind::latency, {}}, p99);
    plot.description =
        "Response time of single operations; one that is sent in a batch waits for those before "
        "it.";
    document_.plots.push_back(std::move(plot));
  }

  void win(const Column& rate) {
    const auto curve = rate.curve(batchCount());
    const auto top = static_cast<std::size_t>(std::ranges::max_element(curve) - curve.begin());
    const Estimate ratio = rate.pooled.ratio(0, top);
    find(ratio.low > 1 && ratio.hasInterval() ? Standing::expected : Standing::inconclusive,
         fmt::format("Pipelining raises one shard from {} to {} with batches of {}: {}",
                     words(rate.of(0), "ops/s"), words(rate.of(top), "ops/s"), modes_[top].batch,
                     multiple(ratio)),
         "achieved rates in the closed model", runsOf("sweep", {0, top}), true);
  }

  void why() {
    const std::size_t last = batchCount() - 1;
    const auto single = at("sweep", modes_[0].name);
    const auto batched = at("sweep", modes_[last].name);
    const double kernel0 = mean(single, kernelUsPerCommand);
    const double kernel1 = mean(batched, kernelUsPerCommand);
    const double user0 = mean(single, userUsPerCommand);
    const double user1 = mean(batched, userUsPerCommand);
    if (!std::isfinite(kernel0 + kernel1 + user0 + user1)) return;
    const double saved = (kernel0 + user0) - (kernel1 + user1);
    find(
        kernel0 - kernel1 > saved / 2 ? Standing::expected : Standing::contradicts,
        fmt::format(
            "The win is system calls: of {:.2f} µs of main-thread CPU for each command sent alone, "
            "{:.2f} µs are the kernel's; in batches of {} these are {:.2f} µs, because one read "
            "brings {:.1f} commands in place of {:.1f}. What Redis itself spends on a command goes "
            "from {:.2f} to {:.2f} µs; the command's own execution ({:.2f} µs by commandstats) is "
            "not made faster",
            kernel0 + user0, kernel0, modes_[last].batch, kernel1, mean(batched, commandsPerRead),
            mean(single, commandsPerRead), user0, user1, mean(batched, executionUsPerCommand)),
        "used_cpu_{sys,user}_main_thread, total_reads_processed and commandstats of INFO",
        runsOf("sweep", {0, last}), true);
  }

  void plateau(const Column& rate) {
    const std::size_t count = batchCount();
    std::vector<double> x;
    for (std::size_t i = 0; i < count; ++i) x.push_back(std::max(1U, modes_[i].batch));
    const auto rule = [](std::span<const double> y) { return findPlateau(y, kPlateauTolerance); };
    const auto found = locate(x, repeats(rate, count), rule);
    if (!found) {
      find(Standing::plain,
           fmt::format("Throughput has no plateau up to batch {}: the last step still adds {}",
                       modes_[count - 1].batch, multiple(rate.pooled.ratio(count - 2, count - 1))),
           "the plateau rule", runsOf("sweep", {count - 2, count - 1}));
      document_.recommendations.push_back(fmt::format(
          "Throughput still rises at batch {}: larger batches would have to be measured before one "
          "is called best",
          modes_[count - 1].batch));
      return;
    }
    find(
        found->stable() ? Standing::plain : Standing::inconclusive,
        fmt::format("Throughput is flat from batch {:.0f} on: no larger one adds more than {:.0f}% "
                    "({} of {} repeats put it there or beside)",
                    found->x, 100 * kPlateauTolerance, found->agreeing, found->repeats),
        "the plateau rule", runsOf("sweep", {found->index}));
    document_.recommendations.push_back(fmt::format(
        "Batch up to {:.0f} operations and no more: beyond it a batch adds waiting and no "
        "throughput",
        found->x));
  }

  /// The curves of single repeats, for those repeats in which every batch was measured.
  std::vector<std::vector<double>> repeats(const Column& column, std::size_t count) const {
    std::size_t whole = p_.repeats();
    for (std::size_t i = 0; i < count; ++i) whole = std::min(whole, column.values[i].size());
    std::vector<std::vector<double>> curves;
    for (std::size_t repeat = 0; repeat < whole; ++repeat) {
      std::vector<double> curve;
      for (std::size_t i = 0; i < count; ++i) curve.push_back(column.values[i][repeat]);
      curves.push_back(std::move(curve));
    }
    return curves;
  }

  void climb(const Column& p99) {
    const std::size_t count = batchCount();
    std::vector<double> x;
    for (std::size_t i = 0; i < count; ++i) x.push_back(std::max(1U, modes_[i].batch));
    const auto rule = [](std::span<const double> y) { return findClimb(y, kClimbFactor); };
    const auto found = locate(x, repeats(p99, count), rule);
    if (!found) {
      find(Standing::contradicts,
           fmt::format("p99 does not climb up to batch {}: {} against {} one at a time",
                       modes_[count - 1].batch, words(p99.of(count - 1), "us"),
                       words(p99.of(0), "us")),
           "the climb rule", runsOf("sweep", {0, count - 1}));
      return;
    }
    const Estimate ratio = p99.pooled.ratio(0, count - 1);
    find(
        found->stable() ? Standing::expected : Standing::inconclusive,
        fmt::format("p99 climbs from batch {:.0f} on: {} there against {} one at a time, and {} "
                    "times that at batch {}. An operation waits for those of its batch and for the "
                    "other connections' batches before it",
                    found->x, words(p99.of(found->index), "us"), words(p99.of(0), "us"),
                    fmt::format("{:.1f}", ratio.value), modes_[count - 1].batch),
        "the climb rule", runsOf("sweep", {0, found->index}));
    document_.costs.push_back(
        fmt::format("A batch is paid in latency: at batch {} p99 is {} of that one at a time",
                    modes_[count - 1].batch, multiple(ratio)));
  }

  void noise(const Column& rate) {
    const auto zero = modeIndex("b0");
    const auto one = modeIndex("b1");
    if (!zero || !one) return;
    const Estimate ratio = rate.pooled.ratio(*zero, *one);
    const Difference difference = judgeRatio(ratio, kSameWithin);
    find(difference == Difference::differs ? Standing::problem : Standing::plain,
         fmt::format(
             "Control: batches of 0 and of 1 are the same on the wire, and 1 ÷ 0 is {} ({}). "
             "Differences of that size mean nothing here",
             multiple(ratio), differenceName(difference)),
         "achieved rates of the two", runsOf("sweep", {*zero, *one}));
  }

  void transactions(const Column& rate, const Column& p99) {
    for (std::size_t i = batchCount(); i < modes_.size(); ++i) {
      const auto plain = modeIndex(fmt::format("b{}", modes_[i].batch));
      if (!plain || rate.of(i).count == 0) continue;
      const Estimate ratio = rate.pooled.ratio(*plain, i);
      const Difference difference = judgeRatio(ratio, kSameWithin);
      find(difference == Difference::inconclusive ? Standing::inconclusive
           : ratio.value < 1                      ? Standing::expected
                                                  : Standing::contradicts,
           fmt::format(
               "MULTI of {} runs at {} of the same batch without it ({}), p99 {} against {}: "
               "Redis queues each command and runs all at EXEC, and two more commands go "
               "along",
               modes_[i].batch, multiple(ratio), differenceName(difference), words(p99.of(i), "us"),
               words(p99.of(*plain), "us")),
           "achieved rates and response times", runsOf("sweep", {*plain, i}));
      document_.costs.push_back(
          fmt::format("Atomic batches of {} cost {} of the throughput of plain ones",
                      modes_[i].batch, formatShare(std::max(0.0, 1 - ratio.value))));
    }
  }

  void hotKey() {
    const auto modes = hotModes(p_);
    const Column hot = column("hot", modes, [](const Reading& r) { return achievedRate(r); });
    const Column all = column("sweep", modes, [](const Reading& r) { return achievedRate(r); });
    LabTable table{.title = "One hot key",
                   .head = {"sent as", "all operations on one key", "spread over all keys",
                            "one key ÷ all", "main thread busy (one key)"},
                   .rows = {},
                   .note =
                       "Operations/s. The main thread is the limit of either: a key has one "
                       "shard, and a shard one thread."};
    std::vector<std::vector<double>> both;
    for (std::size_t i = 0; i < modes.size(); ++i) {
      both.push_back(all.values[i]);
      both.push_back(hot.values[i]);
    }
    const Pooled pooled(both);
    for (std::size_t i = 0; i < modes.size(); ++i) {
      const auto runs = at("hot", modes[i].name);
      table.rows.push_back(
          {{modes[i].words, words(pooled.of(2 * i + 1), "ops/s"), words(pooled.of(2 * i), "ops/s"),
            multiple(pooled.ratio(2 * i, 2 * i + 1)), formatShare(mean(runs, mainThreadBusy))},
           namesOf(runs)});
    }
    document_.tables.push_back(std::move(table));
    const std::size_t last = modes.size() - 1;
    if (hot.of(0).count == 0 || hot.of(last).count == 0 || all.of(last).count == 0) return;
    const Estimate ratio = pooled.ratio(2 * last, 2 * last + 1);
    find(Standing::expected,
         fmt::format("Pipelining does nothing for a hot key as such: with {} one key takes {} and "
                     "all keys together take {} ({}), with the main thread {} busy. The batch "
                     "removes system calls, which both pay; the key stays on one thread, and no "
                     "further shard would carry any of it",
                     modes[last].words, words(hot.of(last), "ops/s"), words(all.of(last), "ops/s"),
                     multiple(ratio),
                     formatShare(mean(at("hot", modes[last].name), mainThreadBusy))),
         "achieved rates with -keys=1 and with all keys", namesOf(at("hot", modes[last].name)));
  }

  void beside() {
    const auto all = neighbours(p_);
    std::vector<std::vector<double>> p50s, p99s, rates;
    std::vector<std::vector<const Reading*>> runs;
    for (const Neighbour& one : all) {
      runs.push_back(readings_.with({{"part", "beside"}, {"neighbour", one.name}}));
      p50s.push_back(figuresOf(runs.back(), latency("p50")));
      p99s.push_back(figuresOf(runs.back(), latency("p99")));
      rates.push_back(figuresOf(runs.back(), [](const Reading& r) { return achievedRate(r, 1); }));
    }
    const Pooled p50(p50s), p99(p99s), rate(rates);
    LabTable table{.title = fmt::format("{} per-command connections beside one that sends batches",
                                        p_.text("victims")),
                   .head = {"neighbour", "neighbour's ops/s", "p50 of the others",
                            "p99 of the others", "p99 ÷ alone", "main thread busy"},
                   .rows = {},
                   .note = fmt::format(
                       "The others send {}/s together, Poisson arrivals, one command at a time. "
                       "Both generators share one core here, so read the rows against each "
                       "other: equal rates in small and in large batches.",
                       p_.text("victim-rate"))};
    for (std::size_t i = 0; i < all.size(); ++i)
      table.rows.push_back(
          {{all[i].words, i == 0 ? "–" : words(rate.of(i), "ops/s"), words(p50.of(i), "us"),
            words(p99.of(i), "us"), i == 0 ? "1×" : multiple(p99.ratio(0, i)),
            formatShare(mean(runs[i], mainThreadBusy))},
           namesOf(runs[i])});
    document_.tables.push_back(std::move(table));
    const std::size_t small = 1;
    const std::size_t large = all.size() - 2;
    if (small == large || p99.of(small).count == 0 || p99.of(large).count == 0) return;
    const Estimate ratio = p99.ratio(small, large);
    const Difference difference = judgeRatio(ratio, kSameWithin);
    find(
        difference == Difference::differs && ratio.value > 1 ? Standing::expected
        : difference == Difference::differs                  ? Standing::contradicts
                                                             : Standing::inconclusive,
        fmt::format("Large batches starve their neighbours: at the same rate, batches of {:.0f} in "
                    "place of {:.0f} on one connection put the other connections' p99 from {} to "
                    "{}: {}. Redis executes all that one read brought before it turns to the next "
                    "connection",
                    p_.numbers("neighbour-batches").back(), p_.numbers("neighbour-batches").front(),
                    words(p99.of(small), "us"), words(p99.of(large), "us"), multiple(ratio)),
        "response times of the per-command connections", namesOf(runs[large]), true);
    const std::size_t greedy = all.size() - 1;
    if (p99.of(greedy).count == 0) return;
    find(Standing::plain,
         fmt::format("As fast as it can, that one connection takes {} and leaves the others p50 {} "
                     "and p99 {}, against {} and {} alone",
                     words(rate.of(greedy), "ops/s"), words(p50.of(greedy), "us"),
                     words(p99.of(greedy), "us"), words(p50.of(0), "us"), words(p99.of(0), "us")),
         "response times and rates of the two drives", namesOf(runs[greedy]));
  }

  const Parameters& p_;
  const Readings& readings_;
  ExperimentDocument& document_;
  std::vector<Mode> modes_;
};

void analyse(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Analysis(p, readings, document).all();
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
