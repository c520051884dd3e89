#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/units.h"
#include "lab/availability.h"
#include "lab/catalog.h"
#include "lab/disk.h"
#include "lab/format.h"
#include "lab/interval_series.h"
#include "lab/study.h"
#include "model/statistics.h"
#include "server/host.h"

namespace redline::lab::fsync {
namespace {

constexpr double kEverysecLimitUs = 2000;  ///< the brief's service level
/// An operation may meet a sync that is under way, and then waits for its own.
constexpr double kSyncsMet = 2;

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

std::string losesOf(std::string_view policy) {
  const auto found = std::ranges::find(kDurability, policy, &Durability::policy);
  return found == kDurability.end() ? "?" : std::string(found->loses);
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

/// One size of values: its data set and its servers.
struct DataSet {
  std::string name;  ///< before the names of its servers
  Flags flags;
};

std::string server(Study& s, const DataSet& data, const std::string& policy) {
  const std::string config =
      policy == "off" ? "appendonly no" : fmt::format("appendonly yes; appendfsync {}", policy);
  return s.stack({.name = data.name + policy,
                  .up = {"node", "-redis-config=" + config},
                  .load = data.flags,
                  .prepare = refuseMemory});
}

LabRun writes(Study& s, const DataSet& data, const std::string& policy, const Flags& load,
              const BesideAction& beside = {}) {
  const Flags window{"-rw-ratio=0", "-warmup=" + s.parameters().text("warmup")};
  return {.stack = server(s, data, policy),
          .before = noteDisk,
          .drives = {{.flags = joinFlags({data.flags, window, load})}},
          .beside = beside,
          .expectedS = 0.5};
}

/// Policies that a server with an append-only file switches between while it serves.
struct Switched {
  Factor<std::string> policy;
  Grid slots;  ///< a cell of each; its runs are slots
};

/// One run in which the policies take turns, so that each comparison is of neighbouring seconds.
Switched switchPolicies(Study& s, const DataSet& data, const Factor<std::string>& policies) {
  const Parameters& p = s.parameters();
  const auto policy = policies.only([](const std::string& text) { return text != "off"; });
  const Grid slots = gridOf("slots", {policy});
  SlotPlan plan{.slotS = p.seconds("slot"), .guardS = p.seconds("slot-guard")};
  for (const Cell& cell : slots.cells)
    plan.arms.push_back({.name = cell.level(policy).slug(),
                         .labels = cell.labels(),
                         .enter = [to = cell[policy]](Bench& bench) -> Status {
                           const auto admin = bench.admin();
                           if (!admin) return fail(admin.error());
                           return (*admin)->configSet("appendfsync", to);
                         }});
  // Two slots more: those of the beginning and the end are not whole.
  const auto blocks = static_cast<double>(p.count("slot-blocks"));
  const double windowS = plan.slotS * (blocks * static_cast<double>(plan.arms.size()) + 2);
  LabRun run = writes(s, data, "everysec",
                      {"-rate=" + p.text("rate"), "-arrivals=poisson", "-wait=realtime",
                       "-conns=" + p.text("conns"),
                       fmt::format("-duration={:.0f}ms", 1e3 * windowS), "-interval=50ms"});
  run.slots = std::move(plan);
  run.name = "switched";
  s.runOnce(Cell("switched", {}), std::move(run));
  return {policy, slots};
}

/// The same policies in slots of one run: pairs of neighbours.
void reportSwitched(Study& s, const Switched& switched) {
  const Parameters& p = s.parameters();
  const Cells& cells = switched.slots.cells;
  const auto& policy = switched.policy;
  const Quantity p50 = s.quantity("us", recorded(kFoundP50), cells);
  const Quantity p99 = s.quantity("us", recorded(kFoundP99), cells);
  const Quantity available = s.available("p99", cells);
  const Cell everysec = switched.slots.at(policy, "everysec");
  const Cell always = switched.slots.at(policy, "always");
  const auto toEverysec = [&](const Cell&) { return everysec; };
  s.table("Policies that take turns within one run")
      .column("appendfsync", [&](const Cell& cell) { return cell[policy]; })
      .column("slots", [&](const Cell& cell) { return std::to_string(s.runs(cell).size()); })
      .column("p50", p50)
      .column("p99, as found", p99)
      .ratio("÷ everysec", p99, toEverysec)
      .column("p99, core available", available)
      .ratio("that ÷ everysec", available, toEverysec)
      .note(fmt::format("CONFIG SET appendfsync, {} a slot, in blocks whose order chance decides; "
                        "the first {} after a switch are left out. Ratios are of slots of one "
                        "block.",
                        p.text("slot"), p.text("slot-guard")))
      .rows(cells, &p99);
  const Measured tax = p99.ratio(everysec, always), quiet = available.ratio(everysec, always);
  const Measured half = p50.ratio(everysec, always);
  s.claim("always-costs-switched", expectAbove(tax))
      .from("response times of neighbouring slots of one run")
      .headline()
      .text("Within one run `always` multiplies everysec's median write by {} and its p99 by {}{}",
            half, tax,
            quiet.isKnown()
                ? fmt::format(
                      ". In intervals in which both cores were available it multiplies p99 by {}",
                      quiet)
                : std::string());
  s.figure("write p99, always ÷ everysec, within one run", tax);
  s.figure("the same, core available", quiet);
}

/// What keeps the generator's core from it while `always` syncs: of all runs, the invalid ones too,
/// since such a run is invalid for that very reason.
void claimGeneratorsCore(Study& s, const Cell& everysec, const Cell& always) {
  const auto mean = [&](const Cell& cell, const Measurement& of) {
    const auto values = figuresOf(s.runs(cell), of);
    return values.empty() ? kNaN : meanOf(values);
  };
  const auto pausedShare = [](const Reading& run) {
    return run.summary() == nullptr ? kNaN : run.summary()->generator.hiddenSteal;
  };
  const double gone = mean(always, recorded(kGeneratorGapShare));
  const double goneBeside = mean(everysec, recorded(kGeneratorGapShare));
  const double paused = mean(always, pausedShare), pausedBeside = mean(everysec, pausedShare);
  if (!std::isfinite(gone + goneBeside + paused + pausedBeside)) return;
  constexpr double kMatters = 0.01;
  const auto runs = s.runs(always);
  const bool isTaken = paused > kMatters && paused > 2 * pausedBeside;
  const bool isCore = gone > kMatters && gone > 2 * goneBeside;
  const std::string_view cause =
      !isTaken ? "The generator had its core under `always` as much as under everysec"
      : isCore
          ? "A thread above all others missed that core too: interrupts or the hypervisor had it "
            "while the disk served thousands of small syncs a second"
          : "A thread above all others had that core, so it was not taken: the generator's own "
            "thread was held up";
  s.claim("always-generator", isTaken ? Standing::problem : Standing::plain)
      .from("pauses of the generator's worker, and of a canary on its core; all runs")
      .text(
          "With `always` the generator did not run for {} of the time although no thread had its "
          "core, with everysec for {}. A canary on that core did not run for {}, with everysec for "
          "{}. Threads of the kernel took {} of a core, and {} of {} runs are valid. {}",
          formatShare(paused), formatShare(pausedBeside), formatShare(gone),
          formatShare(goneBeside), formatShare(mean(always, recorded(kKernelShare))),
          validCount(runs), runs.size(), cause);
}

/// The case for which everysec has its two-second rule: the disk is somebody else's as well.
void reportCompetitor(Study& s, const Grid& writer, const Cell& everysec) {
  const Cell beside = writer.cells.front();
  const Cells both{everysec, beside};
  const Quantity p99 = s.quantity("us", latency("p99", "response", "set"), both);
  const Quantity worst = s.quantity("us", latency("max", "response", "set"), both);
  const Quantity delayed = s.total("count", counted("aof_delayed_fsync"), both);
  const Quantity sync = s.mean("us", recorded(kBesideSyncP50), both);
  const Quantity longest = s.mean("us", recorded(kBesideSyncMax), both);
  const Quantity written = s.mean("bytes", recorded(kWrittenBeside), {beside});
  s.table("everysec beside somebody who writes to the same disk")
      .column("",
              [&](const Cell& cell) {
                return cell == beside ? LabCell("with a writer") : LabCell("alone");
              })
      .column("p99", p99)
      .column("slowest write", worst)
      .column("delayed fsyncs", [&](const Cell& cell) { return delayed[cell].plain(); })
      .column("fdatasync, median", sync)
      .column("longest", longest)
      .validRuns()
      .note(
          "Redis hands a sync a second to another thread. Where one takes longer than two seconds, "
          "the main thread waits for it, and INFO counts a delayed fsync. fdatasync: of a probe in "
          "the same directory, ten times a second during the run.")
      .rows(both, &p99);
  const Measured ratio = p99.ratio(everysec, beside);
  const bool isDelayed = delayed[beside].value() > 0;
  s.claim("everysec-competitor", isDelayed ? Standing::expected : expectAbove(ratio))
      .from("response times, aof_delayed_fsync, and a probe of fdatasync during the runs")
      .restsOn({written[beside]})
      .text(
          "Beside somebody who writes {}/s to the same disk everysec's p99 is {} that without. A "
          "sync takes {} at the median instead of {}. The longest takes {} instead of {}. {}",
          written[beside], ratio, sync[beside], sync[everysec], longest[beside], longest[everysec],
          isDelayed
              ? fmt::format("{} syncs took longer than two seconds, and writes waited for them",
                            delayed[beside].plain())
              : std::string("No sync took two seconds, so the rule that makes writes wait was "
                            "never in effect"));
  s.figure("everysec's p99 beside a writer ÷ alone", ratio);
}

/// ". Redis's latency monitor has long syncs in 1 of 2 runs, the longest of 8 ms": the syncs that
/// Redis itself found long, each of which holds up everybody. Empty where there were none.
std::string longSyncs(const std::vector<const Reading*>& runs) {
  std::vector<double> longestUs;  // of each run
  for (const Reading* const run : runs) {
    if (run->dir() == nullptr) continue;
    Nanos longest = 0;
    for (const Event& event : run->dir()->events)
      if (event.kind == "latency" && event.name == "aof-fsync-always")
        longest = std::max(longest, event.duration);
    if (longest > 0) longestUs.push_back(static_cast<double>(longest) / 1e3);
  }
  if (longestUs.empty()) return {};
  return fmt::format(". Redis's latency monitor reports long syncs in {} of {} runs, at most {}",
                     longestUs.size(), runs.size(),
                     formatQuantity(std::ranges::max(longestUs), "us"));
}

/// A line of each policy, from the percentile of everyday to that of one write in ten thousand.
void plotPercentiles(Study& s, const Factor<std::string>& policy, const Grid& rate) {
  Plot plot = s.plot("percentiles", "Write latency by percentile");
  plot.describe(
          fmt::format("{}/s. The median run of each policy; bars: from its fastest run to its "
                      "slowest.",
                      s.parameters().text("rate")))
      .y("response time", AxisKind::latency)
      .main();
  struct Percentile {
    const char *label, *field;
  };
  constexpr std::array kPercentiles{Percentile{"50%", "p50"}, Percentile{"90%", "p90"},
                                    Percentile{"99%", "p99"}, Percentile{"99.9%", "p999"},
                                    Percentile{"99.99%", "p9999"}};
  std::vector<Level> levels;
  for (const Percentile& each : kPercentiles) levels.push_back({each.field, each.label});
  plot.x("percentile of the writes", levels);
  for (const Cell& cell : rate.cells) {
    LabSeries line{.title = cell.level(policy).title, .points = {}};
    for (std::size_t i = 0; i < kPercentiles.size(); ++i) {
      const auto us =
          figuresOf(s.validRuns(cell), latency(kPercentiles[i].field, "response", "set"));
      if (us.empty()) continue;
      line.points.push_back(
          {static_cast<double>(i), medianOf(us), std::ranges::min(us), std::ranges::max(us)});
    }
    plot.series(std::move(line));
  }
  plot.add();
}

/// The most durable policy that keeps to each limit. A policy is recommended for the lowest of its
/// limits: it keeps to the others as well.
void recommendPolicies(Study& s, const Grid& rate, const Factor<std::string>& policy,
                       const Quantity& p99) {
  const Parameters& p = s.parameters();
  Table table = s.table("Which policy for which service level");
  table.prose().note(fmt::format(
      "At {}/s and {} connections. A policy holds when the whole interval of its p99 lies below.",
      p.text("rate"), p.text("conns")));
  table.heads({"write p99 below", "most durable policy that holds", "its p99", "may lose"});
  std::string_view recommended;
  for (const std::string& limit : p.texts("limits")) {
    const double limitUs = static_cast<double>(*parseDuration(limit)) / 1e3;
    std::string_view best;
    for (const Durability& each : kDurability)
      if (const Measured is = p99[rate.at(policy, each.policy)];
          is.isKnown() && is.estimate.high < limitUs)
        best = each.policy;
    if (best.empty()) {
      table.row({limit, "none", "–", "–"});
      continue;
    }
    const Measured its = p99[rate.at(policy, best)];
    table.row({limit, std::string(best), cellOf(its), losesOf(best)}, {its});
    if (best != recommended)
      s.recommend("For a write p99 below {} take {} ({}); it may lose {}", limit, best, its,
                  losesOf(best));
    recommended = best;
  }
  table.add();
}

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const DataSet small{
      "", {"-keys=" + p.text("keys"), "-value-size=" + p.text("value-size"), "-ttl-frac=0"}};
  const DataSet large{
      "large-",
      {"-keys=" + p.text("large-keys"), "-value-size=" + p.text("large-value"), "-ttl-frac=0"}};
  const Flags atRate{"-rate=" + p.text("rate"),
                     "-arrivals=poisson",
                     "-wait=realtime",
                     "-conns=" + p.text("conns"),
                     "-duration=" + p.text("duration"),
                     "-interval=100ms"};

  const auto policy = s.factor("policy", p.texts("policies"));
  const auto swept =
      policy.only([](const std::string& text) { return text == "everysec" || text == "always"; });
  const auto conns = s.factor("conns", p.texts("sweep-conns"));
  const Grid rate = s.grid("rate", {policy}, [&](const Cell& cell, unsigned) {
    return writes(s, small, cell[policy], atRate, probeDisk);
  });
  const Grid fat =
      s.grid("large", {policy.pick(p.texts("large-policies"))},
             [&](const Cell& cell, unsigned) { return writes(s, large, cell[policy], atRate); });
  const auto besides = policy.only([](const std::string& text) { return text == "everysec"; });
  const Grid writer = s.grid("writer", {besides}, [&](const Cell& cell, unsigned) {
    return writes(s, small, cell[policy], atRate, competeForDisk);
  });
  const Switched switched = switchPolicies(s, small, policy);
  const Grid sweep = s.grid("conns", {conns, swept}, [&](const Cell& cell, unsigned) {
    return writes(s, small, cell[swept],
                  {"-rate=max", "-conns=" + cell[conns], "-duration=" + p.text("sweep-duration")});
  });
  const Prediction predicted = s.predict(
      "write p99 under appendfsync always",
      fmt::format("the sync under way and one's own: {:.0f} × fdatasync's p99, assumed {}",
                  kSyncsMet, p.text("assumed-fdatasync-p99")),
      "us", kSyncsMet * p.seconds("assumed-fdatasync-p99") * 1e6);

  const Cell off = rate.at(policy, "off");
  const Cell everysec = rate.at(policy, "everysec");
  const Cell always = rate.at(policy, "always");
  const auto toEverysec = [&](const Cell&) { return everysec; };

  // At one rate.
  const Measurement writeP99 = latency("p99", "response", "set");
  const Measurement writeP999 = latency("p999", "response", "set");
  const Quantity p50 = s.quantity("us", latency("p50", "response", "set"), rate.cells);
  const Quantity p99 = s.quantity("us", writeP99, rate.cells);
  const Quantity p999 = s.quantity("us", writeP999, rate.cells);
  const Quantity typical =
      s.quantity("us", [](const Reading& r) { return typicalUs(r, 0.99); }, rate.cells);
  const Quantity busy = s.mean("share", mainThreadBusy, together({rate.cells, sweep.cells}));
  const Quantity syncP99 = s.mean("us", recorded(kSyncP99), rate.cells);
  const Quantity syncDuring = s.mean("us", recorded(kBesideSyncP50), rate.cells);
  const Quantity longestSync = s.mean("us", recorded(kBesideSyncMax), rate.cells);
  const Quantity delayed =
      s.total("count", counted("aof_delayed_fsync"), together({rate.cells, fat.cells}));
  const auto delayedText = [&](const Cell& cell) {
    return cell.is(policy, "off") ? "–" : delayed[cell].plain();
  };
  s.table(fmt::format("Writes at {}/s, {} connections", p.text("rate"), p.text("conns")))
      .column("appendfsync", [&](const Cell& cell) { return cell[policy]; })
      .column("p50", p50)
      .column("p99", p99)
      .column("p99.9", p999)
      .ratio("p99 ÷ everysec", p99, toEverysec)
      .column("p99 of the median interval", typical)
      .ratio("that ÷ everysec", typical, toEverysec)
      .column("delayed fsyncs", delayedText)
      .column("fdatasync meanwhile", syncDuring)
      .column("longest", longestSync)
      .column("main thread busy", busy)
      .column("may lose", [&](const Cell& cell) { return losesOf(cell[policy]); })
      .validRuns()
      .note(
          "Response time of SETs from the moment that the schedule fixed. off: no append-only "
          "file. fdatasync meanwhile: the median of a probe in the same directory, ten times a "
          "second. Intervals are of 100 ms: rare stalls of the disk decide the p99 of a whole run, "
          "and not that of its median interval.")
      .rows(rate.cells);
  plotPercentiles(s, policy, rate);
  const Measured tax = p99.ratio(everysec, always);
  const Measured typicalTax = typical.ratio(everysec, always);
  s.figures("write p99, {}", p99, rate.cells);
  s.figure("write p99, always ÷ everysec", tax);
  s.figure("the same of the median interval", typicalTax);

  const Quantity available = s.available("p99", rate.cells);
  s.sloBelow("write-p99-everysec", Judged::of(p99, everysec), Judged::of(available, everysec),
             kEverysecLimitUs, format(p99[everysec]),
             fmt::format("{}/s of writes, {} connections; delayed fsyncs: {}", p.text("rate"),
                         p.text("conns"), delayed[everysec].plain()));
  s.claim("always-costs", p99[always].valid == 0     ? Standing::problem
                          : tax.estimate.contains(1) ? expectAbove(typicalTax)
                                                     : expectAbove(tax))
      .from("response times of writes at one rate, whole and by interval; Redis's latency monitor")
      .headline()
      .restsOn({p99[everysec]})
      .text(
          "`always` multiplies the write p99 of everysec by {}, to {}. It multiplies p99.9 by "
          "{}{}{}",
          tax, p99[always], p999.ratio(everysec, always),
          !typicalTax.isKnown()
              ? std::string()
              : fmt::format(". In the median interval it multiplies p99 by {}, to {}", typicalTax,
                            typical[always]),
          longSyncs(s.validRuns(always)));
  s.slo("write-p99-always", SloVerdict::reported,
        fmt::format("{}, {} everysec; in the median interval {}, {}", p99[always], tax,
                    typical[always], typicalTax),
        fmt::format("fdatasync p99 right before: {}; during the runs {} at the median, {} at most",
                    syncP99[always], syncDuring[always], longestSync[always]),
        {p99[always], p99[everysec]});
  const bool isTypicalDearer = expectAbove(typicalTax) == Standing::expected;
  if (expectAbove(tax) == Standing::expected)
    s.cost("Losing no acknowledged write multiplies p99 by {} at {}/s{}", tax, p.text("rate"),
           isTypicalDearer ? fmt::format(", and that of the median interval by {}", typicalTax)
                           : std::string());
  else if (isTypicalDearer)
    s.cost("Losing no acknowledged write multiplies the median interval's p99 by {} at {}/s",
           typicalTax, p.text("rate"));
  // The median interval where it is known: one stall of the disk moves a whole run's p99.
  const Measured worse = typicalTax.isKnown() ? typicalTax : tax;
  const Quantity& write = typicalTax.isKnown() ? typical : p99;
  s.answer({worse}, fmt::format("appendfsync always multiplies write p99 by {}, from {} under "
                                "everysec",
                                rounded(worse), rounded(write[everysec])));
  if (expectAbove(worse) == Standing::expected)
    s.decide({worse}, {.risk = "fsync before every reply",
                       .measured = fmt::format("write p99 {}", rounded(write[always])),
                       .action = "Use appendfsync everysec",
                       .price = fmt::format("a crash loses {}", losesOf("everysec")),
                       .gain = worse.value(),
                       .isStall = true,
                       .runs = {}});
  s.alternative({syncP99[always]}, fmt::format("The disk alone: fdatasync of a small append had a "
                                               "p99 of {} in the same minutes",
                                               rounded(syncP99[always])));
  const Measured price = p99.ratio(off, everysec);
  s.claim("everysec-price", expectAbove(price))
      .from("response times of writes at one rate")
      .text(
          "An append-only file with everysec multiplies p99 by {}: the main thread writes to the "
          "page "
          "cache, another thread syncs",
          price);
  const double expected = kSyncsMet * syncP99[always].value();
  predicted.measured(
      p99[always],
      fmt::format("with the fdatasync p99 of these minutes ({}) the model gives {}; the measured "
                  "value is {} that",
                  syncP99[always], formatQuantity(expected, "us"),
                  formatQuantity(p99[always].value() / expected, "x")));
  recommendPolicies(s, rate, policy, p99);
  reportSwitched(s, switched);
  claimGeneratorsCore(s, everysec, always);
  if (!writer.cells.empty()) reportCompetitor(s, writer, everysec);

  // Large values: more bytes for each write, to the page cache and to the disk.
  const auto smallOf = [&](const Cell& cell) { return rate.at(policy, cell.level(policy).label); };
  Cells sizes;
  for (const Cell& cell : fat.cells) sizes.insert(sizes.end(), {smallOf(cell), cell});
  const Quantity sizedP99 = s.quantity("us", writeP99, sizes);
  const Quantity sizedP999 = s.quantity("us", writeP999, sizes);
  const std::string largeSize = formatSize(p.size("large-value"));
  const auto bytesPerSecond = [&](std::string_view size) {
    return formatSize(p.count("rate") * p.size(size));
  };
  const Cell fatEverysec = fat.at(policy, "everysec");
  const Cell fatAlways = fat.at(policy, "always");
  s.table(fmt::format("The same writes with values of {} and of {}",
                      formatSize(p.size("value-size")), largeSize))
      .column("appendfsync", [&](const Cell& cell) { return cell[policy]; })
      .column("p99, small", [&](const Cell& cell) { return format(sizedP99[smallOf(cell)]); })
      .column("p99, large", sizedP99)
      .ratio("large ÷ small", sizedP99, smallOf)
      .column("p99.9, large", sizedP999)
      .ratio("large ÷ everysec", sizedP99, [&](const Cell&) { return fatEverysec; })
      .column("delayed fsyncs, large", delayedText)
      .validRuns("valid runs, large")
      .note(fmt::format("{}/s in both: {} and {} of values a second.", p.text("rate"),
                        bytesPerSecond("value-size"), bytesPerSecond("large-value")))
      .rows(fat.cells, &sizedP99);
  for (const Cell& cell : fat.cells)
    s.figure(fmt::format("write p99, {}, {}", cell[policy], largeSize), sizedP99[cell]);
  const Measured fatTax = sizedP99.ratio(fatEverysec, fatAlways);
  s.claim("always-costs-large", expectAbove(fatTax))
      .from("response times of writes at one rate")
      .restsOn({sizedP99[fatEverysec]})
      .text(
          "With values of {}, `always` multiplies the write p99 of everysec by {}, to {}. "
          "The larger values alone multiply the p99 of everysec by {} and that of always by {}",
          largeSize, fatTax, sizedP99[fatAlways], sizedP99.ratio(everysec, fatEverysec),
          sizedP99.ratio(always, fatAlways));

  if (auto said = diskWords(s.readings()); !said.empty())
    s.claim("disk", Standing::plain).from("fdatasync right before every run").text("{}", said);
  s.method(intervalNote(p99[rate.cells.front()].estimate));
  s.method(
      "All policies at the same write rate with Poisson arrivals, in turn. Before every run the "
      "file system was synced, so that no run pays for what an earlier one wrote; then fdatasync "
      "of "
      "200 B appended was measured in the servers' directory");

  // Group commit.
  const Quantity ceiling = s.quantity("ops/s", rateOf, sweep.cells);
  const Quantity sweepP99 = s.quantity("us", writeP99, sweep.cells);
  s.table("Writes as fast as replies allow, by connections")
      .column("connections", [&](const Cell& cell) { return cell[conns]; })
      .column("appendfsync", [&](const Cell& cell) { return cell[swept]; })
      .column("writes/s", ceiling)
      .column("p99", sweepP99)
      .column("p99.9", s.quantity("us", writeP999, sweep.cells))
      .column("main thread busy", busy)
      .note(
          "`always` syncs once per pass of the event loop, however many writes that pass brought "
          "(group commit).")
      .rows(sweep.cells);
  Plot groupCommit = s.plot("connections", "Group commit: writes/s by connections");
  groupCommit.describe("Closed model. All writes of one pass of the event loop share one sync.")
      .x("connections", AxisKind::logCount)
      .y("writes/s", AxisKind::count);
  for (const Level& level : swept.levels())
    groupCommit.line(level.title, ceiling, sweep.where(swept, level.label),
                     [&](const Cell& cell) { return cell.level(conns).number; });
  groupCommit.add();
  const Cells byConns = ascending(sweep.where(swept, "always"), conns);
  if (byConns.size() < 2) return;
  const Cell& few = byConns.front();
  const Cell& many = byConns.back();
  const Cell manyEverysec = ascending(sweep.where(swept, "everysec"), conns).back();
  const Measured gain = ceiling.ratio(few, many);
  s.claim("group-commit", expectAbove(gain))
      .from("achieved rates in the closed model")
      .headline()
      .restsOn({ceiling[few]})
      .text(
          "`always` does not fsync every write separately: writes of one event-loop pass share an "
          "fsync. Over -conns={} it writes {}, {} the rate over -conns={}. That is {} the rate of "
          "everysec",
          many[conns], ceiling[many], gain, few[conns], ceiling.ratio(manyEverysec, many));
}

Status check(const Parameters& p) {
  for (const std::string_view list : {"policies", "large-policies"})
    for (const std::string_view wanted : {"everysec", "always"})
      if (std::ranges::find(p.texts(list), wanted) == p.texts(list).end())
        return p.refuse(list, fmt::format("the multiple of always over everysec needs both, and "
                                          "{} is missing",
                                          wanted));
  return {};
}

}  // namespace
}  // namespace redline::lab::fsync

