// canned_client: the cheapest closed loop there can be, to learn what null_sink itself can do. It
// writes one and the same batch of GETs on every connection and counts the bytes that come back: it
// encodes nothing, reads no reply, records nothing. No generator can be cheaper on the same calls.

#include <sys/epoll.h>
#include <sys/resource.h>

#include <array>
#include <chrono>

#include "bench/tool.h"

namespace redline::bench {
namespace {

constexpr std::string_view kUsage =
    "usage: canned_client -port N -reply-bytes N [-cpu N] [-conns N] [-batch N] [-seconds S]\n"
    "  -reply-bytes  the length of one reply on the wire: 108 for null_sink -reply value:100";

double seconds() {
  return static_cast<double>(std::chrono::steady_clock::now().time_since_epoch().count()) / 1e9;
}

double cpuSeconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int connectTo(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    dieOfErrno(fmt::format("cannot connect to 127.0.0.1:{}", port));
  plainTcp(fd);
  return fd;
}

/// GETs of about 35 bytes, each of another key.
std::string makeBatch(std::size_t commands) {
  std::string batch;
  for (std::size_t i = 0; i < commands; ++i)
    batch += fmt::format("*2\r\n$3\r\nGET\r\n$14\r\nobj:{:010}\r\n", i);
  return batch;
}

struct Stream {
  int fd = -1;
  std::size_t missing = 0;  ///< bytes of the batch's replies that have not come yet
};

void writeBatch(Stream& stream, const std::string& batch, std::size_t replyBytes) {
  if (send(stream.fd, batch.data(), batch.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(batch.size()))
    dieOfErrno("cannot write a whole batch");
  stream.missing = replyBytes;
}

int run(int argc, char** argv) {
  Arguments arguments(argc, argv, std::string(kUsage));
  const auto port = arguments.number<std::uint16_t>("port", 7900);
  const auto replyBytes = arguments.number<std::size_t>("reply-bytes", 108);
  const int cpu = arguments.number("cpu", -1);
  const auto conns = arguments.number<std::size_t>("conns", 50);
  const auto batchSize = arguments.number<std::size_t>("batch", 64);
  const double length = arguments.number("seconds", 2.0);
  arguments.done();
  pinTo(cpu);

  const std::string batch = makeBatch(batchSize);
  std::vector<Stream> streams(conns);
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  for (Stream& stream : streams) {
    stream.fd = connectTo(port);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &stream;
    epoll_ctl(poll, EPOLL_CTL_ADD, stream.fd, &event);
  }
  std::vector<char> replies(256 * 1024);
  std::array<epoll_event, 256> events;
  std::uint64_t done = 0;
  const double begin = seconds();
  const double cpuBegin = cpuSeconds();
  for (Stream& stream : streams) writeBatch(stream, batch, batchSize * replyBytes);
  while (seconds() - begin < length) {
    const int ready = epoll_wait(poll, events.data(), static_cast<int>(events.size()), 0);
    for (std::size_t i = 0; ready > 0 && i < static_cast<std::size_t>(ready); ++i) {
      Stream& stream = *static_cast<Stream*>(events[i].data.ptr);
      const ssize_t got = recv(stream.fd, replies.data(), replies.size(), MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0) die("the sink closed a connection");
      const auto bytes = static_cast<std::size_t>(got);
      if (bytes > stream.missing) die("more bytes came back than were asked for: -reply-bytes?");
      stream.missing -= bytes;
      if (stream.missing > 0) continue;
      done += batchSize;
      writeBatch(stream, batch, batchSize * replyBytes);
    }
  }
  const double span = seconds() - begin;
  for (const Stream& stream : streams) close(stream.fd);
  close(poll);
  fmt::print(
      "{{\"commands_per_s\": {:.0f}, \"cpu_us_per_command\": {:.4f}}}\n",
      static_cast<double>(done) / span,
      (cpuSeconds() - cpuBegin) * 1e6 / static_cast<double>(std::max(done, std::uint64_t{1})));
  return 0;
}

}  // namespace
}  // namespace redline::bench

int main(int argc, char** argv) {
  return redline::bench::run(argc, argv);
}
