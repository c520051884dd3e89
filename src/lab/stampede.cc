#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/format.h"
#include "lab/measures.h"
#include "lab/stampede_runs.h"
#include "lab/study.h"
#include "model/statistics.h"

namespace redline::lab::stampede {
namespace {

struct Defence {
  std::string_view label, title;
  Flags flags;
};

std::vector<Defence> defencesOf(const Parameters& p) {
  const std::string coalesce = "-coalesce", lock = "-miss-lock=" + p.text("miss-lock"),
                    early = "-early-refresh=" + p.text("early-refresh"),
                    stale = "-stale-while-refresh=" + p.text("stale-window");
  return {{"none", "no defence", {}},
          {"coalesce", "coalescing", {coalesce}},
          {"lock", "the lock", {lock}},
          {"early", "early refresh", {early}},
          {"stale", "serving stale", {stale}},
          {"all", "all four together", {coalesce, lock, early, stale}}};
}

/// What the textbook has for one key, before any run.
struct Model {
  const Parameters& p;
  double rate = static_cast<double>(p.count("rate"));
  double readS = p.seconds("read-time");
  double ttlS = p.seconds("ttl");
  double connections = static_cast<double>(p.count("processes") * p.count("backing-conns"));

  /// All who ask until the first of them has refilled the key.
  double herd() const { return rate * readS; }
  /// So many reads, as many at a time as there are connections.
  double backS() const { return readS * std::max(1.0, std::ceil(herd() / connections)); }
  /// A refresh begins as a time to live ends, and lasts a read.
  double staleShare() const { return readS / (ttlS + readS); }
  /// Who comes within the read waits for what is left of it: evenly from 0 to all of it.
  double coalescedP99Us() const { return 1e6 * std::max(0.0, readS - 0.01 * (ttlS + readS)); }
};

struct Figures {
  Study& s;
  Factor<Defence> defence;
  Grid grid;
  RenewalRule rule{s.parameters().seconds("ttl"), s.parameters().seconds("read-time")};
  FactsOf<RunFacts> facts{[rule = rule](const Reading& reading) { return readRun(reading, rule); }};

  Quantity herd = s.quantity("count", facts.of(&RunFacts::herd), grid.cells);
  Quantity perS = s.quantity("ops/s", facts.of(&RunFacts::readsPerS), grid.cells);
  Quantity most = s.mean("count", facts.of(&RunFacts::mostReads), grid.cells);
  Quantity p50 = s.quantity("us", facts.of(&RunFacts::p50Us), grid.cells);
  Quantity p99 = s.quantity("us", facts.of(&RunFacts::p99Us), grid.cells);
  Quantity slowest = s.quantity("us", facts.of(&RunFacts::maxUs), grid.cells);
  Quantity back = s.mean("s", facts.of(&RunFacts::backS), grid.cells);
  Quantity stale = s.mean("share", facts.of(&RunFacts::staleShare), grid.cells);
  Quantity every = s.mean("s", facts.of(&RunFacts::everyS), grid.cells);
  Quantity redis = s.quantity("us", facts.of(&RunFacts::redisUs), grid.cells);
  Quantity failed = s.total("count", facts.of(&RunFacts::failed), grid.cells);

  Cell none = grid.at(defence, "none"), coalesce = grid.at(defence, "coalesce");
  Cell lock = grid.at(defence, "lock"), early = grid.at(defence, "early");
  Cell stales = grid.at(defence, "stale"), all = grid.at(defence, "all");

