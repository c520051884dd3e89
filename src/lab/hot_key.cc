#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/format.h"
#include "lab/hot_key_runs.h"
#include "lab/hot_share.h"
#include "lab/measures.h"
#include "lab/study.h"

namespace redline::lab::hot_key {
namespace {

constexpr std::size_t kPlottedSlots = 10;
constexpr double kTarget = 5;        ///< the brief's: reads of the hot master ÷ those with a cache
constexpr double kSaturated = 0.9;   ///< busy share of a main thread that is the limit
constexpr double kNearlyAll = 1000;  ///< a reduction above this leaves too little to be a figure

HotWorkload workloadOf(const Parameters& p) {
  return {.chooser = KeyChooser(Distribution::zipfian, p.number("zipf-s"), p.count("keys"),
                                /*seed: the flags' default*/ 1),
          .keys = p.count("keys"),
          .masters = kMasters,
          .readShare = p.number("rw-ratio"),
          .rate = static_cast<double>(p.count("rate")),
          .caches = static_cast<unsigned>(p.count("threads")),
          .fromS = p.seconds("warmup"),
          .toS = p.seconds("warmup") + p.seconds("duration"),
          .splitKeys = p.count("split-keys"),
          .splitWays = static_cast<unsigned>(p.count("split-ways"))};
}

Factor<std::string> sizesOf(const Parameters& p) {
  return Study::factor<std::string>("size", p.texts("value-sizes"), [](const std::string& text) {
    const auto bytes = *parseSize(text);
    return Level{text, fmt::format("{} values", formatSize(bytes)), static_cast<double>(bytes)};
  });
}

Factor<Treatment> treatmentsOf(const Parameters& p) {
  std::vector<Treatment> chosen{treatmentOf("none")};
  for (const std::string& name : p.texts("treatments")) chosen.push_back(treatmentOf(name));
  return Study::factor<Treatment>("treatment", chosen, [](const Treatment& treatment) {
    return Level{std::string(treatment.name), std::string(treatment.name)};
  });
}

/// One key with most of the load: as fast as replies allow, then at a share of that rate without a
/// treatment and with one.
Factor<std::string> pinnedCases(const Parameters& p) {
  const std::string share = formatShare(p.number("pinned-share"));
  return Study::factor("case", {"max", "none", "local-cache"}, [&](const std::string& text) {
    if (text == "max") return std::string("as fast as replies allow");
    return text == "none" ? share + " of that rate"
                          : fmt::format("{} of that rate, {}", share, text);
  });
}

/// The Zipf of the other runs at rising rates, until the hot master is pinned, or what is beside it
/// has no more to give.
Factor<std::string> rampSteps(const Parameters& p) {
  return Study::factor("rate", p.texts("ramp-rates"),
                       [](const std::string& text) { return text + "/s"; });
}

Setup setupOf(const Parameters& p) {
  return {.size = sizesOf(p),
          .dist = Study::factor(
              "dist", {"uniform", "zipfian"},
              [](const std::string& text) { return text == "zipfian" ? "Zipf" : text; }),
          .treatment = treatmentsOf(p),
          .pinnedCase = pinnedCases(p),
          .rampRate = rampSteps(p),
          .forecast = forecastHotKeys(workloadOf(p))};
}

/// What was measured of one value size.
struct Figures {
  Figures(Study& s, const Setup& of, const Level& level, const Grid& grid)
      : setup(of),
        size(level),
        isFirst(level.label == of.size.levels().front().label),
        cells(grid.cells),
        zipf(grid.only(of.dist, "zipfian")),
        uniform(grid.at(of.dist, "uniform")),
        untreated(zipf.at(of.treatment, "none")),
        treated(zipf.where([&](const Cell& cell) { return !cell.is(of.treatment, "none"); })),
        share(s.quantity("share", shareOf(load, &Load::hot), cells)),
        slot(s.quantity("share", slotShare(load, 0), cells)),
        requests(s.quantity("ops/s", load.of(&Load::hot), cells)),
        busiest(s.quantity("ops/s", load.of(&Load::busiest), cells)),
        reads(s.quantity("ops/s", load.of(&Load::reads), cells)),
        cpu(s.quantity("", load.of(&Load::cpu), cells)),
        busy(s.mean("share", load.of(&Load::busy), cells)),
        otherBusy(s.mean("share", load.of(&Load::otherBusy), cells)),
        perOperation(s.mean("", load.of(&Load::perOperation), cells)) {}

