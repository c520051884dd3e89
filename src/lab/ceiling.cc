#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/compare.h"
#include "lab/peers.h"
#include "lab/search.h"
#include "lab/words.h"
#include "model/queue.h"

namespace redline {
namespace {

constexpr double kSaturated = 0.95;  ///< busy share from which on a thread is the limit
/// Of open-model runs: short enough for a time line of whose doing a slow moment was.
constexpr const char* kInterval = "-interval=100ms";
constexpr double kSameCount =
    0.1;  ///< a p50 so near to what the rates make of it needs no other reason
constexpr double kNearlyAll = 0.9;  ///< below it a peer's run did not saturate the server

/// A way of asking, as fast as replies allow.
struct Case {
  std::string name;   ///< the label
  std::string words;  ///< for tables
  std::string stack;
  bool large = false;
  unsigned batch = 0;
  bool write = false;
  Flags extra;          ///< what is changed in an ablation
  std::string changed;  ///< what that is, in words; empty: nothing
};

std::string sizeWords(const Parameters& p, bool large) {
  return formatSize(p.size(large ? "large-value" : "small-value"));
}

Case caseOf(const Parameters& p, bool large, unsigned batch) {
  return {fmt::format("{}-b{}", large ? "large" : "small", batch),
          fmt::format("GET {}, {}", sizeWords(p, large),
                      batch == 0 ? "per command" : fmt::format("batch {}", batch)),
          large ? "large" : "small",
          large,
          batch,
          false,
          {},
          {}};
}

unsigned batchOf(const Parameters& p) {
  return static_cast<unsigned>(p.count("batch"));
}

// Places in cases(): the four ceilings, then what is held against them.
enum : std::size_t { kSmall, kSmallBatch, kLarge, kLargeBatch, kSet, kFirstAblation };

std::vector<Case> cases(const Parameters& p) {
  const unsigned batch = batchOf(p);
  std::vector<Case> all{caseOf(p, false, 0), caseOf(p, false, batch), caseOf(p, true, 0),
                        caseOf(p, true, batch)};
  Case set = caseOf(p, false, 0);
  set.name = "small-set";
  set.words = fmt::format("SET {}, per command", sizeWords(p, false));
  set.write = true;
  all.push_back(std::move(set));
  for (const unsigned n : {0U, batch}) {
    Case unixSocket = caseOf(p, false, n);
    unixSocket.name = fmt::format("unix-b{}", n);
    unixSocket.extra = {"-addr={unix}"};
    unixSocket.changed = "Unix socket in place of TCP";
    all.push_back(std::move(unixSocket));
    Case threads = caseOf(p, false, n);
    threads.name = fmt::format("threads-b{}", n);
    threads.stack = "threads";
    threads.changed = fmt::format("io-threads {}", p.text("io-threads"));
    all.push_back(std::move(threads));
  }
  return all;
}

Flags dataSet(const Parameters& p, bool large) {
  return {"-keys=" + p.text(large ? "large-keys" : "keys"),
          "-value-size=" + p.text(large ? "large-value" : "small-value"), "-ttl-frac=0"};
}

Labels labelsOf(std::string_view part, std::string_view name) {
  return {{"part", std::string(part)}, {"case", std::string(name)}};
}

LabRun runOf(const Parameters& p, std::string_view part, const Case& one, unsigned repeat,
             std::string_view duration, const Flags& load) {
  LabRun run;
  run.name = fmt::format("{}-{}-r{}", part, one.name, repeat);
  run.labels = labelsOf(part, one.name);
  run.labels.emplace_back("repeat", std::to_string(repeat));
  run.stack = one.stack;
  run.sharesCore = one.stack == "threads";
  run.drives = {
      {"", joinFlags({one.extra,
                      dataSet(p, one.large),
                      load,
                      {"-conns=" + p.text("conns"), one.write ? "-rw-ratio=0" : "-rw-ratio=1",
                       fmt::format("-pipeline={}", one.batch), "-warmup=" + p.text("warmup"),
                       "-duration=" + std::string(duration)}})}};
  return run;
}

double rateOf(const Reading& reading) {
  return achievedRate(reading);
}

/// The closed model's ceiling of a case, from the runs so far.
std::optional<double> ceilingOf(const Readings& readings, const Case& one) {
  const auto rates = figuresOf(believedOf(readings.with(labelsOf("closed", one.name))), rateOf);
  if (rates.empty()) return std::nullopt;
  return meanOf(rates);
}

// The service level: "p99<1ms".

struct ServiceLevel {
  std::string percentile;
  double limitUs = 0;
};

std::optional<ServiceLevel> parseLevel(std::string_view text) {
  const std::size_t less = text.find('<');
  if (less == std::string_view::npos) return std::nullopt;
  const std::string_view percentile = text.substr(0, less);
  const auto limit = parseDuration(text.substr(less + 1));
  const bool known = std::ranges::any_of(
      std::initializer_list<std::string_view>{"p50", "p90", "p99", "p999", "p9999"},
      [&](std::string_view name) { return name == percentile; });
  if (!known || !limit || *limit <= 0) return std::nullopt;
  return ServiceLevel{std::string(percentile), static_cast<double>(*limit) / 1e3};
}

// The open model's highest rate.

/// Per command for both sizes: in batches the open model sends what is due, which is another case.
std::vector<Case> searched(const Parameters& p) {
  return {caseOf(p, false, 0), caseOf(p, true, 0)};
}

std::vector<Probe> probesOf(const Parameters& p, const Readings& readings, const Case& one) {
  const auto level = parseLevel(p.text("slo"));
  std::vector<Probe> probes;
  for (const Reading* const reading : readings.with(labelsOf("probe", one.name))) {
    const Summary* const summary = reading->summary();
    if (summary == nullptr) continue;
    const double us = latencyUs(*reading, level->percentile);
    probes.push_back({summary->rate.target, us <= level->limitUs && !summary->rate.overloaded});
  }
  return probes;
}

RateSearch searchOf(const Parameters& p, double ceiling) {
  constexpr double kSurelyMet = 0.3;
  constexpr double kSurelyMissed = 1.05;
  return {kSurelyMet * ceiling, kSurelyMissed * ceiling, p.number("tolerance")};
}

LabRun probeRun(const Parameters& p, const Case& one, unsigned number) {
  LabRun run = runOf(p, "probe", one, number, p.text("probe-duration"), {kInterval});
  const Flags flags = run.drives.front().flags;
  run.expectedS = p.seconds("warmup") + p.seconds("probe-duration") + 0.4;
  run.drives.front().decide = [p, one, flags](const Readings& soFar) -> std::optional<Flags> {
    const auto ceiling = ceilingOf(soFar, one);
    if (!ceiling) return std::nullopt;
    const auto rate = searchOf(p, *ceiling).next(probesOf(p, soFar, one));
    if (!rate) return std::nullopt;
    return joinFlags({flags, {fmt::format("-rate={:.0f}", *rate), "-arrivals=poisson"}});
  };
  return run;
}

LabRun p99Run(const Parameters& p, const Case& one, unsigned repeat) {
  LabRun run = runOf(p, "p99", one, repeat, p.text("p99-duration"), {kInterval});
  const Flags flags = run.drives.front().flags;
  run.expectedS = p.seconds("warmup") + p.seconds("p99-duration") + 0.4;
  run.drives.front().decide = [p, one, flags](const Readings& soFar) -> std::optional<Flags> {
    const auto ceiling = ceilingOf(soFar, one);
    if (!ceiling) return std::nullopt;
    return joinFlags(
        {flags,
         {fmt::format("-rate={:.0f}", p.number("load-share") * *ceiling), "-arrivals=poisson"}});
  };
  return run;
}

/// The four ceilings, at 0.8 of each.
std::vector<Case> loaded(const Parameters& p) {
  const auto all = cases(p);
  return {all.begin() + kSmall, all.begin() + kSet};
}

// Other people's generators.

struct Peer {
  std::string name;
  PeerRun run;
};

std::vector<Peer> peers(const Parameters& p) {
  std::vector<Peer> all;
  for (const unsigned batch : {1U, batchOf(p)}) {
    PeerRun run{.tool = "redis-benchmark",
                .command = "get",
                .batch = batch,
                .conns = static_cast<unsigned>(p.count("conns")),
                .keys = p.count("peer-keys"),
                .valueSize = p.size("small-value"),
                .requests = p.count("peer-requests") * (batch > 1 ? 4 : 1)};
    all.push_back({fmt::format("benchmark-get-b{}", batch), run});
    run.command = "ping";
    all.push_back({fmt::format("benchmark-ping-b{}", batch), run});
    run.command = "get";
    run.tool = "memtier_benchmark";
    if (peerInstalled(run.tool)) all.push_back({fmt::format("memtier-get-b{}", batch), run});
  }
  return all;
}

LabRun peerRun(const Peer& peer, unsigned repeat) {
  LabRun run;
  run.name = fmt::format("peer-{}-r{}", peer.name, repeat);
  run.labels = labelsOf("peer", peer.name);
  run.labels.emplace_back("repeat", std::to_string(repeat));
  run.stack = peer.run.tool == "redis-benchmark" ? "benchmark" : "memtier";
  run.before = [peer](Bench& bench) { return runPeer(peer.run, bench); };
  constexpr double kSlowestPeer = 80e3;
  run.expectedS = 0.3 + static_cast<double>(peer.run.requests) / kSlowestPeer / peer.run.batch * 4;
  return run;
}

/// The peers' keys have other names than ours, so each fills a server of its own.
LabStack peerStack(const Parameters& p, std::string name, std::string tool) {
  PeerRun fill{.tool = std::move(tool),
               .command = "set",
               .batch = 64,
               .conns = static_cast<unsigned>(p.count("conns")),
               .keys = p.count("peer-keys"),
               .valueSize = p.size("small-value"),
               .requests = 4 * p.count("peer-keys")};
  return {.name = std::move(name), .up = {"node"}, .load = {}, .prepare = [fill](Bench& bench) {
            // What filling took is no figure of any run.
            RunRecord unused;
            Bench quiet(bench.stack(), bench.directory(), bench.cpus(), unused,
                        [] { return false; });
            const Status status = runPeer(fill, quiet);
            for (const std::string& line : unused.commands) bench.command(line);
            return status;
          }};
}

Result<ExperimentPlan> plan(const Parameters& p) {
  ExperimentPlan plan;
  plan.stacks = {{.name = "small", .up = {"node"}, .load = dataSet(p, false), .prepare = {}},
                 {.name = "large", .up = {"node"}, .load = dataSet(p, true), .prepare = {}},
                 {.name = "threads",
                  .up = {"node", "-io-threads=" + p.text("io-threads"), "-server-cpus={all-cpus}"},
                  .load = dataSet(p, false),
                  .prepare = {}}};
  plan.stacks.push_back(peerStack(p, "benchmark", "redis-benchmark"));
  if (peerInstalled("memtier_benchmark"))
    plan.stacks.push_back(peerStack(p, "memtier", "memtier_benchmark"));
  const auto add = [&](std::vector<LabRun> runs) {
    std::ranges::move(runs, std::back_inserter(plan.runs));
  };
  const auto closed = cases(p);
  add(interleaved(closed.size(), p.repeats(), [&](std::size_t i, unsigned repeat) {
    return runOf(p, "closed", closed[i], repeat, p.text("duration"), {"-rate=max"});
  }));
  const auto others = peers(p);
  add(interleaved(others.size(), static_cast<unsigned>(p.count("peer-repeat")),
                  [&](std::size_t i, unsigned repeat) { return peerRun(others[i], repeat); }));
  const auto at80 = loaded(p);
  add(interleaved(at80.size(), p.repeats(),
                  [&](std::size_t i, unsigned repeat) { return p99Run(p, at80[i], repeat); }));
  // What a service level hangs on is measured more often.
  for (auto repeat = p.repeats() + 1; repeat <= p.count("p99-repeat"); ++repeat)
    plan.runs.push_back(p99Run(p, at80[kSmall], static_cast<unsigned>(repeat)));
  // Each probe depends on the one before: the sizes in turn.
  const auto search = searched(p);
  add(interleaved(search.size(), static_cast<unsigned>(p.count("probes")),
                  [&](std::size_t i, unsigned number) { return probeRun(p, search[i], number); }));
  return plan;
}

Status check(const Parameters& p) {
  if (!parseLevel(p.text("slo")))
    return p.refuse("slo", "a percentile and its limit are wanted, e.g. p99<1ms");
  if (p.number("load-share") <= 0 || p.number("load-share") >= 1)
    return p.refuse("load-share", "p99 is wanted below the ceiling: more than 0, less than 1");
  if (p.count("p99-repeat") < p.repeats())
    return p.refuse("p99-repeat", "at least as many as repeat");
  if (batchOf(p) < 2) return p.refuse("batch", "a batch of one is what it is held against");
  return {};
}

std::vector<LabPrediction> predict(const Parameters& p) {
  const double serviceS = p.seconds("assumed-service");
  const Md1 queue(p.number("load-share") / serviceS, serviceS);
  return {{.what = fmt::format("ceiling of GET {}, per command", sizeWords(p, false)),
           .model = fmt::format("1 ÷ {} of main thread for a command, assumed",
                                p.text("assumed-service")),
           .unit = "ops/s",
           .predicted = 1 / serviceS,
           .verdict = {}},
          {.what = fmt::format("p99 of GET {} at {} of the ceiling, Poisson arrivals",
                               sizeWords(p, false), p.text("load-share")),
           .model = "M/D/1 with that service time: a lower bound",
           .unit = "us",
           .predicted = queue.responseQuantile(0.99) * 1e6,
           .verdict = {}}};
}

class Analysis {
 public:
  Analysis(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : p_(p),
        readings_(readings),
        document_(document),
        cases_(cases(p)),
        closed_(readings, labels("closed", cases_)),
        rate_(closed_.column(rateOf)),
        at80_(readings, labels("p99", loaded(p))) {}

  void all() {
    ceilings();
    if (rate_.has(kSmall)) bound();
    if (rate_.has(kSmall) && rate_.has(kSmallBatch)) gap();
    ablations();
    underLoad();
    search();
    others();
    document_.method.push_back(intervalNote(rate_.of(kSmall)));
    document_.method.push_back(fmt::format(
        "The bound is named from busy shares (a thread that is busy {:.0f}% of the time or more is "
        "the limit) and proved by what changes when one thing does. On loopback no packet passes a "
        "network card, so the card cannot be the bound",
        100 * kSaturated));
  }

 private:
  static std::vector<Labels> labels(std::string_view part, const std::vector<Case>& of) {
    std::vector<Labels> all;
    for (const Case& each : of) all.push_back(labelsOf(part, each.name));
    return all;
  }

  double kernelUs(std::size_t i) const { return closed_.mean(i, kernelUsPerCommand); }
  double userUs(std::size_t i) const { return closed_.mean(i, userUsPerCommand); }
  double mainUs(std::size_t i) const { return kernelUs(i) + userUs(i); }

  void ceilings() {
    const Column p99 = closed_.column(latency("p99"));
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
    for (std::size_t i = 0; i < cases_.size(); ++i)
      table.rows.push_back(
          {{cases_[i].changed.empty() ? cases_[i].words
                                      : fmt::format("{}, {}", cases_[i].words, cases_[i].changed),
            words(rate_.of(i), "ops/s"), words(p99.of(i), "us"),
            formatShare(closed_.mean(i, mainThreadBusy)),
            formatShare(closed_.mean(i, generatorBusy)), decimals(kernelUs(i)), decimals(userUs(i)),
            decimals(closed_.mean(i, executionUsPerCommand)),
            decimals(closed_.mean(i, commandsPerRead)),
            fmt::format("{} of {}", closed_.valid(i), closed_.runs(i).size())},
           closed_.names({i})});
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
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const std::string label = name(cases_[i]);
      auto& names = plot.x.names;
      auto place = std::ranges::find(names, label) - names.begin();
      if (place == std::ssize(names)) names.push_back(label);
      plot.series[cases_[i].batch == 0 ? 0 : 1].points.push_back(
          pointOf(static_cast<double>(place), rate_.of(i)));
    }
    for (LabSeries& series : plot.series) series.line = false;
    document_.plots.push_back(std::move(plot));
    for (std::size_t i = kSmall; i <= kSet; ++i)
      addFigure(document_, "ceiling of " + cases_[i].words, "ops/s", rate_.of(i));
  }

