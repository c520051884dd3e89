#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/format.h"
#include "lab/measures.h"
#include "lab/study.h"
#include "lab/tracking_clients.h"
#include "lab/tracking_runs.h"
#include "model/statistics.h"

namespace redline::lab::tracking {
namespace {

struct Mode {
  std::string_view label, title;
  TrackingMode mode;
};
constexpr std::array<Mode, 3> kModes{{{"off", "no tracking", TrackingMode::off},
                                      {"default", "default mode", TrackingMode::keysRead},
                                      {"bcast", "broadcast", TrackingMode::broadcast}}};

Factor<Mode> modesOf() {
  return Study::factor<Mode>("mode", {kModes.begin(), kModes.end()}, [](const Mode& mode) {
    return Level{.label = std::string(mode.label), .title = std::string(mode.title)};
  });
}

/// Why a copy is gone.
struct Cause {
  std::string_view label, title;
};
constexpr std::array<Cause, 4> kCauses{{{"overwrite", "overwritten"},
                                        {"delete", "deleted"},
                                        {"expire", "expired"},
                                        {"evict", "pushed out of the table"}}};

// What it means.

struct OffloadFigures {
  Study& s;
  Grid grid;
  Factor<Mode> mode;
  Factor<std::string> writes;
  Quantity requests = s.quantity("ops/s", requestsPerS, grid.cells);
  Quantity cpu = s.quantity("share", mainThreadBusy, grid.cells);
  Quantity hits = s.mean("share", localHits, grid.cells);
  Quantity lag = s.mean("us", invalidationP99, grid.cells);
  Quantity pushes = s.mean("ops/s", pushesPerS, grid.cells);
  std::string fewest = ascending(grid.cells, writes).front().level(writes).label;
  std::string most = ascending(grid.cells, writes).back().level(writes).label;