  /// How many times less of it there is than without a treatment.
  Measured reduction(const Quantity& quantity, const Cell& cell) const {
    return quantity.ratio(cell, untreated);
  }
  /// "uniform", "Zipf", "local-cache".
  std::string name(const Cell& cell) const {
    return cell.is(setup.treatment, "none") ? cell.level(setup.dist).title
                                            : cell.level(setup.treatment).title;
  }
  /// "local-cache-100": findings of each value size have an id of their own.
  std::string id(std::string_view what) const {
    return fmt::format("{}-{:.0f}", what, size.number);
  }

  const Setup& setup;
  Level size;
  bool isFirst;
  Cells cells;
  Grid zipf;
  Cell uniform, untreated;  ///< untreated: with Zipf keys
  Cells treated;
  FactsOf<Load> load{loadOf};
  Quantity share, slot, requests, busiest, reads, cpu;
  Quantity busy, otherBusy, perOperation;
};

bool isNearlyAll(const Measured& reduction) {
  return reduction.value() > kNearlyAll;
}

std::string reductionText(const Measured& reduction) {
  return isNearlyAll(reduction) ? fmt::format("over {:.0f}×", kNearlyAll) : format(reduction);
}

// What it means.

void tabulate(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  const auto name = [&](const Cell& cell) { return f.name(cell); };
  s.table(fmt::format("Which nodes carry the load, {}", f.size.title))
      .column("", name)
      .column("hot master's share of requests", f.share)
      .column("busiest slot's share", f.slot)
      .column("hot master busy", f.busy)
      .column("other masters busy", f.otherBusy)
      .validRuns()
      .note(fmt::format(
          "{}/s, {} reads. The hot master is the one with the hottest key. A request is what a "
          "node executes: a local hit is none, a write of a key with copies is several. Busy: "
          "main thread, by INFO. No latencies: five of the six servers share the generator's core, "
          "and a treatment changes what they leave of it.",
          p.text("rate"), formatShare(p.number("rw-ratio"))))
      .rows(f.cells);
  const auto reduction = [&](const Quantity& quantity) {
    return [&f, quantity](const Cell& cell) -> LabCell {
      const Measured less = f.reduction(quantity, cell);
      if (cell == f.untreated) return "1×";
      return isNearlyAll(less) ? LabCell(reductionText(less)) : cellOf(less);
    };
  };
  s.table(fmt::format("How far each mitigation relieves the hot master, {}", f.size.title))
      .column("", name)
      .column("its requests", reduction(f.requests))
      .column("its reads", reduction(f.reads))
      .column("its CPU", reduction(f.cpu))
      .column("the busiest node's requests", reduction(f.busiest))
      .note(
          "Reductions: without ÷ with. The busiest node is the one with the most requests, "
          "replicas included: where its reduction is smaller than the hot master's, load has moved "
          "to another node.")
      .rows(f.zipf.cells);
  s.table(fmt::format("What each mitigation costs, {}", f.size.title))
      .column("", name)
      .column("stale reads", [&](const Cell& cell) { return costOf(s, cell).staleReadsText(); })
      .column("their age p99, max", [&](const Cell& cell) { return costOf(s, cell).ageText(); })
      .column("requests per operation", f.perOperation)
      .column("memory, lag and atomicity",
              [&](const Cell& cell) { return costOf(s, cell).otherText(f.size); })
      .note(fmt::format("Stale: of reads of the {} hottest keys, those that returned an older "
                        "version although a later write had been acknowledged before they were "
                        "sent.",
                        p.text("ledger")))
      .prose()
      .rows(f.zipf.cells);
}

/// The fault itself: one master has most of the load.
void claimHotMaster(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  const Cell& zipf = f.untreated;
  const double busy = f.busy[zipf].value();
  Claim claim = s.claim(f.id("hot-master"), expectAbove(f.share.ratio(f.uniform, zipf)));
  if (f.isFirst) claim.headline();
  claim.from("operations by node and slot; main-thread CPU by INFO")
      .text(
          "With Zipf {} ({}) one master gets {} of the requests, and with uniform keys {}. One "
          "slot "
          "alone gets {}. Its main thread is {} busy and those of the other masters {}. At the "
          "same "
          "CPU per request it would saturate at {}/s, with the others {} busy: more shards would "
          "not help",
          p.text("zipf-s"), f.size.title, f.share[zipf], f.share[f.uniform], f.slot[zipf],
          f.busy[zipf], f.otherBusy[zipf], formatCount(static_cast<double>(p.count("rate")) / busy),
          formatShare(f.otherBusy[zipf].value() / busy));
  s.figure(fmt::format("hot master's share of requests, Zipf, {}", f.size.title), f.share[zipf]);
  if (f.isFirst)
    s.answer({f.share[zipf], f.slot[zipf]},
             fmt::format("One slot gets {} of all requests and its master {}: more shards do not "
                         "help",
                         rounded(f.slot[zipf]), rounded(f.share[zipf])));
}

Standing standingOf(const Figures& f, const Cell& cell, const Cost& cost) {
  if (cost.hasDamage()) return Standing::problem;
  if (!cell.is(f.setup.treatment, "key-split-tag"))
    return expectAbove(f.reduction(f.requests, cell));
  // Copies in one slot are all on one master: their load moves there, undivided.
  return f.reduction(f.busiest, cell).estimate.contains(1) ? Standing::expected : Standing::plain;
}

void claimTreatment(Study& s, const Figures& f, const Cell& cell) {
  const Cost cost = costOf(s, cell);
  const std::string costs = cost.text(f.size);
  const Measured requests = f.reduction(f.requests, cell), reads = f.reduction(f.reads, cell);
  const Measured cpu = f.reduction(f.cpu, cell);
  Claim claim = s.claim(f.id(f.name(cell)), standingOf(f, cell, cost));
  if (f.isFirst && cell.is(f.setup.treatment, "local-cache")) claim.headline();
  claim.from("operations by node, INFO of the hot master, the ledger")
      .restsOn({requests, reads, cpu})
      .text(
          "{} ({}) reduces the hot master's requests by {} and its CPU by {}. It reduces its reads "
          "by {}. {}{}",
          f.name(cell), f.size.title, reductionText(requests), reductionText(cpu),
          reductionText(reads), costs, cost.damageText());
  s.cost("{} ({}): {}", f.name(cell), f.size.title, costs);
  s.figure(fmt::format("hot master's requests cut by {}, {}", f.name(cell), f.size.title),
           requests);
}

/// The brief's target, with the cache's size.
void claimTarget(Study& s, const Figures& f, const Cell& cell) {
  const Parameters& p = s.parameters();
  const Measured reads = f.reduction(f.reads, cell);
  const bool isMet = reads.estimate.low >= kTarget, isMissed = reads.estimate.high < kTarget;
  const MitigationFigures cache = costOf(s, cell).last;
  s.claim(f.id("target-" + f.name(cell)), isMet      ? Standing::expected
                                          : isMissed ? Standing::contradicts
                                                     : Standing::inconclusive)
      .from("keyspace hits and misses of the hot master, by INFO")
      .text(
          "{} ({}) {} the target of {:.0f}× fewer reads on the hot master: the reduction is {}. {} "
          "caches have {} entries ({} each) for {} keys",
          f.name(cell), f.size.title,
          isMet      ? "meets"
          : isMissed ? "misses"
                     : "may or may not meet",
          kTarget, reads, cache.caches, formatCount(static_cast<double>(cache.cacheEntries)),
          p.text("cache-size"), p.text("keys"));
}

void plotLoad(Study& s, const Figures& f) {
  const auto name = [&](const Cell& cell) { return f.name(cell); };
  std::vector<Quantity> byRank;
  byRank.reserve(kPlottedSlots);
  for (std::size_t rank = 0; rank < kPlottedSlots; ++rank)
    byRank.push_back(s.mean("share", slotShare(f.load, rank), f.cells));
  Plot slots = s.plot("slots", "The ten busiest slots");
  slots
      .describe(
          "Share of requests on each of the ten busiest of 16384 slots, by rank, mean of repeats. "
          "slots.csv of each run has them all.")
      .x("rank of the slot", AxisKind::linear)
      .y("share of requests", AxisKind::share);
  for (const Cell& cell : f.cells) {
    LabSeries series{f.name(cell), {}};
    for (std::size_t rank = 0; rank < kPlottedSlots; ++rank)
      series.points.push_back({static_cast<double>(rank + 1), byRank[rank][cell].value()});
    slots.series(std::move(series));
  }
  slots.add();
  const auto pooled = [&](double Load::* part) {
    return s.quantity("share", shareOf(f.load, part), f.cells);
  };
  Plot relief = s.plot("relief", "What each mitigation takes off the hot master");
  relief
      .describe(
          "Its requests a second, without and with each of them, and its price. Bars: 95% "
          "confidence.")
      .x("", {{.label = "none", .title = "as it is"}, {.label = "with", .title = "mitigated"}})
      .y("requests a second", AxisKind::count)
      .main();
  for (const Cell& cell : f.treated)
    if (f.requests.hasAll({f.untreated, cell}))
      relief.series({.title = fmt::format("{}: {}", f.name(cell), costOf(s, cell).label()),
                     .points = {{0, f.requests[f.untreated].value()},
                                pointOf(1, f.requests[cell].estimate)}});
  relief.add();
  s.plot("shares", "Share of requests by node")
      .describe(
          "The hot master, the other masters on average, and the busiest replica. Bars: 95% "
          "confidence.")
      .x("", AxisKind::names)
      .y("share of requests", AxisKind::share)
      .points("hot master", f.share, f.cells, name)
      .points("other masters", pooled(&Load::other), f.cells, name)
      .points("busiest replica", pooled(&Load::busiestReplica), f.cells, name)
      .add();
}

void predict(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  const HotForecast& forecast = f.setup.forecast;
  const auto& treatment = f.setup.treatment;
  const auto reduction = [&](const Quantity& quantity, std::string_view label) {
    return f.reduction(quantity, f.zipf.at(treatment, label));
  };
  s.predict("share of operations on the hottest key",
            fmt::format("1 ÷ Σ k^−{} over {} keys", p.text("zipf-s"), p.text("keys")), "share",
            forecast.hottestKey)
      .measured(f.slot[f.untreated]);
  s.predict("share of operations on the hottest key's master",
            "the Zipf weights of all keys in its slots", "share",
            forecast.shares[forecast.hotMaster])
      .measured(f.share[f.untreated]);
  if (treatment.has("local-cache"))
    s.predict("the hot master's reads, cut by local-cache",
              fmt::format("one miss for each write that is followed by a read; {} caches, empty at "
                          "first, with room for all keys",
                          p.text("threads")),
              "x", 1 / forecast.hotMasterLocalMiss)
        .measured(reduction(f.reads, "local-cache"));
  if (treatment.has("key-split"))
    s.predict("the hot master's operations, cut by key-split",
              fmt::format("its keys without the {} hottest, and a third of those with {} writes "
                          "for each one",
                          p.text("split-keys"), p.text("split-ways")),
              "x", 1 / forecast.hotMasterSplit)
        .measured(reduction(f.requests, "key-split"));
  if (treatment.has("replica-random"))
    s.predict("the hot master's reads, cut by replica-random", "1 + replicas of each master", "x",
              2)
        .measured(reduction(f.reads, "replica-random"));
}

/// The treatment that relieves the busiest node most; none where no whole interval lies above 1.
std::optional<Cell> bestOf(const Figures& f, const Cells& cells) {
  const auto relief = [&](const Cell& cell) { return f.reduction(f.busiest, cell); };
  std::optional<Cell> best;
  for (const Cell& cell : cells)
    if (relief(cell).isKnown() && relief(cell).estimate.low > 1 &&
        (!best || relief(cell).value() > relief(*best).value()))
      best = cell;
  return best;
}

void recommend(Study& s, const Figures& f) {
  if (const auto best = bestOf(f, f.treated))
    s.decide({f.reduction(f.busiest, *best), f.share[f.untreated]},
             {.risk = "one hot key",
              .measured =
                  fmt::format("its master gets {} of the requests", rounded(f.share[f.untreated])),
              .action = fmt::format("Use {} for keys that are read most", f.name(*best)),
              .price = costOf(s, *best).briefly(),
              .gain = f.reduction(f.busiest, *best).value(),
              .runs = {}});
  const auto isStrict = [&](const Cell& cell) { return cell[f.setup.treatment].isStrict; };
  const auto relief = [&](const Cell& cell) { return f.reduction(f.busiest, cell); };
  if (const auto best = bestOf(f, f.treated)) {
    const Cost cost = costOf(s, *best);
    s.recommend(
        "{}, use {}: it reduces the busiest node's requests by {}. {}",
        isStrict(*best) ? std::string("Against a hot key")
        : cost.staleReads > 0
            ? fmt::format("Where a read may be stale by {}", formatQuantity(cost.staleMaxUs, "us"))
            : std::string("Where a read may be stale, if only for a moment"),
        f.name(*best), relief(*best), cost.text(f.size));
    if (isStrict(*best)) return;
  }
  if (!f.share.has(f.untreated)) return;
  const auto strict = bestOf(f, Grid{f.treated}.where(isStrict));
  s.recommend(
      "Where no read may be stale, read from the key's master alone{}. Replicas follow "
      "asynchronously and caches learn of a write after it: however few stale reads were seen "
      "here, neither promises that there are none",
      strict ? fmt::format(", with {} if the busiest node is to have {} less to do",
                           f.name(*strict), relief(*strict))
             : std::string("; nothing that keeps this promise takes load off it"));
}

void reportSize(Study& s, const Figures& f) {
  tabulate(s, f);
  claimHotMaster(s, f);
  for (const Cell& cell : f.treated) {
    if (!f.requests.hasAll({f.untreated, cell})) continue;
    claimTreatment(s, f, cell);
    if (cell[f.setup.treatment].mitigation == "local-cache") claimTarget(s, f, cell);
  }
  if (!f.isFirst) return;
  plotLoad(s, f);
  predict(s, f);
  recommend(s, f);
  s.method(intervalNote(f.share[f.untreated].estimate));
}

/// The hot master at its limit, and relieved by a local cache.
void reportPinned(Study& s, const Factor<std::string>& cases, const Grid& grid) {
  const Parameters& p = s.parameters();
  const Cell fastest = grid.at(cases, "max");
  const Cell plain = grid.at(cases, "none");
  const Cell cached = grid.at(cases, "local-cache");
  const FactsOf load(loadOf);
  const Quantity rate = s.quantity("ops/s", rateOf, grid.cells);
  const Quantity share = s.quantity("share", shareOf(load, &Load::hot), grid.cells);
  const Quantity requests = s.quantity("ops/s", load.of(&Load::hot), grid.cells);
  const Quantity busy = s.quantity("share", load.of(&Load::busy), grid.cells);
  const Quantity otherBusy = s.mean("share", load.of(&Load::otherBusy), grid.cells);
  const Quantity generator = s.mean("share", generatorBusy, grid.cells);
  s.table("One key with most of the load saturates its master")
      .column("", &Cell::title)
      .column("ops/s", rate)
      .column("hot master's share of requests", share)
      .column("hot master busy", busy)
      .column("other masters busy", otherBusy)
      .validRuns()
      .note(fmt::format("Zipf {}, {} reads, batches of up to {}, so that the generator on the "
                        "other core can saturate a master. Poisson arrivals except in the first "
                        "row.",
                        p.text("pinned-s"), formatShare(p.number("pinned-rw-ratio")),
                        p.text("pinned-pipeline")))
      .rows(grid.cells);

  const bool isSaturated = busy[fastest].value() >= kSaturated;
  s.claim("saturation", isSaturated ? Standing::expected : Standing::inconclusive)
      .from("operations by node; main-thread CPU by INFO, in the closed model")
      .headline()
      .text(
          "One key with most of the load (Zipf {}), as fast as replies allow: its master gets {} "
          "of "
          "{}. It is {} busy, and the other masters {}. {}",
          p.text("pinned-s"), share[fastest], rate[fastest], busy[fastest].plain(),
          otherBusy[fastest],
          isSaturated ? fmt::format("It is saturated and they are not: the whole cluster serves {} "
                                    "what this one master does, and more shards would not raise it",
                                    plainRatio(requests[fastest], rate[fastest]))
                      : fmt::format("It is not saturated: the generator, {} busy, or its core is "
                                    "the limit",
                                    generator[fastest]));
  s.figure("hot master busy, pinned", busy[fastest]);

  const Measured reduction = requests.ratio(cached, plain);
  s.claim("saturation-local-cache", expectAbove(reduction))
      .from("operations by node and INFO, with Poisson arrivals at one rate")
      .headline()
      .restsOn({rate[plain]})
      .text(
          "At {} of that rate local-cache reduces the hot master's requests by {}. Its busy share "
          "falls from {} to {}",
          formatShare(p.number("pinned-share")), reduction, busy[plain], busy[cached]);
  s.figure("hot master's requests cut by local-cache, pinned", reduction);
}

/// The Zipf of the product, at rising rates.
void reportRamp(Study& s, const Factor<std::string>& rates, const Grid& grid) {
  const Parameters& p = s.parameters();
  const FactsOf load(loadOf);
  const Quantity achieved = s.mean("ops/s", rateOf, grid.cells);
  const Quantity kept = s.mean("share", keptUp, grid.cells);
  const Quantity hot = s.mean("share", load.of(&Load::busy), grid.cells);
  const Quantity other = s.mean("share", load.of(&Load::otherBusy), grid.cells);
  const Quantity generator = s.mean("share", generatorBusy, grid.cells);
  const Quantity requests = s.mean("ops/s", load.of(&Load::hot), grid.cells);
  const std::string title = fmt::format("Zipf {} at rising rates", p.text("zipf-s"));
  s.table(title)
      .column("offered", [&](const Cell& cell) { return cell[rates]; })
      .column("ops/s", achieved)
      .column("hot master's requests", requests)
      .column("hot master busy", hot)
      .column("other masters busy", other)
      .column("generator busy", generator)
      .note(fmt::format("Poisson arrivals, {} reads, batches of up to {}. The ramp ends where the "
                        "hot master is {} busy, or where less than {} of the rate gets through: "
                        "the other servers share the generator's core.",
                        formatShare(p.number("rw-ratio")), p.text("pinned-pipeline"),
                        formatShare(kPinned), formatShare(kKeepsUp)))
      .rows(grid.cells, &achieved);
  const auto place = [&](const Cell& cell) { return achieved[cell].value(); };
  s.plot("ramp", title)
      .describe("Busy shares of main threads, and of the generator's worker, by rate.")
      .x("ops/s", AxisKind::count)
      .y("busy", AxisKind::share)
      .line("hot master", hot, grid.cells, place)
      .line("other masters", other, grid.cells, place)
      .line("generator", generator, grid.cells, place)
      .add();
  std::optional<Cell> last;
  for (const Cell& cell : grid.cells)
    if (achieved.has(cell) && hot.has(cell) && (!last || hot[cell].value() > hot[*last].value()))
      last = cell;
  if (!last) return;
  const bool isPinned = hot[*last].value() >= kPinned;
  const double busy = hot[*last].value();
  Claim claim = s.claim("ramp", isPinned ? Standing::expected : Standing::inconclusive);
  claim.from("main-thread CPU by INFO and operations by node, one run a rate")
      .headline()
      .restsOn({achieved[*last]});
  const std::string others = formatShare(other[*last].value());
  if (isPinned)
    claim.text(
        "With Zipf {} the hot master is pinned at {} while the other masters are {} busy: the "
        "cluster serves no more, however many shards there are",
        p.text("zipf-s"), achieved[*last], others);
  else
    claim.text(
        "With Zipf {} the hot master came to {} busy, the other masters to {}. Then, at {}, the "
        "core that these and the generator share was full ({} of the rate got through): two cores "
        "do not pin it. At the same CPU for a request it saturates at {}/s, with the others {} "
        "busy",
        p.text("zipf-s"), formatShare(busy), others, achieved[*last],
        formatShare(kept[*last].value()), formatCount(achieved[*last].value() / busy),
        formatShare(other[*last].value() / busy));
  s.figure("hot master busy at the end of the ramp", hot[*last]);
}

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const Setup setup = setupOf(p);
  const Grids grids = planRuns(s, setup);

