#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/compare.h"
#include "lab/disk.h"
#include "lab/fault_series.h"
#include "lab/words.h"
#include "model/costs.h"
#include "model/statistics.h"
#include "run/memory_estimate.h"

namespace redline {
namespace {

constexpr double kPercentile = 0.99;
constexpr double kSloUs = 1000;      ///< the brief's read p99, for the time that is spent above it
constexpr double kResembles = 0.25;  ///< AOF rewrite against BGSAVE: less is no difference
constexpr double kWhereMatters = 0.1;  ///< the child's core: less is no difference

/// What is done to the server, and where its child runs.
struct Condition {
  std::string fault;  ///< of redline's catalog: "bgsave"
  std::string words;  ///< "BGSAVE"
  std::string child;  ///< "server" or "generator"

  std::string name() const { return fmt::format("{}-{}", fault, child); }
  std::string full() const { return fmt::format("{}, child on the {}'s core", words, child); }
  std::string stack() const { return "child-" + child; }
  Labels labels() const { return {{"fault", fault}, {"child", child}}; }
};

// Places in conditions().
enum : std::size_t { kBgsaveServer, kBgsaveGenerator, kAofServer, kAofGenerator };

const std::vector<Condition>& conditions() {
  static const std::vector<Condition> kAll{{"bgsave", "BGSAVE", "server"},
                                           {"bgsave", "BGSAVE", "generator"},
                                           {"aof-rewrite", "AOF rewrite", "server"},
                                           {"aof-rewrite", "AOF rewrite", "generator"}};
  return kAll;
}

std::vector<Labels> allLabels() {
  std::vector<Labels> all;
  for (const Condition& condition : conditions()) all.push_back(condition.labels());
  return all;
}

LabStack stackOf(const Parameters& p, const std::string& child) {
  const std::string cpu = fmt::format("{{{}-cpu}}", child);
  return {.name = "child-" + child,
          .up = {"node", "-maxmemory=" + p.text("maxmemory"), "-bgsave-cpus=" + cpu,
                 "-aof-rewrite-cpus=" + cpu},
          .load = faultDataSet(p),
          .prepare = {}};
}

LabRun runOf(const Parameters& p, const Condition& condition, unsigned repeat) {
  LabRun run{.name = fmt::format("{}-r{}", condition.name(), repeat),
             .labels = condition.labels(),
             .stack = condition.stack(),
             .before = noteDisk,
             .drives = {{"", driveWithFault(p, condition.fault)}}};
  run.labels.emplace_back("repeat", std::to_string(repeat));
  // Turning the append-only file on takes a first rewrite, before the load.
  constexpr double kKeysPerS = 500e3;
  if (condition.fault == "aof-rewrite")
    run.expectedS = static_cast<double>(p.count("keys")) / kKeysPerS;
  return run;
}

Result<ExperimentPlan> plan(const Parameters& p) {
  ExperimentPlan plan;
  plan.stacks = {stackOf(p, "server"), stackOf(p, "generator")};
  plan.runs = interleaved(conditions().size(), p.repeats(), [&](std::size_t i, unsigned repeat) {
    return runOf(p, conditions()[i], repeat);
  });
  return plan;
}

Status check(const Parameters& p) {
  return checkFaultMoment(p, "fault");
}

/// What the models need to know before anything is measured.
double expectedMemory(const Parameters& p) {
  const std::uint64_t keys = p.count("keys");
  return static_cast<double>(estimateMemory(keys, keys - 1, 0, p.size("value-size"), 0).total());
}

std::vector<LabPrediction> predict(const Parameters& p) {
  const double memory = expectedMemory(p);
  const double writes = static_cast<double>(p.count("rate")) * (1 - p.number("rw-ratio"));
  constexpr double kSnapshotKeysPerS = 750e3;
  const double seconds = static_cast<double>(p.count("keys")) / kSnapshotKeysPerS;
  return {{.what = "fork of BGSAVE",
           .model = "5 ms and 66 ns for each 4 KiB page, of the data set's memory",
           .unit = "us",
           .predicted = forkSeconds(memory) * 1e6,
           .verdict = {}},
          {.what = "bytes copied while BGSAVE's child lives",
           .model = "3 pages for each write, each page once, for as long as 0.75M keys/s take: an "
                    "upper bound",
           .unit = "bytes",
           .predicted = copiedBytes(memory, writes * seconds),
           .verdict = {}}};
}

/// One run, read once.
struct Facts {
  std::optional<Spike> spike;
  double forkUs = kNaN, childS = kNaN, copied = kNaN;
  double stallUs = kNaN;       ///< the longest that the PING probe saw
  double whileUs = kNaN;       ///< median p99 while the child writes, the fork's interval left out
  double ownUs = kNaN;         ///< median p99 of the generator's own lateness meanwhile
  double ownShare = kNaN;      ///< of those intervals, left out since they are of the generator
  double waitedShare = kNaN;   ///< of that time: the main thread was ready and had no core
  double faultsBefore = kNaN;  ///< minor faults of the server, a second
  double faultsWhile = kNaN;
  double resident = kNaN;           ///< bytes, before the fault
  double aboveSloS = kNaN;          ///< time with p99 above kSloUs from the fault's begin on
  std::vector<double> p99, faults;  ///< by interval, while the child writes

