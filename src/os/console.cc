#include "os/console.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "os/files.h"

namespace redline {
namespace {

std::atomic<int> gFirstError{0};  ///< of standard output; 0: none
std::atomic<bool> gOnlyData{false};

bool isWritable(int fd, int timeoutMillis) noexcept {
  pollfd waiting{fd, POLLOUT, 0};
  return ::poll(&waiting, 1, timeoutMillis) == 1;
}

/// 0, or an errno. A descriptor that another program made non-blocking is waited for.
int writeWhole(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put >= 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      isWritable(fd, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

void writeData(std::string_view text) noexcept {
  int none = 0;
  if (const int error = writeWhole(STDOUT_FILENO, text); error != 0)
    gFirstError.compare_exchange_strong(none, error);
}

}  // namespace

void writeOut(std::string_view text) noexcept {
  if (gOnlyData) return writeErr(text);
  writeData(text);
}

void keepStandardOutputForData() noexcept {
  gOnlyData = true;
}

void writeErr(std::string_view text) noexcept {
  writeWhole(STDERR_FILENO, text);
}

void writeLive(std::string_view text) noexcept {
  if (isWritable(STDERR_FILENO, 0)) writeErr(text);
}

Status writeResult(const std::filesystem::path& path, std::string_view text) {
  if (path != "-") return writeWholeFile(path, text);
  writeData(text);
  return {};
}

Status resultsWritten() {
  const int error = gFirstError.load();
  if (error == 0) return {};
  if (error == EPIPE) return fail(ErrorCode::unreachable, "the reader of standard output has gone");
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return fail(full ? ErrorCode::noSpace : ErrorCode::io,
              "cannot write the result to standard output: {}", errnoText(error));
}

void prepareConsole() noexcept {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  // The lowest free number is the closed one. Reading gives the end of the file, writing an error.
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", O_RDONLY);
}

}  // namespace redline