  /// Who is saturated in a condition's closed runs.
  std::string limitOf(std::size_t i) const {
    const double server = closed_.mean(i, mainThreadBusy);
    const double generator = closed_.mean(i, generatorBusy);
    if (server >= kSaturated || (server >= generator && server >= kNearlyAll))
      return fmt::format("Redis's main thread, {} busy", formatShare(server));
    if (generator >= kSaturated)
      return fmt::format("our generator, {} busy, and not Redis ({})", formatShare(generator),
                         formatShare(server));
    return fmt::format("neither thread alone (Redis {} busy, generator {})", formatShare(server),
                       formatShare(generator));
  }
  bool serverIsLimit(std::size_t i) const { return limitOf(i).starts_with("Redis"); }

  void bound() {
    const double kernelShare = kernelUs(kSmall) / mainUs(kSmall);
    const double execution = closed_.mean(kSmall, executionUsPerCommand);
    addFinding(
        document_, serverIsLimit(kSmall) ? Standing::expected : Standing::problem,
        fmt::format(
            "One shard answers {} of GET {} per command. The bound is {}; {} of its time is "
            "the kernel's ({:.2f} of {:.2f} µs for a command), for one read and one write of "
            "a socket each, and {:.2f} µs is the command itself",
            words(rate_.of(kSmall), "ops/s"), sizeWords(p_, false), limitOf(kSmall),
            formatShare(kernelShare), kernelUs(kSmall), mainUs(kSmall), execution),
        "achieved rates, and used_cpu_{sys,user}_main_thread and commandstats of INFO",
        closed_.names({kSmall}), true);
    document_.slo.push_back(
        {"get-ceiling",
         fmt::format("{}; bound: {}", words(rate_.of(kSmall), "ops/s"), limitOf(kSmall)),
         serverIsLimit(kSmall) ? SloVerdict::reported : SloVerdict::invalid,
         fmt::format("{} of the main thread's time is the kernel's; {}: {}",
                     formatShare(kernelShare), cases_[kLarge].words,
                     words(rate_.of(kLarge), "ops/s")),
         closed_.names({kSmall})});
    if (!document_.predictions.empty()) {
      LabPrediction& prediction = document_.predictions.front();
      setMeasured(prediction, rate_.of(kSmall));
      prediction.verdict =
          fmt::format("{}; a command cost {:.2f} µs", ofPredicted(prediction), mainUs(kSmall));
    }
  }

