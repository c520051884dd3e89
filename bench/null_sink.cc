// null_sink: a RESP server that keeps nothing and answers from canned bytes, so that a generator in
// front of it meets its own ceiling and not Redis's. Bench only; listens on loopback only.
//
// It finds the true boundaries of commands, because a sink that merely counted bytes would let a
// generator's encoding errors pass. GETs of the usual form take a short cut of two comparisons.

#include <sys/epoll.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <ctime>
#include <deque>
#include <memory>
#include <span>

#include "bench/tool.h"

namespace redline::bench {
namespace {

constexpr std::string_view kUsage =
    "usage: null_sink [-port N] [-cpu N] [-reply nil|value:BYTES] [-wait spin|block]\n"
    "  -port   on 127.0.0.1; 0 takes a free one (default 7900)\n"
    "  -cpu    the CPU to stay on (default: any)\n"
    "  -reply  what every GET gets (default value:100)\n"
    "  -wait   spin: never sleeps, so a client never pays for waking it, as with a saturated\n"
    "          Redis (default); block: sleeps when idle";

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kBlockReplies = 512;  ///< canned replies that lie side by side
constexpr std::size_t kMostPieces = 256;    ///< iovecs written at once
constexpr std::uint64_t kMostWords = 1 << 20;
constexpr std::uint64_t kMostBytes = 512ULL << 20;
/// An empty poll takes less, in ns; any more was another process's time on the core.
constexpr std::int64_t kLongestPoll = 1'000;
constexpr std::string_view kOk = "+OK\r\n";

std::int64_t now() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

/// CPU time of this thread, ns.
std::int64_t cpuTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

// ---------------------------------------------------------------------------------------------
// Finding commands

enum class Scan { whole, partial, broken };

/// One command at the front of the input. The first words are kept, for those that need them.
struct Command {
  const char* end = nullptr;
  std::size_t words = 0;
  std::array<std::string_view, 3> word;
};

std::uint64_t load64(const char* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// The end of a whole GET in the form that every client here writes, with a key of up to 99 bytes;
/// nullptr for anything else, which is then looked at with care.
inline const char* endOfGet(const char* at, const char* end) {
  constexpr std::string_view kHead = "*2\r\n$3\r\nGET\r\n$";
  if (end - at < 20) return nullptr;
  if (load64(at) != load64(kHead.data()) || load64(at + 6) != load64(kHead.data() + 6))
    return nullptr;
  const char* digit = at + kHead.size();
  unsigned length = static_cast<unsigned char>(*digit++) - unsigned{'0'};
  if (length > 9) return nullptr;
  if (*digit != '\r') {
    const unsigned unit = static_cast<unsigned char>(*digit++) - unsigned{'0'};
    if (unit > 9 || *digit != '\r') return nullptr;
    length = length * 10 + unit;
  }
  const char* const last = digit + 2 + length;
  if (last + 2 > end || digit[1] != '\n' || last[0] != '\r' || last[1] != '\n') return nullptr;
  return last + 2;
}

/// Reads "<mark><number>\r\n" and moves `at` behind it.
Scan readCount(const char*& at, const char* end, char mark, std::uint64_t most,
               std::uint64_t& count) {
  if (at == end) return Scan::partial;
  if (*at != mark) return Scan::broken;
  const auto* const newline =
      static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
  if (newline == nullptr) return end - at > 24 ? Scan::broken : Scan::partial;
  const auto [stop, error] = std::from_chars(at + 1, newline, count);
  if (error != std::errc{} || stop + 1 != newline || *stop != '\r' || count > most)
    return Scan::broken;
  at = newline + 1;
  return Scan::whole;
}

Scan readCommand(const char* at, const char* end, Command& command) {
  std::uint64_t words = 0;
  if (const Scan scan = readCount(at, end, '*', kMostWords, words); scan != Scan::whole)
    return scan;
  if (words == 0) return Scan::broken;
  command.words = words;
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t length = 0;
    if (const Scan scan = readCount(at, end, '$', kMostBytes, length); scan != Scan::whole)
      return scan;
    if (static_cast<std::uint64_t>(end - at) < length + 2) return Scan::partial;
    if (at[length] != '\r' || at[length + 1] != '\n') return Scan::broken;
    if (i < command.word.size()) command.word[i] = {at, length};
    at += length + 2;
  }
  command.end = at;
  return Scan::whole;
}

bool is(std::string_view word, std::string_view upper) {
  return std::ranges::equal(word, upper, [](char a, char b) {
    return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
  });
}

bool isOneOf(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::ranges::any_of(list, [&](std::string_view each) { return is(word, each); });
}

// ---------------------------------------------------------------------------------------------
// Answers

std::string bulk(std::string_view text) {
  return fmt::format("${}\r\n{}\r\n", text.size(), text);
}

/// One reply, many times over in one piece of memory, to be written from where it lies.
class Canned {
 public:
  explicit Canned(std::string_view reply) : size_(reply.size()) {
    for (std::size_t i = 0; i < kBlockReplies; ++i) block_ += reply;
  }
  iovec pieces(std::size_t replies) { return {block_.data(), replies * size_}; }

