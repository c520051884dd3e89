// Ceilings, their bound, and the proof by ablation.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/units.h"
#include "lab/ceiling_parts.h"
#include "lab/words.h"

namespace redline::ceiling {
namespace {

/// A peer's runs, and the mean of a figure over them; not a number where there is none.
std::vector<const Reading*> peerRuns(const Readings& readings, std::string_view name) {
  return readings.with(labelsOf("peer", name));
}
double peerMean(const Readings& readings, std::string_view name, std::string_view figure) {
  const auto values =
      figuresOf(peerRuns(readings, name), [&](const Reading& r) { return r.figure(figure); });
  return values.empty() ? kNaN : meanOf(values);
}

class Ceilings {
 public:
  Ceilings(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : p_(p), readings_(readings), document_(document), closed_(p, readings) {}

  void all() {
    ceilings();
    if (closed_.rate.has(kSmall)) bound();
    if (closed_.rate.has(kSmall) && closed_.rate.has(kSmallBatch)) gap();
    ablations();
    document_.method.push_back(intervalNote(closed_.rate.of(kSmall)));
    document_.method.push_back(fmt::format(
        "The bound is named from busy shares (a thread that is busy {:.0f}% of the time or more is "
        "the limit) and proved by what changes when one thing does. On loopback no packet passes a "
        "network card, so the card cannot be the bound",
        100 * kSaturated));
  }

 private:
  void ceilings() {
    const Column p99 = closed_.runs.column(latency("p99"));
    LabTable table{.title = "Ceilings, as fast as replies allow",
                   .head = {"what", "ops/s", "p99", "main thread busy", "generator busy",
                            "kernel µs per command", "Redis µs per command", "execution µs",
                            "commands per read", "valid runs"},
                   .rows = {},
                   .note = fmt::format(
                       "{} connections. Main-thread CPU is split into the kernel's part (reading "
                       "and writing sockets) and Redis's own; execution is what commandstats has "
                       "of the latter.",
                       p_.text("conns"))};
    for (std::size_t i = 0; i < closed_.cases.size(); ++i)
      table.rows.push_back(
          {{closed_.cases[i].changed.empty()
                ? closed_.cases[i].words
                : fmt::format("{}, {}", closed_.cases[i].words, closed_.cases[i].changed),
            words(closed_.rate.of(i), "ops/s"), words(p99.of(i), "us"),
            formatShare(closed_.runs.mean(i, mainThreadBusy)),
            formatShare(closed_.runs.mean(i, generatorBusy)), decimals(closed_.kernelUs(i)),
            decimals(closed_.userUs(i)), decimals(closed_.runs.mean(i, executionUsPerCommand)),
            decimals(closed_.runs.mean(i, commandsPerRead)),
            fmt::format("{} of {}", closed_.runs.valid(i), closed_.runs.runs(i).size())},
           closed_.runs.names({i})});
    document_.tables.push_back(std::move(table));
    LabPlot plot{.id = "ceilings",
                 .title = "Ceilings and what moves them",
                 .description = "Highest rate in the closed model; bars are the intervals.",
                 .x = {"", AxisKind::names, {}},
                 .y = {"operations/s", AxisKind::count, {}},
                 .series = {{"per command", {}}, {fmt::format("batch {}", batchOf(p_)), {}}},
                 .spans = {},
                 .marks = {}};
    const auto name = [&](const Case& one) {
      if (!one.changed.empty()) return one.stack == "threads" ? one.changed : "Unix socket";
      return one.write ? std::string("SET") : sizeWords(p_, one.large);
    };
    for (std::size_t i = 0; i < closed_.cases.size(); ++i) {
      const std::string label = name(closed_.cases[i]);
      auto& names = plot.x.names;
      auto place = std::ranges::find(names, label) - names.begin();
      if (place == std::ssize(names)) names.push_back(label);
      plot.series[closed_.cases[i].batch == 0 ? 0 : 1].points.push_back(
          pointOf(static_cast<double>(place), closed_.rate.of(i)));
    }
    for (LabSeries& series : plot.series) series.line = false;
    document_.plots.push_back(std::move(plot));
    for (std::size_t i = kSmall; i <= kSet; ++i)
      addFigure(document_, "ceiling of " + closed_.cases[i].words, "ops/s", closed_.rate.of(i));
  }

  void bound() {
    const double kernelShare = closed_.kernelUs(kSmall) / closed_.mainUs(kSmall);
    const double execution = closed_.runs.mean(kSmall, executionUsPerCommand);
    addFinding(
        document_, closed_.serverIsLimit(kSmall) ? Standing::expected : Standing::problem,
        fmt::format(
            "One shard answers {} of GET {} per command. The bound is {}; {} of its time is "
            "the kernel's ({:.2f} of {:.2f} µs for a command), for one read and one write of "
            "a socket each, and {:.2f} µs is the command itself",
            words(closed_.rate.of(kSmall), "ops/s"), sizeWords(p_, false), closed_.limitOf(kSmall),
            formatShare(kernelShare), closed_.kernelUs(kSmall), closed_.mainUs(kSmall), execution),
        "achieved rates, and used_cpu_{sys,user}_main_thread and commandstats of INFO",
        closed_.runs.names({kSmall}), true);
    document_.slo.push_back(
        {"get-ceiling",
         fmt::format("{}; bound: {}", words(closed_.rate.of(kSmall), "ops/s"),
                     closed_.limitOf(kSmall)),
         closed_.serverIsLimit(kSmall) ? SloVerdict::reported : SloVerdict::invalid,
         fmt::format("{} of the main thread's time is the kernel's; {}: {}",
                     formatShare(kernelShare), closed_.cases[kLarge].words,
                     words(closed_.rate.of(kLarge), "ops/s")),
         closed_.runs.names({kSmall})});
    if (!document_.predictions.empty()) {
      LabPrediction& prediction = document_.predictions.front();
      setMeasured(prediction, closed_.rate.of(kSmall));
      prediction.verdict = fmt::format("{}; a command cost {:.2f} µs", ofPredicted(prediction),
                                       closed_.mainUs(kSmall));
    }
  }

  void gap() {
    const Estimate ratio = closed_.rate.ratio(kSmall, kSmallBatch);
    addFinding(document_, standingOf(ratio, true),
               fmt::format(
                   "In batches of {} it answers {}, {} as many. A read brings {:.1f} commands in "
                   "place of {:.1f}, so the kernel's part of a command falls from {:.2f} to {:.2f} "
                   "µs and Redis's own from {:.2f} to {:.2f} µs; the bound is then {}",
                   batchOf(p_), words(closed_.rate.of(kSmallBatch), "ops/s"), multiple(ratio),
                   closed_.runs.mean(kSmallBatch, commandsPerRead),
                   closed_.runs.mean(kSmall, commandsPerRead), closed_.kernelUs(kSmall),
                   closed_.kernelUs(kSmallBatch), closed_.userUs(kSmall),
                   closed_.userUs(kSmallBatch), closed_.limitOf(kSmallBatch)),
               "achieved rates, CPU split and total_reads_processed",
               closed_.runs.names({kSmall, kSmallBatch}), true);
    document_.slo.push_back(
        {"get-ceiling-batch16",
         fmt::format("{}, {} of per command; bound: {}",
                     words(closed_.rate.of(kSmallBatch), "ops/s"), multiple(ratio),
                     closed_.limitOf(kSmallBatch)),
         closed_.serverIsLimit(kSmallBatch) ? SloVerdict::reported : SloVerdict::invalid,
         fmt::format("the kernel's part of a command falls from {:.2f} to {:.2f} µs; {}: {}",
                     closed_.kernelUs(kSmall), closed_.kernelUs(kSmallBatch),
                     closed_.cases[kLargeBatch].words,
                     words(closed_.rate.of(kLargeBatch), "ops/s")),
         closed_.runs.names({kSmallBatch})});
  }

  /// What becomes of the ceiling when one thing is changed, and what that shows.
  void ablations() {
    LabTable table{.title = "Ablation: one thing changed at a time",
                   .head = {"changed", "against", "ops/s ÷ before", "main-thread µs per command",
                            "before", "what it shows"},
                   .rows = {},
                   .note = {},
                   .prose = true};
    for (std::size_t i = kFirstAblation; i < closed_.cases.size(); ++i) {
      const std::size_t base = closed_.cases[i].batch == 0 ? kSmall : kSmallBatch;
      if (!closed_.rate.has(i) || !closed_.rate.has(base)) continue;
      table.rows.push_back({{closed_.cases[i].changed, closed_.cases[base].words,
                             multiple(closed_.rate.ratio(base, i)), decimals(closed_.mainUs(i)),
                             decimals(closed_.mainUs(base)), shows(i, base)},
                            closed_.runs.names({i})});
    }
    const auto add = [&](std::size_t i, std::string_view changed, const std::string& what) {
      if (closed_.rate.has(i) && closed_.rate.has(kSmall))
        table.rows.push_back({{std::string(changed), closed_.cases[kSmall].words,
                               multiple(closed_.rate.ratio(kSmall, i)), decimals(closed_.mainUs(i)),
                               decimals(closed_.mainUs(kSmall)), what},
                              closed_.runs.names({i})});
    };
    add(kSmallBatch, fmt::format("batches of {}", batchOf(p_)),
        fmt::format("system calls shared by a batch: {:.2f} µs a command less",
                    closed_.mainUs(kSmall) - closed_.mainUs(kSmallBatch)));
    add(kSet, "SET in place of GET",
        fmt::format("the command itself: {:+.2f} µs",
                    closed_.mainUs(kSet) - closed_.mainUs(kSmall)));
    add(kLarge, fmt::format("values of {}", sizeWords(p_, true)),
        fmt::format("bytes copied into sockets: {:+.2f} µs",
                    closed_.mainUs(kLarge) - closed_.mainUs(kSmall)));
    ping(table);
    if (table.rows.empty()) return;
    document_.tables.push_back(std::move(table));
  }

  std::string shows(std::size_t i, std::size_t base) const {
    const double less = closed_.mainUs(base) - closed_.mainUs(i);
    if (closed_.cases[i].stack == "threads")
      return fmt::format(
          "sockets on another thread: {:.2f} µs of {:.2f} leave the main thread; on "
          "two cores that thread shares the generator's core",
          less, closed_.mainUs(base));
    return fmt::format("TCP on loopback costs {:.2f} µs of {:.2f} ({})", less, closed_.mainUs(base),
                       formatShare(less / closed_.mainUs(base)));
  }

  /// PING does nothing: what GET costs beyond it is the command. Both by redis-benchmark, whose
  /// rate says little (it is the limit itself); its server's CPU for a command says it.
  void ping(LabTable& table) {
    for (const unsigned batch : {1U, batchOf(p_)}) {
      const std::string get = fmt::format("benchmark-get-b{}", batch);
      const std::string ping = fmt::format("benchmark-ping-b{}", batch);
      const auto us = [&](const std::string& name) {
        return peerMean(readings_, name, "kernel_us_per_command") +
               peerMean(readings_, name, "user_us_per_command");
      };
      if (!std::isfinite(us(get)) || !std::isfinite(us(ping))) continue;
      table.rows.push_back(
          {{"PING in place of GET", fmt::format("GET by redis-benchmark, batch {}", batch),
            formatQuantity(
                peerMean(readings_, ping, "rate_ops") / peerMean(readings_, get, "rate_ops"), "x"),
            decimals(us(ping)), decimals(us(get)),
            fmt::format("looking a key up and copying its value: {:.2f} µs of {:.2f} ({})",
                        us(get) - us(ping), us(get), formatShare((us(get) - us(ping)) / us(get)))},
           namesOf(peerRuns(readings_, ping))});
    }
  }

  const Parameters& p_;
  const Readings& readings_;
  ExperimentDocument& document_;
  const Closed closed_;
};

}  // namespace

void analyseClosed(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Ceilings(p, readings, document).all();
}

}  // namespace redline::ceiling
