#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/compare.h"
#include "lab/disk.h"
#include "lab/fault_series.h"
#include "lab/words.h"
#include "server/host.h"

namespace redline {
namespace {

constexpr double kEverysecLimitUs = 2000;  ///< the brief's service level

/// What a policy may lose, in the order of how much it keeps.
struct Durability {
  std::string_view policy;
  std::string_view loses;
};
constexpr std::array<Durability, 4> kDurability{{
    {"off", "everything since the last snapshot"},
    {"no", "what the kernel has not written yet: up to about 30 s of writes"},
    {"everysec", "the last second of writes, two when the disk is behind"},
    {"always", "nothing that was acknowledged"},
}};

std::string_view losesOf(std::string_view policy) {
  const auto found = std::ranges::find(kDurability, policy, &Durability::policy);
  return found == kDurability.end() ? std::string_view("?") : found->loses;
}

/// On a disk in memory fdatasync costs nothing, and so would every policy.
Status refuseMemory(Bench& bench) {
  const std::string filesystem = filesystemOf(bench.stack().dir());
  if (filesystem == "tmpfs" || filesystem == "ramfs")
    return fail(
        ErrorCode::unsafe,
        "the servers' files are on {} ({}), where fdatasync costs nothing: give a directory "
        "on a disk with -stacks",
        filesystem, bench.stack().dir().native());
  return {};
}

Flags dataSet(const Parameters& p, bool large = false) {
  return {"-keys=" + p.text(large ? "large-keys" : "keys"),
          "-value-size=" + p.text(large ? "large-value" : "value-size"), "-ttl-frac=0"};
}

/// The same policy with large values has a server of its own.
std::string stackName(const std::string& policy, bool large) {
  return large ? "large-" + policy : policy;
}

LabStack stackOf(const Parameters& p, const std::string& policy, bool large) {
  const std::string config =
      policy == "off" ? "appendonly no" : fmt::format("appendonly yes; appendfsync {}", policy);
  return {.name = stackName(policy, large),
          .up = {"node", "-redis-config=" + config},
          .load = dataSet(p, large),
          .prepare = refuseMemory};
}

Labels rateLabels(const std::string& policy) {
  return {{"part", "rate"}, {"policy", policy}};
}

Labels sweepLabels(const std::string& policy, const std::string& conns) {
  return {{"part", "conns"}, {"policy", policy}, {"conns", conns}};
}

Labels largeLabels(const std::string& policy) {
  return {{"part", "large"}, {"policy", policy}};
}

/// At the one rate, long enough in pieces for a time line.
Flags atRate(const Parameters& p) {
  return {"-rate=" + p.text("rate"), "-arrivals=poisson", "-conns=" + p.text("conns"),
          "-duration=" + p.text("duration"), "-interval=100ms"};
}

LabRun runOf(const Parameters& p, std::string name, Labels labels, const std::string& policy,
             unsigned repeat, const Flags& load, bool large = false) {
  labels.emplace_back("repeat", std::to_string(repeat));
  return {
      .name = fmt::format("{}-r{}", name, repeat),
      .labels = std::move(labels),
      .stack = stackName(policy, large),
      .before = noteDisk,
      .drives = {{.flags = joinFlags(
                      {dataSet(p, large), {"-rw-ratio=0", "-warmup=" + p.text("warmup")}, load})}},
      .expectedS = 0.3};
}

/// Policies whose ceilings are held against each other over connections: with and without group
/// commit.
std::vector<std::string> sweptPolicies(const Parameters& p) {
  std::vector<std::string> swept;
  for (const std::string& policy : p.texts("policies"))
    if (policy == "everysec" || policy == "always") swept.push_back(policy);
  return swept;
}

Result<ExperimentPlan> plan(const Parameters& p) {
  ExperimentPlan plan;
  const auto& policies = p.texts("policies");
  for (const bool large : {false, true})
    for (const std::string& policy : policies) plan.stacks.push_back(stackOf(p, policy, large));
  const auto add = [&](std::vector<LabRun> runs) {
    std::ranges::move(runs, std::back_inserter(plan.runs));
  };
  add(interleaved(policies.size(), p.repeats(), [&](std::size_t i, unsigned repeat) {
    return runOf(p, "rate-" + policies[i], rateLabels(policies[i]), policies[i], repeat, atRate(p));
  }));
  add(interleaved(policies.size(), p.repeats(), [&](std::size_t i, unsigned repeat) {
    return runOf(p, "large-" + policies[i], largeLabels(policies[i]), policies[i], repeat,
                 atRate(p), true);
  }));
  const auto swept = sweptPolicies(p);
  const auto& conns = p.texts("sweep-conns");
  add(interleaved(swept.size() * conns.size(), p.repeats(), [&](std::size_t i, unsigned repeat) {
    const std::string& policy = swept[i % swept.size()];
    const std::string& count = conns[i / swept.size()];
    return runOf(p, fmt::format("conns-{}-{}", policy, count), sweepLabels(policy, count), policy,
                 repeat, {"-rate=max", "-conns=" + count, "-duration=" + p.text("sweep-duration")});
  }));
  return plan;
}

Status check(const Parameters& p) {
  for (const std::string_view wanted : {"everysec", "always"})
    if (std::ranges::find(p.texts("policies"), wanted) == p.texts("policies").end())
      return p.refuse("policies",
                      fmt::format("the multiple of always over everysec needs both, and "
                                  "{} is missing",
                                  wanted));
  return {};
}

/// An operation may meet a sync that is under way, and then waits for its own.
constexpr double kSyncsMet = 2;

std::vector<LabPrediction> predict(const Parameters& p) {
  const double syncUs = p.seconds("assumed-fdatasync-p99") * 1e6;
  return {
      {.what = "write p99 under appendfsync always",
       .model = fmt::format("the sync under way and one's own: {:.0f} × fdatasync's p99, assumed "
                            "{}",
                            kSyncsMet, p.text("assumed-fdatasync-p99")),
       .unit = "us",
       .predicted = kSyncsMet * syncUs,
       .verdict = {}}};
}

class Analysis {
 public:
  Analysis(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : p_(p),
        readings_(readings),
        document_(document),
        policies_(p.texts("policies")),
        runs_(readings, labels(policies_)),
        p99_(runs_.column(latency("p99", "response", "set"))),
        p999_(runs_.column(latency("p999", "response", "set"))),
        typical_(runs_.column([](const Reading& r) { return typicalUs(r, 0.99); })),
        everysec_(place("everysec")),
        always_(place("always")) {}

  void all() {
    atOneRate();
    slo();
    multipleOfAlways();
    recommend();
    largeValues();
    overConnections();
    disk();
    document_.method.push_back(intervalNote(p99_.of(0)));
    document_.method.emplace_back(
        "All policies at the same write rate with Poisson arrivals, in turn; fdatasync of 200 B "
        "appended was measured in the servers' directory right before every run");
  }

 private:
  static std::vector<Labels> labels(const std::vector<std::string>& policies) {
    std::vector<Labels> all;
    std::ranges::transform(policies, std::back_inserter(all), rateLabels);
    return all;
  }

  std::size_t place(std::string_view policy) const {
    return static_cast<std::size_t>(std::ranges::find(policies_, policy) - policies_.begin());
  }

  static double sum(const std::vector<const Reading*>& runs, std::string_view field) {
    double total = 0;
    for (const double each :
         figuresOf(runs, [&](const Reading& r) { return serverDelta(r, field); }))
      total += each;
    return total;
  }

  double syncP99() const {
    return runs_.mean(always_, [](const Reading& r) { return r.figure(kSyncP99); });
  }

  void atOneRate() {
    const Column p50 = runs_.column(latency("p50", "response", "set"));
    LabTable table{
        .title = fmt::format("Writes at {}/s, {} connections", p_.text("rate"), p_.text("conns")),
        .head = {"appendfsync", "p50", "p99", "p99.9", "p99 ÷ everysec",
                 "p99 of the median interval", "that ÷ everysec", "delayed fsyncs",
                 "main thread busy", "may lose", "valid runs"},
        .rows = {},
        .note =
            "Response time of SETs from the moment that the schedule fixed. off: no "
            "append-only file. Intervals are of 100 ms: rare stalls of the disk decide the p99 of "
            "a whole run, and not that of its median interval."};
    for (std::size_t i = 0; i < policies_.size(); ++i)
      table.rows.push_back(
          {{policies_[i], words(p50.of(i), "us"), words(p99_.of(i), "us"), words(p999_.of(i), "us"),
            i == everysec_ ? "1×" : multiple(p99_.ratio(everysec_, i)), words(typical_.of(i), "us"),
            i == everysec_ ? "1×" : multiple(typical_.ratio(everysec_, i)),
            policies_[i] == "off" ? "–"
                                  : fmt::format("{:.0f}", sum(runs_.runs(i), "aof_delayed_fsync")),
            formatShare(runs_.mean(i, mainThreadBusy)), std::string(losesOf(policies_[i])),
            fmt::format("{} of {}", runs_.valid(i), runs_.runs(i).size())},
           runs_.names({i})});
    document_.tables.push_back(std::move(table));
    LabPlot plot{.id = "percentiles",
                 .title = "Write latency by policy",
                 .description = "p50, p99 and p99.9 of writes; bars are the intervals.",
                 .x = {"appendfsync", AxisKind::names, policies_},
                 .y = {"response time", AxisKind::latency, {}},
                 .series = {{"p50", {}}, {"p99", {}}, {"p99.9", {}}},
                 .spans = {},
                 .marks = {}};
    for (std::size_t i = 0; i < policies_.size(); ++i) {
      const auto x = static_cast<double>(i);
      plot.series[0].points.push_back(pointOf(x, p50.of(i)));
      plot.series[1].points.push_back(pointOf(x, p99_.of(i)));
      plot.series[2].points.push_back(pointOf(x, p999_.of(i)));
    }
    for (LabSeries& series : plot.series) series.line = false;
    document_.plots.push_back(std::move(plot));
    for (std::size_t i = 0; i < policies_.size(); ++i)
      addFigure(document_, "write p99, " + policies_[i], "us", p99_.of(i));
    addFigure(document_, "write p99, always ÷ everysec", "x", p99_.ratio(everysec_, always_));
    addFigure(document_, "the same of the median interval", "x",
              typical_.ratio(everysec_, always_));
  }

  void slo() {
    if (!p99_.has(everysec_)) return;
    const Estimate estimate = p99_.of(everysec_);
    const SloVerdict verdict = runs_.valid(everysec_) == 0        ? SloVerdict::invalid
                               : estimate.high < kEverysecLimitUs ? SloVerdict::met
                               : estimate.low > kEverysecLimitUs  ? SloVerdict::missed
                                                                  : SloVerdict::inconclusive;
    document_.slo.push_back(
        {"write-p99-everysec", words(estimate, "us"), verdict,
         fmt::format("{}/s of writes, {} connections; delayed fsyncs: {:.0f}", p_.text("rate"),
                     p_.text("conns"), sum(runs_.runs(everysec_), "aof_delayed_fsync")),
         runs_.names({everysec_})});
  }

  void multipleOfAlways() {
    if (!p99_.has(everysec_) || !p99_.has(always_)) return;
    const Estimate ratio = p99_.ratio(everysec_, always_);
    const Estimate tail = p999_.ratio(everysec_, always_);
    const Estimate typical = typical_.ratio(everysec_, always_);
    const bool believed = runs_.valid(always_) > 0;
    addFinding(
        document_,
        !believed           ? Standing::problem
        : ratio.contains(1) ? standingOf(typical, true)
                            : standingOf(ratio, true),
        fmt::format("appendfsync always costs {} of everysec's write p99 ({} against {}), and "
                    "{} of its p99.9; of the p99 of the median interval of 100 ms, {} ({} against "
                    "{}){}",
                    multiple(ratio), words(p99_.of(always_), "us"), words(p99_.of(everysec_), "us"),
                    multiple(tail), multiple(typical), words(typical_.of(always_), "us"),
                    words(typical_.of(everysec_), "us"), longSyncs()),
        "response times of writes at one rate, whole and by interval; Redis's latency monitor",
        runs_.names({everysec_, always_}), true);
    document_.slo.push_back(
        {"write-p99-always",
         fmt::format("{}, {} of everysec; in the median interval {}, {}",
                     words(p99_.of(always_), "us"), multiple(ratio),
                     words(typical_.of(always_), "us"), multiple(typical)),
         believed ? SloVerdict::reported : SloVerdict::invalid,
         fmt::format("fdatasync p99 in the same minutes: {}", formatQuantity(syncP99(), "us")),
         runs_.names({always_})});
    document_.costs.push_back(
        fmt::format("Losing no acknowledged write costs {} of p99 at {}/s, and {} of that of the "
                    "median interval",
                    multiple(ratio), p_.text("rate"), multiple(typical)));
    const std::size_t off = place("off");
    if (off < policies_.size() && p99_.has(off)) {
      const Estimate price = p99_.ratio(off, everysec_);
      addFinding(
          document_, standingOf(price, true),
          fmt::format("An append-only file with everysec costs {} of the p99 without one: the "
                      "main thread writes to the page cache, another thread syncs",
                      multiple(price)),
          "response times of writes at one rate", runs_.names({off, everysec_}));
    }
    if (document_.predictions.empty()) return;
    LabPrediction& prediction = document_.predictions.front();
    setMeasured(prediction, p99_.of(always_));
    const double expected = kSyncsMet * syncP99();
    prediction.verdict = fmt::format(
        "with fdatasync's p99 of these minutes ({}) the model gives {}; measured is {} of that",
        formatQuantity(syncP99(), "us"), formatQuantity(expected, "us"),
        formatQuantity(p99_.of(always_).value / expected, "x"));
  }

  /// The syncs that Redis itself found long, if any: stalls of the disk, each of which holds up
  /// everybody.
  std::string longSyncs() const {
    std::vector<double> longestUs;  // of each run
    for (const Reading* const run : runs_.believed(always_)) {
      if (run->dir() == nullptr) continue;
      Nanos longest = 0;
      for (const Event& event : run->dir()->events)
        if (event.kind == "latency" && event.name == "aof-fsync-always")
          longest = std::max(longest, event.duration);
      if (longest > 0) longestUs.push_back(static_cast<double>(longest) / 1e3);
    }
    if (longestUs.empty()) return {};
    return fmt::format(
        ". Redis's latency monitor has long syncs in {} of {} runs, the longest of {}",
        longestUs.size(), runs_.believed(always_).size(),
        formatQuantity(std::ranges::max(longestUs), "us"));
  }

  /// The same with fat values: more bytes for each write, to the page cache and to the disk.
  void largeValues() {
    std::vector<Labels> labels;  // 2i small, 2i + 1 large, so that they share a spread
    for (const std::string& policy : policies_) {
      labels.push_back(rateLabels(policy));
      labels.push_back(largeLabels(policy));
    }
    const Conditions runs(readings_, labels);
    const Column p99 = runs.column(latency("p99", "response", "set"));
    const Column p999 = runs.column(latency("p999", "response", "set"));
    LabTable table{
        .title = fmt::format("The same writes with values of {} and of {}",
                             formatSize(p_.size("value-size")), formatSize(p_.size("large-value"))),
        .head = {"appendfsync", "p99, small", "p99, large", "large ÷ small", "p99.9, large",
                 "large ÷ everysec", "delayed fsyncs, large", "valid runs, large"},
        .rows = {},
        .note = fmt::format("{}/s in both: {} and {} of values a second.", p_.text("rate"),
                            bytesPerSecond("value-size"), bytesPerSecond("large-value"))};
    for (std::size_t i = 0; i < policies_.size(); ++i) {
      const std::size_t large = 2 * i + 1;
      if (!p99.has(large)) continue;
      table.rows.push_back(
          {{policies_[i], words(p99.of(2 * i), "us"), words(p99.of(large), "us"),
            multiple(p99.ratio(2 * i, large)), words(p999.of(large), "us"),
            i == everysec_ ? "1×" : multiple(p99.ratio(2 * everysec_ + 1, large)),
            policies_[i] == "off"
                ? "–"
                : fmt::format("{:.0f}", sum(runs.runs(large), "aof_delayed_fsync")),
            fmt::format("{} of {}", runs.valid(large), runs.runs(large).size())},
           runs.names({large})});
      addFigure(document_,
                fmt::format("write p99, {}, {}", policies_[i], formatSize(p_.size("large-value"))),
                "us", p99.of(large));
    }
    if (table.rows.empty()) return;
    document_.tables.push_back(std::move(table));
    const std::size_t everysec = 2 * everysec_ + 1;
    const std::size_t always = 2 * always_ + 1;
    if (!p99.has(everysec) || !p99.has(always)) return;
    addFinding(
        document_, standingOf(p99.ratio(everysec, always), true),
        fmt::format("With values of {} always costs {} of everysec's write p99 ({} against "
                    "{}); the larger values alone make {} of everysec's p99 and {} of always'",
                    formatSize(p_.size("large-value")), multiple(p99.ratio(everysec, always)),
                    words(p99.of(always), "us"), words(p99.of(everysec), "us"),
                    multiple(p99.ratio(everysec - 1, everysec)),
                    multiple(p99.ratio(always - 1, always))),
        "response times of writes at one rate", runs.names({everysec, always}));
  }

  std::string bytesPerSecond(std::string_view size) const {
    return formatSize(p_.count("rate") * p_.size(size));
  }

  /// The most durable policy that keeps to each limit.
  void recommend() {
    LabTable table{
        .title = "Which policy for which service level",
        .head = {"write p99 below", "most durable policy that holds", "its p99", "may lose"},
        .rows = {},
        .note = fmt::format("At {}/s and {} connections. A policy holds when the whole "
                            "interval of its p99 lies below.",
                            p_.text("rate"), p_.text("conns")),
        .prose = true};
    for (const std::string& limit : p_.texts("limits")) {
      const double limitUs = static_cast<double>(*parseDuration(limit)) / 1e3;
      std::size_t best = policies_.size();
      for (const Durability& each : kDurability)
        if (const std::size_t i = place(each.policy);
            i < policies_.size() && p99_.has(i) && p99_.of(i).high < limitUs)
          best = i;
      if (best == policies_.size()) {
        table.rows.push_back({{limit, "none", "–", "–"}, {}});
        continue;
      }
      table.rows.push_back({{limit, policies_[best], words(p99_.of(best), "us"),
                             std::string(losesOf(policies_[best]))},
                            runs_.names({best})});
      document_.recommendations.push_back(
          fmt::format("For a write p99 below {} take {} ({}); it may lose {}", limit,
                      policies_[best], words(p99_.of(best), "us"), losesOf(policies_[best])));
    }
    document_.tables.push_back(std::move(table));
  }

  void overConnections() {
    const auto swept = sweptPolicies(p_);
    const auto& conns = p_.texts("sweep-conns");
    std::vector<Labels> all;
    for (const std::string& count : conns)
      for (const std::string& policy : swept) all.push_back(sweepLabels(policy, count));
    const Conditions runs(readings_, all);
    const Column rate = runs.column([](const Reading& r) { return achievedRate(r); });
    const Column p99 = runs.column(latency("p99", "response", "set"));
    const Column p999 = runs.column(latency("p999", "response", "set"));
    LabTable table{
        .title = "Writes as fast as replies allow, by connections",
        .head = {"connections", "appendfsync", "writes/s", "p99", "p99.9", "main thread busy"},
        .rows = {},
        .note =
            "always syncs once for each turn of the event loop, whatever number of "
            "writes that turn brought (group commit)."};
    LabPlot plot{.id = "connections",
                 .title = "Group commit: writes/s by connections",
                 .description =
                     "Closed model. One sync is shared by all writes of one turn of the "
                     "event loop.",
                 .x = {"connections", AxisKind::logCount, {}},
                 .y = {"writes/s", AxisKind::count, {}},
                 .series = {},
                 .spans = {},
                 .marks = {}};
    for (const std::string& policy : swept) plot.series.push_back({policy, {}});
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string& count = conns[i / swept.size()];
      table.rows.push_back(
          {{count, swept[i % swept.size()], words(rate.of(i), "ops/s"), words(p99.of(i), "us"),
            words(p999.of(i), "us"), formatShare(runs.mean(i, mainThreadBusy))},
           runs.names({i})});
      plot.series[i % swept.size()].points.push_back(
          pointOf(static_cast<double>(*parseCount(count)), rate.of(i)));
    }
    document_.tables.push_back(std::move(table));
    document_.plots.push_back(std::move(plot));
    // always is the last of each row of two.
    const std::size_t one = swept.size() - 1;
    const std::size_t many = all.size() - 1;
    if (swept.size() < 2 || one == many || !rate.has(one) || !rate.has(many)) return;
    const double times = static_cast<double>(*parseCount(conns.back())) /
                         static_cast<double>(*parseCount(conns.front()));
    addFinding(
        document_, standingOf(rate.ratio(one, many), true),
        fmt::format(
            "always does not sync once for each write: with -conns={} it writes {}, with "
            "-conns={} {}, {} for {:.0f}× the connections, because writes of one turn of the loop "
            "share a sync. At {} connections always still gives {} of everysec's rate",
            conns.front(), words(rate.of(one), "ops/s"), conns.back(),
            words(rate.of(many), "ops/s"), multiple(rate.ratio(one, many)), times, conns.back(),
            multiple(rate.ratio(many - 1, many))),
        "achieved rates in the closed model", runs.names({one, many}), true);
  }

