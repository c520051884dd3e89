#include "lab/hot_key_runs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "base/units.h"
#include "lab/format.h"
#include "lab/measures.h"

namespace redline::lab::hot_key {
namespace {

/// A run's note: the address of the master that has the hottest key.
constexpr std::string_view kHotMaster = "hot_master";

constexpr std::array<Treatment, 8> kTreatments{{
    {"none", "none", "", true},
    {"local-cache", "local-cache", "-tracking=default"},
    {"local-cache-bcast", "local-cache", "-tracking=bcast"},
    {"key-split", "key-split", "-split=spread"},
    {"key-split-tag", "key-split", "-split=tag", true},  // one MSET writes all copies
    {"replica-random", "replica-read", "-replica-policy=random"},
    {"replica-nearest", "replica-read", "-replica-policy=nearest"},
    {"replica-preferred", "replica-read", "-replica-policy=replica-preferred"},
}};

// What runs.

Flags flagsOf(const Parameters& p, const Treatment& treatment) {
  if (treatment.mitigation == "none") return {};
  Flags flags{fmt::format("-mitigation={}", treatment.mitigation), std::string(treatment.variant)};
  if (treatment.mitigation == "local-cache") flags.push_back("-cache-size=" + p.text("cache-size"));
  if (treatment.mitigation == "key-split") {
    flags.push_back("-split-ways=" + p.text("split-ways"));
    flags.push_back("-hot=top:" + p.text("split-keys"));
  }
  return flags;
}

Flags dataSet(const Parameters& p, const std::string& size) {
  return {"-topology=cluster", "-keys=" + p.text("keys"), "-value-size=" + size, "-ttl-frac=0"};
}

/// A run on the cluster with values of that size. The hot master has a core of its own, so that its
/// limit shows; the other servers share the generator's.
LabRun onCluster(Study& s, const Setup& setup, const std::string& size) {
  const Parameters& p = s.parameters();
  const std::size_t hot = setup.forecast.hotMaster;
  std::vector<std::string_view> cpus(kMasters, "{generator-cpu}");
  cpus.at(hot) = "{server-cpu}";
  LabRun run;
  run.stack = s.stack({.name = "cluster-" + size,
                       .up = {"cluster", fmt::format("-masters={}", kMasters), "-replicas=1",
                              fmt::format("-master-cpus={}", fmt::join(cpus, ";")),
                              "-replica-cpus={generator-cpu}", "-maxmemory=" + p.text("maxmemory")},
                       .load = dataSet(p, size)});
  // Ports differ from start to start.
  run.before = [hot](Bench& bench) -> Status {
    bench.note(std::string(kHotMaster), bench.stack().node(hot).endpoint().text());
    return {};
  };
  return run;
}

/// Every condition at the same rate, so that they differ in where the load falls.
LabRun atOneRate(Study& s, const Setup& setup, const Cell& cell, unsigned repeat) {
  const Parameters& p = s.parameters();
  Flags keys{"-dist=" + cell[setup.dist]};
  if (cell.is(setup.dist, "zipfian")) keys.push_back("-zipf-s=" + p.text("zipf-s"));
  LabRun run = onCluster(s, setup, cell[setup.size]);
  run.labels = {{"part", "rate"}};
  run.drives = {
      {.flags = joinFlags(
           {dataSet(p, cell[setup.size]),
            keys,
            {"-rw-ratio=" + p.text("rw-ratio"), "-conns=" + p.text("conns"),
             "-threads=" + p.text("threads"), "-ledger=" + p.text("ledger"),
             "-warmup=" + p.text("warmup"),
             // Servers share the generator's core, and it sends when it is due.
             "-wait=realtime", fmt::format("-run-seed={}", repeat), "-rate=" + p.text("rate"),
             "-arrivals=poisson", "-duration=" + p.text("duration")},
            flagsOf(p, cell[setup.treatment])})}};
  return run;
}

/// One key with most of the load.
LabRun onOneKey(Study& s, const Setup& setup, const Cell& cell, unsigned repeat) {
  const Parameters& p = s.parameters();
  const Factor<std::string>& cases = setup.pinnedCase;
  const std::string& size = p.texts("value-sizes").front();
  LabRun run = onCluster(s, setup, size);
  const Flags flags = joinFlags(
      {dataSet(p, size),
       {"-dist=zipfian", "-zipf-s=" + p.text("pinned-s"), "-rw-ratio=" + p.text("pinned-rw-ratio"),
        "-pipeline=" + p.text("pinned-pipeline"), "-conns=" + p.text("conns"),
        "-threads=1",  // two would take the one core that is left from each other
        "-wait=block", "-warmup=" + p.text("warmup"), "-duration=" + p.text("duration"),
        fmt::format("-run-seed={}", repeat)}});
  if (cell.is(cases, "max")) {
    run.drives = {{.flags = joinFlags({flags, {"-rate=max"}})}};
    return run;
  }
  Drive drive{.flags = joinFlags({flags, flagsOf(p, treatmentOf(cell[cases]))})};
  const Cell fastest = gridOf("pinned", {cases}).at(cases, "max");
  drive.decide = [&p, fastest, known = drive.flags](const Readings& soFar) -> std::optional<Flags> {
    const auto rate = meanSoFar(soFar, fastest, rateOf);
    if (!rate) return std::nullopt;
    // What the saturated master does not get through queues, and delays no other node's operations.
    return joinFlags({known,
                      {fmt::format("-rate={:.0f}", p.number("pinned-share") * *rate),
                       "-arrivals=poisson", "-max-backlog=4M"}});
  };
  run.drives = {std::move(drive)};
  run.expectedS = p.seconds("warmup") + p.seconds("duration") + 0.4;
  return run;
}

Measurement hotMasterBusy() {
  return [](const Reading& reading) { return loadOf(reading).busy; };
}

/// A step of the ramp; not needed above the one at which it ends.
LabRun onTheRamp(Study& s, const Setup& setup, const Cell& cell) {
  const Parameters& p = s.parameters();
  const Factor<std::string>& rates = setup.rampRate;
  const std::string& size = p.texts("value-sizes").front();
  LabRun run = onCluster(s, setup, size);
  const Flags flags = joinFlags(
      {dataSet(p, size),
       {"-dist=zipfian", "-zipf-s=" + p.text("zipf-s"), "-rw-ratio=" + p.text("rw-ratio"),
        "-pipeline=" + p.text("pinned-pipeline"), "-conns=" + p.text("conns"), "-threads=1",
        "-wait=block", "-warmup=" + p.text("ramp-warmup"), "-duration=" + p.text("ramp-duration"),
        "-arrivals=poisson", "-max-backlog=4M", "-rate=" + cell[rates]}});
  if (cell.index(rates) == 0) {
    run.drives = {{.flags = flags}};
    return run;
  }
  const Cell before = cell.with(rates, rates.levels()[cell.index(rates) - 1].label);
  run.drives = {{.decide = [before, flags](const Readings& soFar) -> std::optional<Flags> {
    const auto busy = meanSoFar(soFar, before, hotMasterBusy());
    const auto kept = meanSoFar(soFar, before, keptUp);
    // A step that was skipped has no figures, and ends the ramp too.
    if (!busy || *busy >= kPinned || !kept || *kept < kKeepsUp) return std::nullopt;
    return flags;
  }}};
  run.expectedS = p.seconds("ramp-warmup") + p.seconds("ramp-duration") + 0.4;
  return run;
}

}  // namespace

const Treatment& treatmentOf(std::string_view name) {
  return *std::ranges::find(kTreatments, name, &Treatment::name);
}

Grids planRuns(Study& s, const Setup& setup) {
  const Parameters& p = s.parameters();
  // Uniform keys without a treatment, for contrast; Zipf keys without and with each.
  const auto isWanted = [&](const Cell& cell) {
    return cell.is(setup.dist, "zipfian") || cell.is(setup.treatment, "none");
  };
  const Grid rate{gridOf("", {setup.size, setup.dist, setup.treatment}).where(isWanted)};
  const auto addRuns = [&](const Level& size, unsigned repeats) {
    Study::inTurn(rate.where(setup.size, size.label), repeats, [&](const Cell& cell, unsigned n) {
      s.run(cell, n, atOneRate(s, setup, cell, n));
    });
  };
  const auto& sizes = setup.size.levels();
  addRuns(sizes.front(), p.repeats());
  // With the first size alone: with larger values the generator is the limit.
  const auto onPinned = [&](const Cell& cell, unsigned repeat) {
    return onOneKey(s, setup, cell, repeat);
  };
  const Grid pinned = s.gridInOrder("pinned", {setup.pinnedCase}, p.repeats(), onPinned);
  const Grid ramp = s.gridInOrder("ramp", {setup.rampRate}, 1, [&](const Cell& cell, unsigned) {
    return onTheRamp(s, setup, cell);
  });
  for (const Level& size : sizes | std::views::drop(1))
    addRuns(size, static_cast<unsigned>(p.count("other-sizes-repeat")));
  return {.rate = rate, .pinned = pinned, .ramp = ramp};
}

// What one run measured.

Load loadOf(const Reading& reading) {
  Load load;
  const Summary* const summary = reading.summary();
  if (summary == nullptr || summary->windowS <= 0) return load;
  const std::string_view hot = reading.record.note(kHotMaster);
  load.requests = load.busiest = load.busiestReplica = load.other = load.otherBusy = 0;
  for (const ClusterNodeFigures& node : summary->cluster.nodes) {
    const double requests = static_cast<double>(node.ops) / summary->windowS;
    load.requests += requests;
    load.busiest = std::max(load.busiest, requests);
    if (node.addr == hot)
      load.hot = requests;
    else if (node.role == "master")
      load.other += requests / (kMasters - 1);
    else
      load.busiestReplica = std::max(load.busiestReplica, requests);
  }
  load.perOperation =
      load.requests * summary->windowS / static_cast<double>(summary->rate.completed);
  for (const ServerFigures& server : summary->servers) {
    if (server.addr == hot) {
      // None counts as one, so that there is a ratio.
      const double reads = std::max(1.0, static_cast<double>(server.hits + server.misses));
      load.reads = reads / summary->windowS;
      load.cpu = (server.cpuUserS + server.cpuSystemS) / summary->windowS;
      load.busy = server.mainThreadUtilisation;
    } else if (server.role == "master") {
      load.otherBusy += server.mainThreadUtilisation / (kMasters - 1);
    }
  }
  return load;
}

Measurement shareOf(const FactsOf<Load>& load, double Load::* part) {
  return load.of([part](const Load& all) { return all.*part / all.requests; });
}

Measurement slotShare(const FactsOf<Load>& load, std::size_t rank) {
  return [load, rank](const Reading& reading) {
    const Summary* const summary = reading.summary();
    if (summary == nullptr || summary->cluster.hotSlots.size() <= rank) return kNaN;
    const auto ops = static_cast<double>(summary->cluster.hotSlots[rank].ops);
    return ops / summary->windowS / load(reading).requests;
  };
}

std::string Cost::staleShare() const {
  return formatShare(static_cast<double>(staleReads) / static_cast<double>(judgedReads));
}

std::string Cost::staleBound() const {
  return judgedReads == 0 ? "100%" : fmt::format("{:.2g}%", 300 / static_cast<double>(judgedReads));
}

std::string Cost::staleReadsText() const {
  return judgedReads == 0 ? "–"
                          : fmt::format("{} of {} ({})", staleReads, judgedReads, staleShare());
}

std::string Cost::ageText() const {
  return staleReads == 0 ? "–"
                         : fmt::format("{}, {}", formatQuantity(staleP99Us, "us"),
                                       formatQuantity(staleMaxUs, "us"));
}

std::string Cost::damageText() const {
  return hasDamage() ? fmt::format(". {} values were corrupt and {} acknowledged writes lost",
                                   corrupt, lostWrites)
                     : "";
}

std::string Cost::otherText(const Level& size) const {
  if (last.caches != 0)
    return fmt::format("{} caches of {} entries: {} set aside, {} used; invalidation lag p99 {}",
                       last.caches, formatCount(static_cast<double>(last.cacheEntries)),
                       formatSize(last.cacheBytes), formatSize(last.cacheBytesUsed),
                       formatQuantity(invalidationP99Us, "us"));
  if (!last.split.empty())
    return fmt::format(
        "{} more keys of {} each; {} copies per write, {} partial writes, {} keys whose copies "
        "differed at the end",
        last.splitKeys * last.splitWays, formatQuantity(size.number, "bytes"),
        formatDecimals(last.writeFanOut), partialWrites, divergentKeys);
  if (!last.replicaPolicy.empty())
    return fmt::format("replicas behind by at most {}", formatQuantity(behindBytes, "bytes"));
  return "–";
}

std::string Cost::label() const {
  if (!last.split.empty()) return formatDecimals(last.writeFanOut) + " copies a write";
  if (staleReads > 0) return staleShare() + " stale";
  if (!last.replicaPolicy.empty())
    return fmt::format("up to {} behind", formatQuantity(behindBytes, "bytes"));
  return "none seen stale";
}

std::string Cost::briefly() const {
  return staleReads == 0 ? std::string("stale reads are possible, though none was seen")
                         : fmt::format("{} of reads are stale, by up to {}", staleShare(),
                                       formatQuantity(staleMaxUs, "us"));
}

std::string Cost::text(const Level& size) const {
  const std::string stale =
      staleReads == 0
          ? fmt::format("None of {} reads was stale, so fewer than {} are at this load and lag",
                        formatCount(static_cast<double>(judgedReads)), staleBound())
          : fmt::format("{} of reads were stale, by up to {}", staleShare(),
                        formatQuantity(staleMaxUs, "us"));
  return stale + otherSentences(size);
}

std::string Cost::otherSentences(const Level& size) const {
  if (last.caches != 0)
    return fmt::format(
        ". Caches of {} entries used {} of the {} set aside. Invalidations came within {} at p99",
        formatCount(static_cast<double>(last.cacheEntries)), formatSize(last.cacheBytesUsed),
        formatSize(last.cacheBytes), formatQuantity(invalidationP99Us, "us"));
  if (!last.split.empty())
    return fmt::format(
        ". There are {} more keys of {} each. A write goes to {} copies, and {}. {}",
        last.splitKeys * last.splitWays, formatQuantity(size.number, "bytes"),
        formatDecimals(last.writeFanOut),
        partialWrites == 0 ? "none reached only some of them"
                           : fmt::format("{} reached only some of them", partialWrites),
        divergentKeys == 0 ? "No key's copies differed at the end"
                           : fmt::format("Copies of {} keys differed at the end", divergentKeys));
  if (!last.replicaPolicy.empty())
    return fmt::format(". Replicas were behind by at most {}",
                       formatQuantity(behindBytes, "bytes"));
  return {};
}

Cost costOf(const Study& s, const Cell& cell) {
  Cost cost;
  for (const Reading* const run : s.runs(cell)) {
    const Summary* const summary = run->summary();
    if (summary == nullptr) continue;
    const MitigationFigures& m = summary->mitigation;
    const auto counted = [&m](const char* name) {
      const auto found = m.counts.find(name);
      return found == m.counts.end() ? 0 : found->second;
    };
    cost.staleReads += summary->verify.stale;
    cost.judgedReads += counted("ledger_reads");
    cost.partialWrites += counted("partial_writes");
    cost.divergentKeys += m.divergentKeys;
    cost.corrupt += summary->verify.corrupt;
    cost.lostWrites += summary->verify.lostAcknowledged;
    cost.staleP99Us = std::max(cost.staleP99Us, m.staleness.p99);
    cost.staleMaxUs = std::max(cost.staleMaxUs, m.staleness.max);
    cost.invalidationP99Us = std::max(cost.invalidationP99Us, m.invalidationLag.p99);
    for (const ReplicationLagFigures& replica : m.replicas)
      cost.behindBytes = std::max(cost.behindBytes, replica.max);
    cost.last = m;
  }
  return cost;
}

}  // namespace redline::lab::hot_key
