#include "lab/big_key_remediation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "lab/catalog.h"
#include "lab/fault_study.h"
#include "lab/format.h"
#include "lab/stall_watch.h"
#include "model/costs.h"

namespace redline::lab::big_key_remediation {
namespace {

constexpr const char* kWhole = "whole";
constexpr const char* kAtOnce = "at-once";
constexpr double kSameMemory = 0.05;        ///< less is not a difference
constexpr double kListpackByDefault = 512;  ///< hash-max-listpack-entries of Redis 7.0

Factor<Layout> layoutsOf(const Parameters& p) {
  std::vector<Layout> layouts{{.label = kWhole}};
  const auto numbers = p.numbers("buckets");
  for (std::size_t i = 0; i < numbers.size(); ++i)
    layouts.push_back(
        {.label = p.texts("buckets")[i], .buckets = static_cast<std::uint64_t>(numbers[i])});
  layouts.push_back({.label = p.text("compact-buckets") + "-compact",
                     .buckets = p.count("compact-buckets"),
                     .entries = p.count("compact-entries")});
  return Study::factor<Layout>("layout", layouts, [&](const Layout& layout) {
    const auto title =
        layout.buckets == 0 ? std::string("one hash") : fmt::format("{} buckets", layout.buckets);
    return Level{.label = layout.label,
                 .title = layout.entries == 0
                              ? title
                              : fmt::format("{}, listpack limit {}", title, layout.entries),
                 .number = static_cast<double>(std::max<std::uint64_t>(layout.buckets, 1))};
  });
}

Factor<Deletion> deletionsOf(const Parameters& p) {
  const std::vector<Deletion> all{
      {.label = "del", .title = "DEL", .command = "DEL"},
      {.label = "unlink", .title = "UNLINK", .command = "UNLINK"},
      {.label = "lazy-del",
       .title = "DEL with lazyfree-lazy-user-del",
       .command = "DEL",
       .isLazy = true},
      {.label = "buckets",
       .title = fmt::format("DEL of {} buckets, one by one", p.count("delete-buckets")),
       .command = "DEL",
       .inBuckets = true},
  };
  return Study::factor<Deletion>(
             "way", all,
             [](const Deletion& each) { return Level{.label = each.label, .title = each.title}; })
      .pick(p.texts("deletions"));
}

LabRun besideLoad(const Parameters& p, const std::string& server, BesideAction beside) {
  LabRun run{.stack = server, .drives = {{.flags = driveWithFault(p, "")}}};
  run.beside = std::move(beside);
  return run;
}

// Figures of one run.

/// On the run's clock.
std::optional<Stretch> whenDone(const Reading& reading) {
  const RunDir* const run = reading.dir();
  const double begin = reading.figure(kBeginUnix), end = reading.figure(kEndUnix);
  if (run == nullptr || !run->plan || !std::isfinite(begin) || !std::isfinite(end))
    return std::nullopt;
  const double zero = toSeconds(run->plan->wallZero);
  return Stretch{begin - zero, end - zero};
}

/// By the slow log, or commandstats' mean where no call was long enough for it.
Measurement longestCall(std::vector<std::string> commands) {
  return [commands = std::move(commands)](const Reading& reading) {
    const RunDir* const run = reading.dir();
    double longest = reading.figure(kCallUs);
    if (run != nullptr)
      for (const Event& event : run->events)
        if (event.kind == "slowlog" && std::ranges::count(commands, event.name) > 0)
          longest = std::fmax(longest, toMicros(event.duration));
    return longest;
  };
}

double tookS(const Reading& reading) {
  return reading.figure(kEndUnix) - reading.figure(kBeginUnix);
}

double p99Meanwhile(const Reading&, const FaultFacts& at) {
  return medianWhere(at.p99, [&](const SeriesPoint& point) { return at.isDuring(point); });
}

/// What is measured without a load.
struct AccessFigures {
  Study& s;
  Cells cells;
  Factor<Layout> layout;
  Quantity memory = s.mean("bytes", recorded(kMemory), cells);
  Quantity listpacks = s.mean("share", recorded(kListpacks), cells);
  Quantity largest = s.mean("count", recorded(kLargest), cells);
  Quantity get = s.quantity("us", recorded(kGetUs), cells);
  Quantity getCpu = s.quantity("us", recorded(kGetCpuUs), cells);
  Quantity read = s.quantity("us", recorded(kReadUs), cells);

