#include "chaos/big_key.h"

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

/// A large thing, read at once and in pages.
struct Pair {
  std::string_view atOnce, inPages;  ///< words of bigkey-on's -command
  std::string_view what;             ///< for people
};
constexpr std::array<Pair, 4> kPairs{{{"keys", "scan", "all keys"},
                                      {"hgetall", "hscan", "a hash"},
                                      {"lrange", "lrange-pages", "a list"},
                                      {"smembers", "sscan", "a set"}}};
constexpr std::size_t kKeys = 0, kHash = 1;

// Places of conditions: 2i is a pair's reading at once, 2i + 1 the one in pages; then KEYS again
// where its reply does not fit beside the data.
constexpr std::size_t kTight = 2 * kPairs.size();
constexpr std::size_t kConditions = kTight + 1;

constexpr std::size_t atOnce(std::size_t pair) {
  return 2 * pair;
}
constexpr std::size_t inPages(std::size_t pair) {
  return 2 * pair + 1;
}

std::string_view commandOf(std::size_t condition) {
  if (condition == kTight) return kPairs[kKeys].atOnce;
  const Pair& pair = kPairs[condition / 2];
  return condition % 2 == 0 ? pair.atOnce : pair.inPages;
}

std::string nameOf(std::size_t condition) {
  return std::string(commandOf(condition)) + (condition == kTight ? "-tight" : "");
}

std::string capitals(std::string_view word) {
  std::string text(word);
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return text;
}

/// "HGETALL of a hash", "LRANGE of a list, in pages".
std::string fullName(std::size_t condition) {
  if (condition == kTight) return "KEYS * with no room for its reply";
  const Pair& pair = kPairs[condition / 2];
  const BigRead& read = *findBigRead(commandOf(condition));
  return fmt::format("{} of {}{}", read.command, pair.what,
                     read.word == "lrange-pages" ? ", in pages" : "");
}

Labels labelsOf(std::size_t condition) {
  return {{"command", nameOf(condition)}};
}

std::vector<Labels> allLabels() {
  std::vector<Labels> all;
  all.reserve(kConditions);
  for (std::size_t i = 0; i < kConditions; ++i) all.push_back(labelsOf(i));
  return all;
}

/// The big keys stand there before the first run, so that making them disturbs none.
Status makeBigKeys(const Parameters& p, Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  for (std::size_t pair = 1; pair < kPairs.size(); ++pair) {
    const BigRead& read = *findBigRead(kPairs[pair].atOnce);
    if (auto made = makeBigKey(**admin, read.what, p.count("fields"), p.size("field-size"),
                               [&](std::uint64_t) { return !bench.interrupted(); });
        !made)
      return made;
    bench.command(
        fmt::format("redline chaos -addr=$ADDR -action=bigkey-on -command={} -fields={} "
                    "-field-size={} -keep",
                    read.word, p.text("fields"), p.text("field-size")));
  }
  return {};
}

/// Sets maxmemory a little above what is used: what a large reply needs has to come from the keys.
Status leaveNoRoom(const Parameters& p, Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  const auto info = (*admin)->info({"memory"});
  if (!info) return fail(info.error());
  const std::string limit = std::to_string(info->count("used_memory") + p.size("headroom"));
  bench.command(fmt::format("redis-cli -u redis://$ADDR config set maxmemory {}", limit));
  return (*admin)->configSet("maxmemory", limit);
}

LabRun runOf(const Parameters& p, std::size_t condition, unsigned repeat) {
  const BigRead& read = *findBigRead(commandOf(condition));
  LabRun run{.name = fmt::format("{}-r{}", nameOf(condition), repeat),
             .labels = labelsOf(condition),
             .stack = condition == kTight ? "tight" : "roomy",
             .drives = {{"", driveWithFault(p, fmt::format("bigkey-on -command={} -page={}",
                                                           read.word, p.text("page")))}}};
  run.labels.emplace_back("repeat", std::to_string(repeat));
  if (condition == kTight) run.before = [p](Bench& bench) { return leaveNoRoom(p, bench); };
  return run;
}

Result<ExperimentPlan> plan(const Parameters& p) {
  ExperimentPlan plan;
  plan.stacks = {{.name = "roomy",
                  .up = {"node"},
                  .load = faultDataSet(p),
                  .prepare = [p](Bench& bench) { return makeBigKeys(p, bench); }},
                 {.name = "tight", .up = {"node"}, .load = faultDataSet(p), .prepare = {}}};
  plan.runs = interleaved(kConditions, p.repeats(),
                          [&](std::size_t i, unsigned repeat) { return runOf(p, i, repeat); });
  return plan;
}

