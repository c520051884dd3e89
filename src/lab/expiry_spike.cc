#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/compare.h"
#include "lab/fault_series.h"
#include "lab/words.h"
#include "model/costs.h"
#include "model/statistics.h"

namespace redline {
namespace {

constexpr double kPercentile = 0.99;
constexpr double kAllGone = 0.99;     ///< of the keys that expire: the burst is over
constexpr double kMatters = 0.25;     ///< of a peak: less is no difference
constexpr double kSeesAtOnce = 0.05;  ///< a share of misses this far from the expected is another

/// How the same keys expire.
enum : std::size_t { kClustered, kSpread, kLazy, kConditions };
constexpr std::array<std::string_view, kConditions> kNames{"clustered", "spread", "lazy"};

std::string fullName(const Parameters& p, std::size_t condition) {
  if (condition == kClustered) return "all at one moment";
  if (condition == kSpread) return "spread over " + p.text("spread");
  return "all at one moment, active expiry off";
}

Labels labelsOf(std::size_t condition) {
  return {{"expiry", std::string(kNames[condition])}};
}

std::vector<Labels> allLabels() {
  std::vector<Labels> all;
  all.reserve(kConditions);
  for (std::size_t i = 0; i < kConditions; ++i) all.push_back(labelsOf(i));
  return all;
}

Flags dataSet(const Parameters& p) {
  return {"-keys=" + p.text("keys"), "-value-size=" + p.text("value-size"),
          "-ttl-frac=" + p.text("ttl-frac")};
}

Status turnOffActiveExpiry(Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  const auto reply = (*admin)->command({"DEBUG", "SET-ACTIVE-EXPIRE", "0"});
  if (!reply) return fail(reply.error());
  bench.command("redis-cli -u redis://$ADDR debug set-active-expire 0");
  return {};
}

LabStack stackOf(const Parameters& p, std::size_t condition) {
  LabStack stack{.name = std::string(kNames[condition]), .up = {"node"}, .load = dataSet(p)};
  if (condition == kSpread)
    stack.load = joinFlags(
        {stack.load,
         {"-ttl-min=" + p.text("ttl-at"),
          fmt::format("-ttl-max={:.0f}ms", 1e3 * (p.seconds("ttl-at") + p.seconds("spread")))}});
  else
    stack.load.push_back("-ttl-at=" + p.text("ttl-at"));
  if (condition == kLazy) stack.prepare = turnOffActiveExpiry;
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

LabRun runOf(const Parameters& p, std::size_t condition, unsigned repeat) {
  LabRun run{
      .name = fmt::format("{}-r{}", kNames[condition], repeat),
      .labels = labelsOf(condition),
      .stack = std::string(kNames[condition]),
      .fresh = true,
      .before = [p](Bench& bench) { return noteMoment(p, bench); },
      .drives = {{"", joinFlags({dataSet(p),
                                 {"-rw-ratio=1", "-arrivals=poisson", "-rate=" + p.text("rate"),
                                  "-conns=" + p.text("conns"), "-warmup=" + p.text("warmup"),
                                  "-duration=" + p.text("duration"),
                                  "-interval=" + p.text("interval")}})}}};
  run.labels.emplace_back("repeat", std::to_string(repeat));
  return run;
}

Result<ExperimentPlan> plan(const Parameters& p) {
  ExperimentPlan plan;
  for (std::size_t i = 0; i < kConditions; ++i) plan.stacks.push_back(stackOf(p, i));
  plan.runs = interleaved(kConditions, p.repeats(),
                          [&](std::size_t i, unsigned repeat) { return runOf(p, i, repeat); });
  return plan;
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

// ---------------------------------------------------------------------------------------------------
// Models

/// What requests wait for while a slow cycle of active expiry goes on: those that come during it
/// are a quarter of all, so the interval's p99 is a high quantile of a wait of up to one cycle.
double predictedPeakUs() {
  const ActiveExpiry cycle;
  return 1e6 * cycle.longestCycleS() * (1 - (1 - kPercentile) / cycle.cpuShare);
}

double keysExpiring(const Parameters& p) {
  return static_cast<double>(p.count("keys")) * p.number("ttl-frac");
}

std::vector<LabPrediction> predict(const Parameters& p) {
  const ActiveExpiry cycle;
  const double perKey = p.seconds("assumed-per-key");
  return {{.what = "peak p99 when all keys expire at one moment",
           .model = "the slow cycle holds everybody up for 25 ms of every 100 ms",
           .unit = "us",
           .predicted = predictedPeakUs(),
           .verdict = {}},
          {.what = "until they are gone",
           .model = fmt::format("a quarter of the main thread, {} for each key (assumed); the fast "
                                "cycles make it shorter",
                                p.text("assumed-per-key")),
           .unit = "s",
           .predicted = keysExpiring(p) / cycle.keysPerS(perKey),
           .verdict = {}}};
}

// ---------------------------------------------------------------------------------------------------
// What the runs say

/// One run, read once. Times count from the first expiry.
struct Facts {
  std::optional<Spike> spike;
  double waitedAtPeakUs = kNaN;  ///< the main thread for its core, in the peak's interval
  double expiring = kNaN;        ///< keys with a time to live
  double expired = kNaN;         ///< by the run's end
  double mostPerS = kNaN;        ///< expired keys, in the busiest interval
  double goneAfterS = kNaN;      ///< kAllGone of them; not a number: not within the run
  double mostCpu = kNaN;         ///< active expiry's share of a core, in the busiest interval
  double cpuS = kNaN;            ///< active expiry's, in all
  double stalePercent = kNaN;    ///< the most that INFO estimated
  double missesBefore = kNaN;    ///< share of the reads
  double missesAfter = kNaN;     ///< … in the first whole interval after
  double countedAfter = kNaN;    ///< share of the expired that DBSIZE counts at the next sample
  double countedAtEnd = kNaN;    ///< … at the run's end
  double untilEndS = kNaN;       ///< from the moment to the last sample
  double memoryBefore = kNaN, memoryAtEnd = kNaN;
};

/// When the first keys expire, on the run's clock.
double momentS(const Reading& reading) {
  const RunDir* const run = reading.dir();
  const double unix = reading.figure("first_expiry_unix_s");
  if (run == nullptr || !run->plan) return kNaN;
  return unix - static_cast<double>(run->plan->wallZero) / 1e9;
}

double largest(const std::vector<double>& values) {
  double most = kNaN;
  for (const double value : values)
    if (std::isfinite(value) && !(value <= most)) most = value;
  return most;
}

void readServer(const Reading& reading, double moment, Facts& facts) {
  const double permanent = reading.figure("keys_loaded") - facts.expiring;
  const auto counted = [&](const ServerSample& sample) {
    return (sample.number("db0.keys", kNaN) - permanent) / facts.expiring;
  };
  const ServerSample* before = nullptr;
  for (const ServerSample& sample : reading.dir()->servers) {
    const double at = static_cast<double>(sample.at) / 1e9 - moment;
    if (at < 0) {
      before = &sample;
      continue;
    }
    if (before == nullptr) return;
    const auto since = [&](std::string_view field) {
      return sample.number(field, kNaN) - before->number(field, kNaN);
    };
    if (std::isnan(facts.countedAfter)) facts.countedAfter = counted(sample);
    facts.countedAtEnd = counted(sample);
    facts.untilEndS = at;
    facts.expired = since("expired_keys");
    facts.cpuS = since("expire_cycle_cpu_milliseconds") / 1e3;
    facts.memoryBefore = before->number("used_memory", kNaN);
    facts.memoryAtEnd = sample.number("used_memory", kNaN);
    if (const double stale = sample.number("expired_stale_perc", kNaN);
        !(stale <= facts.stalePercent))
      facts.stalePercent = stale;
    if (std::isnan(facts.goneAfterS) && facts.expired >= kAllGone * facts.expiring)
      facts.goneAfterS = at;
  }
}

void readIntervals(const RunDir& run, double moment, Facts& facts) {
  double hits = 0, misses = 0;
  for (const IntervalRow& row : run.intervals) {
    const auto reads = static_cast<double>(row.counts.hits + row.counts.misses);
    if (row.warmup || reads == 0) continue;
    if (static_cast<double>(row.end) / 1e9 <= moment) {
      hits += static_cast<double>(row.counts.hits);
      misses += static_cast<double>(row.counts.misses);
    } else if (static_cast<double>(row.start) / 1e9 >= moment) {
      facts.missesAfter = static_cast<double>(row.counts.misses) / reads;
      break;
    }
  }
  if (hits + misses > 0) facts.missesBefore = misses / (hits + misses);
}

Facts read(const Reading& reading) {
  Facts facts;
  const double moment = momentS(reading);
  if (!std::isfinite(moment)) return facts;
  const RunDir& run = *reading.dir();
  facts.expiring = reading.figure("keys_expiring");
  const auto series = responseSeries(run, kPercentile);
  if (series.empty()) return facts;
  facts.spike = findSpike(series, {series.front().startS, moment}, {moment, series.back().endS},
                          faultSpikeRule());
  const auto waited = withoutCoreUs(run, series);
  for (std::size_t i = 0; i < series.size(); ++i)
    if (series[i].startS == facts.spike->peakAtS) facts.waitedAtPeakUs = waited[i];
  facts.mostPerS = largest(ratesOf(run, "expired_keys", series));
  facts.mostCpu = largest(ratesOf(run, "expire_cycle_cpu_milliseconds", series)) / 1e3;
  readServer(reading, moment, facts);
  readIntervals(run, moment, facts);
  return facts;
}

class Analysis {
 public:
  Analysis(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : p_(p),
        document_(document),
        runs_(readings, allLabels(), read),
        peak_(runs_.column([](const Facts& f) { return f.spike ? f.spike->peak : kNaN; })),
        base_(runs_.column([](const Facts& f) { return f.spike ? f.spike->baseline : kNaN; })) {}

  void all() {
    spikeTable();
    seenTable();
    plots();
    for (std::size_t i = 0; i < kConditions; ++i) spike(i);
    compare(kSpread);
    compare(kLazy);
    whatReadsSee();
    leftOver();
    whoDeletes();
    cost();
    recommend();
    predictions();
    document_.method.push_back(intervalNote(peak_.of(kClustered)));
    document_.method.push_back(fmt::format(
        "Spike of p99 in intervals of {}: {}, and {:.0f} µs at the least; the baseline is the "
        "window before the first key expires. {} of {} keys have a time to live; reads go to all "
        "keys alike and refill nothing. The busiest interval's figures come from INFO, on straight "
        "lines between its samples",
        p_.text("interval"), faultSpikeRule().text(), faultSpikeRule().least,
        formatShare(p_.number("ttl-frac")), p_.text("keys")));
  }

 private:
  bool has(std::size_t condition) const { return peak_.has(condition) && base_.has(condition); }
  std::size_t spikes(std::size_t condition) {
    std::size_t found = 0;
    for (const Reading* reading : runs_.runs(condition))
      if (const auto& spike = runs_.facts(*reading).spike; spike && spike->found) ++found;
    return found;
  }
  double spikeS(std::size_t condition) {
    return runs_.mean(condition, [](const Facts& f) {
      return f.spike && f.spike->found ? f.spike->durationS() : kNaN;
    });
  }
  static std::string s(double value) { return formatQuantity(value, "s"); }
  static std::string perS(double value) { return formatQuantity(value, "ops/s"); }
  static std::string count(double value) { return formatQuantity(value, "count"); }
  std::string name(std::size_t condition) const { return fullName(p_, condition); }
  double perKeyUs(std::size_t condition) {
    return runs_.mean(condition, [](const Facts& f) {
      return f.expired > 0 && f.cpuS > 0 ? 1e6 * f.cpuS / f.expired : kNaN;
    });
  }

  void spikeTable() {
    LabTable table{.title = "What expiring keys do to everybody's p99",
                   .head = {"keys expire", "how many", "expired/s at the most", "99% gone after",
                            "p99 before", "peak p99", "peak ÷ before", "spike lasted",
                            "active expiry's CPU at the most", "CPU for each key", "valid runs"},
                   .rows = {},
                   .note = fmt::format("{}/s of reads, Poisson arrivals, values of {}. Active "
                                       "expiry's CPU is a share of the main thread.",
                                       p_.text("rate"), formatSize(p_.size("value-size")))};
    for (std::size_t i = 0; i < kConditions; ++i)
      table.rows.push_back(
          {{name(i), count(runs_.mean(i, [](const Facts& f) { return f.expiring; })),
            perS(runs_.mean(i, [](const Facts& f) { return f.mostPerS; })),
            s(runs_.mean(i, [](const Facts& f) { return f.goneAfterS; })), words(base_.of(i), "us"),
            words(peak_.of(i), "us"),
            formatQuantity(
                runs_.mean(i, [](const Facts& f) { return f.spike ? f.spike->multiple() : kNaN; }),
                "x"),
            has(i) && spikes(i) == 0 ? "no spike" : s(spikeS(i)),
            formatShare(runs_.mean(i, [](const Facts& f) { return f.mostCpu; })),
            formatQuantity(perKeyUs(i), "us"),
            fmt::format("{} of {}", runs_.valid(i), runs_.runs(i).size())},
           runs_.names({i})});
    document_.tables.push_back(std::move(table));
  }

  void seenTable() {
    LabTable table{
        .title = "What reads and DBSIZE see",
        .head = {"keys expire", "misses before", "misses in the interval after",
                 "still counted right after", "still counted at the end", "expired_stale_perc",
                 "memory before", "memory at the end"},
        .rows = {},
        .note =
            "Still counted: share of the keys with a time to live that DBSIZE holds, at INFO's "
            "first sample after the moment and at the run's end. expired_stale_perc: Redis's "
            "own estimate of expired keys among those with a time to live, at its highest."};
    for (std::size_t i = 0; i < kConditions; ++i)
      table.rows.push_back(
          {{name(i), formatShare(runs_.mean(i, [](const Facts& f) { return f.missesBefore; })),
            formatShare(runs_.mean(i, [](const Facts& f) { return f.missesAfter; })),
            formatShare(runs_.mean(i, [](const Facts& f) { return f.countedAfter; })),
            formatShare(runs_.mean(i, [](const Facts& f) { return f.countedAtEnd; })),
            formatShare(runs_.mean(i, [](const Facts& f) { return f.stalePercent / 100; })),
            formatQuantity(runs_.mean(i, [](const Facts& f) { return f.memoryBefore; }), "bytes"),
            formatQuantity(runs_.mean(i, [](const Facts& f) { return f.memoryAtEnd; }), "bytes")},
           runs_.names({i})});
    document_.tables.push_back(std::move(table));
  }

  using Values = std::function<std::vector<double>(const RunDir&, const std::vector<SeriesPoint>&)>;

  void plots() {
    drawn("p99", "p99 around the moment of expiry", {"p99", AxisKind::latency, {}},
          fmt::format("Each interval's p99 ({}), one run of each kind. 0: the first keys expire.",
                      p_.text("interval")),
          [](const RunDir&, const std::vector<SeriesPoint>& series) {
            std::vector<double> values;
            values.reserve(series.size());
            for (const SeriesPoint& point : series) values.push_back(point.value);
            return values;
          });
    drawn("expired", "Keys deleted as expired", {"expired keys a second", AxisKind::count, {}},
          "By the active cycle and by reads together, as INFO counts them.",
          [](const RunDir& run, const std::vector<SeriesPoint>& series) {
            return ratesOf(run, "expired_keys", series);
          });
    drawn("counted", "Keys that DBSIZE counts", {"keys", AxisKind::count, {}},
          "Expired keys are counted, and hold memory, until somebody deletes them.",
          [](const RunDir& run, const std::vector<SeriesPoint>& series) {
            std::vector<double> values;
            for (const SeriesPoint& point : series) {
              double keys = kNaN;
              for (const ServerSample& sample : run.servers)
                if (static_cast<double>(sample.at) / 1e9 <= point.endS)
                  keys = sample.number("db0.keys", kNaN);
              values.push_back(keys);
            }
            return values;
          });
  }

  void drawn(std::string id, std::string title, LabAxis y, std::string description,
             const Values& values) {
    LabPlot plot{.id = std::move(id),
                 .title = std::move(title),
                 .description = std::move(description),
                 .x = {"seconds since the first keys expired", AxisKind::linear, {}},
                 .y = std::move(y),
                 .series = {},
                 .spans = {},
                 .marks = {{0, "expiry"}}};
    for (std::size_t i = 0; i < kConditions; ++i) {
      if (runs_.runs(i).empty()) continue;
      const Reading& reading = *runs_.runs(i).front();
      const double moment = momentS(reading);
      if (!std::isfinite(moment)) continue;
      const auto series = responseSeries(*reading.dir(), kPercentile);
      const auto ys = values(*reading.dir(), series);
      LabSeries line{.title = name(i), .points = {}, .markers = false};
      for (std::size_t k = 0; k < series.size(); ++k)
        line.points.push_back({series[k].startS - moment, ys[k]});
      plot.series.push_back(std::move(line));
    }
    if (!plot.series.empty()) document_.plots.push_back(std::move(plot));
  }

  void spike(std::size_t i) {
    if (!has(i)) {
      addFinding(
          document_, Standing::problem,
          fmt::format("Keys that expire {} were not measured, so nothing is said of them", name(i)),
          "the runs that failed", runs_.names({i}));
      return;
    }
    const std::size_t found = spikes(i);
    const std::size_t all = runs_.runs(i).size();
    const bool mostly = 2 * found > all;
    // A spike is what the textbook expects of the first kind, and of the second none but what the
    // machine does anyway.
    const bool wanted = i == kClustered;
    const Standing standing = i == kLazy                            ? Standing::plain
                              : i == kSpread && asWithoutDeleting() ? Standing::expected
                              : found != 0 && found != all          ? Standing::inconclusive
                              : mostly == wanted                    ? Standing::expected
                                                                    : Standing::contradicts;
    const double seconds = spikeS(i);
    addFinding(
        document_, standing,
        fmt::format("{} keys that expire {}: p99 goes from {} to {} at the most, {} in {} of {} "
                    "runs{}; {} are deleted in the busiest interval{}{}",
                    count(runs_.mean(i, [](const Facts& f) { return f.expiring; })), name(i),
                    words(base_.of(i), "us"), words(peak_.of(i), "us"),
                    found == 0 ? "no spike by the rule" : "a spike", found == 0 ? all : found, all,
                    std::isfinite(seconds) ? fmt::format(", for {}", s(seconds)) : "",
                    perS(runs_.mean(i, [](const Facts& f) { return f.mostPerS; })),
                    i == kSpread ? besideLazy() : "", withoutCore(i)),
        "the spike rule on p99 by interval, INFO's expired_keys, and the main thread's run delay "
        "by Linux",
        runs_.names({i}), i == kClustered);
    addFigure(document_, fmt::format("peak p99, keys that expire {}", name(i)), "us", peak_.of(i));
  }

  /// Whether the spread keys' peak is no higher than that of runs in which nobody deletes any.
  bool asWithoutDeleting() const {
    return has(kLazy) && has(kSpread) && !(peak_.ratio(kLazy, kSpread).low > 1);
  }

  std::string besideLazy() const {
    if (!has(kLazy)) return {};
    return fmt::format(
        "; its peak is {} of that with active expiry off{}", multiple(peak_.ratio(kLazy, kSpread)),
        asWithoutDeleting() ? ", where only reads delete: not more than happens here anyway" : "");
  }

  /// What other threads on the server's core had to do with the peak.
  std::string withoutCore(std::size_t i) {
    const double waitedUs = runs_.mean(i, [](const Facts& f) { return f.waitedAtPeakUs; });
    constexpr double kNoticeable = 0.25;  // of the peak
    if (!(waitedUs >= kNoticeable * peak_.of(i).value)) return {};
    return fmt::format("; in the peak's interval the main thread was ready and had no core for {}",
                       formatQuantity(waitedUs, "us"));
  }

  void compare(std::size_t i) {
    if (!has(kClustered) || !has(i)) return;
    const Estimate ratio = peak_.ratio(i, kClustered);
    const Difference difference = judgeRatio(ratio, kMatters);
    addFinding(
        document_,
        difference == Difference::differs ? standingOf(ratio, true) : Standing::inconclusive,
        fmt::format("The peak of p99 is {} of that of keys that expire {} ({} against {}; {})",
                    multiple(ratio), name(i), words(peak_.of(kClustered), "us"),
                    words(peak_.of(i), "us"), differenceName(difference)),
        "peak p99 of all keys at one moment ÷ that of the other", runs_.names({kClustered, i}),
        i == kSpread);
  }

  void whatReadsSee() {
    for (const std::size_t i : {kClustered, kLazy}) {
      const double expected = runs_.mean(i, [](const Facts& f) { return f.expiring; }) /
                              static_cast<double>(p_.count("keys"));
      const double after = runs_.mean(i, [](const Facts& f) { return f.missesAfter; });
      const double counted = runs_.mean(i, [](const Facts& f) { return f.countedAfter; });
      if (!std::isfinite(expected + after + counted)) continue;
      const bool atOnce = std::abs(after - expected) < kSeesAtOnce;
      addFinding(
          document_, atOnce ? Standing::expected : Standing::contradicts,
          fmt::format("{}: {} of the reads miss in the first interval after the moment ({} of the "
                      "keys have expired), while DBSIZE still counts {} of the expired: {}",
                      name(i), formatShare(after), formatShare(expected), formatShare(counted),
                      atOnce ? "no read gets an expired value, whoever has deleted it or not"
                             : "reads and expiry times do not agree"),
          "hits and misses by interval, db0.keys", runs_.names({i}));
    }
  }

  /// The active cycle rests while few of the keys with a time to live are past it.
  void leftOver() {
    const double due = runs_.mean(kSpread, [&](const Facts& f) {
      return f.expiring * std::min(1.0, f.untilEndS / p_.seconds("spread"));
    });
    const double gone = runs_.mean(kSpread, [](const Facts& f) { return f.expired; });
    const double stale = runs_.mean(kSpread, [](const Facts& f) { return f.stalePercent; });
    if (!(due > 0) || !std::isfinite(gone + stale)) return;
    addFinding(document_, Standing::plain,
               fmt::format("Spread over {}, {} keys were due by the run's end and {} had been "
                           "deleted: the active cycle rests while it estimates that less than a "
                           "tenth of the keys with a time to live are past it (here {:.1f}% at the "
                           "most)",
                           p_.text("spread"), count(due), count(gone), stale),
               "expired_keys, expired_stale_perc", runs_.names({kSpread}));
  }

  /// Lazy against active.
  void whoDeletes() {
    const double active = runs_.mean(kClustered, [](const Facts& f) { return f.countedAtEnd; });
    const double lazy = runs_.mean(kLazy, [](const Facts& f) { return f.countedAtEnd; });
    const double memory = runs_.mean(kLazy, [](const Facts& f) { return f.memoryAtEnd; }) -
                          runs_.mean(kClustered, [](const Facts& f) { return f.memoryAtEnd; });
    if (!std::isfinite(active + lazy + memory)) return;
    addFinding(
        document_, lazy > active ? Standing::expected : Standing::contradicts,
        fmt::format("Without the active cycle a key goes only when it is read: at the run's end "
                    "DBSIZE still counts {} of the expired keys, against {} with it, and {} more "
                    "memory is held",
                    formatShare(lazy), formatShare(active), formatQuantity(memory, "bytes")),
        "db0.keys and used_memory at the run's end", runs_.names({kClustered, kLazy}));
  }

  void cost() {
    const double cpu = runs_.mean(kClustered, [](const Facts& f) { return f.mostCpu; });
    const double perKey = perKeyUs(kClustered);
    if (!std::isfinite(cpu + perKey)) return;
    const ActiveExpiry cycle;
    addFinding(
        document_, Standing::plain,
        fmt::format(
            "Active expiry takes {} of the main thread in the busiest interval: {}. "
            "A key costs it {}",
            formatShare(cpu),
            cpu > 1.1 * cycle.cpuShare
                ? fmt::format("more than the {} of its slow cycle, since fast cycles "
                              "before each turn of the event loop come on top",
                              formatShare(cycle.cpuShare))
                : fmt::format("within the {} of its slow cycle", formatShare(cycle.cpuShare)),
            formatQuantity(perKey, "us")),
        "expire_cycle_cpu_milliseconds, expired_keys", runs_.names({kClustered}));
    document_.costs.push_back(fmt::format(
        "{} of the main thread for each key that active expiry deletes: {} for a million",
        formatQuantity(perKey, "us"), s(perKey)));
  }

  void recommend() {
    if (!has(kClustered) || !has(kSpread)) return;
    const Estimate ratio = peak_.ratio(kSpread, kClustered);
    if (judgeRatio(ratio, kMatters) == Difference::differs && ratio.value > 1)
      document_.recommendations.push_back(fmt::format(
          "Add a random part to times to live: spread over {} the same keys peak at {} "
          "and not {}",
          p_.text("spread"), words(peak_.of(kSpread), "us"), words(peak_.of(kClustered), "us")));
    else
      document_.recommendations.emplace_back(
          "These runs do not prove that spreading times to live lowers the peak of p99; it still "
          "spreads the misses that reach the store behind");
  }

  void predictions() {
    if (document_.predictions.size() < 2) return;
    if (LabPrediction& peak = document_.predictions[0]; has(kClustered)) {
      setMeasured(peak, peak_.of(kClustered));
      peak.verdict = ofPredicted(peak);
    }
    LabPrediction& gone = document_.predictions[1];
    gone.measured = runs_.mean(kClustered, [](const Facts& f) { return f.goneAfterS; });
    if (!std::isfinite(gone.measured)) return;
    const double perKey = perKeyUs(kClustered) / 1e6;
    const double expected = keysExpiring(p_) / ActiveExpiry{}.keysPerS(perKey);
    gone.verdict =
        fmt::format("{}; with the {} a key that was measured, the slow cycle alone takes {}",
                    ofPredicted(gone), formatQuantity(perKey * 1e6, "us"), s(expected));
  }

  const Parameters& p_;
  ExperimentDocument& document_;
  ConditionsWith<Facts> runs_;
  Column peak_, base_;
};

void analyse(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Analysis(p, readings, document).all();
}

}  // namespace

Experiment expirySpikeExperiment() {
  Experiment experiment;
  experiment.name = "expiry-spike";
  experiment.title = "What it costs when many keys expire at one moment";
  experiment.question =
      "Many keys have the same time to live and expire together. How fast are they deleted, what "
      "does the active cycle take of the main thread, how high does everybody's p99 go and for how "
      "long, against keys whose times to live are spread, and against keys that go only when they "
      "are read?";
  using enum ParameterKind;
  experiment.parameters = {
      {.name = "keys", .kind = count, .help = "keys of the data set"},
      {.name = "value-size", .kind = size, .help = "bytes of a value"},
      {.name = "ttl-frac", .kind = share, .help = "share of the keys that expire"},
      {.name = "ttl-at",
       .kind = duration,
       .help = "when they do, from the start of the load; load and baseline come before"},
      {.name = "spread",
       .kind = duration,
       .help = "from then on, the time over which they expire in the control"},
      {.name = "assumed-per-key",
       .kind = duration,
       .help = "CPU time of one expired key, for the prediction before any run"},
      {.name = "rate", .kind = count, .help = "reads a second"},
      {.name = "conns", .kind = count, .help = "connections"},
      {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
      {.name = "duration", .kind = duration, .help = "measured time of a run"},
      {.name = "interval", .kind = duration, .help = "of the series of p99 and of INFO"},
  };
  experiment.check = check;
  experiment.plan = plan;
  experiment.predict = predict;
  experiment.analyse = analyse;
  return experiment;
}

}  // namespace redline
