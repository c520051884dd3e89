#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/affinity.h"
#include "base/typed_value.h"
#include "base/units.h"
#include "lab/catalog.h"
#include "lab/format.h"
#include "lab/hot_share.h"
#include "lab/replica_probe.h"
#include "lab/study.h"
#include "record/histogram.h"
#include "workload/keyspace.h"

namespace redline::lab::replica_staleness {
namespace {

constexpr std::size_t kMasters = 3;
constexpr double kSameFactor = 2;  ///< bytes behind and rate × window: within that they agree

// Figures of a run; times in microseconds.
constexpr const char* kWindowP50 = "window_p50_us";
constexpr const char* kWindowP99 = "window_p99_us";
constexpr const char* kWindowMax = "window_max_us";
constexpr const char* kWindowMean = "window_mean_us";
constexpr const char* kFirstStale = "first_read_stale_share";
constexpr const char* kBehindMean = "behind_mean_bytes";
constexpr const char* kBehindP99 = "behind_p99_bytes";
constexpr const char* kBehindMax = "behind_max_bytes";
constexpr const char* kMasterSays = "master_says_mean_bytes";
constexpr const char* kStream = "stream_bytes_per_s";
// Of a run with a fault.
constexpr const char* kWorstBefore = "worst_before_us";
constexpr const char* kWorstAsLongAfter = "worst_as_long_after_us";
constexpr const char* kWorstAfter = "worst_after_us";
constexpr const char* kOpenAtEnd = "open_at_end";  ///< 1: the replica still lacked a write then
constexpr const char* kRefused = "refused_us";
constexpr const char* kRecovered = "recovered_after_us";
constexpr const char* kFaultTook = "fault_command_us";
constexpr const char* kBehindBefore = "behind_before_max_bytes";
constexpr const char* kBehindAfter = "behind_after_max_bytes";
// Of a run with WAIT or without.
constexpr const char* kRoundP50 = "round_p50_us";
constexpr const char* kRoundP99 = "round_p99_us";
constexpr const char* kWritesPerS = "writes_per_s";
constexpr const char* kMasterCpu = "master_us_per_write";
constexpr const char* kStaleAfter = "stale_reads_after";
constexpr const char* kReadsAfter = "reads_after";
constexpr const char* kShort = "waits_short_of_a_replica";

constexpr const char* kNone = "none";
constexpr const char* kWait = "wait";

/// Something that holds up a replica.
struct Trouble {
  std::string_view name, title;
};
constexpr std::array<Trouble, 5> kTroubles{{
    {"big-value", "one large value"},
    {"slow-command", "one slow command"},
    {"bgsave-replica", "BGSAVE on the replica"},
    {"bgsave-master", "BGSAVE on the master"},
    {"resync", "a full resync"},
}};

/// The pair that is watched: the hottest key's master, and its replica.
WatchedPair pairOf(const Parameters& p) {
  const KeyChooser chooser(Distribution::zipfian, p.number("zipf-s"), p.count("keys"), 1);
  const std::size_t master = masterOfHottest(chooser, kMasters);
  return {.master = master,
          .replica = kMasters + master,
          .key = fmt::format("probe:{{{}{}}}", kKeyPrefix, chooser.hottest(0))};
}

double hotShare(const Parameters& p) {
  const KeyChooser chooser(Distribution::zipfian, p.number("zipf-s"), p.count("keys"), 1);
  const auto forecast =
      forecastHotKeys({.chooser = chooser, .keys = p.count("keys"), .masters = kMasters});
  return forecast.shares[forecast.hotMaster];
}

Flags dataSet(const Parameters& p) {
  return {"-topology=cluster", "-keys=" + p.text("keys"), "-value-size=" + p.text("value-size"),
          "-ttl-frac=0"};
}

/// The watched pair has a core for itself, and everything else has the other: a replica that waits
/// for its core behind strangers would be behind for that alone.
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

// What the actions do.

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

// A series of how old the oldest acknowledged write is that the replica lacks, in bins around the
// fault: figures age_us_000 …
constexpr double kSeriesBeforeS = 0.5, kSeriesAfterS = 2.5, kBinS = 0.05;
constexpr double kCompareS = 1;  ///< what is before a fault, and after its begin
constexpr int kBins = static_cast<int>((kSeriesBeforeS + kSeriesAfterS) / kBinS);

std::string ageFigure(int bin) {
  return fmt::format("age_us_{:03}", bin);
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

/// Writes of one connection, with WAIT or without, in round trips of `batch`.
struct Writing {
  WatchedPair pair;
  bool waits = false;
  std::uint64_t batch = 1, valueSize = 0;
  Nanos warmup = 0, duration = 0;
  std::uint64_t checks = 0;

  std::vector<std::vector<std::string>> commands(const std::string& value) const {
    std::vector<std::vector<std::string>> all(batch, {"SET", pair.key, value});
    if (waits) all.push_back({"WAIT", "1", "1000"});
    return all;
  }
};

struct Written {
  Histogram rounds;
  std::uint64_t writes = 0, shortOf = 0;
};

/// One round trip; whether its WAIT said that no replica has it.
Result<bool> writeOnce(Admin& master, const Writing& writing, const std::string& value) {
  const auto replies = master.pipeline(writing.commands(value));
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

// What it means.

/// Of the driver's ledger, over all runs of a cell.
struct StaleReads {
  std::uint64_t stale = 0, judged = 0;
  double worstUs = 0;
};
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
std::string shareText(const StaleReads& ledger) {
  if (ledger.judged == 0) return "–";
  if (ledger.stale == 0)
    return fmt::format("fewer than {}", formatShare(3 / static_cast<double>(ledger.judged)));
  return formatShare(static_cast<double>(ledger.stale) / static_cast<double>(ledger.judged));
}

/// Bytes that are under way for as long as the window lasts: Little's law.
double littleBytes(const Reading& run) {
  return run.figure(kStream) * run.figure(kWindowMean) * 1e-6;
}

Standing expectSame(const Measured& ratio) {
  if (!ratio.estimate.hasInterval()) return Standing::inconclusive;
  if (ratio.estimate.high < 1 / kSameFactor || ratio.estimate.low > kSameFactor)
    return Standing::contradicts;
  return ratio.estimate.low > 1 / kSameFactor && ratio.estimate.high < kSameFactor
             ? Standing::expected
             : Standing::inconclusive;
}

struct RateFigures {
  Study& s;
  Grid grid;
  Factor<std::string> rate;
  Cell least = ascending(grid.cells, rate).front(), most = ascending(grid.cells, rate).back();
  Quantity p50 = s.quantity("us", recorded(kWindowP50), grid.cells);
  Quantity p99 = s.quantity("us", recorded(kWindowP99), grid.cells);
  Quantity first = s.mean("share", recorded(kFirstStale), grid.cells);
  Quantity behind = s.quantity("bytes", recorded(kBehindMean), grid.cells);
  Quantity behindP99 = s.quantity("bytes", recorded(kBehindP99), grid.cells);
  Quantity little = s.quantity("bytes", littleBytes, grid.cells);
  Quantity masterSays = s.quantity("bytes", recorded(kMasterSays), grid.cells);
  Quantity stream = s.mean("bytes", recorded(kStream), grid.cells);
};

void reportRates(const RateFigures& f) {
  Study& s = f.s;
  s.table("How far the replica is behind, by write rate")
      .column("writes/s", [&](const Cell& cell) { return cell[f.rate]; })
      .column("window, median", f.p50)
      .column("p99", f.p99)
      .column("first read stale", f.first)
      .column("bytes behind, mean", f.behind)
      .column("p99", f.behindP99)
      .column("stream/s × window", f.little)
      .column("by the master's INFO", f.masterSays)
      .column("stale reads of the load",
              [&](const Cell& cell) { return shareText(staleReadsOf(s, cell)); })
      .validRuns()
      .note(
          "Window: from a write's acknowledgement until a read from the replica returned it, at "
          "most; a probe writes one key of the hottest master again and again. Bytes behind: by "
          "the replica's own slave_repl_offset between two readings of master_repl_offset. "
          "Stale reads of the load: by the driver's ledger, over all runs.")
      .rows(f.grid.cells, &f.p50);
  const auto place = [&](const Cell& cell) { return cell.level(f.rate).number; };
  s.plot("window-by-rate", "Stale window by write rate")
      .describe("From a write's acknowledgement until the replica shows it. Bars: 95% confidence.")
      .x("writes/s in the cluster", AxisKind::logCount)
      .y("window", AxisKind::latency)
      .line("median", f.p50, f.grid.cells, place)
      .line("p99", f.p99, f.grid.cells, place)
      .add();
  const Measured grows = f.p99.ratio(f.least, f.most);
  const StaleReads ledger = staleReadsOf(s, f.most);
  s.claim("window-grows", expectAbove(grows))
      .from("a probe's writes at the master and reads from its replica")
      .headline()
      .restsOn({f.p99[f.least]})
      .text(
          "At {} writes/s {} of the reads that follow an acknowledgement at once miss the write, "
          "and "
          "the window's p99 is {}. That is {} the one at {} writes/s",
          f.most[f.rate], f.first[f.most], f.p99[f.most], grows, f.least[f.rate]);
  s.figure("stale window p99, highest ÷ lowest rate", grows);
  s.figure("stale window p50 at the highest rate", f.p50[f.most]);
  const Measured agree = ratioWithin(f.most, f.little, f.behind);
  s.claim("bytes-follow", expectSame(agree))
      .from("the replica's own offset, and the growth of master_repl_offset")
      .text(
          "At {} writes/s it is {} behind on average, {} what the stream's rate times the mean "
          "window gives",
          f.most[f.rate], f.behind[f.most], agree);
  s.figure("bytes behind ÷ stream rate × window", agree);
  const Measured says = ratioWithin(f.most, f.behind, f.masterSays);
  s.claim("master-view", expectAbove(says))
      .from("slave0 of the master's INFO, and the replica's own offset")
      .text(
          "The master's INFO says {} at the same time, {} the truth: replicas acknowledge once a "
          "second",
          f.masterSays[f.most], says);
  s.claim("stale-reads", ledger.stale > 0 ? Standing::expected : Standing::inconclusive)
      .from("the driver's ledger, replica-preferred reads of the hottest keys")
      .restsOn({f.p99[f.most]})
      .text("Of {} reads of the load itself at {} writes/s, {} were stale{}",
            formatCount(static_cast<double>(ledger.judged)), f.most[f.rate], shareText(ledger),
            ledger.stale > 0
                ? fmt::format(". The oldest was {} old", formatQuantity(ledger.worstUs, "us"))
                : std::string());
}

struct TroubleFigures {
  Study& s;
  Grid grid;
  Factor<Trouble> trouble;
  Quantity before = s.quantity("us", recorded(kWorstBefore), grid.cells);
  Quantity asLongAfter = s.quantity("us", recorded(kWorstAsLongAfter), grid.cells);
  Quantity after = s.quantity("us", recorded(kWorstAfter), grid.cells);
  Quantity took = s.mean("us", recorded(kFaultTook), grid.cells);
  Quantity refused = s.mean("us", recorded(kRefused), grid.cells);
  Quantity recovered = s.mean("us", recorded(kRecovered), grid.cells);
  Quantity behind = s.mean("bytes", recorded(kBehindAfter), grid.cells);

  /// Of each run, so that a bad minute is in both.
  Quantity ratio = s.quantity(
      "x",
      [](const Reading& run) { return run.figure(kWorstAsLongAfter) / run.figure(kWorstBefore); },
      grid.cells);

  Measured over(const Cell& cell) const { return ratio[cell]; }
  /// Of how many runs the replica still lacked a write at the end.
  std::size_t openAtEnd(const Cell& cell) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        s.validRuns(cell), [](const Reading* run) { return run->figure(kOpenAtEnd) == 1; }));
  }
  /// "600 ms", "not by the end", "600 ms, and not by the end in 1 of 3 runs".
  std::string backText(const Cell& cell) const {
    const std::size_t open = openAtEnd(cell);
    if (open == 0) return recovered[cell].isKnown() ? recovered[cell].plain() : "–";
    if (!recovered.has(cell)) return "not by the end";
    return fmt::format("{}, and not by the end in {} of {} runs", recovered[cell].plain(), open,
                       s.validRuns(cell).size());
  }
  /// The one that makes the longest window.
  std::optional<Cell> worst() const {
    std::optional<Cell> most;
    for (const Cell& cell : grid.cells)
      if (after.has(cell) && (!most || after[cell].value() > after[*most].value())) most = cell;
    return most;
  }
};

void plotTroubles(const TroubleFigures& f) {
  Plot plot = f.s.plot("ages", "How old the oldest write is that the replica lacks");
  plot.describe("Median of the runs, around the moment of each. Log scale.")
      .x("seconds since it began", AxisKind::linear)
      .y("age", AxisKind::latency)
      .mark(0, "begin")
      .main();
  bool isKnown = false;
  for (const Cell& cell : f.grid.cells) {
    LabSeries line{.title = cell.level(f.trouble).title, .points = {}, .markers = false};
    for (int bin = 0; bin < kBins; ++bin) {
      const auto ages = figuresOf(f.s.validRuns(cell), recorded(ageFigure(bin)));
      // A bin without a probe is no age of 0.
      if (ages.empty() || medianOf(ages) <= 0) continue;
      line.points.push_back({(bin + 0.5) * kBinS - kSeriesBeforeS, medianOf(ages)});
    }
    if (line.points.empty()) continue;
    isKnown = true;
    plot.series(std::move(line));
  }
  if (isKnown) plot.add();
}

void reportTroubles(const TroubleFigures& f) {
  Study& s = f.s;
  const Parameters& p = s.parameters();
  s.table("The window with something in its way")
      .column("", [&](const Cell& cell) { return cell.level(f.trouble).title; })
      .column("longest window, the second before", f.before)
      .column("the second after", f.asLongAfter)
      .column("÷ before", [&](const Cell& cell) { return cellOf(f.over(cell)); })
      .column("until the end", f.after)
      .column("reads refused for", f.refused)
      .column("back to normal after", [&](const Cell& cell) { return f.backText(cell); })
      .column("most bytes behind", f.behind)
      .column("the command took", f.took)
      .validRuns()
      .note(fmt::format("{} writes/s. A window counts where its write was acknowledged. Large "
                        "value: {}; slow command: SUNIONSTORE of {} members. A full resync: the "
                        "master's history is changed and the link cut. Refused: LOADING.",
                        p.text("fault-rate"), p.text("big-value"), p.text("members")))
      .rows(f.grid.cells, &f.after);
  plotTroubles(f);
  for (const Cell& cell : f.grid.cells) {
    const Measured over = f.over(cell);
    const bool isResync = cell.is(f.trouble, "resync");
    s.claim("fault-" + cell.level(f.trouble).label, expectAbove(over))
        .from("a probe's writes at the master and reads from its replica, before and after")
        .headline(isResync)
        .restsOn({over})
        .text(
            "With {} the replica lacks an acknowledged write for {} {}. The worst of the writes "
            "within a second of its begin is {} the worst of the second before{}",
            cell.level(f.trouble).title, f.openAtEnd(cell) > 0 ? "at least" : "up to",
            f.after[cell], over,
            f.refused[cell].value() > 0 ? fmt::format(". For {} the replica refused reads",
                                                      formatQuantity(f.refused[cell].value(), "us"))
                                        : std::string());
    s.figure(
        fmt::format("longest window of the second after ÷ before, {}", cell.level(f.trouble).title),
        over);
  }
}

struct WaitFigures {
  Study& s;
  Grid grid;
  Factor<std::string> way, batch;
  Quantity p50 = s.quantity("us", recorded(kRoundP50), grid.cells);
  Quantity p99 = s.quantity("us", recorded(kRoundP99), grid.cells);
  Quantity rate = s.quantity("ops/s", recorded(kWritesPerS), grid.cells);
  Quantity cpu = s.quantity("us", recorded(kMasterCpu), grid.cells);
  Quantity stale = s.total("count", recorded(kStaleAfter), grid.cells);
  Quantity reads = s.total("count", recorded(kReadsAfter), grid.cells);
  Quantity shortOf = s.total("count", recorded(kShort), grid.cells);
  Cell single = grid.at(batch, "1");
  Cell with = single.with(way, kWait), without = single.with(way, kNone);
};

void reportWait(const WaitFigures& f) {
  Study& s = f.s;
  const auto without = [&](const Cell& cell) { return cell.with(f.way, kNone); };
  s.table("What WAIT costs")
      .column("writes in a round trip", [&](const Cell& cell) { return cell[f.batch]; })
      .column("", [&](const Cell& cell) { return cell.is(f.way, kWait) ? "WAIT 1" : "without"; })
      .column("round trip, median", f.p50)
      .ratio("÷ without", f.p50, without)
      .column("p99", f.p99)
      .column("writes/s", f.rate)
      .column("master's CPU per write", f.cpu)
      .column("stale reads right after",
              [&](const Cell& cell) {
                return fmt::format("{} of {}", f.stale[cell].plain(), f.reads[cell].plain());
              })
      .validRuns()
      .note(
          "One connection writes as fast as replies allow, with no other load. Stale reads: of "
          "reads from the replica that are sent as soon as the reply is there.")
      .rows(f.grid.cells, &f.p50);
  const Measured price = f.p50.ratio(f.without, f.with);
  s.claim("wait-price", expectAbove(price))
      .from("round trips of one connection, with WAIT and without, in turn")
      .headline()
      .text("WAIT 1 multiplies a single write's round trip by {}, to {}", price, f.p50[f.with]);
  s.figure("round trip of a write with WAIT ÷ without", price);
  const auto& batches = f.batch.levels();
  const Cell manyWith = f.with.with(f.batch, batches.back().label);
  const Measured batched = f.p50.ratio(manyWith.with(f.way, kNone), manyWith);
  s.claim("wait-batched", expectMore(price, batched))
      .from("round trips of one connection, with WAIT and without, in turn")
      .text("One WAIT behind {} writes multiplies their round trip by {}", manyWith[f.batch],
            batched);
  const auto sum = [&](const char* which, const Quantity& of) {
    double all = 0;
    for (const Cell& cell : f.grid.where(f.way, which)) all += of.has(cell) ? of[cell].value() : 0;
    return all;
  };
  const double stale = sum(kWait, f.stale), plain = sum(kNone, f.stale);
  s.claim("wait-fresh", stale > 0   ? Standing::contradicts
                        : plain > 0 ? Standing::expected
                                    : Standing::inconclusive)
      .from("reads from the replica right after the reply")
      .headline()
      .restsOn({f.reads[f.with], f.reads[f.without]})
      .text(
          "Right after WAIT {:.0f} of {:.0f} reads from that replica were stale. Right after plain "
          "writes {:.0f} of {:.0f} were",
          stale, sum(kWait, f.reads), plain, sum(kNone, f.reads));
}

void conclude(Study& s, const RateFigures& rates, const TroubleFigures& troubles,
              const WaitFigures& wait) {
  const Measured usual = rates.p99[rates.most];
  const Measured price = wait.p50.ratio(wait.without, wait.with);
  const auto worst = troubles.worst();
  if (!worst) {
    s.answer({usual}, fmt::format("A replica is stale for {} at p99", rounded(usual)));
    return;
  }
  const std::string what = worst->level(troubles.trouble).title;
  const Measured longest = troubles.after[*worst];
  s.answer({usual, longest},
           fmt::format("A replica shows an acknowledged write {} later at p99, and {} later during "
                       "{}",
                       rounded(usual), rounded(longest), what));
  const Measured over = troubles.over(*worst);
  s.decide({usual, longest, price, over},
           {.risk = "reads from replicas",
            .measured = fmt::format("stale for {} during {}", rounded(longest), what),
            .action = "Read from replicas only what may be that old, and write with WAIT where the "
                      "next read must see it",
            .price = priceOf(price, "time for a write with WAIT"),
            .gain = over.value(),
            .runs = {}});
  const auto after = [&](std::string_view name) {
    return troubles.after[troubles.grid.at(troubles.trouble, name)];
  };
  s.recommend(
      "Take replicas out of rotation while master_link_status is down or they load: a full resync "
      "makes them stale for {}",
      after("resync"));
  s.recommend(
      "Split commands that run long, also for the replicas' sake: each executes one again, and is "
      "stale for {} meanwhile",
      after("slow-command"));
  s.recommend(
      "Watch slave_repl_offset at the replica against master_repl_offset: the master's slaveN line "
      "shows {} as much at this rate",
      ratioWithin(rates.most, rates.behind, rates.masterSays));
  if (expectAbove(price) == Standing::expected)
    s.cost("WAIT 1 multiplies a write's round trip by {}", price);
  if (price.isKnown())
    s.cost(
        "WAIT covers the writes of its own connection, and a replica that is gone makes it wait "
        "until its timeout");
  s.alternative({usual},
                "Two cores: master and replica share one, so each runs while the other "
                "waits. On cores of their own the window is shorter, and over a network "
                "its round trip is added");
  s.alternative({usual},
                "The probe itself: its reads keep the replica awake, and the window "
                "includes the round trip of the read that ends it");
}

struct Model {
  const Parameters& p;
  double hopUs = p.seconds("assumed-hop") * 1e6;
  double commandUs = p.seconds("assumed-command") * 1e6;
  double share = hotShare(p);

