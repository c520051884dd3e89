#include "lab/tracking_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/affinity.h"
#include "base/clock.h"
#include "base/numbers.h"
#include "base/typed_value.h"
#include "base/units.h"
#include "lab/core_watch.h"
#include "record/histogram.h"
#include "record/summary.h"
#include "server/admin.h"
#include "server/info.h"

namespace redline::lab::tracking {
namespace {

/// Of the actions' own keys, which are none of the driver's.
constexpr std::string_view kPrefix = "lag:";

std::string keyOf(std::uint64_t i) {
  return fmt::format("{}{}", kPrefix, i);
}

using Commands = std::vector<std::vector<std::string>>;

double mainThreadUs(const ServerInfo& info) {
  return 1e6 * (info.number("used_cpu_sys_main_thread", kNaN) +
                info.number("used_cpu_user_main_thread", kNaN));
}

/// What an action stands on: an empty server with keys of its own, and the generator's CPUs.
class Ground {
 public:
  static Result<Ground> prepare(Bench& bench, std::uint64_t keys, std::uint64_t valueSize) {
    const auto admin = bench.admin();
    if (!admin) return fail(admin.error());
    Ground ground(**admin);
    // Empties the table of tracked keys too: a client that is gone stays in it until its keys
    // change.
    if (const auto done = ground.admin_.command({"FLUSHALL", "SYNC"}); !done)
      return fail(done.error());
    if (auto done = ground.write(keys, valueSize); !done) return fail(done.error());
    return ground;
  }
  Result<ServerInfo> info() { return admin_.info({"everything"}); }
  Result<double> cpu() {
    const auto info = admin_.info({"cpu"});
    if (!info) return fail(info.error());
    return mainThreadUs(*info);
  }
  Admin& admin() { return admin_; }

 private:
  explicit Ground(Admin& admin) : admin_(admin) {}
  Status write(std::uint64_t keys, std::uint64_t valueSize) {
    constexpr std::uint64_t kTogether = 1000;
    const std::string value(valueSize, 'x');
    for (std::uint64_t first = 0; first < keys; first += kTogether) {
      Commands commands;
      for (std::uint64_t i = first; i < std::min(keys, first + kTogether); ++i)
        commands.push_back({"SET", keyOf(i), value});
      if (const auto done = admin_.pipeline(commands); !done) return fail(done.error());
    }
    return {};
  }

  Admin& admin_;
};

std::vector<int> generatorCpus(const Bench& bench) {
  const auto cpus = parseCpuList(bench.cpus().generator);
  return cpus ? std::vector<int>(cpus->begin(), cpus->end()) : std::vector<int>();
}

Commands readsOf(std::uint64_t keys) {
  Commands reads;
  for (std::uint64_t i = 0; i < keys; ++i) reads.push_back({"GET", keyOf(i)});
  return reads;
}

/// Pushes of one write after another.
class Arrivals {
 public:
  void add(Nanos at) { times_.push_back(at); }
  std::size_t count() const { return times_.size(); }
  /// Of the write that was acknowledged then; forgets them.
  void settle(Nanos acknowledged) {
    Nanos last = 0;
    for (const Nanos at : times_) {
      const Nanos lag = std::max(Nanos{0}, at - acknowledged);
      lags_.record(lag);
      last = std::max(last, lag);
    }
    if (!times_.empty()) lasts_.record(last);
    times_.clear();
  }
  void note(Bench& bench) const {
    if (lags_.count() == 0) return;
    bench.figure(kLagP50, toMicros(lags_.quantile(0.5)));
    bench.figure(kLagP99, toMicros(lags_.quantile(0.99)));
    bench.figure(kLagMax, toMicros(lags_.max()));
    bench.figure(kLast, toMicros(lasts_.quantile(0.5)));
  }

