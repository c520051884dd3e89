#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/format.h"
#include "lab/study.h"

namespace redline::lab::io_threads {
namespace {

constexpr double kHalf = 0.5;  ///< of the main thread's time: more makes it network-bound
constexpr double kSaturated = 0.9;

/// Reads of one kind, as fast as replies allow.
struct Case {
  std::string label, title;
  bool isLarge = false;
  bool isUnix = false;
  unsigned batch = 0;    ///< 0: one command at a time
  unsigned threads = 1;  ///< io-threads; the main thread is one of them
};

std::string sizeOf(const Parameters& p, bool isLarge) {
  return formatSize(p.size(isLarge ? "large-value" : "small-value"));
}

std::string labelOf(bool isLarge, unsigned batch) {
  return fmt::format("{}-b{}", isLarge ? "large" : "small", batch);
}

std::string threadsLabel(unsigned threads, unsigned batch) {
  return fmt::format("threads-{}-b{}", threads, batch);
}

std::vector<unsigned> numbersOf(const Parameters& p, std::string_view name) {
  std::vector<unsigned> numbers;
  for (const std::string& text : p.texts(name))
    numbers.push_back(static_cast<unsigned>(*parseCount(text)));
  std::ranges::sort(numbers);
  return numbers;
}

Factor<Case> casesOf(const Parameters& p) {
  std::vector<Case> all;
  const auto titleOf = [&](bool isLarge, unsigned batch) {
    return fmt::format("GET {}, {}", sizeOf(p, isLarge),
                       batch == 0 ? "one at a time" : fmt::format("batches of {}", batch));
  };
  for (const unsigned batch : numbersOf(p, "batches"))
    all.push_back({.label = labelOf(false, batch), .title = titleOf(false, batch), .batch = batch});
  for (const unsigned batch : {0U, static_cast<unsigned>(p.count("batch"))})
    all.push_back({.label = labelOf(true, batch),
                   .title = titleOf(true, batch),
                   .isLarge = true,
                   .batch = batch});
  all.push_back({.label = "unix", .title = titleOf(false, 0) + ", Unix socket", .isUnix = true});
  for (const unsigned threads : numbersOf(p, "io-threads"))
    for (const unsigned batch : {0U, static_cast<unsigned>(p.count("batch"))})
      all.push_back({.label = threadsLabel(threads, batch),
                     .title = fmt::format("{}, io-threads {}", titleOf(false, batch), threads),
                     .batch = batch,
                     .threads = threads});
  return Study::factor<Case>(
      "case", all, [](const Case& one) { return Level{.label = one.label, .title = one.title}; });
}

LabRun runOf(Study& s, const Case& one) {
  const Parameters& p = s.parameters();
  const Flags data{"-keys=" + p.text(one.isLarge ? "large-keys" : "keys"),
                   "-value-size=" + p.text(one.isLarge ? "large-value" : "small-value"),
                   "-ttl-frac=0"};
  LabStack stack{.name = one.isLarge ? "large" : "small", .up = {"node"}, .load = data};
  if (one.threads > 1) {
    stack.name = fmt::format("threads-{}", one.threads);
    stack.up.push_back(fmt::format("-io-threads={}", one.threads));
  }
  const Flags where = one.isUnix ? Flags{"-addr={unix}"} : Flags{};
  return {.stack = s.stack(std::move(stack)),
          // A core for each of them and one for the generator: on fewer they spin for one another.
          .leastCpus = one.threads > 1 ? one.threads + 1 : 0,
          .drives = {{.flags = joinFlags(
                          {where,
                           data,
                           {"-conns=" + p.text("conns"), "-rw-ratio=1", "-rate=max",
                            fmt::format("-pipeline={}", one.batch), "-warmup=" + p.text("warmup"),
                            "-duration=" + p.text("duration")}})}}};
}

// What the main thread's CPU says.

/// Of a command, microseconds of the main thread.
struct Split {
  double kernel = kNaN;     ///< reads and writes of sockets, and waiting for events
  double redis = kNaN;      ///< in Redis itself
  double execution = kNaN;  ///< of that, by commandstats

