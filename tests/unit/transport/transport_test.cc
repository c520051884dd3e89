#include "transport/transport.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "support/tcp_listener.h"

namespace redline {
namespace {

using Kind = TransportEvent::Kind;

void sendAll(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ASSERT_GT(sent, 0);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string receiveExactly(const Fd& fd, std::size_t bytes) {
  std::string all(bytes, '\0');
  const ssize_t got = ::recv(fd.get(), all.data(), bytes, MSG_WAITALL);
  EXPECT_EQ(got, static_cast<ssize_t>(bytes));
  return all;
}

/// Bytes that show where they are out of order.
std::string pattern(std::size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  std::uint32_t x = seed * 2654435761U + 1;
  for (char& byte : bytes) {
    x = x * 1664525U + 1013904223U;
    byte = static_cast<char>(x >> 24);
  }
  return bytes;
}

class TransportTest : public testing::TestWithParam<IoChoice> {
 protected:
  void SetUp() override {
    auto made = makeTransport(GetParam());
    if (!made && GetParam() == IoChoice::uring) GTEST_SKIP() << made.error().message;
    ASSERT_TRUE(made);
    transport_ = std::move(*made);
  }

  /// The next event; gives up after 5 s.
  TransportEvent next() {
    const Nanos deadline = SteadyClock::read() + 5 * kSecond;
    while (at_ == events_.size() && SteadyClock::read() < deadline) {
      const auto more = transport_->wait(100 * kMillisecond);
      events_.assign(more.begin(), more.end());
      at_ = 0;
    }
    if (at_ == events_.size()) {
      ADD_FAILURE() << "no event within 5 s";
      return {0, Kind::closed, ETIMEDOUT};
    }
    return events_[at_++];
  }

  ConnId connect() {
    const auto id = transport_->open(server_.endpoint());
    EXPECT_TRUE(id);
    const TransportEvent event = next();
    EXPECT_EQ(event.kind, Kind::connected);
    EXPECT_EQ(event.conn, *id);
    return *id;
  }

  void send(ConnId id, std::string_view bytes) {
    transport_->outbound(id).append(bytes);
    transport_->flush(id);
  }

  /// Receives until `bytes` have come, and leaves `unread` of them unconsumed each time.
  std::string receive(ConnId id, std::size_t bytes, std::size_t unread = 0) {
    std::string all;
    while (all.size() + transport_->inbound(id).readable().size() < bytes) {
      const TransportEvent event = next();
      EXPECT_EQ(event.kind, Kind::received);
      EXPECT_EQ(event.conn, id);
      if (event.kind != Kind::received) return all;
      const std::string_view there = transport_->inbound(id).readable();
      const std::size_t take = there.size() - std::min(unread, there.size());
      all += there.substr(0, take);
      transport_->inbound(id).consume(take);
    }
    all += transport_->inbound(id).readable();
    transport_->inbound(id).consume(transport_->inbound(id).readable().size());
    return all;
  }

  TcpListener server_;
  std::unique_ptr<Transport> transport_;
  std::vector<TransportEvent> events_;
  std::size_t at_ = 0;
};

TEST_P(TransportTest, CarriesRequestsAndRepliesInTurn) {
  const ConnId id = connect();
  const Fd peer = server_.accept();
  for (unsigned turn = 0; turn < 200; ++turn) {
    const std::string request = pattern(1 + turn % 50, turn);
    send(id, request);
    transport_->wait(0);
    ASSERT_EQ(receiveExactly(peer, request.size()), request);
    const std::string reply = pattern(1 + turn * 37 % 3000, turn + 1000);
    sendAll(peer, reply);
    ASSERT_EQ(receive(id, reply.size()), reply) << "turn " << turn;
  }
}

TEST_P(TransportTest, DeliversMoreThanAnyBufferHoldsInOrder) {
  const ConnId id = connect();
  const Fd peer = server_.accept();
  const std::string all = pattern(9'000'000, 7);
  std::thread sender([&] { sendAll(peer, all); });
  // Something is left unread each time, as by an incomplete reply: it has to stay in front.
  const std::string got = receive(id, all.size(), 1000);
  sender.join();
  EXPECT_TRUE(got == all);
  // And the connection still works.
  sendAll(peer, "after");
  EXPECT_EQ(receive(id, 5), "after");
}

TEST_P(TransportTest, SendsMoreThanTheSocketHoldsInOrder) {
  const ConnId id = connect();
  const Fd peer = server_.accept();
  const std::string all = pattern(9'000'000, 8);
  const std::size_t half = all.size() / 2;
  send(id, std::string_view(all).substr(0, half));
  transport_->wait(0);
  send(id, std::string_view(all).substr(half));  // while the first is still under way
  std::string got;
  std::thread reader([&] {
    got = receiveExactly(peer, all.size());
    sendAll(peer, "done");
  });
  const Nanos deadline = SteadyClock::read() + 10 * kSecond;
  std::string answer;
  while (answer.empty() && SteadyClock::read() < deadline)
    for (const TransportEvent& event : transport_->wait(10 * kMillisecond))
      if (event.kind == Kind::received) answer = transport_->inbound(id).readable();
  reader.join();
  EXPECT_EQ(answer, "done");
  EXPECT_TRUE(got == all);
}

TEST_P(TransportTest, KeepsManyConnectionsApart) {
  constexpr unsigned kMany = 40;
  std::vector<ConnId> ids;
  std::vector<Fd> peers;
  for (unsigned i = 0; i < kMany; ++i) {
    ids.push_back(connect());
    peers.push_back(server_.accept());
  }
  for (unsigned turn = 0; turn < 5; ++turn) {
    for (unsigned i = 0; i < kMany; ++i) sendAll(peers[i], pattern(100, turn * kMany + i));
    for (unsigned seen = 0; seen < kMany; ++seen) {
      const TransportEvent event = next();
      ASSERT_EQ(event.kind, Kind::received);
      InBuffer& in = transport_->inbound(event.conn);
      const auto which =
          static_cast<unsigned>(std::find(ids.begin(), ids.end(), event.conn) - ids.begin());
      ASSERT_EQ(in.readable(), pattern(100, turn * kMany + which));
      in.consume(100);
    }
  }
}

TEST_P(TransportTest, DeliversTheLastBytesBeforeTheEnd) {
  const ConnId id = connect();
  {
    const Fd peer = server_.accept();
    sendAll(peer, "last words");
  }
  EXPECT_EQ(receive(id, 10), "last words");
  const TransportEvent end = next();
  EXPECT_EQ(end.kind, Kind::closed);
  EXPECT_EQ(end.conn, id);
  EXPECT_EQ(end.error, 0);
  EXPECT_TRUE(transport_->wait(10 * kMillisecond).empty()) << "an end is reported once";
}

TEST_P(TransportTest, ReportsAConnectionThatIsRefused) {
  Endpoint vacant;
  {
    const TcpListener gone;
    vacant = gone.endpoint();
  }
  const auto id = transport_->open(vacant);
  ASSERT_TRUE(id);
  const TransportEvent event = next();
  EXPECT_EQ(event.kind, Kind::closed);
  EXPECT_EQ(event.error, ECONNREFUSED);
  transport_->close(*id);
}

TEST_P(TransportTest, ReusesTheNumberOfAClosedConnectionWithNothingLeftInIt) {
  for (unsigned turn = 0; turn < 20; ++turn) {
    const ConnId id = connect();
    const Fd peer = server_.accept();
    sendAll(peer, pattern(5000, turn));
    const std::string got = receive(id, 5000);
    ASSERT_TRUE(got == pattern(5000, turn)) << "turn " << turn;
    sendAll(peer, "left unread");
    if (turn % 2 == 0) transport_->wait(kMillisecond);
    transport_->close(id);
    events_.clear();
    at_ = 0;
    // Nothing follows of a connection that was closed, even where the kernel held its receive.
    ASSERT_TRUE(transport_->wait(kMillisecond).empty());
  }
}

std::string nameOf(const testing::TestParamInfo<IoChoice>& choice) {
  return choice.param == IoChoice::uring ? "uring" : "epoll";
}

// A wait without end: it would hang where it did not see the wake-up.
TEST_P(TransportTest, ReturnsFromAWaitWhenAnotherThreadWakesIt) {
  const auto waker = Waker::make();
  ASSERT_TRUE(waker);
  ASSERT_TRUE(transport_->watch(*waker));
  for (int i = 0; i < 100; ++i) {
    std::thread other([&waker] { waker->wake(); });
    EXPECT_TRUE(transport_->wait(-1).empty());
    other.join();
    waker->wake();  // before the wait
    EXPECT_TRUE(transport_->wait(-1).empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Io, TransportTest, testing::Values(IoChoice::uring, IoChoice::epoll),
                         nameOf);

}  // namespace
}  // namespace redline
