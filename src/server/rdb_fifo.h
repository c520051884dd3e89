#pragma once

#include <filesystem>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "os/fd.h"

namespace redline {

/// A FIFO where a server's dump file would be: what one thread writes into it, DEBUG RELOAD loads.
/// It is in the directory only until the server has opened it, or this object goes. A server that
/// started while it was there would wait for a writer for ever.
class RdbFifo {
 public:
  /// One that a crash left is replaced. refused: a real dump file is there.
  static Result<RdbFifo> create(const std::filesystem::path& path);
  RdbFifo(RdbFifo&& other) noexcept
      : path_(std::exchange(other.path_, {})), writer_(std::move(other.writer_)) {}
  RdbFifo& operator=(RdbFifo&&) = delete;
  ~RdbFifo() { remove(); }

  /// True once the server has opened it for reading, and then it can be written to. Does not wait.
  Result<bool> open();
  /// Writes what there is room for without waiting; how many bytes that were. unreachable: the
  /// reader has gone. For a thread of its own: SIGPIPE is blocked there from then on.
  Result<std::size_t> writeSome(std::string_view bytes);
  /// The reader finds the end behind what was written.
  void close() noexcept { writer_.reset(); }

 private:
  explicit RdbFifo(std::filesystem::path path) : path_(std::move(path)) {}
  void remove() noexcept;

  std::filesystem::path path_;  ///< empty: no longer in the directory
  Fd writer_;
};

/// Removes FIFOs that a crash left in a server's directory.
void removeLeftFifos(const std::filesystem::path& directory);

}  // namespace redline
