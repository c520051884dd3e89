#include "lab/stampede_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <thread>

#include "base/clock.h"
#include "base/text.h"
#include "lab/cold_cache.h"
#include "lab/measures.h"
#include "lab/slow_store.h"
#include "model/statistics.h"
#include "record/histogram.h"

namespace redline::lab::stampede {
namespace {

Result<double> scansOf(PgAdmin& store) {
  constexpr int kTries = 500;
  for (int i = 0; i < kTries; ++i) {
    const auto sessions = store.value(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> "
        "pg_backend_pid()");
    if (!sessions) return fail(sessions.error());
    if (*sessions == "0") {
      // A table of one row is scanned without its index.
      const auto scans = store.value(fmt::format(
          "SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = '{}'",
          kSlowRows));
      if (!scans) return fail(scans.error());
      return toNumber<double>(*scans).value_or(kNaN);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return fail(ErrorCode::io, "sessions of the drivers are still connected to PostgreSQL");
}

Status noteScansAs(const char* figure, Bench& bench) {
  const auto store = bench.store();
  if (!store) return fail(store.error());
  const auto scans = scansOf(**store);
  if (!scans) return fail(scans.error());
  bench.figure(figure, *scans);
  return {};
}

/// An interval of one drive, on the clock of all.
struct Moment {
  double startS = 0, endS = 0;
  double reads = 0;         ///< of the store
  double slowestUs = kNaN;  ///< not a number: nothing was answered

  double middleS() const { return (startS + endS) / 2; }
};

struct Moments {
  std::vector<Moment> all;      ///< by their begin; warm-up and drain included
  Stretch window{-1e18, 1e18};  ///< that every drive measured
};

Moments momentsOf(const Reading& reading) {
  Moments moments;
  const auto zeroOf = [](const RunDir& dir) { return dir.plan ? dir.plan->clockZero : 0; };
  for (const RunDir& dir : reading.dirs) {
    const double zeroS = toSeconds(zeroOf(dir) - zeroOf(reading.dirs.front()));
    Stretch measured{1e18, -1e18};
    for (const IntervalRow& row : dir.intervals) {
      if (row.end <= row.start) continue;
      const LatencyFigures& response = row.of(OpKind::get).of(Measure::response);
      const Moment moment{zeroS + toSeconds(row.start), zeroS + toSeconds(row.end),
                          static_cast<double>(row.counts.of(BackingCount::reads)),
                          response.count > 0 ? response.max : kNaN};
      moments.all.push_back(moment);
      if (!row.isMeasured()) continue;
      measured = {std::min(measured.fromS, moment.startS), std::max(measured.toS, moment.endS)};
    }
    moments.window = {std::max(moments.window.fromS, measured.fromS),
                      std::min(moments.window.toS, measured.toS)};
  }
  std::ranges::sort(moments.all, {}, &Moment::startS);
  return moments;
}

/// All of them, those that reach out of the window too.
std::vector<Renewal> renewalsIn(const std::vector<Moment>& moments, const RenewalRule& rule) {
  std::vector<Renewal> renewals;
  double lastS = -1e18;
  for (const Moment& moment : moments) {
    if (moment.reads == 0) continue;
    if (moment.startS - lastS > rule.pauseS()) renewals.push_back({.atS = moment.startS});
    renewals.back().reads += moment.reads;
    lastS = std::max(lastS, moment.endS);
  }
  return renewals;
}

/// Above it a response is not one of everyday.
double thresholdOf(const Moments& moments, const std::vector<Renewal>& renewals,
                   const RenewalRule& rule) {
  SpikeRule spike;
  spike.least = 1000;  // µs: two drives share a core
  std::vector<double> calm;
  for (const Moment& moment : moments.all) {
    const bool isNear = std::ranges::any_of(renewals, [&](const Renewal& renewal) {
      return moment.endS > renewal.atS && moment.startS < renewal.atS + rule.calmFromS();
    });
    const bool isInside =
        moment.startS >= moments.window.fromS && moment.endS <= moments.window.toS;
    if (isInside && !isNear && std::isfinite(moment.slowestUs)) calm.push_back(moment.slowestUs);
  }
  return calm.size() < spike.leastBaseline ? kNaN : spikeThreshold(calm, spike);
}

double backAfter(const std::vector<Moment>& moments, const Renewal& renewal, double untilS,
                 double thresholdUs, const RenewalRule& rule) {
  if (!std::isfinite(thresholdUs)) return kNaN;
  double slowUntilS = renewal.atS;
  for (const Moment& moment : moments) {
    if (moment.startS < renewal.atS) continue;
    if (moment.startS >= untilS ||
        moment.startS - slowUntilS > rule.calmS(moment.endS - moment.startS))
      break;
    if (moment.slowestUs > thresholdUs) slowUntilS = std::max(slowUntilS, moment.endS);
  }
  return slowUntilS - renewal.atS;
}

std::vector<SeriesPoint> aroundOf(const std::vector<Moment>& moments, double atS, double beforeS,
                                  double afterS) {
  std::vector<SeriesPoint> series;
  for (const Moment& moment : moments)
    if (const double since = moment.middleS() - atS;
        since >= -beforeS && since <= afterS && std::isfinite(moment.slowestUs))
      series.push_back({moment.startS - atS, moment.endS - atS, moment.slowestUs});
  return series;
}

void readRenewals(const Reading& reading, const RenewalRule& rule, RunFacts& facts) {
  const Moments moments = momentsOf(reading);
  const std::vector<Renewal> all = renewalsIn(moments.all, rule);
  const double thresholdUs = thresholdOf(moments, all, rule);
  for (std::size_t i = 0; i < all.size(); ++i) {
    Renewal renewal = all[i];
    const double untilS = i + 1 < all.size() ? all[i + 1].atS : moments.window.toS;
    if (renewal.atS < moments.window.fromS || renewal.atS + rule.calmFromS() > moments.window.toS)
      continue;
    renewal.backS = backAfter(moments.all, renewal, untilS, thresholdUs, rule);
    facts.around.push_back(aroundOf(moments.all, renewal.atS, rule.pauseS(), rule.calmFromS()));
    facts.renewals.push_back(renewal);
  }
}

double meanOf(const std::vector<Renewal>& renewals, double Renewal::* figure) {
  std::vector<double> values;
  for (const Renewal& renewal : renewals) values.push_back(renewal.*figure);
  return values.empty() ? kNaN : redline::meanOf(values);
}

void readResponses(const Reading& reading, RunFacts& facts) {
  const Histogram all = responsesOf(reading);
  if (all.count() == 0) return;
  facts.p50Us = toMicros(all.quantile(0.5));
  facts.p99Us = toMicros(all.quantile(0.99));
  facts.maxUs = toMicros(all.max());
}

/// Each drive's by its own window, which begin and end within milliseconds of each other.
void readRates(const Reading& reading, RunFacts& facts) {
  double perS = 0;
  for (const RunDir& dir : reading.dirs) {
    double reads = 0, seconds = 0;
    for (const IntervalRow& row : dir.intervals) {
      if (!row.isMeasured() || row.end <= row.start) continue;
      reads += static_cast<double>(row.counts.of(BackingCount::reads));
      seconds += toSeconds(row.end - row.start);
    }
    if (seconds <= 0) return;
    perS += reads / seconds;
  }
  facts.readsPerS = perS;
}

void readCounts(const Reading& reading, RunFacts& facts) {
  double completed = 0;
  facts.failed = facts.readsInAll = 0;
  for (const RunDir& dir : reading.dirs) {
    if (!dir.summary) return;
    completed += static_cast<double>(dir.summary->rate.completed);
    facts.failed += static_cast<double>(dir.summary->rate.failed);
    for (const IntervalRow& row : dir.intervals)
      facts.readsInAll += static_cast<double>(row.counts.of(BackingCount::reads));
  }
  if (completed > 0) facts.staleShare = storeCount(reading, BackingCount::staleServed) / completed;
  facts.redisUs = 1e6 *
                  (serverDelta(reading, "used_cpu_sys_main_thread") +
                   serverDelta(reading, "used_cpu_user_main_thread")) /
                  serverDelta(reading, "cmdstat_get.calls");
}

}  // namespace

Flags hotKey(const Parameters& p) {
  return {"-keys=1", "-value-size=" + p.text("value-size"), "-ttl-frac=1",
          "-ttl-min=" + p.text("ttl"), "-ttl-max=" + p.text("ttl")};
}

Action slowReads(const Parameters& p) {
  return [seconds = p.seconds("read-time")](Bench& bench) { return slowStore(bench, seconds); };
}

Status beginCold(Bench& bench) {
  if (auto emptied = emptyCache(bench); !emptied) return emptied;
  return noteScansAs(kScansBefore, bench);
}

Status noteScans(Bench& bench) {
  return noteScansAs(kScansAfter, bench);
}

std::vector<Drive> drivesWith(const Parameters& p, const Flags& defence, std::string_view warmup) {
  const auto processes = p.count("processes");
  const Flags common =
      joinFlags({hotKey(p),
                 {fmt::format("-rate={}", p.count("rate") / processes), "-arrivals=poisson",
                  "-rw-ratio=1", "-conns=" + p.text("conns"), "-warmup=" + p.text(warmup),
                  "-duration=" + p.text("duration"), "-interval=" + p.text("interval"),
                  // Several generators on one core: one that spins holds up the others, and one
                  // that wakes late is late.
                  "-wait=realtime", "-on-miss=postgres", "-on-write=none",
                  "-backing-conns=" + p.text("backing-conns"), "-backing-timeout=10s"},
                 defence});
  std::vector<Drive> drives;
  for (std::uint64_t i = 1; i <= processes; ++i)
    drives.push_back({.name = fmt::format("process-{}", i),
                      .flags = joinFlags({common, {fmt::format("-run-seed={}", i)}})});
  return drives;
}

double RenewalRule::calmS(double intervalS) const {
  return std::max(2 * readS, 5 * intervalS);
}

RunFacts readRun(const Reading& reading, const RenewalRule& rule) {
  RunFacts facts;
  if (reading.dirs.empty()) return facts;
  readRenewals(reading, rule, facts);
  readResponses(reading, facts);
  readCounts(reading, facts);
  readRates(reading, facts);
  const auto& renewals = facts.renewals;
  if (renewals.empty()) return facts;
  facts.herd = meanOf(renewals, &Renewal::reads);
  facts.mostReads = std::ranges::max(renewals, {}, &Renewal::reads).reads;
  facts.backS = meanOf(renewals, &Renewal::backS);
  if (renewals.size() > 1)
    facts.everyS =
        (renewals.back().atS - renewals.front().atS) / static_cast<double>(renewals.size() - 1);
  return facts;
}

}  // namespace redline::lab::stampede
