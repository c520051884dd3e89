#include "transport/blocking.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "transport/gate.h"
#include "transport/socket.h"
#include "transport/tls_session.h"

namespace redline {
namespace {

/// How soon a wait notices that its limit was brought forward.
constexpr Nanos kSlice = 20 * kMillisecond;
constexpr int kSocketFlags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

tl::unexpected<Error> nothingListens(const Endpoint& endpoint, int error) {
  if (error == EACCES || error == EPERM)
    return fail(ErrorCode::refused, "may not connect to {}: {}", endpoint.text(), errnoText(error));
  if (error == ECONNREFUSED || error == ENOENT)
    return fail(ErrorCode::unreachable, "nothing listens on {}: {}or name another with -addr",
                endpoint.text(), kStartAdvice);
  return fail(ErrorCode::unreachable, "cannot connect to {}: {}", endpoint.text(),
              errnoText(error));
}

/// Starts a connect; 0, EINPROGRESS, or why not.
int startConnect(int fd, const PeerAddress& peer) {
  while (::connect(fd, peer.get(), peer.length()) != 0) {
    if (errno == EINTR) return EINPROGRESS;
    // A Unix socket whose backlog is full says EAGAIN at once: treated as refused.
    if (errno != EAGAIN) return errno;
    return ECONNREFUSED;
  }
  return 0;
}

struct ConnectAttempt {
  Fd fd;
  int error = 0;  ///< 0, EINPROGRESS, or why not
};

ConnectAttempt attempt(const PeerAddress& peer) {
  Fd fd(::socket(peer.family(), kSocketFlags, 0));
  if (!fd.valid()) return {{}, errno};
  const int error = startConnect(fd.get(), peer);
  return {std::move(fd), error};
}

}  // namespace

struct BlockingStream::Encryption {
  Encryption(const TlsContext& context, const std::string& host) : session(context, host) {}
  TlsSession session;
  InBuffer plain;    ///< received, and not yet read
  OutBuffer cipher;  ///< to be sent
};

BlockingStream::BlockingStream(Endpoint endpoint, Endpoint peer, Fd fd,
                               const std::atomic<Nanos>* limit)
    : endpoint_(std::move(endpoint)), peer_(std::move(peer)), fd_(std::move(fd)), limit_(limit) {}
BlockingStream::BlockingStream(BlockingStream&&) noexcept = default;
BlockingStream& BlockingStream::operator=(BlockingStream&&) noexcept = default;
BlockingStream::~BlockingStream() = default;

Result<BlockingStream> BlockingStream::connect(const Endpoint& endpoint, Nanos deadline,
                                               const std::atomic<Nanos>* limit, const Tls& tls) {
  const auto addresses = admit(endpoint);
  if (!addresses) return fail(addresses.error());
  Result<BlockingStream> last = nothingListens(endpoint, ECONNREFUSED);
  for (const PeerAddress& peer : *addresses) {
    last = establish(endpoint, peer, deadline, limit);
    if (last) break;
  }
  if (last && tls && !endpoint.isUnix())
    if (auto greeted = last->encrypt(*tls, deadline); !greeted)
      return fail(std::move(greeted.error()));
  return last;
}

Result<BlockingStream> BlockingStream::establish(const Endpoint& endpoint, const PeerAddress& peer,
                                                 Nanos deadline, const std::atomic<Nanos>* limit) {
  ConnectAttempt tried = attempt(peer);
  if (tried.error != 0 && tried.error != EINPROGRESS) return nothingListens(endpoint, tried.error);
  BlockingStream stream(endpoint, peer.endpoint(), std::move(tried.fd), limit);
  if (auto ready = stream.finishConnect(deadline); !ready) return fail(std::move(ready.error()));
  return stream;
}

Status BlockingStream::finishConnect(Nanos deadline) {
  if (auto ready = awaitReady(POLLOUT, deadline); !ready) {
    if (ready.error().code != ErrorCode::timeout) return ready;
    return fail(ErrorCode::timeout, "cannot connect to {}: no answer in time", endpoint_.text());
  }
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error != 0) return nothingListens(endpoint_, error);
  const int on = 1;
  if (!endpoint_.isUnix() && ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
    return fail(ErrorCode::io, "cannot set TCP_NODELAY: {}", errnoText(errno));
  return {};
}

Status BlockingStream::awaitReady(short events, Nanos deadline) const {
  for (;;) {
    Nanos end = deadline;
    if (limit_ != nullptr) end = std::min(end, limit_->load(std::memory_order_relaxed));
    Nanos span = std::max<Nanos>(0, end - SteadyClock::read());
    if (span == 0 && end != deadline)
      return fail(ErrorCode::interrupted, "the wait for {} was ended early", endpoint_.text());
    const bool last = span == 0;
    if (limit_ != nullptr) span = std::min(span, kSlice);
    const timespec wait{static_cast<time_t>(span / kSecond), static_cast<long>(span % kSecond)};
    pollfd waiting{fd_.get(), events, 0};
    const int ready = ::ppoll(&waiting, 1, &wait, nullptr);
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR)
      return fail(ErrorCode::io, "cannot wait for {}: {}", endpoint_.text(), errnoText(errno));
    if (last) return fail(ErrorCode::timeout, "no answer from {} in time", endpoint_.text());
  }
}

