#include "os/fd.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace redline {

void Fd::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<SocketPair> socketPair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(ErrorCode::io, "cannot make a pair of sockets: {}", errnoText(errno));
  return SocketPair{Fd(ends[0]), Fd(ends[1])};
}

Result<Fd> memoryFile(std::string_view bytes) {
  Fd file(::memfd_create("redline", MFD_CLOEXEC));
  std::size_t written = 0;
  int error = file.valid() ? writeAll(file.get(), bytes, written) : errno;
  if (error == 0 && ::lseek(file.get(), 0, SEEK_SET) != 0) error = errno;
  if (error != 0) return fail(ErrorCode::io, "cannot make a file in memory: {}", errnoText(error));
  return file;
}

int writeAll(int fd, std::string_view bytes, std::size_t& written) noexcept {
  written = 0;
  while (written < bytes.size()) {
    const ssize_t got = ::write(fd, bytes.data() + written, bytes.size() - written);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    written += static_cast<std::size_t>(got);
  }
  return 0;
}

int readAll(int fd, std::string& bytes, std::size_t most) {
  std::size_t room = most;
  std::array<char, 1 << 16> block;
  for (;;) {
    const ssize_t got = ::read(fd, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0;
    const auto size = static_cast<std::size_t>(got);
    if (size > room) return EFBIG;
    room -= size;
    bytes.append(block.data(), size);
  }
}

}  // namespace redline