  double total() const { return kernel + redis; }
  /// How many times the ceiling could be, were only the kernel's part shared out evenly.
  double kernelShared(double threads) const { return total() / (redis + kernel / threads); }
  /// … were everything shared out but the execution: parsing and replies too.
  double allShared(double threads) const {
    return 1 / ((execution + (total() - execution) / threads) / total());
  }
};

Split splitOf(const Reading& run) {
  return {kernelUsPerCommand(run), userUsPerCommand(run), executionUsPerCommand(run)};
}

Measurement kernelShare() {
  return [](const Reading& run) {
    const Split split = splitOf(run);
    return split.kernel / split.total();
  };
}
Measurement lowerBound(unsigned threads) {
  return [threads](const Reading& run) { return splitOf(run).kernelShared(threads); };
}
/// Of threads that share out everything but what a command costs in large batches, where `ratio` is
/// what it costs alone ÷ that: Amdahl's law.
double amdahl(double ratio, double threads) {
  const double rest = 1 / ratio;
  return 1 / (rest + (1 - rest) / threads);
}
Measured boundOf(Measured ratio, unsigned threads) {
  for (double* const end : {&ratio.estimate.value, &ratio.estimate.low, &ratio.estimate.high})
    *end = amdahl(*end, threads);
  return ratio;
}

/// 1 − 1/ratio: the share of a cost that is saved where the rest is `ratio` times less.
Measured savedShare(Measured ratio) {
  Estimate& e = ratio.estimate;
  e.value = 1 - 1 / e.value;
  e.low = 1 - 1 / e.low;
  e.high = 1 - 1 / e.high;
  ratio.unit = "share";
  return ratio;
}

/// More than half of it, less, or not decided.
Standing expectMostOf(const Measured& share) {
  if (!share.estimate.hasInterval()) return Standing::inconclusive;
  if (share.estimate.low > kHalf) return Standing::expected;
  return share.estimate.high < kHalf ? Standing::contradicts : Standing::inconclusive;
}

struct Figures {
  Study& s;
  Factor<Case> of;
  Grid grid;
  unsigned batch = static_cast<unsigned>(s.parameters().count("batch"));
  unsigned most = numbersOf(s.parameters(), "batches").back();
  std::vector<unsigned> threads = numbersOf(s.parameters(), "io-threads");

  Cell at(const std::string& label) const { return grid.at(of, label); }
  Cell alone = at(labelOf(false, 0)), many = at(labelOf(false, most));
  Cell batched = at(labelOf(false, batch));
  Cell large = at(labelOf(true, 0)), unixSocket = at("unix");

  Quantity rate = s.quantity("ops/s", rateOf, grid.cells);
  Quantity main = s.quantity("us", mainThreadUsPerCommand, grid.cells);
  Quantity kernel = s.quantity("us", kernelUsPerCommand, grid.cells);
  Quantity redis = s.quantity("us", userUsPerCommand, grid.cells);
  Quantity execution = s.mean("us", executionUsPerCommand, grid.cells);
  Quantity share = s.quantity("share", kernelShare(), {alone, large, unixSocket});
  Quantity busy = s.mean("share", mainThreadBusy, grid.cells);
  Quantity generator = s.mean("share", generatorBusy, grid.cells);