Status check(const Parameters& p) {
  if (auto moment = checkFaultMoment(p, "command"); !moment) return moment;
  if (p.count("fields") == 0 || p.count("page") == 0)
    return p.refuse(p.count("page") == 0 ? "page" : "fields", "one or more");
  return {};
}

std::vector<LabPrediction> predict(const Parameters& p) {
  std::vector<LabPrediction> all;
  for (std::size_t pair = 0; pair < kPairs.size(); ++pair) {
    const std::string command = capitals(kPairs[pair].atOnce);
    const auto cost = elementCost(command);
    if (!cost) continue;
    const auto elements = static_cast<double>(p.count(pair == kKeys ? "keys" : "fields"));
    all.push_back({.what = fmt::format("slow-log time of {} over {} elements", command,
                                       formatCount(elements)),
                   .model = fmt::format("{:.0f} ns for each element, on a quiet machine",
                                        cost->secondsPerElement * 1e9),
                   .unit = "us",
                   .predicted = stallSeconds(*cost, elements) * 1e6,
                   .verdict = {}});
  }
  return all;
}

/// One run, read once.
struct Facts {
  std::optional<Spike> spike;
  double busyUs = kNaN;  ///< what the command took of the main thread, all calls
  double slowUs = kNaN;  ///< the longest call by the slow log, or by commandstats' mean
  double calls = kNaN, elements = kNaN, bytes = kNaN, readS = kNaN;
  double stallUs = kNaN;  ///< the longest that the PING probe saw
  double maxUs = kNaN;    ///< the slowest operation on any other key
  double evicted = kNaN;  ///< while the command ran
  double missed = kNaN;   ///< reads of the whole run that found nothing
};

Facts read(const Reading& reading) {
  Facts facts;
  if (faultOf(reading) == nullptr) return facts;
  facts.spike = spikeOf(reading, kPercentile, faultSpikeRule());
  facts.busyUs = faultFigure(reading, "server_us");
  facts.calls = faultFigure(reading, "calls");
  facts.slowUs = faultFigure(reading, "slowlog_us");
  if (!std::isfinite(facts.slowUs)) facts.slowUs = facts.busyUs / facts.calls;
  facts.elements = faultFigure(reading, "elements");
  // A hash's reply has two for each field: its name and its value.
  const std::string_view command = reading.label("command");
  if (command == kPairs[kHash].atOnce || command == kPairs[kHash].inPages) facts.elements /= 2;
  facts.bytes = faultFigure(reading, "reply_bytes");
  facts.readS = faultFigure(reading, "read_s");
  facts.evicted = faultFigure(reading, "evicted_keys");
  facts.stallUs = longestStallS(reading) * 1e6;
  facts.maxUs = latencyUs(reading, "max");
  if (const Summary* const summary = reading.summary())
    facts.missed = static_cast<double>(summary->cache.misses);
  return facts;
}