  /// Of the core that the pair shares: each write is executed twice, and a read comes with each.
  double busy(double writes) const { return std::min(0.95, writes * share * 3 * commandUs / 1e6); }
  double windowUs(double writes) const { return hopUs / (1 - busy(writes)); }
  /// "*3 $3 SET $… key $… value" with its line ends.
  double bytesPerWrite() const {
    return static_cast<double>(p.size("value-size")) + 30 + static_cast<double>(kKeyPrefix.size()) +
           std::log10(static_cast<double>(p.count("keys")));
  }
};

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const std::string cluster = clusterOf(s);
  const auto rate = Study::factor("writes", p.texts("write-rates"));
  const Grid rates = s.grid("rate", {rate}, [&](const Cell& cell, unsigned repeat) -> LabRun {
    return {
        .stack = cluster,
        .drives = {{.flags = joinFlags(
                        {driveOf(p, 2 * *parseCount(cell[rate]), "0.5", p.text("duration")),
                         {"-mitigation=replica-read", "-replica-policy=replica-preferred",
                          "-ledger=" + p.text("ledger"), fmt::format("-run-seed={}", repeat)}})}},
        .beside = watching(p)};
  });
  std::vector<Trouble> chosen;
  for (const std::string& name : p.texts("faults"))
    chosen.push_back(*std::ranges::find(kTroubles, name, &Trouble::name));
  const auto trouble = Study::factor<Trouble>("fault", chosen, [](const Trouble& each) {
    return Level{.label = std::string(each.name), .title = std::string(each.title)};
  });
  const Grid faults = s.grid("fault", {trouble}, [&](const Cell& cell, unsigned) -> LabRun {
    return {.stack = cluster,
            .before = preparing(p, cell[trouble].name),
            .drives = {{.flags = driveOf(p, p.count("fault-rate"), "0", p.text("fault-duration"))}},
            .beside = inflicting(p, cell[trouble].name),
            .after = removing(p),
            .expectedS = 0.5};
  });
  const auto way = Study::factor("way", {kNone, kWait});
  const auto batch = Study::factor("batch", p.texts("wait-batches"));
  const Grid waits = s.grid("wait", {batch, way}, [&](const Cell& cell, unsigned) -> LabRun {
    const Writing writing{.pair = pairOf(p),
                          .waits = cell.is(way, kWait),
                          .batch = *parseCount(cell[batch]),
                          .valueSize = p.size("value-size"),
                          .warmup = fromSeconds(p.seconds("warmup")),
                          .duration = fromSeconds(p.seconds("wait-duration")),
                          .checks = p.count("wait-checks")};
    return {.stack = cluster,
            .before = [writing](Bench& bench) { return writeAndMeasure(bench, writing); },
            .expectedS = p.seconds("warmup") + p.seconds("wait-duration") + 0.1};
  });