  for (const Level& size : setup.size.levels())
    reportSize(s, Figures(s, setup, size, grids.rate.only(setup.size, size.label)));
  reportRamp(s, setup.rampRate, grids.ramp);
  reportPinned(s, setup.pinnedCase, grids.pinned);
  s.method(
      "Mitigations are compared at the same rate with Poisson arrivals, in turn; each repeat draws "
      "its own operations. Shares of operations and CPU are compared there, not throughput, "
      "because all servers except the hot master share the generator's core");
}

Status check(const Parameters& p) {
  const double reads = p.number("rw-ratio");
  if (reads <= 0 || reads >= 1)
    return p.refuse("rw-ratio",
                    "reads show what a mitigation gains and writes what it costs: "
                    "neither 0 nor 1");
  if (p.count("ledger") == 0 || p.count("ledger") > p.count("keys"))
    return p.refuse("ledger", "staleness is found by the ledger: 1 or more, and no more than keys");
  const auto rates = p.texts("ramp-rates");
  if (!std::ranges::is_sorted(rates, {}, [](const std::string& text) { return *parseCount(text); }))
    return p.refuse("ramp-rates", "in ascending order");
  if (p.count("split-keys") > p.count("keys"))
    return p.refuse("split-keys", "there are not so many keys");
  return {};
}

}  // namespace
}  // namespace redline::lab::hot_key