  void disk() {
    if (auto said = diskWords(readings_); !said.empty())
      addFinding(document_, Standing::plain, std::move(said), "fdatasync right before every run");
  }

  const Parameters& p_;
  const Readings& readings_;
  ExperimentDocument& document_;
  const std::vector<std::string>& policies_;
  Conditions runs_;
  Column p99_, p999_;
  Column typical_;  ///< p99 of the median interval
  std::size_t everysec_, always_;
};

void analyse(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Analysis(p, readings, document).all();
}

}  // namespace

Experiment fsyncExperiment() {
  Experiment experiment;
  experiment.name = "fsync";
  experiment.title = "What an append-only file costs a write";
  experiment.question =
      "The same writes go to servers without an append-only file and with one, synced by the "
      "kernel, "
      "every second, and before every reply. What is p99 of each, what multiple is always of "
      "everysec, how much of it do connections share, and which policy keeps to which service "
      "level?";
  using enum ParameterKind;
  experiment.parameters = {
      {.name = "keys", .kind = count, .help = "keys of the data set"},
      {.name = "value-size", .kind = size, .help = "bytes of a value"},
      {.name = "large-keys", .kind = count, .help = "keys with large values"},
      {.name = "large-value", .kind = size, .help = "bytes of a large value"},
      {.name = "conns", .kind = count, .help = "connections at the one rate"},
      {.name = "rate", .kind = count, .help = "writes a second, the same for every policy"},
      {.name = "policies",
       .kind = text,
       .list = true,
       .help = "appendfsync; off is no append-only file",
       .words = {"off", "no", "everysec", "always"}},
      {.name = "limits",
       .kind = duration,
       .list = true,
       .help = "p99 limits to choose a policy for"},
      {.name = "assumed-fdatasync-p99",
       .kind = duration,
       .help = "of the disk, for the prediction before any run"},
      {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
      {.name = "duration", .kind = duration, .help = "measured time at the one rate"},
      {.name = "sweep-conns", .kind = count, .list = true, .help = "connection counts, ascending"},
      {.name = "sweep-duration", .kind = duration, .help = "measured time of each of them"},
  };
  experiment.check = check;
  experiment.plan = plan;
  experiment.predict = predict;
  experiment.analyse = analyse;
  return experiment;
}

}  // namespace redline
