#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/shell.h"
#include "base/text.h"
#include "base/units.h"
#include "chaos/fork_watch.h"
#include "doctor/checks.h"
#include "model/statistics.h"

namespace redline {
namespace {

constexpr Nanos kLongFork = 100 * kMillisecond;
constexpr Nanos kSlowSync = 10 * kMillisecond;  ///< p99: as long as a write under always then waits

bool appends(const ServerFacts& server) {
  return server.info.text("aof_enabled") == "1";
}

bool writesFiles(const ServerFacts& server) {
  return appends(server) || !server.setting("save").empty();
}

double quantileUs(const std::vector<Nanos>& times, double q) {
  std::vector<double> us;
  std::ranges::transform(times, std::back_inserter(us), toMicros);
  return quantileOf(us, q);
}

/// What is written to such a file system is in memory.
bool isInMemory(const DiskFacts& disk) {
  return disk.filesystem == "tmpfs" || disk.filesystem == "ramfs";
}
constexpr std::string_view kGone = "what is written there is in memory, and gone with the machine";

}  // namespace

std::optional<Diagnosis> judgeSavePoints(const ServerFacts& server, const DoctorFacts& /*facts*/) {
  const std::string_view points = server.setting("save");
  if (points.empty()) return fine("none");
  std::string evidence = fmt::format("save \"{}\"", points);
  if (!server.isMaster()) return fine(evidence + ", on a replica");
  if (const double forkUs = server.info.number("latest_fork_usec"); forkUs > 0)
    evidence += fmt::format("; the last fork took {}", formatMicros(forkUs));
  return Diagnosis{Severity::costsLatency,
                   evidence,
                   "a snapshot forks when a number of writes is reached, which is during peaks",
                   &kSnapshotPrice,
                   {configSet(server, "save", ""),
                    "take snapshots on a replica or off the peak: redis-cli BGSAVE"}};
}

std::optional<Diagnosis> judgeAppendOnly(const ServerFacts& server, const DoctorFacts& /*facts*/) {
  if (!appends(server)) return fine("off");
  const std::string policy(server.setting("appendfsync"));
  const std::uint64_t delayed = server.info.count("aof_delayed_fsync");
  std::string evidence = fmt::format("on, appendfsync {}", policy);
  if (const auto at = server.setting("auto-aof-rewrite-percentage"); at != "0" && !at.empty())
    evidence += fmt::format(", rewritten by itself at +{}%", at);
  if (policy == "always")
    return Diagnosis{Severity::costsLatency,
                     evidence,
                     "every turn of the event loop that wrote waits for the disk",
                     &kAlwaysPrice,
                     {configSet(server, "appendfsync", "everysec") +
                      "  # may lose the last second, two when the disk is behind"}};
  if (policy == "no")
    return Diagnosis{Severity::dangerous,
                     evidence,
                     "when data reaches the disk is the kernel's choice: a machine that dies takes "
                     "up to half a minute of writes with it",
                     nullptr,
                     {configSet(server, "appendfsync", "everysec")}};
  if (delayed != 0)
    return Diagnosis{Severity::costsLatency,
                     fmt::format("{}; {} delayed since the start", evidence,
                                 plural(delayed, "write was", "writes were")),
                     "the disk was behind by more than two seconds: then the main thread waits for "
                     "it as with always",
                     &kAlwaysPrice,
                     {"put the directory on a faster disk of its own",
                      configSet(server, "no-appendfsync-on-rewrite", "yes") +
                          "  # if it happens during rewrites"}};
  return fine(evidence);
}

std::optional<Diagnosis> judgeFork(const ServerFacts& server, const DoctorFacts& facts) {
  const ForkEstimate estimate =
      estimateFork(server.info, server.perSecond("rdb_changes_since_last_save"));
  const std::uint64_t available = facts.machine.host.memoryAvailable;
  const double forkUs = server.info.number("latest_fork_usec");
  std::string evidence =
      fmt::format("a fork may copy {} at the present {} writes a second",
                  formatSize(estimate.bytes), formatCount(estimate.writesPerSecond));
  if (server.here) evidence += fmt::format("; {} are free", formatSize(available));
  if (forkUs > 0) evidence += fmt::format("; the last one took {}", formatMicros(forkUs));
  if (server.here && estimate.bytes > available)
    return Diagnosis{Severity::dangerous,
                     evidence,
                     "the next snapshot, AOF rewrite or full synchronization of a replica can make "
                     "the kernel kill the server",
                     &kCopiedPrice,
                     {"lower maxmemory, or free memory beside the server"}};
  if (fromMicros(forkUs) >= kLongFork)
    return Diagnosis{Severity::costsLatency,
                     evidence,
                     "the server answers nobody while it forks",
                     &kSnapshotPrice,
                     {"smaller servers, more of them: fork time grows with their memory"}};
  return fine(evidence);
}

std::optional<Diagnosis> judgeLastWrites(const ServerFacts& server, const DoctorFacts& /*facts*/) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kLast{
      {{"rdb_last_bgsave_status", "the last snapshot"},
       {"aof_last_bgrewrite_status", "the last AOF rewrite"},
       {"aof_last_write_status", "the last write to the AOF"}}};
  for (const auto& [field, what] : kLast) {
    const std::string_view status = server.info.text(field);
    if (status.empty() || status == "ok") continue;
    return Diagnosis{
        Severity::dangerous,
        fmt::format("{} failed ({}: {})", what, field, status),
        "what is on the disk is old; with stop-writes-on-bgsave-error writes are refused too",
        nullptr,
        {fmt::format("see its log, and the room in {}", server.disk.directory.empty()
                                                            ? "its directory"
                                                            : server.disk.directory.native()),
         redisCli(server, {"BGSAVE"})}};
  }
  return fine("the last snapshot and the last writes succeeded, or there were none");
}