  Cell whole() const { return Grid{cells}.at(layout, kWhole); }
  /// The same number of buckets, as listpacks by another limit, and by Redis's own.
  Cell compact() const {
    return Grid{cells}.at(layout, s.parameters().text("compact-buckets") + "-compact");
  }
  Cell tableBeside() const {
    return Grid{cells}.at(layout, s.parameters().text("compact-buckets"));
  }
  /// Of those whose read of one bucket takes less than the limit: those that take least memory, to
  /// within kSameMemory, and of these the one with the cheapest HGET.
  std::optional<Cell> best() const {
    const double limitUs = 1e6 * s.parameters().seconds("most-stall");
    const Cells able = Grid{cells}.where([&](const Cell& cell) {
      return cell[layout].buckets != 0 && memory.has(cell) && getCpu.has(cell) &&
             read[cell].value() <= limitUs;
    });
    double least = kInfinity;
    for (const Cell& cell : able) least = std::min(least, memory[cell].value());
    std::optional<Cell> best;
    for (const Cell& cell : able)
      if (memory[cell].value() <= (1 + kSameMemory) * least &&
          (!best || getCpu[cell].value() < getCpu[*best].value()))
        best = cell;
    return best;
  }
};

/// What is done beside a load, in each of its ways.
struct BesideFigures {
  Study& s;
  Cells cells;
  std::string what;
  std::vector<std::string> commands;  ///< whose slow calls count
  FaultStudy fault{s, cells, {.what = what, .when = whenDone}};
  Quantity stall = s.mean("us", recorded(kStallUs), cells);
  Quantity call = s.quantity("us", longestCall(commands), cells);
  Quantity calls = s.mean("count", recorded(kCalls), cells);
  Quantity took = s.mean("s", tookS, cells);
  Quantity moved = s.mean("count", recorded(kMoved), cells);
  Quantity meanwhile = fault.quantity("us", p99Meanwhile);

