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

double figureOr(const Reading& reading, std::string_view figure, double otherwise) {
  const double value = reading.figure(figure);
  return std::isfinite(value) ? value : otherwise;
}

// Of a run of ours or of a peer.
double anyRate(const Reading& r) {
  return figureOr(r, "rate_ops", achievedRate(r));
}
double anyP50(const Reading& r) {
  return figureOr(r, "p50_us", latencyUs(r, "p50"));
}
double anyP99(const Reading& r) {
  return figureOr(r, "p99_us", latencyUs(r, "p99"));
}
double anyBusy(const Reading& r) {
  return figureOr(r, "server_busy", mainThreadBusy(r));
}
double hitShare(const Reading& r) {
  const double hits = serverDelta(r, "keyspace_hits");
  return figureOr(r, "hit_share", hits / (hits + serverDelta(r, "keyspace_misses")));
}
double anyMainUs(const Reading& r) {
  return figureOr(r, "kernel_us_per_command", kernelUsPerCommand(r)) +
         figureOr(r, "user_us_per_command", userUsPerCommand(r));
}

std::vector<Labels> labelsBeside(const std::vector<Case>& ours, const std::vector<Peer>& theirs) {
  std::vector<Labels> all = labelsOf(kBeside, ours);
  for (const Peer& peer : theirs) all.push_back(labelsOf("peer", peer.name));
  return all;
}

/// Conditions: ours first, then theirs.
class Peers {
 public:
  Peers(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : document_(document),
        ours_(beside(p)),
        theirs_(peers(p)),
        runs_(readings, labelsBeside(ours_, theirs_)),
        rate_(runs_.column(anyRate)),
        p50_(runs_.column(anyP50)),
        p99_(runs_.column(anyP99)),
        mainUs_(runs_.column(anyMainUs)) {}

  void others() {
    LabTable table{.title = "Beside other generators, as fast as replies allow",
                   .head = {"generator", "ops/s", "p50", "p99", "main thread busy",
                            "main-thread µs per command", "hits", "who is the limit"},
                   .rows = {},
                   .note =
                       "In turn, on one server that holds as many keys for each of them, since "
                       "each names its keys in its own way; same connections and value size. p99 "
                       "of any closed-model run counts from its own send and says nothing of an "
                       "arrival that had to wait for it."};
    for (std::size_t i = 0; i < runs_.size(); ++i)
      if (rate_.has(i)) table.rows.push_back(row(i));
    for (std::size_t i = ours_.size(); i < runs_.size(); ++i)
      if (rate_.has(i) && peer(i).run.command == "get") explain(i);
    if (!table.rows.empty()) document_.tables.push_back(std::move(table));
  }

 private:
  const Peer& peer(std::size_t i) const { return theirs_[i - ours_.size()]; }
  bool saturates(std::size_t i) const { return runs_.mean(i, anyBusy) >= kNearlyAll; }
  bool isOurs(std::size_t i) const { return i < ours_.size(); }
  std::string nameOf(std::size_t i) const {
    if (isOurs(i)) return "redline, " + ours_[i].words;
    const PeerRun& run = peer(i).run;
    return fmt::format("{}, {} batch {}", run.tool, run.command == "get" ? "GET" : "PING",
                       run.batch);
  }

  LabTable::Row row(std::size_t i) const {
    return {{nameOf(i), words(rate_.of(i), "ops/s"), words(p50_.of(i), "us"),
             words(p99_.of(i), "us"), formatShare(runs_.mean(i, anyBusy)),
             words(mainUs_.of(i), "us"), formatShare(runs_.mean(i, hitShare)),
             saturates(i) ? "Redis's main thread" : "the generator: Redis is not saturated"},
            runs_.names({i})};
  }

  /// Why a peer's ceiling is not ours.
  void explain(std::size_t i) {
    const std::size_t own = peer(i).run.batch == 1 ? 0 : 1;
    if (!rate_.has(own)) return;
    const Estimate ratio = rate_.ratio(own, i);
    std::string why;
    if (!saturates(i))
      why = fmt::format("with Redis only {} busy: that is its own ceiling and not the server's",
                        formatShare(runs_.mean(i, anyBusy)));
    else
      why = fmt::format("both saturate Redis{}; a command costs it {} there and {} here",
                        ratio.hasInterval() && ratio.contains(1) ? ", and do not differ" : "",
                        words(mainUs_.of(i), "us"), words(mainUs_.of(own), "us"));
    addFinding(document_, Standing::plain,
               fmt::format("{} finds {} with batch {} where we find {} ({}) right beside it, {}",
                           peer(i).run.tool, words(rate_.of(i), "ops/s"), peer(i).run.batch,
                           words(rate_.of(own), "ops/s"), multiple(ratio), why),
               "its printed figures, and INFO over the same time; one server, as many keys",
               runs_.names({own, i}));
    explainPercentiles(i, own, ratio.value);
  }

  /// In a closed loop as many are in flight here as there, so by Little's law the mean goes with 1
  /// ÷ rate; what is left of a difference is what each counts.
  void explainPercentiles(std::size_t i, std::size_t own, double rates) {
    const double ours = p50_.of(own).value;
    const double theirs = p50_.of(i).value;
    if (!std::isfinite(ours) || !std::isfinite(theirs) || ours <= 0) return;
    const double left = theirs / ours * rates;
    std::string why;
    if (std::abs(left - 1) <= kSameCount)
      why = "the rates explain it";
    else if (peer(i).run.batch > 1 && peer(i).run.tool == kRedisBenchmark)
      why =
          "it stops a batch's clock at the first read that brings any of its replies, we each "
          "operation's at its own reply";
    else
      why =
          "its clock covers another part of the loop than ours (send to reply): bench/agreement "
          "takes that apart";
    addFinding(
        document_, Standing::plain,
        fmt::format("{} with batch {} prints p50 {} and p99 {}, we {} and {}. As many are in "
                    "flight, so the rates alone make {} of our p50; {} is left: {}",
                    peer(i).run.tool, peer(i).run.batch, formatQuantity(theirs, "us"),
                    formatQuantity(p99_.of(i).value, "us"), formatQuantity(ours, "us"),
                    formatQuantity(p99_.of(own).value, "us"), formatQuantity(1 / rates, "x"),
                    formatQuantity(left, "x"), why),
        "printed percentiles, and Little's law with the same number in flight",
        runs_.names({own, i}));
  }

  ExperimentDocument& document_;
  const std::vector<Case> ours_;
  const std::vector<Peer> theirs_;
  const Conditions runs_;
  const Column rate_, p50_, p99_, mainUs_;
};

}  // namespace

void analysePeers(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Peers(p, readings, document).others();
}

}  // namespace redline::ceiling