 private:
  std::size_t size_;
  std::string block_;
};

/// What is to be written to one connection after one read, without copying canned bytes.
class Answer {
 public:
  void add(Canned& canned, std::size_t replies) {
    for (; replies > 0; replies -= std::min(replies, kBlockReplies))
      pieces_.push_back(canned.pieces(std::min(replies, kBlockReplies)));
  }
  void add(std::string text) {
    owned_.push_back(std::move(text));
    pieces_.push_back({owned_.back().data(), owned_.back().size()});
  }
  bool empty() const { return pieces_.empty(); }
  std::span<iovec> pieces() { return pieces_; }
  void clear() {
    pieces_.clear();
    owned_.clear();
  }

 private:
  std::vector<iovec> pieces_;
  std::deque<std::string> owned_;  // a deque: its elements stay where they are
};

struct Counts {
  std::uint64_t gets = 0, others = 0, reads = 0, writes = 0, connections = 0;
  std::uint64_t commands() const { return gets + others; }
};

/// As much of INFO as redline and redis-benchmark look at. Idle spinning is not in the CPU time, so
/// that the main thread's utilisation means what it means for Redis.
std::string infoText(const Counts& counts, double busy, bool nil, std::uint16_t port) {
  return fmt::format(
      "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:{:040x}\r\n"
      "tcp_port:{}\r\nprocess_id:{}\r\nserver_time_usec:{}\r\nnull_sink:1\r\n"
      "# Clients\r\nconnected_clients:{}\r\n"
      "# Memory\r\nused_memory:0\r\nused_memory_rss:0\r\nmaxmemory:0\r\n"
      "mem_fragmentation_ratio:1.00\r\n"
      "# Persistence\r\nloading:0\r\nrdb_last_bgsave_status:ok\r\naof_last_write_status:ok\r\n"
      "# Stats\r\ntotal_commands_processed:{}\r\ninstantaneous_ops_per_sec:0\r\n"
      "expired_keys:0\r\nevicted_keys:0\r\nkeyspace_hits:{}\r\nkeyspace_misses:{}\r\n"
      "latest_fork_usec:0\r\ntotal_reads_processed:{}\r\ntotal_writes_processed:{}\r\n"
      "# Replication\r\nrole:master\r\n"
      "# CPU\r\nused_cpu_sys:0\r\nused_cpu_user:{:.6f}\r\n"
      "used_cpu_sys_main_thread:0\r\nused_cpu_user_main_thread:{:.6f}\r\n"
      "# Commandstats\r\ncmdstat_get:calls={},usec=0,usec_per_call=0.00,rejected_calls=0,"
      "failed_calls=0\r\n",
      getpid(), port, getpid(),
      std::chrono::duration_cast<std::chrono::microseconds>(
          std::chrono::system_clock::now().time_since_epoch())
          .count(),
      counts.connections, counts.commands(), nil ? 0 : counts.gets, nil ? counts.gets : 0,
      counts.reads, counts.writes, busy, busy, counts.gets);
}

// ---------------------------------------------------------------------------------------------
// The server

struct Connection {
  int fd = -1;
  std::string tail;     ///< the front of a command whose rest has not come yet
  std::string pending;  ///< answers that the socket would not take; nothing is read meanwhile
};

struct Options {
  std::uint16_t port = 7900;
  bool nil = false;
  std::size_t valueBytes = 100;
  bool spin = true;
};

class Sink {
 public:
  explicit Sink(const Options& options)
      : options_(options),
        value_(options.nil ? std::string("$-1\r\n") : bulk(std::string(options.valueBytes, 'x'))),
        ok_(kOk),
        input_(kReadBytes) {
    listen();
  }
  ~Sink() {
    for (const auto& connection : connections_) ::close(connection->fd);
    ::close(listener_);
    ::close(epoll_);
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  std::uint16_t port() const { return port_; }
  const Counts& counts() const { return counts_; }
  /// Seconds of CPU at work: without what empty polls took.
  double busy() const { return std::max(0.0, static_cast<double>(cpuTime() - idle_) / 1e9); }

  void serve(const std::atomic<bool>& stop) {
    std::array<epoll_event, 256> events;
    while (!stop.load(std::memory_order_relaxed)) {
      const std::int64_t before = now();
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                   options_.spin ? 0 : 100);
      if (ready <= 0) {
        if (options_.spin) idle_ += std::min(now() - before, kLongestPoll);
        continue;
      }
      for (std::size_t i = 0; i < static_cast<std::size_t>(ready); ++i) onEvent(events[i]);
    }
  }

