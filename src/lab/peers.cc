#include "lab/peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/shell.h"
#include "base/text.h"
#include "os/gated_child.h"
#include "os/program.h"

namespace redline {
namespace {

constexpr Nanos kPeerTimeout = 600 * kSecond;

std::optional<double> number(std::string_view text) {
  while (!text.empty() && (text.front() == '"' || text.front() == ' ')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  return value;
}

constexpr double kUsPerMs = 1000;

struct ServerReading {
  double kernel = 0, user = 0, commands = 0, hits = 0, misses = 0;
};

Result<ServerReading> readPeerServer(Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  const auto info = (*admin)->info({"cpu", "stats"});
  if (!info) return fail(info.error());
  return ServerReading{info->number("used_cpu_sys_main_thread"),
                       info->number("used_cpu_user_main_thread"),
                       info->number("total_commands_processed"), info->number("keyspace_hits"),
                       info->number("keyspace_misses")};
}

/// `rate`: what it printed. Its load took as long as that says, and not as long as the program ran,
/// which also starts, connects and prints.
void note(const ServerReading& before, const ServerReading& after, double rate, Bench& bench) {
  const double kernel = after.kernel - before.kernel;
  const double user = after.user - before.user;
  const double commands = after.commands - before.commands;
  if (rate <= 0 || commands <= 0) return;
  bench.figure("server_busy", std::min(1.0, (kernel + user) / commands * rate));
  bench.figure("kernel_us_per_command", kernel / commands * 1e6);
  bench.figure("user_us_per_command", user / commands * 1e6);
  const double reads = after.hits - before.hits + after.misses - before.misses;
  if (reads > 0) bench.figure("hit_share", (after.hits - before.hits) / reads);
}

}  // namespace

std::optional<PeerFigures> parseRedisBenchmark(std::string_view printed) {
  // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_…","p99_…","max_…"
  constexpr std::size_t kColumns = 8;
  for (const std::string_view line : splitLines(printed)) {
    const auto cells = split(line, ',');
    if (cells.size() < kColumns || cells[0] == "\"test\"") continue;
    // A test's name may hold commas, so count from the end.
    const std::size_t last = cells.size() - 1;
    const auto rate = number(cells[last - 6]);
    const auto p50 = number(cells[last - 3]);
    const auto p99 = number(cells[last - 1]);
    if (rate && p50 && p99) return PeerFigures{*rate, *p50 * kUsPerMs, *p99 * kUsPerMs};
  }
  return std::nullopt;
}

std::optional<PeerFigures> parseMemtier(std::string_view printed) {
  // Type, Ops/sec, Hits/sec, Misses/sec, Avg. Latency, p50, p99, p99.9, KB/sec
  constexpr std::size_t kColumns = 9;
  for (const std::string_view line : splitLines(printed)) {
    const auto cells = splitWords(line);
    if (cells.size() < kColumns || cells[0] != "Totals") continue;
    const auto rate = number(cells[1]);
    const auto p50 = number(cells[5]);
    const auto p99 = number(cells[6]);
    if (rate && p50 && p99) return PeerFigures{*rate, *p50 * kUsPerMs, *p99 * kUsPerMs};
  }
  return std::nullopt;
}

bool peerInstalled(std::string_view tool) {
  return findProgram(tool).has_value();
}

std::vector<std::string> peerCommand(const PeerRun& run, std::uint16_t port) {
  if (run.tool == kRedisBenchmark)
    return {run.tool, "--csv",
            "-h",     "127.0.0.1",
            "-p",     std::to_string(port),
            "-c",     std::to_string(run.conns),
            "-n",     std::to_string(run.requests),
            "-r",     std::to_string(run.keys),
            "-d",     std::to_string(run.valueSize),
            "-P",     std::to_string(run.batch),
            "-t",     run.command == "ping" ? "ping_mbulk" : run.command};
  // Its own seeds, the same for every connection, flatter the server: each key is in the CPU's
  // cache when the next connection asks for it.
  return {run.tool,
          "--server=127.0.0.1",
          fmt::format("--port={}", port),
          "--threads=1",
          fmt::format("--clients={}", run.conns),
          run.command == "set"
              ? "--requests=allkeys"
              : fmt::format("--requests={}", std::max<std::uint64_t>(run.requests / run.conns, 1)),
          fmt::format("--pipeline={}", run.batch),
          fmt::format("--data-size={}", run.valueSize),
          "--key-minimum=1",
          fmt::format("--key-maximum={}", run.keys),
          run.command == "set" ? "--ratio=1:0" : "--ratio=0:1",
          run.command == "set" ? "--key-pattern=P:P" : "--key-pattern=R:R",
          "--distinct-client-seed",
          "--hide-histogram"};
}

Status runPeer(const PeerRun& run, Bench& bench) {
  std::vector<std::string> command;
  if (!bench.cpus().generator.empty()) command = {"taskset", "-c", bench.cpus().generator};
  const auto own = peerCommand(run, bench.stack().endpoint().port);
  command.insert(command.end(), own.begin(), own.end());
  bench.command(shellLine(command) + "  # the port: ${ADDR##*:}");
  const auto before = readPeerServer(bench);
  if (!before) return fail(before.error());
  const auto printed = runProgram(command, kPeerTimeout);
  if (!printed) return fail(printed.error());
  const auto after = readPeerServer(bench);
  if (!after) return fail(after.error());
  const auto figures = run.tool == kRedisBenchmark ? parseRedisBenchmark(printed->output)
                                                   : parseMemtier(printed->output);
  if (!figures)
    return fail(ErrorCode::invalidInput, "{} printed no figures: {}", run.tool, printed->failure());
  bench.figure("rate_ops", figures->rate);
  bench.figure("p50_us", figures->p50);
  bench.figure("p99_us", figures->p99);
  note(*before, *after, figures->rate, bench);
  return {};
}

}  // namespace redline
