#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/affinity.h"
#include "base/clock.h"
#include "base/typed_value.h"
#include "lab/catalog.h"
#include "lab/core_watch.h"
#include "lab/format.h"
#include "lab/study.h"
#include "server/admin.h"

namespace redline::lab::mset {
namespace {

// How the keys of a group are sent.
constexpr const char* kApart = "apart";  ///< a command for each key, a round trip for each command
constexpr const char* kBatch = "batch";  ///< a command for each key, all in one write
constexpr const char* kMulti = "multi";  ///< one command for all keys

// Of a run, main thread alone.
constexpr const char* kCpuPerKey = "main_thread_us_per_key";
constexpr const char* kKernelPerKey = "kernel_us_per_key";
constexpr const char* kExecutionPerCall = "execution_us_per_call";  ///< by commandstats

/// What one run sends: round trips of `groups` groups of `group` keys each, over one connection.
struct Sending {
  bool writes = false;
  std::string way;
  std::uint64_t keys = 0;  ///< of the data set; groups take them one after the other
  std::uint64_t valueSize = 0;
  std::uint64_t group = 0;
  std::uint64_t groups = 1;
  Nanos warmup = 0, duration = 0;

  std::uint64_t keysPerCommand() const { return way == kMulti ? group : 1; }
  std::uint64_t keysPerRoundTrip() const { return way == kApart ? 1 : group * groups; }
  std::string_view command() const {
    if (writes) return way == kMulti ? "mset" : "set";
    return way == kMulti ? "mget" : "get";
  }
};

using Commands = std::vector<std::vector<std::string>>;

/// Of one round trip.
Commands commandsOf(const Sending& sending, std::uint64_t first) {
  Commands commands(sending.keysPerRoundTrip() / sending.keysPerCommand(),
                    {std::string(sending.command())});
  for (std::uint64_t i = 0; i < sending.keysPerRoundTrip(); ++i) {
    auto& command = commands[i / sending.keysPerCommand()];
    command.push_back(fmt::format("obj:{}", (first + i) % sending.keys));
    if (sending.writes) command.emplace_back(sending.valueSize, 'x');
  }
  return commands;
}

/// How many keys were sent, and answered.
Result<std::uint64_t> sendFor(Nanos duration, Admin& client, const Sending& sending,
                              const Bench& bench) {
  std::uint64_t sent = 0;
  const Nanos end = SteadyClock::read() + duration;
  while (SteadyClock::read() < end && !bench.interrupted()) {
    const auto replies = client.pipeline(commandsOf(sending, sent));
    if (!replies) return fail(replies.error());
    if (const auto error = std::ranges::find_if(*replies, &Value::isError); error != replies->end())
      return fail(ErrorCode::refused, "{}: {}", sending.command(), error->text);
    sent += sending.keysPerRoundTrip();
  }
  return sent;
}

/// redis-benchmark's keys have twelve digits, so they are not those of the data set, and are stored
/// first.
std::string byHand(const Sending& sending) {
  std::string arguments = sending.writes ? "obj:__rand_int__ $VALUE" : "obj:__rand_int__";
  if (sending.way == kMulti)
    arguments = fmt::format("$(printf \"{} %.0s\" $(seq {}))", arguments, sending.group);
  return fmt::format(
      "VALUE=$(printf '%0{}d' 0); seq -f \"SET obj:%012.0f $VALUE\" 0 {} | redis-cli -u "
      "redis://$ADDR --pipe; redis-cli -u redis://$ADDR config resetstat; redis-benchmark -u "
      "redis://$ADDR -c 1 -P {} -r {} -n 100000 {} {}; redis-cli -u redis://$ADDR info everything "
      "| grep -E 'main_thread|cmdstat_{}:'",
      sending.valueSize, sending.keys - 1, sending.keysPerRoundTrip() / sending.keysPerCommand(),
      sending.keys, sending.command(), arguments, sending.command());
}

/// Figures are differences of INFO around what was sent, so the call of INFO is in them: a tenth of
/// a millisecond.
Status send(Bench& bench, const Sending& sending) {
  bench.command(byHand(sending));
  std::vector<unsigned> given;
  if (const auto cpus = parseCpuList(bench.cpus().generator)) given = *cpus;
  const std::vector<int> cpus(given.begin(), given.end());
  const AffinityScope beside(cpus);
  // The control connection of the bench is a Unix socket, which costs the kernel less.
  auto client = Admin::connect(bench.stack().endpoint(), {});
  if (!client) return fail(client.error());
  if (const auto warm = sendFor(sending.warmup, *client, sending, bench); !warm)
    return fail(warm.error());
  const auto before = client->info({"cpu", "commandstats"});
  if (!before) return fail(before.error());
  const CoreWatch others(bench.stack(), bench.cpus());
  const auto sent = sendFor(sending.duration, *client, sending, bench);
  if (!sent) return fail(sent.error());
  if (const auto share = others.share()) bench.figure(kOthersOnServerCore, *share);
  const auto after = client->info({"cpu", "commandstats"});
  if (!after) return fail(after.error());
  if (bench.interrupted()) return {};

  const auto usOf = [&](std::string_view field) {
    return 1e6 * (after->number(field, kNaN) - before->number(field, kNaN));
  };
  const auto statOf = [&](const ServerInfo& info) {
    const auto found = info.commandStats.find(sending.command());
    return found == info.commandStats.end() ? ServerInfo::CommandStat{} : found->second;
  };
  const auto begin = statOf(*before), end = statOf(*after);
  const std::uint64_t calls = end.calls - begin.calls;
  if (calls * sending.keysPerCommand() != *sent)
    return fail(ErrorCode::invalidInput, "{} keys were sent and Redis counted {} calls of {}",
                *sent, calls, sending.command());
  const double kernel = usOf("used_cpu_sys_main_thread");
  const auto keys = static_cast<double>(*sent);
  bench.figure("keys", keys);
  bench.figure(kCpuPerKey, (kernel + usOf("used_cpu_user_main_thread")) / keys);
  bench.figure(kKernelPerKey, kernel / keys);
  bench.figure(kExecutionPerCall, (end.usec - begin.usec) / static_cast<double>(calls));
  return {};
}

/// What a key costs by the assumed costs of its round trip, its command and itself.
struct Model {
  double roundTripUs, commandUs, keyUs;