namespace redline {

Experiment fsyncExperiment() {
  using enum ParameterKind;
  return {
      .name = "fsync",
      .title = "What an append-only file costs a write",
      .question =
          "How much slower are writes with an append-only file that is synced by the kernel, every "
          "second, or before every reply? How far does group commit hide the cost of `always`, and "
          "which policy meets which service level?",
      .parameters =
          {{.name = "keys", .kind = count, .help = "keys of the data set"},
           {.name = "value-size", .kind = size, .help = "bytes of a value"},
           {.name = "large-keys", .kind = count, .help = "keys with large values"},
           {.name = "large-value", .kind = size, .help = "bytes of a large value"},
           {.name = "conns", .kind = count, .help = "connections at the one rate"},
           {.name = "rate", .kind = count, .help = "writes a second, the same for every policy"},
           {.name = "policies",
            .kind = choice,
            .list = true,
            .help = "appendfsync; off: without an append-only file",
            .choices = {"off", "no", "everysec", "always"}},
           {.name = "limits",
            .kind = duration,
            .list = true,
            .help = "p99 limits to choose a policy for"},
           {.name = "assumed-fdatasync-p99",
            .kind = duration,
            .help = "of the disk, for the prediction before any run"},
           {.name = "large-policies",
            .kind = choice,
            .list = true,
            .help = "those that are measured with large values too",
            .choices = {"off", "no", "everysec", "always"}},
           {.name = "slot",
            .kind = duration,
            .help = "how long a policy lasts where they take turns within one run"},
           {.name = "slot-guard",
            .kind = duration,
            .help = "of it, what is left out after a switch"},
           {.name = "slot-blocks", .kind = count, .help = "how often each of them comes up"},
           {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
           {.name = "duration", .kind = duration, .help = "measured time at the one rate"},
           {.name = "sweep-conns",
            .kind = count,
            .list = true,
            .help = "connection counts, ascending"},
           {.name = "sweep-duration", .kind = duration, .help = "measured time of each of them"}},
      .check = lab::fsync::check,
      .declare = lab::fsync::declare,
  };
}

}  // namespace redline
