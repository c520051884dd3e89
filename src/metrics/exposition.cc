#include "metrics/exposition.h"

#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <cstddef>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <utility>

#include "metrics/redis_metrics.h"
#include "record/cluster_tally.h"

namespace redline {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

#ifdef __clang__
constexpr const char* kCompiler = __VERSION__;
#else
constexpr const char* kCompiler = "g++ " __VERSION__;
#endif

/// One family under construction.
class Family {
 public:
  Family(MetricType type, std::string name, std::string help)
      : family_{std::move(name), std::move(help), type, {}} {}

  Family& add(double value, Labels labels = {}) {
    ClientMetric series;
    series.label = std::move(labels);
    (family_.type == MetricType::Counter ? series.counter.value : series.gauge.value) = value;
    family_.metric.push_back(std::move(series));
    return *this;
  }
  Family& add(std::uint64_t value, Labels labels = {}) {
    return add(static_cast<double>(value), std::move(labels));
  }
  Family& add(const LadderCounts& counts, Labels labels = {}) {
    ClientMetric series;
    series.label = std::move(labels);
    auto& histogram = series.histogram;
    histogram.sample_count = counts.count();
    histogram.sample_sum = counts.sumSeconds();
    for (std::size_t bound = 0; bound < kLadder.size(); ++bound)
      histogram.bucket.push_back({counts.atOrBelow(bound), toSeconds(kLadder[bound])});
    histogram.bucket.push_back({histogram.sample_count, std::numeric_limits<double>::infinity()});
    family_.metric.push_back(std::move(series));
    return *this;
  }
  MetricFamily take() { return std::move(family_); }

 private:
  MetricFamily family_;
};

Family counter(std::string name, std::string help) {
  return {MetricType::Counter, std::move(name), std::move(help)};
}
Family gauge(std::string name, std::string help) {
  return {MetricType::Gauge, std::move(name), std::move(help)};
}

std::string opName(std::size_t kind) {
  return std::string(kOpKindNames[kind]);
}

constexpr std::array<std::string_view, kMeasures> kMeasureHelp{
    "From the time an operation was due until its reply: what a user waits. At the end of a run "
    "also operations without a reply, with the time they had waited.",
    "From the time an operation was sent until its reply: what server and wire took.",
    "From the time an operation was due until it was sent, whatever the cause.",
    "The part of lateness that is the generator's own."};

using Families = std::vector<MetricFamily>;

void addRun(Families& to, const MetricsSnapshot& now) {
  to.push_back(gauge("redline_build_info", "Version of redline; always 1.")
                   .add(1.0, {{"version", now.run.version}, {"compiler", kCompiler}})
                   .take());
  to.push_back(gauge("redline_run_info", "Name of the run: its directory's; always 1.")
                   .add(1.0, {{"run", now.run.name}})
                   .take());
  Family phase =
      gauge("redline_run_phase", "1 for the phase that the run is in, 0 for the others.");
  for (std::size_t i = 0; i < kRunPhaseNames.size(); ++i)
    phase.add(i == static_cast<std::size_t>(now.phase) ? 1.0 : 0.0,
              {{"phase", std::string(kRunPhaseNames[i])}});
  to.push_back(phase.take());
  to.push_back(gauge("redline_start_time_seconds", "When this process began to serve metrics.")
                   .add(static_cast<double>(now.startedWall / kMillisecond) / 1e3)
                   .take());
  to.push_back(gauge("redline_target_operations_per_second",
                     "The rate asked for; 0: as fast as replies allow.")
                   .add(now.run.targetRate)
                   .take());
}

void addOperations(Families& to, const MetricsSnapshot& now) {
  const Counters& total = now.total;
  to.push_back(counter("redline_scheduled_operations_total", "Operations that fell due.")
                   .add(total.scheduled)
                   .take());
  Family sent = counter("redline_sent_operations_total",
                        "Operations put on the wire, each once however often it was retried.");
  Family done = counter("redline_operations_total", "Operations that ended, by how they ended.");
  for (std::size_t kind = 0; kind < kOpKinds; ++kind) {
    sent.add(total.sent[kind], {{"op", opName(kind)}});
    done.add(total.completed[kind], {{"op", opName(kind)}, {"outcome", "completed"}});
    done.add(total.failed[kind], {{"op", opName(kind)}, {"outcome", "failed"}});
  }
  to.push_back(sent.take());
  to.push_back(done.take());
  Family errors = counter("redline_errors_total", "Failed operations, by the reason.");
  for (std::size_t i = 0; i < kFailures; ++i)
    errors.add(total.failures[i], {{"kind", std::string(kFailureNames[i])}});
  to.push_back(errors.take());
  to.push_back(counter("redline_unfinished_operations_total",
                       "Operations that had neither completed nor failed when the run ended.")
                   .add(total.outstandingAtEnd)
                   .take());
  to.push_back(
      counter("redline_warmup_operations_total",
              "Completed and failed operations of the warm-up; excluded from all other counts.")
          .add(now.warmupCompleted, {{"outcome", "completed"}})
          .add(now.warmupFailed, {{"outcome", "failed"}})
          .take());
  to.push_back(gauge("redline_outstanding_operations", "Operations sent and not yet answered.")
                   .add(total.outstanding)
                   .take());
  to.push_back(gauge("redline_backlog_operations", "Operations due and not yet sent.")
                   .add(total.backlog)
                   .take());
}

void addLatency(Families& to, const MetricsSnapshot& now) {
  for (std::size_t measure = 0; measure < kMeasures; ++measure) {
    Family family{MetricType::Histogram,
                  "redline_" + std::string(kMeasureNames[measure]) + "_seconds",
                  std::string(kMeasureHelp[measure])};
    for (std::size_t kind = 0; kind < kOpKinds; ++kind)
      family.add(now.latency[measure][kind], {{"op", opName(kind)}});
    to.push_back(family.take());
  }
  to.push_back(Family{MetricType::Histogram, "redline_failed_response_seconds",
                      "Response time of failed operations, which are in no other histogram."}
                   .add(now.failed)
                   .take());
}

/// Faults of the run's plan, from the moment they begin.
void addFaults(Families& to, const MetricsSnapshot& now) {
  if (now.faults.empty()) return;
  Family active = gauge("redline_fault_active", "Faults that are under way, by their name.");
  Family begun = counter("redline_faults_total", "Faults that have begun, by their name.");
  for (const auto& [name, fault] : now.faults) {
    active.add(fault.active, {{"fault", name}});
    begun.add(fault.begun, {{"fault", name}});
  }
  to.push_back(active.take());
  to.push_back(begun.take());
}

/// Heat of the slots: 128 ranges, whose series are few enough to scrape every second, and by itself
/// each of the slots that are hottest so far.
void addSlotHeat(Families& to, const MetricsSnapshot& now) {
  constexpr std::size_t kRanges = 128;
  constexpr std::size_t kHottest = 10;
  const auto& slots = now.slots;
  if (slots.size() < kRanges) return;
  Family ranges = counter("redline_slot_range_operations_total",
                          "Operations completed, by range of hash slots: its first and last.");
  const std::size_t width = slots.size() / kRanges;
  for (std::size_t first = 0; first + width <= slots.size(); first += width) {
    const auto begin = slots.begin() + static_cast<std::ptrdiff_t>(first);
    ranges.add(std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(width), std::uint64_t{0}),
               {{"slots", fmt::format("{:05}-{:05}", first, first + width - 1)}});
  }
  to.push_back(ranges.take());
  Family hot = counter("redline_hot_slot_operations_total",
                       "Operations completed in each of the ten hash slots with most so far.");
  for (const std::size_t slot : hottestSlots(slots, kHottest))
    hot.add(slots[slot], {{"slot", std::to_string(slot)}});
  to.push_back(hot.take());
}

