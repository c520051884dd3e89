#include "transport/epoll.h"

#include <sys/epoll.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <limits>
#include <vector>

#include "transport/conn_slots.h"
#include "transport/gate.h"
#include "transport/socket.h"

namespace redline {
namespace {

struct EpollConnection {
  Fd fd;
  InBuffer in;
  OutBuffer out;     // filled by the owner, sent by flush()
  OutBuffer unsent;  // what the socket had no room for
  bool connecting = false;
  bool watchingWrites = false;
  int pendingError = 0;  // a send failed: reported as `closed` by the next wait()
};

class EpollTransport final : public Transport {
 public:
  explicit EpollTransport(Fd epoll) : epoll_(std::move(epoll)) {}

  Result<ConnId> open(const Endpoint& endpoint) override {
    const auto addresses = admit(endpoint, NameLookup::never);
    if (!addresses) return fail(addresses.error());
    const PeerAddress& address = addresses->front();
    auto fd = makeSocket(address.family(), true);
    if (!fd) return fail(fd.error());
    const ConnId id = connections_.take();
    EpollConnection& connection = connections_[id];
    connection.fd = std::move(*fd);
    connection.connecting = true;
    if (::connect(connection.fd.get(), address.get(), address.length()) != 0 &&
        errno != EINPROGRESS)
      broken_.push_back({id, TransportEvent::Kind::closed, errno});
    else
      watch(id, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    return id;
  }

  void close(ConnId id) override {
    connections_.release(id);  // closing the descriptor takes it out of the epoll set
    std::erase_if(broken_, [id](const TransportEvent& event) { return event.conn == id; });
  }

  InBuffer& inbound(ConnId id) override { return connections_[id].in; }
  OutBuffer& outbound(ConnId id) override { return connections_[id].out; }

  void flush(ConnId id) override {
    EpollConnection& c = connections_[id];
    if (c.out.empty()) return;
    if (!c.unsent.empty() || c.connecting) {
      c.unsent.append(c.out.view());
      c.out.clear();
      return;
    }
    const std::size_t sent = sendSome(id, c.out.view());
    if (sent < c.out.view().size()) {
      c.unsent.append(c.out.view().substr(sent));
      watchWrites(id, true);
    }
    c.out.clear();
  }

  std::span<const TransportEvent> wait(Nanos timeout) override {
    events_.clear();
    if (!broken_.empty()) {
      events_.swap(broken_);
      timeout = 0;
    }
    const timespec limit{timeout / kSecond, timeout % kSecond};
    const int count = ::epoll_pwait2(epoll_.get(), ready_.data(), static_cast<int>(ready_.size()),
                                     timeout < 0 ? nullptr : &limit, nullptr);
    for (int i = 0; i < count; ++i) handle(ready_[static_cast<std::size_t>(i)]);
    return events_;
  }

  // Edge-triggered: each wake() is an event of its own, and the counter need not be read.
  Status watch(const Waker& waker) override {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.u32 = kWaker;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, waker.fd(), &event) != 0)
      return fail(ErrorCode::io, "epoll_ctl: {}", errnoText(errno));
    return {};
  }

  std::string_view name() const override { return "epoll"; }

 private:
  static constexpr ConnId kWaker = std::numeric_limits<ConnId>::max();

  void watch(ConnId id, int operation, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.u32 = id;
    ::epoll_ctl(epoll_.get(), operation, connections_[id].fd.get(), &event);
  }

  void watchWrites(ConnId id, bool on) {
    EpollConnection& c = connections_[id];
    if (c.watchingWrites == on) return;
    c.watchingWrites = on;
    watch(id, EPOLL_CTL_MOD, on ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  // How many bytes the socket took. An error other than "full" is kept for the next wait().
  std::size_t sendSome(ConnId id, std::string_view bytes) {
    EpollConnection& c = connections_[id];
    const ssize_t sent = ::send(c.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno != EAGAIN && errno != EINTR && c.pendingError == 0) {
      c.pendingError = errno;
      broken_.push_back({id, TransportEvent::Kind::closed, errno});
    }
    return 0;
  }

  void handle(const epoll_event& ready) {
    const ConnId id = ready.data.u32;
    if (id == kWaker || !connections_.holds(id) || connections_[id].pendingError != 0) return;
    if (connections_[id].connecting) {
      finishConnect(id);
      return;
    }
    if ((ready.events & EPOLLOUT) != 0) sendRest(id);
    if ((ready.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive(id);
  }

  void finishConnect(ConnId id) {
    EpollConnection& c = connections_[id];
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(c.fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
      reportClosed(id, error);
      return;
    }
    c.connecting = false;
    watch(id, EPOLL_CTL_MOD, EPOLLIN);
    events_.push_back({id, TransportEvent::Kind::connected, 0});
    if (!c.unsent.empty()) sendRest(id);
  }

  void sendRest(ConnId id) {
    EpollConnection& c = connections_[id];
    c.unsent.consume(sendSome(id, c.unsent.view()));
    watchWrites(id, !c.unsent.empty());
  }

  void receive(ConnId id) {
    EpollConnection& c = connections_[id];
    const std::span<char> space = c.in.space();
    const ssize_t got = ::recv(c.fd.get(), space.data(), space.size(), 0);
    if (got > 0) {
      c.in.commit(static_cast<std::size_t>(got));
      events_.push_back({id, TransportEvent::Kind::received, 0});
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      reportClosed(id, got == 0 ? 0 : errno);
    }
  }

  void reportClosed(ConnId id, int error) {
    EpollConnection& c = connections_[id];
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, c.fd.get(), nullptr);
    if (c.pendingError == 0) events_.push_back({id, TransportEvent::Kind::closed, error});
    c.pendingError = error == 0 ? EPIPE : error;
  }

  Fd epoll_;
  ConnSlots<EpollConnection> connections_;
  std::array<epoll_event, 512> ready_{};
  std::vector<TransportEvent> events_;
  std::vector<TransportEvent> broken_;
};

}  // namespace

Result<std::unique_ptr<Transport>> makeEpollTransport() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return fail(ErrorCode::io, "epoll_create1: {}", errnoText(errno));
  return std::make_unique<EpollTransport>(std::move(epoll));
}

}  // namespace redline
