#include "transport/blocking.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <limits>
#include <string>
#include <thread>

#include "support/tcp_listener.h"

namespace redline {
namespace {

Nanos in(Nanos span) {
  return SteadyClock::read() + span;
}

TEST(BlockingStream, SaysWhatToDoWhenNothingListens) {
  Endpoint vacant;
  {
    const TcpListener gone;
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
  const TcpListener listener;
  std::string heard;
  std::thread peer([&] {
    const Fd fd = listener.accept();
    std::array<char, 64> bytes{};
    const ssize_t got = ::recv(fd.get(), bytes.data(), 5, MSG_WAITALL);
    heard.assign(bytes.data(), static_cast<std::size_t>(got));
    EXPECT_EQ(::send(fd.get(), "world", 5, 0), 5);
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
  const TcpListener silent;
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
  const TcpListener silent;
  auto stream = BlockingStream::connect(silent.endpoint(), in(5 * kSecond));
  ASSERT_TRUE(stream);
  const auto written = stream->writeAll(std::string(64 << 20, 'x'), in(50 * kMillisecond));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::timeout);
}

TEST(BlockingStream, EndsAWaitWhoseLimitIsBroughtForward) {
  const TcpListener silent;
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
