// What other people's generators find on the same server, and why it differs.
#include <fmt/format.h>

#include <cmath>

#include "base/units.h"
#include "lab/ceiling.h"
#include "lab/format.h"

namespace redline::lab::ceiling {
namespace {

constexpr std::string_view kStack = "peers";
/// A p50 so near to what the rates make of it needs no other reason.
constexpr double kSameWithin = 0.1;

Factor<Peer> peersOf(const Parameters& p) {
  std::vector<Peer> all;
  const auto add = [&](std::string_view name, std::string_view tool, std::string_view command,
                       unsigned batch) {
    all.push_back({.label = fmt::format("{}-{}-b{}", name, command, batch),
                   .run = {.tool = std::string(tool),
                           .command = std::string(command),
                           .batch = batch,
                           .conns = static_cast<unsigned>(p.count("conns")),
                           .keys = p.count("keys"),
                           .valueSize = p.size("small-value"),
                           .requests = p.count("peer-requests") * (batch > 1 ? 4 : 1)}});
  };
  for (const unsigned batch : {1U, batchOf(p)}) {
    add("benchmark", kRedisBenchmark, "get", batch);
    add("benchmark", kRedisBenchmark, "ping", batch);
    add("memtier", kMemtier, "get", batch);
  }
  return Study::factor<Peer>("case", all, [](const Peer& peer) {
    return Level{.label = peer.label,
                 .title = fmt::format("{}, {} batch {}", peer.run.tool,
                                      peer.run.command == "get" ? "GET" : "PING", peer.run.batch)};
  });
}

/// Our own reads on the peers' server, by the batch that a peer sends.
Factor<Case> oursOf(const Parameters& p) {
  std::vector<Case> all{readOf(p, false, 0), readOf(p, false, batchOf(p))};
  for (Case& one : all) one.stack = kStack;
  return Study::factor<Case>("case", all, [](const Case& one) {
    return Level{.label = one.label, .title = "redline, " + one.title};
  });
}

LabRun peerRun(const PeerRun& run) {
  constexpr double kSlowestPeer = 80e3;  // requests a second
  return {.stack = std::string(kStack),
          .before = [run](Bench& bench) { return runPeer(run, bench); },
          .expectedS = 0.3 + static_cast<double>(run.requests) / kSlowestPeer / run.batch * 4};
}

Status fillAs(const Parameters& p, std::string_view tool, Bench& bench) {
  const PeerRun fill{.tool = std::string(tool),
                     .command = "set",
                     .batch = 64,
                     .conns = static_cast<unsigned>(p.count("conns")),
                     .keys = p.count("keys"),
                     .valueSize = p.size("small-value"),
                     .requests = 4 * p.count("keys")};
  // The time of the load is not a figure of any run.
  RunRecord unused;
  Bench quiet(bench.stack(), bench.directory(), bench.cpus(), unused, [] { return false; });
  const Status status = runPeer(fill, quiet);
  for (const std::string& line : unused.commands) bench.command(line);
  return status;
}

/// Each generator names its keys in its own way. One server holds as many for each of them, so that
/// all meet the same server, the same table and the same number of keys.
void declareStack(Study& s) {
  const Parameters& p = s.parameters();
  s.stack({.name = std::string(kStack),
           .up = {"node"},
           .load = dataSet(p, false),
           .prepare = [&p](Bench& bench) {
             if (const Status filled = fillAs(p, kRedisBenchmark, bench); !filled) return filled;
             return peerInstalled(kMemtier) ? fillAs(p, kMemtier, bench) : Status{};
           }});
}

// A figure of a run of ours or of a peer: a peer's own where it has one.

Measurement either(std::string_view figure, Measurement ours) {
  return [figure = std::string(figure), ours = std::move(ours)](const Reading& reading) {
    const double value = reading.figure(figure);
    return std::isfinite(value) ? value : ours(reading);
  };
}

double hitShareOf(const Reading& r) {
  const double hits = serverDelta(r, "keyspace_hits");
  return hits / (hits + serverDelta(r, "keyspace_misses"));
}

struct PeerNumbers {
  const Beside& beside;
  Quantity rate, p50, p99, mainUs;
  Quantity busy, hits, others;