/// The handshake.
Status BlockingStream::encrypt(const TlsContext& context, Nanos deadline) {
  tls_ = std::make_unique<Encryption>(context, endpoint_.host);
  while (tls_->session.state() == TlsSession::State::greeting) {
    if (auto sent = sendCipher(deadline); !sent) return sent;
    bool ended = false;
    auto received = receiveCipher(deadline, ended);
    // A plain server takes the greeting for the begin of a line, and waits for its end.
    if (ended || (!received && received.error().code == ErrorCode::timeout))
      return fail(ErrorCode::refused,
                  "{} does not answer in TLS: leave out -tls, or name its TLS port",
                  endpoint_.text());
    if (!received) return received;
  }
  return sendCipher(deadline);
}

/// What the peer has sent, decrypted. `ended`: nothing more will come.
Status BlockingStream::receiveCipher(Nanos deadline, bool& ended) {
  std::array<char, 16 * 1024> bytes;
  const auto got = receive(bytes, deadline);
  if (!got) return fail(got.error());
  tls_->session.receive({bytes.data(), *got}, tls_->plain);
  if (tls_->session.state() == TlsSession::State::failed) {
    (void)sendCipher(deadline);  // the peer is told why
    return fail(ErrorCode::refused, "{} {}", endpoint_.text(), tls_->session.problem());
  }
  ended = *got == 0 || tls_->session.state() == TlsSession::State::ended;
  return {};
}

Status BlockingStream::sendCipher(Nanos deadline) {
  tls_->session.take(tls_->cipher);
  auto sent = send(tls_->cipher.view(), deadline);
  tls_->cipher.clear();
  return sent;
}

Result<std::size_t> BlockingStream::readSome(std::span<char> into, Nanos deadline) {
  if (!tls_) return receive(into, deadline);
  for (bool ended = false;;) {
    const std::string_view ready = tls_->plain.readable().substr(0, into.size());
    if (!ready.empty() || ended) {
      std::ranges::copy(ready, into.begin());
      tls_->plain.consume(ready.size());
      return ready.size();
    }
    if (auto received = receiveCipher(deadline, ended); !received)
      return fail(std::move(received.error()));
    if (auto sent = sendCipher(deadline); !sent) return fail(std::move(sent.error()));
  }
}

Status BlockingStream::writeAll(std::string_view bytes, Nanos deadline) {
  if (!tls_) return send(bytes, deadline);
  tls_->session.write(bytes);
  return sendCipher(deadline);
}

Result<std::size_t> BlockingStream::receive(std::span<char> into, Nanos deadline) {
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN) {
      if (auto ready = awaitReady(POLLIN, deadline); !ready) return fail(std::move(ready.error()));
    } else if (errno != EINTR) {
      return fail(ErrorCode::unreachable, "the connection to {} was lost: {}", endpoint_.text(),
                  errnoText(errno));
    }
  }
}

Status BlockingStream::send(std::string_view bytes, Nanos deadline) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      if (auto ready = awaitReady(POLLOUT, deadline); !ready) return ready;
    } else if (errno != EINTR) {
      return fail(ErrorCode::unreachable, "the connection to {} was lost: {}", endpoint_.text(),
                  errnoText(errno));
    }
  }
  return {};
}

}  // namespace redline