Diagnosis judgeDisk(const DiskFacts& disk) {
  std::string evidence = disk.directory.native();
  if (!disk.filesystem.empty()) evidence += fmt::format(" ({})", disk.filesystem);
  if (disk.free) evidence += fmt::format(", {} free", formatSize(*disk.free));
  if (!disk.syncs)
    return {Severity::unknown,
            fmt::format("{}: {}", evidence, disk.notTimed),
            "how long an fdatasync takes there is not known",
            nullptr,
            {disk.asked ? "make room there, or let this user create files there"
                        : shellLine({"redline", "doctor", "-disk=" + disk.directory.native()}) +
                              "  # appends 300 times 200 B to a file of its own, and syncs each"}};
  const double p99 = quantileUs(*disk.syncs, 0.99);
  evidence += fmt::format("; an append of 200 B is synced in {} at the median, {} at p99 ({})",
                          formatMicros(quantileUs(*disk.syncs, 0.5)), formatMicros(p99),
                          plural(disk.syncs->size(), "sync"));
  if (isInMemory(disk))
    return {Severity::dangerous,
            evidence,
            std::string(kGone),
            nullptr,
            {"let Redis write to a directory on a disk, e.g. /var/lib/redis"}};
  if (fromMicros(p99) < kSlowSync) return fine(evidence);
  return {Severity::costsLatency,
          evidence,
          "with appendfsync always each write waits that long, with everysec those that come "
          "when the disk is behind",
          &kAlwaysPrice,
          {"put the directory on a faster disk of its own"}};
}

std::optional<Diagnosis> judgeServersDisk(const ServerFacts& server, const DoctorFacts& /*facts*/) {
  const DiskFacts& disk = server.disk;
  if (!writesFiles(server)) return fine("nothing is written to it");
  const std::uint64_t data = server.info.count("used_memory");
  if (isInMemory(disk))
    return Diagnosis{
        Severity::dangerous,
        fmt::format("{} is a {}", disk.directory.native(), disk.filesystem),
        std::string(kGone),
        nullptr,
        {"set dir in its redis.conf to a directory on a disk, e.g. /var/lib/redis, and "
         "restart it: CONFIG SET dir is refused unless enable-protected-configs allows "
         "it"}};
  if (disk.free && *disk.free < data)
    return Diagnosis{Severity::dangerous,
                     fmt::format("{} has {} free, and the data is {}", disk.directory.native(),
                                 formatSize(*disk.free), formatSize(data)),
                     "the next snapshot or rewrite fails, and then writes are refused",
                     nullptr,
                     {"make room there, or set another dir"}};
  return judgeDisk(disk);
}

}  // namespace redline
