#include "record/server_figures.h"

#include <algorithm>

#include "record/product.h"

namespace redline {
namespace {

constexpr double kLeastOfACore = 1e-9;

std::uint64_t level(const ServerSample& sample, std::string_view field) {
  return static_cast<std::uint64_t>(std::max(0.0, sample.number(field)));
}

bool restarted(const ServerSample& before, const ServerSample& after) {
  constexpr std::string_view kCommands = "total_commands_processed";
  const std::string first = before.text("run_id"), last = after.text("run_id");
  if (!first.empty() && !last.empty()) return first != last;
  return after.number(kCommands) < before.number(kCommands);
}

}  // namespace

ServerFigures serverFigures(const ServerSample& before, const ServerSample& after, double steal) {
  const bool anew = restarted(before, after);
  const auto difference = [&](std::string_view field) {
    return std::max(0.0, after.number(field) - (anew ? 0.0 : before.number(field)));
  };
  const auto count = [&](std::string_view field) {
    return static_cast<std::uint64_t>(difference(field));
  };
  ServerFigures figures;
  figures.addr = after.addr;
  figures.role = after.role;
  figures.version = recordedVersion(after.text("redis_version"), after.text("valkey_version"));
  figures.ops = count("total_commands_processed");
  figures.cpuUserS = difference("used_cpu_user_main_thread");
  figures.cpuSystemS = difference("used_cpu_sys_main_thread");
  if (const Nanos span = after.at - before.at; span > 0) {
    const double seconds = toSeconds(span);
    const double ours = seconds * std::max(kLeastOfACore, 1 - steal);
    figures.mainThreadUtilisation = std::min(1.0, (figures.cpuUserS + figures.cpuSystemS) / ours);
    figures.waitingForCore = difference("waiting_for_core_main_thread") / seconds;
  }
  figures.hits = count("keyspace_hits");
  figures.misses = count("keyspace_misses");
  figures.evicted = count("evicted_keys");
  figures.expired = count("expired_keys");
  figures.usedMemory = level(after, "used_memory");
  figures.usedMemoryRss = level(after, "used_memory_rss");
  figures.fragmentation = after.number("mem_fragmentation_ratio");
  figures.latestForkUs = level(after, "latest_fork_usec");
  return figures;
}

}  // namespace redline
