// What other people's generators find on the same server, and why it differs.
#include <fmt/format.h>

#include <cmath>

#include "base/units.h"
#include "lab/ceiling_parts.h"
#include "lab/words.h"

namespace redline::ceiling {
namespace {

constexpr double kSameCount =
    0.1;  ///< a p50 so near to what the rates make of it needs no other reason

class Peers {
 public:
  Peers(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : p_(p), readings_(readings), document_(document), closed_(p, readings) {}

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
      if (!closed_.rate.has(i)) continue;
      table.rows.push_back(
          {{"redline, " + closed_.cases[i].words, words(closed_.rate.of(i), "ops/s"),
            shortUs(closed_.runs.mean(i, latency("p50"))),
            shortUs(closed_.runs.mean(i, latency("p99"))),
            formatShare(closed_.runs.mean(i, mainThreadBusy)), decimals(closed_.mainUs(i)),
            "100.0%", closed_.limitOf(i)},
           closed_.runs.names({i})});
    }
    for (const Peer& peer : peers(p_)) {
      const auto runs = peerRuns(readings_, peer.name);
      if (runs.empty()) continue;
      const double busy = peerMean(readings_, peer.name, "server_busy");
      const double us = peerMean(readings_, peer.name, "kernel_us_per_command") +
                        peerMean(readings_, peer.name, "user_us_per_command");
      table.rows.push_back(
          {{fmt::format("{}, {} batch {}", peer.run.tool,
                        peer.run.command == "get" ? "GET" : "PING", peer.run.batch),
            formatQuantity(peerMean(readings_, peer.name, "rate_ops"), "ops/s"),
            shortUs(peerMean(readings_, peer.name, "p50_us")),
            shortUs(peerMean(readings_, peer.name, "p99_us")), formatShare(busy), decimals(us),
            formatShare(peerMean(readings_, peer.name, "hit_share")),
            busy < kNearlyAll ? "the generator: Redis is not saturated" : "Redis's main thread"},
           namesOf(runs)});
      if (peer.run.command == "get") explain(peer, busy, us);
    }
    document_.tables.push_back(std::move(table));
  }

 private:
  /// Why a peer's ceiling is not ours.
  void explain(const Peer& peer, double busy, double us) {
    const std::size_t own = peer.run.batch == 1 ? kSmall : kSmallBatch;
    const double ratio = peerMean(readings_, peer.name, "rate_ops") / closed_.rate.of(own).value;
    if (!closed_.rate.has(own) || !std::isfinite(ratio)) return;
    std::string why;
    if (busy < kNearlyAll)
      why = fmt::format("with Redis only {} busy: that is its own ceiling and not the server's",
                        formatShare(busy));
    else
      why =
          fmt::format("both saturate Redis; a command costs it {:.2f} µs there and {:.2f} µs here",
                      us, closed_.mainUs(own));
    addFinding(document_, Standing::plain,
               fmt::format("{} finds {} with batch {} where we find {} ({}), {}", peer.run.tool,
                           formatQuantity(peerMean(readings_, peer.name, "rate_ops"), "ops/s"),
                           peer.run.batch, words(closed_.rate.of(own), "ops/s"),
                           formatQuantity(ratio, "x"), why),
               "its printed figures, and INFO over the same time",
               namesOf(peerRuns(readings_, peer.name)));
    explainPercentiles(peer, own, ratio);
  }

  /// In a closed loop as many are in flight here as there, so by Little's law the mean goes with 1
  /// ÷ rate; what is left of a difference is what each counts.
  void explainPercentiles(const Peer& peer, std::size_t own, double rates) {
    const double ours = closed_.runs.mean(own, latency("p50"));
    const double theirs = peerMean(readings_, peer.name, "p50_us");
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
                    formatQuantity(peerMean(readings_, peer.name, "p99_us"), "us"),
                    formatQuantity(ours, "us"),
                    formatQuantity(closed_.runs.mean(own, latency("p99")), "us"),
                    formatQuantity(1 / rates, "x"), formatQuantity(left, "x"), why),
        "printed percentiles, and Little's law with the same number in flight",
        namesOf(peerRuns(readings_, peer.name)));
  }

  const Parameters& p_;
  const Readings& readings_;
  ExperimentDocument& document_;
  const Closed closed_;
};

}  // namespace

void analysePeers(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Peers(p, readings, document).others();
}

}  // namespace redline::ceiling