  Cell at(const std::string& share, const std::string& how) const {
    for (const Cell& cell : grid.cells)
      if (cell.is(writes, share) && cell.is(mode, how)) return cell;
    return grid.cells.front();
  }
  Measured relief(const Quantity& of, const Cell& cell) const {
    return of.ratio(cell, cell.with(mode, "off"));
  }
};

void reportOffload(const OffloadFigures& f) {
  Study& s = f.s;
  const Parameters& p = s.parameters();
  const auto relief = [&f](const Quantity& of) {
    return [&f, of](const Cell& cell) -> LabCell {
      return cell.is(f.mode, "off") ? LabCell("1×") : cellOf(f.relief(of, cell));
    };
  };
  s.table("What a local cache takes off the master")
      .column("writes", [&](const Cell& cell) { return formatShare(cell.level(f.writes).number); })
      .column("", [&](const Cell& cell) { return cell.level(f.mode).title; })
      .column("requests/s", f.requests)
      .column("fewer by", relief(f.requests))
      .column("main thread busy", f.cpu)
      .column("less by", relief(f.cpu))
      .column("local hits", f.hits)
      .column("keys invalidated/s", f.pushes)
      .column("lag p99", f.lag)
      .column("stale reads", [&](const Cell& cell) { return staleOf(s, cell).text(); })
      .validRuns()
      .note(fmt::format("{}/s with Zipf {}, {} caches. Lag: from a write's acknowledgement until "
                        "its invalidation came to another cache. Stale: reads of the {} hottest "
                        "keys that returned an older version although a later write had been "
                        "acknowledged before they were sent.",
                        p.text("rate"), p.text("zipf-s"), p.text("threads"), p.text("ledger")))
      .rows(f.grid.cells, &f.requests);
  const Cell few = f.at(f.fewest, "default"), fewBcast = f.at(f.fewest, "bcast");
  const Measured cut = f.relief(f.requests, few), cpu = f.relief(f.cpu, few);
  s.claim("offload", expectAbove(cpu))
      .from("commands and main-thread CPU by INFO, at one rate")
      .headline()
      .restsOn({cut})
      .text(
          "With {} writes a local cache in default mode takes the master's requests down by {}, "
          "and its main thread's time by {}",
          formatShare(few.level(f.writes).number), cut, cpu);
  s.figure("master's CPU cut by a local cache, fewest writes", cpu);
  const Cell many = f.at(f.most, "default");
  const Measured left = f.relief(f.cpu, many);
  s.claim("offload-writes", expectMore(cpu, left))
      .from("main-thread CPU by INFO, at one rate")
      .restsOn({left, cpu})
      .text("With {} writes the same cache takes its time down by {}",
            formatShare(many.level(f.writes).number), left);
  const Measured modes = f.cpu.ratio(few, fewBcast),
                 manyModes = f.cpu.ratio(many, f.at(f.most, "bcast"));
  s.claim("broadcast-offload", expectAbove(modes))
      .from("main-thread CPU by INFO, at one rate")
      .text(
          "Broadcasts cost the main thread {} the time of default mode with {} writes, and {} "
          "with {}",
          modes, formatShare(few.level(f.writes).number), manyModes,
          formatShare(many.level(f.writes).number));
  const Stale stale = staleOf(s, many);
  s.claim("stale-reads", stale.stale > 0 ? Standing::expected : Standing::inconclusive)
      .from("the driver's ledger")
      .restsOn({f.requests[many]})
      .text("With {} writes {} reads of the hottest keys were stale{}",
            formatShare(many.level(f.writes).number), stale.text(),
            stale.stale > 0 ? fmt::format(", by up to {}", formatQuantity(stale.worstUs, "us"))
                            : std::string());
}

struct FanFigures {
  Study& s;
  Grid grid;
  Factor<Mode> mode;
  Factor<std::string> clients;
  Cells tracked = grid.where([this](const Cell& cell) { return !cell.is(mode, "off"); });
  Quantity lag = s.quantityByGroup("us", recorded(kLagP50), byClients(tracked));
  Quantity last = s.quantityByGroup("us", recorded(kLast), byClients(tracked));
  Quantity meanLag = s.mean("us", recorded(kLagP50), tracked);
  Quantity meanLast = s.mean("us", recorded(kLast), tracked);
  Quantity ack = s.quantityByGroup("us", recorded(kAck), byClients(grid.cells));
  Quantity perWrite = s.quantityByGroup("us", recorded(kPerWrite), byClients(grid.cells));
  Quantity missing = s.total("count", recorded(kMissing), tracked);
  Quantity latest = s.mean("us", recorded(kLagMax), tracked);
  std::string most = ascending(grid.cells, clients).back().level(clients).label;

