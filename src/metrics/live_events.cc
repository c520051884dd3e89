#include "metrics/live_events.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>

#include "base/numbers.h"
#include "json/json.h"
#include "record/latency_figures.h"
#include "record/run_totals.h"

namespace redline {

// What lists of the events consist of.
struct LiveServerSoFar {
  const ServerFigures& figures;
};
struct LiveNode {
  const ClusterNodeFigures& figures;
};
struct LiveSlot {
  const HotSlotFigures& figures;
};

namespace {

/// Thousandths are enough for a picture, and short.
double rounded(double value) {
  return std::round(value * 1e3) / 1e3;
}

/// A share of a point, with a thousandth of a percent.
double roundedShare(double share) {
  return std::round(share * 1e5) / 1e5;
}

double operations(const std::array<std::uint64_t, kOpKinds>& counts) {
  return static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
}

template <typename View, typename Figures>
std::vector<View> viewsOf(const std::vector<Figures>& all) {
  std::vector<View> views;
  views.reserve(all.size());
  for (const Figures& each : all) views.push_back({each});
  return views;
}

std::string_view phaseName(RunPhase phase) {
  return kRunPhaseNames[static_cast<std::size_t>(phase)];
}

}  // namespace

void visit(JsonWriter& json, const LiveServerStep& server) {
  const ServerFigures& figures = server.figures;
  const bool isNew = server.spanS > 0;
  const auto perSecond = [&](std::uint64_t count) {
    return isNew ? rounded(static_cast<double>(count) / server.spanS) : kNaN;
  };
  json.field("addr", figures.addr);
  json.field("role", figures.role);
  json.field("cpu", isNew ? roundedShare(figures.mainThreadUtilisation) : kNaN);
  json.field("memory", figures.usedMemory);
  json.field("ops", perSecond(figures.ops));
  json.field("evicted", perSecond(figures.evicted));
  json.field("expired", perSecond(figures.expired));
}

void visit(JsonWriter& json, const LiveServerSoFar& server) {
  const ServerFigures& figures = server.figures;
  json.field("addr", figures.addr);
  json.field("role", figures.role);
  json.field("version", figures.version);
  json.field("ops", figures.ops);
  json.field("main_thread_utilisation", figures.mainThreadUtilisation);
  json.field("hits", figures.hits);
  json.field("misses", figures.misses);
  json.field("evicted", figures.evicted);
  json.field("expired", figures.expired);
  json.field("used_memory", figures.usedMemory);
}

void visit(JsonWriter& json, const LiveNode& node) {
  json.field("addr", node.figures.addr);
  json.field("role", node.figures.role);
  json.field("slots", node.figures.slots);
  json.field("ops", node.figures.ops);
  json.field("redirected", node.figures.redirected);
}

void visit(JsonWriter& json, const LiveSlot& slot) {
  json.field("slot", slot.figures.slot);
  json.field("node", slot.figures.node);
  json.field("ops", slot.figures.ops);
}

namespace {

void addLatency(JsonWriter& json, std::string_view name, const LatencyFigures& latency) {
  json.object(name, [&](JsonWriter& figures) {
    const auto known = [&](double value) { return latency.count == 0 ? kNaN : rounded(value); };
    figures.field("p50", known(latency.p50));
    figures.field("p99", known(latency.p99));
    figures.field("p999", known(latency.p999));
    figures.field("max", known(latency.max));
  });
}

/// Requests to the store a second, by outcome, and its levels.
void addStorePoint(JsonWriter& json, const LivePoint& point) {
  const Counters& counts = point.counts;
  const double spanS = toSeconds(point.end - point.start);
  const auto rateOf = [&](std::uint64_t count) {
    return spanS > 0 ? rounded(static_cast<double>(count) / spanS) : 0;
  };
  json.object("store", [&](JsonWriter& store) {
    store.field("reads", rateOf(counts.of(BackingCount::reads)));
    store.field("writes", rateOf(counts.of(BackingCount::writes)));
    store.field("found", rateOf(counts.of(BackingCount::found)));
    store.field("missing", rateOf(counts.of(BackingCount::missing)));
    store.field("failed", rateOf(storeFailures(counts)));
    store.field("timed_out", rateOf(counts.of(BackingCount::timedOut)));
    store.field("shed", rateOf(counts.of(BackingCount::shed)));
    store.field("waiting", counts.storeWaiting);
    store.field("queue", counts.storeQueue);
    addLatency(store, "read", *point.storeRead);
  });
}

void addPercentiles(JsonWriter& json, std::string_view name, const LatencyFigures& figures) {
  json.object(name, [&](JsonWriter& latency) {
    latency.field("count", figures.count);
    for (const auto& [percentile, share, figure] : kReportedPercentiles)
      latency.field(percentile, figures.*figure);
    latency.field("max", figures.max);
    latency.field("lower_bounds", figures.lowerBounds);
  });
}

void addSummary(JsonWriter& json, const Summary& summary, double generatorCores) {
  json.field("valid", summary.valid);
  json.field("invalid_reasons", textsOf(summary.invalidReasons));
  json.field("notes", summary.notes);
  json.field("window_s", summary.windowS);
  json.object("rate", [&](JsonWriter& rate) {
    rate.field("target", summary.rate.target);
    rate.field("achieved", summary.rate.achieved);
    rate.field("scheduled", summary.rate.scheduled);
    rate.field("completed", summary.rate.completed);
    rate.field("failed", summary.rate.failed);
    rate.field("outstanding", summary.rate.outstanding);
    rate.field("overloaded", summary.rate.overloaded);
    rate.field("errors", summary.rate.errors);
  });
  json.object("latency_us", [&](JsonWriter& measures) {
    for (const Measure measure : kLiveMeasures) {
      const std::string_view name = kMeasureNames[index(measure)];
      addPercentiles(measures, name, summary.latency.at(std::string(name)).at("all"));
    }
  });
  json.object("cache", [&](JsonWriter& cache) {
    cache.field("hits", summary.cache.hits);
    cache.field("misses", summary.cache.misses);
    cache.field("hit_rate", summary.cache.hitRate);
  });
  json.object("verify", [&](JsonWriter& verify) {
    verify.field("checked", summary.verify.checked);
    verify.field("corrupt", summary.verify.corrupt);
    verify.field("stale", summary.verify.stale);
  });
  json.object("cluster", [&](JsonWriter& cluster) {
    cluster.field("moved", summary.cluster.moved);
    cluster.field("ask", summary.cluster.ask);
    cluster.field("tryagain", summary.cluster.tryagain);
    cluster.field("clusterdown", summary.cluster.clusterdown);
    cluster.field("nodes", viewsOf<LiveNode>(summary.cluster.nodes));
    cluster.field("hot_slots", viewsOf<LiveSlot>(summary.cluster.hotSlots));
  });
  if (!summary.backing.store.empty())
    json.object("backing", [&](JsonWriter& backing) {
      backing.field("counts", summary.backing.counts);
      addPercentiles(backing, "read_us", summary.backing.read);
      addPercentiles(backing, "write_us", summary.backing.write);
      addPercentiles(backing, "service_us", summary.backing.service);
      backing.field("longest_queue", summary.backing.longestQueue);
      backing.field("most_waiting", summary.backing.mostWaiting);
    });
  json.object("generator", [&](JsonWriter& generator) {
    generator.field("utilisation", summary.generator.utilisation);
    generator.field("cpu_cores", roundedShare(generatorCores));
    generator.field("waiting_for_core", summary.generator.waitingForCore);
    generator.field("steal", summary.generator.steal);
  });
  json.field("servers", viewsOf<LiveServerSoFar>(summary.servers));
}

}  // namespace

std::string helloEvent(std::string_view kind, std::string_view version) {
  JsonDocument document;
  JsonWriter json = document.writer();
  json.field("kind", kind);
  json.field("version", version);
  return document.text(-1);
}

std::string runEvent(const LiveRunPlan& plan, std::uint64_t run) {
  JsonDocument document;
  JsonWriter json = document.writer();
  json.field("run", run);
  json.field("kind", plan.kind);
  json.field("name", plan.name);
  json.field("title", plan.title);
  json.field("command", plan.command);
  json.field("target", plan.targetRate);
  json.field("closed", plan.isClosed);
  json.field("cluster", plan.isCluster);
  json.field("ledger", plan.hasLedger);
  json.field("store", plan.hasStore);
  json.field("began", plan.clock.wallMillis(plan.clock.zero));
  json.field("warmup_s", toSeconds(plan.warmup));
  json.field("duration_s", toSeconds(plan.duration));
  return document.text(-1);
}

std::string pointEvent(const LivePoint& point, const RunClock& clock) {
  const Counters& counts = point.counts;
  const double spanS = toSeconds(point.end - point.start);
  const auto perSecond = [&](double count) { return spanS > 0 ? rounded(count / spanS) : 0; };
  const auto rateOf = [&](std::uint64_t count) { return perSecond(static_cast<double>(count)); };
  JsonDocument document;
  JsonWriter json = document.writer();
  json.field("run", point.run);
  json.field("at", clock.wallMillis(point.end));
  json.field("span_s", rounded(spanS));
  json.field("phase", phaseName(point.phase));
  json.field("completed",
             perSecond(operations(counts.completed) + static_cast<double>(counts.carriedOver)));
  json.field("failed", perSecond(operations(counts.failed)));
  json.field("hits", rateOf(counts.hits));
  json.field("misses", rateOf(counts.misses));
  json.field("moved", rateOf(counts.moved));
  json.field("ask", rateOf(counts.ask));
  json.field("tryagain", rateOf(counts.tryagain));
  json.field("clusterdown", rateOf(counts.clusterdown));
  json.field("stale", rateOf(counts.of(MitigationCount::stale)));
  json.field("outstanding", counts.outstanding);
  json.field("backlog", counts.backlog);
  json.field("generator", roundedShare(point.generatorBusy));
  json.field("generator_waiting", roundedShare(point.generatorWaiting));
  for (std::size_t i = 0; i < kLiveMeasures.size(); ++i)
    addLatency(json, kMeasureNames[index(kLiveMeasures[i])], point.latency[i]);
  if (point.storeRead) addStorePoint(json, point);
  json.field("servers", point.servers);
  return document.text(-1);
}

std::string summaryEvent(const LiveSummary& about, const Summary& summary) {
  JsonDocument document;
  JsonWriter json = document.writer();
  json.field("run", about.run);
  json.field("phase", phaseName(about.phase));
  json.field("final", about.isFinal);
  json.field("judged", about.isJudged);
  addSummary(json, summary, about.generatorCores);
  return document.text(-1);
}

std::string faultEvent(const Event& event, std::uint64_t run, const RunClock& clock) {
  JsonDocument document;
  JsonWriter json = document.writer();
  json.field("run", run);
  json.field("at", clock.wallMillis(event.at));
  json.field("name", event.name);
  json.field("phase", event.phase);
  json.field("node", event.node);
  json.field("detail", event.detail);
  json.field("duration_s", toSeconds(event.duration));
  return document.text(-1);
}

std::string slotsEvent(std::span<const std::uint64_t> slots, std::uint64_t run) {
  JsonDocument document;
  JsonWriter json = document.writer();
  json.field("run", run);
  json.field("heat", slotHeat(slots));
  return document.text(-1);
}

std::string slotHeat(std::span<const std::uint64_t> slots) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  constexpr double kEven = 21, kPerDoubling = 7;
  const auto total =
      static_cast<double>(std::accumulate(slots.begin(), slots.end(), std::uint64_t{0}));
  std::string heat(slots.size(), kAlphabet[0]);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i] == 0) continue;
    const double share = static_cast<double>(slots[i]) * static_cast<double>(slots.size()) / total;
    const double level = std::round(kEven + kPerDoubling * std::log2(share));
    heat[i] = kAlphabet[static_cast<std::size_t>(std::clamp(level, 1.0, 63.0))];
  }
  return heat;
}

}  // namespace redline
