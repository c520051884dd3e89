#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "lab/catalog.h"
#include "lab/fault_study.h"
#include "lab/format.h"
#include "model/costs.h"
#include "model/statistics.h"

namespace redline::lab::expiry_spike {
namespace {

constexpr double kPercentile = 0.99;
constexpr double kAllGone = 0.99;     ///< of the keys that expire: the burst is over
constexpr double kMatters = 0.25;     ///< of a peak: less is not a difference
constexpr double kSeesAtOnce = 0.05;  ///< a share of misses this far from the expected is another

// How the same keys expire: all at one moment, over a time, or at one moment with only reads to
// delete them.
constexpr const char* kClustered = "clustered";
constexpr const char* kSpread = "spread";
constexpr const char* kLazy = "lazy";

std::string titleOf(const Parameters& p, std::string_view expiry) {
  if (expiry == kSpread) return "spread over " + p.text("spread");
  return expiry == kLazy ? "all at one moment, active expiry off" : "all at one moment";
}

/// For the loader and for the driver.
Flags dataSet(const Parameters& p, const std::string& expiry) {
  Flags flags{"-keys=" + p.text("keys"), "-value-size=" + p.text("value-size"),
              "-ttl-frac=" + p.text("ttl-frac")};
  if (expiry == kSpread) {
    const double latestS = p.seconds("ttl-at") + p.seconds("spread");
    flags.push_back("-ttl-min=" + p.text("ttl-at"));
    flags.push_back(fmt::format("-ttl-max={:.0f}ms", 1e3 * latestS));
  }
  return flags;
}

Status turnOffActiveExpiry(Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  const auto reply = (*admin)->command({"DEBUG", "SET-ACTIVE-EXPIRE", "0"});
  if (!reply) return fail(reply.error());
  bench.command("redis-cli -u redis://$ADDR debug set-active-expire 0");
  return {};
}

LabStack stackOf(const Parameters& p, const std::string& expiry) {
  LabStack stack{.name = expiry, .up = {"node"}, .load = dataSet(p, expiry)};
  if (expiry != kSpread) stack.load.push_back("-ttl-at=" + p.text("ttl-at"));
  if (expiry == kLazy) stack.prepare = turnOffActiveExpiry;
  return stack;
}

/// Seconds before the first expiry that a run needs: its warm-up, a baseline, and its start.
double neededBefore(const Parameters& p) {
  const SpikeRule rule = faultSpikeRule();
  constexpr double kStart = 0.3;
  return p.seconds("warmup") + static_cast<double>(rule.leastBaseline) * p.seconds("interval") +
         kStart;
}

/// Writes down when the first keys expire, and how many will.
Status noteMoment(const Parameters& p, Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  constexpr std::uint64_t kAsked = 1000;
  std::vector<std::vector<std::string>> questions;
  for (std::uint64_t id = 0; id < std::min(kAsked, p.count("keys")); ++id)
    questions.push_back({"PEXPIRETIME", fmt::format("obj:{}", id)});
  const auto answers = (*admin)->pipeline(questions);
  if (!answers) return fail(answers.error());
  double first = std::numeric_limits<double>::infinity();
  for (const Value& answer : *answers)
    if (answer.integer > 0) first = std::min(first, static_cast<double>(answer.integer) / 1e3);
  const double left = first - static_cast<double>(wallNow()) / 1e9;
  if (left < neededBefore(p))
    return fail(ErrorCode::invalidInput,
                "the load took so long that keys expire {:.1f} s from now, and a warm-up and a "
                "baseline take {:.1f} s: raise ttl-at",
                left, neededBefore(p));
  const auto info = (*admin)->info({"keyspace"});
  if (!info || !info->keyspace.contains(0))
    return fail(ErrorCode::invalidInput, "INFO names no keys");
  bench.figure("first_expiry_unix_s", first);
  bench.figure("keys_loaded", static_cast<double>(info->keyspace.at(0).keys));
  bench.figure("keys_expiring", static_cast<double>(info->keyspace.at(0).expires));
  return {};
}

/// Keys whose times to live are spread are watched until the last has expired, and as long after it
/// as the others.
double windowS(const Parameters& p, const std::string& expiry) {
  return p.seconds("duration") + (expiry == kSpread ? p.seconds("spread") : 0);
}

LabRun readWhileKeysExpire(Study& s, const std::string& expiry) {
  const Parameters& p = s.parameters();
  return {
      .stack = s.stack(stackOf(p, expiry)),
      .fresh = true,
      .before = [p](Bench& bench) { return noteMoment(p, bench); },
      .drives = {{.flags = joinFlags({dataSet(p, expiry),
                                      {"-rw-ratio=1", "-arrivals=poisson", "-wait=realtime",
                                       "-rate=" + p.text("rate"), "-conns=" + p.text("conns"),
                                       "-warmup=" + p.text("warmup"),
                                       fmt::format("-duration={:.0f}ms", 1e3 * windowS(p, expiry)),
                                       "-interval=" + p.text("interval")}})}}};
}

/// When the first keys expire, on the run's clock.
std::optional<Stretch> firstExpiry(const Reading& reading) {
  const RunDir* const run = reading.dir();
  const double unixS = reading.figure("first_expiry_unix_s");
  if (run == nullptr || !run->plan || !std::isfinite(unixS)) return std::nullopt;
  const double at = unixS - toSeconds(run->plan->wallZero);
  return Stretch{at, at};
}

// Figures of one run, beside what FaultStudy knows. Before and after: the first expiry.

double expiringOf(const Reading& run) {
  return run.figure("keys_expiring");
}

/// By the run's end, where times to live are spread.
FaultMeasurement dueBy(double spreadS) {
  return [spreadS](const Reading& run, const FaultFacts& at) {
    if (at.serverAfter.empty()) return kNaN;
    const double afterS = toSeconds(at.serverAfter.back().at) - at.when->fromS;
    return expiringOf(run) * std::min(1.0, afterS / spreadS);
  };
}

double goneAfterS(const Reading& run, const FaultFacts& at) {
  if (at.serverBefore.empty()) return kNaN;
  const double before = at.serverBefore.back().number("expired_keys", kNaN);
  for (const ServerSample& sample : at.serverAfter)
    if (sample.number("expired_keys", kNaN) - before >= kAllGone * expiringOf(run))
      return toSeconds(sample.at) - at.when->fromS;
  return kNaN;
}

double expiredKeys(const Reading& run, const FaultFacts& at) {
  return fieldGrowth("expired_keys")(run, at);
}

/// Active expiry's, of the main thread in the busiest interval.
double cpuShare(const Reading& run, const FaultFacts& at) {
  return fieldFastest("expire_cycle_cpu_milliseconds")(run, at) / 1e3;
}

double cpuUsPerKey(const Reading& run, const FaultFacts& at) {
  const double cpuMs = fieldGrowth("expire_cycle_cpu_milliseconds")(run, at);
  const double expired = expiredKeys(run, at);
  return cpuMs > 0 && expired > 0 ? 1e3 * cpuMs / expired : kNaN;
}

/// The largest share of expired keys by INFO's estimate.
double staleShare(const Reading&, const FaultFacts& at) {
  double most = kNaN;
  for (const ServerSample& sample : at.serverAfter)
    if (const double stale = sample.number("expired_stale_perc", kNaN) / 100; !(stale <= most))
      most = stale;
  return most;
}

/// Of the expired keys, the share that DBSIZE counts.
double countedShare(const Reading& run, const ServerSample& sample) {
  const double permanent = run.figure("keys_loaded") - expiringOf(run);
  return (sample.number("db0.keys", kNaN) - permanent) / expiringOf(run);
}
double countedAfter(const Reading& run, const FaultFacts& at) {
  return at.serverAfter.empty() ? kNaN : countedShare(run, at.serverAfter.front());
}
double countedAtEnd(const Reading& run, const FaultFacts& at) {
  return at.serverAfter.empty() ? kNaN : countedShare(run, at.serverAfter.back());
}

double missesBefore(const Reading& run, const FaultFacts& at) {
  double reads = 0, misses = 0;
  for (const IntervalRow& row : run.dir()->intervals) {
    if (row.warmup || toSeconds(row.end) > at.when->fromS) continue;
    reads += static_cast<double>(row.counts.hits + row.counts.misses);
    misses += static_cast<double>(row.counts.misses);
  }
  return reads > 0 ? misses / reads : kNaN;
}
/// In the first whole interval after.
double missesAfter(const Reading& run, const FaultFacts& at) {
  for (const IntervalRow& row : run.dir()->intervals)
    if (const auto reads = static_cast<double>(row.counts.hits + row.counts.misses);
        !row.warmup && reads > 0 && toSeconds(row.start) >= at.when->fromS)
      return static_cast<double>(row.counts.misses) / reads;
  return kNaN;
}

/// For how long the main thread waited for its core in the peak's interval.
double waitedAtPeakUs(const Reading& run, const FaultFacts& at) {
  const auto peak = std::ranges::find(at.p99, at.spike->peakAtS, &SeriesPoint::startS);
  return peak == at.p99.end() ? kNaN : withoutCoreUs(*run.dir(), {*peak}).front();
}

/// What is measured of each kind of expiry.
struct Figures {
  Study& s;
  Cell clustered, spread, lazy;
  FaultStudy fault;