void addCluster(Families& to, const MetricsSnapshot& now) {
  const Counters& total = now.total;
  to.push_back(counter("redline_redirects_total",
                       "MOVED, ASK, TRYAGAIN and CLUSTERDOWN replies of a cluster.")
                   .add(total.moved, {{"kind", "moved"}})
                   .add(total.ask, {{"kind", "ask"}})
                   .add(total.tryagain, {{"kind", "tryagain"}})
                   .add(total.clusterdown, {{"kind", "clusterdown"}})
                   .take());
  if (now.nodes.empty()) return;
  Family done = counter("redline_node_operations_total", "Operations that a node has completed.");
  Family redirects =
      counter("redline_node_redirects_total", "MOVED and ASK that a node has answered.");
  Family service{MetricType::Histogram, "redline_node_service_seconds",
                 "From the time an operation was sent to a node until its reply."};
  for (const NodeInterval& node : now.nodes) {
    done.add(node.completed, {{"addr", node.addr}});
    redirects.add(node.redirected, {{"addr", node.addr}});
    service.add(node.service, {{"addr", node.addr}});
  }
  to.push_back(done.take());
  to.push_back(redirects.take());
  to.push_back(service.take());
  addSlotHeat(to, now);
}

void addCacheAndVerify(Families& to, const Counters& total) {
  to.push_back(counter("redline_cache_hits_total", "Reads that were answered with a value.")
                   .add(total.hits)
                   .take());
  to.push_back(counter("redline_cache_misses_total", "Reads that were answered with nil.")
                   .add(total.misses)
                   .take());
  to.push_back(
      counter("redline_values_checked_total", "Values verified.").add(total.checked).take());
  to.push_back(counter("redline_values_corrupt_total",
                       "Values that were wrong, including those of the warm-up.")
                   .add(total.corrupt)
                   .take());
}

