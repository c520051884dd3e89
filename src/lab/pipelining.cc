#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/format.h"
#include "lab/study.h"
#include "model/curve.h"

namespace redline::lab::pipelining {
namespace {

constexpr double kPlateauTolerance = 0.05;
constexpr double kClimbFactor = 1.5;
constexpr double kSameWithin = 0.05;  ///< a ratio this near to 1 is not a difference
constexpr double kSaturated = 0.9;    ///< busy share of a main thread that is the limit

/// One way to send operations. A batch of 0 is one at a time.
struct Mode {
  unsigned batch = 0;
  bool isTransaction = false;
};

std::string labelOf(unsigned batch) {
  return fmt::format("b{}", batch);
}

std::string titleOf(unsigned batch) {
  return batch == 0 ? "one at a time (0)" : fmt::format("batch {}", batch);
}

Level levelOf(const Mode& mode) {
  if (mode.isTransaction)
    return {fmt::format("tx{}", mode.batch), fmt::format("MULTI of {}", mode.batch),
            static_cast<double>(mode.batch)};
  return {labelOf(mode.batch), titleOf(mode.batch), static_cast<double>(mode.batch)};
}

std::vector<unsigned> sizesOf(const Parameters& p, std::string_view list) {
  std::vector<unsigned> sizes;
  for (const double size : p.numbers(list)) sizes.push_back(static_cast<unsigned>(size));
  return sizes;
}

Factor<Mode> modesOf(const Parameters& p) {
  std::vector<Mode> modes;
  for (const unsigned batch : sizesOf(p, "batches")) modes.push_back({batch, false});
  for (const unsigned batch : sizesOf(p, "tx-batches")) modes.push_back({batch, true});
  return Study::factor<Mode>("mode", modes, levelOf);
}

/// The plain batches of a list.
Factor<Mode> batchesOf(const Factor<Mode>& mode, const std::vector<unsigned>& sizes) {
  return mode.only([&](const Mode& each) {
    return !each.isTransaction && std::ranges::find(sizes, each.batch) != sizes.end();
  });
}

Flags dataSet(const Parameters& p) {
  return {"-keys=" + p.text("keys"), "-value-size=" + p.text("value-size"), "-ttl-frac=0"};
}

std::string plainStack(Study& s) {
  return s.stack({.name = "plain", .up = {"node"}, .load = dataSet(s.parameters())});
}

/// Each connection sends its next batch when the last is answered.
LabRun closedRun(const Parameters& p, std::string stack, const Flags& data, const Mode& mode) {
  Flags flags =
      joinFlags({data,
                 {"-rate=max", "-conns=" + p.text("conns"), "-rw-ratio=" + p.text("rw-ratio"),
                  "-warmup=" + p.text("warmup"), "-duration=" + p.text("duration"),
                  fmt::format("-pipeline={}", mode.batch)}});
  if (mode.isTransaction) flags.emplace_back("-tx");
  return {.stack = std::move(stack), .drives = {{.flags = std::move(flags)}}};
}

// The sweep: every way to send, as fast as replies allow.

/// Its throughput and latency by batch size.
struct Curve {
  const Factor<Mode>& mode;
  const Grid& sweep;
  Cells batches;  ///< ascending, without the transactions
  Quantity rate, p99;

