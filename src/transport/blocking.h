#pragma once

#include <atomic>
#include <cstddef>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "os/fd.h"
#include "transport/endpoint.h"

namespace redline {

/// One connection whose calls wait, for administration. Owns its socket; movable. Every deadline is
/// a point on SteadyClock.
class BlockingStream {
 public:
  /// Opens a TCP connection (TCP_NODELAY) or a Unix socket. unreachable: nothing listens there;
  /// timeout: no answer by `deadline`. The message says what to do about it.
  static Result<BlockingStream> connect(const Endpoint& endpoint, Nanos deadline,
                                        const std::atomic<Nanos>* limit = nullptr);

  /// Waits for at least one byte; 0: the peer has closed.
  Result<std::size_t> readSome(std::span<char> into, Nanos deadline);
  /// Returns when the kernel has taken all bytes.
  Status writeAll(std::string_view bytes, Nanos deadline);
  const Endpoint& endpoint() const { return endpoint_; }

 private:
  BlockingStream(Endpoint endpoint, Fd fd, const std::atomic<Nanos>* limit)
      : endpoint_(std::move(endpoint)), fd_(std::move(fd)), limit_(limit) {}
  Status finishConnect(Nanos deadline);
  Status awaitReady(short events, Nanos deadline) const;

  Endpoint endpoint_;
  Fd fd_;
  /// A point in time that another thread may bring forward to end waits early; null: none.
  const std::atomic<Nanos>* limit_ = nullptr;
};

}  // namespace redline