  void gap() {
    const Estimate ratio = rate_.ratio(kSmall, kSmallBatch);
    addFinding(document_, standingOf(ratio, true),
               fmt::format(
                   "In batches of {} it answers {}, {} as many. A read brings {:.1f} commands in "
                   "place of {:.1f}, so the kernel's part of a command falls from {:.2f} to {:.2f} "
                   "µs and Redis's own from {:.2f} to {:.2f} µs; the bound is then {}",
                   batchOf(p_), words(rate_.of(kSmallBatch), "ops/s"), multiple(ratio),
                   closed_.mean(kSmallBatch, commandsPerRead),
                   closed_.mean(kSmall, commandsPerRead), kernelUs(kSmall), kernelUs(kSmallBatch),
                   userUs(kSmall), userUs(kSmallBatch), limitOf(kSmallBatch)),
               "achieved rates, CPU split and total_reads_processed",
               closed_.names({kSmall, kSmallBatch}), true);
    document_.slo.push_back(
        {"get-ceiling-batch16",
         fmt::format("{}, {} of per command; bound: {}", words(rate_.of(kSmallBatch), "ops/s"),
                     multiple(ratio), limitOf(kSmallBatch)),
         serverIsLimit(kSmallBatch) ? SloVerdict::reported : SloVerdict::invalid,
         fmt::format("the kernel's part of a command falls from {:.2f} to {:.2f} µs; {}: {}",
                     kernelUs(kSmall), kernelUs(kSmallBatch), cases_[kLargeBatch].words,
                     words(rate_.of(kLargeBatch), "ops/s")),
         closed_.names({kSmallBatch})});
  }

