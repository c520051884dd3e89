#include "transport/blocking.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <limits>
#include <string>
#include <thread>

namespace redline {
namespace {

/// A socket that listens on a free port of loopback.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(fd_, generic, length), 0);
    EXPECT_EQ(::listen(fd_, 4), 0);
    EXPECT_EQ(::getsockname(fd_, generic, &length), 0);
    endpoint_ = {"127.0.0.1", ntohs(address.sin_port), {}};
  }
  ~Listener() { ::close(fd_); }
  const Endpoint& endpoint() const { return endpoint_; }
  int accept() const { return ::accept(fd_, nullptr, nullptr); }

 private:
  int fd_;
  Endpoint endpoint_;
};

Nanos in(Nanos span) {
  return SteadyClock::read() + span;
}

TEST(BlockingStream, SaysWhatToDoWhenNothingListens) {
  Endpoint vacant;
  {
    const Listener gone;
    vacant = gone.endpoint();
  }
  const auto stream = BlockingStream::connect(vacant, in(kSecond));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, ErrorCode::unreachable);
  EXPECT_EQ(stream.error().message,
            "nothing listens on " + vacant.text() +
                ": start a server with `redline stack up node` or name another with -addr");
  const auto local = BlockingStream::connect({{}, 0, "/nowhere/at/all.sock"}, in(kSecond));
  ASSERT_FALSE(local);
  EXPECT_EQ(local.error().code, ErrorCode::unreachable);
}

TEST(BlockingStream, CarriesBytesBothWaysAndSeesTheEnd) {
  const Listener listener;
  std::string heard;
  std::thread peer([&] {
    const int fd = listener.accept();
    std::array<char, 64> bytes{};
    const ssize_t got = ::recv(fd, bytes.data(), 5, MSG_WAITALL);
    heard.assign(bytes.data(), static_cast<std::size_t>(got));
    EXPECT_EQ(::send(fd, "world", 5, 0), 5);
    ::close(fd);
  });
  auto stream = BlockingStream::connect(listener.endpoint(), in(5 * kSecond));
  ASSERT_TRUE(stream);
  ASSERT_TRUE(stream->writeAll("hello", in(5 * kSecond)));
  std::string answer;
  std::array<char, 3> bytes{};
  for (;;) {
    const auto got = stream->readSome(bytes, in(5 * kSecond));
    ASSERT_TRUE(got);
    if (*got == 0) break;
    answer.append(bytes.data(), *got);
  }
  peer.join();
  EXPECT_EQ(heard, "hello");
  EXPECT_EQ(answer, "world");
}

TEST(BlockingStream, GivesUpAtTheDeadline) {
  const Listener silent;
  auto stream = BlockingStream::connect(silent.endpoint(), in(5 * kSecond));
  ASSERT_TRUE(stream);
  std::array<char, 8> bytes{};
  const Nanos deadline = in(50 * kMillisecond);
  const auto got = stream->readSome(bytes, deadline);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::timeout);
  EXPECT_GE(SteadyClock::read(), deadline);
}

TEST(BlockingStream, GivesUpWritingToAPeerThatDoesNotRead) {
  const Listener silent;
  auto stream = BlockingStream::connect(silent.endpoint(), in(5 * kSecond));
  ASSERT_TRUE(stream);
  const auto written = stream->writeAll(std::string(64 << 20, 'x'), in(50 * kMillisecond));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::timeout);
}

TEST(BlockingStream, EndsAWaitWhoseLimitIsBroughtForward) {
  const Listener silent;
  std::atomic<Nanos> limit{std::numeric_limits<Nanos>::max()};
  auto stream = BlockingStream::connect(silent.endpoint(), in(5 * kSecond), &limit);
  ASSERT_TRUE(stream);
  std::thread hurry([&] { limit = 0; });
  std::array<char, 8> bytes{};
  const auto got = stream->readSome(bytes, in(3600 * kSecond));
  hurry.join();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::interrupted);
}

}  // namespace
}  // namespace redline