  unsigned batch(const Cell& cell) const { return cell[mode].batch; }
  const Cell& alone() const { return batches.front(); }
  const Cell& largest() const { return batches.back(); }
  /// Where a rule finds a point on one of them.
  template <typename Rule>
  std::optional<Located> find(const Quantity& quantity, Rule rule) const {
    std::vector<double> sizes;  // one at a time is a batch of 1
    for (const Cell& cell : batches) sizes.push_back(std::max(1U, batch(cell)));
    return locate(sizes, quantity.repeats(batches), rule);
  }
};

void tabulateSweep(Study& s, const Curve& curve) {
  const Parameters& p = s.parameters();
  const Cells& all = curve.sweep.cells;
  s.table("Batch size, as fast as replies allow")
      .column("sent as", &Cell::title)
      .column("ops/s", curve.rate)
      .column("p50", s.quantity("us", latency("p50"), all))
      .column("p99", curve.p99)
      .column("main thread busy", s.mean("share", mainThreadBusy, all))
      .column("commands per read", s.mean("", commandsPerRead, all))
      .column("kernel µs per command", s.mean("", kernelUsPerCommand, all))
      .column("Redis µs per command", s.mean("", userUsPerCommand, all))
      .column("generator busy", s.mean("share", generatorBusy, all))
      .validRuns()
      .note(fmt::format("{} connections, {} of reads. Main-thread CPU is split into the kernel's "
                        "part (reading and writing sockets) and Redis's own.",
                        p.text("conns"), formatShare(p.number("rw-ratio"))))
      .rows(all);
  s.figures("throughput, {}", curve.rate, all);
}

void plotSweep(Study& s, const Curve& curve) {
  const Cells multi =
      curve.sweep.where([&](const Cell& cell) { return cell[curve.mode].isTransaction; });
  const auto name = [&](const Cell& cell) {
    return fmt::format("{}{}", cell[curve.mode].isTransaction ? "MULTI " : "", curve.batch(cell));
  };
  const Quantity kernel = s.mean("", kernelUsPerCommand, curve.batches);
  const Quantity redis = s.mean("", userUsPerCommand, curve.batches);
  LabSeries inRedis{.title = "Redis", .points = {}, .bars = true};
  LabSeries inKernel{.title = "kernel", .points = {}, .bars = true};
  for (std::size_t i = 0; i < curve.batches.size(); ++i) {
    const double x = static_cast<double>(i), own = redis[curve.batches[i]].value();
    inRedis.points.push_back({x, own});
    inKernel.points.push_back({.x = x, .y = own + kernel[curve.batches[i]].value(), .low = own});
  }
  std::vector<Level> batches;
  for (const Cell& cell : curve.batches) {
    const std::string size = std::to_string(curve.batch(cell));
    batches.push_back({.label = size, .title = size});
  }
  s.plot("cpu", "Main-thread time of a command by batch size")
      .describe(
          "Above: what the kernel takes to read and write sockets. Below: Redis itself. The axis "
          "is "
          "not to scale.")
      .x("operations in a batch", batches)
      .y("µs per command", AxisKind::linear)
      .series(std::move(inRedis))
      .series(std::move(inKernel))
      .add();
  s.plot("batch-rate", "Throughput by batch size")
      .describe(
          "Closed model: each connection sends its next batch when the last is answered. "
          "Bars: 95% confidence. The axis is not to scale.")
      .x("operations in a batch", AxisKind::names)
      .y("operations/s", AxisKind::count)
      .line("pipelined", curve.rate, curve.batches, name)
      .points("MULTI … EXEC", curve.rate, multi, name)
      .add();
  s.plot("batch-p99", "p99 by batch size")
      .describe(
          "Response time of single operations; one that is sent in a batch waits for those "
          "before it. The axis is not to scale.")
      .x("operations in a batch", AxisKind::names)
      .y("p99", AxisKind::latency)
      .line("pipelined", curve.p99, curve.batches, name)
      .points("MULTI … EXEC", curve.p99, multi, name)
      .add();
}

void claimGain(Study& s, const Curve& curve) {
  const Cell& best = *std::ranges::max_element(
      curve.batches, {}, [&](const Cell& c) { return curve.rate[c].value(); });
  const Measured gain = curve.rate.ratio(curve.alone(), best);
  s.answer({gain, curve.rate[best]},
           fmt::format("Batches of {} multiply one shard's throughput by {}, to {}",
                       curve.batch(best), rounded(gain), rounded(curve.rate[best])));
  s.claim("throughput-gain", expectAbove(gain))
      .from("achieved rates in the closed model")
      .text(
          "Batches of {} multiply one shard's throughput by {}. One at a time it is {}, and then "
          "{}",
          curve.batch(best), gain, curve.rate[curve.alone()], curve.rate[best]);
}

/// Where the main thread's time goes, and which part of it batches save.
void claimSystemCalls(Study& s, const Curve& curve) {
  const Cell& one = curve.alone();
  const Cell& many = curve.largest();
  const Cells both{one, many};
  const Quantity kernel = s.mean("", kernelUsPerCommand, both);
  const Quantity redis = s.mean("", userUsPerCommand, both);
  const Quantity whole = s.mean("", mainThreadUsPerCommand, both);
  const Quantity perRead = s.mean("", commandsPerRead, {many});
  const Quantity execution = s.mean("", executionUsPerCommand, both);
  const double ofKernel = kernel[one].value() - kernel[many].value();
  const double saved = whole[one].value() - whole[many].value();
  s.claim("system-calls", ofKernel > saved / 2 ? Standing::expected : Standing::contradicts)
      .from("used_cpu_{sys,user}_main_thread, total_reads_processed and commandstats of INFO")
      .headline()
      .text(
          "Batching {} commands cuts main-thread time per command from {} to {} µs. System calls "
          "are {:.0f}% of the saving: one read then brings {} commands. The kernel's part falls "
          "from {} to {} µs. Redis's own part changes from {} to {} µs. Executing the command "
          "takes {} µs of that and is not made faster",
          curve.batch(many), whole[one], whole[many], 100 * ofKernel / saved, perRead[many],
          kernel[one], kernel[many], redis[one], redis[many], execution[many]);
}

void claimPlateau(Study& s, const Curve& curve) {
  const Cell& largest = curve.largest();
  const auto found = curve.find(
      curve.rate, [](std::span<const double> y) { return findPlateau(y, kPlateauTolerance); });
  if (!found) {
    s.claim("plateau", Standing::plain)
        .from("the plateau rule")
        .text("Throughput has no plateau up to batch {}: the last step still multiplies it by {}",
              curve.batch(largest),
              curve.rate.ratio(curve.batches[curve.batches.size() - 2], largest));
    s.recommend(
        "Throughput still rises at batch {}: measure larger batches before calling one "
        "the best",
        curve.batch(largest));
    return;
  }
  const Cell& at = curve.batches[found->index];
  s.claim("plateau", found->stable() ? Standing::plain : Standing::inconclusive)
      .from("the plateau rule")
      .restsOn({curve.rate[at]})
      .text(
          "Throughput is flat from batch {} on: no larger batch adds more than {:.0f}%. {} of {} "
          "repeats agree to within one step of the sweep",
          curve.batch(at), 100 * kPlateauTolerance, found->agreeing, found->repeats);
  s.recommend("Batch up to {} operations and no more: larger batches add waiting and no throughput",
              curve.batch(at));
  const Measured gain = curve.rate.ratio(curve.alone(), at);
  const Measured wait = curve.p99.ratio(curve.alone(), at);
  s.decide({gain, wait}, {.risk = "a command for each round trip",
                          .measured = fmt::format("{} one at a time, {} in batches of {}",
                                                  rounded(curve.rate[curve.alone()]),
                                                  rounded(curve.rate[at]), curve.batch(at)),
                          .action = fmt::format("Batch up to {} operations", curve.batch(at)),
                          .price = priceOf(wait, "p99 at full load"),
                          .gain = gain.value(),
                          .runs = {}});
}

void claimClimb(Study& s, const Curve& curve) {
  const Cell& one = curve.alone();
  const Cell& largest = curve.largest();
  const Quantity& p99 = curve.p99;
  const auto found =
      curve.find(p99, [](std::span<const double> y) { return findClimb(y, kClimbFactor); });
  if (!found) {
    s.claim("p99-climb", Standing::contradicts)
        .from("the climb rule")
        .text("p99 does not climb up to batch {}: it is {} there and {} one at a time",
              curve.batch(largest), p99[largest], p99[one]);
    return;
  }
  const Cell& at = curve.batches[found->index];
  const Measured price = p99.ratio(one, largest);
  s.claim("p99-climb", found->stable() ? Standing::expected : Standing::inconclusive)
      .from("the climb rule")
      .text(
          "p99 climbs from batch {} on: it is {} there and {} one at a time. Batch {} multiplies "
          "it by {}. An operation waits for the others of its batch and for the batches of other "
          "connections before it",
          curve.batch(at), p99[at], p99[one], curve.batch(largest), price);
  if (expectAbove(price) == Standing::expected)
    s.cost("Batches cost latency: batch {} multiplies p99 by {}", curve.batch(largest), price);
}

/// Batches of 0 and of 1 are the same on the wire.
void claimControl(Study& s, const Curve& curve) {
  const Measured ratio = curve.rate.ratio(curve.sweep.at(curve.mode, labelOf(0)),
                                          curve.sweep.at(curve.mode, labelOf(1)));
  const Difference difference = judgeRatio(ratio.estimate, kSameWithin);
  s.claim("control", difference == Difference::differs ? Standing::problem : Standing::plain)
      .from("achieved rates of the two")
      .text(
          "Control: batches of 0 and of 1 are the same on the wire, and the ratio of their rates "
          "is {} ({}). Differences of that size mean nothing here",
          ratio, differenceName(difference));
}

void claimTransactions(Study& s, const Curve& curve) {
  for (const Cell& multi : curve.sweep.cells) {
    if (!multi[curve.mode].isTransaction) continue;
    const unsigned batch = curve.batch(multi);
    const Cell plain = curve.sweep.at(curve.mode, labelOf(batch));
    const Measured ratio = curve.rate.ratio(plain, multi);
    s.claim(fmt::format("multi-{}", batch), expectBelow(ratio))
        .from("achieved rates and response times")
        .text(
            "MULTI multiplies the throughput of a batch of {} by {}. With it p99 is {}, without it "
            "{}. Redis queues each command and runs them all at EXEC, and a transaction is "
            "two commands longer",
            batch, ratio, curve.p99[multi], curve.p99[plain]);
    if (expectBelow(ratio) == Standing::expected)
      s.cost("Making batches of {} atomic multiplies throughput by {}", batch, ratio);
  }
}

/// Without every batch there is no curve, and half a curve would have its knee elsewhere.
bool isComplete(Study& s, const Curve& curve) {
  for (const Cell& cell : curve.batches) {
    if (curve.rate.has(cell) && curve.p99.has(cell)) continue;
    s.claim("curve-incomplete", Standing::problem)
        .from("the runs that failed")
        .text("{} was not measured, so the curve is not judged", cell.title());
    return false;
  }
  return true;
}

void sweepBatches(Study& s, const Factor<Mode>& mode, const Grid& sweep) {
  const Curve curve{
      .mode = mode,
      .sweep = sweep,
      .batches =
          ascending(sweep.where([&](const Cell& cell) { return !cell[mode].isTransaction; }), mode),
      .rate = s.quantity("ops/s", rateOf, sweep.cells),
      .p99 = s.quantity("us", latency("p99"), sweep.cells)};
  tabulateSweep(s, curve);
  plotSweep(s, curve);
  if (!isComplete(s, curve)) return;
  claimGain(s, curve);
  claimSystemCalls(s, curve);
  claimPlateau(s, curve);
  claimClimb(s, curve);
  claimControl(s, curve);
  claimTransactions(s, curve);
  s.method(intervalNote(curve.rate[curve.alone()].estimate));
}

/// All operations on one key, beside the same batches on all keys.
void hotKey(Study& s, const Factor<Mode>& mode, const Grid& sweep) {
  const Parameters& p = s.parameters();
  Flags oneKey = dataSet(p);
  oneKey.front() = "-keys=1";
  const auto batch = batchesOf(mode, sizesOf(p, "hot-batches"));
  const Grid hot = s.grid("hot", {batch}, [&](const Cell& cell, unsigned) {
    return closedRun(p, plainStack(s), oneKey, cell[batch]);
  });
  const auto allKeys = [&](const Cell& cell) { return sweep.at(mode, cell.level(batch).label); };
  Cells all = hot.cells;
  std::ranges::transform(hot.cells, std::back_inserter(all), allKeys);
  const Quantity rate = s.quantity("ops/s", rateOf, all);
  const Quantity busy = s.mean("share", mainThreadBusy, hot.cells);
  s.table("One hot key")
      .column("sent as", &Cell::title)
      .column("all operations on one key", rate)
      .column("spread over all keys", [&](const Cell& c) { return format(rate[allKeys(c)]); })
      .ratio("one key ÷ all", rate, allKeys)
      .column("main thread busy (one key)", busy)
      .note(
          "Operations/s. The main thread is the limit of either: a key has one shard, and a "
          "shard one thread.")
      .rows(hot.cells);
  const Cell largest = ascending(hot.cells, batch).back();
  const Measured gain = rate.ratio(allKeys(largest), largest);
  s.claim("hot-key",
          busy[largest].value() > kSaturated ? Standing::expected : Standing::inconclusive)
      .from("achieved rates with -keys=1 and with all keys")
      .restsOn({rate[allKeys(largest)]})
      .text(
          "Pipelining does not take a hot key's load off its thread: in {} one key keeps the main "
          "thread {} busy. It reaches {}, {} the rate of all keys together. Batches save system "
          "calls for both, but the key stays on one thread, and another shard would carry none of "
          "it{}",
          largest.title(), busy[largest], rate[largest], gain,
          gain.estimate.low > 1 ? ". One key is faster because it stays in the CPU's cache" : "");
}

/// The same batches with large values, which no batch makes smaller.
void largeValues(Study& s, const Factor<Mode>& mode, const Grid& sweep) {
  const Parameters& p = s.parameters();
  const Flags data{"-keys=" + p.text("large-keys"), "-value-size=" + p.text("large-value"),
                   "-ttl-frac=0"};
  const std::string stack = s.stack({.name = "large", .up = {"node"}, .load = data});
  const auto batch = batchesOf(mode, sizesOf(p, "large-batches"));
  const Grid fat = s.grid("large", {batch}, [&](const Cell& cell, unsigned) {
    return closedRun(p, stack, data, cell[batch]);
  });
  const auto slim = [&](const Cell& cell) { return sweep.at(mode, cell.level(batch).label); };
  Cells all = fat.cells;
  std::ranges::transform(fat.cells, std::back_inserter(all), slim);
  const Quantity rate = s.quantity("ops/s", rateOf, all);
  const Quantity p99 = s.quantity("us", latency("p99"), all);
  const std::string small = formatSize(p.size("value-size"));
  const std::string large = formatSize(p.size("large-value"));
  s.table(fmt::format("Batches of {} and of {}", small, large))
      .column("sent as", &Cell::title)
      .column("ops/s, " + small, [&](const Cell& cell) { return format(rate[slim(cell)]); })
      .column("ops/s, " + large, rate)
      .ratio("large ÷ small", rate, slim)
      .column("p99, " + small, [&](const Cell& cell) { return format(p99[slim(cell)]); })
      .column("p99, " + large, p99)
      .column("kernel µs per command, " + large, s.mean("", kernelUsPerCommand, fat.cells))
      .column("generator busy, " + large, s.mean("share", generatorBusy, fat.cells))
      .validRuns("valid runs, " + large)
      .note("The same sweep, as fast as replies allow.")
      .rows(fat.cells);
  const Cells bySize = ascending(fat.cells, batch);
  const Cell& few = bySize.front();
  const Cell& many = bySize.back();
  if (few == many) return;
  const Measured ofSmall = rate.ratio(slim(few), slim(many));
  const Measured ofLarge = rate.ratio(few, many);
  s.claim("large-values", ofLarge.estimate.high < ofSmall.estimate.low   ? Standing::expected
                          : ofLarge.estimate.low > ofSmall.estimate.high ? Standing::contradicts
                                                                         : Standing::inconclusive)
      .from("achieved rates in the closed model")
      .text(
          "Batches of {} multiply throughput by {} with values of {} and by {} with values of "
          "{}: a batch saves system calls, and not the copying of bytes",
          many[batch].batch, ofSmall, small, ofLarge, large);
}

// The open model: operations are due at a rate that the server keeps up with.

/// How a batch is closed there.
struct Closing {
  unsigned batch = 0;
  bool isFilled = false;  ///< operations wait until it is full, `open-wait` at the longest
};

Level levelOf(const Closing& closing) {
  const unsigned batch = closing.batch;
  std::string title = batch <= 1 ? titleOf(batch)
                      : closing.isFilled
                          ? fmt::format("batch {}, sent when full", batch)
                          : fmt::format("up to {} that are due, sent immediately", batch);
  return {labelOf(batch) + (closing.isFilled ? "-filled" : "-due"), std::move(title),
          static_cast<double>(batch)};
}

/// One at a time, then every batch both ways.
Factor<Closing> closingsOf(const Parameters& p) {
  std::vector<Closing> closings{{0, false}};
  for (const bool isFilled : {false, true})
    for (const unsigned batch : sizesOf(p, "open-batches")) closings.push_back({batch, isFilled});
  return Study::factor<Closing>("mode", closings, [](const Closing& c) { return levelOf(c); });
}

/// At a share of what the sweep reached one at a time.
LabRun openRun(Study& s, const Closing& closing, const Cell& alone) {
  const Parameters& p = s.parameters();
  Flags flags = joinFlags(
      {dataSet(p),
       {"-arrivals=poisson", "-conns=" + p.text("conns"), "-rw-ratio=" + p.text("rw-ratio"),
        "-warmup=" + p.text("warmup"), "-duration=" + p.text("open-duration"), "-interval=100ms",
        fmt::format("-pipeline={}", closing.batch)}});
  if (closing.isFilled) flags.push_back("-batch-wait=" + p.text("open-wait"));
  const auto atShare = [share = p.number("open-share"), alone,
                        flags](const Readings& soFar) -> std::optional<Flags> {
    const auto ceiling = meanSoFar(soFar, alone, rateOf);
    if (!ceiling) return std::nullopt;
    return joinFlags({flags, {fmt::format("-rate={:.0f}", share * *ceiling)}});
  };
  return {.stack = plainStack(s),
          .drives = {{.flags = flags, .decide = atShare}},
          .expectedS = p.seconds("warmup") + p.seconds("open-duration") + 0.4};
}

void claimWaiting(Study& s, const Cell& alone, const Cell& due, const Cell& filled, unsigned batch,
                  const Quantity& rate, const Quantity& p99) {
  const Measured waiting = p99.ratio(due, filled);
  const Standing standing = expectAbove(waiting);
  const std::string_view free =
      p99.ratio(alone, due).estimate.low <= 1
          ? "waiting for a batch to fill costs latency, and sending what is due costs none"
          : "waiting for a batch to fill costs latency";
  s.claim("waiting-for-batches", standing)
      .from("response times with Poisson arrivals at one rate")
      .headline()
      .text(
          "Below the ceiling p99 is {} one at a time, and {} when up to {} operations that are "
          "due share a batch. It is {} when each batch waits until it is full, which takes {}: {}",
          p99[alone], p99[due], batch, p99[filled],
          formatQuantity(batch / rate[filled].value() * 1e6, "us"),
          standing == Standing::expected      ? free
          : standing == Standing::contradicts ? "full batches save the server more than waiting "
                                                "for them costs"
                                              : "these runs do not decide what waiting costs");
  if (standing == Standing::expected)
    s.recommend(
        "Below the ceiling send what is due and do not wait for a batch to fill: at {} "
        "waiting multiplies p99 by {}",
        rate[alone], waiting);
}

void openModel(Study& s, const Cell& sweptAlone) {
  const Parameters& p = s.parameters();
  const auto closing = closingsOf(p);
  const Grid open = s.grid("open", {closing}, [&](const Cell& cell, unsigned) {
    return openRun(s, cell[closing], sweptAlone);
  });
  const Cell alone = open.at(closing, "b0-due");
  const Quantity rate = s.quantity("ops/s", rateOf, open.cells);
  const Quantity p99 = s.quantity("us", latency("p99"), open.cells);
  s.table(fmt::format("At one rate, {} of what one at a time can do",
                      formatShare(p.number("open-share"))))
      .column("sent as", &Cell::title)
      .column("ops/s", rate)
      .column("p50", s.quantity("us", latency("p50"), open.cells))
      .column("p99", p99)
      .ratio("p99 ÷ one at a time", p99, [&](const Cell&) { return alone; })
      .column("mean batch", s.mean("", meanBatch, open.cells))
      .column("main thread busy", s.mean("share", mainThreadBusy, open.cells))
      .validRuns()
      .note(fmt::format("Poisson arrivals; response time from the moment that an operation was "
                        "due. A batch that is not full is sent after {}.",
                        p.text("open-wait")))
      .rows(open.cells, &p99);
  s.figures("p99 in the open model, {}", p99, open.cells);
  const auto sent = [&](bool isFilled) {
    return ascending(
        open.where([&](const Cell& cell) { return cell[closing].isFilled == isFilled; }), closing);
  };
  const Cells due = sent(false), filled = sent(true);
  const auto name = [&](const Cell& cell) { return std::to_string(cell[closing].batch); };
  s.plot("open-p99", "p99 at one rate, by batch size")
      .describe(
          "Open model below the ceiling: what a batch costs while the server keeps up. Bars: "
          "95% confidence. The axis is not to scale.")
      .x("operations in a batch, at most", AxisKind::names)
      .y("p99", AxisKind::latency)
      .line("send what is due", p99, due, name)
      .line("wait until full", p99, filled, name)
      .add();
  claimWaiting(s, alone, due.back(), filled.back(), filled.back()[closing].batch, rate, p99);
}

// Per-command connections beside one that sends batches.

/// Who sends beside them.
struct Neighbour {
  Level level;
  Flags flags;  ///< empty: no neighbour
};

Factor<Neighbour> neighboursOf(const Parameters& p) {
  const auto sizes = sizesOf(p, "neighbour-batches");
  std::vector<Neighbour> all{{{"none", "alone"}, {}}};
  for (const unsigned batch : sizes)
    all.push_back(
        {{fmt::format("batch-{}", batch),
          fmt::format("one connection, {}/s in batches of {}", p.text("neighbour-rate"), batch),
          static_cast<double>(batch)},
         {"-rate=" + p.text("neighbour-rate"), fmt::format("-pipeline={}", batch),
          "-batch-wait=50ms"}});
  const unsigned largest = std::ranges::max(sizes);
  all.push_back(
      {{"greedy", fmt::format("one connection, as fast as it can in batches of {}", largest)},
       {"-rate=max", fmt::format("-pipeline={}", largest)}});
  return Study::factor<Neighbour>("neighbour", all, [](const Neighbour& n) { return n.level; });
}

LabRun besideRun(Study& s, const Neighbour& neighbour) {
  const Parameters& p = s.parameters();
  const Flags window{
      "-warmup=" + p.text("warmup"), "-duration=" + p.text("beside-duration"), "-interval=100ms",
      "-rw-ratio=" + p.text("rw-ratio"),
      "-wait=block"};  // two generators on one core: one that spins holds up the other
  const Flags victims{"-rate=" + p.text("victim-rate"), "-arrivals=poisson",
                      "-conns=" + p.text("victims")};
  const bool isAlone = neighbour.flags.empty();
  LabRun run{.stack = plainStack(s),
             .drives = {{.name = isAlone ? "" : "victims",
                         .flags = joinFlags({dataSet(p), window, victims})}}};
  // Its own draws: with the same ones it would warm the keys that the others read next.
  if (!isAlone)
    run.drives.push_back(
        {.name = "neighbour",
         .flags = joinFlags({dataSet(p), window, neighbour.flags, {"-conns=1", "-run-seed=2"}})});
  return run;
}

void claimStarving(Study& s, const Quantity& p99, const Cell& small, const Cell& large,
                   const Factor<Neighbour>& neighbour) {
  const Measured harm = p99.ratio(small, large);
  const Standing standing = expectAbove(harm);
  s.claim("large-batches-starve", standing)
      .from("response times of the per-command connections")
      .headline()
      .text(
          "{}: at the same rate, batches of {:.0f} instead of {:.0f} on one connection multiply "
          "the other connections' p99 by {}, to {}. Redis executes everything that one "
          "read brought before it turns to the next connection",
          standing == Standing::expected      ? "Large batches starve their neighbours"
          : standing == Standing::contradicts ? "Large batches spare their neighbours"
                                              : "These runs do not decide whether large batches "
                                                "starve their neighbours",
          large.level(neighbour).number, small.level(neighbour).number, harm, p99[large]);
}

void besideBatches(Study& s) {
  const Parameters& p = s.parameters();
  const auto neighbour = neighboursOf(p);
  const Grid beside = s.grid("beside", {neighbour}, [&](const Cell& cell, unsigned) {
    return besideRun(s, cell[neighbour]);
  });
  const Cell alone = beside.at(neighbour, "none");
  const Cell greedy = beside.at(neighbour, "greedy");
  const Quantity p50 = s.quantity("us", latency("p50"), beside.cells);
  const Quantity p99 = s.quantity("us", latency("p99"), beside.cells);
  const Quantity rate =
      s.quantity("ops/s", [](const Reading& r) { return achievedRate(r, 1); }, beside.cells);
  s.table(
       fmt::format("{} per-command connections beside one that sends batches", p.text("victims")))
      .column("neighbour", &Cell::title)
      .column("neighbour's ops/s", rate)
      .column("p50 of the others", p50)
      .column("p99 of the others", p99)
      .ratio("p99 ÷ alone", p99, [&](const Cell&) { return alone; })
      .column("main thread busy", s.mean("share", mainThreadBusy, beside.cells))
      .note(fmt::format("The others send {}/s together, Poisson arrivals, one command at a time. "
                        "Both generators share a core, so compare the rows with each other: equal "
                        "rates in small and in large batches.",
                        p.text("victim-rate")))
      .rows(beside.cells);
  const Cells sized = ascending(
      beside.where([&](const Cell& cell) { return std::isfinite(cell.level(neighbour).number); }),
      neighbour);
  if (sized.size() > 1) claimStarving(s, p99, sized.front(), sized.back(), neighbour);
  s.claim("greedy-neighbour", Standing::plain)
      .from("response times and rates of the two drives")
      .text(
          "As fast as it can, that one connection takes {}. It leaves the others a p50 of {} and a "
          "p99 of {}. Alone they have {} and {}",
          rate[greedy], p50[greedy], p99[greedy], p50[alone], p99[alone]);
}

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const auto mode = modesOf(p);
  const Grid sweep = s.grid("sweep", {mode}, [&](const Cell& cell, unsigned) {
    return closedRun(p, plainStack(s), dataSet(p), cell[mode]);
  });
  sweepBatches(s, mode, sweep);
  hotKey(s, mode, sweep);
  largeValues(s, mode, sweep);
  openModel(s, sweep.at(mode, labelOf(0)));
  besideBatches(s);
  s.method(fmt::format(
      "Plateau: the first batch that no later one exceeds by more than {:.0f}%. Climb of p99: the "
      "first batch from which on p99 stays above {:.1f} times the lowest before it. Conditions "
      "were run in blocks, each with all of them in an order that a seed decides",
      100 * kPlateauTolerance, kClimbFactor));
}

Status check(const Parameters& p) {
  const auto batches = sizesOf(p, "batches");
  const auto isSwept = [&](unsigned batch) {
    return std::ranges::find(batches, batch) != batches.end();
  };
  if (batches.size() < 3) return p.refuse("batches", "a knee needs three points or more");
  if (!isSwept(0))
    return p.refuse("batches", "the open model's rate is a share of what one at a time (0) can do");
  if (!std::ranges::all_of(sizesOf(p, "hot-batches"), isSwept))
    return p.refuse("hot-batches",
                    "one hot key is compared with the same batch on all keys, and one of these is "
                    "not in batches");
  if (!std::ranges::all_of(sizesOf(p, "large-batches"), isSwept))
    return p.refuse("large-batches",
                    "large values are compared with the same batch of small ones, and one of these "
                    "is not in batches");
  if (p.number("open-share") <= 0 || p.number("open-share") >= 1)
    return p.refuse("open-share", "below the ceiling: more than 0, less than 1");
  return {};
}

}  // namespace
}  // namespace redline::lab::pipelining