/// The counts of one span of BackingCount, by the label `label`, whose values are the names without
/// their first `cut` characters.
void addCounts(Family& family, const Counters& total, BackingCount first, BackingCount last,
               const char* label, std::size_t cut) {
  for (std::size_t i = index(first); i <= index(last); ++i)
    family.add(total.backing[i], {{label, std::string(kBackingCountNames[i].substr(cut))}});
}

/// The store behind the cache, and the defences against stampedes.
void addStore(Families& to, const MetricsSnapshot& now) {
  if (!now.run.hasStore) return;
  const Counters& total = now.total;
  constexpr std::size_t kPrefix = std::string_view("store_").size();
  to.push_back(counter("redline_store_requests_total", "Rows asked for, and rows to be written.")
                   .add(total.of(BackingCount::reads), {{"op", "read"}})
                   .add(total.of(BackingCount::writes), {{"op", "write"}})
                   .take());
  Family outcomes =
      counter("redline_store_outcomes_total", "Requests to the store, by what became of them.");
  addCounts(outcomes, total, BackingCount::found, BackingCount::shed, "outcome", kPrefix);
  to.push_back(outcomes.take());
  to.push_back(Family{MetricType::Histogram, "redline_store_response_seconds",
                      "From asking the store until its outcome, its queue included."}
                   .add(now.storeRead, {{"op", "read"}})
                   .add(now.storeWrite, {{"op", "write"}})
                   .take());
  to.push_back(Family{MetricType::Histogram, "redline_store_service_seconds",
                      "From giving a request to one of the store's connections until its outcome."}
                   .add(now.storeService)
                   .take());
  to.push_back(gauge("redline_store_waiting_operations", "Operations that wait for the store.")
                   .add(total.storeWaiting)
                   .take());
  to.push_back(
      gauge("redline_store_queue_requests", "Requests that wait for one of its connections.")
          .add(total.storeQueue)
          .take());
  Family defences =
      counter("redline_miss_defences_total",
              "What the defences against stampedes did, and the races that were seen.");
  addCounts(defences, total, BackingCount::coalesced, BackingCount::staleRefills, "event", 0);
  to.push_back(defences.take());
  to.push_back(counter("redline_refills_total", "Keys written after a read had missed them.")
                   .add(total.refills, {{"outcome", "stored"}})
                   .add(total.refillsFailed, {{"outcome", "failed"}})
                   .take());
}

void addGenerator(Families& to, const MetricsSnapshot& now) {
  const Counters& total = now.total;
  to.push_back(gauge("redline_generator_threads", "Worker threads.")
                   .add(std::uint64_t{now.run.threads})
                   .take());
  to.push_back(counter("redline_generator_cpu_seconds_total",
                       "CPU time of the worker threads, spinning included.")
                   .add(toSeconds(total.cpuUser), {{"mode", "user"}})
                   .add(toSeconds(total.cpuSystem), {{"mode", "system"}})
                   .take());
  to.push_back(counter("redline_generator_core_waiting_seconds_total",
                       "Time in which workers were ready to run and other threads had their cores.")
                   .add(toSeconds(total.cpuWaiting))
                   .take());
  to.push_back(counter("redline_generator_idle_seconds_total",
                       "Of the CPU time: spinning with nothing to do, which is not busy.")
                   .add(toSeconds(total.idleTime))
                   .take());
  to.push_back(gauge("redline_generator_longest_pass_seconds",
                     "The longest pass of a worker's loop so far: the generator's own worst stall.")
                   .add(toSeconds(total.longestPass))
                   .take());
  to.push_back(
      counter("redline_batches_total", "Units written to a connection.").add(total.batches).take());
  to.push_back(counter("redline_retried_operations_total", "Operations sent again.")
                   .add(total.retried)
                   .take());
  to.push_back(counter("redline_reconnects_total", "Connections lost and opened again.")
                   .add(total.reconnects)
                   .take());
  to.push_back(counter("redline_refused_connections_total",
                       "Connections refused by a server that had reached its maxclients.")
                   .add(total.refusedConnections)
                   .take());
  to.push_back(
      counter("redline_sent_bytes_total", "Bytes sent to servers.").add(total.bytesSent).take());
  to.push_back(counter("redline_received_bytes_total", "Bytes received from servers.")
                   .add(total.bytesReceived)
                   .take());
}

}  // namespace

std::vector<MetricFamily> metricFamilies(const MetricsSnapshot& snapshot) {
  Families families;
  addRun(families, snapshot);
  addFaults(families, snapshot);
  addOperations(families, snapshot);
  addLatency(families, snapshot);
  addCluster(families, snapshot);
  addCacheAndVerify(families, snapshot.total);
  addStore(families, snapshot);
  addGenerator(families, snapshot);
  addRedisFamilies(families, snapshot);
  return families;
}

std::string exposition(const MetricsSnapshot& snapshot) {
  return prometheus::TextSerializer().Serialize(metricFamilies(snapshot));
}

}  // namespace redline