class Analysis {
 public:
  Analysis(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : p_(p),
        document_(document),
        runs_(readings, allLabels(), read),
        slow_(runs_.column([](const Facts& f) { return f.slowUs; })),
        base_(runs_.column([](const Facts& f) { return f.spike ? f.spike->baseline : kNaN; })),
        peak_(runs_.column([](const Facts& f) { return f.spike ? f.spike->peak : kNaN; })) {}

  void all() {
    table();
    plots();
    for (std::size_t pair = 0; pair < kPairs.size(); ++pair) {
      stall(pair);
      remedy(pair);
    }
    unseen();
    evictions();
    judge();
    predictions();
    document_.method.push_back(intervalNote(slow_.of(atOnce(kHash))));
    document_.method.push_back(fmt::format(
        "Spike of p99 of operations on other keys, in intervals of {}: {}, and {:.0f} µs at the "
        "least; the baseline is the window before the command. The slow log has the longest call; "
        "where none was long enough for it (1 ms), the mean call by commandstats stands there. A "
        "stall's length is that of the longest unanswered PING, asked every millisecond",
        p_.text("interval"), faultSpikeRule().text(), faultSpikeRule().least));
  }

 private:
  using Figure = ConditionsWith<Facts>::Figure;

  bool measured(std::size_t condition) const {
    return slow_.has(condition) && base_.has(condition) && peak_.has(condition);
  }
  double spikeS(std::size_t condition) {
    return runs_.mean(condition, [](const Facts& f) {
      return f.spike && f.spike->found ? f.spike->durationS() : kNaN;
    });
  }
  std::string lasted(std::size_t condition) {
    const double seconds = spikeS(condition);
    return std::isfinite(seconds) ? formatQuantity(seconds, "s") : std::string("no spike");
  }
  double multiple(std::size_t condition) {
    return runs_.mean(condition,
                      [](const Facts& f) { return f.spike ? f.spike->multiple() : kNaN; });
  }
  static std::string us(double value) { return formatQuantity(value, "us"); }

  void table() {
    LabTable table{
        .title = "One command on something large, and everybody else's p99",
        .head = {"command", "elements", "calls", "reply", "longest call (slow log)",
                 "main thread busy with it", "longest stall", "p99 of others before", "peak p99",
                 "spike lasted", "slowest operation", "evicted meanwhile", "valid runs"},
        .rows = {},
        .note = fmt::format("{}/s on {} keys of {}, Poisson arrivals, {} of reads; {} elements of "
                            "about {} in each big key, {} in a page. Stall: from the first PING "
                            "without an answer to its answer.",
                            p_.text("rate"), p_.text("keys"), formatSize(p_.size("value-size")),
                            formatShare(p_.number("rw-ratio")), p_.text("fields"),
                            formatSize(p_.size("field-size")), p_.text("page"))};
    for (std::size_t i = 0; i < kConditions; ++i)
      table.rows.push_back(
          {{fullName(i), count(i, [](const Facts& f) { return f.elements; }),
            count(i, [](const Facts& f) { return f.calls; }),
            formatQuantity(runs_.mean(i, [](const Facts& f) { return f.bytes; }), "bytes"),
            words(slow_.of(i), "us"), us(runs_.mean(i, [](const Facts& f) { return f.busyUs; })),
            us(runs_.mean(i, [](const Facts& f) { return f.stallUs; })), words(base_.of(i), "us"),
            words(peak_.of(i), "us"), lasted(i),
            us(runs_.mean(i, [](const Facts& f) { return f.maxUs; })),
            count(i, [](const Facts& f) { return f.evicted; }),
            fmt::format("{} of {}", runs_.valid(i), runs_.runs(i).size())},
           runs_.names({i})});
    document_.tables.push_back(std::move(table));
    for (std::size_t i = 0; i < kConditions; ++i) {
      addFigure(document_, "longest call, " + fullName(i), "us", slow_.of(i));
      addFigure(document_, "peak p99 of other keys, " + fullName(i), "us", peak_.of(i));
    }
  }

  std::string count(std::size_t condition, const Figure& figure) {
    return formatQuantity(runs_.mean(condition, figure), "count");
  }

  void plots() {
    const auto drawn = [&](std::string id, std::string title, std::size_t which) {
      LabPlot plot{.id = std::move(id),
                   .title = std::move(title),
                   .description = fmt::format("p99 of operations on other keys in each interval "
                                              "({}), one run of each kind.",
                                              p_.text("interval")),
                   .x = {"seconds since the command began", AxisKind::linear, {}},
                   .y = {"p99", AxisKind::latency, {}},
                   .series = {},
                   .spans = {},
                   .marks = {{0, "the command"}}};
      for (std::size_t pair = 0; pair < kPairs.size(); ++pair) add(plot, 2 * pair + which);
      if (!plot.series.empty()) document_.plots.push_back(std::move(plot));
    };
    drawn("at-once", "Read at once: everybody waits", 0);
    drawn("in-pages", "Read in pages: everybody gets a turn", 1);
  }

  void add(LabPlot& plot, std::size_t condition) {
    if (runs_.runs(condition).empty()) return;
    const Reading& reading = *runs_.believed(condition).front();
    const FaultFigures* const fault = faultOf(reading);
    if (fault == nullptr || reading.dir() == nullptr) return;
    LabSeries line{.title = fullName(condition), .points = {}, .markers = false};
    for (const SeriesPoint& point : responseSeries(*reading.dir(), kPercentile))
      line.points.push_back({point.startS - fault->beginS, point.value});
    plot.series.push_back(std::move(line));
  }

  void stall(std::size_t pair) {
    const std::size_t i = atOnce(pair);
    if (!measured(i)) {
      addFinding(document_, Standing::problem,
                 fmt::format("{} was not measured, so nothing is said of its stall", fullName(i)),
                 "the runs that failed");
      return;
    }
    const double times = multiple(i);
    addFinding(
        document_, std::isfinite(spikeS(i)) ? Standing::expected : Standing::contradicts,
        fmt::format("{} ({} elements, {}) takes {} by the slow log, in which the server answers "
                    "nobody: p99 of operations on other keys goes from {} to {}, {} as much, and "
                    "the spike lasts {}",
                    fullName(i), count(i, [](const Facts& f) { return f.elements; }),
                    formatQuantity(runs_.mean(i, [](const Facts& f) { return f.bytes; }), "bytes"),
                    words(slow_.of(i), "us"), words(base_.of(i), "us"), words(peak_.of(i), "us"),
                    formatQuantity(times, "x"), lasted(i)),
        "SLOWLOG, and the spike rule on p99 by interval", runs_.names({i}), pair == kHash);
  }

  void remedy(std::size_t pair) {
    const std::size_t whole = atOnce(pair);
    const std::size_t paged = inPages(pair);
    if (!measured(whole) || !measured(paged)) return;
    const Estimate p99 = peak_.ratio(paged, whole);
    const double calls = runs_.mean(paged, [](const Facts& f) { return f.calls; });
    const double longer = runs_.mean(paged, [](const Facts& f) { return f.readS; }) /
                          runs_.mean(whole, [](const Facts& f) { return f.readS; });
    const double busier = runs_.mean(paged, [](const Facts& f) { return f.busyUs; }) /
                          runs_.mean(whole, [](const Facts& f) { return f.busyUs; });
    const Standing standing = standingOf(p99, true);
    addFinding(
        document_, standing,
        fmt::format("The same in pages ({}, {} calls): the longest call is {} in place of {}, and "
                    "p99 of other keys peaks at {} in place of {}: the stall costs {} of it",
                    fullName(paged), formatCount(calls), words(slow_.of(paged), "us"),
                    words(slow_.of(whole), "us"), words(peak_.of(paged), "us"),
                    words(peak_.of(whole), "us"), redline::multiple(p99)),
        "SLOWLOG and peak p99 of the two", runs_.names({whole, paged}), pair == kHash);
    document_.costs.push_back(
        fmt::format("{} takes {} of the main thread's time that {} takes, and {} of its time from "
                    "first call to "
                    "last reply; it is no snapshot: what changes meanwhile may be seen or not",
                    fullName(paged), formatQuantity(busier, "x"), fullName(whole),
                    formatQuantity(longer, "x")));
    if (standing == Standing::expected)
      document_.recommendations.push_back(
          fmt::format("Read {} in pages of {}, not with {}: peak p99 of other keys is {} lower",
                      kPairs[pair].what, p_.text("page"), findBigRead(commandOf(whole))->command,
                      formatQuantity(p99.value, "x")));
  }

  /// What the slow log leaves out.
  void unseen() {
    const std::size_t i = atOnce(kHash);
    const double stall = runs_.mean(i, [](const Facts& f) { return f.stallUs; });
    if (!measured(i) || !std::isfinite(stall)) return;
    const double slow = slow_.of(i).value;
    addFinding(document_, Standing::plain,
               fmt::format(
                   "The server was silent for {} at the longest around {}, and the slow log "
                   "says {}: {}",
                   us(stall), fullName(i), us(slow),
                   stall > slow ? fmt::format("it leaves out {} of the stall, the writing of the "
                                              "reply among it",
                                              formatShare((stall - slow) / stall))
                                : "the two agree, with the rest of the stall too short to be seen"),
               "the PING probe, and SLOWLOG", runs_.names({i}));
  }

  void evictions() {
    const std::size_t roomy = atOnce(kKeys);
    const double evicted = runs_.mean(kTight, [](const Facts& f) { return f.evicted; });
    const double without = runs_.mean(roomy, [](const Facts& f) { return f.evicted; });
    if (!std::isfinite(evicted)) return;
    const double bytes = runs_.mean(kTight, [](const Facts& f) { return f.bytes; });
    addFinding(
        document_, evicted > 0 ? Standing::expected : Standing::contradicts,
        fmt::format(
            "KEYS * with {} between used_memory and maxmemory: its reply of {} counts as "
            "the server's memory, and {} keys were evicted while it was built and sent{}; "
            "{} reads of that run missed",
            p_.text("headroom"), formatQuantity(bytes, "bytes"), formatQuantity(evicted, "count"),
            std::isfinite(without)
                ? fmt::format(", against {} with room for it", formatQuantity(without, "count"))
                : std::string{},
            count(kTight, [](const Facts& f) { return f.missed; })),
        "evicted_keys before and after the command", runs_.names({kTight, roomy}));
    if (evicted > 0)
      document_.costs.push_back(
          fmt::format("At its memory limit a cache pays for one KEYS * with {} keys, each a later "
                      "miss at the store behind it",
                      formatQuantity(evicted, "count")));
  }

  void judge() {
    const std::size_t hash = atOnce(kHash);
    if (!measured(hash)) return;
    const auto one = [&](std::size_t i) {
      return fmt::format("{}: {} by SLOWLOG, others' p99 {} → {}", fullName(i),
                         words(slow_.of(i), "us"), words(base_.of(i), "us"),
                         words(peak_.of(i), "us"));
    };
    std::string detail =
        fmt::format("{} elements, {}/s beside it", p_.text("fields"), p_.text("rate"));
    if (measured(inPages(kHash))) detail += fmt::format("; in pages {}", one(inPages(kHash)));
    document_.slo.push_back({"big-key-stall", one(hash),
                             runs_.valid(hash) > 0 ? SloVerdict::reported : SloVerdict::invalid,
                             std::move(detail), runs_.names({hash, inPages(kHash)})});
  }

  void predictions() {
    std::size_t at = 0;
    for (std::size_t pair = 0; pair < kPairs.size(); ++pair) {
      if (!elementCost(capitals(kPairs[pair].atOnce))) continue;
      if (at == document_.predictions.size()) return;
      LabPrediction& prediction = document_.predictions[at++];
      const Estimate slow = slow_.of(atOnce(pair));
      if (slow.count == 0) continue;
      setMeasured(prediction, slow);
      prediction.verdict = ofPredicted(prediction);
    }
  }

  const Parameters& p_;
  ExperimentDocument& document_;
  ConditionsWith<Facts> runs_;
  Column slow_, base_, peak_;
};

void analyse(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Analysis(p, readings, document).all();
}

}  // namespace

