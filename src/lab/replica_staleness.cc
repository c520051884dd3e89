#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "lab/catalog.h"
#include "lab/format.h"
#include "lab/hot_share.h"
#include "lab/measures.h"
#include "lab/replica_staleness_runs.h"
#include "lab/study.h"
#include "model/statistics.h"
#include "workload/keyspace.h"

namespace redline::lab::replica_staleness {
namespace {

constexpr double kSameFactor = 2;  ///< bytes behind and rate × window: within that they agree

constexpr const char* kNone = "none";
constexpr const char* kWait = "wait";

/// Something that holds up a replica.
struct Trouble {
  std::string_view name, title;
};
constexpr std::array<Trouble, 5> kTroubles{{
    {"big-value", "one large value"},
    {"slow-command", "one slow command"},
    {"bgsave-replica", "BGSAVE on the replica"},
    {"bgsave-master", "BGSAVE on the master"},
    {"resync", "a full resync"},
}};

double hotShare(const Parameters& p) {
  const KeyChooser chooser(Distribution::zipfian, p.number("zipf-s"), p.count("keys"), 1);
  const auto forecast =
      forecastHotKeys({.chooser = chooser, .keys = p.count("keys"), .masters = kMasters});
  return forecast.shares[forecast.hotMaster];
}

// What it means.

std::string shareText(const StaleReads& ledger) {
  if (ledger.judged == 0) return "–";
  if (ledger.stale == 0)
    return fmt::format("fewer than {}", formatShare(3 / static_cast<double>(ledger.judged)));
  return formatShare(static_cast<double>(ledger.stale) / static_cast<double>(ledger.judged));
}

Standing expectSame(const Measured& ratio) {
  if (!ratio.estimate.hasInterval()) return Standing::inconclusive;
  if (ratio.estimate.high < 1 / kSameFactor || ratio.estimate.low > kSameFactor)
    return Standing::contradicts;
  return ratio.estimate.low > 1 / kSameFactor && ratio.estimate.high < kSameFactor
             ? Standing::expected
             : Standing::inconclusive;
}

struct RateFigures {
  Study& s;
  Grid grid;
  Factor<std::string> rate;
  Cell least = ascending(grid.cells, rate).front(), most = ascending(grid.cells, rate).back();
  Quantity p50 = s.quantity("us", recorded(kWindowP50), grid.cells);
  Quantity p99 = s.quantity("us", recorded(kWindowP99), grid.cells);
  Quantity first = s.mean("share", recorded(kFirstStale), grid.cells);
  Quantity behind = s.quantity("bytes", recorded(kBehindMean), grid.cells);
  Quantity behindP99 = s.quantity("bytes", recorded(kBehindP99), grid.cells);
  Quantity little = s.quantity("bytes", littleBytes, grid.cells);
  Quantity masterSays = s.quantity("bytes", recorded(kMasterSays), grid.cells);
  Quantity stream = s.mean("bytes", recorded(kStream), grid.cells);
};

void reportRates(const RateFigures& f) {
  Study& s = f.s;
  s.table("How far the replica is behind, by write rate")
      .column("writes/s", [&](const Cell& cell) { return cell[f.rate]; })
      .column("window, median", f.p50)
      .column("p99", f.p99)
      .column("first read stale", f.first)
      .column("bytes behind, mean", f.behind)
      .column("p99", f.behindP99)
      .column("stream/s × window", f.little)
      .column("by the master's INFO", f.masterSays)
      .column("stale reads of the load",
              [&](const Cell& cell) { return shareText(staleReadsOf(s, cell)); })
      .validRuns()
      .note(
          "Window: from a write's acknowledgement until a read from the replica returned it, at "
          "most; a probe writes one key of the hottest master again and again. Bytes behind: by "
          "the replica's own slave_repl_offset between two readings of master_repl_offset. "
          "Stale reads of the load: by the driver's ledger, over all runs.")
      .rows(f.grid.cells, &f.p50);
  const auto place = [&](const Cell& cell) { return cell.level(f.rate).number; };
  s.plot("window-by-rate", "Stale window by write rate")
      .describe("From a write's acknowledgement until the replica shows it. Bars: 95% confidence.")
      .x("writes/s in the cluster", AxisKind::logCount)
      .y("window", AxisKind::latency)
      .line("median", f.p50, f.grid.cells, place)
      .line("p99", f.p99, f.grid.cells, place)
      .add();
  const Measured grows = f.p99.ratio(f.least, f.most);
  const StaleReads ledger = staleReadsOf(s, f.most);
  s.claim("window-grows", expectAbove(grows))
      .from("a probe's writes at the master and reads from its replica")
      .headline()
      .restsOn({f.p99[f.least]})
      .text(
          "At {} writes/s {} of the reads that follow an acknowledgement at once miss the write, "
          "and "
          "the window's p99 is {}. That is {} the one at {} writes/s",
          f.most[f.rate], f.first[f.most], f.p99[f.most], grows, f.least[f.rate]);
  s.figure("stale window p99, highest ÷ lowest rate", grows);
  s.figure("stale window p50 at the highest rate", f.p50[f.most]);
  const Measured agree = ratioWithin(f.most, f.little, f.behind);
  s.claim("bytes-follow", expectSame(agree))
      .from("the replica's own offset, and the growth of master_repl_offset")
      .text(
          "At {} writes/s it is {} behind on average, {} what the stream's rate times the mean "
          "window gives",
          f.most[f.rate], f.behind[f.most], agree);
  s.figure("bytes behind ÷ stream rate × window", agree);
  const Measured says = ratioWithin(f.most, f.behind, f.masterSays);
  s.claim("master-view", expectAbove(says))
      .from("slave0 of the master's INFO, and the replica's own offset")
      .text(
          "The master's INFO says {} at the same time, {} the truth: replicas acknowledge once a "
          "second",
          f.masterSays[f.most], says);
  s.claim("stale-reads", ledger.stale > 0 ? Standing::expected : Standing::inconclusive)
      .from("the driver's ledger, replica-preferred reads of the hottest keys")
      .restsOn({f.p99[f.most]})
      .text("Of {} reads of the load itself at {} writes/s, {} were stale{}",
            formatCount(static_cast<double>(ledger.judged)), f.most[f.rate], shareText(ledger),
            ledger.stale > 0
                ? fmt::format(". The oldest was {} old", formatQuantity(ledger.worstUs, "us"))
                : std::string());
}

struct TroubleFigures {
  Study& s;
  Grid grid;
  Factor<Trouble> trouble;
  Quantity before = s.quantity("us", recorded(kWorstBefore), grid.cells);
  Quantity asLongAfter = s.quantity("us", recorded(kWorstAsLongAfter), grid.cells);
  Quantity after = s.quantity("us", recorded(kWorstAfter), grid.cells);
  Quantity took = s.mean("us", recorded(kFaultTook), grid.cells);
  Quantity refused = s.mean("us", recorded(kRefused), grid.cells);
  Quantity recovered = s.mean("us", recorded(kRecovered), grid.cells);
  Quantity behind = s.mean("bytes", recorded(kBehindAfter), grid.cells);