  /// What becomes of the ceiling when one thing is changed, and what that shows.
  void ablations() {
    LabTable table{.title = "Ablation: one thing changed at a time",
                   .head = {"changed", "against", "ops/s ÷ before", "main-thread µs per command",
                            "before", "what it shows"},
                   .rows = {},
                   .note = {},
                   .prose = true};
    for (std::size_t i = kFirstAblation; i < cases_.size(); ++i) {
      const std::size_t base = cases_[i].batch == 0 ? kSmall : kSmallBatch;
      if (!rate_.has(i) || !rate_.has(base)) continue;
      table.rows.push_back({{cases_[i].changed, cases_[base].words, multiple(rate_.ratio(base, i)),
                             decimals(mainUs(i)), decimals(mainUs(base)), shows(i, base)},
                            closed_.names({i})});
    }
    const auto add = [&](std::size_t i, std::string_view changed, const std::string& what) {
      if (rate_.has(i) && rate_.has(kSmall))
        table.rows.push_back(
            {{std::string(changed), cases_[kSmall].words, multiple(rate_.ratio(kSmall, i)),
              decimals(mainUs(i)), decimals(mainUs(kSmall)), what},
             closed_.names({i})});
    };
    add(kSmallBatch, fmt::format("batches of {}", batchOf(p_)),
        fmt::format("system calls shared by a batch: {:.2f} µs a command less",
                    mainUs(kSmall) - mainUs(kSmallBatch)));
    add(kSet, "SET in place of GET",
        fmt::format("the command itself: {:+.2f} µs", mainUs(kSet) - mainUs(kSmall)));
    add(kLarge, fmt::format("values of {}", sizeWords(p_, true)),
        fmt::format("bytes copied into sockets: {:+.2f} µs", mainUs(kLarge) - mainUs(kSmall)));
    ping(table);
    if (table.rows.empty()) return;
    document_.tables.push_back(std::move(table));
  }