  Measured perSecond(const Cell& cell) const {
    Measured rate = plainRatio(took[cell], moved[cell]);
    rate.unit = "count";
    return rate;
  }
  std::string stallText(const Cell& cell) const {
    const Measured longest = stall[cell];
    if (!longest.isKnown()) return "–";
    return longest.value() == 0 ? "below " + formatDuration(StallWatch::kLeast) : longest.plain();
  }
};

// What it means.

void tabulateLayouts(Study& s, const AccessFigures& f) {
  const auto toWhole = [&](const Cell&) { return f.whole(); };
  s.table(fmt::format("{} fields of {}, by the number of buckets", s.parameters().text("fields"),
                      formatSize(s.parameters().size("field-size"))))
      .column("kept as", [](const Cell& cell) { return cell.title(); })
      .column("largest", f.largest)
      .column("listpacks", f.listpacks)
      .column("memory", f.memory)
      .ratio("÷ one hash", f.memory, toWhole)
      .column("HGET (commandstats)", f.get)
      .column("HGET, main thread", f.getCpu)
      .ratio("÷ one hash", f.getCpu, toWhole)
      .column("HGETALL of one", f.read)
      .validRuns()
      .note(fmt::format(
          "Memory: MEMORY USAGE of all keys, every element counted. Listpacks: share of the keys; "
          "Redis 7.0 keeps a hash as a listpack up to {:.0f} fields and values of 64 B. HGET: of "
          "fields that chance decides, 200 a round trip, without a load. The largest bucket is in "
          "fields.",
          kListpackByDefault))
      .rows(f.cells);
  s.figures("memory, {}", f.memory, f.cells);
  s.figures("HGET, {}", f.getCpu, f.cells);
  s.figures("HGETALL of one, {}", f.read, f.cells);
}

void plotLayouts(Study& s, const AccessFigures& f) {
  const Cells plain =
      Grid{f.cells}.where([&](const Cell& cell) { return cell[f.layout].entries == 0; });
  const Cells compact =
      Grid{f.cells}.where([&](const Cell& cell) { return cell[f.layout].entries != 0; });
  const auto place = [&](const Cell& cell) { return cell.level(f.layout).number; };
  const auto draw = [&](const char* id, std::string title, const Quantity& quantity, std::string y,
                        AxisKind kind, std::string text) {
    Plot plot = s.plot(id, std::move(title));
    plot.describe(std::move(text))
        .x("buckets", AxisKind::logCount)
        .y(std::move(y), kind)
        .line("default listpack limit", quantity, plain, place)
        .points(fmt::format("limit {}", s.parameters().text("compact-entries")), quantity, compact,
                place);
    return plot;
  };
  draw("read", "Reading one bucket", f.read, "HGETALL of one", AxisKind::latency,
       "Time of one HGETALL by commandstats, during which no other client is served. 1: the whole "
       "hash. Bars: 95% confidence.")
      .main()
      .add();
  draw("memory", "Memory of all buckets", f.memory, "bytes", AxisKind::count,
       "MEMORY USAGE of all keys together.")
      .add();
  draw("hget", "Reading one field", f.getCpu, "main thread per HGET", AxisKind::latency,
       "CPU time of Redis's main thread for one HGET in a long pipeline. A listpack is searched "
       "from its beginning. Bars: 95% confidence.")
      .add();
}

/// The whole against one bucket, seen by other clients.
void claimStall(Study& s, const BesideFigures& f, const Factor<Layout>& layout) {
  const Cell whole = Grid{f.cells}.at(layout, kWhole);
  const Cells buckets = ascending(
      Grid{f.cells}.where([&](const Cell& cell) { return cell[layout].buckets != 0; }), layout);
  s.table("HGETALL beside a load on other keys")
      .column("kept as", [](const Cell& cell) { return cell.title(); })
      .column("calls", f.calls)
      .column("longest call (slow log)", f.call)
      .column("longest stall (PING)", [&](const Cell& cell) { return f.stallText(cell); })
      .column("p99 of others before", f.fault.baseline)
      .column("peak p99", f.fault.peak)
      .column("worst interval before", f.fault.worstBefore)
      .column("of an equally long stretch after", f.fault.worstAfter)
      .validRuns()
      .note(fmt::format("{}/s on other keys. The one hash is read once, buckets one after the "
                        "other for {}. Calls below the slow log's 1 ms: commandstats' mean.",
                        s.parameters().text("rate"), s.parameters().text("read-for")))
      .rows(f.cells);
  s.figures("peak p99 of other keys, {}", f.fault.peak, f.cells);
  if (buckets.empty()) return;
  const Cell most = buckets.back();
  const Measured worse = f.fault.peak.ratio(most, whole);
  const Measured call = f.call[whole], small = f.call[most];
  s.claim("stall", expectAbove(worse))
      .from("SLOWLOG, commandstats, and p99 of other keys by interval")
      .headline()
      .restsOn({call, small})
      .text(
          "HGETALL of the one hash blocks Redis for {}, and of one of {} for {}. Reading the one "
          "hash multiplies the peak p99 of other keys by {}",
          call, most.title(), small, worse);
}

void claimBest(Study& s, const AccessFigures& f) {
  const Parameters& p = s.parameters();
  const auto best = f.best();
  if (!best) {
    if (f.read.has(f.whole()))
      s.claim("best", Standing::problem)
          .from("commandstats")
          .text("No bucket count keeps HGETALL of one bucket below {}", p.text("most-stall"));
    return;
  }
  const Cell whole = f.whole();
  const Measured memory = f.memory.ratio(whole, *best), get = f.getCpu.ratio(whole, *best);
  s.claim("best", memory.value() < 1 ? Standing::expected : Standing::contradicts)
      .from("MEMORY USAGE of all keys; CPU time of the main thread in a pipeline of HGETs")
      .headline()
      .restsOn({f.read[*best]})
      .text(
          "Of the layouts with HGETALL of one below {}, {} is the cheapest: {}, which is {} the "
          "memory of one hash. An HGET then costs {} the CPU time",
          formatMicros(1e6 * p.seconds("most-stall")), best->title(), f.memory[*best], memory, get);
  const Measured share = f.listpacks[*best];
  if (get.isKnown())
    s.recommend("Keep a hash of {} fields in {}: {} the memory of one hash, and {}",
                p.text("fields"), best->title(), memory, priceOf(get, "CPU for an HGET"));
  if (share.value() > 0)
    s.cost(
        "Each bucket is a listpack only below {} fields and values of 64 B: one longer value turns "
        "its bucket into a hash table for good",
        (*best)[f.layout].entries == 0 ? formatCount(kListpackByDefault)
                                       : p.text("compact-entries"));
  s.cost(
      "In buckets the hash is read whole by as many commands as there are buckets, and what they "
      "read is no snapshot. Each access computes the bucket from the field");
}

/// The same number of buckets, with either limit.
void claimListpacks(Study& s, const AccessFigures& f) {
  const Parameters& p = s.parameters();
  const Cell compact = f.compact(), plain = f.tableBeside();
  const Measured memory = f.memory.ratio(plain, compact), get = f.getCpu.ratio(plain, compact);
  s.claim("listpack-limit", expectAbove(get))
      .from("the same buckets under two values of hash-max-listpack-entries")
      .restsOn({memory})
      .text(
          "With hash-max-listpack-entries raised to {}, {} take {} the memory, and an HGET {} the "
          "CPU time: a listpack is searched from its beginning",
          p.text("compact-entries"), plain.title(), memory, get);
}

void claimDeletion(Study& s, const BesideFigures& f, const Factor<Deletion>& way) {
  s.table("Deleting the hash beside a load on other keys")
      .column("by", [](const Cell& cell) { return cell.title(); })
      .column("calls", f.calls)
      .column("longest call", f.call)
      .column("longest stall (PING)", [&](const Cell& cell) { return f.stallText(cell); })
      .column("memory back after", s.mean("s", recorded(kFreedS), f.cells))
      .column("p99 of others before", f.fault.baseline)
      .column("peak p99", f.fault.peak)
      .column("worst interval before", f.fault.worstBefore)
      .column("of an equally long stretch after", f.fault.worstAfter)
      .validRuns()
      .note(
          "Longest call: slow log, or commandstats' mean where none reached 1 ms. UNLINK frees in "
          "a background thread, which here shares Redis's core.")
      .rows(f.cells);
  s.figures("longest call, {}", f.call, f.cells);
  const Cell del = Grid{f.cells}.at(way, "del"), unlink = Grid{f.cells}.at(way, "unlink");
  const Measured worse = f.call.ratio(unlink, del);
  s.claim("deletion", expectAbove(worse))
      .from("SLOWLOG and commandstats, and p99 of other keys by interval")
      .headline()
      .restsOn({f.call[del], f.call[unlink], f.fault.peak[del], f.fault.peak[unlink]})
      .text(
          "DEL of the one hash blocks Redis for {}, and UNLINK for {}. The peak p99 of other keys "
          "is {} beside DEL and {} beside UNLINK",
          f.call[del], f.call[unlink], f.fault.peak[del], f.fault.peak[unlink]);
  const Measured peaks = f.fault.peak.ratio(unlink, del);
  if (expectAbove(worse) == Standing::expected)
    s.decide({worse, f.call[del], f.call[unlink], peaks},
             {.risk = fmt::format("DEL of a hash of {} fields", s.parameters().text("fields")),
              .measured = fmt::format("no other client is served for {}", rounded(f.call[del])),
              .action = "Delete large hashes with UNLINK",
              .price = fmt::format("the memory is back only after {}",
                                   rounded(s.mean("s", recorded(kFreedS), f.cells)[unlink])),
              .gain = peaks.value(),
              .isStall = true,
              .runs = {}});
}

void claimMigration(Study& s, const BesideFigures& f, const Factor<std::string>& batch) {
  const Parameters& p = s.parameters();
  const auto sum = [&](const char* name) { return s.total("count", recorded(name), f.cells); };
  const auto total = [&](const char* name) {
    const Quantity of = sum(name);
    double all = 0;
    for (const Cell& cell : f.cells)
      if (of.has(cell)) all += of[cell].value();
    return all;
  };
  s.table("Migrating the hash to buckets while it is read and written")
      .column("batches", [](const Cell& cell) { return cell.title(); })
      .column("fields moved", f.moved)
      .column("took", f.took)
      .column("fields a second", [&](const Cell& cell) { return cellOf(f.perSecond(cell)); })
      .column("longest stall (PING)", [&](const Cell& cell) { return f.stallText(cell); })
      .column("p99 of others before", f.fault.baseline)
      .column("meanwhile", f.meanwhile)
      .column("peak p99", f.fault.peak)
      .column("reads", sum(kReads))
      .column("of the old hash", sum(kFromOld))
      .column("at the second look", sum(kSecondLook))
      .column("found nowhere", sum(kMissing))
      .column("writes", sum(kWrites))
      .column("lost", sum(kLost))
      .validRuns()
      .note(fmt::format(
          "{} fields into {} buckets: HSCAN, HSETNX into the buckets, HDEL from the old hash, and "
          "then a rest of as long as that took. One client reads and writes the hash meanwhile; "
          "counts are of all runs. What is not moved when the load ends is not waited for. Second "
          "look: the field moved between the look into the bucket "
          "and that into the old hash.",
          p.text("migrate-fields"), p.text("migrate-buckets")))
      .rows(f.cells);
  const Cells batches = ascending(
      Grid{f.cells}.where([&](const Cell& cell) { return !cell.is(batch, kAtOnce); }), batch);
  const Cell atOnce = Grid{f.cells}.at(batch, kAtOnce);
  if (batches.empty()) return;
  const Cell smallest = batches.front();
  s.figure("longest stall, " + smallest.title(), f.stall[smallest]);
  s.figure("longest stall, " + atOnce.title(), f.stall[atOnce]);
  const Measured worse = f.fault.peak.ratio(smallest, atOnce);
  s.claim("migration-stall", expectAbove(worse))
      .from("the PING probe, and p99 of other keys by interval")
      .restsOn({f.stall[smallest], f.stall[atOnce]})
      .text(
          "In batches of {} the migration moves {} fields a second, and its longest stall is {}. "
          "At "
          "once the longest stall is {}, and the peak p99 of other keys {} as high",
          smallest[batch], f.perSecond(smallest), f.stallText(smallest), f.stallText(atOnce),
          worse);
  const double wrong = total(kMissing) + total(kWrong) + total(kLost);
  const double fields = static_cast<double>(p.count("migrate-fields"));
  const bool isWhole = std::ranges::all_of(f.cells, [&](const Cell& cell) {
    const Quantity atEnd = s.mean("count", recorded(kAtEnd), f.cells);
    return !atEnd.has(cell) || atEnd[cell].value() == fields;
  });
  if (!f.took.has(smallest)) return;
  const bool isCorrect = wrong == 0 && isWhole;
  s.claim("migration-correct", isCorrect ? Standing::expected : Standing::contradicts)
      .from("a client that knows what it wrote, and HLEN at the end; all runs")
      .headline()
      .text(
          "Of {} reads during the migrations, {} found their field only at a second look into its "
          "bucket. {} fields moved meanwhile. {}",
          formatCount(total(kReads)), formatCount(total(kSecondLook)), formatCount(total(kMoved)),
          isCorrect
              ? "None found nothing or a wrong value, and no write was lost"
              : fmt::format("{} found nothing and {} a wrong value. {} writes were lost{}",
                            formatCount(total(kMissing)), formatCount(total(kWrong)),
                            formatCount(total(kLost)), isWhole ? "" : ", and fields are missing"));
  if (isCorrect)
    s.recommend(
        "Migrate live in this order: first let every writer write the bucket and delete the field "
        "of the old hash, and every reader look into the bucket, the old hash and the bucket "
        "again. Then move fields in batches of {} by HSCAN, HSETNX and HDEL",
        smallest[batch]);
  s.cost(
      "While it lasts a read takes up to three round trips, and a deletion can be undone by a "
      "batch that has already read the field: delete by a script, or after the migration");
}

void conclude(Study& s, const AccessFigures& access, const BesideFigures& read,
              const Factor<Layout>& layout) {
  const auto best = access.best();
  const Cell whole = access.whole();
  if (!best) return;
  const Measured before = access.read[whole], after = access.read[*best];
  s.answer(
      {before, after},
      fmt::format("Kept in {}, a hash of {} fields blocks Redis for {} when a bucket is read, "
                  "instead of {} when it is read whole",
                  best->title(), s.parameters().text("fields"), rounded(after), rounded(before)));
  const Measured get = access.getCpu.ratio(whole, *best);
  const Cell beside = Grid{read.cells}.at(layout, kWhole);
  const Measured peak = read.fault.peak[beside], over = read.fault.overBefore(beside);
  s.decide({before, after, get, peak, over},
           {.risk = fmt::format("a hash of {} fields, read whole", s.parameters().text("fields")),
            .measured = fmt::format("p99 of other keys {}", rounded(peak)),
            .action = fmt::format("Keep large hashes in {}", best->title()),
            .price = priceOf(get, "CPU for an HGET") + ", and no snapshot of the whole",
            .gain = over.value(),
            .isStall = true,
            .runs = {}});
  s.alternative({get},
                "Caches of the CPU: the fields are read at random, so a hash table of this size "
                "misses them, and small listpacks less. Where few fields are read often, one hash "
                "is cheaper than here");
  s.alternative({peak},
                "The other tenants of the machine: the worst interval after a command stands "
                "beside that of an equally long stretch before, which shows what they do");
}

// Predictions.

/// Redis 7.0's structures on a 64-bit machine, allocations rounded up as jemalloc does.
struct FieldMemory {
  double nameBytes, valueBytes;

