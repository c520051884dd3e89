#include "report/gnuplot.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace redline {
namespace {

/// A file without a name, in memory: the child may write as much as it likes before we read.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : fd_(memfd_create(name, MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (fd_ >= 0) close(fd_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int fd() const { return fd_; }
  bool open() const { return fd_ >= 0; }

  bool write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return lseek(fd_, 0, SEEK_SET) == 0;
  }

  std::string read() const {
    std::string text;
    std::array<char, 65536> block{};
    for (off_t at = 0;;) {
      const ssize_t got = pread(fd_, block.data(), block.size(), at);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return text;
      text.append(block.data(), static_cast<std::size_t>(got));
      at += got;
    }
  }

 private:
  int fd_;
};

/// 0, or why the program could not be started.
int start(pid_t& pid, const MemoryFile& in, const MemoryFile& out, const MemoryFile& err) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.fd(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.fd(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.fd(), STDERR_FILENO);
  // -d: no init files of the user's, who may have set anything in them.
  std::array<char, 8> program{"gnuplot"};
  std::array<char, 3> noInit{"-d"};
  std::array<char*, 3> argv{program.data(), noInit.data(), nullptr};
  const int failed = posix_spawnp(&pid, program.data(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

/// The line in which gnuplot says what it did not like.
std::string complaint(const std::string& words) {
  for (std::size_t at = words.size(); at > 0;) {
    const std::size_t end = words.find_last_not_of(" \n\t", at - 1);
    if (end == std::string::npos) break;
    std::size_t begin = words.find_last_of('\n', end);
    begin = begin == std::string::npos ? 0 : begin + 1;
    return words.substr(begin, end + 1 - begin);
  }
  return "no reason given";
}

}  // namespace

Result<std::string> drawWithGnuplot(const std::string& script) {
  const MemoryFile in("script");
  const MemoryFile out("svg");
  const MemoryFile err("complaints");
  if (!in.open() || !out.open() || !err.open() || !in.write(script))
    return fail(ErrorCode::io, "cannot hand a plot to gnuplot: {}", errnoText(errno));
  pid_t pid = 0;
  if (const int failed = start(pid, in, out, err); failed != 0)
    return fail(ErrorCode::io,
                "cannot draw the plots: gnuplot {}; on Debian 'apt install gnuplot-nox' brings it "
                "(scripts/setup does so too)",
                failed == ENOENT ? "is not installed" : "did not start: " + errnoText(failed));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  std::string svg = out.read();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || svg.find("</svg>") == std::string::npos)
    return fail(ErrorCode::io, "gnuplot could not draw a plot: {}", complaint(err.read()));
  return svg;
}

}  // namespace redline