  std::string shows(std::size_t i, std::size_t base) const {
    const double less = mainUs(base) - mainUs(i);
    if (cases_[i].stack == "threads")
      return fmt::format(
          "sockets on another thread: {:.2f} µs of {:.2f} leave the main thread; on "
          "two cores that thread shares the generator's core",
          less, mainUs(base));
    return fmt::format("TCP on loopback costs {:.2f} µs of {:.2f} ({})", less, mainUs(base),
                       formatShare(less / mainUs(base)));
  }

  const std::vector<const Reading*> peerRuns(std::string_view name) const {
    return readings_.with(labelsOf("peer", name));
  }

  double peerMean(std::string_view name, std::string_view figure) const {
    const auto values =
        figuresOf(peerRuns(name), [&](const Reading& r) { return r.figure(figure); });
    return values.empty() ? kNothing : meanOf(values);
  }

  /// PING does nothing: what GET costs beyond it is the command. Both by redis-benchmark, whose
  /// rate says little (it is the limit itself); its server's CPU for a command says it.
  void ping(LabTable& table) {
    for (const unsigned batch : {1U, batchOf(p_)}) {
      const std::string get = fmt::format("benchmark-get-b{}", batch);
      const std::string ping = fmt::format("benchmark-ping-b{}", batch);
      const auto us = [&](const std::string& name) {
        return peerMean(name, "kernel_us_per_command") + peerMean(name, "user_us_per_command");
      };
      if (!std::isfinite(us(get)) || !std::isfinite(us(ping))) continue;
      table.rows.push_back(
          {{"PING in place of GET", fmt::format("GET by redis-benchmark, batch {}", batch),
            formatQuantity(peerMean(ping, "rate_ops") / peerMean(get, "rate_ops"), "x"),
            decimals(us(ping)), decimals(us(get)),
            fmt::format("looking a key up and copying its value: {:.2f} µs of {:.2f} ({})",
                        us(get) - us(ping), us(get), formatShare((us(get) - us(ping)) / us(get)))},
           namesOf(peerRuns(ping))});
    }
  }