  bool mostlyOwn() const { return ownShare > 0.5; }
};

double medianOrNothing(const std::vector<double>& values) {
  return values.empty() ? kNaN : medianOf(values);
}

/// In the child's life, the fork's interval left out.
bool within(const SeriesPoint& point, const FaultFigures& fault) {
  return point.startS >= fault.beginS && point.endS <= fault.endS;
}

void readFaults(const RunDir& run, const FaultFigures& fault, Facts& facts) {
  std::vector<double> before, during;
  const auto series = responseSeries(run, kPercentile);
  const auto faults = ratesOf(run, "minor_faults", series);
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (!std::isfinite(faults[i])) continue;
    if (series[i].endS <= fault.beginS) before.push_back(faults[i]);
    if (within(series[i], fault)) during.push_back(faults[i]);
  }
  facts.faultsBefore = medianOrNothing(before);
  facts.faultsWhile = medianOrNothing(during);
}

/// `series`: what is left of p99 by interval.
void readOwnLateness(const RunDir& run, const FaultFigures& fault,
                     const std::vector<SeriesPoint>& series, Facts& facts) {
  std::vector<double> own, waited;
  const auto dispatch = dispatchSeries(run, kPercentile);
  const auto waiting = ratesOf(run, "waiting_for_core_main_thread", dispatch);
  for (std::size_t i = 0; i < dispatch.size(); ++i) {
    if (!within(dispatch[i], fault)) continue;
    own.push_back(dispatch[i].value);
    if (std::isfinite(waiting[i])) waited.push_back(waiting[i]);
  }
  if (own.empty()) return;
  facts.ownUs = medianOf(own);
  const auto left =
      std::ranges::count_if(series, [&](const SeriesPoint& point) { return within(point, fault); });
  facts.ownShare = 1 - static_cast<double>(left) / static_cast<double>(own.size());
  if (!waited.empty()) facts.waitedShare = meanOf(waited);
}

Facts read(const Reading& reading) {
  Facts facts;
  const FaultFigures* const fault = faultOf(reading);
  const RunDir* const run = reading.dir();
  if (fault == nullptr || run == nullptr) return facts;
  facts.forkUs = faultFigure(reading, "fork_us");
  facts.childS = fault->endS - fault->beginS;
  facts.copied = faultFigure(reading, "cow_peak_bytes");
  facts.stallUs = longestStallS(reading) * 1e6;
  for (const ServerSample& sample : run->servers)
    if (static_cast<double>(sample.at) / 1e9 < fault->beginS)
      facts.resident = sample.number("used_memory_rss", kNaN);
  // With the child on its core the generator is late itself, and p99 is then of that.
  const auto series = serverSeries(*run, kPercentile);
  facts.spike = spikeOf(reading, series, faultSpikeRule());
  const auto faults = ratesOf(*run, "minor_faults", series);
  facts.aboveSloS = 0;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const SeriesPoint& point = series[i];
    if (point.endS > fault->beginS && point.value > kSloUs)
      facts.aboveSloS += point.endS - point.startS;
    // The fork's own stall is not one of copied pages.
    if (!within(point, *fault) || !std::isfinite(faults[i])) continue;
    facts.p99.push_back(point.value);
    facts.faults.push_back(faults[i]);
  }
  facts.whileUs = medianOrNothing(facts.p99);
  readFaults(*run, *fault, facts);
  readOwnLateness(*run, *fault, series, facts);
  return facts;
}