  static double allocated(double bytes) {
    constexpr double kQuantum = 16;
    return kQuantum * std::ceil(bytes / kQuantum);
  }
  /// dictEntry, a string each for name and value, and the table's pointer.
  double inTable() const {
    constexpr double kEntry = 24, kString = 2, kPointer = 8;
    return allocated(kEntry) + allocated(nameBytes + kString) + allocated(valueBytes + kString) +
           kPointer;
  }
  /// Each entry has its encoding and its length at either end.
  double inListpack() const {
    constexpr double kEntry = 2;
    return nameBytes + valueBytes + 2 * kEntry;
  }
};

/// Without an interval.
Measured difference(const Measured& more, const Measured& less) {
  Measured by = plainRatio(less, more);
  by.unit = more.unit;
  by.estimate.value = more.value() - less.value();
  return by;
}

void predict(Study& s, const AccessFigures& access, const BesideFigures& migrate,
             const Factor<std::string>& batch) {
  const Parameters& p = s.parameters();
  const auto fields = static_cast<double>(p.count("fields"));
  const auto cost = elementCost("HGETALL");
  const Cell whole = access.whole();
  const Cells plain = ascending(
      Grid{access.cells}.where([&](const Cell& cell) { return cell[access.layout].entries == 0; }),
      access.layout);
  const Cell most = plain.back();
  const double each = fields / most.level(access.layout).number;
  if (cost)
    for (const Cell& cell : {whole, most})
      s.predict("HGETALL of one, " + cell.title(),
                fmt::format("{:.0f} ns a field, as in a hash table on a quiet machine",
                            cost->secondsPerElement * 1e9),
                "us", 1e6 * stallSeconds(*cost, fields / cell.level(access.layout).number))
          .measured(access.read[cell]);
  const FieldMemory field{
      .nameBytes = static_cast<double>(BucketedHash::field(p.count("fields") / 2).size()),
      .valueBytes = static_cast<double>(p.size("field-size"))};
  constexpr double kKey = 150;  // of a bucket: key, entry of the main table, object, header
  const bool isListpack = each <= kListpackByDefault;
  const double bucketed = isListpack ? field.inListpack() + kKey / each : field.inTable();
  s.predict("memory, " + most.title() + " ÷ one hash",
            "sizes of Redis's structures: dictEntry and two strings a field against two listpack "
            "entries, and 150 B a key",
            "x", bucketed / field.inTable())
      .measured(access.memory.ratio(whole, most));
  const Cell compact = access.compact(), table = access.tableBeside();
  s.predict("HGET, " + compact.title() + ", more than as hash tables",
            fmt::format("half a bucket's fields are passed over, {} each, assumed",
                        p.text("assumed-scan")),
            "us", fields / table.level(access.layout).number / 2 * 1e6 * p.seconds("assumed-scan"))
      .measured(difference(access.get[compact], access.get[table]));
  const Cell atOnce = Grid{migrate.cells}.at(batch, kAtOnce);
  if (cost)
    s.predict("longest stall, " + atOnce.title(), "HGETALL of the old hash alone", "us",
              1e6 * stallSeconds(*cost, static_cast<double>(p.count("migrate-fields"))))
        .measured(migrate.stall[atOnce]);
}

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const auto layout = layoutsOf(p);
  const auto way = deletionsOf(p);
  std::vector<std::string> batches = p.texts("batches");
  batches.emplace_back(kAtOnce);
  const auto batch = Study::factor("batch", batches, [](const std::string& text) {
    return text == kAtOnce ? std::string("at once") : "batches of " + text;
  });
  const std::string server =
      s.stack({.name = "hashes",
               .up = {"node", "-maxmemory=" + p.text("maxmemory")},
               .load = faultDataSet(p),
               .prepare = [&p, layout](Bench& bench) { return makeLayouts(p, layout, bench); }});
  const Grid access = s.grid("access", {layout}, [&](const Cell& cell, unsigned) {
    return LabRun{
        .stack = server,
        .before = [&p, one = cell[layout]](Bench& bench) { return measureAccess(p, one, bench); },
        .expectedS = 2 * p.seconds("access-duration") + 0.2};
  });
  std::vector<std::string> readLabels{kWhole};
  std::ranges::copy(p.texts("stall-buckets"), std::back_inserter(readLabels));
  const Grid read = s.grid("read", {layout.pick(readLabels)}, [&](const Cell& cell, unsigned) {
    return besideLoad(p, server, [&p, one = cell[layout]](Bench& bench, const auto& isOver) {
      return readBeside(p, one, bench, isOver);
    });
  });
  const Grid remove = s.grid("delete", {way}, [&](const Cell& cell, unsigned) {
    LabRun run = besideLoad(p, server, [&p, one = cell[way]](Bench& bench, const auto& isOver) {
      return deleteBeside(p, one, bench, isOver);
    });
    run.before = [&p, one = cell[way]](Bench& bench) { return makeDoomed(p, one, bench); };
    run.expectedS = 1;
    return run;
  });
  const Grid migrate = s.grid("migrate", {batch}, [&](const Cell& cell, unsigned) {
    const std::uint64_t size =
        cell.is(batch, kAtOnce) ? 0 : static_cast<std::uint64_t>(cell.level(batch).number);
    LabRun run = besideLoad(p, server, [&p, size](Bench& bench, const auto& isOver) {
      return migrateBeside(p, size, bench, isOver);
    });
    run.before = [&p](Bench& bench) { return makeOld(p, bench); };
    run.expectedS = 1;
    return run;
  });