namespace redline {

Experiment hotKeyExperiment() {
  using enum ParameterKind;
  return {
      .name = "hot-key",
      .title = "One hot key in a cluster, and what can be done about it",
      .question =
          "Zipf keys go to a cluster of three masters and three replicas, and uniform ones for "
          "contrast. How much of the load falls on the hottest key's slot and master? What do a "
          "local cache, split keys and reads from replicas take off it, and what does each cost "
          "in stale reads, writes, memory and atomicity?",
      .parameters =
          {{.name = "keys", .kind = count, .help = "keys of the data set"},
           {.name = "value-sizes",
            .kind = size,
            .list = true,
            .help = "bytes of a value; the first is measured in full"},
           {.name = "other-sizes-repeat",
            .kind = count,
            .help = "repeats of the other value sizes"},
           {.name = "maxmemory", .kind = size, .help = "of each node"},
           {.name = "zipf-s", .kind = number, .help = "exponent of the Zipf distribution"},
           {.name = "rw-ratio", .kind = share, .help = "share of reads"},
           {.name = "rate",
            .kind = count,
            .help = "operations a second, the same for every condition"},
           {.name = "conns", .kind = count, .help = "connections to each node"},
           {.name = "threads",
            .kind = count,
            .help = "workers, each with a local cache of its own"},
           {.name = "ledger", .kind = count, .help = "keys whose reads are judged, the hottest"},
           {.name = "treatments",
            .kind = choice,
            .list = true,
            .help = "what is done against the hot key",
            .choices = {"local-cache", "local-cache-bcast", "key-split", "key-split-tag",
                        "replica-random", "replica-nearest", "replica-preferred"}},
           {.name = "cache-size", .kind = size, .help = "memory of each worker's local cache"},
           {.name = "split-keys", .kind = count, .help = "keys that are split, the hottest"},
           {.name = "split-ways", .kind = count, .help = "copies of each of them"},
           {.name = "ramp-rates",
            .kind = count,
            .list = true,
            .help = "operations a second, rising, until the hot master is pinned"},
           {.name = "ramp-warmup", .kind = duration, .help = "of each of these rates"},
           {.name = "ramp-duration", .kind = duration, .help = "measured time of each"},
           {.name = "pinned-s", .kind = number, .help = "exponent where one key pins its master"},
           {.name = "pinned-rw-ratio", .kind = share, .help = "share of reads there"},
           {.name = "pinned-pipeline", .kind = count, .help = "operations in a batch there"},
           {.name = "pinned-share",
            .kind = share,
            .help = "share of the rate that pins it at which the cache is tried"},
           {.name = "warmup", .kind = duration, .help = "sent before, not measured: caches fill"},
           {.name = "duration", .kind = duration, .help = "measured time of each condition"}},
      .check = lab::hot_key::check,
      .declare = lab::hot_key::declare,
  };
}

}  // namespace redline