Experiment bigKeyExperiment() {
  Experiment experiment;
  experiment.name = "big-key";
  experiment.title = "Who waits for KEYS, HGETALL, LRANGE and SMEMBERS";
  experiment.question =
      "Beside a steady load on small keys, one client reads something large with one command, and "
      "then the same in pages. How long does the event loop stand still by the slow log and from "
      "outside, what happens to p99 of keys that have nothing to do with it, and what does a reply "
      "evict that does not fit beside the data?";
  experiment.parameters = {
      {.name = "keys", .kind = ParameterKind::count, .help = "small keys: the load's, and KEYS's"},
      {.name = "value-size", .kind = ParameterKind::size, .help = "bytes of a small key's value"},
      {.name = "conns", .kind = ParameterKind::count, .help = "connections of the load"},
      {.name = "rate", .kind = ParameterKind::count, .help = "operations a second of the load"},
      {.name = "rw-ratio", .kind = ParameterKind::share, .help = "share of reads in it"},
      {.name = "fields",
       .kind = ParameterKind::count,
       .help = "elements of the big hash, list and set"},
      {.name = "field-size", .kind = ParameterKind::size, .help = "bytes of each of them"},
      {.name = "page", .kind = ParameterKind::count, .help = "elements in one call, read in pages"},
      {.name = "headroom",
       .kind = ParameterKind::size,
       .help = "free memory where KEYS's reply does not fit"},
      {.name = "warmup", .kind = ParameterKind::duration, .help = "sent before, not measured"},
      {.name = "at",
       .kind = ParameterKind::duration,
       .help = "when the command comes, in the measured window; what is before is the baseline"},
      {.name = "duration", .kind = ParameterKind::duration, .help = "measured time of a run"},
      {.name = "interval", .kind = ParameterKind::duration, .help = "of the series of p99"},
  };
  experiment.check = check;
  experiment.plan = plan;
  experiment.predict = predict;
  experiment.analyse = analyse;
  return experiment;
}

}  // namespace redline