  const AccessFigures access_{.s = s, .cells = access.cells, .layout = layout};
  const BesideFigures read_{
      .s = s, .cells = read.cells, .what = "first HGETALL", .commands = {"hgetall"}};
  const BesideFigures delete_{
      .s = s, .cells = remove.cells, .what = "deletion", .commands = {"del", "unlink"}};
  const BesideFigures migrate_{
      .s = s, .cells = migrate.cells, .what = "migration", .commands = {"hgetall"}};
  predict(s, access_, migrate_, batch);
  tabulateLayouts(s, access_);
  plotLayouts(s, access_);
  claimStall(s, read_, layout);
  claimBest(s, access_);
  claimDeletion(s, delete_, way);
  claimMigration(s, migrate_, batch);
  claimListpacks(s, access_);
  conclude(s, access_, read_, layout);
  s.method(intervalNote(access_.getCpu[access_.whole()].estimate));
  s.method(read_.fault.spikeMethod());
  s.method(fmt::format(
      "A stall lasts from the first PING, sent every millisecond, that found no answer to its "
      "answer, less what the probe itself waited for a core; shorter ones than {} are not seen",
      formatDuration(StallWatch::kLeast)));
}

Status check(const Parameters& p) {
  if (auto moment = checkFaultMoment(p, "command"); !moment) return moment;
  for (const std::string& text : p.texts("stall-buckets"))
    if (std::ranges::find(p.texts("buckets"), text) == p.texts("buckets").end())
      return p.refuse("stall-buckets", fmt::format("{} is not one of buckets", text));
  const auto counts = p.numbers("buckets");
  if (std::ranges::any_of(counts, [&](double count) {
        return count < 2 || count > static_cast<double>(p.count("fields"));
      }))
    return p.refuse("buckets", "two or more, and no more than fields");
  if (std::ranges::find(p.texts("buckets"), p.text("compact-buckets")) == p.texts("buckets").end())
    return p.refuse("compact-buckets", "one of buckets, to compare it with");
  if (std::ranges::any_of(p.numbers("batches"), [](double size) { return size < 1; }))
    return p.refuse("batches", "one field or more");
  return {};
}

}  // namespace
}  // namespace redline::lab::big_key_remediation

