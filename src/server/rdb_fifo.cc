#include "server/rdb_fifo.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr int kPipeBytes = 1 << 20;  // as much as a user may ask for by default

void blockPipeSignal() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

bool isFifo(const fs::path& path) {
  std::error_code problem;
  return fs::symlink_status(path, problem).type() == fs::file_type::fifo;
}

}  // namespace

Result<RdbFifo> RdbFifo::create(const fs::path& path) {
  std::error_code problem;
  if (isFifo(path)) fs::remove(path, problem);
  if (::mkfifo(path.c_str(), S_IRUSR | S_IWUSR) == 0) return RdbFifo(path);
  if (errno == EEXIST)
    return fail(ErrorCode::refused, "{} is there: the server's own dump file", path.native());
  return fail(ErrorCode::io, "cannot make the FIFO {}: {}", path.native(), errnoText(errno));
}

Result<bool> RdbFifo::open() {
  // ENXIO: nobody has it open for reading.
  Fd writer(::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!writer.valid() && (errno == ENXIO || errno == EINTR)) return false;
  if (!writer.valid())
    return fail(ErrorCode::io, "cannot open the FIFO {}: {}", path_.native(), errnoText(errno));
  blockPipeSignal();
  (void)::fcntl(writer.get(), F_SETPIPE_SZ, kPipeBytes);  // a smaller one works, too
  writer_ = std::move(writer);
  remove();
  return true;
}

Result<std::size_t> RdbFifo::writeSome(std::string_view bytes) {
  const ssize_t written = ::write(writer_.get(), bytes.data(), bytes.size());
  if (written >= 0) return static_cast<std::size_t>(written);
  if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
  return fail(errno == EPIPE ? ErrorCode::unreachable : ErrorCode::io,
              "cannot write into a server's FIFO: {}", errnoText(errno));
}

void RdbFifo::remove() noexcept {
  if (!path_.empty() && isFifo(path_)) ::unlink(path_.c_str());
  path_.clear();
}

void removeLeftFifos(const fs::path& directory) {
  std::error_code problem;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, problem))
    if (isFifo(entry.path())) ::unlink(entry.path().c_str());
}

}  // namespace redline