  double perKey(const Sending& sending) const {
    return roundTripUs / static_cast<double>(sending.keysPerRoundTrip()) +
           commandUs / static_cast<double>(sending.keysPerCommand()) + keyUs;
  }
};

/// Writes or reads: what their commands are called in sentences.
struct Kind {
  std::string_view label, single, multi;
};
constexpr std::array<Kind, 2> kKinds{{{"write", "SET", "MSET"}, {"read", "GET", "MGET"}}};

/// The two circumstances in which the ways are compared.
struct Compared {
  Grid alone;  ///< a round trip for each group
  Grid busy;   ///< many groups in each round trip
};

/// What the cells of one kind cost.
struct Costs {
  Cell apart, batch, multi, busyBatch, busyMulti;
  // ÷ that of one command for all keys.
  Measured batchCost = {}, busyCost = {}, apartCost = {};
  /// Of what one command for all keys saves, the share that one write for all commands saves too.
  double savedByBatch = kNaN;
};

Costs costsOf(const Kind& kind, const Compared& compared, const Factor<Kind>& kinds,
              const Factor<std::string>& way, const Quantity& cpu) {
  const Grid alone = compared.alone.only(kinds, kind.label);
  const Grid busy = compared.busy.only(kinds, kind.label);
  Costs costs{.apart = alone.at(way, kApart),
              .batch = alone.at(way, kBatch),
              .multi = alone.at(way, kMulti),
              .busyBatch = busy.at(way, kBatch),
              .busyMulti = busy.at(way, kMulti)};
  costs.batchCost = cpu.ratio(costs.multi, costs.batch);
  costs.apartCost = cpu.ratio(costs.multi, costs.apart);
  costs.busyCost = cpu.ratio(costs.busyMulti, costs.busyBatch);
  const double apartUs = cpu[costs.apart].value();
  costs.savedByBatch = (apartUs - cpu[costs.batch].value()) / (apartUs - cpu[costs.multi].value());
  return costs;
}

void answer(Study& s, const Kind& kind, const Costs& costs, const std::string& saved) {
  const std::string group = s.parameters().text("group");
  const bool isDecided = expectAbove(costs.batchCost) != Standing::inconclusive;
  s.answer({costs.batchCost, costs.apartCost},
           fmt::format("{} {}s in one write save {} of what one {} saves over as many round trips; "
                       "{}",
                       group, kind.single, saved, kind.multi,
                       isDecided ? fmt::format("they cost Redis {} one {}",
                                               rounded(costs.batchCost), kind.multi)
                                 : fmt::format("whether one {} costs Redis less is not "
                                               "decided",
                                               kind.multi)));
}

void conclude(Study& s, const Kind& kind, const Costs& costs, const Quantity& cpu,
              const Quantity& execution) {
  const std::string group = s.parameters().text("group");
  const std::string groups = s.parameters().text("busy-groups");
  const std::string id = std::string(kind.label) + "-";
  const std::string saved = fmt::format("{:.0f}%", 100 * costs.savedByBatch);
  s.claim(id + "command-saves", expectAbove(costs.batchCost))
      .from("CPU time of Redis's main thread, one batch in each round trip")
      .headline(kind.label == "write")
      .restsOn({cpu[costs.multi]})
      .text(
          "With {} {}s in a round trip a key costs Redis's main thread {}, {} as much as with one "
          "{}",
          group, kind.single, cpu[costs.batch], costs.batchCost, kind.multi);
  s.claim(id + "command-saves-busy", expectAbove(costs.busyCost))
      .from("CPU time of Redis's main thread, many batches in each round trip")
      .headline(kind.label == "write")
      .restsOn({cpu[costs.busyMulti]})
      .text(
          "With {} times {} {}s in a round trip a key costs Redis's main thread {}, {} as much as "
          "with {} {}s",
          groups, group, kind.single, cpu[costs.busyBatch], costs.busyCost, groups, kind.multi);
  s.claim(id + "round-trips-cost", expectAbove(costs.apartCost))
      .from("CPU time of Redis's main thread, one connection")
      .restsOn({cpu[costs.batch]})
      .text(
          "With a round trip for each {} a key costs {}, {} as much as by {}. In one write {} {}s "
          "save {} of the difference",
          kind.single, cpu[costs.apart], costs.apartCost, kind.multi, group, kind.single, saved);
  if (!cpu.hasAll({costs.apart, costs.batch, costs.multi})) return;
  if (kind.label == "write") answer(s, kind, costs, saved);
  switch (expectAbove(costs.busyCost)) {
    case Standing::expected:
      s.recommend(
          "First send {} {}s in one write: that saves {} of what {} saves over separate round "
          "trips. On a busy connection, send one {}: {} {}s cost {} its CPU time",
          group, kind.single, saved, kind.multi, kind.multi, group, kind.single, costs.busyCost);
      break;
    case Standing::contradicts:
      s.recommend("Send {} {}s in one write: they cost {} the CPU time of one {}", group,
                  kind.single, costs.busyCost, kind.multi);
      break;
    default:
      s.recommend(
          "Send {} {}s in one write: whether one {} costs less CPU time is not decided ({}{})",
          group, kind.single, kind.multi, costs.busyCost,
          costs.busyCost.estimate.hasInterval() ? "" : ", without an interval");
  }
  s.cost(
      "One {} of {} keys executes for {}, during which no other client is served. One {} takes {}. "
      "In a cluster, all keys of one {} must be in one slot",
      kind.multi, group, execution[costs.busyMulti], kind.single, execution[costs.busyBatch],
      kind.multi);
}

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const std::string group = p.text("group");
  const auto kinds =
      Study::factor<Kind>("kind", {kKinds.begin(), kKinds.end()}, [](const Kind& kind) {
        return Level{.label = std::string(kind.label), .title = std::string(kind.label)};
      });
  const auto way = Study::factor("way", {kApart, kBatch, kMulti});
  const std::string server = s.stack(
      {.name = "node",
       .up = {"node"},
       .load = {"-keys=" + p.text("keys"), "-value-size=" + p.text("value-size"), "-ttl-frac=0"}});
  const auto sendingOf = [&](const Cell& cell, std::uint64_t groups) {
    return Sending{.writes = cell.is(kinds, "write"),
                   .way = cell[way],
                   .keys = p.count("keys"),
                   .valueSize = p.size("value-size"),
                   .group = p.count("group"),
                   .groups = groups,
                   .warmup = p.duration("warmup"),
                   .duration = p.duration("duration")};
  };
  const auto runOf = [&](const Cell& cell, std::uint64_t groups) {
    const Sending sending = sendingOf(cell, groups);
    return LabRun{.stack = server,
                  .before = [sending](Bench& bench) { return send(bench, sending); },
                  .expectedS = p.seconds("warmup") + p.seconds("duration")};
  };
  const Grid alone =
      s.grid("alone", {kinds, way}, [&](const Cell& cell, unsigned) { return runOf(cell, 1); });
  const auto inOneWrite = way.pick({kBatch, kMulti});
  const std::uint64_t groups = p.count("busy-groups");
  const Grid busy = s.grid("busy", {kinds, inOneWrite},
                           [&](const Cell& cell, unsigned) { return runOf(cell, groups); });