  const Model model{p};
  const RateFigures rateFigures{s, rates, rate};
  const TroubleFigures troubleFigures{s, faults, trouble};
  const WaitFigures waitFigures{s, waits, way, batch};
  const double most = rateFigures.most.level(rate).number;
  const std::string assumed = fmt::format("{} a hop, {} a command, assumed", p.text("assumed-hop"),
                                          p.text("assumed-command"));
  const Prediction window = s.predict(
      fmt::format("stale window, median, at {} writes/s", rateFigures.most[rate]),
      "a hop ÷ (1 − busy share of the pair's core); " + assumed, "us", model.windowUs(most));
  const Prediction bytes = s.predict(
      fmt::format("bytes behind, mean, at {} writes/s", rateFigures.most[rate]),
      "Little's law: the hottest master's writes/s × their bytes × that window; " + assumed,
      "bytes", most * model.share * model.bytesPerWrite() * model.windowUs(most) * 1e-6);
  const Prediction resync = s.predict(
      "longest window of a full resync",
      fmt::format("{} a key to save, send and load it, assumed", p.text("assumed-copy")), "us",
      static_cast<double>(p.count("keys")) / kMasters * p.seconds("assumed-copy") * 1e6);
  const Prediction price = s.predict(
      "round trip of a write with WAIT ÷ without",
      fmt::format("the round trip and a hop there and back ÷ the round trip; {} a round trip, {} a "
                  "hop, assumed",
                  p.text("assumed-round-trip"), p.text("assumed-hop")),
      "x", 1 + p.seconds("assumed-hop") / p.seconds("assumed-round-trip"));