class Analysis {
 public:
  Analysis(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : p_(p),
        readings_(readings),
        document_(document),
        runs_(readings, allLabels(), read),
        peak_(runs_.column([](const Facts& f) { return f.spike ? f.spike->peak : kNaN; })),
        base_(runs_.column([](const Facts& f) { return f.spike ? f.spike->baseline : kNaN; })),
        fork_(runs_.column([](const Facts& f) { return f.forkUs; })),
        while_(runs_.column([](const Facts& f) { return f.whileUs; })) {}

  void all() {
    table();
    memoryTable();
    plots();
    for (const std::size_t server : {kBgsaveServer, kAofServer}) spike(server);
    where(kBgsaveServer);
    where(kAofServer);
    forkShare();
    for (const std::size_t server : {kBgsaveServer, kAofServer}) correlation(server);
    resemblance();
    disk();
    advise();
    judge();
    predictions();
    document_.method.push_back(intervalNote(peak_.of(kBgsaveServer)));
    document_.method.push_back(fmt::format(
        "Spike of p99 in intervals of {}: {}, and {:.0f} µs at the least; the baseline is the "
        "window before the fault. Its edges are known to within one interval. A stall's length is "
        "that of the longest unanswered PING, asked every millisecond. Minor faults are the "
        "server's (Linux counts them), read as often as there are intervals and put on those by "
        "straight lines; correlation by ranks, over the intervals that lie wholly in the child's "
        "life, the fork's own left out",
        p_.text("interval"), faultSpikeRule().text(), faultSpikeRule().least));
  }

 private:
  std::vector<const Facts*> of(std::size_t condition) {
    std::vector<const Facts*> all;
    for (const Reading* reading : runs_.believed(condition)) all.push_back(&runs_.facts(*reading));
    return all;
  }
  /// In how many of the condition's runs there was a spike.
  std::size_t spikes(std::size_t condition) {
    return static_cast<std::size_t>(std::ranges::count_if(
        of(condition), [](const Facts* f) { return f->spike && f->spike->found; }));
  }
  double spikeS(std::size_t condition) {
    return runs_.mean(condition, [](const Facts& f) {
      if (!f.spike || !f.spike->found) return kNaN;
      // With intervals left out, those between two that are above need not be.
      return f.mostlyOwn() ? f.spike->aboveS : f.spike->durationS();
    });
  }
  static std::string us(double value) { return formatQuantity(value, "us"); }
  static std::string s(double value) { return formatQuantity(value, "s"); }
  static std::string bytes(double value) { return formatQuantity(value, "bytes"); }

  void table() {
    LabTable table{.title = "What a fork under load does to everybody's p99",
                   .head = {"fault", "fork", "child wrote for", "longest stall", "p99 before",
                            "peak p99", "peak ÷ before", "spike lasted", "p99 while it writes",
                            "time with p99 > 1 ms", "of the generator", "valid runs"},
                   .rows = {},
                   .note = fmt::format(
                       "{}/s, Poisson arrivals, {} of reads, {} keys of {}. Stall: from the first "
                       "PING without an answer to its answer. Of the generator: share of the "
                       "intervals in the child's life that are left out, since half of p99 or more "
                       "is the generator's own lateness there.",
                       p_.text("rate"), formatShare(p_.number("rw-ratio")), p_.text("keys"),
                       formatSize(p_.size("value-size")))};
    for (std::size_t i = 0; i < conditions().size(); ++i)
      table.rows.push_back(
          {{conditions()[i].full(), words(fork_.of(i), "us"),
            s(runs_.mean(i, [](const Facts& f) { return f.childS; })),
            us(runs_.mean(i, [](const Facts& f) { return f.stallUs; })), words(base_.of(i), "us"),
            words(peak_.of(i), "us"), ratioText(i), spikes(i) == 0 ? "no spike" : s(spikeS(i)),
            words(while_.of(i), "us"), aboveSlo(i), formatShare(meanOf(i, &Facts::ownShare)),
            fmt::format("{} of {}", runs_.valid(i), runs_.runs(i).size())},
           runs_.names({i})});
    document_.tables.push_back(std::move(table));
    for (std::size_t i = 0; i < conditions().size(); ++i) {
      addFigure(document_, "peak p99, " + conditions()[i].full(), "us", peak_.of(i));
      addFigure(document_, "fork, " + conditions()[i].full(), "us", fork_.of(i));
    }
  }

  /// Most of the child's life is not known: it is the generator's.
  bool leftOut(std::size_t i) { return std::ranges::any_of(of(i), &Facts::mostlyOwn); }

  std::string aboveSlo(std::size_t i) {
    return (leftOut(i) ? "at least " : "") + s(meanOf(i, &Facts::aboveSloS));
  }

  std::string ratioText(std::size_t i) {
    const double ratio =
        runs_.mean(i, [](const Facts& f) { return f.spike ? f.spike->multiple() : kNaN; });
    return std::isfinite(ratio) ? formatQuantity(ratio, "x") : "–";
  }

  void memoryTable() {
    LabTable table{
        .title = "Copy on write",
        .head = {"fault", "resident before", "copied", "share of it", "minor faults/s before",
                 "while the child writes", "rank correlation with p99", "fdatasync p99 before"},
        .rows = {},
        .note =
            "Copied: the highest that INFO said of the child's private pages. fdatasync: of 200 B "
            "appended in the servers' directory, right before the run."};
    for (std::size_t i = 0; i < conditions().size(); ++i) {
      const double resident = runs_.mean(i, [](const Facts& f) { return f.resident; });
      const double copied = runs_.mean(i, [](const Facts& f) { return f.copied; });
      table.rows.push_back(
          {{conditions()[i].full(), bytes(resident), bytes(copied), formatShare(copied / resident),
            formatQuantity(runs_.mean(i, [](const Facts& f) { return f.faultsBefore; }), "count"),
            formatQuantity(runs_.mean(i, [](const Facts& f) { return f.faultsWhile; }), "count"),
            correlationText(i),
            us(runs_.mean(i, [](const Reading& r) { return r.figure(kSyncP99); }))},
           runs_.names({i})});
    }
    document_.tables.push_back(std::move(table));
  }

  void plots() {
    drawn("p99", "p99 around the fault", {"p99", AxisKind::latency, {}},
          fmt::format(
              "Each interval's p99 ({}), one run of each kind, without the intervals that are "
              "the generator's. 0 is the fault's begin.",
              p_.text("interval")),
          [](const RunDir& run) { return serverSeries(run, kPercentile); });
    drawn("minor-faults", "The server's minor faults around the fault",
          {"minor faults a second", AxisKind::count, {}},
          "While a child lives, the first write to each page copies it: one minor fault.",
          [](const RunDir& run) {
            auto series = responseSeries(run, kPercentile);
            const auto faults = ratesOf(run, "minor_faults", series);
            for (std::size_t i = 0; i < series.size(); ++i) series[i].value = faults[i];
            return series;
          });
  }

  void drawn(std::string id, std::string title, LabAxis y, std::string description,
             const std::function<std::vector<SeriesPoint>(const RunDir&)>& seriesOf) {
    LabPlot plot{.id = std::move(id),
                 .title = std::move(title),
                 .description = std::move(description),
                 .x = {"seconds since the fault began", AxisKind::linear, {}},
                 .y = std::move(y),
                 .series = {},
                 .spans = {},
                 .marks = {{0, "fork"}}};
    for (std::size_t i = 0; i < conditions().size(); ++i) {
      if (runs_.runs(i).empty()) continue;
      const Reading& reading = *runs_.believed(i).front();
      const FaultFigures* const fault = faultOf(reading);
      if (fault == nullptr || reading.dir() == nullptr) continue;
      const auto series = seriesOf(*reading.dir());
      LabSeries line{.title = conditions()[i].full(), .points = {}, .markers = false};
      for (std::size_t k = 0; k < series.size(); ++k) {
        constexpr double kGapS = 1e-6;
        if (k > 0 && series[k].startS > series[k - 1].endS + kGapS)  // no line across
          line.points.push_back({series[k - 1].endS - fault->beginS, kNaN});
        line.points.push_back({series[k].startS - fault->beginS, series[k].value});
      }
      plot.series.push_back(std::move(line));
      if (plot.spans.empty())
        plot.spans.push_back(
            {0, fault->endS - fault->beginS, "child of " + conditions()[i].full()});
    }
    if (!plot.series.empty()) document_.plots.push_back(std::move(plot));
  }

  bool measured(std::size_t condition) const {
    return peak_.has(condition) && base_.has(condition) && fork_.has(condition);
  }

  /// `server`: the condition with the child on the server's core; the other one is behind it.
  void spike(std::size_t server) {
    const std::size_t generator = server + 1;
    const std::string& what = conditions()[server].words;
    if (!measured(server)) {
      addFinding(
          document_, Standing::problem,
          fmt::format("{} was not measured with its child on the server's core, so nothing is said "
                      "of its spike",
                      what),
          "the runs that failed");
      return;
    }
    const bool both = measured(generator);
    const std::size_t found = spikes(server) + (both ? spikes(generator) : 0);
    const std::size_t all = runs_.runs(server).size() + (both ? runs_.runs(generator).size() : 0);
    if (found == 0) {
      addFinding(
          document_, Standing::contradicts,
          fmt::format("{} of {} resident leaves no spike that the rule would call one: p99 is "
                      "at most {} in any interval, against {} before; its fork took {}",
                      what, bytes(runs_.mean(server, [](const Facts& f) { return f.resident; })),
                      words(peak_.of(server), "us"), words(base_.of(server), "us"),
                      words(fork_.of(server), "us")),
          "the spike rule", runs_.names({server, generator}), true);
      return;
    }
    addFinding(
        document_, 2 * found > all ? Standing::expected : Standing::inconclusive,
        fmt::format("{} of {} resident lifts p99 {} with its child on the server's core, and {} "
                    "with it on the generator's (a spike in {} of {} runs); the fork alone took {}",
                    what, bytes(runs_.mean(server, [](const Facts& f) { return f.resident; })),
                    lifted(server), both ? lifted(generator) : "by what cannot be said here", found,
                    all, words(fork_.of(server), "us")),
        "the spike rule on p99 by interval, and latest_fork_usec", runs_.names({server, generator}),
        true);
  }

  std::string lifted(std::size_t condition) {
    return fmt::format("from {} to {}{}", words(base_.of(condition), "us"),
                       words(peak_.of(condition), "us"), lasted(condition));
  }

  std::string lasted(std::size_t condition) {
    const double seconds = spikeS(condition);
    if (!std::isfinite(seconds)) return ", no spike by the rule,";
    return (leftOut(condition) ? " for at least " : " for ") + s(seconds);
  }

  /// Which core the child should have.
  void where(std::size_t server) {
    if (leftOut(server + 1))
      whereByWaiting(server);
    else
      whereByP99(server);
  }

  double meanOf(std::size_t condition, double Facts::* figure) {
    return runs_.mean(condition, [figure](const Facts& f) { return f.*figure; });
  }

  /// With the child on the generator's core, p99 is of the generator: what is left is how long the
  /// server waited.
  void whereByWaiting(std::size_t server) {
    const std::size_t generator = server + 1;
    const std::string& what = conditions()[server].words;
    const double here = meanOf(server, &Facts::waitedShare);
    const double there = meanOf(generator, &Facts::waitedShare);
    if (!while_.has(server) || !std::isfinite(here) || !std::isfinite(there)) return;
    addFinding(
        document_, Standing::plain,
        fmt::format(
            "While the child of {} writes on the server's core, half of the intervals have "
            "a p99 above {}, and Redis's main thread is ready and without a core for {} of "
            "the time. With the child on the generator's core that is {}; what p99 is then "
            "cannot be said here, since the generator is late itself (by {} at p99, half or "
            "more of the whole in {} of the intervals): a third core would tell",
            what, words(while_.of(server), "us"), formatShare(here), formatShare(there),
            us(meanOf(generator, &Facts::ownUs)), formatShare(meanOf(generator, &Facts::ownShare))),
        "p99 of response and dispatch of the intervals in the child's life, without the fork's, "
        "and the main thread's run delay by Linux",
        runs_.names({server, generator}));
    constexpr double kWaits = 0.05;
    if (here < kWaits || there > here / 2) return;
    recommendCore(
        server, true,
        fmt::format("its main thread then waits for its core {} of the time in place of {}",
                    formatShare(there), formatShare(here)));
  }

  void whereByP99(std::size_t server) {
    const std::size_t generator = server + 1;
    if (!while_.has(server) || !while_.has(generator)) return;
    const std::string& what = conditions()[server].words;
    const Estimate ratio = while_.ratio(generator, server);
    const Difference difference = judgeRatio(ratio, kWhereMatters);
    addFinding(
        document_,
        difference == Difference::differs ? standingOf(ratio, true) : Standing::inconclusive,
        fmt::format("While the child of {} writes, half of the intervals have a p99 above {} "
                    "where it shares the server's core, and above {} where it shares the "
                    "generator's: {} ({})",
                    what, words(while_.of(server), "us"), words(while_.of(generator), "us"),
                    multiple(ratio), differenceName(difference)),
        "median p99 of the intervals in the child's life, without the fork's",
        runs_.names({server, generator}));
    if (difference != Difference::differs) return;
    const bool keepOff = ratio.value > 1;
    recommendCore(server, keepOff,
                  fmt::format("it is worth {} of p99 while it writes",
                              formatQuantity(keepOff ? ratio.value : 1 / ratio.value, "x")));
  }

  void recommendCore(std::size_t server, bool offTheServers, const std::string& worth) {
    document_.recommendations.push_back(
        fmt::format("{}: give its child a core that is not the {} ({}); {}",
                    conditions()[server].words, offTheServers ? "server's" : "generator's",
                    server == kBgsaveServer ? "bgsave_cpulist" : "aof_rewrite_cpulist", worth));
  }

  void forkShare() {
    for (const std::size_t i : {kBgsaveGenerator, kAofGenerator}) {
      const double stall = runs_.mean(i, [](const Facts& f) { return f.stallUs; });
      if (!fork_.has(i) || !std::isfinite(stall) || stall <= 0) continue;
      const double share = fork_.of(i).value / stall;
      addFinding(
          document_, Standing::plain,
          fmt::format("{}: the server was silent for {} at the longest, and its fork took {}: "
                      "{}",
                      conditions()[i].full(), us(stall), words(fork_.of(i), "us"),
                      share >= 0.5
                          ? fmt::format("{} of that stall", formatShare(std::min(share, 1.0)))
                          : "most of that stall is something else than the fork"),
          "the PING probe, and latest_fork_usec", runs_.names({i}));
    }
  }

  Estimate correlationOf(std::size_t condition) {
    std::vector<double> faults, p99;
    for (const Facts* one : of(condition)) {
      faults.insert(faults.end(), one->faults.begin(), one->faults.end());
      p99.insert(p99.end(), one->p99.begin(), one->p99.end());
    }
    return rankCorrelation(faults, p99);
  }

  std::string correlationText(std::size_t condition) {
    const Estimate rho = correlationOf(condition);
    if (!rho.hasInterval()) return "too few intervals";
    return fmt::format("{:.2f} [{:.2f} – {:.2f}], {} intervals", rho.value, rho.low, rho.high,
                       rho.count);
  }

  void correlation(std::size_t server) {
    // The generator's core is the cleaner case: there the child takes no time of the server's.
    const std::size_t i = server + 1;
    const Estimate rho = correlationOf(i);
    const double before = runs_.mean(i, [](const Facts& f) { return f.faultsBefore; });
    const double during = runs_.mean(i, [](const Facts& f) { return f.faultsWhile; });
    if (!rho.hasInterval() || !std::isfinite(before + during)) {
      addFinding(
          document_, Standing::inconclusive,
          fmt::format("{}: too few intervals of its child's life are of the server alone for "
                      "a correlation of copied pages with p99",
                      conditions()[i].full()),
          "intervals in the child's life", runs_.names({i}));
      return;
    }
    const Standing standing = rho.low > 0    ? Standing::expected
                              : rho.high < 0 ? Standing::contradicts
                                             : Standing::inconclusive;
    const std::string_view meaning =
        rho.low > 0    ? "intervals with more copied pages are those with the higher p99"
        : rho.high < 0 ? "intervals with more copied pages have the lower p99, so copying is not "
                         "what makes it high"
                       : "whether copied pages go with a higher p99 is not decided by these runs";
    addFinding(
        document_, standing,
        fmt::format("{}: the server's minor faults go from {}/s to {}/s while the child lives; "
                    "their rank correlation with p99 is {:.2f} [{:.2f} – {:.2f}] over {} "
                    "intervals: {}",
                    conditions()[i].full(), formatQuantity(before, "count"),
                    formatQuantity(during, "count"), rho.value, rho.low, rho.high, rho.count,
                    meaning),
        "minor faults of the server's process, and p99 by interval; neighbouring intervals "
        "are not independent, so the interval is optimistic",
        runs_.names({i}));
    const double copied = runs_.mean(i, [](const Facts& f) { return f.copied; });
    const double resident = runs_.mean(i, [](const Facts& f) { return f.resident; });
    if (std::isfinite(copied + resident))
      document_.costs.push_back(fmt::format(
          "{} needs {} of memory on top of {} ({}) at {}/s with {} of reads", conditions()[i].words,
          bytes(copied), bytes(resident), formatShare(copied / resident), p_.text("rate"),
          formatShare(p_.number("rw-ratio"))));
  }

  /// What it takes to save at all, and whether p99 below 1 ms survives it.
  void advise() {
    std::size_t best = conditions().size(), most = conditions().size();
    const auto above = [&](std::size_t i) {
      return runs_.mean(i, [](const Facts& f) { return f.aboveSloS; });
    };
    const auto copied = [&](std::size_t i) {
      return runs_.mean(i, [](const Facts& f) { return f.copied; });
    };
    for (std::size_t i = 0; i < conditions().size(); ++i) {
      if (!std::isfinite(above(i)) || !std::isfinite(copied(i))) continue;
      if (!leftOut(i) && (best == conditions().size() || above(i) < above(best))) best = i;
      if (most == conditions().size() || copied(i) > copied(most)) most = i;
    }
    if (best == conditions().size()) return;
    document_.recommendations.push_back(
        above(best) > 0
            ? fmt::format("Where p99 has to stay below 1 ms take snapshots on a replica or off the "
                          "peak: at {}/s even the gentlest that can be judged here ({}) spends {} "
                          "above it",
                          p_.text("rate"), conditions()[best].full(), aboveSlo(best))
            : fmt::format("{} keeps p99 below 1 ms at {}/s: that is the way to save here",
                          conditions()[best].full(), p_.text("rate")));
    document_.recommendations.push_back(fmt::format(
        "Leave {} free beside the data, more with more writes: that much was copied in {}",
        bytes(copied(most)), conditions()[most].full()));
  }

  /// The child writes to the disk that the append-only file is synced to.
  void disk() {
    if (auto said = diskWords(readings_); !said.empty())
      addFinding(document_, Standing::plain, std::move(said), "fdatasync right before every run");
  }

  void resemblance() {
    if (!measured(kBgsaveGenerator) || !measured(kAofGenerator)) return;
    const Estimate ratio = peak_.ratio(kBgsaveGenerator, kAofGenerator);
    const Difference difference = judgeRatio(ratio, kResembles);
    addFinding(
        document_,
        difference == Difference::noEvidence ? Standing::expected
        : difference == Difference::differs  ? Standing::contradicts
                                             : Standing::inconclusive,
        fmt::format("An AOF rewrite peaks at {} of BGSAVE ({}): Redis 7 writes the new base as "
                    "a snapshot, so the two should cost alike",
                    multiple(ratio), differenceName(difference)),
        "peak p99 of the two, children on the generator's core",
        runs_.names({kBgsaveGenerator, kAofGenerator}));
  }

  void judge() {
    if (!measured(kBgsaveServer) || !measured(kAofServer)) return;
    const auto one = [&](std::size_t server) {
      const auto area = [&](std::size_t i) { return peak_.of(i).value * spikeS(i); };
      const std::size_t worse =
          measured(server + 1) && area(server + 1) > area(server) ? server + 1 : server;
      return fmt::format("{} {}{} (fork {}; child on the {}'s core)", conditions()[worse].words,
                         words(peak_.of(worse), "us"), lasted(worse), words(fork_.of(worse), "us"),
                         conditions()[worse].child);
    };
    const bool believed = runs_.valid(kBgsaveServer) + runs_.valid(kBgsaveGenerator) > 0 &&
                          runs_.valid(kAofServer) + runs_.valid(kAofGenerator) > 0;
    document_.slo.push_back(
        {"persistence-spike", one(kBgsaveServer) + "; " + one(kAofServer),
         believed ? SloVerdict::reported : SloVerdict::invalid,
         fmt::format(
             "{} keys of {}, {}/s; the worse of two places for the child, by height and duration",
             p_.text("keys"), formatSize(p_.size("value-size")), p_.text("rate")),
         runs_.names({kBgsaveServer, kBgsaveGenerator, kAofServer, kAofGenerator})});
  }

  void predictions() {
    if (document_.predictions.size() < 2) return;
    LabPrediction& fork = document_.predictions[0];
    if (fork_.has(kBgsaveGenerator)) {
      setMeasured(fork, fork_.of(kBgsaveGenerator));
      fork.verdict = ofPredicted(fork);
    }
    LabPrediction& copied = document_.predictions[1];
    copied.measured = runs_.mean(kBgsaveGenerator, [](const Facts& f) { return f.copied; });
    if (std::isfinite(copied.measured)) copied.verdict = ofPredicted(copied);
  }

  const Parameters& p_;
  const Readings& readings_;
  ExperimentDocument& document_;
  ConditionsWith<Facts> runs_;
  Column peak_, base_, fork_, while_;
};

void analyse(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Analysis(p, readings, document).all();
}

}  // namespace