  void underLoad() {
    const auto all = loaded(p_);
    const Column rate = at80_.column(rateOf);
    const Column p50 = at80_.column(latency("p50"));
    const Column p99 = at80_.column(latency("p99"));
    const Column p999 = at80_.column(latency("p999"));
    LabTable table{.title = fmt::format("At {} of the ceiling, Poisson arrivals",
                                        formatShare(p_.number("load-share"))),
                   .head = {"what", "ops/s", "p50", "p99", "p99.9", "service p99",
                            "main thread busy", "mean batch", "valid runs"},
                   .rows = {},
                   .note =
                       "Response time from the moment that the schedule fixed. In the open "
                       "model a batch is what is due, up to its size."};
    const Column service = at80_.column(latency("p99", "service"));
    for (std::size_t i = 0; i < all.size(); ++i)
      table.rows.push_back(
          {{all[i].words, words(rate.of(i), "ops/s"), words(p50.of(i), "us"),
            words(p99.of(i), "us"), words(p999.of(i), "us"), words(service.of(i), "us"),
            formatShare(at80_.mean(i, mainThreadBusy)), decimals(at80_.mean(i, meanBatch)),
            fmt::format("{} of {}", at80_.valid(i), at80_.runs(i).size())},
           at80_.names({i})});
    document_.tables.push_back(std::move(table));
    for (std::size_t i = 0; i < all.size(); ++i)
      addFigure(document_,
                fmt::format("p99 of {} at {} of the ceiling", all[i].words,
                            formatShare(p_.number("load-share"))),
                "us", p99.of(i));
    if (p99.has(kSmall)) judgeP99(all, rate, p99);
  }

  void judgeP99(const std::vector<Case>& all, const Column& rate, const Column& p99) {
    constexpr double kLimitUs = 1000;
    // Its own spread: batches scatter otherwise, and this is held against a limit.
    const Estimate estimate = Pooled({p99.values[kSmall]}).of(0);
    const bool believed = at80_.valid(kSmall) > 0;
    const SloVerdict verdict = !believed                  ? SloVerdict::invalid
                               : estimate.high < kLimitUs ? SloVerdict::met
                               : estimate.low > kLimitUs  ? SloVerdict::missed
                                                          : SloVerdict::inconclusive;
    document_.slo.push_back(
        {"read-p99-at-80",
         fmt::format("{} at {}", words(estimate, "us"), words(rate.of(kSmall), "ops/s")), verdict,
         fmt::format("{}, Poisson arrivals; {}: {}", all[kSmall].words, all[kLarge].words,
                     words(p99.of(kLarge), "us")),
         at80_.names({kSmall})});
    const Standing standing = verdict == SloVerdict::met            ? Standing::expected
                              : verdict == SloVerdict::missed       ? Standing::contradicts
                              : verdict == SloVerdict::inconclusive ? Standing::inconclusive
                                                                    : Standing::problem;
    addFinding(
        document_, standing,
        fmt::format(
            "At {} of the ceiling p99 of {} is {}: from send to reply {}, waiting for one of "
            "{} connections {}, the generator's own lateness {} (p99 of each); the slowest "
            "reply took {}, and what was due meanwhile queued behind it{}",
            formatShare(p_.number("load-share")), all[kSmall].words, words(estimate, "us"),
            part("p99", "service"), p_.text("conns"), part("p99", "lateness"),
            part("p99", "dispatch"), part("max", "service"),
            believed ? std::string{}
                     : "; none of these runs may be believed, so it settles nothing"),
        "response times with Poisson arrivals", at80_.names({kSmall}), true);
    againstModel(rate.of(kSmall).value, estimate);
  }

  std::string part(std::string_view percentile, std::string_view measure) const {
    return formatQuantity(at80_.mean(kSmall, latency(percentile, measure)), "us");
  }

  /// M/D/1 with the service time of this very load: a lower bound, and how far above it we are.
  void againstModel(double rate, const Estimate& p99) {
    const double serviceS =
        (at80_.mean(kSmall, kernelUsPerCommand) + at80_.mean(kSmall, userUsPerCommand)) / 1e6;
    if (!std::isfinite(serviceS) || rate * serviceS >= 1 || document_.predictions.size() < 2)
      return;
    const double bound = Md1(rate, serviceS).responseQuantile(0.99) * 1e6;
    LabPrediction& prediction = document_.predictions[1];
    setMeasured(prediction, p99);
    prediction.verdict = fmt::format(
        "with the {:.2f} µs of main thread that a command took at this load, M/D/1 gives {}; "
        "measured is {} of that. A real server wakes up late, answers what one epoll call returned "
        "together, and its client needs the wire",
        serviceS * 1e6, formatQuantity(bound, "us"), formatQuantity(p99.value / bound, "x"));
  }

