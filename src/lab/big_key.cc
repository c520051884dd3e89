#include "chaos/big_key.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/fault_study.h"
#include "lab/format.h"
#include "model/costs.h"

namespace redline::lab::big_key {
namespace {

/// A large thing, read at once and in pages.
struct Pair {
  std::string_view atOnce, inPages;  ///< words of bigkey-on's -command
  std::string_view what;             ///< for people
};
constexpr Pair kKeys{"keys", "scan", "all keys"};
constexpr Pair kHash{"hgetall", "hscan", "a hash"};
constexpr Pair kList{"lrange", "lrange-pages", "a list"};
constexpr Pair kSet{"smembers", "sscan", "a set"};
constexpr std::array kPairs{kKeys, kHash, kList, kSet};
/// KEYS again, where its reply does not fit beside the data.
constexpr std::string_view kTight = "keys-tight";

/// How something large is read.
struct Reader {
  const BigRead* read;
  std::string what;
  bool isTight = false;
};

Factor<Reader> commands() {
  std::vector<Reader> readers;
  for (const Pair& pair : kPairs)
    for (const std::string_view word : {pair.atOnce, pair.inPages})
      readers.push_back({findBigRead(word), std::string(pair.what)});
  readers.push_back({findBigRead(kKeys.atOnce), {}, true});
  return Study::factor<Reader>("command", readers, [](const Reader& reader) {
    if (reader.isTight) return Level{std::string(kTight), "KEYS * with no room for its reply"};
    const BigRead& read = *reader.read;
    return Level{std::string(read.word),
                 fmt::format("{} of {}{}", read.command, reader.what,
                             read.word == "lrange-pages" ? ", in pages" : "")};
  });
}

/// The big keys are made before the first run, so that making them disturbs none.
Status makeBigKeys(const Parameters& p, Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  for (const Pair& pair : kPairs) {
    const BigRead& read = *findBigRead(pair.atOnce);
    if (read.what == BigRead::What::keyspace) continue;
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

LabRun readBeside(Study& s, const Reader& reader) {
  const Parameters& p = s.parameters();
  LabRun run;
  run.drives = {{.flags = driveWithFault(p, fmt::format("bigkey-on -command={} -page={}",
                                                        reader.read->word, p.text("page")))}};
  if (reader.isTight) {
    run.stack = s.stack({.name = "tight", .up = {"node"}, .load = faultDataSet(p)});
    run.before = [&p](Bench& bench) { return leaveNoRoom(p, bench); };
  } else {
    run.stack = s.stack(
        {.name = "roomy", .up = {"node"}, .load = faultDataSet(p), .prepare = [&p](Bench& bench) {
           return makeBigKeys(p, bench);
         }});
  }
  return run;
}

/// The longest call by the slow log, or by commandstats' mean where none was long enough for it.
double longestCallUs(const Reading& reading) {
  const double slow = faultFigure("slowlog_us")(reading);
  return std::isfinite(slow) ? slow
                             : faultFigure("server_us")(reading) / faultFigure("calls")(reading);
}

double elementsOf(const Reading& reading) {
  for (const char* const word : {"keys", "fields", "members"})
    if (const double read = faultFigure(word)(reading); std::isfinite(read)) return read;
  // Labs made earlier have "elements" of each, with the names and the values of a hash.
  const std::string_view command = reading.label("command");
  const bool isHash = command == kHash.atOnce || command == kHash.inPages;
  return faultFigure("elements")(reading) / (isHash ? 2 : 1);
}

// Of a whole run, where its fault took.

double missesOf(const Reading& reading) {
  return faultOf(reading) == nullptr ? kNaN : static_cast<double>(reading.summary()->cache.misses);
}
double slowestUs(const Reading& reading) {
  return faultOf(reading) == nullptr ? kNaN : latencyUs(reading, "max");
}

/// What is measured of each command, beside what FaultStudy knows.
struct Figures {
  Figures(Study& s, const Cells& cells)
      : fault(s, cells, {.what = "command"}),
        longestCall(s.quantity("us", longestCallUs, cells)),
        elements(s.mean("count", elementsOf, cells)),
        calls(fault.mean("count", "calls")),
        reply(fault.mean("bytes", "reply_bytes")),
        busy(fault.figure("us", "server_us")),
        readTime(fault.figure("s", "read_s")),
        evicted(fault.mean("count", "evicted_keys")),
        misses(s.mean("count", missesOf, cells)),
        slowest(s.mean("us", slowestUs, cells)) {}

  bool isMeasured(const Cell& cell) const {
    return fault.isMeasured(cell) && longestCall.has(cell);
  }

  FaultStudy fault;
  Quantity longestCall, elements, calls, reply;
  Quantity busy;      ///< what the command took of the main thread, all calls
  Quantity readTime;  ///< from the first call to the last reply
  Quantity evicted;   ///< while the command ran
  Quantity misses, slowest;
};

void tabulate(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  s.table("One command on something large, and the p99 of everyone else")
      .column("command", [](const Cell& cell) { return cell.title(); })
      .column("elements", f.elements)
      .column("calls", f.calls)
      .column("reply", f.reply)
      .column("longest call (slow log)", f.longestCall)
      .column("main thread busy with it", f.busy)
      .column("longest stall", f.fault.stall)
      .column("p99 of others before", f.fault.baseline)
      .column("peak p99", f.fault.peak)
      .column("spike lasted", [&](const Cell& cell) { return f.fault.lasted(cell); })
      .column("slowest operation", f.slowest)
      .column("evicted meanwhile", f.evicted)
      .validRuns()
      .note(fmt::format("{}/s on {} keys of {}, Poisson arrivals, {} reads; {} elements of about "
                        "{} in each big key, {} per page. Stall: from the first unanswered PING to "
                        "its answer.",
                        p.text("rate"), p.text("keys"), formatSize(p.size("value-size")),
                        formatShare(p.number("rw-ratio")), p.text("fields"),
                        formatSize(p.size("field-size")), p.text("page")))
      .rows(f.fault.cells());
  s.figures("longest call, {}", f.longestCall, f.fault.cells());
  s.figures("peak p99 of other keys, {}", f.fault.peak, f.fault.cells());
}

void plotPairs(Study& s, const Figures& f, const Grid& grid, const Factor<Reader>& command) {
  Plot atOnce = f.fault.plotOverTime("at-once", "Read at once: everyone waits", "the command");
  Plot inPages =
      f.fault.plotOverTime("in-pages", "Read in pages: everyone gets a turn", "the command");
  for (Plot* const plot : {&atOnce, &inPages})
    plot->describe(fmt::format("p99 of operations on other keys in each interval ({}), one run of "
                               "each command.",
                               s.parameters().text("interval")))
        .y("p99", AxisKind::latency);
  for (const Pair& pair : kPairs) {
    f.fault.addLines(atOnce, grid.where(command, pair.atOnce));
    f.fault.addLines(inPages, grid.where(command, pair.inPages));
  }
  atOnce.add();
  inPages.add();
}

/// The wedge of everyone who waits for one long command, and what is left of it in pages.
void plotWedge(Study& s, const Figures& f, const Cell& whole, const Cell& paged) {
  const auto draw = [&](const char* id, const Cell& cell, std::string title) {
    Plot plot = f.fault.plotOverTime(id, std::move(title), "the command");
    plot
        .describe(fmt::format(
            "Each operation on other keys by when it was due and how long it took, to within an "
            "interval ({}): the darker, the more. Whoever is due during a long command waits for "
            "its end. One run of each.",
            s.parameters().text("interval")))
        .y("response time", AxisKind::latency);
    f.fault.addHeat(plot, cell);
    return plot;
  };
  draw("wedge", whole, "Other keys beside " + whole.title()).main().add();
  draw("turns", paged, "Other keys beside " + paged.title()).add();
}

void claimStall(Study& s, const Figures& f, const Pair& pair, const Cell& cell) {
  const std::string id = fmt::format("stall-{}", pair.atOnce);
  if (!f.isMeasured(cell)) {
    f.fault.claimNotMeasured(cell, id);
    return;
  }
  s.claim(id, f.fault.hasSpike(cell) ? Standing::expected : Standing::contradicts)
      .headline(pair.atOnce == kHash.atOnce)
      .from("SLOWLOG, and the spike rule on p99 by interval")
      .restsOn({f.fault.baseline[cell]})
      .text(
          "{} ({} elements) blocks Redis for {} by the slow log, and no other client is served "
          "meanwhile. It multiplies p99 of other keys by {}, to {}{}",
          cell.title(), f.elements[cell].plain(), f.longestCall[cell], f.fault.multiple[cell],
          f.fault.peak[cell],
          f.fault.hasSpike(cell) ? fmt::format(". The spike lasts {}", f.fault.lasted(cell))
                                 : std::string(", which is not a spike by the rule"));
}

void claimPages(Study& s, const Figures& f, const Pair& pair, const Cell& whole,
                const Cell& paged) {
  if (!f.isMeasured(whole) || !f.isMeasured(paged)) return;
  const Measured worse = f.fault.peak.ratio(paged, whole);
  const std::string page = s.parameters().text("page");
  s.claim(fmt::format("pages-{}", pair.atOnce), expectAbove(worse))
      .headline(pair.atOnce == kHash.atOnce)
      .from("SLOWLOG and peak p99 of the two")
      .restsOn({f.longestCall[whole]})
      .text(
          "Reading {} in pages of {} ({}) shortens the longest call from {} to {}. It lowers the "
          "peak p99 of other keys from {} to {}. Reading it at once multiplies that peak by {}",
          pair.what, page, findBigRead(pair.inPages)->command, f.longestCall[whole],
          f.longestCall[paged], f.fault.peak[whole], f.fault.peak[paged], worse);
  const Measured busy = f.busy.ratio(whole, paged), readTime = f.readTime.ratio(whole, paged);
  if (busy.isKnown() && readTime.isKnown())
    s.cost(
        "Reading {} in pages takes {} and {} of {}. It is not a snapshot: changes made meanwhile "
        "may or may not be seen",
        pair.what, priceOf(busy, "main-thread time"),
        priceOf(readTime, "time from first call to last reply"), findBigRead(pair.atOnce)->command);
  if (expectAbove(worse) == Standing::expected)
    s.recommend(
        "Read {} in pages of {} rather than with {}: the peak p99 of other keys falls by a factor "
        "of {}",
        pair.what, page, findBigRead(pair.atOnce)->command, formatCount(worse.value()));
}

/// What the slow log leaves out.
void claimUnseen(Study& s, const Figures& f, const Cell& cell) {
  if (!f.isMeasured(cell)) return;
  const Measured stall = f.fault.stall[cell];
  const double slowUs = f.longestCall[cell].value();
  s.claim("slow-log", Standing::plain)
      .from("the PING probe, and SLOWLOG")
      .text("Around {} the longest stall was {}, and the slow log records {}{}", cell.title(),
            stall, formatQuantity(slowUs, "us"),
            stall.value() > slowUs
                ? fmt::format(". It leaves out {} of the stall, including the writing of the reply",
                              formatShare((stall.value() - slowUs) / stall.value()))
                : std::string(": the two agree"));
}

void claimEvictions(Study& s, const Figures& f, const Cell& tight, const Cell& roomy) {
  const Measured evicted = f.evicted[tight];
  const bool isCompared = f.evicted.has(roomy);
  s.claim("keys-evicts", evicted.value() > 0 ? Standing::expected : Standing::contradicts)
      .from("evicted_keys before and after the command")
      .restsOn(isCompared ? std::vector{evicted, f.evicted[roomy]} : std::vector{evicted})
      .text(
          "With {} free below maxmemory, the reply of KEYS * ({}) counts as Redis's memory: {} "
          "keys were evicted while it was built and sent{}. {} reads of that run missed",
          s.parameters().text("headroom"), f.reply[tight].plain(), evicted,
          isCompared ? fmt::format(". With room for it {} were", f.evicted[roomy]) : std::string(),
          f.misses[tight].plain());
  if (evicted.value() > 0)
    s.cost(
        "At its memory limit, one KEYS * evicts {} keys; each is a later miss at the store behind "
        "the cache",
        evicted);
}

void judge(Study& s, const Figures& f, const Cell& whole, const Cell& paged) {
  if (!f.isMeasured(whole)) return;
  const auto text = [&](const Cell& cell) {
    return fmt::format("{}: {} by SLOWLOG; others' p99 {} → {}", cell.title(), f.longestCall[cell],
                       f.fault.baseline[cell], f.fault.peak[cell]);
  };
  std::string detail = fmt::format("{} elements, {}/s beside it", s.parameters().text("fields"),
                                   s.parameters().text("rate"));
  std::vector<Measured> from{f.longestCall[whole]};
  if (f.isMeasured(paged)) {
    detail += fmt::format("; in pages {}", text(paged));
    from.push_back(f.longestCall[paged]);
  }
  s.slo("big-key-stall", SloVerdict::reported, text(whole), std::move(detail), from);
}

void predictCall(Study& s, const Quantity& longestCall, const Cell& cell, const Reader& reader) {
  const std::string command(reader.read->command);
  const auto cost = elementCost(command);
  if (!cost) return;
  const auto elements = static_cast<double>(
      s.parameters().count(reader.read->what == BigRead::What::keyspace ? "keys" : "fields"));
  s.predict(
       fmt::format("slow-log time of {} over {} elements", command, formatCount(elements)),
       fmt::format("{:.0f} ns for each element, on a quiet machine", cost->secondsPerElement * 1e9),
       "us", stallSeconds(*cost, elements) * 1e6)
      .measured(longestCall[cell]);
}

void conclude(Study& s, const Figures& f, const Cell& whole, const Cell& paged) {
  if (!f.isMeasured(whole) || !f.isMeasured(paged)) return;
  const std::string &elements = s.parameters().text("fields"), &page = s.parameters().text("page");
  const std::string_view command = findBigRead(kHash.atOnce)->command;
  const std::string_view pages = findBigRead(kHash.inPages)->command;
  const Measured stall = f.longestCall[whole], calm = f.fault.peak[paged];
  s.answer({stall, calm},
           fmt::format("One {} of {} elements stops Redis for {}; in pages of {} p99 of other keys "
                       "stays at {}",
                       command, elements, rounded(stall), page, rounded(calm)));
  const Measured peak = f.fault.peak[whole], worse = f.fault.peak.ratio(paged, whole);
  if (expectAbove(worse) == Standing::expected)
    s.decide({peak, worse, f.busy.ratio(whole, paged)},
             {.risk = fmt::format("one {} of {} elements", command, elements),
              .measured = fmt::format("p99 of other keys {}", rounded(peak)),
              .action = fmt::format("Read large hashes in pages with {}", pages),
              .price = priceOf(f.busy.ratio(whole, paged), "main-thread time") +
                       ", and what is read is no snapshot",
              .gain = worse.value(),
              .isStall = true,
              .runs = {}});
}

void declare(Study& s) {
  const auto command = commands();
  const Grid grid = s.grid(
      "", {command}, [&](const Cell& cell, unsigned) { return readBeside(s, cell[command]); });
  const Figures f(s, grid.cells);
  const auto cellOf = [&](std::string_view word) { return grid.at(command, word); };

  tabulate(s, f);
  plotWedge(s, f, cellOf(kHash.atOnce), cellOf(kHash.inPages));
  plotPairs(s, f, grid, command);
  for (const Pair& pair : kPairs) {
    const Cell whole = cellOf(pair.atOnce);
    predictCall(s, f.longestCall, whole, whole[command]);
    claimStall(s, f, pair, whole);
    claimPages(s, f, pair, whole, cellOf(pair.inPages));
  }
  claimUnseen(s, f, cellOf(kHash.atOnce));
  claimEvictions(s, f, cellOf(kTight), cellOf(kKeys.atOnce));
  judge(s, f, cellOf(kHash.atOnce), cellOf(kHash.inPages));
  conclude(s, f, cellOf(kHash.atOnce), cellOf(kHash.inPages));
  s.method(intervalNote(f.longestCall[cellOf(kHash.atOnce)].estimate));
  s.method(f.fault.method());
  s.method(
      "The slow log has the longest call. Where no call was long enough for it (1 ms), the figure "
      "is commandstats' mean");
}

Status check(const Parameters& p) {
  if (auto moment = checkFaultMoment(p, "command"); !moment) return moment;
  if (p.count("fields") == 0 || p.count("page") == 0)
    return p.refuse(p.count("page") == 0 ? "page" : "fields", "one or more");
  return {};
}

}  // namespace
}  // namespace redline::lab::big_key

namespace redline {

Experiment bigKeyExperiment() {
  using enum ParameterKind;
  return {
      .name = "big-key",
      .title = "Who waits for KEYS, HGETALL, LRANGE and SMEMBERS",
      .question =
          "Beside a steady load on small keys, one client reads something large with one command, "
          "and then in pages. How long does the event loop stand still, by the slow log and seen "
          "from outside? What happens to p99 of unrelated keys, and what does a reply evict that "
          "does not fit beside the data?",
      .parameters =
          {{.name = "keys", .kind = count, .help = "small keys: the load's, and KEYS's"},
           {.name = "value-size", .kind = size, .help = "bytes of a small key's value"},
           {.name = "conns", .kind = count, .help = "connections of the load"},
           {.name = "rate", .kind = count, .help = "operations a second of the load"},
           {.name = "rw-ratio", .kind = share, .help = "share of reads in it"},
           {.name = "fields", .kind = count, .help = "elements of the big hash, list and set"},
           {.name = "field-size", .kind = size, .help = "bytes of each of them"},
           {.name = "page", .kind = count, .help = "elements in one call, read in pages"},
           {.name = "headroom",
            .kind = size,
            .help = "free memory where KEYS's reply does not fit"},
           {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
           {.name = "at",
            .kind = duration,
            .help =
                "when the command comes, in the measured window; what is before is the baseline"},
           {.name = "duration", .kind = duration, .help = "measured time of a run"},
           {.name = "interval", .kind = duration, .help = "of the series of p99"}},
      .check = lab::big_key::check,
      .declare = lab::big_key::declare,
  };
}

}  // namespace redline