  std::vector<Cells> byClients(const Cells& cells) const {
    std::vector<Cells> groups;
    for (const Level& level : clients.levels()) {
      Cells group;
      for (const Cell& cell : cells)
        if (cell.is(clients, level.label)) group.push_back(cell);
      groups.push_back(std::move(group));
    }
    return groups;
  }
  Cell at(const std::string& how) const {
    for (const Cell& cell : grid.cells)
      if (cell.is(clients, most) && cell.is(mode, how)) return cell;
    return grid.cells.front();
  }
  /// How long a copy outlived its write at most, in any run.
  Measured latestOfAll(const Cell& cell) const {
    Measured longest = latest[cell];
    if (!longest.isKnown()) return longest;
    Estimate& estimate = longest.estimate;
    estimate.value = estimate.low = estimate.high = std::ranges::max(latest.values(cell));
    return longest;
  }
};

void reportFanOut(const FanFigures& f) {
  Study& s = f.s;
  // None of its pushes came after the acknowledgement.
  const auto gone = [](const Cell& cell, const Quantity& mean, const Quantity& of) -> LabCell {
    if (mean[cell].isKnown() && mean[cell].value() == 0) return "before it";
    return cellOf(of[cell]);
  };
  s.table("One write of a key that many clients have")
      .column("clients", [&](const Cell& cell) { return cell[f.clients]; })
      .column("", [&](const Cell& cell) { return cell.level(f.mode).title; })
      .column("written after, median", f.ack)
      .column("a copy is gone after that, median",
              [&](const Cell& cell) { return gone(cell, f.meanLag, f.lag); })
      .column("the last copy, median",
              [&](const Cell& cell) { return gone(cell, f.meanLast, f.last); })
      .column("main thread per write", f.perWrite)
      .ratio("÷ no tracking", f.perWrite,
             [&](const Cell& cell) { return cell.with(f.mode, "off"); })
      .column("never invalidated",
              [&](const Cell& cell) {
                return cell.is(f.mode, "off") ? std::string("–") : f.missing[cell].plain();
              })
      .validRuns()
      .note(
          "Written: from sending to the acknowledgement. Gone: from there until the client has "
          "read the push; all clients are connections of one thread, so times of a few "
          "microseconds are the order in which it reads. While the main thread pushes, nobody is "
          "served.")
      .rows(f.grid.cells, &f.perWrite);
  const auto place = [&](const Cell& cell) { return cell.level(f.clients).number; };
  Plot plot = s.plot("fan-out", "Until the last copy is gone, by how many clients have it");
  plot.describe(
          "The last copy: from the writer's reply on. The reply: from sending. Medians of the "
          "writes. Bars: 95% confidence.")
      .x("clients that have the key", AxisKind::logCount)
      .y("time", AxisKind::latency)
      .main();
  const auto of = [&](const char* how) { return f.grid.where(f.mode, how); };
  // Below a microsecond it is the order in which one thread reads.
  const Cells late = f.grid.where([&](const Cell& cell) {
    return cell.is(f.mode, "default") && f.meanLast.has(cell) && f.meanLast[cell].value() >= 1;
  });
  plot.line("last copy gone, default mode", f.last, late, place)
      .line("reply to the writer, default mode", f.ack, of("default"), place)
      .line("reply to the writer, broadcast", f.ack, of("bcast"), place)
      .line("reply to the writer, no tracking", f.ack, of("off"), place)
      .add();
  const Cell standard = f.at("default"), bcast = f.at("bcast"), off = f.at("off");
  const Measured dearer = f.perWrite.ratio(off, standard);
  s.claim("fan-out", expectAbove(dearer))
      .from("pushes read by all clients, and main-thread CPU by INFO")
      .headline()
      .restsOn({f.last[standard]})
      .text(
          "A write of a key that {} clients have costs the main thread {}, {} that of a plain "
          "one. The last copy is gone {} after the acknowledgement",
          f.most, f.perWrite[standard], dearer, f.last[standard]);
  s.figure(fmt::format("write of a key that {} clients have ÷ plain", f.most), dearer);
  s.figure(fmt::format("last of {} copies gone after", f.most), f.last[standard]);
  const Measured waits = f.ack.ratio(standard, bcast);
  s.claim("broadcast-order", expectAbove(waits))
      .from("times of the acknowledgement and of all pushes, at the clients")
      .restsOn({f.ack[standard], f.meanLast[bcast]})
      .text(
          "In broadcast mode the writer's reply comes {} as late as in default mode, after {}. {}",
          waits, f.ack[bcast],
          f.meanLast[bcast].value() == 0
              ? std::string("By then every copy is gone, so no read after it is stale")
              : fmt::format("The last copy is gone {} after it",
                            formatQuantity(f.meanLast[bcast].value(), "us")));
  const Measured modes = f.perWrite.ratio(standard, bcast);
  s.claim("broadcast-fan-out",
          modes.estimate.contains(1) ? Standing::inconclusive : Standing::plain)
      .from("main-thread CPU by INFO")
      .text(
          "With {} clients a broadcast costs the main thread {} of what default mode costs, for "
          "a key that all of them have",
          f.most, modes);
}

struct CauseFigures {
  Study& s;
  Grid grid;
  Factor<Cause> cause;
  Cells timed = grid.where([this](const Cell& cell) { return !cell.is(cause, "evict"); });
  Quantity p50 = s.quantity("us", recorded(kLagP50), timed);
  Quantity p99 = s.quantity("us", recorded(kLagP99), timed);
  Quantity worst = s.mean("us", recorded(kLagMax), timed);
  Quantity unwritten = s.mean("share", recorded(kUnwritten), {grid.at(cause, "evict")});
};

void reportCauses(const CauseFigures& f) {
  Study& s = f.s;
  const Parameters& p = s.parameters();
  s.table("Why a copy goes, and how late")
      .column("the key was", [&](const Cell& cell) { return cell.level(f.cause).title; })
      .column("gone after, median", f.p50)
      .column("p99", f.p99)
      .column("longest", f.worst)
      .validRuns()
      .note(fmt::format("{} clients have {} keys. Overwritten and deleted: from the "
                        "acknowledgement. Expired: from the moment that its TTL gives; nobody "
                        "asks for it again, so the active cycle finds it.",
                        p.text("cause-clients"), p.text("cause-keys")))
      .rows(f.timed, &f.p50);
  const Cell expire = f.grid.at(f.cause, "expire"), remove = f.grid.at(f.cause, "delete");
  s.claim("expiry-lags", expectMore(f.p50[expire], f.p99[remove]))
      .from("pushes read by clients, PEXPIRETIME")
      .headline()
      .text(
          "A copy of a key that expires is gone {} after its time at the median, {} at p99. A "
          "deleted one is gone within {} of the acknowledgement at p99",
          f.p50[expire], f.p99[expire], f.p99[remove]);
  s.figure("copy of an expired key gone after", f.p50[expire]);
  const Measured unwritten = f.unwritten[f.grid.at(f.cause, "evict")];
  s.claim("table-evicts", unwritten.value() > 0 ? Standing::expected : Standing::contradicts)
      .from("pushes that came though nobody wrote, tracking-table-max-keys at half of the keys")
      .text(
          "With room for half of the keys the server takes back {} of the copies that were just "
          "read, without any write",
          unwritten);
}

struct TableFigures {
  Study& s;
  Grid grid;
  Factor<Mode> mode;
  Factor<std::string> clients, keys;
  Cells standard = grid.where([this](const Cell& cell) { return cell.is(mode, "default"); });
  Quantity bytes = s.mean("bytes", recorded(kTableBytes), grid.cells);
  Quantity perKey = s.quantity(
      "bytes", [](const Reading& run) { return run.figure(kTableBytes) / run.figure(kTableKeys); },
      standard);
  Quantity items = s.mean("count", recorded(kTableItems), grid.cells);
  Quantity untracked = s.quantity("us", recorded(kUntracked), grid.cells);
  Quantity first = s.quantity("us", recorded(kFirstRead), grid.cells);
  Quantity again = s.quantity("us", recorded(kReadAgain), grid.cells);