  /// Of each run, so that a bad minute is in both.
  Quantity ratio = s.quantity(
      "x",
      [](const Reading& run) { return run.figure(kWorstAsLongAfter) / run.figure(kWorstBefore); },
      grid.cells);

  Measured over(const Cell& cell) const { return ratio[cell]; }
  /// Of how many runs the replica still lacked a write at the end.
  std::size_t openAtEnd(const Cell& cell) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        s.validRuns(cell), [](const Reading* run) { return run->figure(kOpenAtEnd) == 1; }));
  }
  /// "600 ms", "not by the end", "600 ms, and not by the end in 1 of 3 runs".
  std::string backText(const Cell& cell) const {
    const std::size_t open = openAtEnd(cell);
    if (open == 0) return recovered[cell].isKnown() ? recovered[cell].plain() : "–";
    if (!recovered.has(cell)) return "not by the end";
    return fmt::format("{}, and not by the end in {} of {} runs", recovered[cell].plain(), open,
                       s.validRuns(cell).size());
  }
  /// The one that makes the longest window.
  std::optional<Cell> worst() const {
    std::optional<Cell> most;
    for (const Cell& cell : grid.cells)
      if (after.has(cell) && (!most || after[cell].value() > after[*most].value())) most = cell;
    return most;
  }
};