  reportTroubles(troubleFigures);
  reportRates(rateFigures);
  reportWait(waitFigures);
  conclude(s, rateFigures, troubleFigures, waitFigures);
  window.measured(rateFigures.p50[rateFigures.most]);
  bytes.measured(rateFigures.behind[rateFigures.most]);
  resync.measured(troubleFigures.after[faults.at(trouble, "resync")]);
  price.measured(waitFigures.p50.ratio(waitFigures.without, waitFigures.with));
  s.method(
      "The window lies between the last read that was sent and returned the old value, and "
      "the first reply with the new one; tables have the latter. The longest window of the writes "
      "of the second from a fault's begin on is compared with the longest of the second before");
  s.method(intervalNote(rateFigures.p50[rateFigures.most].estimate));
}

Status check(const Parameters& p) {
  if (p.seconds("at") < kCompareS + p.seconds("warmup"))
    return p.refuse("at", "the second before it is what the fault is compared with");
  if (p.seconds("fault-duration") + p.seconds("warmup") < p.seconds("at") + kCompareS)
    return p.refuse("fault-duration", "a second at least after the fault is looked at");
  const auto batches = p.texts("wait-batches");
  if (std::ranges::find(batches, "1") == batches.end())
    return p.refuse("wait-batches", "1, a single write, is what the price is of");
  if (p.count("ledger") == 0 || p.count("ledger") > p.count("keys"))
    return p.refuse("ledger",
                    "stale reads are found by the ledger: 1 or more, and no more than "
                    "keys");
  return {};
}

}  // namespace
}  // namespace redline::lab::replica_staleness