  std::string titleOf(const Cell& cell) const { return cell.level(defence).title; }
  /// "12", for prose: of all of a cell's runs.
  std::string renewals(const Cell& cell) const {
    std::size_t count = 0;
    for (const Reading* const run : s.validRuns(cell)) count += facts(*run).renewals.size();
    return std::to_string(count);
  }
  /// How many times fewer reads the store gets. By the second: with early refresh a value is
  /// renewed more often than it expires.
  Measured spared(const Cell& cell) const { return perS.ratio(cell, none); }
  /// How many times shorter p99 is.
  Measured faster(const Cell& cell) const { return p99.ratio(cell, none); }
};

void tabulate(const Figures& f) {
  Study& s = f.s;
  const Parameters& p = s.parameters();
  s.table("What each expiry of the hot key does")
      .column("defence", [&](const Cell& cell) { return f.titleOf(cell); })
      .column("reads of PostgreSQL", f.herd)
      .column("most", f.most)
      .column("a second", f.perS)
      .column("p50", f.p50)
      .column("p99", f.p99)
      .column("slowest", f.slowest)
      .column("back after", f.back)
      .column("served stale", f.stale)
      .column("expiries", [&](const Cell& cell) { return f.renewals(cell); })
      .column("one every", f.every)
      .validRuns()
      .note(fmt::format(
          "One key with a time to live of {}, read {} times a second by {} processes, and a store "
          "whose read takes {} on each of {} connections. An expiry: reads of PostgreSQL with a "
          "pause of {:.0f} ms before and after; with early refresh it comes before the key's end. "
          "A second: reads of PostgreSQL over the whole window. "
          "Response times are of all processes and the whole run. Back after: from the first read "
          "of the store until the slowest response is one of everyday. Served stale: of all "
          "reads, those past the time to live.",
          p.text("ttl"), p.text("rate"), p.text("processes"), p.text("read-time"),
          p.count("processes") * p.count("backing-conns"), 1e3 * f.rule.pauseS()))
      .rows(f.grid.cells, &f.herd);
  s.table("What each defence costs Redis")
      .column("defence", [&](const Cell& cell) { return f.titleOf(cell); })
      .column("main thread's CPU per GET", f.redis)
      .ratio("÷ no defence", f.redis, [&](const Cell&) { return f.none; })
      .note("Early refresh and stale while refreshing ask PTTL before each GET.")
      .rows(f.grid.cells, &f.redis);
}

/// By the time since a renewal began: the slowest response of an interval, the median over all
/// renewals of a cell's valid runs.
LabSeries around(const Figures& f, const Cell& cell, double widthS) {
  std::map<int, std::vector<double>> bins;
  for (const Reading* const run : f.s.validRuns(cell))
    for (const auto& renewal : f.facts(*run).around) {
      std::map<int, double> worst;
      for (const SeriesPoint& point : renewal) {
        const int bin = static_cast<int>(std::floor((point.startS + point.endS) / 2 / widthS));
        worst[bin] = std::max(worst[bin], point.value);
      }
      for (const auto& [bin, value] : worst) bins[bin].push_back(value);
    }
  LabSeries series{.title = f.titleOf(cell), .points = {}, .markers = false};
  for (const auto& [bin, values] : bins)
    series.points.push_back({(bin + 0.5) * widthS, medianOf(values)});
  return series;
}

void draw(const Figures& f) {
  Study& s = f.s;
  const Parameters& p = s.parameters();
  std::vector<Level> titles;
  for (const Cell& cell : f.grid.cells) titles.push_back(cell.level(f.defence));
  const auto place = [&](const Cell& cell) { return static_cast<double>(cell.index(f.defence)); };
  s.plot("herd", "Reads of PostgreSQL for each expiry")
      .describe(fmt::format("One key, {} reads/s, {} processes; a read of the store takes {}.",
                            p.text("rate"), p.text("processes"), p.text("read-time")))
      .x("defence", titles)
      .y("reads of PostgreSQL", AxisKind::logCount)
      .points("measured", f.herd, f.grid.cells, place)
      .main()
      .add();
  s.plot("p99", "p99 of the whole run")
      .x("defence", titles)
      .y("response time", AxisKind::latency)
      .points("p99", f.p99, f.grid.cells, place)
      .add();
  Plot plot = s.plot("around", "Response time around an expiry");
  plot.describe(
          "The slowest response in each interval by the time since the first read of the store; "
          "median over all expiries. While everybody waits nothing is answered: there is no point.")
      .x("seconds since the first read of the store", AxisKind::linear)
      .y("slowest response", AxisKind::latency);
  for (const Cell& cell : f.grid.cells)
    if (LabSeries series = around(f, cell, p.seconds("interval")); !series.points.empty())
      plot.series(std::move(series));
  plot.mark(0, "expiry");
  plot.add();
}

void claimHerd(const Figures& f, const Model& model) {
  const Measured herd = f.herd[f.none];
  f.s.claim("herd", !herd.isKnown()                         ? Standing::plain
                    : herd.estimate.low > model.herd() / 2  ? Standing::expected
                    : herd.estimate.high < model.herd() / 2 ? Standing::contradicts
                                                            : Standing::inconclusive)
      .from("reads of the store between two pauses, summed over all processes")
      .headline()
      .text(
          "Without a defence each expiry of the key sends {} reads to PostgreSQL, and response "
          "times are back {} later. Everybody who asks while the first read is under way asks the "
          "store too, and their reads queue for its connections",
          herd, f.back[f.none]);
  f.s.figure("reads per expiry, no defence", herd);
}

void claimDefences(const Figures& f) {
  Study& s = f.s;
  for (const Cell& cell : f.grid.cells) {
    if (cell == f.none) continue;
    const Measured spared = f.spared(cell);
    s.claim("spares-" + cell.level(f.defence).slug(), expectAbove(spared))
        .from("reads of the store in the window, and for each expiry")
        .headline(cell == f.all)
        .text(
            "With {} PostgreSQL is read at {}, and without a defence at {} that. An expiry, or a "
            "refresh before it, takes {} reads with it",
            f.titleOf(cell), f.perS[cell], spared, f.herd[cell]);
    s.figure("reads per expiry, " + f.titleOf(cell), f.herd[cell]);
  }
  s.figures("reads of PostgreSQL a second, {}", f.perS, f.grid.cells);
  s.figures("p99, {}", f.p99, f.grid.cells);
}

/// Coalescing and the lock make one read of many, and everybody waits for it; the other two answer
/// meanwhile.
void claimWaiting(const Figures& f) {
  Study& s = f.s;
  const Measured gain = f.p99.ratio(f.stales, f.coalesce);
  s.claim("who-waits", expectAbove(gain))
      .from("p99 of all processes over the whole run")
      .headline()
      .text(
          "Coalescing spares the store and not its readers: they wait for the row, and p99 is {}. "
          "Where a stale value is served meanwhile nobody waits: p99 is {}",
          f.p99[f.coalesce], f.p99[f.stales]);
  const Measured early = f.p99.ratio(f.early, f.coalesce);
  s.claim("early-waits", expectAbove(early))
      .from("p99 of all processes over the whole run")
      .text("With early refresh p99 is {}, without a stale value", f.p99[f.early]);
  s.claim("stale-share", Standing::plain)
      .from("stale values served ÷ reads")
      .restsOn({f.stale[f.stales]})
      .text(
          "Stale while refreshing serves {} of all reads past their time to live: those that come "
          "while the row is read. All four together serve {}",
          f.stale[f.stales], f.stale[f.all]);
}

/// Coalescing does not see other processes; the lock does.
void claimProcesses(const Figures& f, double processes) {
  const Measured herd = f.herd[f.coalesce];
  const bool isOneEach = std::abs(herd.value() - processes) <= 0.25 * processes;
  f.s.claim("one-per-process", isOneEach ? Standing::expected : Standing::contradicts)
      .from("reads of the store for each expiry, beside the number of processes")
      .text(
          "{} processes that coalesce send {} reads, {}. With the lock all of them together send "
          "{}",
          processes, herd,
          isOneEach ? "one for each, since none sees the others" : "and not one for each",
          f.herd[f.lock]);
}

/// The drivers' counts against PostgreSQL's own.
void claimCounted(const Figures& f) {
  double scans = 0, reads = 0;
  std::size_t runs = 0;
  for (const Cell& cell : f.grid.cells)
    for (const Reading* const run : f.s.runs(cell)) {
      const double its = run->figure(kScansAfter) - run->figure(kScansBefore);
      const double ours = f.facts(*run).readsInAll;
      if (!std::isfinite(its + ours)) continue;
      scans += its;
      reads += ours;
      ++runs;
    }
  if (runs == 0) return;
  constexpr double kSame = 0.01;
  const bool isSame = std::abs(scans - reads) <= kSame * reads;
  f.s.claim("counted-twice", isSame ? Standing::plain : Standing::problem)
      .from("pg_stat_user_tables before and after each run, warm-up included")
      .text(
          "PostgreSQL counts {:.0f} scans of the table in these runs, and the processes asked "
          "for {:.0f} rows",
          scans, reads);
}

void claimFailed(const Figures& f) {
  double failed = 0;
  for (const Cell& cell : f.grid.cells)
    if (f.failed.has(cell)) failed += f.failed[cell].value();
  if (failed > 0)
    f.s.claim("failed", Standing::problem)
        .from("failed operations of all processes")
        .text("{:.0f} reads failed, and are in no response time", failed);
}

/// Of the defences that keep p99 below a quarter of a read of the store, the one that sends the
/// fewest reads a second; none: p99 is longer with each.
std::optional<Cell> bestOf(const Figures& f, const Model& model) {
  std::optional<Cell> best;
  for (const Cell& cell : f.grid.cells) {
    if (!f.herd.has(cell) || !f.perS.has(cell) || !f.p99.has(cell)) continue;
    if (f.p99[cell].value() > 1e6 * model.readS / 4) continue;
    if (!best || f.perS[cell].value() < f.perS[*best].value()) best = cell;
  }
  return best;
}

void conclude(const Figures& f, const Model& model) {
  Study& s = f.s;
  const Parameters& p = s.parameters();
  const Measured herd = f.herd[f.none];
  const auto best = bestOf(f, model);
  if (!best || *best == f.none) {
    s.answer({herd}, fmt::format("An expiry sends {} reads to PostgreSQL, and no defence keeps "
                                 "readers from waiting",
                                 herd.plain()));
    return;
  }
  const Measured left = f.herd[*best], redis = f.redis.ratio(f.none, *best);
  s.answer({herd, left}, fmt::format("One expiry of a hot key sends {} reads to PostgreSQL; with "
                                     "{} a renewal sends {}",
                                     herd.plain(), f.titleOf(*best), left.plain()));
  const bool servesStale = *best == f.all || *best == f.stales;
  s.decide({herd, f.faster(*best), redis},
           {.risk = "a hot key expires",
            .measured = fmt::format("{} reads of PostgreSQL at once, p99 {}", herd.plain(),
                                    f.p99[f.none].plain()),
            .action = *best == f.all
                          ? std::string("Refresh early and serve stale meanwhile, with coalescing "
                                        "in each process and a lock among them")
                          : fmt::format("Defend hot keys by {}", f.titleOf(*best)),
            .price = priceOf(redis, "CPU of Redis for each GET") +
                     (servesStale ? fmt::format(", and values up to {} past their time to live",
                                                p.text("stale-window"))
                                  : std::string()),
            .gain = f.faster(*best).value(),
            .isStall = true,
            .runs = {}});
  s.recommend(
      "Coalesce in every process, whatever else is used: an expiry sends {} reads instead "
      "of {}",
      f.herd[f.coalesce], herd);
  if (expectAbove(f.herd.ratio(f.lock, f.coalesce)) == Standing::expected)
    s.recommend(
        "Add the lock where many processes share a store: all of them together send {} reads",
        f.herd[f.lock]);
  s.recommend(
      "Serve stale where a value may be older by one read of the store: p99 is {} instead "
      "of {} with coalescing alone",
      f.p99[f.stales], f.p99[f.coalesce]);
  s.recommend(
      "Refresh early where no value may be past its time to live: p99 is {}, at {} reads "
      "for each refresh",
      f.p99[f.early], f.herd[f.early]);
  if (const Measured price = f.redis.ratio(f.none, f.early); price.isKnown())
    s.cost("A defence that looks at the time left costs a PTTL before each GET: {}",
           priceOf(price, "CPU of Redis's main thread"));
  if (const Measured longer = f.slowest.ratio(f.coalesce, f.lock); longer.isKnown())
    s.cost(
        "Whoever finds the lock taken asks again after 1 to 8 ms. Beside coalescing that takes {}",
        priceOf(longer, "time for the slowest read"));
  s.alternative({herd},
                "The read's length: it is a sleep, which takes no CPU. A store that computes gets "
                "slower with each read of the herd, and takes longer to drain it");
  s.alternative({herd},
                "All reads are of the hot key. Where other keys miss meanwhile, their reads queue "
                "behind the herd");
}

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const std::string stack =
      s.stack({.name = "node",
               // Beside Redis, which has time: the generators run before every ordinary thread.
               .up = {"node", "-maxmemory=64MB", "-backing=postgres", "-postgres-buffers=16MB",
                      "-postgres-cpus={server-cpu}"},
               .load = hotKey(p),
               .prepare = slowReads(p)});
  const auto defence = Study::factor<Defence>("defence", defencesOf(p), [](const Defence& each) {
    return Level{.label = std::string(each.label), .title = std::string(each.title)};
  });
  const Grid grid = s.grid("", {defence}, [&](const Cell& cell, unsigned) -> LabRun {
    return {.stack = stack,
            .before = beginCold,
            .drives = drivesWith(p, cell[defence].flags,
                                 cell.is(defence, "early") ? "early-warmup" : "warmup"),
            .after = noteScans};
  });

