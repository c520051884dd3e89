#include "rundir/interval_csv.h"

#include <fmt/format.h>

#include "record/latency_figures.h"
#include "rundir/csv.h"

namespace redline {
namespace {

constexpr int kMicroDecimals = 3;  // whole nanoseconds

template <typename Field>
struct CounterColumn {
  std::string_view name;
  Field Counters::* field;
};

// The columns of the interval as a whole, beside one errors_* for each kind of failure
// and one for each MitigationCount and BackingCount.
constexpr CounterColumn<std::uint64_t> kCountColumns[] = {
    {"scheduled", &Counters::scheduled},
    {"outstanding_at_end", &Counters::outstandingAtEnd},
    {"unanswered_at_end", &Counters::unansweredAtEnd},
    {"unserved_at_end", &Counters::unservedAtEnd},
    {"carried_over", &Counters::carriedOver},
    {"hits", &Counters::hits},
    {"misses", &Counters::misses},
    {"refills", &Counters::refills},
    {"refills_failed", &Counters::refillsFailed},
    {"checked", &Counters::checked},
    {"corrupt", &Counters::corrupt},
    {"outstanding", &Counters::outstanding},
    {"backlog", &Counters::backlog},
    {"batches", &Counters::batches},
    {"retried", &Counters::retried},
    {"reconnects", &Counters::reconnects},
    {"refused_connections", &Counters::refusedConnections},
    {"moved", &Counters::moved},
    {"ask", &Counters::ask},
    {"tryagain", &Counters::tryagain},
    {"clusterdown", &Counters::clusterdown},
    {"bytes_sent", &Counters::bytesSent},
    {"bytes_received", &Counters::bytesReceived},
    {"passes", &Counters::passes},
    {"idle_passes", &Counters::idlePasses},
    {"store_waiting", &Counters::storeWaiting},
    {"store_queue", &Counters::storeQueue},
};
constexpr CounterColumn<Nanos> kTimeColumns[] = {
    {"idle_s", &Counters::idleTime},          {"longest_pass_s", &Counters::longestPass},
    {"cpu_user_s", &Counters::cpuUser},       {"cpu_system_s", &Counters::cpuSystem},
    {"cpu_waiting_s", &Counters::cpuWaiting}, {"blocked_s", &Counters::blocked},
};

struct StoreColumn {
  std::string_view name;
  Histogram StoreLatency::* of;
  LatencyFigures IntervalRow::* figures;
};
constexpr StoreColumn kStoreColumns[] = {
    {"store_read", &StoreLatency::read, &IntervalRow::storeRead},
    {"store_write", &StoreLatency::write, &IntervalRow::storeWrite},
    {"store_service", &StoreLatency::service, &IntervalRow::storeService},
    {"stale_refill_age", &StoreLatency::staleRefillAge, &IntervalRow::staleRefillAge},
};

std::string errorColumn(std::size_t failure) {
  return fmt::format("errors_{}", kFailureNames[failure]);
}

/// Calls `visit(suffix, figure)` for each figure in microseconds.
template <typename Visit>
void forEachFigure(Visit&& visit) {
  visit(std::string_view("mean"), &LatencyFigures::mean);
  for (const auto& percentile : kReportedPercentiles) visit(percentile.name, percentile.figure);
  visit(std::string_view("max"), &LatencyFigures::max);
}

void addLatencyNames(CsvLine& line, std::string_view prefix) {
  line.add(fmt::format("{}_count", prefix));
  forEachFigure(
      [&](std::string_view suffix, auto) { line.add(fmt::format("{}_{}_us", prefix, suffix)); });
}

void addLatency(CsvLine& line, const LatencyFigures& figures) {
  line.add(figures.count);
  forEachFigure([&](std::string_view, double LatencyFigures::* figure) {
    if (figures.count == 0)
      line.addEmpty();
    else
      line.add(figures.*figure, kMicroDecimals);
  });
}

void addLatency(CsvLine& line, const Histogram& histogram) {
  addLatency(line, figuresOf(histogram));
}

void readLatency(CsvRow& row, std::string_view prefix, LatencyFigures& figures) {
  row.read(fmt::format("{}_count", prefix), figures.count);
  forEachFigure([&](std::string_view suffix, double LatencyFigures::* figure) {
    row.read(fmt::format("{}_{}_us", prefix, suffix), figures.*figure);
  });
}

void addWhole(CsvLine& line, const Interval& interval) {
  for (const auto& column : kCountColumns) line.add(interval.counts.*column.field);
  for (const auto& column : kTimeColumns) line.addSeconds(interval.counts.*column.field);
  for (const std::uint64_t count : interval.counts.failures) line.add(count);
  addLatency(line, interval.failed);
  for (const std::uint64_t count : interval.counts.mitigation) line.add(count);
  addLatency(line, interval.staleness);
  addLatency(line, interval.invalidationLag);
  for (const std::uint64_t count : interval.counts.backing) line.add(count);
  for (const auto& column : kStoreColumns)
    addLatency(line, interval.store ? figuresOf((*interval.store).*column.of) : LatencyFigures{});
}

void addEmptyWhole(CsvLine& line) {
  const std::size_t figures = 2 + kReportedPercentiles.size() + 1;
  const std::size_t cells = std::size(kCountColumns) + std::size(kTimeColumns) + kFailures +
                            kMitigationCounts + kBackingCounts +
                            (3 + std::size(kStoreColumns)) * figures;
  for (std::size_t i = 0; i < cells; ++i) line.addEmpty();
}

std::string kindLine(const Interval& interval, std::size_t kind, Nanos zero) {
  CsvLine line;
  line.addSeconds(interval.start - zero);
  line.addSeconds(interval.end - zero);
  line.add(kOpKindNames[kind]);
  line.add(std::uint64_t{interval.warmup}).add(std::uint64_t{interval.drain});
  const Counters& counts = interval.counts;
  line.add(counts.sent[kind]).add(counts.completed[kind]).add(counts.failed[kind]);
  for (const auto& kinds : interval.latency) addLatency(line, kinds[kind]);
  if (kind == 0)
    addWhole(line, interval);
  else
    addEmptyWhole(line);
  return std::move(line).take();
}

void readWhole(CsvRow& row, IntervalRow& interval) {
  for (const auto& column : kCountColumns) row.read(column.name, interval.counts.*column.field);
  for (const auto& column : kTimeColumns)
    row.readSeconds(column.name, interval.counts.*column.field);
  for (std::size_t failure = 0; failure < kFailures; ++failure)
    row.read(errorColumn(failure), interval.counts.failures[failure]);
  readLatency(row, "failed_response", interval.failedResponse);
  for (std::size_t count = 0; count < kMitigationCounts; ++count)
    row.read(kMitigationCountNames[count], interval.counts.mitigation[count]);
  readLatency(row, "staleness", interval.staleness);
  readLatency(row, "invalidation_lag", interval.invalidationLag);
  for (std::size_t count = 0; count < kBackingCounts; ++count)
    row.read(kBackingCountNames[count], interval.counts.backing[count]);
  for (const auto& column : kStoreColumns) readLatency(row, column.name, interval.*column.figures);
}

void readKind(CsvRow& row, std::size_t kind, IntervalRow& interval) {
  KindRow& to = interval.kinds[kind];
  row.read("sent", to.sent);
  row.read("completed", to.completed);
  row.read("failed", to.failed);
  interval.counts.sent[kind] = to.sent;
  interval.counts.completed[kind] = to.completed;
  interval.counts.failed[kind] = to.failed;
  for (std::size_t measure = 0; measure < kMeasures; ++measure)
    readLatency(row, kMeasureNames[measure], to.latency[measure]);
}

/// The interval whose first line is `first`; the lines of its other kinds follow it.
Result<IntervalRow> readInterval(const CsvTable& table, std::size_t first) {
  IntervalRow interval;
  for (std::size_t kind = 0; kind < kOpKinds; ++kind) {
    CsvRow row(table, first + kind);
    if (row.text("kind") != kOpKindNames[kind])
      return fail(table.errorAt(first + kind, fmt::format("kind is \"{}\" where \"{}\" must follow",
                                                          row.text("kind"), kOpKindNames[kind])));
    Nanos start = 0;
    row.readSeconds("start_s", start);
    if (kind == 0) {
      interval.start = start;
      row.readSeconds("end_s", interval.end);
      interval.warmup = row.text("warmup") == "1";
      interval.drain = row.text("drain") == "1";
      readWhole(row, interval);
    } else if (start != interval.start) {
      return fail(table.errorAt(first + kind, "start_s is not that of the line before"));
    }
    readKind(row, kind, interval);
    if (auto sound = row.status(); !sound) return fail(sound.error());
  }
  return interval;
}

}  // namespace

std::string intervalCsvHeader() {
  CsvLine line;
  for (const auto* name :
       {"start_s", "end_s", "kind", "warmup", "drain", "sent", "completed", "failed"})
    line.add(name);
  for (const auto measure : kMeasureNames) addLatencyNames(line, measure);
  for (const auto& column : kCountColumns) line.add(column.name);
  for (const auto& column : kTimeColumns) line.add(column.name);
  for (std::size_t failure = 0; failure < kFailures; ++failure) line.add(errorColumn(failure));
  addLatencyNames(line, "failed_response");
  for (const auto name : kMitigationCountNames) line.add(name);
  addLatencyNames(line, "staleness");
  addLatencyNames(line, "invalidation_lag");
  for (const auto name : kBackingCountNames) line.add(name);
  for (const auto& column : kStoreColumns) addLatencyNames(line, column.name);
  return std::move(line).take();
}

std::string intervalCsvLines(const Interval& interval, Nanos zero) {
  std::string lines;
  for (std::size_t kind = 0; kind < kOpKinds; ++kind) lines += kindLine(interval, kind, zero);
  return lines;
}

Result<std::vector<IntervalRow>> parseIntervalCsv(std::string_view text, std::string_view name,
                                                  std::vector<std::string>& warnings) {
  auto table = CsvTable::parse(text, name, warnings);
  if (!table) return fail(table.error());
  for (const auto* column : {"start_s", "end_s", "kind", "sent", "completed"})
    if (auto there = table->require(column); !there) return fail(there.error());
  std::vector<IntervalRow> intervals;
  const std::size_t whole = table->rows() / kOpKinds * kOpKinds;
  for (std::size_t first = 0; first < whole; first += kOpKinds) {
    auto interval = readInterval(*table, first);
    if (!interval) return fail(interval.error());
    intervals.push_back(std::move(*interval));
  }
  if (whole != table->rows())
    warnings.push_back(
        table->errorAt(whole, "the last interval is incomplete and was left out").message);
  return intervals;
}

}  // namespace redline
