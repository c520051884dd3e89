#include "lab/ceiling.h"

#include <fmt/format.h>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/format.h"
#include "model/queue.h"

namespace redline::lab::ceiling {

unsigned batchOf(const Parameters& p) {
  return static_cast<unsigned>(p.count("batch"));
}

std::string sizeOf(const Parameters& p, bool isLarge) {
  return formatSize(p.size(isLarge ? "large-value" : "small-value"));
}

namespace {

/// A lab's own server on loopback; who it is costs a handshake and no command.
Flags encrypted() {
  return {"-tls", "-tls-insecure"};
}

std::string tlsLabel(unsigned batch) {
  return fmt::format("tls-b{}", batch);
}

std::string readLabel(bool isLarge, unsigned batch) {
  return fmt::format("{}-b{}", isLarge ? "large" : "small", batch);
}

}  // namespace

Case readOf(const Parameters& p, bool isLarge, unsigned batch) {
  const std::string size = sizeOf(p, isLarge);
  return {.label = readLabel(isLarge, batch),
          .title = fmt::format("GET {}, {}", size,
                               batch == 0 ? "per command" : fmt::format("batch {}", batch)),
          .bar = size,
          .stack = isLarge ? "large" : "small",
          .isLarge = isLarge,
          .batch = batch};
}

Flags dataSet(const Parameters& p, bool isLarge) {
  return {"-keys=" + p.text(isLarge ? "large-keys" : "keys"),
          "-value-size=" + p.text(isLarge ? "large-value" : "small-value"), "-ttl-frac=0"};
}

LabRun runOf(const Parameters& p, const Case& one, std::string_view duration, const Flags& load) {
  const Flags usual{"-conns=" + p.text("conns"), one.isWrite ? "-rw-ratio=0" : "-rw-ratio=1",
                    fmt::format("-pipeline={}", one.batch), "-warmup=" + p.text("warmup"),
                    "-duration=" + p.text(duration)};
  const bool hasThreads = one.stack == "threads";
  return {.stack = one.stack,
          .sharesCore = hasThreads,
          // They and the generator: on fewer cores its figures would be of what they share.
          .leastCpus = hasThreads ? static_cast<unsigned>(p.count("io-threads")) + 1 : 0,
          .drives = {{.flags = joinFlags({one.extra, dataSet(p, one.isLarge), load, usual})}}};
}

LabRun closedRun(const Parameters& p, const Case& one) {
  return runOf(p, one, "duration", {"-rate=max"});
}

Cell Ceilings::read(bool isLarge, unsigned batch) const {
  return grid.at(of, readLabel(isLarge, batch));
}

Limit limitOf(double server, double generator, double others) {
  const double ofWhatWasLeft = server / (1 - others);
  const auto isTheLimit = [&](double share) {
    return share >= kSaturated || (share >= generator && share >= kNearlyAll);
  };
  if (isTheLimit(server))
    return {true, fmt::format("Redis's main thread, {} busy", formatShare(server))};
  if (isTheLimit(ofWhatWasLeft))
    return {true, fmt::format("Redis's main thread, {} busy: {} of the time that other processes "
                              "left it",
                              formatShare(server), formatShare(ofWhatWasLeft))};
  if (generator >= kSaturated)
    return {false, fmt::format("our generator, {} busy, and not Redis ({})", formatShare(generator),
                               formatShare(server))};
  return {false, fmt::format("neither thread alone (Redis {} busy, generator {})",
                             formatShare(server), formatShare(generator))};
}

Limit Ceilings::limit(const Cell& cell) const {
  return limitOf(busy[cell].value(), generatorBusy[cell].value(), others[cell].value());
}

namespace {

/// Four ceilings, writes, and the small reads with one thing changed at a time.
Factor<Case> casesOf(const Parameters& p) {
  const unsigned batch = batchOf(p);
  std::vector<Case> all{readOf(p, false, 0), readOf(p, false, batch), readOf(p, true, 0),
                        readOf(p, true, batch)};
  Case set = readOf(p, false, 0);
  set.label = "small-set";
  set.title = fmt::format("SET {}, per command", sizeOf(p, false));
  set.bar = "SET";
  set.isWrite = true;
  all.push_back(set);
  for (const unsigned size : {0U, batch}) {
    Case socket = readOf(p, false, size);
    socket.label = fmt::format("unix-b{}", size);
    socket.bar = "Unix socket";
    socket.extra = {"-addr={unix}"};
    socket.changed = "Unix socket instead of TCP";
    all.push_back(socket);
    Case threads = readOf(p, false, size);
    threads.label = fmt::format("threads-b{}", size);
    threads.stack = "threads";
    threads.changed = threads.bar = "io-threads " + p.text("io-threads");
    all.push_back(threads);
    Case tls = readOf(p, false, size);
    tls.label = tlsLabel(size);
    tls.stack = "tls";
    tls.extra = encrypted();
    tls.changed = tls.bar = "TLS";
    all.push_back(tls);
  }
  return Study::factor<Case>(
      "case", all, [](const Case& one) { return Level{.label = one.label, .title = one.title}; });
}

void declareStacks(Study& s) {
  const Parameters& p = s.parameters();
  s.stack({.name = "small", .up = {"node"}, .load = dataSet(p, false)});
  s.stack({.name = "large", .up = {"node"}, .load = dataSet(p, true)});
  s.stack({.name = "threads",
           .up = {"node", "-io-threads=" + p.text("io-threads"), "-server-cpus={all-cpus}"},
           .load = dataSet(p, false)});
  s.stack(
      {.name = "tls", .up = {"node", "-tls"}, .load = joinFlags({dataSet(p, false), encrypted()})});
}

Ceilings runClosed(Study& s) {
  const auto of = casesOf(s.parameters());
  const Grid grid = s.grid("closed", {of}, [&](const Cell& cell, unsigned) {
    return closedRun(s.parameters(), cell[of]);
  });
  return {.of = of,
          .grid = grid,
          .rate = s.quantity("ops/s", rateOf, grid.cells),
          .kernelUs = s.mean("", kernelUsPerCommand, grid.cells),
          .redisUs = s.mean("", userUsPerCommand, grid.cells),
          .mainUs = s.mean("", mainThreadUsPerCommand, grid.cells),
          .busy = s.mean("share", mainThreadBusy, grid.cells),
          .generatorBusy = s.mean("share", generatorBusy, grid.cells),
          .others = s.mean("share", recorded(kOthersOnServerCore), grid.cells)};
}

std::string shareOfKernel(const Ceilings& c, const Cell& cell) {
  return formatShare(c.kernelUs[cell].value() / c.mainUs[cell].value());
}

void tabulateCeilings(Study& s, const Ceilings& c) {
  const Cells& all = c.grid.cells;
  s.table("Ceilings, as fast as replies allow")
      .column("what",
              [&](const Cell& cell) {
                const Case& one = cell[c.of];
                return one.changed.empty() ? one.title : one.title + ", " + one.changed;
              })
      .column("ops/s", c.rate)
      .column("p99", s.quantity("us", latency("p99"), all))
      .column("main thread busy", c.busy)
      .column("generator busy", c.generatorBusy)
      .column("kernel µs per command", c.kernelUs)
      .column("Redis µs per command", c.redisUs)
      .column("execution µs", s.mean("", executionUsPerCommand, all))
      .column("commands per read", s.mean("", commandsPerRead, all))
      .validRuns()
      .note(fmt::format(
          "{} connections. Main-thread CPU is split into the kernel's part (reading and writing "
          "sockets) and Redis's own; execution is what commandstats has of the latter.",
          s.parameters().text("conns")))
      .rows(all);
  s.figures("ceiling of {}", c.rate,
            c.grid.where([&](const Cell& cell) { return cell[c.of].changed.empty(); }));
}

void plotCeilings(Study& s, const Ceilings& c) {
  const auto bar = [&](const Cell& cell) { return cell[c.of].bar; };
  const auto sent = [&](bool isBatch) {
    return c.grid.where([&](const Cell& cell) { return (cell[c.of].batch > 0) == isBatch; });
  };
  s.plot("ceilings", "Ceilings and what moves them")
      .describe("Maximum throughput, load generator unthrottled. Bars: 95% confidence.")
      .x("", AxisKind::names)
      .y("operations/s", AxisKind::count)
      .points("per command", c.rate, sent(false), bar)
      .points(fmt::format("batch {}", batchOf(s.parameters())), c.rate, sent(true), bar)
      .add();
}

/// Where the main thread's time goes; empty where INFO was not kept.
std::string timeOf(Study& s, const Ceilings& c, const Cell& cell) {
  if (!c.mainUs.has(cell)) return {};
  return fmt::format(
      ". The kernel takes {} of that thread's time: each command pays for one read() and one "
      "write(). A command costs the thread {} µs, and executing it is {} of them",
      shareOfKernel(c, cell), c.mainUs[cell], s.mean("", executionUsPerCommand, {cell})[cell]);
}

void judgeCeiling(Study& s, const Ceilings& c, const Prediction& predicted) {
  const Cell small = c.small(), large = c.read(true, 0);
  const auto limit = c.limit(small);
  s.claim("ceiling", limit.isServer ? Standing::expected : Standing::problem)
      .from("achieved rates, and used_cpu_{sys,user}_main_thread and commandstats of INFO")
      .headline()
      .text("One shard answers {} of GET {} sent one command at a time. The limit is {}{}",
            c.rate[small], sizeOf(s.parameters(), false), limit.text, timeOf(s, c, small));
  s.slo("get-ceiling", limit.isServer ? SloVerdict::reported : SloVerdict::invalid,
        fmt::format("{}; bound: {}", c.rate[small], limit.text),
        fmt::format("{} of the main thread's time is the kernel's; {}: {}", shareOfKernel(c, small),
                    large.title(), c.rate[large]),
        {c.rate[small]});
  predicted.measured(c.rate[small],
                     fmt::format("{} the prediction; a command cost {} µs",
                                 formatQuantity(c.rate[small].value() / predicted.predicted(), "x"),
                                 c.mainUs[small]));
}

/// What batches save of it; empty where INFO was not kept.
std::string savingOf(Study& s, const Ceilings& c, const Cell& one, const Cell& many) {
  if (!c.mainUs.hasAll({one, many})) return {};
  return fmt::format(
      ". One read then brings {} commands. The kernel's part of a command falls from {} to {} µs. "
      "Redis's own part changes from {} to {} µs",
      s.mean("", commandsPerRead, {many})[many], c.kernelUs[one], c.kernelUs[many], c.redisUs[one],
      c.redisUs[many]);
}

void judgeBatches(Study& s, const Ceilings& c) {
  const unsigned batch = batchOf(s.parameters());
  const Cell one = c.small(), many = c.read(false, batch), large = c.read(true, batch);
  const Measured gain = c.rate.ratio(one, many);
  const auto limit = c.limit(many);
  s.claim("batch-ceiling", expectAbove(gain))
      .from("achieved rates, CPU split and total_reads_processed")
      .headline()
      .text("Batches of {} multiply that by {}, to {}. The limit is then {}{}", batch, gain,
            c.rate[many], limit.text, savingOf(s, c, one, many));
  s.slo("get-ceiling-batch16", limit.isServer ? SloVerdict::reported : SloVerdict::invalid,
        fmt::format("{}, {} the rate per command; bound: {}", c.rate[many], gain, limit.text),
        fmt::format("the kernel's part of a command falls from {} to {} µs; {}: {}",
                    c.kernelUs[one], c.kernelUs[many], large.title(), c.rate[large]),
        {c.rate[many], c.rate[one]});
}

/// What an ablation's main-thread time says, beside that of the same reads without it.
std::string meaningOf(const Ceilings& c, const Cell& cell, const Cell& base) {
  const double before = c.mainUs[base].value();
  const double less = before - c.mainUs[cell].value();
  if (cell[c.of].stack == "threads")
    return fmt::format(
        "sockets on another thread: {:.2f} µs of {:.2f} leave the main thread; on "
        "two cores that thread shares the generator's core",
        less, before);
  if (cell[c.of].stack == "tls")
    return fmt::format(
        "encrypting on the main thread: {:+.2f} µs a command; Redis's own part {:+.2f} µs", -less,
        c.redisUs[cell].value() - c.redisUs[base].value());
  return fmt::format("TCP on loopback costs {:.2f} µs of {:.2f} ({})", less, before,
                     formatShare(less / before));
}

/// What becomes of the ceiling when one thing is changed, and what that shows.
void tabulateAblations(Study& s, const Ceilings& c, const Beside& beside) {
  const Parameters& p = s.parameters();
  const Cell small = c.small();
  Table table = s.table("Ablation: one thing changed at a time");
  table.prose().heads({"changed", "against", "ops/s ÷ before", "main-thread µs per command",
                       "before", "what it shows"});
  const auto add = [&](const Cell& cell, const Cell& base, const std::string& changed,
                       const std::string& meaning) {
    if (c.rate.has(cell) && c.rate.has(base))
      table.row({changed, base.title(), cellOf(c.rate.ratio(base, cell)), cellOf(c.mainUs[cell]),
                 cellOf(c.mainUs[base]), c.mainUs.hasAll({cell, base}) ? meaning : "–"},
                {c.rate[cell]});
  };
  const auto moreUs = [&](const Cell& cell) {
    return c.mainUs[cell].value() - c.mainUs[small].value();
  };
  for (const Cell& cell : c.grid.cells) {
    const Case& one = cell[c.of];
    const Cell base = c.read(false, one.batch);
    if (!one.changed.empty()) add(cell, base, one.changed, meaningOf(c, cell, base));
  }
  const Cell batched = c.read(false, batchOf(p));
  add(batched, small, fmt::format("batches of {}", batchOf(p)),
      fmt::format("system calls shared by a batch: {:.2f} µs a command less", -moreUs(batched)));
  const Cell set = c.grid.at(c.of, "small-set");
  add(set, small, "SET instead of GET", fmt::format("the command itself: {:+.2f} µs", moreUs(set)));
  const Cell large = c.read(true, 0);
  add(large, small, "values of " + sizeOf(p, true),
      fmt::format("bytes copied into sockets: {:+.2f} µs", moreUs(large)));
  addPings(s, beside, table);
  table.add();
}

/// What a command costs with encryption; empty where INFO was not kept.
std::string encryptionOf(const Ceilings& c, const Cell& plain, const Cell& encrypted) {
  if (!c.mainUs.hasAll({plain, encrypted})) return {};
  return fmt::format(". A command sent alone costs that thread {} µs with it, and {} µs without",
                     c.mainUs[encrypted], c.mainUs[plain]);
}

/// The price of TLS, by the same reads with and without it, in turn.
void judgeTls(Study& s, const Ceilings& c) {
  const unsigned batch = batchOf(s.parameters());
  const Cell one = c.small(), many = c.read(false, batch);
  const Cell oneTls = c.grid.at(c.of, tlsLabel(0)), manyTls = c.grid.at(c.of, tlsLabel(batch));
  const Measured alone = c.rate.ratio(one, oneTls), batched = c.rate.ratio(many, manyTls);
  const auto limit = c.limit(oneTls);
  s.claim("tls-price", limit.isServer ? expectBelow(alone) : Standing::problem)
      .from("achieved rates and the main thread's CPU, runs with TLS and without in turn")
      .text(
          "With TLS one shard answers {} of the commands that it answers without, {} in batches of "
          "{}: {} and {}. The limit is then {}{}",
          alone, batched, batch, c.rate[oneTls], c.rate[manyTls], limit.text,
          encryptionOf(c, one, oneTls));
  if (expectBelow(alone) == Standing::expected && expectBelow(batched) == Standing::expected)
    s.cost("TLS leaves {} of the ceiling per command, and {} in batches of {}", alone, batched,
           batch);
  s.figure(fmt::format("ceiling of {} with TLS ÷ without", one.title()), alone);
  s.figure(fmt::format("ceiling of {} with TLS ÷ without", many.title()), batched);
}

/// `plan`: the highest rate that keeps to the service level; may be not known.
void conclude(Study& s, const Ceilings& c, const Measured& plan) {
  const Parameters& p = s.parameters();
  const Measured alone = c.rate[c.small()], batched = c.rate[c.read(false, batchOf(p))];
  std::string answer = fmt::format("One Redis core serves {} of GET ({} in batches of {})",
                                   rounded(alone), rounded(batched), batchOf(p));
  if (plan.isKnown()) answer += fmt::format(" and keeps {} up to {}", p.text("slo"), rounded(plan));
  s.answer({alone, batched}, std::move(answer));
  const double unused = 1 - plan.value() / alone.value();
  if (unused > 0)
    s.decide({plan, alone},
             {.risk = "a shard that is planned for its ceiling",
              .measured = fmt::format("{} holds up to {} of {}", p.text("slo"), rounded(plan),
                                      rounded(alone)),
              .action = fmt::format("Plan a shard for {}", rounded(plan)),
              .price = fmt::format("{} of its ceiling stays unused", formatShare(unused)),
              .gain = alone.value() / plan.value(),
              .runs = {}});
}

/// What was left out for want of a core is not a gap in the table without a word.
void claimNotAttempted(Study& s) {
  for (const auto& reading : s.readings().all()) {
    if (reading->record.state != RunState::skipped ||
        !reading->label("case").starts_with("threads"))
      continue;
    s.claim("io-threads-not-attempted", Standing::plain)
        .from("the CPUs that the lab has")
        .text(
            "I/O threads were not attempted: {}. They would run on the generator's core, and what "
            "they gain would be what it loses",
            reading->record.reason);
    return;
  }
}

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const double serviceS = p.seconds("assumed-service");
  const Prediction ceiling = s.predict(
      fmt::format("ceiling of GET {}, per command", sizeOf(p, false)),
      fmt::format("1 ÷ {} of main thread for a command, assumed", p.text("assumed-service")),
      "ops/s", 1 / serviceS);
  const Prediction p99 =
      s.predict(fmt::format("p99 of GET {} at {} of the ceiling, Poisson arrivals",
                            sizeOf(p, false), p.text("load-share")),
                "M/D/1 with that service time: a lower bound", "us",
                Md1(p.number("load-share") / serviceS, serviceS).responseQuantile(0.99) * 1e6);

