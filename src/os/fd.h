#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace redline {

/// Owns a file descriptor; one of -1 owns none.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }
  int get() const noexcept { return fd_; }
  bool valid() const noexcept { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

struct SocketPair {
  Fd first, second;
};

/// Two connected stream sockets, close-on-exec. Unlike a pipe's, a write without a reader can fail
/// without SIGPIPE.
Result<SocketPair> socketPair();

/// A file in memory, without a name, that holds `bytes`; reads and writes start at its beginning.
Result<Fd> memoryFile(std::string_view bytes = {});

/// Writes all of `bytes`; 0, or an errno. `written` says how much got through.
int writeAll(int fd, std::string_view bytes, std::size_t& written) noexcept;

/// Appends everything from the descriptor's position to its end to `bytes`; 0, or an errno. EFBIG:
/// there is more than `most`, of which `bytes` then has a part.
int readAll(int fd, std::string& bytes, std::size_t most = std::string::npos);

}  // namespace redline