namespace redline {

Experiment bigKeyRemediationExperiment() {
  using enum ParameterKind;
  return {
      .name = "big-key-remediation",
      .title = "A big hash in buckets: what it costs, and how to get there live",
      .question =
          "A hash of a million fields stalls Redis when it is read or deleted whole. Into how many "
          "buckets should it be divided, and what do memory and one access cost then? Does UNLINK "
          "take the stall out of a deletion, and can the hash be migrated to buckets under load "
          "without a stall and without a lost field?",
      .parameters =
          {{.name = "keys", .kind = count, .help = "small keys of the load"},
           {.name = "value-size", .kind = size, .help = "bytes of a small key's value"},
           {.name = "maxmemory", .kind = size, .help = "of the server; all layouts must fit"},
           {.name = "conns", .kind = count, .help = "connections of the load"},
           {.name = "rate", .kind = count, .help = "operations a second of the load"},
           {.name = "rw-ratio", .kind = share, .help = "share of reads in it"},
           {.name = "fields", .kind = count, .help = "of the big hash"},
           {.name = "field-size", .kind = size, .help = "bytes of a field's value"},
           {.name = "buckets", .kind = count, .list = true, .help = "numbers of buckets"},
           {.name = "compact-buckets",
            .kind = count,
            .help = "of these, the number that is tried with another listpack limit too"},
           {.name = "compact-entries",
            .kind = count,
            .help = "that limit: hash-max-listpack-entries"},
           {.name = "stall-buckets",
            .kind = count,
            .list = true,
            .help = "of these, the numbers that are read beside a load"},
           {.name = "most-stall",
            .kind = duration,
            .help = "that HGETALL of one bucket may take, for the recommendation"},
           {.name = "access-duration",
            .kind = duration,
            .help = "of HGETs, and as long of HGETALLs, without a load"},
           {.name = "read-for", .kind = duration, .help = "reads of buckets beside a load"},
           {.name = "deletions",
            .kind = choice,
            .list = true,
            .help = "ways to delete the hash",
            .choices = {"del", "unlink", "lazy-del", "buckets"}},
           {.name = "delete-buckets",
            .kind = count,
            .help = "of the hash that is deleted in buckets"},
           {.name = "migrate-fields", .kind = count, .help = "of the hash that is migrated"},
           {.name = "migrate-buckets", .kind = count, .help = "into which it is migrated"},
           {.name = "batches",
            .kind = count,
            .list = true,
            .help = "fields in one step of a migration"},
           {.name = "assumed-scan",
            .kind = duration,
            .help = "of a listpack's field that is passed over, for the prediction"},
           {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
           {.name = "at",
            .kind = duration,
            .help = "when the command comes, in the measured window; what is before is the "
                    "baseline"},
           {.name = "duration", .kind = duration, .help = "measured time of a run with a load"},
           {.name = "interval", .kind = duration, .help = "of the series of p99"}},
      .check = lab::big_key_remediation::check,
      .declare = lab::big_key_remediation::declare,
  };
}

}  // namespace redline