  declareStacks(s);
  const Ceilings ceilings = runClosed(s);
  const Beside beside = runBeside(s);
  const UnderLoad under = runUnderLoad(s, ceilings);
  const Searches searches = runSearches(s, ceilings);

  tabulateCeilings(s, ceilings);
  plotCeilings(s, ceilings);
  judgeCeiling(s, ceilings, ceiling);
  judgeBatches(s, ceilings);
  tabulateAblations(s, ceilings, beside);
  judgeTls(s, ceilings);
  claimNotAttempted(s);
  judgeLoad(s, under, p99);
  conclude(s, ceilings, judgeSearches(s, searches, ceilings));
  judgeBeside(s, beside);
  s.method(intervalNote(ceilings.rate[ceilings.small()].estimate));
  s.method(fmt::format(
      "The limit is named from busy shares (a thread that is busy {:.0f}% of the time or more is "
      "the limit) and proved by what changes when one thing does. On loopback no packet passes a "
      "network card, so the card cannot be the limit",
      100 * kSaturated));
}

Status check(const Parameters& p) {
  if (!parseLevel(p.text("slo")))
    return p.refuse("slo", "a percentile and its limit are wanted, e.g. p99<1ms");
  if (p.number("load-share") <= 0 || p.number("load-share") >= 1)
    return p.refuse("load-share", "p99 is wanted below the ceiling: more than 0, less than 1");
  if (p.count("p99-repeat") < p.repeats())
    return p.refuse("p99-repeat", "at least as many as repeat");
  if (batchOf(p) < 2) return p.refuse("batch", "it is compared with a batch of one");
  return {};
}

}  // namespace
}  // namespace redline::lab::ceiling

namespace redline {

Experiment ceilingExperiment() {
  using enum ParameterKind;
  return {
      .name = "ceiling",
      .title = "How much one shard answers, and what stops it",
      .question =
          "What is the highest rate of one Redis, for small and large values, one command at a "
          "time and in batches? What bounds it: the event loop's CPU, system calls, the network? "
          "What does TLS take off it? And what is p99 at 80% of it?",
      .parameters =
          {{.name = "conns", .kind = count, .help = "connections"},
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
           {.name = "peer-repeat", .kind = count, .help = "how often they run"}},
      .check = lab::ceiling::check,
      .declare = lab::ceiling::declare,
  };
}

}  // namespace redline