namespace redline {

Experiment replicaStalenessExperiment() {
  using enum ParameterKind;
  return {
      .name = "replica-staleness",
      .title = "How stale a read from a replica is",
      .question =
          "A replica follows its master asynchronously. How long does it go on without a write "
          "that "
          "was acknowledged, and how many bytes is it behind, as the write rate grows? What do a "
          "large write, a slow command, a BGSAVE and a full resync make of that, and what does "
          "WAIT cost?",
      .parameters =
          {{.name = "keys", .kind = count, .help = "keys of the data set"},
           {.name = "value-size", .kind = size, .help = "bytes of a value"},
           {.name = "maxmemory", .kind = size, .help = "of each node"},
           {.name = "zipf-s", .kind = number, .help = "exponent of the Zipf distribution"},
           {.name = "conns", .kind = count, .help = "connections to each node"},
           {.name = "ledger", .kind = count, .help = "keys whose reads are judged, the hottest"},
           {.name = "write-rates",
            .kind = count,
            .list = true,
            .help = "writes a second in the cluster; as many reads go to replicas"},
           {.name = "probe", .kind = duration, .help = "pause of the probe between its writes"},
           {.name = "sample", .kind = duration, .help = "pause between readings of the offsets"},
           {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
           {.name = "duration", .kind = duration, .help = "measured time at each rate"},
           {.name = "faults",
            .kind = choice,
            .list = true,
            .help = "what gets in the replica's way",
            .choices = {"big-value", "slow-command", "bgsave-replica", "bgsave-master", "resync"}},
           {.name = "fault-rate", .kind = count, .help = "writes a second meanwhile"},
           {.name = "fault-duration", .kind = duration, .help = "measured time of such a run"},
           {.name = "at", .kind = duration, .help = "when the fault comes"},
           {.name = "big-value", .kind = size, .help = "bytes of the large value"},
           {.name = "members", .kind = count, .help = "of the set that the slow command copies"},
           {.name = "wait-batches",
            .kind = count,
            .list = true,
            .help = "writes in a round trip, with one WAIT behind them"},
           {.name = "wait-duration", .kind = duration, .help = "measured time of each"},
           {.name = "wait-checks",
            .kind = count,
            .help = "writes that are read from the replica at once"},
           {.name = "assumed-hop",
            .kind = duration,
            .help = "from master to replica without a queue, for the prediction"},
           {.name = "assumed-command",
            .kind = duration,
            .help = "CPU time of a command, for the prediction"},
           {.name = "assumed-round-trip",
            .kind = duration,
            .help = "of a single write, for the prediction"},
           {.name = "assumed-copy",
            .kind = duration,
            .help = "to save, send and load a key, for the prediction"}},
      .check = lab::replica_staleness::check,
      .declare = lab::replica_staleness::declare,
  };
}

}  // namespace redline
