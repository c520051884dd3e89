#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "transport/buffer.h"
#include "transport/tls.h"

struct ssl_st;

namespace redline {

/// One connection's TLS, the client's side, without I/O: what came from the peer goes in, what is
/// to be sent to it comes out. One thread at a time.
class TlsSession {
 public:
  enum class State : std::uint8_t {
    greeting,  ///< the handshake is under way: write() waits for its end
    open,
    ended,   ///< the peer has closed it in good order
    failed,  ///< problem() says why
  };

  /// `host`: whom we want to talk to, where the context names nobody else. Begins the handshake.
  TlsSession(const TlsContext& context, const std::string& host);

  State state() const noexcept { return state_; }
  /// Of a failure: what is wrong and what to do, in half a sentence that follows the address.
  const std::string& problem() const noexcept { return problem_; }

  /// Bytes from the peer; what they say is appended to `plain`.
  void receive(std::string_view bytes, InBuffer& plain);
  /// Encrypts; in the handshake, what is written waits for its end.
  void write(std::string_view plain);
  /// Moves what is to be sent to the peer behind what `out` holds.
  void take(OutBuffer& out);

 private:
  struct Free {
    void operator()(ssl_st* session) const;
  };

  void greet();
  void readInto(InBuffer& plain);
  void encrypt(std::string_view plain);
  void finish(int returned);

  std::unique_ptr<ssl_st, Free> session_;
  State state_ = State::greeting;
  OutBuffer waiting_;  ///< written during the handshake
  std::string problem_;
};

}  // namespace redline