  Quantity atLeast(unsigned n) const { return s.quantity("x", lowerBound(n), {alone, large}); }
  Measured atMost(unsigned n) const { return boundOf(main.ratio(many, alone), n); }
  Measured atMostLarge(unsigned n) const {
    return boundOf(main.ratio(at(labelOf(true, batch)), large), n);
  }
  /// What batches give with one thread, in CPU as the bounds are.
  Measured batches() const { return main.ratio(batched, alone); }
  bool wasRun(unsigned n) const { return rate.has(at(threadsLabel(n, 0))); }
};

void tabulate(const Figures& f) {
  f.s.table("Where the main thread's time goes, as fast as replies allow")
      .column("", &Cell::title)
      .column("ops/s", f.rate)
      .column("main thread per command", f.main)
      .column("in the kernel", f.kernel)
      .column("in Redis", f.redis)
      .column("of it, executing", f.execution)
      .column("main thread busy", f.busy)
      .column("generator busy", f.generator)
      .validRuns()
      .note(fmt::format("{} connections. CPU of the main thread by INFO. The kernel's part is "
                        "system time: reading and writing sockets, and waiting for events. "
                        "Executing: by commandstats, clock calls "
                        "and time without the core included.",
                        f.s.parameters().text("conns")))
      .rows(f.grid.cells, &f.rate);
  Table bounds = f.s.table("How much I/O threads could give, by the split of the CPU");
  bounds.heads({"io-threads", "if they share the kernel's part",
                "if they share all that batches save", "the same, large values", "measured"});
  for (const unsigned n : f.threads) {
    const Measured gain = f.rate.ratio(f.alone, f.at(threadsLabel(n, 0)));
    bounds.row({std::to_string(n), cellOf(f.atLeast(n)[f.alone]), cellOf(f.atMost(n)),
                cellOf(f.atMostLarge(n)), gain.isKnown() ? cellOf(gain) : LabCell("not attempted")},
               {f.atMost(n)});
  }
  bounds
      .note(
          "Multiples of the ceiling of commands sent one at a time. The main thread is one of "
          "the threads and does its share. Nothing is taken off for handing connections over "
          "and for waiting until the slowest thread is done, so the real gain is smaller.")
      .add();
}

void plotSplit(const Figures& f) {
  const auto place = [&](const Cell& cell) {
    return static_cast<double>(std::max(1U, cell[f.of].batch));
  };
  const Cells cells = f.grid.where([&](const Cell& cell) {
    const Case& one = cell[f.of];
    return !one.isLarge && !one.isUnix && one.threads == 1;
  });
  f.s.plot("split", "Main-thread time per command by batch")
      .describe("As fast as replies allow. Bars: 95% confidence.")
      .x("commands in a batch", AxisKind::logCount)
      .y("time per command", AxisKind::latency)
      .line("kernel", f.kernel, cells, place)
      .line("Redis", f.redis, cells, place)
      .line("of that, executing", f.execution, cells, place)
      .add();
}

/// The bounds as curves, over the number of threads.
void plotBounds(const Figures& f) {
  constexpr unsigned kMost = 8;
  const std::vector<const Reading*> runs = f.s.validRuns(f.alone);
  const Measured ratio = f.main.ratio(f.many, f.alone);
  LabSeries kernel{.title = "only the kernel's part shared", .points = {}, .dashed = true};
  LabSeries all{.title = "all that batches save shared", .points = {}, .dashed = true};
  for (unsigned n = 1; n <= kMost && ratio.isKnown(); ++n) {
    const auto low = figuresOf(runs, lowerBound(n));
    if (low.empty()) continue;
    kernel.points.push_back({static_cast<double>(n), meanOf(low)});
    all.points.push_back({static_cast<double>(n), amdahl(ratio.value(), n)});
  }
  Plot plot = f.s.plot("bounds", "How far I/O threads could raise the ceiling");
  plot.describe(
          "Commands sent one at a time, by the split of the main thread's CPU. Points: "
          "measured. The line across: what batches give with one thread.")
      .x("io-threads", AxisKind::linear)
      .y("times the ceiling with one thread", AxisKind::linear)
      .main();
  if (kernel.points.empty()) return;
  plot.series(std::move(kernel)).series(std::move(all));
  const Measured batches = f.batches();
  if (batches.isKnown())
    plot.series({.title = fmt::format("batches of {}, one thread", f.batch),
                 .points = {{1, batches.value()}, {kMost, batches.value()}}});
  LabSeries measured{.title = "measured", .points = {}, .line = false};
  for (const unsigned n : f.threads)
    if (const Measured gain = f.rate.ratio(f.alone, f.at(threadsLabel(n, 0))); gain.isKnown())
      measured.points.push_back(pointOf(n, gain.estimate));
  if (!measured.points.empty()) plot.series(std::move(measured));
  plot.add();
}

void claimShare(const Figures& f) {
  f.s.claim("network-share", expectMostOf(f.share[f.alone]))
      .from("used_cpu_{sys,user}_main_thread of INFO, commands sent one at a time")
      .headline()
      .text("A GET of {} sent alone costs the main thread {}, of which the kernel has {}",
            sizeOf(f.s.parameters(), false), f.main[f.alone], f.share[f.alone]);
  f.s.figure("kernel's share of a GET sent alone", f.share[f.alone]);
  // The same by another way: what batches save cannot have been the command.
  const Measured less = f.main.ratio(f.many, f.alone);
  const Measured saved = savedShare(less);
  f.s.claim("amortised-share", expectMostOf(saved))
      .from("the main thread's CPU per command, in large batches and alone")
      .text(
          "Batches of {} save {} of it. That part is paid for each round trip, whatever the "
          "command is",
          f.most, saved);
  f.s.figure("share of a GET that batches save", saved);
  const Measured tcp = savedShare(f.main.ratio(f.unixSocket, f.alone));
  f.s.claim("tcp-share", expectAbove(f.main.ratio(f.unixSocket, f.alone)))
      .from("the main thread's CPU per command, over TCP and over a Unix socket")
      .text(
          "A Unix socket saves {}: that is TCP on loopback. The rest of the kernel's part are "
          "system calls, which any network has",
          tcp);
  f.s.claim("large-values", expectAbove(f.share.ratio(f.alone, f.large)))
      .from("used_cpu_{sys,user}_main_thread of INFO")
      .text("With values of {} the kernel has {} of the time, with {} {}",
            sizeOf(f.s.parameters(), true), f.share[f.large], sizeOf(f.s.parameters(), false),
            f.share[f.alone]);
}

/// What a run with that many threads gave, beside what the split allows.
void claimGain(const Figures& f, unsigned n) {
  const Cell cell = f.at(threadsLabel(n, 0));
  const Measured gain = f.rate.ratio(f.alone, cell);
  const Measured most = f.atMost(n);
  if (!gain.isKnown() || !most.isKnown()) return;
  const bool isBeyond = expectMore(gain, most) == Standing::expected;
  f.s.claim(fmt::format("gain-{}", n), isBeyond ? Standing::contradicts : expectAbove(gain))
      .from("achieved rates with I/O threads and without, in turn")
      .headline()
      .text(
          "{} I/O threads multiply the ceiling by {}, and the split allowed at most {}. The main "
          "thread is {} busy then",
          n, gain, most, f.busy[cell]);
  f.s.figure(fmt::format("ceiling with {} I/O threads ÷ one", n), gain);
  const Measured batched = f.rate.ratio(f.batched, f.at(threadsLabel(n, f.batch)));
  f.s.claim(fmt::format("gain-batched-{}", n), expectAbove(batched))
      .from("achieved rates with I/O threads and without, in turn")
      .text("In batches of {} they multiply it by {}", f.batch, batched);
}

void claimBounds(const Figures& f) {
  const unsigned n = f.threads.back();
  const Measured least = f.atLeast(n)[f.alone], most = f.atMost(n);
  f.s.claim("bound", Standing::plain)
      .from("the split of the main thread's CPU; no I/O thread ran for this")
      .headline(!f.wasRun(n))
      .text(
          "{} I/O threads can multiply the ceiling by at most {}. If they take only the kernel's "
          "part off the main thread, it is {}",
          n, most, least);
  f.s.figure(fmt::format("bound of {} I/O threads", n), most);
  const Measured batches = f.batches();
  f.s.claim("batches-against-threads", expectMore(batches, most))
      .from("main-thread CPU per command of one thread, and the bound")
      .text("Batches of {} multiply it by {} with one thread, and {} threads could by at most {}",
            f.batch, batches, n, most);
}

void claimNotAttempted(const Figures& f) {
  std::vector<unsigned> missing;
  for (const unsigned n : f.threads)
    if (!f.wasRun(n)) missing.push_back(n);
  if (missing.empty() || !f.rate.has(f.alone)) return;
  f.s.claim("not-attempted", Standing::plain)
      .from("the CPUs that the lab has")
      .restsOn({f.rate[f.alone]})
      .text(
          "No run had {} I/O threads: they need {} CPUs, one of them for the generator. So this "
          "does not show what handing connections over costs, nor how long the main thread "
          "waits for the slowest thread. Give the lab more with -server-cpus and -cpus",
          missing.front(), missing.front() + 1);
}

void conclude(const Figures& f) {
  const unsigned n = f.threads.back();
  const Measured share = f.share[f.alone], most = f.atMost(n);
  const Measured batches = f.batches();
  const Measured gain = f.rate.ratio(f.alone, f.at(threadsLabel(n, 0)));
  if (gain.isKnown())
    f.s.answer({share, gain},
               fmt::format("The kernel takes {} of a shard's CPU when commands come one at a time: "
                           "{} I/O threads multiply its ceiling by {}",
                           rounded(share), n, rounded(gain)));
  else
    f.s.answer({share, most},
               fmt::format("The kernel takes {} of a shard's CPU when commands come one at a time: "
                           "{} I/O threads could multiply its ceiling by {} at most",
                           rounded(share), n, rounded(most)));
  const Measured& threads = gain.isKnown() ? gain : most;
  if (batches.isKnown() && threads.isKnown()) {
    const bool isBatching = batches.value() > threads.value();
    f.s.decide(
        {batches, threads},
        {.risk = "a shard at its ceiling",
         .measured = fmt::format("{} of its CPU is the kernel's", rounded(share)),
         .action = isBatching ? fmt::format("Send batches of {} before adding I/O threads", f.batch)
                              : fmt::format("Set io-threads {}", n),
         .price = isBatching ? std::string("clients that pipeline, and more commands lost "
                                           "with a connection")
                             : fmt::format("{} more cores for one shard", n - 1),
         .gain = std::max(batches.value(), threads.value()),
         .runs = {}});
    f.s.recommend("{}: batches of {} multiply the ceiling by {}, {} I/O threads by {}{}",
                  isBatching ? "Pipeline first" : "Take I/O threads first", f.batch, batches, n,
                  gain.isKnown() ? "" : "at most ", threads);
    f.s.cost("{} I/O threads use up to {} more cores, which spin while there is work", n, n - 1);
  }
  f.s.alternative({share},
                  "Loopback: packets of one machine pass through the same core's kernel, and "
                  "system time has both directions of TCP in it; with a network card part of that "
                  "is interrupts on other cores");
  if (f.busy.has(f.alone) && f.busy[f.alone].value() < kSaturated)
    f.s.alternative({f.busy[f.alone]},
                    fmt::format("A generator that is too slow: the main thread was only {} busy",
                                rounded(f.busy[f.alone])));
}

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const auto of = casesOf(p);
  const Grid grid =
      s.grid("closed", {of}, [&](const Cell& cell, unsigned) { return runOf(s, cell[of]); });
  const Split assumed{p.seconds("assumed-kernel") * 1e6, p.seconds("assumed-redis") * 1e6,
                      p.seconds("assumed-execution") * 1e6};
  const std::string model =
      fmt::format("{} in the kernel, {} in Redis, {} of it left in large batches, assumed",
                  p.text("assumed-kernel"), p.text("assumed-redis"), p.text("assumed-execution"));
  const Figures f{s, of, grid};
  const unsigned n = f.threads.back();
  const Prediction share = s.predict("kernel's share of a GET sent alone", model, "share",
                                     assumed.kernel / assumed.total());
  const Prediction bound = s.predict(
      fmt::format("most that {} I/O threads can give", n),
      "all but what is left in large batches shared evenly; " + model, "x", assumed.allShared(n));
  const double batch = static_cast<double>(f.most);
  const Prediction saved =
      s.predict(fmt::format("share of it that batches of {} save", f.most),
                "the kernel's part paid once a batch, Redis's own once a command; " + model,
                "share", assumed.kernel * (1 - 1 / batch) / assumed.total());

