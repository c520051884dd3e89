#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/ceiling_parts.h"
#include "lab/core_gaps.h"
#include "lab/words.h"
#include "model/queue.h"

namespace redline {
namespace ceiling {
namespace {

/// Of open-model runs: short enough for a time line of whose doing a slow moment was.
constexpr const char* kInterval = "-interval=100ms";

Flags dataSet(const Parameters& p, bool large) {
  return {"-keys=" + p.text(large ? "large-keys" : "keys"),
          "-value-size=" + p.text(large ? "large-value" : "small-value"), "-ttl-frac=0"};
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

LabRun probeRun(const Parameters& p, const Case& one, unsigned search, unsigned number) {
  LabRun run = runOf(p, "probe", one, number, p.text("probe-duration"), {kInterval});
  run.name = fmt::format("search{}-{}-p{}", search, one.name, number);
  run.labels = probeLabels(one, search);
  run.labels.emplace_back("probe", std::to_string(number));
  const Flags flags = run.drives.front().flags;
  run.expectedS = p.seconds("warmup") + p.seconds("probe-duration") + 0.4;
  run.drives.front().decide = [p, one, search,
                               flags](const Readings& soFar) -> std::optional<Flags> {
    const auto ceiling = ceilingOf(soFar, one);
    if (!ceiling) return std::nullopt;
    const auto rate = searchOf(p, *ceiling).next(probesOf(p, soFar, one, search));
    if (!rate) return std::nullopt;
    return joinFlags({flags, {fmt::format("-rate={:.0f}", *rate), "-arrivals=poisson"}});
  };
  return run;
}

LabRun p99Run(const Parameters& p, const Case& one, unsigned repeat) {
  LabRun run = runOf(p, "p99", one, repeat, p.text("p99-duration"), {kInterval});
  const Flags flags = run.drives.front().flags;
  run.expectedS = p.seconds("warmup") + p.seconds("p99-duration") + 0.4;
  if (one.name == loaded(p)[kSmall].name) {  // a service level hangs on these
    run.before = noteCoreGaps;
    run.expectedS += kCoreGapsS;
  }
  run.drives.front().decide = [p, one, flags](const Readings& soFar) -> std::optional<Flags> {
    const auto ceiling = ceilingNow(soFar, one);
    if (!ceiling) return std::nullopt;
    return joinFlags(
        {flags,
         {fmt::format("-rate={:.0f}", p.number("load-share") * *ceiling), "-arrivals=poisson"}});
  };
  return run;
}

LabRun peerRun(const Peer& peer, unsigned repeat) {
  LabRun run;
  run.name = fmt::format("peer-{}-r{}", peer.name, repeat);
  run.labels = labelsOf("peer", peer.name);
  run.labels.emplace_back("repeat", std::to_string(repeat));
  run.stack = kPeersStack;
  run.before = [peer](Bench& bench) { return runPeer(peer.run, bench); };
  constexpr double kSlowestPeer = 80e3;
  run.expectedS = 0.3 + static_cast<double>(peer.run.requests) / kSlowestPeer / peer.run.batch * 4;
  return run;
}

Status fillAs(const Parameters& p, std::string_view tool, Bench& bench) {
  const PeerRun fill{.tool = std::string(tool),
                     .command = "set",
                     .batch = 64,
                     .conns = static_cast<unsigned>(p.count("conns")),
                     .keys = p.count("keys"),
                     .valueSize = p.size("small-value"),
                     .requests = 4 * p.count("keys")};
  // What filling took is no figure of any run.
  RunRecord unused;
  Bench quiet(bench.stack(), bench.directory(), bench.cpus(), unused, [] { return false; });
  const Status status = runPeer(fill, quiet);
  for (const std::string& line : unused.commands) bench.command(line);
  return status;
}

/// Each generator names its keys in its own way. One server holds as many for each of them, so that
/// all meet the same server, the same table and the same number of keys.
LabStack peersStack(const Parameters& p) {
  return {.name = std::string(kPeersStack),
          .up = {"node"},
          .load = dataSet(p, false),
          .prepare = [p](Bench& bench) {
            if (const Status filled = fillAs(p, kRedisBenchmark, bench); !filled) return filled;
            return peerInstalled(kMemtier) ? fillAs(p, kMemtier, bench) : Status{};
          }};
}

/// Ours and theirs in turn.
std::vector<LabRun> besideRuns(const Parameters& p) {
  const auto ours = beside(p);
  const auto theirs = peers(p);
  return interleaved(ours.size() + theirs.size(), static_cast<unsigned>(p.count("peer-repeat")),
                     [&](std::size_t i, unsigned repeat) {
                       return i < ours.size() ? runOf(p, kBeside, ours[i], repeat,
                                                      p.text("duration"), {"-rate=max"})
                                              : peerRun(theirs[i - ours.size()], repeat);
                     });
}

Result<ExperimentPlan> plan(const Parameters& p) {
  ExperimentPlan plan;
  plan.stacks = {{.name = "small", .up = {"node"}, .load = dataSet(p, false), .prepare = {}},
                 {.name = "large", .up = {"node"}, .load = dataSet(p, true), .prepare = {}},
                 {.name = "threads",
                  .up = {"node", "-io-threads=" + p.text("io-threads"), "-server-cpus={all-cpus}"},
                  .load = dataSet(p, false),
                  .prepare = {}}};
  plan.stacks.push_back(peersStack(p));
  const auto add = [&](std::vector<LabRun> runs) {
    std::ranges::move(runs, std::back_inserter(plan.runs));
  };
  const auto closed = cases(p);
  add(interleaved(closed.size(), p.repeats(), [&](std::size_t i, unsigned repeat) {
    return runOf(p, "closed", closed[i], repeat, p.text("duration"), {"-rate=max"});
  }));
  add(besideRuns(p));
  const auto at80 = loaded(p);
  const auto reference = [&](std::size_t i, unsigned repeat) {
    return runOf(p, kReference, at80[i], repeat, p.text("duration"), {"-rate=max"});
  };
  const auto underLoad = [&](std::size_t i, unsigned repeat) { return p99Run(p, at80[i], repeat); };
  auto references = interleaved(at80.size(), p.repeats(), reference);
  auto loads = interleaved(at80.size(), p.repeats(), underLoad);
  // What a service level hangs on is measured more often.
  for (auto repeat = p.repeats() + 1; repeat <= p.count("p99-repeat"); ++repeat) {
    references.push_back(reference(kSmall, repeat));
    loads.push_back(underLoad(kSmall, repeat));
  }
  for (std::size_t i = 0; i < loads.size(); ++i) add({references[i], loads[i]});
  // Each probe depends on the one before of its search: the searches in turn.
  const auto sizes = searched(p);
  add(interleaved(sizes.size() * p.count("searches"), static_cast<unsigned>(p.count("probes")),
                  [&](std::size_t i, unsigned number) {
                    const auto search = static_cast<unsigned>(i / sizes.size() + 1);
                    return probeRun(p, sizes[i % sizes.size()], search, number);
                  }));
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

void analyse(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  analyseClosed(p, readings, document);
  analyseLoad(p, readings, document);
  analysePeers(p, readings, document);
}

}  // namespace
}  // namespace ceiling

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
      {.name = "searches", .kind = count, .help = "bisections for each size, each on its own"},
      {.name = "probes", .kind = count, .help = "runs of one bisection at most"},
      {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
      {.name = "duration", .kind = duration, .help = "measured time of a ceiling"},
      {.name = "probe-duration", .kind = duration, .help = "measured time of a probe"},
      {.name = "p99-duration", .kind = duration, .help = "measured time of a run under load"},
      {.name = "p99-repeat",
       .kind = count,
       .help = "runs under load of small values per command, on which a service level hangs"},
      {.name = "peer-requests", .kind = count, .help = "their requests without batches"},
      {.name = "peer-repeat", .kind = count, .help = "how often they run"},
  };
  experiment.check = ceiling::check;
  experiment.plan = ceiling::plan;
  experiment.predict = ceiling::predict;
  experiment.analyse = ceiling::analyse;
  return experiment;
}

}  // namespace redline