  Cell at(const std::string& how, bool manyClients) const {
    const auto& ofClients = clients.levels();
    const std::string few = ofClients.front().label, many = ofClients.back().label;
    const std::string most = keys.levels().back().label;
    for (const Cell& cell : grid.cells)
      if (cell.is(mode, how) && cell.is(keys, most) && cell.is(clients, manyClients ? many : few))
        return cell;
    return grid.cells.front();
  }
  /// What one more client costs a key, by the cells with fewest clients and most.
  double perItem() const {
    const double few = at("default", false).level(clients).number;
    const double many = at("default", true).level(clients).number;
    return (perKey[at("default", true)].value() - perKey[at("default", false)].value()) /
           (many - few);
  }
};

void reportTable(const TableFigures& f) {
  Study& s = f.s;
  s.table("What the server remembers")
      .column("clients", [&](const Cell& cell) { return cell[f.clients]; })
      .column("keys each", [&](const Cell& cell) { return cell[f.keys]; })
      .column("", [&](const Cell& cell) { return cell.level(f.mode).title; })
      .column("pairs of key and client", f.items)
      .column("memory", f.bytes)
      .column("per key", f.perKey)
      .column("read, untracked", f.untracked)
      .column("first read", f.first)
      .column("÷ untracked",
              [&](const Cell& cell) { return cellOf(ratioWithin(cell, f.untracked, f.first)); })
      .column("read again", f.again)
      .validRuns()
      .note(
          "Every client reads every key: untracked, then for the first time with tracking on, "
          "then again. Memory: growth of used_memory without buffers of clients. CPU of the main "
          "thread by INFO, in batches of 100 reads.")
      .rows(f.grid.cells, &f.first);
  const Cell few = f.at("default", false), many = f.at("default", true);
  const Cell bcast = f.at("bcast", true);
  const double item = f.perItem();
  const Measured grows = f.perKey.ratio(few, many);
  s.claim("table-memory", expectAbove(grows))
      .from("growth of used_memory without clients' buffers; tracking_total_keys")
      .headline()
      .text(
          "A key that one client has read takes {} of the server's table, and with {} clients "
          "{}",
          f.perKey[few], many[f.clients], f.perKey[many]);
  s.figure("table's bytes per key, one client", f.perKey[few]);
  s.figure("table's bytes per key, most clients", f.perKey[many]);
  const Measured dearer = ratioWithin(many, f.untracked, f.first);
  const Measured repeated = ratioWithin(many, f.untracked, f.again);
  s.claim("read-price", expectAbove(dearer))
      .from("main-thread CPU by INFO, the same reads untracked and tracked")
      .text(
          "The first read of a key multiplies the main thread's time for it by {}, and a read "
          "again by {}",
          dearer, repeated);
  s.figure("first tracked read ÷ untracked", dearer);
  const Measured broadcast = ratioWithin(bcast, f.untracked, f.first);
  s.claim("broadcast-reads", broadcast.estimate.contains(1) ? Standing::expected : Standing::plain)
      .from("main-thread CPU by INFO; tracking_total_items")
      .restsOn({f.items[bcast]})
      .text("In broadcast mode it remembers {} pairs, and a read costs {} an untracked one",
            f.items[bcast].plain(), broadcast);
  if (!f.perKey.hasAll({few, many}) || item <= 0) return;
  const double clients = 100;
  const double limit = static_cast<double>(kDefaultLimit);
  s.recommend(
      "Plan memory for the table beside maxmemory's data: by these figures a table at its "
      "default limit takes {} with {:.0f} clients that have read all of it",
      formatSize(static_cast<std::uint64_t>(
          limit * (f.perKey[few].value() + (clients - few.level(f.clients).number) * item))),
      clients);
  s.cost(
      "Tracking in default mode takes {} of the server's memory for each key and {:.0f} B for "
      "each further client that has it",
      f.perKey[few], item);
}

struct FullFigures {
  Study& s;
  Grid grid;
  Factor<std::string> room;
  Quantity hits = s.quantity("share", localHits, grid.cells);
  Quantity requests = s.quantity("ops/s", requestsPerS, grid.cells);
  Quantity busy = s.quantity("share", mainThreadBusy, grid.cells);
  Quantity pushes = s.mean("ops/s", pushesPerS, grid.cells);
  Cell least = ascending(grid.cells, room).front(), most = ascending(grid.cells, room).back();
};

void reportFull(const FullFigures& f) {
  Study& s = f.s;
  const Parameters& p = s.parameters();
  s.table("A table without room for all keys")
      .column("room for", [&](const Cell& cell) { return formatShare(cell.level(f.room).number); })
      .column("local hits", f.hits)
      .column("requests/s at the master", f.requests)
      .column("main thread busy", f.busy)
      .column("keys invalidated/s", f.pushes)
      .validRuns()
      .note(fmt::format("tracking-table-max-keys as a share of the {} keys; {}/s with Zipf {}, {} "
                        "of them writes.",
                        p.text("keys"), p.text("rate"), p.text("zipf-s"),
                        formatShare(1 - p.number("full-reads"))))
      .rows(f.grid.cells, &f.hits);
  const Measured more = f.requests.ratio(f.most, f.least);
  s.claim("full-table", expectAbove(more))
      .from("commands by INFO and hits of the local caches, at one rate")
      .headline()
      .restsOn({f.hits[f.least], f.hits[f.most]})
      .text(
          "With room for {} of the keys the master gets {} the requests that it gets with room "
          "for all. Local hits fall from {} to {}",
          formatShare(f.least.level(f.room).number), more, f.hits[f.most], f.hits[f.least]);
  s.figure("master's requests, small table ÷ large", more);
}

void conclude(Study& s, const OffloadFigures& offload, const FanFigures& fan,
              const CauseFigures& causes, const FullFigures& full) {
  const Cell few = offload.at(offload.fewest, "default"), crowd = fan.at("default");
  const Measured cpu = offload.relief(offload.cpu, few), last = fan.last[crowd];
  s.answer({cpu, last},
           fmt::format("A local cache takes the master's CPU down by {}; with {} clients the last "
                       "copy of a key outlives its write by {}",
                       rounded(cpu), fan.most, rounded(last)));
  const Measured dearer = fan.perWrite.ratio(fan.at("off"), crowd);
  const Measured latest = fan.latestOfAll(crowd);
  s.decide({dearer, latest},
           {.risk = "a write of a key that every client caches",
            .measured = fmt::format("{} of the main thread for {} clients",
                                    rounded(fan.perWrite[crowd]), fan.most),
            .action = "Cache keys that are read far more often than written, and share one cache "
                      "between the threads of a process",
            .price = fmt::format("reads are stale for up to {}", rounded(latest)),
            .gain = dearer.value(),
            .runs = {}});
  const Cell expire = causes.grid.at(causes.cause, "expire");
  s.recommend("Give each local copy its key's TTL: the server says that a key has expired {} late",
              causes.p50[expire]);
  s.recommend(
      "Set tracking-table-max-keys above the keys that clients cache, and watch "
      "tracking_total_keys against it: a table for {} of them multiplies the master's "
      "requests by {}",
      formatShare(full.least.level(full.room).number), full.requests.ratio(full.most, full.least));
  s.alternative({last},
                "The reader: all clients are connections of one thread, which reads their "
                "pushes one after the other. Clients of their own would have them sooner, "
                "by what a read costs that thread");
  s.alternative({cpu},
                "Threads: each worker's cache serves one thread of a process, so what is "
                "taken off the master depends on how many there are");
}

struct Model {
  const Parameters& p;
  double pushUs = p.seconds("assumed-push") * 1e6;