  const Model model{p};
  const Figures f{s, defence, grid};
  const Prediction herd = s.predict(
      "reads of PostgreSQL for each expiry, no defence",
      "rate × a read of the store: all who ask until the first refill", "count", model.herd());
  const Prediction back = s.predict(
      "until response times are back, no defence",
      "the herd's reads over all connections, each as long as a read alone", "s", model.backS());
  const Prediction early = s.predict(
      "reads of PostgreSQL for each refresh, early refresh",
      "XFetch with beta 1: the chance grows e-fold within a read, so e − 1 join the first, at any "
      "rate",
      "count", std::numbers::e);
  const Prediction coalesced =
      s.predict("p99 with coalescing",
                "a read of the store less 1% of a time to live: who comes within the read waits "
                "for what is left of it",
                "us", model.coalescedP99Us());
  const Prediction stale =
      s.predict("share of stale values, stale while refreshing",
                "a read of the store ÷ (time to live + a read)", "share", model.staleShare());

  tabulate(f);
  draw(f);
  claimHerd(f, model);
  claimWaiting(f);
  claimDefences(f);
  claimProcesses(f, static_cast<double>(p.count("processes")));
  claimCounted(f);
  claimFailed(f);
  conclude(f, model);
  herd.measured(f.herd[f.none]);
  back.measured(f.back[f.none]);
  early.measured(f.herd[f.early]);
  coalesced.measured(f.p99[f.coalesce]);
  stale.measured(f.stale[f.stales]);
  s.method(fmt::format(
      "Each process is a driver with coalescing, connections and estimates of its own; they run as "
      "threads of the lab, and share nothing but the servers. A read of the store takes {} because "
      "a view in the table's place sleeps that long (pg_sleep) on the connection that asked",
      p.text("read-time")));
  s.method(fmt::format(
      "With early refresh by itself the warm-up is {} long: the herd of the cold start queues at "
      "the store, and its reads are the first by which the time of a read is estimated",
      p.text("early-warmup")));
  s.method(
      "Response times are back once no interval's slowest is above the everyday of the run, the "
      "second half of each time to live, for two reads of the store; everyday is what the rule of "
      "spikes has, 1 ms above the median at the least");
  s.method(intervalNote(f.p99[f.none].estimate));
}

Status check(const Parameters& p) {
  const Model model{p};
  if (p.count("processes") < 2)
    return p.refuse("processes", "2 or more: coalescing does not see other processes");
  if (model.backS() > model.ttlS / 2)
    return p.refuse("ttl", fmt::format("a herd takes {:.0f} ms to drain, and the second half of a "
                                       "time to live is the baseline",
                                       1e3 * model.backS()));
  if (p.seconds("warmup") < model.ttlS + model.readS)
    return p.refuse("warmup", "the cold start belongs to it: a time to live and a read at least");
  if (p.seconds("early-warmup") < p.seconds("warmup"))
    return p.refuse("early-warmup", "as long as warmup at the least: the cold start belongs to it");
  if (p.seconds("duration") < 3 * model.ttlS)
    return p.refuse("duration", "two expiries at least: three times to live");
  if (p.seconds("interval") > model.readS)
    return p.refuse("interval", "no longer than read-time, or a herd is not seen");
  return {};
}

}  // namespace
}  // namespace redline::lab::stampede

