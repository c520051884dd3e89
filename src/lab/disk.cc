#include "lab/disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "model/statistics.h"
#include "os/fd.h"
#include "server/host.h"

namespace redline {
namespace {

constexpr std::size_t kLeastCalls = 20;
constexpr Nanos kMeasuringTime = kSecond / 2;

class ScratchFile {
 public:
  explicit ScratchFile(const std::filesystem::path& directory)
      : name_((directory / "fdatasync-XXXXXX").string()), fd_(::mkstemp(name_.data())) {}
  ~ScratchFile() {
    if (fd_.valid()) ::unlink(name_.c_str());
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  int fd() const { return fd_.get(); }

 private:
  std::string name_;
  Fd fd_;
};

}  // namespace

Result<SyncFigures> measureFdatasync(const std::filesystem::path& directory, std::size_t count,
                                     std::size_t bytes) {
  const ScratchFile file(directory);
  if (file.fd() < 0)
    return fail(ErrorCode::io, "cannot make a file in {}: {}", directory.native(),
                errnoText(errno));
  const std::string record(bytes, 'x');
  std::vector<double> times;
  const Nanos end = SteadyClock::read() + kMeasuringTime;
  while (times.size() < count && (times.size() < kLeastCalls || SteadyClock::read() < end)) {
    if (::write(file.fd(), record.data(), record.size()) != static_cast<ssize_t>(record.size()))
      return fail(ErrorCode::io, "cannot write into {}: {}", directory.native(), errnoText(errno));
    const Nanos began = SteadyClock::read();
    if (::fdatasync(file.fd()) != 0)
      return fail(ErrorCode::io, "fdatasync in {}: {}", directory.native(), errnoText(errno));
    times.push_back(toMicros(SteadyClock::read() - began));
  }
  return SyncFigures{quantileOf(times, 0.5), quantileOf(times, 0.99), quantileOf(times, 1),
                     times.size()};
}

Status noteDisk(Bench& bench) {
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
      "The disk ({}) syncs an append of 200 B in {} at the median and {} at p99 (medians of {} "
      "measurements, p99 from {} to {})",
      filesystem, formatQuantity(medianOf(p50), "us"), formatQuantity(medianOf(p99), "us"),
      p99.size(), formatQuantity(std::ranges::min(p99), "us"),
      formatQuantity(std::ranges::max(p99), "us"));
}

}  // namespace redline