  void search() {
    const ServiceLevel level = *parseLevel(p_.text("slo"));
    LabTable table{.title = fmt::format("Highest rate under {}, open model", p_.text("slo")),
                   .head = {"what", "met at", "missed at", "of the closed ceiling", "probes"},
                   .rows = {},
                   .note =
                       "Bisection with Poisson arrivals; each probe is one run. The true limit "
                       "lies between the two rates if a probe may be believed."};
    LabPlot plot{
        .id = "search",
        .title = fmt::format("{} by offered rate", level.percentile),
        .description = fmt::format("Every probe of the search; the line is {}.", p_.text("slo")),
        .x = {"operations/s offered", AxisKind::count, {}},
        .y = {level.percentile, AxisKind::latency, {}},
        .series = {},
        .spans = {},
        .marks = {}};
    double most = 0;
    for (const Case& one : searched(p_)) {
      const auto runs = readings_.with(labelsOf("probe", one.name));
      const auto ceiling = ceilingOf(readings_, one);
      LabSeries series{one.words, {}, false, false};
      for (const Reading* const run : runs) {
        if (run->summary() == nullptr) continue;
        series.points.push_back({run->summary()->rate.target, latencyUs(*run, level.percentile)});
        most = std::max(most, run->summary()->rate.target);
      }
      plot.series.push_back(std::move(series));
      if (!ceiling || runs.empty()) continue;
      const auto bracket = searchOf(p_, *ceiling).bracket(probesOf(p_, readings_, one));
      const std::string met =
          bracket.metTried ? formatQuantity(bracket.met, "ops/s") : "none tried";
      const std::string missed =
          bracket.missedTried ? formatQuantity(bracket.missed, "ops/s") : "none tried";
      table.rows.push_back(
          {{one.words, met, missed, bracket.metTried ? formatShare(bracket.met / *ceiling) : "–",
            std::to_string(runs.size())},
           namesOf(runs)});
      if (bracket.metTried)
        addFinding(document_, Standing::plain,
                   fmt::format("{}: {} holds up to {}, {} of the closed model's ceiling, and no "
                               "longer at {}",
                               one.words, p_.text("slo"), met, formatShare(bracket.met / *ceiling),
                               missed),
                   "the bisection in the open model", namesOf(runs));
      if (!one.large && bracket.metTried)
        document_.recommendations.push_back(fmt::format(
            "Plan a shard for {} of GET {} per command and not for its ceiling: above it {} is "
            "not kept",
            met, sizeWords(p_, false), p_.text("slo")));
    }
    if (table.rows.empty()) return;
    plot.series.push_back(
        {p_.text("slo"), {{0, level.limitUs}, {most, level.limitUs}}, true, true, false});
    document_.tables.push_back(std::move(table));
    document_.plots.push_back(std::move(plot));
  }

  void others() {
    LabTable table{.title = "Beside other generators, as fast as replies allow",
                   .head = {"generator", "ops/s", "p50", "p99", "main thread busy",
                            "main-thread µs per command", "hits", "who is the limit"},
                   .rows = {},
                   .note =
                       "Same server settings, connections and value size. Their keys have other "
                       "names, so each fills a server of its own. p99 of any closed-model run "
                       "counts from its own send and says nothing of an arrival that had to wait "
                       "for it."};
    const auto shortUs = [](double us) { return formatQuantity(us, "us"); };
    for (const std::size_t i : {kSmall, kSmallBatch}) {
      if (!rate_.has(i)) continue;
      table.rows.push_back(
          {{"redline, " + cases_[i].words, words(rate_.of(i), "ops/s"),
            shortUs(closed_.mean(i, latency("p50"))), shortUs(closed_.mean(i, latency("p99"))),
            formatShare(closed_.mean(i, mainThreadBusy)), decimals(mainUs(i)), "100.0%",
            limitOf(i)},
           closed_.names({i})});
    }
    for (const Peer& peer : peers(p_)) {
      const auto runs = peerRuns(peer.name);
      if (runs.empty()) continue;
      const double busy = peerMean(peer.name, "server_busy");
      const double us =
          peerMean(peer.name, "kernel_us_per_command") + peerMean(peer.name, "user_us_per_command");
      table.rows.push_back(
          {{fmt::format("{}, {} batch {}", peer.run.tool,
                        peer.run.command == "get" ? "GET" : "PING", peer.run.batch),
            formatQuantity(peerMean(peer.name, "rate_ops"), "ops/s"),
            shortUs(peerMean(peer.name, "p50_us")), shortUs(peerMean(peer.name, "p99_us")),
            formatShare(busy), decimals(us), formatShare(peerMean(peer.name, "hit_share")),
            busy < kNearlyAll ? "the generator: Redis is not saturated" : "Redis's main thread"},
           namesOf(runs)});
      if (peer.run.command == "get") explain(peer, busy, us);
    }
    document_.tables.push_back(std::move(table));
  }