  Quantity expiring = s.mean("count", expiringOf, fault.cells());
  Quantity expired = fault.mean("count", expiredKeys);
  Quantity due = fault.mean("count", dueBy(s.parameters().seconds("spread")));
  Quantity mostPerS = fault.mean("ops/s", fieldFastest("expired_keys"));
  Quantity goneAfter = fault.mean("s", goneAfterS);
  Quantity mostCpu = fault.mean("share", cpuShare);
  Quantity perKey = fault.mean("us", cpuUsPerKey);
  Quantity stale = fault.mean("share", staleShare);
  Quantity missesAfter = fault.mean("share", expiry_spike::missesAfter);
  Quantity countedAfter = fault.mean("share", expiry_spike::countedAfter);
  Quantity countedAtEnd = fault.mean("share", expiry_spike::countedAtEnd);
  Quantity memoryAtEnd = fault.mean("bytes", fieldAtEnd("used_memory"));
  Quantity waitedAtPeak = fault.mean("us", waitedAtPeakUs);

  /// Whether the spread keys' peak is no higher than that of runs in which nobody deletes any.
  bool spreadPeaksAsLazy() const {
    const Measured ratio = fault.peak.ratio(lazy, spread);
    return ratio.isKnown() && !(ratio.estimate.low > 1);
  }
};

void tabulateSpikes(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  s.table("What expiring keys do to everyone's p99")
      .column("keys expire", [](const Cell& cell) { return cell.title(); })
      .column("how many", f.expiring)
      .column("expired/s at most", f.mostPerS)
      .column("99% gone after", f.goneAfter)
      .column("p99 before", f.fault.baseline)
      .column("peak p99", f.fault.peak)
      .column("peak ÷ before", f.fault.multiple)
      .column("worst interval before", f.fault.worstBefore)
      .column("worst after ÷ before",
              [&](const Cell& cell) { return cellOf(f.fault.overBefore(cell)); })
      .column("spike lasted", [&](const Cell& cell) { return f.fault.lasted(cell); })
      .column("active expiry's CPU at most", f.mostCpu)
      .column("CPU for each key", f.perKey)
      .validRuns()
      .note(fmt::format(
          "{}/s of reads, Poisson arrivals, values of {}. Active expiry's CPU is a "
          "share of the main thread. Keys that are spread are watched for {} longer, so "
          "their peak is that of more intervals; worst before and after are of "
          "equally long stretches of one run.",
          p.text("rate"), formatSize(p.size("value-size")), p.text("spread")))
      .rows(f.fault.cells());
  s.figures("peak p99, keys that expire {}", f.fault.peak, f.fault.cells());
}

void tabulateVisibility(Study& s, const Figures& f) {
  s.table("What reads and DBSIZE see")
      .column("keys expire", [](const Cell& cell) { return cell.title(); })
      .column("misses before", f.fault.mean("share", missesBefore))
      .column("misses in the interval after", f.missesAfter)
      .column("still counted right after", f.countedAfter)
      .column("still counted at the end", f.countedAtEnd)
      .column("expired_stale_perc", f.stale)
      .column("memory before", f.fault.mean("bytes", fieldBefore("used_memory")))
      .column("memory at the end", f.memoryAtEnd)
      .note(
          "Still counted: share of the keys with a time to live that DBSIZE holds, at INFO's "
          "first sample after the first expiry and at the run's end. expired_stale_perc: Redis's "
          "own estimate of expired keys among those with a time to live, at its highest.")
      .rows(f.fault.cells());
}

void plotRuns(Study& s, const Figures& f) {
  const auto draw = [&](std::string id, std::string title, const FaultStudy::SeriesOf& seriesOf) {
    Plot plot = f.fault.plotOverTime(std::move(id), std::move(title), "expiry");
    plot.x("seconds since the first key expired", AxisKind::linear);
    f.fault.addLines(plot, f.fault.cells(), seriesOf);
    return plot;
  };
  const auto p99 = [&](const Reading& run) { return f.fault.facts(run).p99; };
  draw("p99", "p99 around the first expiry", p99)
      .describe(fmt::format("p99 of each interval ({}), one run of each kind.",
                            s.parameters().text("interval")))
      .y("p99", AxisKind::latency)
      .main()
      .add();
  draw("expired", "Keys deleted as expired",
       [&](const Reading& run) { return rateSeries(*run.dir(), "expired_keys", p99(run)); })
      .describe("By the active cycle and by reads together, as INFO counts them.")
      .y("expired keys a second", AxisKind::count)
      .add();
  draw("counted", "Keys that DBSIZE counts",
       [&](const Reading& run) { return sampleSeries(*run.dir(), "db0.keys", p99(run)); })
      .describe("Expired keys are counted, and hold memory, until they are deleted.")
      .y("keys", AxisKind::count)
      .add();
}

/// A spike is what the textbook expects of keys that expire together. Keys that expire one by one
/// should not have more of one than there is without any deletion.
Standing standingOfSpike(const Figures& f, const Cell& cell, std::size_t spikes, std::size_t runs) {
  if (cell == f.lazy) return Standing::plain;
  if (cell == f.spread && f.spreadPeaksAsLazy()) return Standing::expected;
  if (spikes != 0 && spikes != runs) return Standing::inconclusive;
  return (spikes != 0) == (cell == f.clustered) ? Standing::expected : Standing::contradicts;
}

/// How the spread keys' peak compares with that of runs without active expiry.
std::string besideLazy(const Figures& f) {
  const Measured ratio = f.fault.peak.ratio(f.lazy, f.spread);
  if (!ratio.isKnown()) return {};
  return fmt::format(". Its peak is {} that with active expiry off{}", ratio,
                     f.spreadPeaksAsLazy()
                         ? ", where only reads delete keys: expiry adds nothing to what happens "
                           "on this machine anyway"
                         : "");
}

/// Other threads on the server's core, where they make up a part of the peak.
std::string withoutCore(const Figures& f, const Cell& cell) {
  constexpr double kNoticeable = 0.25;
  const Measured waited = f.waitedAtPeak[cell];
  if (!(waited.value() >= kNoticeable * f.fault.peak[cell].value())) return {};
  return fmt::format(". In the peak's interval the main thread was ready but without a core for {}",
                     waited);
}

void claimSpike(Study& s, const Figures& f, const Cell& cell, const std::string& expiry) {
  const std::string id = "spike-" + expiry;
  if (!f.fault.isMeasured(cell))
    return f.fault.claimNotMeasured(id, "keys that expire " + cell.title());
  const std::size_t spikes = f.fault.spikes(cell), runs = s.validRuns(cell).size();
  const std::string lasted =
      f.fault.hasSpike(cell) ? fmt::format(", for {}", f.fault.spikeS[cell]) : std::string();
  s.claim(id, standingOfSpike(f, cell, spikes, runs))
      .headline(cell == f.clustered)
      .from(
          "the spike rule on p99 by interval, INFO's expired_keys, and the main thread's run delay "
          "by Linux")
      .text(
          "Where keys expire {}, p99 rises from {} to at most {}. That is {} in {} of {} runs{}. "
          "{} keys expire, and in the busiest interval {} are deleted{}{}",
          cell.title(), f.fault.baseline[cell], f.fault.peak[cell],
          spikes == 0 ? "no spike by the rule" : "a spike", spikes == 0 ? runs : spikes, runs,
          lasted, f.expiring[cell].plain(), f.mostPerS[cell].plain(),
          cell == f.spread ? besideLazy(f) : std::string(), withoutCore(f, cell));
}

void claimHigher(Study& s, const Figures& f, const Cell& other, const std::string& expiry) {
  const Measured ratio = f.fault.peak.ratio(other, f.clustered);
  if (!ratio.isKnown()) return;
  const Difference difference = judgeRatio(ratio.estimate, kMatters);
  s.claim("clustered-over-" + expiry,
          difference == Difference::differs ? expectAbove(ratio) : Standing::inconclusive)
      .headline(other == f.spread)
      .from("peak p99 of all keys at one moment ÷ that of the other")
      .text(
          "The peak p99 of keys that expire all at one moment is {} that of keys that expire {} "
          "({}). It is {} instead of {}",
          ratio, other.title(), differenceName(difference), f.fault.peak[f.clustered],
          f.fault.peak[other]);
}

/// Reads find no expired key; DBSIZE counts it until it is deleted.
void claimReads(Study& s, const Figures& f, const Cell& cell, const std::string& expiry) {
  const double expected =
      f.expiring[cell].value() / static_cast<double>(s.parameters().count("keys"));
  const Measured after = f.missesAfter[cell];
  const bool isAtOnce = std::abs(after.value() - expected) < kSeesAtOnce;
  s.claim("reads-" + expiry, isAtOnce ? Standing::expected : Standing::contradicts)
      .from("hits and misses by interval, db0.keys")
      .restsOn({f.expiring[cell]})
      .text(
          "Keys that expire {}: {} of the reads miss in the first interval after it, and {} of the "
          "keys have expired: {}. DBSIZE still counts {} of the expired keys",
          cell.title(), after, formatShare(expected),
          isAtOnce ? "no read returns an expired value, deleted or not"
                   : "reads and expiry times disagree",
          f.countedAfter[cell]);
}

/// The active cycle rests while few of the keys with a time to live have expired.
void claimLeftOver(Study& s, const Figures& f) {
  if (!(f.due[f.spread].value() > 0)) return;
  s.claim("left-over-spread", Standing::plain)
      .from("expired_keys, expired_stale_perc")
      .text(
          "Spread over {}, {} keys had expired by the run's end and {} had been deleted. The "
          "active cycle rests while it estimates that less than a tenth of the keys with a time to "
          "live have expired, here at most {}",
          s.parameters().text("spread"), f.due[f.spread], f.expired[f.spread], f.stale[f.spread]);
}

void claimLazy(Study& s, const Figures& f) {
  const Measured active = f.countedAtEnd[f.clustered], lazy = f.countedAtEnd[f.lazy];
  const Measured with = f.memoryAtEnd[f.clustered], without = f.memoryAtEnd[f.lazy];
  s.claim("lazy-keeps-keys",
          lazy.value() > active.value() ? Standing::expected : Standing::contradicts)
      .from("db0.keys and used_memory at the run's end")
      .restsOn({active, with, without})
      .text(
          "Without the active cycle a key is deleted only when it is read: at the run's end DBSIZE "
          "still counts {} of the expired keys, compared with {} with the cycle. They hold {} more "
          "memory",
          lazy, active, formatQuantity(without.value() - with.value(), "bytes"));
}

void claimCpu(Study& s, const Figures& f) {
  const Measured cpu = f.mostCpu[f.clustered], perKey = f.perKey[f.clustered];
  const double slowShare = ActiveExpiry{}.cpuShare;
  s.claim("active-expiry-cpu", Standing::plain)
      .from("expire_cycle_cpu_milliseconds, expired_keys")
      .text("Active expiry takes {} of the main thread in the busiest interval, {}. A key costs {}",
            cpu,
            cpu.value() > 1.1 * slowShare
                ? fmt::format("more than the {} of its slow cycle: fast cycles before each turn of "
                              "the event loop come on top",
                              formatShare(slowShare))
                : fmt::format("within the {} of its slow cycle", formatShare(slowShare)),
            perKey);
  if (cpu.isKnown())
    s.cost("{} of the main thread for each key that active expiry deletes: {} for a million",
           perKey, formatQuantity(perKey.value(), "s"));
}

void recommendSpreading(Study& s, const Figures& f) {
  const Measured ratio = f.fault.peak.ratio(f.spread, f.clustered);
  if (!ratio.isKnown()) return;
  const Measured peak = f.fault.peak[f.clustered], before = f.fault.baseline[f.clustered];
  const std::string howLong = f.fault.hasSpike(f.clustered)
                                  ? f.fault.forHowLong(f.clustered)
                                  : fmt::format(" from {}", rounded(before));
  s.answer({peak, before},
           fmt::format("Keys that expire at one moment raise p99 to {}{}", rounded(peak), howLong));
  if (judgeRatio(ratio.estimate, kMatters) == Difference::differs && ratio.value() > 1) {
    s.recommend(
        "Add a random part to times to live: spread over {} the same keys peak at {} instead of {}",
        s.parameters().text("spread"), f.fault.peak[f.spread], f.fault.peak[f.clustered]);
    s.decide({peak, ratio},
             {.risk = "keys that expire together",
              .measured = fmt::format("p99 {}{}", rounded(peak), howLong),
              .action = "Add a random part to times to live",
              .price = fmt::format("keys live up to {} longer or shorter than intended",
                                   s.parameters().text("spread")),
              .gain = ratio.value(),
              .isStall = true,
              .runs = {}});
  } else
    s.recommend(
        "These runs do not show that spreading times to live lowers the peak of p99. It still "
        "spreads the misses that reach the store behind the cache");
  s.alternative({f.waitedAtPeak[f.clustered]},
                fmt::format("The machine: in the peak's interval the main thread was ready but "
                            "without a core for {}",
                            rounded(f.waitedAtPeak[f.clustered])));
}

/// What requests wait for during a slow cycle of active expiry: those that come during it are a
/// quarter of all, so the interval's p99 is a high quantile of a wait of up to one cycle.
double predictedPeakUs() {
  const ActiveExpiry cycle;
  return 1e6 * cycle.longestCycleS() * (1 - (1 - kPercentile) / cycle.cpuShare);
}

void predict(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  const ActiveExpiry cycle;
  const double expiring = static_cast<double>(p.count("keys")) * p.number("ttl-frac");
  s.predict("peak p99 when all keys expire at one moment",
            "the slow cycle holds everyone up for 25 ms of every 100 ms", "us", predictedPeakUs())
      .measured(f.fault.peak[f.clustered]);
  const Prediction gone =
      s.predict("until they are gone",
                fmt::format("a quarter of the main thread, {} for each key (assumed); the fast "
                            "cycles make it shorter",
                            p.text("assumed-per-key")),
                "s", expiring / cycle.keysPerS(p.seconds("assumed-per-key")));
  const Measured measured = f.goneAfter[f.clustered], perKey = f.perKey[f.clustered];
  if (!perKey.isKnown()) return gone.measured(measured);
  gone.measured(measured,
                fmt::format("{}; with the measured {} for each key, the slow cycle alone takes {}",
                            relativeToPrediction(measured.value(), gone.predicted()), perKey,
                            formatQuantity(expiring / cycle.keysPerS(perKey.value() / 1e6), "s")));
}

void declare(Study& s) {
  const auto expiry =
      Study::factor("expiry", {kClustered, kSpread, kLazy},
                    [&](const std::string& text) { return titleOf(s.parameters(), text); });
  const Grid grid = s.grid("", {expiry}, [&](const Cell& cell, unsigned) {
    return readWhileKeysExpire(s, cell[expiry]);
  });
  const Figures f{.s = s,
                  .clustered = grid.at(expiry, kClustered),
                  .spread = grid.at(expiry, kSpread),
                  .lazy = grid.at(expiry, kLazy),
                  .fault = {s, grid.cells, {.what = "first expiry", .when = firstExpiry}}};

  predict(s, f);
  tabulateSpikes(s, f);
  tabulateVisibility(s, f);
  plotRuns(s, f);
  for (const Cell& cell : grid.cells) claimSpike(s, f, cell, cell[expiry]);
  for (const Cell& other : {f.spread, f.lazy}) claimHigher(s, f, other, other[expiry]);
  for (const Cell& cell : {f.clustered, f.lazy}) claimReads(s, f, cell, cell[expiry]);
  claimLeftOver(s, f);
  claimLazy(s, f);
  claimCpu(s, f);
  recommendSpreading(s, f);
  s.method(intervalNote(f.fault.peak[f.clustered].estimate));
  s.method(f.fault.spikeMethod());
  s.method(fmt::format(
      "{} of {} keys have a time to live; reads go to all keys alike and refill nothing. The "
      "busiest interval's figures come from INFO, on straight lines between its samples",
      formatShare(s.parameters().number("ttl-frac")), s.parameters().text("keys")));
}

Status check(const Parameters& p) {
  if (p.number("ttl-frac") <= 0 || p.number("ttl-frac") >= 1)
    return p.refuse("ttl-frac", "between 0 and 1: some keys expire and others are read on");
  if (p.seconds("ttl-at") < neededBefore(p) + 1)
    return p.refuse("ttl-at",
                    fmt::format("load, warm-up and baseline come before: at least {:.1f} s",
                                neededBefore(p) + 1));
  if (p.seconds("duration") < p.seconds("ttl-at") + 1)
    return p.refuse("duration",
                    "a second longer than ttl-at at the least, to see what comes of it");
  return {};
}

}  // namespace
}  // namespace redline::lab::expiry_spike

