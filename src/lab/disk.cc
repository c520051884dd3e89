#include "lab/disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/statistics.h"

namespace redline {
namespace {

constexpr std::size_t kLeastCalls = 20;
constexpr Nanos kLongest = kSecond / 2;

class ScratchFile {
 public:
  explicit ScratchFile(const std::filesystem::path& directory)
      : name_((directory / "fdatasync-XXXXXX").string()), fd_(::mkstemp(name_.data())) {}
  ~ScratchFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(name_.c_str());
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  int fd() const { return fd_; }

 private:
  std::string name_;
  int fd_;
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
  const Nanos end = SteadyClock::read() + kLongest;
  while (times.size() < count && (times.size() < kLeastCalls || SteadyClock::read() < end)) {
    if (::write(file.fd(), record.data(), record.size()) != static_cast<ssize_t>(record.size()))
      return fail(ErrorCode::io, "cannot write into {}: {}", directory.native(), errnoText(errno));
    const Nanos began = SteadyClock::read();
    if (::fdatasync(file.fd()) != 0)
      return fail(ErrorCode::io, "fdatasync in {}: {}", directory.native(), errnoText(errno));
    times.push_back(static_cast<double>(SteadyClock::read() - began) / 1e3);
  }
  return SyncFigures{quantileOf(times, 0.5), quantileOf(times, 0.99), quantileOf(times, 1),
                     times.size()};
}

}  // namespace redline