  double lastUs(double clients) const { return clients * pushUs; }
  double tableBytes(double keys, double clients) const {
    return keys * (static_cast<double>(p.size("assumed-key-bytes")) +
                   clients * static_cast<double>(p.size("assumed-client-bytes")));
  }
};

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const auto mode = modesOf();
  const std::string loaded = s.stack({.name = "loaded", .up = {"node"}, .load = dataSet(p)});
  const std::string empty = s.stack({.name = "empty", .up = {"node"}});

  const auto writes = Study::factor("writes", p.texts("write-shares"));
  const Grid offload = s.grid("offload", {writes, mode}, [&](const Cell& cell, unsigned repeat) {
    LabRun run{.stack = loaded};
    run.drives = {
        {.flags = joinFlags(
             {cachedLoad(p, fmt::format("{}", 1 - cell.level(writes).number), cell[mode].label),
              {fmt::format("-run-seed={}", repeat)}})}};
    return run;
  });
  const auto clients = Study::factor("clients", p.texts("clients"));
  const Grid fan = s.grid("fan-out", {clients, mode}, [&](const Cell& cell, unsigned) -> LabRun {
    const FanOut plan{cell[mode].mode, *parseCount(cell[clients]), p.count("fan-out-writes"),
                      p.size("value-size")};
    return {.stack = empty,
            .before = [plan](Bench& bench) { return fanOut(bench, plan); },
            .expectedS = 0.2 + 1e-5 * static_cast<double>(plan.clients * plan.writes)};
  });
  const auto cause =
      Study::factor<Cause>("cause", {kCauses.begin(), kCauses.end()}, [](const Cause& each) {
        return Level{.label = std::string(each.label), .title = std::string(each.title)};
      });
  const Grid causes = s.grid("cause", {cause}, [&](const Cell& cell, unsigned) -> LabRun {
    const CausePlan plan{std::string(cell[cause].label), p.count("cause-clients"),
                         p.count("cause-keys")};
    return {
        .stack = empty,
        .before = [plan](Bench& bench) { return causeGone(bench, plan); },
        .expectedS = cell.is(cause, "expire") ? 0.6 + 3e-3 * static_cast<double>(plan.keys) : 0.4};
  });
  const auto tableClients = Study::factor("clients", p.texts("table-clients"));
  const auto tableKeys = Study::factor("keys", p.texts("table-keys"));
  const Grid table = [&] {
    const Grid all = gridOf("table", {tableClients, tableKeys, mode.pick({"default", "bcast"})});
    // Broadcasts leave nothing behind, so the largest says it.
    const Grid some{all.where([&](const Cell& cell) {
      return cell.is(mode, "default") || (cell.is(tableClients, p.texts("table-clients").back()) &&
                                          cell.is(tableKeys, p.texts("table-keys").back()));
    })};
    Study::inTurn(some.cells, p.repeats(), [&](const Cell& cell, unsigned repeat) {
      const TablePlan plan{cell[mode].mode, *parseCount(cell[tableClients]),
                           *parseCount(cell[tableKeys]), p.size("value-size")};
      s.run(cell, repeat,
            {.stack = empty,
             .before = [plan](Bench& bench) { return fillTable(bench, plan); },
             .expectedS = 0.3 + 6e-6 * static_cast<double>(plan.clients * plan.keys)});
    });
    return some;
  }();
  const auto room = Study::factor("room", p.texts("full-shares"));
  const Grid full = s.grid("full", {room}, [&](const Cell& cell, unsigned repeat) {
    const auto limit = std::max<std::uint64_t>(
        1,
        static_cast<std::uint64_t>(cell.level(room).number * static_cast<double>(p.count("keys"))));
    LabRun run{.stack = s.stack({.name = "room-" + cell.level(room).slug(),
                                 .up = {"node", fmt::format("-redis-config=tracking-table-max-keys "
                                                            "{}",
                                                            limit)},
                                 .load = dataSet(p)}),
               .fresh = true};  // keys of connections that are gone stay in the table
    run.drives = {{.flags = joinFlags({cachedLoad(p, p.text("full-reads"), "default"),
                                       {fmt::format("-run-seed={}", repeat)}})}};
    return run;
  });