  /// Why a peer's ceiling is not ours.
  void explain(const Peer& peer, double busy, double us) {
    const std::size_t own = peer.run.batch == 1 ? kSmall : kSmallBatch;
    const double ratio = peerMean(peer.name, "rate_ops") / rate_.of(own).value;
    if (!rate_.has(own) || !std::isfinite(ratio)) return;
    std::string why;
    if (busy < kNearlyAll)
      why = fmt::format("with Redis only {} busy: that is its own ceiling and not the server's",
                        formatShare(busy));
    else
      why =
          fmt::format("both saturate Redis; a command costs it {:.2f} µs there and {:.2f} µs here",
                      us, mainUs(own));
    addFinding(document_, Standing::plain,
               fmt::format("{} finds {} with batch {} where we find {} ({}), {}", peer.run.tool,
                           formatQuantity(peerMean(peer.name, "rate_ops"), "ops/s"), peer.run.batch,
                           words(rate_.of(own), "ops/s"), formatQuantity(ratio, "x"), why),
               "its printed figures, and INFO over the same time", namesOf(peerRuns(peer.name)));
    explainPercentiles(peer, own, ratio);
  }

  /// In a closed loop as many are in flight here as there, so by Little's law the mean goes with 1
  /// ÷ rate; what is left of a difference is what each counts.
  void explainPercentiles(const Peer& peer, std::size_t own, double rates) {
    const double ours = closed_.mean(own, latency("p50"));
    const double theirs = peerMean(peer.name, "p50_us");
    if (!std::isfinite(ours) || !std::isfinite(theirs) || ours <= 0) return;
    const double left = theirs / ours * rates;
    std::string why;
    if (std::abs(left - 1) <= kSameCount)
      why = "the rates explain it";
    else if (peer.run.batch > 1 && peer.run.tool == "redis-benchmark")
      why =
          "it stops a batch's clock at the first read that brings any of its replies, we each "
          "operation's at its own reply";
    else
      why =
          "its clock covers another part of the loop than ours (send to reply): bench/agreement "
          "takes "
          "that apart";
    addFinding(
        document_, Standing::plain,
        fmt::format("{} with batch {} prints p50 {} and p99 {}, we {} and {}. As many are in "
                    "flight, so the rates alone make {} of our p50; {} is left: {}",
                    peer.run.tool, peer.run.batch, formatQuantity(theirs, "us"),
                    formatQuantity(peerMean(peer.name, "p99_us"), "us"), formatQuantity(ours, "us"),
                    formatQuantity(closed_.mean(own, latency("p99")), "us"),
                    formatQuantity(1 / rates, "x"), formatQuantity(left, "x"), why),
        "printed percentiles, and Little's law with the same number in flight",
        namesOf(peerRuns(peer.name)));
  }

  const Parameters& p_;
  const Readings& readings_;
  ExperimentDocument& document_;
  std::vector<Case> cases_;
  Conditions closed_;
  Column rate_;
  Conditions at80_;
};

void analyse(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Analysis(p, readings, document).all();
}

}  // namespace

Experiment ceilingExperiment() {
  Experiment experiment;
  experiment.name = "ceiling";
  experiment.title = "How much one shard answers, and what stops it";
  experiment.question =
      "What is the highest rate of one Redis, for small and fat values, one command at a time and "
      "in "
      "batches? What bounds it: the event loop's CPU, system calls, the network? And what is p99 "
      "at "
      "80% of it?";
  using enum ParameterKind;
  experiment.parameters = {
      {.name = "conns", .kind = count, .help = "connections"},
      {.name = "keys", .kind = count, .help = "keys with small values"},
      {.name = "large-keys", .kind = count, .help = "keys with large values"},
      {.name = "small-value", .kind = size, .help = "bytes of a small value"},
      {.name = "large-value", .kind = size, .help = "bytes of a large value"},
      {.name = "batch", .kind = count, .help = "operations in a batch, where there is one"},
      {.name = "slo", .kind = text, .help = "what the highest rate must keep to, as p99<1ms"},
      {.name = "load-share",
       .kind = share,
       .help = "share of the ceiling at which p99 is measured"},
      {.name = "assumed-service",
       .kind = duration,
       .help = "main-thread time of a command, for the prediction before any run"},
      {.name = "io-threads", .kind = count, .help = "of the ablation with I/O threads"},
      {.name = "tolerance", .kind = share, .help = "how well the highest rate is to be known"},
      {.name = "probes", .kind = count, .help = "runs of the bisection at most, for each size"},
      {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
      {.name = "duration", .kind = duration, .help = "measured time of a ceiling"},
      {.name = "probe-duration", .kind = duration, .help = "measured time of a probe"},
      {.name = "p99-duration", .kind = duration, .help = "measured time of a run under load"},
      {.name = "p99-repeat",
       .kind = count,
       .help = "runs under load of small values per command, on which a service level hangs"},
      {.name = "peer-keys", .kind = count, .help = "keys that the other generators use"},
      {.name = "peer-requests", .kind = count, .help = "their requests without batches"},
      {.name = "peer-repeat", .kind = count, .help = "how often they run"},
  };
  experiment.check = check;
  experiment.plan = plan;
  experiment.predict = predict;
  experiment.analyse = analyse;
  return experiment;
}

}  // namespace redline
