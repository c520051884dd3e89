#include "lab/disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "model/statistics.h"
#include "os/fd.h"
#include "os/sync_timing.h"
#include "server/host.h"

namespace redline {
namespace {

/// Everything that was written to that file system is on its disk.
Status settleDisk(const std::filesystem::path& directory) {
  const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::syncfs(fd.get()) != 0)
    return fail(ErrorCode::io, "cannot sync the file system of {}: {}", directory.native(),
                errnoText(errno));
  return {};
}

/// Writes the same 256 MB over and over, past the page cache where the file system allows it.
void writeUntil(const std::filesystem::path& directory, const std::function<bool()>& isOver,
                std::atomic<std::uint64_t>& written) {
  constexpr std::size_t kPiece = 4 << 20, kAlignment = 4096;
  constexpr off_t kFile = 256 << 20;
  const ScratchFile file(directory);
  if (file.fd() < 0) return;
  // Refused by some file systems; then the page cache takes part.
  ::fcntl(file.fd(), F_SETFL, ::fcntl(file.fd(), F_GETFL) | O_DIRECT);
  const std::unique_ptr<void, void (*)(void*)> piece(std::aligned_alloc(kAlignment, kPiece),
                                                     &std::free);
  std::memset(piece.get(), 'x', kPiece);
  for (off_t at = 0; !isOver(); at = (at + static_cast<off_t>(kPiece)) % kFile) {
    const ssize_t did = ::pwrite(file.fd(), piece.get(), kPiece, at);
    if (did <= 0) return;
    written += static_cast<std::uint64_t>(did);
  }
}

}  // namespace

Status probeDisk(Bench& bench, const std::function<bool()>& isOver) {
  constexpr auto kPeriod = std::chrono::milliseconds(100);
  const ScratchFile file(bench.stack().dir());
  if (file.fd() < 0)
    return fail(ErrorCode::io, "cannot make a file in {}: {}", bench.stack().dir().native(),
                errnoText(errno));
  const std::string record(200, 'x');
  std::vector<double> times;
  while (!isOver()) {
    const auto took = timeSync(file, record);
    if (!took) return fail(took.error());
    times.push_back(toMicros(*took));
    std::this_thread::sleep_for(kPeriod);
  }
  if (times.empty()) return {};
  bench.figure(std::string(kBesideSyncP50), medianOf(times));
  bench.figure(std::string(kBesideSyncMax), std::ranges::max(times));
  return {};
}

Status competeForDisk(Bench& bench, const std::function<bool()>& isOver) {
  std::atomic<std::uint64_t> written = 0;
  const Nanos began = SteadyClock::read();
  std::thread writer([&] { writeUntil(bench.stack().dir(), isOver, written); });
  const Status probed = probeDisk(bench, isOver);
  writer.join();
  bench.figure(std::string(kWrittenBeside),
               static_cast<double>(written) / toSeconds(SteadyClock::read() - began));
  bench.command("dd if=/dev/zero of=<servers' directory>/beside bs=4M oflag=direct  # meanwhile");
  return probed;
}

Result<SyncFigures> measureFdatasync(const std::filesystem::path& directory) {
  const auto syncs = timeSyncs(directory);
  if (!syncs) return fail(syncs.error());
  std::vector<double> times;
  std::ranges::transform(*syncs, std::back_inserter(times), toMicros);
  return SyncFigures{quantileOf(times, 0.5), quantileOf(times, 0.99), quantileOf(times, 1),
                     times.size()};
}

Status noteDisk(Bench& bench) {
  if (auto quiet = settleDisk(bench.stack().dir()); !quiet) return quiet;
  bench.note(std::string(kFilesystem), filesystemOf(bench.stack().dir()));
  const auto sync = measureFdatasync(bench.stack().dir());
  if (!sync) return fail(sync.error());
  bench.figure(std::string(kSyncP50), sync->p50Us);
  bench.figure(std::string(kSyncP99), sync->p99Us);
  return {};
}

std::string diskWords(const Readings& readings) {
  std::vector<double> p50, p99;
  std::string filesystem;
  for (const auto& reading : readings.all()) {
    if (const double us = reading->figure(kSyncP99); std::isfinite(us)) {
      p99.push_back(us);
      p50.push_back(reading->figure(kSyncP50));
    }
    if (filesystem.empty()) filesystem = reading->record.note(kFilesystem);
  }
  if (p99.empty()) return {};
  return fmt::format(
      "The disk ({}) syncs a small append in {} at the median and {} at p99. Before the single "
      "runs "
      "its p99 was {} to {}",
      filesystem, formatQuantity(medianOf(p50), "us"), formatQuantity(medianOf(p99), "us"),
      formatQuantity(std::ranges::min(p99), "us"), formatQuantity(std::ranges::max(p99), "us"));
}

}  // namespace redline