  const OffloadFigures offloadFigures{s, offload, mode, writes};
  const FanFigures fanFigures{s, fan, mode, clients};
  const CauseFigures causeFigures{s, causes, cause};
  const TableFigures tableFigures{s, table, mode, tableClients, tableKeys};
  const FullFigures fullFigures{s, full, room};
  const Model model{p};
  const double crowd = ascending(fan.cells, clients).back().level(clients).number;
  const Prediction last =
      s.predict(fmt::format("last of {} copies gone after", fanFigures.most),
                fmt::format("one push after the other; {} a push, assumed", p.text("assumed-push")),
                "us", model.lastUs(crowd));
  const Cell many = tableFigures.at("default", true);
  const Prediction bytes = s.predict(
      fmt::format("table of {} keys that {} clients have", many[tableKeys], many[tableClients]),
      fmt::format("{} a key and {} a client that has it, assumed", p.text("assumed-key-bytes"),
                  p.text("assumed-client-bytes")),
      "bytes", model.tableBytes(many.level(tableKeys).number, many.level(tableClients).number));
  const Prediction expiry = s.predict("copy of an expired key gone after, median",
                                      fmt::format("half of the period of active expiry, {} assumed",
                                                  p.text("assumed-expiry-period")),
                                      "us", 0.5e6 * p.seconds("assumed-expiry-period"));