void plotTroubles(const TroubleFigures& f) {
  Plot plot = f.s.plot("ages", "How old the oldest write is that the replica lacks");
  plot.describe("Median of the runs, around the moment of each. Log scale.")
      .x("seconds since it began", AxisKind::linear)
      .y("age", AxisKind::latency)
      .mark(0, "begin")
      .main();
  bool isKnown = false;
  for (const Cell& cell : f.grid.cells) {
    LabSeries line{.title = cell.level(f.trouble).title, .points = {}, .markers = false};
    for (int bin = 0; bin < kBins; ++bin) {
      const auto ages = figuresOf(f.s.validRuns(cell), recorded(ageFigure(bin)));
      // A bin without a probe is no age of 0.
      if (ages.empty() || medianOf(ages) <= 0) continue;
      line.points.push_back({(bin + 0.5) * kBinS - kSeriesBeforeS, medianOf(ages)});
    }
    if (line.points.empty()) continue;
    isKnown = true;
    plot.series(std::move(line));
  }
  if (isKnown) plot.add();
}

void reportTroubles(const TroubleFigures& f) {
  Study& s = f.s;
  const Parameters& p = s.parameters();
  s.table("The window with something in its way")
      .column("", [&](const Cell& cell) { return cell.level(f.trouble).title; })
      .column("longest window, the second before", f.before)
      .column("the second after", f.asLongAfter)
      .column("÷ before", [&](const Cell& cell) { return cellOf(f.over(cell)); })
      .column("until the end", f.after)
      .column("reads refused for", f.refused)
      .column("back to normal after", [&](const Cell& cell) { return f.backText(cell); })
      .column("most bytes behind", f.behind)
      .column("the command took", f.took)
      .validRuns()
      .note(fmt::format("{} writes/s. A window counts where its write was acknowledged. Large "
                        "value: {}; slow command: SUNIONSTORE of {} members. A full resync: the "
                        "master's history is changed and the link cut. Refused: LOADING.",
                        p.text("fault-rate"), p.text("big-value"), p.text("members")))
      .rows(f.grid.cells, &f.after);
  plotTroubles(f);
  for (const Cell& cell : f.grid.cells) {
    const Measured over = f.over(cell);
    const bool isResync = cell.is(f.trouble, "resync");
    s.claim("fault-" + cell.level(f.trouble).label, expectAbove(over))
        .from("a probe's writes at the master and reads from its replica, before and after")
        .headline(isResync)
        .restsOn({over})
        .text(
            "With {} the replica lacks an acknowledged write for {} {}. The worst of the writes "
            "within a second of its begin is {} the worst of the second before{}",
            cell.level(f.trouble).title, f.openAtEnd(cell) > 0 ? "at least" : "up to",
            f.after[cell], over,
            f.refused[cell].value() > 0 ? fmt::format(". For {} the replica refused reads",
                                                      formatQuantity(f.refused[cell].value(), "us"))
                                        : std::string());
    s.figure(
        fmt::format("longest window of the second after ÷ before, {}", cell.level(f.trouble).title),
        over);
  }
}

struct WaitFigures {
  Study& s;
  Grid grid;
  Factor<std::string> way, batch;
  Quantity p50 = s.quantity("us", recorded(kRoundP50), grid.cells);
  Quantity p99 = s.quantity("us", recorded(kRoundP99), grid.cells);
  Quantity rate = s.quantity("ops/s", recorded(kWritesPerS), grid.cells);
  Quantity cpu = s.quantity("us", recorded(kMasterCpu), grid.cells);
  Quantity stale = s.total("count", recorded(kStaleAfter), grid.cells);
  Quantity reads = s.total("count", recorded(kReadsAfter), grid.cells);
  Quantity shortOf = s.total("count", recorded(kShort), grid.cells);
  Cell single = grid.at(batch, "1");
  Cell with = single.with(way, kWait), without = single.with(way, kNone);
};