  const Model model{p.seconds("assumed-round-trip") * 1e6, p.seconds("assumed-command") * 1e6,
                    p.seconds("assumed-key") * 1e6};
  const auto predict = [&](std::string what, const Grid& grid, std::uint64_t inRoundTrip) {
    const Grid writes = grid.only(kinds, "write");
    const auto perKey = [&](const char* label) {
      return model.perKey(sendingOf(writes.at(way, label), inRoundTrip));
    };
    return s.predict(
        std::move(what),
        fmt::format("{} a round trip, {} a command, {} a key, assumed",
                    p.text("assumed-round-trip"), p.text("assumed-command"), p.text("assumed-key")),
        "x", perKey(kBatch) / perKey(kMulti));
  };
  const Prediction predicted =
      predict(fmt::format("CPU of {} SETs ÷ one MSET, one round trip", group), alone, 1);
  const Prediction predictedBusy =
      predict(fmt::format("CPU of {} SETs ÷ one MSET, {} of either in a round trip", group, groups),
              busy, groups);

  const Quantity cpu = s.quantityByGroup("us", recorded(kCpuPerKey), {alone.cells, busy.cells});
  const Quantity kernel =
      s.mean("us", recorded(kKernelPerKey), together({alone.cells, busy.cells}));
  const Quantity execution =
      s.mean("us", recorded(kExecutionPerCall), together({alone.cells, busy.cells}));
  const auto called = [&](const Cell& cell) {
    const Kind& kind = cell[kinds];
    if (cell.is(way, kMulti)) return fmt::format("one {}", kind.multi);
    return fmt::format("{} {}s, {}", group, kind.single,
                       cell.is(way, kApart) ? "a round trip each" : "one write");
  };
  const auto tableOf = [&](std::string title, const Grid& grid) {
    s.table(std::move(title))
        .column("commands", called)
        .column("CPU time per key", cpu)
        .ratio("÷ one command", cpu, [&](const Cell& cell) { return cell.with(way, kMulti); })
        .column("of it in the kernel", kernel)
        .column("execution per command", execution)
        .validRuns()
        .note(
            "CPU time: of Redis's main thread by INFO, user and system. Execution: by "
            "commandstats, clock calls included.")
        .rows(grid.cells);
  };
  tableOf(fmt::format("{} keys in each round trip", group), alone);
  tableOf(fmt::format("{} keys in each round trip", groups * p.count("group")), busy);
  Plot plot = s.plot("cpu-per-key", "CPU time per key");
  plot.describe("Of Redis's main thread, over one connection. Bars: 95% confidence.")
      .x("commands", AxisKind::names)
      .y("CPU time per key", AxisKind::latency)
      .points(fmt::format("{} keys in a round trip", group), cpu, alone.cells, called)
      .points(fmt::format("{} keys in a round trip", groups * p.count("group")), cpu, busy.cells,
              called)
      .add();
  s.method(
      "Commands are sent by an action over one TCP connection; CPU time and calls are differences "
      "of INFO around it. A run fails where Redis counted other calls than were sent");
  s.method(intervalNote(cpu[alone.cells.front()].estimate));