  reportFanOut(fanFigures);
  reportOffload(offloadFigures);
  reportCauses(causeFigures);
  reportTable(tableFigures);
  reportFull(fullFigures);
  conclude(s, offloadFigures, fanFigures, causeFigures, fullFigures);
  last.measured(fanFigures.last[fanFigures.at("default")]);
  bytes.measured(tableFigures.bytes[many]);
  expiry.measured(causeFigures.p50[causes.at(cause, "expire")]);
  s.method(
      "Clients of an action are connections of one thread on the generator's core, which "
      "sends, reads and takes the times. Every such run begins with FLUSHALL, which empties "
      "the table of tracked keys");
  s.method(intervalNote(fanFigures.perWrite[fan.cells.front()].estimate));
}

Status check(const Parameters& p) {
  for (const std::string& share : p.texts("write-shares"))
    if (*parseNumber(share) <= 0 || *parseNumber(share) >= 1)
      return p.refuse("write-shares",
                      "writes make copies old and reads make them: between 0 and "
                      "1");
  for (const std::string& share : p.texts("full-shares"))
    if (*parseNumber(share) <= 0) return p.refuse("full-shares", "0 is no limit at all");
  if (p.count("ledger") == 0 || p.count("ledger") > p.count("keys"))
    return p.refuse("ledger", "staleness is found by the ledger: 1 or more, and no more than keys");
  if (p.texts("table-clients").size() < 2)
    return p.refuse("table-clients", "what a further client costs needs two numbers of them");
  return {};
}

}  // namespace
}  // namespace redline::lab::tracking