void reportWait(const WaitFigures& f) {
  Study& s = f.s;
  const auto without = [&](const Cell& cell) { return cell.with(f.way, kNone); };
  s.table("What WAIT costs")
      .column("writes in a round trip", [&](const Cell& cell) { return cell[f.batch]; })
      .column("", [&](const Cell& cell) { return cell.is(f.way, kWait) ? "WAIT 1" : "without"; })
      .column("round trip, median", f.p50)
      .ratio("÷ without", f.p50, without)
      .column("p99", f.p99)
      .column("writes/s", f.rate)
      .column("master's CPU per write", f.cpu)
      .column("stale reads right after",
              [&](const Cell& cell) {
                return fmt::format("{} of {}", f.stale[cell].plain(), f.reads[cell].plain());
              })
      .validRuns()
      .note(
          "One connection writes as fast as replies allow, with no other load. Stale reads: of "
          "reads from the replica that are sent as soon as the reply is there.")
      .rows(f.grid.cells, &f.p50);
  const Measured price = f.p50.ratio(f.without, f.with);
  s.claim("wait-price", expectAbove(price))
      .from("round trips of one connection, with WAIT and without, in turn")
      .headline()
      .text("WAIT 1 multiplies a single write's round trip by {}, to {}", price, f.p50[f.with]);
  s.figure("round trip of a write with WAIT ÷ without", price);
  const auto& batches = f.batch.levels();
  const Cell manyWith = f.with.with(f.batch, batches.back().label);
  const Measured batched = f.p50.ratio(manyWith.with(f.way, kNone), manyWith);
  s.claim("wait-batched", expectMore(price, batched))
      .from("round trips of one connection, with WAIT and without, in turn")
      .text("One WAIT behind {} writes multiplies their round trip by {}", manyWith[f.batch],
            batched);
  const auto sum = [&](const char* which, const Quantity& of) {
    double all = 0;
    for (const Cell& cell : f.grid.where(f.way, which)) all += of.has(cell) ? of[cell].value() : 0;
    return all;
  };
  const double stale = sum(kWait, f.stale), plain = sum(kNone, f.stale);
  s.claim("wait-fresh", stale > 0   ? Standing::contradicts
                        : plain > 0 ? Standing::expected
                                    : Standing::inconclusive)
      .from("reads from the replica right after the reply")
      .headline()
      .restsOn({f.reads[f.with], f.reads[f.without]})
      .text(
          "Right after WAIT {:.0f} of {:.0f} reads from that replica were stale. Right after plain "
          "writes {:.0f} of {:.0f} were",
          stale, sum(kWait, f.reads), plain, sum(kNone, f.reads));
}

void conclude(Study& s, const RateFigures& rates, const TroubleFigures& troubles,
              const WaitFigures& wait) {
  const Measured usual = rates.p99[rates.most];
  const Measured price = wait.p50.ratio(wait.without, wait.with);
  const auto worst = troubles.worst();
  if (!worst) {
    s.answer({usual}, fmt::format("A replica is stale for {} at p99", rounded(usual)));
    return;
  }
  const std::string what = worst->level(troubles.trouble).title;
  const Measured longest = troubles.after[*worst];
  s.answer({usual, longest},
           fmt::format("A replica shows an acknowledged write {} later at p99, and {} later during "
                       "{}",
                       rounded(usual), rounded(longest), what));
  const Measured over = troubles.over(*worst);
  s.decide({usual, longest, price, over},
           {.risk = "reads from replicas",
            .measured = fmt::format("stale for {} during {}", rounded(longest), what),
            .action = "Read from replicas only what may be stale, and write with WAIT where the "
                      "next read must see it",
            .price = priceOf(price, "time for a write with WAIT"),
            .gain = over.value(),
            .runs = {}});
  const auto after = [&](std::string_view name) {
    return troubles.after[troubles.grid.at(troubles.trouble, name)];
  };
  s.recommend(
      "Take replicas out of rotation while master_link_status is down or they load: a full resync "
      "makes them stale for {}",
      after("resync"));
  s.recommend(
      "Split commands that run long, also for the replicas' sake: each executes one again, and is "
      "stale for {} meanwhile",
      after("slow-command"));
  s.recommend(
      "Watch slave_repl_offset at the replica against master_repl_offset: the master's slaveN line "
      "shows {} as much at this rate",
      ratioWithin(rates.most, rates.behind, rates.masterSays));
  if (expectAbove(price) == Standing::expected)
    s.cost("WAIT 1 multiplies a write's round trip by {}", price);
  if (price.isKnown())
    s.cost(
        "WAIT covers the writes of its own connection, and a replica that is gone makes it wait "
        "until its timeout");
  s.alternative({usual},
                "Two cores: master and replica share one, so each runs while the other "
                "waits. On cores of their own the window is shorter, and over a network "
                "its round trip is added");
  s.alternative({usual},
                "The probe itself: its reads keep the replica awake, and the window "
                "includes the round trip of the read that ends it");
}

struct Model {
  const Parameters& p;
  double hopUs = p.seconds("assumed-hop") * 1e6;
  double commandUs = p.seconds("assumed-command") * 1e6;
  double share = hotShare(p);