 private:
  std::vector<Nanos> times_;
  Histogram lags_, lasts_;
};

Status causeExpiry(Bench& bench, TrackingClients& clients, std::uint64_t keys) {
  // Long enough for all to have been read, and spread over several cycles of active expiry.
  constexpr std::int64_t kFirstMs = 400, kStepUs = 3000;
  const Nanos steady = SteadyClock::read();
  const Nanos wall = std::chrono::duration_cast<std::chrono::nanoseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
  std::vector<Nanos> due;
  for (std::uint64_t i = 0; i < keys; ++i) {
    const std::int64_t ms =
        wall / kMillisecond + kFirstMs + static_cast<std::int64_t>(i) * kStepUs / 1000;
    due.push_back(ms * kMillisecond - wall + steady);
    if (const auto done = clients.write({"SET", keyOf(i), "x", "PXAT", std::to_string(ms)}); !done)
      return fail(done.error());
  }
  Histogram lags;
  clients.onPush([&](std::size_t, std::string_view key, Nanos at) {
    if (const auto i = parseCount(key.substr(kPrefix.size())); i && *i < keys)
      lags.record(at - due[*i]);
  });
  if (auto read = clients.sendFromEach(readsOf(keys)); !read) return read;
  const std::uint64_t expected = keys * clients.size();
  const auto came = clients.readUntil([&] { return lags.count() >= expected; }, 5 * kSecond);
  if (!came) return fail(came.error());
  if (lags.count() == 0) return fail(ErrorCode::timeout, "no key that expired was invalidated");
  bench.figure(kLagP50, toMicros(lags.quantile(0.5)));
  bench.figure(kLagP99, toMicros(lags.quantile(0.99)));
  bench.figure(kLagMax, toMicros(lags.max()));
  bench.figure(kMissing, static_cast<double>(expected - std::min(expected, lags.count())));
  return {};
}

/// The table has room for half of the keys, and nobody writes.
Status causeEviction(Bench& bench, Ground& ground, TrackingClients& clients, std::uint64_t keys) {
  if (auto set = ground.admin().configSet("tracking-table-max-keys", std::to_string(keys / 2));
      !set)
    return set;
  std::uint64_t pushes = 0;
  clients.onPush([&](std::size_t, std::string_view, Nanos) { ++pushes; });
  auto read = clients.sendFromEach(readsOf(keys));
  // The table is brought below its limit some time after the commands that filled it.
  constexpr Nanos kSettle = 300 * kMillisecond;
  if (read)
    if (const auto came = clients.readUntil([] { return false; }, kSettle); !came)
      read = fail(came.error());
  const auto info = ground.info();
  const auto back =
      ground.admin().configSet("tracking-table-max-keys", std::to_string(kDefaultLimit));
  if (!read) return read;
  if (!info) return fail(info.error());
  if (!back) return back;
  bench.figure(kUnwritten,
               static_cast<double>(pushes) / static_cast<double>(keys * clients.size()));
  bench.figure(kTableKeys, info->number("tracking_total_keys", kNaN));
  return {};
}

/// Main-thread CPU of a read, with every client reading every key once.
Result<double> readAll(Ground& ground, TrackingClients& clients, const Commands& reads) {
  const auto before = ground.cpu();
  if (!before) return fail(before.error());
  if (auto read = clients.sendFromEach(reads); !read) return fail(read.error());
  const auto after = ground.cpu();
  if (!after) return fail(after.error());
  return (*after - *before) / static_cast<double>(reads.size() * clients.size());
}

double countOf(const Reading& run, const std::string& name) {
  const Summary* const summary = run.summary();
  if (summary == nullptr) return kNaN;
  const auto found = summary->mitigation.counts.find(name);
  return found == summary->mitigation.counts.end() ? 0 : static_cast<double>(found->second);
}

}  // namespace

Flags dataSet(const Parameters& p) {
  return {"-keys=" + p.text("keys"), "-value-size=" + p.text("value-size"), "-ttl-frac=0"};
}

Flags cachedLoad(const Parameters& p, const std::string& reads, std::string_view mode) {
  Flags flags = joinFlags(
      {dataSet(p),
       {"-dist=zipfian", "-zipf-s=" + p.text("zipf-s"), "-rate=" + p.text("rate"),
        "-arrivals=poisson", "-wait=realtime", "-conns=" + p.text("conns"),
        "-threads=" + p.text("threads"), "-ledger=" + p.text("ledger"), "-rw-ratio=" + reads,
        "-warmup=" + p.text("warmup"), "-duration=" + p.text("duration")}});
  if (mode != "off")
    flags = joinFlags({flags,
                       {"-mitigation=local-cache", fmt::format("-tracking={}", mode),
                        "-cache-size=" + p.text("cache-size")}});
  return flags;
}

Status fanOut(Bench& bench, const FanOut& plan) {
  constexpr Nanos kPatience = 2 * kSecond;
  const std::vector<int> cpus = generatorCpus(bench);
  const AffinityScope beside(cpus);
  auto ground = Ground::prepare(bench, plan.writes, plan.valueSize);
  if (!ground) return fail(ground.error());
  auto clients =
      TrackingClients::connect(bench.stack().endpoint(), plan.clients, plan.mode, kPrefix);
  if (!clients) return fail(clients.error());
  Arrivals arrivals;
  clients->onPush([&](std::size_t, std::string_view, Nanos at) { arrivals.add(at); });
  if (auto read = clients->sendFromEach(readsOf(plan.writes)); !read) return read;
  const std::size_t expected = plan.mode == TrackingMode::off ? 0 : plan.clients;
  const std::string value(plan.valueSize, 'y');
  const CoreWatch others(bench.stack(), bench.cpus());
  const auto before = ground->cpu();
  if (!before) return fail(before.error());
  std::uint64_t missing = 0;
  Histogram rounds;
  for (std::uint64_t i = 0; i < plan.writes && !bench.interrupted(); ++i) {
    const Nanos sent = SteadyClock::read();
    const auto acknowledged = clients->write({"SET", keyOf(i), value});
    if (!acknowledged) return fail(acknowledged.error());
    rounds.record(*acknowledged - sent);
    const auto came = clients->readUntil([&] { return arrivals.count() >= expected; }, kPatience);
    if (!came) return fail(came.error());
    missing += expected - std::min(expected, arrivals.count());
    arrivals.settle(*acknowledged);
  }
  const auto after = ground->cpu();
  if (!after) return fail(after.error());
  if (const auto share = others.share()) bench.figure(kOthersOnServerCore, *share);
  bench.figure(kPerWrite, (*after - *before) / static_cast<double>(plan.writes));
  bench.figure(kMissing, static_cast<double>(missing));
  bench.figure(kAck, toMicros(rounds.quantile(0.5)));
  arrivals.note(bench);
  bench.command(fmt::format(
      "redis-cli -u redis://$ADDR -3  # in {} terminals: CLIENT TRACKING ON{}, GET {}; then SET it",
      plan.clients, plan.mode == TrackingMode::broadcast ? " BCAST" : "", keyOf(0)));
  return {};
}

Status causeGone(Bench& bench, const CausePlan& plan) {
  const std::vector<int> cpus = generatorCpus(bench);
  const AffinityScope beside(cpus);
  auto ground = Ground::prepare(bench, plan.keys, 100);
  if (!ground) return fail(ground.error());
  auto clients = TrackingClients::connect(bench.stack().endpoint(), plan.clients,
                                          TrackingMode::keysRead, kPrefix);
  if (!clients) return fail(clients.error());
  bench.command(
      fmt::format("redis-cli -3 -u redis://$ADDR  # CLIENT TRACKING ON, GET {}, and "
                  "then from another terminal what makes it go",
                  keyOf(0)));
  if (plan.cause == "expire") return causeExpiry(bench, *clients, plan.keys);
  if (plan.cause == "evict") return causeEviction(bench, *ground, *clients, plan.keys);
  Arrivals arrivals;
  clients->onPush([&](std::size_t, std::string_view, Nanos at) { arrivals.add(at); });
  if (auto read = clients->sendFromEach(readsOf(plan.keys)); !read) return read;
  double missing = 0;
  for (std::uint64_t i = 0; i < plan.keys && !bench.interrupted(); ++i) {
    const auto acknowledged =
        clients->write(plan.cause == "delete" ? std::vector<std::string>{"DEL", keyOf(i)}
                                              : std::vector<std::string>{"SET", keyOf(i), "y"});
    if (!acknowledged) return fail(acknowledged.error());
    const auto came =
        clients->readUntil([&] { return arrivals.count() >= clients->size(); }, kSecond);
    if (!came) return fail(came.error());
    if (!*came) ++missing;
    arrivals.settle(*acknowledged);
  }
  bench.figure(kMissing, missing);
  arrivals.note(bench);
  return {};
}

Status fillTable(Bench& bench, const TablePlan& plan) {
  const std::vector<int> cpus = generatorCpus(bench);
  const AffinityScope beside(cpus);
  auto ground = Ground::prepare(bench, plan.keys, plan.valueSize);
  if (!ground) return fail(ground.error());
  auto clients =
      TrackingClients::connect(bench.stack().endpoint(), plan.clients, TrackingMode::off, kPrefix);
  if (!clients) return fail(clients.error());
  const Commands reads = readsOf(plan.keys);
  const CoreWatch others(bench.stack(), bench.cpus());
  const auto untracked = readAll(*ground, *clients, reads);
  if (!untracked) return fail(untracked.error());
  Commands on{{"CLIENT", "TRACKING", "ON"}};
  if (plan.mode == TrackingMode::broadcast)
    on.front().insert(on.front().end(), {"BCAST", "PREFIX", std::string(kPrefix)});
  if (auto tracked = clients->sendFromEach(on); !tracked) return tracked;
  const auto before = ground->info();
  if (!before) return fail(before.error());
  const auto first = readAll(*ground, *clients, reads);
  if (!first) return fail(first.error());
  const auto after = ground->info();
  if (!after) return fail(after.error());
  const auto again = readAll(*ground, *clients, reads);
  if (!again) return fail(again.error());
  if (const auto share = others.share()) bench.figure(kOthersOnServerCore, *share);
  // Buffers of connections grow and shrink meanwhile, and are no part of it.
  const auto memory = [](const ServerInfo& info) {
    return info.number("used_memory", kNaN) - info.number("mem_clients_normal", kNaN);
  };
  bench.figure(kTableBytes, std::max(0.0, memory(*after) - memory(*before)));
  bench.figure(kTableKeys, after->number("tracking_total_keys", kNaN));
  bench.figure(kTableItems, after->number("tracking_total_items", kNaN));
  bench.figure(kUntracked, *untracked);
  bench.figure(kFirstRead, *first);
  bench.figure(kReadAgain, *again);
  bench.command(
      "redis-cli -u redis://$ADDR info everything | grep -E "
      "'tracking|used_memory:|mem_clients_normal|main_thread'");
  return {};
}

double requestsPerS(const Reading& run) {
  const Summary* const summary = run.summary();
  if (summary == nullptr || summary->servers.empty() || summary->windowS <= 0) return kNaN;
  // None counts as one, so that there is a ratio.
  return std::max(1.0, static_cast<double>(summary->servers.front().ops)) / summary->windowS;
}

double localHits(const Reading& run) {
  const double hits = countOf(run, "local_hits"), misses = countOf(run, "local_misses");
  return hits + misses > 0 ? hits / (hits + misses) : kNaN;
}

double pushesPerS(const Reading& run) {
  const Summary* const summary = run.summary();
  return summary == nullptr || summary->windowS <= 0
             ? kNaN
             : countOf(run, "invalidations_received") / summary->windowS;
}

double invalidationP99(const Reading& run) {
  const Summary* const summary = run.summary();
  if (summary == nullptr || summary->mitigation.invalidationLag.count == 0) return kNaN;
  return summary->mitigation.invalidationLag.p99;
}

std::string Stale::text() const {
  if (judged == 0) return "–";
  return fmt::format("{} of {}", stale, formatCount(static_cast<double>(judged)));
}

Stale staleOf(const Study& s, const Cell& cell) {
  Stale all;
  for (const Reading* const run : s.runs(cell)) {
    if (run->summary() == nullptr) continue;
    all.stale += run->summary()->verify.stale;
    all.judged += static_cast<std::uint64_t>(countOf(*run, "ledger_reads"));
    all.worstUs = std::max(all.worstUs, run->summary()->mitigation.staleness.max);
  }
  return all;
}

}  // namespace redline::lab::tracking
