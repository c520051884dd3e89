#include "chaos/fork_watch.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "base/units.h"

namespace redline {
namespace {

constexpr double kKeysPerSecond = 375e3;
constexpr double kBytesPerSecond = 200e6;
constexpr Nanos kWatch = 200 * kMillisecond;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kPageTableEntry = 8;

}  // namespace

ForkEstimate estimateFork(const ServerInfo& info, double writesPerSecond) {
  const auto keys = static_cast<double>(info.keys());
  const auto data = static_cast<double>(info.count("used_memory"));
  const std::uint64_t rss = std::max(info.count("used_memory_rss"), info.count("used_memory"));
  ForkEstimate estimate;
  estimate.writesPerSecond = writesPerSecond;
  estimate.seconds = std::max(keys / kKeysPerSecond, data / kBytesPerSecond);
  const double copied = writesPerSecond * estimate.seconds * static_cast<double>(kCopiedPerWrite);
  estimate.bytes = rss / kPage * kPageTableEntry +
                   (copied < static_cast<double>(rss) ? static_cast<std::uint64_t>(copied) : rss);
  return estimate;
}

Status checkForkMemory(const ForkEstimate& estimate, std::uint64_t available) {
  if (estimate.bytes <= available) return {};
  return fail(ErrorCode::noSpace,
              "a fork may need {} more memory ({:.0f} writes/s x {} x {:.1f} s, at most all the "
              "server has), and {} are free: lower the write rate or the data, or insist with "
              "-force",
              formatSize(estimate.bytes), estimate.writesPerSecond, formatSize(kCopiedPerWrite),
              estimate.seconds, formatSize(available));
}

Status checkForkDisk(std::string_view directory, std::uint64_t dataBytes) {
  std::error_code problem;
  const auto space = std::filesystem::space(directory, problem);
  if (problem || space.available >= dataBytes)
    return {};  // unreadable: the server itself reports a full disk
  return fail(ErrorCode::noSpace,
              "{} has {} free, and the server's data is {}: make room, or insist with -force",
              directory, formatSize(space.available), formatSize(dataBytes));
}

Result<ForkEstimate> estimateFork(Admin& admin) {
  const auto before = admin.info({"persistence"});
  if (!before) return fail(before.error());
  const Nanos begin = SteadyClock::read();
  std::this_thread::sleep_for(std::chrono::nanoseconds(kWatch));
  const auto after = admin.info({"persistence", "memory", "keyspace"});
  if (!after) return fail(after.error());
  const double seconds = toSeconds(SteadyClock::read() - begin);
  constexpr std::string_view kChanges = "rdb_changes_since_last_save";
  // A snapshot that ended in between sets the count back: then there is no rate to be had.
  const double changes = std::max(0.0, after->number(kChanges) - before->number(kChanges));
  return estimateFork(*after, changes / seconds);
}

}  // namespace redline