  tabulate(f);
  plotBounds(f);
  plotSplit(f);
  claimShare(f);
  claimBounds(f);
  for (const unsigned threads : f.threads) claimGain(f, threads);
  claimNotAttempted(f);
  conclude(f);
  share.measured(f.share[f.alone]);
  bound.measured(f.atMost(n));
  saved.measured(savedShare(f.main.ratio(f.many, f.alone)));
  s.method(
      "The bound is Amdahl's law: what a command still costs in the largest batches stays with the "
      "main thread, and the threads share the rest evenly");
  s.method(intervalNote(f.main[f.alone].estimate));
}

Status check(const Parameters& p) {
  const auto batches = numbersOf(p, "batches");
  const auto has = [&](std::uint64_t batch) {
    return std::ranges::find(batches, batch) != batches.end();
  };
  if (!has(0)) return p.refuse("batches", "commands sent one at a time, 0, are what bounds are of");
  if (!has(p.count("batch"))) return p.refuse("batches", "`batch` is not one of them");
  if (batches.back() < 2) return p.refuse("batches", "one batch at least has several commands");
  for (const unsigned threads : numbersOf(p, "io-threads"))
    if (threads < 2) return p.refuse("io-threads", "one thread is what the others run beside");
  return {};
}

}  // namespace
}  // namespace redline::lab::io_threads

