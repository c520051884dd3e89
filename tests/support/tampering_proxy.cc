#include "support/tampering_proxy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <utility>

#include "resp/scanner.h"

namespace redline::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Fd tcpSocket() {
  return Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/// False: the other side has hung up, or it is time to stop.
bool sendAll(const Fd& to, const Fd& stop, std::string_view bytes) {
  while (!bytes.empty()) {
    std::array<pollfd, 2> waiting{{{to.get(), POLLOUT, 0}, {stop.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 || waiting[1].revents != 0) return false;
    const ssize_t put = ::send(to.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

}  // namespace

TamperingProxy::TamperingProxy(Endpoint server, Tamper tamper)
    : server_(std::move(server)),
      tamper_(std::move(tamper)),
      listener_(tcpSocket()),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), generic, length) != 0 || ::listen(listener_.get(), 64) != 0 ||
      ::getsockname(listener_.get(), generic, &length) != 0)
    ADD_FAILURE() << "cannot listen on loopback";
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept(); });
}

TamperingProxy::~TamperingProxy() {
  const std::uint64_t one = 1;
  if (::write(stop_.get(), &one, sizeof one) < 0) ADD_FAILURE() << "cannot stop the proxy";
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
}

void TamperingProxy::accept() {
  for (;;) {
    std::array<pollfd, 2> waiting{{{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 || waiting[1].revents != 0) return;
    Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client.valid()) connections_.emplace_back([this, fd = std::move(client)] { serve(fd); });
  }
}

std::optional<TamperingProxy::Answer> TamperingProxy::answerTo(const Value& request,
                                                               std::string_view reply) {
  const std::lock_guard lock(mutex_);
  return tamper_(request, reply);
}

void TamperingProxy::serve(const Fd& client) {
  const Fd server = tcpSocket();
  const sockaddr_in address = loopback(server_.port);
  if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return;
  ValueParser requests;
  std::deque<Value> asked;
  ReplyScanner scanner;
  std::string replies;
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    std::array<pollfd, 3> waiting{
        {{client.get(), POLLIN, 0}, {server.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 || waiting[2].revents != 0) return;
    if (waiting[0].revents != 0) {
      const ssize_t got = ::recv(client.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) return;
      const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
      requests.feed(bytes);
      Value request;
      while (requests.next(request).value_or(false)) asked.push_back(request);
      if (!sendAll(server, stop_, bytes)) return;
    }
    if (waiting[1].revents == 0) continue;
    const ssize_t got = ::recv(server.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return;
    replies.append(buffer.data(), static_cast<std::size_t>(got));
    ReplyView reply;
    while (!replies.empty() && scanner.next(replies, reply) == ReplyScanner::Status::complete) {
      const std::string bytes = replies.substr(0, reply.size);
      replies.erase(0, reply.size);
      if (asked.empty()) return;
      const auto answer = answerTo(asked.front(), bytes);
      asked.pop_front();
      if (!answer) continue;
      do {
        if (!sendAll(client, stop_, answer->bytes)) return;
      } while (answer->endless);
    }
  }
}

}  // namespace redline::test