namespace redline {

Experiment trackingExperiment() {
  using enum ParameterKind;
  return {
      .name = "tracking",
      .title = "Client-side caching with CLIENT TRACKING",
      .question =
          "Clients keep copies of what they read, and the server tells them when a key changes. "
          "How "
          "much does that take off the master, how long after a write is the last copy gone as "
          "more clients have it, and what do the server's table of keys and clients, and a table "
          "that is full, cost in memory and CPU, in default mode and in broadcast mode?",
      .parameters =
          {{.name = "keys", .kind = count, .help = "keys of the data set"},
           {.name = "value-size", .kind = size, .help = "bytes of a value"},
           {.name = "zipf-s", .kind = number, .help = "exponent of the Zipf distribution"},
           {.name = "rate", .kind = count, .help = "operations a second, cache hits included"},
           {.name = "conns", .kind = count, .help = "connections of the driver"},
           {.name = "threads", .kind = count, .help = "workers, each with a cache of its own"},
           {.name = "ledger", .kind = count, .help = "keys whose reads are judged, the hottest"},
           {.name = "cache-size", .kind = size, .help = "memory of each cache"},
           {.name = "write-shares",
            .kind = share,
            .list = true,
            .help = "shares of writes at which caches are compared"},
           {.name = "warmup", .kind = duration, .help = "sent before, not measured: caches fill"},
           {.name = "duration", .kind = duration, .help = "measured time of each condition"},
           {.name = "clients",
            .kind = count,
            .list = true,
            .help = "clients that have a key when it is written"},
           {.name = "fan-out-writes", .kind = count, .help = "keys that are written then"},
           {.name = "cause-clients", .kind = count, .help = "clients that have a key that goes"},
           {.name = "cause-keys", .kind = count, .help = "keys that go"},
           {.name = "table-clients",
            .kind = count,
            .list = true,
            .help = "clients that fill the table, ascending"},
           {.name = "table-keys",
            .kind = count,
            .list = true,
            .help = "keys that each of them reads, ascending"},
           {.name = "full-shares",
            .kind = share,
            .list = true,
            .help = "of the keys, those that the table has room for"},
           {.name = "full-reads", .kind = share, .help = "share of reads there"},
           {.name = "assumed-push",
            .kind = duration,
            .help = "main-thread time of an invalidation, for the prediction"},
           {.name = "assumed-key-bytes",
            .kind = size,
            .help = "of the table for a key, for the prediction"},
           {.name = "assumed-client-bytes",
            .kind = size,
            .help = "and for each client that has it"},
           {.name = "assumed-expiry-period",
            .kind = duration,
            .help = "between two cycles of active expiry, for the prediction"}},
      .check = lab::tracking::check,
      .declare = lab::tracking::declare,
  };
}

}  // namespace redline