namespace redline {

Experiment pipeliningExperiment() {
  using enum ParameterKind;
  return {
      .name = "pipelining",
      .title = "What batches and MULTI gain, and which connections they starve",
      .question =
          "The same reads and writes are sent one at a time, in batches, and as transactions. "
          "Where does throughput stop growing, where does p99 start to grow, and why? What do "
          "batches do for one hot key, and to connections that do not batch?",
      .parameters =
          {{.name = "keys", .kind = count, .help = "keys of the data set"},
           {.name = "value-size", .kind = size, .help = "bytes of a value"},
           {.name = "conns", .kind = count, .help = "connections of the sweep"},
           {.name = "rw-ratio", .kind = share, .help = "share of reads"},
           {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
           {.name = "duration", .kind = duration, .help = "measured time of a point"},
           {.name = "batches",
            .kind = count,
            .list = true,
            .help = "batch sizes; 0 and 1 are the noise control"},
           {.name = "tx-batches", .kind = count, .list = true, .help = "operations in a MULTI"},
           {.name = "large-value", .kind = size, .help = "bytes of a large value"},
           {.name = "large-keys", .kind = count, .help = "keys with large values"},
           {.name = "large-batches",
            .kind = count,
            .list = true,
            .help = "batch sizes with large values"},
           {.name = "open-share",
            .kind = share,
            .help = "rate of the open model, of what one at a time can do"},
           {.name = "open-batches",
            .kind = count,
            .list = true,
            .help = "batch sizes in the open model"},
           {.name = "open-wait",
            .kind = duration,
            .help = "longest that a batch waits until it is full"},
           {.name = "open-duration",
            .kind = duration,
            .help = "measured time of a point in the open model"},
           {.name = "hot-batches",
            .kind = count,
            .list = true,
            .help = "batch sizes on one hot key"},
           {.name = "victims",
            .kind = count,
            .help = "per-command connections beside one that sends batches"},
           {.name = "victim-rate", .kind = count, .help = "operations a second of all of them"},
           {.name = "neighbour-rate",
            .kind = count,
            .help = "operations a second of the one connection"},
           {.name = "neighbour-batches",
            .kind = count,
            .list = true,
            .help = "its batch sizes, one small and one large"},
           {.name = "beside-duration",
            .kind = duration,
            .help = "measured time of a point with two drives"}},
      .check = lab::pipelining::check,
      .declare = lab::pipelining::declare,
  };
}

}  // namespace redline
