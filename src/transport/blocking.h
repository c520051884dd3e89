#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "os/fd.h"
#include "transport/endpoint.h"
#include "transport/tls.h"

namespace redline {

class PeerAddress;

/// In the error for an address on which nothing listens: what to do about it.
inline constexpr std::string_view kStartAdvice = "start a server with `redline stack up node` ";

/// One connection whose calls wait, for administration. Owns its socket; movable. Every deadline is
/// a point on SteadyClock.
class BlockingStream {
 public:
  /// Opens a TCP connection (TCP_NODELAY) or a Unix socket. unreachable: nothing listens there;
  /// timeout: no answer by `deadline`; unsafe: the gate does not let it through; refused: TLS does
  /// not come about. The message says what to do about it. `tls`: null, or what TCP is encrypted
  /// with.
  static Result<BlockingStream> connect(const Endpoint& endpoint, Nanos deadline,
                                        const std::atomic<Nanos>* limit = nullptr,
                                        const Tls& tls = nullptr);
  BlockingStream(BlockingStream&&) noexcept;
  BlockingStream& operator=(BlockingStream&&) noexcept;
  ~BlockingStream();

  /// Waits for at least one byte; 0: the peer has closed.
  Result<std::size_t> readSome(std::span<char> into, Nanos deadline);
  /// Returns when the kernel has taken all bytes.
  Status writeAll(std::string_view bytes, Nanos deadline);
  const Endpoint& endpoint() const { return endpoint_; }
  /// The same with its host as the address that accepted the connection.
  const Endpoint& peer() const { return peer_; }

 private:
  struct Encryption;

  BlockingStream(Endpoint endpoint, Endpoint peer, Fd fd, const std::atomic<Nanos>* limit);
  static Result<BlockingStream> establish(const Endpoint& endpoint, const PeerAddress& peer,
                                          Nanos deadline, const std::atomic<Nanos>* limit);
  Status finishConnect(Nanos deadline);
  Status encrypt(const TlsContext& context, Nanos deadline);
  Status receiveCipher(Nanos deadline, bool& ended);
  Status sendCipher(Nanos deadline);
  Result<std::size_t> receive(std::span<char> into, Nanos deadline);
  Status send(std::string_view bytes, Nanos deadline);
  Status awaitReady(short events, Nanos deadline) const;

  Endpoint endpoint_, peer_;
  Fd fd_;
  /// A point in time that another thread may bring forward to end waits early; null: none.
  const std::atomic<Nanos>* limit_ = nullptr;
  std::unique_ptr<Encryption> tls_;  ///< null: what is written is what is sent
};

}  // namespace redline