namespace redline {

Experiment expirySpikeExperiment() {
  using enum ParameterKind;
  return {
      .name = "expiry-spike",
      .title = "What it costs when many keys expire at one moment",
      .question =
          "Many keys have the same time to live and expire together. How fast are they deleted, "
          "what does the active cycle take of the main thread, how high does everyone's p99 rise "
          "and for how long, compared with keys whose times to live are spread, and with keys that "
          "are deleted only when they are read?",
      .parameters =
          {
              {.name = "keys", .kind = count, .help = "keys of the data set"},
              {.name = "value-size", .kind = size, .help = "bytes of a value"},
              {.name = "ttl-frac", .kind = share, .help = "share of the keys that expire"},
              {.name = "ttl-at",
               .kind = duration,
               .help = "when they do, from the start of the load; load and baseline come before"},
              {.name = "spread",
               .kind = duration,
               .help = "from then on, the time over which they expire in the control; its runs "
                       "are longer by it"},
              {.name = "assumed-per-key",
               .kind = duration,
               .help = "CPU time of one expired key, for the prediction before any run"},
              {.name = "rate", .kind = count, .help = "reads a second"},
              {.name = "conns", .kind = count, .help = "connections"},
              {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
              {.name = "duration", .kind = duration, .help = "measured time of a run"},
              {.name = "interval", .kind = duration, .help = "of the series of p99 and of INFO"},
          },
      .check = lab::expiry_spike::check,
      .declare = lab::expiry_spike::declare,
  };
}

}  // namespace redline