namespace redline {

Experiment stampedeExperiment() {
  using enum ParameterKind;
  return {
      .name = "stampede",
      .title = "What the expiry of a hot key does to the store behind the cache",
      .question =
          "A hot key expires while it is asked for thousands of times a second, by several "
          "processes. How many reads does PostgreSQL get, how long do readers wait, and when are "
          "response times back? What do coalescing, a lock in Redis, early refresh, and stale "
          "values while one read refreshes make of that, each and together?",
      .parameters =
          {{.name = "value-size", .kind = size, .help = "bytes of the value"},
           {.name = "ttl", .kind = duration, .help = "time to live of the key"},
           {.name = "rate", .kind = count, .help = "reads a second of all processes together"},
           {.name = "processes",
            .kind = count,
            .help = "drivers side by side, each with coalescing and connections of its own"},
           {.name = "conns", .kind = count, .help = "connections of each to Redis"},
           {.name = "backing-conns", .kind = count, .help = "connections of each to PostgreSQL"},
           {.name = "read-time",
            .kind = duration,
            .help = "how long a read of the store takes: a sleep in the view that is read"},
           {.name = "miss-lock", .kind = duration, .help = "time to live of the lock"},
           {.name = "early-refresh", .kind = number, .help = "beta of XFetch"},
           {.name = "stale-window",
            .kind = duration,
            .help = "how long a value is kept beyond its time to live"},
           {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
           {.name = "early-warmup",
            .kind = duration,
            .help = "the same with early refresh by itself: the herd of the start makes its "
                    "estimate of a read's time too long, and each later read takes an eighth off"},
           {.name = "duration", .kind = duration, .help = "measured time of a run"},
           {.name = "interval",
            .kind = duration,
            .help = "of the counts in which expiries are found"}},
      .check = lab::stampede::check,
      .declare = lab::stampede::declare,
  };
}

}  // namespace redline