 private:
  void listen() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address = loopback(options_.port);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 1024) != 0)
      dieOfErrno(fmt::format("cannot listen on 127.0.0.1:{}", options_.port));
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN, nullptr);
  }

  void watch(int action, int fd, std::uint32_t what, Connection* connection) const {
    epoll_event event{};
    event.events = what;
    event.data.ptr = connection;
    epoll_ctl(epoll_, action, fd, &event);
  }

  void onEvent(const epoll_event& event) {
    auto* const connection = static_cast<Connection*>(event.data.ptr);
    if (connection == nullptr) return acceptAll();
    if (connection->fd < 0) return;  // closed earlier in this pass
    if (connection->pending.empty())
      read(*connection);
    else
      writePending(*connection);
  }

  void acceptAll() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      plainTcp(fd);
      forgetClosed();
      connections_.push_back(std::make_unique<Connection>());
      connections_.back()->fd = fd;
      ++counts_.connections;
      watch(EPOLL_CTL_ADD, fd, EPOLLIN, connections_.back().get());
    }
  }

  /// Memory of closed connections goes when the next one comes: no event can name it any more.
  void forgetClosed() {
    std::erase_if(connections_, [](const auto& each) { return each->fd < 0; });
  }

  void close(Connection& connection) {
    ::close(connection.fd);
    connection.fd = -1;
    --counts_.connections;
  }

  void read(Connection& connection) {
    const std::size_t kept = connection.tail.size();
    if (input_.size() < kept + kReadBytes) input_.resize(kept + kReadBytes);
    std::memcpy(input_.data(), connection.tail.data(), kept);
    const ssize_t got = recv(connection.fd, input_.data() + kept, input_.size() - kept, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return close(connection);
    ++counts_.reads;
    const char* const begin = input_.data();
    const char* const end = begin + kept + static_cast<std::size_t>(got);
    const char* const rest = answerAll(begin, end);
    if (rest == nullptr) {
      send(connection);
      return close(connection);
    }
    connection.tail.assign(rest, end);
    send(connection);
  }

  /// Answers every whole command; returns where the first unfinished one begins, or nullptr when
  /// the input is not RESP.
  const char* answerAll(const char* at, const char* end) {
    while (at != end) {
      const char* const first = at;
      std::size_t gets = 0;
      while (const char* const next = endOfGet(at, end)) {
        at = next;
        ++gets;
      }
      counts_.gets += gets;
      if (at != first) answer_.add(value_, gets);
      if (at == end) break;
      Command command;
      const Scan scan = readCommand(at, end, command);
      if (scan == Scan::partial) break;
      if (scan == Scan::broken) {
        answer_.add("-ERR Protocol error: null_sink found no RESP command\r\n");
        return nullptr;
      }
      answerOne(command);
      at = command.end;
    }
    return at;
  }

  void answerOne(const Command& command) {
    const std::string_view name = command.word[0];
    if (is(name, "GET") && command.words == 2) {
      ++counts_.gets;
      return answer_.add(value_, 1);
    }
    ++counts_.others;
    if (isOneOf(name, {"SET", "MSET", "AUTH", "SELECT", "CLIENT", "QUIT", "FLUSHALL"}))
      return answer_.add(ok_, 1);
    answer_.add(administrative(command));
  }

  std::string administrative(const Command& command) const {
    const std::string_view name = command.word[0];
    if (is(name, "PING")) return command.words > 1 ? bulk(command.word[1]) : "+PONG\r\n";
    if (is(name, "INFO")) return bulk(infoText(counts_, busy(), options_.nil, port_));
    if (is(name, "DBSIZE")) return ":0\r\n";
    if (is(name, "COMMAND") || is(name, "SLOWLOG") || is(name, "LATENCY")) return "*0\r\n";
    if (is(name, "CONFIG") && command.words == 3 && is(command.word[1], "GET"))
      return "*2\r\n" + bulk(command.word[2]) + bulk("");
    if (is(name, "CONFIG")) return std::string(kOk);
    if (is(name, "HELLO")) return "-NOPROTO null_sink speaks RESP2 only\r\n";
    return fmt::format("-ERR unknown command: null_sink does not answer '{:.20}'\r\n", name);
  }

  void send(Connection& connection) {
    std::span<iovec> pieces = answer_.pieces();
    while (!pieces.empty()) {
      msghdr message{};
      message.msg_iov = pieces.data();
      message.msg_iovlen = std::min(pieces.size(), kMostPieces);
      const ssize_t sent = sendmsg(connection.fd, &message, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno != EAGAIN) break;  // gone: the next read says so
      ++counts_.writes;
      pieces = without(pieces, sent < 0 ? 0 : static_cast<std::size_t>(sent));
      if (sent < 0 || (!pieces.empty() && message.msg_iovlen < kMostPieces)) {
        keep(connection, pieces);
        break;
      }
    }
    answer_.clear();
  }

  static std::span<iovec> without(std::span<iovec> pieces, std::size_t sent) {
    while (!pieces.empty() && sent >= pieces.front().iov_len) {
      sent -= pieces.front().iov_len;
      pieces = pieces.subspan(1);
    }
    if (sent > 0) {
      pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + sent;
      pieces.front().iov_len -= sent;
    }
    return pieces;
  }

  /// A client that does not read its answers: they wait here, and its commands in the kernel.
  void keep(Connection& connection, std::span<const iovec> pieces) const {
    for (const iovec& piece : pieces)
      connection.pending.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    watch(EPOLL_CTL_MOD, connection.fd, EPOLLOUT, &connection);
  }

  void writePending(Connection& connection) {
    const ssize_t sent =
        ::send(connection.fd, connection.pending.data(), connection.pending.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (sent < 0) return close(connection);
    ++counts_.writes;
    connection.pending.erase(0, static_cast<std::size_t>(sent));
    if (connection.pending.empty()) watch(EPOLL_CTL_MOD, connection.fd, EPOLLIN, &connection);
  }

  Options options_;
  Canned value_;
  Canned ok_;
  std::vector<char> input_;
  Answer answer_;
  Counts counts_;
  std::vector<std::unique_ptr<Connection>> connections_;
  int listener_ = -1;
  int epoll_ = -1;
  std::uint16_t port_ = 0;
  std::int64_t idle_ = 0;  ///< ns spent in empty polls
};

std::atomic<bool> stopAsked{false};

Options readOptions(Arguments& arguments) {
  Options options;
  options.port = arguments.number<std::uint16_t>("port", options.port);
  const std::string reply = arguments.text("reply", "value:100");
  options.nil = reply == "nil";
  constexpr std::string_view kValue = "value:";
  if (!options.nil) {
    const char* const digits = reply.data() + kValue.size();
    if (!reply.starts_with(kValue) ||
        std::from_chars(digits, reply.data() + reply.size(), options.valueBytes).ec != std::errc{})
      arguments.wrong("-reply is nil or value:BYTES, e.g. value:100");
  }
  const std::string wait = arguments.text("wait", "spin");
  if (wait != "spin" && wait != "block") arguments.wrong("-wait is spin or block");
  options.spin = wait == "spin";
  if (options.port == 6379)
    arguments.wrong("port 6379 may belong to another Redis: choose a different one");
  return options;
}

int run(int argc, char** argv) {
  Arguments arguments(argc, argv, std::string(kUsage));
  const Options options = readOptions(arguments);
  const int cpu = arguments.number("cpu", -1);
  arguments.done();
  pinTo(cpu);
  Sink sink(options);
  std::signal(SIGINT, [](int) { stopAsked = true; });
  std::signal(SIGTERM, [](int) { stopAsked = true; });
  fmt::print("listening on 127.0.0.1:{}\n", sink.port());
  std::fflush(stdout);
  sink.serve(stopAsked);
  const Counts& counts = sink.counts();
  fmt::print(
      "{} commands, {} reads, {} writes, {:.2f} s of CPU at work, {:.3f} us a command\n",
      counts.commands(), counts.reads, counts.writes, sink.busy(),
      counts.commands() == 0 ? 0 : sink.busy() * 1e6 / static_cast<double>(counts.commands()));
  return 0;
}

}  // namespace
}  // namespace redline::bench

int main(int argc, char** argv) {
  return redline::bench::run(argc, argv);
}