  for (const Kind& kind : kKinds) {
    const Costs costs = costsOf(kind, {alone, busy}, kinds, way, cpu);
    const std::string what = fmt::format("CPU of {} {}s ÷ one {}", group, kind.single, kind.multi);
    s.figure(what, costs.batchCost);
    s.figure(fmt::format("{}, {} in a round trip", what, groups), costs.busyCost);
    conclude(s, kind, costs, cpu, execution);
    if (kind.label != "write") continue;
    predicted.measured(costs.batchCost);
    predictedBusy.measured(costs.busyCost);
  }
}

Status check(const Parameters& p) {
  if (p.count("group") < 2) return p.refuse("group", "one key is not a group");
  if (p.count("busy-groups") < 2)
    return p.refuse("busy-groups", "one group in a round trip is measured anyway");
  if (p.count("keys") < p.count("group") * p.count("busy-groups"))
    return p.refuse("keys", "a round trip of busy-groups groups would have a key twice");
  return {};
}

}  // namespace
}  // namespace redline::lab::mset

namespace redline {

Experiment msetExperiment() {
  using enum ParameterKind;
  return {
      .name = "mset",
      .title = "What MSET saves over as many SETs",
      .question =
          "What does MSET of ten keys cost Redis's main thread beside ten SETs, and MGET of ten "
          "beside ten GETs? How much of the saving comes from fewer round trips, which pipelining "
          "saves as well, and how much from fewer commands?",
      .parameters = {{.name = "keys", .kind = count, .help = "keys of the data set"},
                     {.name = "value-size", .kind = size, .help = "bytes of a value"},
                     {.name = "group", .kind = count, .help = "keys of one MSET or MGET"},
                     {.name = "busy-groups",
                      .kind = count,
                      .help = "groups in each round trip, where there are many"},
                     {.name = "assumed-round-trip",
                      .kind = duration,
                      .help = "CPU time of a round trip, for the prediction"},
                     {.name = "assumed-command",
                      .kind = duration,
                      .help = "CPU time of a command without its keys, for the prediction"},
                     {.name = "assumed-key",
                      .kind = duration,
                      .help = "CPU time of a key, for the prediction"},
                     {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
                     {.name = "duration", .kind = duration, .help = "measured time of each run"}},
      .check = lab::mset::check,
      .declare = lab::mset::declare,
  };
}

}  // namespace redline
