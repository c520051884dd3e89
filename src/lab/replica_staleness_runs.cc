#include "lab/replica_staleness_runs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <functional>
#include <thread>
#include <vector>

#include "base/affinity.h"
#include "base/typed_value.h"
#include "lab/hot_share.h"
#include "model/statistics.h"
#include "record/histogram.h"
#include "workload/keyspace.h"

namespace redline::lab::replica_staleness {
namespace {

// Further figures of a run; times in microseconds.
constexpr const char* kWindowMax = "window_max_us";
constexpr const char* kWindowMean = "window_mean_us";
constexpr const char* kBehindMax = "behind_max_bytes";
constexpr const char* kBehindBefore = "behind_before_max_bytes";

Flags dataSet(const Parameters& p) {
  return {"-topology=cluster", "-keys=" + p.text("keys"), "-value-size=" + p.text("value-size"),
          "-ttl-frac=0"};
}

double toUs(Nanos span) {
  return toMicros(span);
}

void noteBytes(Bench& bench, const PairWatch& watch) {
  std::vector<double> between, most;
  for (const ReplicationLagSample& sample : watch.samples) {
    between.push_back(0.5 * static_cast<double>(sample.atLeast + sample.atMost));
    most.push_back(static_cast<double>(sample.atMost));
  }
  if (most.empty()) return;
  bench.figure(kBehindMean, meanOf(between));
  bench.figure(kBehindP99, quantileOf(most, 0.99));
  bench.figure(kBehindMax, std::ranges::max(most));
  if (!watch.masterSays.empty()) bench.figure(kMasterSays, meanOf(watch.masterSays));
}

void noteAges(Bench& bench, const PairWatch& watch, Nanos fault) {
  std::array<double, kBins> ages{};
  for (const StaleWindow& window : watch.windows) {
    const double from = toSeconds(window.acknowledged - fault) + kSeriesBeforeS;
    const double to = from + toSeconds(window.atMost);
    for (int bin = std::max(0, static_cast<int>(from / kBinS)); bin < kBins && bin * kBinS < to;
         ++bin) {
      const double age = std::min(to, (bin + 1) * kBinS) - from;
      auto& most = ages.at(static_cast<std::size_t>(bin));
      most = std::max(most, age * 1e6);
    }
  }
  for (int bin = 0; bin < kBins; ++bin)
    bench.figure(ageFigure(bin), ages.at(static_cast<std::size_t>(bin)));
}

void noteFault(Bench& bench, const PairWatch& watch, Nanos fault) {
  const WindowsAround around = windowsAround(watch.windows, fault, fromSeconds(kCompareS));
  double bytesBefore = 0, bytesAfter = 0;
  for (const ReplicationLagSample& sample : watch.samples) {
    double& most = sample.at < fault ? bytesBefore : bytesAfter;
    most = std::max(most, static_cast<double>(sample.atMost));
  }
  if (around.worstBeforeUs == 0) return;
  bench.figure(kWorstBefore, around.worstBeforeUs);
  bench.figure(kWorstAsLongAfter, around.worstAsLongAfterUs);
  bench.figure(kWorstAfter, around.worstAfterUs);
  bench.figure(kRefused, around.refusedUs);
  if (std::isfinite(around.recoveredUs)) bench.figure(kRecovered, around.recoveredUs);
  bench.figure(kOpenAtEnd, around.isOpenAtEnd ? 1 : 0);
  bench.figure(kBehindBefore, bytesBefore);
  bench.figure(kBehindAfter, bytesAfter);
  noteAges(bench, watch, fault);
}

/// The commands of one trouble, each with the server that it goes to.
struct Doing {
  bool atReplica = false;
  std::vector<std::vector<std::string>> commands;
};

std::string tagged(const WatchedPair& pair, std::string_view name) {
  return fmt::format("{}:{}", name, pair.key.substr(pair.key.find('{')));
}

Doing doingOf(const Parameters& p, const WatchedPair& pair, std::string_view trouble) {
  if (trouble == "big-value")
    return {.commands = {{"SET", tagged(pair, "big"), std::string(p.size("big-value"), 'x')}}};
  if (trouble == "slow-command")
    return {.commands = {{"SUNIONSTORE", tagged(pair, "copy"), tagged(pair, "members")}}};
  if (trouble == "bgsave-replica") return {.atReplica = true, .commands = {{"BGSAVE"}}};
  if (trouble == "bgsave-master") return {.commands = {{"BGSAVE"}}};
  // The replica's history is not the master's any more: no partial resync can serve it.
  return {.commands = {{"DEBUG", "CHANGE-REPL-ID"}, {"CLIENT", "KILL", "TYPE", "replica"}}};
}

/// What the slow command reads: made before the load.
Status prepareMembers(Admin& master, const WatchedPair& pair, std::uint64_t members) {
  constexpr std::uint64_t kTogether = 1000;
  for (std::uint64_t first = 0; first < members; first += kTogether) {
    std::vector<std::string> command{"SADD", tagged(pair, "members")};
    for (std::uint64_t i = first; i < std::min(members, first + kTogether); ++i)
      command.push_back(fmt::format("member:{}", i));
    if (const auto added = master.command(command); !added) return fail(added.error());
  }
  return {};
}

std::string byHand(const Doing& doing, const std::vector<std::string>& command) {
  constexpr std::size_t kShown = 100;  // a large value is made on the spot
  std::string line =
      fmt::format("redis-cli -u redis://${}", doing.atReplica ? "REPLICA" : "MASTER");
  for (const std::string& word : command)
    line += word.size() < kShown
                ? fmt::format(" '{}'", word)
                : fmt::format(" \"$(head -c {} /dev/zero | tr '\\0' x)\"", word.size());
  return line;
}

Status inflict(Bench& bench, const WatchedPair& pair, const Doing& doing, Nanos& took) {
  constexpr Nanos kPatience = 20 * kSecond;
  auto admin = bench.stack().node(doing.atReplica ? pair.replica : pair.master).admin(kPatience);
  if (!admin) return fail(admin.error());
  const Nanos begin = SteadyClock::read();
  for (const auto& command : doing.commands)
    if (const auto done = admin->command(command); !done) return fail(done.error());
  took = SteadyClock::read() - begin;
  return {};
}

struct Written {
  Histogram rounds;
  std::uint64_t writes = 0, shortOf = 0;
};

std::vector<std::vector<std::string>> commandsOf(const Writing& writing, const std::string& value) {
  std::vector<std::vector<std::string>> all(writing.batch, {"SET", writing.pair.key, value});
  if (writing.waits) all.push_back({"WAIT", "1", "1000"});
  return all;
}

/// One round trip; whether its WAIT said that no replica has it.
Result<bool> writeOnce(Admin& master, const Writing& writing, const std::string& value) {
  const auto replies = master.pipeline(commandsOf(writing, value));
  if (!replies) return fail(replies.error());
  if (const auto error = std::ranges::find_if(*replies, &Value::isError); error != replies->end())
    return fail(ErrorCode::refused, "{}", error->text);
  return writing.waits && replies->back().integer < 1;
}

Status writeFor(Nanos duration, Admin& master, const Writing& writing, const Bench& bench,
                Written& into) {
  const std::string value(writing.valueSize, 'x');
  for (const Nanos end = SteadyClock::read() + duration;
       SteadyClock::read() < end && !bench.interrupted();) {
    const Nanos begin = SteadyClock::read();
    const auto isShort = writeOnce(master, writing, value);
    if (!isShort) return fail(isShort.error());
    into.rounds.record(SteadyClock::read() - begin);
    into.writes += writing.batch;
    into.shortOf += *isShort ? 1U : 0U;
  }
  return {};
}

/// How many of the reads right after a write, from the replica, do not see it.
Result<std::uint64_t> readBack(Admin& master, Admin& replica, const Writing& writing) {
  std::uint64_t stale = 0;
  const auto base = static_cast<std::uint64_t>(SteadyClock::read());
  for (std::uint64_t n = 0; n < writing.checks; ++n) {
    const std::string value = std::to_string(base + n);
    if (const auto written = writeOnce(master, writing, value); !written)
      return fail(written.error());
    const auto read = replica.command({"GET", writing.pair.key});
    if (!read) return fail(read.error());
    if (read->text != value) ++stale;
  }
  return stale;
}

}  // namespace

WatchedPair pairOf(const Parameters& p) {
  const KeyChooser chooser(Distribution::zipfian, p.number("zipf-s"), p.count("keys"), 1);
  const std::size_t master = masterOfHottest(chooser, kMasters);
  return {.master = master,
          .replica = kMasters + master,
          .key = fmt::format("probe:{{{}{}}}", kKeyPrefix, chooser.hottest(0))};
}

std::string clusterOf(Study& s) {
  const Parameters& p = s.parameters();
  const std::size_t hot = pairOf(p).master;
  std::vector<std::string_view> cpus(kMasters, "{generator-cpu}");
  cpus.at(hot) = "{server-cpu}";
  const std::string lists = fmt::format("{}", fmt::join(cpus, ";"));
  return s.stack({.name = "cluster",
                  .up = {"cluster", fmt::format("-masters={}", kMasters), "-replicas=1",
                         "-master-cpus=" + lists, "-replica-cpus=" + lists,
                         "-maxmemory=" + p.text("maxmemory")},
                  .load = dataSet(p)});
}

Flags driveOf(const Parameters& p, std::uint64_t rate, const std::string& reads,
              const std::string& duration) {
  return joinFlags(
      {dataSet(p),
       {"-dist=zipfian", "-zipf-s=" + p.text("zipf-s"), "-rw-ratio=" + reads,
        fmt::format("-rate={}", rate), "-arrivals=poisson", "-wait=realtime",
        "-conns=" + p.text("conns"), "-warmup=" + p.text("warmup"), "-duration=" + duration}});
}

std::string ageFigure(int bin) {
  return fmt::format("age_us_{:03}", bin);
}

// What the actions do.

BesideAction watching(const Parameters& p) {
  const WatchedPair pair = pairOf(p);
  const auto pause = fromSeconds(p.seconds("probe")), sampled = fromSeconds(p.seconds("sample"));
  const auto warmup = fromSeconds(p.seconds("warmup"));
  return [=](Bench& bench, const std::function<bool()>& isOver) -> Status {
    const Nanos begin = SteadyClock::read();
    const auto watch = watchPair(bench, pair, pause, sampled, isOver);
    if (!watch) return fail(watch.error());
    Histogram windows;
    double mean = 0, stale = 0, count = 0;
    for (const StaleWindow& window : watch->windows) {
      if (window.acknowledged - begin < warmup || !window.closed) continue;
      windows.record(window.atMost);
      mean += 0.5 * toUs(window.atLeast + window.atMost);
      stale += window.atLeast > 0 ? 1 : 0;
      ++count;
    }
    if (count == 0) return fail(ErrorCode::timeout, "the probe saw no write come to the replica");
    bench.figure("probes", count);
    bench.figure(kWindowP50, toUs(windows.quantile(0.5)));
    bench.figure(kWindowP99, toUs(windows.quantile(0.99)));
    bench.figure(kWindowMax, toUs(windows.max()));
    bench.figure(kWindowMean, mean / count);
    bench.figure(kFirstStale, stale / count);
    bench.figure(kStream, watch->streamBytesPerS);
    noteBytes(bench, *watch);
    bench.command(fmt::format(
        "redis-cli -u redis://$MASTER set '{0}' 1; redis-cli -u redis://$REPLICA get '{0}'; "
        "redis-cli -u redis://$REPLICA info replication | grep -E 'offset|link'",
        pair.key));
    return {};
  };
}

Action removing(const Parameters& p) {
  const WatchedPair pair = pairOf(p);
  return [pair](Bench& bench) -> Status {
    auto master = bench.stack().node(pair.master).admin();
    if (!master) return fail(master.error());
    for (const std::string_view name : {"big", "copy", "members"})
      if (const auto gone = master->command({"UNLINK", tagged(pair, name)}); !gone)
        return fail(gone.error());
    return {};
  };
}

Action preparing(const Parameters& p, std::string_view trouble) {
  const WatchedPair pair = pairOf(p);
  const std::uint64_t members = trouble == "slow-command" ? p.count("members") : 0;
  return [pair, members](Bench& bench) -> Status {
    auto master = bench.stack().node(pair.master).admin();
    if (!master) return fail(master.error());
    return prepareMembers(*master, pair, members);
  };
}

BesideAction inflicting(const Parameters& p, std::string_view trouble) {
  const WatchedPair pair = pairOf(p);
  const auto pause = fromSeconds(p.seconds("probe")), sampled = fromSeconds(p.seconds("sample"));
  const auto at = fromSeconds(p.seconds("at"));
  return [=](Bench& bench, const std::function<bool()>& isOver) -> Status {
    const Doing doing = doingOf(p, pair, trouble);  // large: made when it is needed
    Status inflicted;
    Nanos began = 0, took = 0;
    // On a thread of its own: the probe waits for the server that is held up.
    std::thread inflictor([&] {
      const Nanos due = SteadyClock::read() + at;
      while (SteadyClock::read() < due && !isOver())
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      if (isOver()) return;
      began = SteadyClock::read();
      inflicted = inflict(bench, pair, doing, took);
    });
    const auto watch = watchPair(bench, pair, pause, sampled, isOver);
    inflictor.join();
    if (!watch) return fail(watch.error());
    if (!inflicted) return inflicted;
    if (began == 0) return fail(ErrorCode::timeout, "the run was over before its fault came");
    bench.figure(kFaultTook, toUs(took));
    noteFault(bench, *watch, began);
    for (const auto& command : doing.commands) bench.command(byHand(doing, command));
    return {};
  };
}

Status writeAndMeasure(Bench& bench, const Writing& writing) {
  std::vector<unsigned> given;
  if (const auto cpus = parseCpuList(bench.cpus().generator)) given = *cpus;
  const std::vector<int> cpus(given.begin(), given.end());
  const AffinityScope beside(cpus);
  auto master = Admin::connect(bench.stack().node(writing.pair.master).endpoint(), {});
  if (!master) return fail(master.error());
  auto replica = Admin::connect(bench.stack().node(writing.pair.replica).endpoint(), {});
  if (!replica) return fail(replica.error());
  if (const auto readOnly = replica->command({"READONLY"}); !readOnly)
    return fail(readOnly.error());
  Written warm, written;
  if (auto done = writeFor(writing.warmup, *master, writing, bench, warm); !done) return done;
  const auto before = master->info({"cpu"});
  if (!before) return fail(before.error());
  const Nanos begin = SteadyClock::read();
  if (auto done = writeFor(writing.duration, *master, writing, bench, written); !done) return done;
  const double seconds = toSeconds(SteadyClock::read() - begin);
  const auto after = master->info({"cpu"});
  if (!after) return fail(after.error());
  const auto stale = readBack(*master, *replica, writing);
  if (!stale) return fail(stale.error());
  if (bench.interrupted() || written.writes == 0) return {};
  const auto cpu = [](const ServerInfo& info) {
    return 1e6 *
           (info.number("used_cpu_sys_main_thread") + info.number("used_cpu_user_main_thread"));
  };
  const auto writes = static_cast<double>(written.writes);
  bench.figure(kRoundP50, toUs(written.rounds.quantile(0.5)));
  bench.figure(kRoundP99, toUs(written.rounds.quantile(0.99)));
  bench.figure(kWritesPerS, writes / seconds);
  bench.figure(kMasterCpu, (cpu(*after) - cpu(*before)) / writes);
  bench.figure(kStaleAfter, static_cast<double>(*stale));
  bench.figure(kReadsAfter, static_cast<double>(writing.checks));
  bench.figure(kShort, static_cast<double>(written.shortOf));
  bench.command(fmt::format("printf 'SET {} 1\\n{}' | redis-cli -u redis://$MASTER",
                            writing.pair.key, writing.waits ? "WAIT 1 1000\\n" : ""));
  return {};
}

// What is read from a run.

StaleReads staleReadsOf(const Study& s, const Cell& cell) {
  StaleReads ledger;
  for (const Reading* const run : s.runs(cell)) {
    const Summary* const summary = run->summary();
    if (summary == nullptr) continue;
    ledger.stale += summary->verify.stale;
    if (const auto found = summary->mitigation.counts.find("ledger_reads");
        found != summary->mitigation.counts.end())
      ledger.judged += found->second;
    ledger.worstUs = std::max(ledger.worstUs, summary->mitigation.staleness.max);
  }
  return ledger;
}

double littleBytes(const Reading& run) {
  return run.figure(kStream) * run.figure(kWindowMean) * 1e-6;
}

}  // namespace redline::lab::replica_staleness