  /// Our run beside a peer's.
  Cell oursFor(const Cell& peer) const {
    const bool isBatch = peer[beside.theirs].run.batch > 1;
    const Cells ours = beside.our.where(
        [&](const Cell& cell) { return (cell[beside.ours].batch > 0) == isBatch; });
    return ours.front();
  }
  bool saturates(const Cell& cell) const { return busy[cell].value() >= kNearlyAll; }
  /// `ours`: its run, or the one beside it. The lab does not watch the core while a peer runs.
  Bound boundOf(const Cell& cell, const Cell& ours) const {
    return ceiling::boundOf(busy[cell].value(), others[ours].value());
  }
};

PeerNumbers numbersOf(Study& s, const Beside& beside) {
  const Cells all = together({beside.our.cells, beside.their.cells});
  const auto mainUs = [kernel = either("kernel_us_per_command", kernelUsPerCommand),
                       user = either("user_us_per_command", userUsPerCommand)](const Reading& r) {
    return kernel(r) + user(r);
  };
  return {.beside = beside,
          .rate = s.quantity("ops/s", either("rate_ops", rateOf), all),
          .p50 = s.quantity("us", either("p50_us", latency("p50")), all),
          .p99 = s.quantity("us", either("p99_us", latency("p99")), all),
          .mainUs = s.quantity("us", mainUs, all),
          .busy = s.mean("share", either("server_busy", mainThreadBusy), all),
          .hits = s.mean("share", either("hit_share", hitShareOf), all),
          .others = s.mean("share", recorded(kOthersOnServerCore), beside.our.cells)};
}

std::string_view nameOf(Bound bound) {
  switch (bound) {
    case Bound::server:
      return "Redis's main thread";
    case Bound::sharedCore:
      return "Redis's core, which other processes used too";
    case Bound::generator:
      break;
  }
  return "the generator: Redis is not saturated";
}

void tabulateBeside(Study& s, const PeerNumbers& n) {
  const auto isOurs = [&](const Cell& cell) { return n.beside.our.has(cell); };
  s.table("Beside other generators, as fast as replies allow")
      .column("generator", &Cell::title)
      .column("ops/s", n.rate)
      .column("p50", n.p50)
      .column("p99", n.p99)
      .column("main thread busy", n.busy)
      .column("main-thread µs per command", n.mainUs)
      .column("hits", n.hits)
      .column("who is the limit",
              [&](const Cell& cell) {
                return std::string(nameOf(n.boundOf(cell, isOurs(cell) ? cell : n.oursFor(cell))));
              })
      .note(
          "In turn, on one server that holds as many keys for each of them, since each names its "
          "keys in its own way; same connections and value size. p99 of any closed-model run "
          "counts from its own send and says nothing of an arrival that had to wait for it.")
      .rows(n.rate.cells(), &n.rate);
}

/// What stops a peer, where it differs from ours.
std::string reasonOf(const PeerNumbers& n, const Cell& peer, const Cell& ours,
                     const Measured& ratio) {
  const std::string busy = format(n.busy[peer]);
  switch (n.boundOf(peer, ours)) {
    case Bound::server:
      return fmt::format("Both saturate Redis{}. A command costs it {} there and {} here",
                         ratio.estimate.hasInterval() && ratio.estimate.contains(1)
                             ? ", and the rates do not differ"
                             : "",
                         n.mainUs[peer], n.mainUs[ours]);
    case Bound::sharedCore:
      return fmt::format(
          "Redis was {} busy and other processes had its core for {} of the time: "
          "that is neither its own ceiling nor the server's",
          busy, n.others[ours]);
    case Bound::generator:
      break;
  }
  return fmt::format("Redis was only {} busy: that is its own ceiling and not the server's", busy);
}

/// In a closed loop as many are in flight here as there, so by Little's law the mean goes with 1 ÷
/// rate; what is left of a difference is what each counts.
void claimPercentiles(Study& s, const PeerNumbers& n, const Cell& peer, const Cell& ours) {
  const PeerRun& run = peer[n.beside.theirs].run;
  const double rates = n.rate[peer].value() / n.rate[ours].value();
  const double left = n.p50[peer].value() / n.p50[ours].value() * rates;
  const std::string_view reason =
      std::abs(left - 1) <= kSameWithin ? "the rates explain it"
      : run.batch > 1 && run.tool == kRedisBenchmark
          ? "it stops a batch's clock at the first read that brings any of its replies, we stop "
            "each operation's at its own reply"
          : "its clock covers another part of the loop than ours, which runs from send to reply "
            "(bench/agreement takes that apart)";
  s.claim("percentiles-" + peer[n.beside.theirs].label, Standing::plain)
      .from("printed percentiles, and Little's law with the same number in flight")
      .restsOn({n.p50[ours], n.p50[peer], n.p99[ours], n.p99[peer]})
      .text(
          "With batch {}, {} prints a p50 of {} and a p99 of {}. Ours are {} and {}. At equal "
          "concurrency the rates alone multiply our p50 by {}, and a factor of {} is left: {}",
          run.batch, run.tool, n.p50[peer].plain(), n.p99[peer].plain(), n.p50[ours].plain(),
          n.p99[ours].plain(), formatQuantity(1 / rates, "x"), formatQuantity(left, "x"), reason);
}

/// Why a peer's ceiling is not ours.
void claimPeer(Study& s, const PeerNumbers& n, const Cell& peer) {
  const PeerRun& run = peer[n.beside.theirs].run;
  const Cell ours = n.oursFor(peer);
  if (!n.rate.has(peer) || !n.rate.has(ours)) return;
  const Measured ratio = n.rate.ratio(ours, peer);
  s.claim("peer-" + peer[n.beside.theirs].label, Standing::plain)
      .from("its printed figures, and INFO over the same time; one server, as many keys")
      .text("{} finds {} with batch {}. Right beside it we find {}, so its rate ÷ ours is {}. {}",
            run.tool, n.rate[peer], run.batch, n.rate[ours], ratio, reasonOf(n, peer, ours, ratio));
  claimPercentiles(s, n, peer, ours);
}

}  // namespace

Bound boundOf(double busy, double others) {
  if (busy >= kNearlyAll) return Bound::server;
  return busy + (others > 0 ? others : 0) >= kNearlyAll ? Bound::sharedCore : Bound::generator;
}

Beside runBeside(Study& s) {
  const Parameters& p = s.parameters();
  declareStack(s);
  const auto ours = oursOf(p);
  const auto theirs = peersOf(p);
  const Beside beside{.ours = ours,
                      .theirs = theirs,
                      .our = gridOf("beside", {ours}),
                      .their = gridOf("peer", {theirs})};
  Study::inTurn(together({beside.our.cells, beside.their.cells}),
                static_cast<unsigned>(p.count("peer-repeat")),
                [&](const Cell& cell, unsigned repeat) {
                  if (beside.our.has(cell))
                    s.run(cell, repeat, closedRun(p, cell[ours]));
                  else if (peerInstalled(cell[theirs].run.tool))
                    s.run(cell, repeat, peerRun(cell[theirs].run));
                });
  return beside;
}

void judgeBeside(Study& s, const Beside& beside) {
  const PeerNumbers n = numbersOf(s, beside);
  tabulateBeside(s, n);
  for (const Cell& peer : beside.their.cells)
    if (peer[beside.theirs].run.command == "get") claimPeer(s, n, peer);
}

/// What GET costs beyond PING is the command. redis-benchmark's rate says little (it is the limit
/// itself); its server's CPU for a command says it.
void addPings(Study& s, const Beside& beside, Table& table) {
  const Cells& peers = beside.their.cells;
  const Quantity rate = s.mean("ops/s", recorded("rate_ops"), peers);
  const Quantity cost = s.mean(
      "",
      [](const Reading& r) {
        return r.figure("kernel_us_per_command") + r.figure("user_us_per_command");
      },
      peers);
  for (const unsigned batch : {1U, batchOf(s.parameters())}) {
    const Cell get = beside.their.at(beside.theirs, fmt::format("benchmark-get-b{}", batch));
    const Cell ping = beside.their.at(beside.theirs, fmt::format("benchmark-ping-b{}", batch));
    if (!cost.has(get) || !cost.has(ping)) continue;
    const double less = cost[get].value() - cost[ping].value();
    table.row({"PING instead of GET", fmt::format("GET by redis-benchmark, batch {}", batch),
               cellOf(plainRatio(rate[get], rate[ping])), cellOf(cost[ping]), cellOf(cost[get]),
               fmt::format("looking a key up and copying its value: {:.2f} µs of {} ({})", less,
                           cost[get], formatShare(less / cost[get].value()))},
              {cost[ping]});
  }
}

}  // namespace redline::lab::ceiling
