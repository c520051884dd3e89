#pragma once

#include <signal.h>

#include <filesystem>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "os/fd.h"

namespace redline {

/// A pipe in the place of a server's dump file: what one thread writes into it, DEBUG RELOAD loads.
/// In the directory it is a link to /proc/PID/fd/N of this process. Unlike a FIFO, such a pipe is
/// opened at once whoever holds its other end, and after this process has gone the link leads
/// nowhere: a server that comes to it late gets "no such file" instead of a wait without an end.
class RdbPipe {
 public:
  /// Claims the server's directory, for as long as this object lives; makes nothing yet. refused:
  /// another load has claimed it, in this process or in another one.
  static Result<RdbPipe> claim(const std::filesystem::path& path);
  RdbPipe(RdbPipe&& other) noexcept
      : path_(std::move(other.path_)),
        target_(std::exchange(other.target_, {})),
        claim_(std::move(other.claim_)),
        writer_(std::move(other.writer_)) {}
  RdbPipe& operator=(RdbPipe&&) = delete;
  ~RdbPipe() { remove(); }

  /// Makes the pipe and its link; replaces one that a crash left. refused: a real dump file is
  /// there. A server that was asked to reload before the claim has done so when it has answered
  /// something since; only then may this be called.
  Status place();
  /// Whether the server has opened it, and then it can be written to. Does not wait.
  bool opened();
  /// Writes what there is room for without waiting; how many bytes that were. unreachable: the
  /// reader has gone. For a thread of its own: SIGPIPE is blocked there from then on.
  Result<std::size_t> writeSome(std::string_view bytes);
  /// The reader finds the end behind what was written; one that comes later finds no file.
  void close() noexcept;

 private:
  RdbPipe(std::filesystem::path path, Fd claim)
      : path_(std::move(path)), claim_(std::move(claim)) {}
  void remove() noexcept;

  std::filesystem::path path_;
  std::filesystem::path target_;  ///< of the link; empty: there is none
  Fd claim_, writer_;
};

/// Whether it is what a load puts in the place of a dump file: a pipe's link, or a FIFO.
bool isRdbPipe(const std::filesystem::path& path);

/// Removes what a crash left of such in a server's directory. One who waits for the other end of a
/// FIFO is let go.
void removeLeftPipes(const std::filesystem::path& directory);

/// While it lives, Ctrl-Z does not stop this process: a server that reads from it would answer
/// nobody until it continues. One at a time.
class TerminalStopOff {
 public:
  TerminalStopOff();
  ~TerminalStopOff();
  TerminalStopOff(const TerminalStopOff&) = delete;
  TerminalStopOff& operator=(const TerminalStopOff&) = delete;

 private:
  struct sigaction before_{};
};

}  // namespace redline