  /// Of the core that the pair shares: each write is executed twice, and a read comes with each.
  double busy(double writes) const { return std::min(0.95, writes * share * 3 * commandUs / 1e6); }
  double windowUs(double writes) const { return hopUs / (1 - busy(writes)); }
  /// "*3 $3 SET $… key $… value" with its line ends.
  double bytesPerWrite() const {
    return static_cast<double>(p.size("value-size")) + 30 + static_cast<double>(kKeyPrefix.size()) +
           std::log10(static_cast<double>(p.count("keys")));
  }
};

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const std::string cluster = clusterOf(s);
  const auto rate = Study::factor("writes", p.texts("write-rates"));
  const Grid rates = s.grid("rate", {rate}, [&](const Cell& cell, unsigned repeat) -> LabRun {
    return {
        .stack = cluster,
        .drives = {{.flags = joinFlags(
                        {driveOf(p, 2 * *parseCount(cell[rate]), "0.5", p.text("duration")),
                         {"-mitigation=replica-read", "-replica-policy=replica-preferred",
                          "-ledger=" + p.text("ledger"), fmt::format("-run-seed={}", repeat)}})}},
        .beside = watching(p)};
  });
  std::vector<Trouble> chosen;
  for (const std::string& name : p.texts("faults"))
    chosen.push_back(*std::ranges::find(kTroubles, name, &Trouble::name));
  const auto trouble = Study::factor<Trouble>("fault", chosen, [](const Trouble& each) {
    return Level{.label = std::string(each.name), .title = std::string(each.title)};
  });
  const Grid faults = s.grid("fault", {trouble}, [&](const Cell& cell, unsigned) -> LabRun {
    return {.stack = cluster,
            .before = preparing(p, cell[trouble].name),
            .drives = {{.flags = driveOf(p, p.count("fault-rate"), "0", p.text("fault-duration"))}},
            .beside = inflicting(p, cell[trouble].name),
            .after = removing(p),
            .expectedS = 0.5};
  });
  const auto way = Study::factor("way", {kNone, kWait});
  const auto batch = Study::factor("batch", p.texts("wait-batches"));
  const Grid waits = s.grid("wait", {batch, way}, [&](const Cell& cell, unsigned) -> LabRun {
    const Writing writing{.pair = pairOf(p),
                          .waits = cell.is(way, kWait),
                          .batch = *parseCount(cell[batch]),
                          .valueSize = p.size("value-size"),
                          .warmup = fromSeconds(p.seconds("warmup")),
                          .duration = fromSeconds(p.seconds("wait-duration")),
                          .checks = p.count("wait-checks")};
    return {.stack = cluster,
            .before = [writing](Bench& bench) { return writeAndMeasure(bench, writing); },
            .expectedS = p.seconds("warmup") + p.seconds("wait-duration") + 0.1};
  });

  const Model model{p};
  const RateFigures rateFigures{s, rates, rate};
  const TroubleFigures troubleFigures{s, faults, trouble};
  const WaitFigures waitFigures{s, waits, way, batch};
  const double most = rateFigures.most.level(rate).number;
  const std::string assumed = fmt::format("{} a hop, {} a command, assumed", p.text("assumed-hop"),
                                          p.text("assumed-command"));
  const Prediction window = s.predict(
      fmt::format("stale window, median, at {} writes/s", rateFigures.most[rate]),
      "a hop ÷ (1 − busy share of the pair's core); " + assumed, "us", model.windowUs(most));
  const Prediction bytes = s.predict(
      fmt::format("bytes behind, mean, at {} writes/s", rateFigures.most[rate]),
      "Little's law: the hottest master's writes/s × their bytes × that window; " + assumed,
      "bytes", most * model.share * model.bytesPerWrite() * model.windowUs(most) * 1e-6);
  const Prediction resync = s.predict(
      "longest window of a full resync",
      fmt::format("{} a key to save, send and load it, assumed", p.text("assumed-copy")), "us",
      static_cast<double>(p.count("keys")) / kMasters * p.seconds("assumed-copy") * 1e6);
  const Prediction price = s.predict(
      "round trip of a write with WAIT ÷ without",
      fmt::format("the round trip and a hop there and back ÷ the round trip; {} a round trip, {} a "
                  "hop, assumed",
                  p.text("assumed-round-trip"), p.text("assumed-hop")),
      "x", 1 + p.seconds("assumed-hop") / p.seconds("assumed-round-trip"));

  reportTroubles(troubleFigures);
  reportRates(rateFigures);
  reportWait(waitFigures);
  conclude(s, rateFigures, troubleFigures, waitFigures);
  window.measured(rateFigures.p50[rateFigures.most]);
  bytes.measured(rateFigures.behind[rateFigures.most]);
  resync.measured(troubleFigures.after[faults.at(trouble, "resync")]);
  price.measured(waitFigures.p50.ratio(waitFigures.without, waitFigures.with));
  s.method(
      "The window lies between the last read that was sent and returned the old value, and "
      "the first reply with the new one; tables have the latter. The longest window of the writes "
      "of the second from a fault's begin on is compared with the longest of the second before");
  s.method(intervalNote(rateFigures.p50[rateFigures.most].estimate));
}