Experiment persistenceSpikeExperiment() {
  Experiment experiment;
  experiment.name = "persistence-spike";
  experiment.title = "What a snapshot and a rewrite of the append-only file do to p99";
  experiment.question =
      "In the middle of a steady load the server forks, once for BGSAVE and once for an AOF "
      "rewrite. How high does p99 go and for how long, how much of that is the fork itself, do the "
      "pages that are copied on write go with it, and does it matter on which core the child runs?";
  experiment.parameters = {
      {.name = "keys", .kind = ParameterKind::count, .help = "keys of the data set"},
      {.name = "value-size", .kind = ParameterKind::size, .help = "bytes of a value"},
      {.name = "maxmemory",
       .kind = ParameterKind::size,
       .help = "of the server; all keys must fit"},
      {.name = "conns", .kind = ParameterKind::count, .help = "connections"},
      {.name = "rate", .kind = ParameterKind::count, .help = "operations a second"},
      {.name = "rw-ratio",
       .kind = ParameterKind::share,
       .help = "share of reads; each write copies pages while a child lives"},
      {.name = "warmup", .kind = ParameterKind::duration, .help = "sent before, not measured"},
      {.name = "at",
       .kind = ParameterKind::duration,
       .help = "when the fault comes, in the measured window; what is before is the baseline"},
      {.name = "duration", .kind = ParameterKind::duration, .help = "measured time of a run"},
      {.name = "interval",
       .kind = ParameterKind::duration,
       .help = "of the series of p99 and of minor faults"},
  };
  experiment.check = check;
  experiment.plan = plan;
  experiment.predict = predict;
  experiment.analyse = analyse;
  return experiment;
}

}  // namespace redline