namespace redline {

Experiment ioThreadsExperiment() {
  using enum ParameterKind;
  return {
      .name = "io-threads",
      .title = "How much of a shard's ceiling is network",
      .question =
          "Redis executes commands on one thread, and io-threads shares out the reading and "
          "writing "
          "of sockets. How much of the main thread's time is that, by system time, by what batches "
          "save, and by a Unix socket? How far could two or four threads raise the ceiling, and "
          "how far do they?",
      .parameters =
          {{.name = "keys", .kind = count, .help = "keys with small values"},
           {.name = "large-keys", .kind = count, .help = "keys with large values"},
           {.name = "small-value", .kind = size, .help = "bytes of a small value"},
           {.name = "large-value", .kind = size, .help = "bytes of a large value"},
           {.name = "conns", .kind = count, .help = "connections"},
           {.name = "batches",
            .kind = count,
            .list = true,
            .help = "commands in a batch; 0: one at a time"},
           {.name = "batch", .kind = count, .help = "the one that threads are compared with"},
           {.name = "io-threads",
            .kind = count,
            .list = true,
            .help = "threads, the main thread among them; skipped on fewer CPUs than one more"},
           {.name = "assumed-kernel",
            .kind = duration,
            .help = "system time of a command sent alone, for the prediction"},
           {.name = "assumed-redis",
            .kind = duration,
            .help = "user time of a command, for the prediction"},
           {.name = "assumed-execution",
            .kind = duration,
            .help = "of it, what is left in large batches, for the prediction"},
           {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
           {.name = "duration", .kind = duration, .help = "measured time of each run"}},
      .check = lab::io_threads::check,
      .declare = lab::io_threads::declare,
  };
}

}  // namespace redline
