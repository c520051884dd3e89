#include "server/rdb_pipe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "os/files.h"

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

/// Where a link leads to; empty: it is none.
std::string linkTarget(const fs::path& path) {
  std::error_code problem;
  return fs::read_symlink(path, problem).native();
}

}  // namespace

Result<RdbPipe> RdbPipe::claim(const fs::path& path) {
  auto claimed = claimDirectory(path.parent_path());
  if (claimed) return RdbPipe(path, std::move(*claimed));
  if (claimed.error().code != ErrorCode::usage) return fail(std::move(claimed.error()));
  return fail(ErrorCode::refused,
              "another load by rdb is under way (in {}): wait until it has ended",
              path.parent_path().native());
}

Status RdbPipe::place() {
  if (isRdbPipe(path_)) ::unlink(path_.c_str());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return fail(ErrorCode::io, "cannot make a pipe: {}", errnoText(errno));
  const Fd reader(ends[0]);  // ours goes: then the pipe knows whether the server's is there
  Fd writer(ends[1]);
  (void)::fcntl(writer.get(), F_SETPIPE_SZ, kPipeBytes);  // a smaller one works, too
  fs::path target = fmt::format("/proc/{}/fd/{}", ::getpid(), writer.get());
  if (::symlink(target.c_str(), path_.c_str()) != 0) {
    if (errno == EEXIST)
      return fail(ErrorCode::refused, "{} is there: the server's own dump file", path_.native());
    return fail(ErrorCode::io, "cannot make the link {}: {}", path_.native(), errnoText(errno));
  }
  writer_ = std::move(writer);
  target_ = std::move(target);
  return {};
}

bool RdbPipe::opened() {
  pollfd end{writer_.get(), 0, 0};  // POLLERR: no reader
  if (::poll(&end, 1, 0) != 0) return false;
  blockPipeSignal();
  remove();
  return true;
}

Result<std::size_t> RdbPipe::writeSome(std::string_view bytes) {
  const ssize_t written = ::write(writer_.get(), bytes.data(), bytes.size());
  if (written >= 0) return static_cast<std::size_t>(written);
  if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
  return fail(errno == EPIPE ? ErrorCode::unreachable : ErrorCode::io,
              "cannot write into a server's pipe: {}", errnoText(errno));
}

void RdbPipe::close() noexcept {
  remove();
  writer_.reset();
}

void RdbPipe::remove() noexcept {
  if (!target_.empty() && linkTarget(path_) == target_.native()) ::unlink(path_.c_str());
  target_.clear();
}

bool isRdbPipe(const fs::path& path) {
  const std::string target = linkTarget(path);
  return isFifo(path) || (target.starts_with("/proc/") && target.find("/fd/") != target.npos);
}

void removeLeftPipes(const fs::path& directory) {
  std::error_code problem;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, problem)) {
    if (!isRdbPipe(entry.path())) continue;
    Fd end;
    if (isFifo(entry.path()))
      end = Fd(::open(entry.path().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    ::unlink(entry.path().c_str());
  }
}

TerminalStopOff::TerminalStopOff() {
  struct sigaction ignored{};
  ignored.sa_handler = SIG_IGN;
  ::sigaction(SIGTSTP, &ignored, &before_);
}

TerminalStopOff::~TerminalStopOff() {
  ::sigaction(SIGTSTP, &before_, nullptr);
}

}  // namespace redline