Status check(const Parameters& p) {
  if (p.seconds("at") < kCompareS + p.seconds("warmup"))
    return p.refuse("at", "the second before it is what the fault is compared with");
  if (p.seconds("fault-duration") + p.seconds("warmup") < p.seconds("at") + kCompareS)
    return p.refuse("fault-duration", "a second at least after the fault is looked at");
  const auto batches = p.texts("wait-batches");
  if (std::ranges::find(batches, "1") == batches.end())
    return p.refuse("wait-batches", "1, a single write, is what the price is of");
  if (p.count("ledger") == 0 || p.count("ledger") > p.count("keys"))
    return p.refuse("ledger",
                    "stale reads are found by the ledger: 1 or more, and no more than "
                    "keys");
  return {};
}

}  // namespace
}  // namespace redline::lab::replica_staleness

namespace redline {

Experiment replicaStalenessExperiment() {
  using enum ParameterKind;
  return {
      .name = "replica-staleness",
      .title = "How stale a read from a replica is",
      .question =
          "A replica follows its master asynchronously. How long does it go on without a write "
          "that "
          "was acknowledged, and how many bytes is it behind, as the write rate grows? What do a "
          "large write, a slow command, a BGSAVE and a full resync make of that, and what does "
          "WAIT cost?",
      .parameters =
          {{.name = "keys", .kind = count, .help = "keys of the data set"},
           {.name = "value-size", .kind = size, .help = "bytes of a value"},
           {.name = "maxmemory", .kind = size, .help = "of each node"},
           {.name = "zipf-s", .kind = number, .help = "exponent of the Zipf distribution"},
           {.name = "conns", .kind = count, .help = "connections to each node"},
           {.name = "ledger", .kind = count, .help = "keys whose reads are judged, the hottest"},
           {.name = "write-rates",
            .kind = count,
            .list = true,
            .help = "writes a second in the cluster; as many reads go to replicas"},
           {.name = "probe", .kind = duration, .help = "pause of the probe between its writes"},
           {.name = "sample", .kind = duration, .help = "pause between readings of the offsets"},
           {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
           {.name = "duration", .kind = duration, .help = "measured time at each rate"},
           {.name = "faults",
            .kind = choice,
            .list = true,
            .help = "what gets in the replica's way",
            .choices = {"big-value", "slow-command", "bgsave-replica", "bgsave-master", "resync"}},
           {.name = "fault-rate", .kind = count, .help = "writes a second meanwhile"},
           {.name = "fault-duration", .kind = duration, .help = "measured time of such a run"},
           {.name = "at", .kind = duration, .help = "when the fault comes"},
           {.name = "big-value", .kind = size, .help = "bytes of the large value"},
           {.name = "members", .kind = count, .help = "of the set that the slow command copies"},
           {.name = "wait-batches",
            .kind = count,
            .list = true,
            .help = "writes in a round trip, with one WAIT behind them"},
           {.name = "wait-duration", .kind = duration, .help = "measured time of each"},
           {.name = "wait-checks",
            .kind = count,
            .help = "writes that are read from the replica at once"},
           {.name = "assumed-hop",
            .kind = duration,
            .help = "from master to replica without a queue, for the prediction"},
           {.name = "assumed-command",
            .kind = duration,
            .help = "CPU time of a command, for the prediction"},
           {.name = "assumed-round-trip",
            .kind = duration,
            .help = "of a single write, for the prediction"},
           {.name = "assumed-copy",
            .kind = duration,
            .help = "to save, send and load a key, for the prediction"}},
      .check = lab::replica_staleness::check,
      .declare = lab::replica_staleness::declare,
  };
}

}  // namespace redline
