#include "os/sync_timing.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace redline {
namespace {

constexpr std::size_t kLeastCalls = 20;
constexpr Nanos kMeasuringTime = kSecond / 2;

}  // namespace

ScratchFile::ScratchFile(const std::filesystem::path& directory)
    : name_((directory / "fdatasync-XXXXXX").string()), fd_(::mkstemp(name_.data())) {}

ScratchFile::~ScratchFile() {
  if (fd_.valid()) ::unlink(name_.c_str());
}

Result<Nanos> timeSync(const ScratchFile& file, std::string_view record) {
  std::size_t written = 0;
  if (const int error = writeAll(file.fd(), record, written); error != 0)
    return fail(ErrorCode::io, "cannot write a file to sync: {}", errnoText(error));
  const Nanos began = SteadyClock::read();
  if (::fdatasync(file.fd()) != 0)
    return fail(ErrorCode::io, "cannot sync a file: {}", errnoText(errno));
  return SteadyClock::read() - began;
}

Result<std::vector<Nanos>> timeSyncs(const std::filesystem::path& directory, std::size_t count,
                                     std::size_t bytes) {
  const ScratchFile file(directory);
  if (file.fd() < 0)
    return fail(ErrorCode::io, "cannot make a file in {}: {}", directory.native(),
                errnoText(errno));
  const std::string record(bytes, 'x');
  std::vector<Nanos> times;
  const Nanos end = SteadyClock::read() + kMeasuringTime;
  while (times.size() < count && (times.size() < kLeastCalls || SteadyClock::read() < end)) {
    const auto took = timeSync(file, record);
    if (!took) return fail(took.error());
    times.push_back(*took);
  }
  return times;
}

}  // namespace redline
